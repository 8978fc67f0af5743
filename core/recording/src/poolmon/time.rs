//! Dates and times around snapshots: lines with a date before a listing, columns of tables, names of files. Calendar dates are
//! Gregorian; no clock is read.

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Source of a snapshot's time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TimeSource {
    /// A column of the table.
    Column,
    /// A line with a date, before the snapshot.
    Line,
    /// The name of the file.
    FileName,
    /// The time at which the file was last written.
    FileTime,
    /// The interval between snapshots that the user gave.
    Interval,
}

impl TimeSource {
    /// Identifier in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::Line => "line",
            Self::FileName => "file_name",
            Self::FileTime => "file_time",
            Self::Interval => "interval",
        }
    }

    /// The source in a sentence that begins with "times from".
    #[must_use]
    pub const fn sentence_name(self) -> &'static str {
        match self {
            Self::Column => "a column of the table",
            Self::Line => "lines with a date",
            Self::FileName => "the names of the files",
            Self::FileTime => "the times at which the files were written",
            Self::Interval => "the given interval",
        }
    }
}

/// Time of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotTime {
    /// Milliseconds from 1970-01-01 00:00 on the clock that the source shows: that of the machine, or UTC.
    pub millis: i64,
    /// The same with day and month exchanged, where the text allows both.
    pub other_order: Option<i64>,
    /// The clock shows UTC.
    pub is_utc: bool,
    /// The text has a time of day.
    pub has_time: bool,
    /// Source of the time.
    pub source: TimeSource,
}

impl SnapshotTime {
    /// A time from a source that needs no reading.
    #[must_use]
    pub const fn known(millis: i64, is_utc: bool, source: TimeSource) -> Self {
        Self { millis, other_order: None, is_utc, has_time: true, source }
    }

    /// The time as `2026-07-24 08:00:00`.
    #[must_use]
    pub fn text(&self) -> String {
        text(self.millis)
    }
}

/// A time in milliseconds from 1970-01-01 as `2026-07-24 08:00:00`.
#[must_use]
pub fn text(millis: i64) -> String {
    let (days, of_day) = (millis.div_euclid(DAY_MS), millis.rem_euclid(DAY_MS) / 1000);
    let (year, month, day) = civil_from_days(days);
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}")
}

/// Days from 1970-01-01 to a date; `None` if it does not exist.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=2200).contains(&year) || !(1..=longest).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Beginnings of the names of months in languages of Windows; each row has one month.
const MONTHS: [&[&str]; 12] = [
    &["jan", "j\u{e4}n", "gen", "ene", "\u{44f}\u{43d}\u{432}", "sty", "led"],
    &["feb", "f\u{e9}v", "fev", "\u{444}\u{435}\u{432}", "lut", "\u{fa}no"],
    &["mar", "m\u{e4}r", "mrz", "maa", "mrt", "\u{43c}\u{430}\u{440}", "b\u{159}e"],
    &["apr", "avr", "abr", "\u{430}\u{43f}\u{440}", "kwi", "dub"],
    &["may", "mai", "mei", "mag", "maj", "maio", "\u{43c}\u{430}\u{44f}", "\u{43c}\u{430}\u{439}", "kv\u{11b}"],
    &["jun", "juin", "giu", "\u{438}\u{44e}\u{43d}", "cze"],
    &["jul", "juil", "lug", "\u{438}\u{44e}\u{43b}", "lip"],
    &["aug", "ao\u{fb}", "aou", "ago", "\u{430}\u{432}\u{433}", "sie", "srp"],
    &["sep", "set", "\u{441}\u{435}\u{43d}", "wrz", "z\u{e1}\u{159}"],
    &["oct", "okt", "ott", "out", "\u{43e}\u{43a}\u{442}", "pa\u{17a}"],
    &["nov", "\u{43d}\u{43e}\u{44f}", "lis"],
    &["dec", "dez", "d\u{e9}c", "dic", "\u{434}\u{435}\u{43a}", "gru", "pro"],
];

/// Beginnings of days of the week that begin like a month.
const DAYS_LIKE_MONTHS: [&str; 4] = ["mardi", "marte", "mar\u{21b}", "maand"];

