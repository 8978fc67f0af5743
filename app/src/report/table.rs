//! Table of the suspects.

use super::{ReportInput, charts, escape};
use crate::{format, leak_text};
use poolscope_analysis::leaks::Suspect;
use std::io::{self, Write};

/// Writes the table and the number of analyzed tags that do not leak.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let suspects = &input.analysis.suspects;
    if suspects.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Suspects</h2>")?;
    if input.shown.is_empty() {
        // The summary may still name a leak that is not shown.
        if input.hidden_suspects_note.is_none() {
            writeln!(out, "<p>None.</p>")?;
        }
    } else {
        let titles = "<th>Verdict</th><th>Pool tag</th><th>Pool</th><th>Driver and function</th><th>Outstanding</th>\
                      <th class=\"n\">Growth</th><th class=\"n\">Impacting size</th><th class=\"n\">Count</th>\
                      <th class=\"n\">Frees</th><th class=\"n\">Confidence</th>";
        writeln!(out, "<div class=\"wide\"><table>\n<thead><tr><th class=\"n\">#</th>{titles}</tr></thead>\n<tbody>")?;
        for (at, suspect) in input.shown.iter().enumerate() {
            row(out, at + 1, suspect)?;
        }
        writeln!(out, "</tbody>\n</table></div>")?;
    }
    if let Some(note) = input.hidden_suspects_note {
        writeln!(out, "<p>{}</p>", escape(note))?;
    }
    let not_leaking = leak_text::non_leaking_counts(suspects);
    if !not_leaking.is_empty() {
        writeln!(out, "<p class=\"dim\">Not leaking: {not_leaking}.</p>")?;
    }
    let [nonpaged, paged] = input.analysis.pools.each_ref().map(leak_text::pool_growth);
    writeln!(out, "<p class=\"dim\">Net growth: nonpaged pool {nonpaged}, paged pool {paged}.</p>\n</section>")
}

fn row(out: &mut dyn Write, rank: usize, suspect: &Suspect) -> io::Result<()> {
    let evidence = &suspect.evidence;
    let growth = format::growth_rate(suspect.growth_bytes_per_s);
    let place = [leak_text::driver(suspect).unwrap_or(""), leak_text::function(suspect)].map(escape);
    writeln!(
        out,
        "<tr><td class=\"n\"><a href=\"#s{rank}\">{rank}</a></td><td><b class=\"v {class}\">{verdict}</b></td>\
         <td class=\"code\">{tag}</td><td>{pool}</td><td class=\"code\">{driver}<br>{function}</td><td>{trend}</td>\
         <td class=\"n\">{growth}</td><td class=\"n\">{size}</td><td class=\"n\">{count}</td><td class=\"n\">{frees}</td>\
         <td class=\"n\">{confidence}</td></tr>",
        class = class(suspect),
        verdict = suspect.verdict,
        tag = escape(leak_text::tag(suspect)),
        pool = leak_text::pool(suspect.is_paged),
        driver = place[0],
        function = place[1],
        trend = charts::sparkline(suspect),
        size = format::bytes(evidence.outstanding.bytes),
        count = format::count(evidence.outstanding.count),
        frees = format::count(evidence.freed.count),
        confidence = format::confidence(suspect.confidence),
    )
}

/// CSS class of a verdict.
pub fn class(suspect: &Suspect) -> &'static str {
    use poolscope_analysis::leaks::Verdict;
    match suspect.verdict {
        Verdict::Leak => "bad",
        Verdict::Growing | Verdict::Stopped | Verdict::Burst => "warn",
        _ => "calm",
    }
}
