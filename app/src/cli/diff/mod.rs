//! `diff`: two traces, or two ranges of one, as a tree for reading or as flat rows.

mod tree;

use super::fail_if::{self, CompareFigure, CompareFigures, CompareUnit, Condition};
use super::io::Io;
use super::open::{TraceArgs, UsageError, Workers, require_times};
use super::output_file;
use super::output_format::OutputFormat;
use super::selection::{Keys, SelectionArgs, parse_key_list};
use super::table::{Column, Table, escape_markdown};
use super::units::{SecondsRange, parse_range};
use crate::compare_text;
use crate::report::{CompareReport, write_comparison};
use poolscope_analysis::compare::finding::{Finding, worse};
use poolscope_analysis::compare::join::SideSums;
use poolscope_analysis::compare::{
    Change, CompareColumn, CompareRequest, CompareSort, Comparison, Divisors, FindingRequest, Normalization,
    NormalizationError, Part, Side, SideRequest, compare, findings,
};
use poolscope_analysis::export::{CompareTable, DocumentHeader};
use poolscope_analysis::group::column::KeyValue;
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::pivot::Metric;
use poolscope_analysis::trace::Trace;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tree::TreeOptions;

/// Options of `diff`.
#[derive(clap::Args, Debug)]
#[command(mut_arg("trace", |arg| arg.index(1).num_args(1).action(clap::ArgAction::Set).value_name("BASELINE").help("The trace to compare with (.etl)").long_help(None)))]
#[command(mut_arg("frames", |arg| arg.default_value("function")))]
#[command(mut_arg("range", |arg| arg.help(RANGE_HELP)))]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// The trace that is compared (.etl). Without it, two ranges of one trace are compared
    #[arg(value_name = "COMPARISON", index = 2)]
    comparison: Option<PathBuf>,
    /// Visible range of the comparison (default: that of --range)
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, allow_hyphen_values = true)]
    range_comparison: Option<SecondsRange>,
    #[arg(long, value_name = "COLUMNS", default_value = "type,paged,tag,stack", value_parser = parse_key_list, help = by_help())]
    by: Keys,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Unit that figures refer to: 'second', or a pool tag for figures per allocation of it (default: figures as they are)
    #[arg(long, value_name = "second|TAG", value_parser = parse_per)]
    per: Option<Normalization>,
    /// Shows only rows with these changes, by the figure that is sorted by: new, grown, same, shrunk, gone
    #[arg(long, value_name = "CHANGES", value_delimiter = ',', value_parser = |text: &str| text.parse::<Change>())]
    only: Vec<Change>,
    /// Figure to sort by, the largest difference first. delta_, baseline_, comparison_, ratio_ or overweight_ before it sorts by
    /// that part, :asc behind it the smallest first, key by name. Up to three figures separated by commas
    #[arg(long, value_name = "FIGURES", value_parser = parse_sort, default_value = "impacting_size,size,count")]
    sort: CompareSort,
    /// Number of rows: per level in text, in total in the other formats
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Number of tree levels in text
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    #[arg(long, value_name = "FIGURES", value_parser = parse_metrics, help = columns_help())]
    columns: Option<Metrics>,
    /// Output format. CSV and JSON have each figure as baseline_, comparison_ and delta_
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
    /// Writes an HTML report to this file, in addition to the output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replaces an existing HTML report
    #[arg(long, requires = "html")]
    force: bool,
    /// Exits with code 3 if the condition is true, such as 'delta_impacting_size > 10MB or worse > 0'. Can be given more than
    /// once. Figures: delta_count, delta_size, delta_impacting_size, delta_impacting_count, delta_net_size, delta_growth,
    /// nonpaged_delta_impacting_size, paged_delta_impacting_size, worst_delta_impacting_size (the tag that grew most),
    /// ratio_count, ratio_size, ratio_impacting_size, new, grown, shrunk, gone, overweight (rows), worse (tags). With --per second,
    /// differences of sizes are rates such as 1MB/min
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<String>,
}

