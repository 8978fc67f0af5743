//! Parses the output of `wpr -status collectors`. Labels are localized; unknown ones are recognized by the form and order of their
//! values.

use std::path::PathBuf;

/// State of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingStatus {
    /// True if a recording is running.
    pub recording: bool,
    /// Seconds since its start.
    pub elapsed_s: Option<u64>,
    /// Dropped events according to `wpr`.
    pub dropped: Option<u64>,
    /// Lost events of all collectors.
    pub lost: Option<u64>,
    /// True if it logs to a file; else to memory.
    pub file_mode: Option<bool>,
    /// Folder of temporary files, if known.
    pub temp: Option<PathBuf>,
}

impl RecordingStatus {
    /// Missing events: the higher of both counts, since they overlap.
    #[must_use]
    pub fn missing_events(&self) -> u64 {
        self.dropped.unwrap_or(0).max(self.lost.unwrap_or(0))
    }

    /// Parses the output of `wpr`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for line in text.lines() {
            let Some((label, value)) = line.split_once(" :").or_else(|| line.split_once(':')) else { continue };
            let (label, value) = (label.trim().to_lowercase(), value.trim().trim_start_matches(':').trim());
            match label.as_str() {
                "dropped event" | "dropped events" => status.dropped = number(value).or(status.dropped),
                "events lost" => status.lost = Some(status.lost.unwrap_or(0) + number(value).unwrap_or(0)),
                "logging mode" => status.file_mode = Some(value.eq_ignore_ascii_case("file")),
                "temp folder" => status.temp = Some(PathBuf::from(value)).filter(|_| !value.is_empty()),
                _ if status.elapsed_s.is_none() => status.elapsed_s = clock(value),
                // In every language the number of dropped events follows the time.
                _ if status.dropped.is_none() && status.lost.is_none() => status.dropped = number(value),
                _ => {}
            }
        }
        // Only a running recording has a time.
        status.recording = status.elapsed_s.is_some() || text.to_lowercase().contains("recording is in progress");
        status
    }
}

/// A count with any thousands separators.
fn number(value: &str) -> Option<u64> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let only = value.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '.' | ' ' | '\u{a0}'));
    if only { digits.parse().ok() } else { None }
}

/// Seconds of `hh:mm:ss`, optionally with days (`d.hh:mm:ss`) or fractions.
fn clock(value: &str) -> Option<u64> {
    let (days, rest) = match value.split_once('.') {
        Some((days, rest)) if rest.contains(':') => (number(days)?, rest),
        _ => (0, value),
    };
    let mut parts = rest.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let seconds = seconds.split(['.', ',']).next()?;
    let two = |part: &str| (1..=2).contains(&part.len()) && part.chars().all(|letter| letter.is_ascii_digit());
    if parts.next().is_some() || !two(minutes) || !two(seconds) {
        return None;
    }
    let (hours, minutes, seconds): (u64, u64, u64) =
        (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    days.checked_mul(24)?.checked_add(hours)?.checked_mul(3600)?.checked_add(minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example of the page on command line options, with two collectors.
    const RUNNING: &str = "\nWPR recording is in progress...\n\nTime since start        : 00:04:27\nDropped event           : 3\n\
        Logging mode            : File\nTemp Folder     : C:\\Temp\\wpr\\\n\n\
        Collector Name          : NT Kernel Logger\nBuffer Size (KB)        : 1024\nEvents Lost             : 12\nSystem Keywords\n        Pool\n\n\
        Collector Name          : WPR_initiated_WPR Event Collector\nBuffer Size (KB)        : 1024\nEvents Lost             : 1,030\n\
        Providers\n        Microsoft-Windows-Win32k: 0x1000000402000: 0xff : Stack\n";

    #[test]
    fn a_running_recording_is_parsed() {
        let status = RecordingStatus::parse(RUNNING);
        let read = (status.recording, status.elapsed_s, status.dropped, status.lost, status.file_mode);
        assert_eq!(read, (true, Some(267), Some(3), Some(1042), Some(true)));
        assert_eq!(status.temp, Some(PathBuf::from("C:\\Temp\\wpr\\")));
        assert_eq!(status.missing_events(), 1042);
    }

    #[test]
    fn without_a_recording_nothing_is_known() {
        assert_eq!(RecordingStatus::parse("\n    WPR is not recording\n"), RecordingStatus::default());
        assert_eq!(
            RecordingStatus::parse("\tThere are no trace profiles running.\n\tError code: 0xc5583000\n"),
            RecordingStatus::default()
        );
        assert_eq!(RecordingStatus::parse(""), RecordingStatus::default());
    }

    #[test]
    fn another_language_is_parsed_by_form() {
        let text = "WPR-Aufzeichnung wird ausgef?hrt...\n\nZeit seit Start : 26:04:27\nVerworfenes Ereignis : 7\nProtokolliermodus : Datei\n";
        let status = RecordingStatus::parse(text);
        assert_eq!((status.recording, status.elapsed_s, status.dropped), (true, Some(93_867), Some(7)));
        assert_eq!((status.lost, status.file_mode), (None, None));
        assert_eq!(RecordingStatus::parse("Zeit : 1.02:00:00\nX : y\n").elapsed_s, Some(93_600), "with days");
    }

    #[test]
    fn other_values_are_none() {
        for text in ["1:2", "00:61:00", "a:b:c", "00:00:00:00", "12", "0x12:0x04:0xff", "18446744073709551615:00:00"] {
            assert_eq!(clock(text), None, "{text}");
        }
        assert_eq!((number("1.030"), number("12 events"), number("")), (Some(1030), None, None));
    }
}
