//! The decoding of records that are neither pool events nor stacks: few of them, kept whole for the join.

use super::decode::Decoder;
use super::shard::{ImageChange, ProcessChange, Rare};
use crate::trace::summary::RundownPhase;
use crate::trace::time::Ticks;
use poolscope_etl::diagnostics::DiagnosticKind;
use poolscope_etl::event::EventKind;
use poolscope_etl::event::image::{ImageEvent, ImageIdEvent, RsdsEvent};
use poolscope_etl::event::pool::{BigPoolRundown, PoolTagRundown};
use poolscope_etl::event::process::ProcessEvent;
use poolscope_etl::event::system::{BuildInfo, CpuConfig, GroupMasks};
use poolscope_etl::record::Record;

impl Decoder<'_> {
    /// Decodes a record of a rare kind; `false` if its payload makes no sense.
    pub(super) fn rare(&mut self, record: &Record<'_>, time: Ticks, kind: EventKind) -> bool {
        let payload = record.payload;
        let p = record.pointer_size;
        let rare =
            match kind {
                EventKind::ImageLoad => self.image(record, ImageChange::Load),
                EventKind::ImageUnload => self.image(record, ImageChange::Unload),
                EventKind::ImageDcStart => self.image(record, ImageChange::Start),
                EventKind::ImageDcEnd => self.image(record, ImageChange::Stop),
                EventKind::ProcessStart => self.process(record, ProcessChange::Start),
                EventKind::ProcessEnd => self.process(record, ProcessChange::End),
                EventKind::ProcessDcStart => self.process(record, ProcessChange::Running),
                EventKind::ProcessDcEnd => self.process(record, ProcessChange::Stop),
                EventKind::ImageId => ImageIdEvent::decode(payload, p).map(Rare::ImageId),
                EventKind::ImageRsds => RsdsEvent::decode(payload, p).map(Rare::Rsds),
                EventKind::SystemCpu => CpuConfig::decode(payload).map(Rare::Cpu),
                EventKind::BuildInfo => BuildInfo::decode(payload).map(Rare::Build),
                EventKind::PoolTagRundown { is_end, has_session } => {
                    self.shard.census.snapshots += 1;
                    let end = snapshot_end(is_end);
                    let rundown = PoolTagRundown::decode(payload, p, has_session);
                    rundown.map(|PoolTagRundown { session, tags }| Rare::Tags { end, session, rows: tags })
                }
                EventKind::BigPoolRundown { is_end, has_session } => {
                    self.shard.census.snapshots += 1;
                    let end = snapshot_end(is_end);
                    let rundown = BigPoolRundown::decode(payload, p, has_session);
                    rundown.map(|BigPoolRundown { session, entries }| Rare::Big { end, session, rows: entries })
                }
                EventKind::GroupMasks => match GroupMasks::decode(payload).and_then(|masks| masks.has_pool()) {
                    Some(enabled) => Some(Rare::PoolGroup(enabled)),
                    None => return true,
                },
                EventKind::Loss => {
                    self.shard.diagnostics.add(DiagnosticKind::LossRecord, 1);
                    // It tells of a loss at some time before it.
                    self.shard.losses.push((Ticks::UNKNOWN, time));
                    return true;
                }
                EventKind::LogfileHeader => {
                    self.shard.census.headers += 1;
                    return true;
                }
                _ => return true,
            };
        let Some(rare) = rare else { return false };
        self.shard.rare.push((time, rare));
        true
    }

    fn image(&mut self, record: &Record<'_>, change: ImageChange) -> Option<Rare> {
        self.note_version(record, ImageEvent::NEWEST_VERSION);
        let event = ImageEvent::decode(record.payload, record.version, record.pointer_size)?;
        let pid = event.process.or(record.process).unwrap_or(0);
        Some(Rare::Image { change, event, pid })
    }

    fn process(&mut self, record: &Record<'_>, change: ProcessChange) -> Option<Rare> {
        self.note_version(record, ProcessEvent::NEWEST_VERSION);
        let event = ProcessEvent::decode(record.payload, record.version, record.pointer_size)?;
        Some(Rare::Process { change, event })
    }
}

fn snapshot_end(stop: bool) -> RundownPhase {
    if stop { RundownPhase::Stop } else { RundownPhase::Start }
}
