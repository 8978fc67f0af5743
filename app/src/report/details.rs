//! One section per suspect: reasons, growth, owner candidates, stack, ages of its outstanding allocations.

use super::{ReportInput, charts, escape, table};
use crate::format;
use crate::leak_text;
use poolscope_analysis::leaks::Suspect;
use std::io::{self, Write};

/// Writes the sections.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    for (at, suspect) in input.shown.iter().enumerate() {
        one(out, input, at + 1, suspect)?;
    }
    Ok(())
}

fn one(out: &mut dyn Write, input: &ReportInput<'_>, rank: usize, suspect: &Suspect) -> io::Result<()> {
    let tag = escape(leak_text::tag(suspect));
    let owner = leak_text::driver(suspect).map_or_else(String::new, |d| format!(" &middot; {}", escape(d)));
    let (class, verdict) = (table::class(suspect), suspect.verdict);
    writeln!(out, "<section id=\"s{rank}\" class=\"one\">")?;
    writeln!(out, "<h2>{rank}. <span class=\"code\">{tag}</span>{owner} <b class=\"v {class}\">{verdict}</b></h2>")?;
    writeln!(out, "<p class=\"dim\">{}</p>\n<div class=\"pair\">\n<div>\n<ul>", verdict.description())?;
    for reason in leak_text::reasons(suspect).into_iter().chain(leak_text::cost(suspect, input.analysis)) {
        writeln!(out, "<li>{}</li>", escape(&reason))?;
    }
    for line in leak_text::attribution::lines(suspect, input.owner_data) {
        writeln!(out, "<li>{}</li>", escape(&line))?;
    }
    writeln!(out, "</ul>\n</div>")?;
    let clock = &input.names.trace().clock;
    let active = input.analysis.range.active;
    let seconds = clock.seconds(active.to) - clock.seconds(active.from);
    if suspect.evidence.outstanding.count > 0 {
        write!(out, "<div>{}</div>", charts::age_histogram(suspect, seconds))?;
    }
    writeln!(out, "</div>")?;
    let stacks = input.names.stacks();
    let frames = stacks.frames(stacks.node_of(suspect.stack));
    if !frames.is_empty() {
        let share = format::percent(suspect.stack_share);
        writeln!(
            out,
            "<h3>Stack of {share} of the outstanding bytes, outermost frame first</h3>\n<ol class=\"stack code\">"
        )?;
        for frame in frames {
            writeln!(out, "<li>{}</li>", escape(frame))?;
        }
        writeln!(out, "</ol>")?;
    }
    writeln!(out, "</section>")
}
