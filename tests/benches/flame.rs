//! Benchmark of the flame graph over the trace in `POOLSCOPE_BENCH_TRACE`: merging its stacks in both directions, with and without
//! zoom, a search in them, and frames of the window at 2560 x 1440: `POOLSCOPE_BENCH_TRACE=deep.etl cargo bench -p poolscope-tests
//! --bench flame`. The numbers of stacks and nodes are printed. There is no pass or fail.

use divan::Bencher;
use poolscope::gui::egui::{Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, RawInput, Rect, TouchPhase};
use poolscope::gui::egui::{Vec2, pos2, vec2};
use poolscope::gui::pages::flame::model::{FlameColors, ShownModel};
use poolscope::gui::theme;
use poolscope::gui::widgets::flame::{FlameGraph, FlameState};
use poolscope_analysis::flame::{FlameDirection, FlameMetric, FlameRequest, FlameTree, flame};
use poolscope_analysis::group::column_values::ColumnValues;
use poolscope_analysis::group::frames::FrameNaming;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::group::parallel::not_cancelled;
use poolscope_analysis::load::{LoadOptions, load};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_etl::file::TraceFile;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

const TRACE: &str = "POOLSCOPE_BENCH_TRACE";
const SCREEN: Vec2 = vec2(2560.0, 1440.0);

static NAMES: LazyLock<ColumnValues> = LazyLock::new(|| {
    let path = std::env::var_os(TRACE).expect("a trace is named");
    let file = TraceFile::open(Path::new(&path)).expect("the trace opens");
    let trace = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::none());
    let names = ColumnValues::new(trace.expect("the trace loads"), FrameNaming::Function);
    // Folded stacks are computed once for a trace and its names.
    drop(names.column(Key::Stack));
    names
});

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    if std::env::var_os(TRACE).is_none() {
        return writeln!(out, "{TRACE} names no trace: nothing measured");
    }
    for merge in [FlameDirection::TopDown, FlameDirection::BottomUp] {
        let tree = merged(merge, &[]);
        let (stacks, nodes) = (tree.pivot().len(), tree.len());
        writeln!(out, "{merge:?}: {stacks} stacks, {nodes} nodes, cut: {}", tree.is_cut(FlameTree::ROOT))?;
    }
    divan::main();
    Ok(())
}

fn merged(merge: FlameDirection, zoom: &[String]) -> FlameTree {
    let view = NAMES.trace().extent;
    let request = FlameRequest { visible_range: view, rows: None, direction: merge, metric: FlameMetric::Size, zoom };
    flame(&NAMES, &request, &not_cancelled).expect("nobody cancels")
}

/// Path of the largest child from the root.
fn heaviest(tree: &FlameTree, frames: usize) -> Vec<String> {
    let mut node = FlameTree::ROOT;
    for _ in 0..frames {
        node = tree.children(node).next().unwrap_or(node);
    }
    tree.path(node).into_iter().map(str::to_owned).collect()
}

#[divan::bench(args = [FlameDirection::TopDown, FlameDirection::BottomUp], sample_count = 9, sample_size = 1)]
fn merging(bencher: Bencher<'_, '_>, merge: FlameDirection) {
    bencher.bench(|| merged(merge, &[]));
}

#[divan::bench(args = [FlameDirection::TopDown, FlameDirection::BottomUp], sample_count = 9, sample_size = 1)]
fn merging_zoomed(bencher: Bencher<'_, '_>, merge: FlameDirection) {
    let zoom = heaviest(&merged(merge, &[]), 6);
    bencher.bench(|| merged(merge, &zoom));
}

/// Merging with known groups, as after a change of metric, direction or zoom.
#[divan::bench(args = [FlameDirection::TopDown, FlameDirection::BottomUp], sample_count = 9, sample_size = 1)]
fn merging_again(bencher: Bencher<'_, '_>, merge: FlameDirection) {
    let pivot = merged(merge, &[]).pivot().clone();
    let request = FlameRequest {
        visible_range: pivot.visible_range(),
        rows: None,
        direction: merge,
        metric: FlameMetric::Count,
        zoom: &[],
    };
    bencher.bench(|| FlameTree::of_groups(pivot.clone(), &request, &not_cancelled));
}

#[divan::bench(sample_count = 9, sample_size = 1)]
fn searching(bencher: Bencher<'_, '_>) {
    let tree = merged(FlameDirection::TopDown, &[]);
    bencher.bench(|| tree.matched("+0x1"));
}

/// One frame of the window with a wheel step, up to tessellation. A new `number` forces a new layout.
fn frame(ctx: &Context, tree: &FlameTree, state: &mut FlameState, number: u64, turn: u64) -> usize {
    let wheel = Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, if turn % 200 < 100 { 5.0 } else { -5.0 }),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    };
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), SCREEN)),
        time: Some(turn as f64 / 60.0),
        events: vec![Event::PointerMoved(pos2(900.0, 500.0)), wheel],
        ..RawInput::default()
    };
    let colors = FlameColors::default();
    let model = ShownModel { tree, colors: &colors, responsible: &[], number, dark: false };
    let mut output = ctx.run_ui(input, |ui| {
        FlameGraph::new("Flame graph", &model, state).show(ui);
    });
    // There is no graphics device to upload textures to.
    output.textures_delta.clear();
    ctx.tessellate(output.shapes, output.pixels_per_point).len()
}

#[divan::bench(args = [(FlameDirection::TopDown, false), (FlameDirection::BottomUp, false), (FlameDirection::TopDown, true), (FlameDirection::BottomUp, true)], sample_count = 300, sample_size = 1)]
fn drawing(bencher: Bencher<'_, '_>, (merge, anew): (FlameDirection, bool)) {
    let ctx = Context::default();
    theme::install(&ctx);
    let tree = merged(merge, &[]);
    let mut state = FlameState::default();
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        frame(&ctx, &tree, &mut state, if anew { turn } else { 0 }, turn)
    });
}
