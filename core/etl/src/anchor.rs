//! Time zero, checked: the log-file header record's own time against the times of the records behind it. A damaged time
//! there would move every figure that is told in seconds from the start. What records mean is not asked: the times of
//! their headers are enough.

use super::buffer::TYPE_HEADER;
use super::layout::{BufferRef, Layout};
use super::logfile::LogfileHeader;
use super::record::{Record, RecordKey, Records};
use super::walk::{Scratch, body_of};

/// Seconds between the header record and the first record of an ordinary session: run-down records come at once.
const PROMPT_SECONDS: i64 = 5;
/// Seconds by which the header record may be later than the first record: buffers are opened before the header is written.
const EARLY_SECONDS: i64 = 1;
/// Seconds for which a session can have run before the first buffer that is left.
const LONGEST_SECONDS: i64 = 366 * 86_400;
/// Buffers whose records are all looked at for the latest time.
const LAST_BUFFERS: usize = 256;
/// A first record so many ticks before the next one is not used as evidence: nearly a second of the usual clock.
const LONE_TICKS: i64 = 1 << 23;
/// Seconds of the shortest margin around the times of the buffers within which a record's time is believed.
const MARGIN_SECONDS: i64 = 3600;

/// Where time begins, and which times are believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// Raw timestamp of time zero.
    pub time_zero: i64,
    /// Whether that is the header record's own time.
    pub is_from_header: bool,
    /// Raw timestamps within which a kernel record's time is believed, both included.
    pub window: (i64, i64),
    /// Ticks per second by the header, or of the usual clock where the header's are none.
    pub second: i64,
}

/// Raw timestamps that a time zero can be held against.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// Of a record that the logger wrote together with the header record (event trace group, header buffer): the same time
    /// in all traces that have one.
    pub sibling: Option<i64>,
    /// Of the earliest record behind the header buffer.
    pub first: Option<i64>,
    /// Of the latest kernel record.
    pub last: Option<i64>,
}

/// Looks at the beginnings of all buffers, and at all records of the last ones.
#[must_use]
pub fn evidence(data: &[u8], layout: &Layout) -> Evidence {
    let mut found = Evidence::default();
    let mut scratch = Scratch::default();
    for buffer in &layout.buffers {
        let is_header = buffer.header.kind == TYPE_HEADER;
        if is_header {
            let (body, _) = body_of(data, buffer, &mut scratch);
            let sibling = Records::new(body).skip(1).take(8).find(is_of_logger).and_then(|record| record.time);
            found.sibling = found.sibling.or(sibling);
        } else if let Some(first) = first_time(data, buffer, &mut scratch) {
            found.first = Some(found.first.map_or(first, |known: i64| known.min(first)));
            found.last = Some(found.last.map_or(first, |known: i64| known.max(first)));
        }
    }
    let from = layout.buffers.len().saturating_sub(LAST_BUFFERS);
    for buffer in layout.buffers.get(from..).unwrap_or_default() {
        if buffer.header.kind != TYPE_HEADER {
            let (body, _) = body_of(data, buffer, &mut scratch);
            found.last = found.last.max(last_time(body));
        }
    }
    found
}

/// A record of the event trace group: the logger's own.
fn is_of_logger(record: &Record<'_>) -> bool {
    matches!(record.key, RecordKey::Hook(1..=0xff))
}

