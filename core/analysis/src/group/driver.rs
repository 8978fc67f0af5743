//! Which frame of a stack is to blame: the first, from the innermost, that belongs neither to the kernel itself nor to
//! what allocates on behalf of others. What those are is said by rules; see [`LookThrough`].

use super::frames::FrameNames;
use super::look_through::{FrameRole, LookThrough, ModuleRules};
use poolscope_symbols::names::{AddressSymbol, NameSource};
use crate::trace::Trace;
use crate::trace::ids::{FrameId, StackId};
use crate::trace::stack::Frame;
use rayon::prelude::*;

/// How much a frame says about who allocated; greater is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Blame {
    /// A user-mode frame.
    None,
    /// The recording itself.
    Tracing,
    /// nt, hal, verifier.
    System,
    /// A module that allocates on behalf of others.
    Wrapper,
    /// A function of a driver that allocates on behalf of others, most often of the same driver.
    OwnWrapper,
    /// A driver.
    Driver,
}

/// For every stack the frame to blame, [`FrameId::NONE`] where the stack has no kernel frame. Where no driver is on the
/// stack the innermost wrapper takes its place, and where none of those is either, the innermost kernel frame.
#[must_use]
pub fn blamed_frames(trace: &Trace, symbols: Option<&dyn FrameNames>, rules: &LookThrough) -> Vec<FrameId> {
    let blames: Vec<Blame> = frame_blames(trace, symbols, rules);
    let blame = |frame: FrameId| blames.get(frame.index()).copied().unwrap_or(Blame::None);
    let count = trace.stacks.node_count();
    let mut chosen = vec![(FrameId::NONE, Blame::None); count];
    // Parents come before children, so the parent's choice is known.
    for node in 1..count {
        let id = StackId(node as u32);
        let parent = trace.stacks.parent(id).unwrap_or(StackId::EMPTY);
        let outer = chosen.get(parent.index()).copied().unwrap_or((FrameId::NONE, Blame::None));
        let own = trace.stacks.frame(id).unwrap_or(FrameId::NONE);
        let caller = trace.stacks.frame(parent).map_or(Blame::None, blame);
        let says = match blame(own) {
            // Called by no driver, so that its caller left no frame: looking further would blame a bystander.
            Blame::OwnWrapper if caller < Blame::OwnWrapper => Blame::Driver,
            other => other,
        };
        chosen[node] = if says == Blame::None || outer.1 > says { outer } else { (own, says) };
    }
    chosen.into_iter().map(|(frame, _)| frame).collect()
}

/// Which frames belong to the recording itself.
#[must_use]
pub fn tracing_frames(trace: &Trace, symbols: Option<&dyn FrameNames>, rules: &LookThrough) -> Vec<bool> {
    frame_blames(trace, symbols, rules).into_iter().map(|blame| blame == Blame::Tracing).collect()
}

