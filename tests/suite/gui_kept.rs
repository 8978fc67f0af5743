//! Nothing that the user has is lost and nothing surprising happens to it: the reset, one name for one file, files that are not
//! written over, selections that say where they end; driven by accessible names.
use std::sync::Arc;

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::app::App;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope::gui::widgets::pivot_table::Action;

use crate::gui_harness::*;

const CTRL: Modifiers = Modifiers::COMMAND;

/// Lets the background work until something is so.
fn wait_until(window: &mut Window<'_>, what: &str, so: impl Fn(&Window<'_>) -> bool) {
    for _ in 0..PATIENCE {
        settle(window);
        if so(window) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what} does not come");
}

fn save_preset(window: &mut Window<'_>, name: &str) {
    press_with(window, CTRL | Modifiers::SHIFT, Key::S);
    press_with(window, CTRL, Key::A);
    write(window, name);
    press_with(window, Modifiers::NONE, Key::Enter);
    assert_eq!(document(window).ui.preset, name);
}

#[test]
fn reset_everything_resets_presets_places_and_what_is_remembered_of_open_traces() {
    let (_folder, path) = folder();
    let store = InMemory::holding(
        r#"{ "recording": { "wpr": "C:\\tools\\wpr.exe", "folder": "D:\\temp" }, "tags": { "pool_tags": "none" } }"#,
    );
    let mut window = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
    settle(&mut window);
    let first = document(&window).remember();
    header_menu(&mut window, "Paged", &["Remove"]);
    save_preset(&mut window, "Mine");
    window.run_steps(200);
    assert_eq!(app(&window).settings().recording.wpr, "C:\\tools\\wpr.exe");
    command(&mut window, "Reset everything");
    click(&mut window, "Reset");
    wait_until(&mut window, "the trace as at first", |window| document(window).results.rows.is_some());
    assert_eq!(columns(&window), "Type, Paged, Pool Tag, Stack | Count | Size");
    assert_eq!(document(&window).remember(), first, "the open trace is as at first");
    assert!(document(&window).presets.read().own().is_empty());
    let settings = app(&window).settings();
    assert_eq!((settings.recording.wpr.as_str(), settings.recording.folder.as_str()), ("", ""));
    assert_eq!((settings.tags.pool_tags.as_str(), settings.recent.len()), ("", 0));
    // Neither the frames that follow nor the end of the window bring anything back.
    window.run_steps(300);
    drop(window);
    let settings = store.settings();
    assert_eq!((settings.recording.wpr.as_str(), settings.recording.folder.as_str()), ("", ""));
    assert_eq!((settings.traces.len(), settings.recent.len()), (0, 0));
    assert_eq!(store.preset_names(), Vec::<String>::new());
    let mut again = window_with(OpenRequest::File(path), Arc::clone(&store));
    settle(&mut again);
    assert_eq!(columns(&again), "Type, Paged, Pool Tag, Stack | Count | Size");
    // What is done afterwards is remembered again.
    header_menu(&mut again, "Paged", &["Remove"]);
    drop(again);
    assert_eq!(store.settings().traces.len(), 1);
}

#[test]
fn presets_of_two_windows_and_of_other_versions_stay() {
    let (_folder, path) = folder();
    let store = Arc::new(InMemory::default());
    let strange =
        r#"{ "format": "poolscope presets", "version": 9, "presets": [{ "name": "Strange", "shape": "round" }] }"#;
    *store.presets.lock().expect("nobody panicked") = Some(strange.to_owned());
    let mut one = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
    let mut two = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
    settle(&mut one);
    settle(&mut two);
    one.get_by_label_contains("they are kept in the file: Strange");
    header_menu(&mut one, "Paged", &["Remove"]);
    save_preset(&mut one, "One");
    header_menu(&mut two, "Count", &["Remove"]);
    save_preset(&mut two, "Two");
    drop(one);
    drop(two);
    assert_eq!(store.preset_names(), ["Strange", "One", "Two"]);
    let mut third = window_with(OpenRequest::File(path), Arc::clone(&store));
    settle(&mut third);
    preset(&mut third, "One");
    preset(&mut third, "Two");
}

