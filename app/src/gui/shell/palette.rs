//! The command palette: a field at the top of the window, and below it the commands that fit what is written. It knows the
//! list of commands and which were used last; it runs nothing.

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align2, Color32, Key, Modifiers, Rect, Response, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use crate::gui::commands::Command;
use crate::gui::commands::table::Entry;
use crate::gui::shell::fuzzy;
use crate::gui::theme::{self, GRID, Palette};
use crate::gui::widgets::modal::{DialogAction, Modal};

/// Width of the box, in points.
const WIDTH: f32 = 560.0;
/// Height of one command, in points.
const ROW: f32 = 26.0;
/// Commands seen at once.
const PAGE: usize = 12;
/// Distance by which commands that cannot be run come after the others.
const BLOCKED: i32 = 4_000;

/// Text and selection of the palette.
#[derive(Debug, Default)]
pub struct PaletteState {
    text: String,
    chosen: usize,
    /// The chosen one has to be scrolled to.
    reveal: bool,
}

/// A command that fits, and which of its letters do.
struct Hit<'a> {
    entry: &'a Entry,
    title: String,
    at: Vec<usize>,
    score: i32,
}

impl PaletteState {
    /// A palette in which this is written already.
    #[must_use]
    pub fn written(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// Draws the palette; `recent` are the ids of the commands used last, the newest first. Returns the id of the command that is
/// to be run.
pub fn show(
    ui: &Ui,
    state: &mut PaletteState,
    entries: &[Entry],
    recent: &[String],
    commands: &mut Vec<Command>,
) -> Option<String> {
    let mut run = None;
    let action: Option<DialogAction<()>> = Modal::untitled("palette", WIDTH).at_top().show(ui, |ui| {
        move_by_keys(ui, state);
        let id = ui.scope_id().with("command");
        // Before the field is drawn: what is typed in this frame already belongs to it.
        if ui.memory(|memory| memory.focused() != Some(id)) {
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        let field = TextEdit::singleline(&mut state.text).id(id).hint_text("Search commands");
        let field = ui.add(field.desired_width(f32::INFINITY));
        ui.ctx().accesskit_node_builder(field.id, |node| node.set_label("Search commands"));
        if field.changed() {
            state.chosen = 0;
            state.reveal = true;
        }
        let entered = ui.input(|input| input.key_pressed(Key::Enter));
        if !entered {
            field.request_focus();
        }
        let hits = hits(&state.text, entries, recent);
        state.chosen = state.chosen.min(hits.len().saturating_sub(1));
        ui.add_space(GRID);
        if hits.is_empty() {
            ui.weak("No command matches.");
        }
        let clicked = list(ui, state, &hits);
        let chosen = clicked.or(entered.then_some(state.chosen));
        if let Some(hit) = chosen.and_then(|chosen| hits.get(chosen)) {
            if hit.entry.blocked.is_none() {
                commands.push(Command::ClosePalette);
                commands.push(hit.entry.spec.command.clone());
                run = Some(hit.entry.spec.id.clone().into_owned());
            } else {
                field.request_focus();
            }
        }
        None
    });
    if action.is_some() {
        commands.push(Command::ClosePalette);
    }
    run
}

fn move_by_keys(ui: &Ui, state: &mut PaletteState) {
    let before = state.chosen;
    ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
        if pressed(Key::ArrowDown) {
            state.chosen += 1;
        }
        if pressed(Key::ArrowUp) {
            state.chosen = state.chosen.saturating_sub(1);
        }
        if pressed(Key::PageDown) {
            state.chosen += PAGE - 1;
        }
        if pressed(Key::PageUp) {
            state.chosen = state.chosen.saturating_sub(PAGE - 1);
        }
    });
    state.reveal |= state.chosen != before;
}

/// The commands that fit, the best first; with nothing written, those used last and then all in the order of the menus.
fn hits<'a>(text: &str, entries: &'a [Entry], recent: &[String]) -> Vec<Hit<'a>> {
    let own = entries.iter().filter(|entry| entry.spec.command != Command::Palette);
    let mut hits: Vec<Hit<'_>> = own
        .filter_map(|entry| {
            let title = entry.full_title();
            let found = fuzzy::find(text, &title)?;
            let used = recent.iter().position(|id| *id == entry.spec.id);
            let age = used.map_or(0, |age| (recent.len() - age) as i32);
            // Commands that can be run come first; among equal matches the one that was used last.
            let words = fuzzy::word_bonus(text, &title).max(fuzzy::word_bonus(text, &entry.spec.title));
            let score = if text.trim().is_empty() { age } else { found.score + words + age.min(3) };
            let score = if entry.blocked.is_some() { score - BLOCKED } else { score };
            Some(Hit { entry, title, at: found.at, score })
        })
        .collect();
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits
}

