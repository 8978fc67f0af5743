//! Parses text into snapshots. A text may contain several: a log of poolmon snapshots, samples of a script, or two commands of one
//! debugger session. Lines that are not understood are counted; those that look like data are kept.

use super::debugger_lines::DebuggerLines;
use super::decode::decode;
use super::line::{ParsedLine, PoolUsedColumns, SnapshotOrder, parse_line, poolused_rows};
use super::number::figure;
use super::table::{self, ColumnKind, TableLayout, TableRow};
use super::time::{SnapshotTime, TimeSource, find_time, time_alone};
use super::{MemoryStatus, Pool, Snapshot, SnapshotRow, SnapshotScope, SnapshotTool, TagCounts, shape};
use crate::debugger::{self, DebuggerLogError};
use std::collections::BTreeMap;

/// Maximum number of unparsed lines that are kept.
const UNPARSED_LINES_MAX: usize = 3;
/// Maximum number of kept lines that look like data.
const DATA_LINES_MAX: usize = 50;
/// Maximum length of a kept line in characters.
const UNPARSED_CHARACTERS_MAX: usize = 80;

/// Reason why a text has no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Only white space.
    #[error("the text is empty: provide the output of poolmon or !poolused with its heading")]
    Empty,
    /// No line is a row of poolmon, of `!poolused` or of a similar table.
    #[error(
        "no row of poolmon or of !poolused was found in {lines} lines{}: provide the whole output with its heading \
         (poolmon: Tag Type Allocs Frees Diff Bytes; !poolused: Tag Allocs Used Allocs Used)",
        first_words(.first)
    )]
    NoRows {
        /// Number of lines that are not blank.
        lines: usize,
        /// The first such line.
        first: Option<UnparsedLine>,
    },
    /// A debugger log with allocations and their stacks.
    #[error(
        "this is a debugger log with stacks of allocations, not a list of tags: read it with poolscope report FILE, or poolscope \
         leaks FILE"
    )]
    Stacks,
    /// A debugger log without tags.
    #[error("{}. {}", .0, .0.advice())]
    DebuggerLog(DebuggerLogError),
    /// A difference of snapshots that poolscope wrote.
    #[error("this is a difference between snapshots, written by poolscope: provide the snapshots themselves")]
    Difference,
}

fn first_words(first: &Option<UnparsedLine>) -> String {
    first.as_ref().map_or_else(String::new, |line| format!(" (line {} is '{}')", line.number, line.text))
}

/// A line that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnparsedLine {
    /// Line number, from 1.
    pub number: usize,
    /// Beginning of the line without control characters.
    pub text: String,
}

/// Snapshots of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFile {
    /// At least one, in the order of the text; samples of a table with times in the order of time. Output of `!poolused` for one
    /// moment in two orders is combined into one snapshot.
    pub snapshots: Vec<Snapshot>,
    /// Number of lines that were not understood.
    pub unparsed_count: usize,
    /// The first of the lines that were not understood.
    pub unparsed_lines: Vec<UnparsedLine>,
    /// Number of those that look like data: a name and several figures.
    pub data_line_count: usize,
    /// The first of the lines that look like data.
    pub data_lines: Vec<UnparsedLine>,
    /// Number of searches of `!poolfind` that were ended early.
    pub cut_searches: usize,
    /// Samples that were cut, so that they are left out: their time, the number of their rows and of those that are there.
    pub cut_samples: Vec<(SnapshotTime, u64, u64)>,
}

/// Parses a text in any encoding that [`decode`] accepts.
///
/// # Errors
/// No row was found.
pub fn parse(bytes: &[u8]) -> Result<SnapshotFile, SnapshotError> {
    parse_text(&decode(bytes))
}

/// Parses a text.
///
/// # Errors
/// No row was found.
pub fn parse_text(text: &str) -> Result<SnapshotFile, SnapshotError> {
    let mut reader = Reader::default();
    let mut lines = 0;
    let mut first = None;
    let json = text.trim_start_matches('\u{feff}').trim_start();
    if json.starts_with(['{', '[']) && reader.take_json(json, 0) {
        lines = 1;
    } else {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start_matches('\u{feff}').trim_end();
            if !line.is_empty() {
                lines += 1;
                first.get_or_insert_with(|| unparsed_line(index, line));
            }
            reader.take(index, unquoted(line));
        }
    }
    let is_difference = reader.is_difference;
    let file = reader.finish();
    if lines == 0 {
        return Err(SnapshotError::Empty);
    }
    if file.snapshots.is_empty() {
        return Err(if is_difference { SnapshotError::Difference } else { without_rows(text, lines, first) });
    }
    Ok(file)
}

