//! Counts the records of a trace by kernel hook and by provider: `count_by_provider TRACE.etl`.

use poolscope_etl::event::EventKind;
use poolscope_etl::file::{BodyScratch, TraceFile};
use poolscope_etl::record::RecordKey;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: count_by_provider TRACE.etl")?;
    let file = TraceFile::open(path)?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut scratch = BodyScratch::default();
    for buffer in &file.layout.buffers {
        for record in file.records(buffer, &mut scratch)? {
            let name = match record.key {
                RecordKey::Hook(hook) => match record.kind() {
                    EventKind::Unknown => format!("kernel hook {hook:#06x}"),
                    kind => format!("kernel hook {hook:#06x}, {kind:?}"),
                },
                RecordKey::Provider { guid, .. } => format!("provider {guid}"),
                RecordKey::Message => "WPP message".to_owned(),
                RecordKey::Other(header) => format!("header type {header:#04x}"),
            };
            *counts.entry(name).or_default() += 1;
        }
    }
    let mut rows: Vec<(String, u64)> = counts.into_iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut out = stdout().lock();
    for (name, count) in rows {
        writeln!(out, "{count:>10}  {name}")?;
    }
    Ok(())
}
