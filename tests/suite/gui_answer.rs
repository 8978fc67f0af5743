//! The window lands on the answer: the table opens at the suspect that the sentence names, runs of frames are folded, the responsible
//! frame is one key away, wide windows keep names near their figures, and the data quality speaks with one voice.

use std::path::PathBuf;

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, Rect, vec2};
use poolscope::gui::model::page_id::PageId;
use poolscope::gui::widgets::pivot_table::{RowKind, TreeModel};
use poolscope_analysis::leaks::Verdict;
use poolscope_synth::SynthParams;
use poolscope_synth::scenario::TagMix;
use poolscope_synth::writer::image::{HOOK_DC_START, Image};
use poolscope_synth::writer::pool::PoolBlock;
use poolscope_tests::micro::Micro;

use crate::gui_harness::*;
use crate::gui_modules_harness::document_mut;

/// Ticks of a second.
const SECOND: i64 = 10_000_000;
const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers { command: true, ctrl: true, shift: true, ..Modifiers::NONE };

/// The modules of the planted trace: path and base.
const MODULES: [(&str, u64); 4] = [
    ("\\SystemRoot\\system32\\ntoskrnl.exe", 0xffff_f800_0000_0000),
    ("\\SystemRoot\\System32\\drivers\\cachefilter.sys", 0xffff_f800_1000_0000),
    ("\\SystemRoot\\System32\\drivers\\a_driver_with_a_rather_long_name.sys", 0xffff_f800_2000_0000),
    ("\\Device\\HarddiskVolume1\\tools\\client.exe", 0x7ff6_0000_0000),
];

/// A stack from the innermost frame outward: the kernel, a driver at a function of its own, more of the kernel, the program.
fn frames(driver: usize, callers: u64) -> Vec<u64> {
    let (nt, app) = (MODULES[0].1, MODULES[3].1);
    let kernel = (0..callers).map(|n| nt + 0x2000 + 0x100 * n);
    let user = (0..callers).map(|n| app + 0x1000 + 0x100 * n);
    [nt + 0x1000, MODULES[driver].1 + 0x1230].into_iter().chain(kernel).chain(user).collect()
}

/// A trace of a minute: a cache that fills in its first quarter, a leak that is much smaller, and short-lived allocations.
fn cache_and_leak() -> Vec<u8> {
    let mut trace = Micro::default();
    for (at, (path, base)) in MODULES.into_iter().enumerate() {
        let pid = if at == 3 { 1000 } else { 0 };
        trace.image(1, HOOK_DC_START, &Image { base, size: 0x100_0000, pid, checksum: 0, timestamp: 0, path });
    }
    let mut events: Vec<(i64, bool, usize, PoolBlock)> = Vec::new();
    let block = |tag: &[u8; 4], size, address| PoolBlock { pool_type: 512, tag: *tag, size, address, session: None };
    for n in 0..1_500_i64 {
        let address = 0xffff_9000_0000_0000 + 0x4000 * n as u64;
        events.push((n * SECOND / 100 + 1_000, false, 1, block(b"Cach", 8_192, address)));
    }
    for n in 0..2_000_i64 {
        let address = 0xffff_a000_0000_0000 + 0x1000 * n as u64;
        events.push((n * 59 * SECOND / 2_000 + 2_000, false, 2, block(b"Drip", 128, address)));
    }
    for n in 0..6_000_i64 {
        let (at, of) =
            (n * 59 * SECOND / 6_000 + 3_000, block(b"Tran", 256, 0xffff_b000_0000_0000 + 0x1000 * n as u64));
        events.push((at, false, 1, of));
        events.push((at + SECOND / 2, true, 1, of));
    }
    events.sort_by_key(|event| event.0);
    for (at, is_free, driver, of) in events {
        let owner = (1000, 1004);
        if is_free {
            trace.free(0, at, owner, &of);
        } else {
            trace.alloc(0, at, owner, &of);
            trace.stack(0, (at + 5, at), owner, &frames(driver, 9));
        }
    }
    trace.bytes(60 * SECOND)
}

/// A file in a folder.
fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("planted.etl");
    std::fs::write(&path, bytes).expect("a file");
    (folder, path)
}

fn planted<'a>() -> (tempfile::TempDir, Window<'a>) {
    let (folder, path) = on_disk(&cache_and_leak());
    let window = open_file(&path);
    (folder, window)
}

