//! The controls of the compare page: both sides, unit and figure, the rows that are shown, filter, search, and the header menu.

use eframe::egui::{Button, ComboBox, DragValue, Key as KeyboardKey, Modifiers, TextEdit, Ui};
use poolscope_analysis::pivot::{Key, Metric};

use super::commands::ComparePageCommand;
use super::rows::{DataColumn, data_of, key_of};
use super::sides::{RangeChoice, SideChoice, resolved};
use super::state::{ComparePageState, MEASURES, RowsShown, UnitChoice};
use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::model::column_tips;
use crate::gui::model::columns::What;
use crate::gui::model::open_traces::OpenTrace;
use crate::gui::model::page_id::PageId;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::chip::{self, ChipPart};

/// Titles of both sides.
const SIDES: [&str; 2] = ["Baseline", "Comparison"];
/// Width from which both sides are in one line, in points.
const WIDE: f32 = 940.0;
/// Width of the fields, in points.
const FIELD: f32 = 190.0;

/// Draws the choice of both sides.
pub(super) fn sides(ui: &mut Ui, document: &Document, state: &mut ComparePageState, commands: &mut Vec<Command>) {
    let Some(mut sides) = state.sides(document) else { return };
    let before = sides;
    // Side by side where there is room, else a line each.
    let is_wide = ui.available_width() >= WIDE;
    let [baseline, comparison] = &mut sides;
    ui.horizontal_wrapped(|ui| {
        side_choice(ui, document, SIDES[0], baseline);
        if is_wide {
            ui.add_space(2.0 * GRID);
            side_choice(ui, document, SIDES[1], comparison);
            swap(ui, commands);
        }
    });
    if !is_wide {
        ui.horizontal_wrapped(|ui| {
            side_choice(ui, document, SIDES[1], comparison);
            swap(ui, commands);
        });
    }
    if sides != before {
        state.sides = Some(sides);
    }
}

fn swap(ui: &mut Ui, commands: &mut Vec<Command>) {
    let swap = ComparePageCommand::Swap;
    ui.add_space(2.0 * GRID);
    if ui.button("Swap").on_hover_text(swap.title()).clicked() {
        commands.push(swap.into());
    }
}

fn side_choice(ui: &mut Ui, document: &Document, title: &str, side: &mut SideChoice) {
    ui.spacing_mut().item_spacing.x = GRID;
    ui.weak(title);
    let open = &document.open_traces;
    let Some((trace, range)) = resolved(*side, open) else { return };
    let name = named(trace, document);
    let traces = ComboBox::from_id_salt((title, "trace")).selected_text(&name).width(0.0).show_ui(ui, |ui| {
        for other in open.iter() {
            if ui.selectable_label(other.tab == side.tab, named(other, document)).clicked() {
                *side = SideChoice { tab: other.tab, range: RangeChoice::Visible };
            }
        }
    });
    label(&traces.response, format!("{title} trace: {name}"));
    let clock = trace.names.trace().clock;
    let (from, to) = (clock.seconds(range.from), clock.seconds(range.to));
    let chosen = match side.range {
        RangeChoice::Custom(..) => "Times".to_owned(),
        other => other.title(trace.marks.len()),
    };
    let ranges = ComboBox::from_id_salt((title, "range")).selected_text(&chosen).width(0.0).show_ui(ui, |ui| {
        for range in RangeChoice::of(trace) {
            if ui.selectable_label(side.range == range, range.title(trace.marks.len())).clicked() {
                side.range = range;
            }
        }
        let is_custom = matches!(side.range, RangeChoice::Custom(..));
        if ui.selectable_label(is_custom, "Times\u{2026}").clicked() {
            side.range = RangeChoice::Custom(from, to);
        }
    });
    label(&ranges.response, format!("{title} range: {chosen}"));
    if let RangeChoice::Custom(first, last) = &mut side.range {
        for (value, end) in [(first, "from"), (last, "to")] {
            let whole = trace.whole();
            let bounds = clock.seconds(whole.from)..=clock.seconds(whole.to);
            let drag = DragValue::new(value).range(bounds).speed(0.1).max_decimals(3).suffix(" s");
            label(&ui.add(drag), format!("{title} {end}"));
        }
    } else {
        ui.weak(format!("{} to {}", format::seconds(from, 3), format::seconds(to, 3)));
    }
}

/// Name of an open trace; "this trace" for the page's own.
fn named(trace: &OpenTrace, document: &Document) -> String {
    if trace.is_of(&document.results.names) { format!("{} (this trace)", trace.name) } else { trace.name.clone() }
}

