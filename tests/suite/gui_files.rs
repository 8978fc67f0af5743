//! The window and the files it opened: recent ones, ones that change on disk, folders; driven by accessible names.

use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope_synth::SynthParams;
use poolscope_tests::archives::{ZipMember, zip};

use crate::gui_harness::*;

/// Lets the background work until a label is there.
fn wait_for(window: &mut Window<'_>, label: &str) {
    for _ in 0..PATIENCE {
        window.step();
        if window.query_by_label_contains(label).is_some() {
            window.run_steps(3);
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{label} does not come");
}

#[test]
fn recent_files_open_from_the_start_page() {
    let store = Arc::new(InMemory::default());
    let (folder, path) = folder();
    let gone = folder.path().join("gone.etl");
    std::fs::copy(&path, &gone).expect("a copy");
    for path in [&path, &gone] {
        let mut window = window_with(OpenRequest::File(path.clone()), Arc::clone(&store));
        settle(&mut window);
    }
    let recent = store.settings().recent;
    assert_eq!(recent.iter().map(|r| r.path.as_path()).collect::<Vec<_>>(), [gone.as_path(), path.as_path()]);
    assert!(recent[0].bytes > 0 && recent[0].opened_unix_s > 0);
    std::fs::remove_file(&gone).expect("removed");
    let mut window = window_with(OpenRequest::Nothing, Arc::clone(&store));
    wait_for(&mut window, "gone.etl, which no longer exists");
    window.get_by_label("Remove gone.etl from list").click();
    window.run_steps(3);
    assert!(window.query_by_label_contains("gone.etl").is_none());
    window.get_by_label(&format!("Open {}", path.display())).click();
    window.run_steps(2);
    settle(&mut window);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
    drop(window);
    assert_eq!(store.settings().recent.len(), 1);
}

#[test]
fn a_changed_file_is_noticed_and_loaded_again() {
    let (folder, path) = folder();
    let mut window = open_file(&path);
    let before = document(&window).trace.statistics.pool_allocs;
    let other = folder_with(&SynthParams { allocations: 1000, ..SynthParams::default() });
    std::fs::copy(&other.1, &path).expect("written over");
    wait_for(&mut window, "made-up.etl changed on disk");
    window.get_by_label("Reload").click();
    window.run_steps(2);
    settle(&mut window);
    assert!(document(&window).trace.statistics.pool_allocs < before);
    assert!(window.query_by_label("made-up.etl changed on disk").is_none());
    // The next change is noticed as well, and a file that goes away; both can be ignored.
    std::fs::copy(folder_with(&params()).1, &path).expect("written over");
    wait_for(&mut window, "made-up.etl changed on disk");
    window.get_by_label("Ignore").click();
    window.run_steps(3);
    assert!(window.query_by_label("made-up.etl changed on disk").is_none());
    drop(folder);
    wait_for(&mut window, "made-up.etl no longer exists");
    assert!(window.query_by_label("Reload").is_none());
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn a_reload_that_fails_leaves_the_trace_as_it_was() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    std::fs::write(&path, "no trace at all ".repeat(500)).expect("written over");
    wait_for(&mut window, "made-up.etl changed on disk");
    window.get_by_label("Reload").click();
    window.run_steps(2);
    settle(&mut window);
    wait_for(&mut window, "made-up.etl was not reloaded");
    window.get_by_role_and_label(Role::TreeGrid, "Allocations");
}

#[test]
fn a_dropped_folder_opens_its_traces() {
    let (folder, path) = folder();
    for name in ["b.etl", "letter.txt"] {
        std::fs::copy(&path, folder.path().join(name)).expect("a copy");
    }
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    drop_file(&mut window, folder.path());
    for _ in 0..PATIENCE {
        settle(&mut window);
        if app(&window).documents().count() == 2 {
            break;
        }
    }
    let names: Vec<String> = app(&window).documents().map(|document| document.source.name()).collect();
    assert_eq!(names, ["b.etl", "made-up.etl"]);
    let empty = tempfile::tempdir().expect("a folder");
    drop_file(&mut window, empty.path());
    wait_for(&mut window, "contains no traces, pool snapshots or performance logs");
    assert_eq!(app(&window).documents().count(), 2);
}

#[test]
fn traces_in_an_archive_open_as_tabs_and_are_remembered_by_their_member() {
    let store = Arc::new(InMemory::default());
    let (folder, path) = folder();
    let trace = std::fs::read(&path).expect("a trace");
    let other =
        std::fs::read(folder_with(&SynthParams { allocations: 1000, ..SynthParams::default() }).1).expect("a trace");
    let archive = folder.path().join("both.zip");
    let members = [ZipMember::deflated("in/first.etl", &trace), ZipMember::deflated("second.etl", &other)];
    std::fs::write(&archive, zip(&members)).expect("an archive");
    let mut window = window_with(OpenRequest::Nothing, Arc::clone(&store));
    window.run_steps(2);
    drop_file(&mut window, &archive);
    for _ in 0..PATIENCE {
        settle(&mut window);
        if app(&window).documents().count() == 2 {
            break;
        }
    }
    let names: Vec<String> = app(&window).documents().map(|document| document.source.name()).collect();
    assert_eq!(names, ["first.etl (both.zip)", "second.etl (both.zip)"]);
    window.get_by_label_contains("both.zip contains 2 traces");
    drop(window);
    let recent = store.settings().recent;
    let second = format!("{}#second.etl", archive.display());
    assert!(recent.iter().any(|recent| recent.path.display().to_string() == second), "{recent:?}");
    assert_eq!(store.settings().folder.as_deref(), Some(folder.path().canonicalize().expect("a folder").as_path()));
    // From the start page one of them opens again, as long as the archive is there.
    let mut window = window_with(OpenRequest::Nothing, Arc::clone(&store));
    window.run_steps(3);
    window.get_by_label(&format!("Open {second}")).click();
    window.run_steps(2);
    settle(&mut window);
    assert_eq!(document(&window).source.name(), "second.etl (both.zip)");
    std::fs::write(&archive, zip(&members[..1])).expect("written over");
    wait_for(&mut window, "second.etl (both.zip) changed on disk");
    drop(window);
    std::fs::remove_file(&archive).expect("removed");
    let mut window = window_with(OpenRequest::Nothing, store);
    wait_for(&mut window, "second.etl, which no longer exists");
}

#[test]
fn a_refused_archive_says_why_and_what_to_do() {
    let (folder, path) = folder();
    let trace = std::fs::read(&path).expect("a trace");
    let locked = ZipMember { flags: 1, ..ZipMember::deflated("locked.etl", &trace) };
    let archive = folder.path().join("locked.zip");
    std::fs::write(&archive, zip(&[locked])).expect("an archive");
    let mut window = open_file(&archive);
    window.get_by_label("locked.zip was not opened");
    window.get_by_label_contains("locked.etl in");
    window.get_by_label("Unpack it with its password, and open the unpacked file.");
    // One trace in an archive is opened under the archive's name.
    std::fs::write(&archive, zip(&[ZipMember::deflated("in/a.etl", &trace)])).expect("written over");
    window.get_by_label("Try again").click();
    window.run_steps(2);
    settle(&mut window);
    assert_eq!(document(&window).source.name(), "locked.zip");
}

#[test]
fn a_refused_member_beside_a_good_one_is_named() {
    let (folder, path) = folder();
    let trace = std::fs::read(&path).expect("a trace");
    let locked = ZipMember { flags: 1, ..ZipMember::deflated("locked.etl", &trace) };
    let archive = folder.path().join("half.zip");
    std::fs::write(&archive, zip(&[locked.clone(), ZipMember::deflated("good.etl", &trace)])).expect("an archive");
    let mut window = open_file(&archive);
    assert_eq!(document(&window).source.name(), "half.zip");
    assert!(window.query_all_by_label_contains("locked.etl in").next().is_some(), "a message says so");
    command(&mut window, "Trace and data quality");
    assert!(window.query_all_by_label_contains("Part of the archive not opened").count() > 0);
    let issues = poolscope::gui::shell::quality::of_document(document(&window));
    let issue = issues.iter().find(|issue| issue.title == "Part of the archive not opened").expect("an issue");
    assert!(issue.effect.contains("locked.etl in") && issue.effect.contains("encrypted"), "{}", issue.effect);
    // The same beside several.
    let members = [locked, ZipMember::deflated("a.etl", &trace), ZipMember::deflated("b.etl", &trace)];
    let several = folder.path().join("several.zip");
    std::fs::write(&several, zip(&members)).expect("an archive");
    drop_file(&mut window, &several);
    settle(&mut window);
    window.get_by_label_contains("several.zip contains 2 traces");
    let named = window.query_all_by_label_contains("locked.etl in").count();
    assert!(named >= 1, "the refused one is named");
}

#[test]
fn the_open_box_proposes_folders_and_traces() {
    let (folder, path) = folder();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    std::fs::copy(&path, inner.join("deep.etl")).expect("a copy");
    let mut window = window(OpenRequest::Nothing);
    window.run_steps(2);
    window.key_press_modifiers(Modifiers::COMMAND, Key::O);
    wait_for(&mut window, "no file dialog");
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run_steps(2);
    window.event(Event::Text(format!("{}", folder.path().join("in").display())));
    let proposed = format!("{}{}", inner.display(), std::path::MAIN_SEPARATOR);
    wait_for(&mut window, &proposed);
    window.get_by_role_and_label(Role::Button, &proposed).click();
    wait_for(&mut window, "deep.etl");
    window.get_by_role_and_label(Role::Button, &inner.join("deep.etl").display().to_string()).click();
    window.run_steps(2);
    settle(&mut window);
    assert_eq!(document(&window).source.name(), "deep.etl");
    assert_eq!(app(&window).settings().folder.as_deref(), Some(inner.as_path()));
}
