//! The table's rows and menus: keys, color squares, pending figures, tips. By accessible names.

use egui_kittest::kittest::{NodeT, Queryable};
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Event, Key, Modifiers, PointerButton, Vec2, pos2};
use poolscope::gui::widgets::pivot_table::Action;

use crate::gui_table_harness::*;

#[test]
fn a_right_click_opens_the_menu_of_a_header_or_of_the_space_beside_it() {
    let mut window = window(usual());
    window.get_by_role_and_label(Role::ColumnHeader, "Count").click_secondary();
    window.run();
    window.get_by_label("Menu of Count");
    window.get_by_label("Hide the column").click();
    window.run();
    let beside = header(&window, "Graphed").center();
    for button in [true, false] {
        window.event(Event::PointerButton {
            pos: beside,
            button: PointerButton::Secondary,
            pressed: button,
            modifiers: Modifiers::NONE,
        });
    }
    window.run();
    window.get_by_label("Hide the column").click();
    window.run();
    assert_eq!(window.state().chosen, ["Some(2)", "None"]);
    assert_eq!(asked(&window), []);
}

#[test]
fn a_right_click_selects_the_row_unless_it_is_selected() {
    let mut window = window(usual());
    let row = |n: u64| format!("Pool Tag t{n}, Count {}, Size {}", n + 2, n + 3);
    window.get_by_label(&row(1)).click();
    window.run();
    window.get_by_label(&row(3)).click_modifiers(Modifiers::SHIFT);
    window.run();
    window.get_by_label(&row(2)).click_secondary();
    window.run();
    assert_eq!(window.state().state.selected().len(), 3);
    // The next right click closes one menu and opens the other.
    window.get_by_label(&row(8)).click_secondary();
    window.run();
    assert_eq!(window.state().state.selected().iter().copied().collect::<Vec<_>>(), [8]);
    window.get_by_label("Filter to the row").click();
    window.run();
    assert_eq!(window.state().chosen, ["Filter to the row 8"]);
    assert!(window.query_by_label("Filter to the row").is_none());
}

#[test]
fn menus_open_and_are_walked_by_keys() {
    let mut window = window(usual());
    focus_table(&mut window);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::Menu);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().chosen, ["Copy the row 1"]);
    // The table has the keyboard again.
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(window.state().state.cursor(), Some(2));
    press(&mut window, Modifiers::SHIFT, Key::F10);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Copy the row").is_none());
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert_eq!(window.state().state.cursor(), Some(3));
    window.get_by_role_and_label(Role::ColumnHeader, "Count").focus();
    window.run();
    press(&mut window, Modifiers::SHIFT, Key::F10);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().chosen[1..], ["Some(2)"]);
    assert!(window.get_by_role_and_label(Role::ColumnHeader, "Count").is_focused());
}

#[test]
fn the_dot_toggles_the_series_of_the_selected_rows() {
    let mut window = window(usual());
    focus_table(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::A);
    assert_eq!(window.state().state.selected().len(), 1000);
    write(&mut window, ".");
    assert_eq!(asked(&window), [0, 1, 2].map(Action::ToggleSeries));
}

#[test]
fn a_square_toggles_and_shows_alone() {
    let mut window = window(usual());
    window.get_by_label("Hide t1 in the graph").click();
    window.run();
    window.get_by_label("Hide t2 in the graph").click_modifiers(Modifiers::ALT);
    window.run();
    assert_eq!(asked(&window), [Action::ToggleSeries(1), Action::SoloSeries(2)]);
    for _ in 0..40 {
        window.step();
    }
    let at = window.get_by_label("Hide t0 in the graph").rect().center();
    window.hover_at(at);
    for _ in 0..2 {
        window.drag_at(at);
        window.drop_at(at);
    }
    window.run();
    let twice = [Action::ToggleSeries(0), Action::ToggleSeries(0), Action::SoloSeries(0)];
    assert_eq!(asked(&window)[2..], twice);
}

#[test]
fn enter_plus_and_minus_open_and_close() {
    let mut window = window(usual());
    focus_table(&mut window);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::Enter);
    write(&mut window, "+");
    write(&mut window, "-");
    write(&mut window, "-");
    write(&mut window, "+");
    press(&mut window, Modifiers::NONE, Key::Enter);
    let (open, close) = (Action::Expand(0), Action::Collapse(0));
    assert_eq!(asked(&window), [open.clone(), close.clone(), open, close]);
}

#[test]
fn a_dot_inside_a_word_is_looked_for() {
    let mut window = window(usual());
    window.state_mut().rows.text = |n| format!("t.{n}");
    focus_table(&mut window);
    for letter in ["t", ".", "4", "2"] {
        window.event(Event::Text(letter.to_owned()));
        window.step();
    }
    window.run();
    assert_eq!(window.state().state.cursor(), Some(42));
    assert_eq!(asked(&window), []);
}

#[test]
fn keys_extend_the_selection_and_scroll_without_it() {
    let mut window = window(usual());
    focus_table(&mut window);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::SHIFT, Key::PageDown);
    let page = window.state().state.selected().len();
    assert!((10..20).contains(&page), "{page}");
    press(&mut window, Modifiers::SHIFT, Key::End);
    assert_eq!(window.state().state.selected().len(), 1000);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert_eq!(window.state().state.selected().iter().copied().collect::<Vec<_>>(), [999]);
    let bottom = window.state().state.position();
    press(&mut window, Modifiers::COMMAND, Key::ArrowUp);
    press(&mut window, Modifiers::COMMAND, Key::ArrowUp);
    assert_eq!(window.state().state.position().row, bottom.row - 2);
    assert_eq!(window.state().state.cursor(), Some(999));
    press(&mut window, Modifiers::COMMAND, Key::Home);
    assert_eq!(window.state().state.cursor(), Some(0));
    press(&mut window, Modifiers::COMMAND, Key::End);
    assert_eq!(window.state().state.cursor(), Some(999));
    press(&mut window, Modifiers::SHIFT, Key::Home);
    assert_eq!(window.state().state.selected().len(), 1000);
}

#[test]
fn figures_still_being_computed_say_so() {
    let mut window = window(usual());
    window.state_mut().rows.pending = true;
    window.run();
    window.get_by_label("Pool Tag t4, Count computing, Size computing");
    let cell = window.get_all_by_role_and_label(Role::Cell, "Count computing").next().expect("a cell");
    assert_eq!(cell.accesskit_node().role(), Role::Cell);
}

#[test]
fn what_is_cut_shows_its_whole_text() {
    let mut window = window(usual());
    window.state_mut().rows.text = |n| format!("myfault.sys!{} number {n}", "MyfaultDeviceControl".repeat(9));
    window.state_mut().rows.columns[2].width = 20.0;
    window.run();
    let whole = (window.state().rows.text)(2);
    window.hover_at(pos2(60.0, 80.0));
    window.run_steps(24);
    assert!(window.query_all_by_label(&whole).next().is_some(), "the tip has the whole name");
    // A figure that fits has no tip, and the key's is gone.
    let figure = window.get_all_by_role_and_label(Role::Cell, "Size 5").next().expect("a cell").rect().center();
    window.hover_at(Vec2::ZERO.to_pos2());
    window.run();
    window.hover_at(figure);
    window.run_steps(24);
    assert!(window.query_all_by_label(&whole).next().is_none());
}
