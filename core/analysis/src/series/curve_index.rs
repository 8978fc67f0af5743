//! Minima, maxima and changes of the outstanding curves of all groups in blocks of events. The groups with the highest peaks in
//! any visible range follow from blocks, and so do their curves if intervals between points are longer than blocks; single
//! events are visited only at the ends of ranges. A block has an entry for each group with events in it; its figures are
//! relative to the group's value at the start of the block. Blocks are as short as `MAX_BYTES` permits: about a thousand
//! events where groups are few, a part of the trace where they are many and each has few events.
//!
//! Curves of many groups include the combined one of those without a curve of their own, for which all events of the range are
//! read. Events are then numbered by group in the order of time, so that none is looked up far away in memory.

use super::curve::{Points, SeriesError, SeriesKind, SeriesRequest, collect};
use super::event_groups::EventGroups;
use super::scan::{EventCurves, MinMaxDecimation, ScanResult, TimelineScan, check_size};
use super::selection::{Group, MAX_PEAK_GROUPS, SeriesSelection};
use crate::filter::rowset::RowSet;
use crate::group::column_values::ColumnValues;
use crate::group::event_order::{Event, EventNumbers, EventOrder, EventRange};
use crate::group::group_by::{GroupBy, GroupIds, OUTSIDE};
use crate::group::key::Key;
use crate::group::parallel::{CHUNK_ROWS, Cancel, Cancelled, worker_chunks};
use crate::group::shared_event_order::SharedEventOrder;
use crate::trace::allocation::AllocationTable;
use crate::trace::time::{Ticks, TimeRange};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

/// Upper bound on the bytes of blocks and states for every two allocations. Traces of few allocations may take [`MIN_BYTES`].
const MAX_BYTES: usize = 3;
/// Bytes that the blocks of every trace may take.
const MIN_BYTES: usize = 1 << 21;
/// Allocations in the shortest blocks, and frees in them.
const MIN_BLOCK_EVENTS: usize = 1 << 9;
/// Blocks whose entries are counted to choose the length of blocks, and upper bound on the allocations in all of them.
const SAMPLED_BLOCKS: usize = 32;
const SAMPLED_EVENTS: usize = 1 << 20;
/// Allocations, and frees, of a part of a block whose entries one worker computes.
const PART_EVENTS: usize = 1 << 16;
/// Moments at least for which the state of all groups is kept: before the first block, and after the last one.
const MIN_KEPT_STATES: usize = 2;
/// Minimum number of blocks in an interval between two points for curves that are made of blocks.
const MIN_BLOCKS_PER_INTERVAL: usize = 3;
/// No group, and no curve.
pub(super) const NONE: u32 = u32::MAX;

/// The events of one group in one block.
#[derive(Clone, Copy, Debug)]
struct Entry {
    group: u32,
    /// All allocations and frees, also those that the curve leaves out.
    allocs: u32,
    frees: u32,
    /// Amount of the allocations.
    allocated: i64,
    /// Lowest and highest value at the end of a tick, and the value at the end of the block, less that at its start.
    low: i64,
    high: i64,
    end: i64,
}

/// A group at a moment.
#[derive(Clone, Copy, Default, Debug)]
struct State {
    /// All allocations and frees so far, also those that the curve leaves out.
    allocs: u32,
    frees: u32,
    /// Amount allocated so far.
    allocated: i64,
    /// Outstanding amount.
    value: i64,
}

impl State {
    fn add(&mut self, entry: &Entry) {
        self.allocs += entry.allocs;
        self.frees += entry.frees;
        self.allocated += entry.allocated;
        self.value += entry.end;
    }
}

/// Blocks of the events of a trace for one grouping, one filter and one kind of amount.
pub struct CurveIndex {
    names: Arc<ColumnValues>,
    order: Arc<SharedEventOrder>,
    keys: Vec<Key>,
    by_count: bool,
    include_preexisting: bool,
    rows: Option<Arc<RowSet>>,
    group_by: GroupBy,
    /// The key and the column ids of each group.
    groups: Vec<Group>,
    event_groups: EventGroups,
    /// The last tick of each block.
    ends: Vec<Ticks>,
    /// The events of each block.
    events: Vec<EventRange>,
    /// First entry of each block, and the end of the last one.
    starts: Vec<usize>,
    entries: Vec<Entry>,
    /// Blocks before which the state of all groups is kept, the first block among them. There are about as many entries between
    /// two of them as groups.
    kept_blocks: Vec<usize>,
    /// The states before each of these blocks.
    states: Vec<State>,
}

