//! Logs of performance counters as relog, typeperf and perfmon write them: comma- or tab-separated values whose first heading names
//! the format and the time zone, `(PDH-CSV 4.0) (W. Europe Daylight Time)(-120)`.
//!
//! Sources: Microsoft's documentation of relog and typeperf; published logs. The number in parentheses is the difference between UTC and
//! local time in minutes when the log began; times are local, so that the clock goes back by an hour when daylight saving time ends.

use super::path::{CounterKind, CounterPath};
use crate::poolmon::decode::decode;
use crate::poolmon::time::{TimeSource, find_time};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Reason why a text is no log of performance counters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CounterLogError {
    /// Not a text, perhaps a binary log, whose layout is not documented.
    #[error(
        "this is not a text: if it is a binary performance log (.blg), convert it on Windows with `relog FILE.blg -f csv -o FILE.csv`"
    )]
    Binary,
    /// No heading with paths of counters.
    #[error(
        "no heading with performance counters was found: provide a log of relog, typeperf or perfmon with its first line, such as \
             \"(PDH-CSV 4.0)\",\"\\\\SRV\\Memory\\Pool Nonpaged Bytes\""
    )]
    NoHeading,
    /// A heading without samples.
    #[error(
        "the performance log has no sample: its heading names {counters} counters, and no line with a time follows"
    )]
    NoSamples {
        /// Number of counters.
        counters: usize,
    },
}

/// Samples of one counter.
#[derive(Clone, PartialEq, Debug)]
pub struct Counter {
    /// Path.
    pub path: CounterPath,
    /// Quantity.
    pub kind: CounterKind,
    /// One value per sample of the log, in the counter's own unit; `None` where the log has none.
    pub values: Vec<Option<f64>>,
}

/// A log of performance counters.
#[derive(Clone, PartialEq, Debug)]
pub struct CounterLog {
    /// Name of the computer; empty if the log does not name it.
    pub computer: String,
    /// Time zone as the log names it; empty if it does not.
    pub zone: String,
    /// Difference between UTC and local time when the log began, in milliseconds; `None` if the log does not name it.
    pub bias_ms: Option<i64>,
    /// Times of the samples in milliseconds from 1970-01-01, ascending; UTC if the bias is known, else local.
    pub times_ms: Vec<i64>,
    /// Counters that matter for a pool leak, in the order of the log.
    pub counters: Vec<Counter>,
    /// Number of other counters.
    pub other_counter_count: usize,
    /// Lines after the heading that are no samples, with their numbers; at most [`ODD_LINES_MAX`].
    pub odd_lines: Vec<(usize, String)>,
    /// Number of such lines.
    pub odd_line_count: usize,
}

/// Upper bound on odd lines that are kept.
pub const ODD_LINES_MAX: usize = 3;

impl CounterLog {
    /// Counter of a kind in the whole system, the first if several computers were logged.
    #[must_use]
    pub fn counter(&self, kind: CounterKind) -> Option<&Counter> {
        self.counters.iter().find(|counter| counter.kind == kind)
    }

    /// Time of a sample on the clock of the machine, in milliseconds from 1970-01-01.
    #[must_use]
    pub fn local_ms(&self, sample: usize) -> Option<i64> {
        Some(self.times_ms.get(sample)?.saturating_sub(self.bias_ms.unwrap_or(0)))
    }

    /// Available memory in bytes at the end of the log.
    #[must_use]
    pub fn last_available_bytes(&self) -> Option<f64> {
        self.counters.iter().find_map(|counter| match counter.kind {
            CounterKind::AvailableBytes { scale } => {
                Some(counter.values.iter().rev().find_map(|value| *value)? * scale as f64)
            }
            _ => None,
        })
    }
}

/// Returns `true` if the beginning of a file is that of a performance log as text.
#[must_use]
pub fn is_counter_log(bytes: &[u8]) -> bool {
    let head = decode(bytes.get(..bytes.len().min(4096)).unwrap_or_default());
    head.lines().take(20).any(|line| heading(line).is_some())
}

