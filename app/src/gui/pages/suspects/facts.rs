//! Evidence for a suspect, owners of its tag, its growth, and ages of its allocations.

use eframe::egui::{Label, Ui};
use poolscope_analysis::leaks::owner::{self, TagOwnerData};
use poolscope_analysis::leaks::{LeakAnalysis, Suspect};

use crate::format;
use crate::gui::document::Document;
use crate::gui::pages::suspects::texts;
use crate::gui::theme::GRID;
use crate::gui::widgets::histogram::{Bar, Histogram};
use crate::gui::widgets::section::{self, caption, item};
use crate::leak_text;

/// Room for a fact's name, in points.
const NAME: f32 = 116.0;
/// Processes that are listed.
const PROCESSES: usize = 8;

/// The reasons.
pub(super) fn evidence(ui: &mut Ui, suspect: &Suspect) {
    let reasons = leak_text::reasons(suspect);
    if reasons.is_empty() {
        return;
    }
    caption(ui, "EVIDENCE");
    reasons.iter().for_each(|reason| drop(item(ui, reason)));
}

/// Who may own the tag, the processes, and the next step.
pub(super) fn owner(ui: &mut Ui, document: &Document, suspect: &Suspect) {
    let sources = &document.results.tag_sources;
    let pool_tags = sources.pool_tags.as_ref().map(|found| &*found.tags);
    let claims =
        owner::owner_candidates(suspect, TagOwnerData { pool_tags, scanned_drivers: sources.drivers.as_deref() });
    if !claims.is_empty() {
        caption(ui, "OWNER");
        for claim in &claims {
            item(ui, &leak_text::owner_candidate(claim)).on_hover_text(leak_text::certainty_help(claim));
        }
        leak_text::attribution::wrapper_driver(suspect).iter().for_each(|rule| drop(item(ui, rule)));
    }
    processes(ui, suspect);
    if let Some(advice) = leak_text::attribution::recording_advice(suspect) {
        ui.add_space(2.0 * GRID);
        caption(ui, "NEXT STEP");
        item(ui, &advice);
    }
}

/// The processes that made its outstanding allocations, with what they made and whether they run.
fn processes(ui: &mut Ui, suspect: &Suspect) {
    let shares = &suspect.attribution.processes;
    if shares.is_empty() {
        return;
    }
    ui.add_space(2.0 * GRID);
    caption(ui, "PROCESSES");
    for share in shares.iter().take(PROCESSES) {
        let tip = format!(
            "{} in {}, made in the visible range and outstanding at its end",
            format::bytes(share.allocations.bytes),
            format::counted(share.allocations.count, "allocation", "allocations")
        );
        item(ui, &leak_text::attribution::process(share, suspect)).on_hover_text(tip);
    }
    if shares.len() > PROCESSES {
        ui.weak(format!("{} more", format::count((shares.len() - PROCESSES) as u64)));
    }
}

/// Its growth, and ages of its allocations.
pub(super) fn figures(ui: &mut Ui, document: &Document, analysis: &LeakAnalysis, suspect: &Suspect) {
    caption(ui, "DETAILS");
    for (name, value) in texts::facts(analysis, suspect) {
        section::fact(ui, name, NAME, value);
    }
    let evidence = &suspect.evidence;
    if evidence.outstanding.count > 0 && analysis.has_times {
        ui.add_space(2.0 * GRID);
        caption(ui, "AGE OF OUTSTANDING ALLOCATIONS");
        let clock = &document.trace.clock;
        let range = analysis.range.active;
        let length = clock.seconds(range.to) - clock.seconds(range.from);
        let eighth = length / evidence.age_histogram.len() as f64;
        let bar = |(at, count): (usize, &u64)| {
            let (young, old) = (at as f64 * eighth, (at + 1) as f64 * eighth);
            let label = if at == 0 { "new".to_owned() } else { format!("{} old", format::seconds(old, 1)) };
            let tip = format!(
                "{} to {} old: {}",
                format::seconds(young, 1),
                format::seconds(old, 1),
                format::counted(*count, "allocation", "allocations")
            );
            Bar { label, count: *count, tip }
        };
        let bars: Vec<Bar> = evidence.age_histogram.iter().enumerate().map(bar).collect();
        Histogram { name: "Age of outstanding allocations", bars: &bars }.show(ui);
    }
    generations(ui, document, suspect);
}

/// Outstanding allocations of each generation, where marks make several.
fn generations(ui: &mut Ui, document: &Document, suspect: &Suspect) {
    let Some(shown) = &document.suspects().shown else { return };
    let generations = shown.names.generations();
    if suspect.outstanding_by_generation.is_empty() || generations.markers().is_empty() {
        return;
    }
    ui.add_space(2.0 * GRID);
    caption(ui, "GENERATIONS");
    let labels = generations.labels(document.trace.extent, &document.trace.clock);
    for (label, blocks) in labels.iter().zip(&suspect.outstanding_by_generation).filter(|(_, blocks)| blocks.count > 0)
    {
        let (size, allocations) =
            (format::bytes(blocks.bytes), format::counted(blocks.count, "allocation", "allocations"));
        ui.add(Label::new(format!("{label}: {size} in {allocations}")).wrap());
    }
}
