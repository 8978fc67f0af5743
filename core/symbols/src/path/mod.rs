//! Symbol paths in the notation of the debuggers: `srv*C:\symbols*https://server`, `cache*`, folders, separated by `;`.
//! It must never touch the disk or the network.

mod element;
mod split;
#[cfg(test)]
mod tests;

use element::{Element, Reader};
use std::path::PathBuf;

/// The server that `srv*` means when it stands alone, as the debuggers read it.
pub const MICROSOFT_SERVER: &str = "https://msdl.microsoft.com/download/symbols";

/// What a symbol path is read against.
#[derive(Clone, Debug, Default)]
pub struct PathContext {
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
        /// Addresses, `http://` or `https://`, without a slash at the end.
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
    /// The parts as written, with their meaning, in order. A part that means two things stands here twice.
    pub parts: Vec<(String, PathPart)>,
    /// What could not be taken as written.
    pub problems: Vec<PathProblem>,
}

impl SymbolPath {
    /// Reads a symbol path. Nothing in it is an error that costs the rest.
    #[must_use]
    pub fn parse(text: &str, around: &PathContext) -> Self {
        let mut path = Self::default();
        let (parts, unbalanced) = split::parts(text);
        if unbalanced {
            path.problem(text.trim(), "a quote is not closed; all quotes were ignored".to_owned());
        }
        for written in parts {
            let expanded = split::expand(&written, &around.variables);
            // A variable may stand for a whole path; without one, a `;` is here because it was quoted.
            let parts = if expanded == written { vec![expanded] } else { split::parts(&expanded).0 };
            for part in parts {
                path.part(&written, &part, around);
            }
        }
        path
    }

    fn problem(&mut self, part: &str, text: String) {
        self.problems.push(PathProblem { part: part.to_owned(), text });
    }

    fn part(&mut self, written: &str, part: &str, around: &PathContext) {
        let mut elements = part.split('*').map(str::trim);
        let first = elements.next().unwrap_or_default();
        let rest: Vec<&str> = elements.collect();
        let reader = Reader { around };
        match (first.to_ascii_lowercase().as_str(), rest.as_slice()) {
            (_, []) => self.single(written, first, reader),
            ("srv", rest) => self.chain(written, rest, reader),
            ("symsrv", rest) => {
                let rest = self.without_dll(written, rest);
                self.chain(written, rest, reader);
            }
            ("cache", rest) => self.caches(written, rest, reader),
            _ => {
                let text = format!("it does not start with srv* or cache*; taken as srv*{part}");
                self.problem(written, text);
                let all: Vec<&str> = std::iter::once(first).chain(rest.iter().copied()).collect();
                self.chain(written, &all, reader);
            }
        }
    }

    /// A part without a star: a folder, or the address of a server, which the debuggers take for `srv*` of it.
    fn single(&mut self, written: &str, element: &str, reader: Reader<'_>) {
        match reader.read(element) {
            Element::Empty => {}
            Element::Folder(folder) => self.parts.push((written.to_owned(), PathPart::Folder(folder))),
            Element::Server(_) => self.chain(written, &[element], reader),
            Element::Bad(why) => self.problem(written, format!("{why}; this part is left out")),
        }
    }

    /// `cache*folder`; with an address in it, somebody meant `srv*`.
    fn caches(&mut self, written: &str, elements: &[&str], reader: Reader<'_>) {
        if elements.iter().any(|element| matches!(reader.read(element), Element::Server(_))) {
            self.problem(written, "cache* takes folders only; taken as srv*".to_owned());
            return self.chain(written, elements, reader);
        }
        for (index, element) in elements.iter().enumerate() {
            let folder = match reader.read(element) {
                Element::Folder(folder) => folder,
                Element::Empty | Element::Server(_) if index > 0 => continue,
                Element::Empty | Element::Server(_) => reader.around.default_store.clone(),
                Element::Bad(why) => self.default_instead(written, &why, reader),
            };
            self.parts.push((written.to_owned(), PathPart::Cache(folder)));
        }
    }

    fn default_instead(&mut self, written: &str, why: &str, reader: Reader<'_>) -> PathBuf {
        let store = reader.around.default_store.clone();
        self.problem(written, format!("{why}; the default store {} is used in its place", store.display()));
        store
    }

    /// The elements behind `srv*`: stores, then servers. Folders behind a server become parts of their own, since nothing
    /// of what the server has can be kept in them before it is asked.
    fn chain(&mut self, written: &str, elements: &[&str], reader: Reader<'_>) {
        let (mut stores, mut servers, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        for (index, element) in elements.iter().enumerate() {
            match reader.read(element) {
                Element::Server(address) => servers.push(address),
                Element::Folder(folder) if servers.is_empty() => push_new(&mut stores, folder),
                Element::Folder(folder) => behind.push(folder),
                // A star at the end (`srv*C:\symbols*`) says nothing; anywhere before, it means the default store.
                Element::Empty if index + 1 == elements.len() && index > 0 => {}
                Element::Empty if servers.is_empty() => push_new(&mut stores, reader.around.default_store.clone()),
                Element::Empty => {}
                Element::Bad(why) if looks_like_address(element) => {
                    self.problem(written, format!("{why}; it is left out"));
                }
                Element::Bad(why) => push_new(&mut stores, self.default_instead(written, &why, reader)),
            }
        }
        if elements.iter().all(|element| element.is_empty()) {
            servers.push(MICROSOFT_SERVER.to_owned());
        }
        // Where a server stands alone, what it has is kept in the default store.
        if stores.is_empty() && !servers.is_empty() {
            stores.push(reader.around.default_store.clone());
        }
        if !stores.is_empty() || !servers.is_empty() {
            self.parts.push((written.to_owned(), PathPart::Chain { stores, servers }));
        }
        for folder in behind {
            let text = format!("{} stands behind a server; it is looked at after it, as a folder", folder.display());
            self.problem(written, text);
            self.parts.push((written.to_owned(), PathPart::Folder(folder)));
        }
    }

    /// `symsrv*` names the library that does the work; there is only one, and it is not used here.
    fn without_dll<'e>(&mut self, written: &str, elements: &'e [&'e str]) -> &'e [&'e str] {
        let Some((first, rest)) = elements.split_first() else { return elements };
        let lower = first.to_ascii_lowercase();
        if lower == "symsrv.dll" || lower.is_empty() {
            return rest;
        }
        if lower.ends_with(".dll") {
            self.problem(written, format!("the library {first} is not used; taken as srv*"));
            return rest;
        }
        elements
    }
}

fn push_new(stores: &mut Vec<PathBuf>, folder: PathBuf) {
    if !stores.contains(&folder) {
        stores.push(folder);
    }
}

fn looks_like_address(element: &str) -> bool {
    element.contains("://") && !element.to_ascii_lowercase().starts_with("file:")
}
