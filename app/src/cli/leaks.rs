//! `leaks`: verdicts on tags, stacks, drivers or processes, as text, Markdown, CSV, JSON, test results and HTML.

use super::command_line::CommandLine;
use super::fail_if::{self, Condition, LeakFigure, LeakFigures};
use super::io::Io;
use super::open::{TraceArgs, UsageError, Workers, require_times};
use super::output_format::OutputFormat;
use super::selection::SelectionArgs;
use super::symbol_args::module_lines;
use super::table::{Table, escape_markdown};
use super::units::parse_seconds;
use super::{output_file, record};
use crate::drivers::{scan_folder, tags_of};
use crate::export::ModuleLine;
use crate::report::junit::{CheckedCondition, JunitReport};
use crate::report::markdown::{SuspectSections, stack_title, suspect_cells, suspect_columns};
use crate::report::{self, ReportInput};
use crate::{format, leak_text};
use clap::ValueEnum;
use poolscope_analysis::export::DocumentHeader;
use poolscope_analysis::export::leaks::{LeakTable, LeakTexts};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frame_lines::frame_lines;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::leaks::owner::{ScannedDrivers, TagOwnerCandidate, TagOwnerData, owner_candidates};
use poolscope_analysis::leaks::{
    AnalysisRequest, DataQualityIssue, LeakAnalysis, Suspect, SuspectGrouping, WarmUp, analyze,
};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use poolscope_symbols::names::SourceLine;
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Options of `leaks`. `--where` is hidden: allocations are compared with each other, so the analysis needs all of them.
#[derive(clap::Args, Debug)]
#[command(mut_arg("query", |query| query.hide(true)))]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Unit of a verdict
    #[arg(long, value_enum, default_value_t)]
    by: GroupBy,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Searches the driver files (.sys) in this folder for the tags, to name their owners. The folder is usually a copy of
    /// C:\Windows\System32\drivers of the recorded machine
    #[arg(long, value_name = "FOLDER")]
    drivers: Option<PathBuf>,
    /// Excludes this time at the beginning of the range from the verdicts, because starting services fill their caches first
    /// (default: up to the first marker, else a tenth of the range)
    #[arg(long, value_name = "SECONDS", value_parser = parse_warm_up)]
    warm_up: Option<f64>,
    /// Analyzes the range from its beginning
    #[arg(long, conflicts_with = "warm_up")]
    no_warm_up: bool,
    /// Number of suspects to show. Text and Markdown show 10 suspects that leak, grow or grew in one step by default, the other
    /// formats show all
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Shows tags that do not leak as well
    #[arg(long)]
    show_non_leaking: bool,
    /// Output format. In CSV and JSON, `count` and `impacting_size` cover AIFO allocations, `allocations` covers all
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = OutputFormat::parser(&FORMATS))]
    format: OutputFormat,
    /// Writes an HTML report to this file, in addition to the output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Includes the computer name and full paths in the HTML report (default: file names only)
    #[arg(long, requires = "html")]
    identify: bool,
    /// Replaces an existing HTML report
    #[arg(long, requires = "html")]
    force: bool,
    /// Exits with code 3 if the condition is true, such as 'nonpaged_growth > 1MB/min and confidence > 80%'. Can be given more
    /// than once. Figures: nonpaged_growth, paged_growth, growth, nonpaged_net_growth, paged_net_growth, worst_growth (bytes
    /// per time), leaks, growing, stopped, suspects (counts), impacting_size (bytes), confidence (share)
    #[arg(long, value_name = "CONDITION", value_parser = |text: &str| text.parse::<Condition<LeakFigure>>())]
    fail_if: Vec<Condition<LeakFigure>>,
    /// The command line that these options were read from.
    #[arg(skip)]
    pub command_line: CommandLine,
}

const FORMATS: [OutputFormat; 5] =
    [OutputFormat::Text, OutputFormat::Csv, OutputFormat::Json, OutputFormat::Markdown, OutputFormat::Junit];

/// Unit of a verdict.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum GroupBy {
    /// A tag in a pool
    #[default]
    Tag,
    /// A tag in a pool, allocated by one stack
    Stack,
    /// All allocations of a driver in a pool
    Driver,
    /// All allocations of a process in a pool
    Process,
}

