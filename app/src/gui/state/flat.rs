//! The visible rows of a pivot tree, without a list of them: every open node knows how many rows the open nodes above
//! each of its open children show, so that row number n is found by binary search on each level. Opening or closing one
//! node costs its own children, never all rows.

use std::cmp::Ordering;

use poolscope_core::pivot::{NodeId, PivotTree, Sort};
use rustc_hash::{FxHashMap, FxHashSet};

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
pub struct Flat {
    tree: PivotTree,
    sort: Sort,
    root: Branch,
}

impl Flat {
    /// The rows of `tree`, open at every path in `expanded` whose parents are open too.
    #[must_use]
    pub fn new(mut tree: PivotTree, sort: Sort, expanded: &FxHashSet<u64>) -> Self {
        let root = build(&mut tree, PivotTree::ROOT, sort, expanded);
        Self { tree, sort, root }
    }

    /// The tree below.
    #[must_use]
    pub fn tree(&self) -> &PivotTree {
        &self.tree
    }

    /// The order of the rows.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.root.rows
    }

    /// Whether there are no rows.
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

    /// Whether what is below the node is shown.
    #[must_use]
    pub fn is_open(&self, id: NodeId) -> bool {
        self.branch(id).is_some()
    }

    /// Opens a visible node; below it, what is in `expanded`.
    pub fn open(&mut self, id: NodeId, expanded: &FxHashSet<u64>) {
        if !self.tree.has_children(id) || self.is_open(id) {
            return;
        }
        let Some(places) = self.places(id) else { return };
        let branch = build(&mut self.tree, id, self.sort, expanded);
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
        self.tree.open_chain(id)
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
                if self.tree.has_children(node) {
                    expanded.insert(self.tree.path(node));
                    count += 1;
                    next.extend_from_slice(self.tree.open(node));
                }
            }
            level = next;
        }
        count
    }

    /// Opens what leads to the answer: the first top row called `first`, in it the largest row, in that the largest, down to
    /// the innermost. Returns the opened nodes, outermost first.
    pub fn follow_largest(&mut self, first: &str, expanded: &mut FxHashSet<u64>) -> Vec<NodeId> {
        let by_size = Sort::default();
        let top = self.tree.children(PivotTree::ROOT, by_size);
        let mut at = top.into_iter().find(|n| self.tree.label(*n) == first);
        let mut opened = Vec::new();
        while let Some(node) = at.filter(|n| self.tree.has_children(*n)) {
            expanded.insert(self.tree.path(node));
            opened.push(node);
            at = self.tree.children(node, by_size).first().copied();
        }
        self.root = build(&mut self.tree, PivotTree::ROOT, self.sort, expanded);
        opened
    }

    /// Changes the order of the rows.
    pub fn set_sort(&mut self, sort: Sort, expanded: &FxHashSet<u64>) {
        self.sort = sort;
        self.root = build(&mut self.tree, PivotTree::ROOT, sort, expanded);
    }

    /// The child of an open node that weighs most by the sort's figure: the first where the largest come first.
    #[must_use]
    pub fn largest_child(&self, id: NodeId) -> Option<NodeId> {
        let children = &self.branch(id)?.children;
        if self.sort.ascending && self.sort.figure.is_some() { children.last() } else { children.first() }.copied()
    }

    /// The nodes among the visible ones that have one of these paths.
    #[must_use]
    pub fn find_paths(&self, wanted: &FxHashSet<u64>) -> FxHashMap<u64, NodeId> {
        let mut found = FxHashMap::default();
        let mut next = vec![&self.root];
        while let Some(branch) = next.pop() {
            for child in &branch.children {
                let path = self.tree.path(*child);
                if wanted.contains(&path) {
                    found.insert(path, *child);
                }
            }
            next.extend(branch.open.iter().map(|c| &c.branch));
        }
        found
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
                let children = self.tree.open(node).to_vec();
                for child in children {
                    match self.tree.column(child) {
                        Some(at) if at < column => next.push(child),
                        Some(at) if at == column && self.tree.label(child) == text => found.push(child),
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
            expanded.insert(self.tree.path(*node));
            self.open(*node, expanded);
        }
    }

    /// The node and those above it, outermost first, the root left out.
    fn chain(&self, id: NodeId) -> Vec<NodeId> {
        let mut chain = Vec::new();
        let mut at = id;
        while at != PivotTree::ROOT {
            chain.push(at);
            at = self.tree.parent(at);
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

    /// Where a child stands among its siblings.
    fn place(&self, branch: &Branch, id: NodeId) -> Option<usize> {
        branch.children.binary_search_by(|other| compare(&self.tree, self.sort, *other, id)).ok()
    }
}

/// The order of siblings, the same as [`PivotTree::children`] gives them in.
fn compare(tree: &PivotTree, sort: Sort, a: NodeId, b: NodeId) -> Ordering {
    match sort.figure {
        Some(figure) => sort.order(tree.figure(a, figure), tree.figure(b, figure)).then(a.cmp(&b)),
        None if sort.ascending => a.cmp(&b),
        None => b.cmp(&a),
    }
}

fn build(tree: &mut PivotTree, id: NodeId, sort: Sort, expanded: &FxHashSet<u64>) -> Branch {
    let children = tree.children(id, sort);
    let mut open = Vec::new();
    if !expanded.is_empty() {
        for (place, child) in children.iter().enumerate() {
            if expanded.contains(&tree.path(*child)) && tree.has_children(*child) {
                open.push(OpenChild { place, above: 0, branch: build(tree, *child, sort, expanded) });
            }
        }
    }
    let mut branch = Branch { children, open, rows: 0 };
    branch.count();
    branch
}

/// Opens (with its rows) or closes the child at the end of `places`, and counts anew on the way back.
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use poolscope_core::column::frames::FrameNaming;
    use poolscope_core::column::names::Names;
    use poolscope_core::etl::walk::TraceFile;
    use poolscope_core::job::{CancelToken, Progress};
    use poolscope_core::pivot::{Figure, Key, PivotRequest, pivot};
    use poolscope_core::synth::{SynthParams, write_trace};
    use poolscope_core::trace::load::{LoadOptions, load};

    use super::*;

    fn tree() -> PivotTree {
        let mut file = Cursor::new(Vec::new());
        let params = SynthParams { allocations: 500, ..SynthParams::default() };
        write_trace(&mut file, &params, None).unwrap();
        let file = TraceFile::from_bytes(file.into_inner(), "made up").unwrap();
        let trace = load(file, LoadOptions::default(), &Progress::default(), &CancelToken::default()).unwrap();
        let view = trace.extent;
        let names = Names::new(trace, FrameNaming::Symbol);
        let keys = [Key::Type, Key::Paged, Key::Tag, Key::Stack];
        let request = PivotRequest { keys: &keys, view, rows: None };
        PivotTree::new(Arc::new(pivot(&names, &request, &|| false).unwrap()))
    }

    /// The rows by walking the whole tree.
    fn walked(flat: &mut Flat, expanded: &FxHashSet<u64>) -> Vec<NodeId> {
        fn walk(flat: &mut Flat, id: NodeId, expanded: &FxHashSet<u64>, out: &mut Vec<NodeId>) {
            let sort = flat.sort;
            for child in flat.tree.children(id, sort) {
                out.push(child);
                if expanded.contains(&flat.tree.path(child)) && flat.tree.has_children(child) {
                    walk(flat, child, expanded, out);
                }
            }
        }
        let mut out = Vec::new();
        walk(flat, PivotTree::ROOT, expanded, &mut out);
        out
    }

    fn check(flat: &mut Flat, expanded: &FxHashSet<u64>) {
        let wanted = walked(flat, expanded);
        let rows: Vec<NodeId> = (0..flat.len()).filter_map(|i| flat.node_at(i)).collect();
        assert_eq!(rows, wanted);
        assert_eq!(flat.node_at(flat.len()), None);
        for (index, node) in wanted.iter().enumerate() {
            assert_eq!(flat.index_of(*node), Some(index as u64));
        }
    }

    #[test]
    fn rows_are_found_by_number_and_back_after_every_change() {
        let mut expanded = FxHashSet::default();
        let mut flat = Flat::new(tree(), Sort::default(), &expanded);
        check(&mut flat, &expanded);
        // Opens and closes rows all over the table, by a fixed sequence.
        let mut dice = 12_345_u64;
        for step in 0..300 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = (dice >> 33) % flat.len();
            let node = flat.node_at(index).unwrap();
            let path = flat.tree().path(node);
            if flat.is_open(node) && step % 3 == 0 {
                expanded.remove(&path);
                flat.close(node);
            } else {
                expanded.insert(path);
                flat.open(node, &expanded);
            }
            if step % 20 == 0 {
                check(&mut flat, &expanded);
            }
        }
        check(&mut flat, &expanded);
        for sort in [Sort { figure: Some(Figure::Count), ascending: true }, Sort { figure: None, ascending: false }] {
            flat.set_sort(sort, &expanded);
            check(&mut flat, &expanded);
        }
        let paths: FxHashSet<u64> = walked(&mut flat, &expanded).iter().map(|n| flat.tree().path(*n)).collect();
        let found = flat.find_paths(&paths);
        assert_eq!(found.len(), paths.len());
    }

    #[test]
    fn the_way_to_the_answer_is_opened() {
        let mut expanded = FxHashSet::default();
        let mut flat = Flat::new(tree(), Sort::default(), &expanded);
        let led = flat.follow_largest("AIFO", &mut expanded);
        assert_eq!(flat.tree().label(led[0]), "AIFO");
        assert!(led.len() > 4, "type, pool, tag, root and frames: {led:?}");
        check(&mut flat, &expanded);
        for pair in led.windows(2) {
            assert_eq!(flat.tree().parent(pair[1]), pair[0]);
            assert_eq!(flat.largest_child(pair[0]), Some(pair[1]));
        }
    }

    #[test]
    fn a_hidden_value_is_found_and_shown() {
        let mut expanded = FxHashSet::default();
        let mut flat = Flat::new(tree(), Sort::default(), &expanded);
        let found = flat.nodes_with(2, "Leak");
        assert!(!found.is_empty());
        for node in found {
            assert_eq!((flat.tree().label(node), flat.index_of(node)), ("Leak".into(), None));
            flat.show(node, &mut expanded);
            assert!(flat.index_of(node).is_some());
        }
        check(&mut flat, &expanded);
    }

    #[test]
    fn opening_everything_stops_at_its_limit() {
        let mut expanded = FxHashSet::default();
        let mut flat = Flat::new(tree(), Sort::default(), &expanded);
        let top = flat.node_at(0).unwrap();
        assert_eq!(flat.expand_below(top, 7, &mut expanded), 7);
        assert_eq!(expanded.len(), 7);
        flat.open(top, &expanded);
        check(&mut flat, &expanded);
    }
}
