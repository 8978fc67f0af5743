//! The page while nothing is open: what this is for, what to do first, and the files that were opened before.

use std::collections::BTreeSet;
use std::path::PathBuf;

use eframe::egui::{Align, Align2, Layout, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use poolscope_recording::quick;

use crate::format;
use crate::gui::commands::Command;
use crate::gui::model::page_id::PageId;
use crate::gui::pages::{WindowPage, WindowState};
use crate::gui::settings::Recent;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::{close_button, command_lines, empty_page};
use crate::trace_location::{shown_name, split_by_name};

/// Width of the lists, in points.
const WIDTH: f32 = 520.0;
/// Height of one file, in points.
const ROW: f32 = 24.0;
/// Side of the button that removes a file, in points.
const CROSS: f32 = 16.0;

/// The page.
pub static PAGE: StartPage = StartPage;

/// Start page: the purpose of poolscope, and recent files.
pub struct StartPage;

impl WindowPage for StartPage {
    fn id(&self) -> PageId {
        PageId::START
    }

    fn title(&self) -> &'static str {
        "Start"
    }

    fn show(&self, ui: &mut Ui, window: &mut WindowState<'_>, commands: &mut Vec<Command>) {
        show(ui, window.recent, window.missing, commands);
    }
}

/// Draws the page; `missing` are the recent files that no longer exist.
fn show(ui: &mut Ui, recent: &[Recent], missing: &BTreeSet<PathBuf>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            let above = if recent.is_empty() { 0.28 } else { 0.14 };
            ui.add_space((ui.ctx().content_rect().height() * above).max(GRID));
            ui.heading("Find what leaks kernel pool");
            ui.add_space(2.0 * GRID);
            ui.weak("Open a trace that wpr or xperf recorded with the Pool keyword, or drop it here.");
            ui.add_space(6.0 * GRID);
            let ways = [Command::Open, Command::OpenSample];
            let clicked = empty_page::two_buttons(ui, &ways[0].title(), &ways[1].title());
            commands.extend(ways.into_iter().zip(clicked).filter(|(_, clicked)| *clicked).map(|(command, _)| command));
            let width = WIDTH.min(ui.available_width() - 8.0 * GRID);
            if !recent.is_empty() {
                ui.add_space(6.0 * GRID);
                ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    ui.label(RichText::new("RECENT").font(theme::small_font()).color(Palette::of(ui).dim));
                    ui.add_space(GRID);
                    for file in recent {
                        row(ui, file, missing.contains(&file.path), commands);
                    }
                });
            }
            ui.add_space(6.0 * GRID);
            ui.allocate_ui_with_layout(vec2(360.0, 0.0), Layout::top_down(Align::Min), |ui| {
                command_lines::show(ui, "No trace yet? Record one on the machine that leaks:", &quick::WPR);
                ui.add_space(GRID);
                let more = Command::ShowPage(PageId::RECORDING);
                let tip = "Select tags, save a profile or a script, compare poolmon snapshots, or record on this \
                           machine";
                if ui.button(more.title()).on_hover_text(tip).clicked() {
                    commands.push(more);
                }
            });
            ui.add_space(4.0 * GRID);
        });
    });
}

fn row(ui: &mut Ui, file: &Recent, missing: bool, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let path = file.path.display().to_string();
    let name = shown_name(&file.path);
    let (place, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let (mut line, mut end) = (place, place);
    line.max.x -= CROSS + 2.0 * GRID;
    end.min.x = line.max.x;
    let response = ui.interact(line, ui.scope_id().with(("recent", &path)), Sense::click());
    let title = if missing { format!("Open {path}, which no longer exists") } else { format!("Open {path}") };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &title));
    if response.hovered() || response.has_focus() {
        let fill = if response.has_focus() { palette.selected } else { palette.hovered };
        ui.painter().rect_filled(line, f32::from(theme::RADIUS), fill);
    }
    let inner = line.shrink2(vec2(2.0 * GRID, 0.0));
    let (color, note) =
        if missing { (palette.faint, "Not found".to_owned()) } else { (palette.text, format::bytes(file.bytes)) };
    let painter = ui.painter();
    let note = painter.text(inner.right_center(), Align2::RIGHT_CENTER, note, theme::small_font(), palette.dim);
    let room = (note.left() - inner.left() - 2.0 * GRID) / 2.0;
    theme::clipped_text(painter, inner.left_center(), room - 2.0 * GRID, &name, theme::text_font(), color);
    let folder = split_by_name(&file.path).0.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let at = pos2(inner.left() + room, inner.center().y);
    theme::clipped_text(painter, at, room, &folder, theme::small_font(), palette.dim);
    if response.clicked() {
        commands.push(Command::OpenPath(file.path.clone()));
    }
    let tip = if missing { format!("{path}\nThis file no longer exists.") } else { path };
    response.on_hover_text(tip);
    let remove = Command::ForgetRecent(file.path.clone());
    let place = eframe::egui::Rect::from_center_size(end.center(), eframe::egui::Vec2::splat(CROSS));
    let id = ui.scope_id().with(("forget", &file.path));
    let cross = close_button::show_at(ui, place, id, &format!("Remove {name} from list"));
    if cross.clicked() {
        commands.push(remove);
    }
    cross.on_hover_text("Remove from list");
}
