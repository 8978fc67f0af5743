//! The search for names in the background: it sends news while it goes on, and can be given up at once. Knows no window.

use std::path::PathBuf;
use std::sync::Arc;

use poolscope_core::column::symbols::{ModuleNeed, module_needs};
use poolscope_core::job::CancelToken;
use poolscope_core::symbol::resolve::{ModuleOutcome, ModuleRequest, ModuleState, News, Resolver};
use poolscope_core::trace::Trace;

use crate::symbols::{Choice, Machine};

/// Gives resolvers; tests give their own.
pub trait SymbolService: Send + Sync {
    /// A resolver for what the user chose.
    fn resolver(&self, choice: &Choice) -> Resolver;
    /// The symbol path that holds if the user chooses none.
    fn default_path(&self) -> String;
}

/// The symbols of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineSymbols;

impl SymbolService for MachineSymbols {
    fn resolver(&self, choice: &Choice) -> Resolver {
        Machine::this().resolver(choice)
    }

    fn default_path(&self) -> String {
        Machine::this().default_path()
    }
}

/// What names are wanted.
pub struct SymbolsRequest {
    /// The trace.
    pub trace: Arc<Trace>,
    /// What the user chose.
    pub choice: Choice,
    /// What the trace needs, if that is known already.
    pub needs: Option<Arc<Vec<ModuleNeed>>>,
    /// Positions in the needs that are to be looked for, in this order; `None`: all, in their order.
    pub only: Option<Vec<usize>>,
    /// PDBs that the user chose, by position in the needs.
    pub by_hand: Vec<(usize, PathBuf)>,
}

/// News of a search. Positions are positions in the needs.
#[derive(Debug, Clone)]
pub enum SymbolsNews {
    /// What the trace needs.
    Needs(Arc<Vec<ModuleNeed>>),
    /// A module goes on.
    State(usize, ModuleState),
    /// A module is done.
    Done(usize, Box<ModuleOutcome>),
    /// The search is over.
    Finished,
}

/// Searches; every request ends with [`SymbolsNews::Finished`].
pub fn run(
    service: &dyn SymbolService,
    request: SymbolsRequest,
    tell: &(dyn Fn(SymbolsNews) + Sync),
    cancel: &CancelToken,
) {
    let needs = request.needs.unwrap_or_else(|| Arc::new(module_needs(&request.trace)));
    tell(SymbolsNews::Needs(Arc::clone(&needs)));
    let only = request.only.unwrap_or_else(|| (0..needs.len()).collect());
    let wanted: Vec<usize> = only.into_iter().filter(|at| *at < needs.len()).collect();
    let by_hand = |at: usize| request.by_hand.iter().find(|hand| hand.0 == at).map(|hand| hand.1.clone());
    let requests: Vec<ModuleRequest> =
        wanted.iter().map(|&at| ModuleRequest { by_hand: by_hand(at), ..needs[at].request.clone() }).collect();
    let pass_on = |at: usize, news: News| {
        let at = wanted[at];
        tell(match news {
            News::State(state) => SymbolsNews::State(at, state),
            News::Done(outcome) => SymbolsNews::Done(at, Box::new(outcome)),
        });
    };
    service.resolver(&request.choice).resolve(&requests, &pass_on, cancel);
    tell(SymbolsNews::Finished);
}
