//! The visible rows of a pivot tree, without a list of them: every open node knows how many rows the open nodes above
//! each of its open children show, so that row number n is found by binary search on each level. Opening or closing one
//! node costs its own children, never all rows.

#[cfg(test)]
mod tests;
mod value_cache;

use poolscope_analysis::pivot::{
    Metric, NodeId, PivotTree, RowPath, RowPathStep, SortLevel, SortOrder, TreeStep, Value,
};
use rustc_hash::{FxHashMap, FxHashSet};

pub use value_cache::DeferredValues;
use value_cache::ValueCache;

/// The children of an open node, in the order they are shown in.
#[derive(Debug, Default)]
struct Branch {
    children: Vec<NodeId>,
    /// Open children, by their place.
    open: Vec<OpenChild>,
    rows: u64,
}

#[derive(Debug)]
struct OpenChild {
    place: usize,
    /// Rows that the open children before this one show below themselves.
    above: u64,
    branch: Branch,
}

impl Branch {
    fn count(&mut self) {
        let mut above = 0;
        for child in &mut self.open {
            child.above = above;
            above += child.branch.rows;
        }
        self.rows = self.children.len() as u64 + above;
    }

    /// The open child at this place.
    fn open_at(&self, place: usize) -> Option<&OpenChild> {
        let at = self.open.binary_search_by_key(&place, |c| c.place).ok()?;
        self.open.get(at)
    }

    /// Rows before the child at `place`.
    fn rows_before(&self, place: usize) -> u64 {
        let later = self.open.partition_point(|c| c.place < place);
        let above = later.checked_sub(1).and_then(|i| self.open.get(i)).map_or(0, |c| c.above + c.branch.rows);
        place as u64 + above
    }
}

/// A tree with some nodes open, as a list of rows.
#[derive(Debug)]
pub struct VisibleRows {
    cache: ValueCache,
    root: Branch,
}

impl VisibleRows {
    /// The rows of `tree`, open at every path in `expanded` whose parents are open too.
    #[must_use]
    pub fn new(tree: PivotTree, sort: SortOrder, expanded: &FxHashSet<u64>) -> Self {
        Self::with_deferred(tree, sort, expanded, DeferredValues::default())
    }

    /// The same with values of metrics that are no sums, which the order may depend on.
    #[must_use]
    pub fn with_deferred(
        tree: PivotTree,
        sort: SortOrder,
        expanded: &FxHashSet<u64>,
        deferred: DeferredValues,
    ) -> Self {
        let mut cache = ValueCache { tree, sort, deferred };
        let root = build(&mut cache, PivotTree::ROOT, expanded);
        Self { cache, root }
    }

    /// The tree below.
    #[must_use]
    pub fn tree(&self) -> &PivotTree {
        &self.cache.tree
    }

    /// The order of the rows: the first decides, then the next, then the keys.
    #[must_use]
    pub fn sort(&self) -> SortOrder {
        self.cache.sort
    }

    /// A figure of a row; `None` while it is not known yet.
    #[must_use]
    pub fn value(&self, id: NodeId, metric: Metric) -> Option<Value> {
        self.cache.value(id, metric)
    }

    /// The nodes whose figure is not known, children of open nodes first to last, at most `limit`.
    #[must_use]
    pub fn unknown(&self, metric: Metric, limit: usize) -> Vec<NodeId> {
        let mut unknown = Vec::new();
        let mut next = vec![&self.root];
        while let Some(branch) = next.pop() {
            let missing = branch.children.iter().filter(|child| self.value(**child, metric).is_none());
            unknown.extend(missing.take(limit - unknown.len()));
            next.extend(branch.open.iter().map(|child| &child.branch));
        }
        unknown
    }

    /// The values of metrics that are no sums, as far as they are known.
    #[must_use]
    pub fn deferred(&self) -> &DeferredValues {
        &self.cache.deferred
    }

