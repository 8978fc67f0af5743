//! The layout of the visible frames: its cost depends on the width in points, not on the number of frames. Pure functions of the
//! model; nothing is drawn here.

use std::ops::Range;

use super::{FlameModel, ROOT};

/// Least width of a frame that is drawn by itself, in points.
pub(super) const LEAST: f64 = 0.5;

/// The content of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlameItem {
    /// A frame.
    Frame(u32),
    /// The children of one frame that are too narrow to be drawn one by one.
    Narrow {
        /// The parent.
        parent: u32,
        /// The number of frames.
        count: u64,
        /// The sum of their weights.
        weight: u64,
    },
}

/// A place in the layout, `left` and `right` in points from the left edge of the graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlacedFrame {
    pub(super) item: FlameItem,
    /// Distance from the root.
    pub(super) level: u32,
    pub(super) left: f32,
    pub(super) right: f32,
    /// True if the name contains the searched text.
    pub(super) is_match: bool,
}

/// All places, level by level, from left to right.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FlameLayout {
    pub(super) placed: Vec<PlacedFrame>,
    /// The places of each level.
    pub(super) levels: Vec<Range<usize>>,
    /// Level of the frame that has the whole width.
    pub(super) zoomed: u32,
}

impl FlameLayout {
    /// Places the frame `zoom`, its ancestors and what is below it in `width` points. `needle` is the searched text, in lower case.
    pub(super) fn new(model: &dyn FlameModel, zoom: u32, width: f32, needle: &str) -> Self {
        let has = |node: u32| !needle.is_empty() && model.text(node).to_lowercase().contains(needle);
        let frame = |node: u32, level: u32, left: f64, right: f64| PlacedFrame {
            item: FlameItem::Frame(node),
            level,
            left: left as f32,
            right: right as f32,
            is_match: has(node),
        };
        let way = way_to(model, zoom);
        let zoomed = way.len().saturating_sub(1) as u32;
        let mut layout = Self { zoomed, ..Self::default() };
        for (level, node) in way.iter().enumerate() {
            layout.placed.push(frame(*node, level as u32, 0.0, f64::from(width)));
            layout.levels.push(level..level + 1);
        }
        let mut level = zoomed + 1;
        // Not rounded: rounded widths would add up to another width.
        let mut above: Vec<(u32, f64, f64)> = vec![(zoom, 0.0, f64::from(width))];
        while !above.is_empty() {
            let first = layout.placed.len();
            let mut below = Vec::new();
            for (node, left, right) in above {
                let weight = model.weight(node).max(1);
                let scale = (right - left) / weight as f64;
                let mut at = left;
                let mut shown = 0_u64;
                let children = model.children(node);
                let mut count = 0_u64;
                for child in children.clone() {
                    let weight = model.weight(child);
                    let wide = weight as f64 * scale;
                    if wide < LEAST {
                        break;
                    }
                    let end = (at + wide).min(right);
                    layout.placed.push(frame(child, level, at, end));
                    below.push((child, at, end));
                    at = end;
                    shown = shown.saturating_add(weight);
                    count += 1;
                }
                let narrow = model.weight(node).saturating_sub(model.own(node)).saturating_sub(shown);
                let end = (at + narrow as f64 * scale).min(right);
                if end - at >= LEAST {
                    let count = children.len() as u64 - count + u64::from(model.left_out(node));
                    let item = FlameItem::Narrow { parent: node, count, weight: narrow };
                    layout.placed.push(PlacedFrame {
                        item,
                        level,
                        left: at as f32,
                        right: end as f32,
                        is_match: false,
                    });
                }
            }
            if layout.placed.len() > first {
                layout.levels.push(first..layout.placed.len());
            }
            above = below;
            level += 1;
        }
        layout
    }

    /// The place of a frame, if it is in the layout.
    pub(super) fn of(&self, node: u32) -> Option<&PlacedFrame> {
        self.placed.iter().find(|placed| placed.item == FlameItem::Frame(node))
    }

    /// The place at `x` points of a level.
    pub(super) fn at(&self, level: usize, x: f32) -> Option<&PlacedFrame> {
        let places = self.placed.get(self.levels.get(level)?.clone())?;
        let after = places.partition_point(|placed| placed.left <= x);
        places.get(after.checked_sub(1)?).filter(|placed| x < placed.right)
    }

