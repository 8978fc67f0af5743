//! The visible rows of a pivot tree, without a list of them: every open node knows how many rows the open nodes above
//! each of its open children show, so that row number n is found by binary search on each level. Opening or closing one
//! node costs its own children, never all rows.

mod fold;
#[cfg(test)]
mod tests;
mod value_cache;

use std::sync::Arc;

use poolscope_analysis::pivot::{
    Metric, NodeId, PivotTree, RowPath, RowPathStep, SortLevel, SortOrder, TreeStep, Value,
};
use rustc_hash::{FxHashMap, FxHashSet};

pub use fold::{MIN_FOLDED, unfold_mark};
pub use value_cache::DeferredValues;
use value_cache::ValueCache;

/// Values of a column that are tried in the search for a row by its other columns.
const MAX_TRIED: usize = 64;

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
    /// The frames that the row stands for, its own first; none if it stands for itself alone.
    fold: Vec<NodeId>,
    /// Rows below this one, which are below the last of these frames.
    branch: Branch,
}

impl OpenChild {
    /// The child at a place, open with what is in `expanded`.
    fn new(cache: &mut ValueCache, place: usize, node: NodeId, expanded: &FxHashSet<u64>) -> Self {
        let fold = fold::folded(cache, node, expanded);
        let inner = fold.last().copied().unwrap_or(node);
        Self { place, above: 0, branch: build(cache, inner, expanded), fold }
    }
}

