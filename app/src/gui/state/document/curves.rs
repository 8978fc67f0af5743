//! The graph of a document: asks for curves, gives them colours that stay, ties them to the rows, and carries out what the user
//! does in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use poolscope_analysis::pivot::{Metric, Key, NodeId, RowPath};
use poolscope_analysis::series::{SeriesKind as MeasureKind, MAX_PEAK_GROUPS, SeriesMetric};
use poolscope_analysis::trace::time::Ticks;

use super::{Document, Effect, Topic};
use crate::format;
use crate::gui::jobs::curves::{Curve, CurvesAnswer, CurvesRequest};
use crate::gui::jobs::document::Request;
use crate::gui::jobs::rows::RowChoice;
use crate::gui::state::columns::shown;
use crate::gui::state::rows::{Swatches, node_id, row_id};
use crate::gui::theme::Palette;
use crate::gui::widgets::graph::{self, GraphData, Overview, Series, Unit};
use crate::gui::widgets::pivot_table::Swatch;

/// Curves at most, until the user wants more or fewer; the rest is folded into "other".
pub(super) const MOST_CURVES: usize = 9;
/// How many curves the user may choose to see.
pub const CURVE_COUNTS: [usize; 4] = [5, 9, 20, 50];
/// Points of a curve: about as many as a wide screen has columns. Peaks between them are kept.
const CURVE_POINTS: usize = 2048;
/// Name of the sum of the curves that have none of their own.
const OTHER: &str = "other";
/// Identities of picked curves begin here; the others have their position.
const PICKED_IDS: u64 = 1 << 32;

impl Document {
    fn curve_wanted(&self) -> CurvesRequest {
        CurvesRequest {
            names: Arc::clone(&self.names),
            keys: self.arrangement.graph_by.clone(),
            rows: None,
            measure: self.measure(),
            earlier: self.earlier,
            order: Arc::clone(&self.order),
            view: self.history.now(),
            whole: None,
            total: self.kind != graph::Kind::Lines,
            points: CURVE_POINTS,
            most: self.most_curves,
        }
    }

    fn row_choice(&self, place: Option<RowPath>) -> RowChoice {
        RowChoice {
            names: Arc::clone(&self.names),
            view: self.history.now(),
            filter: Arc::clone(self.filter.narrowing()),
            impacting: self.arrangement.graphed().is_some_and(|graphed| graphed.impacting),
            place,
        }
    }

    /// What to compute for the graph; nothing while no column is graphed.
    pub(super) fn curves_request(&self) -> Option<Request> {
        let graphed = self.arrangement.graphed()?;
        // What is AIFO, and what a filter by type takes, changes with the view.
        let overview_moves = graphed.impacting || self.filter.narrowing().depends_on_view();
        let whole = (self.overview_is_old || overview_moves).then(|| self.history.whole());
        Some(Request::Curves(CurvesRequest { whole, ..self.curve_wanted() }, self.row_choice(None)))
    }

    /// The curves of pinned rows, and of the row under the cursor if it has none of its own.
    pub(super) fn extra_request(&self) -> Option<Request> {
        self.arrangement.graphed()?;
        let places = self.picked_places();
        let choices = places.into_iter().map(|place| (place.title(), self.row_choice(Some(place)))).collect::<Vec<_>>();
        (!choices.is_empty()).then(|| Request::Extra(self.curve_wanted(), choices))
    }

