//! Names of inlined functions, from the streams of ids and types. Each stream is read once, up to the last item that is
//! wanted. It must never give half a name as a whole one.

use super::Pdb;
use crate::undecorate::undecorate;
use pdb::{FallibleIterator, IdData, IdIndex, IdInformation, TypeData, TypeIndex, TypeInformation};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a function stands in.
#[derive(Clone, Copy)]
enum Scope {
    Nothing,
    Namespace(IdIndex),
    Class(TypeIndex),
}

/// Names of functions by id, with namespace or class. What is damaged or stands in another file is missing.
pub(super) fn function_names(pdb: &mut Pdb<'_>, ids: impl Iterator<Item = IdIndex>) -> BTreeMap<IdIndex, Arc<str>> {
    let mut functions: BTreeMap<IdIndex, Option<(String, Scope)>> = ids.map(|id| (id, None)).collect();
    let Some(last) = functions.keys().next_back().copied() else { return BTreeMap::new() };
    let Ok(id_stream) = pdb.id_information() else { return BTreeMap::new() };
    read_functions(&id_stream, last, &mut functions);

    let mut namespaces = BTreeMap::new();
    let mut classes = BTreeMap::new();
    for (_, scope) in functions.values().flatten() {
        match scope {
            Scope::Nothing => {}
            Scope::Namespace(id) => drop(namespaces.insert(*id, None)),
            Scope::Class(class) => drop(classes.insert(*class, None)),
        }
    }
    if !namespaces.is_empty() {
        read_strings(&id_stream, &mut namespaces);
    }
    if !classes.is_empty()
        && let Ok(types) = pdb.type_information()
    {
        read_classes(&types, &mut classes);
    }
    let whole = |(name, scope): (String, Scope)| -> Option<Arc<str>> {
        let around = match scope {
            Scope::Nothing => return Some(undecorate(&name, false).into()),
            Scope::Namespace(id) => namespaces.get(&id)?.as_deref()?,
            Scope::Class(class) => classes.get(&class)?.as_deref()?,
        };
        Some(format!("{around}::{name}").into())
    };
    functions.into_iter().filter_map(|(id, function)| Some((id, whole(function?)?))).collect()
}

fn read_functions(ids: &IdInformation<'_>, last: IdIndex, functions: &mut BTreeMap<IdIndex, Option<(String, Scope)>>) {
    let mut items = ids.iter();
    while let Ok(Some(item)) = items.next() {
        if item.index() > last {
            break;
        }
        let Some(slot) = functions.get_mut(&item.index()) else { continue };
        *slot = match item.parse() {
            Ok(IdData::Function(it)) => {
                let scope = it.scope.map_or(Scope::Nothing, Scope::Namespace);
                Some((it.name.to_string().into_owned(), scope))
            }
            Ok(IdData::MemberFunction(it)) => Some((it.name.to_string().into_owned(), Scope::Class(it.parent))),
            _ => None,
        };
    }
}

fn read_strings(ids: &IdInformation<'_>, strings: &mut BTreeMap<IdIndex, Option<String>>) {
    let mut items = ids.iter();
    let last = strings.keys().next_back().copied().unwrap_or_default();
    while let Ok(Some(item)) = items.next() {
        if item.index() > last {
            break;
        }
        if let Some(slot) = strings.get_mut(&item.index())
            && let Ok(IdData::String(it)) = item.parse()
        {
            *slot = Some(it.name.to_string().into_owned());
        }
    }
}

fn read_classes(types: &TypeInformation<'_>, classes: &mut BTreeMap<TypeIndex, Option<String>>) {
    let mut items = types.iter();
    let last = classes.keys().next_back().copied().unwrap_or_default();
    while let Ok(Some(item)) = items.next() {
        if item.index() > last {
            break;
        }
        let Some(slot) = classes.get_mut(&item.index()) else { continue };
        *slot = match item.parse() {
            Ok(TypeData::Class(it)) => Some(it.name.to_string().into_owned()),
            Ok(TypeData::Union(it)) => Some(it.name.to_string().into_owned()),
            Ok(TypeData::Enumeration(it)) => Some(it.name.to_string().into_owned()),
            _ => None,
        };
    }
}