/// Parses a log.
///
/// # Errors
/// No heading of counters was found, or no sample after it.
pub fn parse(bytes: &[u8]) -> Result<CounterLog, CounterLogError> {
    let text = decode(bytes);
    let mut lines = text.lines().enumerate();
    let Some(heading) = lines.find_map(|(_, line)| heading(line)) else {
        let is_binary = text.chars().take(4096).any(|c| c == '\0');
        return Err(if is_binary { CounterLogError::Binary } else { CounterLogError::NoHeading });
    };
    let mut log = CounterLog {
        computer: heading
            .paths
            .iter()
            .flatten()
            .map(|path| path.computer.clone())
            .find(|name| !name.is_empty())
            .unwrap_or_default(),
        zone: heading.zone,
        bias_ms: heading.bias_minutes.map(|minutes| minutes * 60_000),
        times_ms: Vec::new(),
        counters: Vec::new(),
        other_counter_count: 0,
        odd_lines: Vec::new(),
        odd_line_count: 0,
    };
    // Index of the column of each counter in `log.counters`.
    let mut columns: Vec<usize> = Vec::new();
    for (column, path) in heading.paths.into_iter().enumerate() {
        match path.and_then(|path| Some((path.kind()?, path))) {
            Some((kind, path)) => {
                columns.push(column);
                log.counters.push(Counter { path, kind, values: Vec::new() });
            }
            None => log.other_counter_count += 1,
        }
    }
    let mut clock = Clock { bias_ms: log.bias_ms.unwrap_or(0), previous: None };
    for (index, line) in lines {
        if line.trim().is_empty() {
            continue;
        }
        let cells = cells(line, heading.delimiter);
        let time = cells.first().and_then(|cell| find_time(cell).snapshot_time(TimeSource::Column));
        let Some(time) = time.filter(|_| cells.len() > 1) else {
            log.odd_line_count += 1;
            if log.odd_lines.len() < ODD_LINES_MAX {
                log.odd_lines.push((index + 1, line.chars().filter(|c| !c.is_control()).take(80).collect()));
            }
            continue;
        };
        // PDH writes the month first in every language.
        log.times_ms.push(clock.utc(time.millis));
        for (counter, column) in log.counters.iter_mut().zip(&columns) {
            counter.values.push(cells.get(column + 1).and_then(|cell| value(cell)));
        }
    }
    if log.times_ms.is_empty() {
        return Err(CounterLogError::NoSamples { counters: columns.len() + log.other_counter_count });
    }
    Ok(log)
}

/// A heading: the format with the time zone, then a path per column.
struct Heading {
    delimiter: char,
    zone: String,
    bias_minutes: Option<i64>,
    paths: Vec<Option<CounterPath>>,
}

fn heading(line: &str) -> Option<Heading> {
    let line = line.trim_start_matches('\u{feff}');
    let delimiter =
        if line.contains("\"\t") || line.contains("PDH-TSV") || (line.contains('\t') && !line.contains("\",")) {
            '\t'
        } else {
            ','
        };
    let cells = cells(line, delimiter);
    let (first, rest) = cells.split_first()?;
    let paths: Vec<Option<CounterPath>> =
        rest.iter().map(|cell| CounterPath::parse(cell).filter(|_| cell.trim_start().starts_with('\\'))).collect();
    if !paths.iter().any(Option::is_some) {
        return None;
    }
    // "(PDH-CSV 4.0) (W. Europe Daylight Time)(-120)"
    let groups: Vec<&str> =
        first.split('(').skip(1).filter_map(|group| group.rsplit_once(')').map(|(inside, _)| inside.trim())).collect();
    let bias_minutes =
        groups.last().and_then(|text| text.parse::<i64>().ok()).filter(|minutes| minutes.abs() <= 24 * 60);
    let zone = groups.iter().find(|text| !text.starts_with("PDH") && text.parse::<i64>().is_err());
    Some(Heading { delimiter, zone: zone.map_or_else(String::new, |zone| (*zone).to_owned()), bias_minutes, paths })
}

/// Cells of a line; quotation marks around a cell are dropped, and two of them inside are one.
fn cells(line: &str, delimiter: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cells.last_mut().into_iter().for_each(|cell| cell.push('"'));
            }
            '"' => is_quoted = !is_quoted,
            c if c == delimiter && !is_quoted => cells.push(String::new()),
            c => cells.last_mut().into_iter().for_each(|cell| cell.push(c)),
        }
    }
    cells
}

/// A value: `123.45`, `123,45`, `1.2e+09`; empty cells have none.
fn value(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let value: f64 = cell.parse().or_else(|_| cell.replacen(',', ".", 1).parse()).ok()?;
    value.is_finite().then_some(value)
}

/// The clock of a log, from local times to UTC.
struct Clock {
    bias_ms: i64,
    previous: Option<i64>,
}

