//! Exports of the window: every kind in every format, by the names of its commands; sums equal to those of the table; an existing
//! file is replaced only after a question; a long export can be given up. And source lines in the user's editor.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egui_kittest::kittest::Queryable;
use poolscope::export::FileFormat;
use poolscope::gui::OpenRequest;
use poolscope::gui::app::Services;
use poolscope::gui::clipboard::RichClipboard;
use poolscope::gui::commands::DocumentCommand;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers};
use poolscope::gui::jobs::symbols::SymbolService;
use poolscope::gui::model::export::ExportKind;
use poolscope::gui::model::symbols::Phase;
use poolscope::leak_text::RichText;
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_symbols::resolve::Resolver;

use crate::gui_harness::*;
use crate::gui_modules_harness::document_mut;

/// Exports through the command of this title to a path.
fn export(window: &mut Window<'_>, title: &str, path: &Path) {
    command(window, title);
    enter_path(window, path);
}

/// Waits until no export is being written.
fn finished(window: &mut Window<'_>) {
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
fn everything_is_exported_in_every_format() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let room = tempfile::tempdir().expect("a folder");
    for kind in ExportKind::ALL {
        for format in kind.formats() {
            let file = room.path().join(format!("{}.{}", kind.id(), format.ending()));
            export(&mut window, kind.title(), &file);
            finished(&mut window);
            let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let begins: &[u8] = match format {
                FileFormat::Png => b"\x89PNG",
                FileFormat::Pprof => b"\x1f\x8b",
                FileFormat::Svg => b"<?xml",
                FileFormat::Html => b"<!DOCTYPE html>",
                FileFormat::Markdown if kind == ExportKind::Report => b"# ",
                FileFormat::Markdown => b"| ",
                FileFormat::Json | FileFormat::Speedscope => b"{",
                FileFormat::Csv | FileFormat::Folded => b"",
            };
            assert!(bytes.starts_with(begins) && bytes.len() > 20, "{}", file.display());
        }
    }
    let left = std::fs::read_dir(room.path())
        .expect("a folder")
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(left.count(), 0, "no working file remains");
}

#[test]
fn a_table_has_the_sums_of_the_page() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    filter(&mut window, "size:>256");
    let room = tempfile::tempdir().expect("a folder");
    let all = room.path().join("all.csv");
    export(&mut window, "Export table\u{2026}", &all);
    finished(&mut window);
    let total = *document(&window).results.rows.as_ref().expect("rows").flat().tree().pivot().total();
    let column = |file: &Path, title: &str| -> Vec<String> {
        let mut reader = csv::Reader::from_path(file).expect("a CSV file");
        let at = reader.headers().expect("a header").iter().position(|name| name == title).expect("the column");
        reader.records().map(|row| row.expect("a row")[at].to_owned()).collect()
    };
    let sum = |texts: Vec<String>| texts.iter().map(|text| text.parse::<u64>().expect("a number")).sum::<u64>();
    assert_eq!(sum(column(&all, "size")), total.size());
    assert_eq!(sum(column(&all, "count")), total.count());
    let visible = room.path().join("visible.csv");
    export(&mut window, "Export visible rows\u{2026}", &visible);
    finished(&mut window);
    let rows = all_rows(&window);
    let counts = column(&visible, "Count");
    assert_eq!(counts.len(), rows.len());
    let types = column(&visible, "Type");
    let top: Vec<u64> = rows
        .iter()
        .zip(&counts)
        .filter(|(row, _)| row.level == 0)
        .map(|(_, count)| count.parse().expect("a number"))
        .collect();
    assert_eq!(top.iter().sum::<u64>(), total.count());
    assert!(types.iter().all(|kind| !kind.is_empty()), "every row carries its path");
}

