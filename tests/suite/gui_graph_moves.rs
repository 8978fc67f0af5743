//! Moving in time with the graph: keys, wheel, pans, the overview and the menu. Each asks the plot for what a user would see.

use egui_kittest::kittest::Queryable;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, pos2, vec2,
};
use poolscope::gui::widgets::graph::{Action, Kind, Range};

use crate::gui_graph::{WHOLE, Window, at, click_menu, close, crosshair, drag, focus, press, three, window};

/// Where a time of the whole trace lies on the overview.
fn on_strip(window: &Window, time: f64) -> Pos2 {
    let place = window.get_by_label("Overview of the whole trace").rect();
    pos2(place.left() + place.width() * (time / 60.0) as f32, place.center().y)
}

#[test]
fn keys_pan_zoom_and_select() {
    let mut window = window(Kind::Areas, three());
    focus(&mut window);
    for key in [Key::ArrowUp, Key::Plus] {
        press(&mut window, Modifiers::NONE, key);
    }
    close(window.state().view.from, 30.0 - 30.0 * 0.64, 1e-9);
    close(window.state().view.span(), 60.0 * 0.64, 1e-9);
    let before = window.state().view;
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    close(window.state().view.from - before.from, before.span() / 10.0, 1e-9);
    press(&mut window, Modifiers::NONE, Key::End);
    close(window.state().view.to, 60.0, 1e-9);
    press(&mut window, Modifiers::NONE, Key::Home);
    close(window.state().view.from, 0.0, 1e-9);
    for key in [Key::Minus, Key::ArrowDown, Key::ArrowDown, Key::ArrowDown, Key::ArrowDown] {
        press(&mut window, Modifiers::NONE, key);
    }
    assert_eq!(window.state().view, WHOLE);
    window.state_mut().state.set_cursor(Some(20.0));
    for _ in 0..3 {
        press(&mut window, Modifiers::SHIFT, Key::ArrowRight);
    }
    press(&mut window, Modifiers::SHIFT, Key::ArrowLeft);
    let selected = window.state().state.selection().expect("a selection");
    close(selected.from, 20.0, 1e-9);
    close(selected.to, 26.0, 1e-9);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().view, selected);
    assert_eq!(window.state().state.selection(), None);
}

#[test]
fn keys_are_left_alone_without_the_focus() {
    let mut window = window(Kind::Lines, three());
    window.hover_at(at(&window, 12.0, 0.5));
    window.run();
    for key in [Key::ArrowUp, Key::ArrowRight, Key::M, Key::Home, Key::Enter] {
        press(&mut window, Modifiers::NONE, key);
    }
    assert!(window.state().actions.is_empty(), "{:?}", window.state().actions);
}

#[test]
fn the_overview_is_dragged_in_every_way() {
    let mut window = window(Kind::Lines, three());
    let (from, to) = (on_strip(&window, 10.0), on_strip(&window, 30.0));
    drag(&mut window, from, to);
    close(window.state().view.from, 10.0, 0.2);
    close(window.state().view.to, 30.0, 0.2);
    let (from, to) = (on_strip(&window, 20.0), on_strip(&window, 25.0));
    drag(&mut window, from, to);
    close(window.state().view.from, 15.0, 0.2);
    close(window.state().view.to, 35.0, 0.2);
    let (from, to) = (on_strip(&window, 35.0), on_strip(&window, 45.0));
    drag(&mut window, from, to);
    close(window.state().view.from, 15.0, 0.2);
    close(window.state().view.to, 45.0, 0.2);
    let (from, to) = (on_strip(&window, 58.0), on_strip(&window, 50.0));
    drag(&mut window, from, to);
    close(window.state().view.from, 50.0, 0.2);
    close(window.state().view.to, 58.0, 0.2);
    window.get_by_label("Overview of the whole trace").focus();
    window.run();
    let before = window.state().view;
    press(&mut window, Modifiers::NONE, Key::ArrowLeft);
    close(before.from - window.state().view.from, before.span() / 10.0, 1e-9);
    let place = on_strip(&window, 20.0);
    window.hover_at(place);
    for _ in 0..2 {
        window.drag_at(place);
        window.drop_at(place);
    }
    window.run();
    assert_eq!(window.state().view, WHOLE);
}

#[test]
fn the_middle_button_the_space_bar_and_the_axis_pan() {
    let mut window = window(Kind::Lines, three());
    let start = Range { from: 20.0, to: 40.0 };
    let middle =
        |pressed, pos| Event::PointerButton { pos, button: PointerButton::Middle, pressed, modifiers: Modifiers::NONE };
    window.state_mut().view = start;
    window.run();
    let (from, to) = (at(&window, 30.0, 0.5), at(&window, 25.0, 0.5));
    window.hover_at(from);
    window.event(middle(true, from));
    window.step();
    window.hover_at(to);
    window.step();
    window.event(middle(false, to));
    window.run();
    close(window.state().view.from, 25.0, 0.2);
    window.state_mut().view = start;
    window.key_down(Key::Space);
    window.run();
    drag(&mut window, from, to);
    window.key_up(Key::Space);
    window.run();
    close(window.state().view.from, 25.0, 0.2);
    assert_eq!(window.state().state.selection(), None);
    window.state_mut().view = start;
    window.run();
    let axis = window.get_by_label("Time axis").rect();
    drag(&mut window, pos2(from.x, axis.center().y), pos2(to.x, axis.center().y));
    close(window.state().view.from, 25.0, 0.2);
    assert!(window.state().actions.iter().all(|action| matches!(action, Action::Zoom { smooth: true, .. })));
}

