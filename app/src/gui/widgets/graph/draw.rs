//! The series as shapes, and the item of `egui_plot` that hands them to the plot. Decimated series and shapes are cached until
//! something that they depend on changes.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::sync::Arc;

use eframe::egui::{Color32, Context, Mesh, Pos2, Shape, Stroke, Ui, pos2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};

use super::Graph;
use super::axes::Scale;
use super::decimation::{self, Curve, MinMaxDecimation};
use super::model::{GraphData, Kind, Range};
use super::pattern::{self, Fill};
use crate::gui::theme::Palette;

/// Share of gray in outdated series, and in the others while one is emphasized. A color that is only paler would be read as that of
/// another series.
const BACK: f32 = 0.72;
/// Share of gray in the other series while some are marked.
const BESIDE: f32 = 0.3;
/// Upper bound on the points of the edges of areas; areas with more are drawn without edges.
const EDGE_POINTS: usize = 12_000;

/// The shapes of the last frame with the inputs that they depend on. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct ShapeCache {
    peak_of: Option<(u64, Kind, Range)>,
    peak: f64,
    reduced_of: Option<(u64, Kind, Scale)>,
    reduced: Arc<MinMaxDecimation>,
    strokes: Vec<SeriesStyle>,
    shapes: Arc<Vec<Shape>>,
}

/// Color, pattern and width of a series as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SeriesStyle {
    color: Color32,
    pattern: u8,
    width: f32,
    above: bool,
}

impl ShapeCache {
    /// The largest value in the visible range.
    pub fn peak(&mut self, data: &GraphData, kind: Kind, view: Range) -> f64 {
        let of = Some((data.stamp, kind, view));
        if self.peak_of != of {
            self.peak = decimation::peak(data, kind, view.from, view.to);
            self.peak_of = of;
        }
        self.peak
    }

    /// The decimated series.
    pub fn reduced(&mut self, data: &GraphData, kind: Kind, scale: &Scale) -> &MinMaxDecimation {
        let of = Some((data.stamp, kind, *scale));
        if self.reduced_of != of {
            self.reduced = Arc::new(decimation::decimate(data, kind, scale));
            self.reduced_of = of;
            self.strokes.clear();
        }
        &self.reduced
    }

    /// The shapes of all series; `emphasized` is the number of the one under the pointer.
    pub fn shapes(&mut self, ui: &Ui, graph: &Graph<'_>, scale: &Scale, emphasized: Option<usize>) -> &[Shape] {
        self.reduced(graph.data, graph.kind, scale);
        let ctx = ui.ctx();
        let looks = looks(graph, Palette::of(ui).other, emphasized);
        // Without series there is nothing to cache.
        if self.strokes != looks || looks.is_empty() {
            self.shapes = Arc::new(match graph.kind {
                Kind::Lines => lines(&self.reduced, &looks),
                Kind::Areas => areas(ctx, &self.reduced, &looks, scale.frame.bottom()),
                Kind::Bars => bars(ctx, &self.reduced, &looks),
            });
            self.strokes = looks;
        }
        &self.shapes
    }
}

fn looks(graph: &Graph<'_>, gray: Color32, emphasized: Option<usize>) -> Vec<SeriesStyle> {
    let series = &graph.data.series;
    let any_marked = series.iter().any(|s| s.on && s.marked);
    let look = |(at, s): (usize, &super::Series)| {
        let above = s.marked || emphasized == Some(at);
        let back = graph.dimmed || emphasized.is_some_and(|e| e != at);
        let share = match () {
            () if back => BACK,
            () if any_marked && !above => BESIDE,
            () => 0.0,
        };
        let width = if above { 2.5 } else { 1.5 };
        SeriesStyle { color: s.color.lerp_to_gamma(gray, share), pattern: s.pattern, width, above }
    };
    series.iter().enumerate().map(look).collect()
}

/// Lines, the smallest series first: the largest is on top of all but the marked ones.
fn lines(reduced: &MinMaxDecimation, looks: &[SeriesStyle]) -> Vec<Shape> {
    let mut out = Vec::new();
    for above in [false, true] {
        for (curve, look) in reduced.curves.iter().zip(looks).rev().filter(|(_, look)| look.above == above) {
            match curve {
                Curve::Hidden => {}
                Curve::Path(path) if path.len() < 2 => {}
                Curve::Path(path) => {
                    pattern::line(path.clone(), look.pattern, Stroke::new(look.width, look.color), &mut out);
                }
                Curve::Ribbon(columns) => out.push(Shape::mesh(ribbon(columns, look))),
            }
        }
    }
    out
}