#[test]
fn an_existing_file_is_replaced_only_after_a_question() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let room = tempfile::tempdir().expect("a folder");
    let file = room.path().join("t.csv");
    std::fs::write(&file, "mine").expect("a file");
    export(&mut window, "Export table\u{2026}", &file);
    finished(&mut window);
    window.get_by_label_contains("t.csv exists already. Replace it?");
    click(&mut window, "Keep");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "mine");
    export(&mut window, "Export table\u{2026}", &file);
    finished(&mut window);
    click(&mut window, "Replace");
    finished(&mut window);
    assert!(std::fs::read_to_string(&file).expect("the file").starts_with("type,"));
    window.get_by_label_contains("Exported ");
}

#[test]
fn an_export_without_a_place_says_so_and_one_that_is_canceled_leaves_nothing() {
    let (_folder, path) = folder();
    let mut window = open_file(&path);
    let room = tempfile::tempdir().expect("a folder");
    export(&mut window, "Export report\u{2026}", &room.path().join("missing/r.html"));
    finished(&mut window);
    assert!(window.query_all_by_label_contains("Choose a folder in which you can create files").next().is_some());
    let file = room.path().join("r.html");
    document_mut(&mut window).export_to(ExportKind::Report, &file, false);
    assert!(document(&window).can(&DocumentCommand::CancelExport));
    document_mut(&mut window).run(&DocumentCommand::CancelExport);
    settle(&mut window);
    assert!(document(&window).ui.exporting.is_none() && !file.exists());
    assert_eq!(std::fs::read_dir(room.path()).expect("a folder").count(), 0);
    document_mut(&mut window).export_to(ExportKind::Report, &file, false);
    finished(&mut window);
    assert!(file.exists(), "the next one is written");
}

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

/// Keeps what was copied.
#[derive(Default)]
struct Kept(Mutex<Vec<RichText>>);

impl RichClipboard for Kept {
    fn set(&self, text: &RichText) -> bool {
        self.0.lock().expect("nobody panicked").push(text.clone());
        true
    }
}

