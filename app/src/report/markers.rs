//! The markers on the time axis, which delimit generations.

use super::{ReportInput, escape};
use crate::format;
use std::io::{self, Write};

/// Writes the section; nothing without markers.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let markers = input.names.generations().markers();
    if markers.is_empty() {
        return Ok(());
    }
    let clock = &input.names.trace().clock;
    writeln!(out, "<section>\n<h2>Markers</h2>\n<ol class=\"markers\">")?;
    for marker in markers {
        let wall_clock = format::wall_clock(clock, *marker).map_or_else(String::new, |text| format!(", {text}"));
        let text = format!("{:.3} s{wall_clock}", clock.seconds(*marker));
        writeln!(out, "<li>{}</li>", escape(&text))?;
    }
    writeln!(out, "</ol>\n</section>")
}
