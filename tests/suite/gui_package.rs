//! Packages and traces in several files in the window: a package that is opened on another machine shows the same picture, by
//! accessible names; files of one recording are one tab.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope::gui::jobs::symbols::SymbolService;
use poolscope::gui::model::symbols::Phase;
use poolscope::gui::widgets::pivot_table::{TreeModel, row_label};
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_symbols::resolve::Resolver;
use poolscope_synth::writer::PartHeaders;
use poolscope_tests::parts::{Header, Parts, split};
use poolscope_tests::program::{json, output};

use crate::gui_harness::*;
use crate::gui_modules_harness::document_mut;

/// The names that the program has of its sample, and no others.
struct SampleNames;

impl SymbolService for SampleNames {
    fn resolver(&self, choice: &SymbolOptions) -> Resolver {
        let machine = SymbolEnvironment { symbol_path: Some(String::new()), ..SymbolEnvironment::default() };
        Resolver { cache: None, ..machine.resolver(&SymbolOptions { offline: true, ..choice.clone() }) }
    }

    fn default_path(&self) -> String {
        String::new()
    }
}

/// Lets the search for names come to an end.
fn name(window: &mut Window<'_>) {
    settle(window);
    for _ in 0..PATIENCE {
        let done = app(window).document().is_some_and(|document| document.results.symbols.phase != Phase::Running);
        if done && !document(window).is_naming() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    settle(window);
}

/// All rows as a screen reader says them, with their depth.
fn rows(window: &Window<'_>) -> Vec<(u32, String)> {
    let columns = document(window).results.rows.as_ref().expect("rows");
    all_rows(window).into_iter().map(|row| (row.level, row_label(columns.columns(), &row))).collect()
}

fn save(window: &mut Window<'_>, path: &Path) {
    command(window, "Save package\u{2026}");
    enter_path(window, path);
    for _ in 0..PATIENCE {
        if document(window).ui.exporting.is_none() {
            break;
        }
        window.step();
        std::thread::sleep(Duration::from_millis(10));
    }
    settle(window);
}

#[test]
fn a_package_shows_the_same_picture_on_another_machine() {
    let room = tempfile::tempdir().expect("a folder");
    let trace = room.path().join("leak.etl");
    std::fs::write(&trace, poolscope::sample::TRACE).expect("a file");
    let mut window = window_naming(OpenRequest::File(trace.clone()), Arc::default(), Arc::new(SampleNames));
    name(&mut window);
    header_menu(&mut window, "Paged", &["Remove"]);
    drag_graph(&mut window, 0.2, 0.7);
    press_with(&mut window, Modifiers::COMMAND, Key::Period);
    drag_graph(&mut window, 0.3, 0.6);
    command(&mut window, "Add markers at selection bounds");
    filter(&mut window, "size:>64");
    filter(&mut window, "function:MyfaultDeviceControl");
    command(&mut window, "Note on the trace\u{2026}");
    write(&mut window, "See the second half.");
    click(&mut window, "OK");
    name(&mut window);
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.run_steps(2);
    press(&mut window, Key::Home);
    for _ in 0..40 {
        press(&mut window, Key::ArrowRight);
        settle(&mut window);
    }
    let shown = rows(&window);
    assert!(shown.iter().any(|(_, row)| row.contains("MyfaultDeviceControl")), "names and open rows: {shown:#?}");
    let (view, layout) = (document(&window).remember(), columns(&window));
    let marks = document(&window).query.marks.clone();
    assert_eq!((marks.len(), document(&window).query.filter.steps().len()), (2, 2));
    let package = room.path().join("to-colleague");
    save(&mut window, &package);
    let package = package.with_extension("poolscope");
    assert!(package.is_file(), "the ending was added");
    // The command line shows the trace as it is, and the note.
    let facts = json(&["info", package.to_str().expect("an ordinary name"), "--format", "json"]);
    assert_eq!(facts["package"]["note"], "See the second half.");
    // Another machine: no settings, no names.
    let second = room.path().join("second");
    std::fs::create_dir(&second).expect("a folder");
    let moved = second.join("to-colleague.poolscope");
    std::fs::rename(&package, &moved).expect("moved");
    std::fs::remove_file(&trace).expect("removed");
    let store = Arc::new(InMemory::default());
    let mut other = window_with(OpenRequest::File(moved.clone()), Arc::clone(&store));
    name(&mut other);
    assert_eq!(rows(&other), shown);
    assert_eq!(columns(&other), layout);
    assert_eq!(document(&other).query.marks, marks);
    assert_eq!(document(&other).query.range, document(&window).query.range);
    assert_eq!(document(&other).remember(), view);
    other.get_by_label("See the second half.");
    // What the colleague changes is kept, and the package stays as it is.
    let bytes = std::fs::read(&moved).expect("a file");
    command(&mut other, "Clear filter");
    let cleared = rows(&other);
    assert!(cleared != shown);
    drop(other);
    let mut again = window_with(OpenRequest::File(moved.clone()), store);
    name(&mut again);
    assert_eq!(rows(&again), cleared);
    assert!(std::fs::read(&moved).expect("a file") == bytes);
}

#[test]
fn a_package_asks_before_it_replaces_a_file_and_can_be_given_up() {
    let (folder, path) = folder();
    let mut window = open_file(&path);
    let file = folder.path().join("a.poolscope");
    std::fs::write(&file, b"somebody's").expect("a file");
    save(&mut window, &file);
    window.get_by_label_contains("exists already. Replace it?");
    click(&mut window, "Keep");
    assert_eq!(std::fs::read(&file).expect("a file"), b"somebody's");
    save(&mut window, &file);
    click(&mut window, "Replace");
    name(&mut window);
    assert!(std::fs::read(&file).expect("a file").starts_with(b"PK"));
    std::fs::remove_file(&file).expect("removed");
    document_mut(&mut window).export_to(poolscope::gui::model::export::ExportKind::Package, &file, false);
    document_mut(&mut window).run(&poolscope::gui::commands::DocumentCommand::CancelExport);
    settle(&mut window);
    assert!(!file.exists());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "only the trace");
}

