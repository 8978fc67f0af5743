//! Texts about symbols: progress of the search, meaning of a module's state, and the next step. Words
//! only; it decides nothing.

use poolscope_analysis::group::symbols::ModuleNeed;
use poolscope_analysis::trace::Trace;
use poolscope_analysis::trace::ids::ModuleId;
use poolscope_analysis::trace::time::Ticks;
use poolscope_symbols::locate::{DownloadProgress, LookupAttempt, LookupResult};
use poolscope_symbols::resolve::ModuleState;

use super::symbols::{ModuleRow, Phase, Symbols, state_text};
use super::symbols::{file, named, pdb};
use crate::format;

/// Names that are written out in a list.
const MOST_NAMES: usize = 12;

/// Progress of a download: "3.1 MB of 12.0 MB".
#[must_use]
pub fn transfer(transfer: &DownloadProgress) -> String {
    let so_far = format::bytes(transfer.bytes);
    match transfer.total_bytes {
        Some(total) => format!("{so_far} of {}", format::bytes(total)),
        None => so_far,
    }
}

/// Progress of a download, from 0 to 1; `None` while its size is not known.
#[must_use]
pub fn share(transfer: &DownloadProgress) -> Option<f32> {
    let total = transfer.total_bytes.filter(|total| *total > 0)?;
    Some((transfer.bytes as f64 / total as f64).clamp(0.0, 1.0) as f32)
}

/// A module's state in a word or two, with how far its download is.
#[must_use]
pub fn state(state: &ModuleState) -> String {
    match state {
        ModuleState::Downloading(now) => transfer(now),
        other => state_text(other).to_owned(),
    }
}

/// Progress of the search for the status bar; `None` before the first search.
#[must_use]
pub fn status_text(symbols: &Symbols) -> Option<String> {
    let status = symbols.status();
    let all = format::count(status.modules as u64);
    match symbols.phase {
        Phase::Idle if status.modules == 0 => Some("Symbols not loaded".to_owned()),
        Phase::Running if status.modules == 0 => Some("Symbols: reading stacks".to_owned()),
        Phase::Running => {
            let done = format!("Symbols: {} of {all}", format::count(status.finished as u64));
            let coming = downloading(symbols).map(|(name, now)| format!(", {name} {}", transfer(now)));
            Some(done + &coming.unwrap_or_default())
        }
        _ if status.modules == 0 => None,
        _ => {
            let noun = if status.modules == 1 { "module" } else { "modules" };
            Some(format!("Symbols: {} of {all} {noun}", format::count(status.loaded as u64)))
        }
    }
}

/// The first module that is on its way from a server: the name of its PDB, and how far it is.
fn downloading(symbols: &Symbols) -> Option<(String, &DownloadProgress)> {
    let mut rows = symbols.needs().iter().zip(symbols.rows());
    rows.find_map(|(need, row)| match &row.state {
        ModuleState::Downloading(now) => {
            let identity = &need.request.identity;
            let name = identity.pdb.as_ref().map_or(&identity.name, |pdb| &pdb.file_name);
            Some((name.clone(), now))
        }
        _ => None,
    })
}

/// Returns whether the search for a module is over and gave it no names of its own.
#[must_use]
pub fn is_without_symbols(row: &ModuleRow) -> bool {
    row.outcome.is_some() && row.state != ModuleState::Loaded
}

/// Modules whose search is over and that have no symbols: how many, and their names with what is the matter.
#[must_use]
pub fn without_symbols(symbols: &Symbols) -> Option<(usize, String)> {
    let rows = symbols.needs().iter().zip(symbols.rows());
    let lacking: Vec<String> = rows
        .filter(|(_, row)| is_without_symbols(row))
        .map(|(need, row)| format!("{}: {}", need.request.identity.name, state(&row.state)))
        .collect();
    let mut text = lacking.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join("\n");
    if lacking.len() > MOST_NAMES {
        text += &format!("\nand {} more", format::count((lacking.len() - MOST_NAMES) as u64));
    }
    (!lacking.is_empty()).then_some((lacking.len(), text))
}

/// Advice on a module's state: its effect on names, and the next step.
#[must_use]
pub fn advice(need: &ModuleNeed, row: &ModuleRow) -> String {
    let wanted = pdb(need, row).map_or_else(|| "its PDB".to_owned(), |pdb| pdb.file_name.clone());
    let name = &need.request.identity.name;
    match &row.state {
        ModuleState::Waiting => "Not searched yet. Load symbols to search for it.".to_owned(),
        ModuleState::Searching => format!("Searching the symbol path for {wanted}."),
        ModuleState::Downloading(now) => format!("Downloading {wanted} from {}: {}.", now.server, transfer(now)),
        ModuleState::Reading => format!("Reading {wanted}."),
        ModuleState::Loaded => loaded(need, row),
        ModuleState::ExportsOnly => format!(
            "Only the image was found, not {wanted}: frames are named by the nearest export, which may be another \
             function. Add a folder with {wanted} to the symbol path, or open the PDB manually."
        ),
        ModuleState::NotFound => format!(
            "No location of the symbol path has {wanted} with this identity. Add a symbol folder from the vendor of \
             {name} to the symbol path, or open the PDB manually."
        ),
        ModuleState::WrongIdentity => format!(
            "A {wanted} of a different build was found: its names would be wrong and are not used. Obtain the PDB with \
             the GUID and age below."
        ),
        ModuleState::Denied => {
            "A location denied access. Sign in to the share, proxy or server, or request permission to read it, then \
             search again."
                .to_owned()
        }
        ModuleState::Unreachable => {
            "A location is unreachable. Check the network, the proxy and the address, then search again.".to_owned()
        }
        ModuleState::Offline => {
            "It is not on this machine, and no server was queried. Turn off Offline in the Symbols menu, then search \
             again."
                .to_owned()
        }
        ModuleState::Unreadable => {
            format!("The {wanted} that was found is damaged. Delete the file listed below, then search again.")
        }
        ModuleState::NoIdentity => format!(
            "The trace does not identify the PDB of {name}, because it was not merged on the machine that recorded it. \
             Merge it there, or open the PDB manually."
        ),
        ModuleState::Cancelled => "The search was stopped before this module. Search again to continue.".to_owned(),
    }
}