fn month_of_name(word: &str) -> Option<i64> {
    let word = word.trim_end_matches(['.', ',']).to_lowercase();
    if word.chars().count() < 3
        || !word.chars().all(char::is_alphabetic)
        || DAYS_LIKE_MONTHS.iter().any(|day| word.starts_with(day))
    {
        return None;
    }
    // The longest beginning counts: June and July share two letters in several languages.
    let fits = MONTHS.iter().enumerate().flat_map(|(month, names)| {
        names.iter().filter(|name| word.starts_with(**name)).map(move |name| (name.len(), month as i64 + 1))
    });
    fits.max_by_key(|(length, month)| (*length, -month)).map(|(_, month)| month)
}

/// Day of the week by its English name, 0 for Monday.
fn weekday_of_name(word: &str) -> Option<i64> {
    let word = word.trim_end_matches(['.', ',']).to_lowercase();
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let at = names.iter().position(|name| word.len() >= 2 && word.is_ascii() && name.starts_with(&word));
    at.map(|at| at as i64)
}

/// A date, with day and month exchanged where the text allows both.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Date {
    days: i64,
    other: Option<i64>,
}

/// Parses a date of numbers: `2026-07-24`, `07/24/2026`, `24.07.2026`, `20260724`.
fn numeric_date(word: &str) -> Option<Date> {
    let plain = |days: i64| Date { days, other: None };
    if word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        let part = |from: usize, to: usize| word.get(from..to)?.parse::<i64>().ok();
        return days_from_civil(part(0, 4)?, part(4, 6)?, part(6, 8)?).map(plain);
    }
    let separator = word.chars().find(|c| "-/.".contains(*c))?;
    let parts: Vec<&str> = word.trim_end_matches('.').split(separator).map(str::trim).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let (a_len, c_len) = (a.len(), c.len());
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    let (a, b, c) = (number(a)?, number(b)?, number(c)?);
    if a_len == 4 {
        return days_from_civil(a, b, c).map(plain);
    }
    let year = match c_len {
        4 => c,
        2 => 2000 + c,
        _ => return None,
    };
    let (month_first, day_first) = (days_from_civil(year, a, b), days_from_civil(year, b, a));
    // With slashes, the month comes first in the United States and the day elsewhere.
    match (month_first, day_first) {
        (Some(days), None) | (None, Some(days)) => Some(plain(days)),
        (Some(month_first), Some(day_first)) => {
            let (days, other) = if separator == '/' { (month_first, day_first) } else { (day_first, month_first) };
            Some(Date { days, other: (other != days).then_some(other) })
        }
        (None, None) => None,
    }
}

/// Parses a time of day: `08:00`, `8:00:00.12`, `08:00:00,12`, in milliseconds.
fn time_of_day(word: &str) -> Option<i64> {
    let (clock, fraction) = match word.rsplit_once([',', '.']).filter(|(clock, _)| clock.contains(':')) {
        Some((clock, fraction)) => (clock, fraction),
        None => (word, ""),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    if !(2..=3).contains(&parts.len()) || parts.iter().any(|part| !(1..=2).contains(&part.len())) {
        return None;
    }
    let numbers: Option<Vec<i64>> = parts
        .iter()
        .map(|part| if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None })
        .collect();
    let numbers = numbers?;
    let (hours, minutes, seconds) = (*numbers.first()?, *numbers.get(1)?, numbers.get(2).copied().unwrap_or(0));
    if hours > 23 || minutes > 59 || seconds > 60 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// Offset of a zone from UTC in milliseconds: `Z`, `+02:00`, `-0500`.
fn zone_offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = text.chars().skip(1).filter(|c| *c != ':').collect();
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    (digits.len() == 4).then(|| Some(sign * (part(0, 2)? * 60 + part(2, 4)?) * 60_000)).flatten()
}

/// Splits an ISO 8601 time into time of day and offset of its zone, if any.
fn split_zone(text: &str) -> (&str, Option<i64>) {
    let at = text.rfind(['Z', 'z', '+', '-']).filter(|at| *at > 0);
    match at.and_then(|at| Some((text.get(..at)?, zone_offset(text.get(at..)?)?))) {
        Some((clock, offset)) => (clock, Some(offset)),
        None => (text, None),
    }
}