    /// The frame beside another on the same level.
    pub(super) fn beside(&self, node: u32, right: bool) -> Option<u32> {
        let here = self.placed.iter().position(|placed| placed.item == FlameItem::Frame(node))?;
        let level = self.levels.get(self.placed.get(here)?.level as usize)?.clone();
        let frames = |range: Range<usize>| {
            let places = self.placed.get(range).unwrap_or_default();
            places.iter().filter_map(|placed| match placed.item {
                FlameItem::Frame(node) => Some(node),
                FlameItem::Narrow { .. } => None,
            })
        };
        if right { frames(here + 1..level.end).next() } else { frames(level.start..here).next_back() }
    }

    /// The next or the previous frame whose name contains the searched text; the search wraps around.
    pub(super) fn next_match(&self, from: Option<u32>, forward: bool) -> Option<u32> {
        let matches: Vec<(usize, u32)> = self
            .placed
            .iter()
            .enumerate()
            .filter_map(|(at, placed)| match placed.item {
                FlameItem::Frame(node) if placed.is_match => Some((at, node)),
                _ => None,
            })
            .collect();
        let here = from.and_then(|node| self.placed.iter().position(|placed| placed.item == FlameItem::Frame(node)));
        let ahead = |at: usize| here.is_none_or(|here| at > here);
        let behind = |at: usize| here.is_some_and(|here| at < here);
        let next = if forward {
            matches.iter().find(|(at, _)| ahead(*at)).or(matches.first())
        } else {
            matches.iter().rev().find(|(at, _)| behind(*at)).or(matches.last())
        };
        next.map(|(_, node)| *node)
    }
}

