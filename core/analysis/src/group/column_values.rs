//! The values of all key columns of a trace under one naming of frames, computed on first use and then kept. New symbols,
//! rules or tag descriptions make new [`ColumnValues`], which share the columns that do not depend on the change.

use super::column::{KeyColumn, KeyLabels, KeySource, rank_rows, rank_texts};
use super::display_stacks::DisplayStacks;
use super::frames::{FrameNames, FrameNaming, FrameParts, INLINED_MARK, frame_parts, frame_texts, function_label};
use super::generation::Generations;
use super::group_by::{GroupIds, GroupIdsCache};
use super::key::Key;
use super::parallel::{Cancel, Cancelled};
use super::pool_tags::{BUILT_IN_MARK, PoolTags, built_in_description};
use super::responsible::{driver_label, responsible_module, responsible_stacks};
use super::stack_tags::StackTags;
use super::wrapper_rules::WrapperRules;
use crate::trace::Trace;
use crate::trace::attributes::{EventAttributes, PoolType};
use crate::trace::ids::{FrameId, ProcessId, StackId};
use crate::trace::time::Ticks;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::{Arc, OnceLock};

/// Texts of the Type column; the last one is for rows outside the visible range.
const TYPE_WORDS: &[&str] = &["AIFI", "AIFO", "AOFI", "AOFO", ""];
/// Texts of the Impacting Type column.
const IMPACTING_WORDS: &[&str] = &["Impacting", "Transient", ""];
/// Texts of the Paged column. The last one is left out where every pool is known.
const PAGED_WORDS: &[&str] = &["NonPaged", "Paged", "Unknown"];

/// Label of the allocating process of an allocation that was not recorded; another process may have freed it.
pub const UNKNOWN_ALLOCATOR: &str = "(unknown allocator)";

/// Text in place of addresses that the load had no memory for.
pub const ADDRESSES_LEFT_OUT: &str = "(not loaded)";

/// Value of the Pool Tag Module column for tags without a driver in the tag list.
pub const UNKNOWN_MODULE: &str = "Unknown";

/// Names of frames that the trace itself holds.
fn recorded_names(trace: &Trace) -> Option<Arc<dyn FrameNames>> {
    trace.frame_symbols.clone().map(|names| names as Arc<dyn FrameNames>)
}

/// A trace with the values of its key columns.
pub struct ColumnValues {
    trace: Arc<Trace>,
    naming: FrameNaming,
    symbols: Option<Arc<dyn FrameNames>>,
    wrapper_rules: Arc<WrapperRules>,
    pool_tags: Option<Arc<PoolTags>>,
    stack_tags: Arc<StackTags>,
    stacks: OnceLock<Arc<DisplayStacks>>,
    /// The part of each stack up to its responsible frame.
    responsible: OnceLock<Arc<Vec<StackId>>>,
    responsible_nodes: OnceLock<Arc<Vec<bool>>>,
    generations: Generations,
    columns: Vec<OnceLock<Arc<KeyColumn>>>,
    group_ids: GroupIdsCache,
}

impl ColumnValues {
    /// Column values of a trace without symbols and tag descriptions. Names that the trace itself holds are used.
    #[must_use]
    pub fn new(trace: Arc<Trace>, naming: FrameNaming) -> Self {
        let symbols = recorded_names(&trace);
        Self {
            trace,
            naming,
            symbols,
            wrapper_rules: WrapperRules::built_in(),
            pool_tags: None,
            stack_tags: Arc::default(),
            stacks: OnceLock::new(),
            responsible: OnceLock::new(),
            responsible_nodes: OnceLock::new(),
            generations: Generations::default(),
            columns: Key::ALL.iter().map(|_| OnceLock::new()).collect(),
            group_ids: GroupIdsCache::default(),
        }
    }

    /// Adds function names.
    #[must_use]
    pub fn with_symbols(self, symbols: Arc<dyn FrameNames>) -> Self {
        let naming = self.naming;
        self.with_frame_names(Some(symbols), naming)
    }

    /// Adds tag descriptions.
    #[must_use]
    pub fn with_pool_tags(mut self, tags: Arc<PoolTags>) -> Self {
        self.pool_tags = Some(tags);
        self
    }