/// The texts on the way to the row under the cursor.
fn way(window: &Window<'_>) -> Vec<String> {
    let details = document(window).results.details.as_ref().expect("a row is selected");
    details.keys.iter().map(|(_, text)| text.clone()).collect()
}

/// The texts of the rows that are on the screen, from top to bottom.
fn on_screen(window: &Window<'_>) -> Vec<String> {
    let document = document(window);
    let rows = document.results.rows.as_ref().expect("rows");
    let first = document.ui.table.position().row;
    let last = first + document.ui.table.shown_rows();
    (first..last).map_while(|index| rows.row(index)).map(|row| row.text).collect()
}

/// The row that stands for several frames: its number and its text.
fn fold(window: &Window<'_>) -> (u64, String) {
    let rows = document(window).results.rows.as_ref().expect("rows");
    let row = |index| rows.row(index).filter(|row| row.kind == RowKind::Folded).map(|row| (index, row.text));
    (0..rows.row_count()).find_map(row).expect("a run of frames")
}

/// The row of the responsible frame.
fn responsible(window: &Window<'_>) -> Vec<String> {
    let rows = all_rows(window);
    rows.into_iter().filter(|row| row.kind == RowKind::Responsible).map(|row| row.text).collect()
}

fn focus_table(window: &mut Window<'_>) {
    window.get_by_role_and_label(Role::TreeGrid, "Allocations").focus();
    window.run_steps(2);
}

/// The number of the row under the cursor.
fn cursor_index(window: &Window<'_>) -> u64 {
    let document = document(window);
    let rows = document.results.rows.as_ref().expect("rows");
    document.ui.table.cursor().and_then(|id| rows.index_of(id)).expect("a visible cursor")
}

#[test]
fn a_small_leak_beside_a_large_cache_is_what_the_table_opens_at() {
    let (_folder, window) = planted();
    let suspects = document(&window).suspects().suspects();
    assert_eq!((suspects[0].tag.as_deref(), suspects[0].verdict), (Some("Drip"), Verdict::Leak));
    let cache = suspects.iter().find(|suspect| suspect.tag.as_deref() == Some("Cach")).expect("the cache");
    assert!(cache.evidence.outstanding.bytes > 20 * suspects[0].evidence.outstanding.bytes);
    window.get_by_label_contains("a_driver_with_a_rather_long_name.sys leaks ");
    assert_eq!(way(&window), ["AIFO", "NonPaged", "Drip"]);
    let seen = on_screen(&window);
    assert!(seen.contains(&"Drip".to_owned()), "{seen:?}");
    assert_eq!(responsible(&window), ["a_driver_with_a_rather_long_name.sys+0x1230"]);
    assert!(seen.contains(&responsible(&window)[0]), "row and stack are in view: {seen:?}");
    let cache = all_rows(&window).into_iter().find(|row| row.text == "Cach").expect("the cache");
    assert!(!cache.expanded, "what the sentence does not name is closed");
}

