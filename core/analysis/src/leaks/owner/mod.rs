//! Whose tag it is: what the stacks say, what the user's `pooltag.txt` says, and in which driver files the tag stands, each with
//! how sure it is and why. It reads no file itself.

mod scan;

pub use scan::{TagSet, scan_driver};

use super::Suspect;
use super::limits as limit;
use crate::group::look_through::{FrameRole, LookThrough};
use crate::group::pooltag::{PoolTags, TagText};
use crate::trace::context::Tag;

/// Where a claim comes from.
#[derive(Clone, PartialEq, Debug)]
pub enum OwnerSource {
    /// The stacks of the survivors lead through the driver.
    Stack {
        /// Share of the survivors' bytes, 0 to 1.
        share: f64,
    },
    /// `pooltag.txt` names the file.
    PoolTagFile {
        /// What it says about the tag.
        description: String,
    },
    /// The tag stands in the driver's file.
    DriverFile {
        /// How often.
        occurrences: u64,
        /// How many of the files that were looked at have it.
        files_with_tag: u64,
    },
}

/// A driver that may own a tag.
#[derive(Clone, PartialEq, Debug)]
pub struct TagOwnerCandidate {
    /// File name of the driver.
    pub driver: String,
    /// Why.
    pub source: OwnerSource,
    /// How sure, 0 to 1.
    pub confidence: f64,
}

/// Tags found in a file, with how often.
pub type TagOccurrences = Vec<([u8; 4], u64)>;

/// In which driver files of a folder which tags stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScannedDrivers {
    /// By file, in the order of their names: its name, and the tags found in it with how often. Files without any are left out.
    pub files: Vec<(String, TagOccurrences)>,
    /// How many files were looked at.
    pub scanned_files: u64,
}

/// What else is known about tags.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagOwnerData<'h> {
    /// The user's `pooltag.txt`.
    pub pool_tags: Option<&'h PoolTags>,
    /// Driver files that were looked through.
    pub scanned_drivers: Option<&'h ScannedDrivers>,
}

/// The drivers that may own a suspect, the surest first. Sources that agree on a driver make each other surer: their doubts
/// multiply.
#[must_use]
pub fn owner_candidates(suspect: &Suspect, hints: TagOwnerData<'_>) -> Vec<TagOwnerCandidate> {
    let tag = suspect.tag.as_deref().and_then(Tag::from_text);
    let mut claims: Vec<TagOwnerCandidate> = by_stack(suspect).into_iter().collect();
    if let Some(tag) = tag {
        claims.extend(hints.pool_tags.map(|tags| by_pool_tag(tag, tags)).unwrap_or_default());
        claims.extend(hints.scanned_drivers.map(|files| by_file(tag, files)).unwrap_or_default());
    }
    let alone: Vec<(String, f64)> = claims.iter().map(|claim| (driver_stem(&claim.driver), claim.confidence)).collect();
    for claim in &mut claims {
        let own = driver_stem(&claim.driver);
        let doubts = alone.iter().filter(|(driver, _)| *driver == own).map(|(_, confidence)| 1.0 - confidence);
        claim.confidence = 1.0 - doubts.product::<f64>();
    }
    claims.sort_by(|a, b| {
        let order = b.confidence.total_cmp(&a.confidence).then_with(|| driver_stem(&a.driver).cmp(&driver_stem(&b.driver)));
        order.then_with(|| source_order(&a.source).cmp(&source_order(&b.source)))
    });
    claims
}

/// The driver to name where one has to be named: where no stack leads to a driver, what the other sources agree on.
#[must_use]
pub fn best_owner_candidate(suspect: &Suspect, hints: TagOwnerData<'_>) -> Option<TagOwnerCandidate> {
    owner_candidates(suspect, hints).into_iter().next()
}

fn source_order(source: &OwnerSource) -> u8 {
    match source {
        OwnerSource::Stack { .. } => 0,
        OwnerSource::PoolTagFile { .. } => 1,
        OwnerSource::DriverFile { .. } => 2,
    }
}

/// A driver's name without its ending, in small letters: lists write both. The kernel has many file names and is one.
fn driver_stem(driver: &str) -> String {
    let name = driver.to_ascii_lowercase();
    let is_kernel = LookThrough::standard().of_module(&name).role() == FrameRole::System && name.starts_with("nt");
    if is_kernel || name == "nt" {
        return "nt".to_owned();
    }
    name.rsplit_once('.').map_or_else(|| name.clone(), |(stem, _)| stem.to_owned())
}

