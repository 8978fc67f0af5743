//! The page of modules, the words about symbols around it, and the commands of its menu, over made-up symbols.

use poolscope::gui::model::page_id::PageId;
use std::path::PathBuf;
use std::sync::Arc;

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope::gui::jobs::dialog::Asked;
use poolscope::gui::model::symbols::Phase;
use poolscope::gui::widgets::pivot_table::TreeModel;
use poolscope_symbols::resolve::{ModuleState, ModuleState as S};

use crate::gui_harness::{InMemory, Window, app, click, command, copied, document, press, press_with, settle, write};
use crate::gui_modules_harness::{MadeUpSymbols, document_mut, every_state, many, need, outcome, tell, window_over};

/// The sample with these symbols.
fn sample<'a>(symbols: &Arc<MadeUpSymbols>) -> Window<'a> {
    window_over(OpenRequest::Sample, Arc::new(InMemory::default()), Arc::clone(symbols))
}

/// The sample with modules in every state, on their page.
fn page<'a>(symbols: &Arc<MadeUpSymbols>) -> Window<'a> {
    let mut window = sample(symbols);
    tell(&mut window, every_state());
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::M);
    assert_eq!(document(&window).ui.page, PageId::MODULES);
    window
}

/// The names of the listed modules, from top to bottom.
fn listed(window: &Window<'_>) -> Vec<String> {
    let mut rows: Vec<(f32, String)> = window
        .query_all_by_role(Role::Row)
        .map(|row| (row.rect().top(), row.accesskit_node().label().expect("a name")))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, label)| label.split(',').next().expect("a first part").to_owned()).collect()
}

fn open_menu(window: &mut Window<'_>) {
    window.get_by_role_and_label(Role::Button, "Symbols").click();
    window.run_steps(4);
}

/// Returns `true` if an entry of the open menu is greyed; keys stand behind names there.
fn is_disabled(window: &Window<'_>, name: &str) -> bool {
    let entries = window.query_all_by_label_contains(name);
    let is_it = |label: &str| label == name || label.strip_prefix(name).is_some_and(|key| key.contains("Ctrl+"));
    let mut named = entries.filter(|entry| entry.accesskit_node().label().is_some_and(|label| is_it(&label)));
    named.next().unwrap_or_else(|| panic!("{name} is not there")).accesskit_node().is_disabled()
}

#[test]
fn each_module_is_listed_with_its_state_and_what_depends_on_it() {
    let window = page(&Arc::default());
    window.get_by_label("ntoskrnl.exe, loaded, 11.0 MB outstanding in 180,224 allocations, 2 of 3 frames named");
    for label in [
        "myfault.sys, not found, ",
        "ndis.sys, wrong identity, ",
        "tcpip.sys, denied, ",
        "fltmgr.sys, unreachable, ",
        "ntfs.sys, offline, ",
        "wdf01000.sys, unreadable, ",
        "win32k.sys, exports only, ",
        "afd.sys, canceled, ",
        "volsnap.sys, no identity in the trace, ",
    ] {
        window.get_by_label_contains(label);
    }
    let listed = listed(&window);
    assert_eq!((listed[0].as_str(), listed[10].as_str(), listed.len()), ("ntoskrnl.exe", "classpnp.sys", 11));
}

#[test]
fn headers_sort_and_the_field_filters() {
    let mut window = page(&Arc::default());
    click(&mut window, "Sort by Module");
    assert_eq!(listed(&window)[..2], ["afd.sys", "classpnp.sys"]);
    click(&mut window, "Sort by Module, ascending");
    assert_eq!(listed(&window)[..2], ["win32k.sys", "wdf01000.sys"]);
    click(&mut window, "Sort by Outstanding");
    assert_eq!(listed(&window)[0], "ntoskrnl.exe");
    click(&mut window, "Sort by State");
    assert_eq!(listed(&window)[0], "ndis.sys", "what somebody can mend comes first");
    // The field has the keys; the arrows go through what it leaves.
    window.get_by_label("Filter modules").focus();
    window.run_steps(2);
    write(&mut window, "NDIS");
    assert_eq!(listed(&window), ["ndis.sys"]);
    press(&mut window, Key::ArrowDown);
    assert_eq!(document(&window).modules().selected, Some(2));
    window.get_by_label("ndis.sys: wrong identity");
}

#[test]
fn the_field_has_the_keys_and_the_arrows_go_through_the_list() {
    let mut window = page(&Arc::default());
    for _ in 0..3 {
        press(&mut window, Key::ArrowDown);
    }
    assert_eq!(document(&window).modules().selected, Some(2));
    press(&mut window, Key::ArrowUp);
    assert_eq!(document(&window).modules().selected, Some(1));
    write(&mut window, "tcp");
    assert_eq!(listed(&window), ["tcpip.sys"]);
    write(&mut window, "zzz");
    window.get_by_label("No module name contains \"tcpzzz\".");
}