fn label(response: &eframe::egui::Response, text: String) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(text));
}

/// Draws the choice of unit, figure and rows, and the filter.
pub(super) fn figures(ui: &mut Ui, document: &Document, state: &mut ComparePageState, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = GRID;
        ui.weak("Figures");
        for (unit, title, name) in [
            (UnitChoice::Raw, "As recorded", "Compare figures as recorded"),
            (UnitChoice::Second, "Per second", "Compare figures per second"),
            (UnitChoice::Allocation, "Per allocation of", "Compare figures per allocation of a tag"),
        ] {
            let response = ui.selectable_label(state.look.unit == unit, title);
            label(&response, name.to_owned());
            if response.clicked() {
                state.look.unit = unit;
            }
        }
        if state.look.unit == UnitChoice::Allocation {
            let field = TextEdit::singleline(&mut state.look.tag).char_limit(16).hint_text("Tag").desired_width(56.0);
            label(&ui.add(field), "Tag of figures per allocation".to_owned());
        }
        ui.add_space(2.0 * GRID);
        measure(ui, state);
        rows_shown(ui, state);
        group_by(ui, state);
        ui.add_space(2.0 * GRID);
        filter(ui, state);
        let find = DocumentCommand::Find;
        let key = Command::from(find.clone()).shortcut_text(ui).unwrap_or_default();
        if ui.button("Find").on_hover_text(format!("{} ({key})", find.title())).clicked() {
            commands.push(find.into());
        }
        if document.is_page_waiting(PageId::COMPARE, super::COMPARE) {
            ui.weak("Comparing\u{2026}");
        }
    });
    steps(ui, state);
    if let Err(error) = state.filter() {
        ui.colored_label(Palette::of(ui).bad, error);
    }
}

/// Draws the steps of the filter; each can be taken away.
fn steps(ui: &mut Ui, state: &mut ComparePageState) {
    if state.steps.is_empty() {
        return;
    }
    let mut removed = None;
    ui.horizontal_wrapped(|ui| {
        ui.weak("Only");
        for (at, step) in state.steps.iter().enumerate() {
            if at > 0 {
                ui.weak("and");
            }
            let tip = if step.is_out { "All rows except these" } else { "Only these rows" };
            if chip::show(ui, &step.title, tip, None) == Some(ChipPart::Cross) {
                removed = Some(at);
            }
        }
    });
    if let Some(at) = removed {
        state.steps.remove(at);
    }
}

fn measure(ui: &mut Ui, state: &mut ComparePageState) {
    let now = state.look.measure();
    ui.weak("by");
    let choice = ComboBox::from_id_salt("measure").selected_text(now.title()).width(0.0).show_ui(ui, |ui| {
        for measure in MEASURES {
            let response = ui.selectable_label(measure == now, measure.title());
            if response.on_hover_text(column_tips::of(What::Figure(measure))).clicked() {
                state.look.set_measure(measure);
                state.sort = None;
            }
        }
    });
    label(&choice.response, format!("Compared figure: {}", now.title()));
}

fn rows_shown(ui: &mut Ui, state: &mut ComparePageState) {
    let now = state.rows_shown;
    let choice = ComboBox::from_id_salt("rows shown").selected_text(now.title()).width(0.0).show_ui(ui, |ui| {
        for rows in RowsShown::ALL {
            if ui.selectable_label(rows == now, rows.title()).clicked() {
                state.rows_shown = rows;
            }
        }
    });
    let tip = "New and gone: only one side has it. Overweight: grew more than the whole.";
    label(&choice.response.on_hover_text(tip), format!("Rows shown: {}", now.title()));
}

/// The key columns that rows can be grouped by.
fn group_keys() -> impl Iterator<Item = Key> {
    Key::ALL.iter().copied().filter(|key| !key.is_per_row())
}

fn group_by(ui: &mut Ui, state: &mut ComparePageState) {
    let keys = state.look.keys();
    let titles = keys.iter().map(|key| key.title()).collect::<Vec<_>>().join(", ");
    ui.weak("Group by");
    let choice = ComboBox::from_id_salt("group by").selected_text(&titles).width(0.0).show_ui(ui, |ui| {
        for key in group_keys() {
            let mut is_chosen = keys.contains(&key);
            if ui.checkbox(&mut is_chosen, key.title()).on_hover_text(column_tips::of(What::Key(key))).changed() {
                let choice = if is_chosen { HeaderChoice::Group(key) } else { HeaderChoice::Remove(key) };
                state.apply_header_choice(Some(choice));
            }
        }
    });
    label(&choice.response, format!("Group by: {titles}"));
}