/// Date and time of day anywhere in a line, such as `Thu 07/24/2026  8:00:00.12`, `Freitag, 24. Juli 2026 08:00:00`,
/// `2026-07-24T08:00:00Z`, `Fri Jul 24 08:00:00 2026`, `=== 24.07.2026 20:00 ===`. A line with a time alone gives no date.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct FoundTime {
    /// Days from 1970-01-01, and the same with day and month exchanged where the text allows both.
    pub date: Option<(i64, Option<i64>)>,
    /// Milliseconds from midnight.
    pub of_day: Option<i64>,
    /// Offset of the zone from UTC in milliseconds, if given.
    pub offset: Option<i64>,
}

impl FoundTime {
    /// Time of a snapshot; `None` without a date.
    #[must_use]
    pub fn snapshot_time(&self, source: TimeSource) -> Option<SnapshotTime> {
        let (days, other) = self.date?;
        let rest = self.of_day.unwrap_or(0) - self.offset.unwrap_or(0);
        let millis = |days: i64| days * DAY_MS + rest;
        Some(SnapshotTime {
            millis: millis(days),
            other_order: other.map(millis),
            is_utc: self.offset.is_some(),
            has_time: self.of_day.is_some(),
            source,
        })
    }
}

/// Longest line in which a date is looked for, in bytes.
const LINE_BYTES_MAX: usize = 200;

/// Finds date and time of day in a line.
#[must_use]
pub fn find_time(line: &str) -> FoundTime {
    let mut found = FoundTime::default();
    if line.len() > LINE_BYTES_MAX || !line.bytes().any(|byte| byte.is_ascii_digit()) {
        return found;
    }
    let split = |c: char| c.is_whitespace() || "[](){}=#*\"'|;".contains(c);
    let words: Vec<&str> = line.split(split).filter(|word| !word.is_empty()).collect();
    let weekday = words.iter().find_map(|word| weekday_of_name(word));
    for (at, word) in words.iter().enumerate() {
        let word = word.trim_end_matches([',', ':']);
        if found.date.is_none() {
            let iso = word.split_once(['T', '_']).filter(|(date, _)| date.len() >= 8);
            if let Some((date, of_day)) = iso.and_then(|(date, time)| Some((numeric_date(date)?, time))) {
                let (clock, offset) = split_zone(of_day);
                if let Some(of_day) = time_of_day(clock) {
                    (found.date, found.of_day, found.offset) = (Some((date.days, date.other)), Some(of_day), offset);
                    continue;
                }
            }
            if let Some(date) = numeric_date(word).or_else(|| named_date(&words, at)) {
                found.date = Some(on_weekday(date, weekday));
                continue;
            }
        }
        if found.of_day.is_none()
            && let Some(of_day) = time_of_day(split_zone(word).0)
        {
            found.offset = split_zone(word).1.or(found.offset);
            found.of_day = Some(twelve_hours(of_day, words.get(at + 1)));
        }
        if found.of_day.is_some() && ["UTC", "GMT"].contains(&word) {
            found.offset = Some(0);
        }
    }
    found
}

/// The date that falls on the weekday of the line, if one of both readings does.
fn on_weekday(date: Date, weekday: Option<i64>) -> (i64, Option<i64>) {
    let is_on = |days: i64| weekday.is_some_and(|weekday| (days + 3).rem_euclid(7) == weekday);
    match date.other {
        Some(other) if is_on(other) && !is_on(date.days) => (other, None),
        Some(_) if is_on(date.days) => (date.days, None),
        other => (date.days, other),
    }
}