    /// Keeps values that were computed later. Returns whether the order depends on them: the rows then have to be sorted again.
    pub fn learn(&mut self, metric: Metric, values: impl IntoIterator<Item = (NodeId, Value)>) -> bool {
        let cache = &mut self.cache;
        let by_path = values.into_iter().map(|(node, value)| ((cache.tree.path_hash(node), metric), value));
        cache.deferred.extend(by_path);
        cache.sort.metrics().any(|sorted| sorted == metric)
    }

    /// Opens along the steps to a node and returns it; nothing becomes visible by that.
    pub fn walk_to(&mut self, steps: &[TreeStep]) -> Option<NodeId> {
        let tree = &mut self.cache.tree;
        steps.iter().try_fold(PivotTree::ROOT, |at, step| {
            let children = tree.open(at).to_vec();
            children.into_iter().find(|child| tree.step(*child) == *step)
        })
    }

    /// Opens along a place and returns its node, if these columns lead to it; nothing becomes visible by that.
    pub fn walk_to_place(&mut self, place: &RowPath) -> Option<NodeId> {
        let mut at = PivotTree::ROOT;
        loop {
            let tree = &mut self.cache.tree;
            let children = tree.open(at).to_vec();
            at = children.into_iter().find(|child| leads_to(&RowPath::of(tree, *child), place))?;
            if RowPath::of(tree, at) == *place {
                return Some(at);
            }
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.root.rows
    }

    /// Returns whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.rows == 0
    }

    /// The node in row `index`.
    #[must_use]
    pub fn node_at(&self, index: u64) -> Option<NodeId> {
        let mut branch = &self.root;
        let mut rest = index;
        loop {
            // The last open child that begins at or before the wanted row.
            let later = branch.open.partition_point(|c| c.place as u64 + c.above <= rest);
            let Some(child) = later.checked_sub(1).and_then(|i| branch.open.get(i)) else {
                return branch.children.get(usize::try_from(rest).ok()?).copied();
            };
            let below = rest - (child.place as u64 + child.above);
            if below == 0 {
                return branch.children.get(child.place).copied();
            }
            if below > child.branch.rows {
                let place = rest - child.above - child.branch.rows;
                return branch.children.get(usize::try_from(place).ok()?).copied();
            }
            branch = &child.branch;
            rest = below - 1;
        }
    }

    /// The row that a node is in; `None` while it is not visible.
    #[must_use]
    pub fn index_of(&self, id: NodeId) -> Option<u64> {
        let mut branch = &self.root;
        let mut index = 0;
        let chain = self.chain(id);
        for (depth, node) in chain.iter().enumerate() {
            let place = self.place(branch, *node)?;
            index += branch.rows_before(place);
            if depth + 1 < chain.len() {
                branch = &branch.open_at(place)?.branch;
                index += 1;
            }
        }
        (!chain.is_empty()).then_some(index)
    }

    /// Returns whether what is below the node is shown.
    #[must_use]
    pub fn is_open(&self, id: NodeId) -> bool {
        self.branch(id).is_some()
    }

    /// Opens a visible node; below it, what is in `expanded`.
    pub fn open(&mut self, id: NodeId, expanded: &FxHashSet<u64>) {
        if !self.cache.tree.has_children(id) || self.is_open(id) {
            return;
        }
        let Some(places) = self.places(id) else { return };
        let branch = build(&mut self.cache, id, expanded);
        change(&mut self.root, &places, Some(branch));
    }

    /// Closes a node.
    pub fn close(&mut self, id: NodeId) {
        if let Some(places) = self.places(id) {
            change(&mut self.root, &places, None);
        }
    }

    /// The only-child chain from `id` down: the nodes that open together with it.
    pub fn chain_below(&mut self, id: NodeId) -> Vec<NodeId> {
        self.cache.tree.open_chain(id)
    }

