//! Growth: the least-squares slope of outstanding bytes over a range of time. One function for every place that shows it.
//!
//! An event of `size` bytes at a share `x` (0 to 1) of a range of length `T` changes the outstanding bytes from there to the
//! end of the range, and so adds `size * 6x(1-x) / T` to the slope of the line of least squares. The slope of any set of
//! events is the sum of that over its events, so it adds up over any partition (tags, drivers, stacks, processes). What is
//! allocated near either end of the range, and with it what is merely in flight there, hardly weighs.

use super::allocation::AllocationTable;
use super::time::{Clock, Ticks, TimeRange};

/// Bits of the grid on which places in the range are counted: weights are integers up to 2^60, so that sums are the same in
/// any order.
const PLACE_BITS: u32 = 31;

/// Sizes above this, a terabyte, come from damaged records; they count as this, so that no sum of a table reaches its limit.
const SIZE_MAX_BYTES: u64 = 1 << 40;

/// Sums of weighted bytes; a slope once it is divided by the length of its range.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct GrowthSum(i128);

impl GrowthSum {
    /// Adds another sum over the same range.
    pub const fn add(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// Weighs events of one range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GrowthScale {
    range: TimeRange,
    places_per_tick: f64,
    ticks: f64,
}

impl GrowthScale {
    /// Of a range of at least two ticks; a shorter one has no growth.
    #[must_use]
    pub fn new(range: TimeRange) -> Self {
        let ticks = range.to.0.saturating_sub(range.from.0).max(1) as f64;
        let places_per_tick = (1_u64 << PLACE_BITS) as f64 / ticks;
        Self { range, places_per_tick, ticks }
    }

    /// `6x(1-x)` of a moment on the grid; 0 outside of the range.
    #[inline]
    fn weight(&self, time: Ticks) -> i128 {
        if time < self.range.from || time > self.range.to {
            return 0;
        }
        let whole = 1_u64 << PLACE_BITS;
        let place = ((time.0.saturating_sub(self.range.from.0)) as f64 * self.places_per_tick) as u64;
        let place = place.min(whole);
        i128::from(place * (whole - place))
    }

    /// Weighted bytes of an allocation that was freed at `free`; [`Ticks::UNKNOWN`] and [`Ticks::NEVER`] lie outside of every
    /// range.
    #[inline]
    #[must_use]
    pub fn allocation(&self, alloc: Ticks, free: Ticks, size_bytes: u64) -> GrowthSum {
        let weight = self.weight(alloc) - self.weight(free);
        GrowthSum(weight * i128::from(size_bytes.min(SIZE_MAX_BYTES)))
    }

    /// Sum over rows of the table of allocations.
    #[must_use]
    pub fn rows(&self, table: &AllocationTable, rows: &[u32]) -> GrowthSum {
        let mut sum = GrowthSum::default();
        for row in rows.iter().map(|row| *row as usize) {
            sum.add(self.allocation(table.alloc_time[row], table.free_time[row], table.size[row]));
        }
        sum
    }

    /// The slope in bytes per second.
    #[must_use]
    pub fn bytes_per_s(&self, sum: GrowthSum, clock: &Clock) -> f64 {
        let whole = (1_u64 << PLACE_BITS) as f64;
        let seconds = self.ticks / clock.ticks_per_second.max(1) as f64;
        6.0 * sum.0 as f64 / (whole * whole) / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::time::ClockKind;

    const CLOCK: Clock = Clock { kind: ClockKind::Qpc, ticks_per_second: 1000, start_filetime: 0 };

    /// The slope by its definition: a line through the outstanding bytes at every tick.
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
    fn it_is_the_slope_of_the_line_through_the_outstanding_bytes() {
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
                sum.add(scale.allocation(Ticks(alloc), Ticks(alloc + life), size));
            }
            events.retain(|event| event.0 <= 4_500);
            let wanted = slope_by_points(&events, 500, 4_500);
            let found = scale.bytes_per_s(sum, &CLOCK);
            assert!((found - wanted).abs() < 0.001 * wanted.abs() + 60.0, "{found} {wanted}");
        }
    }

    #[test]
    fn a_steady_leak_has_its_rate_and_what_is_in_flight_none() {
        let scale = GrowthScale::new(TimeRange { from: Ticks(0), to: Ticks(100_000) });
        let mut leak = GrowthSum::default();
        (0..1000).for_each(|k| leak.add(scale.allocation(Ticks(k * 100 + 50), Ticks::NEVER, 4096)));
        assert!((scale.bytes_per_s(leak, &CLOCK) / 40_960.0 - 1.0).abs() < 1e-5);
        let mut in_flight = GrowthSum::default();
        (99_900..100_000).for_each(|k| in_flight.add(scale.allocation(Ticks(k), Ticks::NEVER, 4096)));
        // A tenth of the leak's allocations, in the last thousandth of the range.
        assert!(scale.bytes_per_s(in_flight, &CLOCK) < 0.001 * 40_960.0);
        assert_eq!(scale.allocation(Ticks::UNKNOWN, Ticks::NEVER, u64::MAX), GrowthSum::default());
    }

    #[test]
    fn odd_ranges_and_sizes_stay_finite() {
        for (from, to) in [(5, 5), (9, 3), (i64::MIN + 1, i64::MAX - 1), (-Ticks::LIMIT, Ticks::LIMIT)] {
            let scale = GrowthScale::new(TimeRange { from: Ticks(from), to: Ticks(to) });
            let mut sum = GrowthSum::default();
            (0..100).for_each(|k| sum.add(scale.allocation(Ticks(k), Ticks(k * 3), u64::MAX)));
            assert!(scale.bytes_per_s(sum, &CLOCK).is_finite());
        }
    }
}