/// The error for a text without rows.
fn without_rows(text: &str, lines: usize, first: Option<UnparsedLine>) -> SnapshotError {
    let log = debugger::read_text(text);
    match debugger::reason(&log) {
        _ if !log.operations.is_empty() => SnapshotError::Stacks,
        // The output of !poolused without a row is told by its heading.
        DebuggerLogError::NotALog | DebuggerLogError::TagsOnly(_) => SnapshotError::NoRows { lines, first },
        reason => SnapshotError::DebuggerLog(reason),
    }
}

/// A line without the marks of quotations in mails, and without the fences of Markdown.
pub(crate) fn unquoted(line: &str) -> &str {
    let mut line = line;
    while let Some(rest) = line.strip_prefix('>') {
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    let is_fence = ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
    if is_fence { "" } else { line }
}

fn unparsed_line(index: usize, line: &str) -> UnparsedLine {
    let text =
        line.trim().chars().take(UNPARSED_CHARACTERS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    UnparsedLine { number: index + 1, text }
}

/// Returns `true` if a line looks like a row: a name, then several figures or the name of a pool and figures.
fn looks_like_data(line: &str) -> bool {
    let words: Vec<&str> =
        line.split(|c: char| c.is_whitespace() || "|;\"()".contains(c)).filter(|word| !word.is_empty()).collect();
    let figures = words.iter().filter(|word| figure(word).is_some()).count();
    let names_pool = words.iter().any(|word| table::pool_of_cell(word).is_some());
    let begins_with_name = words.first().is_some_and(|word| figure(word).is_none());
    let is_short = words.len() - figures <= figures + 6;
    begins_with_name && is_short && (figures >= 3 || (figures >= 2 && names_pool))
}

/// The snapshot being read.
struct OpenSnapshot {
    tool: SnapshotTool,
    scope: SnapshotScope,
    time: Option<SnapshotTime>,
    first_line: usize,
    rows: BTreeMap<(String, Pool), SnapshotRow>,
    totals: [Option<u64>; 2],
    memory: MemoryStatus,
    order: Option<SnapshotOrder>,
    /// Rows of the whole sample as the table says, and rows that were read.
    sample_rows: Option<u64>,
    lines: u64,
}

#[derive(Default)]
struct Reader {
    document: SnapshotFile,
    open: Option<OpenSnapshot>,
    /// Samples of tables with times, by time.
    timed: BTreeMap<i64, OpenSnapshot>,
    /// Tool of the last heading, which applies to the rows after it.
    heading: Option<SnapshotTool>,
    /// Columns of the last heading of `!poolused`.
    columns: PoolUsedColumns,
    /// The table of the last heading.
    table: Option<TableLayout>,
    /// Items of a list that are not yet a row.
    record: Vec<(ColumnKind, String)>,
    scope: SnapshotScope,
    /// Time of a line before the first row.
    time: Option<SnapshotTime>,
    /// Date of a line without a time.
    date: Option<(i64, Option<i64>)>,
    /// Day, from 0, and time of day of the last line with a time without a date.
    undated: Option<(i64, i64)>,
    /// Memory and totals printed before the first row.
    memory: MemoryStatus,
    sums: [Option<u64>; 2],
    /// Order of the rows after the last heading, if given.
    order: Option<SnapshotOrder>,
    /// Known orders of the parts of the last snapshot.
    orders: Vec<SnapshotOrder>,
    /// The pool that a line above a table names.
    caption: Option<Pool>,
    /// Neighboring lines that look like data and are not understood.
    block: Vec<(usize, String)>,
    is_difference: bool,
    /// Output of `!poolfind` and `!vm`.
    debugger: DebuggerLines,
    /// Time of the present `!vm`.
    memory_time: Option<SnapshotTime>,
    /// Memory of a `!vm` that belongs to no snapshot yet, with its line and time.
    pending_memory: Option<(MemoryStatus, usize, Option<SnapshotTime>)>,
}

impl Reader {
    fn take(&mut self, index: usize, line: &str) {
        if self.take_debugger_line(index, line) {
            return;
        }
        let parsed = parse_line(line);
        if !matches!(parsed, ParsedLine::Unknown | ParsedLine::Rows(..)) {
            self.end_record(index);
            self.end_block();
        }
        match parsed {
            ParsedLine::Nothing => self.date = self.date.filter(|_| line.trim().is_empty()),
            ParsedLine::Heading(tool, order) => {
                self.close();
                (self.heading, self.table, self.columns) = (Some(tool), None, PoolUsedColumns::default());
                self.order = if tool == SnapshotTool::PoolUsed { order.or(self.order) } else { None };
                if tool == SnapshotTool::PoolUsed {
                    self.scope = SnapshotScope::System;
                }
            }
            ParsedLine::Memory(memory) => {
                self.close();
                (self.heading, self.table) = (Some(SnapshotTool::PoolMon), None);
                (self.memory, self.scope, self.sums) = (memory, SnapshotScope::System, [None; 2]);
            }
            ParsedLine::Commit(memory, totals) => {
                self.memory = self.memory.or(memory);
                self.take_totals(totals);
            }
            ParsedLine::Scope(scope) => {
                self.close();
                (self.heading, self.table, self.scope) = (Some(SnapshotTool::PoolMon), None, scope);
            }
            ParsedLine::PoolUsedColumns(columns) => self.take_columns(columns),
            ParsedLine::Totals(totals) => self.take_totals(totals),
            ParsedLine::Rows(tool, rows) => {
                // A table with headings may have other columns behind the same first ones.
                if !self.take_table_line(index, line) {
                    self.end_block();
                    rows.into_iter().for_each(|row| self.row(tool, index, row));
                }
            }
            ParsedLine::Unknown => self.take_other(index, line),
        }
    }

    /// Takes a line of `!poolfind`, `!pool` or `!vm`.
    fn take_debugger_line(&mut self, index: usize, line: &str) -> bool {
        let Some(found) = self.debugger.take(line) else { return false };
        self.document.cut_searches += usize::from(found.is_cut);
        self.take_memory(found.memory);
        if found.starts_memory {
            self.memory_time = self.time;
        }
        if found.starts_search && self.open.as_ref().is_some_and(|open| open.tool == SnapshotTool::PoolFind) {
            self.close();
        }
        if let Some(row) = found.row {
            (self.heading, self.table) = (None, None);
            let scope = std::mem::replace(&mut self.scope, SnapshotScope::Searched);
            if self.open.as_ref().is_some_and(|open| open.tool != SnapshotTool::PoolFind) {
                self.close();
            }
            self.add_block(index, row);
            self.scope = scope;
        }
        found.is_taken
    }

    /// Adds a block that `!poolfind` found.
    fn add_block(&mut self, index: usize, row: SnapshotRow) {
        if self.open.is_none() {
            return self.row(SnapshotTool::PoolFind, index, row);
        }
        self.open.as_mut().into_iter().for_each(|open| open.add(row.clone()));
    }

    /// Gives the memory of a `!vm` to the snapshot beside it.
    fn take_memory(&mut self, memory: Option<(MemoryStatus, usize)>) {
        let Some((memory, line)) = memory.filter(|(memory, _)| memory.has_pools()) else { return };
        match &mut self.open {
            Some(open) if !open.memory.has_pools() => open.memory = memory.or(open.memory),
            _ => {
                self.close();
                self.flush_memory();
                self.pending_memory = Some((memory, line, self.memory_time));
            }
        }
    }

    /// Makes a snapshot without rows of a `!vm` that belongs to no other.
    fn flush_memory(&mut self) {
        let Some((memory, first_line, time)) = self.pending_memory.take() else { return };
        self.document.snapshots.push(Snapshot {
            tool: SnapshotTool::Vm,
            scope: SnapshotScope::PoolSizes,
            time,
            first_line,
            rows: Vec::new(),
            totals: memory.pool_usage,
            memory,
        });
    }

    /// Takes a line that is none of poolmon's.
    fn take_other(&mut self, index: usize, line: &str) {
        if self.heading == Some(SnapshotTool::PoolUsed)
            && let Some(rows) = poolused_rows(line, self.columns)
        {
            self.end_block();
            return rows.into_iter().for_each(|row| self.row(SnapshotTool::PoolUsed, index, row));
        }
        if self.take_table_line(index, line) || (line.starts_with('{') && self.take_json(line, index)) {
            return;
        }
        if let Some(item) = table::list_item(line) {
            let is_next = self.record.iter().any(|(kind, _)| *kind == item.0 && item.0 != ColumnKind::Other);
            if is_next {
                self.end_record(index);
            }
            return self.record.push(item);
        }
        if looks_like_data(line) && find_time(line).date.is_none() {
            return self.block.push((index, line.to_owned()));
        }
        self.end_block();
        if self.take_time(line) {
            return;
        }
        self.caption = table::pool_of_caption(line).or(self.caption);
        self.skip_line(index, line);
    }

    /// Takes a heading, a ruler or a row of a table.
    fn take_table_line(&mut self, index: usize, line: &str) -> bool {
        let is_difference = [["growth", "bytes_before"], ["\u{394} Bytes", "Before"]];
        if is_difference.iter().any(|words| words.iter().all(|word| line.contains(word))) {
            (self.is_difference, self.table, self.heading) = (true, None, None);
            return false;
        }
        if let Some(layout) = table::heading(line) {
            self.end_block();
            // A table with times may repeat its heading; others begin anew.
            if !layout.has_time() {
                self.close();
            }
            self.table = Some(layout.with_pool(self.caption.take()));
            self.heading = None;
            return true;
        }
        let Some(table) = &mut self.table else { return false };
        if table::is_ruler(line) {
            table.take_ruler(line);
            return true;
        }
        let tool = table.tool;
        let Some(row) = table.row(line) else { return false };
        self.end_block();
        self.table_row(tool, index, row);
        true
    }

    /// Takes a line with a date, or with a time after a line with a date.
    fn take_time(&mut self, line: &str) -> bool {
        let mut found = find_time(line);
        let names_time = line.to_lowercase().contains("time") || line.trim().starts_with(|c: char| c.is_ascii_digit());
        match (found.date, found.of_day) {
            (Some(date), None) => {
                self.date = Some(date);
                return true;
            }
            (None, Some(_)) if names_time && self.date.is_some() => found.date = self.date.take(),
            (Some(_), Some(_)) => {}
            // Without a date, a time before that of the last line is one of the next day.
            (None, Some(of_day)) if names_time && time_alone(line).is_some() => {
                let (day, last) = self.undated.unwrap_or((0, 0));
                let day = if of_day < last { day + 1 } else { day };
                self.undated = Some((day, of_day));
                found.date = Some((day, None));
            }
            _ => return false,
        }
        self.close();
        self.time = found.snapshot_time(TimeSource::Line);
        true
    }

    fn take_columns(&mut self, columns: PoolUsedColumns) {
        self.close();
        (self.heading, self.table) = (Some(SnapshotTool::PoolUsed), None);
        if !columns.pools.is_empty() {
            (self.columns.pools, self.columns.is_session) = (columns.pools, columns.is_session);
        }
        if columns.per_pool > 0 {
            (self.columns.per_pool, self.columns.repeats) = (columns.per_pool, columns.repeats);
        }
        self.scope = if self.columns.is_session { SnapshotScope::CurrentSession } else { SnapshotScope::System };
    }

    fn take_totals(&mut self, totals: [Option<u64>; 2]) {
        let target = self.open.as_mut().map_or(&mut self.sums, |open| &mut open.totals);
        target.iter_mut().zip(totals).for_each(|(target, total)| *target = total.or(*target));
    }

    /// Takes objects of JSON with the names of columns; returns whether the text is JSON.
    fn take_json(&mut self, text: &str, index: usize) -> bool {
        let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return false };
        let rows = match &value {
            serde_json::Value::Array(rows) => rows.as_slice(),
            serde_json::Value::Object(object) => {
                let list = ["rows", "value", "data"].iter().find_map(|name| object.get(*name)?.as_array());
                list.map_or_else(|| std::slice::from_ref(&value), Vec::as_slice)
            }
            _ => return false,
        };
        let mut rows_found = false;
        for row in rows.iter().filter_map(serde_json::Value::as_object) {
            self.is_difference |= row.contains_key("growth") && row.contains_key("bytes_before");
            let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let kind = |name: &str| table::kind_of_heading(name).unwrap_or(ColumnKind::Other);
            let cells: Vec<(ColumnKind, String)> = row
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (kind(name), text(value)))
                .collect();
            let tool = if row.contains_key("bytes_per_block") { SnapshotTool::Poolscope } else { SnapshotTool::Script };
            rows_found |= self.take_cells(tool, index, &cells);
        }
        rows_found || self.is_difference
    }

    /// Takes the cells of one row; returns whether they are one.
    fn take_cells(&mut self, tool: SnapshotTool, index: usize, cells: &[(ColumnKind, String)]) -> bool {
        let mut seen: Vec<ColumnKind> = Vec::new();
        let has_pools =
            cells.iter().any(|(kind, _)| matches!(kind, ColumnKind::Bytes(Some(_), _) | ColumnKind::Blocks(Some(_))));
        let mut borrowed: Vec<(ColumnKind, &str)> = Vec::new();
        for (kind, text) in cells {
            let is_sum = has_pools
                && matches!(
                    kind,
                    ColumnKind::Allocs(None)
                        | ColumnKind::Frees(None)
                        | ColumnKind::Blocks(None)
                        | ColumnKind::Bytes(None, _)
                );
            if !is_sum && !seen.contains(kind) {
                seen.push(*kind);
                borrowed.push((*kind, text.as_str()));
            }
        }
        let has_bytes = borrowed.iter().any(|(kind, _)| matches!(kind, ColumnKind::Bytes(..)));
        let Some(row) = table::row_of_cells(&borrowed, self.caption).filter(|_| has_bytes) else { return false };
        self.table_row(tool, index, row);
        true
    }

    /// Ends a row of a list.
    fn end_record(&mut self, index: usize) {
        let record = std::mem::take(&mut self.record);
        if !record.is_empty() && !self.take_cells(SnapshotTool::Script, index.saturating_sub(record.len()), &record) {
            self.document.unparsed_count += record.len();
        }
    }

    /// Ends a block of lines that look like data: rows of a table without a known heading, or lines to show.
    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let lines: Vec<&str> = block.iter().map(|(_, line)| line.as_str()).collect();
        match shape::rows(&lines) {
            Some(rows) => {
                let indices = block.iter().map(|(index, _)| *index);
                indices.zip(rows).for_each(|(index, row)| self.row(SnapshotTool::Script, index, row));
            }
            None => block.iter().for_each(|(index, line)| {
                self.document.data_line_count += 1;
                if self.document.data_lines.len() < DATA_LINES_MAX {
                    self.document.data_lines.push(unparsed_line(*index, line));
                }
                self.skip_line(*index, line);
            }),
        }
    }

    fn table_row(&mut self, tool: SnapshotTool, index: usize, row: TableRow) {
        let time = row.time.and_then(|found| found.snapshot_time(TimeSource::Column));
        let Some(time) = time else {
            return row.rows.into_iter().for_each(|row| self.row(tool, index, row));
        };
        let fresh = || OpenSnapshot {
            tool,
            scope: SnapshotScope::System,
            time: Some(time),
            first_line: index + 1,
            rows: BTreeMap::new(),
            totals: [None; 2],
            memory: MemoryStatus::default(),
            order: None,
            sample_rows: None,
            lines: 0,
        };
        let open = self.timed.entry(time.millis).or_insert_with(fresh);
        open.lines += 1;
        open.sample_rows = row.sample_rows.max(open.sample_rows);
        row.rows.into_iter().for_each(|row| open.add(row));
    }

    fn row(&mut self, tool: SnapshotTool, index: usize, row: SnapshotRow) {
        let key = (row.tag.clone(), row.pool);
        let seen = self
            .open
            .as_ref()
            .is_some_and(|open| open.tool != tool || (open.rows.contains_key(&key) && is_plain(&row.tag)));
        if seen {
            // A repeated tag starts another snapshot without a heading.
            self.close();
        }
        let pending = if self.open.is_none() { self.pending_memory.take() } else { None };
        let (beside, _, beside_time) = pending.unwrap_or_default();
        let open = self.open.get_or_insert_with(|| OpenSnapshot {
            tool,
            scope: self.scope,
            time: self.time.take().or(beside_time),
            first_line: index + 1,
            rows: BTreeMap::new(),
            totals: std::mem::take(&mut self.sums),
            memory: std::mem::take(&mut self.memory).or(beside),
            order: self.order.take(),
            sample_rows: None,
            lines: 0,
        });
        open.add(row);
    }

    fn skip_line(&mut self, index: usize, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.document.unparsed_count += 1;
        if self.document.unparsed_lines.len() < UNPARSED_LINES_MAX {
            self.document.unparsed_lines.push(unparsed_line(index, line));
        }
    }

    /// Finishes the snapshot being read, if it has rows.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (order, snapshot) = (open.order, open.finish());
        // `!poolused 2` and `!poolused 4` show one moment in two orders, each possibly truncated to its largest rows.
        let other_order = order.is_some_and(|order| !self.orders.is_empty() && !self.orders.contains(&order));
        match self.document.snapshots.last_mut().filter(|before| other_order && may_be_same_moment(before, &snapshot)) {
            Some(before) => merge_rows(before, snapshot),
            None => {
                self.orders.clear();
                self.document.snapshots.push(snapshot);
            }
        }
        self.orders.extend(order);
    }

    fn finish(mut self) -> SnapshotFile {
        self.end_record(0);
        self.end_block();
        let memory = self.debugger.finish();
        self.take_memory(memory);
        self.close();
        self.flush_memory();
        // A batch file may print the date after each listing instead of before it.
        let snapshots = &mut self.document.snapshots;
        if let (Some(last), Some((first, rest))) = (self.time, snapshots.split_first_mut())
            && first.time.is_none()
            && rest.iter().all(|snapshot| snapshot.time.is_some())
        {
            let mut next = Some(last);
            rest.iter_mut().rev().for_each(|snapshot| next = std::mem::replace(&mut snapshot.time, next));
            first.time = next;
        }
        for open in self.timed.into_values() {
            match (open.sample_rows, open.time) {
                (Some(wanted), Some(time)) if open.lines < wanted => {
                    self.document.cut_samples.push((time, wanted, open.lines));
                }
                _ => self.document.snapshots.push(open.finish()),
            }
        }
        self.document.snapshots.retain(|snapshot| !snapshot.rows.is_empty() || snapshot.tool == SnapshotTool::Vm);
        self.document
    }
}

