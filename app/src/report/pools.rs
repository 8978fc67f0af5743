//! Graph of the outstanding bytes of both pools over time.

use super::ReportInput;
use super::lines::{Line, write_graph};
use std::io::{self, Write};

/// Writes the graph and its legend.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, input: &ReportInput<'_>) -> io::Result<()> {
    let set = input.pools;
    let named = set.curves.iter().zip(["Nonpaged pool", "Paged pool"]).enumerate();
    let line = |(at, (curve, label)): (usize, (&poolscope_analysis::series::Curve, &str))| Line {
        label: label.to_owned(),
        class: format!("c{at}"),
        values: curve.amounts.iter().map(|amount| *amount as f64).collect(),
        is_drawn: true,
    };
    write_graph(out, input, "Outstanding bytes by pool", set, &named.map(line).collect::<Vec<_>>())
}
