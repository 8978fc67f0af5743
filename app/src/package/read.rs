//! Reads what a package has besides its trace: manifest, view and names. The trace is read as from any other archive.

use super::{FORMAT, MANIFEST, Manifest, NAMES, PackageView, PackedModule, VERSION, VIEW, key_of};
use crate::trace_location::TraceLocation;
use poolscope_archive::{Archive, ArchiveKind, Content, Control};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_symbols::identity::ModuleIdentity;
use poolscope_symbols::names::ModuleNames;
use poolscope_symbols::resolve::{SuppliedModule, SuppliedNames};
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Upper bound on the bytes of a manifest, and of a view.
const MAX_VIEW_BYTES: usize = 16 << 20;
/// Upper bound on the bytes of names.
const MAX_NAMES_BYTES: usize = 256 << 20;

/// An opened package without its trace.
#[derive(Clone, Debug)]
pub struct Package {
    /// Program that wrote it.
    pub program: String,
    /// Note and view.
    pub view: PackageView,
    /// Problems that leave a part of it out, in sentences.
    pub problems: Vec<String>,
    names: Arc<PackageNames>,
}

/// Names of a package by module.
#[derive(Debug, Default)]
struct PackageNames {
    modules: FxHashMap<super::ModuleKey, SuppliedModule>,
}

impl SuppliedNames for PackageNames {
    fn names(&self, module: &ModuleIdentity) -> Option<SuppliedModule> {
        self.modules.get(&key_of(module)).cloned()
    }
}

impl Package {
    /// Reads the package at a location; `None` for any other file.
    #[must_use]
    pub fn open(path: &Path) -> Option<Self> {
        let file = TraceLocation::of(path).file;
        let content =
            Content::File(File::open(&file).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))?);
        if ArchiveKind::recognize(&content.head(ArchiveKind::HEAD_BYTES).ok()?) != Some(ArchiveKind::Zip) {
            return None;
        }
        let (progress, cancel) = (Progress::default(), CancelToken::none());
        let control = Control { progress: &progress, cancel: &cancel };
        let archive = Archive::open(content, &file.display().to_string(), control).ok()?;
        let manifest: Manifest = member(&archive, MANIFEST, MAX_VIEW_BYTES, control)?.ok()?;
        if manifest.format != FORMAT {
            return None;
        }
        let Manifest { program, version, .. } = manifest;
        let name = file.display();
        let mut package = Self { program, view: PackageView::default(), problems: Vec::new(), names: Arc::default() };
        if version > VERSION {
            let program = &package.program;
            package.problems.push(format!(
                "{name} was written by a later version ({program}): its view and names are not used. Install that version"
            ));
            return Some(package);
        }
        match member(&archive, VIEW, MAX_VIEW_BYTES, control) {
            Some(Ok(view)) => package.view = view,
            problem => package.problems.push(left_out(&file, "view", problem.and_then(Result::err))),
        }
        match member::<Vec<PackedModule>>(&archive, NAMES, MAX_NAMES_BYTES, control) {
            Some(Ok(modules)) => package.names = Arc::new(PackageNames::new(modules)),
            problem => package.problems.push(left_out(&file, "names", problem.and_then(Result::err))),
        }
        Some(package)
    }

    /// Number of modules with names.
    #[must_use]
    pub fn named_modules(&self) -> usize {
        self.names.modules.len()
    }
}

/// The names of the package at a location; `None` for any other file.
#[must_use]
pub fn supplied_names(path: &Path) -> Option<Arc<dyn SuppliedNames>> {
    Package::open(path).map(|package| package.names as Arc<dyn SuppliedNames>)
}

impl PackageNames {
    fn new(modules: Vec<PackedModule>) -> Self {
        let module = |module: PackedModule| {
            let key = module.key();
            (key, SuppliedModule { names: ModuleNames::new(module.names), are_exports: module.are_exports })
        };
        Self { modules: modules.into_iter().map(module).collect() }
    }
}

fn left_out(file: &Path, part: &str, problem: Option<String>) -> String {
    let why = problem.unwrap_or_else(|| "it is not in the package".to_owned());
    format!("the {part} of {} cannot be used: {why}", file.display())
}

/// A member of JSON; `None` if there is none of the name.
fn member<T: DeserializeOwned>(
    archive: &Archive,
    name: &str,
    max_bytes: usize,
    control: Control<'_>,
) -> Option<Result<T, String>> {
    let (at, member) = archive.members().iter().enumerate().find(|(_, member)| member.name == name)?;
    let declared = member.bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(max_bytes);
    if declared > max_bytes {
        return Some(Err(format!("{name} has more than {} MB", max_bytes >> 20)));
    }
    // One byte more than declared shows a member that is larger than it says.
    let text = archive.head(at, declared + 1, control).map_err(|error| error.to_string());
    Some(text.and_then(|text| serde_json::from_slice(&text).map_err(|error| format!("{name} is damaged: {error}"))))
}
