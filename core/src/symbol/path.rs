//! Symbol paths in the notation of the debuggers: `srv*C:\symbols*https://server`, `cache*`, folders, separated by `;`.
//! It must never touch the disk or the network.

use std::path::PathBuf;

/// What a symbol path is read against.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The user's folder, for `~`.
    pub home: Option<PathBuf>,
    /// The store that empty parts (`srv**https://…`, `cache*`) mean.
    pub default_store: PathBuf,
    /// Environment variables that `%NAME%` may mean, names in upper case.
    pub variables: Vec<(String, String)>,
    /// Whether paths are Windows paths.
    pub windows: bool,
}

/// One part of a symbol path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PathPart {
    /// A folder: flat, or a store of two or three tiers. Nothing is ever written there.
    Folder(PathBuf),
    /// What is found in later parts is kept here.
    Cache(PathBuf),
    /// Stores, the nearest first, and servers behind them. What is found is kept in the stores before.
    Chain {
        /// Folders.
        stores: Vec<PathBuf>,
        /// Addresses, `http://` or `https://`.
        servers: Vec<String>,
    },
}

/// Something in a symbol path that does not mean what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathProblem {
    /// The part as written.
    pub part: String,
    /// What is wrong, and what was taken instead.
    pub text: String,
}

/// A symbol path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SymbolPath {
    /// The parts as written, with their meaning, in order.
    pub parts: Vec<(String, PathPart)>,
    /// What could not be taken as written.
    pub problems: Vec<PathProblem>,
}

impl SymbolPath {
    /// Reads a symbol path. Nothing in it is an error that costs the rest.
    #[must_use]
    pub fn parse(text: &str, around: &Surroundings) -> Self {
        let folder =
            |part: &str| (part.to_owned(), PathPart::Folder(around.home.clone().unwrap_or_default().join(part)));
        Self { parts: text.split(';').filter(|p| !p.trim().is_empty()).map(folder).collect(), problems: Vec::new() }
    }
}
