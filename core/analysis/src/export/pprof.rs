//! Profiles for pprof: a gzipped protocol buffer (<https://github.com/google/pprof/blob/main/proto/profile.proto>). A sample has
//! four values: count, size, impacting count, impacting size. Key columns that are no stacks are labels of the samples, for
//! `-tagfocus`.

use crate::flame::FlameMetric;
use crate::flame::samples::{SampleFrame, StackSamples};
use crate::trace::time::{Clock, TimeRange};
use flate2::{Compression, GzBuilder};
use poolscope_symbols::names::SourceLine;
use rustc_hash::FxHashMap;
use std::io::{self, Write};

/// The values of a sample, in this order: counts come first by convention.
const VALUES: [FlameMetric; 4] =
    [FlameMetric::Count, FlameMetric::Size, FlameMetric::ImpactingCount, FlameMetric::ImpactingSize];

/// Numbers of the fields of the message `Profile`.
mod field {
    pub const SAMPLE_TYPE: u32 = 1;
    pub const SAMPLE: u32 = 2;
    pub const MAPPING: u32 = 3;
    pub const LOCATION: u32 = 4;
    pub const FUNCTION: u32 = 5;
    pub const STRING_TABLE: u32 = 6;
    pub const TIME_NANOS: u32 = 9;
    pub const DURATION_NANOS: u32 = 10;
    pub const COMMENT: u32 = 13;
    pub const DEFAULT_SAMPLE_TYPE: u32 = 14;
}

/// Seconds from 1601, where Windows counts from, to 1970.
const UNIX_EPOCH_S: i64 = 11_644_473_600;

/// A profile to write.
pub struct PprofProfile<'p> {
    /// The samples.
    pub samples: &'p StackSamples<'p>,
    /// The metric that pprof shows first.
    pub first: FlameMetric,
    /// The visible range, and the clock that its times refer to.
    pub visible_range: TimeRange,
    /// Clock of the trace.
    pub clock: Clock,
    /// Text about the origin of the figures.
    pub comment: &'p str,
    /// Source of a frame, by its text.
    pub source: &'p dyn Fn(&str) -> Option<SourceLine>,
}

