//! The moments at which curves have values: evenly spread over a view, each rounded to the nearest tick.

use crate::trace::time::{Ticks, TimeRange};

/// Moments in ascending order; two may be the same tick.
#[derive(Clone, PartialEq, Debug)]
pub struct Points {
    times: Vec<Ticks>,
    /// Points per tick, for a first guess.
    density: f64,
}

impl Points {
    /// `count` moments (at least one): `from + k * (to - from) / (count - 1)`, halves rounded up; a single one is `from`.
    #[must_use]
    pub fn new(view: TimeRange, count: usize) -> Self {
        let span = i128::from(view.to.0) - i128::from(view.from.0);
        let steps = count.saturating_sub(1) as i128;
        let time = |k: usize| {
            let offset = if steps == 0 { 0 } else { (2 * k as i128 * span + steps).div_euclid(2 * steps) };
            Ticks((i128::from(view.from.0) + offset) as i64)
        };
        let density = if span > 0 { steps as f64 / span as f64 } else { 0.0 };
        Self { times: (0..count.max(1)).map(time).collect(), density }
    }

    /// Given moments, which must ascend.
    #[must_use]
    pub fn at(times: Vec<Ticks>) -> Self {
        let ends = times.first().zip(times.last());
        let span = ends.map_or(0, |(first, last)| i128::from(last.0) - i128::from(first.0));
        let density = if span > 0 { (times.len() - 1) as f64 / span as f64 } else { 0.0 };
        Self { times, density }
    }

    /// The moments.
    #[must_use]
    pub fn times(&self) -> &[Ticks] {
        &self.times
    }

    /// The first point that is not before `time`; the number of points if all are.
    #[inline]
    #[must_use]
    pub fn first_at_or_after(&self, time: Ticks) -> usize {
        let times = &self.times;
        let first = times.first().copied().unwrap_or_default();
        if time <= first {
            return 0;
        }
        if times.last().is_none_or(|last| time > *last) {
            return times.len();
        }
        // A guess by proportion, off by a point at most, then the exact answer by comparing.
        let guess = ((time.0 - first.0) as f64 * self.density) as usize;
        let mut at = guess.min(times.len() - 1);
        while at > 0 && times[at - 1] >= time {
            at -= 1;
        }
        while at < times.len() && times[at] < time {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_round_to_the_nearest_tick_and_are_found() {
        let view = TimeRange { from: Ticks(-3), to: Ticks(7) };
        assert_eq!(Points::new(view, 1).times(), [Ticks(-3)]);
        let four = Points::new(view, 4);
        assert_eq!(four.times(), [Ticks(-3), Ticks(0), Ticks(4), Ticks(7)]);
        for count in [1, 2, 4, 11, 50] {
            let points = Points::new(view, count);
            for t in -6..10 {
                let expected = points.times().iter().position(|p| p.0 >= t).unwrap_or(count);
                assert_eq!(points.first_at_or_after(Ticks(t)), expected, "{t} of {count}");
            }
        }
        let point = TimeRange { from: Ticks(5), to: Ticks(5) };
        assert_eq!(Points::new(point, 3).first_at_or_after(Ticks(6)), 3);
        let wide = TimeRange { from: Ticks(-Ticks::LIMIT), to: Ticks(Ticks::LIMIT) };
        let points = Points::new(wide, 1001);
        assert_eq!(points.first_at_or_after(Ticks(1)), 501);
    }
}
