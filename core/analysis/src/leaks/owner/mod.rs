//! Probable owners of a tag: drivers on the stacks, drivers that the user's `pooltag.txt` names, and driver files that contain the
//! tag, each with a confidence. Reads no file itself.

mod driver_scan;

pub use driver_scan::{TagSet, scan_driver};

use super::Suspect;
use super::limits as limit;
use crate::group::pool_tags::{PoolTags, TagText};
use crate::group::wrapper_rules::{FrameRole, WrapperRules};
use crate::trace::attributes::Tag;

/// The source that names an owner.
#[derive(Clone, PartialEq, Debug)]
pub enum OwnerSource {
    /// The driver is on the stacks of the outstanding allocations.
    Stack {
        /// Share of the outstanding bytes, 0 to 1.
        share: f64,
    },
    /// `pooltag.txt` names the file.
    PoolTagFile {
        /// Description of the tag in the file.
        description: String,
    },
    /// The driver file contains the tag.
    DriverFile {
        /// Number of occurrences in the file.
        occurrences: u64,
        /// Number of scanned files that contain the tag.
        files_with_tag: u64,
    },
}

/// A driver that may own a tag.
#[derive(Clone, PartialEq, Debug)]
pub struct TagOwnerCandidate {
    /// File name of the driver.
    pub driver: String,
    /// The source that names it.
    pub source: OwnerSource,
    /// Confidence, 0 to 1.
    pub confidence: f64,
}

/// Tags in a file with the number of their occurrences.
pub type TagOccurrences = Vec<([u8; 4], u64)>;

/// Result of a scan of the driver files in a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScannedDrivers {
    /// File names and the tags that they contain, sorted by name. Files without any tag are left out.
    pub files: Vec<(String, TagOccurrences)>,
    /// Number of scanned files.
    pub scanned_files: u64,
}

/// Sources of tag ownership other than the stacks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagOwnerData<'d> {
    /// The user's `pooltag.txt`.
    pub pool_tags: Option<&'d PoolTags>,
    /// Scanned driver files.
    pub scanned_drivers: Option<&'d ScannedDrivers>,
}

/// Drivers that may own the tag of a suspect, the most probable first. Sources that agree on a driver raise each other's confidence:
/// their doubts are multiplied.
#[must_use]
pub fn owner_candidates(suspect: &Suspect, data: TagOwnerData<'_>) -> Vec<TagOwnerCandidate> {
    let tag = suspect.tag.as_deref().and_then(Tag::from_text);
    let mut candidates: Vec<TagOwnerCandidate> = by_stack(suspect).into_iter().collect();
    if let Some(tag) = tag {
        candidates.extend(data.pool_tags.map(|tags| by_pool_tag(tag, tags)).unwrap_or_default());
        candidates.extend(data.scanned_drivers.map(|drivers| by_driver_file(tag, drivers)).unwrap_or_default());
    }
    let alone: Vec<(String, f64)> =
        candidates.iter().map(|candidate| (driver_stem(&candidate.driver), candidate.confidence)).collect();
    for candidate in &mut candidates {
        let own = driver_stem(&candidate.driver);
        let doubts = alone.iter().filter(|(driver, _)| *driver == own).map(|(_, confidence)| 1.0 - confidence);
        candidate.confidence = 1.0 - doubts.product::<f64>();
    }
    candidates.sort_by(|a, b| {
        let order = b.confidence.total_cmp(&a.confidence);
        let order = order.then_with(|| driver_stem(&a.driver).cmp(&driver_stem(&b.driver)));
        order.then_with(|| source_order(&a.source).cmp(&source_order(&b.source)))
    });
    candidates
}

/// The most probable owner of the tag of a suspect.
#[must_use]
pub fn best_owner_candidate(suspect: &Suspect, data: TagOwnerData<'_>) -> Option<TagOwnerCandidate> {
    owner_candidates(suspect, data).into_iter().next()
}

