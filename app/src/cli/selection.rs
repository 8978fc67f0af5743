//! Options that select rows of a trace and the names of frames and tags. Shared by all commands that group rows.

use super::io::Io;
use super::open::{TraceArgs, UsageError};
use super::symbol_args::SymbolArgs;
use super::units::{SecondsRange, parse_range, parse_seconds};
use crate::memory;
use crate::pool_tags::{self, PoolTagChoice};
use crate::symbols::ResolvedSymbols;
use anyhow::Context as _;
use clap::{ValueEnum, ValueHint};
use poolscope_analysis::filter::query::Field;
use poolscope_analysis::filter::{CompiledQuery, Query, RowSet};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::{Key, parse_keys};
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::group::stack_tags::StackTags;
use poolscope_analysis::group::wrapper_rules::WrapperRules;
use poolscope_analysis::load::{LoadOptions, StackScope};
use poolscope_analysis::pivot::Metric;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::time::TimeRange;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows to include, and names of frames and tags.
#[derive(clap::Args, Debug, Clone)]
pub struct SelectionArgs {
    /// Visible range in seconds from the start of the trace, both ends included. Either side can be omitted
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, allow_hyphen_values = true)]
    range: Option<SecondsRange>,
    /// Includes only matching rows, such as 'tag:Leak AND size:>4KB' or 'driver:myfault NOT lifetime:<1ms'
    #[arg(long = "where", value_name = "QUERY", value_parser = parse_query)]
    query: Option<Query>,
    /// Names of stack frames
    #[arg(long, value_enum, default_value_t)]
    frames: Frames,
    /// File with additional rules on wrapper functions, one per line, such as 'wrapper mydriver!MyAlloc*'. Driver and function
    /// columns skip wrapper frames; later rules take precedence
    #[arg(long, value_name = "FILE")]
    wrappers: Option<PathBuf>,
    #[command(flatten)]
    symbols: SymbolArgs,
    /// The pooltag.txt to use for tag_description, pool_tag_module and tag owners (default: the one in the folder of the trace, else that of an
    /// installed Windows kit)
    #[arg(long, value_name = "FILE", value_parser = parse_pooltag, value_hint = ValueHint::FilePath)]
    pooltag: Option<PathBuf>,
    /// Uses no pooltag.txt
    #[arg(long, conflicts_with = "pooltag")]
    no_pooltag: bool,
    /// File with stack tags, as WPA reads them (.stacktags); the column stack_tag groups by them. Can be given more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    stack_tags: Vec<PathBuf>,
    /// Markers in seconds from the start of the trace. The column generation groups allocations by the markers between which
    /// they were made
    #[arg(long, value_name = "SECONDS,…", value_parser = parse_marks, allow_hyphen_values = true)]
    marks: Option<Marks>,
}

/// Times of markers in seconds, as one option value.
#[derive(Clone, Debug, PartialEq)]
struct Marks(Vec<f64>);

/// Names of stack frames.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Frames {
    /// module!function+0xoff, else module+0xrva, else the address
    #[default]
    Symbol,
    /// module!function; recursion is folded, inlined functions follow their caller, frames of the recorder are omitted
    Function,
    /// The raw address
    Address,
    /// The module only
    Module,
}

/// Key columns, as one option value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(pub Vec<Key>);

/// Parses a comma-separated list of key columns.
///
/// # Errors
/// A message about the first unknown column, with a suggestion.
pub fn parse_key_list(text: &str) -> Result<Keys, String> {
    parse_keys(text).map(Keys).map_err(|e| e.to_string())
}

/// Parses a query. An error message shows its position in the text.
fn parse_query(text: &str) -> Result<Query, String> {
    text.parse::<Query>().map_err(|error| {
        let mark = " ".repeat(error.column.saturating_sub(1));
        format!("{error}\n\n  {}\n  {mark}^", text.replace(['\n', '\t', '\r'], " "))
    })
}

fn parse_pooltag(text: &str) -> Result<PathBuf, String> {
    match PoolTagChoice::from_text(text) {
        PoolTagChoice::File(path) => Ok(path),
        PoolTagChoice::Automatic | PoolTagChoice::None => {
            Err("the name of a file is missing; --no-pooltag uses none".to_owned())
        }
    }
}

fn parse_marks(text: &str) -> Result<Marks, String> {
    let markers = text.split(',').map(|marker| parse_seconds(marker)?.ok_or_else(|| "a marker is missing".to_owned()));
    markers.collect::<Result<_, _>>().map(Marks)
}

