//! `leaks`: the verdict, which tag, function, driver leaks and how we know.

use super::command_line::CommandLine;
use super::driver_args::DriverArgs;
use super::fail_if::{Condition, Figures};
use super::io::Io;
use super::open::{TraceArgs, UsageError};
use super::selection::SelectionArgs;
use super::{leaks_html, leaks_markdown, leaks_text, output_file};
use crate::{format, leak_text};
use clap::ValueEnum;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::names::Names;
use poolscope_analysis::export::Document;
use poolscope_analysis::export::leaks::{LeakTable, LeakWords};
use poolscope_analysis::leaks::owner::{TagOwnerCandidate, TagOwnerData, owner_candidates};
use poolscope_analysis::leaks::{SuspectGrouping, LeakAnalysis, AnalysisRequest, Suspect, DataQualityIssue, WarmUp, analyze};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::{Ticks, TimeRange};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Options of `leaks`. Its help does not offer `--where`: blocks are judged against each other, so all are needed.
#[derive(clap::Args, Debug)]
#[command(mut_arg("query", |query| query.hide(true)))]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// What is judged as one
    #[arg(long, value_enum, default_value_t)]
    by: ByArg,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    drivers: DriverArgs,
    /// Seconds at the beginning of the range that are set aside, as services that start fill their caches first; 'none':
    /// nothing (default: up to the first mark, else a tenth of the range)
    #[arg(long, value_name = "SECONDS", value_parser = parse_warm_up)]
    warm_up: Option<WarmUpArg>,
    /// Suspects to show: in text and Markdown 10 that leak, grow or came in one step unless told otherwise, else all
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Shows innocent tags too
    #[arg(long)]
    all: bool,
    /// Output format; in csv and json `count` and `impacting_size` are those of AIFO blocks, and `allocations` counts all
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Writes a report that needs nothing but a browser, besides the output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The report of --html names the machine, and writes paths in full (default: file names alone)
    #[arg(long, requires = "html")]
    identify: bool,
    /// Replaces the file of --html if it is there
    #[arg(long, requires = "html")]
    force: bool,
    /// Ends with code 3 if this holds, such as 'nonpaged_growth > 1MB/min and confidence > 80%'; may be given more than
    /// once. Figures: nonpaged_growth, paged_growth, growth, nonpaged_slope, paged_slope, worst_growth (bytes per time),
    /// leaks, growing, stopped, suspects (how many), impacting_size (bytes), confidence (share)
    #[arg(long, value_name = "CONDITION", value_parser = |text: &str| text.parse::<Condition>())]
    fail_if: Vec<Condition>,
    /// The command line that these were read from.
    #[arg(skip)]
    pub asked: CommandLine,
}

/// What is judged as one.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ByArg {
    /// A tag in a pool
    #[default]
    Tag,
    /// A tag in a pool, allocated by one stack
    Stack,
    /// Everything that one driver allocates in a pool
    Driver,
    /// Everything that one process allocates in a pool
    Process,
}

/// Output formats of `leaks`.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    /// For reading
    #[default]
    Text,
    /// One row per suspect
    Csv,
    /// One object with one row per suspect
    Json,
    /// For a ticket or a mail
    Markdown,
}

/// What is set aside.
#[derive(Clone, Copy, Debug, PartialEq)]
enum WarmUpArg {
    Seconds(f64),
    None,
}

fn parse_warm_up(text: &str) -> Result<WarmUpArg, String> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(WarmUpArg::None);
    }
    let number = text.trim().trim_end_matches(['s', ' ']);
    let seconds = number.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0);
    seconds.map(WarmUpArg::Seconds).ok_or_else(|| format!("'{text}' is neither seconds such as 10 nor 'none'"))
}

/// Suspects in text and Markdown unless told otherwise.
const TOP: usize = 10;
/// Exit code when a condition held.
const HELD: u8 = 3;
/// What the verdict needs to know of a trace.
const KEYS: [Key; 3] = [Key::Driver, Key::Function, Key::Stack];

