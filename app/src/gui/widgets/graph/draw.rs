//! The series as shapes for the plot. What was reduced and what was made of it is kept as long as nothing of it changes. Takes no input.

use eframe::egui::{Color32, Context, Mesh, Pos2, Shape, Stroke, pos2};

use super::Graph;
use super::curves::{self, Curve};
use super::model::{GraphData, Kind, Range};
use super::pattern::{self, Fill};
use super::reduce::{self, Reduced};
use super::scale::Scale;

/// Opacity of series that are old, or behind the one that is pointed at.
const BACK: f32 = 0.35;
/// Opacity of series beside marked ones.
const BESIDE: f32 = 0.55;
/// Most points of the edges of areas; with more, areas have none.
const EDGE_POINTS: usize = 12_000;

/// What is kept between frames.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawn {
    peak_of: Option<(u64, Kind, Range)>,
    peak: f64,
    reduced_of: Option<(u64, Kind, Scale)>,
    reduced: Reduced,
    strokes: Vec<Look>,
    shapes: Vec<Shape>,
}

/// How one series is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Look {
    colour: Color32,
    pattern: u8,
    width: f32,
    above: bool,
}

impl Drawn {
    /// The largest value in the view.
    pub fn peak(&mut self, data: &GraphData, kind: Kind, view: Range) -> f64 {
        let of = Some((data.stamp, kind, view));
        if self.peak_of != of {
            self.peak = reduce::largest(data, kind, view.from, view.to);
            self.peak_of = of;
        }
        self.peak
    }

    /// What there is to draw.
    pub fn reduced(&mut self, data: &GraphData, kind: Kind, scale: &Scale) -> &Reduced {
        let of = Some((data.stamp, kind, *scale));
        if self.reduced_of != of {
            self.reduced = reduce::reduce(data, kind, scale);
            self.reduced_of = of;
            self.strokes.clear();
        }
        &self.reduced
    }

    /// The shapes of all series. `emphasised`: the one that is pointed at.
    pub fn shapes(&mut self, ctx: &Context, graph: &Graph<'_>, scale: &Scale, emphasised: Option<usize>) -> &[Shape] {
        self.reduced(graph.data, graph.kind, scale);
        let looks = looks(graph, emphasised);
        // Without a series there is nothing to draw, and nothing to keep.
        if self.strokes != looks || looks.is_empty() {
            self.shapes = match graph.kind {
                Kind::Lines => lines(&self.reduced, &looks),
                Kind::Areas => areas(ctx, &self.reduced, &looks, scale.frame.bottom()),
                Kind::Bars => bars(ctx, &self.reduced, &looks),
            };
            self.strokes = looks;
        }
        &self.shapes
    }
}

fn looks(graph: &Graph<'_>, emphasised: Option<usize>) -> Vec<Look> {
    let series = &graph.data.series;
    let any_marked = series.iter().any(|s| s.on && s.marked);
    let look = |(at, s): (usize, &super::Series)| {
        let above = s.marked || emphasised == Some(at);
        let back = graph.dimmed || emphasised.is_some_and(|e| e != at);
        let opacity = match () {
            () if back => BACK,
            () if any_marked && !above => BESIDE,
            () => 1.0,
        };
        let width = if above { 2.5 } else { 1.5 };
        Look { colour: s.colour.gamma_multiply(opacity), pattern: s.pattern, width, above }
    };
    series.iter().enumerate().map(look).collect()
}

/// Smallest first, so that the largest lies on top of all but the marked ones.
fn lines(reduced: &Reduced, looks: &[Look]) -> Vec<Shape> {
    let mut out = Vec::new();
    for above in [false, true] {
        for (curve, look) in reduced.curves.iter().zip(looks).rev().filter(|(_, look)| look.above == above) {
            match curve {
                Curve::Off => {}
                Curve::Path(path) if path.len() < 2 => {}
                Curve::Path(path) => {
                    pattern::line(path.clone(), look.pattern, Stroke::new(look.width, look.colour), &mut out);
                }
                Curve::Ribbon(columns) => out.push(Shape::mesh(ribbon(columns, look))),
            }
        }
    }
    out
}

/// A line as a band as high as it reaches in each column: coarse, and cheap.
fn ribbon(columns: &[(f32, f32, f32)], look: &Look) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.reserve_vertices(2 * columns.len());
    mesh.reserve_triangles(2 * columns.len());
    let half = look.width / 2.0;
    for (at, (x, top, bottom)) in columns.iter().enumerate() {
        let colour = pattern::at(look.pattern, *x, look.colour);
        mesh.colored_vertex(pos2(*x, top - half), colour);
        mesh.colored_vertex(pos2(*x, bottom + half), colour);
        if at > 0 {
            let first = 2 * (at as u32 - 1);
            mesh.add_triangle(first, first + 1, first + 2);
            mesh.add_triangle(first + 1, first + 2, first + 3);
        }
    }
    mesh
}

fn areas(ctx: &Context, reduced: &Reduced, looks: &[Look], bottom: f32) -> Vec<Shape> {
    let mut out = Vec::new();
    let ground = vec![bottom; reduced.columns.len()];
    let mut low = &ground;
    for (series, high) in &reduced.edges {
        let look = looks[*series];
        let fill = Fill::new(ctx, look.pattern, look.colour.gamma_multiply(0.75));
        let mesh = area(fill, &reduced.columns, low, high);
        out.push(Shape::mesh(mesh));
        low = high;
    }
    let edges: Vec<(Look, Vec<Pos2>)> = reduced
        .edges
        .iter()
        .map(|(series, high)| {
            let edge: Vec<Pos2> = reduced.columns.iter().zip(high).map(|(x, y)| pos2(*x, *y)).collect();
            (looks[*series], curves::thinned(&edge))
        })
        .collect();
    let few = edges.iter().map(|(_, edge)| edge.len()).sum::<usize>() <= EDGE_POINTS;
    for (look, edge) in edges.into_iter().filter(|(look, edge)| edge.len() > 1 && (few || look.above)) {
        out.push(Shape::line(edge, Stroke::new(look.width - 0.5, look.colour)));
    }
    out
}

/// The area between two edges.
fn area(fill: Fill, columns: &[f32], low: &[f32], high: &[f32]) -> Mesh {
    let mut mesh = fill.mesh();
    mesh.reserve_vertices(2 * columns.len());
    mesh.reserve_triangles(2 * columns.len());
    // What is thinner than this cannot be seen: left out, pair by pair.
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

fn bars(ctx: &Context, reduced: &Reduced, looks: &[Look]) -> Vec<Shape> {
    let mut out = Vec::new();
    for (series, bars) in &reduced.bars {
        let look = looks[*series];
        let fill = Fill::new(ctx, look.pattern, look.colour);
        let mut mesh = fill.mesh();
        for bar in bars {
            fill.rect(&mut mesh, *bar);
        }
        out.push(Shape::mesh(mesh));
    }
    out
}