/// Draws the commands; returns the one that was clicked.
fn list(ui: &mut Ui, state: &mut PaletteState, hits: &[Hit<'_>]) -> Option<usize> {
    let mut clicked = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    let room = (ui.ctx().content_rect().height() - 120.0).min(ROW * PAGE as f32);
    ScrollArea::vertical().max_height(room).min_scrolled_height(room).auto_shrink([false, true]).show(ui, |ui| {
        for (number, hit) in hits.iter().enumerate() {
            let response = row(ui, hit, number == state.chosen);
            if number == state.chosen && state.reveal {
                response.scroll_to_me(None);
            }
            if response.clicked() {
                clicked = Some(number);
            }
        }
    });
    state.reveal = false;
    clicked
}

fn row(ui: &mut Ui, hit: &Hit<'_>, chosen: bool) -> Response {
    let palette = Palette::of(ui);
    let enabled = hit.entry.blocked.is_none();
    let (place, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, enabled, chosen, &hit.title));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_selected(chosen));
    if !ui.is_rect_visible(place) {
        return response;
    }
    if chosen || response.hovered() {
        let fill = if chosen { palette.selected } else { palette.hovered };
        ui.painter().rect_filled(place, f32::from(theme::RADIUS), fill);
    }
    let inner = place.shrink2(vec2(2.0 * GRID, 0.0));
    let mut right = inner.right();
    let mut note = |text: String, color: Color32| {
        let at = pos2(right, inner.center().y);
        right = ui.painter().text(at, Align2::RIGHT_CENTER, text, theme::small_font(), color).left() - 3.0 * GRID;
    };
    if let Some(key) = hit.entry.shortcut_text(ui.ctx()) {
        note(key, palette.dim);
    }
    if hit.entry.on == Some(true) {
        note("on".to_owned(), palette.accent);
    }
    match hit.entry.blocked {
        Some(reason) if !reason.is_empty() => note(reason.to_owned(), palette.faint),
        _ => note(hit.entry.spec.place.menu.title().to_owned(), palette.faint),
    }
    let color = if enabled { palette.text } else { palette.faint };
    let mut job = LayoutJob::default();
    for (number, letter) in hit.title.chars().enumerate() {
        let fits = hit.at.binary_search(&number).is_ok();
        let font = if fits { theme::strong_font() } else { theme::text_font() };
        let color = if fits && enabled { palette.accent } else { color };
        job.append(letter.encode_utf8(&mut [0; 4]), 0.0, TextFormat::simple(font, color));
    }
    let galley = ui.painter().layout_job(job);
    let at = pos2(inner.left(), inner.center().y - galley.size().y / 2.0);
    let clip = Rect::from_min_max(place.min, pos2(right, place.bottom()));
    ui.painter().with_clip_rect(clip.intersect(ui.clip_rect())).galley(at, galley, color);
    match &hit.entry.spec.tip {
        Some(tip) => response.on_hover_text(tip.as_ref()),
        None => response,
    }
}
