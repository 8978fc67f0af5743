//! The table's headers: dragged over the bars, moved by keys, sorted, resized, frozen. By accessible names.

use std::collections::BTreeMap;

use egui_kittest::kittest::Queryable;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{CursorIcon, Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, TouchPhase};
use poolscope::gui::egui::{pos2, vec2};
use poolscope::gui::widgets::pivot_table::{Action, Area, Column, Sort};

use crate::gui_table_harness::*;

#[test]
fn a_figure_dragged_over_the_blue_bar_is_graphed() {
    let mut window = window(usual());
    let from = header(&window, "Size, sorted descending").center();
    let bar = blue(&window);
    drag(&mut window, from, 400.0);
    // The empty area opens to be dropped into, and no bar runs away.
    assert_eq!(blue(&window), bar);
    assert!(window.query_by_role_and_label(Role::ColumnHeader, "Graphed").is_none(), "it made room");
    let x = bar.right() + 15.0;
    window.hover_at(pos2(x, 10.0));
    window.step();
    let_go(&mut window, x);
    assert_eq!(asked(&window), [moved(SIZE, Area::Graph, None)]);
    assert!(header(&window, "Size, sorted descending").left() >= blue(&window).right() - 0.5);
}

#[test]
fn keys_go_over_the_gold_bar_and_back() {
    let mut window = window(usual());
    let x = gold(&window).right() + 1.0;
    drag_and_drop(&mut window, "Owner", x);
    assert_eq!(asked(&window), [moved(OWNER, Area::Data, Some(COUNT))]);
    assert!(header(&window, "Owner").left() >= gold(&window).right() - 0.5);
    let x = gold(&window).left();
    drag_and_drop(&mut window, "Owner", x);
    assert_eq!(asked(&window)[1..], [moved(OWNER, Area::Key, None)]);
    drag_and_drop(&mut window, "Owner", 20.0);
    assert_eq!(asked(&window)[2..], [moved(OWNER, Area::Key, Some(TAG))]);
}

#[test]
fn columns_drop_into_empty_areas() {
    let only = |area| vec![column(TAG, "Pool Tag", area, ANYWHERE), column(OWNER, "Owner", area, ANYWHERE)];
    for (from, area, place) in [
        (Area::Key, Area::Data, 0.0),
        (Area::Key, Area::Graph, 1.0),
        (Area::Data, Area::Key, -1.0),
        (Area::Data, Area::Graph, 1.0),
        (Area::Graph, Area::Key, -1.0),
        (Area::Graph, Area::Data, 0.0),
    ] {
        let mut window = window(only(from));
        let start = header(&window, "Owner").center();
        // At the right end the table scrolls until all that opened can be seen.
        drag(&mut window, start, 622.0);
        // Just outside of a bar, or between the two.
        let x = match place {
            p if p < 0.0 => gold(&window).left() - 1.0,
            p if p > 0.0 => blue(&window).right() + 1.0,
            _ => gold(&window).right().midpoint(blue(&window).left()),
        };
        window.hover_at(pos2(x, 10.0));
        window.step();
        let_go(&mut window, x);
        assert_eq!(asked(&window), [moved(OWNER, area, None)], "from {from:?}");
    }
}

#[test]
fn a_refused_place_says_why_and_moves_nothing() {
    let mut window = window(usual());
    let from = header(&window, "Count").center();
    drag(&mut window, from, 30.0);
    window.get_by_label("Count cannot group rows");
    let cursor = window.output().platform_output.cursor_icon;
    assert_eq!(cursor, CursorIcon::NotAllowed);
    let_go(&mut window, 30.0);
    assert_eq!(asked(&window), []);
    assert!(window.query_by_label("Count cannot group rows").is_none());
}

#[test]
fn escape_ends_a_drag() {
    let mut window = window(usual());
    let from = header(&window, "Owner").center();
    drag(&mut window, from, 20.0);
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.hover_at(pos2(25.0, 10.0));
    window.step();
    let_go(&mut window, 25.0);
    assert_eq!(asked(&window), []);
}

#[test]
fn a_drop_where_it_stands_or_outside_moves_nothing() {
    let mut window = window(usual());
    let x = header(&window, "Pool Tag").center().x + 20.0;
    drag_and_drop(&mut window, "Pool Tag", x);
    let from = header(&window, "Owner").center();
    drag(&mut window, from, 20.0);
    window.hover_at(pos2(20.0, 420.0));
    window.step();
    window.drop_at(pos2(20.0, 420.0));
    window.run();
    assert_eq!(asked(&window), []);
}

#[test]
fn clicks_sort_and_shift_adds() {
    let mut window = window(usual());
    window.get_by_label("Count").click();
    window.run();
    window.get_by_label("Owner").click_modifiers(Modifiers::SHIFT);
    window.run();
    let sort = |column, add| Action::Sort { column, add };
    assert_eq!(asked(&window), [sort(COUNT, false), sort(OWNER, true)]);
    window.get_by_role_and_label(Role::ColumnHeader, "Pool Tag").focus();
    window.run();
    press(&mut window, Modifiers::NONE, Key::Enter);
    press(&mut window, Modifiers::SHIFT, Key::Enter);
    press(&mut window, Modifiers::NONE, Key::Space);
    assert_eq!(asked(&window)[2..], [sort(TAG, false), sort(TAG, true), sort(TAG, false)]);
}

#[test]
fn several_sorted_columns_say_their_rank() {
    let mut columns = usual();
    columns[2].sort = Some(Sort::Ascending);
    columns[2].sort_rank = 2;
    let window = window(columns);
    window.get_by_role_and_label(Role::ColumnHeader, "Size, sorted descending, first");
    window.get_by_role_and_label(Role::ColumnHeader, "Count, sorted ascending, second");
}

