//! Text search in the whole tree of a pivot, also in unopened nodes. Each text is matched once. Counts of matches over the groups
//! show which nodes lead to a match, so that no others are visited and no nodes are created.

use super::metric::{Metric, Value};
use super::sort::SortOrder;
use super::table::Pivot;
use super::tree::{NodeId, PivotTree, TreeStep};
use crate::group::column::KeyColumn;
use crate::group::parallel::{Cancel, Cancelled};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindRequest {
    /// Text to find in the texts of nodes. The empty text has no matches.
    pub text: String,
    /// True if upper and lower case differ.
    pub case_sensitive: bool,
    /// True if it has to be the whole text, apart from trailing spaces.
    pub whole: bool,
    /// Upper bound on the matches that are listed.
    pub limit: usize,
}

/// The matches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FindResult {
    /// Steps from the top row to each match, in the order in which the fully opened tree shows them.
    pub matches: Vec<Vec<TreeStep>>,
    /// True if there are more than those listed.
    pub more: bool,
    /// Number of all matching nodes.
    pub total: u64,
}

/// Finds the nodes whose text matches, in the order of a tree sorted by `sort` as [`PivotTree::children`] does: metrics that are
/// not from aggregates leave the order of the keys.
///
/// # Errors
/// [`Cancelled`] if `cancel` returns `true`.
pub fn find(
    pivot: &Arc<Pivot>,
    sort: SortOrder,
    request: &FindRequest,
    cancel: Cancel<'_>,
) -> Result<FindResult, Cancelled> {
    let Some(matcher) = Matcher::new(request) else {
        return Ok(FindResult::default());
    };
    let Some(search) = Search::new(pivot, &matcher, cancel)? else {
        return Ok(FindResult::default());
    };
    let total = search.before.last().copied().unwrap_or(0);
    let matches = search.walk(sort, request.limit, cancel)?;
    Ok(FindResult { more: total > matches.len() as u64, matches, total })
}

/// Opens a tree along the steps of a match and returns the nodes on the path, the match last. `None` if the tree has no such
/// path.
pub fn walk_to(tree: &mut PivotTree, steps: &[TreeStep]) -> Option<Vec<NodeId>> {
    let mut at = PivotTree::ROOT;
    let mut way = Vec::with_capacity(steps.len());
    for step in steps {
        let children = tree.open(at).to_vec();
        at = children.into_iter().find(|child| tree.step(*child) == *step)?;
        way.push(at);
    }
    Some(way)
}

/// A compiled search.
struct Matcher {
    text: String,
    case_sensitive: bool,
    whole: bool,
}

impl Matcher {
    fn new(request: &FindRequest) -> Option<Self> {
        let FindRequest { text, case_sensitive, whole, .. } = request;
        let text = if *case_sensitive { text.clone() } else { text.to_lowercase() };
        (!text.is_empty()).then_some(Self { text, case_sensitive: *case_sensitive, whole: *whole })
    }

    fn matches(&self, text: &str) -> bool {
        if self.case_sensitive { self.holds(text) } else { self.holds(&text.to_lowercase()) }
    }

    fn holds(&self, text: &str) -> bool {
        if self.whole { text.trim_end() == self.text.trim_end() } else { text.contains(&self.text) }
    }
}

/// The ids of a column that match.
enum Hits {
    Values(Vec<bool>),
    Stacks {
        /// True if the innermost frame matches, by node of the displayed stacks.
        own: Vec<bool>,
        /// Number of frames that match, `[Root]` and the innermost included.
        on_stack: Vec<u32>,
    },
}

impl Hits {
    fn new(column: &KeyColumn, matcher: &Matcher) -> Self {
        let Some(stacks) = column.stacks() else {
            let ids = (0..column.count()).into_par_iter();
            return Self::Values(ids.map(|id| matcher.matches(&column.text(id))).collect());
        };
        let texts: Vec<bool> = stacks.texts().par_iter().map(|t| matcher.matches(t)).collect();
        let root = matcher.matches(stacks.text(0));
        let hit = |node| stacks.text_id(node).map_or(root, |t| texts.get(t as usize).copied().unwrap_or(false));
        let own: Vec<bool> = (0..stacks.len() as u32).map(hit).collect();
        let mut on_stack = vec![0u32; own.len()];
        for (node, hit) in own.iter().enumerate() {
            // Nodes come after their parents.
            let outer = if node == 0 { 0 } else { on_stack[stacks.parent(node as u32) as usize] };
            on_stack[node] = outer + u32::from(*hit);
        }
        Self::Stacks { own, on_stack }
    }

