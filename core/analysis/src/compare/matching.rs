//! Equal values of a key column in two traces. Frames, drivers and functions are compared by name; a module that has another
//! file name but the same PDB is the same module. Processes are compared by name and number, those that only one side has by name.

use crate::group::column::{KeyColumn, KeyLabels, KeySource, rank_texts};
use crate::group::key::Key;
use crate::trace::Trace;
use crate::trace::module::Module;
use crate::trace::time::{Clock, Ticks};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A module that is called otherwise in the comparison than in the baseline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenamedModule {
    /// File name in the baseline, which the comparison is shown with.
    pub baseline: String,
    /// File name in the comparison.
    pub comparison: String,
    /// The PDB of both.
    pub pdb_name: String,
}

/// The names of the comparison's modules in the baseline.
#[derive(Clone, Default, Debug)]
pub struct ModuleNames {
    baseline_of: FxHashMap<String, String>,
    renamed: Vec<RenamedModule>,
}

/// File names of modules, each once, with the lower-case file name of the PDB.
fn modules_by_name(trace: &Trace) -> BTreeMap<&str, Option<String>> {
    let pdb = |module: &Module| {
        let path = module.rsds.as_ref().map(|rsds| rsds.pdb_name.as_str())?;
        path.rsplit(['/', '\\']).next().map(str::to_lowercase)
    };
    trace.modules.modules().iter().map(|module| (module.name.as_str(), pdb(module))).collect()
}

impl ModuleNames {
    /// The names of the modules of `comparison` in `baseline`.
    #[must_use]
    pub fn new(baseline: &Trace, comparison: &Trace) -> Self {
        let (first, second) = (modules_by_name(baseline), modules_by_name(comparison));
        let lower = |names: &BTreeMap<&str, Option<String>>| -> BTreeMap<String, String> {
            // Of names that differ in case only, the first counts.
            names.keys().rev().map(|name| (name.to_lowercase(), (*name).to_owned())).collect()
        };
        let (first_lower, second_lower) = (lower(&first), lower(&second));
        let unmatched = |names: &BTreeMap<&str, Option<String>>, others: &BTreeMap<String, String>| {
            let mut by_pdb: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, pdb) in names.iter().filter(|(name, _)| !others.contains_key(&name.to_lowercase())) {
                if let Some(pdb) = pdb {
                    by_pdb.entry(pdb.clone()).or_default().push((*name).to_owned());
                }
            }
            by_pdb
        };
        let mut names = Self::default();
        for name in second.keys().filter(|name| !first.contains_key(*name)) {
            if let Some(known) = first_lower.get(&name.to_lowercase()) {
                names.baseline_of.insert((*name).to_owned(), known.clone());
            }
        }
        let old = unmatched(&first, &second_lower);
        for (pdb_name, new) in unmatched(&second, &first_lower) {
            // With several candidates on a side, none is the same module for certain.
            let ([comparison], Some([baseline])) = (new.as_slice(), old.get(&pdb_name).map(Vec::as_slice)) else {
                continue;
            };
            names.baseline_of.insert(comparison.clone(), baseline.clone());
            let (baseline, comparison) = (baseline.clone(), comparison.clone());
            names.renamed.push(RenamedModule { baseline, comparison, pdb_name });
        }
        names
    }

    /// The modules with another file name.
    #[must_use]
    pub fn renamed(&self) -> &[RenamedModule] {
        &self.renamed
    }

    /// The baseline's name of a module of the comparison.
    #[must_use]
    pub fn module(&self, name: &str) -> String {
        self.baseline_of.get(name).map_or(name, String::as_str).to_owned()
    }

    /// A frame or function of the comparison as the baseline would show it: `module!function`, `module+0xrva` or `module`.
    #[must_use]
    pub fn frame(&self, text: &str) -> String {
        let end = text.find('!').or_else(|| text.rfind("+0x")).unwrap_or(text.len());
        let (module, rest) = text.split_at(end);
        match self.baseline_of.get(module) {
            Some(name) => format!("{name}{rest}"),
            None => text.to_owned(),
        }
    }
}

