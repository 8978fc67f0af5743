//! The report as Markdown, for a ticket or an e-mail.

use super::{PageTable, ReportInput};
use crate::text_table::{Column, Table, escape_markdown};
use crate::{format, leak_text};
use poolscope_analysis::group::column::KeyValue;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::leaks::owner::TagOwnerData;
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};
use std::io::{self, Write};

/// Writes the report.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let analysis = input.analysis;
    let clock = input.names.trace().clock;
    let seconds = |time| format!("{:.3} s", clock.seconds(time));
    let visible = analysis.request.visible_range;
    writeln!(out, "# {}\n", escape_markdown(&leak_text::summary(analysis)))?;
    writeln!(
        out,
        "{}: {} to {}, analyzed {} to {}, by {}",
        escape_markdown(input.name),
        seconds(visible.from),
        seconds(visible.to),
        seconds(analysis.range.warm_up_end),
        seconds(analysis.range.active.to),
        analysis.request.grouping.name(),
    )?;
    let suspects = SuspectSections { analysis, names: input.names, owner_data: input.owner_data, heading: "##" };
    suspects.write(out, input.shown)?;
    if let Some(note) = input.hidden_suspects_note {
        writeln!(out, "\n{}", escape_markdown(note))?;
    }
    write_markers(out, input)?;
    if let Some(table) = &input.table {
        let titles: Vec<&str> = table.rows.pivot.keys().iter().map(|key| key.title()).collect();
        writeln!(out, "\n## Allocations by {}\n", titles.join(", "))?;
        write_table(out, table)?;
    }
    write_modules(out, input)?;
    write_quality(out, input)
}

/// Columns of a table of suspects; `impacting` is the title of the impacting size.
#[must_use]
pub fn suspect_columns(impacting: &str) -> Vec<Column> {
    vec![
        Column::number("#"),
        Column::text("Verdict"),
        Column::number("Confidence"),
        Column::number("Growth"),
        Column::number(impacting),
        Column::number("Count"),
        Column::number("Frees"),
        Column::text("Pool"),
        Column::text("Tag"),
        Column::text("Function"),
    ]
}

/// Cells of a suspect in the order of [`suspect_columns`], without escapes.
#[must_use]
pub fn suspect_cells(at: usize, suspect: &Suspect) -> Vec<String> {
    let evidence = &suspect.evidence;
    let function = if suspect.function.is_empty() { &suspect.driver } else { &suspect.function };
    vec![
        (at + 1).to_string(),
        suspect.verdict.name().to_owned(),
        if suspect.has_growth { format::confidence(suspect.confidence) } else { "-".to_owned() },
        // A debugger log has no times.
        if suspect.has_growth { format::growth_rate(suspect.growth_bytes_per_s) } else { "-".to_owned() },
        format::bytes(evidence.outstanding.bytes),
        format::count(evidence.outstanding.count),
        format::count(evidence.freed.count),
        if suspect.is_pool_known { leak_text::pool(suspect.is_paged) } else { "unknown" }.to_owned(),
        leak_text::tag(suspect).to_owned(),
        function.clone(),
    ]
}

/// Title of a suspect's stack.
#[must_use]
pub fn stack_title(suspect: &Suspect) -> String {
    if suspect.evidence.outstanding.bytes == 0 {
        return "A stack of the outstanding allocations, outermost frame first".to_owned();
    }
    format!("Stack of {} of the outstanding bytes, outermost frame first", format::percent(suspect.stack_share))
}

/// Suspects as a table, and as a section each: reasons, growth, origin, stack.
pub struct SuspectSections<'s> {
    /// The analysis.
    pub analysis: &'s LeakAnalysis,
    /// The trace with the names of its stacks.
    pub names: &'s ColumnValues,
    /// Further sources of tag owners.
    pub owner_data: TagOwnerData<'s>,
    /// Marks of the headings of sections, such as `##`.
    pub heading: &'s str,
}

