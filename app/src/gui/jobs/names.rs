//! New names for the frames of an open trace, and what becomes of places and paths when they take the place of the old ones.
//! It never changes names that are in use: those that know more are others.

use std::sync::Arc;

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::{FrameNames, FrameNaming};
use poolscope_analysis::group::parallel::Cancelled;
use poolscope_analysis::group::symbols::{ModuleNeed, SymbolTable};
use poolscope_analysis::pivot::translate::{NewPaths, Translation, is_named_by_frames};
use poolscope_analysis::pivot::{Key, Pivot, PivotTree, RowPath, rows_of_paths};
use poolscope_base::progress::CancelToken;
use poolscope_symbols::names::ModuleNames;
use rustc_hash::FxHashSet;

use crate::gui::model::filter::{FilterHistory, RowFilter, Step};
use crate::gui::model::visible_rows::unfold_mark;

/// Results of the symbol search: modules that the trace needs, and names by position in that list.
pub type FoundNames = (Arc<Vec<ModuleNeed>>, Vec<Option<Arc<ModuleNames>>>);

/// Request for new names.
pub struct NamesRequest {
    /// The names before.
    pub names: Arc<ColumnValues>,
    /// Results of the symbol search; `None` to keep the earlier ones.
    pub found: Option<FoundNames>,
    /// Naming of frames.
    pub naming: FrameNaming,
    /// Columns that are in use.
    pub keys: Vec<Key>,
}

pub(super) fn run(request: NamesRequest, cancel: &CancelToken) -> Option<Arc<ColumnValues>> {
    let NamesRequest { names, found, naming, keys } = request;
    let names = match found {
        Some((needs, found)) => {
            let table: Arc<dyn FrameNames> = Arc::new(SymbolTable::new(names.trace(), &needs, &found));
            names.with_frame_names(Some(table), naming)
        }
        None => names.with_naming(naming),
    };
    for key in keys.into_iter().filter(|key| is_named_by_frames(*key)) {
        if cancel.is_cancelled() {
            return None;
        }
        drop(names.column(key));
    }
    Some(Arc::new(names))
}

/// Request to translate places, paths and texts from old names to new ones.
pub struct Rename {
    /// The old names.
    pub old: Arc<ColumnValues>,
    /// The groups that are shown.
    pub pivot: Option<Arc<Pivot>>,
    /// The filter.
    pub filter: Arc<RowFilter>,
    /// Its history.
    pub history: FilterHistory,
    /// The columns that curves are known by.
    pub keys: Vec<Key>,
    /// Their texts in these columns.
    pub texts: Vec<Vec<String>>,
}

/// Result of it.
pub struct Renamed {
    /// For what came up meanwhile.
    pub translation: Translation,
    /// The groups that were shown.
    pub pivot: Option<Arc<Pivot>>,
    /// Paths of open rows, when that was asked.
    pub open: FxHashSet<u64>,
    /// Paths of other rows, when that was asked.
    pub wanted: FxHashSet<u64>,
    /// The paths under the new names.
    pub paths: NewPaths,
    /// The filter.
    pub filter: Arc<RowFilter>,
    /// Its history.
    pub history: FilterHistory,
    /// Old and new texts of curves.
    pub texts: Vec<(Vec<String>, Vec<String>)>,
}

impl Rename {
    /// Translates everything.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` says so.
    pub(super) fn run(
        self,
        names: &Arc<ColumnValues>,
        open: FxHashSet<u64>,
        wanted: FxHashSet<u64>,
        cancel: &CancelToken,
    ) -> Result<Renamed, Cancelled> {
        let Self { old, pivot, filter, history, keys, texts } = self;
        let translation = Translation::new(old, Arc::clone(names));
        let paths = match &pivot {
            Some(pivot) => translation.paths(&mut PivotTree::new(Arc::clone(pivot)), &open, &wanted),
            None => NewPaths::default(),
        };
        if cancel.is_cancelled() {
            return Err(Cancelled);
        }
        let places = |place: &RowPath| translation.row_paths(place);
        let filter = Arc::new(filter.map_places(&places));
        let history = history.map_places(&places);
        let new_texts = translation.texts(&keys, &texts);
        let texts = texts.into_iter().zip(new_texts).filter_map(|(old, new)| Some((old, new?))).collect();
        if cancel.is_cancelled() {
            return Err(Cancelled);
        }
        Ok(Renamed { translation, pivot, open, wanted, paths, filter, history, texts })
    }
}

impl Renamed {
    /// New paths of old ones; those that no row has stay as they are, until one has them.
    #[must_use]
    pub fn new_paths(&self, paths: &FxHashSet<u64>) -> FxHashSet<u64> {
        let of = |path: &u64| self.paths.of.get(path);
        // A mark on a run of frames belongs to the path of its first frame.
        let of_mark =
            |mark: &u64| of(&unfold_mark(*mark)).map(|paths| paths.iter().copied().map(unfold_mark).collect());
        let new = |path: &u64| of(path).cloned().or_else(|| of_mark(path)).unwrap_or_else(|| vec![*path]);
        paths.iter().flat_map(new).collect()
    }

    /// The same of open rows, with what leads to them.
    #[must_use]
    pub fn new_open(&self, paths: &FxHashSet<u64>) -> FxHashSet<u64> {
        let mut new = self.new_paths(paths);
        new.extend(&self.paths.above);
        new
    }
}

/// The steps that any row of the trace is known by under these names.
///
/// # Errors
/// [`Cancelled`] once `cancel` says so.
pub(super) fn known_steps(
    steps: Vec<Step>,
    names: &ColumnValues,
    cancel: &CancelToken,
) -> Result<Vec<Step>, Cancelled> {
    let cancelled = || cancel.is_cancelled();
    let whole = names.trace().extent;
    let mut known = Vec::new();
    for step in steps {
        let is_known = match &step {
            Step::To(places) | Step::Out(places) => rows_of_paths(places, names, whole, &cancelled)?.count() > 0,
            Step::Query(_) => true,
        };
        if is_known {
            known.push(step);
        }
    }
    Ok(known)
}
