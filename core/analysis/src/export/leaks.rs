//! Leak suspects as a flat table: one row per suspect, the worst first. Sentences come from the caller, so that a file has the
//! texts of the window; figures are exact.

use super::report::{DocumentHeader, HeaderFields};
use super::{csv, json, schema};
use crate::group::display_stacks::DisplayStacks;
use crate::leaks::data_quality::DataQualityKind;
use crate::leaks::findings::{Finding, HeldObjects, LockstepTag};
use crate::leaks::owner::{OwnerSource, TagOwnerCandidate};
use crate::leaks::reconcile::{Reconciliation, TagBalance};
use crate::leaks::{
    DataQualityIssue, DriverShare, LeakAnalysis, PoolGrowth, ProcessShare, Reason, Suspect, SuspectGrouping,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// Sentences about an analysis and its suspects.
pub trait LeakTexts {
    /// The summary sentence.
    fn summary(&self) -> String;
    /// Reasons of a verdict.
    fn reasons(&self, suspect: &Suspect) -> Vec<String>;
    /// Candidates for the owner of the suspect's tag, each with its sentence.
    fn owners(&self, suspect: &Suspect) -> Vec<(TagOwnerCandidate, String)>;
    /// The processes of the outstanding allocations, with their shares and states.
    fn processes(&self, suspect: &Suspect) -> Vec<String>;
    /// The wrapper driver on the stack, with the rule that skipped it.
    fn wrapper_driver(&self, suspect: &Suspect) -> Option<String>;
    /// Advice on what to record next.
    fn advice(&self, suspect: &Suspect) -> Option<String>;
    /// Help text on the score.
    fn score(&self, suspect: &Suspect) -> String;
    /// An issue that lowers the confidence.
    fn data_quality_issue(&self, issue: &DataQualityIssue) -> String;
    /// Source lines of the frames of the suspect's stack, outermost first: `file:line`, empty where it is not known.
    fn stack_source(&self, suspect: &Suspect) -> Vec<String>;
    /// Seconds until the suspect's pool is exhausted, if known.
    fn seconds_to_exhaustion(&self, suspect: &Suspect) -> Option<f64>;
}

/// An analysis to write.
pub struct LeakTable<'t> {
    /// The analysis.
    pub analysis: &'t LeakAnalysis,
    /// Number of suspects at most.
    pub top: usize,
    /// Stacks as shown.
    pub stacks: &'t DisplayStacks,
    /// The sentences.
    pub texts: &'t dyn LeakTexts,
}

/// A document without its rows.
#[derive(JsonSchema, Serialize)]
struct LeaksHead<'a> {
    #[serde(flatten)]
    header: HeaderFields<'a>,
    warm_up_until: f64,
    /// Number of suspects, with those that are not written.
    row_count: usize,
    summary: String,
    data_quality: DataQualityFields<'a>,
    /// Nonpaged, then paged pool; none for a debugger log, which has no times.
    pools: Vec<PoolFields>,
}

#[derive(JsonSchema, Serialize)]
struct DataQualityFields<'a> {
    factor: f64,
    issues: Vec<IssueFields>,
    reconciliation: Option<ReconciliationFields<'a>>,
}

#[derive(JsonSchema, Serialize)]
struct IssueFields {
    kind: &'static str,
    factor: f64,
    text: String,
}

#[derive(JsonSchema, Serialize)]
struct ReconciliationFields<'a> {
    recorded_share: f64,
    #[serde(serialize_with = "tag_balances")]
    #[schemars(with = "Vec<TagBalanceFields>")]
    tags: &'a [TagBalance],
}

#[derive(JsonSchema, Serialize)]
struct TagBalanceFields {
    tag: String,
    paged: &'static str,
    session: Option<u32>,
    start_bytes: u64,
    stop_bytes: u64,
    counted_allocs: u64,
    counted_frees: u64,
    recorded_allocs: u64,
    recorded_frees: u64,
    recorded_growth_bytes: i64,
}

#[derive(JsonSchema, Serialize)]
struct PoolFields {
    paged: &'static str,
    growth_bytes_per_s: f64,
    net_growth_bytes_per_s: f64,
    leak_bytes_per_s: f64,
    growing_bytes_per_s: f64,
    unattributed_bytes_per_s: f64,
    start_bytes: Option<u64>,
    limit_bytes: Option<u64>,
}

