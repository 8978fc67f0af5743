//! Which drivers the responsible frames of a suspect's outstanding allocations lie in, over all of them, and which rule looked
//! through a pass-through driver.

use crate::group::driver::sure_name;
use crate::group::frames::function_label;
use crate::group::look_through::{FrameRole, RuleOrigin};
use crate::group::names::Names;
use crate::leaks::evidence::Blocks;
use crate::trace::ids::{FrameId, StackId};

/// Module name of a responsible frame outside of all modules.
const UNKNOWN: &str = "Unknown";

/// Outstanding allocations whose responsible frame lies in one module.
#[derive(Clone, PartialEq, Debug)]
pub struct DriverShare {
    /// The module; empty for allocations without a kernel frame.
    pub driver: String,
    /// The allocations.
    pub blocks: Blocks,
    /// Their share of all outstanding bytes of the suspect, 0 to 1.
    pub share: f64,
    /// The kernel, the HAL, Driver Verifier, or no module at all: nobody who could be responsible.
    pub is_system: bool,
}

impl DriverShare {
    pub(super) fn new(names: &Names, driver: String, blocks: Blocks, all_bytes: u64) -> Self {
        let role = names.look_through().of_module(&driver).role();
        let is_system =
            driver.is_empty() || driver == UNKNOWN || matches!(role, FrameRole::System | FrameRole::Tracing);
        let share = blocks.bytes as f64 / all_bytes.max(1) as f64;
        Self { driver, blocks, share, is_system }
    }
}

/// A pass-through driver further in than the responsible frame, and the rule that looked through it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PassThrough {
    /// The pass-through driver.
    pub module: String,
    /// Where the rule comes from.
    pub rule: RuleOrigin,
    /// The responsible function further out; `None` where no other driver is on the stack, so that the pass-through driver
    /// itself takes its place.
    pub next: Option<String>,
}

/// The pass-through driver that the innermost frames of a stack belong to.
#[must_use]
pub fn passed_through(names: &Names, stack: StackId) -> Option<PassThrough> {
    let (trace, rules) = (names.trace(), names.look_through());
    let responsible = names.blamed_frame(stack);
    if responsible == FrameId::NONE {
        return None;
    }
    let symbols = names.symbols();
    let mut at = stack;
    loop {
        let frame = trace.stacks.frame(at)?;
        let module = trace.stacks.frame_rows().get(frame.index()).and_then(|row| trace.modules.get(row.module));
        if let Some(module) = module.filter(|module| module.is_kernel) {
            let of_module = rules.of_module(&module.name);
            let name = symbols.and_then(|symbols| symbols.answer(frame)).and_then(sure_name);
            let role = name.map_or_else(|| of_module.role(), |name| of_module.role_of(name));
            // A wrapper function in a driver's own module makes it no pass-through driver.
            let passes = role == FrameRole::Wrapper && of_module.role() == FrameRole::Wrapper;
            if let Some(rule) = of_module.origin_of(name).filter(|_| passes) {
                let next = |frame| function_label(trace, symbols.map(|symbols| &**symbols), frame);
                let own = trace.stacks.frame_rows().get(responsible.index()).map(|row| row.module);
                let is_other = own.and_then(|own| trace.modules.get(own)).is_none_or(|own| own.name != module.name);
                let next = is_other.then(|| next(responsible));
                return Some(PassThrough { module: module.name.clone(), rule, next });
            }
        }
        if frame == responsible {
            return None;
        }
        at = trace.stacks.parent(at)?;
    }
}