const FORMATS: [OutputFormat; 4] = [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Markdown];

const RANGE_HELP: &str = "Visible range of the baseline, and of the comparison unless --range-comparison is given, in seconds from \
                          the start of the trace, both ends included. Either side can be omitted";

/// Default figures of CSV and JSON.
const METRICS: [Metric; 3] = [Metric::Count, Metric::Size, Metric::ImpactingSize];
/// Default figures of text, Markdown and HTML.
const SHORT_METRICS: [Metric; 2] = [Metric::ImpactingSize, Metric::Count];
/// Default number of rows of a Markdown table.
const MARKDOWN_TOP: usize = 30;
/// Keys that the summary needs.
const SUMMARY_KEYS: [Key; 3] = [Key::Driver, Key::Function, Key::Stack];

/// Help of `--by`, with all key columns.
fn by_help() -> String {
    let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
    format!("Columns whose values make rows of both sides the same row, outermost first: {}", names.join(", "))
}

fn is_compared(metric: Metric) -> bool {
    metric.is_from_aggregate() || metric == Metric::Growth
}

/// Help of `--columns`, with all figures of a comparison.
fn columns_help() -> String {
    let names: Vec<String> = Metric::named().filter(|metric| is_compared(*metric)).map(Metric::name).collect();
    format!("Figures to show: {}", names.join(", "))
}

/// Figures, as one option value.
#[derive(Clone, Debug)]
struct Metrics(Vec<Metric>);

fn checked(metric: Metric) -> Result<Metric, String> {
    let refusal =
        || format!("'{metric}' of a comparison is not computed: it is no sum over rows; report has it for one trace");
    if is_compared(metric) { Ok(metric) } else { Err(refusal()) }
}

fn parse_metrics(text: &str) -> Result<Metrics, String> {
    let names = text.split(',').filter(|name| !name.trim().is_empty());
    names.map(|name| checked(name.parse::<Metric>().map_err(|e| e.to_string())?)).collect::<Result<_, _>>().map(Metrics)
}

fn parse_sort(text: &str) -> Result<CompareSort, String> {
    let sort = text.parse::<CompareSort>().map_err(|e| e.to_string())?;
    sort.levels.iter().filter_map(|level| level.0).try_for_each(|column| checked(column.metric).map(drop))?;
    Ok(sort)
}

