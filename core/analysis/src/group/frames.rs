//! Texts of stack frames. Frames with the same text are displayed as one frame. A name that is only the nearest export
//! always has its offset, so that two functions are not merged by it.

use super::display_stacks::FrameTexts;
use super::responsible::recording_frames;
use super::wrapper_rules::WrapperRules;
use crate::trace::Trace;
use crate::trace::ids::FrameId;
use crate::trace::stack::{Frame, FrameSymbols};
use poolscope_symbols::names::{AddressSymbol, InlinedFunction, NameSource, SourceLine};
use rayon::prelude::*;
use std::str::FromStr;

/// End of the text of a function that is inlined in another.
pub(super) const INLINED_MARK: &str = " [inlined]";

/// The parts of a frame that are displayed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FrameNaming {
    /// The raw return address, `0x…`.
    Address,
    /// The file name of the module; the address if no module is known.
    Module,
    /// `module!function+0xoff`, else `module+0xrva`, else the address.
    #[default]
    Symbol,
    /// `module!function`, else as [`Self::Symbol`]. A function that calls itself is one frame, functions inlined in it are
    /// below it as `module!function [inlined]`, and frames of the recorder are left out at the inner end. Mutual recursion is
    /// not folded.
    Function,
}

impl FrameNaming {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Module => "module",
            Self::Symbol => "symbol",
            Self::Function => "function",
        }
    }
}

impl FromStr for FrameNaming {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "address" => Ok(Self::Address),
            "module" => Ok(Self::Module),
            "symbol" => Ok(Self::Symbol),
            "function" => Ok(Self::Function),
            other => Err(format!("'{other}' is none of symbol, function, module, address")),
        }
    }
}

/// Source of function names.
pub trait FrameNames: Send + Sync {
    /// The symbol of a frame, if known.
    fn answer(&self, frame: FrameId) -> Option<&AddressSymbol>;
}

impl FrameNames for FrameSymbols {
    fn answer(&self, frame: FrameId) -> Option<&AddressSymbol> {
        self.get(frame)
    }
}

/// The text of a frame.
#[must_use]
pub fn frame_label(trace: &Trace, naming: FrameNaming, symbols: Option<&dyn FrameNames>, frame: FrameId) -> String {
    let Some(row) = trace.stacks.frame_rows().get(frame.index()) else {
        return String::new();
    };
    let module = trace.modules.get(row.module);
    match naming {
        FrameNaming::Address => format!("{:#x}", row.address),
        FrameNaming::Module => module.map_or_else(|| format!("{:#x}", row.address), |m| m.name.clone()),
        FrameNaming::Symbol => match symbols.and_then(|s| s.answer(frame)) {
            Some(answer) => with_offset(trace, *row, answer),
            None => module_offset(trace, *row),
        },
        FrameNaming::Function => function_label(trace, symbols, frame),
    }
}

/// The function of a frame without an offset, as in the Function column.
#[must_use]
pub fn function_label(trace: &Trace, symbols: Option<&dyn FrameNames>, frame: FrameId) -> String {
    let Some(row) = trace.stacks.frame_rows().get(frame.index()) else {
        return String::new();
    };
    match symbols.and_then(|s| s.answer(frame)) {
        Some(answer) if answer.source == NameSource::Export => with_offset(trace, *row, answer),
        Some(answer) => in_module(trace, *row, &answer.function),
        None => module_offset(trace, *row),
    }
}

/// The texts of all frames of a trace. `rules` determine which frames are the recorder's.
#[must_use]
pub fn frame_texts(
    trace: &Trace,
    naming: FrameNaming,
    symbols: Option<&dyn FrameNames>,
    rules: &WrapperRules,
) -> FrameTexts {
    let frames = (0..trace.stacks.frame_rows().len() as u32).into_par_iter().map(FrameId);
    if naming != FrameNaming::Function {
        return FrameTexts::one_each(frames.map(|frame| frame_label(trace, naming, symbols, frame)).collect());
    }
    let texts = frames.map(|frame| {
        let row = trace.stacks.frame_rows().get(frame.index()).copied();
        let inlined = symbols.and_then(|s| s.answer(frame)).map_or(&[][..], |answer| &answer.inlined);
        let below = row
            .into_iter()
            .flat_map(|row| inlined.iter().map(move |inlined| in_module(trace, row, &inlined.function) + INLINED_MARK));
        std::iter::once(function_label(trace, symbols, frame)).chain(below).collect()
    });
    FrameTexts::by_function(texts.collect(), recording_frames(trace, symbols, rules))
}

/// The parts of a frame, for stacks with one frame per line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameParts {
    /// The frame as in tables, but with the offset in its function also if these show functions alone.
    pub text: String,
    /// File name of the module; empty if not known.
    pub module: String,
    /// The function without its module, if known.
    pub function: Option<String>,
    /// Bytes from the start of the function, else of the module; 0 if neither is known.
    pub offset_bytes: u64,
    /// The return address as recorded.
    pub address: u64,
    /// Source line, if known; with inlined functions, the outermost call of these.
    pub line: Option<SourceLine>,
    /// Functions inlined there, the outermost first.
    pub inlined: Vec<InlinedFunction>,
    /// The source of the function's name, if known.
    pub source: Option<NameSource>,
}

