//! `leaks --format markdown`: the verdict for a ticket or a mail to the owner of a driver.

use super::leaks::LeakReport;
use super::leaks_text::{cells, place};
use super::report_markdown::escape;
use crate::leak_text;
use poolscope_analysis::leaks::Suspect;
use std::io::{self, Write};

/// Writes it, with these suspects.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, verdict: &LeakReport<'_>, shown: &[&Suspect]) -> io::Result<()> {
    let judgement = verdict.judgement;
    writeln!(out, "**{}**\n\n{}", escape(&leak_text::summary(judgement)), escape(&verdict.heading()))?;
    if !shown.is_empty() {
        writeln!(out, "\n| # | Verdict | Sure | Growth | Impacting size | Blocks | Frees | Pool | Tag | From |")?;
        writeln!(out, "| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |")?;
    }
    for (at, suspect) in shown.iter().enumerate() {
        let place = place(suspect).to_owned();
        let cells: Vec<String> = cells(at, suspect).into_iter().chain([place]).map(|cell| escape(&cell)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    for (at, suspect) in shown.iter().enumerate() {
        details(out, verdict, at, suspect)?;
    }
    if let Some(left_out) = verdict.left_out(shown) {
        writeln!(out, "\n{}", escape(&left_out))?;
    }
    let innocents = leak_text::non_leaking_counts(&judgement.suspects);
    if !innocents.is_empty() {
        writeln!(out, "\nInnocent: {innocents}.")?;
    }
    let trust = &judgement.data_quality;
    writeln!(out, "\n### Data quality\n")?;
    let notes = trust.issues.iter().map(leak_text::data_quality_note);
    let notes: Vec<String> =
        notes.chain(leak_text::counter_comparison(trust)).chain(leak_text::grouping_note(judgement)).collect();
    if trust.issues.is_empty() {
        writeln!(out, "- Nothing is known to be missing from the trace.")?;
    }
    for note in notes {
        writeln!(out, "- {}", escape(&note))?;
    }
    Ok(())
}

fn details(out: &mut dyn Write, verdict: &LeakReport<'_>, at: usize, suspect: &Suspect) -> io::Result<()> {
    let (tag, driver) = (escape(leak_text::tag(suspect)), leak_text::driver(suspect).map(escape));
    let owner = driver.map_or_else(String::new, |driver| format!(" of {driver}"));
    writeln!(out, "\n### {}. {tag}{owner}: {}\n", at + 1, suspect.verdict)?;
    for reason in leak_text::reasons(suspect).into_iter().chain(leak_text::cost(suspect, verdict.judgement)) {
        writeln!(out, "- {}", escape(&reason))?;
    }
    for line in verdict.behind(suspect) {
        writeln!(out, "- {}", escape(&line))?;
    }
    let stack = verdict.stack(suspect);
    if !stack.is_empty() {
        // A line that is indented by four is code whatever it holds.
        writeln!(out, "\nStack of {} of it, from the outermost frame:\n", leak_text::percent(suspect.stack_share))?;
        for frame in stack {
            writeln!(out, "    {}", frame.replace(['\n', '\r'], " "))?;
        }
    }
    Ok(())
}
