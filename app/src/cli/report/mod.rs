//! `report`: the pivot, as a tree for reading or as flat rows.

mod tree;

use super::io::Io;
use super::open::{TraceArgs, Workers};
use super::output_format::OutputFormat;
use super::selection::{Keys, SelectionArgs, parse_key_list};
use super::table::{Column, Table, escape_markdown};
use crate::format;
use poolscope_analysis::export::{DocumentHeader, MetricTable};
use poolscope_analysis::group::column::KeyValue;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::pivot::{
    Aggregate, Evaluator, Metric, Pivot, PivotRequest, PivotTree, SortOrder, Value, pivot,
};
use poolscope_analysis::trace::summary::TraceOrigin;
use poolscope_analysis::trace::time::TimeRange;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use tree::TreeOptions;

/// Options of `report`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    #[arg(long, value_name = "COLUMNS", default_value = "type,paged,tag,stack", value_parser = parse_key_list, help = by_help())]
    by: Keys,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Figure to sort by, largest first. FIGURE:asc sorts smallest first, key sorts by name. Up to three figures separated by
    /// commas; each one orders the rows that are equal in the previous ones
    #[arg(long, value_name = "FIGURES", default_value = "size", value_parser = parse_sort)]
    sort: SortOrder,
    /// Number of rows: per level in text, in total in the other formats
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Number of tree levels in text
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    #[arg(long, value_name = "FIGURES", value_parser = parse_metrics, help = columns_help())]
    columns: Option<Metrics>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
}

const FORMATS: [OutputFormat; 4] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Markdown];

/// Help of `--by`, with all key columns.
fn by_help() -> String {
    let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
    format!("Columns to group by, outermost first: {}", names.join(", "))
}

/// Help of `--columns`, with all metrics.
fn columns_help() -> String {
    let names: Vec<String> = Metric::named().map(Metric::name).collect();
    format!("Figures to show: {}, unique_COLUMN", names.join(", "))
}

/// Metrics, as one option value.
#[derive(Clone, Debug)]
struct Metrics(Vec<Metric>);

fn parse_metrics(text: &str) -> Result<Metrics, String> {
    let names = text.split(',').filter(|n| !n.trim().is_empty());
    let metrics: Result<Vec<Metric>, _> = names.map(str::parse).collect();
    metrics.map(Metrics).map_err(|e| e.to_string())
}

fn parse_sort(text: &str) -> Result<SortOrder, String> {
    text.parse::<SortOrder>().map_err(|e| e.to_string())
}

/// Default metrics of the text tree and the Markdown table.
const SHORT_METRICS: [Metric; 3] = [Metric::Count, Metric::Size, Metric::ImpactingSize];
/// Default number of rows of a Markdown table.
const MARKDOWN_TOP: usize = 30;

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let metrics: Vec<Metric> = args.metrics().iter().copied().chain(args.sort.metrics()).collect();
    let unique = metrics.iter().filter_map(|f| if let Metric::Unique(key) = f { Some(*key) } else { None });
    let keys: Vec<Key> = args.by.0.iter().copied().chain(unique).collect();
    args.trace.with_trace(io, args.selection.load_options(&keys, &metrics), |trace, workers, io| {
        let visible_range = args.selection.visible_range(trace)?;
        let names = Arc::new(args.selection.names(trace, &keys, &args.trace, io)?);
        let (pivot, evaluator) = workers.run(|| evaluate(args, &names, visible_range, workers))?;
        let name = args.trace.name();
        let header = DocumentHeader::new(&name, trace, visible_range);
        match args.format {
            OutputFormat::Text => write_tree(args, pivot, &evaluator, &header, workers, io)?,
            _ => write_flat(args, &pivot, &evaluator, &header, workers, io)?,
        }
        Ok(0)
    })
}

impl Args {
    fn metrics(&self) -> &[Metric] {
        match (&self.columns, self.format) {
            (Some(metrics), _) => &metrics.0,
            (None, OutputFormat::Text | OutputFormat::Markdown) => &SHORT_METRICS,
            (None, _) => Metric::DEFAULT,
        }
    }
}