fn loaded(need: &ModuleNeed, row: &ModuleRow) -> String {
    let nameless = need.frames.saturating_sub(named(row));
    let from = match row.outcome.as_ref().and_then(|outcome| outcome.file.as_ref()) {
        Some(_) => String::new(),
        None => format!("The names are from {}. ", file(row)),
    };
    match nameless {
        0 => from + "All frames have names.",
        1 => from + "1 frame has no name: the PDB has no function at its address.",
        more => {
            from + &format!(
                "{} frames have no name: the PDB has no function at their addresses.",
                format::count(more as u64)
            )
        }
    }
}

/// Result of looking at one place.
#[must_use]
pub fn outcome(outcome: &LookupResult) -> String {
    let because = |what: &str, why: &str| if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") };
    match outcome {
        LookupResult::Found => "found".to_owned(),
        LookupResult::NotFound => "not found".to_owned(),
        LookupResult::NotFoundCached => "not found (cached result)".to_owned(),
        LookupResult::Mismatch(other) => because("different build", other),
        LookupResult::Denied(why) => because("access denied", why),
        LookupResult::Unreachable(why) => because("unreachable", why),
        LookupResult::Unreadable(why) => because("damaged", why),
        LookupResult::Offline => "skipped: offline".to_owned(),
    }
}

/// From when to when a module lay where, in a sentence for each base address and process number.
#[must_use]
pub fn lives(trace: &Trace, modules: &[ModuleId]) -> Vec<String> {
    let time = |ticks: Ticks| format::trace_time(&trace.clock, ticks);
    let of_module = trace.modules.loaded_images().iter().filter(|life| modules.contains(&life.module));
    let mut lines: Vec<(u64, u32, Ticks, String)> = of_module
        .map(|life| {
            let base = trace.modules.get(life.module).map_or(0, |module| module.base);
            let place = match life.pid {
                0 => format!("{base:#018x}"),
                pid => format!("{base:#018x} in process {pid}"),
            };
            let when = match (life.load, life.unload) {
                (Ticks::UNKNOWN, Ticks::NEVER) => "the whole trace".to_owned(),
                (Ticks::UNKNOWN, unload) => format!("until {}", time(unload)),
                (load, Ticks::NEVER) => format!("from {}", time(load)),
                (load, unload) => format!("{} to {}", time(load), time(unload)),
            };
            (base, life.pid, life.load, format!("{place}, {when}"))
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines.into_iter().map(|line| line.3).collect()
}

/// All details of a module as text, to attach to a report.
#[must_use]
pub fn report(trace: &Trace, need: &ModuleNeed, row: &ModuleRow) -> String {
    let mut lines = vec![format!("{}: {}", need.request.identity.name, state(&row.state)), advice(need, row)];
    lines.extend(facts(need, row).into_iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(lives(trace, &need.modules).into_iter().map(|life| format!("Loaded at {life}")));
    let tried = row.outcome.iter().flat_map(|done| &done.attempts);
    lines.extend(
        tried.map(|LookupAttempt { location: place, result: what }| format!("Searched {place}: {}", outcome(what))),
    );
    lines.join("\n")
}

/// The facts about a module, with their names.
#[must_use]
pub fn facts(need: &ModuleNeed, row: &ModuleRow) -> Vec<(&'static str, String)> {
    let identity = &need.request.identity;
    let mut facts = vec![("Image", identity.path.clone())];
    if let Some(pdb) = pdb(need, row) {
        facts.push(("PDB", pdb.file_name.clone()));
        facts.push(("GUID and age", format!("{} age {}", pdb.guid, pdb.age)));
        facts.push(("Store path", format!("{}/{}/{0}", pdb.file_name, pdb.store_key())));
    }
    if let Some(image) = &identity.image {
        facts.push(("Time stamp", format!("{:#010x}", image.timestamp)));
        facts.push(("Image size", format!("{:#x} ({})", image.size_bytes, format::bytes(u64::from(image.size_bytes)))));
    }
    let from = file(row);
    if !from.is_empty() {
        facts.push(("Names from", from));
    }
    if let Some(done) = row.outcome.as_ref().filter(|done| done.downloaded_bytes > 0) {
        facts.push(("Downloaded", format::bytes(done.downloaded_bytes)));
    }
    facts.push((
        "Frames",
        format!("{} of {} named", format::count(named(row) as u64), format::count(need.frames as u64)),
    ));
    facts
}
