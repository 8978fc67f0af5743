//! A pivot as a flat file: one row per group.

use super::{csv, json};
use crate::pivot::{Figure, Number, Pivot};
use crate::trace::time::{Clock, View};
use std::io::{self, Write};

/// What a file says about where its figures come from.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    /// The trace's name as the user gave it.
    pub trace: &'d str,
    /// The range of the figures.
    pub view: View,
    /// The recorded range of the trace.
    pub recorded: View,
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
        for (name, view) in [("range", self.view), ("recorded_range", self.recorded)] {
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
    pub fn range(&self, out: &mut dyn Write, view: View) -> io::Result<()> {
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

    /// Writes a header and one line per row.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let keys = self.pivot.keys().iter().map(|k| k.name().to_owned());
        let header: Vec<String> = keys.chain(self.figures.iter().map(|f| f.name())).collect();
        writeln!(out, "{}", header.join(","))?;
        for group in self.order {
            let mut comma = "";
            for column in 0..self.pivot.keys().len() {
                out.write_all(comma.as_bytes())?;
                csv::value(out, &self.pivot.value(*group as usize, column))?;
                comma = ",";
            }
            for figure in self.figures {
                out.write_all(comma.as_bytes())?;
                csv::number(out, (self.figure)(Some(*group), *figure))?;
                comma = ",";
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}
