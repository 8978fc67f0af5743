//! Commands that open the recording page with settings for a better recording of the same problem.

use super::Document;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::model::recording_fix::Fix;
use crate::gui::model::recording_fix::RecordingGoal;

impl Document {
    /// Leads to the page about recording, with what mends this trace.
    #[must_use]
    pub fn record_again(&self, fix: Fix) -> Command {
        RecordingCommand::Prepare(RecordingGoal::Fix { fix, events_per_second: self.events_per_second() }).into()
    }

    /// Allocations and frees per second over the whole trace, with the events that were lost; `None` when it has none.
    fn events_per_second(&self) -> Option<u64> {
        let census = &self.trace.statistics;
        let pool = census.pool_allocs.saturating_add(census.pool_frees);
        let seconds = self.whole().span();
        if pool == 0 || seconds <= 0.0 {
            return None;
        }
        let events = pool.saturating_add(self.trace.summary.events_lost);
        Some((events as f64 / seconds).ceil() as u64)
    }
}
