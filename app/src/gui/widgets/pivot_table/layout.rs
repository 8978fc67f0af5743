//! The horizontal layout of columns and bars: their places, which of them are frozen, the gap nearest to the pointer, and widths
//! that fit the contents. Nothing is drawn here.

use std::collections::BTreeMap;

use eframe::egui::emath::Rangef;
use eframe::egui::{FontId, Ui};

use super::headers::SORT_ROOM;
use super::model::{Area, Column, ExtraColumn, Row, TreeModel};
use super::rows::{self, MIN_KEY_TEXT, TRIANGLE, UNIT_WIDTH};
use super::state::{FitRequest, TableState};
use crate::gui::theme::{self, GRID, INDENT};

/// Least width of a column, in points.
pub const MIN_COLUMN_WIDTH: f32 = 32.0;
/// Width of the column of color squares, in points.
pub const SWATCH_WIDTH: f32 = 24.0;
/// Width of an empty area while a column is dragged that is allowed there, in points.
pub const EMPTY_AREA: f32 = 40.0;
/// Upper bound on the width that [`fit`] gives a column, in points.
const MAX_FIT: f32 = 900.0;
/// Width up to which the last key column grows in a table of ordinary width, in points, and its share of a very wide one.
const KEY_CAP: f32 = 440.0;
const KEY_SHARE: f32 = 0.26;
/// Least width that an extra column can use, in points.
const LEAST_EXTRA: f32 = 96.0;
/// Least width that frozen columns leave for the others, in points.
const MIN_UNFROZEN: f32 = 120.0;

/// Horizontal places, in points from the left edge of the unscrolled table.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnLayout {
    /// The range of each column.
    pub ranges: Vec<Rangef>,
    /// The range of each area without the bars, in the order of [`Area::ALL`].
    pub areas: [Rangef; 3],
    /// The bar between keys and data.
    pub gold: Rangef,
    /// The bar between data and graphed columns.
    pub blue: Rangef,
    /// The color squares.
    pub swatch: Rangef,
    /// The extra columns that there is room for.
    pub extras: Vec<Rangef>,
    /// The whole width.
    pub width: f32,
    /// Width of the empty areas that are open for a dragged column. It is added to the width, so that the bars keep their places
    /// when a drag begins.
    pub opened: f32,
    /// Right edge of the frozen columns; 0 when none is frozen.
    pub frozen: f32,
}

/// Greatest width of the key column that takes what is left over, in a table of `available` points.
fn key_cap(available: f32) -> f32 {
    (KEY_SHARE * available).clamp(KEY_CAP, MAX_FIT)
}

/// The place between two columns where a dragged column would go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The area.
    pub area: Area,
    /// Id of the column behind the gap; `None` at the end of the area.
    pub before: Option<u32>,
    /// The middle of the gap, in points from the left edge of the unscrolled table.
    pub x: f32,
}

impl ColumnLayout {
    /// Places the columns in `available` points: the last key column takes what is left over, up to a width at which names are
    /// still near their figures, and when nothing is left the table becomes wider than its place (and scrolls). Areas that are
    /// `opened` have a width although they have no column.
    #[must_use]
    pub fn place(columns: &[Column], widths: &BTreeMap<u32, f32>, available: f32, opened: [bool; 3]) -> Self {
        let width_of = |c: &Column| widths.get(&c.id).copied().unwrap_or(c.width).max(MIN_COLUMN_WIDTH);
        let width_of_empty = |area: Area| {
            let is_empty = columns.iter().all(|c| c.area != area);
            if is_empty && opened[area as usize] { EMPTY_AREA } else { 0.0 }
        };
        let fixed = 2.0 * theme::BAR_WIDTH + SWATCH_WIDTH;
        let total: f32 = columns.iter().map(width_of).sum::<f32>() + fixed;
        let spare = (available - total).max(0.0);
        let stretched = columns.iter().rposition(|c| c.area == Area::Key);
        let own = stretched.and_then(|at| columns.get(at)).map_or(0.0, width_of);
        let capped = (key_cap(available) - own).clamp(0.0, spare);
        // Room that no other column can use is better used by names.
        let spare = if spare - capped < LEAST_EXTRA { spare } else { capped };
        let mut ranges = Vec::with_capacity(columns.len());
        let mut areas = [Rangef::new(0.0, 0.0); 3];
        let mut x = 0.0;
        for area in Area::ALL {
            if area != Area::Key {
                x += theme::BAR_WIDTH;
            }
            let from = x;
            x += width_of_empty(area);
            for (i, column) in columns.iter().enumerate().filter(|(_, c)| c.area == area) {
                let width = width_of(column) + if stretched == Some(i) { spare } else { 0.0 };
                ranges.push(Rangef::new(x, x + width));
                x += width;
            }
            areas[area as usize] = Rangef::new(from, x);
        }
        let [key, data, graph] = areas;
        let swatch = Rangef::new(graph.max, graph.max + SWATCH_WIDTH);
        Self {
            ranges,
            areas,
            gold: Rangef::new(key.max, data.min),
            blue: Rangef::new(data.max, graph.min),
            swatch,
            extras: Vec::new(),
            width: swatch.max,
            opened: Area::ALL.map(width_of_empty).iter().sum(),
            frozen: 0.0,
        }
    }