/// A date with the name of a month at word `at`: `Jul 24 08:00:00 2026`, `24. Juli 2026`, `July 24, 2026`, `24 July 2026`,
/// `24-Jul-2026`.
fn named_date(words: &[&str], at: usize) -> Option<Date> {
    let plain = |days: i64| Date { days, other: None };
    let number = |text: &str, length: std::ops::RangeInclusive<usize>| {
        let text = text.trim_end_matches([',', '.']);
        let text = ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        let is_number = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let word = words.get(at)?;
    if let [day, month, year] = word.split('-').collect::<Vec<_>>().as_slice() {
        let year = number(year, 2..=4)?;
        return days_from_civil(
            if year < 100 { 2000 + year } else { year },
            month_of_name(month)?,
            number(day, 1..=2)?,
        )
        .map(plain);
    }
    let month = month_of_name(word)?;
    // Spanish and Portuguese write "24 de julio de 2026".
    let skip_de = |from: usize, step: isize| {
        let place = from.checked_add_signed(step)?;
        let is_de = words.get(place).is_some_and(|word| *word == "de" || *word == "of");
        if is_de { place.checked_add_signed(step) } else { Some(place) }
    };
    let before = skip_de(at, -1).and_then(|place| words.get(place)).and_then(|word| number(word, 1..=2));
    let after = words.get(at + 1).and_then(|word| number(word, 1..=2));
    let day = before.or(after)?;
    let rest = words.get(skip_de(at, 1)?..)?;
    let year = rest.iter().take(4).find_map(|word| number(word, 4..=4))?;
    days_from_civil(year, month, day).map(plain)
}

/// Time of day with AM or PM behind it.
fn twelve_hours(of_day: i64, next: Option<&&str>) -> i64 {
    let hour_ms = 3_600_000;
    let hours = of_day / hour_ms;
    let next = next.map(|word| word.trim_end_matches([',', '.']).to_uppercase().replace('.', ""));
    match next.as_deref() {
        Some("PM") if hours < 12 => of_day + 12 * hour_ms,
        Some("AM") if hours == 12 => of_day - 12 * hour_ms,
        _ => of_day,
    }
}

/// Time in the name of a file: `poolmon_20260724_080000.txt`, `pool 2026-07-24 08.00.log`, `07-24-2026_08.00.txt`.
#[must_use]
pub fn time_of_file_name(name: &str) -> Option<SnapshotTime> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut groups: Vec<&str> = stem.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    // A number of the machine before the date is no part of it.
    while let Some((first, rest)) = groups.split_first() {
        let (date, used) = match (first.len(), rest) {
            (14, _) | (12, _) => (numeric_date(first.get(..8)?), 0),
            (8, _) => (numeric_date(first), 1),
            (4, [month, day, ..]) => (numeric_date(&format!("{first}-{month}-{day}")), 3),
            (1 | 2, [second, year, ..]) if year.len() == 4 => {
                let separator = if stem.contains('.') && !stem.contains('-') { '.' } else { '/' };
                (numeric_date(&format!("{first}{separator}{second}{separator}{year}")), 3)
            }
            _ => (None, 0),
        };
        if let Some(date) = date {
            let clock: String = if used == 0 { first.get(8..)?.to_owned() } else { groups.get(used..)?.concat() };
            let of_day = of_digits(&clock);
            let found = FoundTime { date: Some((date.days, date.other)), of_day, offset: None };
            return found.snapshot_time(TimeSource::FileName);
        }
        groups.remove(0);
    }
    None
}

/// Time of day of four digits or six.
fn of_digits(digits: &str) -> Option<i64> {
    let part = |from: usize| digits.get(from..from + 2);
    match digits.len() {
        0..4 => None,
        4 | 5 => time_of_day(&format!("{}:{}", part(0)?, part(2)?)),
        _ => time_of_day(&format!("{}:{}:{}", part(0)?, part(2)?, part(4)?)),
    }
}