fn by_stack(suspect: &Suspect) -> Option<TagOwnerCandidate> {
    let driver = suspect.driver.as_str();
    if driver.is_empty() || driver == "Unknown" {
        return None;
    }
    let share = suspect.driver_share.max(suspect.stack_share).clamp(0.0, 1.0);
    let is_driver = LookThrough::standard().of_module(driver).role() == FrameRole::Driver;
    let most = if is_driver { limit::STACK_CONFIDENCE } else { limit::SYSTEM_STACK_CONFIDENCE };
    // A driver that half of the bytes come through is still the one to ask first.
    let confidence = most * (0.5 + 0.5 * share);
    Some(TagOwnerCandidate { driver: driver.to_owned(), source: OwnerSource::Stack { share }, confidence })
}

fn by_pool_tag(tag: Tag, tags: &PoolTags) -> Vec<TagOwnerCandidate> {
    let Some(text) = tags.get(tag) else { return Vec::new() };
    let drivers = named_files(text);
    let sure = if tags.is_exact(tag) { limit::POOLTAG_CONFIDENCE } else { limit::POOLTAG_PREFIX_CONFIDENCE };
    let confidence = sure * tag_weight(tag) / drivers.len().max(1) as f64;
    let claim = |driver| {
        let source = OwnerSource::PoolTagFile { description: text.description.clone() };
        TagOwnerCandidate { driver, source, confidence }
    };
    drivers.into_iter().map(claim).collect()
}

