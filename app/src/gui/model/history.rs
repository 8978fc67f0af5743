//! Visible ranges that were left: those before the present one, and those that were left by going back. Small steps (wheel, drag) that
//! follow each other make one entry.

use poolscope_analysis::trace::time::TimeRange;

/// Ranges before the visible one, and those that were left by going back.
#[derive(Debug, Clone)]
pub struct RangeHistory {
    whole: TimeRange,
    past: Vec<TimeRange>,
    future: Vec<TimeRange>,
    is_smooth: bool,
}

impl RangeHistory {
    /// An empty history of a trace that covers `whole`.
    #[must_use]
    pub fn new(whole: TimeRange) -> Self {
        Self { whole, past: Vec::new(), future: Vec::new(), is_smooth: false }
    }

    /// Returns whether there is a range to go back to.
    #[must_use]
    pub fn can_go_back(&self) -> bool {
        !self.past.is_empty()
    }

    /// Returns whether a step back can be undone.
    #[must_use]
    pub fn can_go_forward(&self) -> bool {
        !self.future.is_empty()
    }

    /// Changes `range` to another one, clamped to the trace. Returns whether it differs from the one before. `is_smooth` marks
    /// one of many small steps.
    pub fn go(&mut self, range: &mut TimeRange, to: TimeRange, is_smooth: bool) -> bool {
        let from = to.from.clamp(self.whole.from, self.whole.to);
        let to = TimeRange { from, to: to.to.clamp(from, self.whole.to) };
        if to == *range {
            return false;
        }
        let before = std::mem::replace(range, to);
        if !(is_smooth && self.is_smooth) {
            self.past.push(before);
        }
        self.future.clear();
        self.is_smooth = is_smooth;
        true
    }

    /// Changes `range` to the one before. Returns whether there was one.
    pub fn back(&mut self, range: &mut TimeRange) -> bool {
        self.is_smooth = false;
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(range, before));
        true
    }

    /// Undoes a step back. Returns whether there was one.
    pub fn forward(&mut self, range: &mut TimeRange) -> bool {
        self.is_smooth = false;
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(range, after));
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

    fn whole() -> (RangeHistory, TimeRange) {
        (RangeHistory::new(view(0, 100)), view(0, 100))
    }

    #[test]
    fn small_steps_make_one_entry() {
        let (mut history, mut now) = whole();
        assert!(history.go(&mut now, view(10, 90), false));
        for step in 11..20 {
            assert!(history.go(&mut now, view(step, 90), true));
        }
        assert!(history.back(&mut now));
        assert_eq!(now, view(10, 90));
        assert!(history.forward(&mut now));
        assert_eq!(now, view(19, 90));
        assert!(!history.forward(&mut now) && history.back(&mut now));
        assert!(history.back(&mut now));
        assert_eq!(now, view(0, 100));
        assert!(!history.back(&mut now));
        assert!(history.go(&mut now, view(5, 6), false));
        assert!(!history.can_go_forward(), "a new step ends what could be undone");
    }

    #[test]
    fn stays_inside_the_trace() {
        let (mut history, mut now) = whole();
        assert!(!history.go(&mut now, view(-5, 200), false));
        assert!(!history.can_go_back());
        assert!(history.go(&mut now, view(150, 200), false));
        assert_eq!(now, view(100, 100));
    }
}
