//! Presets and what is remembered of a trace, through the window.

use std::sync::Arc;

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::format;
use poolscope::gui::OpenRequest;
use poolscope::gui::document::{Layout, Remembered};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::StackMode;

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

/// Rows of the presets dialog.
fn shown_preset(window: &Window<'_>) -> String {
    let shown = window.get_by_role_and_label(Role::ComboBox, "Preset");
    shown.accesskit_node().value().unwrap_or_default()
}

#[test]
fn every_built_in_preset_has_its_columns() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    for (name, wanted) in [
        ("By driver", "Driver, Paged, Pool Tag, Stack | Count, Impacting Size | Size"),
        ("Impacting", "Pool Tag, Paged, Impacting Type, Stack | Count, Impacting Size | Size"),
        ("Churn", "Pool Tag, Stack | Size, Lifetime (avg) | Count"),
        ("Frees by tag and stack", "Pool Tag, Free Stack | Count, Frees/Allocs | Size"),
        ("Leak hunt", "Type, Paged, Pool Tag, Stack | Count | Size"),
    ] {
        preset(&mut window, name);
        assert_eq!(columns(&window), wanted, "{name}");
        assert!(document(&window).results.rows.as_ref().expect("rows").flat().len() > 1, "{name}");
        assert!(document(&window).results.details.is_some(), "{name}: it opens at a row");
        assert_eq!(document(&window).query.filter.steps().len(), usize::from(name == "Churn"), "{name}");
        assert!(!document(&window).is_modified(), "{name}");
    }
}

#[test]
fn impacting_figures_are_those_of_the_leak_candidates() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let (_, truth) = made_up(&[]);
    let whole = &truth.ranges[0];
    preset(&mut window, "Impacting");
    let labels = labels_at(&window, 0);
    assert!(!labels.is_empty());
    let mut tags: Vec<&String> = whole.rows.iter().map(|row| &row.tag).collect();
    tags.sort();
    tags.dedup();
    assert_eq!(labels.len(), tags.len());
    for tag in tags {
        let (count, size) = sums(whole, |row| row.tag == *tag);
        let impacting = sums(whole, |row| row.tag == *tag && row.kind == "AIFO").1;
        let wanted = format!(
            "Pool Tag {tag}, Count {}, Impacting Size {}, Size {}",
            format::count(count),
            format::bytes(impacting),
            format::bytes(size)
        );
        assert!(labels.contains(&wanted), "{wanted} is not among {labels:?}");
    }
}

#[test]
fn presets_are_saved_renamed_exported_and_taken_in_elsewhere() {
    let (folder, path) = folder();
    let mut window = open_file(&path);
    header_menu(&mut window, "Paged", &["Remove"]);
    assert_eq!(shown_preset(&window), "Leak hunt*");
    press_with(&mut window, CTRL | Modifiers::SHIFT, Key::S);
    let field = window.get_by_role_and_label(Role::TextInput, "Name");
    assert!(field.accesskit_node().is_focused());
    // The name of a built-in one is refused before anything is lost.
    press_with(&mut window, CTRL, Key::A);
    write(&mut window, "Leak hunt");
    window.get_by_label_contains("is built in");
    press_with(&mut window, CTRL, Key::A);
    write(&mut window, "Mine");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown_preset(&window), "Mine");
    header_menu(&mut window, "Count", &["Remove"]);
    assert_eq!(shown_preset(&window), "Mine*");
    command(&mut window, "Reset columns");
    assert_eq!(columns(&window), "Type, Pool Tag, Stack | Count | Size");
    command(&mut window, "Manage presets");
    click(&mut window, "Rename Mine");
    let field = window.get_by_role_and_label(Role::TextInput, "New name for Mine");
    field.focus();
    window.run_steps(2);
    press_with(&mut window, CTRL, Key::A);
    write(&mut window, "Ours");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    window.get_by_label("Delete Ours");
    assert_eq!(document(&window).ui.preset, "Ours");
    let file = folder.path().join("presets.json");
    choose_path(&mut window, "Export\u{2026}", &file);
    window.get_by_label_contains("Exported presets to");
    click(&mut window, "Close");
    // A fresh window knows nothing of them.
    let mut fresh = open_file(&path);
    command(&mut fresh, "Manage presets");
    choose_path(&mut fresh, "Import\u{2026}", &file);
    window_says(&fresh, "Imported 1 preset from");
    click(&mut fresh, "Close");
    preset(&mut fresh, "Ours");
    assert_eq!(columns(&fresh), "Type, Pool Tag, Stack | Count | Size");
    // A damaged file says why, and takes nothing away.
    let text = std::fs::read_to_string(&file).expect("the file");
    std::fs::write(&file, text.replace("\"tag\"", "\"tga\"")).expect("a file");
    command(&mut fresh, "Manage presets");
    choose_path(&mut fresh, "Import\u{2026}", &file);
    window_says(&fresh, "did you mean 'tag'");
    choose_path(&mut fresh, "Import\u{2026}", std::path::Path::new("nowhere.json"));
    window_says(&fresh, "cannot be read");
    click(&mut fresh, "Delete Ours");
    assert!(fresh.query_by_label("Delete Ours").is_none());
    click(&mut fresh, "Close");
    assert_eq!(columns(&fresh), "Type, Pool Tag, Stack | Count | Size", "the columns stay");
}

