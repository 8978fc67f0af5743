//! Suspects as a flat file: one row each, the worst first. The words come from outside, so that a file says what the window
//! says; the figures are exact.

use super::{Document, csv, json, leaks_who};
use crate::group::stacks::DisplayStacks;
use crate::leaks::owner::TagOwnerCandidate;
use crate::leaks::data_quality::DataQualityKind;
use crate::leaks::{SuspectGrouping, LeakAnalysis, PoolGrowth, Suspect, DataQualityIssue};
use std::io::{self, Write};

/// What is said about a judgement in words.
pub trait LeakWords {
    /// The sentence on top.
    fn headline(&self) -> String;
    /// Why a suspect is judged as it is.
    fn reasons(&self, suspect: &Suspect) -> Vec<String>;
    /// Which drivers may own its tag, and how we know.
    fn claims(&self, suspect: &Suspect) -> Vec<String>;
    /// The same without words.
    fn owners(&self, suspect: &Suspect) -> Vec<TagOwnerCandidate>;
    /// The processes that made its outstanding allocations, with their shares and whether they run.
    fn processes(&self, suspect: &Suspect) -> Vec<String>;
    /// The rule about a pass-through driver on its stack.
    fn passed_through(&self, suspect: &Suspect) -> Option<String>;
    /// What to record next.
    fn advice(&self, suspect: &Suspect) -> Option<String>;
    /// What its score means.
    fn score(&self, suspect: &Suspect) -> String;
    /// What lowers every confidence.
    fn trust_note(&self, note: &DataQualityIssue) -> String;
    /// Seconds until its pool would be full, if that is known.
    fn seconds_to_full(&self, suspect: &Suspect) -> Option<f64>;
}

/// A judgement to write.
pub struct LeakTable<'t> {
    /// The judgement.
    pub judgement: &'t LeakAnalysis,
    /// Write so many suspects at most.
    pub top: usize,
    /// How stacks are shown.
    pub stacks: &'t DisplayStacks,
    /// What is said about it.
    pub words: &'t dyn LeakWords,
}

