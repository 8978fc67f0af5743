//! Who may know whom, checked on the source text: the order of core's modules, and the walls inside the app. Each rule is a
//! function from a path and its text to complaints, so that made-up source can show that it complains.

use crate::paths::{NamedPath, named_paths};
use crate::source::rust_files;

/// Core's modules; each may know those before it.
const CORE_ORDER: [&str; 17] = [
    "job",
    "anomaly",
    "bytes",
    "recording",
    "lockstep",
    "usage",
    "synth",
    "etl",
    "event",
    "trace",
    "symbol",
    "column",
    "select",
    "pivot",
    "series",
    "leak",
    "export",
];
/// Who may not know whom although the order would let them. The generator of made-up traces knows nothing of the reader, so that
/// the two can disagree; what a payload means does not depend on what carried it; names do not depend on the trace.
const CORE_WALLS: [(&str, &[&str]); 3] = [
    ("synth", &["job", "anomaly", "bytes", "recording", "lockstep", "usage"]),
    ("event", &["etl", "synth"]),
    ("symbol", &["trace", "event", "etl", "synth"]),
];
const TOOLKITS: [&str; 5] = ["egui", "eframe", "egui_plot", "egui_extras", "egui_tiles"];

/// Complaints about a file of core; `path` starts below `core/src/`.
fn core_complaints(path: &str, source: &str) -> Vec<String> {
    let module = module_path(path);
    let Some(own) = module.first().copied() else {
        return Vec::new();
    };
    let Some(rank) = CORE_ORDER.iter().position(|name| *name == own) else {
        return vec![format!("core/src/{path}: {own} has no place in the order of core's modules")];
    };
    let walls = CORE_WALLS.iter().find(|(name, _)| *name == own).map_or(&[][..], |(_, walls)| walls);
    let forbidden = |named: &str| match CORE_ORDER.iter().position(|name| *name == named) {
        Some(other) => other > rank || walls.contains(&named),
        // A name from the crate's root would hide which module is meant.
        None => true,
    };
    let complaints = named_paths(source, &module).into_iter().filter_map(|named| {
        let other = match named.segments.as_slice() {
            [root, other, ..] if root == "crate" => other,
            _ => return None,
        };
        (other != own && forbidden(other)).then(|| complaint("core", path, &named))
    });
    complaints.collect()
}

/// Complaints about a file of the app; `path` starts below `app/src/`.
fn app_complaints(path: &str, source: &str) -> Vec<String> {
    let module = module_path(path);
    let complaints = named_paths(source, &module).into_iter().filter_map(|named| {
        let segments: Vec<&str> = named.segments.iter().map(String::as_str).collect();
        app_forbids(&module, &segments).then(|| complaint("app", path, &named))
    });
    complaints.collect()
}

fn app_forbids(module: &[&str], named: &[&str]) -> bool {
    match (module, named) {
        // The command line and the window do not know each other, and what both use knows neither.
        (["cli", ..], ["crate", "gui", ..]) | (["gui", ..], ["crate", "cli", ..]) => true,
        (["format" | "wpr", ..], ["crate", "cli" | "gui", ..]) => true,
        // Widgets draw what they are given: no traces, no other part of the window but the theme and each other.
        (["gui", "widgets", ..], ["poolscope_core", ..]) => true,
        (["gui", "widgets", ..], ["crate", "gui", part, ..]) => !matches!(*part, "widgets" | "theme"),
        // Jobs work without a window.
        (["gui", "jobs", ..], [name, ..]) if TOOLKITS.contains(name) => true,
        (["gui", "jobs", ..], ["crate", "gui", "views" | "widgets" | "app" | "theme", ..]) => true,
        (["gui", "views", own, ..], ["crate", "gui", "views", other, ..]) => own != other && *other != "self",
        _ => false,
    }
}