fn window_says(window: &Window<'_>, words: &str) {
    window.get_by_label_contains(words);
}

#[test]
fn keys_of_the_page_do_nothing_under_a_box() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    filter(&mut window, "type:AIFO");
    command(&mut window, "Manage presets");
    let before = (document(&window).visible_range(), document(&window).ui.layout, cursor(&window).id);
    for (modifiers, key) in [(CTRL, Key::Plus), (CTRL | Modifiers::SHIFT, Key::T), (CTRL, Key::Z), (CTRL, Key::F)] {
        press_with(&mut window, modifiers, key);
    }
    press(&mut window, Key::ArrowDown);
    assert_eq!((document(&window).visible_range(), document(&window).ui.layout, cursor(&window).id), before);
    assert_eq!(document(&window).query.filter.steps().len(), 1);
    press_with(&mut window, Modifiers::NONE, Key::Escape);
    assert!(document(&window).ui.dialog.is_none());
    press(&mut window, Key::ArrowDown);
    assert_ne!(cursor(&window).id, before.2, "the table has the keys again");
}

#[test]
fn widths_are_no_change_but_are_reset() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let before = header(&window, "Pool Tag").width();
    header_menu(&mut window, "Pool Tag", &["Fit width"]);
    assert_ne!(header(&window, "Pool Tag").width(), before);
    assert_eq!(shown_preset(&window), "Leak hunt");
    command(&mut window, "Reset columns");
    assert_eq!(header(&window, "Pool Tag").width(), before);
}

#[test]
fn a_trace_is_shown_as_it_was_left() {
    let (_folder, path) = folder();
    let store = Arc::new(InMemory::default());
    let mut first = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
    settle(&mut first);
    header_menu(&mut first, "Paged", &["Remove"]);
    header_menu(&mut first, "Pool Tag", &["Fit width"]);
    filter(&mut first, "type:AIFO or type:AIFI");
    drag_graph(&mut first, 0.2, 0.8);
    settle(&mut first);
    command(&mut first, "Add markers at selection bounds");
    press_with(&mut first, CTRL, Key::Period);
    press_with(&mut first, CTRL | Modifiers::SHIFT, Key::T);
    press_with(&mut first, CTRL | Modifiers::SHIFT, Key::B);
    click(&mut first, "Expand AIFI");
    press(&mut first, Key::ArrowDown);
    settle(&mut first);
    let left = document(&first).remember();
    let rows = |window: &Window<'_>| all_rows(window).into_iter().map(|row| row.text).collect::<Vec<_>>();
    let shown = (columns(&first), rows(&first), cursor(&first).text, document(&first).query.marks.clone());
    let (view, width) = (document(&first).visible_range(), header(&first, "Pool Tag").width());
    // It survives being written down.
    let text = serde_json::to_string(&left).expect("it can be written");
    assert_eq!(serde_json::from_str::<Remembered>(&text).expect("and read"), left);
    drop(first);
    let mut second = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
    settle(&mut second);
    assert_eq!(document(&second).remember(), left);
    let again = (columns(&second), rows(&second), cursor(&second).text, document(&second).query.marks.clone());
    assert_eq!(again, shown);
    assert_eq!((document(&second).visible_range(), header(&second, "Pool Tag").width()), (view, width));
    assert_eq!(document(&second).ui.layout, Layout::Both);
    let title = document(&second).query.filter.steps()[0].title();
    second.get_by_label(&format!("Remove {title}"));
    assert_eq!(document(&second).ui.table.selected().len(), 1);
    // The way out of the view is there too.
    click(&mut second, "Zoom to the whole trace");
}

#[test]
fn a_trace_without_stacks_has_drivers_that_nobody_knows() {
    let bare = SynthParams { allocations: 500, stacks: StackMode::None, ..SynthParams::default() };
    let (_folder, path) = folder_with(&bare);
    let mut window = open_file(&path);
    preset(&mut window, "By driver");
    let total = document(&window).trace.allocations.len() as u64;
    let labels = labels_at(&window, 0);
    assert_eq!(labels.len(), 1, "{labels:?}");
    assert!(labels[0].starts_with(&format!("Driver [No Driver], Count {},", format::count(total))), "{labels:?}");
    let curves = &document(&window).results.graph_data.as_ref().expect("curves").series;
    assert!(curves.iter().any(|curve| curve.name == "[No Driver]"));
    window.get_by_label_contains("These allocations were recorded without stacks");
    let can = document(&window).stack_text();
    assert_eq!(can, None);
    for _ in 0..8 {
        press(&mut window, Key::ArrowRight);
    }
    settle(&mut window);
    assert!(!cursor(&window).expandable);
}
