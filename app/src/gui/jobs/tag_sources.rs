//! Reads the user's `pooltag.txt` and looks through the driver files of a folder, for what they say about the tags of an open
//! trace. Sources that cannot be read are reported, and the others are used.

use std::path::PathBuf;
use std::sync::Arc;

use poolscope_analysis::group::stack_tags::StackTags;
use poolscope_analysis::leaks::owner::ScannedDrivers;
use poolscope_analysis::trace::Trace;
use poolscope_base::progress::CancelToken;

use crate::drivers::{scan_folder, tags_of};
use crate::pool_tags::{self, Found, PoolTagChoice};
use crate::stack_tags;
use crate::symbols::SymbolEnvironment;

/// Tag sources.
#[derive(Debug, Clone, Default)]
pub struct TagChoice {
    /// List of tags.
    pub pool_tags: PoolTagChoice,
    /// The folder with driver files.
    pub drivers: Option<PathBuf>,
    /// The file of stack tags.
    pub stack_tags: Option<PathBuf>,
    /// The machine that lists are looked for on.
    pub machine: SymbolEnvironment,
}

/// Request to read tag sources for a trace.
pub struct TagSourcesRequest {
    /// Tag sources.
    pub choice: TagChoice,
    /// The trace's file: a list may lie beside it.
    pub file: Option<PathBuf>,
    /// The trace.
    pub trace: Arc<Trace>,
}

/// Result of reading tag sources.
#[derive(Debug, Clone, Default)]
pub struct TagSources {
    /// The list of tags.
    pub pool_tags: Option<Found>,
    /// Tags that driver files contain.
    pub drivers: Option<Arc<ScannedDrivers>>,
    /// Stack tags.
    pub stack_tags: Arc<StackTags>,
    /// Errors of reading, a sentence each.
    pub problems: Vec<String>,
}

pub(super) fn run(request: TagSourcesRequest, cancel: &CancelToken) -> Option<TagSources> {
    let TagSourcesRequest { choice, file, trace } = request;
    let mut sources = TagSources::default();
    match pool_tags::find(&choice.pool_tags, file.as_deref(), &choice.machine) {
        Ok(search) => {
            sources.pool_tags = search.found;
            sources.problems.extend(search.problems);
        }
        Err(problem) => sources.problems.push(problem),
    }
    if let Some(folder) = &choice.drivers {
        match scan_folder(folder, &tags_of(&trace), &|| cancel.is_cancelled()) {
            Ok(scan) => {
                sources.drivers = Some(Arc::new(scan.drivers));
                sources.problems.extend(scan.problems);
            }
            Err(problem) => sources.problems.push(problem),
        }
    }
    match choice.stack_tags.as_deref().map(stack_tags::read) {
        Some(Ok(tags)) => sources.stack_tags = Arc::new(tags),
        Some(Err(problem)) => sources.problems.push(problem),
        None => {}
    }
    (!cancel.is_cancelled()).then_some(sources)
}