#[test]
fn the_selected_module_says_what_was_tried_and_what_to_do() {
    let mut window = page(&Arc::default());
    window.get_by_label_contains("ndis.sys, wrong identity").click();
    window.run_steps(4);
    window.get_by_label_contains("of a different build was found: its names would be wrong and are not used");
    window.get_by_label("different build: GUID 11111111-2222-3333-4444-555555555555 age 3");
    assert!(window.query_all_by_label("not found").next().is_some());
    assert!(window.query_all_by_label("51e29343-44ba-1562-8ba5-a31be2dae7dc age 1").next().is_some());
    window.get_by_label("\\SystemRoot\\System32\\drivers\\ndis.sys");
    window.get_by_label("Copy details").click();
    let text = copied(&mut window);
    assert!(text.starts_with("ndis.sys: wrong identity\n"), "{text}");
    assert!(text.contains("GUID and age: 51e29343-44ba-1562-8ba5-a31be2dae7dc age 1"), "{text}");
    assert!(text.contains("Searched https://symbols.example/download/ndis.pdb/"), "{text}");
    for (name, words) in [
        ("tcpip.sys, denied", "A location denied access."),
        ("fltmgr.sys, unreachable", "A location is unreachable."),
        ("ntfs.sys, offline", "no server was queried"),
        ("volsnap.sys, no identity", "does not identify the PDB of volsnap.sys"),
        ("ntoskrnl.exe, loaded", "1 frame has no name"),
    ] {
        window.get_by_label_contains(name).click();
        window.run_steps(4);
        window.get_by_label_contains(words);
    }
}