/// The parts of a frame; those of a handle of another trace are empty.
#[must_use]
pub fn frame_parts(trace: &Trace, naming: FrameNaming, symbols: Option<&dyn FrameNames>, frame: FrameId) -> FrameParts {
    let row = trace.stacks.frame_rows().get(frame.index());
    let module = row.and_then(|r| trace.modules.get(r.module));
    let address = row.map_or(0, |r| r.address);
    let answer = symbols.filter(|_| row.is_some()).and_then(|s| s.answer(frame));
    let in_module = module.map_or(0, |m| address.wrapping_sub(m.base));
    let naming = if naming == FrameNaming::Function { FrameNaming::Symbol } else { naming };
    FrameParts {
        text: frame_label(trace, naming, symbols, frame),
        module: module.map_or_else(String::new, |m| m.name.clone()),
        offset_bytes: answer.map_or(in_module, |a| u64::from(a.offset_bytes)),
        function: answer.map(|a| a.function.to_string()),
        address,
        line: answer.and_then(|a| a.line.clone()),
        inlined: answer.map_or_else(Vec::new, |a| a.inlined.clone()),
        source: answer.map(|a| a.source),
    }
}

/// `module!function+0xoff`.
fn with_offset(trace: &Trace, frame: Frame, answer: &AddressSymbol) -> String {
    format!("{}+{:#x}", in_module(trace, frame, &answer.function), answer.offset_bytes)
}

/// `module!function`; the function alone if no module is known.
fn in_module(trace: &Trace, frame: Frame, function: &str) -> String {
    trace.modules.get(frame.module).map_or_else(|| function.to_owned(), |m| format!("{}!{function}", m.name))
}

fn module_offset(trace: &Trace, frame: Frame) -> String {
    match trace.modules.get(frame.module) {
        Some(m) => format!("{}+{:#x}", m.name, frame.address.wrapping_sub(m.base)),
        None => format!("{:#x}", frame.address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::column_values::ColumnValues;
    use crate::group::test_util::{FakeNames, block, trace};
    use std::sync::Arc;

    #[test]
    fn a_frame_comes_apart_as_far_as_it_is_known() {
        let mut one = block(Some(1), None, 8);
        one.stack = &["nt:20", "my:30", "?:77", "other:4"];
        let trace = trace(&[one]);
        let names = FakeNames::new(&trace, &[("my:30", "operator!= > compare"), ("other:4", "~Start")]);
        let whole = |frame| frame_parts(&trace, FrameNaming::Symbol, Some(&names), FrameId(frame));
        let parts = |frame| {
            let p = whole(frame);
            (p.text, p.module, p.function, p.offset_bytes, p.address)
        };
        let own = str::to_owned;
        assert_eq!(parts(0), (own("ntoskrnl.exe+0x20"), own("ntoskrnl.exe"), None, 0x20, 0xffff_f800_0000_0020));
        let symbol = (own("myfault.sys!operator!=+0x1"), own("myfault.sys"), Some(own("operator!=")), 1);
        assert_eq!(parts(1), (symbol.0, symbol.1, symbol.2, symbol.3, 0xffff_f800_2000_0030));
        assert_eq!(parts(2), (own("0x77"), String::new(), None, 0, 0x77));
        assert_eq!(parts(9), (String::new(), String::new(), None, 0, 0));
        let line = |line| Some(SourceLine { file: "a.c".into(), line });
        let known = whole(1);
        assert_eq!((known.line, known.source), (line(7), Some(NameSource::Procedure)));
        assert_eq!(known.inlined, [InlinedFunction { function: "compare".into(), line: line(9) }]);
        let export = whole(3);
        assert_eq!((export.text, export.source), (own("other.sys!Start+0x1"), Some(NameSource::Export)));
        let by_function = frame_parts(&trace, FrameNaming::Function, Some(&names), FrameId(1));
        assert_eq!(by_function.text, "myfault.sys!operator!=+0x1");
    }

    #[test]
    fn stacks_by_function_have_no_offsets_but_those_of_exports() {
        let mut one = block(Some(1), None, 8);
        one.stack = &["nt:20", "my:30", "my:31", "my:32", "other:4", "other:5", "nt:60", "nt:61"];
        let functions = &[
            ("nt:20", "NtClose"),
            ("my:30", "Grow"),
            ("my:31", "Grow"),
            ("my:32", "Grow > fill > put"),
            ("other:4", "~Start"),
            ("other:5", "~Start"),
            ("nt:61", "EtwpLogKernelEvent"),
        ];
        let trace = trace(&[one]);
        let symbols = Arc::new(FakeNames::new(&trace, functions));
        let names = ColumnValues::new(Arc::clone(&trace), FrameNaming::Function).with_symbols(symbols);
        let stack = trace.allocations.alloc_stack[0];
        let shown = |names: &ColumnValues| names.stacks().frames(names.stacks().node_of(stack)).join(" ");
        let by_function = "ntoskrnl.exe!NtClose myfault.sys!Grow myfault.sys!fill [inlined] myfault.sys!put [inlined] \
                           other.sys!Start+0x1 ntoskrnl.exe+0x60";
        assert_eq!(shown(&names), by_function);
        let by_symbol = names.with_naming(FrameNaming::Symbol);
        assert_eq!(by_symbol.stacks().depth(by_symbol.stacks().node_of(stack)), 8);
        assert!(shown(&by_symbol).ends_with("ntoskrnl.exe+0x60 ntoskrnl.exe!EtwpLogKernelEvent+0x1"));
        let (rules, _) = WrapperRules::built_in().extended_with("system nt!Etw*");
        let kept = names.with_wrapper_rules(Arc::new(rules));
        assert_eq!(shown(&kept), format!("{by_function} ntoskrnl.exe!EtwpLogKernelEvent"));
        for naming in [FrameNaming::Address, FrameNaming::Module, FrameNaming::Symbol, FrameNaming::Function] {
            assert_eq!(naming.name().parse(), Ok(naming));
        }
    }
}
