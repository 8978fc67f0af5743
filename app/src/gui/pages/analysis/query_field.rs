//! The query box: completion while writing, errors in place. Enter takes the query as a step of the filter.

use eframe::egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use eframe::egui::text_edit::TextEditOutput;
use eframe::egui::{
    EventFilter, Id, Key, Modifiers, Popup, PopupCloseBehavior, Response, RichText, Stroke, TextBuffer, TextEdit, Ui,
};

use crate::gui::commands::{Command, WidgetAction};
use crate::gui::model::query_box::QueryField;
use crate::gui::theme;
use crate::gui::theme::Palette;

/// Widest that the box grows, in points.
const WIDEST: f32 = 520.0;

/// Draws the box.
pub(super) fn show(ui: &mut Ui, state: &mut QueryField, commands: &mut Vec<Command>) {
    let id = ui.scope_id().with("query box");
    let palette = Palette::of(ui);
    let keys = take_keys(ui, id, state);
    let error = state.error.as_ref().map(|(range, _)| range.clone());
    let mut layouter = |ui: &Ui, text: &dyn TextBuffer, _: f32| {
        let job = underlined(text.as_str(), error.as_ref(), palette);
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    };
    let width = (ui.available_width() - 16.0).clamp(80.0, WIDEST);
    // Keys that the box wants for itself: without this they would take the keyboard away from it.
    let offered = state.completions.is_some();
    let filter = EventFilter { tab: offered, horizontal_arrows: true, vertical_arrows: true, escape: true };
    let out = TextEdit::singleline(&mut state.text)
        .id(id)
        .hint_text("Filter: tag:Leak size:>64KB driver:myfault \u{2026}")
        .desired_width(width)
        .event_filter(filter)
        .layouter(&mut layouter)
        .show(ui);
    let response = out.response.response.clone();
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label("Query"));
    if std::mem::take(&mut state.wants_focus) {
        response.request_focus();
        put_cursor(ui, &out, state.text.chars().count());
        commands.push(WidgetAction::CompleteQuery(state.text.len()).into());
    }
    let is_late = std::mem::take(&mut state.is_late) && response.has_focus();
    // Who only passes by with the Tab key is offered nothing: the next Tab would take it.
    if response.changed() || is_late {
        let cursor = cursor_byte(&out, &state.text);
        commands.push(WidgetAction::CompleteQuery(cursor).into());
    }
    act(ui, state, keys, &out, commands);
    if let Some(at) = popup(ui, state, &response) {
        accept(ui, state, at, &out, commands);
    }
    problem(state, &response, palette);
}

#[derive(Default)]
struct Keys {
    up: bool,
    down: bool,
    accept: bool,
    enter: bool,
    escape: bool,
}

/// The keys that move through the completions; taken before the field sees them.
fn take_keys(ui: &Ui, id: Id, state: &QueryField) -> Keys {
    if !ui.memory(|memory| memory.has_focus(id)) {
        return Keys::default();
    }
    let offered = state.completions.is_some();
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    Keys {
        up: offered && pressed(Key::ArrowUp),
        down: offered && pressed(Key::ArrowDown),
        accept: offered && pressed(Key::Tab),
        enter: pressed(Key::Enter),
        escape: pressed(Key::Escape),
    }
}

fn act(ui: &Ui, state: &mut QueryField, keys: Keys, out: &TextEditOutput, commands: &mut Vec<Command>) {
    let count = state.completions.as_ref().map_or(0, |completions| completions.items.len());
    let at = state.chosen;
    if keys.down && count > 0 {
        state.chosen = Some(at.map_or(0, |at| (at + 1) % count));
    } else if keys.up && count > 0 {
        state.chosen = Some(at.map_or(count - 1, |at| (at + count - 1) % count));
    } else if keys.accept {
        accept(ui, state, at.unwrap_or(0), out, commands);
    } else if keys.enter {
        match at {
            Some(at) => accept(ui, state, at, out, commands),
            None => commands.push(WidgetAction::EnterQuery.into()),
        }
    } else if keys.escape {
        if state.completions.take().is_none() {
            commands.push(WidgetAction::LeaveQuery.into());
        }
        state.chosen = None;
    }
}

fn accept(ui: &Ui, state: &mut QueryField, at: usize, out: &TextEditOutput, commands: &mut Vec<Command>) {
    if let Some(cursor) = state.complete(at) {
        put_cursor(ui, out, cursor);
        let byte = state.text.char_indices().nth(cursor).map_or(state.text.len(), |(byte, _)| byte);
        commands.push(WidgetAction::CompleteQuery(byte).into());
    }
    out.response.response.request_focus();
}

/// Moves the cursor of the field, to a position in characters.
fn put_cursor(ui: &Ui, out: &TextEditOutput, cursor: usize) {
    let mut edit = out.state.clone();
    edit.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(cursor))));
    edit.store(ui.ctx(), out.response.response.id);
}

fn cursor_byte(out: &TextEditOutput, text: &str) -> usize {
    let chars = out.cursor_range.map_or(usize::MAX, |range| range.primary.index.into());
    text.char_indices().nth(chars).map_or(text.len(), |(byte, _)| byte)
}

/// The completions below the box; returns the one that was clicked.
fn popup(ui: &Ui, state: &QueryField, response: &Response) -> Option<usize> {
    let completions = state.completions.as_ref()?;
    // A click on a completion takes the keyboard from the box before the click is handled.
    let list = response.id.with("completions");
    let pointer = ui.ctx().pointer_latest_pos();
    let on_list = pointer.and_then(|at| ui.ctx().layer_id_at(at)).is_some_and(|layer| layer.id == list);
    if !response.has_focus() && !on_list {
        return None;
    }
    let mut taken = None;
    let mut open = true;
    Popup::from_response(response).id(list).open_bool(&mut open).close_behavior(PopupCloseBehavior::IgnoreClicks).show(
        |ui| {
            for (at, item) in completions.items.iter().enumerate() {
                ui.horizontal(|ui| {
                    let chosen = state.chosen == Some(at);
                    let line = ui.selectable_label(chosen, RichText::new(&item.show).font(theme::figure_font()));
                    if line.clicked() {
                        taken = Some(at);
                    }
                    ui.weak(&item.note);
                });
            }
        },
    );
    taken
}

/// Error of the query, below the field while it is written in, else on hover.
fn problem(state: &QueryField, response: &Response, palette: &Palette) {
    let Some((_, message)) = &state.error else { return };
    if response.has_focus() && state.completions.is_none() {
        let mut open = true;
        Popup::from_response(response)
            .open_bool(&mut open)
            .close_behavior(PopupCloseBehavior::IgnoreClicks)
            .show(|ui| ui.colored_label(palette.bad, message));
    } else {
        response.clone().on_hover_text(message);
    }
}

/// The text, with what is wrong in it underlined.
fn underlined(text: &str, error: Option<&std::ops::Range<usize>>, palette: &Palette) -> LayoutJob {
    let plain = TextFormat::simple(theme::figure_font(), palette.text);
    let wrong = TextFormat { underline: Stroke::new(1.5, palette.bad), color: palette.bad, ..plain.clone() };
    let mut job = LayoutJob::default();
    let cut = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (from, to) = error
        .map_or((text.len(), text.len()), |range| (cut(range.start.min(text.len())), cut(range.end.min(text.len()))));
    for (part, format) in [(0..from, &plain), (from..to.max(from), &wrong), (to.max(from)..text.len(), &plain)] {
        job.append(text.get(part).unwrap_or_default(), 0.0, format.clone());
    }
    job
}