#[test]
fn a_view_of_the_command_line_is_shown() {
    let (folder, path) = folder();
    let package = folder.path().join("cli.poolscope");
    let [from, to] = [path, package.clone()].map(|path| path.to_str().expect("an ordinary name").to_owned());
    let options = ["--by", "tag,process", "--range", "10..30", "--marks", "12.5,20", "--where", "size:>128"];
    let _message =
        output(&[&["package", from.as_str(), "--to", to.as_str(), "--note", "Hello"], &options[..]].concat());
    let window = open_file(&package);
    let document = document(&window);
    assert!(columns(&window).starts_with("Pool Tag, Process | "), "{}", columns(&window));
    let seconds = |time| document.trace.clock.seconds(time);
    assert_eq!((seconds(document.query.range.from), seconds(document.query.range.to)), (10.0, 30.0));
    assert_eq!(document.query.marks.iter().map(|mark| seconds(*mark)).collect::<Vec<_>>(), [12.5, 20.0]);
    assert_eq!(document.query.filter.steps()[0].title(), "size:>128");
    window.get_by_label("Hello");
}

#[test]
fn files_of_one_recording_are_one_tab_and_others_are_told_apart() {
    let parts = split(&params(), 2, PartHeaders::Session);
    let other =
        Header::changed(&split(&params(), 2, PartHeaders::Own)[1], &|header| header.boot_filetime += 10_000_000);
    let files = Parts::new(&[parts[1].clone(), parts[0].clone(), other]);
    let paths: Vec<&Path> = files.paths().into_iter().map(Path::new).collect();
    let whole = {
        let (_folder, path) = folder();
        rows(&open_file(&path))
    };
    let owned = |paths: &[&Path]| paths.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>();
    let store = Arc::new(InMemory::default());
    let mut window = window_with(OpenRequest::Files(owned(&paths[..2])), Arc::clone(&store));
    settle(&mut window);
    assert_eq!(rows(&window), whole);
    assert_eq!(document(&window).source.name(), "part_1.etl + part_2.etl");
    assert!(window.query_all_by_label_contains("part_1.etl + part_2.etl").next().is_some());
    assert_eq!(document(&window).trace.summary.parts.len(), 2);
    drop(window);
    // It is one of the recent files.
    let recent = store.settings().recent;
    assert_eq!(recent.len(), 1);
    let mut window = window_with(OpenRequest::File(recent[0].path.clone()), store);
    settle(&mut window);
    assert_eq!(rows(&window), whole);
    drop(window);
    // All three, dropped: two traces, and the reason.
    let mut window = window_with(OpenRequest::Nothing, Arc::default());
    settle(&mut window);
    drop_files(&mut window, &paths);
    settle(&mut window);
    window.get_by_label_contains("Windows was started at different times");
    for name in ["part_1.etl + part_2.etl", "part_3.etl"] {
        assert!(window.query_all_by_label_contains(name).next().is_some(), "{name}");
    }
    // A folder: the same.
    let mut window = window_with(OpenRequest::File(files.folder().into()), Arc::default());
    settle(&mut window);
    for name in ["part_1.etl + part_2.etl", "part_3.etl"] {
        assert!(window.query_all_by_label_contains(name).next().is_some(), "{name}");
    }
}
