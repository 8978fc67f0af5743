//! The panel on the left: what trace this is and how good its data are.

use crate::gui::model::page_id::PageId;
use eframe::egui::{
    Align, Align2, Color32, Label, Layout, Response, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2,
};
use poolscope_etl::diagnostics::Severity;

use crate::format;
use crate::gui::commands::{Command, DocumentCommand};
use crate::gui::document::Document;
use crate::gui::icons;
use crate::gui::model::recording_fix::Fix;
use crate::gui::model::symbol_texts;
use crate::gui::model::symbols::Phase;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::section;
use crate::recorded_range_text;

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
        caption(ui, "DATA QUALITY");
        quality(ui, document, commands);
        symbols(ui, document, commands);
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
    facts.push(("File", format::bytes(summary.file_bytes)));
    facts
}

/// Data-quality issues of the trace, with buttons that lead to a better recording.
fn quality(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let summary = &document.trace.summary;
    if let Some(part) = recorded_range_text::missing(&document.trace) {
        mark(ui, palette.bad, "Incomplete recording", "", &part);
    }
    let worst = document.trace.diagnostics.worst();
    if summary.events_lost == 0 && summary.buffers_lost == 0 && worst != Some(Severity::DataLoss) {
        mark(ui, palette.good, "No losses", "", "Windows reports no lost events and no lost buffers.");
    }
    for anomaly in document.trace.diagnostics.rows() {
        let color = match anomaly.kind.severity() {
            Severity::Info => palette.faint,
            Severity::Warning => palette.warn,
            Severity::DataLoss => palette.bad,
        };
        let name = format::sentence_case(&anomaly.kind.name().replace('_', " "));
        let count = if anomaly.count > 1 { format::count(anomaly.count) } else { String::new() };
        let tip = if count.is_empty() { name.clone() } else { format!("{name}: {count}") };
        let tip = format!("{tip}\n{}", anomaly.kind.effect());
        let Some(fix) = Fix::of(anomaly.kind) else {
            mark(ui, color, &name, &count, &tip);
            continue;
        };
        let way = fix.title().trim_end_matches('\u{2026}');
        let line = mark(ui, color, &name, &count, "");
        let response = ui.interact(line.rect, ui.scope_id().with(anomaly.kind.name()), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{way} ({name})")));
        if response.clicked() {
            commands.push(document.record_again(fix));
        }
        response.on_hover_text(format!("{tip}\nClick: {way}"));
    }
}

/// Modules without symbols; it leads to the page of modules.
fn symbols(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    if !document.has_allocations() || document.lacks_stacks() {
        return;
    }
    let palette = Palette::of(ui);
    let symbols = &document.results.symbols;
    let status = symbols.status();
    let (color, text, tip) = match (symbol_texts::without_symbols(symbols), symbols.phase) {
        (_, Phase::Idle) => {
            let tip = "Frames are shown as module and offset until symbols are loaded.".to_owned();
            (palette.faint, "Symbols not loaded".to_owned(), tip)
        }
        (_, Phase::Running) => {
            let tip = symbol_texts::status_text(symbols).unwrap_or_default();
            (palette.accent, "Loading symbols".to_owned(), tip)
        }
        (Some((count, names)), _) => {
            let modules = format::counted(count as u64, "module", "modules");
            (palette.warn, format!("{modules} without symbols"), names)
        }
        (None, _) if status.modules > 0 => {
            let tip = format!("All {} modules on stacks have symbols.", status.modules);
            (palette.good, "Symbols complete".to_owned(), tip)
        }
        (None, _) => return,
    };
    let line = mark(ui, color, &text, "", "");
    let response = ui.interact(line.rect, ui.scope_id().with("symbols"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Symbols: {text}")));
    if response.clicked() {
        commands.push(DocumentCommand::Page(PageId::MODULES).into());
    }
    response.on_hover_text(format!("{tip}\nClick: show modules"));
}

fn mark(ui: &mut Ui, color: Color32, text: &str, count: &str, tip: &str) -> Response {
    let line = ui.horizontal(|ui| {
        icons::status_dot(ui, LINE, color);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !count.is_empty() {
                ui.weak(count);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(text).truncate().show_tooltip_when_elided(false));
            });
        });
    });
    if tip.is_empty() { line.response } else { line.response.on_hover_text(tip) }
}