fn source_order(source: &OwnerSource) -> u8 {
    match source {
        OwnerSource::Stack { .. } => 0,
        OwnerSource::PoolTagFile { .. } => 1,
        OwnerSource::DriverFile { .. } => 2,
    }
}

/// A driver's name in lower case without its extension, since lists have it with and without. All file names of the kernel become
/// `nt`.
fn driver_stem(driver: &str) -> String {
    let name = driver.to_ascii_lowercase();
    let is_kernel = WrapperRules::built_in().of_module(&name).role() == FrameRole::System && name.starts_with("nt");
    if is_kernel || name == "nt" {
        return "nt".to_owned();
    }
    name.rsplit_once('.').map_or_else(|| name.clone(), |(stem, _)| stem.to_owned())
}

fn by_stack(suspect: &Suspect) -> Option<TagOwnerCandidate> {
    // The share is one of bytes, which a debugger log may lack.
    if !suspect.is_driver_known || (!suspect.has_growth && suspect.evidence.outstanding.bytes == 0) {
        return None;
    }
    let driver = suspect.driver.as_str();
    let share = suspect.driver_share.max(suspect.stack_share).clamp(0.0, 1.0);
    let is_driver = WrapperRules::built_in().of_module(driver).role() == FrameRole::Driver;
    let max_confidence = if is_driver { limit::STACK_CONFIDENCE } else { limit::SYSTEM_STACK_CONFIDENCE };
    // A driver with half of the bytes is still the first one to investigate.
    let confidence = max_confidence * (0.5 + 0.5 * share);
    Some(TagOwnerCandidate { driver: driver.to_owned(), source: OwnerSource::Stack { share }, confidence })
}

fn by_pool_tag(tag: Tag, tags: &PoolTags) -> Vec<TagOwnerCandidate> {
    let Some(text) = tags.get(tag) else { return Vec::new() };
    let drivers = named_files(text);
    let by_line = if tags.is_exact(tag) { limit::POOLTAG_CONFIDENCE } else { limit::POOLTAG_PREFIX_CONFIDENCE };
    let confidence = by_line * tag_weight(tag) / drivers.len().max(1) as f64;
    let candidate = |driver| {
        let source = OwnerSource::PoolTagFile { description: text.description.clone() };
        TagOwnerCandidate { driver, source, confidence }
    };
    drivers.into_iter().map(candidate).collect()
}

/// The files that the list names for a tag: `ntfs.sys`, `nt!mm`, `a.sys & b.sys`; none for `<unknown>`.
fn named_files(text: &TagText) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '!' | '<' | '>');
    for word in text.binary.split(|c: char| !is_part(c)) {
        let module = word.split('!').next().unwrap_or_default();
        let is_file = module.rsplit_once('.').is_some_and(|(stem, extension)| {
            !stem.is_empty() && ["sys", "exe", "dll"].contains(&extension.to_ascii_lowercase().as_str())
        });
        let file = match (is_file, word.contains('!'), module) {
            (true, ..) => module.to_owned(),
            (false, _, "nt" | "Nt" | "NT") => "ntoskrnl.exe".to_owned(),
            (false, true, module) if !module.is_empty() && !module.contains('<') => format!("{module}.sys"),
            _ => continue,
        };
        if !files.iter().any(|known| known.eq_ignore_ascii_case(&file)) {
            files.push(file);
        }
    }
    files
}

fn by_driver_file(tag: Tag, scanned: &ScannedDrivers) -> Vec<TagOwnerCandidate> {
    let files_with_tag = scanned.files.iter().filter_map(|(file, tags)| {
        let (_, occurrences) = tags.iter().find(|row| row.0 == tag.0)?;
        (*occurrences > 0).then_some((file, *occurrences))
    });
    let files_with_tag: Vec<(&String, u64)> = files_with_tag.collect();
    let count = files_with_tag.len() as u64;
    // In a folder of one driver, the only file that contains the tag says little.
    let scanned_files = scanned.scanned_files.max(scanned.files.len() as u64) as f64;
    let by_scanned = scanned_files / (scanned_files + limit::HALF_CONFIDENCE_FILES);
    let by_count = 1.0 / (1.0 + limit::DOUBT_PER_FILE * count.saturating_sub(1) as f64);
    let confidence = limit::DRIVER_FILE_CONFIDENCE * by_scanned * by_count * tag_weight(tag);
    let candidate = |(file, occurrences): (&String, u64)| {
        let source = OwnerSource::DriverFile { occurrences, files_with_tag: count };
        TagOwnerCandidate { driver: file.clone(), source, confidence }
    };
    files_with_tag.into_iter().map(candidate).collect()
}