/// A suspect. `count` and `impacting_size` are those of AIFO allocations; `allocations` counts all in the range.
#[derive(JsonSchema, Serialize)]
struct SuspectRow<'a> {
    rank: usize,
    tag: Option<&'a str>,
    paged: &'static str,
    driver: Option<&'a str>,
    function: Option<&'a str>,
    verdict: &'static str,
    score: f64,
    confidence: f64,
    impacting_size: u64,
    count: u64,
    frees: u64,
    growth_bytes_per_s: Option<f64>,
    growth_bytes_per_hour: Option<f64>,
    seconds_to_exhaustion: Option<f64>,
    reasons: Vec<String>,
    stack: Vec<&'a str>,
    allocations: u64,
    size: u64,
    net_size: i128,
    older_than_usual_count: u64,
    older_than_usual_size: u64,
    driver_share: f64,
    stack_share: f64,
    ages: &'a [u64],
    growth_is_estimated: bool,
    process: Option<&'a str>,
    processes: Vec<ProcessFields<'a>>,
    drivers: Vec<DriverFields<'a>>,
    responsible_driver: Option<&'a str>,
    wrapper_driver: Option<WrapperDriverFields<'a>>,
    object: Option<ObjectFields<'a>>,
    lockstep: Option<Vec<LockstepFields<'a>>>,
    advice: Option<String>,
    owners: Vec<OwnerFields>,
    score_explained: String,
    confidence_explained: &'static str,
    stack_source: Vec<String>,
}

/// Names of the fields of [`SuspectRow`], as the header of a CSV file.
const COLUMNS: [&str; 37] = [
    "rank",
    "tag",
    "paged",
    "driver",
    "function",
    "verdict",
    "score",
    "confidence",
    "impacting_size",
    "count",
    "frees",
    "growth_bytes_per_s",
    "growth_bytes_per_hour",
    "seconds_to_exhaustion",
    "reasons",
    "stack",
    "allocations",
    "size",
    "net_size",
    "older_than_usual_count",
    "older_than_usual_size",
    "driver_share",
    "stack_share",
    "ages",
    "growth_is_estimated",
    "process",
    "processes",
    "drivers",
    "responsible_driver",
    "wrapper_driver",
    "object",
    "lockstep",
    "advice",
    "owners",
    "score_explained",
    "confidence_explained",
    "stack_source",
];

/// Explanation of the confidence for readers of a file.
const CONFIDENCE: &str = "Confidence in the verdict by the evidence in this trace, 0 to 1, lowered by data-quality issues (data_quality.factor).";

#[derive(JsonSchema, Serialize)]
struct ProcessFields<'a> {
    name: &'a str,
    pid: Option<u32>,
    impacting_size: u64,
    count: u64,
    running: Option<bool>,
    #[serde(skip)]
    text: String,
}

#[derive(JsonSchema, Serialize)]
struct DriverFields<'a> {
    driver: Option<&'a str>,
    impacting_size: u64,
    count: u64,
    share: f64,
    is_system: bool,
}

#[derive(JsonSchema, Serialize)]
struct WrapperDriverFields<'a> {
    module: &'a str,
    rule: &'static str,
    responsible_function: Option<&'a str>,
    #[serde(skip)]
    text: String,
}

#[derive(JsonSchema, Serialize)]
struct ObjectFields<'a> {
    r#type: &'static str,
    outstanding: u64,
    by_ended_count: u64,
    by_ended_size: u64,
    zombies: Option<u64>,
    running: Option<u64>,
    zombie_names: Vec<ImageCount<'a>>,
}

#[derive(JsonSchema, Serialize)]
struct ImageCount<'a> {
    name: &'a str,
    count: u64,
}

#[derive(JsonSchema, Serialize)]
struct LockstepFields<'a> {
    tag: &'a str,
    paged: &'static str,
    parts: u32,
    count: u64,
    never_freed: bool,
}

#[derive(JsonSchema, Serialize)]
struct OwnerFields {
    driver: String,
    source: &'static str,
    certainty: f64,
    text: String,
}

/// JSON Schema of the document that [`LeakTable::write_json`] writes.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schema::of_document::<LeaksHead<'_>, SuspectRow<'_>>()
}