impl OpenSnapshot {
    /// Adds a row. Different tags with unprintable bytes may look the same.
    fn add(&mut self, row: SnapshotRow) {
        let (counts, key) = (row.counts, (row.tag.clone(), row.pool));
        self.rows.entry(key).and_modify(|other| other.counts = other.counts.plus(counts)).or_insert(row);
    }

    fn finish(self) -> Snapshot {
        Snapshot {
            tool: self.tool,
            scope: self.scope,
            time: self.time,
            first_line: self.first_line,
            rows: by_bytes(self.rows.into_values()),
            totals: self.totals,
            memory: self.memory,
        }
    }
}

/// Sorts rows descending by bytes, then by tag and pool.
fn by_bytes(rows: impl Iterator<Item = SnapshotRow>) -> Vec<SnapshotRow> {
    let mut rows: Vec<SnapshotRow> = rows.collect();
    rows.sort_by(|a, b| b.counts.bytes.cmp(&a.counts.bytes).then_with(|| (&a.tag, a.pool).cmp(&(&b.tag, b.pool))));
    rows
}

/// Returns `true` if two snapshots of `!poolused` may show one moment: tags in both have equal counts.
fn may_be_same_moment(one: &Snapshot, other: &Snapshot) -> bool {
    let known: BTreeMap<(&str, Pool), TagCounts> =
        one.rows.iter().map(|row| ((row.tag.as_str(), row.pool), row.counts)).collect();
    // Allocations and frees are only counted with flag 1.
    let same = |a: Option<u64>, b: Option<u64>| a.is_none() || b.is_none() || a == b;
    let agrees = |row: &SnapshotRow| {
        known.get(&(row.tag.as_str(), row.pool)).is_none_or(|figures| {
            (figures.blocks, figures.bytes) == (row.counts.blocks, row.counts.bytes)
                && same(figures.allocs, row.counts.allocs)
                && same(figures.frees, row.counts.frees)
        })
    };
    one.tool == SnapshotTool::PoolUsed
        && other.tool == SnapshotTool::PoolUsed
        && one.scope == other.scope
        && other.rows.iter().filter(|row| is_plain(&row.tag)).all(agrees)
}

