//! Callers and callees in the window: from a row, a frame of the flame graph and a suspect; walking by Enter, back and forward;
//! sums equal to those of the command line and of a walk over the trace.

use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::{NodeT as _, Queryable};
use poolscope::format;
use poolscope::gui::OpenRequest;
use poolscope::gui::commands::{Command, PageCommand};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers};
use poolscope::gui::jobs::symbols::SymbolService;
use poolscope::gui::model::page_id::{BUTTERFLY_OF_SELECTION, PageId};
use poolscope::gui::model::symbols::Phase;
use poolscope::gui::pages::butterfly::lists::ListKind;
use poolscope::symbols::{SymbolEnvironment, SymbolOptions};
use poolscope_analysis::butterfly::{ButterflyUnit, unit_of_text};
use poolscope_symbols::resolve::Resolver;

use crate::gui_harness::{
    InMemory, PATIENCE, Window, app, click, command, copied, document, press, press_with, settle, window_naming,
};
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

const CTRL_SHIFT: Modifiers = Modifiers { command: true, ctrl: true, shift: true, ..Modifiers::NONE };
/// The function of the sample that leaks.
const LEAKS: &str = "myfault.sys!MyfaultDeviceControl";

fn named(window: &mut Window<'_>) {
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

/// The sample with its names, on the butterfly of the function that leaks.
fn sample<'a>() -> Window<'a> {
    let mut window = window_naming(OpenRequest::Sample, Arc::new(InMemory::default()), Arc::new(SampleNames));
    named(&mut window);
    press_with(&mut window, CTRL_SHIFT, Key::L);
    click(&mut window, "Callers");
    assert_eq!(document(&window).ui.page, PageId::BUTTERFLY);
    window
}

fn focus(window: &Window<'_>) -> String {
    document(window).butterfly().focus().expect("a function").name.clone()
}

/// The names in a list.
fn names(window: &Window<'_>, kind: ListKind) -> Vec<String> {
    document(window).butterfly().list(kind).entries.iter().map(|entry| entry.text.clone()).collect()
}

/// Bytes of the allocations whose stacks have a function or module, by a walk over the trace.
fn through(window: &Window<'_>, name: &str, unit: ButterflyUnit) -> u64 {
    let document = document(window);
    let (trace, names) = (&document.trace, &document.results.names);
    let stacks = names.stacks();
    let has = |row: usize| {
        let frames = stacks.frames(stacks.node_of(trace.allocations.alloc_stack[row]));
        frames.iter().any(|frame| unit_of_text(frame, unit) == name)
    };
    (0..trace.allocations.len()).filter(|row| has(*row)).map(|row| trace.allocations.size.at(row)).sum()
}

#[test]
fn a_suspect_leads_to_its_callers_and_enter_walks() {
    let mut window = sample();
    assert_eq!(focus(&window), LEAKS);
    let shown = document(&window).butterfly().shown.clone().expect("sums");
    assert_eq!(shown.butterfly.aggregate.size(), through(&window, LEAKS, ButterflyUnit::Function));
    for caption in ["CALLERS", "CALLEES", "PATHS THAT DO NOT FREE", "PATHS THAT FREE"] {
        window.get_by_label(caption);
    }
    let callers = names(&window, ListKind::Callers);
    assert!(callers.iter().any(|name| name.starts_with("ntoskrnl.exe!")), "{callers:?}");
    assert!(names(&window, ListKind::Callees).iter().any(|name| name.contains("ExAllocatePool")));
    let of_callers: u64 =
        document(&window).butterfly().list(ListKind::Callers).entries.iter().map(|entry| entry.aggregate.size()).sum();
    assert_eq!(of_callers, shown.butterfly.aggregate.size(), "no mutual recursion in the sample");
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Home);
    press(&mut window, Key::Enter);
    settle(&mut window);
    assert_eq!(focus(&window), callers[0]);
    let walked = document(&window).butterfly().shown.clone().expect("sums");
    assert_eq!(walked.butterfly.aggregate.size(), through(&window, &callers[0], ButterflyUnit::Function));
    assert!(names(&window, ListKind::Callees).iter().any(|name| name == LEAKS));
    press_with(&mut window, Modifiers::ALT, Key::ArrowLeft);
    assert_eq!(focus(&window), LEAKS);
    press_with(&mut window, Modifiers::ALT, Key::ArrowRight);
    assert_eq!(focus(&window), callers[0]);
    press(&mut window, Key::Backspace);
    settle(&mut window);
    assert_eq!(focus(&window), LEAKS);
    press(&mut window, Key::Escape);
    assert_eq!(document(&window).ui.page, PageId::SUSPECTS);
}

