//! The colors of the data quality.

use eframe::egui::Color32;

use crate::gui::document::Document;
use crate::gui::model::data_quality::{QualityIssue, QualityLevel, issues};
use crate::gui::theme::Palette;

/// The color of a severity.
#[must_use]
pub fn color(level: QualityLevel, palette: &Palette) -> Color32 {
    match level {
        QualityLevel::DataLoss => palette.bad,
        QualityLevel::Warning => palette.warn,
        QualityLevel::Pending => palette.accent,
        QualityLevel::Info => palette.faint,
        QualityLevel::Complete => palette.good,
    }
}

/// The data quality of an open trace, the worst first.
#[must_use]
pub fn of_document(document: &Document) -> Vec<QualityIssue> {
    let has_symbols = document.has_allocations() && !document.lacks_stacks();
    issues(&document.trace, has_symbols.then_some(&document.results.symbols), &document.opening_notes)
}
