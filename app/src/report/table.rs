//! The suspects as a table.

use super::{ReportInput, escape, charts};
use crate::{format, leak_text};
use poolscope_analysis::leaks::Suspect;
use std::io::{self, Write};

/// Writes the table, and how many others there are.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let suspects = &input.judgement.suspects;
    if suspects.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Suspects</h2>")?;
    if input.shown.is_empty() {
        // The headline may still say that something leaks.
        if input.left_out.is_none() {
            writeln!(out, "<p>None.</p>")?;
        }
    } else {
        let titles = "<th>Verdict</th><th>Pool tag</th><th>Pool</th><th>Driver and function</th><th>Course</th>\
                      <th class=\"n\">Growth</th><th class=\"n\">Impacting size</th><th class=\"n\">Blocks</th>\
                      <th class=\"n\">Frees</th><th class=\"n\">Sure</th>";
        writeln!(out, "<div class=\"wide\"><table>\n<thead><tr><th class=\"n\">#</th>{titles}</tr></thead>\n<tbody>")?;
        for (at, suspect) in input.shown.iter().enumerate() {
            row(out, at + 1, suspect)?;
        }
        writeln!(out, "</tbody>\n</table></div>")?;
    }
    if let Some(left_out) = input.left_out {
        writeln!(out, "<p>{}</p>", escape(left_out))?;
    }
    let innocents = leak_text::non_leaking_counts(suspects);
    if !innocents.is_empty() {
        writeln!(out, "<p class=\"dim\">Innocent: {innocents}.</p>")?;
    }
    let [nonpaged, paged] = input.judgement.pools.each_ref().map(leak_text::pool_growth);
    writeln!(out, "<p class=\"dim\">All that is outstanding: nonpaged {nonpaged}, paged {paged}.</p>\n</section>")
}

fn row(out: &mut dyn Write, rank: usize, suspect: &Suspect) -> io::Result<()> {
    let evidence = &suspect.evidence;
    let growth = leak_text::rate(suspect.growth_bytes_per_s);
    let place = [leak_text::driver(suspect).unwrap_or(""), leak_text::function(suspect)].map(escape);
    writeln!(
        out,
        "<tr><td class=\"n\"><a href=\"#s{rank}\">{rank}</a></td><td><b class=\"v {class}\">{verdict}</b></td>\
         <td class=\"code\">{tag}</td><td>{pool}</td><td class=\"code\">{driver}<br>{function}</td><td>{course}</td>\
         <td class=\"n\">{growth}</td><td class=\"n\">{size}</td><td class=\"n\">{blocks}</td><td class=\"n\">{frees}</td>\
         <td class=\"n\">{sure}</td></tr>",
        class = class(suspect),
        verdict = suspect.verdict,
        tag = escape(leak_text::tag(suspect)),
        pool = leak_text::pool(suspect.paged),
        driver = place[0],
        function = place[1],
        course = charts::sparkline(suspect),
        size = format::bytes(evidence.survivors.bytes),
        blocks = format::count(evidence.survivors.count),
        frees = format::count(evidence.freed.count),
        sure = leak_text::confidence(suspect.confidence),
    )
}

/// The colour of a verdict.
pub fn class(suspect: &Suspect) -> &'static str {
    use poolscope_analysis::leaks::Verdict;
    match suspect.verdict {
        Verdict::Leak => "bad",
        Verdict::Growing | Verdict::Stopped | Verdict::Burst => "warn",
        _ => "calm",
    }
}
