//! Files of a trace in several files: facts and data-quality issues of each, and the check that no pool events are in two of them.

use super::LoadError;
use super::buffer_span::{BufferSpan, ticks_from_zero};
use super::consistency;
use super::session::SessionInfo;
use crate::trace::summary::PartSummary;
use crate::trace::time::{Ticks, TimeRange};
use poolscope_etl::diagnostics::{DiagnosticKind, Diagnostics};
use poolscope_etl::file::{Separation, SeparationReason, TracePart};
use std::collections::BTreeMap;

/// Shares of a second by which pool events of one processor in two files may overlap: timestamps are taken before the space in the
/// buffer.
const MARGINS_PER_SECOND: i64 = 50;

/// Counts of one file that are gathered while it is decoded.
#[derive(Debug, Default)]
pub struct PartCounts {
    records: u64,
    /// Issues with offsets in the joined trace.
    diagnostics: Diagnostics,
}

impl PartCounts {
    /// Adds those of a buffer.
    pub fn add(&mut self, records: u64, diagnostics: &Diagnostics) {
        self.records += records;
        self.diagnostics.merge(diagnostics);
    }
}

/// Facts about each file; empty for a trace in one file.
pub fn summaries(info: &SessionInfo, spans: &[BufferSpan], counts: Vec<PartCounts>) -> Vec<PartSummary> {
    info.parts.iter().zip(counts).map(|(part, counts)| summary(info, part, spans, &counts)).collect()
}

fn summary(info: &SessionInfo, part: &TracePart, spans: &[BufferSpan], counts: &PartCounts) -> PartSummary {
    let own = || spans_of(part, spans);
    let kernel = own().filter_map(BufferSpan::times).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let by_buffers =
        part.times.map(|(first, last)| (ticks_from_zero(first, info.time_zero), ticks_from_zero(last, info.time_zero)));
    let header = &part.logfile;
    let mut diagnostics = part.diagnostics.clone();
    diagnostics.merge(&counts.diagnostics.with_offsets_lowered(part.base));
    diagnostics.add(DiagnosticKind::EventsLost, u64::from(header.events_lost));
    diagnostics.add(DiagnosticKind::BuffersLost, u64::from(header.buffers_lost));
    diagnostics.add(DiagnosticKind::MissingPart, u64::from(part.missing_buffers_before > 0));
    consistency::check_end(&mut diagnostics, header, part.buffers.len() as u64);
    PartSummary {
        name: part.name.clone(),
        is_main: part.is_main,
        file_bytes: part.file_bytes,
        base: part.base,
        session_name: header.session_name.clone(),
        cpus: header.cpus,
        buffers: part.buffers.len() as u64,
        records: counts.records,
        pool_events: own().map(|span| span.pool_events).sum(),
        range: kernel.or(by_buffers).map(|(from, to)| TimeRange { from, to }),
        missing_buffers_before: part.missing_buffers_before,
        events_lost: u64::from(header.events_lost),
        buffers_lost: u64::from(header.buffers_lost),
        diagnostics,
    }
}

/// The buffers of a file.
fn spans_of<'s>(part: &'s TracePart, spans: &'s [BufferSpan]) -> impl Iterator<Item = &'s BufferSpan> {
    spans.iter().filter(|span| part.buffers.contains(&(span.order as usize)))
}

/// Fails if two files have pool events of the same processor and time: they are copies of each other, or of two sessions that both
/// recorded them, and each event would count twice.
pub fn check_pool_events(info: &SessionInfo, spans: &[BufferSpan]) -> Result<(), LoadError> {
    if info.parts.len() < 2 {
        return Ok(());
    }
    let by_cpu = |part: &TracePart| {
        let mut times: BTreeMap<u16, (Ticks, Ticks)> = BTreeMap::new();
        for span in spans_of(part, spans).filter(|span| span.pool_events > 0) {
            if let Some((first, last)) = span.times() {
                let known = times.entry(span.cpu).or_insert((first, last));
                *known = (known.0.min(first), known.1.max(last));
            }
        }
        times
    };
    let margin = (consistency::header_clock(&info.logfile).ticks_per_second as i64 / MARGINS_PER_SECOND).max(1);
    let times: Vec<_> = info.parts.iter().map(by_cpu).collect();
    for (at, first) in times.iter().enumerate() {
        for (other, second) in times.iter().enumerate().skip(at + 1) {
            let overlaps = |cpu: &u16, a: &(Ticks, Ticks)| {
                second.get(cpu).is_some_and(|b| a.0.max(b.0).0.saturating_add(margin) < a.1.min(b.1).0 || a == b)
            };
            if first.iter().any(|(cpu, a)| overlaps(cpu, a)) {
                let name = |at: usize| info.parts[at].name.clone();
                let reason = SeparationReason::SamePoolEvents;
                return Err(Separation { first: name(at), second: name(other), reason }.into());
            }
        }
    }
    Ok(())
}
