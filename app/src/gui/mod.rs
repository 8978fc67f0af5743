//! The window. It draws from an immutable trace and finished results, and sends work to the background; it never reads a
//! file and never waits.

pub mod app;
pub mod clipboard;
pub mod commands;
pub mod dialogs;
pub mod document;
pub mod fonts;
pub mod icons;
pub mod jobs;
pub mod model;
pub mod pages;
pub mod settings;
pub mod shell;
pub mod theme;
pub mod widgets;

use std::path::PathBuf;
use std::sync::Arc;

use crate::association::SystemAssociation;
use anyhow::anyhow;
pub use eframe::egui;
use settings::store::{FileStore, NoStore, Store};

use crate::wpr::machine::MachineRecorder;

/// Content that the window opens with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OpenRequest {
    /// The start page.
    #[default]
    Nothing,
    /// A trace, other evidence, or a folder.
    File(PathBuf),
    /// Several files or folders: traces alone in a tab each, the last one in front, else one case.
    Files(Vec<PathBuf>),
    /// The sample trace in the program.
    Sample,
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// The system has no display, or no driver that can draw on it.
pub fn run(open: OpenRequest) -> anyhow::Result<()> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("poolscope")
        .with_app_id("poolscope")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([720.0, 480.0])
        .with_icon(icon())
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let make = |creation: &eframe::CreationContext<'_>| {
        let services = app::Services {
            loader: Arc::new(jobs::load::Engine),
            picker: Arc::new(jobs::dialog::SystemDialog),
            symbols: Arc::new(jobs::symbols::MachineSymbols),
            recorder: Arc::new(MachineRecorder::this()),
            store: store(),
            association: Arc::new(SystemAssociation),
            clipboard: Arc::new(clipboard::SystemClipboard::default()),
        };
        Ok(Box::new(app::App::new(&creation.egui_ctx, services, open)) as Box<dyn eframe::App>)
    };
    eframe::run_native("poolscope", options, Box::new(make)).map_err(|error| {
        let why = reason(&error.to_string()).to_owned();
        anyhow!("the window cannot be opened: {why}; without a display, use a command such as `poolscope report`")
    })
}

/// The words of an error without the place in a library's source that comes before them: `… at …/mod.rs:765: no display is set.`
fn reason(text: &str) -> &str {
    let reason = text.rsplit_once(".rs:").and_then(|(_, place)| place.split_once(": "));
    reason.map_or(text, |(_, reason)| reason).trim_end_matches('.')
}

/// The icon of the window. On Windows the programs hold their own, and the system takes that where the window's is missing.
fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../../assets/icon/poolscope.png")).unwrap_or_default()
}

/// The user's settings, where programs of this system keep them.
fn store() -> Arc<dyn Store> {
    match eframe::storage_dir("poolscope") {
        Some(folder) => Arc::new(FileStore::new(folder)),
        None => Arc::new(NoStore),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_place_in_a_source_is_no_reason() {
        let text = "winit EventLoopError: os error at /home/me/winit/src/mod.rs:765: neither A nor B is set.";
        assert_eq!(super::reason(text), "neither A nor B is set");
        assert_eq!(super::reason("no adapter: a, b"), "no adapter: a, b");
    }

    #[test]
    fn the_window_has_an_icon() {
        let icon = super::icon();
        assert_eq!((icon.width, icon.height, icon.rgba.len()), (128, 128, 128 * 128 * 4));
        assert_eq!(icon.rgba[3], 0, "its corners are round");
    }
}
