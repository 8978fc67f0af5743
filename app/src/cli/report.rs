//! `report`: the pivot, as a tree for reading or as flat rows for machines.

use super::io::Io;
use super::open::{TraceArgs, Workers};
use super::report_text::{self, TreeOptions};
use super::selection::{Keys, SelectionArgs, parse_key_list};
use super::{report_markdown, report_text::Heading, uncertain_stacks};
use clap::ValueEnum;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::names::Names;
use poolscope_analysis::export::{Document, FigureTable};
use poolscope_analysis::pivot::{Evaluator, Figure, Number, Pivot, PivotRequest, PivotTree, SortOrder, pivot};
use poolscope_analysis::trace::time::TimeRange;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// Options of `report`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Columns to group by, outermost first: type, impacting_type, paged, pool_type, tag, tag_description, driver,
    /// function, stack, free_stack, process, thread, cpu, session, size_class, address, alloc_time, free_time, lifetime,
    /// generation
    #[arg(long, value_name = "COLUMNS", default_value = "type,paged,tag,stack", value_parser = parse_key_list)]
    by: Keys,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Figure to sort by, largest first; FIGURE:asc for smallest first, key for the order of the names; up to three with
    /// commas between, of which each orders what the ones before leave equal
    #[arg(long, value_name = "FIGURES", default_value = "size", value_parser = parse_sort)]
    sort: SortOrder,
    /// Rows: per level in text, in all otherwise
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Levels of the tree in text
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Figures to show: count, size, impacting_size, impacting_count, net_size, average, min, max, lifetime_avg_s,
    /// lifetime_max_s, frees_per_alloc, growth_bytes_per_s, peak_size, peak_count, uncertain_stack_count,
    /// uncertain_free_stack_count, unique_COLUMN
    #[arg(long, value_name = "FIGURES", value_parser = parse_figures)]
    columns: Option<Figures>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Output formats of `report`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// A tree for reading
    #[default]
    Text,
    /// One row per group
    Csv,
    /// One object with one row per group
    Json,
    /// A table for a ticket or a mail
    Markdown,
}

/// Figures, as one option value.
#[derive(Clone, Debug)]
struct Figures(Vec<Figure>);

fn parse_figures(text: &str) -> Result<Figures, String> {
    let names = text.split(',').filter(|n| !n.trim().is_empty());
    let figures: Result<Vec<Figure>, _> = names.map(str::parse).collect();
    figures.map(Figures).map_err(|e| e.to_string())
}

fn parse_sort(text: &str) -> Result<SortOrder, String> {
    text.parse::<SortOrder>().map_err(|e| e.to_string())
}

/// Figures of the text tree and the Markdown table unless told otherwise.
const SHORT: [Figure; 3] = [Figure::Count, Figure::Size, Figure::ImpactingSize];
/// Rows of a Markdown table unless told otherwise.
const MARKDOWN_TOP: usize = 30;

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    let unique = args.columns.iter().flat_map(|f| &f.0).copied().chain(args.sort.figures());
    let unique = unique.filter_map(|f| if let Figure::Unique(key) = f { Some(key) } else { None });
    let keys: Vec<Key> = args.by.0.iter().copied().chain(unique).collect();
    let needs_stacks = args.figures().iter().copied().chain(args.sort.figures()).any(Figure::needs_stacks);
    let loaded: Vec<Key> = keys.iter().copied().chain(needs_stacks.then_some(Key::Stack)).collect();
    args.trace.with_trace(io, args.selection.load_options(&loaded), |trace, workers, io| {
        let view = args.selection.view(trace)?;
        let names = args.selection.names(trace, &keys, &args.trace, io)?;
        let work = workers.run(|| prepare(args, &names, view, workers));
        let (table, evaluator) = work?;
        let name = args.trace.name();
        let document = Document {
            trace: &name,
            view,
            recorded: trace.recorded.range,
            analyzed: trace.recorded.analyzed(view),
            clock: trace.clock,
        };
        match args.format {
            Format::Text => tree(args, table, &evaluator, &document, workers, io)?,
            _ => flat(args, &table, &evaluator, &document, workers, io)?,
        }
        Ok(0)
    })
}

