//! The snapshots of pool tags that were pasted or opened: which one is shown, or which two are compared, how its rows are sorted and
//! filtered, and which tags are ticked. It reads nothing and draws nothing.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use poolscope_recording::poolmon::series::SeriesOptions;
use poolscope_recording::poolmon::{
    Pool, Snapshot, SnapshotComparison, SnapshotInput, SnapshotRow, SnapshotScope, TagDelta, TagSuggestion, compare,
    suggest,
};
use poolscope_recording::tag::TAGS_MAX;

use crate::format;
use crate::gui::jobs::snapshots::SnapshotAnswer;
use crate::gui::model::recording_setup::sentence;
use crate::gui::model::snapshot_series::{SeriesRequest, SeriesState, SeriesView, TrendCell};
use crate::snapshot_text;

/// Snapshots that are kept, the newest: more than a week of samples every five minutes.
const MAX_SNAPSHOTS: usize = 5000;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListColumn {
    /// The tag.
    Tag,
    /// Its pool.
    Pool,
    /// Bytes, or how many more.
    Bytes,
    /// Blocks that are allocated, or how many more.
    Blocks,
    /// Allocations, or how many more.
    Allocs,
    /// Frees, or how many more.
    Frees,
    /// Growth per hour over the series.
    Rate,
    /// Shape of the growth over the series.
    Shape,
    /// Description of the tag from the tool.
    About,
}

impl ListColumn {
    /// All of them, in their order.
    pub const ALL: [Self; 9] = [
        Self::Tag,
        Self::Pool,
        Self::Bytes,
        Self::Blocks,
        Self::Allocs,
        Self::Frees,
        Self::Rate,
        Self::Shape,
        Self::About,
    ];

    /// Its name.
    #[must_use]
    pub fn title(self, compared: bool) -> &'static str {
        match (self, compared) {
            (Self::Tag, _) => "Tag",
            (Self::Pool, _) => "Pool",
            (Self::Bytes, false) => "Bytes",
            (Self::Bytes, true) => "\u{394} Bytes",
            (Self::Blocks, false) => "Diff",
            (Self::Blocks, true) => "\u{394} Diff",
            (Self::Allocs, false) => "Allocs",
            (Self::Allocs, true) => "\u{394} Allocs",
            (Self::Frees, false) => "Frees",
            (Self::Frees, true) => "\u{394} Frees",
            (Self::Rate, _) => "Rate",
            (Self::Shape, _) => "Shape",
            (Self::About, _) => "Description",
        }
    }

    /// Its meaning.
    #[must_use]
    pub fn tip(self) -> &'static str {
        match self {
            Self::Tag => "Pool tag",
            Self::Pool => "Paged or nonpaged pool",
            Self::Bytes => "Bytes currently allocated",
            Self::Blocks => "Blocks currently allocated: allocations minus frees",
            Self::Allocs => "Allocations since Windows started",
            Self::Frees => "Frees since Windows started",
            Self::Rate => "Growth per hour over all snapshots (least-squares slope)",
            Self::Shape => "Shape of the growth over all snapshots: straight, step, burst, sawtooth, slowing",
            Self::About => "Description from the listing, or a built-in note",
        }
    }

    /// Returns whether it is a number.
    #[must_use]
    pub fn is_figure(self) -> bool {
        !matches!(self, Self::Tag | Self::Pool | Self::Shape | Self::About)
    }
}

/// A row of the table: figures of one snapshot, or the differences of two.
#[derive(Debug, Clone, PartialEq)]
pub struct ListRow {
    /// The tag, four characters.
    pub tag: String,
    /// Its pool.
    pub pool: Pool,
    /// Bytes.
    pub bytes: i64,
    /// Blocks.
    pub blocks: i64,
    /// Allocations, where they are counted.
    pub allocs: Option<i64>,
    /// Frees, where they are counted.
    pub frees: Option<i64>,
    /// Rate and shape over the series.
    pub trend: TrendCell,
    /// Description of the tag.
    pub about: String,
}