fn parse_per(text: &str) -> Result<Normalization, String> {
    match text {
        "second" => Ok(Normalization::PerSecond),
        tag if !tag.is_empty() && (tag.chars().count() <= 4 || tag.contains("\\x")) => {
            Ok(Normalization::PerAllocation(tag.to_owned()))
        }
        _ => Err("this is neither 'second' nor a pool tag of up to four characters".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// A trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if args.comparison.is_none() && args.range_comparison.is_none() {
        let message = "diff needs a second trace, or --range-comparison FROM..TO to compare two ranges of one trace";
        return Err(UsageError(message.to_owned()).into());
    }
    let conditions = args.conditions()?;
    args.html.iter().try_for_each(|path| output_file::check(path, args.force))?;
    let keys: Vec<Key> = args.by.0.iter().copied().chain(SUMMARY_KEYS).collect();
    let options = args.selection.load_options(&keys, &[]);
    args.trace.with_trace(io, options, |baseline, workers, io| {
        require_times(baseline, &args.trace.name(), PURPOSE)?;
        let names = Arc::new(args.selection.names(baseline, &keys, &args.trace, io)?);
        let first = args.side(&args.selection, names, workers)?;
        let selection = args.selection.with_range(args.range_comparison.or(args.selection.range()));
        match &args.comparison {
            None => {
                let second = args.side(&selection, Arc::clone(&first.names), workers)?;
                args.compare([first, second], &args.trace, &conditions, workers, io)
            }
            Some(path) => {
                let other = TraceArgs { trace: vec![path.clone()], demo: false, ..args.trace.clone() };
                other.with_trace(io, options, |trace, _, io| {
                    require_times(trace, &other.name(), PURPOSE)?;
                    let names = Arc::new(selection.names(trace, &keys, &other, io)?);
                    let second = args.side(&selection, names, workers)?;
                    args.compare([first, second], &other, &conditions, workers, io)
                })
            }
        }
    })
}

/// Reason why a comparison needs times.
const PURPOSE: &str = "a comparison of what two recordings of some length left";

/// A comparison with everything that its texts need.
struct DiffReport<'d> {
    comparison: &'d Comparison,
    findings: &'d [Finding],
    headers: [DocumentHeader<'d>; 2],
    query: Option<String>,
    /// The figure that change, ratio and overweight refer to.
    measure: Metric,
    /// The summary sentence.
    summary: String,
}

impl Args {
    fn conditions(&self) -> anyhow::Result<Vec<Condition<CompareFigure>>> {
        let unit = CompareUnit::of(&self.unit());
        let condition = |text: &String| Condition::parse(text, &|name| CompareFigure::named(name, unit));
        let conditions: Result<_, String> = self.fail_if.iter().map(condition).collect();
        conditions.map_err(|message| UsageError(format!("--fail-if: {message}")).into())
    }

    fn unit(&self) -> Normalization {
        self.per.clone().unwrap_or_default()
    }

    /// The figure that change, ratio and overweight refer to: the first that is sorted by.
    fn measure(&self) -> Metric {
        let first = self.sort.levels.iter().find_map(|level| level.0);
        first.map_or(Metric::ImpactingSize, |column| column.metric)
    }

    fn metrics(&self) -> &[Metric] {
        match (&self.columns, self.format) {
            (Some(metrics), _) => &metrics.0,
            (None, OutputFormat::Text | OutputFormat::Markdown) => &SHORT_METRICS,
            (None, _) => &METRICS,
        }
    }

    fn side(
        &self,
        selection: &SelectionArgs,
        names: Arc<ColumnValues>,
        workers: &Workers,
    ) -> anyhow::Result<SideRequest> {
        let visible_range = selection.visible_range(names.trace())?;
        let rows = workers.run(|| selection.rows(&names, visible_range)).map(Arc::new);
        Ok(SideRequest { names, visible_range, rows })
    }

    /// Compares the sides and writes the result; `other` is the trace of the comparison.
    fn compare(
        &self,
        sides: [SideRequest; 2],
        other: &TraceArgs,
        conditions: &[Condition<CompareFigure>],
        workers: &Workers,
        io: &mut Io<'_>,
    ) -> anyhow::Result<u8> {
        let cancel = || workers.is_cancelled();
        let [first, second] = &sides;
        let divisors = workers.run(|| Divisors::new(self.unit(), [first, second], &cancel));
        let divisors = divisors.map_err(|error| match error {
            NormalizationError::Cancelled => anyhow::Error::new(error),
            other => UsageError(other.to_string()).into(),
        })?;
        let sorted = self.sort.levels.iter().filter_map(|level| level.0).map(|column| column.metric);
        let with_growth = self.metrics().iter().copied().chain(sorted).any(|metric| metric == Metric::Growth)
            || conditions.iter().any(|condition| condition.refers_to(CompareFigure::needs_growth));
        let request = FindingRequest { sides: sides.clone(), divisors: divisors.clone() };
        let findings = workers.run(|| findings(request, &cancel))?;
        let (trace_ranges, names) = (sides.clone(), [self.trace.name(), other.name()]);
        let request = CompareRequest { keys: &self.by.0, sides, divisors, with_growth };
        let comparison = Arc::new(workers.run(|| compare(request, &cancel))?);
        let header = |side: usize| {
            let SideRequest { names: values, visible_range, .. } = &trace_ranges[side];
            let trace: &Trace = values.trace();
            DocumentHeader::new(&names[side], trace, *visible_range)
        };
        let report = DiffReport {
            comparison: &comparison,
            findings: &findings,
            headers: [header(0), header(1)],
            query: self.selection.query_text(),
            measure: self.measure(),
            summary: compare_text::summary(&comparison, &findings),
        };
        self.write(&report, &comparison, workers, io)?;
        let figures = CompareFigures { comparison: &comparison, findings: report.findings, measure: report.measure };
        fail_if::check(conditions, &figures, io)
    }

    fn write(
        &self,
        report: &DiffReport<'_>,
        comparison: &Arc<Comparison>,
        workers: &Workers,
        io: &mut Io<'_>,
    ) -> anyhow::Result<()> {
        let shown = match self.only.as_slice() {
            [] => Arc::clone(comparison),
            changes => Arc::new(workers.run(|| comparison.only(changes, report.measure))),
        };
        if let Some(path) = &self.html {
            let order = workers.run(|| shown.sorted(&self.sort));
            let input = CompareReport {
                names: report.headers.each_ref().map(|header| file_name(header.trace)),
                comparison: &shown,
                order: &order,
                measure: report.measure,
                others: &SHORT_METRICS,
                summary: &report.summary,
                is_worse: worse(report.findings).next().is_some(),
                heading: &report.heading(),
                notes: &report.notes(),
            };
            output_file::write(path, self.force, |out| Ok(write_comparison(out, &input)?))?;
        }
        if self.format == OutputFormat::Text {
            let options = TreeOptions {
                metrics: self.metrics(),
                measure: report.measure,
                sort: &self.sort,
                top: self.top,
                depth: self.depth,
            };
            let lines = workers.run(|| tree::lines(Arc::clone(&shown), &options));
            tree::write(io, report, &options, &lines)?;
            return Ok(());
        }
        let order = workers.run(|| shown.sorted(&self.sort));
        let default_top = if self.format == OutputFormat::Markdown { MARKDOWN_TOP } else { usize::MAX };
        let rows = order.get(..self.top.unwrap_or(default_top)).unwrap_or(&order);
        let (metrics, measure) = (self.metrics(), report.measure);
        let table = CompareTable { comparison: &shown, order: rows, metrics, measure, summary: &report.summary };
        match self.format {
            OutputFormat::Json => table.write_json(&mut io.out, [&report.headers[0], &report.headers[1]])?,
            OutputFormat::Csv => table.write_csv(&mut io.out)?,
            _ => write_markdown(&mut io.out, report, &table, order.len())?,
        }
        Ok(())
    }
}

impl DiffReport<'_> {
    /// The two sides, one line each.
    fn sides(&self) -> [String; 2] {
        [(0, Side::Baseline), (1, Side::Comparison)]
            .map(|(at, side): (usize, Side)| compare_text::side(self.headers[at].trace, self.comparison, side))
    }

    /// Key columns, unit and query in one line.
    fn heading(&self) -> String {
        let keys: Vec<&str> = self.comparison.groups().keys().iter().map(|key| key.name()).collect();
        let by = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
        let per = compare_text::per(&self.comparison.divisors().unit);
        let per = if per.is_empty() { per } else { format!(" {per}") };
        let query = self.query.as_ref().map_or_else(String::new, |query| format!(", where {query}"));
        format!("{}{per}{by}{query}", self.measure.title())
    }

    fn notes(&self) -> Vec<String> {
        compare_text::notes(self.comparison, "--per second")
    }
}