    fn picked_places(&self) -> Vec<RowPath> {
        let mut places = self.pinned.clone();
        if let (Some(rows), Some(id)) = (&self.rows, self.table.cursor())
            && self.curve_of(node_id(id)).is_none()
        {
            let place = RowPath::of(rows.flat().tree(), node_id(id));
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The position of the curve that the row's colour stands for.
    fn curve_of(&self, node: NodeId) -> Option<usize> {
        let values = self.rows.as_ref()?.series_of(node)?;
        self.curves.as_ref()?.curves.iter().position(|curve| curve.keys == values)
    }

    /// Takes in new curves.
    pub(super) fn take_curves(&mut self, mut answer: CurvesAnswer) {
        if self.arrangement.graphed().is_none() {
            return;
        }
        if let Some((times, values)) = answer.overview.take() {
            self.overview = Overview { times, values };
            self.overview_is_old = false;
        }
        self.curves = Some(answer);
        self.picked.clear();
        self.recolour();
        self.mark_curve();
    }

    /// Takes in the curves of picked rows.
    pub(super) fn take_extra(&mut self, answer: Result<Vec<Curve>, String>) {
        if self.arrangement.graphed().is_none() || self.picked_places().is_empty() {
            return;
        }
        match answer {
            Ok(curves) => self.picked = curves,
            Err(why) => self.trouble = Some(why),
        }
        self.recolour();
    }

    /// The curve of the row under the cursor is emphasised; one is drawn for it if it has none.
    pub(super) fn mark_curve(&mut self) {
        let places = self.picked_places();
        if places.is_empty() && !self.picked.is_empty() {
            self.picked.clear();
            self.recolour();
        } else if !places.is_empty() && self.curves.is_some() {
            self.changed.insert(Topic::Extra);
        }
        let marked = self.table.cursor().and_then(|id| self.curve_of(node_id(id)));
        // The curves stay as they are: making them ready again for every step of the cursor would be felt.
        let series = self.graph_data.iter_mut().flat_map(|data| &mut data.series);
        series.filter(|one| one.id < PICKED_IDS).for_each(|one| one.marked = marked == Some(one.id as usize));
    }

    /// Gives curves and rows the colours of the theme.
    pub(super) fn recolour(&mut self) {
        let palette = Palette::for_dark(self.dark);
        let Some(answer) = &self.curves else { return };
        let marked = self.table.cursor().and_then(|id| self.curve_of(node_id(id)));
        let mut series = Vec::with_capacity(answer.curves.len() + self.picked.len());
        for (at, curve) in answer.curves.iter().enumerate() {
            let number = curve.name.as_deref().map(|name| self.colours.number(name));
            series.push(Series {
                id: at as u64,
                on: !self.hidden.contains(&hidden_name(curve)),
                has_row: curve.name.is_some() && !curve.keys.is_empty(),
                name: self.curve_name(curve, answer.others),
                marked: marked == Some(at),
                colour: palette.series_colour(number),
                pattern: number.map_or(0, palette_round),
                values: curve.values.clone(),
                extremes: curve.extremes.clone(),
            });
        }
        let cursor_is_picked = self.picked.len() > self.pinned.len();
        // Stacked, they would count twice: what they show is in the others already.
        let picked = if self.kind == graph::Kind::Lines { self.picked.as_slice() } else { &[] };
        for (at, curve) in picked.iter().enumerate() {
            let name = curve.name.clone().unwrap_or_default();
            let is_cursor = cursor_is_picked && at + 1 == self.picked.len();
            series.push(Series {
                id: PICKED_IDS + at as u64,
                on: !self.hidden.contains(&hidden_name(curve)),
                has_row: true,
                marked: is_cursor,
                colour: if is_cursor { palette.text } else { palette.series_colour(Some(self.colours.number(&name))) },
                pattern: u8::from(!is_cursor),
                name: if is_cursor { name.rsplit(" / ").next().unwrap_or(&name).to_owned() } else { name },
                values: curve.values.clone(),
                extremes: curve.extremes.clone(),
            });
            if is_cursor {
                // The legend begins with what was just selected.
                series.rotate_right(1);
            }
        }
        let by: Vec<&str> = self.arrangement.graph_by.iter().map(|key| key.title()).collect();
        let mut title = format!("{} by {}", measure_title(answer.measure), by.join(", "));
        if answer.chosen_by_sum {
            let most = format::count(MAX_PEAK_GROUPS as u64);
            title = format!("{title}, highest of the {most} largest groups");
        }
        let unit = unit_of(answer.measure);
        let data = GraphData::new(title, answer.times.clone(), series, unit);
        let extremes = answer.total_extremes.clone();
        self.graph_data = Some(if extremes.is_empty() { data } else { data.with_total_extremes(extremes) });
        self.set_swatches();
    }

    fn curve_name(&self, curve: &Curve, others: usize) -> String {
        let Some(name) = &curve.name else { return format!("{OTHER} ({})", format::count(others as u64)) };
        let by = &self.arrangement.graph_by;
        if by.len() != curve.keys.len() {
            return name.clone();
        }
        let texts: Vec<_> = by.iter().zip(&curve.keys).map(|(key, text)| shown(*key, text)).collect();
        texts.join(", ")
    }

    pub(super) fn set_swatches(&mut self) {
        let palette = Palette::for_dark(self.dark);
        let (Some(rows), Some(answer)) = (&mut self.rows, &self.curves) else { return };
        let mut swatches = Swatches { by: self.arrangement.graph_by.clone(), ..Swatches::default() };
        for curve in answer.curves.iter().filter(|curve| !curve.keys.is_empty()) {
            let number = self.colours.number(curve.name.as_deref().unwrap_or_default());
            let colour = palette.series_colour(Some(number));
            let on = !self.hidden.contains(&hidden_name(curve));
            swatches.squares.insert(curve.keys.clone(), Swatch { colour, on });
        }
        rows.set_swatches(swatches);
    }

    /// Draws the curves in another way.
    pub fn draw_as(&mut self, kind: graph::Kind) {
        self.kind = kind;
        let lacks_total = self.curves.as_ref().is_some_and(|answer| answer.total_extremes.is_empty());
        if kind != graph::Kind::Lines && lacks_total && self.measure_kind == MeasureKind::Outstanding {
            self.changed.insert(Topic::Curves);
        }
        self.recolour();
    }

    /// Carries out what the user asked of the graph.
    pub fn graph_action(&mut self, action: graph::Action) {
        match action {
            graph::Action::Zoom { to, smooth } => self.zoom(to, smooth),
            graph::Action::ZoomAll => self.zoom_all(),
            graph::Action::Select(range) => self.select_range(range),
            graph::Action::Toggle(id) => self.toggle_curve(id),
            graph::Action::Solo(id) => self.solo_curve(id),
            graph::Action::ShowAll => self.show_all_curves(),
            graph::Action::Reveal(id) => self.reveal(id),
            graph::Action::Copy(text) => self.effects.push(Effect::Copy(text)),
            graph::Action::AddMark(time) => self.add_marks(&[time]),
            graph::Action::MoveMark { index, to } => {
                let time = self.trace.clock.ticks(to);
                if let Some(mark) = self.marks.get_mut(index) {
                    *mark = time;
                    self.marks_changed();
                }
            }
            graph::Action::RemoveMark(index) => {
                if index < self.marks.len() {
                    self.marks.remove(index);
                    self.marks_changed();
                }
            }
            graph::Action::ClearMarks => self.clear_marks(),
        }
    }

    fn curve_with(&self, id: u64) -> Option<&Curve> {
        match id.checked_sub(PICKED_IDS) {
            Some(at) => self.picked.get(at as usize),
            None => self.curves.as_ref()?.curves.get(id as usize),
        }
    }

    fn toggle_curve(&mut self, id: u64) {
        let Some(name) = self.curve_with(id).map(hidden_name) else { return };
        self.toggle_named(name);
    }

    fn toggle_named(&mut self, name: Vec<String>) {
        if !self.hidden.remove(&name) {
            self.hidden.insert(name);
        }
        self.recolour();
    }

    /// Draws this curve alone; all of them if it is alone already.
    fn solo_curve(&mut self, id: u64) {
        let Some(name) = self.curve_with(id).map(hidden_name) else { return };
        self.solo_named(&name);
    }

    fn solo_named(&mut self, name: &Vec<String>) {
        let all = self.curves.iter().flat_map(|answer| &answer.curves).chain(&self.picked);
        let others: BTreeSet<Vec<String>> = all.map(hidden_name).filter(|other| other != name).collect();
        let alone = !self.hidden.contains(name) && others.is_subset(&self.hidden);
        self.hidden = if alone { BTreeSet::new() } else { others };
        self.recolour();
    }

    /// Shows or hides the curve of a row.
    pub(super) fn toggle_row(&mut self, node: NodeId) {
        if let Some(name) = self.rows.as_ref().and_then(|rows| rows.series_of(node)) {
            self.toggle_named(name);
        }
    }

    /// Draws the curve of a row alone.
    pub(super) fn solo_row(&mut self, node: NodeId) {
        if let Some(name) = self.rows.as_ref().and_then(|rows| rows.series_of(node)) {
            self.solo_named(&name);
        }
    }

    /// Draws all curves again.
    pub fn show_all_curves(&mut self) {
        self.hidden.clear();
        self.recolour();
    }

    /// Gives the selected rows curves of their own, or takes these away again.
    pub fn pin_rows(&mut self) {
        for place in self.selected_places() {
            match self.pinned.iter().position(|pinned| *pinned == place) {
                Some(at) => {
                    self.pinned.remove(at);
                }
                None => self.pinned.push(place),
            }
        }
        self.mark_curve();
    }

    /// Selects the row that a curve belongs to: the first visible one, or else the one that matters most, with all that has
    /// to be opened for it.
    fn reveal(&mut self, id: u64) {
        if let Some(at) = id.checked_sub(PICKED_IDS) {
            return self.reveal_place(at as usize);
        }
        let Some(values) = self.curve_with(id).map(|curve| curve.keys.clone()) else { return };
        let by = self.arrangement.graph_by.clone();
        let Some(rows) = &mut self.rows else { return };
        if let Some(node) = rows.find(&by, &values, &mut self.expanded) {
            self.table.select(row_id(node));
            self.table.request_focus();
            self.remember_selection();
            self.ask_for_unknown();
        }
    }

    /// Selects the row of a pinned curve; the curve of the row under the cursor is at its row already.
    fn reveal_place(&mut self, at: usize) {
        let (Some(place), Some(rows)) = (self.pinned.get(at), &mut self.rows) else { return };
        if let Some(node) = rows.find_place(place, &mut self.expanded) {
            self.table.select(row_id(node));
            self.table.request_focus();
            self.remember_selection();
            self.ask_for_unknown();
        }
    }

    /// Puts marks on the time axis, in seconds.
    pub fn add_marks(&mut self, seconds: &[f64]) {
        let whole = self.history.whole();
        let times = seconds.iter().map(|time| self.trace.clock.ticks(*time));
        self.marks.extend(times.map(|time| Ticks(time.0.clamp(whole.from.0, whole.to.0))));
        self.marks_changed();
    }

    /// Takes all marks away.
    pub fn clear_marks(&mut self) {
        self.marks.clear();
        self.marks_changed();
    }

    pub(super) fn marks_changed(&mut self) {
        self.marks.sort_unstable();
        self.marks.dedup();
        self.names = Arc::new(self.names.with_marks(&self.marks));
        self.new_names = self.new_names.take().map(|names| Arc::new(names.with_marks(&self.marks)));
        let in_filter = self.filter.narrowing().asks_generation();
        if in_filter {
            self.filter.forget_rows();
        }
        let counted = Metric::Unique(Key::Generation);
        let grouped =
            self.arrangement.keys().contains(&Key::Generation) || self.arrangement.figures().contains(&counted);
        if grouped || in_filter {
            self.groups_are_old = true;
            self.changed.extend([Topic::Table, Topic::Curves]);
        }
    }
}

/// Under which name a curve is hidden; the sum of the others has none.
pub(super) fn hidden_name(curve: &Curve) -> Vec<String> {
    if !curve.keys.is_empty() {
        return curve.keys.clone();
    }
    // A picked row may be called what a curve of the columns is called.
    curve.name.iter().flat_map(|name| [String::new(), name.clone()]).collect()
}

/// How often the colours have been gone through before this number.
fn palette_round(number: usize) -> u8 {
    u8::try_from(number / crate::gui::theme::SERIES_COLOURS).unwrap_or(u8::MAX)
}

/// What a measure is called.
#[must_use]
pub fn measure_title(measure: SeriesMetric) -> &'static str {
    match (measure.kind, measure.by_count) {
        (MeasureKind::Outstanding, false) => "Outstanding size",
        (MeasureKind::Outstanding, true) => "Outstanding count",
        (MeasureKind::Cumulative, false) => "Cumulative size",
        (MeasureKind::Cumulative, true) => "Cumulative count",
        (MeasureKind::Rate, false) => "Allocated bytes per second",
        (MeasureKind::Rate, true) => "Allocations per second",
    }
}

fn unit_of(measure: SeriesMetric) -> Unit {
    match (measure.kind, measure.by_count) {
        (MeasureKind::Rate, false) => Unit::BytesPerSecond,
        (MeasureKind::Rate, true) => Unit::CountPerSecond,
        (_, false) => Unit::Bytes,
        (_, true) => Unit::Count,
    }
}