impl ListRow {
    fn of(row: &SnapshotRow) -> Self {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            tag: row.tag.clone(),
            pool: row.pool,
            bytes: whole(row.counts.bytes),
            blocks: whole(row.counts.blocks),
            allocs: row.counts.allocs.map(whole),
            frees: row.counts.frees.map(whole),
            trend: TrendCell::default(),
            about: snapshot_text::known_as(&row.tag, row.description.as_deref(), None),
        }
    }

    fn of_growth(row: &TagDelta) -> Self {
        Self {
            tag: row.tag.clone(),
            pool: row.pool,
            bytes: row.bytes,
            blocks: row.blocks,
            allocs: row.allocs,
            frees: row.frees,
            trend: TrendCell::default(),
            about: snapshot_text::known_as(&row.tag, row.description.as_deref(), None),
        }
    }

    /// The text of a cell; differences have their sign.
    #[must_use]
    pub fn text(&self, column: ListColumn, compared: bool) -> String {
        let count = |value: i64| {
            if compared { format::delta_count(value) } else { format::count(value.unsigned_abs()) }
        };
        match column {
            ListColumn::Tag => self.tag.clone(),
            ListColumn::Pool => self.pool.name().to_owned(),
            ListColumn::Bytes if compared => format::delta_bytes(self.bytes),
            ListColumn::Bytes => format::bytes(self.bytes.unsigned_abs()),
            ListColumn::Blocks => count(self.blocks),
            ListColumn::Allocs => self.allocs.map(count).unwrap_or_default(),
            ListColumn::Frees => self.frees.map(count).unwrap_or_default(),
            ListColumn::Rate => self.trend.bytes_per_hour.map(snapshot_text::per_hour).unwrap_or_default(),
            ListColumn::Shape => self.trend.shape.map(|shape| shape.name().to_owned()).unwrap_or_default(),
            ListColumn::About => self.about.clone(),
        }
    }

    fn compare(&self, other: &Self, column: ListColumn) -> Ordering {
        match column {
            ListColumn::Tag => self.tag.cmp(&other.tag),
            ListColumn::Pool => self.pool.cmp(&other.pool),
            ListColumn::Bytes => self.bytes.cmp(&other.bytes),
            ListColumn::Blocks => self.blocks.cmp(&other.blocks),
            ListColumn::Allocs => self.allocs.cmp(&other.allocs),
            ListColumn::Frees => self.frees.cmp(&other.frees),
            ListColumn::Rate => {
                let rate = |row: &Self| row.trend.bytes_per_hour.unwrap_or(f64::NEG_INFINITY);
                rate(self).total_cmp(&rate(other))
            }
            ListColumn::Shape => self.trend.shape.cmp(&other.trend.shape),
            ListColumn::About => self.about.cmp(&other.about),
        }
    }
}

/// Inputs that the rows depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    number: u64,
    before: Option<usize>,
    shown: usize,
    column: ListColumn,
    ascending: bool,
    filter: String,
    series: Option<u64>,
}

/// A snapshot and what to call it.
#[derive(Debug)]
pub struct NamedListing {
    /// Name of it.
    pub name: String,
    /// The snapshot.
    pub listing: Snapshot,
    /// Name of the file, or of the pasted text.
    source: String,
}

/// A file of samples that grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedFile {
    /// The file.
    pub path: PathBuf,
    /// Samples are taken by this program.
    pub is_sampled: bool,
}

/// The snapshots.
#[derive(Debug)]
pub struct SnapshotList {
    /// All of them, the oldest first.
    pub listings: Vec<NamedListing>,
    /// Index of the snapshot that is shown.
    pub shown: usize,
    /// With which one before it is compared.
    pub before: Option<usize>,
    /// By which column the rows are sorted, and whether the smallest come first.
    pub sort: (ListColumn, bool),
    /// Text that tags, pools or descriptions have to contain.
    pub filter: String,
    /// Text of the field for pasting.
    pub text: String,
    /// The field for pasting has the keys.
    pub awaits_paste: bool,
    /// Tags that are ticked.
    pub ticked: BTreeSet<String>,
    /// The row under the cursor.
    pub cursor: Option<usize>,
    /// The cursor has to be scrolled to.
    pub reveal: bool,
    /// Error of the last text that was no snapshot.
    pub trouble: Option<String>,
    /// Warnings about the last text.
    pub odd: Option<String>,
    /// The series of all snapshots of one scope.
    pub series: SeriesState,
    /// The file that is read again when it grows.
    pub followed: Option<FollowedFile>,
    /// The file that was opened last.
    pub opened: Option<PathBuf>,
    sources: Vec<Arc<SnapshotInput>>,
    /// Number of the newest request for the series, and what it followed from.
    series_asked: (u64, Option<(u64, SeriesOptions)>),
    series_waits: bool,
    waiting: u32,
    number: u64,
    basis: Option<Basis>,
    rows: Vec<ListRow>,
    comparison: Option<SnapshotComparison>,
}