fn filter(ui: &mut Ui, state: &mut ComparePageState) {
    let id = ui.scope_id().with("compare filter");
    if std::mem::take(&mut state.wants_query) {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    let field = TextEdit::singleline(&mut state.query).id(id).hint_text("Filter, such as tag:Leak");
    let field = ui.add(field.desired_width(FIELD));
    label(&field, "Filter both sides".to_owned());
    if !field.has_focus() {
        state.edits.end_typing();
    }
    // A field gives the keys up by itself when Escape is pressed.
    if field.lost_focus() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, KeyboardKey::Escape)) {
        state.query.clear();
        state.table.request_focus();
    } else if field.lost_focus() && ui.input(|input| input.key_pressed(KeyboardKey::Enter)) {
        state.table.request_focus();
    }
}

/// Draws the search through the rows.
pub(super) fn search(ui: &mut Ui, document: &Document, state: &mut ComparePageState, commands: &mut Vec<Command>) {
    let Some(text) = &mut state.search else { return };
    let mut close = false;
    ui.horizontal(|ui| {
        let title = ui.weak("Find");
        let id = ui.scope_id().with("compare find");
        if std::mem::take(&mut state.wants_search) {
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        let field =
            TextEdit::singleline(text).id(id).desired_width(FIELD).hint_text("Tag, function, process, \u{2026}");
        let field = ui.add(field).labelled_by(title.id);
        let (enter, shift) = ui.input(|input| (input.key_pressed(KeyboardKey::Enter), input.modifiers.shift));
        if field.lost_focus() && enter {
            let step = if shift { DocumentCommand::FindPrevious } else { DocumentCommand::FindNext };
            commands.push(step.into());
            field.request_focus();
        } else if field.lost_focus() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, KeyboardKey::Escape)) {
            close = true;
        }
        for (command, title) in [(DocumentCommand::FindPrevious, "Previous"), (DocumentCommand::FindNext, "Next")] {
            if ui.button(title).clicked() {
                commands.push(command.into());
            }
        }
        let matches = match &state.found {
            _ if text.trim().is_empty() => String::new(),
            Some(found) if found.text == *text => match (found.found.total, state.match_at) {
                (0, _) => "No rows".to_owned(),
                (total, Some(at)) => format!("{} of {}", format::count(at as u64 + 1), format::count(total)),
                (total, None) => format::counted(total, "row", "rows"),
            },
            _ if document.is_page_waiting(PageId::COMPARE, super::FIND) => "Searching".to_owned(),
            _ => String::new(),
        };
        ui.label(matches);
        close |= ui.button("Close").on_hover_text("Close the find bar (Escape)").clicked();
    });
    if close {
        state.search = None;
        (state.found, state.match_at) = (None, None);
        state.searched.clear();
        if let Some(rows) = &state.rows {
            rows.lock().set_needle("");
        }
        state.table.request_focus();
    }
}

/// A choice in the menu of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderChoice {
    /// Sort by this column.
    Sort(u32),
    /// Group by this key as well.
    Group(Key),
    /// Group by this key no longer.
    Remove(Key),
    /// Compare this figure.
    Measure(Metric),
}

/// Draws the menu of a header.
pub(super) fn header_menu(
    ui: &mut Ui,
    state: &ComparePageState,
    column: Option<u32>,
    choice: &mut Option<HeaderChoice>,
) {
    let keys = state.look.keys();
    if let Some(column) = column {
        if ui.button("Sort by this column").clicked() {
            *choice = Some(HeaderChoice::Sort(column));
        }
        if let Some(key) = key_of(column)
            && ui.add_enabled(keys.len() > 1, Button::new("Remove")).clicked()
        {
            *choice = Some(HeaderChoice::Remove(key));
        }
        if let Some(DataColumn::Figure(figure)) = data_of(column, state.look.measure())
            && figure.metric != state.look.measure()
            && ui.button(format!("Compare {}", figure.metric.title())).clicked()
        {
            *choice = Some(HeaderChoice::Measure(figure.metric));
        }
        ui.separator();
    }
    ui.menu_button("Group by", |ui| {
        for key in group_keys() {
            if ui.add_enabled(!keys.contains(&key), Button::new(key.title())).clicked() {
                *choice = Some(HeaderChoice::Group(key));
            }
        }
    });
    if choice.is_some() {
        ui.close();
    }
}
