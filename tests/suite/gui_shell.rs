//! The window around the traces: tabs, commands, settings, messages, files that change; driven by accessible names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, vec2};
use poolscope::gui::settings::{Settings, Theme};

use crate::gui_harness::*;

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
    let spans: Vec<f64> = app(&window).documents().map(|d| d.visible_range().span() / d.whole().span()).collect();
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
    // Another thread gives it back, so that the window does not wait.
    for _ in 0..PATIENCE {
        if trace.upgrade().is_none() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the trace is kept");
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
    window.get_by_label("Opening slow was canceled");
    // A message can be closed.
    window.get_by_label("Dismiss message").click();
    window.run_steps(3);
    assert!(window.query_by_label("Opening slow was canceled").is_none());
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
    // The wheel zooms the graph under the pointer, and the other trace stays in front.
    assert_eq!(document(&window).source.name(), "b.etl");
    let graphs = window.get_all_by_role(Role::Figure).map(|graph| graph.rect());
    let left = graphs.min_by(|a, b| a.left().total_cmp(&b.left())).expect("two graphs");
    window.hover_at(left.center());
    window.step();
    window.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, 50.0),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    window.run_steps(4);
    settle(&mut window);
    assert_eq!(document(&window).source.name(), "b.etl");
    let zoomed: Vec<(String, bool)> =
        app(&window).documents().map(|one| (one.source.name(), one.visible_range() != one.whole())).collect();
    assert_eq!(zoomed, [("a.etl".to_owned(), true), ("b.etl".to_owned(), false)]);
}

/// Opens the palette and writes.
fn search(window: &mut Window<'_>, text: &str) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(3);
    window.event(Event::Text(text.to_owned()));
    window.run_steps(3);
}

/// The commands that the palette lists, and whether they can be run.
fn listed(window: &Window<'_>) -> Vec<(String, bool)> {
    let rows = window.get_all_by_role(Role::ListBoxOption);
    let named = rows.map(|row| {
        let node = row.accesskit_node();
        (row.rect().top(), node.label().unwrap_or_default(), !node.is_disabled())
    });
    let mut named: Vec<_> = named.collect();
    named.sort_by(|a, b| a.0.total_cmp(&b.0));
    named.into_iter().map(|(_, name, enabled)| (name, enabled)).collect()
}

#[test]
fn the_palette_finds_and_runs_commands() {
    let mut window = open_file(&files(["a.etl"]).1[0]);
    search(&mut window, "tdk");
    assert_eq!(listed(&window)[0], ("Theme: Dark".to_owned(), true));
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert!(window.ctx.global_style().visuals.dark_mode);
    assert!(window.query_by_label("Search commands").is_none(), "it closes");
    // The table has the keys again, and what was run last comes first.
    press(&mut window, Key::Home);
    assert_eq!(cursor(&window).indent, 0);
    search(&mut window, "");
    assert_eq!(listed(&window)[0].0, "Theme: Dark");
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowUp);
    window.event(Event::Text("no such command".to_owned()));
    window.run_steps(3);
    window.get_by_label("No command matches.");
    press(&mut window, Key::Escape);
    window.run_steps(2);
    assert!(window.query_by_label("Search commands").is_none());
    // The field in the menu bar opens it, too, and a click runs.
    window.get_by_label("Search or run a command").click();
    window.run_steps(3);
    window.event(Event::Text("zoom in".to_owned()));
    window.run_steps(3);
    window.get_by_role_and_label(Role::ListBoxOption, "Zoom in").click();
    window.run_steps(3);
    settle(&mut window);
    let document = document(&window);
    assert!((document.visible_range().span() / document.whole().span() - 0.5).abs() < 1e-3);
}

#[test]
fn what_cannot_be_run_is_listed_last_and_does_nothing() {
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    search(&mut window, "zoom in");
    assert_eq!(listed(&window)[0], ("Zoom in".to_owned(), false));
    window.key_press(Key::Enter);
    window.run_steps(3);
    window.get_by_label("Search commands");
    press(&mut window, Key::Escape);
    search(&mut window, "");
    let all = listed(&window);
    let first_blocked = all.iter().position(|(_, enabled)| !enabled).expect("some");
    assert!(all[first_blocked..].iter().all(|(_, enabled)| !enabled), "{all:?}");
}