    /// A copy with other tag descriptions, or none. Unaffected columns are shared.
    #[must_use]
    pub fn with_tag_descriptions(&self, tags: Option<Arc<PoolTags>>) -> Self {
        Self { pool_tags: tags, ..self.without(&Key::FROM_POOL_TAGS) }
    }

    /// A copy with other stack tags. Unaffected columns are shared.
    #[must_use]
    pub fn with_stack_tags(&self, tags: Arc<StackTags>) -> Self {
        Self { stack_tags: tags, ..self.without(&[Key::StackTag]) }
    }

    /// The stack tags.
    #[must_use]
    pub fn stack_tags(&self) -> &Arc<StackTags> {
        &self.stack_tags
    }

    /// A copy with these markers between the generations, in any order. Unaffected columns are shared.
    #[must_use]
    pub fn with_markers(&self, marks: &[Ticks]) -> Self {
        Self { generations: Generations::new(marks), ..self.without(&[Key::Generation]) }
    }

    /// A copy with other names of frames. Columns that do not depend on them are shared: all but stacks, driver and function,
    /// and also driver and function if the symbols are the same. Names that the trace itself holds stay.
    #[must_use]
    pub fn with_frame_names(&self, symbols: Option<Arc<dyn FrameNames>>, naming: FrameNaming) -> Self {
        let symbols = recorded_names(&self.trace).or(symbols);
        let is_known = match (&self.symbols, &symbols) {
            (Some(known), Some(new)) => Arc::ptr_eq(known, new),
            (known, new) => known.is_none() && new.is_none(),
        };
        let is_changed = |key: Key| if key.is_stack() { !is_known || naming != self.naming } else { !is_known };
        Self { naming, symbols, ..self.without_stack_keys(is_changed) }
    }

    /// A copy with another naming of frames and the same symbols.
    #[must_use]
    pub fn with_naming(&self, naming: FrameNaming) -> Self {
        self.with_frame_names(self.symbols.clone(), naming)
    }

    /// A copy with other wrapper rules.
    #[must_use]
    pub fn with_wrapper_rules(&self, rules: Arc<WrapperRules>) -> Self {
        // With naming by function, the rules decide which frames are left out of the stacks.
        let is_changed = |key: Key| !key.is_stack() || self.naming == FrameNaming::Function;
        Self { wrapper_rules: rules, ..self.without_stack_keys(is_changed) }
    }

    /// A copy without the columns from stacks for which `is_changed` is true.
    fn without_stack_keys(&self, is_changed: impl Fn(Key) -> bool) -> Self {
        let keys = Key::ALL.iter().copied().filter(|key| key.needs_stacks() && is_changed(*key));
        self.without(&keys.collect::<Vec<_>>())
    }

    /// A copy that shares all columns but these, and all intermediate results but theirs.
    fn without(&self, keys: &[Key]) -> Self {
        let is_of_responsible_frame = |key: &Key| matches!(key, Key::Driver | Key::Function);
        let mut columns = self.columns.clone();
        for key in keys {
            if let Some(column) = columns.get_mut(*key as usize) {
                *column = OnceLock::new();
            }
        }
        Self {
            trace: Arc::clone(&self.trace),
            naming: self.naming,
            symbols: self.symbols.clone(),
            wrapper_rules: Arc::clone(&self.wrapper_rules),
            pool_tags: self.pool_tags.clone(),
            stack_tags: Arc::clone(&self.stack_tags),
            stacks: if keys.iter().any(|key| key.is_stack()) { OnceLock::new() } else { self.stacks.clone() },
            responsible: if keys.iter().any(is_of_responsible_frame) {
                OnceLock::new()
            } else {
                self.responsible.clone()
            },
            responsible_nodes: if keys.iter().any(|key| key.needs_stacks()) {
                OnceLock::new()
            } else {
                self.responsible_nodes.clone()
            },
            generations: self.generations.clone(),
            columns,
            group_ids: self.group_ids.without(keys),
        }
    }

    /// The markers between the generations.
    #[must_use]
    pub fn generations(&self) -> &Generations {
        &self.generations
    }

