//! The tag that is allocated beside the suspect, on the same path, and is freed again: the code that frees it is where the free
//! of the suspect is missing.

use super::{Case, Fate, Finding, Scene};
use crate::group::driver::driver_label;
use crate::group::look_through::{FrameRole, LookThrough};
use crate::group::names::Names;
use crate::leaks::limits::{CLEAR_RATIO, ENOUGH_ALLOCATIONS, PARTNER_FREED};
use crate::leaks::units::Units;
use crate::trace::context::Tag;
use crate::trace::ids::{FrameId, StackId};
use rustc_hash::FxHashMap;

/// The ways to the allocations of all units.
pub struct Paths {
    of_unit: Vec<Option<Path>>,
    /// Units by function, and by driver and caller.
    by_function: FxHashMap<u32, Vec<usize>>,
    by_caller: FxHashMap<(u32, StackId), Vec<usize>>,
}

/// The way to an allocation. Driver and function are numbers of their texts.
#[derive(Clone, Copy)]
struct Path {
    function: u32,
    driver: u32,
    /// The function is that of a driver. The kernel's own allocate for everybody: to share one of those means nothing.
    is_own: bool,
    /// The stack of the blamed frame's caller, all the way out; the same driver called from the same place does one thing.
    caller: StackId,
}

impl Paths {
    /// The paths of all units, each by one of its rows.
    pub fn new(names: &Names, units: &Units) -> Self {
        let mut paths =
            Self { of_unit: Vec::new(), by_function: FxHashMap::default(), by_caller: FxHashMap::default() };
        let mut texts: FxHashMap<String, u32> = FxHashMap::default();
        for unit in 0..units.len() {
            let path = path(names, units.sample(unit), &mut texts);
            if let Some(path) = path {
                paths.by_function.entry(path.function).or_default().push(unit);
                paths.by_caller.entry((path.driver, path.caller)).or_default().push(unit);
            }
            paths.of_unit.push(path);
        }
        paths
    }
}

/// The path of a row's stack; `None` where there is none.
fn path(names: &Names, row: usize, texts: &mut FxHashMap<String, u32>) -> Option<Path> {
    let trace = names.trace();
    let stack = *trace.allocations.alloc_stack.get(row)?;
    let blamed = names.blamed_frame(stack);
    if blamed == FrameId::NONE {
        return None;
    }
    let mut at = stack;
    while trace.stacks.frame(at)? != blamed {
        at = trace.stacks.parent(at)?;
    }
    let caller = trace.stacks.parent(at)?;
    // A frame without a caller has no path that it could share.
    trace.stacks.frame(caller)?;
    let next = texts.len() as u32;
    let function = *texts.entry(names.blamed_function(stack)).or_insert(next);
    let next = texts.len() as u32;
    let driver = driver_label(trace, blamed);
    let is_own = LookThrough::standard().of_module(&driver).role() == FrameRole::Driver;
    let driver = *texts.entry(driver).or_insert(next);
    Some(Path { function, driver, is_own, caller })
}

/// Another tag that the same function allocates about as often, or that the same driver allocates called from the same place,
/// and of which nearly all is freed.
pub fn find(scene: &Scene<'_>, case: &Case<'_>) -> Option<Finding> {
    let lead = case.lead()?;
    let own = (*scene.paths.of_unit.get(lead)?)?;
    let by_function = scene.paths.by_function.get(&own.function).filter(|_| own.is_own);
    let by_caller = scene.paths.by_caller.get(&(own.driver, own.caller));
    by_function.and_then(|units| best(scene, lead, units)).or_else(|| best(scene, lead, by_caller?))
}

/// The tag among these units that is allocated nearly as often as that of `lead`.
fn best(scene: &Scene<'_>, lead: usize, units: &[usize]) -> Option<Finding> {
    let mut found: FxHashMap<Tag, Fate> = FxHashMap::default();
    for &unit in units.iter().filter(|unit| scene.tags[**unit].0 != scene.tags[lead].0) {
        let sum = found.entry(scene.tags[unit].0).or_default();
        let fate = scene.fates[unit];
        *sum = Fate { freed: sum.freed + fate.freed, kept: sum.kept + fate.kept };
    }
    // How many times as often one is allocated as the other.
    let ratio = |fate: Fate| {
        let ratio = fate.allocated() as f64 / scene.fates[lead].allocated().max(1) as f64;
        ratio.max(1.0 / ratio)
    };
    let partners = found.into_iter().filter(|(_, fate)| {
        fate.allocated() >= ENOUGH_ALLOCATIONS && fate.freed_share() >= PARTNER_FREED && ratio(*fate) <= CLEAR_RATIO
    });
    let nearest = partners.min_by(|a, b| ratio(a.1).total_cmp(&ratio(b.1)).then_with(|| a.0.cmp(&b.0)));
    nearest.map(|(tag, fate)| Finding::Partner { tag: tag.text(), freed_share: fate.freed_share() })
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, found};
    use super::*;
    use crate::group::testkit::Block;

    fn partner(blocks: &[Block]) -> Option<Finding> {
        found(blocks, "Leak").into_iter().find(|finding| matches!(finding, Finding::Partner { .. }))
    }

    #[test]
    fn what_the_same_function_frees_is_the_partner() {
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(blocks(b"Pair", 110, PATH, |k| (k != 50).then_some(3)));
        // Nearer in number, but elsewhere; and on the path, but rare; and not freed.
        all.extend(blocks(b"Else", 100, &["nt:20", "other:31"], |_| Some(3)));
        all.extend(blocks(b"Rare", 8, PATH, |_| Some(3)));
        all.extend(blocks(b"Kept", 100, PATH, |k| (k % 10 > 0).then_some(3)));
        assert_eq!(partner(&all), Some(Finding::Partner { tag: "Pair".to_owned(), freed_share: 109.0 / 110.0 }));
        all.retain(|block| block.tag != b"Pair");
        assert_eq!(partner(&all), None);
    }

    #[test]
    fn a_function_of_the_kernel_is_shared_by_strangers() {
        let mut all = blocks(b"Leak", 100, &["app:10", "nt:20", "nt:30"], |_| None);
        all.extend(blocks(b"Pair", 100, &["app:11", "nt:21", "nt:30"], |_| Some(3)));
        assert_eq!(partner(&all), None);
        // Called from the same place it is one piece of work again.
        all.extend(blocks(b"Here", 100, &["app:10", "nt:20", "nt:30"], |_| Some(3)));
        assert_eq!(partner(&all), Some(Finding::Partner { tag: "Here".to_owned(), freed_share: 1.0 }));
    }

    #[test]
    fn without_symbols_the_same_caller_will_do() {
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(blocks(b"Pair", 100, &["app:10", "nt:20", "my:38"], |_| Some(3)));
        assert_eq!(partner(&all), Some(Finding::Partner { tag: "Pair".to_owned(), freed_share: 1.0 }));
        // Another driver called from the same place is no partner, nor the driver called from elsewhere.
        let mut all = blocks(b"Leak", 100, PATH, |_| None);
        all.extend(blocks(b"Oth1", 100, &["app:10", "nt:20", "other:38"], |_| Some(3)));
        all.extend(blocks(b"Oth2", 100, &["app:10", "nt:21", "my:38"], |_| Some(3)));
        assert_eq!(partner(&all), None);
        let mut bare = blocks(b"Leak", 100, &["my:30"], |_| None);
        bare.extend(blocks(b"Pair", 100, &["my:38"], |_| Some(3)));
        assert_eq!(partner(&bare), None);
    }
}