#[test]
fn f1_shows_every_key() {
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    press(&mut window, Key::F1);
    window.run_steps(2);
    window.get_by_label_contains("the leak candidates");
    let field = window.get_by_role_and_label(Role::TextInput, "Filter shortcuts");
    field.focus();
    window.run_steps(2);
    window.event(Event::Text("zoom back".to_owned()));
    window.run_steps(3);
    window.get_by_label("Ctrl+Shift+-");
    window.get_by_label("Zoom back");
    assert!(window.query_by_label_contains("the leak candidates").is_none());
    press(&mut window, Key::Escape);
    window.run_steps(2);
    assert!(window.query_by_label("Filter shortcuts").is_none());
}

#[test]
fn the_theme_and_the_scale_can_be_chosen() {
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    for _ in 0..2 {
        let dark = window.ctx.global_style().visuals.dark_mode;
        let to = if dark { "Switch to the light theme" } else { "Switch to the dark theme" };
        window.get_by_label(to).click();
        window.run_steps(3);
        assert_eq!(window.ctx.global_style().visuals.dark_mode, !dark);
    }
    for (command, factor) in [("scale up", 1.25), ("scale up", 1.5), ("scale down", 1.25), ("100 %", 1.0)] {
        search(&mut window, command);
        window.key_press(Key::Enter);
        window.run_steps(3);
        assert!((window.ctx.zoom_factor() - factor).abs() < 1e-6, "{command}");
    }
}

#[test]
fn settings_are_remembered_from_one_window_to_the_next() {
    let store = Arc::new(InMemory::default());
    let mut first = window_with(OpenRequest::Sample, Arc::clone(&store));
    settle(&mut first);
    for command in ["theme dark", "125 %"] {
        search(&mut first, command);
        first.key_press(Key::Enter);
        first.run_steps(3);
    }
    first.get_by_label("Hide trace summary").click();
    first.run_steps(3);
    drop(first);
    let settings = store.settings();
    assert_eq!((settings.theme, settings.scale_percent), (Theme::Dark, 125));
    assert!(!settings.panels.summary && settings.panels.details);
    assert_eq!(settings.commands, ["scale.125", "theme.dark"]);
    let mut second = window_with(OpenRequest::Sample, Arc::clone(&store));
    settle(&mut second);
    assert!(second.ctx.global_style().visuals.dark_mode);
    assert!((second.ctx.zoom_factor() - 1.25).abs() < 1e-6);
    assert!(second.query_by_label("No losses").is_none());
    second.get_by_label("Show trace summary").click();
    second.run_steps(3);
    second.get_by_label("No losses");
    // Everything back, after a question.
    for (button, left) in [("Cancel", 2), ("Reset", 0)] {
        search(&mut second, "reset everything");
        second.key_press(Key::Enter);
        second.run_steps(3);
        second.get_by_label(button).click();
        second.run_steps(3);
        assert!(app(&second).settings().commands.len() >= left);
        assert_eq!(app(&second).settings().scale_percent == 100, left == 0);
    }
    assert!((second.ctx.zoom_factor() - 1.0).abs() < 1e-6);
}

#[test]
fn changes_are_written_while_the_window_is_open() {
    let store = Arc::new(InMemory::default());
    let mut window = window_with(OpenRequest::Nothing, Arc::clone(&store));
    window.run_steps(2);
    search(&mut window, "theme light");
    window.key_press(Key::Enter);
    for _ in 0..PATIENCE {
        window.run_steps(1);
        if store.text.lock().expect("nobody panicked").is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(store.settings().theme, Theme::Light);
}

#[test]
fn damaged_settings_are_put_aside_and_that_is_said() {
    let store = InMemory::holding("{ \"theme\": \"dark\", ");
    let mut window = window_with(OpenRequest::Nothing, Arc::clone(&store));
    window.run_steps(3);
    window.get_by_label_contains("The settings were damaged");
    assert_eq!(store.aside.lock().expect("nobody panicked").as_deref(), Some("{ \"theme\": \"dark\", "));
    assert_eq!(app(&window).settings(), &Settings::default());
    // An error stays until it is closed.
    window.run_steps(600);
    window.get_by_label_contains("The settings were damaged");
}
