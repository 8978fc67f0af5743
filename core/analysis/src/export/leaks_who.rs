//! Who is behind a suspect, as fields of a row: processes, drivers, objects that handles keep, tags that grow together. In JSON
//! each is an object or a list of objects, in CSV a text.

use super::leaks::{Cell, Fields, LeakWords};
use crate::leaks::findings::{Finding, HeldObjects, LockstepTag};
use crate::leaks::owner::{Claim, Source};
use crate::leaks::{DriverShare, ProcessShare, Reason, Suspect};

/// Names of the fields, in their order.
pub(super) const FIELDS: [&str; 11] = [
    "process",
    "processes",
    "drivers",
    "responsible_driver",
    "pass_through",
    "object",
    "lockstep",
    "advice",
    "owners",
    "score_explained",
    "confidence_explained",
];

/// What the confidence means, for readers of the file.
const CONFIDENCE: &str =
    "How sure the verdict is by the evidence in this trace, 0 to 1, less what the trace lacks (trust.factor).";

/// The fields of a suspect.
pub(super) fn cells(suspect: &Suspect, words: &dyn LeakWords) -> [Cell; FIELDS.len()] {
    let text = |text: Option<String>| text.map_or(Cell::Null, Cell::Text);
    let who = &suspect.who;
    let processes = who.processes.iter().map(process).collect();
    let found = suspect.reasons.iter().filter_map(|reason| match reason {
        Reason::Found(finding) => Some(finding),
        _ => None,
    });
    let (mut held, mut lockstep) = (None, None);
    for finding in found {
        match finding {
            Finding::HeldObjects(objects) => held = Some(objects),
            Finding::Lockstep { members } => lockstep = Some(members),
            _ => {}
        }
    }
    let passed = who.passed_through.as_ref().map(|passed| {
        let next = text(passed.next.clone());
        let fields = vec![
            ("module", Cell::Text(passed.module.clone())),
            ("rule", Cell::Text(passed.rule.name().to_owned())),
            ("next", next),
        ];
        Cell::Object(fields, words.passed_through(suspect).unwrap_or_default())
    });
    [
        text(who.process.clone()),
        Cell::Objects(processes, words.processes(suspect)),
        Cell::Objects(who.drivers.iter().map(driver).collect(), who.drivers.iter().map(driver_text).collect()),
        text(who.responsible_driver().map(|driver| driver.driver.clone())),
        passed.unwrap_or(Cell::Null),
        held.map_or(Cell::Null, object),
        lockstep.map_or(Cell::Null, |members| tags(members)),
        text(words.advice(suspect)),
        Cell::Objects(words.owners(suspect).iter().map(owner).collect(), words.claims(suspect)),
        Cell::Text(words.score(suspect)),
        Cell::Text(CONFIDENCE.to_owned()),
    ]
}

fn process(share: &ProcessShare) -> Fields {
    vec![
        ("name", Cell::Text(share.name.clone())),
        ("pid", share.pid.map_or(Cell::Null, |pid| Cell::Count(pid.into()))),
        ("impacting_size", Cell::Count(share.blocks.bytes)),
        ("count", Cell::Count(share.blocks.count)),
        ("running", share.running.map_or(Cell::Null, Cell::Flag)),
    ]
}

fn driver(share: &DriverShare) -> Fields {
    let name = if share.driver.is_empty() { Cell::Null } else { Cell::Text(share.driver.clone()) };
    vec![
        ("driver", name),
        ("impacting_size", Cell::Count(share.blocks.bytes)),
        ("count", Cell::Count(share.blocks.count)),
        ("share", Cell::Float(share.share)),
        ("is_system", Cell::Flag(share.is_system)),
    ]
}

fn driver_text(share: &DriverShare) -> String {
    let name = if share.driver.is_empty() { "(no kernel frame)" } else { &share.driver };
    format!("{name} {:.1} %", share.share * 100.0)
}

fn object(held: &HeldObjects) -> Cell {
    let of_processes = |count: fn(&crate::leaks::who::ProcessObjects) -> u64| {
        held.processes.as_ref().map_or(Cell::Null, |processes| Cell::Count(count(processes)))
    };
    let names = held.processes.iter().flat_map(|processes| &processes.names);
    let names: Vec<Fields> =
        names.map(|(name, count)| vec![("name", Cell::Text(name.clone())), ("count", Cell::Count(*count))]).collect();
    let fields = vec![
        ("type", Cell::Text(held.object.to_owned())),
        ("outstanding", Cell::Count(held.outstanding)),
        ("by_ended_count", Cell::Count(held.by_ended.count)),
        ("by_ended_size", Cell::Count(held.by_ended.bytes)),
        ("zombies", of_processes(|processes| processes.ended)),
        ("running", of_processes(|processes| processes.running)),
        ("zombie_names", Cell::Objects(names, Vec::new())),
    ];
    Cell::Object(fields, held.object.to_owned())
}

fn tags(members: &[LockstepTag]) -> Cell {
    let pool = |paged| if paged { "Paged" } else { "NonPaged" };
    let fields = |member: &LockstepTag| {
        vec![
            ("tag", Cell::Text(member.tag.clone())),
            ("paged", Cell::Text(pool(member.paged).to_owned())),
            ("parts", Cell::Count(member.parts.into())),
            ("count", Cell::Count(member.outstanding)),
            ("never_freed", Cell::Flag(member.never_freed)),
        ]
    };
    Cell::Objects(members.iter().map(fields).collect(), members.iter().map(|member| member.tag.clone()).collect())
}

fn owner(claim: &Claim) -> Fields {
    let source = match &claim.source {
        Source::Stack { .. } => "stack",
        Source::PoolTag { .. } => "pooltag",
        Source::File { .. } => "file",
    };
    vec![
        ("driver", Cell::Text(claim.driver.clone())),
        ("source", Cell::Text(source.to_owned())),
        ("certainty", Cell::Float(claim.confidence)),
    ]
}