fn parse_warm_up(text: &str) -> Result<f64, String> {
    let seconds = parse_seconds(text).ok().flatten().filter(|seconds| *seconds >= 0.0);
    seconds.ok_or_else(|| format!("'{text}' is not a time such as 10 or 10s; --no-warm-up analyzes the whole range"))
}

/// Default number of suspects in text and Markdown.
const DEFAULT_TOP: usize = 10;
/// Number of suspects whose stack is part of the text.
const STACKS_SHOWN: usize = 3;
/// Keys that the analysis needs.
const KEYS: [Key; 3] = [Key::Driver, Key::Function, Key::Stack];

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if args.selection.query_text().is_some() {
        let message =
            "leaks compares all allocations of a trace and does not support --where; use --range, --by or --top";
        return Err(UsageError(message.to_owned()).into());
    }
    args.html.iter().try_for_each(|path| output_file::check(path, args.force))?;
    let options = args.selection.load_options(&KEYS, &[]);
    args.trace.with_trace(io, options, |trace, workers, io| {
        let visible_range = args.selection.visible_range(trace)?;
        if args.html.is_some() {
            require_times(trace, &args.trace.name(), "the graphs of an HTML report")?;
        }
        let (names, resolved) = args.selection.names_and_symbols(trace, &KEYS, &args.trace, io)?;
        let modules = resolved.map_or_else(Vec::new, |resolved| module_lines(trace, &resolved));
        let grouping = args.grouping();
        let request = AnalysisRequest { visible_range, grouping, warm_up: args.warm_up(trace, visible_range)? };
        let scanned = args.scan_drivers(trace, workers, io)?;
        let analysis = workers.run(|| analyze(&names, request, &|| workers.is_cancelled()))?;
        let name = args.trace.name();
        let owner_data =
            TagOwnerData { pool_tags: names.pool_tags().map(Arc::as_ref), scanned_drivers: scanned.as_ref() };
        let header = DocumentHeader::new(&name, trace, visible_range);
        let leaks = LeakReport {
            analysis: &analysis,
            names: &names,
            header: &header,
            owner_data,
            modules,
            lines_of_frames: OnceCell::new(),
        };
        match args.format {
            OutputFormat::Text => leaks.write_text(io, &args.shown(&analysis))?,
            OutputFormat::Markdown => leaks.write_markdown(&mut io.out, &args.shown(&analysis))?,
            OutputFormat::Json => leaks.table(args.top).write_json(&mut io.out, &header)?,
            OutputFormat::Csv => leaks.table(args.top).write_csv(&mut io.out)?,
            OutputFormat::Junit => {
                let figures = LeakFigures::new(&analysis);
                let checked =
                    |condition: &Condition<LeakFigure>| (condition.to_string(), condition.satisfied_by(&figures));
                let conditions: Vec<CheckedCondition> = args.fail_if.iter().map(checked).collect();
                leaks.write_junit(&mut io.out, args.top, &conditions)?;
            }
        }
        if let Some(path) = &args.html {
            args.write_html(path, &leaks, workers)?;
        }
        fail_if::check(&args.fail_if, &LeakFigures::new(&analysis), io)
    })
}

impl Args {
    fn grouping(&self) -> SuspectGrouping {
        match self.by {
            GroupBy::Tag => SuspectGrouping::Tag,
            GroupBy::Stack => SuspectGrouping::Stack,
            GroupBy::Driver => SuspectGrouping::Driver,
            GroupBy::Process => SuspectGrouping::Process,
        }
    }

    fn warm_up(&self, trace: &Trace, visible_range: TimeRange) -> anyhow::Result<WarmUp> {
        Ok(match self.warm_up {
            None if self.no_warm_up => WarmUp::None,
            None => WarmUp::Automatic,
            Some(seconds) => {
                let until = Ticks(visible_range.from.0.saturating_add(trace.clock.ticks(seconds).0));
                if until >= visible_range.to.min(trace.extent.to) {
                    let message =
                        format!("a warm-up of {seconds} s leaves nothing to analyze: use less, or --no-warm-up");
                    return Err(UsageError(message).into());
                }
                WarmUp::Until(until)
            }
        })
    }

