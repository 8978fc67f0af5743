//! The visible range, the ranges before it, and those that were left by going back. Small steps (wheel, drag) that follow each other make one entry.

use poolscope_analysis::trace::time::TimeRange;

/// Where the view is and where it was.
#[derive(Debug, Clone)]
pub struct History {
    whole: TimeRange,
    now: TimeRange,
    earlier: Vec<TimeRange>,
    later: Vec<TimeRange>,
    smooth: bool,
}

impl History {
    /// Begins with the whole trace.
    #[must_use]
    pub fn new(whole: TimeRange) -> Self {
        Self { whole, now: whole, earlier: Vec::new(), later: Vec::new(), smooth: false }
    }

    /// The visible range.
    #[must_use]
    pub fn now(&self) -> TimeRange {
        self.now
    }

    /// The whole trace.
    #[must_use]
    pub fn whole(&self) -> TimeRange {
        self.whole
    }

    /// Whether there is somewhere to go back to.
    #[must_use]
    pub fn can_go_back(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// Whether a step back can be taken back.
    #[must_use]
    pub fn can_go_forward(&self) -> bool {
        !self.later.is_empty()
    }

    /// Goes to a range, kept inside the trace; returns whether it differs from the one before. `smooth` marks one of
    /// many small steps.
    pub fn go(&mut self, to: TimeRange, smooth: bool) -> bool {
        let from = to.from.clamp(self.whole.from, self.whole.to);
        let to = TimeRange { from, to: to.to.clamp(from, self.whole.to) };
        if to == self.now {
            return false;
        }
        if !(smooth && self.smooth) {
            self.earlier.push(self.now);
        }
        self.later.clear();
        self.smooth = smooth;
        self.now = to;
        true
    }

    /// Goes to the range before; returns whether there was one.
    pub fn back(&mut self) -> bool {
        self.smooth = false;
        let Some(view) = self.earlier.pop() else { return false };
        self.later.push(std::mem::replace(&mut self.now, view));
        true
    }

    /// Takes back a step back; returns whether there was one.
    pub fn forward(&mut self) -> bool {
        self.smooth = false;
        let Some(view) = self.later.pop() else { return false };
        self.earlier.push(std::mem::replace(&mut self.now, view));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::trace::time::Ticks;

    fn view(from: i64, to: i64) -> TimeRange {
        TimeRange { from: Ticks(from), to: Ticks(to) }
    }

    #[test]
    fn small_steps_make_one_entry() {
        let mut history = History::new(view(0, 100));
        assert!(history.go(view(10, 90), false));
        for step in 11..20 {
            assert!(history.go(view(step, 90), true));
        }
        assert!(history.back());
        assert_eq!(history.now(), view(10, 90));
        assert!(history.forward());
        assert_eq!(history.now(), view(19, 90));
        assert!(!history.forward() && history.back());
        assert!(history.back());
        assert_eq!(history.now(), view(0, 100));
        assert!(!history.back());
        assert!(history.go(view(5, 6), false));
        assert!(!history.can_go_forward(), "a new step ends what could be taken back");
    }

    #[test]
    fn stays_inside_the_trace() {
        let mut history = History::new(view(0, 100));
        assert!(!history.go(view(-5, 200), false));
        assert!(!history.can_go_back());
        assert!(history.go(view(150, 200), false));
        assert_eq!(history.now(), view(100, 100));
    }
}
