//! Pairs allocations and frees into blocks, by the product's definitions, one event after the other.

use rustc_hash::FxHashMap;

use super::LoggedPoolEvent;

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PairedAllocation {
    /// Allocation time; none if before the trace.
    pub start: Option<i64>,
    /// The allocation was concluded from two frees in a row.
    pub implied_start: bool,
    /// Free time; none if never.
    pub end: Option<i64>,
    /// The free was concluded from two allocations in a row.
    pub implied_end: bool,
    pub tag: [u8; 4],
    pub paged: bool,
    pub size: u64,
    /// Thread and time of the allocation record, to find its stack.
    pub alloc_event: Option<(i64, u32)>,
}

enum AddressState {
    Live(usize),
    FreedAt(i64),
}

/// The blocks of `events`, which must be in time order.
pub(super) fn pair_events(events: &[LoggedPoolEvent]) -> Vec<PairedAllocation> {
    let mut blocks: Vec<PairedAllocation> = Vec::new();
    let mut addresses: FxHashMap<(u64, Option<u32>), AddressState> = FxHashMap::default();
    for event in events {
        let place = (event.address, event.session);
        let before = addresses.get(&place);
        if event.is_free {
            match before {
                Some(AddressState::Live(block)) => blocks[*block].end = Some(event.ticks),
                Some(AddressState::FreedAt(earlier)) => {
                    let begun = PairedAllocation { start: Some(*earlier), implied_start: true, ..allocation_of(event) };
                    blocks.push(PairedAllocation { end: Some(event.ticks), ..begun });
                }
                None => blocks.push(PairedAllocation { end: Some(event.ticks), ..allocation_of(event) }),
            }
            addresses.insert(place, AddressState::FreedAt(event.ticks));
        } else {
            if let Some(AddressState::Live(block)) = before {
                blocks[*block].end = Some(event.ticks);
                blocks[*block].implied_end = true;
            }
            addresses.insert(place, AddressState::Live(blocks.len()));
            let alloc_event = Some((event.ticks, event.tid));
            blocks.push(PairedAllocation { start: Some(event.ticks), alloc_event, ..allocation_of(event) });
        }
    }
    blocks
}

/// A block with an event's properties and no times.
fn allocation_of(event: &LoggedPoolEvent) -> PairedAllocation {
    PairedAllocation {
        start: None,
        implied_start: false,
        end: None,
        implied_end: false,
        tag: event.tag,
        paged: event.pool_type & 1 != 0,
        size: event.size,
        alloc_event: None,
    }
}

impl PairedAllocation {
    /// AIFI, AIFO, AOFI or AOFO in `[from, to]`; none if the block is not part of it.
    pub fn lifetime_class_in(&self, from: i64, to: i64) -> Option<&'static str> {
        let starts_late = self.start.is_some_and(|start| start > to);
        let ends_early = self.end.is_some_and(|end| end < from);
        if starts_late || ends_early {
            return None;
        }
        let allocated_inside = self.start.is_some_and(|start| start >= from);
        let freed_inside = self.end.is_some_and(|end| end <= to);
        Some(match (allocated_inside, freed_inside) {
            (true, true) => "AIFI",
            (true, false) => "AIFO",
            (false, true) => "AOFI",
            (false, false) => "AOFO",
        })
    }
}
