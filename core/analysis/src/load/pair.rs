//! Pairing of allocations and frees by address and session, in time order. A free ends the allocation before it. An allocation
//! at an address that is still allocated implies a lost free: it ends the earlier allocation. A free of an address that was
//! already freed implies a lost allocation, from the earlier free on. Both are marked as implied and counted. A free without an
//! earlier event ends an allocation from before the trace.
//!
//! Addresses belong to owners by their hash. Each owner gets the events of its addresses slice by slice, in time order, and keeps
//! the state of each address in one hash table.

use super::columns::{FreeEnds, IMPLIED, UnrecordedAllocation};
use super::event::{FREE, LARGE_SIZE, NUMBER, WITH_SESSION};
use super::free_rows::FreeRows;
use super::interner::{InternedValues, RawAttributes};
use super::stack_part::RecordedStack;
use crate::trace::attributes::EventAttributes;
use crate::trace::time::Ticks;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hint::black_box;

/// Number of bits of the hash that choose an owner.
pub const OWNER_BITS: u32 = 6;
/// Number of owners: some for each worker of a large system, and few enough that a slice has a hundred events for each.
pub const OWNERS: usize = 1 << OWNER_BITS;

/// Hash of an address. Allocations are 16 bytes apart, so that the low bits of addresses do not differ.
#[inline]
fn hash(address: u64) -> u64 {
    (address ^ (address >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The owner of an address.
#[inline]
pub fn owner_of(address: u64) -> usize {
    (hash(address) >> (64 - OWNER_BITS)) as usize
}

/// A pool event that is paired.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairEvent {
    /// Address.
    pub address: u64,
    /// Time of the event.
    pub time: Ticks,
    /// Row of an allocation; number of a free among all frees in time order.
    pub number: u32,
    /// Size in bytes; [`LARGE_SIZE`] if it is in the slice's large sizes.
    pub size: u32,
    /// Provisional number of its attributes, with [`FREE`] and [`WITH_SESSION`].
    pub attributes: u32,
    /// Its tag.
    pub tag: u32,
}
const _: () = assert!(size_of::<PairEvent>() == 32);

impl PairEvent {
    #[inline]
    fn is_free(&self) -> bool {
        self.attributes & FREE != 0
    }
}

/// The events of a time slice by owner, each owner's in time order.
#[derive(Debug, Default)]
pub struct MergedSlice {
    /// The events; those behind the last start are unused memory.
    pub events: Vec<PairEvent>,
    /// Stack of each event; empty if stacks are not loaded.
    pub stacks: Vec<RecordedStack>,
    /// Start of each owner's events, and the end of the last one.
    pub starts: Vec<u32>,
    /// Sizes of the largest allocations and frees, by number and [`FREE`].
    pub large_sizes: FxHashMap<(u32, u32), u64>,
}

impl MergedSlice {
    fn range(&self, owner: usize) -> std::ops::Range<usize> {
        let bound = |at: usize| self.starts.get(at).map_or(0, |&start| start as usize);
        bound(owner)..bound(owner + 1)
    }

    fn size(&self, event: &PairEvent) -> u64 {
        let large = || self.large_sizes.get(&(event.number, event.attributes & FREE)).copied();
        Some(event.size)
            .filter(|&size| size != LARGE_SIZE)
            .map(u64::from)
            .or_else(large)
            .unwrap_or(u64::from(LARGE_SIZE))
    }

    fn stack(&self, at: usize) -> RecordedStack {
        self.stacks.get(at).copied().unwrap_or_default()
    }
}

/// State of one address in one session.
#[derive(Clone, Copy, Debug)]
struct Slot {
    address: u64,
    /// Row of the allocation that is outstanding, [`FREED`] or [`EMPTY`].
    row: u32,
    session: u32,
    /// Tag and size of the outstanding allocation, or the two halves of the time of the last free.
    detail: [u32; 2],
}
const _: () = assert!(size_of::<Slot>() == 24);

/// The address was freed.
const FREED: u32 = u32::MAX - 1;
/// Not in use.
const EMPTY: u32 = u32::MAX;

impl Slot {
    const EMPTY: Self = Self { address: 0, row: EMPTY, session: 0, detail: [0; 2] };

    fn freed_at(&self) -> Ticks {
        Ticks((u64::from(self.detail[1]) << 32 | u64::from(self.detail[0])) as i64)
    }

    fn set_freed(&mut self, time: Ticks) {
        self.row = FREED;
        self.detail = [time.0 as u32, (time.0 as u64 >> 32) as u32];
    }
}

/// What pairing needs besides the events.
#[derive(Clone, Copy, Debug)]
pub struct PairInput<'a> {
    /// Ends of allocations, which pairing fills.
    pub ends: &'a FreeEnds,
    /// Allocations of frees, which pairing fills, if the order of frees is kept.
    pub free_rows: Option<&'a FreeRows>,
    /// Attributes by provisional number.
    pub attributes: &'a InternedValues<'a, RawAttributes>,
}

/// Number of events whose slots are read ahead, so that the waits for memory overlap.
const AHEAD: usize = 32;

/// Pairs the events of the addresses that it owns.
#[derive(Debug, Default)]
pub struct AddressOwner {
    slots: Vec<Slot>,
    /// Number of slots that can be used before the table grows.
    left: usize,
    /// Sizes of outstanding allocations with [`LARGE_SIZE`], by row.
    large_sizes: FxHashMap<u32, u64>,
    /// Allocations of which only the free was recorded.
    pub unrecorded: Vec<UnrecordedAllocation>,
    /// Number of allocations that were ended by another one.
    pub implied_frees: u64,
    /// Number of pairs whose sizes or tags differ.
    pub disagreements: u64,
}

impl AddressOwner {
    /// Bytes of the states of its addresses.
    pub fn bytes(&self) -> usize {
        size_of_val(self.slots.as_slice())
    }

    /// Pairs the owner's events of a slice.
    pub fn pair(&mut self, owner: usize, slice: &MergedSlice, input: PairInput<'_>) {
        let range = slice.range(owner);
        let (mut at, mut touched) = (range.start, range.start);
        while at < range.end {
            if at >= touched {
                touched = (at + AHEAD).min(range.end);
                self.touch(slice.events.get(at..touched).unwrap_or_default());
            }
            let rest = slice.events.get(at..range.end).unwrap_or_default();
            let Some(event) = rest.first() else { break };
            if rest.get(1).is_none_or(|next| next.time != event.time) {
                self.pair_event(event, at, slice, input);
                at += 1;
            } else {
                let tied = rest.iter().take_while(|other| other.time == event.time).count();
                self.pair_tick(at, tied, slice, input);
                at += tied;
            }
        }
    }

    /// Reads the slots of events, whose addresses in memory do not depend on each other.
    fn touch(&self, events: &[PairEvent]) {
        let read = |event: &PairEvent| self.slots.get(self.first_slot(event.address)).map_or(0, |slot| slot.row);
        black_box(events.iter().map(read).fold(0, |all, row| all ^ row));
    }

    /// Slot at which the search for an address begins.
    #[inline]
    fn first_slot(&self, address: u64) -> usize {
        // The top bits chose the owner; the next ones choose the slot.
        let spread = u128::from(hash(address) << OWNER_BITS);
        ((spread * self.slots.len() as u128) >> 64) as usize
    }

    /// Position of the slot of an address and session: that of their state, or an empty one.
    #[inline]
    fn find(&self, address: u64, session: u32) -> usize {
        let mut at = self.first_slot(address);
        while let Some(slot) = self.slots.get(at) {
            if slot.row == EMPTY || (slot.address == address && slot.session == session) {
                return at;
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
        at
    }

    /// The slot of an address and session, made if there is none.
    #[inline]
    fn slot(&mut self, address: u64, session: u32) -> Option<&mut Slot> {
        if self.left == 0 {
            self.grow();
        }
        let at = self.find(address, session);
        let slot = self.slots.get_mut(at)?;
        if slot.row == EMPTY {
            self.left -= 1;
            *slot = Slot { address, session, ..Slot::EMPTY };
        }
        Some(slot)
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![Slot::EMPTY; (self.slots.len() + self.slots.len() / 2).max(64)];
        // At most four of five slots are used.
        self.left = larger.len() * 4 / 5;
        for slot in std::mem::replace(&mut self.slots, larger).into_iter().filter(|slot| slot.row != EMPTY) {
            let at = self.find(slot.address, slot.session);
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
                self.left -= 1;
            }
        }
    }

    /// Pairs one event.
    #[inline(always)]
    fn pair_event(&mut self, event: &PairEvent, at: usize, slice: &MergedSlice, input: PairInput<'_>) {
        let session = session_of(event, input);
        if !event.is_free() {
            self.pair_allocation(event, session, slice, input);
            return;
        }
        let Some(slot) = self.slot(event.address, session) else { return };
        let before = *slot;
        slot.set_freed(event.time);
        if before.row < FREED {
            if let Some(end) = input.ends.get(before.row) {
                end.set(event.time, event.attributes & NUMBER);
            }
            if let Some(rows) = input.free_rows {
                rows.set(event.number, before.row);
            }
            let stack = slice.stack(at);
            if stack.is_recorded() {
                input.ends.set_recorded_stack(before.row, stack);
            }
            self.compare(&before, event, slice);
        } else {
            let alloc_time = if before.row == FREED { before.freed_at() } else { Ticks::UNKNOWN };
            self.add_unrecorded(alloc_time, event, at, slice);
        }
    }

    /// Adds an allocation of which only the free was recorded.
    #[cold]
    fn add_unrecorded(&mut self, alloc_time: Ticks, free: &PairEvent, at: usize, slice: &MergedSlice) {
        self.unrecorded.push(UnrecordedAllocation {
            alloc_time,
            free_time: free.time,
            address: free.address,
            size: slice.size(free),
            free_number: free.number,
            attributes: free.attributes & NUMBER,
            recorded_stack: slice.stack(at),
            stack: 0,
        });
    }

    #[inline(always)]
    fn pair_allocation(&mut self, event: &PairEvent, session: u32, slice: &MergedSlice, input: PairInput<'_>) {
        let Some(slot) = self.slot(event.address, session) else { return };
        let before = slot.row;
        slot.row = event.number;
        slot.detail = [event.tag, event.size];
        if before < FREED {
            self.implied_frees += 1;
            if let Some(end) = input.ends.get(before) {
                end.set(event.time, IMPLIED);
            }
        }
        if event.size == LARGE_SIZE {
            self.large_sizes.insert(event.number, slice.size(event));
        }
    }

    /// Counts a free whose size or tag differs from that of its allocation.
    #[inline]
    fn compare(&mut self, alloc: &Slot, free: &PairEvent, slice: &MergedSlice) {
        let [tag, size] = alloc.detail;
        let is_size_different = if size == LARGE_SIZE {
            self.large_sizes.remove(&alloc.row) != Some(slice.size(free))
        } else {
            size != free.size
        };
        self.disagreements += u64::from(is_size_different || tag != free.tag);
    }

    /// Pairs events of one tick, from position `start` of the slice on.
    #[cold]
    fn pair_tick(&mut self, start: usize, count: usize, slice: &MergedSlice, input: PairInput<'_>) {
        let event = |at: usize| slice.events.get(at).copied().unwrap_or_default();
        let key = |at: usize| (event(at).address, session_of(&event(at), input));
        let mut order: Vec<usize> = (start..start + count).collect();
        // A stable sort: events of one address stay in file order.
        order.sort_by_key(|&at| key(at));
        for same in order.chunk_by(|&a, &b| key(a) == key(b)) {
            let mut ordered = Vec::new();
            if let [first, _, ..] = same {
                let (address, session) = key(*first);
                let is_live = self.slot(address, session).is_some_and(|slot| slot.row < FREED);
                ordered = tick_order(same, is_live, |at| (cpu_of(&event(at), input), event(at).is_free()));
            }
            for &at in if ordered.is_empty() { same } else { &ordered } {
                self.pair_event(&event(at), at, slice, input);
            }
        }
    }
}

/// Session of a session-pool event; [`EventAttributes::NO_SESSION`] for all others.
#[inline]
fn session_of(event: &PairEvent, input: PairInput<'_>) -> u32 {
    if event.attributes & WITH_SESSION == 0 {
        return EventAttributes::NO_SESSION;
    }
    let attributes = input.attributes.get(event.attributes & NUMBER);
    attributes.map_or(EventAttributes::NO_SESSION, |attributes| attributes.session)
}

fn cpu_of(event: &PairEvent, input: PairInput<'_>) -> u16 {
    input.attributes.get(event.attributes & NUMBER).map_or(0, |attributes| attributes.cpu)
}

/// Order of the events of one address in one tick: an allocated address is freed first and a free one allocated first, with the
/// events of each CPU in the order of the file (etl-format 4.6). If no CPU has the event that comes next, the lowest CPU goes on.
/// `of` gives CPU and direction of an event.
fn tick_order(events: &[usize], is_live: bool, of: impl Fn(usize) -> (u16, bool)) -> Vec<usize> {
    let mut queues: BTreeMap<u16, VecDeque<usize>> = BTreeMap::new();
    for &at in events {
        queues.entry(of(at).0).or_default().push_back(at);
    }
    // CPUs by the direction of their next event.
    let mut heads: [BTreeSet<u16>; 2] = Default::default();
    for (&cpu, queue) in &queues {
        if let Some(&head) = queue.front() {
            heads[usize::from(of(head).1)].insert(cpu);
        }
    }
    let mut is_live = is_live;
    let mut order = Vec::with_capacity(events.len());
    while order.len() < events.len() {
        let fits = usize::from(is_live);
        let Some(cpu) = heads[fits].first().or(heads[1 - fits].first()).copied() else { break };
        heads.iter_mut().for_each(|cpus| {
            cpus.remove(&cpu);
        });
        let Some(queue) = queues.get_mut(&cpu) else { break };
        let Some(at) = queue.pop_front() else { break };
        is_live = !of(at).1;
        order.push(at);
        if let Some(&next) = queue.front() {
            heads[usize::from(of(next).1)].insert(cpu);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order of events `(CPU, is free)` as a text of their positions.
    fn order(events: &[(u16, bool)], is_live: bool) -> String {
        let all: Vec<usize> = (0..events.len()).collect();
        tick_order(&all, is_live, |at| events[at]).iter().map(|at| char::from(b'a' + *at as u8)).collect()
    }

    #[test]
    fn an_allocated_address_is_freed_first_and_a_free_one_allocated_first() {
        const ALLOC: bool = false;
        const FREE: bool = true;
        assert_eq!(order(&[(1, ALLOC), (0, FREE)], true), "ba");
        assert_eq!(order(&[(1, FREE), (0, ALLOC)], false), "ba");
        assert_eq!(order(&[(1, FREE), (0, ALLOC)], true), "ab", "the lower number has no free");
        assert_eq!(order(&[(0, ALLOC), (0, FREE), (1, FREE), (1, ALLOC)], true), "cabd");
        assert_eq!(order(&[(3, ALLOC), (2, ALLOC), (2, FREE)], true), "bca", "no CPU has a free: the lowest goes on");
        assert_eq!(order(&[(0, FREE), (0, FREE)], false), "ab");
    }

    #[test]
    fn many_ties_are_put_in_order_at_once() {
        let count = 400_000;
        let events: Vec<usize> = (0..count).collect();
        let sorted = tick_order(&events, false, |at| (at as u16 % 64, at % 3 == 0));
        assert_eq!(sorted.len(), count);
        assert!((0..64).all(|cpu| sorted.iter().filter(|at| **at as u16 % 64 == cpu).is_sorted()));
    }

    fn slice(events: &[PairEvent]) -> MergedSlice {
        let mut sorted: Vec<PairEvent> = events.to_vec();
        sorted.sort_by_key(|event| owner_of(event.address));
        let starts = (0..=OWNERS).map(|owner| sorted.partition_point(|event| owner_of(event.address) < owner) as u32);
        MergedSlice { starts: starts.collect(), events: sorted, ..MergedSlice::default() }
    }

    #[test]
    fn tables_grow_and_keep_every_address() {
        let mut ends = FreeEnds::new(false);
        ends.reserve(50_000);
        let attributes = InternedValues::new(Vec::new());
        let input = PairInput { ends: &ends, free_rows: None, attributes: &attributes };
        let address = |row: u32| u64::from(row) * 16 + 0xffff_8000_0000_0000;
        let alloc =
            |row| PairEvent { address: address(row), time: Ticks(row.into()), number: row, ..PairEvent::default() };
        let free = |row| PairEvent { time: Ticks(100_000), attributes: FREE, ..alloc(row) };
        let mut owners: Vec<AddressOwner> = (0..OWNERS).map(|_| AddressOwner::default()).collect();
        for events in [(0..50_000).map(alloc).collect::<Vec<_>>(), (0..25_000).map(free).collect()] {
            let slice = slice(&events);
            owners.iter_mut().enumerate().for_each(|(owner, pairs)| pairs.pair(owner, &slice, input));
        }
        assert!(
            (0..50_000)
                .all(|row| ends.get(row).unwrap().time() == if row < 25_000 { Ticks(100_000) } else { Ticks::NEVER })
        );
        assert!(owners.iter().all(|owner| owner.unrecorded.is_empty() && owner.implied_frees == 0));
    }
}