impl Clock {
    /// The time in UTC. A local time that goes back by about an hour is the end of daylight saving time.
    fn utc(&mut self, local_ms: i64) -> i64 {
        let mut time = local_ms.saturating_add(self.bias_ms);
        if let Some(previous) = self.previous
            && time < previous
        {
            let back = previous.saturating_sub(time);
            if back <= HOUR_MS {
                self.bias_ms += HOUR_MS;
                time += HOUR_MS;
            }
            time = time.max(previous);
        }
        self.previous = Some(time);
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pool;

    const LOG: &str = "\"(PDH-CSV 4.0) (W. Europe Daylight Time)(-120)\",\"\\\\SRV07\\Memory\\Pool Nonpaged Bytes\",\
        \"\\\\SRV07\\Process(svchost#3)\\Handle Count\",\"\\\\SRV07\\Processor(_Total)\\% Processor Time\"\r\n\
        \"07/24/2026 08:00:00.500\",\"1048576\",\" \",\"12.5\"\r\n\
        \"07/24/2026 08:00:15.500\",\"2097152.0\",\"250\",\"12.5\"\r\n";

    #[test]
    fn a_log_of_relog_is_read() {
        let log = parse(LOG.as_bytes()).expect("a log");
        assert_eq!(
            (log.computer.as_str(), log.zone.as_str(), log.bias_ms),
            ("SRV07", "W. Europe Daylight Time", Some(-2 * HOUR_MS))
        );
        assert_eq!(log.times_ms.len(), 2);
        assert_eq!(log.times_ms[1] - log.times_ms[0], 15_000);
        // 06:00:00.5 UTC.
        assert_eq!(log.times_ms[0].rem_euclid(86_400_000), 6 * HOUR_MS + 500);
        assert_eq!(log.other_counter_count, 1);
        let values: Vec<&[Option<f64>]> = log.counters.iter().map(|counter| counter.values.as_slice()).collect();
        assert_eq!(values, [[Some(1_048_576.0), Some(2_097_152.0)], [None, Some(250.0)]]);
        assert_eq!(log.counters[0].kind, CounterKind::PoolBytes(Pool::NonPaged));
        assert!(is_counter_log(LOG.as_bytes()));
        assert!(!is_counter_log(b" Tag  Type Allocs\n Leak Nonp 1 2 3 4\n"));
    }

    #[test]
    fn tabs_utf16_and_commas_as_decimals_are_read() {
        let text = LOG.replace("\",\"", "\"\t\"").replace("PDH-CSV", "PDH-TSV").replace("2097152.0", "2097152,0");
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), &wide] {
            let log = parse(bytes).expect("a log");
            assert_eq!(log.counters[0].values, [Some(1_048_576.0), Some(2_097_152.0)]);
        }
    }

    #[test]
    fn words_around_a_log_of_typeperf_are_counted() {
        let text = format!("\r\n{LOG}Exiting, please wait...\r\nThe command completed successfully.\r\n");
        let log = parse(text.as_bytes()).expect("a log");
        assert_eq!((log.times_ms.len(), log.odd_line_count), (2, 2));
        assert_eq!(log.odd_lines[0], (5, "Exiting, please wait...".to_owned()));
    }

    #[test]
    fn the_end_of_daylight_saving_time_is_one_hour_and_no_jump_back() {
        let head = "\"(PDH-CSV 4.0) (GMT Standard Time)(-60)\",\"\\\\S\\Memory\\Pool Paged Bytes\"\n";
        let text = format!(
            "{head}\"10/29/2017 01:59:44.562\",\"1\"\n\"10/29/2017 01:59:59.562\",\"2\"\n\"10/29/2017 01:00:14.562\",\"3\"\n\"10/29/2017 01:00:29.563\",\"4\"\n"
        );
        let log = parse(text.as_bytes()).expect("a log");
        let steps: Vec<i64> = log.times_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(steps, [15_000, 15_000, 15_001]);
    }

    #[test]
    fn what_is_no_log_is_named() {
        assert_eq!(parse(b"Tag Type\n1 2 3"), Err(CounterLogError::NoHeading));
        assert_eq!(parse(b""), Err(CounterLogError::NoHeading));
        assert_eq!(parse(b"\x12\0\x34\x80\0\0\0\xFF\xFE\0"), Err(CounterLogError::Binary));
        let heading = LOG.lines().next().expect("a heading");
        assert_eq!(parse(heading.as_bytes()), Err(CounterLogError::NoSamples { counters: 3 }));
        let cut = &LOG[..LOG.len() - 20];
        assert_eq!(parse(cut.as_bytes()).expect("a log").times_ms.len(), 2, "a cut last line still has its time");
    }
}
