//! The curves of the report's graph: what the suspects have outstanding, and all others together.

use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::names::Names;
use poolscope_analysis::group::parallel::Cancel;
use poolscope_analysis::group::values::KeyColumn;
use poolscope_analysis::leaks::{Judgement, Suspect};
use poolscope_analysis::series::{Kind, Measure, SeriesError, SeriesRequest, SeriesSet, series};

/// Curves with a colour of their own.
const MOST: usize = 8;
/// Points of a curve: one for four pixels.
const POINTS: usize = 241;

/// The outstanding bytes of the suspects, by tag and pool, over the view; of the heaviest tags where there is no suspect.
///
/// # Errors
/// When cancelled.
pub fn curves(
    names: &Names,
    judgement: &Judgement,
    shown: &[&Suspect],
    cancel: Cancel<'_>,
) -> Result<SeriesSet, SeriesError> {
    let keys = [Key::Tag, Key::Paged];
    let columns = keys.map(|key| names.column(key));
    let id = |column: &KeyColumn, text: &str| (0..column.count()).find(|id| column.text(*id) == text);
    let mut chosen: Vec<Vec<u32>> = Vec::new();
    for suspect in shown.iter().take(MOST) {
        let pool = if suspect.paged { "Paged" } else { "NonPaged" };
        let tag = suspect.tag.as_deref().and_then(|tag| id(&columns[0], tag));
        let ids = tag.zip(id(&columns[1], pool)).map(|(tag, pool)| vec![tag, pool]);
        chosen.extend(ids.filter(|ids| !chosen.contains(ids)));
    }
    let request = SeriesRequest {
        keys: &keys,
        measure: Measure { kind: Kind::Outstanding, by_count: false },
        view: judgement.request.view,
        points: POINTS,
        rows: None,
        earlier: false,
        top: Some(MOST),
        chosen: (!chosen.is_empty()).then_some(chosen.as_slice()),
    };
    series(names, &request, cancel)
}
