//! Time zone of the recording machine, `TIME_ZONE_INFORMATION` in the log-file header: how far its clock is from UTC at a time.
//!
//! | offset | type | field |
//! | --- | --- | --- |
//! | 0 | i32 | `Bias`: minutes from local time to UTC |
//! | 4 | 32 UTF-16 | `StandardName` |
//! | 68 | SYSTEMTIME | `StandardDate`: begin of standard time, in local daylight saving time |
//! | 84 | i32 | `StandardBias`, added to `Bias` in standard time |
//! | 88 | 32 UTF-16 | `DaylightName` |
//! | 152 | SYSTEMTIME | `DaylightDate`: begin of daylight saving time, in local standard time |
//! | 168 | i32 | `DaylightBias`, added to `Bias` in daylight saving time |
//!
//! A date without a year names the n-th (5: the last) weekday of a month in every year. A month of 0 means that the machine does not
//! change its clock. Source: Microsoft Learn, `TIME_ZONE_INFORMATION`.

use poolscope_base::bytes::{u16_at, u32_at};

/// Bytes of the structure.
pub const TIME_ZONE_BYTES: usize = 172;
/// Minutes from 1601 (FILETIME) to 1970.
const FILETIME_TO_UNIX_MIN: i64 = 194_074_560;
/// 100 ns intervals of a minute.
const MINUTE: i64 = 600_000_000;
/// Minutes of a day.
const DAY_MIN: i64 = 1440;
/// Largest difference from UTC that a zone has, in minutes.
const BIAS_MAX: i32 = 15 * 60;

/// A moment at which clocks are changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    /// Year; 0 for every year.
    year: i64,
    /// Month from 1 to 12.
    month: i64,
    /// Weekday, 0 for Sunday.
    weekday: i64,
    /// Day of the month with a year, else the n-th such weekday of the month.
    day: i64,
    /// Minute of the day.
    minute: i64,
}

/// Time zone of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeZone {
    /// Minutes from local standard time to UTC.
    standard_bias: i32,
    /// Minutes from local daylight saving time to UTC.
    daylight_bias: i32,
    /// Begins of daylight saving time and of standard time; `None` if the clock is never changed.
    changes: Option<(Change, Change)>,
}

impl TimeZone {
    /// Decodes the structure; `None` if it is too short, empty or not plausible.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..TIME_ZONE_BYTES)?;
        // Without any field there is no zone; UTC has a name.
        if bytes.iter().all(|byte| *byte == 0) {
            return None;
        }
        let bias = |at: usize| Some(u32_at(bytes, at)? as i32);
        let base = bias(0)?;
        let (standard_bias, daylight_bias) = (base.checked_add(bias(84)?)?, base.checked_add(bias(168)?)?);
        let changes = match (change(bytes, 152), change(bytes, 68)) {
            (Some(daylight), Some(standard)) => Some((daylight, standard)),
            _ => None,
        };
        let is_plausible = |bias: i32| bias.abs() <= BIAS_MAX;
        (is_plausible(standard_bias) && (changes.is_none() || is_plausible(daylight_bias))).then_some(Self {
            standard_bias,
            daylight_bias,
            changes,
        })
    }

    /// Minutes from local time to UTC at a time, given as FILETIME in UTC: -120 for a clock two hours ahead.
    #[must_use]
    pub fn bias_minutes(&self, filetime: i64) -> i32 {
        let Some((daylight, standard)) = self.changes else { return self.standard_bias };
        let now = filetime.div_euclid(MINUTE) - FILETIME_TO_UNIX_MIN;
        let year = year_of((now - i64::from(self.standard_bias)).div_euclid(DAY_MIN));
        let begin = daylight.minute_in(year) + i64::from(self.standard_bias);
        let end = standard.minute_in(year) + i64::from(self.daylight_bias);
        // South of the equator daylight saving time lasts over the turn of the year.
        let is_daylight = if begin <= end { (begin..end).contains(&now) } else { !(end..begin).contains(&now) };
        if is_daylight { self.daylight_bias } else { self.standard_bias }
    }
}

/// The `SYSTEMTIME` at an offset; `None` for a month of 0 or impossible values.
fn change(bytes: &[u8], at: usize) -> Option<Change> {
    let part = |nth: usize| Some(i64::from(u16_at(bytes, at + 2 * nth)?));
    let (year, month, weekday, day) = (part(0)?, part(1)?, part(2)?, part(3)?);
    let minute = part(4)? * 60 + part(5)?;
    let is_possible = (1..=12).contains(&month) && (0..7).contains(&weekday) && (1..=31).contains(&day);
    (is_possible && minute <= DAY_MIN).then_some(Change { year, month, weekday, day, minute })
}