fn sample<'a>(clipboard: Arc<Kept>, store: &Arc<InMemory>) -> Window<'a> {
    let services = Services { symbols: Arc::new(SampleNames), clipboard, ..services(Arc::clone(store)) };
    let mut window = window_of(OpenRequest::Sample, services);
    settle(&mut window);
    for _ in 0..PATIENCE {
        let done = app(&window).document().is_some_and(|document| document.results.symbols.phase != Phase::Running);
        if done && !document(&window).is_naming() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    settle(&mut window);
    window
}

const CTRL_SHIFT: Modifiers = Modifiers { command: true, ctrl: true, shift: true, ..Modifiers::NONE };

#[test]
fn a_suspect_is_copied_as_evidence_in_text_and_html() {
    let clipboard = Arc::new(Kept::default());
    let mut window = sample(Arc::clone(&clipboard), &Arc::new(InMemory::default()));
    press_with(&mut window, CTRL_SHIFT, Key::L);
    window.event(Event::Copy);
    window.run_steps(3);
    settle(&mut window);
    let copied = clipboard.0.lock().expect("nobody panicked").clone();
    assert_eq!(copied.len(), 1);
    let RichText { text, html } = &copied[0];
    let suspect = &document(&window).suspects().suspects()[0];
    let outstanding = poolscope::format::bytes(suspect.evidence.outstanding.bytes);
    for part in ["myfault.sys leaks ", "tag Leak", &outstanding, "Verdict: leak, confidence ", "Trace Sample trace"] {
        assert!(text.contains(part) && html.contains(part), "{part}: {text}");
    }
    let frame = text.lines().find(|line| line.contains("myfault.sys!MyfaultDeviceControl")).expect("the stack");
    assert!(frame.trim_end().ends_with(']') && frame.contains(" [") && frame.contains(".c:"), "its source: {frame}");
    assert!(html.contains("<pre>") && html.contains("</ul>"), "{html}");
}

#[test]
fn a_source_line_opens_in_the_editor_that_the_user_set() {
    let store = Arc::new(InMemory::default());
    let mut window = sample(Arc::new(Kept::default()), &store);
    press_with(&mut window, CTRL_SHIFT, Key::L);
    let link = |window: &Window<'_>| -> String {
        use egui_kittest::kittest::NodeT as _;
        let found = window.query_all_by_label_contains("Open source ").next().expect("a source line");
        found.accesskit_node().label().expect("a name")
    };
    let name = link(&window);
    let place = name.strip_prefix("Open source ").expect("its place").to_owned();
    let (file, line) = place.rsplit_once(':').expect("file and line");
    // Without an editor the dialog opens.
    let first = |window: &mut Window<'_>| {
        window.query_all_by_label(&name).next().expect("the link").click();
        window.run_steps(3);
        settle(window);
    };
    first(&mut window);
    let room = tempfile::tempdir().expect("a folder");
    let (target, log) = (room.path().join("src"), room.path().join("opened.txt"));
    std::fs::create_dir_all(&target).expect("a folder");
    std::fs::write(target.join(file), "int main;\n").expect("a file");
    let editor = room.path().join("editor.sh");
    std::fs::write(
        &editor,
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}.part'\nmv '{0}.part' '{0}'\n", log.display()),
    )
    .expect("a script");
    make_runnable(&editor);
    window.get_by_role_and_label(Role::TextInput, "Command").focus();
    window.run_steps(2);
    write(&mut window, &format!("\"{}\" -g {{file}}:{{line}}", editor.display()));
    window.get_by_role_and_label(Role::MultilineTextInput, "Path mappings").focus();
    window.run_steps(2);
    write(&mut window, &format!("{file}={}", target.join(file).display()));
    click(&mut window, "OK");
    assert_eq!(app(&window).settings().editor.mappings.len(), 1);
    if cfg!(unix) {
        first(&mut window);
        for _ in 0..PATIENCE {
            if log.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let opened = std::fs::read_to_string(&log).expect("the editor was started");
        assert_eq!(opened, format!("-g\n{}:{line}\n", target.join(file).display()));
    }
    std::fs::remove_file(target.join(file)).expect("removed");
    first(&mut window);
    wait_for(&mut window, "does not exist on this computer");
}

#[cfg(unix)]
fn make_runnable(path: &PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
}

#[cfg(not(unix))]
fn make_runnable(_path: &PathBuf) {}

/// Lets the background work until a label is there.
fn wait_for(window: &mut Window<'_>, label: &str) {
    for _ in 0..PATIENCE {
        window.step();
        if window.query_all_by_label_contains(label).next().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{label} does not come");
}

#[test]
fn stack_tags_are_chosen_in_the_window() {
    let mut window = sample(Arc::new(Kept::default()), &Arc::new(InMemory::default()));
    let room = tempfile::tempdir().expect("a folder");
    let file = room.path().join("my.stacktags");
    let rules = "<Tag Name=\"Faults\"><Entrypoint Module=\"myfault.sys\" Method=\"*\"/></Tag>";
    std::fs::write(&file, rules).expect("a file");
    command(&mut window, "Pool tags and drivers");
    choose_path(&mut window, "Choose: Stack tags (.stacktags)", &file);
    click(&mut window, "OK");
    settle(&mut window);
    assert_eq!(app(&window).settings().tags.stack_tags, file.display().to_string());
    filter(&mut window, "stack_tag:Faults");
    let by_tag = *document(&window).results.rows.as_ref().expect("rows").flat().tree().pivot().total();
    document_mut(&mut window).run(&DocumentCommand::FilterClear);
    settle(&mut window);
    filter(&mut window, "driver:myfault.sys");
    let by_driver = *document(&window).results.rows.as_ref().expect("rows").flat().tree().pivot().total();
    assert_eq!((by_tag.size(), by_tag.count()), (by_driver.size(), by_driver.count()));
    assert!(by_tag.count() > 0);
}
