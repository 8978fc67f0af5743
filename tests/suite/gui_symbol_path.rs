//! The box with the symbol path, and what the settings keep of symbols.

use std::path::PathBuf;
use std::sync::Arc;

use egui_kittest::kittest::Queryable;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope::gui::jobs::dialog::Asked;
use poolscope::symbols::SymbolOptions;

use crate::gui_harness::{
    InMemory, PATIENCE, Window, app, choose_path, command, document, press, press_with, settle, write,
};
use crate::gui_modules_harness::{MadeUpSymbols, window_over};

/// Lets the background say something that the window shows then.
fn wait_for(window: &mut Window<'_>, words: &str) {
    for _ in 0..PATIENCE {
        window.step();
        if window.query_all_by_label_contains(words).next().is_some() {
            // What came made the box larger: it moves.
            window.run_steps(4);
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("nothing says {words}");
}

/// Presses a button wherever it is: what the background says makes the box larger and moves its buttons.
fn click(window: &mut Window<'_>, name: &str) {
    window.get_by_label(name).click_accesskit();
    window.run_steps(4);
    settle(window);
}

fn nothing_open<'a>(symbols: &Arc<MadeUpSymbols>) -> Window<'a> {
    window_over(OpenRequest::Nothing, Arc::default(), Arc::clone(symbols))
}

#[test]
fn an_empty_field_names_the_path_that_holds() {
    let mut window = nothing_open(&Arc::default());
    command(&mut window, "Symbol path");
    wait_for(&mut window, "folder or store");
    window.get_by_label("Path from _NT_SYMBOL_PATH:");
    window.get_by_label("srv*C:\\everyone*https://symbols.example/usual");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label("Path from _NT_SYMBOL_PATH:").is_none());
    assert_eq!(app(&window).settings().symbols.path, None);
}

#[test]
fn each_part_is_checked_and_what_is_wrong_is_said() {
    let mut window = nothing_open(&Arc::default());
    command(&mut window, "Symbol path");
    write(&mut window, "C:\\symbols;/srv/pdbs;/gone");
    wait_for(&mut window, "C:\\symbols is a Windows path; this is none, so it is left out");
    assert!(window.query_by_label_contains("two-tier store").is_none(), "nobody has asked yet");
    click(&mut window, "Check");
    wait_for(&mut window, "/srv/pdbs: two-tier store, 1,204 files");
    wait_for(&mut window, "/gone: the folder is not there; create it or correct the path");
    // Another path is another question.
    write(&mut window, "2");
    wait_for(&mut window, "/gone2");
    assert!(window.query_by_label_contains("/gone: the folder").is_none());
}

#[test]
fn enter_takes_the_path_and_open_traces_go_by_it() {
    let symbols = Arc::new(MadeUpSymbols::default());
    let mut window = window_over(OpenRequest::Sample, Arc::default(), Arc::clone(&symbols));
    command(&mut window, "Symbol path");
    write(&mut window, " /srv/pdbs ;; /more ");
    press(&mut window, Key::Enter);
    settle(&mut window);
    assert!(window.query_by_label("Path from _NT_SYMBOL_PATH:").is_none(), "it is closed");
    let path = Some("/srv/pdbs;/more".to_owned());
    assert_eq!(app(&window).settings().symbols.path, path);
    assert_eq!(document(&window).search.choice, SymbolOptions { path: path.clone(), offline: false });
    command(&mut window, "Symbol path");
    click(&mut window, "Use default");
    window.get_by_label("Path from _NT_SYMBOL_PATH:");
    click(&mut window, "Cancel");
    assert_eq!(app(&window).settings().symbols.path, path, "Cancel changes nothing");
    command(&mut window, "Symbol path");
    click(&mut window, "Use default");
    click(&mut window, "OK");
    assert_eq!(app(&window).settings().symbols.path, None);
    assert_eq!(document(&window).search.choice, SymbolOptions::default());
}

#[test]
fn folders_and_microsofts_server_are_added() {
    let symbols = Arc::new(MadeUpSymbols::default());
    *symbols.picks.lock().expect("nobody panicked") = Some(PathBuf::from("/srv/pdbs"));
    let mut window = nothing_open(&symbols);
    command(&mut window, "Symbol path");
    click(&mut window, "Add Microsoft symbol server");
    click(&mut window, "Add folder\u{2026}");
    wait_for(&mut window, "folder or store");
    wait_for(&mut window, "/srv/pdbs");
    assert_eq!(*symbols.asked.lock().expect("nobody panicked"), [Asked::SymbolFolder]);
    click(&mut window, "OK");
    let path = app(&window).settings().symbols.path.clone().expect("a path");
    assert_eq!(path, "srv**https://msdl.microsoft.com/download/symbols;/srv/pdbs");
}

#[test]
fn where_no_dialog_answers_the_open_box_asks_for_the_folder() {
    let mut window = nothing_open(&Arc::default());
    command(&mut window, "Symbol path");
    choose_path(&mut window, "Add folder\u{2026}", std::path::Path::new("/srv/more"));
    click(&mut window, "OK");
    let path = app(&window).settings().symbols.path.clone().expect("a path");
    assert_eq!(path, "/srv/more");
}

#[test]
fn what_was_chosen_survives_a_restart() {
    let store = Arc::new(InMemory::default());
    let mut window = window_over(OpenRequest::Nothing, Arc::clone(&store), Arc::default());
    command(&mut window, "Symbol path");
    write(&mut window, "/srv/pdbs");
    press(&mut window, Key::Enter);
    command(&mut window, "Offline");
    command(&mut window, "Load symbols automatically");
    drop(window);
    let written = store.settings().symbols;
    assert_eq!((written.path.as_deref(), written.offline, written.automatic), (Some("/srv/pdbs"), true, false));
    let symbols = Arc::new(MadeUpSymbols::default());
    let mut window = window_over(OpenRequest::Sample, store, Arc::clone(&symbols));
    let choice = SymbolOptions { path: Some("/srv/pdbs".to_owned()), offline: true };
    assert_eq!(document(&window).search.choice, choice);
    let searches = symbols.choices.lock().expect("nobody panicked").clone();
    assert!(searches.iter().all(|choice| choice.offline), "{searches:?}");
    window.get_by_role_and_label(Role::Button, "Symbols").click();
    window.run_steps(4);
    for (name, on) in [("Offline", true), ("Load symbols automatically", false)] {
        let node = window.get_by_role_and_label(Role::CheckBox, name);
        let toggled = egui_kittest::kittest::NodeT::accesskit_node(&node).toggled();
        assert_eq!(toggled == Some(poolscope::gui::egui::accesskit::Toggled::True), on, "{name}");
    }
    press_with(&mut window, Modifiers::NONE, Key::Escape);
}

#[test]
fn rules_on_frames_to_look_through_are_written_and_traces_go_by_them() {
    let mut window = window_over(OpenRequest::Nothing, Arc::default(), Arc::default());
    command(&mut window, "Wrapper functions");
    write(&mut window, "tracing myfault.sys\nwraper x");
    window.get_by_label_contains("line 2: ");
    click(&mut window, "OK");
    window.get_by_label_contains("line 2: ");
    assert!(app(&window).settings().symbols.look_through.is_empty(), "it cannot be taken like that");
    for _ in 0..8 {
        press(&mut window, Key::Backspace);
    }
    click(&mut window, "OK");
    assert_eq!(app(&window).settings().symbols.look_through, ["tracing myfault.sys"]);
    // What is said to record is never blamed, though the sample leaks through it.
    command(&mut window, "Open sample trace");
    for _ in 0..PATIENCE {
        window.step();
        if app(&window).document().is_some() && !app(&window).is_busy() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let blamed = |window: &Window<'_>| -> Vec<String> {
        let names = &document(window).results.names;
        let drivers = names.column(poolscope_analysis::pivot::Key::Driver);
        (0..drivers.count()).map(|id| drivers.text(id).into_owned()).collect()
    };
    let drivers = blamed(&window);
    assert!(!drivers.is_empty() && drivers.iter().all(|driver| driver != "myfault.sys"), "{drivers:?}");
}
