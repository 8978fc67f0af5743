//! `series`: the graph as numbers.

use super::io::Io;
use super::open::TraceArgs;
use super::selection::{Keys, SelectionArgs, parse_key_list};
use crate::format;
use clap::ValueEnum;
use poolscope_analysis::export::Document;
use poolscope_analysis::export::series::{OTHER, write_csv, write_json};
use poolscope_analysis::pivot::Number;
use poolscope_analysis::series::{Kind, MOST_COMPARED, Measure, SeriesRequest, SeriesSet, series_at};
use std::io::Write;

/// Options of `series`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// One curve for each combination of these columns
    #[arg(long, value_name = "COLUMNS", default_value = "tag", value_parser = parse_key_list)]
    by: Keys,
    /// What the curves show: outstanding, cumulative, rate, count, cumulative_count or rate_count
    #[arg(long, default_value = "outstanding", value_parser = |text: &str| text.parse::<Measure>())]
    measure: Measure,
    /// Number of points, both ends of the range included
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    points: u32,
    /// Only the N heaviest curves, the others added up
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Count blocks from before the trace as outstanding
    #[arg(long)]
    earlier: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Output formats of `series`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// A sparkline for each curve
    #[default]
    Text,
    /// One row per curve and point
    Csv,
    /// One object with one row per curve and point
    Json,
}

/// Curves that the text output shows unless told otherwise.
const TEXT_TOP: usize = 20;

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, there are too many curves, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let options = args.selection.load_options(&args.by.0);
    args.trace.with_trace(io, options, |trace, workers, io| {
        let view = args.selection.view(trace)?;
        let names = args.selection.names(trace, &args.by.0, &args.trace, io)?;
        let top = if args.format == Format::Text { Some(args.top.unwrap_or(TEXT_TOP)) } else { args.top };
        let set = workers.run(|| {
            let rows = args.selection.rows(&names, view);
            let request = SeriesRequest {
                keys: &args.by.0,
                measure: args.measure,
                view,
                points: args.points as usize,
                rows: rows.as_ref(),
                earlier: args.earlier,
                top,
                chosen: None,
            };
            series_at(&names, &request, args.selection.moments(trace, view, args.points as usize), &|| {
                workers.cancelled()
            })
        })?;
        if set.chosen_by_sum {
            writeln!(
                io.err,
                "poolscope: note: {} combinations of {} are more than the {} whose curves can be compared: the curves shown are those \
                 that add up to most, not those that rise highest. Group by fewer columns or filter.",
                format::count((set.curves.len() + set.others).saturating_sub(1) as u64),
                set.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", "),
                format::count(MOST_COMPARED as u64),
            )?;
        }
        let name = args.trace.name();
        let document = Document { trace: &name, view, recorded: trace.recorded.range, analyzed: trace.recorded.analyzed(view), clock: trace.clock };
        match args.format {
            Format::Json => write_json(&mut io.out, &document, &set)?,
            Format::Csv => write_csv(&mut io.out, &set)?,
            Format::Text => text(&set, &name, io)?,
        }
        Ok(0)
    })
}

/// One line per curve: first, last and greatest value, and its shape.
fn text(set: &SeriesSet, name: &str, io: &mut Io<'_>) -> std::io::Result<()> {
    let last = set.times.len().saturating_sub(1);
    let keys: Vec<&str> = set.keys.iter().map(|k| k.name()).collect();
    writeln!(
        io.out,
        "{name}: {} by {}, {:.3} s to {:.3} s, {} points\n",
        set.measure.name(),
        if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") },
        set.seconds(0),
        set.seconds(last),
        set.times.len(),
    )?;
    writeln!(io.out, "{:>12} {:>12} {:>12}", "first", "last", "greatest")?;
    let cells = io.width.unwrap_or(100).saturating_sub(60).clamp(16, 60);
    for curve in 0..set.curves.len() {
        let values: Vec<Number> = (0..=last).map(|k| set.value(curve, k)).collect();
        let greatest = values.iter().copied().max_by(|a, b| a.compare(*b)).unwrap_or(Number::None);
        let shown = |n: Option<Number>| figure(set.measure, n.unwrap_or(Number::None));
        let label = set.texts(curve).map_or_else(|| format!("{OTHER}: {}", set.others), |t| t.join(" "));
        writeln!(
            io.out,
            "{:>12} {:>12} {:>12}  {}  {label}",
            shown(values.first().copied()),
            shown(values.last().copied()),
            shown(Some(greatest)),
            sparkline(&values, greatest, cells),
        )?;
    }
    Ok(())
}

fn figure(measure: Measure, number: Number) -> String {
    let value = number.as_f64().unwrap_or(0.0).max(0.0);
    let text = match number {
        Number::Int(int) => {
            let int = u64::try_from(int).unwrap_or(u64::MAX);
            if measure.by_count { format::count(int) } else { format::bytes(int) }
        }
        _ if measure.by_count => format!("{value:.1}"),
        _ => format::bytes(value.round() as u64),
    };
    if measure.kind == Kind::Rate { format!("{text}/s") } else { text }
}

/// The curve's shape in eight heights. Where there are more points than cells, a cell shows its greatest.
fn sparkline(values: &[Number], greatest: Number, cells: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let full = greatest.as_f64().unwrap_or(0.0);
    let cells = cells.min(values.len()).max(1);
    let cell = |at: usize| {
        let own = values.get(at * values.len() / cells..(at + 1) * values.len() / cells).unwrap_or(&[]);
        let high = own.iter().filter_map(|n| n.as_f64()).fold(0.0, f64::max);
        let height = if full > 0.0 { (high / full * 7.0).round() } else { 0.0 };
        HEIGHTS.get(height as usize).copied().unwrap_or('█')
    };
    (0..cells).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_keeps_its_peaks() {
        let values: Vec<Number> = [0, 7, 0, 0, 3, 3].map(Number::Int).to_vec();
        assert_eq!(sparkline(&values, Number::Int(7), 3), "█▁▄");
        assert_eq!(sparkline(&values, Number::Int(7), 100), "▁█▁▁▄▄");
        assert_eq!(sparkline(&[Number::Int(0)], Number::Int(0), 5), "▁");
    }
}
