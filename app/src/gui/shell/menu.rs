//! The menu bar, drawn from the list of commands: menus at the left, the field that opens the palette in the middle, the
//! theme at the right. The view decides nothing.

use eframe::egui::{
    Align2, Button, MenuBar, Rect, Role, Sense, Stroke, StrokeKind, ThemePreference, Ui, WidgetInfo, pos2, vec2,
};

use crate::gui::commands::table::Entry;
use crate::gui::commands::{Command, Menu, shortcut_text};
use crate::gui::icons::Icon;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};

/// Width of the field in the middle, in points.
const FIELD: f32 = 320.0;

/// Draws the menu bar.
pub fn show(ui: &mut Ui, entries: &[Entry], commands: &mut Vec<Command>) {
    MenuBar::new().ui(ui, |ui| {
        let bar = ui.max_rect();
        for menu in Menu::ALL {
            let own: Vec<&Entry> = entries.iter().filter(|entry| entry.spec.place.menu == menu).collect();
            if !own.is_empty() {
                ui.menu_button(menu.title(), |ui| {
                    items(ui, &own, commands);
                    if menu == Menu::Help {
                        ui.separator();
                        ui.weak(concat!("poolscope ", env!("CARGO_PKG_VERSION")));
                    }
                });
            }
        }
        let left = ui.cursor().left() + 4.0 * GRID;
        let right = bar.right() - 9.0 * GRID;
        search(ui, left, right, bar, commands);
        let place = Rect::from_center_size(pos2(bar.right() - 3.0 * GRID, bar.center().y), vec2(24.0, 20.0));
        theme_switch(ui, place, commands);
    });
}

fn items(ui: &mut Ui, entries: &[&Entry], commands: &mut Vec<Command>) {
    let mut group = None;
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
            ui.menu_button(submenu, |ui| inner.iter().for_each(|entry| item(ui, entry, commands)));
        } else {
            separate(ui, &mut group, entry);
            item(ui, entry, commands);
        }
    }
}

fn separate(ui: &mut Ui, group: &mut Option<u8>, entry: &Entry) {
    if group.replace(entry.spec.place.group).is_some_and(|before| before != entry.spec.place.group) {
        ui.separator();
    }
}

fn item(ui: &mut Ui, entry: &Entry, commands: &mut Vec<Command>) {
    let enabled = entry.blocked.is_none();
    let mut response = match entry.on {
        Some(mut on) => ui.add_enabled_ui(enabled, |ui| ui.checkbox(&mut on, entry.spec.title.as_ref())).inner,
        None => {
            let mut button = Button::new(entry.spec.title.as_ref());
            if let Some(key) = &entry.shortcut() {
                button = button.shortcut_text(shortcut_text(ui.ctx(), key));
            }
            ui.add_enabled(enabled, button)
        }
    };
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