#[test]
fn rows_that_the_user_turned_to_stay() {
    let (_folder, path) = on_disk(&cache_and_leak());
    let mut window = window(OpenRequest::File(path));
    for _ in 0..PATIENCE {
        window.step();
        if app(&window).document().is_some_and(|document| document.results.rows.is_some()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    focus_table(&mut window);
    press(&mut window, Key::Home);
    let before = cursor(&window).text;
    settle(&mut window);
    assert_eq!(cursor(&window).text, before, "the analysis does not take the cursor away");
    assert!(document(&window).suspects().suspects().len() > 1);
    click(&mut window, "Show in table");
    assert_eq!(way(&window), ["AIFO", "NonPaged", "Drip"]);
    let (at, first) = (cursor_index(&window), document(&window).ui.table.position().row);
    let rows = document(&window).results.rows.as_ref().expect("rows");
    let fits = rows.row_count() <= document(&window).ui.table.shown_rows();
    assert!(fits || at - first <= 2, "the suspect is near the top: row {at}, first {first}");
}

#[test]
fn runs_of_frames_are_one_row_that_right_opens_and_left_folds() {
    let (_folder, mut window) = planted();
    let (index, text) = fold(&window);
    assert_eq!(text, "18 frames", "[Root] and the ends of the stack are rows of their own");
    let label = window.get_by_label_contains("Stack 18 frames").accesskit_node().label().expect("a name");
    assert!(label.contains("Count 2,000"), "{label}");
    let count = document(&window).results.rows.as_ref().expect("rows").row_count();
    focus_table(&mut window);
    for _ in cursor_index(&window)..index {
        press(&mut window, Key::ArrowDown);
    }
    assert_eq!(cursor(&window).text, "18 frames");
    press(&mut window, Key::ArrowRight);
    let rows = document(&window).results.rows.as_ref().expect("rows");
    assert_eq!((rows.row_count(), cursor(&window).kind), (count + 17, RowKind::Plain));
    assert!(cursor(&window).text.starts_with("client.exe+"), "{}", cursor(&window).text);
    assert!(all_rows(&window).iter().all(|row| row.kind != RowKind::Folded));
    press(&mut window, Key::ArrowLeft);
    assert_eq!((cursor(&window).text.as_str(), cursor_index(&window)), ("18 frames", index));
    // The triangle does the same.
    window.get_by_label("Expand 18 frames").click();
    window.run_steps(3);
    assert_eq!(document(&window).results.rows.as_ref().expect("rows").row_count(), count + 17);
    // Rows that are sorted or grouped again stay as they were opened.
    let name = header_name(&window, "Count");
    window.get_by_role_and_label(Role::ColumnHeader, &name).click();
    settle(&mut window);
    assert_eq!(document(&window).results.rows.as_ref().expect("rows").row_count(), count + 17);
}

#[test]
fn a_search_opens_the_run_that_hides_its_match() {
    let (_folder, mut window) = planted();
    let (index, _) = fold(&window);
    press_with(&mut window, CTRL, Key::F);
    write(&mut window, "client.exe+0x1200");
    let rows = all_rows(&window);
    assert!(rows[index as usize].found, "the run is marked, since it hides a match");
    press_with(&mut window, Modifiers::NONE, Key::Enter);
    for _ in 0..8 {
        if way(&window).contains(&"Drip".to_owned()) {
            break;
        }
        press_with(&mut window, Modifiers::NONE, Key::F3);
    }
    assert_eq!(cursor(&window).text, "client.exe+0x1200");
    assert!(on_screen(&window).contains(&"client.exe+0x1200".to_owned()));
}

#[test]
fn letters_find_a_run_by_its_frames_and_copies_have_each_of_them() {
    let (_folder, mut window) = planted();
    let (index, _) = fold(&window);
    focus_table(&mut window);
    for letter in "client".chars() {
        window.event(Event::Text(letter.to_string()));
        window.run_steps(1);
    }
    settle(&mut window);
    assert_eq!(cursor_index(&window), index);
    press_with(&mut window, CTRL, Key::C);
    window.event(Event::Copy);
    let text = copied(&mut window);
    let lines: Vec<&str> =
        text.lines().filter(|line| line.contains("client.exe+") || line.contains("ntoskrnl.exe+")).collect();
    assert!(lines.len() >= 18 && lines.iter().all(|line| line.contains("2,000")), "{text}");
    let totals = document(&window).selection_totals();
    assert_eq!(totals, Some((2_000, 2_000 * 128)), "the run is selected once");
}

#[test]
fn one_key_goes_to_the_responsible_frame() {
    let (_folder, mut window) = planted();
    focus_table(&mut window);
    press_with(&mut window, CTRL, Key::J);
    assert_eq!(cursor(&window).text, "a_driver_with_a_rather_long_name.sys+0x1230");
    // From below and from above, and from the suspects.
    press(&mut window, Key::ArrowDown);
    press_with(&mut window, CTRL, Key::J);
    assert_eq!(cursor(&window).kind, RowKind::Responsible);
    press(&mut window, Key::Home);
    press_with(&mut window, CTRL_SHIFT, Key::L);
    press_with(&mut window, CTRL, Key::J);
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
    assert_eq!(cursor(&window).text, "a_driver_with_a_rather_long_name.sys+0x1230");
    // The details and the page of suspects mark the same frame.
    let marked = |window: &Window<'_>| {
        let marked = window.query_all_by_label_contains("Responsible frame: ");
        marked.filter_map(|frame| frame.accesskit_node().value()).collect::<Vec<String>>()
    };
    assert!(marked(&window)[0].contains("a_driver_with_a_rather_long_name.sys+0x1230"), "{:?}", marked(&window));
    click(&mut window, "Suspects");
    assert!(marked(&window)[0].contains("a_driver_with_a_rather_long_name.sys+0x1230"), "{:?}", marked(&window));
}

#[test]
fn driver_and_function_are_seen_in_the_smallest_window() {
    let mut window = window(OpenRequest::Sample);
    window.set_size(vec2(1280.0, 720.0));
    settle(&mut window);
    window.run_steps(4);
    let named = responsible(&window);
    assert_eq!(named.len(), 1, "{named:?}");
    let seen = on_screen(&window);
    assert!(seen.contains(&named[0]), "{seen:?}");
    let row = window.get_by_label_contains(&format!("Stack {}", named[0])).rect();
    let table = window.get_by_role_and_label(Role::TreeGrid, "Allocations").rect();
    assert!(table.contains_rect(row), "{row:?} in {table:?}");
}

/// Where the header of this title is.
fn title(window: &Window<'_>, title: &str) -> Rect {
    header(window, title)
}

#[test]
fn wide_windows_keep_names_near_their_figures_and_show_more_columns() {
    let (_folder, mut window) = planted();
    for (width, height, least) in [(1280.0, 720.0, 0), (1920.0, 1080.0, 2), (3840.0, 2160.0, 5)] {
        window.set_size(vec2(width, height));
        window.run_steps(4);
        settle(&mut window);
        let reach = title(&window, "Size").right() - title(&window, "Pool Tag").left();
        assert!(reach <= 800.0_f32.max(0.34 * width), "{width}: {reach}");
        let extra = document(&window).ui.table.shown_extras();
        if extra > 0 {
            let table = window.get_by_role_and_label(Role::TreeGrid, "Allocations").rect();
            let headers = window.query_all_by_role(Role::ColumnHeader).map(|header| header.rect().right());
            let last = headers.fold(0.0, f32::max);
            assert!(table.right() - last < 0.02 * width, "{width}: nothing from {last} to {}", table.right());
        }
        assert!(extra >= least, "{width}: {extra} extra columns");
        let swatches = window.get_by_role_and_label(Role::ColumnHeader, "Graphed").rect();
        if extra > 0 {
            let trend = window.get_by_role_and_label(Role::ColumnHeader, "Trend").rect();
            assert!(trend.left() >= swatches.right() - 1.0);
        }
    }
    // What they say of the row under the cursor is what was planted.
    window.get_by_role_and_label(Role::ColumnHeader, "Growth (bytes/s)");
    let rows = document(&window).results.rows.as_ref().expect("rows");
    let id = document(&window).ui.table.cursor().expect("a cursor");
    let titles: Vec<&str> = rows.extra_columns().iter().map(|column| column.title.as_str()).collect();
    let labels: Vec<String> =
        rows.extra_columns().iter().zip(rows.extra_cells(id, 3)).map(|(column, cell)| cell.label(column)).collect();
    assert_eq!(titles[..3], ["Trend", "Growth (bytes/s)", "Largest process"]);
    assert_eq!(labels[0], "Trend, rising");
    // 2,000 allocations of 128 bytes in 59 seconds.
    let growth = 2_000.0 * 128.0 / 59.0 / 1024.0;
    let shown: f64 = labels[1].split(' ').find_map(|figure| figure.parse().ok()).expect("a figure");
    assert!(labels[1].contains("KB/s") && (shown - growth).abs() < 0.03 * growth, "{} for {growth}", labels[1]);
    assert!(labels[2].contains("1000") || labels[2].contains("Unknown"), "{}", labels[2]);
}

#[test]
fn the_page_of_suspects_is_filled() {
    let (_folder, mut window) = planted();
    press_with(&mut window, CTRL_SHIFT, Key::L);
    for (width, height) in [(1280.0, 720.0), (1920.0, 1080.0), (3840.0, 2160.0)] {
        window.set_size(vec2(width, height));
        window.run_steps(6);
        let list = window.get_by_role_and_label(Role::List, "Suspects, worst first").rect();
        let evidence = window.get_by_label("EVIDENCE").rect();
        assert!(list.height() < 0.5 * height, "{width}x{height}: the list has {}", list.height());
        assert!(evidence.top() < 0.62 * height, "{width}x{height}: {evidence:?}");
        let row = window.query_all_by_role(Role::Row).next().expect("a suspect").rect();
        assert!(row.width() > 0.6 * width, "{width}x{height}: {row:?}");
    }
    window.get_by_role_and_label(Role::ColumnHeader, "Sort by Process");
    window.get_by_label("Course of the outstanding bytes of Drip");
}

#[test]
fn long_names_are_shortened_in_the_middle_and_whole_for_screen_readers() {
    let (_folder, mut window) = planted();
    window.set_size(vec2(900.0, 600.0));
    window.run_steps(4);
    press_with(&mut window, CTRL_SHIFT, Key::L);
    // The accessible name of the cell is the whole text, however little of it fits.
    assert!(window.query_all_by_label("a_driver_with_a_rather_long_name.sys+0x1230").next().is_some());
}

/// The first line of the data quality in the panel, and the badge in the status bar.
fn quality(window: &Window<'_>) -> String {
    let badge = window.get_by_label_contains("Data quality: ").accesskit_node().label().expect("its name");
    badge.trim_start_matches("Data quality: ").to_owned()
}

#[test]
fn the_data_quality_names_the_worst_first_and_never_contradicts_itself() {
    // A whole file, symbols not yet loaded or missing: never "complete".
    let (_folder, window) = planted();
    assert_ne!(quality(&window), "Data complete");
    window.get_by_label("No losses");
    // A torn one: no line says that nothing was lost, and the badge names the loss.
    let bytes = cache_and_leak();
    let (_folder, path) = on_disk(&bytes[..bytes.len() / 2 + 1_234]);
    let mut window = open_file(&path);
    assert!(window.query_by_label("No losses").is_none());
    let said = quality(&window);
    assert!(said.starts_with("Incomplete recording") || said.starts_with("Torn tail"), "{said}");
    window.get_by_label_contains("Torn tail");
    // The page about it has the same first.
    window.get_by_label_contains("Data quality: ").click();
    window.run_steps(4);
    assert_eq!(document(&window).ui.page, PageId::TRACE_INFO);
    let mut rows: Vec<(f32, String)> = window
        .query_all_by_role(Role::Row)
        .map(|row| (row.rect().top(), row.accesskit_node().label().expect("a name")))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(rows[0].1.starts_with("Data loss, "), "{rows:?}");
    assert!(rows.iter().all(|(_, label)| !label.contains("No losses")), "{rows:?}");
}

#[test]
fn nothing_leaks_and_the_largest_candidate_is_in_view() {
    let tags = TagMix { leaking: 0, slow_leaks: 0, plateau: 1, burst: 0, churning: 3, ordinary: 12 };
    let calm = SynthParams { allocations: 3000, tags, preexisting: 0, ..SynthParams::default() };
    let (_folder, path) = folder_with(&calm);
    let window = open_file(&path);
    let verdicts = document(&window).suspects().suspects().iter().map(|suspect| suspect.verdict);
    assert!(verdicts.into_iter().all(|verdict| !matches!(verdict, Verdict::Leak | Verdict::Growing)));
    assert_eq!(way(&window)[0], "AIFO");
}

#[test]
fn the_fold_and_the_cursor_stay_when_names_arrive() {
    let (_folder, mut window) = planted();
    let (index, _) = fold(&window);
    let rows = document(&window).results.rows.as_ref().expect("rows");
    let id = rows.id_at(index).expect("a row");
    document_mut(&mut window).table_action(poolscope::gui::widgets::pivot_table::Action::Expand(id));
    window.run_steps(2);
    let count = document(&window).results.rows.as_ref().expect("rows").row_count();
    command(&mut window, "Show raw addresses");
    let now = document(&window).results.rows.as_ref().expect("rows").row_count();
    assert_eq!(now, count, "a run that was opened is open under other names");
    assert_eq!(way(&window)[..3], ["AIFO", "NonPaged", "Drip"]);
}

#[test]
fn a_long_sentence_is_not_cut() {
    let (_folder, mut window) = planted();
    for (width, height) in [(1280.0, 720.0), (1000.0, 700.0)] {
        window.set_size(vec2(width, height));
        window.run_steps(4);
        let sentence = window.get_by_label_contains("a_driver_with_a_rather_long_name.sys leaks ");
        let text = sentence.accesskit_node().value().expect("a sentence");
        assert!(text.ends_with("a_driver_with_a_rather_long_name.sys+0x1230"), "{text}");
        let graph = window.get_by_role(Role::Figure).rect();
        assert!(sentence.rect().bottom() <= graph.top(), "{:?} over {graph:?}", sentence.rect());
    }
}
