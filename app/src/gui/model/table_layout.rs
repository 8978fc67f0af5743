//! Columns of the table, their places between the gold and blue bars, the order of the rows and the keys that the graph has its
//! curves by. Knows no trace; says in a sentence why something cannot stand where it was dropped.

use std::collections::BTreeMap;

use poolscope_analysis::pivot::metric::Unit as FigureUnit;
use poolscope_analysis::pivot::{Key, Metric};
use serde::{Deserialize, Serialize};

use super::columns::{Graphed, What, graphed};
use crate::format::column::ColumnUnit;
use crate::gui::model::columns::ColumnRole;

/// Levels of sorting at most.
pub const SORT_LEVELS: usize = 3;

/// One column of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Placed {
    /// Identity while the column is in the table.
    pub id: u32,
    /// Key or figure that it shows.
    pub what: What,
    /// Its side of the bars.
    pub area: ColumnRole,
    /// Unit of its figures.
    pub unit: ColumnUnit,
    /// Its width in points, if the user gave it one.
    pub width: Option<f32>,
}

/// A column as files hold it.
#[derive(Serialize, Deserialize, Clone)]
struct Written {
    column: String,
    place: String,
    #[serde(default, skip_serializing_if = "ColumnUnit::is_automatic")]
    unit: ColumnUnit,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<f32>,
    #[serde(default)]
    id: u32,
}

const PLACES: [(&str, ColumnRole); 3] =
    [("key", ColumnRole::Key), ("data", ColumnRole::Data), ("graph", ColumnRole::Graph)];

impl From<Placed> for Written {
    fn from(placed: Placed) -> Self {
        let column = match placed.what {
            What::Key(key) => key.name().to_owned(),
            What::Figure(metric) => metric.name(),
        };
        let place = PLACES.iter().find(|(_, area)| *area == placed.area).map_or("data", |(name, _)| name).to_owned();
        Self { column, place, unit: placed.unit, width: placed.width, id: placed.id }
    }
}

impl TryFrom<Written> for Placed {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let area = PLACES.iter().find(|(name, _)| *name == written.place).map(|(_, area)| *area);
        let area = area.ok_or_else(|| format!("'{}' is not a column area: key, data or graph", written.place))?;
        let what = match area {
            ColumnRole::Key => What::Key(written.column.parse::<Key>().map_err(|error| error.to_string())?),
            _ => What::Figure(written.column.parse::<Metric>().map_err(|error| error.to_string())?),
        };
        what.in_area(area)?;
        Ok(Self { id: written.id, what, area, unit: written.unit, width: written.width })
    }
}

/// One level of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortBy {
    /// Id of the column.
    pub column: u32,
    /// Smallest first.
    pub ascending: bool,
}

/// The columns of a table and what goes with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableLayout {
    /// The columns: keys, then data, then graphed ones.
    pub columns: Vec<Placed>,
    /// Order of the rows, the deciding level first.
    pub sort: Vec<SortBy>,
    /// By which key columns the graph has its curves.
    #[serde(with = "key_names")]
    pub graph_by: Vec<Key>,
    /// Number of columns that stay where they are when the others scroll sideways.
    #[serde(default)]
    pub frozen: usize,
    /// The top row that is opened down to its heaviest stack when a trace opens; empty: the heaviest.
    #[serde(default)]
    pub initial_row: String,
    /// The query that belongs to it, if one does.
    #[serde(default)]
    pub query: String,
}

/// Keys by their names.
mod key_names {
    use poolscope_analysis::pivot::Key;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(keys: &[Key], serializer: S) -> Result<S::Ok, S::Error> {
        keys.iter().map(|key| key.name()).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Key>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().map(|name| name.parse().map_err(serde::de::Error::custom)).collect()
    }
}

impl TableLayout {
    /// Columns in this order, sorted by `sort`, largest first.
    #[must_use]
    pub fn new(keys: &[Key], data: &[Metric], graph: Metric, sort: Metric, graph_by: &[Key]) -> Self {
        let keys = keys.iter().map(|key| (What::Key(*key), ColumnRole::Key));
        let data = data.iter().map(|metric| (What::Figure(*metric), ColumnRole::Data));
        let all = keys.chain(data).chain([(What::Figure(graph), ColumnRole::Graph)]);
        let placed = |(at, (what, area)): (usize, (What, ColumnRole))| Placed {
            id: at as u32,
            what,
            area,
            unit: ColumnUnit::Automatic,
            width: None,
        };
        let columns: Vec<Placed> = all.enumerate().map(placed).collect();
        let sorted = columns.iter().find(|column| column.what == What::Figure(sort)).map(|column| column.id);
        let sort = sorted.map(|column| SortBy { column, ascending: false }).into_iter().collect();
        let graph_by = graph_by.to_vec();
        Self { columns, sort, graph_by, frozen: 0, initial_row: String::new(), query: String::new() }
    }