impl Default for SnapshotList {
    fn default() -> Self {
        Self {
            listings: Vec::new(),
            shown: 0,
            before: None,
            sort: (ListColumn::Bytes, false),
            filter: String::new(),
            text: String::new(),
            awaits_paste: false,
            ticked: BTreeSet::new(),
            cursor: None,
            reveal: false,
            trouble: None,
            odd: None,
            series: SeriesState::default(),
            followed: None,
            opened: None,
            sources: Vec::new(),
            series_asked: (0, None),
            series_waits: false,
            waiting: 0,
            number: 0,
            basis: None,
            rows: Vec::new(),
            comparison: None,
        }
    }
}

impl SnapshotList {
    /// A text is being read.
    pub fn begin(&mut self) {
        self.waiting += 1;
        self.trouble = None;
        self.odd = None;
    }

    /// Returns whether a text is being read.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.waiting > 0 || self.series_waits
    }

    /// Adds the snapshots that were read, in place of those that were read from the same file before if it is followed. The last one is
    /// shown, compared with the first of its text, or else with the one before it.
    pub fn take(&mut self, answer: SnapshotAnswer) {
        self.waiting = self.waiting.saturating_sub(1);
        let document = match answer.result {
            Ok(document) => document,
            Err(message) => {
                self.trouble = Some(sentence(&message));
                return;
            }
        };
        let was_compared_with =
            self.before.and_then(|before| self.listings.get(before)).map(|named| named.name.clone());
        if answer.replaces {
            self.listings.retain(|named| named.source != answer.name);
            self.sources.retain(|input| input.name != answer.name);
        }
        let warnings = snapshot_text::file_warnings(&answer.name, &document);
        self.odd = (!warnings.is_empty()).then(|| warnings.join("; "));
        self.text.clear();
        let several = document.snapshots.len() > 1;
        let first = self.listings.len();
        for listing in &document.snapshots {
            let at = match listing.time {
                Some(time) => format!(", {}", time.text()),
                None if several => format!(", line {}", listing.first_line),
                None => String::new(),
            };
            let name = format!("{}. {}{at}", self.listings.len() + 1, answer.name);
            self.listings.push(NamedListing { name, listing: listing.clone(), source: answer.name.clone() });
        }
        self.number += 1;
        self.sources.push(Arc::new(SnapshotInput::new(answer.name, answer.modified_ms, document)));
        let surplus = self.listings.len().saturating_sub(MAX_SNAPSHOTS);
        self.listings.drain(..surplus);
        self.shown = self.listings.len().saturating_sub(1);
        let kept =
            self.listings.iter().position(|named| answer.replaces && Some(&named.name) == was_compared_with.as_ref());
        self.before = kept.or_else(|| self.baseline(first.saturating_sub(surplus)));
        if !answer.replaces {
            self.sort = (ListColumn::Bytes, false);
            self.ticked.clear();
        }
    }

    /// The snapshot that the shown one is compared with at first: the first of its own text that has its scope, or else the last of that
    /// scope before it.
    fn baseline(&self, first_of_text: usize) -> Option<usize> {
        let scope = self.scope_of(self.shown)?;
        let has_scope = |at: &usize| self.scope_of(*at) == Some(scope);
        (first_of_text..self.shown).find(has_scope).or_else(|| (0..self.shown).rev().find(has_scope))
    }

    /// Scope of a snapshot.
    #[must_use]
    pub fn scope_of(&self, at: usize) -> Option<SnapshotScope> {
        self.listings.get(at).map(|named| named.listing.scope)
    }

    /// The question about the series, if what it follows from has changed.
    pub fn series_request(&mut self) -> Option<SeriesRequest> {
        let scope = self.scope_of(self.shown);
        let interval_ms = (self.series.minutes_apart > 0).then(|| self.series.minutes_apart as i64 * 60_000);
        let options = SeriesOptions { scope, interval_ms };
        let basis = Some((self.number, options));
        if self.series_asked.1 == basis || (self.listings.is_empty() && self.series.view.is_none()) {
            return None;
        }
        self.series_asked = (self.series_asked.0 + 1, basis);
        self.series_waits = true;
        Some(SeriesRequest { number: self.series_asked.0, inputs: self.sources.clone(), options })
    }

    /// Takes the answer to the question about the series.
    pub fn take_series(&mut self, number: u64, view: Option<SeriesView>) {
        if number == self.series_asked.0 {
            self.series_waits = false;
            self.series.view = view.map(Arc::new);
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        let (waiting, number, asked) = (self.waiting, self.number + 1, self.series_asked.0);
        *self = Self { waiting, number, series_asked: (asked, None), ..Self::default() };
    }

    /// The columns of the table; rate and shape only of a series with times.
    #[must_use]
    pub fn columns(&self) -> Vec<ListColumn> {
        let has_times = self.series.length().is_some();
        let is_shown = |column: &ListColumn| has_times || !matches!(column, ListColumn::Rate | ListColumn::Shape);
        ListColumn::ALL.into_iter().filter(is_shown).collect()
    }

    /// Returns whether differences are shown.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.comparison.is_some()
    }

    /// The comparison that is shown.
    #[must_use]
    pub fn comparison(&self) -> Option<&SnapshotComparison> {
        self.comparison.as_ref()
    }

    /// The snapshot that is shown.
    #[must_use]
    pub fn listing(&self) -> Option<&Snapshot> {
        self.listings.get(self.shown).map(|named| &named.listing)
    }

    /// Sorts by a column; once more: the other way round.
    pub fn sort_by(&mut self, column: ListColumn) {
        let (now, ascending) = self.sort;
        self.sort = if now == column { (column, !ascending) } else { (column, !column.is_figure()) };
    }

    /// The rows as they are shown.
    #[must_use]
    pub fn rows(&self) -> &[ListRow] {
        &self.rows
    }

    /// Works the rows out, if what they follow from has changed.
    pub fn prepare(&mut self) {
        self.shown = self.shown.min(self.listings.len().saturating_sub(1));
        // Snapshots of different scope are never compared.
        let before = self.before.filter(|before| *before != self.shown && self.scope_of(*before).is_some());
        let before = before.filter(|before| self.scope_of(*before) == self.scope_of(self.shown));
        let (column, ascending) = self.sort;
        let filter = self.filter.trim().to_lowercase();
        let series = self.series.view.as_ref().map(|view| view.number);
        let basis = Basis { number: self.number, before, shown: self.shown, column, ascending, filter, series };
        if self.basis.as_ref() == Some(&basis) {
            return;
        }
        let listing = |at: usize| self.listings.get(at).map(|named| &named.listing);
        let compared = before.and_then(|before| Some(compare(listing(before)?, listing(self.shown)?)));
        let mut rows: Vec<ListRow> = match (&compared, listing(self.shown)) {
            (Some(comparison), _) => comparison.rows.iter().map(ListRow::of_growth).collect(),
            (None, Some(listing)) => listing.rows.iter().map(ListRow::of).collect(),
            (None, None) => Vec::new(),
        };
        if let Some(view) = &self.series.view {
            let trend = |row: &ListRow| view.trends.get(&(row.tag.clone(), row.pool)).copied().unwrap_or_default();
            rows.iter_mut().for_each(|row| row.trend = trend(row));
        }
        let has = |text: &str| text.to_lowercase().contains(&basis.filter);
        if !basis.filter.is_empty() {
            rows.retain(|row| has(&row.tag) || has(&row.about) || has(row.pool.name()));
        }
        // What was sorted by bytes before stays in that order among equals.
        rows.sort_by(|a, b| {
            let order = a.compare(b, column);
            if ascending { order } else { order.reverse() }
        });
        self.rows = rows;
        self.comparison = compared;
        self.basis = Some(basis);
    }

    /// Ticks a tag, or takes the tick away. No more than can be recorded at once.
    pub fn tick(&mut self, tag: &str) {
        if !self.ticked.remove(tag) && self.ticked.len() < TAGS_MAX {
            self.ticked.insert(tag.to_owned());
        }
    }

    /// The tags that are most worth recording, and why.
    #[must_use]
    pub fn suggested(&self) -> TagSuggestion {
        let listing = |at: usize| self.listings.get(at).map(|named| named.listing.clone());
        let before = self.before.filter(|_| self.is_compared()).and_then(listing);
        let all: Vec<Snapshot> = before.into_iter().chain(listing(self.shown)).collect();
        suggest(&all, None, TAGS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use poolscope_recording::poolmon::parse::parse_text;

    use super::*;

    fn listing(rows: &[(&str, u64, u64)]) -> SnapshotAnswer {
        let mut text = " Memory: 100K Avail: 50K\n Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n\n".to_owned();
        for (tag, allocs, bytes) in rows {
            let line = format!(
                " {tag} Nonp {allocs:>9} (   0) {:>9} (   0) {:>9} {bytes:>9} (     0) {:>6}\n",
                10,
                allocs - 10,
                64
            );
            text.push_str(&line);
        }
        SnapshotAnswer {
            name: "a.txt".to_owned(),
            modified_ms: None,
            replaces: false,
            result: parse_text(&text).map_err(|error| error.to_string()),
        }
    }

    fn shown(page: &mut SnapshotList) -> Vec<(String, i64)> {
        page.prepare();
        page.rows().iter().map(|row| (row.tag.clone(), row.bytes)).collect()
    }

    fn own(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
        rows.iter().map(|(tag, bytes)| ((*tag).to_owned(), *bytes)).collect()
    }

    #[test]
    fn one_is_shown_and_two_are_compared() {
        let mut page = SnapshotList::default();
        page.begin();
        assert!(page.is_busy());
        page.take(listing(&[("Leak", 100, 6400), ("MmSt", 200, 64000)]));
        assert!(!page.is_busy());
        assert_eq!(shown(&mut page), own(&[("MmSt", 64000), ("Leak", 6400)]));
        assert!(!page.is_compared());
        page.take(listing(&[("Leak", 900, 57600), ("MmSt", 200, 64000), ("New1", 20, 640)]));
        assert_eq!(shown(&mut page), own(&[("Leak", 51200), ("New1", 640), ("MmSt", 0)]));
        assert!(page.is_compared());
        assert_eq!(page.rows()[0].text(ListColumn::Allocs, true), "+800");
        assert_eq!(page.suggested().tags, ["Leak", "New1"], "what did not grow is no suspect");
        page.before = None;
        assert_eq!(shown(&mut page), own(&[("MmSt", 64000), ("Leak", 57600), ("New1", 640)]));
    }

    #[test]
    fn a_followed_file_replaces_its_snapshots() {
        let sampled = |hours: u8| {
            let rows = (0..hours).map(|hour| {
                let blocks = 1000 + u64::from(hour) * 1000;
                format!("2026-07-24 {hour:02}:00:00\n Leak Nonp {blocks} 0 {blocks} {} 100\n", blocks * 100)
            });
            let text: String = rows.collect();
            SnapshotAnswer {
                name: "a.csv".to_owned(),
                modified_ms: None,
                replaces: true,
                result: parse_text(&text).map_err(|error| error.to_string()),
            }
        };
        let mut page = SnapshotList::default();
        page.take(sampled(5));
        let request = page.series_request().expect("a question");
        assert!(page.is_busy() && page.series_request().is_none(), "it is asked once");
        page.take_series(request.number, request.run());
        assert!(!page.is_busy());
        let view = page.series.view.clone().expect("a series");
        assert_eq!((view.count, view.curves.len(), view.is_growing), (5, 1, true));
        page.take(sampled(6));
        assert_eq!((page.listings.len(), page.before, page.shown), (6, Some(0), 5));
        let request = page.series_request().expect("a question");
        page.take_series(request.number - 1, None);
        assert!(page.series.view.is_some(), "an old answer is dropped");
        page.take_series(request.number, request.run());
        assert_eq!(page.series.length(), Some(5.0 * 3600.0));
        assert_eq!(page.series.wall_clock(3600.0).as_deref(), Some("2026-07-24 01:00:00"));
        page.clear();
        assert!(page.series.view.is_none());
    }

    #[test]
    fn rows_are_sorted_and_filtered() {
        let mut page = SnapshotList::default();
        page.take(listing(&[("Leak", 100, 6400), ("MmSt", 200, 64000), ("Zap1", 50, 1)]));
        page.sort_by(ListColumn::Tag);
        assert_eq!(shown(&mut page)[0].0, "Leak");
        page.sort_by(ListColumn::Tag);
        assert_eq!(shown(&mut page)[0].0, "Zap1");
        page.sort_by(ListColumn::Allocs);
        assert_eq!(shown(&mut page)[0].0, "MmSt");
        page.filter = "leak".to_owned();
        assert_eq!(shown(&mut page), own(&[("Leak", 6400)]));
        page.filter = "nonpaged".to_owned();
        assert_eq!(shown(&mut page).len(), 3);
    }

    #[test]
    fn no_more_is_ticked_than_can_be_recorded() {
        let mut page = SnapshotList::default();
        for tag in ["A", "B", "C", "D", "E"] {
            page.tick(tag);
        }
        assert_eq!(page.ticked.len(), TAGS_MAX);
        page.tick("A");
        assert!(!page.ticked.contains("A"));
    }

    #[test]
    fn what_is_no_listing_is_said_and_nothing_is_lost() {
        let mut page = SnapshotList::default();
        page.take(listing(&[("Leak", 100, 6400)]));
        page.take(SnapshotAnswer {
            name: "b".to_owned(),
            modified_ms: None,
            replaces: false,
            result: parse_text("hello").map_err(|error| error.to_string()),
        });
        assert!(
            page.trouble.as_ref().is_some_and(|message| message.contains("No row of poolmon")),
            "{:?}",
            page.trouble
        );
        assert_eq!(page.listings.len(), 1);
        page.clear();
        assert!(page.listings.is_empty() && shown(&mut page).is_empty());
    }
}
