//! `export`: a report, table, graph or flame graph in a file, in the format of its ending; a folder gets the tables of many traces.

use super::command_line::CommandLine;
use super::dataset;
use super::io::Io;
use super::open::{TraceArgs, UsageError, Workers};
use super::output_file;
use super::selection::{Keys, SelectionArgs, parse_key_list};
use super::symbol_args::module_lines;
use crate::export::{
    Content, ExportRequest, FileFormat, FlameChoice, GraphChoice, GraphStyle, ReportChoice, TableChoice, WatchedWriter,
    WriteProgress, write,
};
use crate::format;
use clap::{ValueEnum, ValueHint};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use poolscope_analysis::export::drawing::Theme;
use poolscope_analysis::flame::{FlameDirection, FlameMetric};
#[cfg(feature = "fleet")]
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::leaks::{AnalysisRequest, SuspectGrouping, WarmUp};
use poolscope_analysis::pivot::{Metric, SortOrder};
use poolscope_analysis::series::SeriesMetric;
use poolscope_analysis::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Options of `export`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    pub(super) trace: TraceArgs,
    /// The file to write. Its ending is the format: .html and .md hold a report, .csv and .json a table, .folded, .pb.gz (pprof),
    /// .speedscope.json and .svg a flame graph, .png a graph, unless --what says otherwise. A folder (with / at the end) gets a dataset:
    /// the tables of all traces, those in given folders and archives too, as Parquet files; traces that are in it already are skipped, so that an export can be continued. .parquet holds one table of one trace (--only TABLE; default:
    /// allocations)
    #[arg(long, value_name = "FILE|FOLDER/", value_hint = ValueHint::FilePath)]
    to: PathBuf,
    /// Writes only these tables of a dataset: allocations, stacks, modules, processes, suspects, tags (default: all; traces is always
    /// written)
    #[cfg(feature = "fleet")]
    #[arg(long, value_name = "TABLES", value_parser = super::dataset::parse_tables)]
    pub(super) only: Option<dataset::Tables>,
    /// Content of the file. A table can be .csv, .json or .md, a graph .png, .svg, .csv or .json
    #[arg(long, value_enum, value_name = "CONTENT")]
    what: Option<What>,
    /// Columns to group by, outermost first (default: type,paged,tag,stack; of a graph tag, of a flame graph stack). In a flame
    /// graph, columns other than stacks become frames outside of the stacks; in pprof they become labels
    #[arg(long, value_name = "COLUMNS", value_parser = parse_key_list)]
    by: Option<Keys>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Figure to sort the rows of a table by, largest first; as in report
    #[arg(long, value_name = "FIGURES", default_value = "size", value_parser = |text: &str| text.parse::<SortOrder>())]
    sort: SortOrder,
    /// Number of rows of a table (default: all; 100 in a report), or number of curves of a graph (default: all in .csv and .json,
    /// 10 in pictures)
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Weight of the frames in a flame graph
    #[arg(long, value_enum, default_value_t)]
    weight: Weight,
    /// Merges the stacks of a flame graph from the allocation outwards (.svg)
    #[arg(long)]
    bottom_up: bool,
    /// Value of the curves in a graph: outstanding, cumulative, rate, count, cumulative_count or rate_count
    #[arg(long, default_value = "outstanding", value_parser = |text: &str| text.parse::<SeriesMetric>())]
    measure: SeriesMetric,
    /// Number of points of a curve in .csv and .json, including both ends of the range
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    points: u32,
    /// Style of a graph in .png and .svg
    #[arg(long, value_enum, default_value_t)]
    style: Style,
    /// Colors of .png and .svg
    #[arg(long, value_enum, default_value_t)]
    theme: ThemeName,
    /// Includes allocations from before the trace in the outstanding values of a graph
    #[arg(long)]
    include_preexisting: bool,
    /// Includes the computer name and full paths in a report (default: file names only)
    #[arg(long)]
    identify: bool,
    /// Replaces an existing file, and the files of traces that are in a dataset already
    #[arg(long)]
    pub(super) force: bool,
    /// The command line that these options were read from.
    #[arg(skip)]
    pub command_line: CommandLine,
}

/// Content of the file.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Verdicts with evidence, curves, table, markers, module states and data quality
    Report,
    /// Groups with figures, as in report
    Table,
    /// Curves over time, as in series
    Graph,
    /// Stacks merged by their frames
    Flame,
}

