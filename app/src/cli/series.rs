//! `series`: the curves of the graph as numbers.

use super::io::Io;
use super::open::{TraceArgs, require_times};
use super::output_format::OutputFormat;
use super::selection::{Keys, SelectionArgs, parse_key_list};
use crate::format;
use poolscope_analysis::export::DocumentHeader;
use poolscope_analysis::export::series::{OTHER, write_csv, write_json};
use poolscope_analysis::pivot::Value;
use poolscope_analysis::series::{MAX_COMPARED_GROUPS, SeriesKind, SeriesMetric, SeriesRequest, SeriesSet, series_at};
use std::io::Write;

/// Options of `series`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Columns to group by; each combination of their values is a series
    #[arg(long, value_name = "COLUMNS", default_value = "tag", value_parser = parse_key_list)]
    by: Keys,
    /// Value of the series: outstanding, cumulative, rate, count, cumulative_count or rate_count
    #[arg(long, default_value = "outstanding", value_parser = |text: &str| text.parse::<SeriesMetric>())]
    measure: SeriesMetric,
    /// Number of points, including both ends of the range
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    points: u32,
    /// Number of series; all other groups are combined in one more
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Includes allocations from before the trace in the outstanding values
    #[arg(long)]
    include_preexisting: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 3] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json];

/// Default number of curves in text.
const TEXT_TOP: usize = 20;

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, there are too many curves, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let options = args.selection.load_options(&args.by.0, &[]);
    args.trace.with_trace(io, options, |trace, workers, io| {
        let visible_range = args.selection.visible_range(trace)?;
        require_times(trace, &args.trace.name(), "curves")?;
        let names = args.selection.names(trace, &args.by.0, &args.trace, io)?;
        let top = if args.format == OutputFormat::Text { Some(args.top.unwrap_or(TEXT_TOP)) } else { args.top };
        let set = workers.run(|| {
            let rows = args.selection.rows(&names, visible_range);
            let request = SeriesRequest {
                keys: &args.by.0,
                metric: args.measure,
                visible_range,
                points: args.points as usize,
                rows: rows.as_ref(),
                include_preexisting: args.include_preexisting,
                top,
                chosen: None,
            };
            series_at(&names, &request, args.selection.moments(trace, visible_range, args.points as usize), &|| {
                workers.is_cancelled()
            })
        })?;
        if set.is_chosen_by_sum {
            writeln!(
                io.err,
                "poolscope: note: {} combinations of {} exceed the {} series that can be compared by peak: the series shown have the \
                 largest totals, not the highest peaks. Group by fewer columns or filter.",
                format::count((set.curves.len() + set.others).saturating_sub(1) as u64),
                set.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", "),
                format::count(MAX_COMPARED_GROUPS as u64),
            )?;
        }
        let name = args.trace.name();
        let header = DocumentHeader::new(&name, trace, visible_range);
        match args.format {
            OutputFormat::Json => write_json(&mut io.out, &header, &set)?,
            OutputFormat::Csv => write_csv(&mut io.out, &set)?,
            _ => text(&set, &name, io)?,
        }
        Ok(0)
    })
}

/// Writes one line per curve: first, last and peak value, and a sparkline.
fn text(set: &SeriesSet, name: &str, io: &mut Io<'_>) -> std::io::Result<()> {
    let last = set.times.len().saturating_sub(1);
    let keys: Vec<&str> = set.keys.iter().map(|k| k.name()).collect();
    writeln!(
        io.out,
        "{name}: {} by {}, {:.3} s to {:.3} s, {} points\n",
        set.metric.name(),
        if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") },
        set.seconds(0),
        set.seconds(last),
        set.times.len(),
    )?;
    writeln!(io.out, "{:>12} {:>12} {:>12}", "first", "last", "peak")?;
    let cells = io.width.unwrap_or(100).saturating_sub(60).clamp(16, 60);
    for curve in 0..set.curves.len() {
        let values: Vec<Value> = (0..=last).map(|k| set.value(curve, k)).collect();
        let peak = values.iter().copied().max_by(|a, b| a.compare(*b)).unwrap_or(Value::None);
        let shown = |n: Option<Value>| value_text(set.metric, n.unwrap_or(Value::None));
        let label = set.texts(curve).map_or_else(|| format!("{OTHER}: {}", set.others), |t| t.join(" "));
        writeln!(
            io.out,
            "{:>12} {:>12} {:>12}  {}  {label}",
            shown(values.first().copied()),
            shown(values.last().copied()),
            shown(Some(peak)),
            sparkline(&values, peak, cells),
        )?;
    }
    Ok(())
}

fn value_text(metric: SeriesMetric, value: Value) -> String {
    let float = value.as_f64().unwrap_or(0.0).max(0.0);
    let text = match value {
        Value::Int(int) => {
            let int = u64::try_from(int).unwrap_or(u64::MAX);
            if metric.by_count { format::count(int) } else { format::bytes(int) }
        }
        _ if metric.by_count => format!("{float:.1}"),
        _ => format::bytes(float.round() as u64),
    };
    if metric.kind == SeriesKind::Rate { format!("{text}/s") } else { text }
}

/// The curve in characters of eight heights. With more points than cells, a cell shows the peak of its points.
fn sparkline(values: &[Value], peak: Value, cells: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let full = peak.as_f64().unwrap_or(0.0);
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
        let values: Vec<Value> = [0, 7, 0, 0, 3, 3].map(Value::Int).to_vec();
        assert_eq!(sparkline(&values, Value::Int(7), 3), "█▁▄");
        assert_eq!(sparkline(&values, Value::Int(7), 100), "▁█▁▁▄▄");
        assert_eq!(sparkline(&[Value::Int(0)], Value::Int(0), 5), "▁");
    }
}