    /// The keys, outermost first.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let key = |column: &Placed| match column.what {
            What::Key(key) => Some(key),
            What::Figure(_) => None,
        };
        self.columns.iter().filter_map(key).collect()
    }

    /// The figures, as they stand.
    #[must_use]
    pub fn figures(&self) -> Vec<Metric> {
        let metric = |column: &Placed| match column.what {
            What::Figure(metric) => Some(metric),
            What::Key(_) => None,
        };
        self.columns.iter().filter_map(metric).collect()
    }

    /// The column of an identity.
    #[must_use]
    pub fn column(&self, id: u32) -> Option<&Placed> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// The widths that the user gave columns, in points by column id.
    #[must_use]
    pub fn widths(&self) -> BTreeMap<u32, f32> {
        self.columns.iter().filter_map(|column| Some((column.id, column.width?))).collect()
    }

    /// The same without the widths.
    #[must_use]
    pub fn without_widths(&self) -> Self {
        let mut bare = self.clone();
        bare.columns.iter_mut().for_each(|column| column.width = None);
        bare
    }

    /// Figure that the graph draws.
    #[must_use]
    pub fn graphed(&self) -> Option<Graphed> {
        let column = self.columns.iter().find(|column| column.area == ColumnRole::Graph)?;
        match column.what {
            What::Figure(metric) => graphed(metric),
            What::Key(_) => None,
        }
    }

    /// Moves a column in front of another of an area, or to its end; the area determines what it shows.
    ///
    /// # Errors
    /// The reason as a sentence, if it cannot be there.
    pub fn move_column(&mut self, id: u32, area: ColumnRole, before: Option<u32>) -> Result<(), String> {
        let Some(from) = self.columns.iter().position(|column| column.id == id) else { return Ok(()) };
        if before == Some(id) {
            return Ok(());
        }
        let what = self.columns[from].what.in_area(area)?;
        self.refuse_twice(what, Some(id))?;
        let mut moved = self.columns.remove(from);
        if moved.what != what {
            moved.what = what;
            moved.unit = ColumnUnit::Automatic;
            self.sort.retain(|level| level.column != id);
        }
        moved.area = area;
        self.insert(moved, before);
        Ok(())
    }

    /// Takes in a column; on the graphed side it takes the place of the one there.
    ///
    /// # Errors
    /// The reason as a sentence, if it cannot be there.
    pub fn add(&mut self, what: What, area: ColumnRole, before: Option<u32>) -> Result<u32, String> {
        let what = what.in_area(area)?;
        self.refuse_twice(what, None)?;
        let id = self.columns.iter().map(|column| column.id + 1).max().unwrap_or(0);
        self.insert(Placed { id, what, area, unit: ColumnUnit::Automatic, width: None }, before);
        Ok(id)
    }

    /// A key groups once; grouping by it again would only repeat it.
    fn refuse_twice(&self, what: What, but: Option<u32>) -> Result<(), String> {
        let What::Key(key) = what else { return Ok(()) };
        let again = self.columns.iter().any(|column| column.what == what && Some(column.id) != but);
        if again { Err(format!("The rows are grouped by {} already.", key.title())) } else { Ok(()) }
    }

    fn insert(&mut self, column: Placed, before: Option<u32>) {
        let area = column.area;
        if area == ColumnRole::Graph {
            // One figure is drawn at a time: the one before steps back over the blue bar.
            self.columns.iter_mut().filter(|c| c.area == ColumnRole::Graph).for_each(|c| c.area = ColumnRole::Data);
        }
        let in_front = before.and_then(|id| self.columns.iter().position(|c| c.id == id && c.area == area));
        let at = in_front.unwrap_or_else(|| self.columns.partition_point(|c| c.area <= area));
        self.columns.insert(at, column);
        self.mend();
    }

    /// Takes a column away. The last key stays: without one there are no rows.
    ///
    /// # Errors
    /// The reason as a sentence, if it cannot be removed.
    pub fn remove(&mut self, id: u32) -> Result<(), String> {
        let is_key = self.column(id).is_some_and(|column| column.area == ColumnRole::Key);
        if is_key && self.keys().len() == 1 {
            return Err("At least one key column is required.".to_owned());
        }
        self.columns.retain(|column| column.id != id);
        self.mend();
        Ok(())
    }

    /// Adds a column's values up in another way.
    pub fn aggregate(&mut self, id: u32, metric: Metric) {
        let Some(column) = self.columns.iter_mut().find(|column| column.id == id) else { return };
        if What::Figure(metric).in_area(column.area).is_ok() {
            column.what = What::Figure(metric);
            column.unit = ColumnUnit::Automatic;
        }
    }

    /// Writes a column's figures in another unit.
    pub fn set_unit(&mut self, id: u32, unit: ColumnUnit) {
        if let Some(column) = self.columns.iter_mut().find(|column| column.id == id) {
            column.unit = unit;
        }
    }

    /// Sorts by a column, or turns its order round if it decides already; `add`: after the columns that decide now.
    pub fn sort_by(&mut self, id: u32, add: bool) {
        let Some(column) = self.column(id) else { return };
        // Figures read from the largest down, names from A to Z.
        let fresh = SortBy { column: id, ascending: matches!(column.what, What::Key(_)) };
        let decides = self.sort.first().is_some_and(|first| first.column == id);
        if let Some(level) = self.sort.iter_mut().find(|level| level.column == id)
            && (add || decides)
        {
            level.ascending = !level.ascending;
            let kept = *level;
            if !add {
                self.sort = vec![kept];
            }
        } else if add {
            self.sort.truncate(SORT_LEVELS - 1);
            self.sort.push(fresh);
        } else {
            self.sort = vec![fresh];
        }
    }

    /// Sorts by a column in this order, smallest first if true: in its place if it is sorted by already, else after the others, of
    /// which the last gives way if there are too many. `None`: no longer.
    pub fn set_sort(&mut self, id: u32, order: Option<bool>) {
        let level = self.sort.iter_mut().find(|level| level.column == id);
        match (level, order) {
            (Some(level), Some(ascending)) => level.ascending = ascending,
            (_, None) => self.sort.retain(|level| level.column != id),
            (None, Some(ascending)) => {
                self.sort.truncate(SORT_LEVELS - 1);
                self.sort.push(SortBy { column: id, ascending });
            }
        }
    }

    /// Makes a column this wide in points, or as wide as its kind is at first.
    pub fn set_width(&mut self, id: u32, points: Option<f32>) {
        if let Some(column) = self.columns.iter_mut().find(|column| column.id == id) {
            column.width = points;
        }
    }

    /// The units that a column may be written in, beside the automatic one.
    #[must_use]
    pub fn units(&self, id: u32) -> &'static [ColumnUnit] {
        match self.column(id).map(|column| column.what) {
            Some(What::Figure(metric)) => match metric.unit() {
                FigureUnit::Bytes => {
                    &[ColumnUnit::Bytes, ColumnUnit::KB, ColumnUnit::MB, ColumnUnit::GB, ColumnUnit::Pages]
                }
                FigureUnit::BytesPerSecond => &[ColumnUnit::PerSecond, ColumnUnit::PerMinute, ColumnUnit::PerHour],
                _ => &[],
            },
            _ => &[],
        }
    }

    /// After columns came and went: what refers to none of them any more goes too.
    fn mend(&mut self) {
        let ids: Vec<u32> = self.columns.iter().map(|column| column.id).collect();
        self.sort.retain(|level| ids.contains(&level.column));
        let keys = self.keys();
        self.graph_by.retain(|key| keys.contains(key));
        if self.graph_by.is_empty() {
            let plain = keys.iter().find(|key| !key.is_stack() && !key.depends_on_range());
            self.graph_by.extend(plain.or(keys.first()));
        }
        self.frozen = self.frozen.min(self.columns.len());
    }

    /// The same with everything put right that a file may have got wrong.
    ///
    /// # Errors
    /// The reason as a sentence, if it is unusable.
    pub fn checked(mut self) -> Result<Self, String> {
        self.columns.sort_by_key(|column| column.area);
        for at in 0..self.columns.len() {
            if self.columns[..at].iter().any(|other| other.id == self.columns[at].id) {
                self.columns[at].id = self.columns.iter().map(|column| column.id + 1).max().unwrap_or(0);
            }
        }
        let keys = self.keys();
        if keys.is_empty() {
            return Err("there is no key column".to_owned());
        }
        if let Some(twice) = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)) {
            return Err(format!("the key column {} appears twice", twice.1.title()));
        }
        if self.columns.iter().filter(|column| column.area == ColumnRole::Graph).count() > 1 {
            return Err("more than one column is graphed".to_owned());
        }
        self.sort.truncate(SORT_LEVELS);
        self.mend();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::model::presets::built_in;

    fn leak_hunt() -> TableLayout {
        built_in().remove(0).layout
    }

    fn shape(layout: &TableLayout) -> String {
        let area = |area| {
            let of_area = layout.columns.iter().filter(|column| column.area == area);
            of_area.map(|column| column.what.title()).collect::<Vec<_>>().join(", ")
        };
        format!("{} | {} | {}", area(ColumnRole::Key), area(ColumnRole::Data), area(ColumnRole::Graph))
    }

    #[test]
    fn columns_change_their_role_with_their_side() {
        let mut a = leak_hunt();
        assert_eq!(shape(&a), "Type, Paged, Pool Tag, Stack | Count | Size");
        a.move_column(2, ColumnRole::Key, Some(0)).unwrap();
        assert_eq!(shape(&a), "Pool Tag, Type, Paged, Stack | Count | Size");
        a.move_column(0, ColumnRole::Data, Some(4)).unwrap();
        assert_eq!(shape(&a), "Pool Tag, Paged, Stack | Type (unique), Count | Size");
        a.move_column(0, ColumnRole::Key, None).unwrap();
        assert_eq!(shape(&a), "Pool Tag, Paged, Stack, Type | Count | Size");
        a.move_column(4, ColumnRole::Graph, None).unwrap();
        assert_eq!(shape(&a), "Pool Tag, Paged, Stack, Type | Size | Count");
        assert_eq!(a.graphed(), Some(Graphed { by_count: true, impacting: false }));
        a.move_column(5, ColumnRole::Key, Some(1)).unwrap();
        assert_eq!(shape(&a), "Pool Tag, Size Class, Paged, Stack, Type |  | Count");
        assert_eq!(a.sort, [], "what decided the order is gone");
        a.move_column(4, ColumnRole::Data, None).unwrap();
        assert_eq!(a.graphed(), None);
    }

    #[test]
    fn what_cannot_stand_somewhere_says_why_and_stays() {
        let mut a = leak_hunt();
        let before = a.clone();
        assert!(a.move_column(4, ColumnRole::Key, None).unwrap_err().contains("cannot group"));
        assert!(a.move_column(2, ColumnRole::Graph, None).unwrap_err().contains("be graphed"));
        assert!(a.add(What::Key(Key::Tag), ColumnRole::Key, None).unwrap_err().contains("already"));
        assert!(a.add(What::Figure(Metric::Average), ColumnRole::Graph, None).is_err());
        assert_eq!(a, before);
        for id in [0, 1, 2] {
            a.remove(id).unwrap();
        }
        assert_eq!(a.graph_by, [Key::Stack]);
        assert!(a.remove(3).unwrap_err().contains("is required"));
    }

    #[test]
    fn the_same_column_stands_twice() {
        let mut a = leak_hunt();
        let id = a.add(What::Figure(Metric::Size), ColumnRole::Data, None).unwrap();
        a.aggregate(id, Metric::PeakSize);
        a.set_unit(id, ColumnUnit::MB);
        assert_eq!(shape(&a), "Type, Paged, Pool Tag, Stack | Count, Size (peak) | Size");
        assert_eq!(a.units(id).len(), 5);
        a.aggregate(5, Metric::Average);
        assert_eq!(a.column(5).map(|c| c.what), Some(What::Figure(Metric::Size)), "an average has no course");
    }

    #[test]
    fn sorting_takes_up_to_three_columns() {
        let mut a = leak_hunt();
        a.sort_by(5, false);
        assert_eq!(a.sort, [SortBy { column: 5, ascending: true }]);
        a.sort_by(4, true);
        a.sort_by(0, true);
        a.sort_by(4, true);
        let level = |column, ascending| SortBy { column, ascending };
        assert_eq!(a.sort, [level(5, true), level(4, true), level(0, true)]);
        a.sort_by(2, true);
        assert_eq!(a.sort, [level(5, true), level(4, true), level(2, true)]);
        a.sort_by(4, false);
        assert_eq!(a.sort, [level(4, false)]);
    }
}
