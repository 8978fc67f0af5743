//! `allocations`: one row for each allocation of a trace, in the order of allocation times. Types are those of the whole trace. Stacks
//! are ids into the table `stacks`.

use super::{TraceRows, seconds, signed, utc_nanoseconds};
use crate::error::FleetError;
use crate::table_file::{GROUP_ROWS, RowGroup, TableFile};
use parquet::data_type::ByteArray;
use poolscope_analysis::group::column::{KeyColumn, KeySource, KeyValue, size_class};
use poolscope_analysis::group::group_by::{OUTSIDE, class_of};
use poolscope_analysis::group::key::Key;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::allocation::flag;
use poolscope_analysis::trace::ids::StackId;
use std::ops::Range;
use std::sync::Arc;

/// The schema.
pub const SCHEMA: &str = "message allocations {
    REQUIRED BINARY trace_id (STRING);
    REQUIRED BINARY host (STRING);
    OPTIONAL BINARY type (STRING);
    OPTIONAL BINARY impacting_type (STRING);
    REQUIRED BINARY paged (STRING);
    REQUIRED BINARY pool_type (STRING);
    REQUIRED BINARY tag (STRING);
    OPTIONAL BINARY tag_description (STRING);
    OPTIONAL BINARY pool_tag_module (STRING);
    OPTIONAL BINARY driver (STRING);
    OPTIONAL BINARY function (STRING);
    OPTIONAL BINARY stack_tag (STRING);
    OPTIONAL BINARY process (STRING);
    OPTIONAL INT64 thread;
    OPTIONAL INT64 cpu;
    OPTIONAL INT64 session;
    OPTIONAL BINARY size_class (STRING);
    REQUIRED INT64 size;
    OPTIONAL BINARY address (STRING);
    OPTIONAL DOUBLE alloc_time;
    OPTIONAL DOUBLE free_time;
    OPTIONAL DOUBLE lifetime;
    OPTIONAL INT64 alloc_time_utc_ns;
    OPTIONAL INT64 free_time_utc_ns;
    OPTIONAL INT64 stack_id;
    OPTIONAL INT64 free_stack_id;
    REQUIRED BOOLEAN is_implied_allocation;
    REQUIRED BOOLEAN is_implied_free;
    REQUIRED BOOLEAN is_uncertain_stack;
    REQUIRED BOOLEAN is_uncertain_free_stack;
}";

/// Key columns of texts and integers in the order of the schema. The others are columns of their own, or ids.
const KEYS: [Key; 15] = [
    Key::Type,
    Key::ImpactingType,
    Key::Paged,
    Key::PoolType,
    Key::Tag,
    Key::TagDescription,
    Key::PoolTagModule,
    Key::Driver,
    Key::Function,
    Key::StackTag,
    Key::Process,
    Key::Thread,
    Key::Cpu,
    Key::Session,
    Key::SizeClass,
];

/// The values of a key column, by id.
enum Values {
    Texts(Vec<Option<ByteArray>>),
    Integers(Vec<Option<i64>>),
}

/// A key column with its values as they are written.
struct WrittenKey {
    column: Arc<KeyColumn>,
    values: Values,
}

impl WrittenKey {
    fn new(column: Arc<KeyColumn>) -> Self {
        let ids = 0..column.count();
        let values = match column.key {
            Key::Thread | Key::Cpu | Key::Session => {
                let integer = |id| match column.value(id) {
                    KeyValue::Number(number) => Some(signed(number)),
                    _ => None,
                };
                Values::Integers(ids.map(integer).collect())
            }
            _ => {
                let text = |id| match column.value(id) {
                    KeyValue::Text(text) => Some(ByteArray::from(&*text)),
                    _ => None,
                };
                Values::Texts(ids.map(text).collect())
            }
        };
        Self { column, values }
    }

