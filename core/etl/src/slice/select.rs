//! First pass of a slice: descriptions from outside of the range, and the stack keys that the range refers to with the first definition
//! of each after it.

use super::{Role, SliceError, SliceReport, SliceRequest};
use crate::buffer::TYPE_HEADER;
use crate::event::{Event, EventKind};
use crate::file::{BodyScratch, TraceFile};
use crate::record::Record;
use poolscope_base::progress::CancelToken;
use rustc_hash::{FxHashMap, FxHashSet};

/// Bytes of a record from outside of the range, with its time.
#[derive(Debug)]
pub(super) struct OutsideRecord {
    /// Raw timestamp.
    pub time: i64,
    /// The whole record, without alignment.
    pub bytes: Vec<u8>,
}

/// Records from outside of the range that a slice needs.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Descriptions before the range, in the order of time.
    pub before: Vec<OutsideRecord>,
    /// Descriptions and stack definitions after the range, in the order of time.
    pub after: Vec<OutsideRecord>,
    /// Counts so far.
    pub report: SliceReport,
}

/// Collects what the range needs from outside of it.
pub(super) fn select(file: &TraceFile, request: SliceRequest, cancel: &CancelToken) -> Result<Selection, SliceError> {
    let (first, last) = request.range;
    let mut selection = Selection::default();
    let mut keys: FxHashSet<u64> = FxHashSet::default();
    let mut definitions: FxHashMap<u64, OutsideRecord> = FxHashMap::default();
    let mut scratch = BodyScratch::default();
    for buffer in file.layout.buffers.iter().filter(|buffer| buffer.header.kind != TYPE_HEADER) {
        if cancel.is_cancelled() {
            return Err(SliceError::Canceled);
        }
        let body = file.body(buffer, &mut scratch)?;
        selection.report.damaged_buffers += u64::from(body.damage.is_some());
        for (record, bytes) in records_with_bytes(body.bytes) {
            let Some(time) = record.time else {
                selection.report.timeless_records += 1;
                continue;
            };
            let kind = record.kind();
            // The user part of a stack may be recorded half a second after the event; the event decides.
            if let Some((event_time, key)) = stack_of_event(&record, kind)
                && (first..=last).contains(&event_time)
            {
                keys.extend(key);
                if time > last {
                    selection.after.push(OutsideRecord { time, bytes: bytes.to_vec() });
                    continue;
                }
            }
            if (first..=last).contains(&time) {
                continue;
            }
            let record_of = || OutsideRecord { time, bytes: bytes.to_vec() };
            match Role::of(kind) {
                Role::Description if time < first => selection.before.push(record_of()),
                Role::Description => selection.after.push(record_of()),
                Role::StackDefinition if time > last => {
                    let Some(Event::StackKeyDefinition(definition)) = Event::decode(&record) else { continue };
                    let is_first = definitions.get(&definition.key).is_none_or(|known| time < known.time);
                    if is_first {
                        definitions.insert(definition.key, record_of());
                    }
                    selection.report.outside_records += 1;
                }
                Role::StackDefinition | Role::Event => {
                    selection.report.outside_records += 1;
                    let is_allocation = matches!(kind, EventKind::PoolAlloc | EventKind::PoolAllocSession);
                    selection.report.earlier_allocations += u64::from(is_allocation && time < first);
                }
            }
        }
    }
    let mut needed: Vec<(u64, OutsideRecord)> = definitions.into_iter().filter(|(key, _)| keys.contains(key)).collect();
    selection.report.outside_records -= needed.len() as u64;
    // The order of a hash map is not that of a file.
    needed.sort_by_key(|(key, record)| (record.time, *key));
    selection.after.extend(needed.into_iter().map(|(_, record)| record));
    selection.before.sort_by_key(|record| record.time);
    selection.after.sort_by_key(|record| record.time);
    selection.report.needed_records = (selection.before.len() + selection.after.len()) as u64;
    Ok(selection)
}

/// Time of the event that a stack record belongs to, and the key that it refers to, if any; `None` for other records.
fn stack_of_event(record: &Record<'_>, kind: EventKind) -> Option<(i64, Option<u64>)> {
    let is_stack = matches!(kind, EventKind::StackInline | EventKind::StackKeyKernel | EventKind::StackKeyUser);
    match is_stack.then(|| Event::decode(record)).flatten()? {
        Event::Stack(stack) => Some((stack.target.event_time, None)),
        Event::StackKeyReference(reference) => Some((reference.target.event_time, Some(reference.key))),
        _ => None,
    }
}

/// Records of a body with their whole bytes.
pub(super) fn records_with_bytes(body: &[u8]) -> impl Iterator<Item = (Record<'_>, &[u8])> {
    crate::record::Records::new(body).filter_map(move |record| {
        let end = record.end_offset(body)?;
        Some((record, body.get(record.offset..end)?))
    })
}