impl SelectionArgs {
    /// Parts of the trace to load for these keys and metrics, and the query.
    #[must_use]
    pub fn load_options(&self, keys: &[Key], metrics: &[Metric]) -> LoadOptions {
        let mut metrics = metrics.iter().copied();
        let needs_stacks =
            self.with_query_keys(keys).any(Key::needs_stacks) || metrics.clone().any(Metric::needs_stacks);
        let stacks = if needs_stacks { StackScope::Pool } else { StackScope::None };
        LoadOptions { stacks, free_order: metrics.any(Metric::needs_event_order), ..LoadOptions::default() }
    }

    /// The keys, and the keys that the query uses.
    fn with_query_keys<'k>(&'k self, keys: &'k [Key]) -> impl Iterator<Item = Key> + 'k {
        let asked = |key: Key| self.query.as_ref().is_some_and(|q| q.asks(Field::Key(key)));
        keys.iter().copied().chain(Key::ALL.iter().copied().filter(move |k| asked(*k)))
    }

    /// Returns `true` if any key depends on function names. The driver does, since wrapper functions are recognized by name.
    fn needs_function_names(&self, keys: &[Key]) -> bool {
        let frames_have_names = matches!(self.frames, Frames::Symbol | Frames::Function);
        self.with_query_keys(keys).any(|key| key.needs_stacks() && (frames_have_names || !key.is_stack()))
    }

    /// Sources of function names.
    #[must_use]
    pub fn symbols(&self) -> &SymbolArgs {
        &self.symbols
    }

    /// The markers in seconds.
    #[must_use]
    pub fn marks(&self) -> &[f64] {
        self.marks.as_ref().map_or(&[], |marks| marks.0.as_slice())
    }

    /// The range as given.
    #[must_use]
    pub fn range(&self) -> Option<SecondsRange> {
        self.range
    }

    /// The same options with another range.
    #[must_use]
    pub fn with_range(&self, range: Option<SecondsRange>) -> Self {
        Self { range, ..self.clone() }
    }

    /// The same options with frames by function.
    #[cfg(feature = "fleet")]
    #[must_use]
    pub fn with_function_names(&self) -> Self {
        Self { frames: Frames::Function, ..self.clone() }
    }

    /// The visible range in a trace.
    ///
    /// # Errors
    /// [`UsageError`] if the range is outside the trace.
    pub fn visible_range(&self, trace: &Trace) -> anyhow::Result<TimeRange> {
        let ticks = |seconds: Option<f64>| seconds.map(|s| trace.clock.ticks(s));
        if self.range.is_some() && !trace.has_times() {
            return Err(UsageError("a debugger log has no times: leave --range out".to_owned()).into());
        }
        let range = self.range.unwrap_or_default();
        let visible_range = TimeRange {
            from: ticks(range.from).unwrap_or(trace.extent.from),
            to: ticks(range.to).unwrap_or(trace.extent.to),
        };
        if visible_range.from > visible_range.to {
            let (first, last) = (trace.clock.seconds(trace.extent.from), trace.clock.seconds(trace.extent.to));
            let message = format!("the range is outside the trace, which covers {first} s to {last} s");
            return Err(UsageError(message).into());
        }
        Ok(visible_range)
    }

    /// `count` times evenly spaced over the range, in seconds: `FROM + k * (TO - FROM) / (count - 1)`. They use the numbers of the
    /// option, so that no point shifts by rounding to clock ticks.
    #[must_use]
    pub fn moments(&self, trace: &Trace, visible_range: TimeRange, count: usize) -> Vec<f64> {
        let range = self.range.unwrap_or_default();
        let from = range.from.unwrap_or_else(|| trace.clock.seconds(visible_range.from));
        let to = range.to.unwrap_or_else(|| trace.clock.seconds(visible_range.to));
        let steps = count.saturating_sub(1).max(1) as f64;
        (0..count.max(1)).map(|k| from + k as f64 * (to - from) / steps).collect()
    }

    /// Names of the trace's frames, tags and processes, as these keys need them.
    ///
    /// # Errors
    /// The pooltag.txt, the file of wrapper rules or of stack tags cannot be read, a rule is invalid, a key needs addresses that the
    /// load has left out, or a warning cannot be written.
    pub fn names(
        &self,
        trace: &Arc<Trace>,
        keys: &[Key],
        args: &TraceArgs,
        io: &mut Io<'_>,
    ) -> anyhow::Result<ColumnValues> {
        self.names_and_symbols(trace, keys, args, io).map(|(names, _)| names)
    }