    /// Adds as many of the extra columns as there is room for. What is left over goes to those that can use it, and then to all of
    /// them alike, so that no part of a very wide table is empty.
    #[must_use]
    pub fn with_extras(mut self, extras: &[ExtraColumn], available: f32) -> Self {
        let mut rest = available - self.width;
        let mut widths: Vec<f32> = Vec::new();
        for extra in extras {
            if extra.width > rest {
                break;
            }
            rest -= extra.width;
            widths.push(extra.width);
        }
        for (width, extra) in widths.iter_mut().zip(extras) {
            let more = (extra.max_width - extra.width).clamp(0.0, rest.max(0.0));
            *width += more;
            rest -= more;
        }
        if rest > 0.0 && !widths.is_empty() {
            let each = (rest / widths.len() as f32).floor();
            widths.iter_mut().for_each(|width| *width += each);
        }
        let mut x = self.width;
        for width in widths {
            self.extras.push(Rangef::new(x, x + width));
            x += width;
        }
        self.width = x;
        self
    }

    /// Freezes the first `count` columns, unless they would not leave enough of `available` points for the others.
    #[must_use]
    pub fn freeze(mut self, count: usize, available: f32) -> Self {
        let last = self.ranges.len().min(count).checked_sub(1);
        let edge = last.and_then(|i| self.ranges.get(i)).map_or(0.0, |range| range.max);
        self.frozen = if edge + MIN_UNFROZEN <= available { edge } else { 0.0 };
        self
    }

    /// Returns `true` if `range` does not move when the table scrolls sideways.
    #[must_use]
    pub fn is_frozen(&self, range: Rangef) -> bool {
        range.max <= self.frozen
    }

    /// The gap between columns that is nearest to `x`, on the side of the bars that `x` is on.
    #[must_use]
    pub fn gap_at(&self, columns: &[Column], x: f32) -> Gap {
        let area = match x {
            x if x < self.gold.center() => Area::Key,
            x if x < self.blue.center() => Area::Data,
            _ => Area::Graph,
        };
        let inside = columns.iter().zip(&self.ranges).filter(|(c, _)| c.area == area);
        let mut behind = inside.clone().filter(|(_, range)| x < range.center());
        match behind.next() {
            Some((column, range)) => Gap { area, before: Some(column.id), x: range.min },
            None if inside.count() == 0 => Gap { area, before: None, x: self.areas[area as usize].center() },
            None => Gap { area, before: None, x: self.areas[area as usize].max },
        }
    }
}

/// Indentation of a key at depth `levels`, in points, always less than `room`: full steps first, then smaller and smaller ones, so
/// that a deeper row is always to the right of its parent.
#[must_use]
pub fn indentation(levels: u32, room: f32) -> f32 {
    let wanted = levels as f32 * theme::INDENT;
    let (plain, rest) = (room * 0.7, room * 0.3);
    if wanted <= plain || rest <= 0.0 {
        return wanted.min(plain.max(0.0));
    }
    let over = wanted - plain;
    plain + rest * over / (rest + over)
}

