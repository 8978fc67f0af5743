//! What a new recording of the same trouble should be like, by what the open trace is like. It records nothing.

use super::Document;
use crate::gui::command::{Command, KitCommand};
use crate::gui::state::kit::Wanted;
use crate::gui::state::kit_fix::Fix;

impl Document {
    /// Leads to the page about recording, with what mends this trace.
    #[must_use]
    pub fn record_again(&self, fix: Fix) -> Command {
        KitCommand::Prepare(Wanted::Fix { fix, events_per_second: self.events_per_second() }).into()
    }

    /// Leads to the page about recording, with the tags of the selected suspects.
    #[must_use]
    pub fn record_suspects(&self) -> Option<(usize, Command)> {
        let page = &self.suspects;
        let at = page.cursor.into_iter().chain(page.selected.iter().copied());
        let mut tags: Vec<String> = Vec::new();
        for tag in at.filter_map(|at| page.suspects().get(at)?.tag.clone()) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        (!tags.is_empty()).then(|| (tags.len(), KitCommand::Prepare(Wanted::Tags(tags)).into()))
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