/// The path from the root to a frame.
fn way_to(model: &dyn FlameModel, node: u32) -> Vec<u32> {
    let mut way = vec![node];
    let mut at = node;
    while at != ROOT {
        at = model.parent(at);
        way.push(at);
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Color32;

    /// Frames: parent, weight, own weight, children left out, text.
    struct Made(Vec<(u32, u64, u64, u32, &'static str)>);

    impl FlameModel for Made {
        fn number(&self) -> u64 {
            0
        }
        fn children(&self, node: u32) -> Range<u32> {
            let own: Vec<u32> = (1..self.0.len() as u32).filter(|at| self.0[*at as usize].0 == node).collect();
            own.first().map_or(0..0, |first| *first..*first + own.len() as u32)
        }
        fn parent(&self, node: u32) -> u32 {
            self.0[node as usize].0
        }
        fn weight(&self, node: u32) -> u64 {
            self.0[node as usize].1
        }
        fn own(&self, node: u32) -> u64 {
            self.0[node as usize].2
        }
        fn left_out(&self, node: u32) -> u32 {
            self.0[node as usize].3
        }
        fn text(&self, node: u32) -> &str {
            self.0[node as usize].4
        }
        fn fill(&self, _: u32) -> Color32 {
            Color32::GRAY
        }
        fn label(&self, node: u32) -> String {
            self.text(node).to_owned()
        }
        fn rest_label(&self, count: u64, _: u64) -> String {
            count.to_string()
        }
    }

    fn made() -> Made {
        Made(vec![
            (0, 1000, 0, 0, "[Root]"),
            (0, 600, 100, 0, "a.sys!One"),
            (0, 390, 0, 7, "b.sys!Two"),
            (0, 10, 10, 0, "c.sys!Three"),
            (1, 500, 500, 0, "nt!Alloc"),
            (2, 300, 300, 0, "NT!ALLOC"),
        ])
    }

    fn shown(layout: &FlameLayout) -> Vec<(u32, FlameItem, f32, f32)> {
        layout.placed.iter().map(|p| (p.level, p.item, p.left, p.right)).collect()
    }

    #[test]
    fn widths_are_shares_of_the_frame_around() {
        let layout = FlameLayout::new(&made(), ROOT, 100.0, "");
        let narrow = FlameItem::Narrow { parent: 2, count: 7, weight: 90 };
        let expected = [
            (0, FlameItem::Frame(0), 0.0, 100.0),
            (1, FlameItem::Frame(1), 0.0, 60.0),
            (1, FlameItem::Frame(2), 60.0, 99.0),
            (1, FlameItem::Frame(3), 99.0, 100.0),
            (2, FlameItem::Frame(4), 0.0, 50.0),
            (2, FlameItem::Frame(5), 60.0, 90.0),
            (2, narrow, 90.0, 99.0),
        ];
        assert_eq!(shown(&layout), expected);
        assert_eq!(layout.levels, [0..1, 1..4, 4..7]);
        // Half a point is the least: below that, frames are drawn together with those that are left out.
        let thin = FlameLayout::new(&made(), ROOT, 40.0, "");
        let together = FlameItem::Narrow { parent: 0, count: 1, weight: 10 };
        assert!(!thin.placed.iter().any(|placed| placed.item == together), "{thin:?}");
        assert_eq!(thin.levels[1].len(), 2);
    }

    #[test]
    fn a_zoomed_frame_has_the_whole_width_and_those_around_it_too() {
        let layout = FlameLayout::new(&made(), 4, 80.0, "");
        let expected = [
            (0, FlameItem::Frame(0), 0.0, 80.0),
            (1, FlameItem::Frame(1), 0.0, 80.0),
            (2, FlameItem::Frame(4), 0.0, 80.0),
        ];
        assert_eq!((shown(&layout), layout.zoomed), (expected.to_vec(), 2));
        assert_eq!((layout.of(2), layout.of(1).map(|placed| placed.level)), (None, Some(1)));
    }

    #[test]
    fn places_are_found_and_frames_beside_each_other() {
        let layout = FlameLayout::new(&made(), ROOT, 100.0, "");
        let at = |level, x| layout.at(level, x).map(|placed| placed.item);
        assert_eq!(
            (at(1, 0.0), at(1, 59.9), at(1, 60.0)),
            (Some(FlameItem::Frame(1)), at(1, 0.0), Some(FlameItem::Frame(2)))
        );
        assert_eq!((at(2, 55.0), at(2, 99.5), at(3, 1.0), at(1, 100.0)), (None, None, None, None));
        assert_eq!((layout.beside(1, true), layout.beside(1, false)), (Some(2), None));
        assert_eq!((layout.beside(4, true), layout.beside(5, true), layout.beside(5, false)), (Some(5), None, Some(4)));
    }

    #[test]
    fn matches_are_gone_through_in_turn() {
        let layout = FlameLayout::new(&made(), ROOT, 100.0, "nt!alloc");
        let matches: Vec<bool> = layout.placed.iter().map(|placed| placed.is_match).collect();
        assert_eq!(matches, [false, false, false, false, true, true, false]);
        let next = |from, forward| layout.next_match(from, forward);
        assert_eq!((next(None, true), next(Some(4), true), next(Some(5), true)), (Some(4), Some(5), Some(4)));
        assert_eq!((next(None, false), next(Some(5), false), next(Some(4), false)), (Some(5), Some(4), Some(5)));
        assert_eq!(FlameLayout::new(&made(), ROOT, 100.0, "zzz").next_match(None, true), None);
        assert!(FlameLayout::new(&made(), ROOT, 100.0, "").placed.iter().all(|placed| !placed.is_match));
    }

    #[test]
    fn a_million_frames_are_no_more_places_than_points() {
        struct Many;
        impl FlameModel for Many {
            fn number(&self) -> u64 {
                0
            }
            fn children(&self, node: u32) -> Range<u32> {
                if node == ROOT { 1..1_000_001 } else { 0..0 }
            }
            fn parent(&self, _: u32) -> u32 {
                ROOT
            }
            fn weight(&self, node: u32) -> u64 {
                if node == ROOT { (1..=1_000_000).sum() } else { 1_000_001 - u64::from(node) }
            }
            fn own(&self, node: u32) -> u64 {
                if node == ROOT { 0 } else { self.weight(node) }
            }
            fn left_out(&self, _: u32) -> u32 {
                0
            }
            fn text(&self, _: u32) -> &str {
                "f"
            }
            fn fill(&self, _: u32) -> Color32 {
                Color32::GRAY
            }
            fn label(&self, _: u32) -> String {
                String::new()
            }
            fn rest_label(&self, _: u64, _: u64) -> String {
                String::new()
            }
        }
        let layout = FlameLayout::new(&Many, ROOT, 1000.0, "");
        let last = layout.placed.last().expect("places");
        // None is half a point wide.
        assert_eq!((layout.placed.len(), last.left, last.right), (2, 0.0, 1000.0));
        assert!(matches!(last.item, FlameItem::Narrow { count: 1_000_000, weight, .. } if weight == Many.weight(ROOT)));
        let wide = FlameLayout::new(&Many, ROOT, 300_000.0, "");
        assert!(wide.placed.len() <= 600_002 && wide.placed.len() > 100_000, "{}", wide.placed.len());
    }
}