/// Weight of a tag, 0 to 1: a tag of four different letters is probably used by one driver, one letter and blanks by many.
fn tag_weight(tag: Tag) -> f64 {
    let mut letters: Vec<u8> = tag.0.into_iter().filter(|byte| !matches!(byte, b' ' | 0 | 0xff)).collect();
    letters.dedup();
    limit::TAG_WEIGHTS.get(letters.len()).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::test_util::{Block, block, trace};
    use crate::leaks::{AnalysisRequest, SuspectGrouping, WarmUp, analyze};

    /// A suspect with one tag and stack.
    fn suspect(tag: &'static [u8; 4], stack: &'static [&'static str]) -> Suspect {
        let blocks: Vec<Block> = (0..40).map(|k| Block { tag, stack, ..block(Some(250 * k), None, 64) }).collect();
        let trace = trace(&blocks);
        let names =
            crate::group::column_values::ColumnValues::new(trace.clone(), crate::group::frames::FrameNaming::Symbol);
        let request =
            AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::None };
        analyze(&names, request, &crate::group::parallel::not_cancelled).unwrap().suspects.remove(0)
    }

    fn scanned(files: &[(&str, &[u8; 4], u64)], looked_at: u64) -> ScannedDrivers {
        let files = files.iter().map(|(file, tag, places)| ((*file).to_owned(), vec![(**tag, *places)])).collect();
        ScannedDrivers { files, scanned_files: looked_at }
    }

    const BARE: &[&str] = &[];

    #[test]
    fn drivers_on_the_stack_rank_before_the_kernel() {
        let none = TagOwnerData::default();
        let by_driver = owner_candidates(&suspect(b"Leak", &["nt:20", "my:30"]), none);
        assert_eq!((by_driver.len(), by_driver[0].driver.as_str()), (1, "myfault.sys"));
        assert!((by_driver[0].confidence - limit::STACK_CONFIDENCE).abs() < 1e-9, "{by_driver:?}");
        for stack in [&["nt:20", "nt:30"][..], &["nt:20", "wdf:1"]] {
            let weak = owner_candidates(&suspect(b"Leak", Box::leak(Box::new(stack))), none);
            assert!(weak[0].confidence <= limit::SYSTEM_STACK_CONFIDENCE, "{weak:?}");
        }
        assert_eq!(owner_candidates(&suspect(b"Leak", BARE), none), []);
        assert_eq!(best_owner_candidate(&suspect(b"Leak", BARE), none), None);
    }

    #[test]
    fn confidence_falls_with_the_number_of_files_that_have_the_tag() {
        let bare = suspect(b"Leak", BARE);
        let of = |files: &ScannedDrivers| {
            best_owner_candidate(&bare, TagOwnerData { scanned_drivers: Some(files), pool_tags: None })
        };
        let one = scanned(&[("a.sys", b"Leak", 3), ("b.sys", b"Else", 1)], 300);
        let candidate = of(&one).unwrap();
        assert_eq!(
            (candidate.driver.as_str(), &candidate.source),
            ("a.sys", &OwnerSource::DriverFile { occurrences: 3, files_with_tag: 1 })
        );
        assert!(candidate.confidence > 0.7, "{candidate:?}");
        let names: Vec<String> = (0..40).map(|k| format!("d{k:02}.sys")).collect();
        let many: Vec<(&str, &[u8; 4], u64)> = names.iter().map(|name| (name.as_str(), b"Leak", 1)).collect();
        assert!(of(&scanned(&many, 300)).unwrap().confidence < 0.1);
        assert!(of(&scanned(&many[..2], 300)).unwrap().confidence < candidate.confidence);
        // The only scanned file.
        assert!(of(&scanned(&many[..1], 1)).unwrap().confidence < candidate.confidence / 2.0);
        assert_eq!(of(&scanned(&[("b.sys", b"Else", 1)], 300)), None);
    }

    #[test]
    fn short_tags_have_little_weight() {
        let files = [("a.sys", b"Leak", 1), ("a.sys", b"Abc ", 1), ("a.sys", b"A   ", 1), ("a.sys", b"AAAA", 1)];
        let confidence = |tag: &'static [u8; 4]| {
            let found = scanned(&files.map(|(file, tag, places)| (file, tag, places)), 300);
            let file = found.files.iter().find(|file| file.1[0].0 == *tag).unwrap().clone();
            let alone = ScannedDrivers { files: vec![file], scanned_files: 300 };
            best_owner_candidate(&suspect(tag, BARE), TagOwnerData { scanned_drivers: Some(&alone), pool_tags: None })
                .unwrap()
                .confidence
        };
        assert!(
            confidence(b"Leak") > confidence(b"Abc ")
                && confidence(b"Abc ") > confidence(b"A   ")
                && confidence(b"AAAA") == confidence(b"A   ")
        );
    }

    #[test]
    fn the_list_names_files_and_agreement_raises_confidence() {
        let list = PoolTags::parse(
            "Leak - myfault.sys - Leaks\nTwo  - a.sys & b.sys - Two\nUnkn - <unknown> - ?\nMmSt - nt!mm - Mm\nNtf* - ntfs.sys - Ntfs\n",
        );
        let data = TagOwnerData { pool_tags: Some(&list), scanned_drivers: None };
        let of = |tag| {
            let candidates = owner_candidates(&suspect(tag, BARE), data);
            candidates.into_iter().map(|candidate| (candidate.driver, candidate.confidence)).collect::<Vec<_>>()
        };
        assert_eq!(of(b"Leak"), [("myfault.sys".to_owned(), limit::POOLTAG_CONFIDENCE)]);
        let two = of(b"Two ");
        assert_eq!((two[0].0.as_str(), two[1].0.as_str(), two[0].1 == two[1].1), ("a.sys", "b.sys", true));
        assert_eq!(of(b"Unkn"), []);
        assert_eq!(of(b"MmSt")[0].0, "ntoskrnl.exe");
        assert_eq!(of(b"NtfQ"), [("ntfs.sys".to_owned(), limit::POOLTAG_PREFIX_CONFIDENCE)]);

        let on_stack = suspect(b"Leak", &["nt:20", "my:30"]);
        let both = owner_candidates(&on_stack, data);
        assert_eq!(both.len(), 2);
        assert!(
            both.iter()
                .all(|candidate| candidate.driver == "myfault.sys" && candidate.confidence > limit::STACK_CONFIDENCE)
        );
        let agreed = 1.0 - (1.0 - limit::STACK_CONFIDENCE) * (1.0 - limit::POOLTAG_CONFIDENCE);
        assert!((both[0].confidence - agreed).abs() < 1e-9 && matches!(both[0].source, OwnerSource::Stack { .. }));
        // With only the kernel on the stack, list and files decide.
        let files = scanned(&[("MYFAULT.SYS", b"Leak", 2)], 300);
        let weak = suspect(b"Leak", &["nt:20", "nt:30"]);
        let best = best_owner_candidate(&weak, TagOwnerData { pool_tags: Some(&list), scanned_drivers: Some(&files) })
            .unwrap();
        assert_eq!(best.driver.to_ascii_lowercase(), "myfault.sys");
        assert!(best.confidence > limit::POOLTAG_CONFIDENCE);
    }
}