    /// The tags of the trace in the driver files of `--drivers`; `None` without the option.
    fn scan_drivers(
        &self,
        trace: &Trace,
        workers: &Workers,
        io: &mut Io<'_>,
    ) -> anyhow::Result<Option<ScannedDrivers>> {
        let Some(folder) = &self.drivers else { return Ok(None) };
        let scan = workers
            .run(|| scan_folder(folder, &tags_of(trace), &|| workers.is_cancelled()))
            .map_err(anyhow::Error::msg)?;
        for problem in &scan.problems {
            writeln!(io.err, "poolscope: warning: drivers: {problem}")?;
        }
        Ok(Some(scan.drivers))
    }

    /// The suspects of text, Markdown and HTML.
    fn shown<'j>(&self, analysis: &'j LeakAnalysis) -> Vec<&'j Suspect> {
        let top = self.top.unwrap_or(if self.show_non_leaking { usize::MAX } else { DEFAULT_TOP });
        let is_shown = |suspect: &&Suspect| self.show_non_leaking || suspect.verdict.has_grown();
        analysis.suspects.iter().filter(is_shown).take(top).collect()
    }

    fn write_html(&self, path: &Path, leaks: &LeakReport<'_>, workers: &Workers) -> anyhow::Result<()> {
        let shown = self.shown(leaks.analysis);
        let is_cancelled = || workers.is_cancelled();
        let curves = workers.run(|| report::curves(leaks.names, leaks.analysis, &shown, &is_cancelled))?;
        let visible_range = leaks.analysis.request.visible_range;
        let pools = workers.run(|| report::pool_curves(leaks.names, visible_range, &is_cancelled))?;
        let name = leaks.header.trace;
        // The name may come from another system.
        let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let hidden = leaks.hidden_note(&shown);
        let input = ReportInput {
            name: if self.identify { name } else { file_name },
            shows_computer_name: self.identify,
            names: leaks.names,
            analysis: leaks.analysis,
            shown: &shown,
            hidden_suspects_note: hidden.as_deref(),
            owner_data: leaks.owner_data,
            curves: &curves,
            pools: &pools,
            table: None,
            modules: &leaks.modules,
            command: if self.identify { &self.command_line.full } else { &self.command_line.anonymized },
        };
        output_file::write(path, self.force, |out| Ok(report::write(out, &input)?))
    }
}

/// Calls `work` with the suspects of an analysis and the texts of this command.
#[cfg(feature = "fleet")]
pub(super) fn with_table<R>(
    analysis: &LeakAnalysis,
    names: &ColumnValues,
    header: &DocumentHeader<'_>,
    work: impl FnOnce(&LeakTable<'_>) -> R,
) -> R {
    let owner_data = TagOwnerData { pool_tags: names.pool_tags().map(Arc::as_ref), scanned_drivers: None };
    let (modules, lines_of_frames) = (Vec::new(), OnceCell::new());
    let leaks = LeakReport { analysis, names, header, owner_data, modules, lines_of_frames };
    work(&leaks.table(None))
}

/// An analysis with everything that its texts need.
struct LeakReport<'v> {
    analysis: &'v LeakAnalysis,
    names: &'v ColumnValues,
    header: &'v DocumentHeader<'v>,
    owner_data: TagOwnerData<'v>,
    modules: Vec<ModuleLine>,
    /// Source lines by frame, made when first used.
    lines_of_frames: OnceCell<FxHashMap<String, SourceLine>>,
}