#[test]
fn control_and_arrows_move_the_column_that_has_the_keyboard() {
    let mut window = window(usual());
    window.get_by_role_and_label(Role::ColumnHeader, "Owner").focus();
    window.run();
    for _ in 0..4 {
        press(&mut window, Modifiers::COMMAND, Key::ArrowRight);
    }
    press(&mut window, Modifiers::COMMAND, Key::ArrowLeft);
    let right = [(Area::Data, Some(COUNT)), (Area::Data, Some(SIZE)), (Area::Data, None), (Area::Graph, None)];
    let mut expected: Vec<Action> = right.map(|(area, before)| moved(OWNER, area, before)).into();
    expected.push(moved(OWNER, Area::Data, None));
    assert_eq!(asked(&window), expected);
    // Plain arrows go from header to header.
    press(&mut window, Modifiers::NONE, Key::ArrowLeft);
    press(&mut window, Modifiers::NONE, Key::ArrowLeft);
    assert!(window.get_by_role_and_label(Role::ColumnHeader, "Count").is_focused());
    press(&mut window, Modifiers::COMMAND, Key::ArrowLeft);
    assert_eq!(asked(&window), expected, "it may not group rows");
}

fn scroll_right(window: &mut Window<'_>, by: f32) {
    window.hover_at(pos2(400.0, 200.0));
    window.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(-by, 0.0),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    window.run();
}

#[test]
fn frozen_columns_stand_still() {
    let mut columns = usual();
    let wide = |id: u32| Column { width: 200.0, ..column(id, &format!("Figure {id}"), Area::Data, NO_KEY) };
    columns.extend((10..16).map(wide));
    let mut window = window(columns);
    window.state_mut().frozen = 1;
    window.run();
    let (tag, owner) = (header(&window, "Pool Tag"), header(&window, "Owner"));
    scroll_right(&mut window, 60.0);
    let scrolled = window.state().state.scrolled_right();
    assert!(scrolled > 50.0, "{scrolled}");
    assert_eq!(header(&window, "Pool Tag"), tag);
    // What slid beneath is only seen in part.
    assert_eq!(header(&window, "Owner").left(), tag.right());
    assert!((header(&window, "Owner").right() - (owner.right() - scrolled)).abs() < 0.5);
    // Dropped on the frozen column, the mark is before it.
    let x = tag.left() + 10.0;
    drag_and_drop(&mut window, "Owner", x);
    assert_eq!(asked(&window), [moved(OWNER, Area::Key, Some(TAG))]);
    // Where they would leave no room, nothing is frozen.
    window.state_mut().state.set_widths(BTreeMap::from([(OWNER, 600.0)]));
    window.run();
    let before = header(&window, "Owner").right();
    scroll_right(&mut window, 30.0);
    assert!(header(&window, "Owner").right() < before);
}

#[test]
fn the_keyboard_scrolls_a_header_into_sight() {
    let mut columns = usual();
    let wide = |id: u32| Column { width: 200.0, ..column(id, &format!("Figure {id}"), Area::Data, NO_KEY) };
    columns.extend((10..14).map(wide));
    let mut window = window(columns);
    window.get_by_role_and_label(Role::ColumnHeader, "Figure 13").focus();
    window.run();
    let place = header(&window, "Figure 13");
    assert!(place.left() >= 0.0 && place.right() <= 640.0 && place.width() > 190.0, "{place:?}");
}

/// The middle of the edge right of a header.
fn edge(window: &Window<'_>, title: &str) -> Pos2 {
    header(window, title).right_center() - vec2(1.0, 0.0)
}

#[test]
fn an_edge_resizes_and_a_double_click_fits() {
    let mut window = window(usual());
    let at = edge(&window, "Count");
    drag(&mut window, at, at.x + 50.0);
    window.drop_at(at + vec2(50.0, 0.0));
    window.run();
    let widened = window.state().state.widths()[&COUNT];
    assert!((widened - 146.0).abs() < 4.0, "{widened}");
    let at = edge(&window, "Count");
    window.hover_at(at);
    for _ in 0..2 {
        window.drag_at(at);
        window.drop_at(at);
    }
    window.run();
    let fitted = window.state().state.widths()[&COUNT];
    assert!(fitted < 96.0, "{fitted}");
    assert_eq!(asked(&window), []);
    window.state_mut().rows.text = |n| format!("a name that is far longer than its column, number {n}");
    window.state_mut().state.fit_all();
    window.run();
    let widths = window.state().state.widths();
    assert_eq!(widths[&COUNT], fitted);
    assert!(widths[&TAG] > 300.0, "{widths:?}");
    assert_eq!(widths.len(), 4);
}

#[test]
fn a_dragged_bar_takes_the_columns_that_it_passes() {
    let mut window = window(usual());
    let from = blue(&window).center_top() + vec2(0.0, 10.0);
    let x = header(&window, "Size, sorted descending").left() + 20.0;
    drag(&mut window, from, x);
    let_go(&mut window, x);
    assert_eq!(asked(&window), [moved(SIZE, Area::Graph, None)]);
    let from = gold(&window).left_top() + vec2(1.0, 10.0);
    let x = header(&window, "Count").right() - 20.0;
    drag(&mut window, from, x);
    window.get_by_label("Count cannot group rows");
    let_go(&mut window, x);
    assert_eq!(asked(&window).len(), 1, "Count stays");
    let x = header(&window, "Owner").left() + 10.0;
    drag(&mut window, from, x);
    press(&mut window, Modifiers::NONE, Key::Escape);
    let_go(&mut window, x);
    assert_eq!(asked(&window).len(), 1, "given up");
}
