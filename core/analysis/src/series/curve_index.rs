//! Minima, maxima and changes of the outstanding curves of all groups in blocks of events. The groups with the highest peaks in
//! any visible range follow from blocks, and so do their curves if intervals between points are longer than blocks; single
//! events are visited only at the ends of intervals. A block has an entry for each group with events in
//! it; its figures are relative to the group's value at the start of the block. Blocks are as short as `MAX_BYTES` permits.

use super::curve::{Points, SeriesError, SeriesKind, SeriesRequest, collect};
use super::scan::{MinMaxDecimation, RowCurves, ScanResult, TimelineScan, check_size};
use super::selection::{Group, MAX_PEAK_GROUPS, SeriesSelection};
use crate::filter::rowset::RowSet;
use crate::group::column_values::ColumnValues;
use crate::group::event_order::{Event, EventOrder, EventRange};
use crate::group::group_by::{GroupBy, GroupIds, OUTSIDE};
use crate::group::key::Key;
use crate::group::parallel::{Cancel, Cancelled, worker_chunks};
use crate::trace::allocation::AllocationTable;
use crate::trace::time::{Ticks, TimeRange};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Upper bound on the bytes of all entries for every two allocations. Traces of few allocations may take [`MIN_BYTES`].
const MAX_BYTES: usize = 3;
/// Bytes that the entries of every trace may take.
const MIN_BYTES: usize = 1 << 21;
/// Allocations in the shortest blocks, and frees in them.
const MIN_BLOCK_EVENTS: usize = 1 << 9;
/// Blocks whose entries are counted to choose the length of blocks.
const SAMPLED_BLOCKS: usize = 32;
/// Blocks between two moments for which the state of all groups is kept.
const BLOCKS_PER_STATE: usize = 1 << 7;
/// Upper bound on the number of groups. With more, blocks of a bounded size would be as long as the whole trace.
const MAX_GROUPS: usize = MAX_PEAK_GROUPS;
/// Minimum number of blocks in an interval between two points for curves that are made of blocks.
const MIN_BLOCKS_PER_INTERVAL: usize = 3;
/// No curve.
const NONE: u32 = u32::MAX;

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
    order: Arc<OnceLock<EventOrder>>,
    keys: Vec<Key>,
    by_count: bool,
    include_preexisting: bool,
    rows: Option<Arc<RowSet>>,
    group_by: GroupBy,
    /// The key and the column ids of each group.
    groups: Vec<Group>,
    group_of: GroupOf,
    /// The last tick of each block.
    ends: Vec<Ticks>,
    /// The events of each block.
    events: Vec<EventRange>,
    /// First entry of each block, and the end of the last one.
    starts: Vec<usize>,
    entries: Vec<Entry>,
    /// State of each group before every [`BLOCKS_PER_STATE`]th block.
    states: Vec<State>,
}

/// The groups of rows.
enum GroupOf {
    /// By attributes.
    Attributes(Vec<u32>),
    /// By row.
    Rows(Arc<GroupIds>),
}

impl GroupOf {
    #[inline]
    fn get(&self, row: usize, attributes: u32) -> usize {
        let group = match self {
            Self::Attributes(groups) => groups.get(attributes as usize),
            Self::Rows(ids) => ids.of_row().get(row),
        };
        group.copied().unwrap_or(NONE) as usize
    }
}