    fn is_empty(&self) -> bool {
        let (Self::Values(own) | Self::Stacks { own, .. }) = self;
        !own.contains(&true)
    }

    fn is_hit(&self, id: u32) -> bool {
        let (Self::Values(own) | Self::Stacks { own, .. }) = self;
        own.get(id as usize).copied().unwrap_or(false)
    }

    /// Number of matching nodes of an id: at most one for a value, one for each matching frame of a stack.
    fn count(&self, id: u32) -> u64 {
        match self {
            Self::Values(_) => u64::from(self.is_hit(id)),
            Self::Stacks { on_stack, .. } => on_stack.get(id as usize).copied().map_or(0, u64::from),
        }
    }
}

struct Search<'p> {
    pivot: &'p Pivot,
    /// Splits groups; no node of it is opened.
    tree: PivotTree,
    hits: Vec<Hits>,
    /// True if the node of the rows without a stack matches.
    no_stack: bool,
    /// For each group the number of matching nodes that begin in groups before it; the last element is the number of all.
    before: Vec<u64>,
}

impl<'p> Search<'p> {
    /// Prepares a search; `None` if no column has a matching text.
    fn new(pivot: &'p Arc<Pivot>, matcher: &Matcher, cancel: Cancel<'_>) -> Result<Option<Self>, Cancelled> {
        let mut hits = Vec::new();
        for column in pivot.columns() {
            if cancel() {
                return Err(Cancelled);
            }
            hits.push(Hits::new(column, matcher));
        }
        let no_stack = matcher.matches("[No stack]");
        if !no_stack && hits.iter().all(Hits::is_empty) {
            return Ok(None);
        }
        let tree = PivotTree::new(Arc::clone(pivot));
        let mut search = Self { pivot, tree, hits, no_stack, before: Vec::new() };
        let begins = |group: usize| {
            if group.is_multiple_of(1 << 16) && cancel() { Err(Cancelled) } else { Ok(search.begins(group)) }
        };
        let mut before: Vec<u64> = (0..pivot.len()).into_par_iter().map(begins).collect::<Result<_, _>>()?;
        let mut sum = 0;
        for count in &mut before {
            sum += std::mem::replace(count, sum);
        }
        before.push(sum);
        search.before = before;
        Ok(Some(search))
    }

    /// Number of matching nodes that begin with this group.
    fn begins(&self, group: usize) -> u64 {
        let own = self.pivot.ids(group);
        let last = group.checked_sub(1).map_or(&[][..], |g| self.pivot.ids(g));
        let Some(column) = own.iter().zip(last).position(|(a, b)| a != b) else {
            return if group == 0 { self.column_onwards(group, 0) } else { 0 };
        };
        let (id, last_id) = (own[column], last[column]);
        let shared = self.pivot.columns().get(column).and_then(|c| c.stacks()).map_or(0, |stacks| {
            let mut common = id;
            while common != 0 && !stacks.subtree(common).contains(&last_id) {
                common = stacks.parent(common);
            }
            self.count(column, common)
        });
        self.count(column, id) - shared + self.column_onwards(group, column + 1)
    }

    fn count(&self, column: usize, id: u32) -> u64 {
        self.hits.get(column).map_or(0, |h| h.count(id))
    }

    /// Number of matching nodes on the path to a group, from the node of a column on.
    fn column_onwards(&self, group: usize, column: usize) -> u64 {
        let ids = self.pivot.ids(group).iter().enumerate().skip(column);
        ids.map(|(column, id)| self.count(column, *id) + self.no_stack_at(group, column)).sum()
    }

