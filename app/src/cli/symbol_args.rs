//! Options for the source of function names, and the symbol lookup with its progress bar. Shared by all commands that show
//! frames.

use super::io::Io;
use super::open::TraceArgs;
use crate::export::ModuleLine;
use crate::format;
use crate::package;
use crate::symbols::{ResolvedSymbols, SymbolOptions};
use clap::ValueHint;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use poolscope_analysis::group::symbols::{ModuleNeed, module_needs, named_frames};
use poolscope_analysis::trace::Trace;
use poolscope_symbols::resolve::{ModuleOutcome, ModuleState, ProgressEvent, Resolver};
use std::io::Write as _;

/// Source of function names.
#[derive(clap::Args, Debug, Clone, Default, PartialEq, Eq)]
pub struct SymbolArgs {
    /// Resolves function names along this symbol path, including its servers, such as 'srv*C:\symbols*https://…' (default:
    /// symbols that are already on this machine)
    #[arg(long, value_name = "PATH", value_parser = parse_symbol_path, value_hint = ValueHint::AnyPath)]
    symbols: Option<String>,
    /// Resolves no function names
    #[arg(long, conflicts_with = "symbols")]
    no_symbols: bool,
    /// Uses no symbol server
    #[arg(long)]
    offline: bool,
}

fn parse_symbol_path(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a symbol path is missing".to_owned()),
        text if text.eq_ignore_ascii_case("none") => Err("--no-symbols resolves no function names".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

impl SymbolArgs {
    /// The symbol path of `--symbols`: without it no server is used.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.symbols.as_deref()
    }

    /// Returns `true` if names are not resolved at all.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.no_symbols
    }

    /// Returns `true` if no symbol server is used.
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        self.offline || self.symbols.is_none()
    }

    /// The symbols of a trace's modules; `None` with `--no-symbols`.
    ///
    /// # Errors
    /// A warning cannot be written, or the user interrupted the search.
    pub fn resolve(
        &self,
        trace: &Trace,
        args: &TraceArgs,
        io: &mut Io<'_>,
    ) -> std::io::Result<Option<ResolvedSymbols>> {
        if self.no_symbols {
            return Ok(None);
        }
        // Only an explicit symbol path allows network access.
        let choice = SymbolOptions { path: self.symbols.clone(), offline: self.is_offline() };
        let mut resolver = resolver(&choice, args, io)?;
        // A package names what its sender saw; more is looked for only if a symbol path is given.
        resolver.is_only_supplied = resolver.supplied.is_some() && self.symbols.is_none();
        let resolved = search(&resolver, module_needs(trace), io);
        if io.cancel.is_cancelled() {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let (unnamed, all) = (resolved.unresolved_count(), resolved.outcomes.len());
        if self.symbols.is_some() && unnamed > 0 {
            let (unnamed, all) = (format::count(unnamed as u64), format::count(all as u64));
            let why = format!("'poolscope symbols {}' says why", args.name());
            writeln!(io.err, "poolscope: warning: symbols: {unnamed} of {all} modules have no names; {why}")?;
        }
        Ok(Some(resolved))
    }
}

/// A resolver with these options. Warns about parts of the symbol path that have no effect.
///
/// # Errors
/// A warning cannot be written.
pub fn resolver(choice: &SymbolOptions, args: &TraceArgs, io: &mut Io<'_>) -> std::io::Result<Resolver> {
    let mut resolver = io.environment.resolver_for_trace(choice, args.path());
    resolver.supplied = args.path().and_then(package::supplied_names);
    resolver.max_concurrent = args.threads.map_or(0, usize::from);
    if choice.path.is_some() {
        for problem in &resolver.locator.path().problems {
            writeln!(io.err, "poolscope: warning: symbol path: '{}': {}", problem.part, problem.text)?;
        }
    }
    Ok(resolver)
}

/// Resolves the names of all modules, with a progress bar on a terminal.
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
    let progress = &*io.progress;
    progress.begin_symbols(modules.len());
    let on_progress = |at: usize, event: &ProgressEvent| match event {
        ProgressEvent::Done(_) => {
            bar.inc(1);
            progress.finish_module();
        }
        ProgressEvent::State(state) => {
            let module = modules.get(at).map_or("", String::as_str);
            let message = format!("{module} {}", state_text(state));
            progress.set_module(&message);
            bar.set_message(message);
        }
    };
    let resolved = ResolvedSymbols::resolve(resolver, needs, &on_progress, &io.cancel);
    bar.finish_and_clear();
    resolved
}

/// State of a module as text.
#[must_use]
pub fn state_text(state: &ModuleState) -> String {
    match state {
        ModuleState::Downloading(transfer) => {
            let total = transfer.total_bytes.map(|total| format!(" of {}", format::bytes(total)));
            format!("downloading {}{}", format::bytes(transfer.bytes), total.unwrap_or_default())
        }
        ModuleState::ExportsOnly => "exports only".to_owned(),
        other => other.name().replace('_', " "),
    }
}

/// The modules on the stacks with the states of their symbols.
#[must_use]
pub fn module_lines(trace: &Trace, resolved: &ResolvedSymbols) -> Vec<ModuleLine> {
    let named = named_frames(trace, &resolved.needs, &resolved.table(trace));
    let modules = resolved.needs.iter().zip(&resolved.outcomes).zip(named);
    let line = |((need, outcome), named): ((&ModuleNeed, &ModuleOutcome), usize)| ModuleLine {
        name: need.request.identity.name.clone(),
        state: state_text(&outcome.state),
        outstanding_bytes: need.outstanding_bytes,
        frames: need.frames as u64,
        named: named as u64,
        pdb: outcome
            .pdb
            .as_ref()
            .map_or_else(String::new, |pdb| format!("{} {} age {}", pdb.file_name, pdb.guid, pdb.age)),
    };
    modules.map(line).collect()
}