fn complaint(package: &str, path: &str, named: &NamedPath) -> String {
    format!("{package}/src/{path}:{}: may not know {}", named.line, named.segments.join("::"))
}

/// `a/b/mod.rs` and `a/b.rs` are both `a::b`; the crate's root is empty.
fn module_path(path: &str) -> Vec<&str> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    stem.split('/').filter(|name| !matches!(*name, "lib" | "main")).collect()
}

#[test]
fn modules_know_only_those_above_them() {
    let mut complaints = Vec::new();
    let mut checked = 0;
    for file in rust_files() {
        if let Some(path) = file.path.strip_prefix("core/src/") {
            complaints.extend(core_complaints(path, &file.text));
            checked += 1;
        } else if let Some(path) = file.path.strip_prefix("app/src/") {
            complaints.extend(app_complaints(path, &file.text));
            checked += 1;
        }
    }
    assert!(checked > 10, "the sources were not found");
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_keeps_its_order() {
        let may = |path, source| assert_eq!(core_complaints(path, source), Vec::<String>::new(), "{path}: {source}");
        let may_not = |path, source| assert_eq!(core_complaints(path, source).len(), 1, "{path}: {source}");
        may("trace/mod.rs", "use crate::{etl::Record, event::Event, job};");
        may("trace/load.rs", "use super::index; use super::super::trace::x; use crate::trace::y;");
        may("lib.rs", "pub use crate::export::x;");
        may("pivot/mod.rs", "mod tests { use super::*; use crate::trace::Trace; }");
        may_not("etl/mod.rs", "use crate::trace::Trace;");
        may_not("etl/mod.rs", "fn f(t: &crate::trace::Trace) {}");
        may_not("etl/file.rs", "use super::super::trace;");
        may_not("etl/mod.rs", "mod tests { use super::super::pivot::Pivot; }");
        may_not("event/mod.rs", "use crate::etl::Record;");
        may_not("symbol/path.rs", "use crate::trace::Trace;");
        may_not("synth/mod.rs", "use crate::bytes::Reader;");
        may_not("pivot/mod.rs", "use crate::Trace;");
        may_not("misc.rs", "");
    }

    #[test]
    fn the_app_keeps_its_walls() {
        let may = |path, source| assert_eq!(app_complaints(path, source), Vec::<String>::new(), "{path}: {source}");
        let may_not = |path, source| assert_eq!(app_complaints(path, source).len(), 1, "{path}: {source}");
        may("gui/widgets/tree/paint.rs", "use egui::Ui; use super::model::Model; use crate::gui::theme::Theme;");
        may("gui/views/table.rs", "use poolscope_core::pivot; use crate::gui::widgets::tree; use crate::format;");
        may("gui/views/graph/mod.rs", "use super::graph::x; use self::y; use crate::gui::views::graph::z;");
        may("gui/views/mod.rs", "pub mod graph; use graph::Graph; use self::table::Table;");
        may("gui/jobs/load.rs", "use poolscope_core::trace; use std::thread;");
        may("main.rs", "use poolscope::cli; use poolscope::gui;");
        may_not("cli/report.rs", "use crate::gui::App;");
        may_not("wpr/machine.rs", "use crate::gui::jobs;");
        may_not("gui/app.rs", "use crate::{format, cli::Args};");
        may_not("format.rs", "use crate::gui;");
        may_not("gui/widgets/tree/mod.rs", "use poolscope_core::trace::Trace;");
        may_not("gui/widgets/bar.rs", "fn f(t: &poolscope_core::trace::Trace) {}");
        may_not("gui/widgets/bar.rs", "use crate::gui::state::State;");
        may_not("gui/jobs/mod.rs", "use egui;");
        may_not("gui/jobs/load.rs", "fn f(c: eframe::egui::Context) {}");
        may_not("gui/views/table.rs", "use super::graph::Graph;");
        may_not("gui/views/table.rs", "fn f() { crate::gui::views::graph::draw() }");
    }
}
