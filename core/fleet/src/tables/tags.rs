//! `tags`: for each tag, pool and minute of a trace with an event, allocations and frees of the minute, and what is outstanding at its
//! end. A minute without an event has no row; what was outstanding before is outstanding after it. Frees count also where the
//! allocation was before the trace; outstanding are allocations since its start, as in `series`.

use super::{TraceRows, signed, utc_nanoseconds};
use crate::error::FleetError;
use crate::table_file::{GROUP_ROWS, TableFile};
use parquet::data_type::ByteArray;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::attributes::Tag;
use poolscope_analysis::trace::time::Ticks;
use poolscope_base::progress::CancelToken;
use rustc_hash::FxHashMap;

/// The schema.
pub const SCHEMA: &str = "message tags {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    REQUIRED BINARY tag (STRING);
    REQUIRED BINARY paged (STRING);
    REQUIRED INT64 minute;
    OPTIONAL INT64 minute_utc_ns;
    REQUIRED INT64 allocations;
    REQUIRED INT64 size;
    REQUIRED INT64 frees;
    REQUIRED INT64 freed_size;
    REQUIRED INT64 net_size;
    REQUIRED INT64 outstanding_count;
    REQUIRED INT64 outstanding_size;
}";

/// Rows between two looks at the token.
const CHECK_ROWS: usize = 1 << 16;

/// Tag, pool and minute.
type Cell = (Tag, bool, i64);

/// Sums of a minute. They saturate: only damaged sizes come near.
#[derive(Clone, Copy, Default)]
struct Sums {
    allocations: i64,
    size: i64,
    frees: i64,
    freed_size: i64,
    /// Change of what is outstanding since the start of the trace.
    count_change: i64,
    size_change: i64,
}

/// A row of the table.
struct MinuteRow {
    cell: Cell,
    sums: Sums,
    outstanding_count: i64,
    outstanding_size: i64,
}

/// Column of a figure, and its value.
type Figure = (&'static str, fn(&MinuteRow) -> i64);

/// The figures in the order of the schema.
const FIGURES: [Figure; 7] = [
    ("allocations", |row| row.sums.allocations),
    ("size", |row| row.sums.size),
    ("frees", |row| row.sums.frees),
    ("freed_size", |row| row.sums.freed_size),
    ("net_size", |row| row.sums.size.saturating_sub(row.sums.freed_size)),
    ("outstanding_count", |row| row.outstanding_count),
    ("outstanding_size", |row| row.outstanding_size),
];

/// Writes the rows.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let minutes = minute_rows(rows.trace(), rows.cancel)?;
    let (id, clock) = (rows.id(), &rows.trace().clock);
    let ticks = minute_ticks(rows.trace());
    for minutes in minutes.chunks(GROUP_ROWS) {
        file.group(minutes.len(), |group| {
            let text = |text: &str| Some(ByteArray::from(text));
            group.text("trace_id", &id)?;
            group.text("host", rows.host())?;
            group.texts("tag", minutes.iter().map(|row| text(&row.cell.0.text())))?;
            group.texts("paged", minutes.iter().map(|row| text(if row.cell.1 { "Paged" } else { "NonPaged" })))?;
            group.integers("minute", minutes.iter().map(|row| Some(row.cell.2)))?;
            let start = |row: &MinuteRow| utc_nanoseconds(clock, Ticks(row.cell.2.saturating_mul(ticks)));
            group.integers("minute_utc_ns", minutes.iter().map(start))?;
            FIGURES.into_iter().try_for_each(|(name, of)| group.integers(name, minutes.iter().map(|row| Some(of(row)))))
        })?;
    }
    Ok(())
}

fn minute_ticks(trace: &Trace) -> i64 {
    i64::try_from(trace.clock.ticks_per_second.saturating_mul(60)).unwrap_or(i64::MAX).max(1)
}

/// The rows in the order of tag, pool and minute.
fn minute_rows(trace: &Trace, cancel: &CancelToken) -> Result<Vec<MinuteRow>, FleetError> {
    let (table, ticks) = (&trace.allocations, minute_ticks(trace));
    let mut cells: FxHashMap<Cell, Sums> = FxHashMap::default();
    for row in 0..table.len() {
        if row % CHECK_ROWS == 0 {
            cancel.check()?;
        }
        let Some(attributes) = trace.attributes.get(table.alloc_attributes[row]) else { continue };
        let cell = |time: Ticks| (attributes.tag, attributes.pool_type.is_paged(), time.0.div_euclid(ticks));
        let (alloc, free, size) = (table.alloc_time.at(row), table.free_time[row], signed(table.size.at(row)));
        if alloc.is_known() {
            let sums = cells.entry(cell(alloc)).or_default();
            sums.allocations += 1;
            sums.size = sums.size.saturating_add(size);
            sums.count_change += 1;
            sums.size_change = sums.size_change.saturating_add(size);
        }
        if free.is_known() {
            let sums = cells.entry(cell(free)).or_default();
            sums.frees += 1;
            sums.freed_size = sums.freed_size.saturating_add(size);
            if alloc.is_known() {
                sums.count_change -= 1;
                sums.size_change = sums.size_change.saturating_sub(size);
            }
        }
    }
    let mut cells: Vec<(Cell, Sums)> = cells.into_iter().collect();
    cells.sort_unstable_by_key(|(cell, _)| *cell);
    let (mut before, mut count, mut size) = (None, 0_i64, 0_i64);
    let rows = cells.into_iter().map(|(cell, sums)| {
        let (tag, is_paged, _) = cell;
        if before.replace((tag, is_paged)) != Some((tag, is_paged)) {
            (count, size) = (0, 0);
        }
        count = count.saturating_add(sums.count_change);
        size = size.saturating_add(sums.size_change);
        MinuteRow { cell, sums, outstanding_count: count, outstanding_size: size }
    });
    Ok(rows.collect())
}
