//! Frames of the time graph without a display, laid out and tessellated, at 1920 x 1080 with 50 series of 2048 points and
//! extremes: `cargo bench -p poolscope-tests --bench graph`. It measures (fastest, slowest, median) and never judges; a frame
//! should take no longer than 8 ms.

use divan::Bencher;
use poolscope::gui::egui::{Context, Event, Pos2, RawInput, Rect, pos2, vec2};
use poolscope::gui::theme;
use poolscope::gui::theme::Palette;
use poolscope::gui::widgets::graph::{AxisUnit, Graph, GraphData, GraphState, Kind, Overview, Range, Series};

const SERIES: usize = 50;
const POINTS: usize = 2048;
const WHOLE: Range = Range { from: 0.0, to: 60.0 };
const KINDS: [Kind; 3] = [Kind::Lines, Kind::Areas, Kind::Bars];

fn main() {
    divan::main();
}

/// Curves that go up and down a little with a peak now and then, or that are nothing but noise: the worst there can be.
fn data(noise: bool) -> GraphData {
    let mut seed = 7_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let times: Vec<f64> = (0..POINTS).map(|i| WHOLE.to * i as f64 / (POINTS - 1) as f64).collect();
    let mut series = Vec::new();
    for number in 0..SERIES {
        let size = 24e6 / (number + 1) as f64;
        let mut value = size * 0.5;
        let mut step = || {
            value = if noise { size * random() } else { (value + size * 0.02 * (random() - 0.5)).max(0.0) };
            value
        };
        let values: Vec<f64> = times.iter().map(|_| step()).collect();
        let beyond = |pair: &[f64]| {
            let (low, high) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
            if noise || pair[0].to_bits().is_multiple_of(16) { (low * 0.8, high * 1.2) } else { (low, high) }
        };
        let extremes = values.windows(2).map(beyond).collect();
        series.push(Series {
            id: number as u64,
            name: format!("T{number:03}"),
            color: Palette::for_dark(true).series_color(Some(number)),
            pattern: (number / theme::SERIES_COLORS) as u8,
            on: true,
            has_row: true,
            marked: false,
            values,
            extremes,
        });
    }
    GraphData::new("Outstanding size by Pool Tag".to_owned(), times, series, AxisUnit::Bytes)
}

/// A window without a display.
struct Window {
    ctx: Context,
    state: GraphState,
    data: GraphData,
    overview: Overview,
    kind: Kind,
    frames: u32,
}

impl Window {
    fn new(kind: Kind, noise: bool) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        let data = data(noise);
        let overview = Overview { times: data.times.clone(), values: data.series[0].values.clone() };
        let mut window = Self { ctx, state: GraphState::default(), data, overview, kind, frames: 0 };
        // Fonts and textures are made in the first frames.
        for _ in 0..3 {
            window.frame(WHOLE, pos2(500.0, 500.0));
        }
        window
    }

    /// One frame; returns how many vertices it has.
    fn frame(&mut self, view: Range, pointer: Pos2) -> usize {
        self.frames += 1;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(f64::from(self.frames) / 60.0),
            events: vec![Event::PointerMoved(pointer)],
            ..RawInput::default()
        };
        let (data, overview, kind, state) = (&self.data, &self.overview, self.kind, &mut self.state);
        let mut output = self.ctx.run_ui(input, |ui| {
            let graph = Graph { view, ..Graph::new(data, overview, kind, WHOLE) };
            divan::black_box(graph.show(ui, state));
        });
        // Nobody uploads them here.
        output.textures_delta.clear();
        let meshes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        meshes.iter().map(vertices).sum()
    }
}

fn vertices(primitive: &poolscope::gui::egui::ClippedPrimitive) -> usize {
    match &primitive.primitive {
        poolscope::gui::egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
        poolscope::gui::egui::epaint::Primitive::Callback(_) => 0,
    }
}

/// The pointer moves; the view stays.
fn hovering(bencher: Bencher<'_, '_>, kind: Kind, noise: bool) {
    let mut window = Window::new(kind, noise);
    let mut x = 100.0;
    bencher.bench_local(|| {
        x = if x > 1600.0 { 100.0 } else { x + 7.0 };
        divan::black_box(window.frame(WHOLE, pos2(x, 600.0)))
    });
}

/// The view changes in every frame, from all of the trace to a hundredth of it; the data stay.
fn zooming(bencher: Bencher<'_, '_>, kind: Kind, noise: bool) {
    let mut window = Window::new(kind, noise);
    let mut view = WHOLE;
    bencher.bench_local(|| {
        view = if view.span() < 0.6 { WHOLE } else { view.zoomed(0.97, 31.0, WHOLE) };
        divan::black_box(window.frame(view, pos2(900.0, 600.0)))
    });
}

#[divan::bench(args = KINDS, sample_count = 300, sample_size = 1)]
fn hover(bencher: Bencher<'_, '_>, kind: Kind) {
    hovering(bencher, kind, false);
}

#[divan::bench(args = KINDS, sample_count = 300, sample_size = 1)]
fn zoom(bencher: Bencher<'_, '_>, kind: Kind) {
    zooming(bencher, kind, false);
}

#[divan::bench(args = KINDS, sample_count = 300, sample_size = 1)]
fn hover_noise(bencher: Bencher<'_, '_>, kind: Kind) {
    hovering(bencher, kind, true);
}

#[divan::bench(args = KINDS, sample_count = 300, sample_size = 1)]
fn zoom_noise(bencher: Bencher<'_, '_>, kind: Kind) {
    zooming(bencher, kind, true);
}