/// A file name without its folder; the name may come from another system.
fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The columns of text and Markdown: both sides, difference, ratio and overweight of the measure, then the differences of the
/// other figures.
fn short_columns(metrics: &[Metric], measure: Metric) -> Vec<(CompareColumn, String)> {
    let of_measure = Part::ALL.into_iter().map(|part| {
        let column = CompareColumn { part, metric: measure };
        (column, compare_text::part_title(part).to_owned())
    });
    let others = metrics
        .iter()
        .filter(|metric| **metric != measure)
        .map(|metric| (CompareColumn { part: Part::Delta, metric: *metric }, format!("{} difference", metric.title())));
    of_measure.chain(others).collect()
}

/// Writes the rows of `table` as a Markdown table; `all` is the number of all rows.
fn write_markdown(
    out: &mut dyn Write,
    report: &DiffReport<'_>,
    table: &CompareTable<'_>,
    all: usize,
) -> std::io::Result<()> {
    writeln!(out, "**{}**\n", escape_markdown(&report.summary))?;
    let [baseline, comparison] = report.sides();
    writeln!(out, "- Baseline: {}\n- Comparison: {}", escape_markdown(&baseline), escape_markdown(&comparison))?;
    writeln!(out, "- {}\n", escape_markdown(&report.heading()))?;
    let pivot = table.comparison.groups();
    let columns = short_columns(table.metrics, table.measure);
    let titles = pivot.keys().iter().map(|key| Column::text(key.title())).chain([Column::text("Change")]);
    let titles = titles.chain(columns.iter().map(|(_, title)| Column::number(title.clone()))).collect();
    let figures = |sums: &[SideSums; 2]| {
        let figure = |(column, _): &(CompareColumn, String)| {
            let value = table.comparison.value_of(sums, *column);
            compare_text::figure(value, column.part, column.metric.unit())
        };
        columns.iter().map(figure).collect::<Vec<String>>()
    };
    let row = |group: &u32| {
        let sums = table.comparison.sums(&(*group..*group + 1));
        let keys = (0..pivot.keys().len()).map(|column| markdown_cell(&pivot.key_value(*group as usize, column)));
        let change = table.comparison.change_of(&sums, table.measure).name().to_owned();
        keys.chain([change]).chain(figures(&sums)).collect()
    };
    let whole = table.comparison.whole();
    let label = (0..=pivot.keys().len()).map(|at| if at == 0 { "**Total**".to_owned() } else { String::new() });
    let total: Vec<String> = label.chain(figures(whole).into_iter().map(|figure| format!("**{figure}**"))).collect();
    Table::new(titles, table.order.iter().map(row).chain([total]).collect()).write_markdown(out)?;
    let rest = all - table.order.len();
    if rest > 0 {
        writeln!(out, "\n{} more rows are not shown.", crate::format::count(rest as u64))?;
    }
    report.notes().iter().try_for_each(|note| writeln!(out, "\n{}", escape_markdown(note)))
}