impl CurveIndex {
    /// Computes the index for the keys, metric and rows of a request; `rows` are those of the request. `order` is that of the
    /// trace, computed here if it is not known. `None` if it serves no request: if groups depend on the visible range, are too
    /// many, or if sizes are damaged.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn new(
        names: &Arc<ColumnValues>,
        request: &SeriesRequest<'_>,
        rows: Option<Arc<RowSet>>,
        order: &Arc<OnceLock<EventOrder>>,
        cancel: Cancel<'_>,
    ) -> Result<Option<Self>, Cancelled> {
        Self::with_blocks(names, request, rows, order, MIN_BLOCK_EVENTS, cancel)
    }

    /// [`Self::new`] with other shortest blocks.
    pub(super) fn with_blocks(
        names: &Arc<ColumnValues>,
        request: &SeriesRequest<'_>,
        rows: Option<Arc<RowSet>>,
        order: &Arc<OnceLock<EventOrder>>,
        min_events: usize,
        cancel: Cancel<'_>,
    ) -> Result<Option<Self>, Cancelled> {
        if request.keys.iter().any(|key| key.depends_on_range()) {
            return Ok(None);
        }
        let Some(ids) = names.group_ids(request.keys, cancel)?.filter(|ids| ids.representatives().len() <= MAX_GROUPS)
        else {
            return Ok(None);
        };
        let table = &names.trace().allocations;
        let events = order.get_or_init(|| EventOrder::new(names.trace()));
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
        let group_of = match group_by.keys_of_attributes() {
            Some(keys) => {
                let numbers: FxHashMap<u64, u32> = groups.iter().map(|group| group.key).zip(0..).collect();
                GroupOf::Attributes(keys.iter().map(|key| numbers.get(key).copied().unwrap_or(NONE)).collect())
            }
            None => GroupOf::Rows(ids),
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
            group_of,
            ends: Vec::new(),
            events: Vec::new(),
            starts: Vec::new(),
            entries: Vec::new(),
            states: Vec::new(),
        };
        index.cut_into_blocks(events, min_events, cancel)?;
        Ok(Some(index))
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

    /// Bytes that the index takes, without the groups of rows and the order of events.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.entries.as_slice())
            + size_of_val(self.states.as_slice())
            + size_of_val(self.events.as_slice())
            + (self.ends.len() + self.starts.len()) * size_of::<usize>()
    }

    fn table(&self) -> &AllocationTable {
        &self.names.trace().allocations
    }

    fn order(&self) -> &EventOrder {
        self.order.get_or_init(|| EventOrder::new(self.names.trace()))
    }

    /// Chooses the blocks and computes their entries and the states between them.
    fn cut_into_blocks(&mut self, order: &EventOrder, min_events: usize, cancel: Cancel<'_>) -> Result<(), Cancelled> {
        let names = Arc::clone(&self.names);
        let table = &names.trace().allocations;
        let bytes = (table.len() / 2 * MAX_BYTES).max(MIN_BYTES);
        let mut step = min_events;
        loop {
            (self.ends, self.events) = blocks(table, order, step);
            let blocks = self.ends.len();
            let sample = blocks.min(SAMPLED_BLOCKS);
            let block = |at: usize| at * blocks / sample.max(1);
            let entries = |at: usize| self.entries_of(block(at)..block(at) + 1).0.len();
            let sampled: usize = (0..sample).map(entries).sum();
            let estimate = sampled * blocks / sample.max(1) * size_of::<Entry>();
            if estimate <= bytes || blocks <= SAMPLED_BLOCKS {
                break;
            }
            step *= 2;
        }
        let blocks = self.ends.len();
        let runs = (0..blocks.div_ceil(BLOCKS_PER_STATE)).into_par_iter().map(|run| {
            let first = run * BLOCKS_PER_STATE;
            if cancel() { Err(Cancelled) } else { Ok(self.entries_of(first..blocks.min(first + BLOCKS_PER_STATE))) }
        });
        let runs: Vec<(Vec<Entry>, Vec<usize>)> = runs.collect::<Result<_, Cancelled>>()?;
        let mut state = self.state_before_events();
        for (entries, counts) in runs {
            self.states.extend_from_slice(&state);
            entries.iter().for_each(|entry| state[entry.group as usize].add(entry));
            for count in counts {
                self.starts.push(self.starts.last().copied().unwrap_or(0) + count);
            }
            self.entries.extend(entries);
        }
        self.starts.insert(0, 0);
        self.states.extend(state);
        Ok(())
    }

    /// The groups before the first event with a time.
    fn state_before_events(&self) -> Vec<State> {
        let table = self.table();
        let mut states = vec![State::default(); self.groups.len()];
        for row in (0..self.order().first_known()).filter(|row| self.is_selected(*row)) {
            if let Some(state) = states.get_mut(self.group_of.get(row, table.alloc_attributes[row].0)) {
                state.allocs += 1;
                if self.include_preexisting {
                    let amount = self.amount(table.size.at(row));
                    state.allocated += amount;
                    state.value += amount;
                }
            }
        }
        states
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
    fn follow(&self, events: &EventRange, states: &mut [State], mut see: impl FnMut(usize, &State)) {
        let order = self.order();
        let mut touched: Vec<u32> = Vec::new();
        order.follow(self.table(), events, |Event { row, attributes, size, is_free, ends_tick }| {
            let group = self.group_of.get(row, attributes);
            if let Some(state) = states.get_mut(group)
                && self.is_selected(row)
            {
                let counts = self.include_preexisting || row >= order.first_known();
                let amount = if counts { self.amount(size) } else { 0 };
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
        });
    }

    /// The entries of some blocks, one block after the other, and their number in each.
    fn entries_of(&self, blocks: Range<usize>) -> (Vec<Entry>, Vec<usize>) {
        let mut states = vec![State::default(); self.groups.len()];
        let mut place = vec![NONE; self.groups.len()];
        let (mut entries, mut counts): (Vec<Entry>, Vec<usize>) = (Vec::new(), Vec::new());
        for events in self.events.get(blocks).unwrap_or_default() {
            let first = entries.len();
            self.follow(events, &mut states, |group, state| {
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
            });
            for entry in &mut entries[first..] {
                let State { allocs, frees, allocated, value } = std::mem::take(&mut states[entry.group as usize]);
                (entry.allocs, entry.frees, entry.allocated, entry.end) = (allocs, frees, allocated, value);
                place[entry.group as usize] = NONE;
            }
            counts.push(entries.len() - first);
        }
        (entries, counts)
    }

    fn entries(&self, block: usize) -> &[Entry] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(self.entries.len());
        self.entries.get(bound(block)..bound(block + 1)).unwrap_or_default()
    }

    /// The groups after all events up to and including those at `time`.
    fn states_at(&self, time: Ticks) -> Vec<State> {
        let block = self.ends.partition_point(|end| *end <= time);
        let (kept, groups) = (block / BLOCKS_PER_STATE, self.groups.len());
        let mut states = self.states[kept * groups..][..groups].to_vec();
        for block in kept * BLOCKS_PER_STATE..block {
            self.entries(block).iter().for_each(|entry| states[entry.group as usize].add(entry));
        }
        if let Some(events) = self.events.get(block) {
            let begun = self.order().until(self.table(), events, time);
            self.follow(&begun, &mut states, |_, _| {});
        }
        states
    }

    /// Follows the groups from just after `from` to `to`: `see` is called with a group, its lowest and highest value in a
    /// stretch of time, and its value at the end of that.
    fn walk(&self, from: Ticks, to: Ticks, states: &mut [State], mut see: impl FnMut(usize, i64, i64, i64)) {
        let (table, order) = (self.table(), self.order());
        let mut block = self.ends.partition_point(|end| *end <= from);
        let mut events = match self.events.get(block) {
            Some(events) => {
                let done = order.until(table, events, from);
                EventRange { allocs: done.allocs.end..events.allocs.end, frees: done.frees.end..events.frees.end }
            }
            None => return,
        };
        let mut is_whole =
            self.events.get(block).is_some_and(|all| all.allocs == events.allocs && all.frees == events.frees);
        while let Some(end) = self.ends.get(block) {
            if *end > to || !is_whole {
                let own = if *end > to { order.until(table, &events, to) } else { events };
                self.follow(&own, states, |group, state| see(group, state.value, state.value, state.value));
            } else {
                for entry in self.entries(block) {
                    let state = &mut states[entry.group as usize];
                    let start = state.value;
                    state.add(entry);
                    see(entry.group as usize, start + entry.low, start + entry.high, state.value);
                }
            }
            if *end > to {
                return;
            }
            block += 1;
            is_whole = true;
            events = self.events.get(block).cloned().unwrap_or(EventRange { allocs: 0..0, frees: 0..0 });
        }
    }

    /// The curves with the highest peaks: the result of [`decimate_highest`](super::decimate_highest) for a request that the index
    /// [serves](Self::serves).
    ///
    /// # Errors
    /// See [`SeriesError`].
    pub fn highest(&self, request: &SeriesRequest<'_>, cancel: Cancel<'_>) -> Result<MinMaxDecimation, SeriesError> {
        let points = Points::new(request.visible_range, request.points);
        let start = self.states_at(request.visible_range.from);
        let (selection, number) = self.select(request, &start);
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

    /// The groups in the order of their curves, and the curve of each group, or [`NONE`].
    fn select(&self, request: &SeriesRequest<'_>, start: &[State]) -> (SeriesSelection, Vec<u32>) {
        let TimeRange { from, to } = request.visible_range;
        let before = self.states_at(Ticks(from.0 - 1));
        let mut states = start.to_vec();
        let mut peaks: Vec<i64> = start.iter().map(|state| state.value).collect();
        self.walk(from, to, &mut states, |group, _, high, _| peaks[group] = peaks[group].max(high));
        // Those with rows in the range, by the amount of the rows that count, as `CurveRows::groups` has them.
        let counted = |group: usize| states[group].allocated - start[group].allocated + start[group].value;
        let mut order: Vec<usize> =
            (0..self.groups.len()).filter(|group| states[*group].allocs > before[*group].frees).collect();
        let ids = |group: &usize| &self.groups[*group].ids;
        order.sort_unstable_by(|a, b| counted(*b).cmp(&counted(*a)).then_with(|| ids(a).cmp(ids(b))));
        let compared = order.len().min(MAX_PEAK_GROUPS);
        order[..compared].sort_by_key(|group| Reverse(peaks[*group]));
        let own = compared.min(request.top.unwrap_or(usize::MAX));
        let mut number = vec![NONE; self.groups.len()];
        order.iter().take(own).zip(0..).for_each(|(group, curve)| number[*group] = curve);
        let is_chosen_by_sum = compared < order.len();
        let groups = order.into_iter().map(|group| self.groups[group].clone()).collect();
        (SeriesSelection { groups, own, is_chosen_by_sum }, number)
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
        let scanned = (0..parts)
            .into_par_iter()
            .map(|at| if cancel() { Err(Cancelled) } else { Ok(self.scan_intervals(times, part(at), own, number)) });
        let scanned: Vec<Vec<(i64, i64, i64)>> = scanned.collect::<Result<_, Cancelled>>()?;
        let mut amounts = vec![0i128; own * times.len()];
        let mut extremes = vec![vec![(0i128, 0i128); intervals]; own];
        for (group, state) in self.states_at(times[0]).iter().enumerate() {
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
        own: usize,
        number: &[u32],
    ) -> Vec<(i64, i64, i64)> {
        let mut found = Vec::with_capacity(intervals.len() * own);
        let mut states = self.states_at(times[intervals.start]);
        let mut now = vec![(0i64, 0i64, 0i64); own];
        for (group, state) in states.iter().enumerate() {
            if let Some(curve) = now.get_mut(number[group] as usize) {
                *curve = (state.value, state.value, state.value);
            }
        }
        for interval in intervals {
            now.iter_mut().for_each(|(low, high, end)| (*low, *high) = (*end, *end));
            self.walk(times[interval], times[interval + 1], &mut states, |group, low, high, end| {
                if let Some(curve) = now.get_mut(number[group] as usize) {
                    *curve = (curve.0.min(low), curve.1.max(high), end);
                }
            });
            found.extend_from_slice(&now);
        }
        found
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
        let row_curves = match &self.group_of {
            GroupOf::Attributes(groups) => {
                let curve = |group: &u32| of_group.get(*group as usize).copied().unwrap_or(NONE);
                RowCurves::Attributes(groups.iter().map(curve).collect())
            }
            GroupOf::Rows(ids) => RowCurves::Numbered(Arc::clone(ids), of_group),
        };
        let (table, order) = (self.table(), self.order());
        TimelineScan { table, request, order, row_curves: &row_curves, start: &values, points }.run(cancel)
    }
}

/// The last tick and the events of each block, with about `step` allocations or `step` frees in each.
fn blocks(table: &AllocationTable, order: &EventOrder, step: usize) -> (Vec<Ticks>, Vec<EventRange>) {
    let allocs = order.first_known()..table.len();
    let frees = order.frees();
    let mut ends: Vec<Ticks> =
        allocs.clone().skip(step - 1).step_by(step).chain(allocs.last()).map(|row| table.alloc_time.at(row)).collect();
    let freed = frees.iter().skip(step - 1).step_by(step).chain(frees.last());
    ends.extend(freed.map(|row| table.free_time[*row as usize]));
    ends.sort_unstable();
    ends.dedup();
    let mut rest = EventRange { allocs: order.first_known()..table.len(), frees: 0..frees.len() };
    let mut events = Vec::with_capacity(ends.len());
    for end in &ends {
        let own = order.until(table, &rest, *end);
        rest = EventRange { allocs: own.allocs.end..rest.allocs.end, frees: own.frees.end..rest.frees.end };
        events.push(own);
    }
    (ends, events)
}