/// Names and values of an object.
pub(super) type Fields = Vec<(&'static str, Cell)>;

/// A field of a row.
pub(super) enum Cell {
    Null,
    Text(String),
    Count(u64),
    Net(i128),
    Float(f64),
    /// Names and numbers, as other exports list them.
    List(Vec<String>),
    /// Sentences.
    Words(Vec<String>),
    Flag(bool),
    /// An object, and the text that CSV has in its place.
    Object(Fields, String),
    /// The same for several.
    Objects(Vec<Fields>, Vec<String>),
}

impl LeakTable<'_> {
    fn shown(&self) -> &[Suspect] {
        let suspects = &self.judgement.suspects;
        suspects.get(..self.top).unwrap_or(suspects)
    }

    /// Writes one JSON object, one row per line.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write_json(&self, out: &mut dyn Write, document: &Document<'_>) -> io::Result<()> {
        document.open(out, columns(self.judgement.request.grouping).iter().copied())?;
        let span = &self.judgement.range;
        out.write_all(b",\"warm_up_until\":")?;
        json::float(out, document.clock.seconds(span.warm_up_end))?;
        out.write_all(b",\"headline\":")?;
        json::text(out, &self.words.headline())?;
        self.json_trust(out)?;
        self.json_pools(out)?;
        out.write_all(b",\"rows\":[")?;
        let shown = self.shown();
        for (at, suspect) in shown.iter().enumerate() {
            out.write_all(if at > 0 { b",\n{" } else { b"\n{" })?;
            for (field, (name, cell)) in self.cells(at, suspect).iter().enumerate() {
                write!(out, "{}\"{name}\":", if field > 0 { "," } else { "" })?;
                json_cell(out, cell)?;
            }
            out.write_all(b"}")?;
        }
        out.write_all(if shown.is_empty() { b"]}\n" } else { b"\n]}\n" })
    }

    fn json_trust(&self, out: &mut dyn Write) -> io::Result<()> {
        let trust = &self.judgement.data_quality;
        out.write_all(b",\"trust\":{\"factor\":")?;
        json::float(out, trust.confidence_factor())?;
        out.write_all(b",\"notes\":[")?;
        for (at, note) in trust.issues.iter().enumerate() {
            write!(out, "{}{{\"kind\":\"{}\",\"factor\":", if at > 0 { "," } else { "" }, kind_name(&note.kind))?;
            json::float(out, note.confidence_factor)?;
            out.write_all(b",\"text\":")?;
            json::text(out, &self.words.trust_note(note))?;
            out.write_all(b"}")?;
        }
        out.write_all(b"],\"reconciliation\":")?;
        let Some(both) = &trust.reconciliation else { return out.write_all(b"null}") };
        out.write_all(b"{\"seen_share\":")?;
        json::float(out, both.recorded_share)?;
        out.write_all(b",\"tags\":[")?;
        for (at, tag) in both.tags.iter().enumerate() {
            out.write_all(if at > 0 { b",{\"tag\":" } else { b"{\"tag\":" })?;
            json::text(out, &tag.tag.text())?;
            write!(out, ",\"paged\":\"{}\",\"session\":", pool(tag.paged))?;
            match tag.session {
                Some(session) => write!(out, "{session}")?,
                None => out.write_all(b"null")?,
            }
            write!(
                out,
                ",\"start_bytes\":{},\"stop_bytes\":{},\"counted_allocs\":{},\"counted_frees\":{},\"seen_allocs\":{},\
                 \"seen_frees\":{},\"seen_growth_bytes\":{}}}",
                tag.start_bytes,
                tag.stop_bytes,
                tag.counted_allocs,
                tag.counted_frees,
                tag.recorded_allocs,
                tag.recorded_frees,
                tag.recorded_growth_bytes
            )?;
        }
        out.write_all(b"]}}")
    }

    fn json_pools(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b",\"pools\":[")?;
        for (paged, growth) in [false, true].into_iter().zip(&self.judgement.pools) {
            write!(out, "{}{{\"paged\":\"{}\"", if paged { "," } else { "" }, pool(paged))?;
            for (name, cell) in pool_cells(growth) {
                write!(out, ",\"{name}\":")?;
                json_cell(out, &cell)?;
            }
            out.write_all(b"}")?;
        }
        out.write_all(b"]")
    }

    /// Writes a header and one line per row. Frames and ages are joined by `;` as in all tables; reasons and claims, which hold
    /// that sign themselves, by ` | `.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", fields().copied().collect::<Vec<_>>().join(","))?;
        for (at, suspect) in self.shown().iter().enumerate() {
            for (field, (_, cell)) in self.cells(at, suspect).iter().enumerate() {
                out.write_all(if field > 0 { b"," } else { b"" })?;
                match cell {
                    Cell::Null => {}
                    Cell::Text(text) => csv::text(out, text)?,
                    Cell::List(items) => csv::text(out, &items.join(";"))?,
                    Cell::Object(_, short) => csv::text(out, short)?,
                    Cell::Words(items) | Cell::Objects(_, items) => csv::text(out, &joined(items))?,
                    other => json_cell(out, other)?,
                }
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn cells(&self, at: usize, suspect: &Suspect) -> Fields {
        let text = |text: &str| if text.is_empty() { Cell::Null } else { Cell::Text(text.to_owned()) };
        let evidence = &suspect.evidence;
        let net = i128::from(evidence.outstanding.bytes) - i128::from(evidence.freed_preexisting.bytes);
        let stack = self.stacks.frames(self.stacks.node_of(suspect.stack));
        let values = [
            Cell::Count(at as u64 + 1),
            suspect.tag.as_deref().map_or(Cell::Null, |tag| Cell::Text(tag.to_owned())),
            Cell::Text(pool(suspect.paged).to_owned()),
            text(&suspect.driver),
            text(&suspect.function),
            Cell::Text(suspect.verdict.name().to_owned()),
            Cell::Float(suspect.score),
            Cell::Float(suspect.confidence),
            Cell::Count(evidence.outstanding.bytes),
            Cell::Count(evidence.outstanding.count),
            Cell::Count(evidence.freed.count),
            Cell::Float(suspect.growth_bytes_per_s),
            Cell::Float(suspect.growth_bytes_per_s * 3600.0),
            self.words.seconds_to_full(suspect).map_or(Cell::Null, Cell::Float),
            Cell::Words(self.words.reasons(suspect)),
            Cell::List(stack.into_iter().map(str::to_owned).collect()),
            Cell::Count(evidence.allocated.count),
            Cell::Count(evidence.allocated.bytes),
            Cell::Net(net),
            Cell::Count(evidence.older_than_usual.allocations.count),
            Cell::Count(evidence.older_than_usual.allocations.bytes),
            Cell::Float(suspect.driver_share),
            Cell::Float(suspect.stack_share),
            Cell::List(evidence.age_histogram.iter().map(u64::to_string).collect()),
            Cell::Flag(suspect.loss_correction > 1.0),
            Cell::Words(self.words.claims(suspect)),
        ];
        let who = leaks_who::cells(suspect, self.words);
        fields().copied().zip(values.into_iter().chain(who)).collect()
    }
}

/// Names of all fields, in their order.
fn fields() -> impl Iterator<Item = &'static &'static str> {
    FIELDS.iter().chain(&leaks_who::FIELDS)
}

/// The fields of a row; those of [`leaks_who`] follow. `count` and `impacting_size` are those of AIFO blocks; `allocations` counts all.
const FIELDS: [&str; 26] = [
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
    "seconds_to_full",
    "reasons",
    "stack",
    "allocations",
    "size",
    "net_size",
    "overdue_count",
    "overdue_size",
    "driver_share",
    "stack_share",
    "ages",
    "growth_is_estimated",
    "claims",
];

fn pool_cells(growth: &PoolGrowth) -> [(&'static str, Cell); 7] {
    let known = |bytes: Option<u64>| bytes.map_or(Cell::Null, Cell::Count);
    [
        ("growth_bytes_per_s", Cell::Float(growth.growth_bytes_per_s())),
        ("slope_bytes_per_s", Cell::Float(growth.net_growth_bytes_per_s)),
        ("leak_bytes_per_s", Cell::Float(growth.leak_bytes_per_s)),
        ("growing_bytes_per_s", Cell::Float(growth.growing_bytes_per_s)),
        ("unattributed_bytes_per_s", Cell::Float(growth.unattributed_bytes_per_s)),
        ("baseline_bytes", known(growth.start_bytes)),
        ("limit_bytes", known(growth.limit_bytes)),
    ]
}

fn json_cell(out: &mut dyn Write, cell: &Cell) -> io::Result<()> {
    match cell {
        Cell::Null => out.write_all(b"null"),
        Cell::Text(words) => json::text(out, words),
        Cell::Count(number) => write!(out, "{number}"),
        Cell::Net(number) => write!(out, "{number}"),
        // A sum of nothing is -0.0, which reads as less than nothing.
        Cell::Float(number) => json::float(out, *number + 0.0),
        Cell::List(items) | Cell::Words(items) => json::list(out, items.iter().map(String::as_str)),
        Cell::Flag(is_so) => write!(out, "{is_so}"),
        Cell::Object(fields, _) => json_object(out, fields),
        Cell::Objects(rows, _) => {
            out.write_all(b"[")?;
            for (at, fields) in rows.iter().enumerate() {
                out.write_all(if at > 0 { b"," } else { b"" })?;
                json_object(out, fields)?;
            }
            out.write_all(b"]")
        }
    }
}

fn json_object(out: &mut dyn Write, fields: &Fields) -> io::Result<()> {
    out.write_all(b"{")?;
    for (at, (name, cell)) in fields.iter().enumerate() {
        write!(out, "{}\"{name}\":", if at > 0 { "," } else { "" })?;
        json_cell(out, cell)?;
    }
    out.write_all(b"}")
}

/// Sentences in one field, apart again at each ` | `: a bar inside of one, such as in a tag or a description, is drawn broken.
fn joined(sentences: &[String]) -> String {
    sentences.iter().map(|text| text.replace('|', "\u{a6}")).collect::<Vec<_>>().join(" | ")
}

const fn columns(by: SuspectGrouping) -> &'static [&'static str] {
    match by {
        SuspectGrouping::Tag => &["tag", "paged"],
        SuspectGrouping::Stack => &["tag", "paged", "stack"],
        SuspectGrouping::Driver => &["driver", "paged"],
        SuspectGrouping::Process => &["process", "paged"],
    }
}

const fn pool(paged: bool) -> &'static str {
    if paged { "Paged" } else { "NonPaged" }
}

/// The name of a note in files.
const fn kind_name(kind: &DataQualityKind) -> &'static str {
    match kind {
        DataQualityKind::LostEvents { .. } => "lost_events",
        DataQualityKind::LostBuffers { .. } => "lost_buffers",
        DataQualityKind::CircularLogWrapped { .. } => "wrapped",
        DataQualityKind::TagFilter { .. } => "tag_filter",
        DataQualityKind::ShortRange { .. } => "short",
        DataQualityKind::MissingStacks { .. } => "missing_stacks",
        DataQualityKind::ImpliedEvents { .. } => "implied_pairs",
        DataQualityKind::PoolRundownDiffers { .. } => "snapshots_differ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_in_one_field_can_be_told_apart() {
        let sentences = ["1 block stays; only 1 was freed".to_owned(), "1 other tag: a | b".to_owned()];
        let field = joined(&sentences);
        assert_eq!(field, "1 block stays; only 1 was freed | 1 other tag: a \u{a6} b");
        assert_eq!(field.split(" | ").count(), sentences.len());
        assert_eq!(joined(&[]), "");
    }
}