    /// 1 if a matching node of the rows without a stack is on the path to a group, else 0.
    fn no_stack_at(&self, group: usize, column: usize) -> u64 {
        let own = self.pivot.ids(group);
        let is_stack = matches!(self.hits.get(column), Some(Hits::Stacks { .. }));
        if !self.no_stack || !is_stack || own.get(column) != Some(&0) {
            return 0;
        }
        // There is such a node if groups with a stack follow those without.
        let (mut low, mut high) = (group + 1, self.pivot.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.pivot.ids(middle)[..=column] <= own[..=column] {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let after = self.pivot.ids(low);
        u64::from(after.get(..column) == own.get(..column) && !after.is_empty())
    }

    fn is_hit(&self, step: TreeStep) -> bool {
        match step {
            TreeStep::Total => false,
            TreeStep::Value { column, id } | TreeStep::Frame { column, frame: id } => {
                self.hits.get(column).is_some_and(|h| h.is_hit(id))
            }
            TreeStep::NoStack { .. } => self.no_stack,
        }
    }

    /// Number of matching nodes below a node.
    fn below(&self, step: TreeStep, groups: &Range<u32>) -> u64 {
        let first = groups.start as usize;
        let on_first = match step {
            TreeStep::Total => self.column_onwards(first, 0),
            TreeStep::Value { column, .. } | TreeStep::NoStack { column } => self.column_onwards(first, column + 1),
            TreeStep::Frame { column, frame } => {
                let id = self.pivot.ids(first).get(column).copied().unwrap_or(0);
                let inner = self.count(column, id) - self.count(column, frame);
                let no_stack = if frame == 0 { self.no_stack_at(first, column) } else { 0 };
                inner + no_stack + self.column_onwards(first, column + 1)
            }
        };
        let at = |group: usize| self.before.get(group).copied().unwrap_or(0);
        on_first + at(groups.end as usize).saturating_sub(at(first + 1))
    }

    /// The children of a node that match or lead to a match, in the order of the tree.
    fn children(&self, step: TreeStep, groups: Range<u32>, sort: SortOrder) -> Vec<(TreeStep, Range<u32>)> {
        let mut children = self.tree.split_step(step, groups);
        children.retain(|(step, groups)| self.is_hit(*step) || self.below(*step, groups) > 0);
        if children.len() < 2 {
            return children;
        }
        let metrics: Vec<Metric> = sort.metrics().collect();
        let mut values = vec![Value::None; metrics.len() * children.len()];
        if !metrics.is_empty() {
            let places = values.par_chunks_mut(metrics.len()).zip(&children).with_min_len(1 << 8);
            places.for_each(|(places, (_, groups))| {
                let aggregate = self.pivot.aggregate_of(groups);
                let values = metrics.iter().map(|metric| self.pivot.value_of(&aggregate, *metric));
                places.iter_mut().zip(values).for_each(|(place, value)| *place = value);
            });
        }
        let value = |child: usize, metric: Metric| {
            let at = metrics.iter().position(|known| *known == metric);
            at.map_or(Value::None, |at| values[child * metrics.len() + at])
        };
        let mut order: Vec<usize> = (0..children.len()).collect();
        order.sort_by(|a, b| sort.order(|metric| (value(*a, metric), value(*b, metric)), a.cmp(b)));
        order.into_iter().map(|at| children[at].clone()).collect()
    }

    fn walk(&self, sort: SortOrder, limit: usize, cancel: Cancel<'_>) -> Result<Vec<Vec<TreeStep>>, Cancelled> {
        let mut matches = Vec::new();
        let mut way = Vec::new();
        let everything = 0..self.pivot.len() as u32;
        let mut open = vec![self.children(TreeStep::Total, everything, sort).into_iter()];
        while matches.len() < limit {
            let Some(siblings) = open.last_mut() else {
                break;
            };
            let Some((step, groups)) = siblings.next() else {
                open.pop();
                way.pop();
                continue;
            };
            if cancel() {
                return Err(Cancelled);
            }
            way.push(step);
            if self.is_hit(step) {
                matches.push(way.clone());
            }
            if self.below(step, &groups) > 0 {
                open.push(self.children(step, groups, sort).into_iter());
            } else {
                way.pop();
            }
        }
        Ok(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Key, PivotRequest, SortLevel, pivot};
    use super::*;
    use crate::group::column_values::ColumnValues;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{names, random_blocks};
    use crate::trace::time::{Ticks, TimeRange};

    fn table(names: &ColumnValues, keys: &[Key]) -> Arc<Pivot> {
        let visible_range = TimeRange { from: Ticks(1000), to: Ticks(8000) };
        Arc::new(pivot(names, &PivotRequest { keys, visible_range, rows: None }, &not_cancelled).unwrap())
    }

    fn request(text: &str) -> FindRequest {
        FindRequest { text: text.to_owned(), case_sensitive: false, whole: false, limit: usize::MAX }
    }

    /// The steps to every node whose text `matches`, in the order of the fully opened tree.
    fn by_opening_everything(
        pivot: &Arc<Pivot>,
        sort: SortOrder,
        matches: impl Fn(&str) -> bool,
    ) -> Vec<Vec<TreeStep>> {
        let mut tree = PivotTree::new(Arc::clone(pivot));
        let mut found = Vec::new();
        let mut open: Vec<(NodeId, Vec<TreeStep>)> = vec![(PivotTree::ROOT, Vec::new())];
        while let Some((node, way)) = open.pop() {
            if node != PivotTree::ROOT && matches(&tree.label(node)) {
                found.push(way.clone());
            }
            for child in tree.children(node, sort).into_iter().rev() {
                let mut way = way.clone();
                way.push(tree.step(child));
                open.push((child, way));
            }
        }
        found
    }

    #[test]
    fn matches_are_those_of_the_fully_opened_tree_in_its_order() {
        const KEYS: [&[Key]; 6] = [
            &[Key::Type, Key::Paged, Key::Tag, Key::Stack],
            &[Key::Stack, Key::FreeStack, Key::Tag],
            &[Key::FreeStack, Key::Process, Key::Stack],
            &[Key::Driver, Key::Stack, Key::Thread],
            &[Key::Tag, Key::Address],
            &[],
        ];
        const TEXTS: [&str; 11] =
            ["NT", "a", "[", "[No stack]", "[Root]", "+0x30", "Leak", "sys+0x", "0", "svchost", "nowhere"];
        let names = names(&random_blocks(17, 700));
        let sorts = ["size", "count:asc", "key", "key:desc", "peak_size", "max,count:asc", "impacting_count,key:desc"];
        let mut seen = 0;
        for keys in KEYS {
            let pivot = table(&names, keys);
            for sort in sorts.map(|s| s.parse::<SortOrder>().unwrap()) {
                for text in TEXTS {
                    let lower = text.to_lowercase();
                    let expected = by_opening_everything(&pivot, sort, |t| t.to_lowercase().contains(&lower));
                    let found = find(&pivot, sort, &request(text), &not_cancelled).unwrap();
                    assert_eq!(found.total, expected.len() as u64, "{keys:?} {text}");
                    assert!(found.matches == expected && !found.more, "{keys:?} {sort:?} {text}");
                    seen += expected.len();
                    let few = find(&pivot, sort, &FindRequest { limit: 3, ..request(text) }, &not_cancelled).unwrap();
                    assert_eq!(few.matches, expected[..expected.len().min(3)]);
                    assert_eq!((few.more, few.total), (expected.len() > 3, found.total));
                }
            }
        }
        assert!(seen > 10_000, "{seen}");
    }

    #[test]
    fn case_and_whole_texts_count_where_asked_for() {
        let names = names(&random_blocks(17, 300));
        let pivot = table(&names, &[Key::Tag]);
        let total = |request: FindRequest| find(&pivot, SortOrder::default(), &request, &not_cancelled).unwrap().total;
        assert_eq!(total(request("ntf")), 2);
        assert_eq!(total(FindRequest { case_sensitive: true, ..request("ntf") }), 0);
        assert_eq!(total(FindRequest { whole: true, ..request("ntf") }), 0);
        assert_eq!(total(FindRequest { whole: true, ..request("fil") }), 1);
        assert_eq!(total(request("")), 0);
        assert!(find(&pivot, SortOrder::default(), &request("a"), &|| true).is_err());
    }

    #[test]
    fn another_tree_can_be_opened_to_a_match() {
        let names = names(&random_blocks(17, 300));
        let pivot = table(&names, &[Key::Tag, Key::Stack]);
        let mut tree = PivotTree::new(Arc::clone(&pivot));
        let sort = SortOrder::new(&[SortLevel { metric: Some(Metric::Count), ascending: false }]);
        let found = find(&pivot, sort, &request("myfault"), &not_cancelled).unwrap();
        assert!(!found.matches.is_empty());
        for steps in &found.matches {
            let way = walk_to(&mut tree, steps).unwrap();
            assert_eq!(way.len(), steps.len());
            let last = *way.last().unwrap();
            assert!(tree.label(last).contains("myfault"));
            assert_eq!(tree.depth(last), steps.len());
        }
        assert_eq!(walk_to(&mut tree, &[TreeStep::NoStack { column: 0 }]), None);
    }
}