/// Gives the columns that [`TableState::fit`] named the width that their titles and the visible rows need; `visible` is the number
/// of these rows.
pub(super) fn fit(ui: &Ui, model: &dyn TreeModel, state: &mut TableState, visible: f64) {
    let wanted = std::mem::take(&mut state.fit);
    if wanted == FitRequest::None {
        return;
    }
    let from = state.pos.row;
    let rows: Vec<Row> = (from..=from.saturating_add(visible.ceil() as u64)).map_while(|i| model.row(i)).collect();
    for (at, column) in model.columns().iter().enumerate() {
        if !matches!(&wanted, FitRequest::Some(ids) if !ids.contains(&column.id)) {
            let width = width_for(ui, model.columns(), at, column, &rows);
            state.widths.insert(column.id, width.clamp(MIN_COLUMN_WIDTH, MAX_FIT).ceil());
        }
    }
}

fn width_for(ui: &Ui, columns: &[Column], at: usize, column: &Column, rows: &[Row]) -> f32 {
    let measure = |text: &str, font: FontId| {
        let galley = ui.painter().layout_no_wrap(text.to_owned(), font, theme::Palette::of(ui).text);
        galley.size().x
    };
    let title = measure(&column.title, theme::small_font()) + 4.0 * GRID + SORT_ROOM;
    let contents = rows.iter().map(|row| {
        if column.area == Area::Key {
            if row.key_column != at {
                return 0.0;
            }
            let indent = row.indent as f32 * INDENT;
            let text = measure(&row.text, rows::key_font(row));
            let room_to_indent = indent / 0.7 + MIN_KEY_TEXT;
            (indent + TRIANGLE + text + 4.0 * GRID).max(if indent > 0.0 { room_to_indent } else { 0.0 })
        } else {
            let keys = columns.iter().filter(|c| c.area == Area::Key).count();
            let cell = at.checked_sub(keys).and_then(|cell| row.cells.get(cell));
            cell.map_or(0.0, |cell| {
                let unit = if cell.unit.is_empty() { 0.0 } else { UNIT_WIDTH };
                measure(&cell.text, theme::figure_font()) + unit + 4.0 * GRID
            })
        }
    });
    contents.fold(title, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXED: f32 = 2.0 * theme::BAR_WIDTH + SWATCH_WIDTH;

    fn column(id: u32, area: Area, width: f32) -> Column {
        Column { id, area, width, ..Column::default() }
    }

    fn placed(columns: &[Column], available: f32) -> ColumnLayout {
        ColumnLayout::place(columns, &BTreeMap::new(), available, [false; 3])
    }

    fn gap(columns: &[Column], places: &ColumnLayout, x: f32) -> (Area, Option<u32>) {
        let gap = places.gap_at(columns, x);
        (gap.area, gap.before)
    }

    #[test]
    fn the_last_key_takes_what_is_left() {
        let columns = [column(0, Area::Key, 50.0), column(1, Area::Key, 100.0), column(2, Area::Data, 80.0)];
        let placed = placed(&columns, 230.0 + FIXED + 70.0);
        assert_eq!(placed.ranges[1], Rangef::new(50.0, 220.0));
        assert_eq!(placed.gold, Rangef::new(220.0, 220.0 + theme::BAR_WIDTH));
        assert_eq!(placed.ranges[2].min, placed.gold.max);
        assert_eq!(placed.blue.min, placed.ranges[2].max);
        assert_eq!(placed.width, 230.0 + FIXED + 70.0);
    }

    #[test]
    fn a_wide_table_keeps_names_near_their_figures() {
        let columns = [column(0, Area::Key, 76.0), column(1, Area::Key, 240.0), column(2, Area::Graph, 96.0)];
        let extra = |width, max_width| ExtraColumn {
            title: String::new(),
            tip: String::new(),
            width,
            max_width,
            is_figure: true,
        };
        let extras = [extra(120.0, 320.0), extra(96.0, 96.0), extra(150.0, 150.0)];
        for available in [780.0, 1000.0, 1420.0, 2000.0, 3400.0] {
            let places = placed(&columns, available).with_extras(&extras, available);
            let name_to_figure = places.ranges[2].max - places.ranges[1].min;
            assert!(name_to_figure <= key_cap(available) + 96.0 + FIXED + LEAST_EXTRA, "{available}: {name_to_figure}");
            assert!(places.width <= available + 0.5, "{available}: {}", places.width);
            let ends = places.extras.windows(2).all(|pair| pair[0].max == pair[1].min);
            assert!(ends && places.extras.first().is_none_or(|first| first.min == places.swatch.max));
        }
        let shown = |available| placed(&columns, available).with_extras(&extras, available).extras.len();
        assert_eq!((shown(500.0), shown(3400.0)), (0, 3));
        let wide = placed(&columns, 3400.0).with_extras(&extras, 3400.0);
        let spans: Vec<f32> = wide.extras.iter().map(|range| range.span()).collect();
        let wider = spans[1] - 96.0;
        assert_eq!(
            (spans[0] - 320.0, spans[2] - 150.0),
            (wider, wider),
            "the first takes more, up to its greatest width"
        );
        assert!(wide.width > 3397.0 && wide.width <= 3400.0, "nothing stays empty: {}", wide.width);
    }

    #[test]
    fn a_narrow_place_makes_the_table_scroll() {
        let columns = [column(0, Area::Key, 200.0), column(1, Area::Graph, 80.0)];
        let widths = BTreeMap::from([(0, 5.0)]);
        let placed = ColumnLayout::place(&columns, &widths, 10.0, [false; 3]);
        assert_eq!(placed.ranges[0], Rangef::new(0.0, MIN_COLUMN_WIDTH));
        assert!(placed.width > 10.0);
        assert_eq!(placed.blue.max, placed.ranges[1].min);
        assert_eq!(placed.gold.max, placed.blue.min);
    }

    #[test]
    fn a_place_between_columns_is_found_up_to_the_bars() {
        let columns = [column(0, Area::Key, 50.0), column(1, Area::Key, 100.0), column(2, Area::Graph, 80.0)];
        let places = placed(&columns, 0.0);
        assert_eq!(gap(&columns, &places, -5.0), (Area::Key, Some(0)));
        assert_eq!(gap(&columns, &places, 26.0), (Area::Key, Some(1)));
        assert_eq!(gap(&columns, &places, places.gold.center() - 0.5), (Area::Key, None));
        assert_eq!(gap(&columns, &places, places.gold.center()), (Area::Data, None));
        assert_eq!(gap(&columns, &places, places.blue.center() - 0.5), (Area::Data, None));
        assert_eq!(gap(&columns, &places, places.blue.center()), (Area::Graph, Some(2)));
        assert_eq!(gap(&columns, &places, 1e6), (Area::Graph, None));
        assert_eq!(places.gap_at(&columns, 1e6).x, places.swatch.min);
    }

    #[test]
    fn empty_areas_open_when_asked() {
        let columns = [column(2, Area::Data, 80.0)];
        let places = ColumnLayout::place(&columns, &BTreeMap::new(), 0.0, [true, true, true]);
        assert_eq!(places.gold.min, EMPTY_AREA);
        assert_eq!(places.opened, 2.0 * EMPTY_AREA);
        let keys = [column(2, Area::Key, 80.0)];
        let opened = ColumnLayout::place(&keys, &BTreeMap::new(), 500.0, [true; 3]);
        assert_eq!(opened.gold, placed(&keys, 500.0).gold, "the bar stays where it was");
        assert_eq!(places.areas[2].span(), EMPTY_AREA);
        assert_eq!(places.areas[1].span(), 80.0);
        assert_eq!(gap(&columns, &places, 3.0), (Area::Key, None));
        assert_eq!(placed(&columns, 0.0).gold.min, 0.0);
    }

    #[test]
    fn frozen_columns_leave_room_or_do_not_freeze() {
        let columns = [column(0, Area::Key, 100.0), column(1, Area::Data, 80.0)];
        let frozen = placed(&columns, 100.0).freeze(1, 220.0);
        assert_eq!(frozen.frozen, 100.0);
        assert!(frozen.is_frozen(frozen.ranges[0]) && !frozen.is_frozen(frozen.gold));
        assert_eq!(placed(&columns, 100.0).freeze(1, 219.0).frozen, 0.0);
        assert_eq!(placed(&columns, 100.0).freeze(0, 500.0).frozen, 0.0);
        let all = placed(&columns, 100.0).freeze(9, 500.0);
        assert_eq!(all.frozen, all.ranges[1].max);
    }

    #[test]
    fn deeper_rows_always_stand_further_right() {
        assert_eq!(indentation(3, 400.0), 3.0 * theme::INDENT);
        let steps: Vec<f32> = (0..200).map(|levels| indentation(levels, 100.0)).collect();
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert!(steps.iter().all(|x| *x < 100.0));
        assert_eq!(indentation(50, 0.0), 0.0);
    }
}
