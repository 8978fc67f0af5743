//! Profiles for speedscope (<https://www.speedscope.app/file-format-schema.json>): shared frames, and one sampled profile for
//! each metric that has a weight.

use crate::flame::FlameMetric;
use crate::flame::samples::{SampleFrame, StackSamples};
use poolscope_symbols::names::SourceLine;
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::io::{self, Write};

/// The schema that the file follows.
const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

/// A profile to write.
pub struct SpeedscopeProfile<'p> {
    /// The trace's name.
    pub name: &'p str,
    /// Name and version of the program.
    pub exporter: &'p str,
    /// The samples.
    pub samples: &'p StackSamples<'p>,
    /// The metric of the profile that is shown first.
    pub first: FlameMetric,
    /// Source of a frame, by its text.
    pub source: &'p dyn Fn(&str) -> Option<SourceLine>,
}

#[derive(Serialize)]
struct FrameFields<'f> {
    name: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

impl SpeedscopeProfile<'_> {
    /// Writes the file.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (numbers, frames) = self.number_frames();
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"name\":")?;
        serde_json::to_writer(&mut *out, self.name)?;
        out.write_all(b",\"exporter\":")?;
        serde_json::to_writer(&mut *out, self.exporter)?;
        let metrics: Vec<FlameMetric> =
            FlameMetric::ALL.into_iter().filter(|metric| self.samples.total(*metric) > 0).collect();
        let active = metrics.iter().position(|metric| *metric == self.first).unwrap_or(0);
        write!(out, ",\"activeProfileIndex\":{active},\"shared\":{{\"frames\":[")?;
        let mut separator: &[u8] = b"\n";
        for frame in frames {
            out.write_all(separator)?;
            let text = self.samples.text(frame);
            let source = if self.samples.is_of_stack(frame) { (self.source)(&text) } else { None };
            let fields = FrameFields {
                name: &text,
                file: source.as_ref().map(|line| &*line.file),
                line: source.as_ref().map(|line| line.line).filter(|line| *line > 0),
            };
            serde_json::to_writer(&mut *out, &fields)?;
            separator = b",\n";
        }
        out.write_all(b"]},\"profiles\":[")?;
        let mut separator: &[u8] = b"\n";
        for metric in metrics {
            out.write_all(separator)?;
            self.write_profile(out, metric, &numbers)?;
            separator = b",\n";
        }
        out.write_all(b"]}\n")
    }

    /// The frames in the order of their first use, and the number of each.
    fn number_frames(&self) -> (FxHashMap<SampleFrame, usize>, Vec<SampleFrame>) {
        let mut numbers = FxHashMap::default();
        let mut frames = Vec::new();
        for frame in (0..self.samples.len()).flat_map(|sample| self.samples.frames(sample)) {
            numbers.entry(frame).or_insert_with(|| {
                frames.push(frame);
                frames.len() - 1
            });
        }
        (numbers, frames)
    }

    fn write_profile(
        &self,
        out: &mut dyn Write,
        metric: FlameMetric,
        numbers: &FxHashMap<SampleFrame, usize>,
    ) -> io::Result<()> {
        let unit = match metric {
            FlameMetric::Size | FlameMetric::ImpactingSize => "bytes",
            FlameMetric::Count | FlameMetric::ImpactingCount => "none",
        };
        let total = self.samples.total(metric);
        out.write_all(b"{\"type\":\"sampled\",\"name\":")?;
        serde_json::to_writer(&mut *out, &metric.metric().title())?;
        write!(out, ",\"unit\":\"{unit}\",\"startValue\":0,\"endValue\":{total},\"samples\":[")?;
        let weighted = || (0..self.samples.len()).filter(|sample| self.samples.weight(*sample, metric) > 0);
        let mut separator: &[u8] = b"\n";
        for sample in weighted() {
            out.write_all(separator)?;
            let frames = self.samples.frames(sample);
            let numbers: Vec<usize> = frames.iter().filter_map(|frame| numbers.get(frame).copied()).collect();
            serde_json::to_writer(&mut *out, &numbers)?;
            separator = b",\n";
        }
        out.write_all(b"],\"weights\":[")?;
        let mut separator = "";
        for sample in weighted() {
            write!(out, "{separator}{}", self.samples.weight(sample, metric))?;
            separator = ",";
        }
        out.write_all(b"]}")
    }
}
