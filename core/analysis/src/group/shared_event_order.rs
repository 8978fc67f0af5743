//! The event order of a trace for all questions that need one: the first of them builds it, the others wait for that one.

use super::event_order::EventOrder;
use super::parallel::{Cancel, Cancelled};
use crate::trace::Trace;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::time::Duration;

/// Time between two looks at `cancel` while another thread builds.
const WAIT: Duration = Duration::from_millis(10);

/// A place for the [`EventOrder`] of one trace, filled by the first question that needs it.
#[derive(Default, Debug)]
pub struct SharedEventOrder {
    order: OnceLock<EventOrder>,
    building: Mutex<()>,
}

impl SharedEventOrder {
    /// The order if it has been built.
    #[must_use]
    pub fn known(&self) -> Option<&EventOrder> {
        self.order.get()
    }

    /// The order of `trace`, built here if it is not known, to the end.
    #[must_use]
    pub fn get(&self, trace: &Trace) -> &EventOrder {
        self.order.get_or_init(|| EventOrder::new(trace))
    }

    /// The order of `trace`, built here if it is not known. Of several threads that need it, one builds and the others wait, except
    /// for workers of a pool: the builder needs the workers, and one that waits while it builds could be given a second question
    /// for the same order. They build one of their own, and the first that is complete is kept.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn get_unless_cancelled(&self, trace: &Trace, cancel: Cancel<'_>) -> Result<&EventOrder, Cancelled> {
        let is_worker = rayon::current_thread_index().is_some();
        let _building = loop {
            if let Some(order) = self.order.get() {
                return Ok(order);
            }
            if is_worker {
                break None;
            }
            match self.building.try_lock_for(WAIT) {
                Some(building) => break Some(building),
                None if cancel() => return Err(Cancelled),
                None => {}
            }
        };
        match self.order.get() {
            Some(order) => Ok(order),
            None => {
                let order = EventOrder::build(trace, cancel)?;
                Ok(self.order.get_or_init(|| order))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{names, random_blocks};
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn events_are_sorted_once_unless_that_is_cancelled() {
        let names = names(&random_blocks(9, 5_000));
        let trace = names.trace();
        let shared = SharedEventOrder::default();
        assert!(shared.get_unless_cancelled(trace, &|| true).is_err() && shared.known().is_none());
        let first: *const EventOrder = shared.get_unless_cancelled(trace, &not_cancelled).unwrap();
        // What is known needs no work that could be cancelled.
        assert!(std::ptr::eq(first, shared.get_unless_cancelled(trace, &|| true).unwrap()));
        assert!(std::ptr::eq(first, shared.get(trace)));
    }

    #[test]
    fn a_worker_that_builds_can_be_given_another_question_for_the_same_order() {
        let names = names(&random_blocks(11, 5_000));
        let trace = names.trace();
        let shared = SharedEventOrder::default();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let (outer, inner) = (AtomicU32::new(0), AtomicU32::new(0));
        // Far more looks than building takes: a question that waited for its own thread would end here, cancelled.
        let gives_up = || inner.fetch_add(1, Ordering::Relaxed) > 500;
        let asks_again = || {
            let is_first = outer.fetch_add(1, Ordering::Relaxed) == 0;
            is_first && shared.get_unless_cancelled(trace, &gives_up).is_err()
        };
        let frees = pool.install(|| shared.get_unless_cancelled(trace, &asks_again).map(|order| order.frees().len()));
        assert!(frees.unwrap() > 1_000);
        assert!(outer.into_inner() > 0 && inner.into_inner() > 0);
    }

    #[test]
    fn one_thread_builds_and_those_that_wait_can_be_cancelled() {
        let names_of_one = names(&random_blocks(12, 5_000));
        let trace = names_of_one.trace();
        let shared = SharedEventOrder::default();
        let built_by_another = shared.building.lock();
        assert!(shared.get_unless_cancelled(trace, &|| true).is_err());
        drop(built_by_another);
        // Another trace's order is built without waiting for this one's.
        let (other, names_of_other) = (SharedEventOrder::default(), names(&random_blocks(13, 100)));
        let _building = shared.building.lock();
        assert!(other.get_unless_cancelled(names_of_other.trace(), &not_cancelled).is_ok());
    }
}
