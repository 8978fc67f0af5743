//! The tables of a dataset, one file each: the schema in Parquet's language, and the rows of a trace. Every row has the id of its trace
//! and the host. Other columns are named as the keys and figures of `poolscope report --format json`; a date comes from the folder.

mod allocations;
mod modules;
mod processes;
mod stacks;
mod suspects;
mod tags;
mod traces;

use crate::error::FleetError;
use crate::identity::{TraceKey, UNKNOWN_HOST, unix_nanoseconds};
use crate::table_file::TableFile;
use poolscope_analysis::export::leaks::LeakTable;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::module::Module;
use poolscope_analysis::trace::time::{Clock, Ticks};
use poolscope_base::progress::CancelToken;
use serde_json::{Map, Value, json};
use std::str::FromStr;

/// End of the names of columns with a time: nanoseconds since 1970, UTC. They are integers, since engines disagree on the type for
/// times with nanoseconds.
pub const TIME_SUFFIX: &str = "_utc_ns";

/// A table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Table {
    /// One row for each trace: recording, system, data quality. It is always written, since it says that a trace is done.
    Traces,
    /// One row for each allocation.
    Allocations,
    /// One row for each distinct stack of allocations and frees.
    Stacks,
    /// One row for each image.
    Modules,
    /// One row for each process.
    Processes,
    /// One row for each tag and pool, with its verdict.
    Suspects,
    /// One row for each tag, pool and minute with an event.
    Tags,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 7] =
        [Self::Traces, Self::Allocations, Self::Stacks, Self::Modules, Self::Processes, Self::Suspects, Self::Tags];

    /// The name of its folder, and of the view on it in questions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Allocations => "allocations",
            Self::Stacks => "stacks",
            Self::Modules => "modules",
            Self::Processes => "processes",
            Self::Suspects => "suspects",
            Self::Tags => "tags",
        }
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|table| table.name() == text.trim());
        found.ok_or_else(|| format!("there is no table '{}': use {}", text.trim(), names()))
    }
}

/// The schema of a table in Parquet's language.
#[must_use]
pub const fn schema(table: Table) -> &'static str {
    match table {
        Table::Traces => traces::SCHEMA,
        Table::Allocations => allocations::SCHEMA,
        Table::Stacks => stacks::SCHEMA,
        Table::Modules => modules::SCHEMA,
        Table::Processes => processes::SCHEMA,
        Table::Suspects => suspects::SCHEMA,
        Table::Tags => tags::SCHEMA,
    }
}

/// A trace whose rows are written.
#[derive(Clone, Copy)]
pub struct TraceRows<'t> {
    /// Identity of the trace.
    pub key: &'t TraceKey,
    /// Its name as the user gave it, without folders.
    pub name: &'t str,
    /// The trace with the names of its frames, tags and processes.
    pub names: &'t ColumnValues,
    /// The analysis of the whole trace by tag; `None` if the table `suspects` is not wanted.
    pub leaks: Option<&'t LeakTable<'t>>,
    /// Stops the work.
    pub cancel: &'t CancelToken,
}

impl TraceRows<'_> {
    /// Writes the rows of a table.
    ///
    /// # Errors
    /// The work was canceled, or the file cannot be written.
    pub fn write(&self, table: Table, file: &mut TableFile) -> Result<(), FleetError> {
        match table {
            Table::Traces => traces::write(self, file),
            Table::Allocations => allocations::write(self, file),
            Table::Stacks => stacks::write(self, file),
            Table::Modules => modules::write(self, file),
            Table::Processes => processes::write(self, file),
            Table::Suspects => suspects::write(self, file),
            Table::Tags => tags::write(self, file),
        }
    }

    /// The computer that recorded the trace.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(self.trace())
    }

    fn trace(&self) -> &Trace {
        self.names.trace()
    }

    fn id(&self) -> String {
        self.key.id.to_string()
    }

    /// Writes objects, each with the id of the trace and the host.
    fn write_objects(&self, objects: Vec<Value>, file: &mut TableFile) -> Result<(), FleetError> {
        let (id, host) = (json!(self.id()), json!(self.host()));
        let row = |object: Value| {
            let mut row = Map::new();
            row.insert("trace_id".to_owned(), id.clone());
            row.insert("host".to_owned(), host.clone());
            row.extend(object.as_object().cloned().unwrap_or_default());
            row
        };
        file.objects(&objects.into_iter().map(row).collect::<Vec<_>>())
    }
}

/// The computer that recorded a trace.
#[must_use]
pub fn host_of(trace: &Trace) -> &str {
    trace.summary.computer.as_deref().unwrap_or(UNKNOWN_HOST)
}

/// A count or size as a column holds it. Sizes above 2^63 - 1, which only damaged records have, become that.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Seconds from time zero; `None` for a time that is not known, or never.
fn seconds(clock: &Clock, time: Ticks) -> Option<f64> {
    time.is_known().then(|| clock.seconds(time))
}

/// A time as nanoseconds since 1970, rounded down; `None` for a time that is not known, or of a trace without a start time.
fn utc_nanoseconds(clock: &Clock, time: Ticks) -> Option<i64> {
    let start = unix_nanoseconds(clock.start_filetime).filter(|_| time.is_known())?;
    let since_start = i128::from(time.0) * 1_000_000_000;
    let since_start = since_start.div_euclid(i128::from(clock.ticks_per_second.max(1)));
    i64::try_from(i128::from(start) + since_start).ok()
}

/// The version of a module: its file version, else its key on symbol servers; `None` if the trace has neither.
fn version_of(module: &Module) -> Option<String> {
    module.file_version.clone().or_else(|| module.image_id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::trace::time::ClockKind;

    #[test]
    fn times_are_exact_nanoseconds() {
        let clock = |ticks_per_second, start_filetime| Clock { kind: ClockKind::Qpc, ticks_per_second, start_filetime };
        let epoch = 116_444_736_000_000_000;
        let of = |clock: Clock, ticks| utc_nanoseconds(&clock, Ticks(ticks));
        assert_eq!(of(clock(10_000_000, epoch + 3), 1), Some(400));
        // A third of a nanosecond is cut off, also before time zero.
        assert_eq!([1, 2, -1].map(|ticks| of(clock(3_000_000_000, epoch), ticks)), [Some(0), Some(0), Some(-1)]);
        let year_2026 = 134_168_904_000_000_000;
        let day = 86_400 * 3_117_777;
        assert_eq!(of(clock(3_117_777, year_2026), day), Some((year_2026 - epoch) * 100 + 86_400_000_000_000));
        assert_eq!([of(clock(1, 0), 5), of(clock(1, epoch), i64::MAX)], [None, None]);
    }

    #[test]
    fn schemas_are_named_as_their_tables() {
        for table in Table::ALL {
            let schema = parquet::schema::parser::parse_message_type(schema(table)).expect("a schema");
            assert_eq!(schema.name(), table.name());
            let first: Vec<&str> = schema.get_fields().iter().take(2).map(|field| field.name()).collect();
            assert_eq!(first, ["trace_id", "host"]);
            assert_eq!(table.name().parse(), Ok(table));
        }
        assert!("tag".parse::<Table>().expect_err("no table").contains("traces, allocations"));
    }
}