    fn id(&self, trace: &Trace, row: usize) -> usize {
        let table = &trace.allocations;
        let id = match &self.column.source {
            KeySource::LifetimeClass(ids) => ids.get(class_of(trace.extent, table, row).min(OUTSIDE)),
            KeySource::Attributes(ids) => ids.get(table.alloc_attributes[row].index()),
            KeySource::AllocStack(ids) => ids.get(table.alloc_stack[row].index()),
            KeySource::FreeStack(ids) => ids.get(table.free_stack[row].index()),
            KeySource::Rows(ids) => ids.get(row),
            KeySource::SizeClass => return size_class(table.size.at(row)) as usize,
        };
        id.map_or(usize::MAX, |id| *id as usize)
    }

    fn write(&self, trace: &Trace, rows: Range<usize>, group: &mut RowGroup<'_>) -> Result<(), FleetError> {
        let name = self.column.key.name();
        match &self.values {
            Values::Texts(texts) => {
                group.texts(name, rows.map(|row| texts.get(self.id(trace, row)).cloned().flatten()))
            }
            Values::Integers(numbers) => {
                group.integers(name, rows.map(|row| numbers.get(self.id(trace, row)).copied().flatten()))
            }
        }
    }
}

/// Writes the rows.
pub fn write(rows: &TraceRows<'_>, file: &mut TableFile) -> Result<(), FleetError> {
    let (trace, id, host) = (rows.trace(), rows.id(), rows.host());
    let keys: Vec<WrittenKey> = KEYS.iter().map(|key| WrittenKey::new(rows.names.column(*key))).collect();
    let count = trace.allocations.len();
    for first in (0..count).step_by(GROUP_ROWS) {
        rows.cancel.check()?;
        let range = first..(first + GROUP_ROWS).min(count);
        file.group(range.len(), |group| {
            group.text("trace_id", &id)?;
            group.text("host", host)?;
            keys.iter().try_for_each(|key| key.write(trace, range.clone(), group))?;
            write_row_values(trace, range, group)
        })?;
    }
    Ok(())
}

/// The columns in which nearly every row has a value of its own.
fn write_row_values(trace: &Trace, rows: Range<usize>, group: &mut RowGroup<'_>) -> Result<(), FleetError> {
    let (table, clock) = (&trace.allocations, &trace.clock);
    let rows = || rows.clone();
    let stack = |stack: StackId| (stack != StackId::EMPTY).then(|| i64::from(stack.0));
    group.integers("size", rows().map(|row| Some(signed(table.size.at(row)))))?;
    let address = |row: usize| Some(ByteArray::from(format!("{:#x}", table.address.get(row)?).into_bytes()));
    group.texts("address", rows().map(address))?;
    group.numbers("alloc_time", rows().map(|row| seconds(clock, table.alloc_time.at(row))))?;
    group.numbers("free_time", rows().map(|row| seconds(clock, table.free_time[row])))?;
    group.numbers("lifetime", rows().map(|row| seconds(clock, table.lifetime(row))))?;
    group.integers("alloc_time_utc_ns", rows().map(|row| utc_nanoseconds(clock, table.alloc_time.at(row))))?;
    group.integers("free_time_utc_ns", rows().map(|row| utc_nanoseconds(clock, table.free_time[row])))?;
    group.integers("stack_id", rows().map(|row| stack(table.alloc_stack[row])))?;
    group.integers("free_stack_id", rows().map(|row| stack(table.free_stack[row])))?;
    let flags = [
        ("is_implied_allocation", flag::IMPLIED_ALLOCATION),
        ("is_implied_free", flag::IMPLIED_FREE),
        ("is_uncertain_stack", flag::UNCERTAIN_ALLOCATION_STACK),
        ("is_uncertain_free_stack", flag::UNCERTAIN_FREE_STACK),
    ];
    flags.into_iter().try_for_each(|(name, bit)| group.flags(name, rows().map(|row| table.flags[row] & bit != 0)))
}