#[test]
fn the_wheel_zooms_and_with_shift_it_pans() {
    let wheel = |modifiers| Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, 60.0),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers,
    };
    for (modifiers, zooms) in [(Modifiers::NONE, true), (Modifiers::COMMAND, true), (Modifiers::SHIFT, false)] {
        let mut window = window(Kind::Lines, three());
        window.state_mut().view = Range { from: 20.0, to: 40.0 };
        window.run();
        window.hover_at(at(&window, 25.0, 0.5));
        window.step();
        window.event_modifiers(wheel(modifiers), modifiers);
        window.run();
        let view = window.state().view;
        if zooms {
            assert!(view.span() < 19.0, "{modifiers:?} {view:?}");
            close((25.0 - view.from) / view.span(), 0.25, 0.01);
        } else {
            close(view.span(), 20.0, 1e-6);
            assert!(view.from < 19.5, "{view:?}");
        }
    }
}

#[test]
fn the_menu_of_the_plot() {
    let mut window = window(Kind::Bars, three());
    let open = |window: &mut Window| {
        window.get_by_role(Role::Figure).click_secondary();
        window.run();
    };
    open(&mut window);
    click_menu(&mut window, "Zoom in");
    close(window.state().view.span(), 60.0 * 0.64, 1e-9);
    open(&mut window);
    click_menu(&mut window, "Zoom out");
    assert_eq!(window.state().view, WHOLE);
    window.state_mut().state.select(Some(Range { from: 10.0, to: 20.0 }));
    window.run();
    open(&mut window);
    click_menu(&mut window, "Zoom to selection");
    assert_eq!(window.state().view, Range { from: 10.0, to: 20.0 });
    open(&mut window);
    click_menu(&mut window, "Zoom to the whole trace");
    assert_eq!(window.state().view, WHOLE);
    open(&mut window);
    click_menu(&mut window, "Of the window");
    assert_eq!(window.state().extra, 1);
}

#[test]
fn menus_open_by_keys_and_give_the_keyboard_back() {
    let mut window = window(Kind::Lines, three());
    focus(&mut window);
    press(&mut window, Modifiers::SHIFT, Key::F10);
    window.get_by_label("Zoom to selection");
    // The first entry is greyed: the keyboard is on the next one.
    assert!(window.get_by_label("Zoom in").is_focused());
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(window.query_by_label("Zoom in").is_none(), "the menu is closed");
    close(window.state().view.span(), 60.0 * 0.64, 1e-9);
    assert!(window.get_by_role(Role::Figure).is_focused());
    press(&mut window, Modifiers::SHIFT, Key::F10);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Zoom in").is_none() && window.get_by_role(Role::Figure).is_focused());

    window.get_by_label("Select row of MmSt").focus();
    window.run();
    press(&mut window, Modifiers::SHIFT, Key::F10);
    assert!(window.get_by_label("Show only this").is_focused());
    press(&mut window, Modifiers::NONE, Key::Enter);
    let drawn: Vec<u64> = window.state().data.series.iter().filter(|s| s.on).map(|s| s.id).collect();
    assert_eq!(drawn, [2]);
    assert!(window.get_by_label("Select row of MmSt").is_focused());
    assert_eq!(window.state().actions.iter().filter(|a| **a == Action::Reveal(2)).count(), 0);
}

#[test]
fn a_graph_with_next_to_no_room_stays_in_it() {
    for kind in [Kind::Lines, Kind::Areas, Kind::Bars] {
        let mut window = window(kind, three());
        for size in [vec2(300.0, 90.0), vec2(80.0, 400.0), vec2(400.0, 60.0), vec2(20.0, 20.0), vec2(1.0, 1.0)] {
            window.set_size(size);
            window.run();
            let plot = window.get_by_role(Role::Figure).rect();
            assert!(plot.is_finite() && plot.width() <= size.x.max(2.0), "{plot:?} in {size:?}");
        }
        window.set_size(vec2(900.0, 400.0));
        window.state_mut().view = Range { from: 30.0, to: 30.0 };
        window.run();
        close(f64::from(window.get_by_role(Role::Figure).rect().height()), 400.0 * 0.85, 40.0);
    }
}

#[test]
fn ten_nanoseconds_can_be_looked_at() {
    let mut window = window(Kind::Lines, three());
    window.state_mut().view = Range { from: 12.000_250_01, to: 12.000_250_02 };
    window.hover_at(at(&window, 12.000_250_015, 0.5));
    window.run();
    window.get_by_label("Outstanding size by Pool Tag, 12.000 250 010 s to 12.000 250 020 s, 3 series");
    assert!(crosshair(&window).starts_with("At 12.000 000 000 s"), "{}", crosshair(&window));
    focus(&mut window);
    press(&mut window, Modifiers::NONE, Key::ArrowUp);
    close(window.state().view.span(), 1e-8, 1e-11);
}