/// Weight of a frame in a flame graph.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
enum Weight {
    /// Bytes of AIFO allocations
    #[default]
    ImpactingSize,
    /// Number of AIFO allocations
    ImpactingCount,
    /// Bytes of all allocations
    Size,
    /// Number of all allocations
    Count,
}

/// Style of a graph.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Style {
    /// A line for each curve
    #[default]
    Lines,
    /// Stacked areas
    Areas,
    /// Stacked bars
    Bars,
}

impl Style {
    const fn style(self) -> GraphStyle {
        match self {
            Self::Lines => GraphStyle::Lines,
            Self::Areas => GraphStyle::Areas,
            Self::Bars => GraphStyle::Bars,
        }
    }
}

/// Colors of a picture.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ThemeName {
    /// Dark on white
    #[default]
    Light,
    /// Light on black
    Dark,
}

impl ThemeName {
    const fn theme(self) -> Theme {
        match self {
            Self::Light => Theme::Light,
            Self::Dark => Theme::Dark,
        }
    }
}

impl Weight {
    const fn metric(self) -> FlameMetric {
        match self {
            Self::ImpactingSize => FlameMetric::ImpactingSize,
            Self::ImpactingCount => FlameMetric::ImpactingCount,
            Self::Size => FlameMetric::Size,
            Self::Count => FlameMetric::Count,
        }
    }
}

impl What {
    const fn content(self) -> Content {
        match self {
            Self::Report => Content::Report,
            Self::Table => Content::Table,
            Self::Graph => Content::Graph,
            Self::Flame => Content::Flame,
        }
    }
}

/// Suspects and table rows of a report.
const REPORT_SUSPECTS: usize = 10;
const REPORT_ROWS: usize = 100;
/// Keys that a report needs for its analysis.
const REPORT_KEYS: [Key; 3] = [Key::Driver, Key::Function, Key::Stack];

/// Runs the command.
///
/// # Errors
/// The format is unknown or cannot hold the content, the file exists, the trace cannot be loaded, or the file cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if dataset::is_meant(&args.to) {
        return dataset::run(args, io);
    }
    args.check_single_file()?;
    let (content, file_format) = args.content()?;
    output_file::check(&args.to, args.force)?;
    let keys = args.keys(content);
    let mut needed = keys.clone();
    if content == Content::Report {
        needed.extend(REPORT_KEYS);
    }
    let sorted_by: Vec<Metric> = args.sort.metrics().collect();
    args.trace.with_trace(io, args.selection.load_options(&needed, &sorted_by), |trace, workers, io| {
        let request = args.request(trace, &needed, keys, workers, io)?;
        let progress = WriteProgress::default();
        let run = || {
            output_file::write(&args.to, args.force, |out| {
                let mut out = WatchedWriter::new(out, progress.clone(), workers.cancel_token());
                write(&request, content, file_format, &mut out, &workers.cancel_token())
            })
        };
        let is_shown = io.interactive;
        workers.run(|| if is_shown { with_spinner(&progress, run) } else { run() })?;
        let bytes = std::fs::metadata(&args.to).map_or(0, |found| found.len());
        writeln!(io.err, "poolscope: {content} written to {} ({})", args.to.display(), format::bytes(bytes))?;
        Ok(0)
    })
}

impl Args {
    /// The file or folder to write.
    pub(super) fn to(&self) -> &Path {
        &self.to
    }

    /// Names as a dataset has them: by function, so that stacks of several hosts can be compared, unless another naming is given.
    #[cfg(feature = "fleet")]
    pub(super) fn names_of_dataset(
        &self,
        trace: &Arc<Trace>,
        keys: &[Key],
        args: &TraceArgs,
        io: &mut Io<'_>,
    ) -> anyhow::Result<ColumnValues> {
        let is_given = self.command_line.options.iter().any(|option| option == "frames");
        let selection = if is_given { self.selection.clone() } else { self.selection.with_function_names() };
        selection.names(trace, keys, args, io)
    }

    /// Checks that the arguments are about one trace and one file.
    fn check_single_file(&self) -> Result<(), UsageError> {
        let given = self.command_line.options.iter();
        let unfit = given.clone().find(|option| option.as_str() == "only");
        let folder = "a dataset of many traces is a folder, with / at its end, such as --to dataset/";
        match unfit {
            Some(_) => Err(UsageError(format!("--only chooses tables of a dataset: {folder}"))),
            None if self.to.is_dir() => {
                Err(UsageError(format!("cannot write {}: it is a folder; {folder}", self.to.display())))
            }
            None => Ok(()),
        }
    }