impl<'t> LeakTable<'t> {
    fn shown(&self) -> &'t [Suspect] {
        let suspects = &self.analysis.suspects;
        suspects.get(..self.top).unwrap_or(suspects)
    }

    fn rows(&self) -> impl Iterator<Item = SuspectRow<'t>> {
        self.shown().iter().enumerate().map(|(at, suspect)| self.row(at + 1, suspect))
    }

    /// Writes one JSON object, one row per line.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_json(&self, out: &mut dyn Write, header: &DocumentHeader<'_>) -> io::Result<()> {
        let [nonpaged, paged] = &self.analysis.pools;
        let head = LeaksHead {
            header: header.fields(key_columns(self.analysis.request.grouping).iter().copied()),
            warm_up_until: header.clock.seconds(self.analysis.range.warm_up_end),
            row_count: self.analysis.suspects.len(),
            summary: self.texts.summary(),
            data_quality: self.data_quality(),
            pools: if self.analysis.has_times {
                vec![pool_fields(false, nonpaged), pool_fields(true, paged)]
            } else {
                Vec::new()
            },
        };
        json::write_document(out, &head, self.rows())
    }

    /// The suspects as the objects that [`Self::write_json`] writes, for tables of other formats.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn objects(&self) -> serde_json::Result<Vec<serde_json::Value>> {
        self.rows().map(|row| serde_json::to_value(&row)).collect()
    }

    /// Writes a header and one line per row. Frames and ages are joined by `;` as in all tables; sentences, which contain that
    /// sign, by ` | `.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        csv::line(out, COLUMNS)?;
        self.rows().try_for_each(|row| csv::line(out, row.csv_fields()))
    }

    fn data_quality(&self) -> DataQualityFields<'t> {
        let quality = &self.analysis.data_quality;
        let issue = |issue: &DataQualityIssue| IssueFields {
            kind: issue_name(&issue.kind),
            factor: issue.confidence_factor,
            text: self.texts.data_quality_issue(issue),
        };
        let reconciliation =
            |both: &'t Reconciliation| ReconciliationFields { recorded_share: both.recorded_share, tags: &both.tags };
        DataQualityFields {
            factor: quality.confidence_factor(),
            issues: quality.issues.iter().map(issue).collect(),
            reconciliation: quality.reconciliation.as_ref().map(reconciliation),
        }
    }

    fn row(&self, rank: usize, suspect: &'t Suspect) -> SuspectRow<'t> {
        let (evidence, attribution) = (&suspect.evidence, &suspect.attribution);
        let processes = attribution.processes.iter().zip(self.texts.processes(suspect));
        let growth = suspect.has_growth.then_some(suspect.growth_bytes_per_s);
        let (mut held, mut lockstep) = (None, None);
        for reason in &suspect.reasons {
            match reason {
                Reason::Finding(Finding::HeldObjects(objects)) => held = Some(object_fields(objects)),
                Reason::Finding(Finding::LockstepTags { members }) => {
                    lockstep = Some(members.iter().map(lockstep_fields).collect());
                }
                _ => {}
            }
        }
        let wrapper_driver = attribution.wrapper_driver.as_ref().map(|wrapper| WrapperDriverFields {
            module: &wrapper.module,
            rule: wrapper.rule.name(),
            responsible_function: wrapper.responsible_function.as_deref(),
            text: self.texts.wrapper_driver(suspect).unwrap_or_default(),
        });
        SuspectRow {
            rank,
            tag: suspect.tag.as_deref(),
            paged: if suspect.is_pool_known { pool_name(suspect.is_paged) } else { "Unknown" },
            driver: non_empty(&suspect.driver),
            function: non_empty(&suspect.function),
            verdict: suspect.verdict.name(),
            score: unsigned_zero(suspect.score),
            confidence: unsigned_zero(suspect.confidence),
            impacting_size: evidence.outstanding.bytes,
            count: evidence.outstanding.count,
            frees: evidence.freed.count,
            growth_bytes_per_s: growth.map(unsigned_zero),
            growth_bytes_per_hour: growth.map(|growth| unsigned_zero(growth * 3600.0)),
            seconds_to_exhaustion: self.texts.seconds_to_exhaustion(suspect).map(unsigned_zero),
            reasons: self.texts.reasons(suspect),
            stack: self.stacks.frames(self.stacks.node_of(suspect.stack)),
            allocations: evidence.allocated.count,
            size: evidence.allocated.bytes,
            net_size: i128::from(evidence.outstanding.bytes) - i128::from(evidence.freed_preexisting.bytes),
            older_than_usual_count: evidence.older_than_usual.allocations.count,
            older_than_usual_size: evidence.older_than_usual.allocations.bytes,
            driver_share: unsigned_zero(suspect.driver_share),
            stack_share: unsigned_zero(suspect.stack_share),
            ages: &evidence.age_histogram,
            growth_is_estimated: suspect.loss_correction > 1.0,
            process: attribution.process.as_deref(),
            processes: processes.map(|(share, text)| process_fields(share, text)).collect(),
            drivers: attribution.drivers.iter().map(driver_fields).collect(),
            responsible_driver: attribution.responsible_driver().map(|driver| driver.driver.as_str()),
            wrapper_driver,
            object: held,
            lockstep,
            advice: self.texts.advice(suspect),
            owners: self.texts.owners(suspect).into_iter().map(|(owner, text)| owner_fields(owner, text)).collect(),
            score_explained: self.texts.score(suspect),
            confidence_explained: CONFIDENCE,
            stack_source: self.texts.stack_source(suspect),
        }
    }
}

