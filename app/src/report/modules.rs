//! The modules on the stacks and the states of their symbols.

use super::{ReportInput, escape};
use crate::format;
use std::io::{self, Write};

/// Writes the section; nothing if the states are not known.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    if input.modules.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section>\n<h2>Modules and symbols</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>Module</th><th>State</th>\
         <th class=\"n\">Outstanding</th><th class=\"n\">Frames</th><th class=\"n\">Named</th><th>PDB</th></tr></thead>\n<tbody>"
    )?;
    for module in input.modules {
        writeln!(
            out,
            "<tr><td class=\"code\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"code\">{}</td></tr>",
            escape(&module.name),
            escape(&module.state),
            format::bytes(module.outstanding_bytes),
            format::count(module.frames),
            format::count(module.named),
            escape(&module.pdb),
        )?;
    }
    writeln!(out, "</tbody>\n</table></div>\n</section>")
}