/// Chooses one order of day and month for all times: the one in which times do not go back. Returns `true` if the texts allow both
/// orders and nothing tells them apart.
pub fn settle_order(times: &mut [&mut SnapshotTime]) -> bool {
    let is_ascending = |of: &dyn Fn(&SnapshotTime) -> i64, times: &[&mut SnapshotTime]| {
        times.windows(2).all(|pair| of(pair[0]) <= of(pair[1]))
    };
    if times.iter().all(|time| time.other_order.is_none()) {
        return false;
    }
    let other = |time: &SnapshotTime| time.other_order.unwrap_or(time.millis);
    // A date that allows one order only settles the order of all.
    let (as_read, exchanged) = (is_ascending(&|time| time.millis, times), is_ascending(&other, times));
    let all_both = times.iter().all(|time| time.other_order.is_some());
    if exchanged && !as_read && all_both {
        times.iter_mut().for_each(|time| time.millis = other(time));
    }
    let is_open = as_read == exchanged && all_both;
    // Within one day both orders give the same intervals.
    let days =
        |of: &dyn Fn(&SnapshotTime) -> i64| times.iter().map(|time| of(time).div_euclid(DAY_MS)).collect::<Vec<i64>>();
    let is_one_day = days(&|time| time.millis).windows(2).all(|pair| pair[0] == pair[1]);
    times.iter_mut().for_each(|time| time.other_order = None);
    is_open && !is_one_day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<String> {
        let found = find_time(line);
        found.of_day?;
        found.snapshot_time(TimeSource::Line).map(|time| time.text())
    }

    #[test]
    fn lines_of_many_tools_and_languages_are_times() {
        for line in [
            "Thu 07/24/2025  8:00:00.12",
            "Thu 07/24/2025 08:00:00.12",
            "2025-07-24 08:00:00",
            "2025-07-24T08:00:00",
            "2025-07-24T10:00:00+02:00",
            "=== 24.07.2025 08:00:00,12 ===",
            "Thursday, July 24, 2025 8:00:00 AM",
            "Donnerstag, 24. Juli 2025 08:00:00",
            "mardi 24 juillet 2025 08:00:00",
            "jueves, 24 de julio de 2025 8:00:00",
            "24 \u{438}\u{44e}\u{43b}\u{44f} 2025 8:00:00",
            "Thu Jul 24 08:00:00 2025",
            "Thu Jul 24 08:00:00 UTC 2025",
            "Debug session time: Thu Jul 24 08:00:00.000 2025 (UTC + 2:00)",
            "[24-Jul-2025 08:00:00] snapshot 5",
            "Time: 2025/07/24 8:00",
        ] {
            assert_eq!(read(line).as_deref(), Some("2025-07-24 08:00:00"), "{line}");
        }
        assert_eq!(read("07/24/2025 8:00:00 PM").as_deref(), Some("2025-07-24 20:00:00"));
        assert_eq!(read("07/24/2025 12:00:00 AM").as_deref(), Some("2025-07-24 00:00:00"));
        for line in ["", "Leak Nonp 1 2 3", "1.2.3", "32.13.2025 08:00", "02/30/2025 10:00", "8:00", "99:00 2025-07-24"]
        {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(find_time("The current time is:  8:00:00.12").of_day, Some(8 * 3_600_000 + 120));
    }

    #[test]
    fn a_weekday_tells_day_and_month_apart() {
        // The 8th of July 2025 is a Tuesday, the 7th of August a Thursday.
        assert_eq!(read("Tue 07/08/2025 08:00").as_deref(), Some("2025-07-08 08:00:00"));
        assert_eq!(read("Thu 07/08/2025 08:00").as_deref(), Some("2025-08-07 08:00:00"));
        assert_eq!(find_time("Thu 07/08/2025 08:00").date.and_then(|date| date.1), None);
        assert!(find_time("07/08/2025 08:00").date.is_some_and(|date| date.1.is_some()));
    }

    #[test]
    fn one_order_of_day_and_month_holds_for_all() {
        let mut times: Vec<SnapshotTime> = ["05/08/2025 08:00", "06/08/2025 08:00", "01/09/2025 08:00"]
            .iter()
            .filter_map(|line| find_time(line).snapshot_time(TimeSource::Line))
            .collect();
        let mut borrowed: Vec<&mut SnapshotTime> = times.iter_mut().collect();
        assert!(!settle_order(&mut borrowed), "in the other order the third would be the first");
        assert_eq!(times.last().map(SnapshotTime::text).as_deref(), Some("2025-09-01 08:00:00"));
    }

    #[test]
    fn names_of_files_are_times() {
        for name in [
            "poolmon_20250724_080000.txt",
            "poolmon-20250724-0800.txt",
            "20250724080000.log",
            "pool 2025-07-24 08.00.log",
            "pool-2025-07-24T08-00-00.log",
            "srv7 07-24-2025_08.00.txt",
        ] {
            assert_eq!(
                time_of_file_name(name).map(|time| time.text()).as_deref(),
                Some("2025-07-24 08:00:00"),
                "{name}"
            );
        }
        assert!(time_of_file_name("pool_2025-07-24.txt").is_some_and(|time| !time.has_time));
        for name in ["before.txt", "after2.txt", "snap12345678.txt", "1.2.txt"] {
            assert_eq!(time_of_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn dates_and_days_are_inverse() {
        for days in (-10..84_000).step_by(13) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), (year >= 1970).then_some(days), "{year}-{month}-{day}");
        }
        assert_eq!(text(0), "1970-01-01 00:00:00");
    }
}
