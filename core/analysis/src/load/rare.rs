//! The decoding of records that are neither pool events nor stacks: few of them, kept whole for the join.

use super::decode::Decoder;
use super::shard::{ImageChange, ProcessChange, Rare};
use crate::trace::summary::RundownPhase;
use crate::trace::time::Ticks;
use poolscope_etl::diagnostics::AnomalyKind;
use poolscope_etl::event::kind::EventKind;
use poolscope_etl::event::{identity, image, pool, process, system};
use poolscope_etl::record::Record;

/// Newest versions that the decoders know (etl-format 6.1 and 6.3).
const NEWEST_IMAGE: u8 = 3;
const NEWEST_PROCESS: u8 = 5;

impl Decoder<'_> {
    /// Decodes a record of a rare kind; `false` if its payload makes no sense.
    pub(super) fn rare(&mut self, record: &Record<'_>, time: Ticks, kind: EventKind) -> bool {
        let payload = record.payload;
        let p = record.pointer_size;
        let rare =
            match kind {
                EventKind::ImageLoad => self.image(record, ImageChange::Load),
                EventKind::ImageUnload => self.image(record, ImageChange::Unload),
                EventKind::ImageStart => self.image(record, ImageChange::Start),
                EventKind::ImageStop => self.image(record, ImageChange::Stop),
                EventKind::ProcessStart => self.process(record, ProcessChange::Start),
                EventKind::ProcessEnd => self.process(record, ProcessChange::End),
                EventKind::ProcessRunning => self.process(record, ProcessChange::Running),
                EventKind::ProcessStop => self.process(record, ProcessChange::Stop),
                EventKind::ImageId => identity::image_id(payload, p).map(Rare::ImageId),
                EventKind::ImageRsds => identity::rsds(payload, p).map(Rare::Rsds),
                EventKind::SystemCpu => system::cpu_config(payload).map(Rare::Cpu),
                EventKind::BuildInfo => system::build_info(payload).map(|(build, product)| Rare::Build(build, product)),
                EventKind::PoolTagSnapshot { stop, session } => {
                    self.shard.census.snapshots += 1;
                    let end = snapshot_end(stop);
                    let snapshot = pool::tag_snapshot(payload, p, session);
                    snapshot
                        .or_else(|| pool::tag_snapshot(payload, 12 - p, session))
                        .map(|(session, rows)| Rare::Tags { end, session, rows })
                }
                EventKind::BigPoolSnapshot { stop, session } => {
                    self.shard.census.snapshots += 1;
                    let end = snapshot_end(stop);
                    let snapshot = pool::big_snapshot(payload, p, session);
                    snapshot.or_else(|| pool::big_snapshot(payload, 12 - p, session)).map(|(session, rows)| Rare::Big {
                        end,
                        session,
                        rows,
                    })
                }
                EventKind::GroupMasks => match system::pool_group_enabled(payload) {
                    Some(enabled) => Some(Rare::PoolGroup(enabled)),
                    None => return true,
                },
                EventKind::Loss => {
                    self.shard.anomalies.add(AnomalyKind::LossRecord, 1);
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
        self.note_version(record, NEWEST_IMAGE);
        let event = image::image_event(record.payload, record.version, record.pointer_size)?;
        let pid = event.process.or(record.process).unwrap_or(0);
        Some(Rare::Image { change, event, pid })
    }

    fn process(&mut self, record: &Record<'_>, change: ProcessChange) -> Option<Rare> {
        self.note_version(record, NEWEST_PROCESS);
        let event = process::process_event(record.payload, record.version, record.pointer_size)?;
        Some(Rare::Process { change, event })
    }
}

fn snapshot_end(stop: bool) -> RundownPhase {
    if stop { RundownPhase::Stop } else { RundownPhase::Start }
}
