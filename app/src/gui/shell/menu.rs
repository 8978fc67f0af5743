//! The menu bar, drawn from the list of commands: menus at the left, the field that opens the palette in the middle, the
//! theme at the right. The view decides nothing.

use eframe::egui::containers::menu::MenuState;
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    Align2, Atom, Button, Checkbox, Color32, Event, Id, Key, MenuBar, Modifiers, Popup, Rect, Response, RichText, Role,
    Sense, Stroke, StrokeKind, ThemePreference, Ui, WidgetInfo, pos2, vec2,
};

use crate::gui::commands::table::Entry;
use crate::gui::commands::{Command, Menu};
use crate::gui::icons::Icon;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::menu_by_keys;

/// Width of the field in the middle, in points.
const FIELD: f32 = 320.0;

/// Draws the menu bar.
pub fn show(ui: &mut Ui, entries: &[Entry], is_modal_open: bool, commands: &mut Vec<Command>) {
    MenuBar::new().ui(ui, |ui| {
        let bar = ui.max_rect();
        let mut buttons: Vec<BarButton> = Vec::new();
        for menu in Menu::ALL {
            let shown = entries.iter().filter(|entry| !entry.spec.only_in_palette);
            let own: Vec<&Entry> = shown.filter(|entry| entry.spec.place.menu == menu).collect();
            if !own.is_empty() {
                let button = ui.menu_button(title(ui, menu), |ui| {
                    let first = items(ui, &own, commands);
                    if menu == Menu::Help {
                        ui.separator();
                        ui.weak(concat!("poolscope ", env!("CARGO_PKG_VERSION")));
                    }
                    first
                });
                let first = button.inner.flatten();
                buttons.push(BarButton { menu, response: button.response, first });
            }
        }
        by_keys(ui, &buttons, is_modal_open);
        let left = ui.cursor().left() + 4.0 * GRID;
        let right = bar.right() - 9.0 * GRID;
        search(ui, left, right, bar, commands);
        let place = Rect::from_center_size(pos2(bar.right() - 3.0 * GRID, bar.center().y), vec2(24.0, 20.0));
        theme_switch(ui, place, commands);
    });
}

/// The title of a menu; while Alt is held, the letter that opens it is underlined.
fn title(ui: &Ui, menu: Menu) -> LayoutJob {
    let color = Color32::PLACEHOLDER;
    let format = TextFormat::simple(theme::text_font(), color);
    let underline =
        if ui.input(|input| input.modifiers.alt) { Stroke::new(1.0, Palette::of(ui).text) } else { Stroke::NONE };
    let (letter, rest) = menu.title().split_at(1);
    let mut job = LayoutJob::default();
    job.append(letter, 0.0, TextFormat { underline, ..format.clone() });
    job.append(rest, 0.0, format);
    job
}

/// The button of a menu in the bar.
struct BarButton {
    menu: Menu,
    response: Response,
    /// The first entry that can be chosen, while the menu is open.
    first: Option<Id>,
}

/// The menu that keys opened, and the frames until its first entry gets the keyboard: one to measure it, one to draw it.
#[derive(Debug, Clone, Copy)]
struct KeyedBar {
    menu: Id,
    owner: Id,
    until_focus: u8,
}

/// Opens a menu by Alt and its first letter, goes to the next one by Right and to the one before by Left, and closes it when an
/// entry is chosen by Enter.
fn by_keys(ui: &Ui, buttons: &[BarButton], is_modal_open: bool) {
    let id = ui.scope_id().with("opened by keys");
    let popup_of = |button: &BarButton| Popup::default_response_id(&button.response);
    let open = buttons.iter().position(|button| Popup::is_id_open(ui.ctx(), popup_of(button)));
    let mut wanted = None;
    for (at, button) in buttons.iter().enumerate().filter(|_| !is_modal_open) {
        if ui.input_mut(|input| input.consume_key(Modifiers::ALT, button.menu.key())) {
            // The letter is no text for what has the keyboard.
            ui.input_mut(|input| input.events.retain(|event| !matches!(event, Event::Text(_))));
            wanted = Some(at);
        }
    }
    let mut keyed: Option<KeyedBar> = ui.data(|data| data.get_temp(id));
    if let (Some(at), Some(now)) = (open, keyed)
        && now.until_focus == 0
        && !has_open_submenu(ui, now.menu)
    {
        let count = buttons.len();
        for (key, to) in [(Key::ArrowRight, (at + 1) % count), (Key::ArrowLeft, (at + count - 1) % count)] {
            if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
                wanted = Some(to);
            }
        }
    }
    if let Some(button) = wanted.and_then(|at| buttons.get(at)) {
        let menu = popup_of(button);
        Popup::open_id(ui.ctx(), menu);
        let owner = keyed
            .map_or_else(|| ui.memory(|memory| memory.focused()).unwrap_or(button.response.id), |keyed| keyed.owner);
        keyed = Some(KeyedBar { menu, owner, until_focus: FRAMES_UNTIL_FOCUS });
        ui.ctx().request_repaint();
    } else if let Some(mut now) = keyed {
        if now.until_focus > 0 {
            now.until_focus -= 1;
            if now.until_focus == 0
                && let Some(first) = open.and_then(|at| buttons.get(at)).and_then(|button| button.first)
            {
                ui.memory_mut(|memory| memory.request_focus(first));
            }
            ui.ctx().request_repaint();
        } else if menu_by_keys::is_chosen_by_key(ui, now.menu) {
            Popup::close_id(ui.ctx(), now.menu);
        }
        keyed = Some(now);
        if !Popup::is_id_open(ui.ctx(), now.menu) {
            menu_by_keys::return_focus(ui, now.owner, now.menu);
            keyed = None;
        }
    }
    ui.data_mut(|data| match keyed {
        Some(keyed) => drop(data.insert_temp(id, keyed)),
        None => data.remove::<KeyedBar>(id),
    });
}