    fn content(&self) -> Result<(Content, FileFormat), UsageError> {
        let Some(file_format) = FileFormat::of_path(&self.to) else {
            let endings: Vec<String> = FileFormat::ALL.iter().map(|format| format!(".{}", format.ending())).collect();
            let message = format!("the ending of '{}' is no format: use {}", self.to.display(), endings.join(", "));
            return Err(UsageError(message));
        };
        let contents = file_format.contents();
        let content = match self.what {
            Some(what) => what.content(),
            None => contents.first().copied().unwrap_or(Content::Table),
        };
        if contents.contains(&content) {
            return Ok((content, file_format));
        }
        let endings: Vec<String> = content.formats().iter().map(|format| format!(".{}", format.ending())).collect();
        let (content, ending) = (content.title(), file_format.ending());
        Err(UsageError(format!("a .{ending} file cannot hold a {content}: use {}", endings.join(", "))))
    }

    fn keys(&self, content: Content) -> Vec<Key> {
        match (&self.by, content) {
            (Some(keys), Content::Flame) => crate::export::flame_keys(&keys.0),
            (Some(keys), _) => keys.0.clone(),
            (None, Content::Graph) => vec![Key::Tag],
            (None, Content::Flame) => vec![Key::Stack],
            (None, Content::Report | Content::Table) => vec![Key::Type, Key::Paged, Key::Tag, Key::Stack],
        }
    }

    fn request(
        &self,
        trace: &Arc<Trace>,
        needed: &[Key],
        keys: Vec<Key>,
        workers: &Workers,
        io: &mut Io<'_>,
    ) -> anyhow::Result<ExportRequest> {
        let visible_range = self.selection.visible_range(trace)?;
        let (names, resolved) = self.selection.names_and_symbols(trace, needed, &self.trace, io)?;
        let rows = workers.run(|| self.selection.rows(&names, visible_range)).map(Arc::new);
        let name = self.trace.name();
        // The name may come from another system.
        let file_name = name.rsplit(['/', '\\']).next().unwrap_or(&name).to_owned();
        let is_report = self.content()?.0 == Content::Report;
        let command = if self.identify { &self.command_line.full } else { &self.command_line.anonymized };
        Ok(ExportRequest {
            name: if is_report && !self.identify { file_name } else { name },
            shows_computer_name: self.identify,
            visible_range,
            rows,
            query: self.selection.query_text(),
            table: TableChoice {
                keys: keys.clone(),
                metrics: if is_report { REPORT_METRICS.to_vec() } else { Metric::DEFAULT.to_vec() },
                sort: self.sort,
                top: self.top,
            },
            graph: GraphChoice {
                keys: keys.clone(),
                metric: self.measure,
                points: self.points as usize,
                top: self.top,
                include_preexisting: self.include_preexisting,
                style: self.style.style(),
                theme: self.theme.theme(),
                colors: BTreeMap::new(),
                hidden: BTreeSet::new(),
            },
            flame: FlameChoice {
                keys,
                metric: self.weight.metric(),
                direction: if self.bottom_up { FlameDirection::BottomUp } else { FlameDirection::TopDown },
                root_at_top: false,
                zoom: Vec::new(),
                theme: self.theme.theme(),
                module_fills: BTreeMap::new(),
            },
            report: ReportChoice {
                analysis: AnalysisRequest { visible_range, grouping: SuspectGrouping::Tag, warm_up: WarmUp::Automatic },
                top: REPORT_SUSPECTS,
                table_top: self.top.unwrap_or(REPORT_ROWS),
                modules: resolved.map_or_else(Vec::new, |resolved| module_lines(trace, &resolved)),
                scanned_drivers: None,
                command: command.clone(),
            },
            names: Arc::new(names),
        })
    }
}

/// Metrics of the table in a report.
const REPORT_METRICS: [Metric; 3] = [Metric::Count, Metric::Size, Metric::ImpactingSize];

/// Shows the number of bytes written on standard error while `run` works.
fn with_spinner<R>(progress: &WriteProgress, run: impl FnOnce() -> R) -> R {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let message = match progress.bytes() {
                    0 => "computing".to_owned(),
                    bytes => format!("writing, {}", format::bytes(bytes)),
                };
                bar.set_message(message);
                bar.tick();
                std::thread::park_timeout(Duration::from_millis(100));
            }
        });
        let result = run();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        result
    });
    bar.finish_and_clear();
    result
}
