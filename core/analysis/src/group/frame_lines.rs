//! Source lines of the displayed frames, by their texts: for files that name frames by text.

use super::column_values::ColumnValues;
use super::frames::{FrameNaming, frame_label};
use crate::trace::ids::FrameId;
use poolscope_symbols::names::SourceLine;
use rustc_hash::FxHashMap;

/// The source line of each displayed frame that has one. Several addresses can share a text, such as all calls in a function if
/// frames are named by function; then it is the line of the lowest address.
#[must_use]
pub fn frame_lines(names: &ColumnValues) -> FxHashMap<String, SourceLine> {
    let mut lines: FxHashMap<String, (u64, SourceLine)> = FxHashMap::default();
    let (trace, naming) = (names.trace(), names.naming());
    let Some(symbols) = names.symbols().filter(|_| naming != FrameNaming::Module) else {
        return FxHashMap::default();
    };
    for (at, row) in trace.stacks.frame_rows().iter().enumerate() {
        let frame = FrameId(at as u32);
        let Some(answer) = symbols.answer(frame) else { continue };
        let own = answer.line.iter().map(|line| (frame_label(trace, naming, Some(&**symbols), frame), line));
        let module = trace.modules.get(row.module).map_or_else(String::new, |module| format!("{}!", module.name));
        let inlined = answer.inlined.iter().filter(|_| naming == FrameNaming::Function);
        let inlined = inlined
            .filter_map(|inlined| Some((format!("{module}{} [inlined]", inlined.function), inlined.line.as_ref()?)));
        for (text, line) in own.chain(inlined) {
            let known = lines.get(&text).is_some_and(|(address, _)| *address <= row.address);
            if !known {
                lines.insert(text, (row.address, line.clone()));
            }
        }
    }
    lines.into_iter().map(|(text, (_, line))| (text, line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{FakeNames, block, trace};
    use std::sync::Arc;

    #[test]
    fn frames_lead_to_their_lines() {
        let mut one = block(Some(1), None, 8);
        one.stack = &["nt:20", "my:30", "other:4"];
        let trace = trace(&[one]);
        let symbols = Arc::new(FakeNames::new(&trace, &[("my:30", "Grow > fill"), ("other:4", "~Start")]));
        let names = ColumnValues::new(Arc::clone(&trace), FrameNaming::Function).with_symbols(symbols);
        let lines = frame_lines(&names);
        assert_eq!(lines.get("myfault.sys!Grow").map(|line| line.line), Some(7));
        assert_eq!(lines.get("myfault.sys!fill [inlined]").map(|line| line.line), Some(9));
        assert_eq!(lines.len(), 2, "exports and frames without symbols have no line");
        let by_symbol = frame_lines(&names.with_naming(FrameNaming::Symbol));
        assert_eq!(by_symbol.get("myfault.sys!Grow+0x1").map(|line| line.line), Some(7));
    }
}
