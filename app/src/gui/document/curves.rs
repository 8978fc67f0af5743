//! The graph of a document: asks for curves, gives them colors that stay, ties them to the rows, and carries out what the user
//! does in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use poolscope_analysis::pivot::{NodeId, RowPath};
use poolscope_analysis::series::{MAX_PEAK_GROUPS, SeriesKind as MeasureKind, SeriesMetric};
use poolscope_analysis::trace::time::Ticks;

use super::{Document, Effect, Topic};
use crate::format;
use crate::gui::document::table_model::{Swatches, node_id, row_id};
use crate::gui::jobs::curves::{Curve, CurvesAnswer, CurvesRequest};
use crate::gui::jobs::document::Request;
use crate::gui::jobs::rows::RowChoice;
use crate::gui::model::columns::shown;
use crate::gui::theme::Palette;
use crate::gui::widgets::graph;
use crate::gui::widgets::graph::{AxisUnit, GraphData, Overview, Series};
use crate::gui::widgets::pivot_table::Swatch;

/// Upper bounds on curves that the menu offers.
pub const CURVE_COUNTS: [usize; 4] = [5, 9, 20, 50];
/// Points of a curve: about the number of pixel columns of a wide screen. Peaks between them are kept.
const CURVE_POINTS: usize = 2048;
/// Name of the sum of the curves that have none of their own.
const OTHER: &str = "other";
/// Identities of pinned curves begin here; the others have their position.
const PINNED_IDS: u64 = 1 << 32;

impl Document {
    fn curve_wanted(&self) -> Option<CurvesRequest> {
        if !self.trace.has_times() {
            return None;
        }
        Some(CurvesRequest {
            query: self.query.curves()?,
            names: Arc::clone(&self.results.names),
            keys: self.query.columns.graph_by.clone(),
            rows: None,
            measure: self.query.measure(),
            earlier: self.query.include_preexisting,
            order: self.results.event_order(),
            index: Arc::clone(&self.results.curve_index),
            view: self.query.range,
            whole: None,
            total: self.ui.curve_style != graph::Kind::Lines,
            points: CURVE_POINTS,
            most: self.query.max_curves,
        })
    }

    fn row_choice(&self, place: Option<RowPath>) -> RowChoice {
        RowChoice {
            names: Arc::clone(&self.results.names),
            range: self.query.range,
            filter: Arc::clone(&self.query.filter),
            impacting: self.query.columns.graphed().is_some_and(|graphed| graphed.impacting),
            place,
        }
    }

    /// Request for the curves of the graph; `None` while no column is graphed.
    pub(in crate::gui) fn curves_request(&self) -> Option<Request> {
        let wanted = self.curve_wanted()?;
        let is_outdated = self.results.overview_query.as_ref() != Some(wanted.query.overview());
        let whole = is_outdated.then_some(self.trace.extent);
        Some(Request::Curves(CurvesRequest { whole, ..wanted }, self.row_choice(None)))
    }

    /// The curves of pinned rows, and of the row under the cursor if it has none of its own.
    pub(in crate::gui) fn pinned_curves_request(&self) -> Option<Request> {
        let wanted = self.curve_wanted()?;
        let places = self.pinned_places();
        let choices = places.into_iter().map(|place| (place.title(), self.row_choice(Some(place)))).collect::<Vec<_>>();
        (!choices.is_empty()).then(|| Request::PinnedCurves(wanted, choices))
    }

