//! Table of results: seconds, ratios to the walk, and the goals that they are compared with.

use crate::measure::Cost;
use std::io::{Result, Write, stdout};

/// Rows of one bench, printed as they are measured.
#[derive(Debug)]
pub struct Table {
    /// Lines with tabs for `compare.sh` instead of aligned columns.
    is_tsv: bool,
    bench: &'static str,
}

impl Table {
    /// Prints the head of a table. The form depends on the arguments of the process.
    ///
    /// # Errors
    /// Standard output fails.
    pub fn new(bench: &'static str) -> Result<Self> {
        let is_tsv = std::env::args().any(|argument| argument == "--tsv");
        if !is_tsv {
            let head = ["wall ms", "CPU ms", "wall x", "CPU x", "at most"];
            let columns: String = head.iter().map(|name| format!("{name:>10}")).collect();
            writeln!(stdout().lock(), "{bench:<52}{columns}")?;
        }
        Ok(Self { is_tsv, bench })
    }

    /// Prints a row: a cost, its ratio to that of the yardstick, and the largest ratio by the clock that is aimed at.
    ///
    /// # Errors
    /// Standard output fails.
    pub fn row(&self, name: &str, cost: Cost, yardstick: Cost, at_most: Option<f64>) -> Result<()> {
        let Self { is_tsv, bench } = self;
        let ratio = cost.wall / yardstick.wall;
        let mut out = stdout().lock();
        if *is_tsv {
            return writeln!(out, "{bench}: {name}\t{}", cost.undisturbed());
        }
        let at_most = at_most.map_or_else(String::new, |most| format!("{most:.2}"));
        let (wall, cpu, cpu_ratio) = (cost.wall * 1e3, cost.cpu * 1e3, cost.cpu / yardstick.cpu);
        writeln!(out, "{name:<52}{wall:>10.1}{cpu:>10.1}{ratio:>10.2}{cpu_ratio:>10.2}{at_most:>10}")
    }

    /// Prints a row of work on a number of bytes.
    ///
    /// # Errors
    /// Standard output fails.
    pub fn rate(&self, name: &str, cost: Cost, bytes: u64) -> Result<()> {
        let seconds = cost.undisturbed();
        if self.is_tsv {
            return self.number(name, seconds, "s", None);
        }
        self.number(name, bytes as f64 / seconds / 1e9, "GB/s", None)
    }

    /// Prints a row of a single number, of which less is better.
    ///
    /// # Errors
    /// Standard output fails.
    pub fn number(&self, name: &str, value: f64, unit: &str, at_most: Option<f64>) -> Result<()> {
        let Self { is_tsv, bench } = self;
        let mut out = stdout().lock();
        if *is_tsv {
            return writeln!(out, "{bench}: {name}\t{value}");
        }
        let at_most = at_most.map_or_else(String::new, |most| format!(", at most {most}"));
        writeln!(out, "{name:<52}{value:>10.2} {unit}{at_most}")
    }
}