impl PprofProfile<'_> {
    /// Writes the gzipped message. It contains no time of writing: the same profile gives the same bytes.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut zipped = GzBuilder::new().write(out, Compression::default());
        self.write_message(&mut zipped)?;
        zipped.finish().map(drop)
    }

    fn write_message(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut strings = Strings::default();
        let mut frames = Frames::default();
        for metric in VALUES {
            let unit = match metric {
                FlameMetric::Size | FlameMetric::ImpactingSize => "bytes",
                FlameMetric::Count | FlameMetric::ImpactingCount => "count",
            };
            let mut kind = Message::default();
            kind.number(1, strings.number(&metric.metric().name()));
            kind.number(2, strings.number(unit));
            kind.write_in(out, field::SAMPLE_TYPE)?;
        }
        for sample in 0..self.samples.len() {
            self.sample(sample, &mut strings, &mut frames).write_in(out, field::SAMPLE)?;
        }
        let mut modules = Frames::default();
        for (at, frame) in frames.order.iter().enumerate() {
            self.write_frame(out, at as u64 + 1, *frame, &mut strings, &mut modules)?;
        }
        let times = |from: f64| (from * 1e9) as u64;
        let mut rest = Message::default();
        let from = self.clock.seconds(self.visible_range.from);
        // Ticks of 100 ns from 1601; a trace without a start time has 0.
        let since_1970 = i128::from(self.clock.start_filetime) - i128::from(UNIX_EPOCH_S) * 10_000_000;
        if let Ok(start) = u64::try_from(since_1970 * 100) {
            rest.number(field::TIME_NANOS, start.saturating_add(times(from)));
        }
        rest.number(field::DURATION_NANOS, times(self.clock.seconds(self.visible_range.to) - from));
        rest.number(field::COMMENT, strings.number(self.comment));
        rest.number(field::DEFAULT_SAMPLE_TYPE, strings.number(&self.first.metric().name()));
        out.write_all(&rest.0)?;
        // String 0 is the empty one.
        for text in &strings.order {
            let mut table = Message::default();
            table.bytes(field::STRING_TABLE, text.as_bytes());
            out.write_all(&table.0)?;
        }
        Ok(())
    }

    fn sample(&self, sample: usize, strings: &mut Strings, frames: &mut Frames) -> Message {
        let mut message = Message::default();
        let stack = self.samples.stack_frames(sample);
        // The leaf comes first.
        let locations: Vec<u64> = stack.iter().rev().map(|frame| frames.number(*frame)).collect();
        message.packed(1, &locations);
        message.packed(2, &VALUES.map(|metric| self.samples.weight(sample, metric)));
        for (key, text) in self.samples.labels(sample) {
            let mut label = Message::default();
            label.number(1, strings.number(key.name()));
            label.number(2, strings.number(&text));
            message.bytes(3, &label.0);
        }
        message
    }

    /// Writes location and function of a frame, both with the number `id`, and the mapping of its module if it is a new one.
    fn write_frame(
        &self,
        out: &mut dyn Write,
        id: u64,
        frame: SampleFrame,
        strings: &mut Strings,
        modules: &mut Frames<String>,
    ) -> io::Result<()> {
        let text = self.samples.text(frame);
        let source = if self.samples.is_of_stack(frame) { (self.source)(&text) } else { None };
        let line_number = source.as_ref().map_or(0, |source| u64::from(source.line));
        let mut function = Message::default();
        function.number(1, id);
        function.number(2, strings.number(&text));
        function.number(3, strings.number(&text));
        function.number(4, source.as_ref().map_or(0, |source| strings.number(&source.file)));
        function.write_in(out, field::FUNCTION)?;
        let mut line = Message::default();
        line.number(1, id);
        line.number(2, line_number);
        let mut location = Message::default();
        location.number(1, id);
        if let Some(module) = crate::flame::module_of_text(&text) {
            let known = modules.order.len();
            let mapping_id = modules.number(module.to_owned());
            location.number(2, mapping_id);
            if modules.order.len() > known {
                let mut mapping = Message::default();
                mapping.number(1, mapping_id);
                mapping.number(5, strings.number(module));
                // Functions, file names where known, and lines are in the profile: nothing is left to be symbolized.
                mapping.number(7, 1);
                mapping.number(8, 1);
                mapping.number(9, 1);
                mapping.write_in(out, field::MAPPING)?;
            }
        }
        location.bytes(4, &line.0);
        location.write_in(out, field::LOCATION)
    }
}

/// Numbers from 1 for values in the order of their first use.
struct Frames<T = SampleFrame> {
    known: FxHashMap<T, u64>,
    order: Vec<T>,
}

impl<T> Default for Frames<T> {
    fn default() -> Self {
        Self { known: FxHashMap::default(), order: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Frames<T> {
    fn number(&mut self, value: T) -> u64 {
        let next = self.order.len() as u64 + 1;
        let number = *self.known.entry(value.clone()).or_insert(next);
        if number == next {
            self.order.push(value);
        }
        number
    }
}

/// The string table; the empty string has the number 0.
struct Strings {
    known: FxHashMap<String, u64>,
    order: Vec<String>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { known: std::iter::once((String::new(), 0)).collect(), order: vec![String::new()] }
    }
}

impl Strings {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let number = self.order.len() as u64;
        self.order.push(text.to_owned());
        self.known.insert(text.to_owned(), number);
        number
    }
}

/// An encoded message (<https://protobuf.dev/programming-guides/encoding/>).
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A number; 0 is what a missing field means.
    fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn packed(&mut self, field: u32, values: &[u64]) {
        let mut all = Self::default();
        values.iter().for_each(|value| all.varint(*value));
        self.bytes(field, &all.0);
    }

    fn write_in(&self, out: &mut dyn Write, field: u32) -> io::Result<()> {
        let mut whole = Self::default();
        whole.bytes(field, &self.0);
        out.write_all(&whole.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of the encoding guide.
    #[test]
    fn numbers_and_texts_are_encoded_as_published() {
        let mut message = Message::default();
        message.number(1, 150);
        assert_eq!(message.0, [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.bytes(2, b"testing");
        assert_eq!(message.0, [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
        let mut message = Message::default();
        message.packed(6, &[3, 270, 86942]);
        assert_eq!(message.0, [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
    }
}