impl CurveIndex {
    /// Computes the index for the keys, metric and rows of a request; `rows` are those of the request. `order` is that of the
    /// trace, computed here if it is not known. `None` if it serves no request: if groups depend on the visible range, are too
    /// many for the number of rows or of blocks, or if sizes are damaged.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn new(
        names: &Arc<ColumnValues>,
        request: &SeriesRequest<'_>,
        rows: Option<Arc<RowSet>>,
        order: &Arc<SharedEventOrder>,
        cancel: Cancel<'_>,
    ) -> Result<Option<Self>, Cancelled> {
        Self::with_blocks(names, request, rows, order, MIN_BLOCK_EVENTS, cancel)
    }

    /// [`Self::new`] with other shortest blocks.
    pub(super) fn with_blocks(
        names: &Arc<ColumnValues>,
        request: &SeriesRequest<'_>,
        rows: Option<Arc<RowSet>>,
        order: &Arc<SharedEventOrder>,
        min_events: usize,
        cancel: Cancel<'_>,
    ) -> Result<Option<Self>, Cancelled> {
        if request.keys.iter().any(|key| key.depends_on_range()) {
            return Ok(None);
        }
        let table = &names.trace().allocations;
        let max_bytes = (table.len() / 2 * MAX_BYTES).max(MIN_BYTES);
        let has_few_groups = |ids: &Arc<GroupIds>| {
            // Even a single block has an entry and a state for each group with events.
            let of_group = size_of::<Entry>() + (MIN_KEPT_STATES + 1) * size_of::<State>();
            ids.representatives().len() * of_group <= max_bytes
        };
        let Some(ids) = names.group_ids(request.keys, cancel)?.filter(has_few_groups) else { return Ok(None) };
        let events = order.get_unless_cancelled(names.trace(), cancel)?;
        if events.bytes().max(table.len() as u128) > i64::MAX as u128 {
            return Ok(None);
        }
        let group_by = GroupBy::new(names, request.keys);
        let group = |row: &u32| {
            let key = group_by.group_key(table, *row as usize, OUTSIDE);
            let mut ids = vec![0; request.keys.len()];
            group_by.write_ids(key, &mut ids);
            Group { key, ids }
        };
        let groups: Vec<Group> = ids.representatives().iter().map(group).collect();
        let event_groups = match group_by.keys_of_attributes() {
            Some(keys) => {
                let numbers: FxHashMap<u64, u32> = groups.iter().map(|group| group.key).zip(0..).collect();
                EventGroups::Attributes(keys.iter().map(|key| numbers.get(key).copied().unwrap_or(NONE)).collect())
            }
            None => EventGroups::of_rows(ids, rows.clone(), events, cancel)?,
        };
        let mut index = Self {
            names: Arc::clone(names),
            order: Arc::clone(order),
            keys: request.keys.to_vec(),
            by_count: request.metric.by_count,
            include_preexisting: request.include_preexisting,
            rows,
            group_by,
            groups,
            event_groups,
            ends: Vec::new(),
            events: Vec::new(),
            starts: Vec::new(),
            entries: Vec::new(),
            kept_blocks: Vec::new(),
            states: Vec::new(),
        };
        let has_fitting_blocks = index.cut_into_blocks(events, (min_events, max_bytes), cancel)?;
        Ok(has_fitting_blocks.then_some(index))
    }

    /// Returns `true` if the index serves a request of a visible range with these column values.
    #[must_use]
    pub fn serves(&self, names: &Arc<ColumnValues>, request: &SeriesRequest<'_>) -> bool {
        let TimeRange { from, to } = request.visible_range;
        Arc::ptr_eq(&self.names, names)
            && self.keys == request.keys
            && request.metric.kind == SeriesKind::Outstanding
            && self.by_count == request.metric.by_count
            && self.include_preexisting == request.include_preexisting
            && self.rows.as_deref() == request.rows
            && request.chosen.is_none()
            && from.is_known()
            && to.is_known()
            && from <= to
    }

    /// Bytes that the index takes, without the numbers of the groups of rows and the order of events.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.entries.as_slice())
            + size_of_val(self.states.as_slice())
            + size_of_val(self.events.as_slice())
            + (self.ends.len() + self.starts.len() + self.kept_blocks.len()) * size_of::<usize>()
            + self.event_groups.memory_bytes()
    }

    fn table(&self) -> &AllocationTable {
        &self.names.trace().allocations
    }

    fn order(&self) -> &EventOrder {
        self.order.get(self.names.trace())
    }

    /// Chooses the blocks and computes their entries and the states between them. `false` if even blocks of all events, with an entry
    /// for each group, take more than `max_bytes`.
    fn cut_into_blocks(
        &mut self,
        order: &EventOrder,
        (min_events, max_bytes): (usize, usize),
        cancel: Cancel<'_>,
    ) -> Result<bool, Cancelled> {
        let names = Arc::clone(&self.names);
        let table = &names.trace().allocations;
        let all = EventRange { allocs: order.first_known()..table.len(), frees: 0..order.frees().len() };
        let longest = all.allocs.len().max(all.frees.len());
        let mut step = min_events;
        loop {
            (self.ends, self.events) = blocks(table, order, &all, step);
            if self.ends.len() <= 1 || self.estimated_bytes(step, cancel)? <= max_bytes {
                break;
            }
            if step >= longest {
                return Ok(false);
            }
            step *= 2;
        }
        let per_run = (self.events.len() / (worker_chunks() * 4)).clamp(1, 1 << 7);
        let runs = self.events.par_chunks(per_run).map(|run| self.entries_of(run, cancel));
        let runs: Vec<(Vec<Entry>, Vec<usize>)> = runs.collect::<Result<_, Cancelled>>()?;
        let mut state = self.state_before_events(cancel)?;
        let mut since_kept = usize::MAX;
        self.starts.push(0);
        for (entries, counts) in runs {
            if cancel() {
                return Err(Cancelled);
            }
            let mut rest = entries.as_slice();
            for count in counts {
                if since_kept >= self.groups.len() {
                    self.kept_blocks.push(self.starts.len() - 1);
                    self.states.extend_from_slice(&state);
                    since_kept = 0;
                }
                let (own, others) = rest.split_at(count.min(rest.len()));
                own.iter().for_each(|entry| state[entry.group as usize].add(entry));
                rest = others;
                since_kept += count;
                self.starts.push(self.starts.last().copied().unwrap_or(0) + count);
            }
            self.entries.extend(entries);
        }
        self.kept_blocks.push(self.events.len());
        self.states.extend(state);
        Ok(true)
    }

    /// Bytes of the entries and states of the blocks, which have `step` allocations or frees each, estimated by some of them.
    fn estimated_bytes(&self, step: usize, cancel: Cancel<'_>) -> Result<usize, Cancelled> {
        let blocks = self.events.len();
        let sample = blocks.min(SAMPLED_BLOCKS).min((SAMPLED_EVENTS / step).max(2));
        let sampled = (0..sample).into_par_iter().map(|at| {
            let block = at * blocks / sample;
            Ok(self.entries_of(self.events.get(block..=block).unwrap_or_default(), cancel)?.0.len())
        });
        let sampled: usize = sampled.collect::<Result<Vec<_>, Cancelled>>()?.iter().sum();
        let entries = sampled * blocks / sample.max(1);
        let states = MIN_KEPT_STATES * self.groups.len() + entries;
        Ok(entries * size_of::<Entry>() + states * size_of::<State>())
    }

    /// The groups before the first event with a time.
    fn state_before_events(&self, cancel: Cancel<'_>) -> Result<Vec<State>, Cancelled> {
        let table = self.table();
        let mut states = vec![State::default(); self.groups.len()];
        for row in 0..self.order().first_known() {
            if row.is_multiple_of(CHUNK_ROWS) && cancel() {
                return Err(Cancelled);
            }
            let group = match &self.event_groups {
                EventGroups::Attributes(groups) => group_at(groups, table.alloc_attributes[row].0),
                EventGroups::Few(groups) => groups.numbers().of_alloc(row) as usize,
                EventGroups::Many(groups) => groups.numbers().of_alloc(row) as usize,
            };
            if let Some(state) = states.get_mut(group)
                && self.is_selected(row)
            {
                state.allocs += 1;
                if self.include_preexisting {
                    let amount = self.amount(table.size.at(row));
                    state.allocated += amount;
                    state.value += amount;
                }
            }
        }
        Ok(states)
    }

    #[inline]
    fn is_selected(&self, row: usize) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.contains(row))
    }

    #[inline]
    fn amount(&self, size: u64) -> i64 {
        if self.by_count { 1 } else { size as i64 }
    }

    /// Follows the curves of groups through events. `see` is called for a group with its new state at the end of a tick.
    #[inline]
    fn follow(
        &self,
        events: &EventRange,
        states: &mut [State],
        cancel: Cancel<'_>,
        see: impl FnMut(usize, &State),
    ) -> Result<(), Cancelled> {
        let changed = (states, see);
        match &self.event_groups {
            EventGroups::Attributes(groups) => {
                let numbers = self.order().by_attributes(self.table());
                let group_of = |number| group_at(groups, number);
                match self.rows.as_deref() {
                    None => self.follow_numbers((events, numbers), group_of, |_| true, changed, cancel),
                    Some(rows) => {
                        self.follow_numbers((events, numbers), group_of, |row| rows.contains(row), changed, cancel)
                    }
                }
            }
            EventGroups::Few(groups) => {
                self.follow_numbers((events, groups.numbers()), |group| group as usize, |_| true, changed, cancel)
            }
            EventGroups::Many(groups) => {
                self.follow_numbers((events, groups.numbers()), |group| group as usize, |_| true, changed, cancel)
            }
        }
    }

    /// [`Self::follow`] where events of these numbers are of `group_of` and count if `is_selected` says so of their row.
    #[inline]
    fn follow_numbers(
        &self,
        (events, numbers): (&EventRange, impl EventNumbers),
        group_of: impl Fn(u32) -> usize,
        is_selected: impl Fn(usize) -> bool,
        (states, mut see): (&mut [State], impl FnMut(usize, &State)),
        cancel: Cancel<'_>,
    ) -> Result<(), Cancelled> {
        let order = self.order();
        let first_counted = if self.include_preexisting { 0 } else { order.first_known() };
        let mut touched: Vec<u32> = Vec::new();
        order.follow(self.table(), events, numbers, cancel, |Event { row, number, size, is_free, ends_tick }| {
            let group = group_of(number);
            if let Some(state) = states.get_mut(group)
                && is_selected(row)
            {
                let amount = if row >= first_counted { self.amount(size) } else { 0 };
                state.frees += u32::from(is_free);
                state.allocs += u32::from(!is_free);
                state.allocated += if is_free { 0 } else { amount };
                state.value += if is_free { -amount } else { amount };
                // Events of one tick have their effect together: there is no value between them.
                if ends_tick && touched.is_empty() {
                    see(group, state);
                    return;
                }
                touched.push(group as u32);
            }
            if ends_tick {
                touched.drain(..).for_each(|group| see(group as usize, &states[group as usize]));
            }
        })
    }

    /// The entries of some blocks, one block after the other, and their number in each.
    fn entries_of(&self, blocks: &[EventRange], cancel: Cancel<'_>) -> Result<(Vec<Entry>, Vec<usize>), Cancelled> {
        let mut states = vec![State::default(); self.groups.len()];
        let mut place = vec![NONE; self.groups.len()];
        let (mut entries, mut counts): (Vec<Entry>, Vec<usize>) = (Vec::new(), Vec::new());
        for events in blocks {
            let first = entries.len();
            self.follow(events, &mut states, cancel, |group, state| {
                let at = place[group];
                if at == NONE {
                    place[group] = entries.len() as u32;
                    let (low, high) = (state.value, state.value);
                    entries.push(Entry { group: group as u32, allocs: 0, frees: 0, allocated: 0, low, high, end: 0 });
                } else {
                    let entry = &mut entries[at as usize];
                    entry.low = entry.low.min(state.value);
                    entry.high = entry.high.max(state.value);
                }
            })?;
            for entry in &mut entries[first..] {
                let State { allocs, frees, allocated, value } = std::mem::take(&mut states[entry.group as usize]);
                (entry.allocs, entry.frees, entry.allocated, entry.end) = (allocs, frees, allocated, value);
                place[entry.group as usize] = NONE;
            }
            counts.push(entries.len() - first);
        }
        Ok((entries, counts))
    }

    fn entries(&self, block: usize) -> &[Entry] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(self.entries.len());
        self.entries.get(bound(block)..bound(block + 1)).unwrap_or_default()
    }

    /// The last tick before a block.
    fn start_of(&self, block: usize) -> Ticks {
        block.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(Ticks::UNKNOWN)
    }

    /// The entries of the events after `from` and not after `to`, in parts in the order of time: those of blocks, and of parts of
    /// blocks at both ends.
    fn entries_between(
        &self,
        from: Ticks,
        to: Ticks,
        cancel: Cancel<'_>,
        mut visit: impl FnMut(&[Entry]),
    ) -> Result<(), Cancelled> {
        let (table, order) = (self.table(), self.order());
        let mut from = from;
        for block in self.ends.partition_point(|end| *end <= from)..self.events.len() {
            let Some(end) = self.ends.get(block) else { break };
            let last = (*end).min(to);
            let is_whole = || {
                let (own, all) = (order.within(table, from, last), self.events.get(block));
                all.is_some_and(|all| all.allocs == own.allocs && all.frees == own.frees)
            };
            if *end <= to && (from == self.start_of(block) || is_whole()) {
                visit(self.entries(block));
            } else {
                let (_, parts) = blocks(table, order, &order.within(table, from, last), PART_EVENTS);
                let entries = parts.par_iter().map(|part| self.entries_of(std::slice::from_ref(part), cancel));
                let entries: Vec<(Vec<Entry>, Vec<usize>)> = entries.collect::<Result<_, Cancelled>>()?;
                entries.iter().for_each(|(entries, _)| visit(entries));
            }
            if *end >= to {
                break;
            }
            from = last;
        }
        Ok(())
    }

    /// The groups after all events up to and including those at `time`.
    fn states_at(&self, time: Ticks, cancel: Cancel<'_>) -> Result<Vec<State>, Cancelled> {
        let block = self.ends.partition_point(|end| *end <= time);
        let (kept, groups) =
            (self.kept_blocks.partition_point(|kept| *kept <= block).saturating_sub(1), self.groups.len());
        let mut states = self.states[kept * groups..][..groups].to_vec();
        let first = self.kept_blocks.get(kept).copied().unwrap_or(0);
        self.entries_between(self.start_of(first), time, cancel, |entries| {
            entries.iter().for_each(|entry| states[entry.group as usize].add(entry));
        })?;
        Ok(states)
    }

    /// Follows the groups from just after `from` to `to`: `see` is called with a group, its lowest and highest value in a
    /// stretch of time, and its value at the end of that.
    fn walk(
        &self,
        from: Ticks,
        to: Ticks,
        states: &mut [State],
        cancel: Cancel<'_>,
        mut see: impl FnMut(usize, i64, i64, i64),
    ) -> Result<(), Cancelled> {
        let (table, order) = (self.table(), self.order());
        let mut block = self.ends.partition_point(|end| *end <= from);
        let mut events = match self.events.get(block) {
            Some(events) => {
                let done = order.until(table, events, from);
                EventRange { allocs: done.allocs.end..events.allocs.end, frees: done.frees.end..events.frees.end }
            }
            None => return Ok(()),
        };
        let mut is_whole =
            self.events.get(block).is_some_and(|all| all.allocs == events.allocs && all.frees == events.frees);
        while let Some(end) = self.ends.get(block) {
            if *end > to || !is_whole {
                let own = if *end > to { order.until(table, &events, to) } else { events };
                self.follow(&own, states, cancel, |group, state| see(group, state.value, state.value, state.value))?;
            } else {
                for entry in self.entries(block) {
                    let state = &mut states[entry.group as usize];
                    let start = state.value;
                    state.add(entry);
                    see(entry.group as usize, start + entry.low, start + entry.high, state.value);
                }
            }
            if *end > to {
                break;
            }
            block += 1;
            is_whole = true;
            events = self.events.get(block).cloned().unwrap_or(EventRange { allocs: 0..0, frees: 0..0 });
        }
        Ok(())
    }

    /// The curves with the highest peaks: the result of [`decimate_highest`](super::decimate_highest) for a request that the index
    /// [serves](Self::serves).
    ///
    /// # Errors
    /// See [`SeriesError`].
    pub fn highest(&self, request: &SeriesRequest<'_>, cancel: Cancel<'_>) -> Result<MinMaxDecimation, SeriesError> {
        let points = Points::new(request.visible_range, request.points);
        let (selection, start, number) = self.select(request, cancel)?;
        check_size(request.keys, selection.curves(), &points)?;
        let found = if selection.others() == 0 && self.has_short_blocks(request) {
            self.scan_blocks(&points, selection.own, &number, cancel)?
        } else {
            self.scan_events(request, &points, (&selection, &start), &number, cancel)?
        };
        let ScanResult { amounts, extremes } = found;
        let set = collect(&self.names, self.group_by.columns(), request, selection, &points, amounts);
        Ok(MinMaxDecimation { set, extremes })
    }

    /// The groups in the order of their curves, the states at the start of the range, and the curve of each group, or [`NONE`].
    fn select(&self, request: &SeriesRequest<'_>, cancel: Cancel<'_>) -> Result<Selected, Cancelled> {
        let TimeRange { from, to } = request.visible_range;
        let before = self.states_at(Ticks(from.0 - 1), cancel)?;
        let mut start = before.clone();
        self.entries_between(Ticks(from.0 - 1), from, cancel, |entries| {
            entries.iter().for_each(|entry| start[entry.group as usize].add(entry));
        })?;
        let mut states = start.clone();
        let mut peaks: Vec<i64> = start.iter().map(|state| state.value).collect();
        self.entries_between(from, to, cancel, |entries| {
            for entry in entries {
                let (state, peak) = (&mut states[entry.group as usize], &mut peaks[entry.group as usize]);
                *peak = (*peak).max(state.value + entry.high);
                state.add(entry);
            }
        })?;
        // Those with rows in the range, by the amount of the rows that count, as `CurveRows::groups` has them.
        let counted = |group: usize| states[group].allocated - start[group].allocated + start[group].value;
        let mut order: Vec<usize> =
            (0..self.groups.len()).filter(|group| states[*group].allocs > before[*group].frees).collect();
        let by_amount = |a: &usize, b: &usize| {
            let ids = |group: usize| &self.groups[group].ids;
            counted(*b).cmp(&counted(*a)).then_with(|| ids(*a).cmp(ids(*b)))
        };
        let compared = order.len().min(MAX_PEAK_GROUPS);
        if compared < order.len() {
            order.select_nth_unstable_by(compared, by_amount);
        }
        order[..compared].sort_unstable_by(by_amount);
        order[..compared].sort_by_key(|group| Reverse(peaks[*group]));
        let own = compared.min(request.top.unwrap_or(usize::MAX));
        let mut number = vec![NONE; self.groups.len()];
        order.iter().take(own).zip(0..).for_each(|(group, curve)| number[*group] = curve);
        let is_chosen_by_sum = compared < order.len();
        // Only the number of the groups without a curve of their own is of interest.
        let mut groups: Vec<Group> = order.iter().take(own).map(|group| self.groups[*group].clone()).collect();
        groups.resize(order.len(), Group::default());
        Ok((SeriesSelection { groups, own, is_chosen_by_sum }, start, number))
    }

    /// The curves of groups with a curve of their own, from blocks.
    fn scan_blocks(
        &self,
        points: &Points,
        own: usize,
        number: &[u32],
        cancel: Cancel<'_>,
    ) -> Result<ScanResult, Cancelled> {
        let times = points.times();
        let intervals = times.len() - 1;
        let parts = worker_chunks().min(intervals.max(1));
        let part = |at: usize| intervals * at / parts..intervals * (at + 1) / parts;
        let scanned = (0..parts).into_par_iter().map(|at| self.scan_intervals(times, part(at), (own, number), cancel));
        let scanned: Vec<Vec<(i64, i64, i64)>> = scanned.collect::<Result<_, Cancelled>>()?;
        let mut amounts = vec![0i128; own * times.len()];
        let mut extremes = vec![vec![(0i128, 0i128); intervals]; own];
        for (group, state) in self.states_at(times[0], cancel)?.iter().enumerate() {
            if let Some(amount) = amounts.get_mut(number[group] as usize * times.len()) {
                *amount = state.value.into();
            }
        }
        let by_interval = scanned.iter().flat_map(|part| part.chunks(own.max(1)));
        for (interval, curves) in by_interval.enumerate() {
            for (curve, (low, high, end)) in curves.iter().enumerate() {
                extremes[curve][interval] = ((*low).into(), (*high).into());
                amounts[curve * times.len() + interval + 1] = (*end).into();
            }
        }
        Ok(ScanResult { amounts, extremes })
    }

    /// Lowest, highest and last value of each curve in each of some intervals, one interval after the other.
    fn scan_intervals(
        &self,
        times: &[Ticks],
        intervals: Range<usize>,
        (own, number): (usize, &[u32]),
        cancel: Cancel<'_>,
    ) -> Result<Vec<(i64, i64, i64)>, Cancelled> {
        let mut found = Vec::with_capacity(intervals.len() * own);
        let mut states = self.states_at(times[intervals.start], cancel)?;
        let mut now = vec![(0i64, 0i64, 0i64); own];
        for (group, state) in states.iter().enumerate() {
            if let Some(curve) = now.get_mut(number[group] as usize) {
                *curve = (state.value, state.value, state.value);
            }
        }
        for interval in intervals {
            if cancel() {
                return Err(Cancelled);
            }
            now.iter_mut().for_each(|(low, high, end)| (*low, *high) = (*end, *end));
            self.walk(times[interval], times[interval + 1], &mut states, cancel, |group, low, high, end| {
                if let Some(curve) = now.get_mut(number[group] as usize) {
                    *curve = (curve.0.min(low), curve.1.max(high), end);
                }
            })?;
            found.extend_from_slice(&now);
        }
        Ok(found)
    }

    /// Returns `true` if most of the events of an interval are in blocks that lie in it.
    fn has_short_blocks(&self, request: &SeriesRequest<'_>) -> bool {
        let TimeRange { from, to } = request.visible_range;
        let block_of = |time: Ticks| self.ends.partition_point(|end| *end < time);
        block_of(to).saturating_sub(block_of(from)) / MIN_BLOCKS_PER_INTERVAL >= request.points
    }

    /// All curves, from every event of the range: the extremes of several groups together do not follow from those of each.
    fn scan_events(
        &self,
        request: &SeriesRequest<'_>,
        points: &Points,
        (selection, start): (&SeriesSelection, &[State]),
        number: &[u32],
        cancel: Cancel<'_>,
    ) -> Result<ScanResult, Cancelled> {
        let others = if selection.others() > 0 { selection.own as u32 } else { NONE };
        let of_group: Vec<u32> = number.iter().map(|curve| (*curve).min(others)).collect();
        let mut values = vec![0i128; selection.curves()];
        for (state, curve) in start.iter().zip(&of_group) {
            if let Some(value) = values.get_mut(*curve as usize) {
                *value += i128::from(state.value);
            }
        }
        let scan = TimelineScan { table: self.table(), request, order: self.order(), start: &values, points };
        let of_number = Some(of_group.as_slice());
        match &self.event_groups {
            EventGroups::Attributes(groups) => {
                let curve = |group: &u32| of_group.get(*group as usize).copied().unwrap_or(NONE);
                let of_attributes: Vec<u32> = groups.iter().map(curve).collect();
                scan.run(&scan.curves_by_attributes(&of_attributes), cancel)
            }
            EventGroups::Few(groups) => {
                scan.run(&EventCurves { numbers: groups.numbers(), of_number, are_selected: true }, cancel)
            }
            EventGroups::Many(groups) => {
                scan.run(&EventCurves { numbers: groups.numbers(), of_number, are_selected: true }, cancel)
            }
        }
    }
}

