//! What is known of tags beside the trace: a `pooltag.txt` that is found by itself or chosen in a box, and driver files.

use std::sync::Arc;

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::Key;

use crate::gui_harness::{
    InMemory, NoSymbols, Window, choose_path, click, command, document, folder, press, settle, window_naming,
};

fn open<'a>(path: &std::path::Path, store: &Arc<InMemory>) -> Window<'a> {
    let mut window = window_naming(OpenRequest::File(path.to_owned()), Arc::clone(store), Arc::new(NoSymbols));
    settle(&mut window);
    window
}

#[test]
fn a_list_beside_the_trace_is_used_until_the_user_wants_none() {
    let (folder, path) = folder();
    std::fs::write(folder.path().join("pooltag.txt"), "Leak - owner.sys - Blocks that leak\r\n").expect("written");
    let store = Arc::new(InMemory::default());
    let mut window = open(&path, &store);
    let used = document(&window).results.tag_sources.pool_tags.as_ref().map(|found| found.path.clone());
    assert_eq!(used, Some(folder.path().join("pooltag.txt")));
    let page = &mut crate::gui_modules_harness::document_mut(&mut window).suspects_mut();
    page.shows_non_leaking = true;
    let leak = page.suspects().iter().position(|suspect| suspect.tag.as_deref() == Some("Leak"));
    page.select(leak);
    command(&mut window, "Suspects");
    window.get_by_label_contains("named in pooltag.txt: Blocks that leak");
    command(&mut window, "Pool tags and drivers\u{2026}");
    window.get_by_label_contains("In use: ");
    click(&mut window, "None: Tag list (pooltag.txt)");
    click(&mut window, "OK");
    settle(&mut window);
    assert!(document(&window).results.tag_sources.pool_tags.is_none());
    assert!(window.query_by_label_contains("named in pooltag.txt").is_none());
    drop(window);
    assert_eq!(store.settings().tags.pool_tags, "none");
}

const CHOOSE_DRIVERS: &str = "Choose: Folder with driver files (.sys)";

#[test]
fn driver_files_of_a_folder_are_looked_through() {
    let (folder, path) = folder();
    std::fs::write(folder.path().join("owner.sys"), b"\x00\x00Leak\x00\x00 and Leak again").expect("written");
    let store = Arc::new(InMemory::default());
    let mut window = open(&path, &store);
    assert!(document(&window).results.tag_sources.drivers.is_none());
    command(&mut window, "Pool tags and drivers\u{2026}");
    choose_path(&mut window, CHOOSE_DRIVERS, folder.path());
    click(&mut window, "OK");
    settle(&mut window);
    let found = document(&window).results.tag_sources.drivers.clone().expect("scanned");
    assert_eq!(found.scanned_files, 1);
    // What is not there is told, and nothing else is lost.
    command(&mut window, "Pool tags and drivers\u{2026}");
    window.get_by_label("Scanned 1 file");
    choose_path(&mut window, CHOOSE_DRIVERS, std::path::Path::new("no such folder"));
    click(&mut window, "OK");
    settle(&mut window);
    window.get_by_label_contains("The driver folder no such folder cannot be read");
    assert!(document(&window).results.tag_sources.drivers.is_none());
    command(&mut window, "Pool tags and drivers\u{2026}");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label("Folder with driver files (.sys)").is_none());
}
