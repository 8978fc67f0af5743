//! The options that say which part of a trace a command looks at, and how it names what it finds. Shared by all commands
//! that group rows.

use super::io::Io;
use super::open::{TraceArgs, UsageError};
use super::symbol_args::SymbolArgs;
use crate::pool_tags::{self, PoolTagChoice};
use anyhow::Context as _;
use clap::{ValueEnum, ValueHint};
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::{Key, parse_keys};
use poolscope_analysis::group::look_through::LookThrough;
use poolscope_analysis::group::names::Names;
use poolscope_analysis::group::parallel::never;
use poolscope_analysis::filter::field::{Field, Kind};
use poolscope_analysis::filter::literal::{self, Literal};
use poolscope_analysis::filter::{CompiledQuery, Query, RowSet};
use poolscope_analysis::trace::Trace;
use poolscope_analysis::load::{LoadOptions, StackScope};
use poolscope_analysis::trace::time::TimeRange;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Which rows, and how frames and tags are named.
#[derive(clap::Args, Debug, Clone)]
pub struct SelectionArgs {
    /// Seconds from the start of the trace, both ends included; either side may be left out
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, allow_hyphen_values = true)]
    range: Option<Range>,
    /// Only rows that match, such as 'tag:Leak AND size:>4KB' or 'driver:myfault NOT lifetime:<1ms'
    #[arg(long = "where", value_name = "QUERY", value_parser = parse_query)]
    query: Option<Query>,
    /// How stack frames are named
    #[arg(long, value_enum, default_value_t)]
    frames: Frames,
    /// More rules on what to look through for driver and function: 'wrapper mydriver!MyAlloc*', one a line; the last counts
    #[arg(long, value_name = "FILE")]
    look_through: Option<PathBuf>,
    #[command(flatten)]
    symbols: SymbolArgs,
    /// A pooltag.txt, for tag_description and the owners of tags; 'none': no file. Without it the one beside the trace, else
    /// that of an installed kit is used
    #[arg(long, value_name = "FILE", value_parser = parse_pooltag, value_hint = ValueHint::FilePath)]
    pooltag: Option<PoolTagChoice>,
    /// Moments that split allocations into generations by their birth, seconds from the start of the trace
    #[arg(long, value_name = "SECONDS,…", value_parser = parse_marks, allow_hyphen_values = true)]
    marks: Option<Marks>,
}

/// Moments in seconds, as one option value.
#[derive(Clone, Debug, PartialEq)]
struct Marks(Vec<f64>);

/// How stack frames are named.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Frames {
    /// module!function+0xoff, else module+0xrva, else the address
    #[default]
    Symbol,
    /// module!function: recursion folded, inlined functions below theirs, frames of the recording left out
    Function,
    /// The raw address
    Address,
    /// The module alone
    Module,
}

/// A range of seconds with open ends.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    from: Option<f64>,
    to: Option<f64>,
}

/// Key columns, as one option value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(pub Vec<Key>);

/// Reads a comma-separated list of key columns.
///
/// # Errors
/// The first name that is no column, with what was probably meant.
pub fn parse_key_list(text: &str) -> Result<Keys, String> {
    parse_keys(text).map(Keys).map_err(|e| e.to_string())
}

/// A query whose mistake is shown with a mark under its place.
fn parse_query(text: &str) -> Result<Query, String> {
    text.parse::<Query>().map_err(|error| {
        let mark = " ".repeat(error.column.saturating_sub(1));
        format!("{error}\n\n  {}\n  {mark}^", text.replace(['\n', '\t', '\r'], " "))
    })
}

/// A path, or the word that stands for none.
fn parse_pooltag(text: &str) -> Result<PoolTagChoice, String> {
    match PoolTagChoice::from_text(text) {
        PoolTagChoice::Automatic => Err("a file, or 'none'".to_owned()),
        choice => Ok(choice),
    }
}

fn parse_range(text: &str) -> Result<Range, String> {
    let (from, to) = text.split_once("..").ok_or("a range is FROM..TO, such as 10..20.5 or 30..")?;
    let range = Range { from: parse_seconds(from)?, to: parse_seconds(to)? };
    match (range.from, range.to) {
        (Some(from), Some(to)) if from > to => Err(format!("the range ends at {to} s, before it starts at {from} s")),
        _ => Ok(range),
    }
}

fn parse_marks(text: &str) -> Result<Marks, String> {
    let moments = text.split(',').map(|moment| parse_seconds(moment)?.ok_or_else(|| "a moment is missing".to_owned()));
    moments.collect::<Result<_, _>>().map(Marks)
}

/// Seconds as a plain number, or a time with its unit.
fn parse_seconds(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Some(seconds));
    }
    match literal::parse(Kind::Time, text)? {
        Literal::Number(nanoseconds) => Ok(Some(nanoseconds as f64 / 1e9)),
        Literal::Missing => Err(format!("'{text}' is not a time such as 2.5, 10ms or 1m")),
    }
}

impl SelectionArgs {
    /// What has to be loaded for these keys and the query.
    #[must_use]
    pub fn load_options(&self, keys: &[Key]) -> LoadOptions {
        let needed = self.with_queried(keys).any(Key::needs_stacks);
        LoadOptions { stacks: if needed { StackScope::Pool } else { StackScope::None } }
    }

    /// The keys, and those that the query asks for.
    fn with_queried<'k>(&'k self, keys: &'k [Key]) -> impl Iterator<Item = Key> + 'k {
        let asked = |key: Key| self.query.as_ref().is_some_and(|q| q.asks(Field::Key(key)));
        keys.iter().copied().chain(Key::ALL.iter().copied().filter(move |k| asked(*k)))
    }