/// The time of a buffer's first record. One damaged time among the first three is passed over.
fn first_time(data: &[u8], buffer: &BufferRef, scratch: &mut Scratch) -> Option<i64> {
    // Of a compressed body, no more than the first records is unpacked.
    const BEGINNING_BYTES: u32 = 8192;
    let beginning = BufferRef {
        header: super::buffer::BufferHeader {
            filled_bytes: buffer.header.filled_bytes.min(BEGINNING_BYTES),
            ..buffer.header
        },
        ..*buffer
    };
    let (body, _) = body_of(data, &beginning, scratch);
    let mut times = Records::new(body).filter_map(|record| record.time).take(3);
    match (times.next(), times.next(), times.next()) {
        (Some(a), Some(b), Some(c)) => {
            // Records of a buffer are in the order of time: of three, the one that is out of order is damaged; the middle
            // one is near enough to the true first. A first record long before the others may be damaged or right: that it is
            // passed over costs nothing here.
            let mut sorted = [a, b, c];
            sorted.sort_unstable();
            let (low, middle) = (sorted[0], sorted[1]);
            let is_far = middle.saturating_sub(low) > LONE_TICKS;
            Some(if a > b || is_far { middle } else { a })
        }
        (Some(a), Some(b), None) => Some(if a > b || b.saturating_sub(a) > LONE_TICKS { b } else { a }),
        (first, _, _) => first,
    }
}

/// The latest time of a body's kernel records, of which one that nothing later confirms is passed over.
fn last_time(body: &[u8]) -> Option<i64> {
    let mut latest = None;
    let mut previous: Option<i64> = None;
    for record in Records::new(body) {
        let (RecordKey::Hook(_), Some(time)) = (record.key, record.time) else { continue };
        if previous.is_some_and(|before| before <= time) {
            latest = latest.max(previous);
        }
        previous = Some(time);
    }
    latest.or(previous)
}

/// Ticks of so many seconds.
fn ticks_of(seconds: i64, header: &LogfileHeader) -> i64 {
    seconds.saturating_mul(nominal_hz(header))
}

/// Ticks per second by the header, if that is a frequency that a clock has.
fn nominal_hz(header: &LogfileHeader) -> i64 {
    const USUAL_HZ: i64 = 10_000_000;
    let hz = match header.clock_type {
        2 => USUAL_HZ,
        3 => i64::from(header.cpu_mhz) * 1_000_000,
        _ => header.perf_freq,
    };
    if (1_000..=100_000_000_000).contains(&hz) { hz } else { USUAL_HZ }
}

/// Decides where time begins. `header_time` is that of the header record, `None` where it cannot be read; `is_whole` says
/// whether all buffers are there that the header promises.
#[must_use]
pub fn anchor(header: &LogfileHeader, header_time: Option<i64>, found: Evidence, is_whole: bool) -> Anchor {
    let time_zero = decide(header, header_time, found, is_whole);
    let (low, high) = match (found.first, found.last) {
        (Some(first), Some(last)) => (first.min(time_zero), last.max(time_zero)),
        _ => (time_zero, time_zero),
    };
    let span = found.first.zip(found.last).map_or(0, |(first, last)| last.saturating_sub(first));
    let margin = ticks_of(MARGIN_SECONDS, header).max(span);
    Anchor {
        time_zero,
        is_from_header: Some(time_zero) == header_time,
        // Nothing was recorded before the beginning; how far the records of a buffer reach, its first one does not say.
        window: (low.saturating_sub(ticks_of(EARLY_SECONDS, header)), high.saturating_add(margin)),
        second: nominal_hz(header),
    }
}

fn decide(header: &LogfileHeader, header_time: Option<i64>, found: Evidence, is_whole: bool) -> i64 {
    let Evidence { sibling, first, .. } = found;
    let (Some(time), Some(first)) = (header_time, first) else {
        return header_time.or(sibling).or(first).unwrap_or(0);
    };
    let far = |time: i64| i128::from(first) - i128::from(time);
    let longest = i128::from(ticks_of(LONGEST_SECONDS, header));
    let in_reach = |time: i64| far(time).abs() <= longest;
    match sibling {
        // Two records agree: whatever the buffers say, it is what the logger wrote.
        Some(other) if other == time && in_reach(time) => time,
        Some(other) if other != time && far(other).abs() < far(time).abs() && in_reach(other) => other,
        _ if fits(header, time, found, is_whole) => time,
        Some(other) if fits(header, other, found, is_whole) => other,
        _ => first,
    }
}