impl SuspectSections<'_> {
    /// Writes the table and the sections.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write(&self, out: &mut dyn Write, shown: &[&Suspect]) -> io::Result<()> {
        if !shown.is_empty() {
            let escaped = |(at, suspect): (usize, &&Suspect)| {
                suspect_cells(at, suspect).iter().map(|cell| escape_markdown(cell)).collect()
            };
            writeln!(out)?;
            let rows = shown.iter().enumerate().map(escaped).collect();
            Table::new(suspect_columns("Impacting Size"), rows).write_markdown(out)?;
        }
        shown.iter().enumerate().try_for_each(|(at, suspect)| self.write_section(out, at, suspect))
    }

    /// Reasons and growth of a suspect, then the lines about its origin.
    #[must_use]
    pub fn lines(&self, suspect: &Suspect) -> Vec<String> {
        let reasons = leak_text::reasons(suspect).into_iter().chain(leak_text::cost(suspect, self.analysis));
        reasons.chain(leak_text::attribution::lines(suspect, self.owner_data)).collect()
    }

    fn write_section(&self, out: &mut dyn Write, at: usize, suspect: &Suspect) -> io::Result<()> {
        let tag = escape_markdown(leak_text::tag(suspect));
        let driver = leak_text::driver(suspect).map_or_else(String::new, |d| format!(" of {}", escape_markdown(d)));
        writeln!(out, "\n{} {}. {tag}{driver}: {}\n", self.heading, at + 1, suspect.verdict)?;
        for line in self.lines(suspect) {
            writeln!(out, "- {}", escape_markdown(&line))?;
        }
        let stacks = self.names.stacks();
        let frames = stacks.frames(stacks.node_of(suspect.stack));
        if frames.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}:\n", stack_title(suspect))?;
        for frame in frames {
            // Four blanks make a code block, which needs no escapes.
            writeln!(out, "    {}", frame.replace(['\n', '\r'], " "))?;
        }
        Ok(())
    }
}

fn write_markers(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let markers = input.names.generations().markers();
    if markers.is_empty() {
        return Ok(());
    }
    let clock = &input.names.trace().clock;
    writeln!(out, "\n## Markers\n")?;
    markers.iter().enumerate().try_for_each(|(at, marker)| writeln!(out, "{}. {:.3} s", at + 1, clock.seconds(*marker)))
}

fn write_modules(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    if input.modules.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Modules and symbols\n")?;
    let columns = vec![
        Column::text("Module"),
        Column::text("State"),
        Column::number("Outstanding"),
        Column::number("Frames"),
        Column::number("Named"),
        Column::text("PDB"),
    ];
    let cells = |module: &crate::export::ModuleLine| {
        vec![
            escape_markdown(&module.name),
            escape_markdown(&module.state),
            format::bytes(module.outstanding_bytes),
            format::count(module.frames),
            format::count(module.named),
            escape_markdown(&module.pdb),
        ]
    };
    Table::new(columns, input.modules.iter().map(cells).collect()).write_markdown(out)
}

fn write_quality(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let data_quality = &input.analysis.data_quality;
    writeln!(out, "\n## Data quality\n")?;
    if data_quality.issues.is_empty() {
        writeln!(out, "- No data loss that would change a verdict.")?;
    }
    let issues = data_quality.issues.iter().map(leak_text::data_quality_note);
    let notes =
        issues.chain(leak_text::counter_comparison(data_quality)).chain(leak_text::grouping_note(input.analysis));
    for note in notes {
        writeln!(out, "- {}", escape_markdown(&note))?;
    }
    for row in input.names.trace().diagnostics.rows() {
        let (severity, times) = (row.kind.severity().name(), format::count(row.count));
        writeln!(out, "- {severity}: {} ({times})", escape_markdown(row.kind.effect()))?;
    }
    Ok(())
}

/// Writes a table of groups with its total.
///
/// # Errors
/// If the output cannot be written.
pub fn write_table(out: &mut dyn Write, table: &PageTable<'_>) -> io::Result<()> {
    let rows = table.rows;
    if let Some(query) = table.query {
        writeln!(out, "Only rows that match {}\n", escape_markdown(query))?;
    }
    let keys = rows.pivot.keys();
    let key_columns = keys.iter().map(|key| Column::text(key.title()));
    let columns = key_columns.chain(rows.metrics.iter().map(|metric| Column::number(metric.title()))).collect();
    let figures = |group: Option<u32>| {
        rows.metrics.iter().map(move |metric| format::figure((rows.value)(group, *metric), metric.unit()))
    };
    let cells = |group: &u32| {
        let values = (0..keys.len()).map(|column| cell(&rows.pivot.key_value(*group as usize, column)));
        values.chain(figures(Some(*group))).collect()
    };
    let label = keys.iter().enumerate().map(|(at, _)| if at == 0 { "**Total**".to_owned() } else { String::new() });
    let total: Vec<String> = label.chain(figures(None).map(|figure| format!("**{figure}**"))).collect();
    Table::new(columns, rows.order.iter().map(cells).chain([total]).collect()).write_markdown(out)?;
    let rest = table.all.saturating_sub(rows.order.len()) as u64;
    if rest > 0 {
        writeln!(out, "\n{} not shown.", format::counted(rest, "more row is", "more rows are"))?;
    }
    Ok(())
}

fn cell(value: &KeyValue<'_>) -> String {
    match value {
        KeyValue::Null => String::new(),
        KeyValue::Text(text) => escape_markdown(text),
        KeyValue::Number(number) => number.to_string(),
        KeyValue::Seconds(seconds) => format::duration(*seconds),
        KeyValue::Frames(frames) => frames.iter().map(|frame| escape_markdown(frame)).collect::<Vec<_>>().join("<br>"),
    }
}
