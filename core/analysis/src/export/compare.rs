//! A comparison as a flat table: one row per joined group with the figures of both sides.

use super::report::{DocumentHeader, HeaderFields};
use super::{csv, json, schema};
use crate::compare::figures::{CompareColumn, Part};
use crate::compare::join::SideSums;
use crate::compare::{Comparison, Normalization, RenamedModule};
use crate::pivot::{Metric, Value};
use schemars::JsonSchema;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::io::{self, Write};

/// Joined groups to write, in an order.
pub struct CompareTable<'t> {
    /// The comparison.
    pub comparison: &'t Comparison,
    /// The groups to write, in this order.
    pub order: &'t [u32],
    /// The figures.
    pub metrics: &'t [Metric],
    /// The figure that change, ratio and overweight refer to.
    pub measure: Metric,
    /// The summary sentence.
    pub summary: &'t str,
}

/// A comparison document without its rows.
#[derive(JsonSchema, Serialize)]
struct CompareHead<'r> {
    baseline: HeaderFields<'r>,
    comparison: HeaderFields<'r>,
    by: Vec<&'r str>,
    per: PerFields<'r>,
    measure: String,
    /// Number of rows, with those that are not written.
    row_count: usize,
    summary: &'r str,
    renamed_modules: Vec<RenamedFields>,
    total: CompareRow<'r>,
}

/// The unit of the figures, and the number of units on each side.
#[derive(JsonSchema, Serialize)]
struct PerFields<'r> {
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'r str>,
    baseline: f64,
    comparison: f64,
}

#[derive(JsonSchema, Serialize)]
struct RenamedFields {
    baseline: String,
    comparison: String,
    pdb: String,
}

/// The keys and figures of a row; without a group the figures of the whole.
struct CompareRow<'r> {
    table: &'r CompareTable<'r>,
    sums: [SideSums; 2],
    group: Option<u32>,
}

impl Serialize for CompareRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let comparison = self.table.comparison;
        let mut map = serializer.serialize_map(None)?;
        if let Some(group) = self.group {
            let pivot = comparison.groups();
            for (column, key) in pivot.keys().iter().enumerate() {
                map.serialize_entry(key.name(), &pivot.key_value(group as usize, column))?;
            }
        }
        for column in self.table.columns() {
            map.serialize_entry(&column.name(), &comparison.value_of(&self.sums, column))?;
        }
        for part in [Part::Ratio, Part::Overweight] {
            map.serialize_entry(part.name(), &self.table.of_measure(&self.sums, part))?;
        }
        map.serialize_entry("change", comparison.change_of(&self.sums, self.table.measure).name())?;
        map.serialize_entry("is_overweight", &comparison.is_overweight(&self.sums, self.table.measure))?;
        map.end()
    }
}

impl JsonSchema for CompareRow<'_> {
    fn schema_name() -> Cow<'static, str> {
        "CompareRow".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schema::of_compared_row(&[Part::Baseline, Part::Comparison, Part::Delta].map(Part::name))
    }
}

/// JSON Schema of the document that [`CompareTable::write_json`] writes.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schema::of_document::<CompareHead<'_>, CompareRow<'_>>()
}

impl CompareTable<'_> {
    /// The columns of figures: all of the baseline, all of the comparison, all differences.
    fn columns(&self) -> impl Iterator<Item = CompareColumn> + '_ {
        let parts = [Part::Baseline, Part::Comparison, Part::Delta].into_iter();
        parts.flat_map(|part| self.metrics.iter().map(move |metric| CompareColumn { part, metric: *metric }))
    }

    fn of_measure(&self, sums: &[SideSums; 2], part: Part) -> Value {
        self.comparison.value_of(sums, CompareColumn { part, metric: self.measure })
    }

    fn row(&self, group: u32) -> CompareRow<'_> {
        CompareRow { table: self, sums: self.comparison.sums(&(group..group + 1)), group: Some(group) }
    }

    /// Writes one JSON object, one row per line. `headers` are those of baseline and comparison.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_json(&self, out: &mut dyn Write, headers: [&DocumentHeader<'_>; 2]) -> io::Result<()> {
        let comparison = self.comparison;
        let divisors = comparison.divisors();
        let (unit, tag) = match &divisors.unit {
            Normalization::Raw => ("raw", None),
            Normalization::PerSecond => ("second", None),
            Normalization::PerAllocation(tag) => ("allocation", Some(tag.as_str())),
        };
        let renamed = |module: &RenamedModule| RenamedFields {
            baseline: module.baseline.clone(),
            comparison: module.comparison.clone(),
            pdb: module.pdb_name.clone(),
        };
        let by = || comparison.groups().keys().iter().map(|key| key.name());
        let head = CompareHead {
            baseline: headers[0].fields(by()),
            comparison: headers[1].fields(by()),
            by: by().collect(),
            per: PerFields { unit, tag, baseline: divisors.units[0], comparison: divisors.units[1] },
            measure: self.measure.name(),
            row_count: comparison.groups().len(),
            summary: self.summary,
            renamed_modules: comparison.renamed_modules().iter().map(renamed).collect(),
            total: CompareRow { table: self, sums: *comparison.whole(), group: None },
        };
        json::write_document(out, &head, self.order.iter().map(|group| self.row(*group)))
    }

    /// Writes a header and one line per row.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let comparison = self.comparison;
        let keys = comparison.groups().keys();
        let header = keys.iter().map(|key| key.name().to_owned()).chain(self.columns().map(CompareColumn::name));
        let header = header.chain(["ratio", "overweight", "change", "is_overweight"].map(str::to_owned));
        csv::line(out, header)?;
        for group in self.order {
            let sums = comparison.sums(&(*group..*group + 1));
            let mut comma = "";
            for column in 0..keys.len() {
                out.write_all(comma.as_bytes())?;
                csv::value(out, &comparison.groups().key_value(*group as usize, column))?;
                comma = ",";
            }
            let values = self.columns().map(|column| comparison.value_of(&sums, column));
            for value in values.chain([Part::Ratio, Part::Overweight].map(|part| self.of_measure(&sums, part))) {
                out.write_all(comma.as_bytes())?;
                csv::number(out, value)?;
                comma = ",";
            }
            let (change, is_overweight) =
                (comparison.change_of(&sums, self.measure), comparison.is_overweight(&sums, self.measure));
            writeln!(out, ",{change},{is_overweight}")?;
        }
        Ok(())
    }
}
