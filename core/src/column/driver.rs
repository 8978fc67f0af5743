//! Which frame of a stack is to blame: the first, from the innermost, that belongs neither to the kernel itself nor to
//! a module that allocates on behalf of others. The lists of those modules are the data at the top of this file.

use crate::trace::Trace;
use crate::trace::ids::{FrameId, StackId};

/// The kernel, the HAL and Driver Verifier, under all file names they were shipped with. Lower case.
const SYSTEM_MODULES: &[&str] = &[
    "ntoskrnl.exe",
    "ntkrnlmp.exe",
    "ntkrnlpa.exe",
    "ntkrpamp.exe",
    "ntkrla57.exe",
    "securekernel.exe",
    "hal.dll",
    "halacpi.dll",
    "halmacpi.dll",
    "halaacpi.dll",
    "halextintclpiodma.dll",
    "verifier.dll",
    "verifier.sys",
    "verifierext.sys",
    "vrfcore.sys",
    "xdv.sys",
];

/// Modules whose exported allocators other drivers call: WDF, NDIS, filter manager, storage and stream class. Lower case.
const ALLOCATOR_WRAPPERS: &[&str] = &[
    "wdf01000.sys",
    "ndis.sys",
    "netio.sys",
    "fltmgr.sys",
    "storport.sys",
    "scsiport.sys",
    "portcls.sys",
    "ks.sys",
    "videoprt.sys",
    "watchdog.sys",
];

/// How much a frame says about who allocated; greater is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Blame {
    /// A user-mode frame.
    None,
    /// nt, hal, verifier.
    System,
    /// Allocates on behalf of others.
    Wrapper,
    /// A driver.
    Driver,
}

/// For every stack the frame to blame, [`FrameId::NONE`] where the stack has no kernel frame. Where no driver is on the
/// stack the innermost wrapper takes its place, and where none of those is either, the innermost kernel frame.
#[must_use]
pub fn blamed_frames(trace: &Trace) -> Vec<FrameId> {
    let blames: Vec<Blame> = frame_blames(trace);
    let blame = |frame: FrameId| blames.get(frame.index()).copied().unwrap_or(Blame::None);
    let count = trace.stacks.node_count();
    let mut chosen = vec![FrameId::NONE; count];
    // Parents come before children, so the parent's choice is known.
    for node in 1..count {
        let id = StackId(node as u32);
        let outer = trace.stacks.parent(id).and_then(|p| chosen.get(p.index()).copied());
        let outer = outer.unwrap_or(FrameId::NONE);
        let own = trace.stacks.frame(id).unwrap_or(FrameId::NONE);
        chosen[node] = if blame(own) == Blame::None || blame(outer) > blame(own) { outer } else { own };
    }
    chosen
}

fn frame_blames(trace: &Trace) -> Vec<Blame> {
    let modules: Vec<Blame> = trace
        .modules
        .modules()
        .iter()
        .map(|module| {
            let name = module.name.to_ascii_lowercase();
            if !module.is_kernel {
                Blame::None
            } else if SYSTEM_MODULES.contains(&name.as_str()) {
                Blame::System
            } else if ALLOCATOR_WRAPPERS.contains(&name.as_str()) {
                Blame::Wrapper
            } else {
                Blame::Driver
            }
        })
        .collect();
    let kernel_from = if trace.summary.pointer_size == 4 { 0x8000_0000 } else { 0xffff_8000_0000_0000 };
    let rows = trace.stacks.frame_rows().iter();
    rows.map(|frame| match modules.get(frame.module.index()) {
        Some(blame) => *blame,
        // Kernel code of a module that the trace does not name is more likely a driver than nt.
        None if frame.address >= kernel_from => Blame::Driver,
        None => Blame::None,
    })
    .collect()
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
