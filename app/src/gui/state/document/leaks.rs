//! When a document asks what leaks: once the rows and curves are there, and anew when names, marks or what is to be judged
//! change. The judgement before stays until then; nothing waits for it. What else is known of tags comes in the same way.

use std::sync::Arc;

use poolscope_analysis::leaks::AnalysisRequest;
use poolscope_analysis::pivot::{Metric, Key};

use super::{Document, Topic};
use crate::gui::jobs::leaks::{LeaksAnswer, LeaksRequest};
use crate::gui::jobs::tag_sources::{TagChoice, TagSources, TagSourcesRequest};

impl Document {
    /// The question to the judge as things stand.
    #[must_use]
    pub fn leak_question(&self) -> AnalysisRequest {
        let view = if self.suspects.follows_view { self.history.now() } else { self.history.whole() };
        AnalysisRequest { visible_range: view, grouping: self.suspects.by, warm_up: self.suspects.warm_up.of(view, &self.trace.clock) }
    }

    /// Whether the judgement that is shown is about something else than what is asked now.
    #[must_use]
    pub fn leaks_are_old(&self) -> bool {
        self.suspects.is_old(&self.leak_question())
    }

    /// The judge is asked when nobody waits for anything else. Where only names have changed, the question before is
    /// answered first: names come in many times, and the first answer should not have to wait for the last of them.
    pub(super) fn ask_for_leaks(&mut self) {
        if self.rows.is_none() || !self.has_allocations() {
            return;
        }
        let sooner = [Topic::Names, Topic::Table, Topic::Curves];
        let is_busy = sooner.iter().any(|topic| self.waiting.contains(topic) || self.changed.contains(topic));
        if self.tag_choice.is_some() && !is_busy {
            self.changed.insert(Topic::TagSources);
        }
        let request = self.leak_question();
        let asked = self.suspects.asked.as_ref();
        let same = asked.is_some_and(|asked| asked.request == request);
        let named = asked.is_some_and(|asked| Arc::ptr_eq(&asked.names, &self.names));
        let is_under_way = same && self.waiting.contains(&Topic::Leaks);
        let is_known = same && named;
        if !(is_known || is_busy || is_under_way) {
            self.changed.insert(Topic::Leaks);
        }
    }

    pub(super) fn leaks_request(&mut self) -> LeaksRequest {
        let request = LeaksRequest { names: Arc::clone(&self.names), request: self.leak_question() };
        self.suspects.asked = Some(request.clone());
        request
    }

    /// Looks here for what is known of tags, once nobody waits for anything else.
    pub fn set_tag_choice(&mut self, choice: TagChoice) {
        self.tag_choice = Some(choice);
    }

    pub(super) fn tag_sources_request(&mut self) -> Option<TagSourcesRequest> {
        let file = self.source.path().map(Into::into);
        let choice = self.tag_choice.take()?;
        Some(TagSourcesRequest { choice, file, trace: Arc::clone(&self.trace) })
    }

    pub(super) fn take_tag_sources(&mut self, sources: TagSources) {
        for problem in &sources.problems {
            self.tell(problem.clone());
        }
        let tags = |sources: &TagSources| sources.pool_tags.as_ref().map(|found| Arc::clone(&found.tags));
        let (old, new) = (tags(&self.tag_sources), tags(&sources));
        self.tag_sources = sources;
        if old.is_none() && new.is_none() {
            return;
        }
        self.names = Arc::new(self.names.with_tag_descriptions(new.clone()));
        self.new_names = self.new_names.take().map(|names| Arc::new(names.with_tag_descriptions(new)));
        let counted = Metric::Unique(Key::TagDescription);
        let arrangement = &self.arrangement;
        if arrangement.keys().contains(&Key::TagDescription)
            || arrangement.figures().contains(&counted)
            || arrangement.graph_by.contains(&Key::TagDescription)
        {
            self.groups_are_old = true;
            self.changed.extend([Topic::Table, Topic::Curves]);
        }
    }

    pub(super) fn take_leaks(&mut self, answer: LeaksAnswer) {
        self.suspects.take(answer);
    }
}
