//! Tag descriptions and drivers from outside the trace: where a document looks for them, and what follows when they arrive.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;

use super::{Document, Topic};
use crate::gui::jobs::tag_sources::{TagChoice, TagSources, TagSourcesRequest};

impl Document {
    /// Reads the tag sources once rows and curves are there, which the user waits for.
    pub(in crate::gui) fn ask_for_tag_sources(&mut self) {
        if self.work.tag_choice.is_some()
            && self.results.rows.is_some()
            && self.has_allocations()
            && !self.is_busy_with_rows()
        {
            self.work.asked.insert(Topic::TagSources);
        }
    }

    /// Returns whether names, rows or curves are being computed, which the user waits for.
    #[must_use]
    pub(in crate::gui) fn is_busy_with_rows(&self) -> bool {
        let topics = [Topic::Names, Topic::Table, Topic::Curves];
        topics.iter().any(|topic| self.work.running.contains(topic) || self.work.asked.contains(topic))
    }

    /// Sets the tag sources; they are read when no other work is pending.
    pub fn set_tag_choice(&mut self, choice: TagChoice) {
        self.work.tag_choice = Some(choice);
    }

    pub(in crate::gui) fn tag_sources_request(&mut self) -> Option<TagSourcesRequest> {
        let file = self.source.path().map(Into::into);
        let choice = self.work.tag_choice.take()?;
        Some(TagSourcesRequest { choice, file, trace: Arc::clone(&self.trace) })
    }

    pub(in crate::gui) fn apply_tag_sources(&mut self, sources: TagSources) {
        for problem in &sources.problems {
            self.notify(problem.clone());
        }
        let tags = |sources: &TagSources| sources.pool_tags.as_ref().map(|found| Arc::clone(&found.tags));
        let (old, new) = (tags(&self.results.tag_sources), tags(&sources));
        let stack_tags = Arc::clone(&sources.stack_tags);
        let has_new_stack_tags = **self.results.names.stack_tags() != *stack_tags;
        self.results.tag_sources = sources;
        if old.is_none() && new.is_none() && !has_new_stack_tags {
            return;
        }
        let with_tags = |names: &ColumnValues| {
            let names = names.with_tag_descriptions(new.clone());
            Arc::new(if has_new_stack_tags { names.with_stack_tags(Arc::clone(&stack_tags)) } else { names })
        };
        self.results.names = with_tags(&self.results.names);
        self.results.pending_names = self.results.pending_names.take().map(|names| with_tags(&names));
        self.query.tag_revision += 1;
        self.ask_outdated();
    }
}
