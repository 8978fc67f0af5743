//! The left half of the page about recording: which tags, which stacks, where to, how much is expected, on what machine. The
//! consequences of each choice are shown beside it.

use eframe::egui::{Checkbox, DragValue, Label, RadioButton, RichText, ScrollArea, TextEdit, Ui};
use poolscope_recording::estimate::{CPUS_MAX, MEMORY_BYTES_MAX};
use poolscope_recording::{LoggingMode, WindowsVersion};

use crate::format;
use crate::gui::model::recording_setup::{RecordingSetup, SuggestedTag};
use crate::gui::pages::recording::tags;
use crate::gui::theme;
use crate::gui::theme::{GRID, Palette};
use crate::gui::widgets::section::caption;
use crate::recording_text;

/// Between two groups, in points.
const GAP: f32 = 3.0 * GRID;
/// One MB, in bytes.
const MIB: u64 = 1 << 20;
/// The longest recording that is reckoned with, in minutes: a month.
const LONGEST_MIN: u64 = 31 * 24 * 60;
/// The highest rate that is reckoned with, in events per second.
const HIGHEST_RATE: u64 = 10_000_000;

/// Draws the half.
pub(super) fn show(ui: &mut Ui, setup: &mut RecordingSetup, suggested: &[SuggestedTag]) {
    ScrollArea::vertical().id_salt("what to record").auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 2.0 * GRID);
        caption(ui, "TAGS");
        tags::show(ui, setup, suggested);
        ui.add_space(GAP);
        caption(ui, "CALL STACKS");
        stacks(ui, setup);
        ui.add_space(GAP);
        caption(ui, "LOGGING MODE");
        mode(ui, setup);
        ui.add_space(GAP);
        caption(ui, "EXPECTED LOAD");
        expected(ui, setup);
        ui.add_space(GAP);
        caption(ui, "TARGET MACHINE");
        machine(ui, setup);
        ui.add_space(2.0 * GRID);
    });
}

fn stacks(ui: &mut Ui, setup: &mut RecordingSetup) {
    let stacks = &mut setup.plan.stacks;
    let tip = "Shows the function and the driver that allocate";
    ui.add(Checkbox::new(&mut stacks.on_allocation, "Stack on PoolAlloc")).on_hover_text(tip);
    let tip = "Shows the code that frees allocations of the same kind, and thus where a free is missing. Costs as much \
               as stacks on PoolAlloc.";
    ui.add(Checkbox::new(&mut stacks.on_free, "Stack on PoolFree")).on_hover_text(tip);
}

fn mode(ui: &mut Ui, setup: &mut RecordingSetup) {
    ui.horizontal(|ui| {
        for (logging_mode, title) in [(LoggingMode::File, "File"), (LoggingMode::Memory, "Memory (circular)")] {
            if ui.add(RadioButton::new(setup.plan.logging_mode == logging_mode, title)).clicked() {
                setup.plan.logging_mode = logging_mode;
            }
        }
    });
    ui.add(
        Label::new(
            RichText::new(setup.plan.logging_mode.meaning()).font(theme::small_font()).color(Palette::of(ui).dim),
        )
        .wrap(),
    );
}

fn expected(ui: &mut Ui, setup: &mut RecordingSetup) {
    let (mut rate, is_assumed) = setup.rate();
    let expected = &mut setup.plan.expected;
    ui.horizontal(|ui| {
        let value = DragValue::new(&mut rate).range(1..=HIGHEST_RATE).speed(50.0);
        let field = named(ui, value, "Allocations and frees per second").on_hover_text(
            "Of the recorded tags. poolmon shows it: the change of Allocs and Frees between two snapshots, divided by \
             the time between them.",
        );
        if field.changed() {
            expected.events_per_second = Some(rate);
            setup.counted_for = None;
        }
        ui.label(if is_assumed { "events per second (assumed) for" } else { "events per second for" });
        let mut minutes = expected.seconds.div_ceil(60);
        if named(ui, DragValue::new(&mut minutes).range(1..=LONGEST_MIN).speed(1.0), "Minutes").changed() {
            expected.seconds = minutes * 60;
        }
        ui.label("min");
    });
    match setup.plan.logging_mode {
        LoggingMode::File => {
            let roomy = Checkbox::new(&mut setup.plan.expected.max_file_buffers, "Larger buffers, if events were lost");
            ui.add(roomy).on_hover_text("50 MB of memory for buffers, the maximum that Microsoft recommends");
        }
        LoggingMode::Memory => {
            ui.horizontal(|ui| {
                let mut megabytes = setup.plan.expected.memory_bytes / MIB;
                let most = MEMORY_BYTES_MAX / MIB;
                if named(ui, DragValue::new(&mut megabytes).range(8..=most).speed(8.0), "Megabytes of memory").changed()
                {
                    setup.plan.expected.memory_bytes = megabytes * MIB;
                }
                ui.label("MB of memory for buffers");
            });
        }
    }
    // The last estimate is drawn; a change requests another frame.
    match setup.prepared() {
        Ok(prepared) => {
            let estimate = &prepared.estimate;
            let minute = format::bytes(estimate.bytes_per_minute);
            let whole = format::bytes(estimate.total_bytes);
            ui.label(RichText::new(format!("About {minute} per minute, {whole} in total")).font(theme::strong_font()));
            let text = recording_text::buffer_estimate(&prepared.plan);
            ui.add(Label::new(RichText::new(text).font(theme::small_font()).color(Palette::of(ui).dim)).wrap());
        }
        Err(_) => {
            ui.weak("No estimate yet");
        }
    }
}

/// A number with a name for those who do not see it.
fn named(ui: &mut Ui, value: DragValue<'_>, name: &str) -> eframe::egui::Response {
    let response = ui.add(value);
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
    response
}

fn machine(ui: &mut Ui, setup: &mut RecordingSetup) {
    ui.horizontal(|ui| {
        for (windows, title) in [(WindowsVersion::Later, "Windows 8.1 to 11"), (WindowsVersion::Windows7, "Windows 7")]
        {
            if ui.add(RadioButton::new(setup.plan.windows == windows, title)).clicked() {
                setup.plan.windows = windows;
            }
        }
    });
    ui.horizontal(|ui| {
        let cpus = DragValue::new(&mut setup.plan.expected.cpus).range(1..=CPUS_MAX).speed(1.0);
        named(ui, cpus, "Logical processors").on_hover_text("Each needs two buffers; with fewer, events are lost");
        ui.label("logical processors at most");
    });
    let tip =
        "For systems whose traces lack the identities of images, such as Windows Server 2025. Not tried on Windows.";
    ui.add(Checkbox::new(&mut setup.plan.merges_image_ids, "Add image identities when merging")).on_hover_text(tip);
    let tip = "Records from the next start of Windows, to include what drivers allocate while they load";
    ui.add(Checkbox::new(&mut setup.plan.boot, "Boot trace")).on_hover_text(tip);
    ui.horizontal(|ui| {
        let label = ui.label("Trace file");
        ui.add(TextEdit::singleline(&mut setup.trace_file).desired_width(f32::INFINITY)).labelled_by(label.id);
    });
}