/// Frames until the first entry of a menu that keys opened gets the keyboard.
const FRAMES_UNTIL_FOCUS: u8 = 2;

/// Returns whether a submenu of a menu is open, which has the arrow keys then.
fn has_open_submenu(ui: &Ui, menu: Id) -> bool {
    !MenuState::is_deepest_open_sub_menu(ui.ctx(), menu)
}

/// Draws the entries of a menu. Returns the first one that can be chosen.
fn items(ui: &mut Ui, entries: &[&Entry], commands: &mut Vec<Command>) -> Option<Id> {
    let mut group = None;
    let mut first = None;
    let mut done: Vec<&str> = Vec::new();
    for entry in entries {
        if let Some(submenu) = entry.spec.place.submenu {
            if done.contains(&submenu) {
                continue;
            }
            separate(ui, &mut group, entry);
            done.push(submenu);
            let inner: Vec<&Entry> =
                entries.iter().copied().filter(|other| other.spec.place.submenu == Some(submenu)).collect();
            let opener = ui.menu_button(submenu, |ui| {
                for entry in inner {
                    item(ui, entry, commands);
                }
            });
            first = first.or(Some(opener.response.id));
        } else {
            separate(ui, &mut group, entry);
            let response = item(ui, entry, commands);
            first = first.or(response.enabled().then_some(response.id));
        }
    }
    first
}

fn separate(ui: &mut Ui, group: &mut Option<u8>, entry: &Entry) {
    if group.replace(entry.spec.place.group).is_some_and(|before| before != entry.spec.place.group) {
        ui.separator();
    }
}

fn item(ui: &mut Ui, entry: &Entry, commands: &mut Vec<Command>) -> Response {
    let enabled = entry.blocked.is_none();
    let mut response = match entry.on {
        Some(mut on) => {
            let title = entry.spec.title.as_ref();
            let box_ = match entry.shortcut_text(ui.ctx()) {
                Some(key) => Checkbox::new(&mut on, (title, Atom::grow(), RichText::new(key).weak())),
                None => Checkbox::new(&mut on, title),
            };
            ui.add_enabled(enabled, box_)
        }
        None => {
            let mut button = Button::new(entry.spec.title.as_ref());
            if let Some(key) = entry.shortcut_text(ui.ctx()) {
                button = button.shortcut_text(key);
            }
            ui.add_enabled(enabled, button)
        }
    };
    // The key is a property of its own, not a part of the name.
    let key = entry.shortcut_text(ui.ctx());
    response.ctx.accesskit_node_builder(response.id, |node| {
        node.set_label(entry.spec.title.as_ref());
        if let Some(key) = key {
            node.set_description(key);
        }
    });
    if let Some(tip) = &entry.spec.tip {
        response = response.on_hover_text(tip.as_ref());
    }
    if let Some(reason) = entry.blocked.filter(|reason| !reason.is_empty()) {
        response = response.on_disabled_hover_text(reason);
    }
    if response.clicked() {
        ui.close();
        commands.push(entry.spec.command.clone());
    }
    response
}

/// Button in the shape of a field that opens the palette.
fn search(ui: &mut Ui, left: f32, right: f32, bar: Rect, commands: &mut Vec<Command>) {
    let width = FIELD.min(right - left);
    if width < 120.0 {
        return;
    }
    let at = (bar.center().x - width / 2.0).clamp(left, right - width);
    let place = Rect::from_min_size(pos2(at, bar.center().y - 10.0), vec2(width, 20.0));
    let response = ui.interact(place, ui.scope_id().with("search"), Sense::click());
    let title = Command::Palette.title();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &title));
    let palette = Palette::of(ui);
    let edge = if response.has_focus() {
        palette.accent
    } else if response.hovered() {
        palette.faint
    } else {
        palette.line
    };
    let painter = ui.painter();
    painter.rect(place, f32::from(theme::RADIUS), palette.canvas, Stroke::new(1.0, edge), StrokeKind::Inside);
    let inner = place.shrink2(vec2(2.0 * GRID, 0.0));
    let key = Command::Palette.shortcut_text(ui).unwrap_or_default();
    let key = painter.text(inner.right_center(), Align2::RIGHT_CENTER, key, theme::small_font(), palette.dim);
    let room = key.left() - inner.left() - GRID;
    theme::clipped_text(painter, inner.left_center(), room, &title, theme::text_font(), palette.dim);
    if response.clicked() {
        commands.push(Command::Palette);
    }
}

/// A disc, half light and half dark.
fn theme_switch(ui: &mut Ui, place: Rect, commands: &mut Vec<Command>) {
    let dark = ui.visuals().dark_mode;
    let (title, to) = if dark {
        ("Switch to the light theme", ThemePreference::Light)
    } else {
        ("Switch to the dark theme", ThemePreference::Dark)
    };
    let response = ui.interact(place, ui.scope_id().with("theme"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title));
    let palette = Palette::of(ui);
    let color = if response.hovered() { palette.text } else { palette.dim };
    let painter = ui.painter();
    if response.has_focus() {
        let stroke = Stroke::new(1.0, palette.accent);
        painter.rect_stroke(place, f32::from(theme::RADIUS), stroke, StrokeKind::Inside);
    }
    Icon::Contrast.paint(painter, place.center(), color);
    if response.clicked() {
        commands.push(Command::Theme(to));
    }
    response.on_hover_text(title);
}