/// A line as a band from its lowest to its highest value in each column.
fn ribbon(columns: &[(f32, f32, f32)], look: &SeriesStyle) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.reserve_vertices(2 * columns.len());
    mesh.reserve_triangles(2 * columns.len());
    let half = look.width / 2.0;
    for (at, (x, top, bottom)) in columns.iter().enumerate() {
        let color = pattern::at(look.pattern, *x, look.color);
        mesh.colored_vertex(pos2(*x, top - half), color);
        mesh.colored_vertex(pos2(*x, bottom + half), color);
        if at > 0 {
            let first = 2 * (at as u32 - 1);
            mesh.add_triangle(first, first + 1, first + 2);
            mesh.add_triangle(first + 1, first + 2, first + 3);
        }
    }
    mesh
}

fn areas(ctx: &Context, reduced: &MinMaxDecimation, looks: &[SeriesStyle], bottom: f32) -> Vec<Shape> {
    let mut out = Vec::new();
    let ground = vec![bottom; reduced.columns.len()];
    let mut low = &ground;
    for (series, high) in &reduced.edges {
        let look = looks[*series];
        let fill = Fill::new(ctx, look.pattern, look.color.gamma_multiply(0.75));
        let mesh = area(fill, &reduced.columns, low, high);
        out.push(Shape::mesh(mesh));
        low = high;
    }
    let edges: Vec<(SeriesStyle, Vec<Pos2>)> = reduced
        .edges
        .iter()
        .map(|(series, high)| {
            let edge: Vec<Pos2> = reduced.columns.iter().zip(high).map(|(x, y)| pos2(*x, *y)).collect();
            (looks[*series], decimation::thinned(&edge))
        })
        .collect();
    let few = edges.iter().map(|(_, edge)| edge.len()).sum::<usize>() <= EDGE_POINTS;
    for (look, edge) in edges.into_iter().filter(|(look, edge)| edge.len() > 1 && (few || look.above)) {
        out.push(Shape::line(edge, Stroke::new(look.width - 0.5, look.color)));
    }
    out
}

/// The area between two edges.
fn area(fill: Fill, columns: &[f32], low: &[f32], high: &[f32]) -> Mesh {
    let mut mesh = fill.mesh();
    mesh.reserve_vertices(2 * columns.len());
    mesh.reserve_triangles(2 * columns.len());
    // Thinner parts cannot be seen and are left out, pair by pair.
    const THIN: f32 = 0.02;
    for at in 0..columns.len() {
        fill.vertex(&mut mesh, pos2(columns[at], low[at]));
        fill.vertex(&mut mesh, pos2(columns[at], high[at]));
        if at > 0 && (low[at] - high[at] > THIN || low[at - 1] - high[at - 1] > THIN) {
            let first = 2 * (at as u32 - 1);
            mesh.add_triangle(first, first + 1, first + 2);
            mesh.add_triangle(first + 1, first + 2, first + 3);
        }
    }
    if mesh.indices.is_empty() { Mesh::default() } else { mesh }
}

fn bars(ctx: &Context, reduced: &MinMaxDecimation, looks: &[SeriesStyle]) -> Vec<Shape> {
    let mut out = Vec::new();
    for (series, bars) in &reduced.bars {
        let look = looks[*series];
        let fill = Fill::new(ctx, look.pattern, look.color);
        let mut mesh = fill.mesh();
        for bar in bars {
            fill.rect(&mut mesh, *bar);
        }
        out.push(Shape::mesh(mesh));
    }
    out
}

/// All series of a graph as one item of the plot. It is never hovered and sets no bounds: both are the graph's own.
pub(super) struct SeriesItem<'a, 'g> {
    base: PlotItemBase,
    graph: &'a Graph<'g>,
    /// A cell, because the plot draws items through a shared reference.
    drawn: RefCell<&'a mut ShapeCache>,
    emphasized: Option<usize>,
}

impl<'a, 'g> SeriesItem<'a, 'g> {
    /// The item for the plot; `emphasized` is the number of the series under the pointer.
    pub fn new(graph: &'a Graph<'g>, drawn: &'a mut ShapeCache, emphasized: Option<usize>) -> Self {
        let base = PlotItemBase::new(graph.data.title.clone());
        Self { base, graph, drawn: RefCell::new(drawn), emphasized }
    }
}

impl PlotItem for SeriesItem<'_, '_> {
    fn shapes(&self, ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let scale = Scale::from(transform);
        shapes.extend_from_slice(self.drawn.borrow_mut().shapes(ui, self.graph, &scale, self.emphasized));
    }

    fn initialize(&mut self, _times: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        Color32::TRANSPARENT
    }

    fn allow_hover(&self) -> bool {
        false
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    fn bounds(&self) -> PlotBounds {
        PlotBounds::NOTHING
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}
