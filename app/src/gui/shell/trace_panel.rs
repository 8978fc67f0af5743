//! The panel on the left: what trace this is and how good its data are.

use crate::gui::model::page_id::PageId;
use eframe::egui::{
    Align, Align2, Color32, Label, Layout, Response, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2,
};

use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::icons;
use crate::gui::model::data_quality::QualitySubject;
use crate::gui::shell::quality;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::section;

/// Width of the facts' names, in points.
const NAME_WIDTH: f32 = 64.0;
/// Height of one fact, in points.
const LINE: f32 = 18.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        caption(ui, "TRACE");
        ui.add(Label::new(RichText::new(document.source.name()).font(theme::strong_font())).truncate());
        ui.add_space(GRID);
        for (name, value) in facts(document) {
            fact(ui, name, &value);
        }
        ui.add_space(3.0 * GRID);
        if !document.ui.note.is_empty() {
            caption(ui, "NOTE");
            ui.add(Label::new(&document.ui.note).wrap());
            ui.add_space(3.0 * GRID);
        }
        caption(ui, "DATA QUALITY");
        quality(ui, document, commands);
    });
}

fn caption(ui: &mut Ui, text: &str) {
    section::caption(ui, text);
    ui.add_space(GRID);
}

fn fact(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(NAME_WIDTH, LINE), Sense::HOVER);
        let palette = Palette::of(ui);
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, theme::small_font(), palette.dim);
        ui.add(Label::new(value).truncate());
    });
}

fn facts(document: &Document) -> Vec<(&'static str, String)> {
    let trace = &document.trace;
    let summary = &trace.summary;
    let mut facts = Vec::new();
    let name = summary.os_name.as_deref().map(|name| name.split_once(" (").unwrap_or((name, "")));
    if let Some((product, _)) = name {
        facts.push(("Windows", product.strip_prefix("Windows ").unwrap_or(product).to_owned()));
    }
    let build = name.map(|(_, build)| build.trim_end_matches(')')).filter(|build| !build.is_empty());
    if !trace.has_times() {
        return log_facts(document);
    }
    facts.push(("Build", build.map_or_else(|| summary.os_build.to_string(), str::to_owned)));
    if let Some(computer) = &summary.computer {
        facts.push(("Computer", computer.clone()));
    }
    facts.push(("Processors", summary.cpus.to_string()));
    if let Some(start) = format::rfc3339(summary.start_filetime) {
        let minutes = start.get(..16).unwrap_or(&start).replace('T', " ");
        facts.push(("Start (UTC)", minutes));
    }
    facts.push(("Duration", format::seconds(document.whole().span(), 3)));
    facts.push(("Events", format::count(trace.statistics.records)));
    facts.push(("Allocations", format::count(trace.statistics.pool_allocs)));
    facts.push(("Frees", format::count(trace.statistics.pool_frees)));
    facts.push(("Stacks", format::count(trace.statistics.stacks.distinct)));
    facts.push(("Images", format::count(trace.modules.modules().len() as u64)));
    let size = format::bytes(summary.file_bytes);
    match summary.parts.len() {
        0 => facts.push(("File", size)),
        files => facts.push(("Files", format!("{files}, {size}"))),
    }
    facts
}

/// Facts about a debugger log, which shows neither the system nor times.
fn log_facts(document: &Document) -> Vec<(&'static str, String)> {
    let trace = &document.trace;
    vec![
        ("Kind", "Debugger log".to_owned()),
        ("Pointers", format!("{} bit", trace.summary.pointer_size * 8)),
        ("Allocations", format::count(trace.statistics.pool_allocs)),
        ("Frees", format::count(trace.statistics.pool_frees)),
        ("Modules", format::count(trace.modules.modules().len() as u64)),
        ("File", format::bytes(trace.summary.file_bytes)),
    ]
}

/// The data quality, the worst first, with buttons that lead to what can be done about it.
fn quality(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    for issue in quality::of_document(document) {
        let color = quality::color(issue.level, palette);
        let count = if issue.count > 1 { format::count(issue.count) } else { String::new() };
        let head = if count.is_empty() { issue.title.clone() } else { format!("{}: {count}", issue.title) };
        let tip = format!("{head}\n{}", issue.effect);
        let (name, command, way) = match (issue.subject, issue.fix) {
            (QualitySubject::Symbols, _) => (
                format!("Symbols: {}", issue.title),
                DocumentCommand::Page(PageId::MODULES).into(),
                "show modules".to_owned(),
            ),
            (_, Some(fix)) => {
                let way = fix.title().trim_end_matches('\u{2026}').to_owned();
                (format!("{way} ({})", issue.title), document.record_again(fix), way)
            }
            (_, None) => {
                mark(ui, color, &issue.title, &count).on_hover_text(tip);
                continue;
            }
        };
        let line = mark(ui, color, &issue.title, &count);
        let response = ui.interact(line.rect, ui.scope_id().with(&name), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if response.clicked() {
            commands.push(command);
        }
        response.on_hover_text(format!("{tip}\nClick: {way}"));
    }
}

/// A line with a dot; a long text is wrapped.
fn mark(ui: &mut Ui, color: Color32, text: &str, count: &str) -> Response {
    let palette = Palette::of(ui);
    let right = ui.max_rect().right();
    let count = ui.painter().layout_no_wrap(count.to_owned(), theme::text_font(), palette.dim);
    let line = ui.horizontal_top(|ui| {
        icons::status_dot(ui, LINE, color);
        let room = right - ui.cursor().left() - count.size().x - 2.0 * GRID;
        ui.allocate_ui_with_layout(vec2(room.max(GRID), LINE), Layout::top_down(Align::Min), |ui| {
            ui.set_max_width(room.max(GRID));
            ui.add(Label::new(text).wrap());
        });
    });
    let place = line.response.rect.with_max_x(right);
    let at = eframe::egui::pos2(right - count.size().x, place.top() + (LINE - count.size().y) / 2.0);
    ui.painter().galley(at, count, palette.dim);
    ui.interact(place, line.response.id.with("line"), Sense::HOVER)
}