#[test]
fn an_export_of_presets_asks_before_it_replaces() {
    let (folder, path) = folder();
    let mut window = open_file(&path);
    header_menu(&mut window, "Paged", &["Remove"]);
    save_preset(&mut window, "Mine");
    let file = folder.path().join("presets.json");
    std::fs::write(&file, "somebody's notes").expect("a file");
    let text = || std::fs::read_to_string(&file).expect("it is there");
    command(&mut window, "Manage presets");
    choose_path(&mut window, "Export\u{2026}", &file);
    window.get_by_label_contains("exists already. Replace it?");
    assert_eq!(text(), "somebody's notes");
    click(&mut window, "Keep");
    assert!(window.query_by_label_contains("Replace it?").is_none());
    assert_eq!(text(), "somebody's notes");
    choose_path(&mut window, "Export\u{2026}", &file);
    click(&mut window, "Replace");
    window.get_by_label_contains("Exported presets to");
    assert!(text().contains("Mine"));
}

#[test]
fn a_file_is_one_by_whatever_path() {
    let (folder, path) = folder();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    let around = inner.join("..").join(".").join("made-up.etl");
    let store = Arc::new(InMemory::default());
    let mut window = window_with(OpenRequest::Files(vec![path.clone(), around.clone()]), Arc::clone(&store));
    wait_until(&mut window, "the trace", |window| app(window).document().is_some());
    window.run_steps(4);
    assert_eq!(window.get_all_by_role(Role::Tab).count(), 1);
    #[cfg(unix)]
    {
        let link = inner.join("link.etl");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        drop_file(&mut window, &link);
        wait_until(&mut window, "one tab", |window| window.get_all_by_role(Role::Tab).count() == 1);
    }
    header_menu(&mut window, "Paged", &["Remove"]);
    drop(window);
    let settings = store.settings();
    assert_eq!((settings.recent.len(), settings.traces.len()), (1, 1));
    assert_eq!(settings.recent[0].path, settings.traces[0].path);
    assert!(settings.recent[0].path.is_absolute() && !settings.recent[0].path.iter().any(|part| part == ".."));
    // It is shown as it was left, by another path.
    let mut again = window_with(OpenRequest::File(around), Arc::clone(&store));
    settle(&mut again);
    assert_eq!(columns(&again), "Type, Pool Tag, Stack | Count | Size");
    drop(again);
    assert_eq!(store.settings().recent.len(), 1);
}

#[test]
fn a_folder_named_on_the_command_line_opens_its_traces_as_tabs() {
    let (folder, path) = folder();
    for name in ["b.ETL", "letter.txt"] {
        std::fs::copy(&path, folder.path().join(name)).expect("a copy");
    }
    std::fs::create_dir(folder.path().join("no trace.etl")).expect("a folder");
    let mut window = window(OpenRequest::Files(vec![folder.path().to_owned()]));
    wait_until(&mut window, "two traces", |window| app(window).documents().count() == 2);
    let names: Vec<String> = app(&window).documents().map(|document| document.source.name()).collect();
    assert_eq!(names, ["b.ETL", "made-up.etl"]);
    assert_eq!(window.get_all_by_role(Role::Tab).count(), 2);
}

#[test]
fn a_selection_ends_where_it_is_said_to() {
    use crate::gui_table_harness::{asked, focus_table, press, usual, window};
    let cut = Action::Cut { selected: 10_000, wanted: 25_000 };
    let mut table = window(usual());
    table.state_mut().rows.count = 25_000;
    focus_table(&mut table);
    press(&mut table, CTRL, Key::A);
    let selected = |table: &crate::gui_table_harness::Window<'_>| {
        let selected = table.state().state.selected();
        (selected.len(), selected.first().copied(), selected.last().copied())
    };
    assert_eq!((selected(&table), asked(&table)), ((10_000, Some(0), Some(9_999)), vec![cut.clone()]));
    // From the first row to the last one, and back: the rows at the anchor are taken.
    press(&mut table, Modifiers::NONE, Key::Home);
    press(&mut table, Modifiers::SHIFT, Key::End);
    assert_eq!(selected(&table), (10_000, Some(0), Some(9_999)));
    press(&mut table, Modifiers::NONE, Key::End);
    press(&mut table, Modifiers::SHIFT, Key::Home);
    assert_eq!(selected(&table), (10_000, Some(15_000), Some(24_999)));
    assert_eq!(asked(&table), [cut.clone(), cut.clone(), cut.clone()]);
    table.state_mut().rows.count = 9_000;
    press(&mut table, CTRL, Key::A);
    assert_eq!((selected(&table).0, asked(&table).len()), (9_000, 3), "nothing is said where nothing is cut");
    // The window tells it.
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let document = window.state_mut().as_mut().and_then(App::document_mut).expect("a trace is open");
    document.table_action(cut);
    window.run_steps(4);
    window.get_by_label_contains("10,000 of 25,000 rows are selected");
}