/// Runs the command.
///
/// # Errors
/// The trace cannot be loaded, or the output cannot be written.
pub fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<u8> {
    if args.selection.query_text().is_some() {
        let message =
            "leaks judges all blocks of a trace against each other and takes no --where; use --range, --by or --top";
        return Err(UsageError(message.to_owned()).into());
    }
    // Before the work, not after it.
    args.html.iter().try_for_each(|path| output_file::check(path, args.force))?;
    args.trace.with_trace(io, args.selection.load_options(&KEYS), |trace, workers, io| {
        let view = args.selection.view(trace)?;
        let names = args.selection.names(trace, &KEYS, &args.trace, io)?;
        let request = AnalysisRequest { visible_range: view, grouping: args.by(), warm_up: args.warm_up(trace, view)? };
        let scanned = args.drivers.scan(trace, workers, io)?;
        let judgement = workers.run(|| analyze(&names, request, &|| workers.cancelled()))?;
        let name = args.trace.name();
        let document = Document {
            trace: &name,
            view,
            recorded: trace.recorded.range,
            analyzed: trace.recorded.analyzed(view),
            clock: trace.clock,
        };
        let hints = TagOwnerData { pool_tags: names.pool_tags().map(Arc::as_ref), scanned_drivers: scanned.as_ref() };
        let verdict = LeakReport { judgement: &judgement, names: &names, document: &document, hints };
        match args.format {
            Format::Text => leaks_text::write(io, &verdict, &args.shown(&judgement))?,
            Format::Markdown => leaks_markdown::write(&mut io.out, &verdict, &args.shown(&judgement))?,
            Format::Json | Format::Csv => args.flat(&verdict, io)?,
        }
        if let Some(path) = &args.html {
            let page = leaks_html::Page { path, replace: args.force, identify: args.identify, asked: &args.asked };
            leaks_html::write(&page, &verdict, &args.shown(&judgement), workers)?;
        }
        args.conditions(&judgement, io)
    })
}

impl Args {
    fn by(&self) -> SuspectGrouping {
        match self.by {
            ByArg::Tag => SuspectGrouping::Tag,
            ByArg::Stack => SuspectGrouping::Stack,
            ByArg::Driver => SuspectGrouping::Driver,
            ByArg::Process => SuspectGrouping::Process,
        }
    }

    fn warm_up(&self, trace: &Arc<Trace>, view: TimeRange) -> anyhow::Result<WarmUp> {
        Ok(match self.warm_up {
            None => WarmUp::Automatic,
            Some(WarmUpArg::None) => WarmUp::None,
            Some(WarmUpArg::Seconds(seconds)) => {
                let until = Ticks(view.from.0.saturating_add(trace.clock.ticks(seconds).0));
                if until >= view.to.min(trace.extent.to) {
                    let message = format!("a warm-up of {seconds} s leaves nothing to judge: give less, or 'none'");
                    return Err(UsageError(message).into());
                }
                WarmUp::Until(until)
            }
        })
    }

    /// The suspects that are worth reading about.
    fn shown<'j>(&self, judgement: &'j LeakAnalysis) -> Vec<&'j Suspect> {
        let top = self.top.unwrap_or(if self.all { usize::MAX } else { TOP });
        let is_shown = |s: &&Suspect| self.all || is_shown_by_default(s);
        judgement.suspects.iter().filter(is_shown).take(top).collect()
    }

    fn flat(&self, verdict: &LeakReport<'_>, io: &mut Io<'_>) -> std::io::Result<()> {
        let table = LeakTable {
            judgement: verdict.judgement,
            top: self.top.unwrap_or(usize::MAX),
            stacks: verdict.names.stacks(),
            words: verdict,
        };
        match self.format {
            Format::Csv => table.write_csv(&mut io.out),
            _ => table.write_json(&mut io.out, verdict.document),
        }
    }

    /// Tells which conditions hold; the exit code.
    fn conditions(&self, judgement: &LeakAnalysis, io: &mut Io<'_>) -> anyhow::Result<u8> {
        let figures = Figures::new(judgement);
        let mut code = 0;
        for condition in &self.fail_if {
            if let Some(because) = condition.held(&figures) {
                writeln!(io.err, "poolscope: '{condition}' holds: {because}")?;
                code = HELD;
            }
        }
        Ok(code)
    }
}

/// A judgement, and what is needed to tell of it.
pub struct LeakReport<'v> {
    /// The judgement.
    pub judgement: &'v LeakAnalysis,
    /// How stacks are named.
    pub names: &'v Names,
    /// The trace and the range.
    pub document: &'v Document<'v>,
    /// What else is known about tags.
    pub hints: TagOwnerData<'v>,
}

/// Whether something stays for good, by the verdict.
fn is_shown_by_default(suspect: &Suspect) -> bool {
    suspect.verdict.has_grown()
}

