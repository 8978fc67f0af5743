//! The bars of histograms of spans of time: 1-2-5 steps from a microsecond on, people's steps from a minute on.

use crate::trace::time::Clock;

/// Bounds in nanoseconds, and their texts.
const BOUNDS: [(u64, &str); 33] = [
    (1_000, "1 us"),
    (2_000, "2 us"),
    (5_000, "5 us"),
    (10_000, "10 us"),
    (20_000, "20 us"),
    (50_000, "50 us"),
    (100_000, "100 us"),
    (200_000, "200 us"),
    (500_000, "500 us"),
    (1_000_000, "1 ms"),
    (2_000_000, "2 ms"),
    (5_000_000, "5 ms"),
    (10_000_000, "10 ms"),
    (20_000_000, "20 ms"),
    (50_000_000, "50 ms"),
    (100_000_000, "100 ms"),
    (200_000_000, "200 ms"),
    (500_000_000, "500 ms"),
    (SECOND, "1 s"),
    (2 * SECOND, "2 s"),
    (5 * SECOND, "5 s"),
    (10 * SECOND, "10 s"),
    (30 * SECOND, "30 s"),
    (60 * SECOND, "1 min"),
    (120 * SECOND, "2 min"),
    (300 * SECOND, "5 min"),
    (600 * SECOND, "10 min"),
    (1800 * SECOND, "30 min"),
    (3600 * SECOND, "1 h"),
    (2 * 3600 * SECOND, "2 h"),
    (5 * 3600 * SECOND, "5 h"),
    (12 * 3600 * SECOND, "12 h"),
    (24 * 3600 * SECOND, "24 h"),
];
const SECOND: u64 = 1_000_000_000;

/// Number of bars: one below each bound, one above them all.
pub(super) const COUNT: usize = BOUNDS.len() + 1;

/// The bounds in the ticks of a clock.
pub(super) struct Spans([i64; BOUNDS.len()]);

impl Spans {
    pub(super) fn new(clock: &Clock) -> Self {
        // The first tick that is not before the bound.
        let first_tick = |ns: u64| (u128::from(ns) * u128::from(clock.ticks_per_second)).div_ceil(SECOND.into());
        Self(BOUNDS.map(|(ns, _)| i64::try_from(first_tick(ns)).unwrap_or(i64::MAX)))
    }

    /// The bar of a span.
    #[inline]
    pub(super) fn bin(&self, ticks: i64) -> usize {
        self.0.partition_point(|bound| *bound <= ticks)
    }

    /// The range of a bar.
    pub(super) fn label(&self, bin: usize) -> String {
        let bound = |at: usize| BOUNDS.get(at).map(|b| b.1);
        match (bin.checked_sub(1).and_then(bound), bound(bin)) {
            (Some(from), Some(to)) => format!("{from}..{to}"),
            (None, Some(to)) => format!("under {to}"),
            (Some(from), None) => format!("{from} and more"),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::time::ClockKind;

    #[test]
    fn bounds_belong_to_the_upper_bar() {
        let spans = Spans::new(&Clock { kind: ClockKind::Qpc, ticks_per_second: 10_000_000, start_filetime: 0 });
        let label = |ticks| spans.label(spans.bin(ticks));
        assert_eq!(
            [0, 9, 10, 19, 20].map(label),
            ["under 1 us", "under 1 us", "1 us..2 us", "1 us..2 us", "2 us..5 us"]
        );
        assert_eq!(label(10_000_000), "1 s..2 s");
        assert_eq!(label(i64::MAX / 4), "24 h and more");
        assert_eq!(spans.bin(i64::MAX / 4) + 1, COUNT);
        assert!(BOUNDS.is_sorted_by(|a, b| a.0 < b.0));
        let coarse = Spans::new(&Clock { kind: ClockKind::SystemTime, ticks_per_second: 1000, start_filetime: 0 });
        assert_eq!([0, 1, 1000].map(|t| coarse.label(coarse.bin(t))), ["under 1 us", "1 ms..2 ms", "1 s..2 s"]);
    }
}