fn markdown_cell(value: &KeyValue<'_>) -> String {
    match value {
        KeyValue::Null => String::new(),
        KeyValue::Text(text) => escape_markdown(text),
        KeyValue::Number(number) => number.to_string(),
        KeyValue::Seconds(seconds) => crate::format::duration(*seconds),
        KeyValue::Frames(frames) => frames.iter().map(|f| escape_markdown(f)).collect::<Vec<_>>().join("<br>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_no_sums_are_refused_with_a_reason() {
        assert_eq!(parse_metrics("count, growth_bytes_per_s").map(|metrics| metrics.0.len()), Ok(2));
        assert!(parse_metrics("count,peak_size").unwrap_err().contains("'peak_size' of a comparison is not computed"));
        assert!(parse_sort("delta_unique_tag").is_err());
        assert!(parse_metrics("sise").unwrap_err().contains("did you mean 'size'"));
    }

    #[test]
    fn a_unit_is_a_second_or_a_tag() {
        assert_eq!(parse_per("second"), Ok(Normalization::PerSecond));
        assert_eq!(parse_per("Irp"), Ok(Normalization::PerAllocation("Irp".to_owned())));
        assert_eq!(parse_per("Ob\\x01b"), Ok(Normalization::PerAllocation("Ob\\x01b".to_owned())));
        assert!(parse_per("minute").is_err() && parse_per("").is_err());
    }
}
