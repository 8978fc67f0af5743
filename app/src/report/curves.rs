//! Curves of the report's graph: outstanding bytes of the suspects, and of all other groups combined.

use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::Cancel;
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};
use poolscope_analysis::series::{SeriesError, SeriesKind, SeriesMetric, SeriesRequest, SeriesSet, series};
use poolscope_analysis::trace::time::TimeRange;

/// Number of curves with a color of their own.
const MAX_CURVES: usize = 8;
/// Points of a curve: one for four pixels.
const POINTS: usize = 241;

/// Outstanding bytes over the visible range of the suspects, by tag and pool; of the largest tags if there is no suspect.
///
/// # Errors
/// [`SeriesError::Cancelled`] if the work was cancelled.
pub fn curves(
    names: &ColumnValues,
    analysis: &LeakAnalysis,
    shown: &[&Suspect],
    cancel: Cancel<'_>,
) -> Result<SeriesSet, SeriesError> {
    let keys = [Key::Tag, Key::Paged];
    let tags = names.column(Key::Tag);
    let tag_id = |tag: &str| (0..tags.count()).find(|id| tags.text(*id) == tag);
    let mut chosen: Vec<Vec<u32>> = Vec::new();
    for suspect in shown.iter().take(MAX_CURVES) {
        // The ids of the paged column are 0 for nonpaged and 1 for paged pool.
        let ids = suspect.tag.as_deref().and_then(tag_id).map(|tag| vec![tag, u32::from(suspect.is_paged)]);
        chosen.extend(ids.filter(|ids| !chosen.contains(ids)));
    }
    let request = SeriesRequest {
        keys: &keys,
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
        visible_range: analysis.request.visible_range,
        points: POINTS,
        rows: None,
        include_preexisting: false,
        top: Some(MAX_CURVES),
        chosen: (!chosen.is_empty()).then_some(chosen.as_slice()),
    };
    series(names, &request, cancel)
}

/// Outstanding bytes of the nonpaged and the paged pool over the visible range, in this order.
///
/// # Errors
/// [`SeriesError::Cancelled`] if the work was cancelled.
pub fn pool_curves(
    names: &ColumnValues,
    visible_range: TimeRange,
    cancel: Cancel<'_>,
) -> Result<SeriesSet, SeriesError> {
    // The ids of the paged column are 0 for nonpaged and 1 for paged pool.
    let chosen = [vec![0], vec![1]];
    let request = SeriesRequest {
        keys: &[Key::Paged],
        metric: SeriesMetric { kind: SeriesKind::Outstanding, by_count: false },
        visible_range,
        points: POINTS,
        rows: None,
        include_preexisting: false,
        top: None,
        chosen: Some(&chosen),
    };
    series(names, &request, cancel)
}