impl LeakReport<'_> {
    /// What was analyzed, in one line: `sample.etl: 0.000 s to 61.167 s, analyzed 6.117 s to 61.002 s, by tag`.
    #[must_use]
    pub fn heading(&self) -> String {
        let clock = self.document.clock;
        let (from, to) = (clock.seconds(self.document.view.from), clock.seconds(self.document.view.to));
        let span = &self.judgement.range;
        let (first, last) = (clock.seconds(span.warm_up_end), clock.seconds(span.active.to));
        let is_part = first > from || last < to;
        let analyzed = if is_part { format!(", analyzed {first:.3} s to {last:.3} s") } else { String::new() };
        let by = self.judgement.request.grouping.name();
        format!("{}: {from:.3} s to {to:.3} s{analyzed}, by {by}", self.document.trace)
    }

    /// That suspects are left out although they stay for good: a sentence; `None` where none is.
    #[must_use]
    pub fn left_out(&self, shown: &[&Suspect]) -> Option<String> {
        let accused = self.judgement.suspects.iter().filter(|suspect| is_shown_by_default(suspect)).count();
        // Beside them innocent ones may be shown.
        let hidden = accused.saturating_sub(shown.iter().filter(|suspect| is_shown_by_default(suspect)).count());
        left_out_words(hidden as u64)
    }

    /// What is said about who is behind a suspect: processes, the rule about a pass-through driver, owners, what to record next.
    #[must_use]
    pub fn behind(&self, suspect: &Suspect) -> Vec<String> {
        leak_text::attribution::lines(suspect, self.hints)
    }

    /// The frames of a suspect's stack, from the outermost to the innermost.
    #[must_use]
    pub fn stack(&self, suspect: &Suspect) -> Vec<&str> {
        let stacks = self.names.stacks();
        stacks.frames(stacks.node_of(suspect.stack))
    }
}

impl LeakWords for LeakReport<'_> {
    fn headline(&self) -> String {
        leak_text::summary(self.judgement)
    }

    fn reasons(&self, suspect: &Suspect) -> Vec<String> {
        leak_text::reasons(suspect)
    }

    fn claims(&self, suspect: &Suspect) -> Vec<String> {
        owner_candidates(suspect, self.hints).iter().map(leak_text::owner_candidate).collect()
    }

    fn owners(&self, suspect: &Suspect) -> Vec<TagOwnerCandidate> {
        owner_candidates(suspect, self.hints)
    }

    fn processes(&self, suspect: &Suspect) -> Vec<String> {
        suspect.attribution.processes.iter().map(|share| leak_text::attribution::process(share, suspect)).collect()
    }

    fn passed_through(&self, suspect: &Suspect) -> Option<String> {
        leak_text::attribution::pass_through(suspect)
    }

    fn advice(&self, suspect: &Suspect) -> Option<String> {
        leak_text::attribution::recording_advice(suspect)
    }

    fn score(&self, suspect: &Suspect) -> String {
        leak_text::attribution::score_help(suspect)
    }

    fn trust_note(&self, note: &DataQualityIssue) -> String {
        leak_text::data_quality_note(note)
    }

    fn seconds_to_full(&self, suspect: &Suspect) -> Option<f64> {
        leak_text::seconds_to_exhaustion(suspect, self.judgement)
    }
}

fn left_out_words(hidden: u64) -> Option<String> {
    match hidden {
        0 => None,
        1 => Some("1 more that leaks, grows or came in one step: --top shows it.".to_owned()),
        _ => Some(format!("{} more that leak, grow or came in one step: --top shows them.", format::count(hidden))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(left_out_words(0), None);
        let one = "1 more that leaks, grows or came in one step: --top shows it.";
        assert_eq!(left_out_words(1).as_deref(), Some(one));
        let many = "1,200 more that leak, grow or came in one step: --top shows them.";
        assert_eq!(left_out_words(1200).as_deref(), Some(many));
    }

    #[test]
    fn warm_ups_are_seconds_or_none() {
        assert_eq!(parse_warm_up("None"), Ok(WarmUpArg::None));
        assert_eq!(parse_warm_up("2.5 s"), Ok(WarmUpArg::Seconds(2.5)));
        assert!(parse_warm_up("-1").is_err() && parse_warm_up("").is_err() && parse_warm_up("nan").is_err());
    }
}
