//! `leaks` for reading: the sentence, what lowers its worth, then the suspects with their reasons.

use super::io::Io;
use super::leaks::LeakReport;
use super::record_args;
use crate::{format, leak_text};
use poolscope_analysis::leaks::Suspect;
use std::io::{self, Write};

/// Suspects whose stack is shown.
const STACKS: usize = 3;
const TITLES: [&str; 9] = ["#", "Verdict", "Sure", "Growth", "Impacting", "Blocks", "Frees", "Pool", "Tag"];
/// Columns of text; the others are figures and stand on the right.
const LEFT: [usize; 3] = [1, 7, 8];

/// Writes it, with these suspects.
///
/// # Errors
/// What the writer says.
pub fn write(io: &mut Io<'_>, verdict: &LeakReport<'_>, shown: &[&Suspect]) -> io::Result<()> {
    let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let judgement = verdict.judgement;
    writeln!(io.out, "{}\n\n{bold}{}{end}", verdict.heading(), leak_text::summary(judgement))?;
    let notes = judgement.data_quality.issues.iter().map(leak_text::data_quality_note);
    for note in notes.chain(leak_text::counter_comparison(&judgement.data_quality)).chain(leak_text::grouping_note(judgement)) {
        writeln!(io.out, "  - {note}")?;
    }
    let cells: Vec<[String; TITLES.len()]> = shown.iter().enumerate().map(|(at, s)| cells(at, s)).collect();
    let width = |column: usize| {
        let texts = cells.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count());
        texts.chain(TITLES.get(column).map(|title| title.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    if !shown.is_empty() {
        writeln!(io.out, "\n{}  From", line(&TITLES.map(str::to_owned), &widths))?;
    }
    for (at, (suspect, cells)) in shown.iter().zip(&cells).enumerate() {
        let place = place(suspect);
        writeln!(io.out, "{bold}{}{end}", format!("{}  {place}", line(cells, &widths)).trim_end())?;
        below(&mut io.out, verdict, suspect, at < STACKS)?;
    }
    rest(&mut io.out, verdict, shown)
}

/// The figures of a suspect, in the order of [`TITLES`].
pub(super) fn cells(at: usize, suspect: &Suspect) -> [String; TITLES.len()] {
    let evidence = &suspect.evidence;
    [
        (at + 1).to_string(),
        suspect.verdict.name().to_owned(),
        leak_text::confidence(suspect.confidence),
        leak_text::rate(suspect.growth_bytes_per_s),
        format::bytes(evidence.outstanding.bytes),
        format::count(evidence.outstanding.count),
        format::count(evidence.freed.count),
        leak_text::pool(suspect.paged).to_owned(),
        leak_text::tag(suspect).to_owned(),
    ]
}

/// Driver and function.
pub(super) fn place(suspect: &Suspect) -> &str {
    if suspect.function.is_empty() { &suspect.driver } else { &suspect.function }
}

fn line(cells: &[String; TITLES.len()], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(column, (text, width))| {
        if LEFT.contains(&column) { format!("{text:<width$}") } else { format!("{text:>width$}") }
    });
    padded.collect::<Vec<_>>().join("  ")
}

fn below(out: &mut dyn Write, verdict: &LeakReport<'_>, suspect: &Suspect, with_stack: bool) -> io::Result<()> {
    for reason in leak_text::reasons(suspect) {
        writeln!(out, "     {reason}")?;
    }
    if let Some(cost) = leak_text::cost(suspect, verdict.judgement) {
        writeln!(out, "     {cost}")?;
    }
    for line in verdict.behind(suspect) {
        writeln!(out, "     {line}")?;
    }
    let stack = verdict.stack(suspect);
    if with_stack && !stack.is_empty() {
        writeln!(out, "     stack of {} of it, from the outermost frame:", leak_text::percent(suspect.stack_share))?;
        for frame in &stack {
            writeln!(out, "       {frame}")?;
        }
    }
    if stack.is_empty()
        && suspect.verdict.is_growing()
        && let Some(command) = suspect.tag.as_ref().and_then(|tag| record_args::command(&[tag]))
    {
        writeln!(out, "     no stack says who allocates it; to record that: {command}")?;
    }
    writeln!(out)
}

/// What is not shown, and the pools as a whole.
fn rest(out: &mut dyn Write, verdict: &LeakReport<'_>, shown: &[&Suspect]) -> io::Result<()> {
    let suspects = &verdict.judgement.suspects;
    if suspects.is_empty() {
        return Ok(());
    }
    if shown.is_empty() {
        writeln!(out)?;
    }
    if let Some(left_out) = verdict.left_out(shown) {
        writeln!(out, "{left_out}")?;
    }
    let innocents = leak_text::non_leaking_counts(suspects);
    if !innocents.is_empty() && shown.len() < suspects.len() {
        writeln!(out, "Innocent: {innocents}; --all shows them.")?;
    }
    let [nonpaged, paged] = verdict.judgement.pools.each_ref().map(leak_text::pool_growth);
    writeln!(out, "All that is outstanding: nonpaged {nonpaged}, paged {paged}.")
}