impl LeakReport<'_> {
    fn table(&self, top: Option<usize>) -> LeakTable<'_> {
        LeakTable { analysis: self.analysis, top: top.unwrap_or(usize::MAX), stacks: self.names.stacks(), texts: self }
    }

    /// Trace, ranges and grouping in one line: `sample.etl: 0.000 s to 61.167 s, analyzed 6.117 s to 61.002 s, by tag`.
    fn heading(&self) -> String {
        let by = self.analysis.request.grouping.name();
        if !self.analysis.has_times {
            return format!("{}: debugger log without times, by {by}", self.header.trace);
        }
        let clock = self.header.clock;
        let visible = self.header.visible_range;
        let (from, to) = (clock.seconds(visible.from), clock.seconds(visible.to));
        let range = &self.analysis.range;
        let (first, last) = (clock.seconds(range.warm_up_end), clock.seconds(range.active.to));
        let is_part = first > from || last < to;
        let analyzed = if is_part { format!(", analyzed {first:.3} s to {last:.3} s") } else { String::new() };
        format!("{}: {from:.3} s to {to:.3} s{analyzed}, by {by}", self.header.trace)
    }

    /// Notes on data quality, on the pool counters and on keys that were left out.
    fn notes(&self) -> Vec<String> {
        let quality = &self.analysis.data_quality;
        let issues = quality.issues.iter().map(leak_text::data_quality_note);
        issues.chain(leak_text::counter_comparison(quality)).chain(leak_text::grouping_note(self.analysis)).collect()
    }

    /// Sentence about growing suspects that are not shown; `None` if all are.
    fn hidden_note(&self, shown: &[&Suspect]) -> Option<String> {
        let grown = self.analysis.suspects.iter().filter(|suspect| suspect.verdict.has_grown()).count();
        let hidden = grown.saturating_sub(shown.iter().filter(|suspect| suspect.verdict.has_grown()).count());
        hidden_text(hidden as u64)
    }

    /// Frames of the suspect's stack, outermost first.
    fn stack(&self, suspect: &Suspect) -> Vec<&str> {
        let stacks = self.names.stacks();
        stacks.frames(stacks.node_of(suspect.stack))
    }

    /// The suspects as Markdown.
    fn sections(&self) -> SuspectSections<'_> {
        SuspectSections { analysis: self.analysis, names: self.names, owner_data: self.owner_data, heading: "###" }
    }

    /// Writes the verdicts as test results, with the conditions.
    fn write_junit(&self, out: &mut dyn Write, top: Option<usize>, conditions: &[CheckedCondition]) -> io::Result<()> {
        let shown: Vec<&Suspect> = self.analysis.suspects.iter().take(top.unwrap_or(usize::MAX)).collect();
        let lines = |suspect: &Suspect| {
            let stack = self.stack(suspect);
            let title = (!stack.is_empty()).then(|| format!("{}:", stack_title(suspect)));
            let frames = stack.into_iter().map(|frame| format!("  {frame}"));
            self.sections().lines(suspect).into_iter().chain(title).chain(frames).collect()
        };
        let report =
            JunitReport { name: self.header.trace, analysis: self.analysis, shown: &shown, conditions, lines: &lines };
        report.write(out)
    }

    fn write_text(&self, io: &mut Io<'_>, shown: &[&Suspect]) -> io::Result<()> {
        let (bold, end) = if io.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        writeln!(io.out, "{}\n\n{bold}{}{end}", self.heading(), leak_text::summary(self.analysis))?;
        for note in self.notes() {
            writeln!(io.out, "  - {note}")?;
        }
        let rows = shown.iter().enumerate().map(|(at, suspect)| suspect_cells(at, suspect)).collect();
        let table = Table::new(suspect_columns("Impacting"), rows);
        if !shown.is_empty() {
            writeln!(io.out, "\n{}", table.header())?;
        }
        for (at, suspect) in shown.iter().enumerate() {
            writeln!(io.out, "{bold}{}{end}", table.row(at))?;
            self.write_suspect_text(&mut io.out, suspect, at < STACKS_SHOWN)?;
        }
        self.write_text_footer(&mut io.out, shown)
    }

    fn write_suspect_text(&self, out: &mut dyn Write, suspect: &Suspect, with_stack: bool) -> io::Result<()> {
        for line in self.sections().lines(suspect) {
            writeln!(out, "     {line}")?;
        }
        let stack = self.stack(suspect);
        if with_stack && !stack.is_empty() {
            writeln!(out, "     {}:", stack_title(suspect))?;
            for frame in &stack {
                writeln!(out, "       {frame}")?;
            }
        }
        if stack.is_empty()
            && suspect.verdict.is_growing()
            && let Some(command) = suspect.tag.as_ref().and_then(|tag| record::command(&[tag]))
        {
            writeln!(out, "     no stack shows the allocating driver; to record stacks: {command}")?;
        }
        writeln!(out)
    }

    /// Suspects that are not shown, and the net growth of the pools.
    fn write_text_footer(&self, out: &mut dyn Write, shown: &[&Suspect]) -> io::Result<()> {
        let suspects = &self.analysis.suspects;
        if suspects.is_empty() {
            return Ok(());
        }
        if shown.is_empty() {
            writeln!(out)?;
        }
        if let Some(note) = self.hidden_note(shown) {
            writeln!(out, "{note}")?;
        }
        let not_leaking = leak_text::non_leaking_counts(suspects);
        if !not_leaking.is_empty() && shown.len() < suspects.len() {
            writeln!(out, "Not leaking: {not_leaking}; --show-non-leaking lists them.")?;
        }
        if !self.analysis.has_times {
            return Ok(());
        }
        let [nonpaged, paged] = self.analysis.pools.each_ref().map(leak_text::pool_growth);
        writeln!(out, "Net growth: nonpaged pool {nonpaged}, paged pool {paged}.")
    }

    fn write_markdown(&self, out: &mut dyn Write, shown: &[&Suspect]) -> io::Result<()> {
        let (summary, heading) = (leak_text::summary(self.analysis), self.heading());
        writeln!(out, "**{}**\n\n{}", escape_markdown(&summary), escape_markdown(&heading))?;
        self.sections().write(out, shown)?;
        if let Some(note) = self.hidden_note(shown) {
            writeln!(out, "\n{}", escape_markdown(&note))?;
        }
        let not_leaking = leak_text::non_leaking_counts(&self.analysis.suspects);
        if !not_leaking.is_empty() {
            writeln!(out, "\nNot leaking: {not_leaking}.")?;
        }
        writeln!(out, "\n### Data quality\n")?;
        if self.analysis.data_quality.issues.is_empty() {
            writeln!(out, "- No data loss that would change a verdict.")?;
        }
        self.notes().iter().try_for_each(|note| writeln!(out, "- {}", escape_markdown(note)))
    }
}

