//! Merged stacks as the widget draws them: colors by module, and the words about a frame. Draws nothing.

use eframe::egui::Color32;
use poolscope_analysis::flame::{FlameMetric, FlameTree};
use poolscope_analysis::pivot::Metric;
use rustc_hash::FxHashMap;
use std::ops::Range;

use crate::format;
use crate::format::column::{ColumnUnit, number_text};
use crate::gui::theme::Palette;
use crate::gui::widgets::flame::FlameModel;

/// The numbers of the colors of modules; the kernel has none.
#[derive(Debug, Clone, Default)]
pub struct FlameColors(pub FxHashMap<String, Option<usize>>);

/// The module of a frame's text: the part before its function or its offset.
#[must_use]
pub fn module_of(text: &str) -> Option<&str> {
    let (module, _) = text.split_once('!').or_else(|| text.rsplit_once('+'))?;
    (!module.is_empty()).then_some(module)
}

/// Merged stacks, with what is needed to draw them.
pub struct ShownModel<'s> {
    /// The stacks.
    pub tree: &'s FlameTree,
    /// The colors of modules.
    pub colors: &'s FlameColors,
    /// A flag for each node of the displayed stacks, true for responsible frames.
    pub responsible: &'s [bool],
    /// Goes up with every answer.
    pub number: u64,
    /// Drawn on a dark ground.
    pub dark: bool,
}

/// A figure of a frame, in words.
#[must_use]
pub fn figure_text(tree: &FlameTree, node: u32, metric: Metric) -> String {
    let (text, unit) =
        number_text(metric.of(&tree.aggregate(node), tree.pivot().clock()), metric, ColumnUnit::Automatic);
    format!("{text} {unit}").trim_end().to_owned()
}

/// A weight, in words.
#[must_use]
pub fn weight_text(weight: u64, of: FlameMetric) -> String {
    let value = poolscope_analysis::pivot::Value::Int(weight.into());
    let (text, unit) = number_text(value, of.metric(), ColumnUnit::Automatic);
    let text = format!("{text} {unit}").trim_end().to_owned();
    let noun = if weight == 1 { "allocation" } else { "allocations" };
    match of {
        FlameMetric::ImpactingSize => format!("{text} impacting"),
        FlameMetric::ImpactingCount => format!("{text} impacting {noun}"),
        FlameMetric::Size => text,
        FlameMetric::Count => format!("{text} {noun}"),
    }
}

/// Share of a frame of everything, and of the frame around it.
#[must_use]
pub fn shares(tree: &FlameTree, node: u32) -> String {
    let (own, all) = (tree.weight(node), tree.weight(FlameTree::ROOT));
    let parent = tree.parent(node);
    let of_all = format!("{} of all", format::share_of(own, all));
    if parent == FlameTree::ROOT {
        of_all
    } else {
        format!("{of_all}, {} of its parent", format::share_of(own, tree.weight(parent)))
    }
}

/// Returns whether a frame is the responsible one of a stack.
#[must_use]
pub fn is_responsible(tree: &FlameTree, responsible: &[bool], node: u32) -> bool {
    tree.is_frame(node) && responsible.get(tree.shown(node) as usize).copied().unwrap_or(false)
}

impl FlameModel for ShownModel<'_> {
    fn number(&self) -> u64 {
        self.number
    }

    fn children(&self, node: u32) -> Range<u32> {
        self.tree.children(node)
    }

    fn parent(&self, node: u32) -> u32 {
        self.tree.parent(node)
    }

    fn weight(&self, node: u32) -> u64 {
        self.tree.weight(node)
    }

    fn own(&self, node: u32) -> u64 {
        self.tree.own_weight(node)
    }

    fn left_out(&self, node: u32) -> u32 {
        self.tree.rest(node).1
    }

    fn text(&self, node: u32) -> &str {
        self.tree.text(node)
    }

    fn fill(&self, node: u32) -> Color32 {
        let number = || {
            let text = self.tree.text(node);
            let module = module_of(text).unwrap_or(text);
            self.colors.0.get(module).copied().flatten()
        };
        let palette = Palette::for_dark(self.dark);
        if is_responsible(self.tree, self.responsible, node) {
            return palette.responsible_fill();
        }
        palette.module_fill(if self.tree.is_frame(node) { number() } else { None })
    }

    fn label(&self, node: u32) -> String {
        let weight = weight_text(self.tree.weight(node), self.tree.metric());
        let mark = if is_responsible(self.tree, self.responsible, node) { ", responsible frame" } else { "" };
        format!("{}, {weight}, {}{mark}", self.tree.text(node), shares(self.tree, node))
    }

    fn rest_label(&self, count: u64, weight: u64) -> String {
        let frames = format::counted(count, "narrower frame", "narrower frames");
        format!("{frames}, {}", weight_text(weight, self.tree.metric()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_nothing_or_to_all() {
        let shares = [(0, 5), (5, 5), (0, 0), (1, 1_000_000), (999_999, 1_000_000), (1, 3)];
        let texts: Vec<String> = shares.into_iter().map(|(part, whole)| format::share_of(part, whole)).collect();
        assert_eq!(texts, ["0 %", "100 %", "0 %", "under 0.1 %", "over 99.9 %", "33.3 %"]);
    }

    #[test]
    fn modules_stand_before_functions_and_offsets() {
        assert_eq!(module_of("myfault.sys!operator+<int>"), Some("myfault.sys"));
        assert_eq!(module_of("a+b.sys+0x10"), Some("a+b.sys"));
        assert_eq!((module_of("0xfffff80012345678"), module_of("!f")), (None, None));
        assert_eq!(weight_text(1, FlameMetric::Count), "1 allocation");
    }
}
