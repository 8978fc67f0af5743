//! `report --format markdown`: a table for a ticket or a mail.

use super::report_text::Heading;
use crate::format;
use poolscope_analysis::group::values::Value;
use poolscope_analysis::export::FigureTable;
use std::io::{self, Write};

/// Writes the groups of `table`, of `all` in all.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, heading: &Heading<'_>, table: &FigureTable<'_>, all: usize) -> io::Result<()> {
    writeln!(out, "**{}**\n", escape(&heading.line()))?;
    let keys = table.pivot.keys();
    let titles = keys.iter().map(|k| k.title().to_owned()).chain(table.figures.iter().map(|f| f.title()));
    writeln!(out, "| {} |", titles.collect::<Vec<_>>().join(" | "))?;
    let rules = keys.iter().map(|_| "---").chain(table.figures.iter().map(|_| "---:"));
    writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
    for group in table.order {
        let cells = (0..keys.len()).map(|column| cell(&table.pivot.value(*group as usize, column)));
        let figures = table.figures.iter().map(|f| format::figure((table.figure)(Some(*group), *f), f.unit()));
        writeln!(out, "| {} |", cells.chain(figures).collect::<Vec<_>>().join(" | "))?;
    }
    let total = table.figures.iter().map(|f| format!("**{}**", format::figure((table.figure)(None, *f), f.unit())));
    let label = keys.iter().enumerate().map(|(at, _)| if at == 0 { "**Total**".to_owned() } else { String::new() });
    writeln!(out, "| {} |", label.chain(total).collect::<Vec<_>>().join(" | "))?;
    let rest = all - table.order.len();
    if rest > 0 {
        writeln!(out, "\n{} more groups are not shown.", format::count(rest as u64))?;
    }
    Ok(())
}

fn cell(value: &Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => escape(text),
        Value::Number(number) => number.to_string(),
        Value::Seconds(seconds) => format::duration(*seconds),
        Value::Frames(frames) => frames.iter().map(|f| escape(f)).collect::<Vec<_>>().join("<br>"),
    }
}

/// A text without what Markdown would take for its own. Trailing spaces, as tags have them, would be lost anyway.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '\\' | '[' | ']' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_markdown_would_take_for_its_own_is_escaped() {
        assert_eq!(escape("a|b_<c>"), "a\\|b\\_&lt;c&gt;");
        assert_eq!(cell(&Value::Frames(vec!["a!b", "c|d"])), "a!b<br>c\\|d");
    }
}
