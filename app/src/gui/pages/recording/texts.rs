//! The profile and the script as texts, with buttons that save and copy them, and for the script when it stops.

use eframe::egui::{DragValue, Frame, Label, Margin, RadioButton, RichText, ScrollArea, TextEdit, Ui};
use poolscope_recording::Pool;

use super::wrong;
use crate::gui::commands::{Command, RecordingCommand};
use crate::gui::model::recording_setup::{RecordingSetup, Section};
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette, RADIUS};

/// One MB, in bytes.
const MIB: u64 = 1 << 20;
/// The largest growth that can be written, in MB.
const MOST_MIB: u64 = 1 << 20;
/// The longest time that can be written, in minutes: a month.
const MOST_MIN: u64 = 31 * 24 * 60;

/// Draws the text of the section that is shown.
pub(super) fn show(ui: &mut Ui, setup: &mut RecordingSetup, commands: &mut Vec<Command>) {
    let is_script = setup.section == Section::Script;
    if is_script {
        options(ui, setup);
        ui.add_space(2.0 * GRID);
    }
    let prepared = match setup.prepared() {
        Ok(prepared) => prepared,
        Err(message) => return wrong(ui, message),
    };
    let (text, save, about) = if is_script {
        let about = "Records unattended. Run it in PowerShell as administrator; it contains the profile.";
        (&prepared.script, RecordingCommand::SaveScript, about)
    } else {
        (
            &prepared.profile,
            RecordingCommand::SaveProfile,
            "For the wpr commands. WPRUI (Windows Performance Recorder) can open it as well.",
        )
    };
    ui.horizontal_wrapped(|ui| {
        if ui.button(save.title()).clicked() {
            commands.push(save.into());
        }
        let copy = ui.button("Copy");
        let name = if is_script { "Copy the script" } else { "Copy the profile" };
        copy.ctx.accesskit_node_builder(copy.id, |node| node.set_label(name));
        if copy.clicked() {
            ui.ctx().copy_text(text.clone());
        }
        let palette = Palette::of(ui);
        match &setup.note {
            Some(Ok(message)) => ui.add(Label::new(RichText::new(message).color(palette.good)).wrap()),
            Some(Err(message)) => ui.add(Label::new(RichText::new(message).color(palette.bad)).wrap()),
            None => ui.add(Label::new(RichText::new(about).color(palette.dim)).wrap()),
        };
    });
    ui.add_space(GRID);
    let ground = Frame::new().fill(Palette::of(ui).panel).corner_radius(RADIUS).inner_margin(Margin::symmetric(8, 6));
    ground.show(ui, |ui| {
        ScrollArea::both().id_salt(("text", is_script)).auto_shrink(false).show(ui, |ui| {
            let name = if is_script { "Script" } else { "Profile" };
            // It can be selected and read line by line, and not changed.
            let mut shown = text.as_str();
            let field = TextEdit::multiline(&mut shown).font(theme::figure_font()).frame(Frame::NONE);
            let field = ui.add(field.desired_width(f32::INFINITY));
            field.ctx.accesskit_node_builder(field.id, |node| node.set_label(name));
        });
    });
}

/// Stop conditions of the script.
fn options(ui: &mut Ui, setup: &mut RecordingSetup) {
    let options = &mut setup.options;
    ui.horizontal_wrapped(|ui| {
        ui.label("Monitor");
        for (pool, title) in [(Pool::NonPaged, "nonpaged pool"), (Pool::Paged, "paged pool")] {
            if ui.add(RadioButton::new(options.pool == pool, title)).clicked() {
                options.pool = pool;
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        let mut grows = options.stop_at_growth_bytes.is_some();
        let mut growth = options.stop_at_growth_bytes.unwrap_or(512 * MIB) / MIB;
        let mut changed = ui.checkbox(&mut grows, "Stop when it has grown by").changed();
        changed |= named(ui, grows, DragValue::new(&mut growth).range(1..=MOST_MIB).suffix(" MB"), "Growth in MB");
        if changed {
            options.stop_at_growth_bytes = grows.then_some(growth * MIB);
        }
        let mut large = options.stop_at_bytes.is_some();
        let mut size = options.stop_at_bytes.unwrap_or(4096 * MIB) / MIB;
        let mut changed = ui.checkbox(&mut large, "Stop when it reaches").changed();
        changed |= named(ui, large, DragValue::new(&mut size).range(1..=MOST_MIB).suffix(" MB"), "Size in MB");
        if changed {
            options.stop_at_bytes = large.then_some(size * MIB);
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.label("Stop after");
        let mut minutes = options.stop_after_seconds.div_ceil(60);
        if named(
            ui,
            true,
            DragValue::new(&mut minutes).range(1..=MOST_MIN).suffix(" min"),
            "Maximum duration in \
                                                                                             minutes",
        ) {
            options.stop_after_seconds = minutes * 60;
        }
        ui.label("or when a disk has less free space than");
        let mut room = options.min_free_bytes / MIB;
        if named(ui, true, DragValue::new(&mut room).range(0..=MOST_MIB).suffix(" MB"), "Free disk space in MB") {
            options.min_free_bytes = room * MIB;
        }
    });
}

/// A number with a name for those who do not see it; whether it was changed.
fn named(ui: &mut Ui, enabled: bool, value: DragValue<'_>, name: &str) -> bool {
    let response = ui.add_enabled(enabled, value);
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
    response.changed()
}