#[test]
fn a_pdb_is_opened_by_hand_and_a_module_is_searched_again() {
    let symbols = Arc::new(MadeUpSymbols::default());
    *symbols.picks.lock().expect("nobody panicked") = Some(PathBuf::from("/pdbs/myfault.pdb"));
    let mut window = page(&symbols);
    window.get_by_label_contains("myfault.sys, not found").click();
    window.run_steps(4);
    let before = symbols.searches();
    click(&mut window, "Search again");
    assert!(symbols.searches() > before);
    // The fake finds nothing and the module stands as before.
    let before = symbols.searches();
    click(&mut window, "Open PDB\u{2026}");
    settle(&mut window);
    let asked = symbols.asked.lock().expect("nobody panicked").clone();
    assert!(matches!(&asked[..], [Asked::Pdb { at: 1, module, .. }] if module == "myfault.sys"), "{asked:?}");
    for _ in 0..500 {
        window.step();
        if symbols.searches() > before {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the file was not looked at");
}

#[test]
fn where_no_dialog_answers_the_path_of_the_pdb_is_written() {
    let mut window = page(&Arc::default());
    window.get_by_label_contains("myfault.sys, not found").click();
    window.run_steps(4);
    click(&mut window, "Open PDB\u{2026}");
    for _ in 0..500 {
        window.step();
        if window.query_by_label("Open PDB of myfault.sys").is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    window.get_by_label("Open PDB of myfault.sys");
    write(&mut window, "/pdbs/myfault.pdb");
    press(&mut window, Key::Enter);
    assert!(window.query_by_label("Open PDB of myfault.sys").is_none());
    assert_eq!(document(&window).ui.page, PageId::MODULES, "no trace was opened");
    settle(&mut window);
    assert_eq!(app(&window).documents().count(), 1);
}

#[test]
fn the_rows_of_a_module_are_shown() {
    let mut window = page(&Arc::default());
    window.get_by_label_contains("myfault.sys, not found").click();
    window.run_steps(4);
    click(&mut window, "Show rows of module");
    let document = document(&window);
    assert_eq!(document.ui.page, PageId::ANALYSIS);
    let rows = document.results.rows.as_ref().expect("rows");
    let all: u64 = document.trace.allocations.len() as u64;
    let shown = rows.flat().tree().aggregate(poolscope_analysis::pivot::PivotTree::ROOT).count();
    assert!(shown > 0 && shown < all, "{shown} of {all}");
}

#[test]
fn the_bar_at_the_bottom_says_how_far_it_is_and_stops_it() {
    let mut window = sample(&Arc::default());
    document_mut(&mut window).results.symbols.phase = Phase::Running;
    tell(&mut window, many(40));
    let words = "Symbols: 20 of 40, a_rather_long_name_of_a_filter_driver_0000.pdb 3.10 MB of 12.0 MB";
    window.get_by_label(words);
    window.get_by_label("Symbols: Loading symbols");
    window.get_by_label("Stop loading symbols").click();
    window.run_steps(4);
    assert_eq!(document(&window).results.symbols.phase, Phase::Cancelled);
    window.get_by_label("Symbols: 10 of 40 modules").click();
    window.run_steps(4);
    assert_eq!(document(&window).ui.page, PageId::MODULES);
    window.get_by_label_contains("driver_0000.sys, canceled");
}

#[test]
fn the_summary_names_what_is_without_symbols() {
    let mut window = sample(&Arc::default());
    tell(&mut window, every_state());
    let line = window.get_by_label("Symbols: 9 modules without symbols");
    let at = line.rect().center();
    window.hover_at(at);
    window.run_steps(60);
    window.get_by_label_contains("myfault.sys: not found\nndis.sys: wrong identity");
    window.get_by_label("Symbols: 9 modules without symbols").click();
    window.run_steps(4);
    assert_eq!(document(&window).ui.page, PageId::MODULES);
}

#[test]
fn a_frame_without_a_name_says_why_and_leads_to_its_module() {
    let mut window = sample(&Arc::default());
    let frames = document(&window).results.details.as_ref().expect("details").stack.clone();
    let frame = frames.iter().find(|frame| frame.starts_with("myfault.sys")).expect("the sample leaks from it").clone();
    let why = document(&window).explain_frame(&frame).expect("nobody has its symbols");
    assert!(why.contains("myfault.sys") && why.contains("myfault.pdb"), "{why}");
    tell(&mut window, every_state());
    let why = document(&window).explain_frame(&frame).expect("it has no name");
    assert!(why.contains("myfault.sys") && why.contains("was not found in 2 locations"), "{why}");
    // The row of the frame, brought to sight.
    let rows = document(&window).results.rows.as_ref().expect("rows");
    let index = (0..rows.row_count()).find(|index| rows.row(*index).expect("a row").text == frame).expect("its row");
    let id = rows.id_at(index).expect("its identity");
    assert!(document(&window).frame_tip(id).expect("a tip").starts_with(&why));
    window.get_by_label("Expand 22 frames").click();
    window.run_steps(4);
    let shown = window
        .query_all_by_role(Role::Row)
        .find(|row| row.accesskit_node().label().is_some_and(|label| label.starts_with("Stack ntdll.dll")));
    let place = shown.expect("a frame on the screen").rect();
    window.hover_at(poolscope::gui::egui::pos2(place.left() + 320.0, place.center().y));
    window.run_steps(60);
    window.get_by_label_contains("ntdll.dll: the symbols were not searched.");
}

#[test]
fn the_menu_offers_what_can_be_done() {
    let mut window = window_over(OpenRequest::Nothing, Arc::default(), Arc::default());
    open_menu(&mut window);
    for name in ["Load symbols", "Load symbols for selected rows", "Stop loading symbols", "Modules"] {
        assert!(is_disabled(&window, name), "{name}");
    }
    assert!(!is_disabled(&window, "Symbol path\u{2026}") && !is_disabled(&window, "Offline"));
    let mut window = sample(&Arc::default());
    tell(&mut window, every_state());
    open_menu(&mut window);
    for name in ["Load symbols", "Load symbols for selected rows", "Open PDB for module\u{2026}", "Modules"] {
        assert!(!is_disabled(&window, name), "{name}");
    }
    assert!(is_disabled(&window, "Stop loading symbols"));
    for name in ["Offline", "Load symbols automatically", "Group stacks by function", "Group stacks by address"] {
        window.get_by_role_and_label(Role::CheckBox, name);
    }
    let before = format!("{:?}", document(&window).frame_naming());
    window.get_by_label("Group stacks by address").click();
    window.run_steps(4);
    settle(&mut window);
    assert_ne!(format!("{:?}", document(&window).frame_naming()), before);
}

#[test]
fn an_unmerged_trace_says_how_to_merge() {
    let mut window = sample(&Arc::default());
    let needs = vec![need("myfault.sys", 0, 640, false)];
    let done = outcome(&needs[0], ModuleState::NoIdentity, Vec::new());
    use poolscope::gui::jobs::symbols::SymbolsNews as News;
    tell(&mut window, vec![News::Needs(Arc::new(needs)), News::Done(0, Box::new(done)), News::Finished]);
    command(&mut window, "Modules");
    window.get_by_label_contains("This trace identifies no PDBs");
    window.get_by_label("xperf -merge recorded.etl merged.etl");
    assert_eq!(document(&window).results.symbols.rows()[0].state, S::NoIdentity);
}

#[test]
fn a_thousand_modules_are_listed_a_screen_at_a_time() {
    let mut window = sample(&Arc::default());
    tell(&mut window, many(1000));
    command(&mut window, "Modules");
    let rows = listed(&window);
    assert!(rows.len() > 10 && rows.len() < 60, "{}", rows.len());
    for _ in 0..20 {
        press(&mut window, Key::PageDown);
    }
    window.run_steps(4);
    let selected = document(&window).modules().selected.expect("one is selected");
    assert!(listed(&window).contains(&format!("a_rather_long_name_of_a_filter_driver_{selected:04}.sys")));
    assert!(app(&window).document().is_some_and(|document| document.results.symbols.rows().len() == 1000));
}
