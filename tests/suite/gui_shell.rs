//! The window around the traces: tabs, commands, settings, messages, files that change; driven by accessible names.

use std::path::{Path, PathBuf};

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};

use crate::gui_kit::*;

/// The names of the tabs, and which of them is in front.
fn tabs(window: &Window<'_>) -> Vec<(String, bool)> {
    let tabs = window.get_all_by_role(Role::Tab);
    let named = tabs.map(|tab| {
        let node = tab.accesskit_node();
        (tab.rect().left(), node.label().unwrap_or_default(), node.data().is_selected() == Some(true))
    });
    let mut named: Vec<_> = named.collect();
    named.sort_by(|a, b| a.0.total_cmp(&b.0));
    named.into_iter().map(|(_, name, selected)| (name, selected)).collect()
}

fn tab(name: &str, selected: bool) -> (String, bool) {
    (name.to_owned(), selected)
}

/// A folder with copies of the made-up trace under these names.
fn files<const N: usize>(names: [&str; N]) -> (tempfile::TempDir, [PathBuf; N]) {
    let (folder, path) = folder();
    let copies = names.map(|name| {
        let copy = folder.path().join(name);
        std::fs::copy(&path, &copy).expect("a copy");
        copy
    });
    (folder, copies)
}

/// A window with these two traces, the second in front.
fn two<'a>(first: &Path, second: &Path) -> Window<'a> {
    let mut window = open_file(first);
    drop_file(&mut window, second);
    settle(&mut window);
    window
}