fn frame_blames(trace: &Trace, symbols: Option<&dyn FrameNames>, rules: &LookThrough) -> Vec<Blame> {
    let modules = trace.modules.modules().iter();
    // Nothing is said about user-mode modules.
    let modules: Vec<Option<(ModuleRules<'_>, FrameRole)>> = modules
        .map(|module| {
            let rules = rules.of_module(&module.name);
            let role = rules.role();
            module.is_kernel.then_some((rules, role))
        })
        .collect();
    let kernel_from = if trace.summary.pointer_size == 4 { 0x8000_0000 } else { 0xffff_8000_0000_0000 };
    let blame = |(at, frame): (usize, &Frame)| match modules.get(frame.module.index()) {
        Some(Some((rules, role))) => {
            let name = symbols.and_then(|s| s.answer(FrameId(at as u32))).and_then(sure_name);
            match (name.map_or(*role, |name| rules.role_of(name)), *role) {
                (FrameRole::Tracing, _) => Blame::Tracing,
                (FrameRole::System, _) => Blame::System,
                (FrameRole::Wrapper, FrameRole::Driver) => Blame::OwnWrapper,
                (FrameRole::Wrapper, _) => Blame::Wrapper,
                (FrameRole::Driver, _) => Blame::Driver,
            }
        }
        Some(None) => Blame::None,
        // Kernel code of a module that the trace does not name is more likely a driver than nt.
        None if frame.address >= kernel_from => Blame::Driver,
        None => Blame::None,
    };
    trace.stacks.frame_rows().par_iter().enumerate().map(blame).collect()
}

/// The function's name unless it is only the nearest export, which may be that of another function.
pub(crate) fn sure_name(answer: &AddressSymbol) -> Option<&str> {
    (answer.source != NameSource::Export).then_some(&*answer.function)
}

/// The module of a blamed frame as the Driver column shows it: empty without a frame, `Unknown` without a module.
#[must_use]
pub fn driver_label(trace: &Trace, frame: FrameId) -> String {
    let Some(row) = trace.stacks.frame_rows().get(frame.index()) else {
        return String::new();
    };
    let module = trace.modules.get(row.module);
    module.map_or_else(|| "Unknown".to_owned(), |m| m.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::frames::FrameNaming;
    use crate::group::frames::function_label;
    use crate::group::names::Names;
    use crate::group::testkit::{FakeNames, block, trace};
    use std::sync::Arc;

    /// Module and function to blame for a stack.
    fn blamed(stack: &'static [&'static str], names: &[(&str, &str)], rules: &LookThrough) -> (String, String) {
        let mut one = block(Some(1), None, 8);
        one.stack = stack;
        let trace = trace(&[one]);
        let symbols = FakeNames::new(&trace, names);
        let frames = blamed_frames(&trace, Some(&symbols), rules);
        let frame = frames[trace.allocations.alloc_stack[0].index()];
        (driver_label(&trace, frame), function_label(&trace, Some(&symbols), frame))
    }

    fn own(driver: &str, function: &str) -> (String, String) {
        (driver.to_owned(), function.to_owned())
    }

    #[test]
    fn functions_that_allocate_for_their_driver_are_looked_through() {
        let rules = LookThrough::standard();
        let names = &[("my:30", "Use"), ("my:40", "operator new"), ("nt:20", "NtCreateFile"), ("my:50", "malloc")];
        let of = |stack| blamed(stack, names, &rules);
        let used = own("myfault.sys", "myfault.sys!Use");
        assert_eq!(of(&["app:1", "nt:20", "my:30", "my:40", "nt:60"]), used);
        assert_eq!(of(&["nt:20", "my:30", "my:50", "my:40", "wdf:1", "nt:60"]), used);
        // Who called it left no frame: other.sys, further out, has nothing to do with it.
        let lost = of(&["nt:20", "other:1", "nt:21", "my:50", "my:40", "nt:60"]);
        assert_eq!(lost, own("myfault.sys", "myfault.sys!malloc"));
        assert_eq!(of(&["other:1", "my:40", "nt:60"]), own("other.sys", "other.sys+0x1"));
        assert_eq!(of(&["nt:20", "wdf:1", "nt:60"]), own("wdf01000.sys", "wdf01000.sys+0x1"));
        assert_eq!(of(&["app:1", "nt:20"]), own("ntoskrnl.exe", "ntoskrnl.exe!NtCreateFile"));
        assert_eq!(of(&["app:1"]), own("", ""));
    }

    #[test]
    fn the_users_rules_come_last_and_the_recording_is_never_to_blame() {
        let standard = LookThrough::standard();
        let names = &[("my:30", "Use"), ("my:40", "Bus::Alloc"), ("nt:20", "NtClose"), ("nt:60", "EtwTracePool")];
        let stack: &[&str] = &["nt:20", "my:30", "my:40", "nt:60"];
        assert_eq!(blamed(stack, names, &standard), own("myfault.sys", "myfault.sys!Bus::Alloc"));
        let (rules, errors) = standard.and("wrapper my*!Bus::*\ndriver wdf01000");
        assert_eq!(errors, []);
        assert_eq!(blamed(stack, names, &rules), own("myfault.sys", "myfault.sys!Use"));
        assert_eq!(blamed(&["my:30", "wdf:1"], names, &rules), own("wdf01000.sys", "wdf01000.sys+0x1"));
        assert_eq!(blamed(&["nt:20", "nt:60"], names, &rules), own("ntoskrnl.exe", "ntoskrnl.exe!NtClose"));
        assert_eq!(blamed(&["nt:60"], names, &rules), own("ntoskrnl.exe", "ntoskrnl.exe!EtwTracePool"));
        // The nearest export is no sure name.
        let exports = &[("my:30", "Use"), ("my:40", "~malloc")];
        assert_eq!(blamed(stack, exports, &rules), own("myfault.sys", "myfault.sys!malloc+0x1"));
    }

    #[test]
    fn other_rules_make_other_columns() {
        use crate::group::key::Key;
        let mut one = block(Some(1), None, 8);
        one.stack = &["my:30", "other:1"];
        let names = Names::new(trace(&[one]), FrameNaming::Symbol);
        let driver = |names: &Names| {
            let column = names.column(Key::Driver);
            (0..column.count()).map(|id| column.text(id).into_owned()).collect::<Vec<_>>()
        };
        let (rules, _) = LookThrough::standard().and("wrapper other");
        assert!(driver(&names).contains(&"other.sys".to_owned()));
        assert!(driver(&names.with_look_through(Arc::new(rules))).contains(&"myfault.sys".to_owned()));
    }
}