    /// The tag descriptions, if any.
    #[must_use]
    pub fn pool_tags(&self) -> Option<&Arc<PoolTags>> {
        self.pool_tags.as_ref()
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// The function names, if any.
    #[must_use]
    pub fn symbols(&self) -> Option<&Arc<dyn FrameNames>> {
        self.symbols.as_ref()
    }

    /// The wrapper rules.
    #[must_use]
    pub fn wrapper_rules(&self) -> &WrapperRules {
        &self.wrapper_rules
    }

    /// The naming of frames.
    #[must_use]
    pub fn naming(&self) -> FrameNaming {
        self.naming
    }

    /// The displayed stacks.
    #[must_use]
    pub fn stacks(&self) -> &Arc<DisplayStacks> {
        self.stacks.get_or_init(|| {
            let frames = frame_texts(&self.trace, self.naming, self.symbols.as_deref(), &self.wrapper_rules);
            Arc::new(DisplayStacks::new(&self.trace.stacks, frames))
        })
    }

    /// The parts of a frame.
    #[must_use]
    pub fn frame_parts(&self, frame: FrameId) -> FrameParts {
        frame_parts(&self.trace, self.naming, self.symbols.as_deref(), frame)
    }

    /// A key column.
    #[must_use]
    pub fn column(&self, key: Key) -> Arc<KeyColumn> {
        let build = || Arc::new(self.build(key));
        // Columns with an id per row are large and rarely used twice.
        let kept = !key.is_per_row();
        match self.columns.get(key as usize) {
            Some(cell) if kept => Arc::clone(cell.get_or_init(build)),
            _ => build(),
        }
    }

    /// The groups that occur, without the columns that depend on the visible range; `None` if there are more than
    /// [`MAX_GROUPS`](super::group_by::MAX_GROUPS). Those of the latest sets of columns are kept, at four bytes per row each.
    ///
    /// # Errors
    /// [`Cancelled`] if `cancel` returns `true`.
    pub fn group_ids(&self, keys: &[Key], cancel: Cancel<'_>) -> Result<Option<Arc<GroupIds>>, Cancelled> {
        self.group_ids.get(self, keys, cancel)
    }

    fn build(&self, key: Key) -> KeyColumn {
        let (source, labels) = match key {
            Key::Type => (KeySource::LifetimeClass([0, 1, 2, 3, 4]), KeyLabels::Words(TYPE_WORDS)),
            Key::ImpactingType => (KeySource::LifetimeClass([1, 0, 1, 1, 2]), KeyLabels::Words(IMPACTING_WORDS)),
            Key::Paged => {
                let rows = self.trace.attributes.rows().iter();
                let id = |pool: PoolType| if pool.is_known() { u32::from(pool.is_paged()) } else { 2 };
                let ids = rows.map(|c| id(c.pool_type)).collect();
                let is_any_unknown = self.trace.attributes.rows().iter().any(|c| !c.pool_type.is_known());
                let words = if is_any_unknown { PAGED_WORDS } else { &PAGED_WORDS[..2] };
                (KeySource::Attributes(Arc::new(ids)), KeyLabels::Words(words))
            }
            Key::PoolType => self.attribute_texts(|c| c.pool_type.name().to_owned()),
            Key::Tag => self.attribute_texts(|c| c.tag.text()),
            Key::TagDescription => self.attribute_texts(|c| self.tag_description(c)),
            Key::PoolTagModule => self.attribute_texts(|c| self.pool_tag_module(c)),
            Key::Process => self.attribute_texts(|c| self.process_label(c.process)),
            Key::Thread => self.attribute_numbers(|c| (c.thread != EventAttributes::NO_THREAD).then_some(c.thread)),
            Key::Cpu => self.attribute_numbers(|c| (c.cpu != EventAttributes::NO_CPU).then_some(u32::from(c.cpu))),
            Key::Session => self.attribute_numbers(|c| (c.session != EventAttributes::NO_SESSION).then_some(c.session)),
            Key::Driver => self.responsible_texts(|f| driver_label(&self.trace, f)),
            Key::Function => self.responsible_texts(|f| function_label(&self.trace, self.symbols.as_deref(), f)),
            Key::StackTag => {
                let (texts, of_stack) = self.stack_tags.of_stacks(&self.trace, self.symbols.as_deref());
                let (distinct, ids) = rank_texts(texts);
                let ids = of_stack.iter().map(|text| ids.get(*text as usize).copied().unwrap_or(0)).collect();
                (KeySource::AllocStack(Arc::new(ids)), KeyLabels::Texts(distinct))
            }
            Key::Stack | Key::FreeStack => {
                let stacks = self.stacks();
                let ids = Arc::new(stacks.of_stacks().to_vec());
                let labels = KeyLabels::Stacks(Arc::clone(stacks));
                match key {
                    Key::Stack => (KeySource::AllocStack(ids), labels),
                    _ => (KeySource::FreeStack(ids), labels),
                }
            }
            Key::SizeClass => (KeySource::SizeClass, KeyLabels::SizeClasses),
            Key::Generation => self.generation_of_rows(),
            Key::Address | Key::AllocTime | Key::FreeTime | Key::Lifetime => self.row_values(key),
        };
        KeyColumn { key, source, labels }
    }

    fn attribute_texts(&self, text: impl Fn(&EventAttributes) -> String) -> (KeySource, KeyLabels) {
        let texts = self.trace.attributes.rows().iter().map(text).collect();
        let (distinct, ids) = rank_texts(texts);
        (KeySource::Attributes(Arc::new(ids)), KeyLabels::Texts(distinct))
    }

    fn attribute_numbers(&self, number: impl Fn(&EventAttributes) -> Option<u32>) -> (KeySource, KeyLabels) {
        let numbers = self.trace.attributes.rows().iter().map(|c| number(c).map(u64::from));
        let numbers: Vec<Option<u64>> = numbers.collect();
        let mut distinct = numbers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let position = |n| distinct.binary_search(n).unwrap_or_else(|at| at) as u32;
        let ids = numbers.iter().map(position).collect();
        (KeySource::Attributes(Arc::new(ids)), KeyLabels::Numbers(distinct))
    }

    /// The part of each stack up to its responsible frame.
    fn responsible(&self) -> &Arc<Vec<StackId>> {
        self.responsible
            .get_or_init(|| Arc::new(responsible_stacks(&self.trace, self.symbols.as_deref(), &self.wrapper_rules)))
    }

    /// The responsible frame of an allocation or free stack; [`FrameId::NONE`] if it has no kernel frame.
    #[must_use]
    pub fn responsible_frame(&self, stack: StackId) -> FrameId {
        let until = self.responsible().get(stack.index()).copied().unwrap_or(StackId::EMPTY);
        self.trace.stacks.frame(until).unwrap_or(FrameId::NONE)
    }

    /// Number of frames of a stack from the outermost to the responsible one; `None` if the stack has no kernel frame.
    #[must_use]
    pub fn responsible_depth(&self, stack: StackId) -> Option<usize> {
        let until = self.responsible().get(stack.index()).copied().filter(|until| *until != StackId::EMPTY)?;
        Some(self.trace.stacks.depth(until))
    }

    /// The node of the displayed stacks that shows the responsible frame of a stack; `None` if the stack has no kernel frame.
    #[must_use]
    pub fn responsible_node(&self, stack: StackId) -> Option<u32> {
        let until = self.responsible().get(stack.index()).copied().filter(|until| *until != StackId::EMPTY)?;
        let frame = self.trace.stacks.frame(until)?;
        let stacks = self.stacks();
        let mut node = stacks.node_of(until);
        if stacks.text(node).ends_with(INLINED_MARK) {
            // Functions that are inlined in the frame have nodes of their own below its own.
            let function = function_label(&self.trace, self.symbols.as_deref(), frame);
            while stacks.text(node) != function && stacks.text(node).ends_with(INLINED_MARK) && stacks.parent(node) != 0
            {
                node = stacks.parent(node);
            }
        }
        Some(node).filter(|node| *node != 0)
    }

    /// A flag for each node of the displayed stacks, true if it shows the responsible frame of an allocation or a free.
    #[must_use]
    pub fn responsible_nodes(&self) -> &Arc<Vec<bool>> {
        self.responsible_nodes.get_or_init(|| {
            let table = &self.trace.allocations;
            let mut is_used = vec![false; self.trace.stacks.node_count()];
            for stack in table.alloc_stack.iter().chain(&table.free_stack) {
                if let Some(used) = is_used.get_mut(stack.index()) {
                    *used = true;
                }
            }
            let mut nodes = vec![false; self.stacks().len()];
            let used = is_used.into_iter().zip(0..).filter(|(used, _)| *used);
            for node in used.filter_map(|(_, stack)| self.responsible_node(StackId(stack))) {
                if let Some(flag) = nodes.get_mut(node as usize) {
                    *flag = true;
                }
            }
            Arc::new(nodes)
        })
    }

    /// The module of the responsible frame of a stack; `None` if there is no such frame, or if it is outside all modules.
    #[must_use]
    pub fn responsible_module(&self, stack: StackId) -> Option<&str> {
        responsible_module(&self.trace, self.responsible_frame(stack))
    }

    /// The responsible function of a stack, as the Function column shows it; empty if the stack has no kernel frame.
    #[must_use]
    pub fn responsible_function(&self, stack: StackId) -> String {
        function_label(&self.trace, self.symbols.as_deref(), self.responsible_frame(stack))
    }

    /// A column with a text of the responsible frame of each stack.
    fn responsible_texts(&self, text: impl Fn(FrameId) -> String) -> (KeySource, KeyLabels) {
        let responsible = self.responsible();
        let mut known: FxHashMap<FrameId, u32> = FxHashMap::default();
        let mut texts = Vec::new();
        let of_stack: Vec<u32> = responsible
            .iter()
            .map(|until| {
                let frame = self.trace.stacks.frame(*until).unwrap_or(FrameId::NONE);
                *known.entry(frame).or_insert_with(|| {
                    texts.push(text(frame));
                    texts.len() as u32 - 1
                })
            })
            .collect();
        let (distinct, ids) = rank_texts(texts);
        let ids = of_stack.iter().map(|t| ids[*t as usize]).collect();
        (KeySource::AllocStack(Arc::new(ids)), KeyLabels::Texts(distinct))
    }

    fn row_values(&self, key: Key) -> (KeySource, KeyLabels) {
        let table = &self.trace.allocations;
        let clock = self.trace.clock;
        let times = |values: Vec<u64>| values.into_iter().map(from_ordered).collect::<Vec<_>>();
        // Without times, only what did not happen is known.
        let has_times = self.trace.has_times();
        let known = |time: Ticks| if has_times || time == Ticks::NEVER { time } else { Ticks::UNKNOWN };
        let (labels, ids) = match key {
            Key::AllocTime => {
                let (values, ids) = rank_rows(table.len(), |r| ordered(known(table.alloc_time.at(r))));
                (KeyLabels::Times(times(values), clock), ids)
            }
            Key::FreeTime => {
                let (values, ids) = rank_rows(table.len(), |r| ordered(known(table.free_time[r])));
                (KeyLabels::Times(times(values), clock), ids)
            }
            Key::Lifetime => {
                let (values, ids) = rank_rows(table.len(), |r| ordered(table.lifetime(r)));
                (KeyLabels::Spans(times(values), clock), ids)
            }
            _ if !table.has_addresses() => {
                (KeyLabels::Texts(vec![ADDRESSES_LEFT_OUT.to_owned()]), vec![0; table.len()])
            }
            _ => {
                let (values, ids) = rank_rows(table.len(), |r| table.address.get(r).unwrap_or_default());
                (KeyLabels::Addresses(values), ids)
            }
        };
        (KeySource::Rows(Arc::new(ids)), labels)
    }

    fn generation_of_rows(&self) -> (KeySource, KeyLabels) {
        let times = &self.trace.allocations.alloc_time;
        let ids = (0..times.len()).into_par_iter().map(|row| self.generations.of(times.at(row))).collect();
        let labels = self.generations.labels(self.trace.extent, &self.trace.clock);
        (KeySource::Rows(Arc::new(ids)), KeyLabels::Texts(labels))
    }

    fn process_label(&self, process: ProcessId) -> String {
        let row = self.trace.processes.get(process);
        row.map_or_else(|| unknown_process(process).to_owned(), crate::trace::process::Process::label)
    }

    /// The driver of a tag as the tag list writes it; [`UNKNOWN_MODULE`] if the list has no driver for it.
    fn pool_tag_module(&self, attributes: &EventAttributes) -> String {
        let text = self.pool_tags.as_ref().and_then(|tags| tags.get(attributes.tag));
        let named = text.map(|text| text.binary.as_str()).filter(|binary| !matches!(*binary, "" | "<unknown>"));
        named.unwrap_or(UNKNOWN_MODULE).to_owned()
    }

    fn tag_description(&self, attributes: &EventAttributes) -> String {
        let built_in =
            || built_in_description(attributes.tag).map_or_else(String::new, |text| format!("{text}{}", BUILT_IN_MARK));
        let text = self.pool_tags.as_ref().and_then(|tags| tags.get(attributes.tag));
        text.map_or_else(built_in, |text| match (text.binary.as_str(), text.description.as_str()) {
            (binary, "") => binary.to_owned(),
            ("", description) => description.to_owned(),
            (binary, description) => format!("{binary}: {description}"),
        })
    }
}

/// Label of a process that is not in the trace.
#[must_use]
pub fn unknown_process(process: ProcessId) -> &'static str {
    if process == ProcessId::UNKNOWN_ALLOCATOR { UNKNOWN_ALLOCATOR } else { "Unknown" }
}