fn hidden_text(hidden: u64) -> Option<String> {
    match hidden {
        0 => None,
        1 => Some("1 more suspect leaks, grows or grew in one step; --top shows it.".to_owned()),
        _ => Some(format!("{} more suspects leak, grow or grew in one step; --top shows them.", format::count(hidden))),
    }
}

impl LeakTexts for LeakReport<'_> {
    fn summary(&self) -> String {
        leak_text::summary(self.analysis)
    }

    fn reasons(&self, suspect: &Suspect) -> Vec<String> {
        leak_text::reasons(suspect)
    }

    fn owners(&self, suspect: &Suspect) -> Vec<(TagOwnerCandidate, String)> {
        let candidates = owner_candidates(suspect, self.owner_data).into_iter();
        candidates
            .map(|candidate| {
                let text = leak_text::owner_candidate(&candidate);
                (candidate, text)
            })
            .collect()
    }

    fn processes(&self, suspect: &Suspect) -> Vec<String> {
        let shares = suspect.attribution.processes.iter();
        shares.map(|share| leak_text::attribution::process(share, suspect)).collect()
    }

    fn wrapper_driver(&self, suspect: &Suspect) -> Option<String> {
        leak_text::attribution::wrapper_driver(suspect)
    }

    fn advice(&self, suspect: &Suspect) -> Option<String> {
        leak_text::attribution::recording_advice(suspect)
    }

    fn score(&self, suspect: &Suspect) -> String {
        leak_text::attribution::score_help(suspect)
    }

    fn data_quality_issue(&self, issue: &DataQualityIssue) -> String {
        leak_text::data_quality_note(issue)
    }

    fn stack_source(&self, suspect: &Suspect) -> Vec<String> {
        let lines = self.lines_of_frames.get_or_init(|| frame_lines(self.names));
        let place =
            |frame: &str| lines.get(frame).map_or_else(String::new, |line| format!("{}:{}", line.file, line.line));
        self.stack(suspect).into_iter().map(place).collect()
    }

    fn seconds_to_exhaustion(&self, suspect: &Suspect) -> Option<f64> {
        leak_text::seconds_to_exhaustion(suspect, self.analysis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_suspects_are_counted() {
        assert_eq!(hidden_text(0), None);
        let one = "1 more suspect leaks, grows or grew in one step; --top shows it.";
        assert_eq!(hidden_text(1).as_deref(), Some(one));
        let many = "1,200 more suspects leak, grow or grew in one step; --top shows them.";
        assert_eq!(hidden_text(1200).as_deref(), Some(many));
    }

    #[test]
    fn warm_ups_are_times() {
        assert_eq!((parse_warm_up("2.5 s"), parse_warm_up("10")), (Ok(2.5), Ok(10.0)));
        let wrong = ["-1", "", "nan", "none"].map(parse_warm_up);
        assert!(wrong.iter().all(Result::is_err), "{wrong:?}");
    }
}