impl SuspectRow<'_> {
    /// The fields as texts, in the order of [`COLUMNS`].
    fn csv_fields(&self) -> [String; COLUMNS.len()] {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let lockstep = self.lockstep.iter().flatten().map(|member| member.tag);
        [
            self.rank.to_string(),
            text(self.tag),
            self.paged.to_owned(),
            text(self.driver),
            text(self.function),
            self.verdict.to_owned(),
            csv::plain(&self.score),
            csv::plain(&self.confidence),
            self.impacting_size.to_string(),
            self.count.to_string(),
            self.frees.to_string(),
            csv::plain(&self.growth_bytes_per_s),
            csv::plain(&self.growth_bytes_per_hour),
            csv::plain(&self.seconds_to_exhaustion),
            joined(self.reasons.iter().map(String::as_str)),
            self.stack.join(";"),
            self.allocations.to_string(),
            self.size.to_string(),
            self.net_size.to_string(),
            self.older_than_usual_count.to_string(),
            self.older_than_usual_size.to_string(),
            csv::plain(&self.driver_share),
            csv::plain(&self.stack_share),
            self.ages.iter().map(u64::to_string).collect::<Vec<_>>().join(";"),
            self.growth_is_estimated.to_string(),
            text(self.process),
            joined(self.processes.iter().map(|process| process.text.as_str())),
            joined(self.drivers.iter().map(driver_text).collect::<Vec<_>>().iter().map(String::as_str)),
            text(self.responsible_driver),
            text(self.wrapper_driver.as_ref().map(|wrapper| wrapper.text.as_str())),
            text(self.object.as_ref().map(|object| object.r#type)),
            joined(lockstep),
            text(self.advice.as_deref()),
            joined(self.owners.iter().map(|owner| owner.text.as_str())),
            self.score_explained.clone(),
            self.confidence_explained.to_owned(),
            self.stack_source.join(";"),
        ]
    }
}

fn pool_fields(paged: bool, growth: &PoolGrowth) -> PoolFields {
    PoolFields {
        paged: pool_name(paged),
        growth_bytes_per_s: unsigned_zero(growth.growth_bytes_per_s()),
        net_growth_bytes_per_s: unsigned_zero(growth.net_growth_bytes_per_s),
        leak_bytes_per_s: unsigned_zero(growth.leak_bytes_per_s),
        growing_bytes_per_s: unsigned_zero(growth.growing_bytes_per_s),
        unattributed_bytes_per_s: unsigned_zero(growth.unattributed_bytes_per_s),
        start_bytes: growth.start_bytes,
        limit_bytes: growth.limit_bytes,
    }
}

fn tag_balances<S: serde::Serializer>(tags: &[TagBalance], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tags.iter().map(|tag| TagBalanceFields {
        tag: tag.tag.text(),
        paged: pool_name(tag.is_paged),
        session: tag.session,
        start_bytes: tag.start_bytes,
        stop_bytes: tag.stop_bytes,
        counted_allocs: tag.counted_allocs,
        counted_frees: tag.counted_frees,
        recorded_allocs: tag.recorded_allocs,
        recorded_frees: tag.recorded_frees,
        recorded_growth_bytes: tag.recorded_growth_bytes,
    }))
}

fn process_fields(share: &ProcessShare, text: String) -> ProcessFields<'_> {
    ProcessFields {
        name: share.name(),
        pid: share.process.as_ref().map(|process| process.pid),
        impacting_size: share.allocations.bytes,
        count: share.allocations.count,
        running: share.process.as_ref().map(|process| process.is_running),
        text,
    }
}

