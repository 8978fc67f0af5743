//! Time to the first pictures and times of frames in the window over a large trace. Nothing passes or fails:
//! `POOLSCOPE_BENCH_TRACE=big.etl cargo test --release --workspace --test suite -- --ignored --nocapture frames_over_a_large_trace`
//! (`poolscope synth big.etl --allocations 10000000` makes a trace). A frame is everything that the window does on the processor:
//! layout, drawing and tessellation. The screen is not part of it.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use egui_kittest::kittest::Queryable as _;
use poolscope::gui::OpenRequest;
use poolscope::gui::egui::accesskit::Role;
use poolscope::gui::egui::{Key, Modifiers, pos2, vec2};

use crate::gui_harness::*;

const TRACE: &str = "POOLSCOPE_BENCH_TRACE";
/// Frames of each kind.
const FRAMES: usize = 200;
/// Size of the window in points.
const SIZE: (f32, f32) = (1920.0, 1080.0);
/// Zooms, each followed until the new rows and curves are shown.
const ZOOMS: usize = 8;

/// Draws a frame; returns its seconds.
fn frame(window: &mut Window<'_>) -> f64 {
    let start = Instant::now();
    window.step();
    let shapes = window.output().shapes.clone();
    let primitives = window.ctx.tessellate(shapes, 1.0);
    std::hint::black_box(&primitives);
    start.elapsed().as_secs_f64()
}

/// Draws frames until `is_done`, or for ten minutes; returns the seconds until then and those of each frame. The first frames pass
/// what was just asked on to the background.
fn frames_until(window: &mut Window<'_>, is_done: impl Fn(&Window<'_>) -> bool) -> (f64, Vec<f64>) {
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed().as_secs() < 600 {
        times.push(frame(window));
        if times.len() > 3 && is_done(window) {
            break;
        }
        // As a window that waits: the background has the processors.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    (start.elapsed().as_secs_f64(), times)
}

/// Draws frames, each after an action.
fn frames(window: &mut Window<'_>, mut act: impl FnMut(&mut Window<'_>, usize)) -> Vec<f64> {
    let one = |at| {
        act(window, at);
        frame(window)
    };
    (0..FRAMES).map(one).collect()
}

/// Prints a line: the figures are what the measurement is for.
fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").expect("standard output is open");
}

fn print(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| 1e3 * times.get((times.len() as f64 * share) as usize).or(times.last()).unwrap_or(&0.0);
    say(&format!(
        "{what:<44} {:>5} frames, median {:>7.2} ms, 95 % {:>7.2} ms, longest {:>7.2} ms",
        times.len(),
        at(0.5),
        at(0.95),
        at(1.0)
    ));
}

fn shows_table(window: &Window<'_>) -> bool {
    let app = window.state().as_ref();
    app.and_then(|app| app.document()).is_some_and(|document| document.results.rows.is_some())
}

fn is_idle(window: &Window<'_>) -> bool {
    !app(window).is_busy()
}

#[test]
#[ignore = "measures a large trace and tests nothing"]
fn frames_over_a_large_trace() {
    let Some(trace) = std::env::var_os(TRACE) else { return println!("{TRACE} names no trace: nothing measured") };
    let start = Instant::now();
    let mut window = window(OpenRequest::File(Path::new(&trace).to_owned()));
    window.set_size(vec2(SIZE.0, SIZE.1));
    let (_, loading) = frames_until(&mut window, shows_table);
    say(&format!("time to the table: {:.2} s", start.elapsed().as_secs_f64()));
    print("while the trace loads", loading);
    let allocations = document(&window).trace.allocations.len();
    let (_, arriving) = frames_until(&mut window, is_idle);
    say(&format!("time to curves and verdict: {:.2} s, {allocations} allocations", start.elapsed().as_secs_f64()));
    print("while results arrive", arriving);
    print("at rest, everything drawn again", frames(&mut window, |_, _| {}));
    let table = pos2(SIZE.0 * 0.4, SIZE.1 * 0.75);
    window.hover_at(table);
    frame(&mut window);
    let graph = window.get_by_role(Role::Figure).rect().center();
    print(
        "pointer over the graph",
        frames(&mut window, |window, at| window.hover_at(pos2(graph.x + at as f32, graph.y))),
    );
    window.hover_at(table);
    press(&mut window, Key::Home);
    window.input_mut().events.push(poolscope::gui::egui::Event::Text("*".to_owned()));
    print("expanding everything below a row", {
        let (_, times) = frames_until(&mut window, is_idle);
        times
    });
    let rows = document(&window).results.rows.as_ref().map_or(0, |rows| {
        use poolscope::gui::widgets::pivot_table::TreeModel as _;
        rows.row_count()
    });
    say(&format!("{rows} visible rows"));
    print(
        "scrolling the table by pages",
        frames(&mut window, |window, at| {
            window.key_press(if at % 100 < 50 { Key::PageDown } else { Key::PageUp });
        }),
    );
    print(
        "moving the cursor",
        frames(&mut window, |window, at| {
            window.key_press(if at % 100 < 50 { Key::ArrowDown } else { Key::ArrowUp });
        }),
    );
    zoom(&mut window);
    let shift = Modifiers::COMMAND | Modifiers::SHIFT;
    window.key_press_modifiers(shift, Key::I);
    let (seconds, times) = frames_until(&mut window, is_idle);
    say(&format!("time to the flame graph: {seconds:.2} s"));
    print("until the flame graph is shown", times);
    print("flame graph", frames(&mut window, |window, at| window.hover_at(pos2(table.x + at as f32, table.y))));
    window.key_press_modifiers(shift, Key::L);
    frames_until(&mut window, is_idle);
    print(
        "suspects, moving the cursor",
        frames(&mut window, |window, at| {
            window.key_press(if at % 10 < 5 { Key::ArrowDown } else { Key::ArrowUp });
        }),
    );
}

/// Zooms in and back; prints the time to the new figures, and the frames until then.
fn zoom(window: &mut Window<'_>) {
    let mut all = Vec::new();
    let mut waits = Vec::new();
    for at in 0..ZOOMS {
        let key = if at % 4 < 3 { Key::Equals } else { Key::Period };
        let modifiers = if at % 4 < 3 { Modifiers::COMMAND } else { Modifiers::COMMAND | Modifiers::SHIFT };
        window.key_press_modifiers(modifiers, key);
        let (seconds, times) = frames_until(window, is_idle);
        waits.push(seconds);
        all.extend(times);
    }
    waits.sort_by(f64::total_cmp);
    say(&format!(
        "from a zoom to new figures: median {:.3} s, longest {:.3} s",
        waits[waits.len() / 2],
        waits[waits.len() - 1]
    ));
    print("while zooming", all);
}