/// The groups with a curve of their own, the states at the start of the range, and the curve of each group, or [`NONE`].
type Selected = (SeriesSelection, Vec<State>, Vec<u32>);

fn group_at(groups: &[u32], attributes: u32) -> usize {
    groups.get(attributes as usize).copied().unwrap_or(NONE) as usize
}

/// The last tick and the events of each block of some events, with about `step` allocations or `step` frees in each.
fn blocks(table: &AllocationTable, order: &EventOrder, all: &EventRange, step: usize) -> (Vec<Ticks>, Vec<EventRange>) {
    let allocs = all.allocs.clone();
    let frees = order.frees().get(all.frees.clone()).unwrap_or_default();
    let mut ends: Vec<Ticks> =
        allocs.clone().skip(step - 1).step_by(step).chain(allocs.last()).map(|row| table.alloc_time.at(row)).collect();
    let freed = frees.iter().skip(step - 1).step_by(step).chain(frees.last());
    ends.extend(freed.map(|row| table.free_time[*row as usize]));
    ends.sort_unstable();
    ends.dedup();
    let mut rest = all.clone();
    let mut events = Vec::with_capacity(ends.len());
    for end in &ends {
        let own = order.until(table, &rest, *end);
        rest = EventRange { allocs: own.allocs.end..rest.allocs.end, frees: own.frees.end..rest.frees.end };
        events.push(own);
    }
    (ends, events)
}
