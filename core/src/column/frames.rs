//! How a stack frame is shown. The text is the identity: frames with the same text are the same frame for whoever looks.

use crate::symbol::names::Answer;
use crate::trace::Trace;
use crate::trace::ids::FrameId;
use crate::trace::stack::Frame;
use std::str::FromStr;

/// What to show of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FrameNaming {
    /// The raw return address, `0x…`.
    Address,
    /// The module's file name alone; the address where no module is known.
    Module,
    /// `module!function+0xoff`, else `module+0xrva`, else the address.
    #[default]
    Symbol,
}

impl FrameNaming {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Module => "module",
            Self::Symbol => "symbol",
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
            other => Err(format!("'{other}' is none of symbol, module, address")),
        }
    }
}

/// Where function names come from.
pub trait FrameNames: Send + Sync {
    /// What is known of a frame; `None` while or where nothing is.
    fn answer(&self, frame: FrameId) -> Option<&Answer>;
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
            Some(answer) => format!("{}+{:#x}", in_module(trace, *row, &answer.function), answer.offset_bytes),
            None => module_offset(trace, *row),
        },
    }
}

/// The function of a frame without the place in it: what the Function column shows.
#[must_use]
pub fn function_label(trace: &Trace, symbols: Option<&dyn FrameNames>, frame: FrameId) -> String {
    let Some(row) = trace.stacks.frame_rows().get(frame.index()) else {
        return String::new();
    };
    match symbols.and_then(|s| s.answer(frame)) {
        Some(answer) => in_module(trace, *row, &answer.function),
        None => module_offset(trace, *row),
    }
}

/// A frame taken apart, for whoever shows a stack line by line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameParts {
    /// The frame as tables show it.
    pub text: String,
    /// File name of the module; empty where none is known.
    pub module: String,
    /// The function without its module, where it is known.
    pub function: Option<String>,
    /// Bytes from the start of the function, else of the module; 0 where neither is known.
    pub offset_bytes: u64,
    /// The return address as recorded.
    pub address: u64,
}

/// The parts of a frame; those of a handle of another trace are empty.
#[must_use]
pub fn frame_parts(trace: &Trace, naming: FrameNaming, symbols: Option<&dyn FrameNames>, frame: FrameId) -> FrameParts {
    let row = trace.stacks.frame_rows().get(frame.index());
    let module = row.and_then(|r| trace.modules.get(r.module));
    let address = row.map_or(0, |r| r.address);
    let answer = symbols.filter(|_| row.is_some()).and_then(|s| s.answer(frame));
    let in_module = module.map_or(0, |m| address.wrapping_sub(m.base));
    FrameParts {
        text: frame_label(trace, naming, symbols, frame),
        module: module.map_or_else(String::new, |m| m.name.clone()),
        offset_bytes: answer.map_or(in_module, |a| u64::from(a.offset_bytes)),
        function: answer.map(|a| a.function.to_string()),
        address,
    }
}

/// `module!function`; the function alone where no module is known.
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
    use crate::column::testkit::{block, trace};
    use crate::symbol::names::NameSource;

    struct OneName(Answer);

    impl FrameNames for OneName {
        fn answer(&self, frame: FrameId) -> Option<&Answer> {
            (frame == FrameId(1)).then_some(&self.0)
        }
    }

    #[test]
    fn a_frame_comes_apart_as_far_as_it_is_known() {
        let mut one = block(Some(1), None, 8);
        one.stack = &["nt:20", "my:30", "?:77"];
        let trace = trace(&[one]);
        let names = OneName(Answer {
            function: "operator!=".into(),
            offset_bytes: 4,
            source: NameSource::Public,
            line: None,
            inlined: Vec::new(),
        });
        let parts = |frame| {
            let p = frame_parts(&trace, FrameNaming::Symbol, Some(&names), FrameId(frame));
            (p.text, p.module, p.function, p.offset_bytes, p.address)
        };
        let own = str::to_owned;
        assert_eq!(parts(0), (own("ntoskrnl.exe+0x20"), own("ntoskrnl.exe"), None, 0x20, 0xffff_f800_0000_0020));
        let symbol = (own("myfault.sys!operator!=+0x4"), own("myfault.sys"), Some(own("operator!=")), 4);
        assert_eq!(parts(1), (symbol.0, symbol.1, symbol.2, symbol.3, 0xffff_f800_2000_0030));
        assert_eq!(parts(2), (own("0x77"), String::new(), None, 0, 0x77));
        assert_eq!(parts(9), (String::new(), String::new(), None, 0, 0));
    }
}