#[test]
fn the_table_is_filtered_to_a_function_or_module() {
    for unit in [ButterflyUnit::Function, ButterflyUnit::Module] {
        let mut window = sample();
        if unit == ButterflyUnit::Module {
            click(&mut window, "Callers and callees by module");
        }
        let size = document(&window).butterfly().shown.as_ref().expect("sums").butterfly.aggregate.size();
        command(&mut window, "Filter to this function");
        assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
        let total = document(&window).results.rows.as_ref().map(|rows| rows.flat().tree().pivot().total().size());
        assert_eq!(total, Some(size), "{unit:?}");
    }
}

#[test]
fn modules_are_walked_as_functions_are() {
    let mut window = sample();
    click(&mut window, "Callers and callees by module");
    assert_eq!(focus(&window), "myfault.sys");
    let shown = document(&window).butterfly().shown.clone().expect("sums");
    assert_eq!(shown.butterfly.aggregate.size(), through(&window, "myfault.sys", ButterflyUnit::Module));
    assert_eq!(names(&window, ListKind::Callees), ["ntoskrnl.exe"]);
    click(&mut window, "Callers and callees by function");
    assert_eq!(focus(&window), LEAKS);
}

#[test]
fn a_frame_of_the_flame_graph_and_a_row_lead_to_their_callers() {
    let mut window = sample();
    press_with(&mut window, CTRL_SHIFT, Key::I);
    let frame = window
        .query_all_by_role(Role::TreeItem)
        .find_map(|item| item.accesskit_node().label().filter(|label| label.starts_with("ntoskrnl.exe!IofCallDriver")));
    window.get_by_label(&frame.expect("a frame")).click();
    window.run_steps(3);
    command(&mut window, "Callers and callees: Show callers and callees");
    assert_eq!((document(&window).ui.page, focus(&window).as_str()), (PageId::BUTTERFLY, "ntoskrnl.exe!IofCallDriver"));
    click(&mut window, "Back to Flame graph");
    assert_eq!(document(&window).ui.page, PageId::FLAME);
    let of_selection = PageCommand { page: PageId::BUTTERFLY, id: BUTTERFLY_OF_SELECTION };
    assert!(document(&window).can(&of_selection.into()));
    assert_eq!(Command::from(of_selection).title(), "Show callers and callees");
}

#[test]
fn paths_that_free_are_apart_from_those_that_do_not() {
    let mut window = sample();
    let lists = |window: &Window<'_>, kind| document(window).butterfly().list(kind).clone();
    let (keeping, freeing) = (lists(&window, ListKind::Keeping), lists(&window, ListKind::Freeing));
    assert!(keeping.entries.iter().all(|entry| entry.aggregate.freed_inside() == 0));
    assert!(freeing.entries.iter().all(|entry| entry.aggregate.freed_inside() > 0));
    let all = keeping.entries.iter().chain(freeing.entries.iter()).map(|entry| entry.aggregate.size()).sum::<u64>();
    assert_eq!(all, through(&window, LEAKS, ButterflyUnit::Function));
    let kind = if keeping.entries.is_empty() { ListKind::Freeing } else { ListKind::Keeping };
    let path = lists(&window, kind).entries[0].clone();
    let label = format!("{}, {} impacting", path.text, format::bytes(path.aggregate.impacting_size()));
    let row = window.query_all_by_label_contains(&label).next().expect("its row");
    row.click();
    window.run_steps(3);
    window.key_press_modifiers(Modifiers::COMMAND, Key::C);
    window.run_steps(1);
    document_mut(&mut window).run(&poolscope::gui::commands::DocumentCommand::CopyRows);
    let text = copied(&mut window);
    assert!(text.contains(&path.text) && text.contains(&path.aggregate.size().to_string()), "{text}");
    press(&mut window, Key::Enter);
    settle(&mut window);
    assert_eq!(document(&window).ui.page, PageId::ANALYSIS);
    let total = document(&window).results.rows.as_ref().map(|rows| rows.flat().tree().pivot().total().size());
    assert_eq!(total, Some(path.aggregate.size()));
}