/// A key column of both sides.
#[derive(Debug)]
pub(super) struct MatchedColumn {
    /// The values of both sides.
    pub(super) column: Arc<KeyColumn>,
    /// The id in it of each id of the baseline and of the comparison.
    pub(super) ids: [Vec<u32>; 2],
}

/// Joins the values of a key column.
pub(super) fn match_columns(key: Key, columns: [&Arc<KeyColumn>; 2], modules: &ModuleNames) -> MatchedColumn {
    let [first, second] = columns;
    if Arc::ptr_eq(first, second) {
        let ids: Vec<u32> = (0..first.count()).collect();
        return MatchedColumn { column: Arc::clone(first), ids: [ids.clone(), ids] };
    }
    let (labels, ids) = match (&first.labels, &second.labels) {
        (KeyLabels::Words(first), KeyLabels::Words(second)) => {
            // The same texts, of which one side may lack the last one.
            let words = if first.len() < second.len() { *second } else { *first };
            let ids: Vec<u32> = (0..words.len() as u32).collect();
            (KeyLabels::Words(words), [ids.clone(), ids])
        }
        (KeyLabels::SizeClasses, KeyLabels::SizeClasses) => {
            let ids: Vec<u32> = (0..first.count()).collect();
            (KeyLabels::SizeClasses, [ids.clone(), ids])
        }
        (KeyLabels::Numbers(first), KeyLabels::Numbers(second)) => {
            let (numbers, ids) = merged([first.clone(), second.clone()]);
            (KeyLabels::Numbers(numbers), ids)
        }
        (KeyLabels::Addresses(first), KeyLabels::Addresses(second)) => {
            let (addresses, ids) = merged([first.clone(), second.clone()]);
            (KeyLabels::Addresses(addresses), ids)
        }
        (KeyLabels::Times(first, clock), KeyLabels::Times(second, other)) => {
            let (times, ids) =
                merged([first.clone(), second.iter().map(|time| on_clock(*time, other, clock)).collect()]);
            (KeyLabels::Times(times, *clock), ids)
        }
        (KeyLabels::Spans(first, clock), KeyLabels::Spans(second, other)) => {
            let (spans, ids) =
                merged([first.clone(), second.iter().map(|span| on_clock(*span, other, clock)).collect()]);
            (KeyLabels::Spans(spans, *clock), ids)
        }
        (KeyLabels::Stacks(first), KeyLabels::Stacks(second)) => {
            let union = first.union(second, |frame| modules.frame(frame));
            (KeyLabels::Stacks(Arc::new(union.stacks)), [union.first, union.second])
        }
        _ => {
            let (texts, ids) = match_texts(key, [texts_of(first), texts_of(second)], modules);
            (KeyLabels::Texts(texts), ids)
        }
    };
    MatchedColumn { column: Arc::new(KeyColumn { key, source: KeySource::Rows(Arc::default()), labels }), ids }
}

fn texts_of(column: &KeyColumn) -> Vec<String> {
    (0..column.count()).map(|id| column.text(id).into_owned()).collect()
}

/// A time of one clock on another; unknown and endless ones stay.
fn on_clock(time: Ticks, from: &Clock, to: &Clock) -> Ticks {
    if time.is_known() && from.ticks_per_second != to.ticks_per_second { to.ticks(from.seconds(time)) } else { time }
}

/// The distinct values of both lists in ascending order, and the position of each value of the lists among them.
fn merged<T: Ord + Copy>(lists: [Vec<T>; 2]) -> (Vec<T>, [Vec<u32>; 2]) {
    let mut all: Vec<T> = lists.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    let ids = lists.map(|list| list.iter().map(|v| all.binary_search(v).unwrap_or_else(|at| at) as u32).collect());
    (all, ids)
}

/// The distinct texts of both lists, and the position of each text of the lists among them. Equal lists keep their order.
fn match_texts(key: Key, lists: [Vec<String>; 2], modules: &ModuleNames) -> (Vec<String>, [Vec<u32>; 2]) {
    let [first, second] = match key {
        Key::Driver => lists_with(lists, |name| modules.module(name)),
        Key::Function => lists_with(lists, |text| modules.frame(text)),
        Key::Process => by_process_name(lists),
        _ => lists,
    };
    if first == second {
        let ids: Vec<u32> = (0..first.len() as u32).collect();
        return (first, [ids.clone(), ids]);
    }
    let own = first.len();
    let (texts, mut ids) = rank_texts(first.into_iter().chain(second).collect());
    let others = ids.split_off(own);
    (texts, [ids, others])
}