fn evaluate(
    args: &Args,
    names: &Arc<ColumnValues>,
    visible_range: TimeRange,
    workers: &Workers,
) -> anyhow::Result<(Arc<Pivot>, Evaluator)> {
    let rows = args.selection.rows(names, visible_range).map(Arc::new);
    let request = PivotRequest { keys: &args.by.0, visible_range, rows: rows.as_deref() };
    let pivot = Arc::new(pivot(names, &request, &|| workers.is_cancelled())?);
    let evaluator = Evaluator::new(Arc::clone(names), &pivot, rows, Arc::default());
    Ok((pivot, evaluator))
}

/// Trace, range, key columns and query of a report, for its first line.
struct Heading<'h> {
    header: &'h DocumentHeader<'h>,
    keys: &'h [Key],
    query: Option<&'h str>,
}

impl Heading<'_> {
    fn line(&self) -> String {
        let clock = self.header.clock;
        let range = self.header.visible_range;
        let (from, to) = (clock.seconds(range.from), clock.seconds(range.to));
        let time = if self.header.origin == TraceOrigin::Recording {
            format!("{from:.3} s to {to:.3} s ({})", format::duration(to - from))
        } else {
            "debugger log without times".to_owned()
        };
        let keys: Vec<&str> = self.keys.iter().map(|k| k.name()).collect();
        let by = if keys.is_empty() { String::new() } else { format!(", by {}", keys.join(", ")) };
        let query = self.query.map_or_else(String::new, |q| format!(", where {q}"));
        format!("{}: {time}{by}{query}", self.header.trace)
    }
}

fn write_tree(
    args: &Args,
    pivot: Arc<Pivot>,
    evaluator: &Evaluator,
    header: &DocumentHeader<'_>,
    workers: &Workers,
    io: &mut Io<'_>,
) -> anyhow::Result<()> {
    let options = TreeOptions { metrics: args.metrics(), sort: args.sort, top: args.top, depth: args.depth };
    let notes = uncertain_stack_notes(&args.by.0, pivot.total());
    let mut tree = PivotTree::new(pivot);
    let lines = workers.run(|| tree::lines(&mut tree, evaluator, &options))?;
    let query = args.selection.query_text();
    let heading = Heading { header, keys: &args.by.0, query: query.as_deref() };
    tree::write(io, &heading, &options, &lines)?;
    tree::write_notes(io, &notes)?;
    Ok(())
}

fn write_flat(
    args: &Args,
    pivot: &Arc<Pivot>,
    evaluator: &Evaluator,
    header: &DocumentHeader<'_>,
    workers: &Workers,
    io: &mut Io<'_>,
) -> anyhow::Result<()> {
    // Metrics from aggregates are computed when they are written; the others are computed for all groups at once.
    let from_rows = args.metrics().iter().copied().chain(args.sort.metrics()).filter(|f| !f.is_from_aggregate());
    let from_rows: Vec<Metric> = from_rows.collect();
    let known: Result<BTreeMap<Metric, (Vec<Value>, Value)>, _> = workers.run(|| {
        from_rows.iter().map(|f| evaluator.group_values(*f, &|| workers.is_cancelled()).map(|n| (*f, n))).collect()
    });
    let known = known?;
    let value = |group: Option<u32>, metric: Metric| match (known.get(&metric), group) {
        (Some((groups, _)), Some(group)) => groups.get(group as usize).copied().unwrap_or(Value::None),
        (Some((_, total)), None) => *total,
        (None, Some(group)) => pivot.value(group as usize, metric),
        (None, None) => metric.of(pivot.total(), pivot.clock()),
    };
    let order = workers.run(|| pivot.sorted_by(args.sort, |group, metric| value(Some(group as u32), metric)));
    let default_top = if args.format == OutputFormat::Markdown { MARKDOWN_TOP } else { usize::MAX };
    let shown = order.get(..args.top.unwrap_or(default_top)).unwrap_or(&order);
    let rows = MetricTable { pivot, order: shown, metrics: args.metrics(), value: &value };
    match args.format {
        OutputFormat::Json => rows.write_json(&mut io.out, header)?,
        OutputFormat::Csv => rows.write_csv(&mut io.out)?,
        _ => {
            let query = args.selection.query_text();
            let heading = Heading { header, keys: &args.by.0, query: query.as_deref() };
            write_markdown(&mut io.out, &heading, &rows, order.len())?;
            for note in uncertain_stack_notes(&args.by.0, pivot.total()) {
                writeln!(io.out, "\n{}", escape_markdown(&note))?;
            }
        }
    }
    Ok(())
}

