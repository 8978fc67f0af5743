//! The series as one item of `egui_plot`: asked for its shapes, it gives what was reduced to the columns of the screen. It is
//! never hovered and never asks for bounds: both are the graph's.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use eframe::egui::{Color32, Shape, Ui};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};

use super::Graph;
use super::draw::Drawn;
use super::scale::Scale;

/// All series of a graph.
pub(super) struct Curves<'a, 'g> {
    base: PlotItemBase,
    graph: &'a Graph<'g>,
    /// Kept between frames; the plot hands out items unchangeable.
    drawn: RefCell<&'a mut Drawn>,
    emphasised: Option<usize>,
}

impl<'a, 'g> Curves<'a, 'g> {
    /// `emphasised`: the series that is pointed at.
    pub fn new(graph: &'a Graph<'g>, drawn: &'a mut Drawn, emphasised: Option<usize>) -> Self {
        let base = PlotItemBase::new(graph.data.title.clone());
        Self { base, graph, drawn: RefCell::new(drawn), emphasised }
    }
}

impl PlotItem for Curves<'_, '_> {
    fn shapes(&self, ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let scale = Scale::from(transform);
        shapes.extend_from_slice(self.drawn.borrow_mut().shapes(ui.ctx(), self.graph, &scale, self.emphasised));
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