/// A number that sorts like the time.
fn ordered(time: Ticks) -> u64 {
    (time.0 as u64) ^ (1 << 63)
}

fn from_ordered(number: u64) -> Ticks {
    Ticks((number ^ (1 << 63)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::parallel::not_cancelled;
    use crate::group::test_util::{FakeNames, names, random_blocks};

    /// All frames of the allocations.
    const FRAMES: [&str; 7] = ["app:10", "app:11", "nt:20", "nt:40", "my:30", "other:30", "wdf:1"];

    #[test]
    fn other_frame_names_leave_everything_else_as_it_is() {
        let plain = names(&random_blocks(3, 60));
        let same = |a: &ColumnValues, b: &ColumnValues, key| Arc::ptr_eq(&a.column(key), &b.column(key));
        let kept = plain.group_ids(&[Key::Tag], &not_cancelled).unwrap().unwrap();
        let lost = plain.group_ids(&[Key::Driver], &not_cancelled).unwrap().unwrap();
        let functions: Vec<(&str, &str)> = FRAMES.iter().map(|frame| (*frame, "f")).collect();
        let symbols: Arc<dyn FrameNames> = Arc::new(FakeNames::new(plain.trace(), &functions));
        for key in Key::ALL {
            assert_eq!(plain.column(*key).key, *key);
        }
        let named = plain.with_frame_names(Some(Arc::clone(&symbols)), FrameNaming::Symbol);
        assert!(same(&plain, &named, Key::Tag) && same(&plain, &named, Key::Generation));
        assert!(Arc::ptr_eq(&kept, &named.group_ids(&[Key::Tag], &not_cancelled).unwrap().unwrap()));
        assert!(!Arc::ptr_eq(&lost, &named.group_ids(&[Key::Driver], &not_cancelled).unwrap().unwrap()));
        assert!(!same(&plain, &named, Key::Stack) && !same(&plain, &named, Key::Function));
        assert_eq!(named.column(Key::Function).count(), plain.column(Key::Driver).count());
        assert!(named.stacks().texts().iter().all(|text| text.ends_with("f+0x1")));

        let by_module = named.with_frame_names(Some(symbols), FrameNaming::Module);
        assert!(same(&named, &by_module, Key::Function) && !same(&named, &by_module, Key::Stack));
        assert!(by_module.stacks().texts().iter().all(|text| !text.contains('!')));
        let without = by_module.with_frame_names(None, FrameNaming::Symbol);
        assert_eq!(without.stacks().texts(), plain.stacks().texts());
    }
}
