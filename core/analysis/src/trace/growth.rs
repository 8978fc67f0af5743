//! Growth: the least-squares slope of outstanding bytes over a time range. Every growth that is shown comes from here.
//!
//! An event of `size` bytes at a share `x` (0 to 1) of a range of length `T` changes the outstanding bytes from there to the
//! end of the range, and so adds `size * 6x(1-x) / T` to the least-squares slope. The slope of any set of events is the sum
//! over its events, so growth adds up over any partition (tags, drivers, stacks, processes). Events near either end of the
//! range, among them allocations that are merely in flight there, have little weight.

use super::time::{Clock, Ticks, TimeRange};

/// Positions in the range are integers of this many bits. Weights are integers up to 2^60, so that sums do not depend on
/// their order.
const POSITION_BITS: u32 = 31;

/// Upper bound on the size that an event is weighted with. Larger ones come from damaged records and could overflow a sum.
const MAX_SIZE_BYTES: u64 = 1 << 40;

/// Sum of weighted bytes over one range; [`GrowthScale::bytes_per_s`] makes it a slope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct GrowthSum(i128);

impl GrowthSum {
    /// Adds another sum over the same range.
    pub const fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// Weights of events by their position in a time range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GrowthScale {
    range: TimeRange,
    positions_per_tick: f64,
    ticks: f64,
}

impl GrowthScale {
    /// Weights for a range. One of less than two ticks has no growth.
    #[must_use]
    pub fn new(range: TimeRange) -> Self {
        let ticks = range.to.0.saturating_sub(range.from.0).max(1) as f64;
        let positions_per_tick = (1_u64 << POSITION_BITS) as f64 / ticks;
        Self { range, positions_per_tick, ticks }
    }

    /// `x(1-x)` of a time, in units of 2^(-2 * [`POSITION_BITS`]); 0 outside of the range.
    #[inline]
    fn weight(&self, time: Ticks) -> i128 {
        if time < self.range.from || time > self.range.to {
            return 0;
        }
        let whole = 1_u64 << POSITION_BITS;
        let position = ((time.0.saturating_sub(self.range.from.0)) as f64 * self.positions_per_tick) as u64;
        let position = position.min(whole);
        i128::from(position * (whole - position))
    }

    /// Weighted bytes of one allocation and its free. [`Ticks::UNKNOWN`] and [`Ticks::NEVER`] are outside of every range.
    #[inline]
    #[must_use]
    pub fn weigh(&self, alloc: Ticks, free: Ticks, size_bytes: u64) -> GrowthSum {
        let weight = self.weight(alloc) - self.weight(free);
        GrowthSum(weight * i128::from(size_bytes.min(MAX_SIZE_BYTES)))
    }

    /// Slope in bytes per second.
    #[must_use]
    pub fn bytes_per_s(&self, sum: GrowthSum, clock: &Clock) -> f64 {
        let whole = (1_u64 << POSITION_BITS) as f64;
        let seconds = self.ticks / clock.ticks_per_second.max(1) as f64;
        6.0 * sum.0 as f64 / (whole * whole) / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::time::ClockKind;

    const CLOCK: Clock = Clock { kind: ClockKind::Qpc, ticks_per_second: 1000, start_filetime: 0 };

    /// Least-squares slope by its definition, over the outstanding bytes at every tick.
    fn slope_by_points(events: &[(i64, i64)], from: i64, to: i64) -> f64 {
        let points: Vec<f64> = (from..to)
            .map(|tick| events.iter().filter(|e| e.0 <= tick && e.0 >= from).map(|e| e.1 as f64).sum())
            .collect();
        let n = points.len() as f64;
        let (mean_x, mean_y) = ((n - 1.0) / 2.0, points.iter().sum::<f64>() / n);
        let (mut xy, mut xx) = (0.0, 0.0);
        for (x, y) in points.iter().enumerate() {
            xy += (x as f64 - mean_x) * (y - mean_y);
            xx += (x as f64 - mean_x).powi(2);
        }
        xy / xx * CLOCK.ticks_per_second as f64
    }

    #[test]
    fn growth_is_the_least_squares_slope_of_outstanding_bytes() {
        let mut state = 5_u64;
        let mut roll = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let scale = GrowthScale::new(TimeRange { from: Ticks(500), to: Ticks(4_500) });
        for _ in 0..20 {
            let mut events = Vec::new();
            let mut sum = GrowthSum::default();
            for _ in 0..200 {
                let (alloc, life, size) = (roll(5_000) as i64, roll(3_000) as i64, roll(4_000));
                events.push((alloc, size as i64));
                events.push((alloc + life, -(size as i64)));
                sum.add(scale.weigh(Ticks(alloc), Ticks(alloc + life), size));
            }
            events.retain(|event| event.0 <= 4_500);
            let wanted = slope_by_points(&events, 500, 4_500);
            let found = scale.bytes_per_s(sum, &CLOCK);
            assert!((found - wanted).abs() < 0.001 * wanted.abs() + 60.0, "{found} {wanted}");
        }
    }

    #[test]
    fn a_steady_leak_grows_at_its_rate_and_allocations_in_flight_do_not_grow() {
        let scale = GrowthScale::new(TimeRange { from: Ticks(0), to: Ticks(100_000) });
        let mut leak = GrowthSum::default();
        (0..1000).for_each(|k| leak.add(scale.weigh(Ticks(k * 100 + 50), Ticks::NEVER, 4096)));
        assert!((scale.bytes_per_s(leak, &CLOCK) / 40_960.0 - 1.0).abs() < 1e-5);
        let mut in_flight = GrowthSum::default();
        (99_900..100_000).for_each(|k| in_flight.add(scale.weigh(Ticks(k), Ticks::NEVER, 4096)));
        // A tenth of the leak's allocations, in the last thousandth of the range.
        assert!(scale.bytes_per_s(in_flight, &CLOCK) < 0.001 * 40_960.0);
        assert_eq!(scale.weigh(Ticks::UNKNOWN, Ticks::NEVER, u64::MAX), GrowthSum::default());
    }

    #[test]
    fn odd_ranges_and_sizes_stay_finite() {
        for (from, to) in [(5, 5), (9, 3), (i64::MIN + 1, i64::MAX - 1), (-Ticks::LIMIT, Ticks::LIMIT)] {
            let scale = GrowthScale::new(TimeRange { from: Ticks(from), to: Ticks(to) });
            let mut sum = GrowthSum::default();
            (0..100).for_each(|k| sum.add(scale.weigh(Ticks(k), Ticks(k * 3), u64::MAX)));
            assert!(scale.bytes_per_s(sum, &CLOCK).is_finite());
        }
    }
}