/// Whether a time can be that of the header record.
fn fits(header: &LogfileHeader, time: i64, found: Evidence, is_whole: bool) -> bool {
    let Evidence { first: Some(first), last, .. } = found else { return true };
    let ahead = i128::from(first) - i128::from(time);
    if ahead < -i128::from(ticks_of(EARLY_SECONDS, header)) {
        return false;
    }
    if ahead <= i128::from(ticks_of(PROMPT_SECONDS, header)) {
        return true;
    }
    // The first record comes late, as in a log that wrapped, or one that is started with Windows: then the header's own
    // start and end have to leave room for it.
    let filetimes = i128::from(header.end_filetime) - i128::from(header.start_filetime);
    if header.end_filetime == 0 || filetimes <= 0 {
        return ahead <= i128::from(ticks_of(LONGEST_SECONDS, header));
    }
    let recorded = filetimes * i128::from(nominal_hz(header)) / 10_000_000;
    let slack = recorded / 50 + i128::from(ticks_of(2, header));
    let whole = i128::from(last.unwrap_or(first)) - i128::from(time);
    whole <= recorded + slack && (!is_whole || whole >= recorded - slack)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: i64 = 10_000_000;

    /// A header of a recording of so many seconds.
    fn header(seconds: i64) -> LogfileHeader {
        LogfileHeader {
            perf_freq: HZ,
            clock_type: 1,
            start_filetime: 130_000_000_000_000_000,
            end_filetime: 130_000_000_000_000_000 + seconds * HZ,
            ..LogfileHeader::default()
        }
    }

    fn seen(sibling: Option<i64>, first: i64, last: i64) -> Evidence {
        Evidence { sibling, first: Some(first), last: Some(last) }
    }

    #[test]
    fn every_bit_of_the_header_records_time_is_told() {
        let (zero, end) = (388_000_000_000_i64, 388_000_000_000 + 60 * HZ);
        for sibling in [None, Some(zero)] {
            for bit in 0..64 {
                let flipped = zero ^ (1_i64 << bit);
                let anchor = anchor(&header(60), Some(flipped), seen(sibling, zero + 1, end), true);
                let off = (i128::from(anchor.time_zero) - i128::from(zero)).abs();
                // Without a second record, a header time that is a few seconds early is what many traces have.
                let allowed = if sibling.is_some() { 2 } else { PROMPT_SECONDS * HZ };
                assert!(off <= i128::from(allowed), "bit {bit}, {sibling:?}: {off} ticks off");
                assert_eq!(anchor.is_from_header, anchor.time_zero == flipped);
                assert!(anchor.window.0 <= zero && anchor.window.1 >= end);
                assert!(anchor.window.1 - anchor.window.0 < 2 * 3600 * HZ);
            }
        }
    }

    #[test]
    fn a_late_first_record_is_right_where_the_header_has_room_for_it() {
        let (zero, first, end) = (1_000, 1_000 + 29_519 * HZ, 1_000 + 29_524 * HZ);
        let kept = |header: &LogfileHeader| anchor(header, Some(zero), seen(None, first, end), true).time_zero;
        assert_eq!(kept(&header(29_525)), zero, "an autologger that was silent for hours");
        assert_eq!(kept(&LogfileHeader { end_filetime: 0, ..header(1) }), zero, "never closed");
        assert_eq!(kept(&header(60)), first, "a minute has no room for hours");
        let stepped = anchor(&header(60), Some(zero), seen(Some(zero), first, end), true);
        assert_eq!(stepped.time_zero, zero, "a second record of the logger confirms it");
    }

    #[test]
    fn without_a_header_time_the_first_record_begins_time() {
        let anchor = anchor(&LogfileHeader::assumed(0, 8), None, seen(None, 77, 99), false);
        assert_eq!((anchor.time_zero, anchor.is_from_header), (77, false));
    }
}
