//! A pivot as a flat file: one row per group.

use super::{csv, json};
use crate::pivot::{Figure, Number, Pivot};
use crate::trace::time::{Clock, TimeRange};
use std::io::{self, Write};

/// What a file says about where its figures come from.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    /// The trace's name as the user gave it.
    pub trace: &'d str,
    /// The range of the figures.
    pub view: TimeRange,
    /// The recorded range of the trace.
    pub recorded: TimeRange,
    /// The analyzed range: the recorded range cut with the visible range.
    pub analyzed: TimeRange,
    /// How ticks become seconds.
    pub clock: Clock,
}

impl Document<'_> {
    /// The fields that every JSON document opens with; the object stays open.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn open<'k>(&self, out: &mut dyn Write, by: impl Iterator<Item = &'k str>) -> io::Result<()> {
        out.write_all(b"{\"trace\":")?;
        json::text(out, self.trace)?;
        for (name, view) in [("range", self.view), ("recorded_range", self.recorded), ("analyzed_range", self.analyzed)]
        {
            write!(out, ",\"{name}\":")?;
            self.range(out, view)?;
        }
        out.write_all(b",\"by\":")?;
        json::list(out, by)
    }

    /// A range as `{"from":s,"to":s}`, in seconds from time zero.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn range(&self, out: &mut dyn Write, view: TimeRange) -> io::Result<()> {
        out.write_all(b"{\"from\":")?;
        json::float(out, self.clock.seconds(view.from))?;
        out.write_all(b",\"to\":")?;
        json::float(out, self.clock.seconds(view.to))?;
        out.write_all(b"}")
    }
}

/// Which groups of a pivot, in which order, with which figures.
pub struct FigureTable<'t> {
    /// The groups.
    pub pivot: &'t Pivot,
    /// Those to write, in this order.
    pub order: &'t [u32],
    /// The figures.
    pub figures: &'t [Figure],
    /// A figure of a group; `None`: of all groups together.
    pub figure: &'t dyn Fn(Option<u32>, Figure) -> Number,
}

impl FigureTable<'_> {
    /// Writes one JSON object, one row per line.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write_json(&self, out: &mut dyn Write, document: &Document<'_>) -> io::Result<()> {
        document.open(out, self.pivot.keys().iter().map(|k| k.name()))?;
        let names: Vec<String> = self.figures.iter().map(|f| f.name()).collect();
        out.write_all(b",\"total\":{")?;
        self.json_figures(out, &names, None, "")?;
        self.json_uncertain(out, None, names.is_empty())?;
        out.write_all(b"},\"rows\":[")?;
        for (at, group) in self.order.iter().enumerate() {
            out.write_all(if at > 0 { b",\n{" } else { b"\n{" })?;
            let mut comma = "";
            for (column, key) in self.pivot.keys().iter().enumerate() {
                write!(out, "{comma}\"{}\":", key.name())?;
                json::value(out, &self.pivot.value(*group as usize, column))?;
                comma = ",";
            }
            self.json_figures(out, &names, Some(*group), comma)?;
            self.json_uncertain(out, Some(*group), comma.is_empty() && names.is_empty())?;
            out.write_all(b"}")?;
        }
        out.write_all(if self.order.is_empty() { b"]}\n" } else { b"\n]}\n" })
    }

    fn json_figures(
        &self,
        out: &mut dyn Write,
        names: &[String],
        group: Option<u32>,
        mut comma: &'static str,
    ) -> io::Result<()> {
        for (name, figure) in names.iter().zip(self.figures) {
            write!(out, "{comma}\"{name}\":")?;
            json::number(out, (self.figure)(group, *figure))?;
            comma = ",";
        }
        Ok(())
    }

    /// The figures of uncertainty that the keys call for, beside those asked for, and that are not zero altogether.
    fn uncertain(&self) -> Vec<Figure> {
        let missing = Figure::of_uncertainty(self.pivot.keys()).filter(|figure| !self.figures.contains(figure));
        missing.filter(|figure| is_some((self.figure)(None, *figure))).collect()
    }

    /// Those of a group, or of all, where they are not zero.
    fn json_uncertain(&self, out: &mut dyn Write, group: Option<u32>, is_first: bool) -> io::Result<()> {
        let mut comma = if is_first { "" } else { "," };
        for figure in self.uncertain() {
            let number = (self.figure)(group, figure);
            if is_some(number) {
                write!(out, "{comma}\"{}\":", figure.name())?;
                json::number(out, number)?;
                comma = ",";
            }
        }
        Ok(())
    }

    /// Writes a header and one line per row. A grouping by stacks of which some are uncertain has one column more.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let keys = self.pivot.keys().iter().map(|k| k.name().to_owned());
        let uncertain = self.uncertain();
        let figures = || self.figures.iter().chain(&uncertain);
        let header: Vec<String> = keys.chain(figures().map(|f| f.name())).collect();
        writeln!(out, "{}", header.join(","))?;
        for group in self.order {
            let mut comma = "";
            for column in 0..self.pivot.keys().len() {
                out.write_all(comma.as_bytes())?;
                csv::value(out, &self.pivot.value(*group as usize, column))?;
                comma = ",";
            }
            for figure in figures() {
                out.write_all(comma.as_bytes())?;
                csv::number(out, (self.figure)(Some(*group), *figure))?;
                comma = ",";
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn is_some(number: Number) -> bool {
    matches!(number, Number::Int(count) if count > 0)
}