#[test]
fn two_traces_stand_in_tabs() {
    let (_folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = two(&a, &b);
    assert_eq!(tabs(&window), [tab("a.etl", false), tab("b.etl", true)]);
    assert_eq!(app(&window).documents().count(), 2);
    assert_eq!(document(&window).source.name(), "b.etl");
    window.get_by_role_and_label(Role::Tab, "a.etl").click();
    window.run_steps(3);
    assert_eq!(tabs(&window), [tab("a.etl", true), tab("b.etl", false)]);
    assert_eq!(document(&window).source.name(), "a.etl");
    // What is done to one does not touch the other.
    window.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    window.run_steps(2);
    settle(&mut window);
    let spans: Vec<f64> = app(&window).documents().map(|d| d.view().span() / d.whole().span()).collect();
    assert!((spans[0] - 0.5).abs() < 1e-3 && (spans[1] - 1.0).abs() < 1e-3, "{spans:?}");
    window.get_by_label("Close a.etl").click();
    window.run_steps(3);
    assert_eq!(tabs(&window), [tab("b.etl", true)]);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    window.key_press_modifiers(Modifiers::COMMAND, Key::W);
    window.run_steps(3);
    assert_eq!(app(&window).documents().count(), 0);
    window.get_by_label("Find what leaks kernel pool");
}

#[test]
fn closing_a_tab_frees_its_trace() {
    let (_folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = two(&a, &b);
    let trace = std::sync::Arc::downgrade(&document(&window).trace);
    assert!(trace.upgrade().is_some());
    window.get_by_label("Close b.etl").click();
    window.run_steps(3);
    assert!(trace.upgrade().is_none());
}

#[test]
fn keys_go_from_tab_to_tab() {
    let (_folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = two(&a, &b);
    for (modifiers, key, wanted) in [
        (Modifiers::CTRL, Key::Tab, "a.etl"),
        (Modifiers::CTRL | Modifiers::SHIFT, Key::Tab, "b.etl"),
        (Modifiers::CTRL, Key::PageUp, "a.etl"),
        (Modifiers::CTRL, Key::PageDown, "b.etl"),
    ] {
        window.key_press_modifiers(modifiers, key);
        window.run_steps(3);
        assert_eq!(document(&window).source.name(), wanted);
        // The table has the keys at once.
        press(&mut window, Key::Home);
        assert!(cursor(&window).indent == 0);
    }
}

#[test]
fn an_open_file_is_not_opened_twice() {
    let (_folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = two(&a, &b);
    drop_file(&mut window, &a);
    settle(&mut window);
    assert_eq!(tabs(&window), [tab("a.etl", true), tab("b.etl", false)]);
}

#[test]
fn dropped_files_open_in_tabs_of_their_own() {
    let (_folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    drop_files(&mut window, &[&a, &b]);
    settle(&mut window);
    assert_eq!(tabs(&window).len(), 2);
    assert_eq!(app(&window).documents().count(), 2);
}

#[test]
fn a_file_that_cannot_be_opened_has_a_tab_that_says_so() {
    let (folder, [a]) = files(["a.etl"]);
    let late = folder.path().join("late.etl");
    let mut window = open_file(&a);
    drop_file(&mut window, &late);
    settle(&mut window);
    assert_eq!(tabs(&window), [tab("a.etl", false), tab("late.etl", true)]);
    window.get_by_label("late.etl was not opened");
    window.get_by_label("Open another\u{2026}");
    std::fs::copy(&a, &late).expect("a copy");
    window.get_by_label("Try again").click();
    window.run_steps(2);
    settle(&mut window);
    assert_eq!(document(&window).source.name(), "late.etl");
    assert_eq!(tabs(&window), [tab("a.etl", false), tab("late.etl", true)]);
}

#[test]
fn a_cancelled_load_leaves_the_rest_alone() {
    let (_folder, [a]) = files(["a.etl"]);
    let mut window = open_file(&a);
    drop_file(&mut window, Path::new("slow"));
    window.run_steps(3);
    assert_eq!(tabs(&window), [tab("a.etl", true), tab("slow", false)]);
    window.get_by_label("Cancel").click();
    window.run_steps(3);
    assert_eq!(tabs(&window), [tab("a.etl", true)]);
    window.get_by_label("Opening slow was cancelled");
    // A message can be closed.
    window.get_by_label("Dismiss message").click();
    window.run_steps(3);
    assert!(window.query_by_label("Opening slow was cancelled").is_none());
}

#[test]
fn a_load_that_ends_behind_another_tab_is_told() {
    let (folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = two(&a, &b);
    let awaited = folder.path().join("awaited.etl");
    drop_file(&mut window, &awaited);
    window.get_by_label_contains("Opening awaited.etl");
    // Whoever turns to another tab meanwhile stays there.
    window.get_by_role_and_label(Role::Tab, "a.etl").click();
    window.run_steps(3);
    let whole = folder.path().join("whole.etl");
    std::fs::copy(&a, &whole).expect("a copy");
    std::fs::rename(&whole, &awaited).expect("there at once, in full");
    settle(&mut window);
    assert_eq!(document(&window).source.name(), "a.etl");
    window.get_by_label("awaited.etl is open");
    window.get_by_label("Show").click();
    window.run_steps(3);
    assert_eq!(document(&window).source.name(), "awaited.etl");
}

#[test]
fn two_traces_can_be_seen_side_by_side() {
    let (_folder, [a, b]) = files(["a.etl", "b.etl"]);
    let mut window = two(&a, &b);
    let from = window.get_by_role_and_label(Role::Tab, "b.etl").rect().center();
    let page = window.get_by_role_and_label(Role::TreeGrid, "Allocations").rect();
    let to = poolscope::gui::egui::pos2(page.right() - 12.0, page.center().y);
    window.hover_at(from);
    window.run_steps(2);
    window.drag_at(from);
    window.run_steps(2);
    for share in [0.2, 0.6, 1.0] {
        window.hover_at(from + (to - from) * share);
        window.run_steps(2);
    }
    window.drop_at(to);
    window.run_steps(4);
    settle(&mut window);
    assert_eq!(tabs(&window), [tab("a.etl", true), tab("b.etl", true)]);
    assert_eq!(window.get_all_by_role_and_label(Role::TreeGrid, "Allocations").count(), 2);
}
