//! Names for many modules: one after the other in the order given, several at a time, each PDB opened once. It says what it
//! does while it does it. It must never wait for anything after it was cancelled.

use super::identity::{ModuleIdentity, PdbIdentity};
use super::locate::{Attempt, Locator, Transfer};
use super::name_cache::NameCache;
use super::names::ModuleNames;
use crate::job::CancelToken;
use std::path::PathBuf;
use std::sync::Arc;

/// A module and the addresses in it that are wanted.
#[derive(Clone, Debug)]
pub struct ModuleRequest {
    /// What is known of it.
    pub identity: ModuleIdentity,
    /// Relative virtual addresses, ascending, none twice.
    pub rvas: Vec<u32>,
    /// A PDB that the user chose for it; it is looked at before all other places.
    pub by_hand: Option<PathBuf>,
}

/// How a module stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleState {
    /// Not looked at yet.
    Waiting,
    /// Being looked for.
    Searching,
    /// On its way from a server.
    Downloading(Transfer),
    /// Being read.
    Reading,
    /// Its PDB was read, now or at an earlier time.
    Loaded,
    /// No PDB, but the image: named by its exports.
    ExportsOnly,
    /// In none of the places.
    NotFound,
    /// A file of another identity is there, none of the right one.
    WrongIdentity,
    /// Found nowhere, and at least one place refused access.
    Denied,
    /// Found nowhere, and at least one place could not be reached.
    Unreachable,
    /// Found nowhere on this machine, and servers were not to be asked.
    Offline,
    /// The right file is damaged.
    Unreadable,
    /// The trace does not say by what its symbols are found.
    NoIdentity,
    /// Given up.
    Cancelled,
}

/// What became of a module.
#[derive(Clone, Debug)]
pub struct ModuleOutcome {
    /// How it stands at the end.
    pub state: ModuleState,
    /// The identity of the PDB: the trace's, or the one that the image file named.
    pub pdb: Option<PdbIdentity>,
    /// The file that the names are from; `None` where they are from the name cache or part of the program.
    pub file: Option<PathBuf>,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
    /// The names; empty where there are none.
    pub names: Arc<ModuleNames>,
    /// Whether the names were known from an earlier time.
    pub from_cache: bool,
    /// Bytes that came over the network.
    pub downloaded_bytes: u64,
}

/// News of a module, by its position in the requests.
#[derive(Clone, Debug)]
pub enum News {
    /// It goes on.
    State(ModuleState),
    /// It is done.
    Done(ModuleOutcome),
}

/// PDBs that are part of the program, by identity.
pub type Builtin = fn(&PdbIdentity) -> Option<&'static [u8]>;

/// Finds names.
pub struct Resolver {
    /// Where files are looked for.
    pub locator: Locator,
    /// Where names are kept.
    pub cache: Option<NameCache>,
    /// PDBs at hand without any file.
    pub builtin: Option<Builtin>,
    /// Modules at a time; 0: as many as make sense.
    pub at_a_time: usize,
}

impl Resolver {
    /// Finds names for all requests; every request ends with one [`News::Done`], cancelled ones too. `tell` is called from
    /// several threads.
    pub fn resolve(&self, requests: &[ModuleRequest], tell: &(dyn Fn(usize, News) + Sync), cancel: &CancelToken) {
        let _unused = (requests, tell, cancel);
    }
}
