//! When a document asks what leaks: once the rows and curves are there, and anew when names, marks or what is to be judged
//! change. The judgement before stays until then; nothing waits for it.

use std::sync::Arc;

use poolscope_core::leak::Request;

use super::{Document, Topic};
use crate::gui::jobs::leaks::{LeaksAnswer, LeaksRequest};

impl Document {
    /// The question to the judge as things stand.
    #[must_use]
    pub fn leak_question(&self) -> Request {
        let view = if self.suspects.follows_view { self.history.now() } else { self.history.whole() };
        Request { view, by: self.suspects.by, warm_up: self.suspects.warm_up.of(view, &self.trace.clock) }
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
        let request = self.leak_question();
        let asked = self.suspects.asked.as_ref();
        let same = asked.is_some_and(|asked| asked.request == request);
        let named = asked.is_some_and(|asked| Arc::ptr_eq(&asked.names, &self.names));
        let sooner = [Topic::Names, Topic::Table, Topic::Curves];
        let is_busy = sooner.iter().any(|topic| self.waiting.contains(topic) || self.changed.contains(topic));
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

    pub(super) fn take_leaks(&mut self, answer: LeaksAnswer) {
        self.suspects.take(answer);
    }
}