    /// As [`Self::names`], with the symbols of the modules if they were resolved.
    ///
    /// # Errors
    /// As [`Self::names`].
    pub fn names_and_symbols(
        &self,
        trace: &Arc<Trace>,
        keys: &[Key],
        args: &TraceArgs,
        io: &mut Io<'_>,
    ) -> anyhow::Result<(ColumnValues, Option<ResolvedSymbols>)> {
        let needs_addresses = self.with_query_keys(keys).any(|key| key == Key::Address);
        if needs_addresses && !trace.allocations.has_addresses() {
            return Err(UsageError(memory::ADDRESSES_LEFT_OUT.to_owned()).into());
        }
        let naming = match self.frames {
            Frames::Symbol => FrameNaming::Symbol,
            Frames::Function => FrameNaming::Function,
            Frames::Address => FrameNaming::Address,
            Frames::Module => FrameNaming::Module,
        };
        let names = ColumnValues::new(Arc::clone(trace), naming);
        let names = names.with_wrapper_rules(self.rules()?);
        let names = names.with_stack_tags(self.stack_tags(keys)?);
        let resolved = if self.needs_function_names(keys) { self.symbols.resolve(trace, args, io)? } else { None };
        let names = match &resolved {
            Some(resolved) => names.with_symbols(Arc::new(resolved.table(trace))),
            None => names,
        };
        let ticks = |marks: &Marks| marks.0.iter().map(|s| trace.clock.ticks(*s)).collect::<Vec<_>>();
        let names = names.with_markers(&self.marks.as_ref().map_or_else(Vec::new, ticks));
        let choice = match &self.pooltag {
            Some(path) => PoolTagChoice::File(path.clone()),
            None if self.no_pooltag => PoolTagChoice::None,
            None => PoolTagChoice::Automatic,
        };
        let search = pool_tags::find(&choice, args.path(), &io.environment).map_err(anyhow::Error::msg)?;
        for problem in &search.problems {
            writeln!(io.err, "poolscope: warning: {problem}")?;
        }
        let names = match search.found {
            Some(found) => names.with_pool_tags(found.tags),
            None => names,
        };
        Ok((names, resolved))
    }

    /// The stack tags of `--stack-tags`, in the order of the files.
    fn stack_tags(&self, keys: &[Key]) -> anyhow::Result<Arc<StackTags>> {
        if self.stack_tags.is_empty() && self.with_query_keys(keys).any(|key| key == Key::StackTag) {
            let message = "the column stack_tag needs the rules of a .stacktags file: add --stack-tags FILE";
            return Err(UsageError(message.to_owned()).into());
        }
        let mut all = StackTags::default();
        for path in &self.stack_tags {
            all = all.followed_by(crate::stack_tags::read(path).map_err(anyhow::Error::msg)?);
        }
        Ok(Arc::new(all))
    }

    /// The built-in wrapper rules, and those of `--wrappers`.
    fn rules(&self) -> anyhow::Result<Arc<WrapperRules>> {
        let Some(path) = &self.wrappers else { return Ok(WrapperRules::built_in()) };
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (rules, errors) = WrapperRules::built_in().extended_with(&String::from_utf8_lossy(&bytes));
        let errors: Vec<String> = errors.iter().map(|error| format!("{}: {error}", path.display())).collect();
        anyhow::ensure!(errors.is_empty(), "{}", errors.join("\n"));
        Ok(Arc::new(rules))
    }

    /// The rows that match the query; `None` without a query.
    #[must_use]
    pub fn rows(&self, names: &ColumnValues, visible_range: TimeRange) -> Option<RowSet> {
        let query = self.query.as_ref()?;
        // Without cancellation there is no error.
        CompiledQuery::new(query, names, visible_range).rows(names.trace(), &not_cancelled).ok()
    }

    /// The query as text; `None` without a query.
    #[must_use]
    pub fn query_text(&self) -> Option<String> {
        self.query.as_ref().map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_times() {
        assert_eq!(parse_marks("12.4,30 s"), Ok(Marks(vec![12.4, 30.0])));
        assert!(parse_marks("1,,2").is_err() && parse_marks("x").is_err());
    }

    #[test]
    fn an_error_in_a_query_is_marked() {
        let error = parse_query("size:>1KB tga:Leak").unwrap_err();
        assert!(error.starts_with("column 11: there is no column 'tga'; did you mean 'tag'?"), "{error}");
        assert!(error.ends_with("\n  size:>1KB tga:Leak\n            ^"), "{error}");
    }
}
