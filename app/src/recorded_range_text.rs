//! Sentence about the part of a recording that a trace file holds, shared by the command line and the window.

use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::recorded::{CpuRange, RecordedRange};
use poolscope_analysis::trace::time::{Clock, Ticks, TimeRange};

/// Number of CPUs that are named; others are counted.
const NAMED_CPUS: usize = 4;

/// The part of the recording that the file holds.
#[must_use]
pub fn sentence(trace: &Trace) -> String {
    let (recorded, clock) = (&trace.recorded, &trace.clock);
    let range = span(clock, recorded.range);
    let mut text = match (recorded.start_missing, recorded.end_missing) {
        (false, false) => format!("The file holds the whole recording, {range}"),
        (true, false) => format!("The beginning of the recording was overwritten: the file holds it from {range}"),
        (false, true) => format!("The end of the recording is missing: the file holds {range}{}", of_how_much(trace)),
        (true, true) => {
            format!(
                "The beginning and the end of the recording are missing: the file holds {range}{}",
                of_how_much(trace)
            )
        }
    };
    text.push_str(&early_cpus(recorded, clock));
    if !recorded.holes.is_empty() {
        let holes = match recorded.holes.as_slice() {
            [hole] => {
                format!("; {} of the events in it are missing, at {}", percent(recorded), span(clock, hole.range))
            }
            holes => format!("; {} of the events in it are missing, in {} gaps", percent(recorded), holes.len()),
        };
        text.push_str(&holes);
        if recorded.analyzable != recorded.range {
            text.push_str(&format!(", and {} is analyzed", span(clock, recorded.analyzable)));
        }
    }
    text.push('.');
    text
}

/// [`sentence`] if part of the recording is missing, else `None`.
#[must_use]
pub fn missing(trace: &Trace) -> Option<String> {
    (!trace.recorded.is_whole()).then(|| sentence(trace))
}

/// ` of 60.250 s (30 of 60 buffers, 50 %)`: the whole recording according to the file header, as far as known.
fn of_how_much(trace: &Trace) -> String {
    let recorded = &trace.recorded;
    let end = recorded.header_end.filter(|end| *end > recorded.range.to);
    let end = end.map_or_else(String::new, |end| format!(" of {}", seconds(&trace.clock, end)));
    let share = recorded.present_share().filter(|share| *share < 1.0);
    let share = share.map_or_else(String::new, |share| {
        let written = recorded.buffers_written.unwrap_or(0);
        let noun = if written == 1 { "buffer" } else { "buffers" };
        format!(" ({} of {written} {noun}, {:.0} %)", recorded.buffers, share * 100.0)
    });
    format!("{end}{share}")
}

/// `; records end early on CPU 3 at 12.000 s`: CPUs whose records end well before those of the others; else empty.
fn early_cpus(recorded: &RecordedRange, clock: &Clock) -> String {
    let early: Vec<&CpuRange> = recorded.cpus.iter().filter(|cpu| recorded.ended_early.contains(&cpu.cpu)).collect();
    let named: Vec<String> =
        early.iter().take(NAMED_CPUS).map(|cpu| format!("CPU {} at {}", cpu.cpu, seconds(clock, cpu.last))).collect();
    match (named.is_empty(), early.len() - named.len()) {
        (true, _) => String::new(),
        (false, 0) => format!("; records end early on {}", named.join(", ")),
        (false, more) => {
            let noun = if more == 1 { "CPU" } else { "CPUs" };
            format!("; records end early on {} and {more} more {noun}", named.join(", "))
        }
    }
}

fn percent(recorded: &RecordedRange) -> String {
    let share = recorded.missing_share() * 100.0;
    if share < 0.1 { "less than 0.1 %".to_owned() } else { format!("about {share:.1} %") }
}

fn span(clock: &Clock, range: TimeRange) -> String {
    format!("{} to {}", seconds(clock, range.from), seconds(clock, range.to))
}

fn seconds(clock: &Clock, time: Ticks) -> String {
    format!("{:.3} s", clock.seconds(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::trace::recorded::Hole;
    use std::sync::Arc;

    fn sample() -> Arc<Trace> {
        use poolscope_analysis::load::{LoadOptions, load};
        use poolscope_base::progress::{CancelToken, Progress};
        use poolscope_etl::file::TraceFile;
        let file = TraceFile::from_bytes(crate::sample::TRACE.to_vec(), "sample.etl").expect("the sample is a trace");
        load(file, LoadOptions::default(), &Progress::default(), &CancelToken::none()).expect("it loads")
    }

    #[test]
    fn the_sentence_names_what_is_missing() {
        let mut trace = Arc::into_inner(sample()).expect("nobody else has it");
        assert_eq!(missing(&trace), None);
        assert!(
            sentence(&trace).starts_with("The file holds the whole recording, 0.000 s to 61."),
            "{}",
            sentence(&trace)
        );
        let at = |seconds: f64| trace.clock.ticks(seconds);
        let range = |from: f64, to: f64| TimeRange { from: at(from), to: at(to) };
        let cpu = CpuRange { cpu: 3, first: at(0.0), last: at(12.0), pool_events: 100, records: 200 };
        let cut = RecordedRange {
            end_missing: true,
            cpus: vec![cpu],
            ended_early: vec![3],
            header_end: Some(at(60.25)),
            buffers: 30,
            buffers_written: Some(60),
            events: 1_000,
            ..RecordedRange::whole(range(0.0, 12.0))
        };
        let hole = Hole { range: range(2.0, 3.0), missing_events: 250, present_events: 10 };
        let holed = RecordedRange {
            start_missing: true,
            holes: vec![hole],
            events: 750,
            analyzable: range(3.0, 12.0),
            ..RecordedRange::whole(range(0.0, 12.0))
        };
        trace.recorded = cut;
        assert_eq!(
            missing(&trace).as_deref(),
            Some(
                "The end of the recording is missing: the file holds 0.000 s to 12.000 s of 60.250 s (30 of 60 buffers, \
                 50 %); records end early on CPU 3 at 12.000 s."
            )
        );
        trace.recorded = holed;
        assert_eq!(
            missing(&trace).as_deref(),
            Some(
                "The beginning of the recording was overwritten: the file holds it from 0.000 s to 12.000 s; about 25.0 % \
                 of the events in it are missing, at 2.000 s to 3.000 s, and 3.000 s to 12.000 s is analyzed."
            )
        );
    }
}
