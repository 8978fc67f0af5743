//! How a stack frame is shown. The text is the identity: frames with the same text are the same frame for whoever looks.

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

/// A frame's function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameSymbol {
    /// `module!function`.
    pub function: String,
    /// Bytes from the start of the function to the frame's address.
    pub offset_bytes: u64,
}

/// Where function names come from.
pub trait FrameNames: Send + Sync {
    /// The function of a frame; `None` while or where it is not known.
    fn symbol(&self, frame: FrameId) -> Option<FrameSymbol>;
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
        FrameNaming::Symbol => match symbols.and_then(|s| s.symbol(frame)) {
            Some(symbol) => format!("{}+{:#x}", symbol.function, symbol.offset_bytes),
            None => module_offset(trace, *row),
        },
    }
}

/// The function of a frame without the place in it: what the Function column shows.
#[must_use]
pub fn function_label(trace: &Trace, symbols: Option<&dyn FrameNames>, frame: FrameId) -> String {
    match symbols.and_then(|s| s.symbol(frame)) {
        Some(symbol) => symbol.function,
        None => {
            let row = trace.stacks.frame_rows().get(frame.index());
            row.map_or_else(String::new, |row| module_offset(trace, *row))
        }
    }
}

fn module_offset(trace: &Trace, frame: Frame) -> String {
    match trace.modules.get(frame.module) {
        Some(m) => format!("{}+{:#x}", m.name, frame.address.wrapping_sub(m.base)),
        None => format!("{:#x}", frame.address),
    }
}