impl Change {
    /// Minutes from 1970 to the moment in a year, on its own clock.
    fn minute_in(&self, year: i64) -> i64 {
        let first = days_to(year, self.month);
        let day = if self.year == 0 {
            // 1970-01-01 was a Thursday.
            let offset = (self.weekday - (first + 4)).rem_euclid(7);
            let next = if self.month == 12 { days_to(year + 1, 1) } else { days_to(year, self.month + 1) };
            let mut day = first + offset + 7 * (self.day.min(5) - 1);
            if day >= next {
                day -= 7;
            }
            day
        } else {
            first + self.day - 1
        };
        day * DAY_MIN + self.minute
    }
}

/// Days from 1970-01-01 to the first day of a month, in the Gregorian calendar.
fn days_to(year: i64, month: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 - 719_468
}

/// The year of a day, counted from 1970-01-01.
fn year_of(day: i64) -> i64 {
    let guess = 1970 + day.div_euclid(366);
    (guess..guess + 400).take_while(|year| days_to(*year, 1) <= day).last().unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The structure with biases in minutes, and dates as year, month, weekday, day, hour.
    fn zone(bias: i32, standard: ([u16; 5], i32), daylight: ([u16; 5], i32)) -> TimeZone {
        let mut bytes = bias.to_le_bytes().to_vec();
        for (name, (date, bias)) in [("Standard", standard), ("Daylight", daylight)] {
            bytes.extend(name.encode_utf16().chain(std::iter::repeat(0)).take(32).flat_map(u16::to_le_bytes));
            bytes.extend(date.into_iter().chain([0, 0, 0]).flat_map(u16::to_le_bytes));
            bytes.extend(bias.to_le_bytes());
        }
        assert_eq!(bytes.len(), TIME_ZONE_BYTES);
        TimeZone::parse(&bytes).expect("a time zone")
    }

    /// FILETIME of seconds from 1970.
    fn at(unix_s: i64) -> i64 {
        (unix_s + 11_644_473_600) * 10_000_000
    }

    #[test]
    fn central_europe_changes_its_clock_on_the_last_sundays() {
        let berlin = zone(-60, ([0, 10, 0, 5, 3], 0), ([0, 3, 0, 5, 2], -60));
        // From `TZ=Europe/Berlin date -d @…`: 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC.
        for (change, before, after) in [(1_774_746_000, -60, -120), (1_792_890_000, -120, -60)] {
            assert_eq!(
                (berlin.bias_minutes(at(change - 60)), berlin.bias_minutes(at(change))),
                (before, after),
                "{change}"
            );
        }
        // 2024-03-31 01:00 UTC, in a leap year.
        assert_eq!([1_711_846_740, 1_711_846_800].map(|time| berlin.bias_minutes(at(time))), [-60, -120]);
    }

    #[test]
    fn other_zones_have_other_rules() {
        let new_york = zone(300, ([0, 11, 0, 1, 2], 0), ([0, 3, 0, 2, 2], -60));
        // 2026-03-08 07:00 UTC and 2026-11-01 06:00 UTC.
        assert_eq!([1_772_953_140, 1_772_953_200].map(|time| new_york.bias_minutes(at(time))), [300, 240]);
        assert_eq!([1_793_512_740, 1_793_512_800].map(|time| new_york.bias_minutes(at(time))), [240, 300]);
        let sydney = zone(-600, ([0, 4, 0, 1, 3], 0), ([0, 10, 0, 1, 2], -60));
        // 2026-01-01 and 2026-07-01.
        assert_eq!([1_767_225_600, 1_782_864_000].map(|time| sydney.bias_minutes(at(time))), [-660, -600]);
        let kolkata = zone(-330, ([0; 5], 0), ([0; 5], -60));
        assert_eq!(kolkata.bias_minutes(at(1_782_864_000)), -330);
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        assert_eq!(TimeZone::parse(&[0; TIME_ZONE_BYTES]), None, "nothing is known");
        assert_eq!(TimeZone::parse(&[1; TIME_ZONE_BYTES - 1]), None, "too short");
        assert_eq!(TimeZone::parse(&[0x7F; TIME_ZONE_BYTES]), None, "no zone is so far from UTC");
        // Times at both ends of the clock do not overflow.
        let berlin = zone(-60, ([0, 10, 0, 5, 3], 0), ([0, 3, 0, 5, 2], -60));
        for time in [i64::MIN, 0, i64::MAX] {
            assert!([-60, -120].contains(&berlin.bias_minutes(time)));
        }
    }
}
