//! Writes the pool allocations and frees of a trace as CSV: `pool_events_csv TRACE.etl`.

use poolscope_etl::event::{Event, EventKind};
use poolscope_etl::file::{BodyScratch, TraceFile};
use std::error::Error;
use std::io::{BufWriter, Write, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: pool_events_csv TRACE.etl")?;
    let file = TraceFile::open(path)?;
    let mut out = BufWriter::new(stdout().lock());
    writeln!(out, "seconds,event,tag,paged,size,address,process,thread,cpu")?;
    let mut scratch = BodyScratch::default();
    // Buffers of different processors overlap in time: the rows are not in the order of time.
    for buffer in &file.layout.buffers {
        for record in file.records(buffer, &mut scratch)? {
            let Some(Event::Pool(pool)) = Event::decode(&record) else { continue };
            let event = match record.kind() {
                EventKind::PoolAlloc | EventKind::PoolAllocSession => "allocate",
                _ => "free",
            };
            let seconds = file.clock.seconds(record.time.unwrap_or(file.clock.time_zero));
            let id = |id: Option<u32>| id.map(|id| id.to_string()).unwrap_or_default();
            writeln!(
                out,
                "{seconds:.7},{event},{},{},{},{:#x},{},{},{}",
                quoted(&pool.tag),
                pool.is_paged(),
                pool.size,
                pool.address,
                id(record.process),
                id(record.thread),
                buffer.header.cpu,
            )?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Quotes a tag for CSV. Bytes that are not printable ASCII become `\xNN`.
fn quoted(tag: &[u8; 4]) -> String {
    let escape = |byte: &u8| match byte {
        b'"' => "\"\"".to_owned(),
        0x20..0x7f => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    format!("\"{}\"", tag.iter().map(escape).collect::<String>())
}