fn lists_with([first, second]: [Vec<String>; 2], rename: impl Fn(&str) -> String) -> [Vec<String>; 2] {
    [first, second.iter().map(|text| rename(text)).collect()]
}

/// Process labels without their numbers, if each side has processes of that name with numbers that the other side has not.
fn by_process_name(lists: [Vec<String>; 2]) -> [Vec<String>; 2] {
    fn name(label: &str) -> &str {
        label.rsplit_once(" (").map_or(label, |(name, _)| name)
    }
    let sets = [0, 1].map(|side: usize| lists[side].iter().map(String::as_str).collect::<FxHashSet<&str>>());
    let alone = [0, 1].map(|side: usize| {
        let other = &sets[1 - side];
        let labels = lists[side].iter().filter(|label| !other.contains(label.as_str()));
        labels.map(|label| name(label)).collect::<FxHashSet<&str>>()
    });
    let shown = |label: &String, other: &FxHashSet<&str>| {
        let name = name(label);
        let is_renumbered = alone.iter().all(|names| names.contains(name)) && !other.contains(label.as_str());
        if is_renumbered { name.to_owned() } else { label.clone() }
    };
    let of_side = |side: usize| lists[side].iter().map(|label| shown(label, &sets[1 - side])).collect();
    [0, 1].map(of_side)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn processes_match_by_label_and_the_others_by_name() {
        let first = owned(&["System (4)", "a.exe (10)", "b.exe (20)", "gone.exe (30)", "svc.exe (1)", "svc.exe (2)"]);
        let second = owned(&["System (4)", "a.exe (11)", "b.exe (20)", "new.exe (31)", "svc.exe (2)", "svc.exe (3)"]);
        let shown = by_process_name([first, second]);
        assert_eq!(shown[0], owned(&["System (4)", "a.exe", "b.exe (20)", "gone.exe (30)", "svc.exe", "svc.exe (2)"]));
        assert_eq!(shown[1], owned(&["System (4)", "a.exe", "b.exe (20)", "new.exe (31)", "svc.exe (2)", "svc.exe"]));
    }

    #[test]
    fn a_module_is_renamed_in_frames_and_functions_and_nowhere_else() {
        let baseline_of = FxHashMap::from_iter([("new.sys".to_owned(), "old.sys".to_owned())]);
        let names = ModuleNames { baseline_of, renamed: Vec::new() };
        let frames = ["new.sys!A::operator+", "new.sys+0x1f", "new.sys", "renew.sys!x", "x.sys!new.sys", "0xfff"];
        let shown = frames.map(|frame| names.frame(frame));
        assert_eq!(shown, ["old.sys!A::operator+", "old.sys+0x1f", "old.sys", "renew.sys!x", "x.sys!new.sys", "0xfff"]);
        assert_eq!([names.module("new.sys"), names.module("other.sys")], ["old.sys", "other.sys"]);
    }

    #[test]
    fn values_of_both_lists_are_in_one_order() {
        let (all, ids) = merged([vec![Some(3), Some(9)], vec![None, Some(3), Some(4)]]);
        assert_eq!(all, [None, Some(3), Some(4), Some(9)]);
        assert_eq!(ids, [vec![1, 3], vec![0, 1, 2]]);
        let (texts, ids) =
            match_texts(Key::Tag, [owned(&["Irp ", "Leak"]), owned(&["File", "Irp "])], &ModuleNames::default());
        assert_eq!((texts, ids), (owned(&["File", "Irp ", "Leak"]), [vec![1, 2], vec![0, 1]]));
        let same = owned(&["b", "a"]);
        let (texts, ids) = match_texts(Key::Generation, [same.clone(), same.clone()], &ModuleNames::default());
        assert_eq!((texts, ids), (same, [vec![0, 1], vec![0, 1]]), "labels of generations keep their order");
    }
}