/// Adds the rows of another snapshot of the same moment.
fn merge_rows(into: &mut Snapshot, other: Snapshot) {
    let rows = std::mem::take(&mut into.rows).into_iter().chain(other.rows);
    let mut united: BTreeMap<(String, Pool), SnapshotRow> = BTreeMap::new();
    for row in rows {
        let figures = row.counts;
        let known = united.entry((row.tag.clone(), row.pool)).or_insert(row);
        known.counts = larger(known.counts, figures);
    }
    into.rows = by_bytes(united.into_values());
    for (total, other) in into.totals.iter_mut().zip(other.totals) {
        *total = (*total).max(other);
    }
}

/// The larger of two counts of one tag, completed with counters that only the other has. Where several tags look the same, a
/// truncated snapshot may contain fewer of them.
fn larger(one: TagCounts, other: TagCounts) -> TagCounts {
    let (most, least) = if other.bytes > one.bytes { (other, one) } else { (one, other) };
    TagCounts { allocs: most.allocs.or(least.allocs), frees: most.frees.or(least.frees), ..most }
}

/// Returns `true` if the tag is printed unchanged; consoles print other bytes as `.`, `?` or a non-ASCII character.
fn is_plain(tag: &str) -> bool {
    tag.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && c != '.' && c != '?')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: &str = " Memory:  260620K Avail:   96364K  PageFlts:     0   InRam Krnl: 1916K P:17856K\r\n \
        Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K\r\n System pool information\r\n \
        Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\r\n\r\n \
        Leak Nonp       9000 (   3)      8000 (   1)     1000    4096 (   512)      4\r\n \
        Leak Paged         2 (   0)         1 (   0)        1      64 (     0)     64\r\n \
        Io   Nonp       5000 (   0)      4000 (   0)     1000   91912 (     0)     91\r\n";
    const DEBUGGER: &str = "0: kd> !poolused 2\n....\n Sorting by NonPaged Pool Consumed\n\n               NonPaged                  Paged\n \
        Tag     Allocs         Used     Allocs         Used\n\n Leak       535      5935104          0            0\tUNKNOWN pooltag \
        'Leak', please update pooltag.txt\n 8042        4     3944         2        64PS/2 , Binary: i8042prt.sys\nTOTAL  539 5939048 2 64\n0: kd> q\n";

    fn tags(snapshot: &Snapshot) -> Vec<(&str, Pool, u64)> {
        snapshot.rows.iter().map(|row| (row.tag.as_str(), row.pool, row.counts.bytes)).collect()
    }

    #[test]
    fn poolmon_screen_parses() {
        let document = parse(SCREEN.as_bytes()).expect("a snapshot");
        let [snapshot] = document.snapshots.as_slice() else { panic!("{document:?}") };
        assert_eq!((snapshot.tool, snapshot.first_line, document.unparsed_count), (SnapshotTool::PoolMon, 6, 0));
        let wanted = [("Io  ", Pool::NonPaged, 91_912), ("Leak", Pool::NonPaged, 4096), ("Leak", Pool::Paged, 64)];
        assert_eq!(tags(snapshot), wanted);
        assert_eq!(snapshot.totals, [Some(8332 << 10), Some(27_220 << 10)]);
        assert_eq!(snapshot.bytes_in(Pool::NonPaged), 96_008);
        assert_eq!(snapshot.events_per_second(|tag| tag == "Leak"), Some(1));
        assert_eq!(snapshot.events_per_second(|tag| tag == "none"), None);
    }

    #[test]
    fn debugger_output_parses_in_any_encoding() {
        let wide: Vec<u8> = format!("\u{feff}{DEBUGGER}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [DEBUGGER.as_bytes(), &wide, DEBUGGER.replace('\n', "\r\n").as_bytes()] {
            let document = parse(bytes).expect("a snapshot");
            let [snapshot] = document.snapshots.as_slice() else { panic!("{document:?}") };
            assert_eq!(
                tags(snapshot),
                [("Leak", Pool::NonPaged, 5_935_104), ("8042", Pool::NonPaged, 3944), ("8042", Pool::Paged, 64)]
            );
            assert_eq!((snapshot.tool, snapshot.totals), (SnapshotTool::PoolUsed, [Some(5_939_048), Some(64)]));
            assert_eq!(document.unparsed_count, 0, "{:?}", document.unparsed_lines);
        }
    }

    #[test]
    fn several_snapshots_in_one_text_are_separate() {
        let document = parse(format!("{SCREEN}{SCREEN}{DEBUGGER}").as_bytes()).expect("snapshots");
        assert_eq!(document.snapshots.iter().map(|snapshot| snapshot.rows.len()).collect::<Vec<_>>(), [3, 3, 3]);
        // A log of snapshots without headings: a tag is repeated.
        let log = " Aaaa Nonp 1 0 1 64 64\n Bbbb Nonp 1 0 1 64 64\n Aaaa Nonp 2 0 2 128 64\n Bbbb Nonp 1 0 1 64 64\n";
        let document = parse(log.as_bytes()).expect("snapshots");
        assert_eq!(document.snapshots.iter().map(|snapshot| snapshot.first_line).collect::<Vec<_>>(), [1, 3]);
        // Tags that look the same are one row.
        let alike = parse(" ...? Nonp 1 0 1 64 64\n ...? Nonp 2 0 2 128 64\n".as_bytes()).expect("a snapshot");
        assert_eq!(tags(&alike.snapshots[0]), [("...?", Pool::NonPaged, 192)]);
    }

    /// Output of `!poolused`: blocks and bytes of nonpaged and of paged pool.
    fn poolused(order: &str, rows: &[(&str, [u64; 4])]) -> String {
        let mut text = format!(" Sorting by  {order}\n\n   NonPaged   Paged\n Tag  Allocs Used Allocs Used\n\n");
        for (tag, [blocks, bytes, paged_blocks, paged_bytes]) in rows {
            text.push_str(&format!(" {tag} {blocks} {bytes} {paged_blocks} {paged_bytes}\tUNKNOWN pooltag\n"));
        }
        text
    }

    const NONPAGED: &str = "NonPaged Pool Consumed";
    const PAGED: &str = "Paged Pool Consumed";
    const LEAK: (&str, [u64; 4]) = ("Leak", [5, 5000, 1, 64]);
    const CACHE: (&str, [u64; 4]) = ("Cach", [1, 32, 9, 9000]);
    const FILE: (&str, [u64; 4]) = ("File", [7, 700, 0, 0]);

    #[test]
    fn one_moment_in_two_orders_is_one_snapshot() {
        let all = [
            ("Cach", Pool::Paged, 9000),
            ("Leak", Pool::NonPaged, 5000),
            ("File", Pool::NonPaged, 700),
            ("Leak", Pool::Paged, 64),
            ("Cach", Pool::NonPaged, 32),
        ];
        let total = "TOTAL 13 5732 10 9064\n";
        let full =
            format!("{}{total}{}", poolused(NONPAGED, &[LEAK, FILE, CACHE]), poolused(PAGED, &[CACHE, LEAK, FILE]));
        let cut = format!("{}{}{total}", poolused(NONPAGED, &[LEAK, FILE]), poolused(PAGED, &[CACHE, LEAK]));
        let apart = format!("{}{}{total}", poolused(NONPAGED, &[LEAK, FILE]), poolused(PAGED, &[CACHE]));
        for text in [full, cut, apart] {
            let document = parse(text.as_bytes()).expect("a snapshot");
            let [snapshot] = document.snapshots.as_slice() else { panic!("{text}: {document:?}") };
            assert_eq!(tags(snapshot), all, "{text}");
            assert_eq!((snapshot.first_line, snapshot.totals), (6, [Some(5732), Some(9064)]), "{text}");
        }
        // The order is also known from the flags.
        let prompt = |flag: u8, row: &str| format!("0: kd> !poolused {flag}\n Tag Allocs Used Allocs Used\n{row}\n");
        let text = format!("{}{}", prompt(2, " Leak 5 5000 1 64"), prompt(4, " Leak 5 5000 1 64"));
        assert_eq!(parse(text.as_bytes()).expect("a snapshot").snapshots.len(), 1);
    }

    #[test]
    fn two_moments_are_two_snapshots() {
        let later = ("Leak", [6, 6000, 1, 64]);
        let count = |parts: &[String]| parse(parts.concat().as_bytes()).expect("snapshots").snapshots.len();
        let first = poolused(NONPAGED, &[LEAK, FILE]);
        assert_eq!(count(&[first.clone(), first.clone()]), 2, "the same order");
        assert_eq!(count(&[first.clone(), poolused(PAGED, &[CACHE, later])]), 2, "other figures");
        assert_eq!(count(&[poolused("Bytes", &[LEAK]), poolused(PAGED, &[LEAK])]), 2, "an order that is not known");
        // Both orders, and both again an hour later.
        let (second, third) = (poolused(PAGED, &[CACHE, LEAK]), poolused(NONPAGED, &[later, FILE]));
        assert_eq!(count(&[first, second, third, poolused(PAGED, &[CACHE, later])]), 2);
    }

    #[test]
    fn unparsed_lines_are_counted() {
        let text = format!("Dear all,\n{SCREEN}\nand so on\n1\n2\n");
        let document = parse(text.as_bytes()).expect("a snapshot");
        assert_eq!(document.unparsed_count, 4);
        let kept: Vec<(usize, &str)> =
            document.unparsed_lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(kept, [(1, "Dear all,"), (11, "and so on"), (12, "1")]);
    }

    #[test]
    fn a_text_without_rows_is_an_error() {
        assert_eq!(parse(b" \r\n\n"), Err(SnapshotError::Empty));
        let error = parse(b"\nno \x1b[1m snapshot\nat all\n").expect_err("nothing").to_string();
        assert!(
            error.starts_with(
                "no row of poolmon or of !poolused was found in 2 lines (line 2 is 'no  [1m snapshot'): provide"
            ),
            "{error}"
        );
        // Numbers after a word are not a row without the heading of !poolused.
        assert!(parse(b" Leak 1 2 3 4\n").is_err());
        assert!(parse(b" Tag Allocs Used Allocs Used\n Leak 1 2 3 4\n").is_ok());
    }
}
