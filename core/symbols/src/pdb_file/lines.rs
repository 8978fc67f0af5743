//! Source lines of a compiland: which line an offset of a procedure belongs to, and the names of the files.

use super::inlines::FileLine;
use crate::names::SourceLine;
use pdb::{FallibleIterator, LineProgram, ModuleInfo, PdbInternalSectionOffset, StringTable};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The lines of one compiland.
pub(super) struct Lines<'m, 's> {
    program: Option<LineProgram<'m>>,
    strings: Option<&'m StringTable<'s>>,
    files: FxHashMap<u32, Option<Arc<str>>>,
}

/// The lines of one procedure: where each starts, in the order of the code.
pub(super) struct ProcedureLines(Vec<(u32, FileLine)>);

impl<'m, 's> Lines<'m, 's> {
    /// The lines that a compiland's stream has; of old kinds or damaged there are none.
    pub(super) fn new(info: &'m ModuleInfo<'_>, strings: Option<&'m StringTable<'s>>) -> Self {
        Self { program: info.line_program().ok(), strings, files: FxHashMap::default() }
    }

    /// The lines of the procedure that starts at `start`.
    pub(super) fn of(&self, start: PdbInternalSectionOffset) -> ProcedureLines {
        let mut found = Vec::new();
        if let Some(program) = &self.program {
            let mut lines = program.lines_for_symbol(start);
            while let Ok(Some(info)) = lines.next() {
                if info.offset.section == start.section && info.offset.offset >= start.offset {
                    found.push((info.offset.offset, FileLine { file: info.file_index, line: info.line_start }));
                }
            }
        }
        // Lines of several files stand file by file. Of two at one place the later one counts.
        found.sort_by_key(|(offset, _)| *offset);
        ProcedureLines(found)
    }

    /// A line with the name of its file. Line 0 is how compilers mark code that belongs to no line.
    pub(super) fn named(&mut self, at: FileLine) -> Option<SourceLine> {
        if at.line == 0 {
            return None;
        }
        let (program, strings) = (self.program.as_ref()?, self.strings?);
        let name = || {
            let name = program.get_file_info(at.file).ok()?.name;
            Some(Arc::from(name.to_string_lossy(strings).ok()?))
        };
        let file = self.files.entry(at.file.0).or_insert_with(name).clone()?;
        Some(SourceLine { file, line: at.line })
    }
}

impl ProcedureLines {
    /// The line that an offset in the section belongs to.
    pub(super) fn at(&self, offset: u32) -> Option<FileLine> {
        let behind = self.0.partition_point(|(start, _)| *start <= offset);
        self.0.get(behind.checked_sub(1)?).map(|(_, line)| *line)
    }
}
