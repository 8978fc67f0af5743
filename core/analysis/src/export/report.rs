//! A pivot as a flat table: one row per group.

use super::{csv, json, schema};
use crate::group::column::KeyValue;
use crate::pivot::{Metric, Pivot, Value};
use crate::trace::Trace;
use crate::trace::summary::TraceOrigin;
use crate::trace::time::{Clock, TimeRange};
use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::io::{self, Write};

/// Origin of the figures of a document: the trace and its ranges.
#[derive(Clone, Copy, Debug)]
pub struct DocumentHeader<'d> {
    /// The trace's name as the user gave it.
    pub trace: &'d str,
    /// Range of the figures.
    pub visible_range: TimeRange,
    /// Recorded range of the trace.
    pub recorded_range: TimeRange,
    /// The recorded range cut with the visible range.
    pub analyzed_range: TimeRange,
    /// Converts ticks to seconds.
    pub clock: Clock,
    /// Kind of file; ranges of a debugger log are empty.
    pub origin: TraceOrigin,
}

/// A range in seconds from time zero.
#[derive(JsonSchema, Serialize)]
struct RangeFields {
    from: f64,
    to: f64,
}

/// The fields that every JSON document begins with.
#[derive(JsonSchema, Serialize)]
pub(super) struct HeaderFields<'d> {
    trace: &'d str,
    range: RangeFields,
    recorded_range: RangeFields,
    analyzed_range: RangeFields,
    /// `debugger log`, whose ranges are empty, since it has no times; absent for a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    by: Vec<&'d str>,
}

impl<'d> DocumentHeader<'d> {
    /// Header for figures of a trace in the visible range.
    #[must_use]
    pub fn new(name: &'d str, trace: &Trace, visible_range: TimeRange) -> Self {
        Self {
            trace: name,
            visible_range,
            recorded_range: trace.recorded.range,
            analyzed_range: trace.recorded.analyzed(visible_range),
            clock: trace.clock,
            origin: trace.summary.origin,
        }
    }

    /// The header as JSON fields; `by` names the key columns.
    pub(super) fn fields(&self, by: impl Iterator<Item = &'d str>) -> HeaderFields<'d> {
        let range =
            |range: TimeRange| RangeFields { from: self.clock.seconds(range.from), to: self.clock.seconds(range.to) };
        HeaderFields {
            trace: self.trace,
            range: range(self.visible_range),
            recorded_range: range(self.recorded_range),
            analyzed_range: range(self.analyzed_range),
            origin: (self.origin != TraceOrigin::Recording).then_some(self.origin.name()),
            by: by.collect(),
        }
    }
}

/// Groups of a pivot to write, in an order, with metrics.
pub struct MetricTable<'t> {
    /// The pivot.
    pub pivot: &'t Pivot,
    /// The groups to write, in this order.
    pub order: &'t [u32],
    /// The metrics.
    pub metrics: &'t [Metric],
    /// The value of a metric for a group; for all groups together with `None`.
    pub value: &'t dyn Fn(Option<u32>, Metric) -> Value,
}

/// A report document without its rows.
#[derive(JsonSchema, Serialize)]
struct ReportHead<'r> {
    #[serde(flatten)]
    header: HeaderFields<'r>,
    /// Number of groups, with those that are not written.
    row_count: usize,
    total: GroupRow<'r>,
}

/// The keys and figures of a group; without a group the figures of the total.
#[derive(Clone, Copy)]
struct GroupRow<'r> {
    table: &'r MetricTable<'r>,
    names: &'r [String],
    uncertain: &'r [Metric],
    group: Option<u32>,
}

impl Serialize for GroupRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(group) = self.group {
            for (column, key) in self.table.pivot.keys().iter().enumerate() {
                map.serialize_entry(key.name(), &self.table.pivot.key_value(group as usize, column))?;
            }
        }
        for (name, metric) in self.names.iter().zip(self.table.metrics) {
            map.serialize_entry(name, &(self.table.value)(self.group, *metric))?;
        }
        for metric in self.uncertain {
            let value = (self.table.value)(self.group, *metric);
            if is_positive(value) {
                map.serialize_entry(&metric.name(), &value)?;
            }
        }
        map.end()
    }
}

impl JsonSchema for GroupRow<'_> {
    fn schema_name() -> Cow<'static, str> {
        "GroupRow".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schema::of_row(schema::keys().chain(schema::metrics()), &[])
    }
}

/// JSON Schema of the document that [`MetricTable::write_json`] writes.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schema::of_document::<ReportHead<'_>, GroupRow<'_>>()
}

impl MetricTable<'_> {
    /// Writes one JSON object, one row per line.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_json(&self, out: &mut dyn Write, header: &DocumentHeader<'_>) -> io::Result<()> {
        let names: Vec<String> = self.metrics.iter().map(|f| f.name()).collect();
        let uncertain = self.uncertain();
        let total = GroupRow { table: self, names: &names, uncertain: &uncertain, group: None };
        let header = header.fields(self.pivot.keys().iter().map(|k| k.name()));
        let head = ReportHead { header, row_count: self.pivot.len(), total };
        json::write_document(out, &head, self.order.iter().map(|group| GroupRow { group: Some(*group), ..total }))
    }

    /// The counts of uncertain stacks that concern the keys, are not among the metrics, and are not zero in total.
    fn uncertain(&self) -> Vec<Metric> {
        let missing = Metric::of_uncertainty(self.pivot.keys()).filter(|metric| !self.metrics.contains(metric));
        missing.filter(|metric| is_positive((self.value)(None, *metric))).collect()
    }

    /// Writes a header and one line per row. A grouping by stacks has one more column if some stacks are uncertain.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_csv_by(out, csv::value)
    }

    /// Writes the same table for spreadsheets: texts are not run as formulas, and a table with other than ASCII characters begins
    /// with [`csv::BYTE_ORDER_MARK`]. The table is written twice then, the first time to nowhere.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_spreadsheet_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.write_csv_by(&mut AsciiOnly, csv::spreadsheet_value).is_err() {
            out.write_all(csv::BYTE_ORDER_MARK)?;
        }
        self.write_csv_by(out, csv::spreadsheet_value)
    }

    fn write_csv_by(&self, out: &mut dyn Write, write_key: WriteKey) -> io::Result<()> {
        let keys = self.pivot.keys().iter().map(|k| k.name().to_owned());
        let uncertain = self.uncertain();
        let metrics = || self.metrics.iter().chain(&uncertain);
        let header: Vec<String> = keys.chain(metrics().map(|f| f.name())).collect();
        writeln!(out, "{}", header.join(","))?;
        for group in self.order {
            let mut comma = "";
            for column in 0..self.pivot.keys().len() {
                out.write_all(comma.as_bytes())?;
                write_key(out, &self.pivot.key_value(*group as usize, column))?;
                comma = ",";
            }
            for metric in metrics() {
                out.write_all(comma.as_bytes())?;
                csv::number(out, (self.value)(Some(*group), *metric))?;
                comma = ",";
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// Writes a value of a key column.
type WriteKey = fn(&mut dyn Write, &KeyValue<'_>) -> io::Result<()>;

/// An output that keeps nothing and fails at the first character that is not ASCII.
struct AsciiOnly;

impl Write for AsciiOnly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_ascii() { Ok(bytes.len()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_positive(value: Value) -> bool {
    matches!(value, Value::Int(count) if count > 0)
}