fn driver_fields(share: &DriverShare) -> DriverFields<'_> {
    DriverFields {
        driver: non_empty(&share.driver),
        impacting_size: share.allocations.bytes,
        count: share.allocations.count,
        share: unsigned_zero(share.share),
        is_system: share.is_system,
    }
}

fn driver_text(driver: &DriverFields<'_>) -> String {
    format!("{} {:.1} %", driver.driver.unwrap_or("(no kernel frame)"), driver.share * 100.0)
}

fn object_fields(held: &HeldObjects) -> ObjectFields<'_> {
    let processes = held.process_objects.as_ref();
    let names = processes.into_iter().flat_map(|processes| &processes.ended_process_names);
    ObjectFields {
        r#type: held.object_type,
        outstanding: held.outstanding,
        by_ended_count: held.by_ended_processes.count,
        by_ended_size: held.by_ended_processes.bytes,
        zombies: processes.map(|processes| processes.of_ended_processes),
        running: processes.map(|processes| processes.of_running_processes),
        zombie_names: names.map(|(name, count)| ImageCount { name, count: *count }).collect(),
    }
}

fn lockstep_fields(member: &LockstepTag) -> LockstepFields<'_> {
    LockstepFields {
        tag: &member.tag,
        paged: pool_name(member.is_paged),
        parts: member.parts,
        count: member.outstanding,
        never_freed: member.is_never_freed,
    }
}

fn owner_fields(owner: TagOwnerCandidate, text: String) -> OwnerFields {
    let source = match &owner.source {
        OwnerSource::Stack { .. } => "stack",
        OwnerSource::PoolTagFile { .. } => "pooltag",
        OwnerSource::DriverFile { .. } => "file",
    };
    OwnerFields { driver: owner.driver, source, certainty: unsigned_zero(owner.confidence), text }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Turns -0.0, the sum of no numbers, into 0.0.
fn unsigned_zero(number: f64) -> f64 {
    number + 0.0
}

/// Sentences in one field, separated by ` | `; a bar inside a sentence, such as in a tag or description, becomes a broken bar.
fn joined<'s>(sentences: impl Iterator<Item = &'s str>) -> String {
    sentences.map(|text| text.replace('|', "\u{a6}")).collect::<Vec<_>>().join(" | ")
}

const fn key_columns(grouping: SuspectGrouping) -> &'static [&'static str] {
    match grouping {
        SuspectGrouping::Tag => &["tag", "paged"],
        SuspectGrouping::Stack => &["tag", "paged", "stack"],
        SuspectGrouping::Driver => &["driver", "paged"],
        SuspectGrouping::Process => &["process", "paged"],
    }
}

const fn pool_name(paged: bool) -> &'static str {
    if paged { "Paged" } else { "NonPaged" }
}

const fn issue_name(kind: &DataQualityKind) -> &'static str {
    match kind {
        DataQualityKind::LostEvents { .. } => "lost_events",
        DataQualityKind::LostBuffers { .. } => "lost_buffers",
        DataQualityKind::CircularLogWrapped { .. } => "wrapped",
        DataQualityKind::EndMissing { .. } => "end_missing",
        DataQualityKind::TagFilter { .. } => "tag_filter",
        DataQualityKind::ShortRange { .. } => "short",
        DataQualityKind::MissingStacks { .. } => "missing_stacks",
        DataQualityKind::ImpliedEvents { .. } => "implied_events",
        DataQualityKind::PoolRundownDiffers { .. } => "pool_rundown_differs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_in_one_field_can_be_separated() {
        let sentences = ["1 outstanding allocation; only 1 was freed", "1 other tag: a | b"];
        let field = joined(sentences.into_iter());
        assert_eq!(field, "1 outstanding allocation; only 1 was freed | 1 other tag: a \u{a6} b");
        assert_eq!(field.split(" | ").count(), sentences.len());
        assert_eq!(joined(std::iter::empty()), "");
    }

    #[test]
    fn numbers_have_the_same_digits_in_both_formats() {
        assert_eq!(csv::plain(&1.0), "1.0");
        assert_eq!(csv::plain(&unsigned_zero(-0.0)), "0.0");
        assert_eq!(csv::plain(&Some(0.1)), "0.1");
        assert_eq!(csv::plain(&None::<f64>), "");
    }
}