    fn pinned_places(&self) -> Vec<RowPath> {
        let mut places = self.ui.pinned.clone();
        if let (Some(rows), Some(id)) = (&self.results.rows, self.ui.table.cursor())
            && self.curve_of(node_id(id)).is_none()
        {
            let place = RowPath::of(rows.flat().tree(), node_id(id));
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Index of the curve that has the color of the row.
    fn curve_of(&self, node: NodeId) -> Option<usize> {
        let values = self.results.rows.as_ref()?.series_of(node)?;
        self.results.curves.as_ref()?.curves.iter().position(|curve| curve.keys == values)
    }

    /// Takes in new curves.
    pub(in crate::gui) fn apply_curves(&mut self, mut answer: CurvesAnswer) {
        if self.query.columns.graphed().is_none() {
            return;
        }
        if let Some((times, values)) = answer.overview.take() {
            self.results.overview = Overview { times, values };
            self.results.overview_query = Some(answer.query.overview().clone());
        }
        self.results.curves = Some(answer);
        self.results.pinned_curves.clear();
        self.recolor();
        self.mark_curve();
    }

    /// Takes in the curves of pinned rows.
    pub(in crate::gui) fn apply_pinned_curves(&mut self, answer: Result<Vec<Curve>, String>) {
        if self.query.columns.graphed().is_none() || self.pinned_places().is_empty() {
            return;
        }
        match answer {
            Ok(curves) => self.results.pinned_curves = curves,
            Err(why) => self.results.curves_error = Some(why),
        }
        self.recolor();
    }

    /// The curve of the row under the cursor is emphasised; one is drawn for it if it has none.
    pub(in crate::gui) fn mark_curve(&mut self) {
        let places = self.pinned_places();
        if places.is_empty() && !self.results.pinned_curves.is_empty() {
            self.results.pinned_curves.clear();
            self.recolor();
        } else if !places.is_empty() && self.results.curves.is_some() {
            self.work.asked.insert(Topic::PinnedCurves);
        }
        let marked = self.ui.table.cursor().and_then(|id| self.curve_of(node_id(id)));
        // The curves stay as they are: making them ready again for every step of the cursor would be felt.
        let series = self.results.graph_data.iter_mut().flat_map(|data| &mut data.series);
        series.filter(|one| one.id < PINNED_IDS).for_each(|one| one.marked = marked == Some(one.id as usize));
    }

    /// Gives curves and rows the colors of the theme.
    pub(in crate::gui) fn recolor(&mut self) {
        let palette = Palette::for_dark(self.ui.is_dark);
        let Some(answer) = &self.results.curves else { return };
        let marked = self.ui.table.cursor().and_then(|id| self.curve_of(node_id(id)));
        self.ui.colors.assign(answer.curves.iter().filter_map(|curve| curve.name.as_deref()));
        let mut series = Vec::with_capacity(answer.curves.len() + self.results.pinned_curves.len());
        for (at, curve) in answer.curves.iter().enumerate() {
            let number = curve.name.as_deref().map(|name| self.ui.colors.number(name));
            series.push(Series {
                id: at as u64,
                on: !self.ui.hidden.contains(&hidden_name(curve)),
                has_row: curve.name.is_some() && !curve.keys.is_empty(),
                name: self.curve_name(curve, answer.others),
                marked: marked == Some(at),
                color: palette.series_color(number),
                pattern: number.map_or(0, palette_round),
                values: curve.values.clone(),
                extremes: curve.extremes.clone(),
            });
        }
        let cursor_is_pinned = self.results.pinned_curves.len() > self.ui.pinned.len();
        // Stacked, they would count twice: what they show is in the others already.
        let pinned =
            if self.ui.curve_style == graph::Kind::Lines { self.results.pinned_curves.as_slice() } else { &[] };
        for (at, curve) in pinned.iter().enumerate() {
            let name = curve.name.clone().unwrap_or_default();
            let is_cursor = cursor_is_pinned && at + 1 == self.results.pinned_curves.len();
            series.push(Series {
                id: PINNED_IDS + at as u64,
                on: !self.ui.hidden.contains(&hidden_name(curve)),
                has_row: true,
                marked: is_cursor,
                color: if is_cursor { palette.text } else { palette.series_color(Some(self.ui.colors.number(&name))) },
                pattern: u8::from(!is_cursor),
                name: if is_cursor { name.rsplit(" / ").next().unwrap_or(&name).to_owned() } else { name },
                values: curve.values.clone(),
                extremes: curve.extremes.clone(),
            });
            if is_cursor {
                // The legend begins with the selected row.
                series.rotate_right(1);
            }
        }
        let by: Vec<&str> = self.query.columns.graph_by.iter().map(|key| key.title()).collect();
        let mut title = format!("{} by {}", measure_title(answer.measure), by.join(", "));
        if answer.chosen_by_sum {
            let most = format::count(MAX_PEAK_GROUPS as u64);
            title = format!("{title}, highest peaks of the {most} largest groups");
        }
        let unit = unit_of(answer.measure);
        let data = GraphData::new(title, answer.times.clone(), series, unit);
        let extremes = answer.total_extremes.clone();
        self.results.graph_data = Some(if extremes.is_empty() { data } else { data.with_total_extremes(extremes) });
        self.set_swatches();
    }

    fn curve_name(&self, curve: &Curve, others: usize) -> String {
        let Some(name) = &curve.name else { return format!("{OTHER} ({})", format::count(others as u64)) };
        let by = &self.query.columns.graph_by;
        if by.len() != curve.keys.len() {
            return name.clone();
        }
        let texts: Vec<_> = by.iter().zip(&curve.keys).map(|(key, text)| shown(*key, text)).collect();
        texts.join(", ")
    }

    pub(in crate::gui) fn set_swatches(&mut self) {
        let palette = Palette::for_dark(self.ui.is_dark);
        let (Some(rows), Some(answer)) = (&mut self.results.rows, &self.results.curves) else { return };
        let mut swatches = Swatches { by: self.query.columns.graph_by.clone(), ..Swatches::default() };
        for curve in answer.curves.iter().filter(|curve| !curve.keys.is_empty()) {
            let number = self.ui.colors.number(curve.name.as_deref().unwrap_or_default());
            let color = palette.series_color(Some(number));
            let on = !self.ui.hidden.contains(&hidden_name(curve));
            swatches.squares.insert(curve.keys.clone(), Swatch { color, on });
        }
        rows.set_swatches(swatches);
    }

    /// Draws more curves before the rest is folded together: the next of the numbers that the menu offers.
    fn draw_more_curves(&mut self) {
        let now = self.query.max_curves;
        match CURVE_COUNTS.into_iter().find(|count| *count > now) {
            Some(more) => {
                self.query.max_curves = more;
                self.curves_are_old();
            }
            None => self.notify(format!("{now} series is the maximum. Filter the rows to see others")),
        }
    }

    /// Draws the curves in another way.
    pub fn draw_as(&mut self, kind: graph::Kind) {
        self.ui.curve_style = kind;
        let lacks_total = self.results.curves.as_ref().is_some_and(|answer| answer.total_extremes.is_empty());
        if kind != graph::Kind::Lines && lacks_total && self.query.measure_kind == MeasureKind::Outstanding {
            self.work.asked.insert(Topic::Curves);
        }
        self.recolor();
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
            graph::Action::More => self.draw_more_curves(),
            graph::Action::Reveal(id) => self.reveal(id),
            graph::Action::Copy(text) => self.effects.push(Effect::Copy(text)),
            graph::Action::AddMark(time) => self.add_marks(&[time]),
            graph::Action::MoveMark { index, to } => {
                let time = self.trace.clock.ticks(to);
                if let Some(mark) = self.query.marks.get_mut(index) {
                    *mark = time;
                    self.marks_changed();
                }
            }
            graph::Action::RemoveMark(index) => {
                if index < self.query.marks.len() {
                    self.query.marks.remove(index);
                    self.marks_changed();
                }
            }
            graph::Action::ClearMarks => self.clear_marks(),
        }
    }

    fn curve_with(&self, id: u64) -> Option<&Curve> {
        match id.checked_sub(PINNED_IDS) {
            Some(at) => self.results.pinned_curves.get(at as usize),
            None => self.results.curves.as_ref()?.curves.get(id as usize),
        }
    }

    fn toggle_curve(&mut self, id: u64) {
        let Some(name) = self.curve_with(id).map(hidden_name) else { return };
        self.toggle_named(name);
    }

    fn toggle_named(&mut self, name: Vec<String>) {
        if !self.ui.hidden.remove(&name) {
            self.ui.hidden.insert(name);
        }
        self.recolor();
    }

    /// Draws this curve alone; all of them if it is alone already.
    fn solo_curve(&mut self, id: u64) {
        let Some(name) = self.curve_with(id).map(hidden_name) else { return };
        self.solo_named(&name);
    }

    fn solo_named(&mut self, name: &Vec<String>) {
        let all = self.results.curves.iter().flat_map(|answer| &answer.curves).chain(&self.results.pinned_curves);
        let others: BTreeSet<Vec<String>> = all.map(hidden_name).filter(|other| other != name).collect();
        let alone = !self.ui.hidden.contains(name) && others.is_subset(&self.ui.hidden);
        self.ui.hidden = if alone { BTreeSet::new() } else { others };
        self.recolor();
    }

    /// Shows or hides the curve of a row.
    pub(in crate::gui) fn toggle_row(&mut self, node: NodeId) {
        if let Some(name) = self.results.rows.as_ref().and_then(|rows| rows.series_of(node)) {
            self.toggle_named(name);
        }
    }

    /// Draws the curve of a row alone.
    pub(in crate::gui) fn solo_row(&mut self, node: NodeId) {
        if let Some(name) = self.results.rows.as_ref().and_then(|rows| rows.series_of(node)) {
            self.solo_named(&name);
        }
    }

    /// Draws all curves again.
    pub fn show_all_curves(&mut self) {
        self.ui.hidden.clear();
        self.recolor();
    }

    /// Gives the selected rows curves of their own, or takes these away again.
    pub fn pin_rows(&mut self) {
        for place in self.selected_places() {
            match self.ui.pinned.iter().position(|pinned| *pinned == place) {
                Some(at) => {
                    self.ui.pinned.remove(at);
                }
                None => self.ui.pinned.push(place),
            }
        }
        self.mark_curve();
    }

    /// Selects the row that a curve belongs to: the first visible one, or else the one that matters most, with all that has
    /// to be opened for it.
    fn reveal(&mut self, id: u64) {
        if let Some(at) = id.checked_sub(PINNED_IDS) {
            return self.reveal_place(at as usize);
        }
        let Some(values) = self.curve_with(id).map(|curve| curve.keys.clone()) else { return };
        let by = self.query.columns.graph_by.clone();
        let Some(rows) = &mut self.results.rows else { return };
        if let Some(node) = rows.find(&by, &values, &mut self.ui.expanded) {
            self.ui.table.select(row_id(node));
            self.ui.table.request_focus();
            self.remember_selection();
            self.ask_for_unknown();
        }
    }

    /// Selects the row of a pinned curve; the curve of the row under the cursor is at its row already.
    fn reveal_place(&mut self, at: usize) {
        let (Some(place), Some(rows)) = (self.ui.pinned.get(at), &mut self.results.rows) else { return };
        if let Some(node) = rows.find_place(place, &mut self.ui.expanded) {
            self.ui.table.select(row_id(node));
            self.ui.table.request_focus();
            self.remember_selection();
            self.ask_for_unknown();
        }
    }

    /// Puts marks on the time axis, in seconds.
    pub fn add_marks(&mut self, seconds: &[f64]) {
        let whole = self.trace.extent;
        let times = seconds.iter().map(|time| self.trace.clock.ticks(*time));
        self.query.marks.extend(times.map(|time| Ticks(time.0.clamp(whole.from.0, whole.to.0))));
        self.marks_changed();
    }

    /// Takes all marks away.
    pub fn clear_marks(&mut self) {
        self.query.marks.clear();
        self.marks_changed();
    }

    pub(in crate::gui) fn marks_changed(&mut self) {
        self.query.marks.sort_unstable();
        self.query.marks.dedup();
        self.results.names = Arc::new(self.results.names.with_markers(&self.query.marks));
        self.results.pending_names =
            self.results.pending_names.take().map(|names| Arc::new(names.with_markers(&self.query.marks)));
        if self.query.filter.asks_generation() {
            self.query.filter = Arc::new(self.query.filter.without_found_rows());
        }
        self.ask_outdated();
    }
}

/// Name that a hidden curve is filed under; the sum of the others has none.
pub(in crate::gui) fn hidden_name(curve: &Curve) -> Vec<String> {
    if !curve.keys.is_empty() {
        return curve.keys.clone();
    }
    // A pinned row may be called what a curve of the columns is called.
    curve.name.iter().flat_map(|name| [String::new(), name.clone()]).collect()
}

/// Number of complete passes through the colors before this number.
fn palette_round(number: usize) -> u8 {
    u8::try_from(number / crate::gui::theme::SERIES_COLORS).unwrap_or(u8::MAX)
}

/// Title of a measure.
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

fn unit_of(measure: SeriesMetric) -> AxisUnit {
    match (measure.kind, measure.by_count) {
        (MeasureKind::Rate, false) => AxisUnit::BytesPerSecond,
        (MeasureKind::Rate, true) => AxisUnit::CountPerSecond,
        (_, false) => AxisUnit::Bytes,
        (_, true) => AxisUnit::Count,
    }
}