    /// Puts the paths of `id` and of everything below it into `expanded`, breadth first, at most `limit`; returns how many.
    pub fn expand_below(&mut self, id: NodeId, limit: usize, expanded: &mut FxHashSet<u64>) -> usize {
        let mut level = vec![id];
        let mut count = 0;
        while !level.is_empty() {
            let mut next = Vec::new();
            for node in level {
                if count == limit {
                    return count;
                }
                if self.cache.tree.has_children(node) {
                    expanded.insert(self.cache.tree.path_hash(node));
                    count += 1;
                    next.extend_from_slice(self.cache.tree.open(node));
                }
            }
            level = next;
        }
        count
    }

    /// Opens what leads to the answer: the top row called `first` (or else the largest), in it the largest row, in that the largest, down to
    /// the innermost. Returns the opened nodes, outermost first.
    pub fn follow_largest(&mut self, first: &str, expanded: &mut FxHashSet<u64>) -> Vec<NodeId> {
        let by_size = SortLevel::default();
        let top = self.cache.tree.children(PivotTree::ROOT, by_size);
        let named = top.iter().find(|n| self.cache.tree.label(**n) == first);
        let mut at = named.or(top.first()).copied();
        let mut opened = Vec::new();
        while let Some(node) = at.filter(|n| self.cache.tree.has_children(*n)) {
            expanded.insert(self.cache.tree.path_hash(node));
            opened.push(node);
            at = self.cache.tree.children(node, by_size).first().copied();
        }
        self.root = build(&mut self.cache, PivotTree::ROOT, expanded);
        opened
    }

    /// Changes the order of the rows.
    pub fn set_sort(&mut self, sort: SortOrder, expanded: &FxHashSet<u64>) {
        self.cache.sort = sort;
        self.root = build(&mut self.cache, PivotTree::ROOT, expanded);
    }

    /// The child of an open node that weighs most by the sort's figure, by size where names decide the order.
    #[must_use]
    pub fn largest_child(&self, id: NodeId) -> Option<NodeId> {
        let children = &self.branch(id)?.children;
        let first = self.cache.sort.first();
        if first.metric.is_none() {
            // Names say nothing of weight. Of equal ones the first.
            return children.iter().rev().copied().max_by_key(|child| self.cache.tree.aggregate(*child).size());
        }
        if first.ascending { children.last() } else { children.first() }.copied()
    }

    /// The nodes among the visible ones that have one of these paths.
    #[must_use]
    pub fn find_paths(&self, wanted: &FxHashSet<u64>) -> FxHashMap<u64, NodeId> {
        let mut found = FxHashMap::default();
        let mut next = vec![&self.root];
        while let Some(branch) = next.pop() {
            for child in &branch.children {
                let path = self.cache.tree.path_hash(*child);
                if wanted.contains(&path) {
                    found.insert(path, *child);
                }
            }
            next.extend(branch.open.iter().map(|c| &c.branch));
        }
        found
    }

    /// The paths of the open nodes, those nearer to the top first, at most `limit`.
    #[must_use]
    pub fn open_paths(&self, limit: usize) -> Vec<u64> {
        let mut paths = Vec::new();
        let mut level = vec![&self.root];
        while !level.is_empty() {
            let mut next = Vec::new();
            for branch in level {
                for child in &branch.open {
                    if paths.len() == limit {
                        return paths;
                    }
                    paths.extend(branch.children.get(child.place).map(|node| self.cache.tree.path_hash(*node)));
                    next.push(&child.branch);
                }
            }
            level = next;
        }
        paths
    }

    /// The first visible node, from the top of the tree, for which `wanted` holds.
    pub fn visible(&self, wanted: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        fn search(branch: &Branch, wanted: &dyn Fn(NodeId) -> bool) -> Option<NodeId> {
            let mut open = branch.open.iter().peekable();
            for (place, child) in branch.children.iter().enumerate() {
                if wanted(*child) {
                    return Some(*child);
                }
                if let Some(inner) = open.next_if(|c| c.place == place)
                    && let Some(found) = search(&inner.branch, wanted)
                {
                    return Some(found);
                }
            }
            None
        }
        search(&self.root, &wanted)
    }

