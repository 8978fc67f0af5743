//! The options that say where function names come from, and the search for them with its progress bar. Shared by all
//! commands that show frames.

use super::io::Io;
use super::open::TraceArgs;
use crate::format;
use crate::symbols::{SymbolOptions, ResolvedSymbols};
use clap::ValueHint;
use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use poolscope_analysis::group::symbols::{ModuleNeed, SymbolTable, module_needs};
use poolscope_symbols::resolve::{ModuleState, ProgressEvent, Resolver};
use poolscope_analysis::trace::Trace;
use std::io::Write as _;
use std::sync::Arc;

/// Where function names come from.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct SymbolArgs {
    /// Finds function names along this symbol path, servers included, such as 'srv*C:\symbols*https://…'; 'none': no
    /// names. Without it they come from what this machine has already, and no server is asked
    #[arg(long, value_name = "PATH", value_parser = NonEmptyStringValueParser::new(), value_hint = ValueHint::AnyPath)]
    symbols: Option<String>,
    /// Asks no symbol server
    #[arg(long)]
    offline: bool,
}

impl SymbolArgs {
    /// The names of a trace's frames; `None` if none are wanted.
    ///
    /// # Errors
    /// A warning cannot be written, or the user interrupted the search.
    pub fn names(&self, trace: &Trace, args: &TraceArgs, io: &mut Io<'_>) -> std::io::Result<Option<Arc<SymbolTable>>> {
        if self.symbols.as_deref().is_some_and(|path| path.eq_ignore_ascii_case("none")) {
            return Ok(None);
        }
        // Without being asked to, no command reaches for the network.
        let choice = SymbolOptions { path: self.symbols.clone(), offline: self.offline || self.symbols.is_none() };
        let resolver = resolver(&choice, args, io)?;
        let resolved = search(&resolver, module_needs(trace), io);
        if io.cancel.is_cancelled() {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let (nameless, all) = (resolved.unresolved_count(), resolved.outcomes.len());
        if self.symbols.is_some() && nameless > 0 {
            let (nameless, all) = (format::count(nameless as u64), format::count(all as u64));
            let why = format!("'poolscope symbols {}' says why", args.name());
            writeln!(io.err, "poolscope: warning: symbols: {nameless} of {all} modules have no names; {why}")?;
        }
        Ok(Some(Arc::new(resolved.table(trace))))
    }
}

/// A resolver for a choice, after what in its path does not mean what was written has been told.
///
/// # Errors
/// A warning cannot be written.
pub fn resolver(choice: &SymbolOptions, args: &TraceArgs, io: &mut Io<'_>) -> std::io::Result<Resolver> {
    let mut resolver = io.environment.resolver_for_trace(choice, args.trace.as_deref());
    resolver.max_concurrent = args.threads.map_or(0, usize::from);
    if choice.path.is_some() {
        for problem in &resolver.locator.path().problems {
            writeln!(io.err, "poolscope: warning: symbol path: '{}': {}", problem.part, problem.text)?;
        }
    }
    Ok(resolver)
}

/// Finds the names of all needs; shows how far it is if somebody watches.
#[must_use]
pub fn search(resolver: &Resolver, needs: Vec<ModuleNeed>, io: &Io<'_>) -> ResolvedSymbols {
    let bar = if io.interactive {
        ProgressBar::with_draw_target(Some(needs.len() as u64), ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("symbols {bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    let modules: Vec<String> = needs.iter().map(|need| need.request.identity.name.clone()).collect();
    let tell = |at: usize, news: &ProgressEvent| match news {
        ProgressEvent::Done(_) => bar.inc(1),
        ProgressEvent::State(state) => {
            let module = modules.get(at).map_or("", String::as_str);
            bar.set_message(format!("{module} {}", state_words(state)));
        }
    };
    let resolved = ResolvedSymbols::resolve(resolver, needs, &tell, &io.cancel);
    bar.finish_and_clear();
    resolved
}

/// How a module stands, for reading.
#[must_use]
pub fn state_words(state: &ModuleState) -> String {
    match state {
        ModuleState::Downloading(transfer) => {
            let total = transfer.total_bytes.map(|total| format!(" of {}", format::bytes(total)));
            format!("downloading {}{}", format::bytes(transfer.bytes), total.unwrap_or_default())
        }
        ModuleState::ExportsOnly => "exports only".to_owned(),
        other => other.name().replace('_', " "),
    }
}