impl Args {
    fn figures(&self) -> &[Figure] {
        match (&self.columns, self.format) {
            (Some(figures), _) => &figures.0,
            (None, Format::Text | Format::Markdown) => &SHORT,
            (None, _) => Figure::DEFAULT,
        }
    }
}

type Prepared<'n> = (Arc<Pivot>, Evaluator<'n>);

fn prepare<'n>(args: &Args, names: &'n Names, view: TimeRange, workers: &Workers) -> anyhow::Result<Prepared<'n>> {
    let rows = args.selection.rows(names, view);
    let request = PivotRequest { keys: &args.by.0, view, rows: rows.as_ref() };
    let table = Arc::new(pivot(names, &request, &|| workers.cancelled())?);
    let figures: Vec<Figure> = args.figures().iter().copied().chain(args.sort.figures()).collect();
    let evaluator = Evaluator::new(names, &table, rows.as_ref(), &figures);
    Ok((table, evaluator))
}

fn tree(
    args: &Args,
    table: Arc<Pivot>,
    evaluator: &Evaluator<'_>,
    document: &Document<'_>,
    workers: &Workers,
    io: &mut Io<'_>,
) -> anyhow::Result<()> {
    let options = TreeOptions { figures: args.figures(), sort: args.sort, top: args.top, depth: args.depth };
    let notes = uncertain_stacks::notes(&args.by.0, table.total());
    let mut tree = PivotTree::new(table);
    let lines = workers.run(|| report_text::lines(&mut tree, evaluator, &options))?;
    let query = args.selection.query_text();
    let heading = Heading { document, keys: &args.by.0, query: query.as_deref() };
    report_text::write(io, &heading, &options, &lines)?;
    report_text::write_notes(io, &notes)?;
    Ok(())
}

fn flat(
    args: &Args,
    table: &Arc<Pivot>,
    evaluator: &Evaluator<'_>,
    document: &Document<'_>,
    workers: &Workers,
    io: &mut Io<'_>,
) -> anyhow::Result<()> {
    // Figures from sums are made as they are written; the others are made for all groups at once.
    let from_rows = args.figures().iter().copied().chain(args.sort.figures()).filter(|f| !f.is_from_sums());
    let from_rows: Vec<Figure> = from_rows.collect();
    let known: Result<BTreeMap<Figure, (Vec<Number>, Number)>, _> = workers
        .run(|| from_rows.iter().map(|f| evaluator.groups(*f, &|| workers.cancelled()).map(|n| (*f, n))).collect());
    let known = known?;
    let figure = |group: Option<u32>, figure: Figure| match (known.get(&figure), group) {
        (Some((groups, _)), Some(group)) => groups.get(group as usize).copied().unwrap_or(Number::None),
        (Some((_, total)), None) => *total,
        (None, Some(group)) => table.figure(group as usize, figure),
        (None, None) => figure.of(table.total(), table.scale()),
    };
    let order = workers.run(|| table.sorted_by(args.sort, |group, f| figure(Some(group as u32), f)));
    let default_top = if args.format == Format::Markdown { MARKDOWN_TOP } else { usize::MAX };
    let shown = order.get(..args.top.unwrap_or(default_top)).unwrap_or(&order);
    let rows = FigureTable { pivot: table, order: shown, figures: args.figures(), figure: &figure };
    match args.format {
        Format::Json => rows.write_json(&mut io.out, document)?,
        Format::Csv => rows.write_csv(&mut io.out)?,
        _ => {
            let query = args.selection.query_text();
            let heading = Heading { document, keys: &args.by.0, query: query.as_deref() };
            report_markdown::write(&mut io.out, &heading, &rows, order.len())?;
            for note in uncertain_stacks::notes(&args.by.0, table.total()) {
                writeln!(io.out, "\n{}", report_markdown::escape(&note))?;
            }
        }
    }
    Ok(())
}