    /// The nodes that show a text in a key column, visible or not, level by level.
    pub fn nodes_with(&mut self, column: usize, text: &str) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut level = vec![PivotTree::ROOT];
        while !level.is_empty() {
            let mut next = Vec::new();
            for node in level {
                let children = self.cache.tree.open(node).to_vec();
                for child in children {
                    match self.cache.tree.column(child) {
                        Some(at) if at < column => next.push(child),
                        Some(at) if at == column && self.cache.tree.label(child) == text => found.push(child),
                        _ => {}
                    }
                }
            }
            level = next;
        }
        found
    }

    /// Opens everything above a node, so that it is visible.
    pub fn show(&mut self, id: NodeId, expanded: &mut FxHashSet<u64>) {
        let chain = self.chain(id);
        for node in chain.iter().take(chain.len().saturating_sub(1)) {
            expanded.insert(self.cache.tree.path_hash(*node));
            self.open(*node, expanded);
        }
    }

    /// The node and those above it, outermost first, the root left out.
    fn chain(&self, id: NodeId) -> Vec<NodeId> {
        let mut chain = Vec::new();
        let mut at = id;
        while at != PivotTree::ROOT {
            chain.push(at);
            at = self.cache.tree.parent(at);
        }
        chain.reverse();
        chain
    }

    fn places(&self, id: NodeId) -> Option<Vec<usize>> {
        let mut branch = Some(&self.root);
        let mut places = Vec::new();
        for node in self.chain(id) {
            let here = branch?;
            let place = self.place(here, node)?;
            branch = here.open_at(place).map(|c| &c.branch);
            places.push(place);
        }
        (!places.is_empty()).then_some(places)
    }

    fn branch(&self, id: NodeId) -> Option<&Branch> {
        let mut branch = &self.root;
        for node in self.chain(id) {
            branch = &branch.open_at(self.place(branch, node)?)?.branch;
        }
        Some(branch)
    }

    /// Position of a child among its siblings.
    fn place(&self, branch: &Branch, id: NodeId) -> Option<usize> {
        branch.children.binary_search_by(|other| self.cache.compare(*other, id)).ok()
    }
}

/// Returns whether `place` is `here` or below it.
fn leads_to(here: &RowPath, place: &RowPath) -> bool {
    let fits = |(here, there): (&RowPathStep, &RowPathStep)| match (here, there) {
        (RowPathStep::Frames { key, frames }, RowPathStep::Frames { key: other, frames: more }) => {
            key == other && more.starts_with(frames)
        }
        _ => here == there,
    };
    here.0.len() <= place.0.len() && here.0.iter().zip(&place.0).all(fits)
}

fn build(cache: &mut ValueCache, id: NodeId, expanded: &FxHashSet<u64>) -> Branch {
    let children = cache.children(id);
    let mut open = Vec::new();
    if !expanded.is_empty() {
        for (place, child) in children.iter().enumerate() {
            if expanded.contains(&cache.tree.path_hash(*child)) && cache.tree.has_children(*child) {
                open.push(OpenChild { place, above: 0, branch: build(cache, *child, expanded) });
            }
        }
    }
    let mut branch = Branch { children, open, rows: 0 };
    branch.count();
    branch
}

/// Opens (with its rows) or closes the child at the end of `places`, and updates the counts on the way back.
fn change(branch: &mut Branch, places: &[usize], with: Option<Branch>) {
    let [place, rest @ ..] = places else { return };
    let at = branch.open.binary_search_by_key(place, |c| c.place);
    match (at, rest.is_empty(), with) {
        (Ok(at), false, with) => {
            if let Some(child) = branch.open.get_mut(at) {
                change(&mut child.branch, rest, with);
            }
        }
        (Ok(at), true, None) => {
            branch.open.remove(at);
        }
        (Err(at), true, Some(new)) => branch.open.insert(at, OpenChild { place: *place, above: 0, branch: new }),
        _ => {}
    }
    branch.count();
}