/// The files that the list names for a tag: `ntfs.sys`, `nt!mm`, `a.sys & b.sys`; none for `<unknown>`.
fn named_files(text: &TagText) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '!' | '<' | '>');
    for word in text.binary.split(|c: char| !is_part(c)) {
        let module = word.split('!').next().unwrap_or_default();
        let is_file = module.rsplit_once('.').is_some_and(|(stem, ending)| {
            !stem.is_empty() && ["sys", "exe", "dll"].contains(&ending.to_ascii_lowercase().as_str())
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

fn by_file(tag: Tag, scanned: &ScannedDrivers) -> Vec<TagOwnerCandidate> {
    let places = |found: &[([u8; 4], u64)]| found.iter().find(|row| row.0 == tag.0).map_or(0, |row| row.1);
    let having = scanned.files.iter().filter_map(|(file, found)| {
        let places = places(found);
        (places > 0).then_some((file, places))
    });
    let having: Vec<(&String, u64)> = having.collect();
    let of_files = having.len() as u64;
    // A folder of one driver always has the tag in all of its files or in none.
    let looked_at = scanned.scanned_files.max(scanned.files.len() as u64) as f64;
    let seen = looked_at / (looked_at + limit::HALF_CONFIDENCE_FILES);
    let alone = 1.0 / (1.0 + limit::DOUBT_PER_FILE * of_files.saturating_sub(1) as f64);
    let confidence = limit::DRIVER_FILE_CONFIDENCE * seen * alone * tag_weight(tag);
    let claim = |(file, places): (&String, u64)| {
        let source = OwnerSource::DriverFile { occurrences: places, files_with_tag: of_files };
        TagOwnerCandidate { driver: file.clone(), source, confidence }
    };
    having.into_iter().map(claim).collect()
}

/// How much a tag tells by itself, 0 to 1: four letters are somebody's choice; one letter and blanks are many people's.
fn tag_weight(tag: Tag) -> f64 {
    let mut letters: Vec<u8> = tag.0.into_iter().filter(|byte| !matches!(byte, b' ' | 0 | 0xff)).collect();
    letters.dedup();
    limit::TAG_WEIGHTS.get(letters.len()).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testkit::{Block, block, trace};
    use crate::leaks::{SuspectGrouping, AnalysisRequest, WarmUp, analyze};

    /// A suspect with this tag and stack.
    fn suspect(tag: &'static [u8; 4], stack: &'static [&'static str]) -> Suspect {
        let blocks: Vec<Block> = (0..40).map(|k| Block { tag, stack, ..block(Some(250 * k), None, 64) }).collect();
        let trace = trace(&blocks);
        let names = crate::group::names::Names::new(trace.clone(), crate::group::frames::FrameNaming::Symbol);
        let request = AnalysisRequest { visible_range: trace.extent, grouping: SuspectGrouping::Tag, warm_up: WarmUp::None };
        analyze(&names, request, &crate::group::parallel::never).unwrap().suspects.remove(0)
    }

    fn scanned(files: &[(&str, &[u8; 4], u64)], looked_at: u64) -> ScannedDrivers {
        let files = files.iter().map(|(file, tag, places)| ((*file).to_owned(), vec![(**tag, *places)])).collect();
        ScannedDrivers { files, scanned_files: looked_at }
    }

    const BARE: &[&str] = &[];

    #[test]
    fn a_driver_on_the_stack_is_surest_and_the_kernel_weak() {
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
    fn the_fewer_files_have_a_tag_the_surer_it_is() {
        let bare = suspect(b"Leak", BARE);
        let of = |files: &ScannedDrivers| best_owner_candidate(&bare, TagOwnerData { scanned_drivers: Some(files), pool_tags: None });
        let one = scanned(&[("a.sys", b"Leak", 3), ("b.sys", b"Else", 1)], 300);
        let claim = of(&one).unwrap();
        assert_eq!((claim.driver.as_str(), &claim.source), ("a.sys", &OwnerSource::DriverFile { occurrences: 3, files_with_tag: 1 }));
        assert!(claim.confidence > 0.7, "{claim:?}");
        let names: Vec<String> = (0..40).map(|k| format!("d{k:02}.sys")).collect();
        let many: Vec<(&str, &[u8; 4], u64)> = names.iter().map(|name| (name.as_str(), b"Leak", 1)).collect();
        assert!(of(&scanned(&many, 300)).unwrap().confidence < 0.1);
        assert!(of(&scanned(&many[..2], 300)).unwrap().confidence < claim.confidence);
        // The only file that was looked at.
        assert!(of(&scanned(&many[..1], 1)).unwrap().confidence < claim.confidence / 2.0);
        assert_eq!(of(&scanned(&[("b.sys", b"Else", 1)], 300)), None);
    }

    #[test]
    fn short_tags_say_little() {
        let files = [("a.sys", b"Leak", 1), ("a.sys", b"Abc ", 1), ("a.sys", b"A   ", 1), ("a.sys", b"AAAA", 1)];
        let sure = |tag: &'static [u8; 4]| {
            let found = scanned(&files.map(|(file, tag, places)| (file, tag, places)), 300);
            let file = found.files.iter().find(|file| file.1[0].0 == *tag).unwrap().clone();
            let alone = ScannedDrivers { files: vec![file], scanned_files: 300 };
            best_owner_candidate(&suspect(tag, BARE), TagOwnerData { scanned_drivers: Some(&alone), pool_tags: None }).unwrap().confidence
        };
        assert!(sure(b"Leak") > sure(b"Abc ") && sure(b"Abc ") > sure(b"A   ") && sure(b"AAAA") == sure(b"A   "));
    }

    #[test]
    fn the_list_names_files_and_agreement_raises() {
        let list = PoolTags::parse(
            "Leak - myfault.sys - Leaks\nTwo  - a.sys & b.sys - Two\nUnkn - <unknown> - ?\nMmSt - nt!mm - Mm\nNtf* - ntfs.sys - Ntfs\n",
        );
        let hints = TagOwnerData { pool_tags: Some(&list), scanned_drivers: None };
        let of = |tag| {
            let claims = owner_candidates(&suspect(tag, BARE), hints);
            claims.into_iter().map(|claim| (claim.driver, claim.confidence)).collect::<Vec<_>>()
        };
        assert_eq!(of(b"Leak"), [("myfault.sys".to_owned(), limit::POOLTAG_CONFIDENCE)]);
        let two = of(b"Two ");
        assert_eq!((two[0].0.as_str(), two[1].0.as_str(), two[0].1 == two[1].1), ("a.sys", "b.sys", true));
        assert_eq!(of(b"Unkn"), []);
        assert_eq!(of(b"MmSt")[0].0, "ntoskrnl.exe");
        assert_eq!(of(b"NtfQ"), [("ntfs.sys".to_owned(), limit::POOLTAG_PREFIX_CONFIDENCE)]);

        let on_stack = suspect(b"Leak", &["nt:20", "my:30"]);
        let both = owner_candidates(&on_stack, hints);
        assert_eq!(both.len(), 2);
        assert!(both.iter().all(|claim| claim.driver == "myfault.sys" && claim.confidence > limit::STACK_CONFIDENCE));
        let agreed = 1.0 - (1.0 - limit::STACK_CONFIDENCE) * (1.0 - limit::POOLTAG_CONFIDENCE);
        assert!((both[0].confidence - agreed).abs() < 1e-9 && matches!(both[0].source, OwnerSource::Stack { .. }));
        // A stack that only knows the kernel leaves the word to list and files.
        let files = scanned(&[("MYFAULT.SYS", b"Leak", 2)], 300);
        let weak = suspect(b"Leak", &["nt:20", "nt:30"]);
        let best = best_owner_candidate(&weak, TagOwnerData { pool_tags: Some(&list), scanned_drivers: Some(&files) }).unwrap();
        assert_eq!(best.driver.to_ascii_lowercase(), "myfault.sys");
        assert!(best.confidence > limit::POOLTAG_CONFIDENCE);
    }
}
