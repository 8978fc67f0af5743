//! Layers inside the app, which is one crate, checked on the source text. The order of the libraries is that of their manifests, which
//! the compiler holds.

use crate::paths::{NamedPath, named_paths};
use crate::source::rust_files;

/// The libraries that know traces, or make them.
const ENGINE: [&str; 5] =
    ["poolscope_etl", "poolscope_analysis", "poolscope_symbols", "poolscope_recording", "poolscope_synth"];
const TOOLKITS: [&str; 5] = ["egui", "eframe", "egui_plot", "egui_extras", "egui_tiles"];

/// Complaints about a file of the app; `path` starts below `app/src/`.
fn app_complaints(path: &str, source: &str) -> Vec<String> {
    let module = module_path(path);
    let complaints = named_paths(source, &module).into_iter().filter_map(|named| {
        let segments: Vec<&str> = named.segments.iter().map(String::as_str).collect();
        app_forbids(&module, &segments).then(|| complaint(path, &named))
    });
    complaints.collect()
}

fn app_forbids(module: &[&str], named: &[&str]) -> bool {
    match (module, named) {
        // The command line and the window do not know each other, and what both use knows neither.
        (["cli", ..], ["crate", "gui", ..]) | (["gui", ..], ["crate", "cli", ..]) => true,
        (["case" | "format" | "wpr", ..], ["crate", "cli" | "gui", ..]) => true,
        // The server for assistants runs commands; neither they nor the window know it.
        (["cli" | "gui", ..], ["crate", "mcp", ..]) | (["mcp", ..], ["crate", "gui", ..]) => true,
        // Widgets draw what they are given: no traces, no other part of the window but theme, icons and each other.
        (["gui", "widgets", ..], [name, ..]) if ENGINE.contains(name) => true,
        (["gui", "widgets", ..], ["crate", "gui", part, ..]) => !matches!(*part, "widgets" | "theme" | "icons"),
        // Background work, that of pages too, and the model know no window.
        (["gui", "jobs" | "model", ..] | ["gui", "pages", _, "job"], [name, ..]) if TOOLKITS.contains(name) => true,
        (["gui", "jobs" | "model", ..], ["crate", "gui", part, ..]) => !matches!(*part, "jobs" | "model"),
        (["gui", "pages", own, "job"], ["crate", "gui", "pages", other, ..]) => own != other,
        (["gui", "pages", _, "job"], ["crate", "gui", part, ..]) => !matches!(*part, "jobs" | "model"),
        // Pages do not know each other: what both need is elsewhere, and one leads to the other by its name.
        (["gui", "pages", own, ..], ["crate", "gui", "pages", other, ..]) => own != other && !is_of_list(other),
        // The rest of the window knows the list of pages, and none of them.
        (["gui", part, ..], ["crate", "gui", "pages", page, ..]) => *part != "pages" && !is_of_list(page),
        _ => false,
    }
}

/// Returns `true` if a name in `gui::pages` belongs to the list of pages, and not to one of them.
fn is_of_list(name: &str) -> bool {
    matches!(name, "Page" | "PAGES" | "page" | "WindowPage" | "WINDOW_PAGES" | "window_page" | "WindowState" | "self")
}

fn complaint(path: &str, named: &NamedPath) -> String {
    format!("app/src/{path}:{}: may not know {}", named.line, named.segments.join("::"))
}

/// `a/b/mod.rs` and `a/b.rs` are both `a::b`; the crate's root is empty.
fn module_path(path: &str) -> Vec<&str> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    stem.split('/').filter(|name| !matches!(*name, "lib" | "main")).collect()
}

#[test]
fn the_app_has_no_forbidden_imports() {
    let mut complaints = Vec::new();
    let mut checked = 0;
    for file in rust_files() {
        if let Some(path) = file.path.strip_prefix("app/src/") {
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
    fn the_app_keeps_its_walls() {
        let may = |path, source| assert_eq!(app_complaints(path, source), Vec::<String>::new(), "{path}: {source}");
        let may_not = |path, source| assert_eq!(app_complaints(path, source).len(), 1, "{path}: {source}");
        may("gui/widgets/tree/paint.rs", "use egui::Ui; use super::model::Model; use crate::gui::theme::Theme;");
        may("gui/pages/table.rs", "use poolscope_analysis::pivot; use crate::gui::widgets::tree; use crate::format;");
        may("gui/pages/graph/mod.rs", "use super::graph::x; use self::y; use crate::gui::pages::graph::z;");
        may("gui/pages/mod.rs", "pub mod graph; use graph::Graph; use self::table::Table;");
        may("gui/jobs/load.rs", "use poolscope_analysis::trace; use std::thread;");
        may("main.rs", "use poolscope::cli; use poolscope::gui;");
        may_not("cli/report.rs", "use crate::gui::App;");
        may("mcp/job.rs", "use crate::cli::io::Io;");
        may_not("cli/mcp.rs", "use crate::mcp::run;");
        may_not("mcp/job.rs", "use crate::gui::App;");
        may_not("wpr/machine.rs", "use crate::gui::jobs;");
        may_not("gui/app.rs", "use crate::{format, cli::Args};");
        may_not("format.rs", "use crate::gui;");
        may_not("case/evidence.rs", "use crate::cli::perfmon;");
        may_not("gui/widgets/tree/mod.rs", "use poolscope_analysis::trace::Trace;");
        may_not("gui/widgets/bar.rs", "fn f(t: &poolscope_analysis::trace::Trace) {}");
        may_not("gui/widgets/bar.rs", "use crate::gui::model::State;");
        may(
            "gui/pages/table/job.rs",
            "use crate::gui::model::query; use super::state::Table; use crate::gui::jobs::rows;",
        );
        may("gui/pages/table/mod.rs", "use crate::gui::pages::{Page, page}; use crate::gui::document::Document;");
        may_not("gui/pages/table/job.rs", "use eframe::egui::Ui;");
        may_not("gui/pages/table/job.rs", "use crate::gui::document::Document;");
        may_not("gui/model/query.rs", "use crate::gui::commands::Command;");
        may_not("gui/model/query.rs", "use crate::gui::widgets::graph;");
        may_not("gui/jobs/mod.rs", "use egui;");
        may_not("gui/jobs/load.rs", "fn f(c: eframe::egui::Context) {}");
        may("gui/app/pages.rs", "use crate::gui::pages::{PAGES, WindowState, page};");
        may_not("gui/app/pages.rs", "use crate::gui::pages::table::state;");
        may_not("gui/document/rows.rs", "fn f() { crate::gui::pages::graph::draw() }");
        may_not("gui/pages/table.rs", "use super::graph::Graph;");
        may_not("gui/pages/table.rs", "fn f() { crate::gui::pages::graph::draw() }");
    }
}