/// Writes the groups of `rows` as a Markdown table; `all` is the number of all groups.
fn write_markdown(out: &mut dyn Write, heading: &Heading<'_>, rows: &MetricTable<'_>, all: usize) -> io::Result<()> {
    writeln!(out, "**{}**\n", escape_markdown(&heading.line()))?;
    let keys = rows.pivot.keys();
    let key_columns = keys.iter().map(|k| Column::text(k.title()));
    let columns = key_columns.chain(rows.metrics.iter().map(|f| Column::number(f.title()))).collect();
    let text = |group: Option<u32>, metric: &Metric| format::figure((rows.value)(group, *metric), metric.unit());
    let cells = |group: &u32| {
        let values = (0..keys.len()).map(|column| markdown_cell(&rows.pivot.key_value(*group as usize, column)));
        values.chain(rows.metrics.iter().map(|metric| text(Some(*group), metric))).collect()
    };
    let label = keys.iter().enumerate().map(|(at, _)| if at == 0 { "**Total**".to_owned() } else { String::new() });
    let total = label.chain(rows.metrics.iter().map(|f| format!("**{}**", text(None, f)))).collect();
    Table::new(columns, rows.order.iter().map(cells).chain([total]).collect()).write_markdown(out)?;
    let rest = all - rows.order.len();
    if rest > 0 {
        writeln!(out, "\n{} more groups are not shown.", format::count(rest as u64))?;
    }
    Ok(())
}

fn markdown_cell(value: &KeyValue<'_>) -> String {
    match value {
        KeyValue::Null => String::new(),
        KeyValue::Text(text) => escape_markdown(text),
        KeyValue::Number(number) => number.to_string(),
        KeyValue::Seconds(seconds) => format::duration(*seconds),
        KeyValue::Frames(frames) => frames.iter().map(|f| escape_markdown(f)).collect::<Vec<_>>().join("<br>"),
    }
}

/// A sentence for each kind of stack that the keys show and of which some are uncertain.
fn uncertain_stack_notes(keys: &[Key], total: &Aggregate) -> Vec<String> {
    Metric::of_uncertainty(keys).filter_map(|metric| uncertain_stack_note(metric, total)).collect()
}

fn uncertain_stack_note(metric: Metric, total: &Aggregate) -> Option<String> {
    let (count, event) = match metric {
        Metric::UncertainFreeStacks => (total.uncertain_free_stacks(), "free"),
        Metric::UncertainStacks => (total.uncertain_stacks(), "allocation"),
        _ => return None,
    };
    let share = 100.0 * count as f64 / total.count().max(1) as f64;
    (count > 0).then(|| {
        format!(
            "{} of {} rows ({share:.1}%) have an uncertain {event} stack: records were lost between the key of the stack and \
             its definition, so that the stack can be that of another event or lack its user or kernel part. \
             --columns count,size,{metric} shows these rows.",
            format::count(count),
            format::count(total.count()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::pivot::AggregateRow;
    use poolscope_analysis::trace::allocation::flag;
    use poolscope_analysis::trace::time::Ticks;

    #[test]
    fn only_groupings_by_stacks_mention_uncertain_ones() {
        let mut total = Aggregate::default();
        for flags in [0, flag::UNCERTAIN_ALLOCATION_STACK, flag::IMPLIED_FREE, 0] {
            total.add_row(1, AggregateRow { size_bytes: 8, alloc: Ticks(1), free: Ticks(2), flags });
        }
        assert_eq!(uncertain_stack_notes(&[Key::Tag, Key::Process, Key::FreeStack], &total), [""; 0]);
        for key in [Key::Driver, Key::Function, Key::Stack] {
            let notes = uncertain_stack_notes(&[Key::Tag, key], &total);
            assert!(notes[0].starts_with("1 of 4 rows (25.0%) have an uncertain allocation stack"), "{notes:?}");
            assert!(notes[0].contains("--columns count,size,uncertain_stack_count"), "{notes:?}");
        }
    }

    #[test]
    fn frames_of_a_markdown_cell_are_lines() {
        assert_eq!(markdown_cell(&KeyValue::Frames(vec!["a!b", "c|d"])), "a!b<br>c\\|d");
    }
}