/// A visible row.
#[derive(Debug, Clone)]
pub struct VisibleRow<'r> {
    /// Its node.
    pub node: NodeId,
    /// The frames that are folded into it, the outermost first and its own among them; empty if it stands for itself alone.
    pub fold: &'r [NodeId],
    /// The nodes of the rows that it is below, the outermost first.
    pub above: Vec<NodeId>,
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
    /// The rows of `tree`, open at every path in `expanded` whose parents are open too, in an order that may depend on values of
    /// metrics that are no sums. `responsible` has a flag for each node of the displayed stacks.
    #[must_use]
    pub fn new(
        tree: PivotTree,
        sort: SortOrder,
        expanded: &FxHashSet<u64>,
        deferred: DeferredValues,
        responsible: Arc<Vec<bool>>,
    ) -> Self {
        let mut cache = ValueCache { tree, sort, deferred, responsible };
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

    /// The node of the innermost of these values, in whatever order the columns ask for them; nothing becomes visible by that. A
    /// column that they say nothing of is passed through its largest values first.
    pub fn find_values(&mut self, steps: &[RowPathStep]) -> Option<NodeId> {
        let keys = self.cache.tree.pivot().keys().to_vec();
        let wanted: Vec<Option<&RowPathStep>> =
            keys.iter().map(|key| steps.iter().find(|step| step.key() == *key)).collect();
        let last = wanted.iter().rposition(Option::is_some)?;
        self.find_below(PivotTree::ROOT, wanted.get(..=last)?)
    }

    fn find_below(&mut self, at: NodeId, wanted: &[Option<&RowPathStep>]) -> Option<NodeId> {
        let Some((step, rest)) = wanted.split_first() else { return Some(at) };
        let children = self.cache.tree.children(at, SortLevel::default());
        match step {
            Some(RowPathStep::Frames { frames, .. }) => {
                // Down to the innermost frame that exists here.
                let root = children.first().copied()?;
                let found = frames.iter().try_fold(root, |node, frame| {
                    let callees = self.cache.tree.open(node).to_vec();
                    callees.into_iter().find(|callee| self.cache.tree.label(*callee) == *frame).ok_or(node)
                });
                let (Ok(node) | Err(node)) = found;
                rest.is_empty().then_some(node)
            }
            Some(step) => {
                let own = |tree: &PivotTree, node| RowPath::of(tree, node).0.last() == Some(step);
                let child = children.into_iter().find(|child| own(&self.cache.tree, *child))?;
                self.find_below(child, rest)
            }
            None => children.into_iter().take(MAX_TRIED).find_map(|child| self.find_below(child, rest)),
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
        self.descend(index, |_| {}).map(|(node, _)| node)
    }

    /// Row `index`, with the rows that it is below and the frames that are folded into it.
    #[must_use]
    pub fn row_at(&self, index: u64) -> Option<VisibleRow<'_>> {
        let mut above = Vec::new();
        let (node, fold) = self.descend(index, |node| above.push(node))?;
        Some(VisibleRow { node, fold, above })
    }

    /// Goes down to row `index` and calls `passed` with the node of each row that it is below.
    fn descend(&self, index: u64, mut passed: impl FnMut(NodeId)) -> Option<(NodeId, &[NodeId])> {
        let mut branch = &self.root;
        let mut rest = index;
        loop {
            // The last open child that begins at or before the wanted row.
            let later = branch.open.partition_point(|c| c.place as u64 + c.above <= rest);
            let Some(child) = later.checked_sub(1).and_then(|i| branch.open.get(i)) else {
                return Some((branch.children.get(usize::try_from(rest).ok()?).copied()?, &[]));
            };
            let below = rest - (child.place as u64 + child.above);
            if below == 0 {
                return Some((branch.children.get(child.place).copied()?, &child.fold));
            }
            if below > child.branch.rows {
                let place = rest - child.above - child.branch.rows;
                return Some((branch.children.get(usize::try_from(place).ok()?).copied()?, &[]));
            }
            passed(branch.children.get(child.place).copied()?);
            branch = &child.branch;
            rest = below - 1;
        }
    }

    /// Goes from the top to the row of a node and calls `passed` with the children around each row on the way, its own last, and
    /// the place in them. Returns the open part of the node, `Some(None)` if it is closed; `None` if it has no row of its own.
    fn walk<'b>(&'b self, id: NodeId, mut passed: impl FnMut(&'b Branch, usize)) -> Option<Option<&'b OpenChild>> {
        let chain = self.chain(id);
        let mut branch = &self.root;
        let mut at = 0;
        loop {
            let place = self.place(branch, *chain.get(at)?)?;
            passed(branch, place);
            let child = branch.open_at(place);
            at += 1;
            if at == chain.len() {
                return Some(child);
            }
            // Frames that are folded into the row have none of their own.
            let child = child?;
            at += child.fold.len().saturating_sub(1);
            branch = &child.branch;
        }
    }

    /// The row that a node is in; `None` while it has no row of its own.
    #[must_use]
    pub fn index_of(&self, id: NodeId) -> Option<u64> {
        let mut index = 0;
        let mut depth = 0;
        self.walk(id, |branch, place| {
            index += branch.rows_before(place) + u64::from(depth > 0);
            depth += 1;
        })?;
        Some(index)
    }

    /// Returns whether what is below the node is shown.
    #[must_use]
    pub fn is_open(&self, id: NodeId) -> bool {
        self.branch(id).is_some()
    }

    /// The frames that are folded into the row of a node, its own first; empty if it stands for itself alone.
    #[must_use]
    pub fn fold_of(&self, id: NodeId) -> &[NodeId] {
        self.walk(id, |_, _| {}).flatten().map_or(&[], |child| &child.fold)
    }

    /// Returns whether a node shows a responsible frame.
    #[must_use]
    pub fn is_responsible(&self, id: NodeId) -> bool {
        matches!(self.cache.tree.step(id), TreeStep::Frame { frame, .. } if self.cache.is_responsible(frame))
    }

    /// Shows the frames of the run that a node is in one by one from the next build on: puts the mark for that into `expanded`.
    /// Returns the first frame of the run; `None` if the node is in none.
    pub fn mark_unfolded(&mut self, id: NodeId, expanded: &mut FxHashSet<u64>) -> Option<NodeId> {
        let first = fold::run_start(&mut self.cache, id, expanded)?;
        expanded.insert(unfold_mark(self.cache.tree.path_hash(first)));
        Some(first)
    }

    /// Shows the frames of the run that a node is in one by one.
    pub fn unfold(&mut self, id: NodeId, expanded: &mut FxHashSet<u64>) {
        if let Some(first) = self.mark_unfolded(id, expanded) {
            self.rebuild(first, expanded);
        }
    }

    /// Folds the frames of a run into the row of the first of them again; returns whether the node begins a run that was shown
    /// frame by frame.
    pub fn fold(&mut self, id: NodeId, expanded: &mut FxHashSet<u64>) -> bool {
        if !expanded.remove(&unfold_mark(self.cache.tree.path_hash(id))) {
            return false;
        }
        self.rebuild(id, expanded);
        !self.fold_of(id).is_empty()
    }

    /// Opens a visible node; below it, what is in `expanded`.
    pub fn open(&mut self, id: NodeId, expanded: &FxHashSet<u64>) {
        if self.cache.tree.has_children(id) && !self.is_open(id) {
            self.rebuild(id, expanded);
        }
    }

    /// Closes a node that is no longer in `expanded`.
    pub fn close(&mut self, id: NodeId, expanded: &FxHashSet<u64>) {
        if self.is_open(id) {
            self.rebuild(id, expanded);
        }
    }

    /// Shows what is in `expanded` at a visible node and below it, and in the run of frames that it may be a part of.
    fn rebuild(&mut self, id: NodeId, expanded: &FxHashSet<u64>) {
        let top = fold::affected(&self.cache.tree, id);
        let mut places = Vec::new();
        if self.walk(top, |_, place| places.push(place)).is_none() {
            return;
        }
        let Some(place) = places.last().copied() else { return };
        let is_open = expanded.contains(&self.cache.tree.path_hash(top)) && self.cache.tree.has_children(top);
        let child = is_open.then(|| OpenChild::new(&mut self.cache, place, top, expanded));
        change(&mut self.root, &places, child);
    }

    /// The only-child chain from `id` down: the nodes that open together with it.
    pub fn chain_below(&mut self, id: NodeId) -> Vec<NodeId> {
        self.cache.tree.open_chain(id)
    }

    /// Puts the paths of `id` and of everything below it into `expanded`, breadth first, at most `limit`, with runs of frames shown
    /// frame by frame; returns how many were opened.
    pub fn expand_below(&mut self, id: NodeId, limit: usize, expanded: &mut FxHashSet<u64>) -> usize {
        let mut level = vec![id];
        let mut opened = Vec::new();
        while !level.is_empty() && opened.len() < limit {
            let mut next = Vec::new();
            for node in level {
                if opened.len() < limit && self.cache.tree.has_children(node) {
                    expanded.insert(self.cache.tree.path_hash(node));
                    opened.push(node);
                    next.extend_from_slice(self.cache.tree.open(node));
                }
            }
            level = next;
        }
        for node in &opened {
            self.mark_unfolded(*node, expanded);
        }
        self.rebuild(id, expanded);
        opened.len()
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

    /// The way down from a node to its largest child, to the largest child of that, and so on, by size.
    #[must_use]
    pub fn largest_below(&mut self, id: NodeId) -> Vec<NodeId> {
        let by_size = SortLevel::default();
        let mut way = Vec::new();
        let mut at = id;
        while let Some(child) = self.cache.tree.children(at, by_size).first().copied() {
            way.push(child);
            at = child;
        }
        way
    }

    /// The nodes of the rows that have one of these paths, or stand for a frame that has it.
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
            for child in &branch.open {
                // A frame without a row of its own is in that of the first of its run.
                let Some((first, inner)) = child.fold.split_first() else { continue };
                let paths = inner.iter().map(|node| self.cache.tree.path_hash(*node));
                found.extend(paths.filter(|path| wanted.contains(path)).map(|path| (path, *first)));
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
                    paths.extend(child.fold.iter().skip(1).map(|node| self.cache.tree.path_hash(*node)));
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

    /// Opens everything above a node, so that it has a row of its own.
    pub fn show(&mut self, id: NodeId, expanded: &mut FxHashSet<u64>) {
        let chain = self.chain(id);
        let Some((_, above)) = chain.split_last() else { return };
        let closed = above.iter().copied().find(|node| !expanded.contains(&self.cache.tree.path_hash(*node)));
        expanded.extend(above.iter().map(|node| self.cache.tree.path_hash(*node)));
        // Of two places that change, the outer one covers the other.
        let is_hidden = self.index_of(id).is_none() || !self.fold_of(id).is_empty();
        let first = if is_hidden { self.mark_unfolded(id, expanded) } else { None };
        let depth = |node: &NodeId| self.cache.tree.depth(*node);
        if let Some(top) = closed.into_iter().chain(first).min_by_key(depth) {
            self.rebuild(top, expanded);
        }
    }

    /// Returns whether the second node is below the first, or is it.
    #[must_use]
    pub fn is_within(&self, outer: NodeId, inner: NodeId) -> bool {
        let mut at = inner;
        while at != outer && at != PivotTree::ROOT {
            at = self.cache.tree.parent(at);
        }
        at == outer
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

    fn branch(&self, id: NodeId) -> Option<&Branch> {
        if id == PivotTree::ROOT {
            return Some(&self.root);
        }
        self.walk(id, |_, _| {}).flatten().map(|child| &child.branch)
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
                open.push(OpenChild::new(cache, place, *child, expanded));
            }
        }
    }
    let mut branch = Branch { children, open, rows: 0 };
    branch.count();
    branch
}

/// Puts in the child at the end of `places`, or takes it out, and updates the counts on the way back.
fn change(branch: &mut Branch, places: &[usize], with: Option<OpenChild>) {
    let [place, rest @ ..] = places else { return };
    let at = branch.open.binary_search_by_key(place, |c| c.place);
    match (at, rest.is_empty(), with) {
        (Ok(at), false, with) => {
            if let Some(child) = branch.open.get_mut(at) {
                change(&mut child.branch, rest, with);
            }
        }
        (Ok(at), true, None) => drop(branch.open.remove(at)),
        (Ok(at), true, Some(new)) => {
            if let Some(child) = branch.open.get_mut(at) {
                *child = new;
            }
        }
        (Err(at), true, Some(new)) => branch.open.insert(at, new),
        (Err(_), _, _) => {}
    }
    branch.count();
}