    /// Whether anything that is shown or asked for hangs on the names of functions. The driver does: some functions are
    /// looked through by their name.
    fn needs_names(&self, keys: &[Key]) -> bool {
        let frames_have_names = matches!(self.frames, Frames::Symbol | Frames::Function);
        self.with_queried(keys).any(|key| match key {
            Key::Driver | Key::Function => true,
            Key::Stack | Key::FreeStack => frames_have_names,
            _ => false,
        })
    }

    /// The range as a view of a trace.
    ///
    /// # Errors
    /// [`Usage`] if the range and the trace leave nothing between them.
    pub fn view(&self, trace: &Trace) -> anyhow::Result<TimeRange> {
        let ticks = |seconds: Option<f64>| seconds.map(|s| trace.clock.ticks(s));
        let range = self.range.unwrap_or(Range { from: None, to: None });
        let view = TimeRange {
            from: ticks(range.from).unwrap_or(trace.extent.from),
            to: ticks(range.to).unwrap_or(trace.extent.to),
        };
        if view.from > view.to {
            let (first, last) = (trace.clock.seconds(trace.extent.from), trace.clock.seconds(trace.extent.to));
            let message = format!("the range lies outside of the trace, which spans {first} s to {last} s");
            return Err(UsageError(message).into());
        }
        Ok(view)
    }

    /// `count` moments spread evenly over the range, in seconds: `FROM + k * (TO - FROM) / (count - 1)` with the numbers
    /// that were typed, so that a clock whose ticks are no round fractions of a second shifts no point.
    #[must_use]
    pub fn moments(&self, trace: &Trace, view: TimeRange, count: usize) -> Vec<f64> {
        let range = self.range.unwrap_or(Range { from: None, to: None });
        let from = range.from.unwrap_or_else(|| trace.clock.seconds(view.from));
        let to = range.to.unwrap_or_else(|| trace.clock.seconds(view.to));
        let steps = count.saturating_sub(1).max(1) as f64;
        (0..count.max(1)).map(|k| from + k as f64 * (to - from) / steps).collect()
    }

    /// How the trace's frames, tags and processes are named, where these keys are shown.
    ///
    /// # Errors
    /// The file of tag descriptions or that of rules cannot be read, a rule is wrong, or a warning cannot be written.
    pub fn names(&self, trace: &Arc<Trace>, keys: &[Key], args: &TraceArgs, io: &mut Io<'_>) -> anyhow::Result<Names> {
        let naming = match self.frames {
            Frames::Symbol => FrameNaming::Symbol,
            Frames::Function => FrameNaming::Function,
            Frames::Address => FrameNaming::Address,
            Frames::Module => FrameNaming::Module,
        };
        let names = Names::new(Arc::clone(trace), naming);
        let names = names.with_look_through(self.rules()?);
        let symbols = if self.needs_names(keys) { self.symbols.names(trace, args, io)? } else { None };
        let names = match symbols {
            Some(symbols) => names.with_symbols(symbols),
            None => names,
        };
        let ticks = |marks: &Marks| marks.0.iter().map(|s| trace.clock.ticks(*s)).collect::<Vec<_>>();
        let names = names.with_marks(&self.marks.as_ref().map_or_else(Vec::new, ticks));
        let choice = self.pooltag.as_ref().unwrap_or(&PoolTagChoice::Automatic);
        let search = pool_tags::find(choice, args.trace.as_deref(), &io.environment).map_err(anyhow::Error::msg)?;
        for problem in &search.problems {
            writeln!(io.err, "poolscope: warning: {problem}")?;
        }
        Ok(match search.found {
            Some(found) => names.with_pool_tags(found.tags),
            None => names,
        })
    }

    /// The program's rules on frames to look through, and the user's.
    fn rules(&self) -> anyhow::Result<Arc<LookThrough>> {
        let Some(path) = &self.look_through else { return Ok(LookThrough::standard()) };
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (rules, errors) = LookThrough::standard().and(&String::from_utf8_lossy(&bytes));
        let errors: Vec<String> = errors.iter().map(|error| format!("{}: {error}", path.display())).collect();
        anyhow::ensure!(errors.is_empty(), "{}", errors.join("\n"));
        Ok(Arc::new(rules))
    }

    /// The rows that the query takes; `None` if there is no query.
    #[must_use]
    pub fn rows(&self, names: &Names, view: TimeRange) -> Option<RowSet> {
        let query = self.query.as_ref()?;
        // Nobody cancels a command's query: `never` leaves no error.
        CompiledQuery::new(query, names, view).rows(names.trace(), &never).ok()
    }

    /// The query as text, if there is one.
    #[must_use]
    pub fn query_text(&self) -> Option<String> {
        self.query.as_ref().map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_open_ends_and_units() {
        let range = |from, to| Ok::<Range, String>(Range { from, to });
        assert_eq!(parse_range("1.5..20"), range(Some(1.5), Some(20.0)));
        assert_eq!(parse_range("..10ms"), range(None, Some(0.01)));
        assert_eq!(parse_range("-1.."), range(Some(-1.0), None));
        assert_eq!(parse_range(".."), range(None, None));
        assert!(parse_range("5").is_err() && parse_range("2..1").is_err() && parse_range("a..b").is_err());
        assert!(parse_range("nan..1").is_err());
        assert_eq!(parse_marks("12.4,30 s"), Ok(Marks(vec![12.4, 30.0])));
        assert!(parse_marks("1,,2").is_err() && parse_marks("x").is_err());
    }

    #[test]
    fn a_mistake_in_a_query_is_marked() {
        let error = parse_query("size:>1KB tga:Leak").unwrap_err();
        assert!(error.starts_with("column 11: there is no column 'tga'; did you mean 'tag'?"), "{error}");
        assert!(error.ends_with("\n  size:>1KB tga:Leak\n            ^"), "{error}");
    }
}
