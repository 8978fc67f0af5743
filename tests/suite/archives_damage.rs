//! Damaged and random archives: members, content and errors, never a panic, and never more than the limits allow.

use poolscope_archive::{Archive, ArchiveError, ArchiveKind, Content, Control, UnpackLimits};
use poolscope_base::progress::{CancelToken, Progress};
use poolscope_synth::rng::Rng;
use poolscope_tests::archives::{ZipMember, cabinet, gzip, pack_with_tools, zip};
use poolscope_tests::damage::damage;
use proptest::prelude::*;

fn limits() -> UnpackLimits {
    UnpackLimits { max_bytes: 4 << 20, ..UnpackLimits::with_folders(vec![std::env::temp_dir()]) }
}

/// Content of all members that can be unpacked, and whether each is whole.
fn contents(bytes: &[u8]) -> Result<Vec<(Vec<u8>, bool)>, ArchiveError> {
    let (progress, cancel) = (Progress::default(), CancelToken::none());
    let control = Control { progress: &progress, cancel: &cancel };
    let archive = Archive::open(Content::Memory(bytes.to_vec()), "a.bin", control)?;
    let mut found = Vec::new();
    for index in 0..archive.members().len() {
        let head = archive.head(index, 100, control).unwrap_or_default();
        let Ok(unpacked) = archive.unpack(index, &limits(), control) else { continue };
        let Content::Memory(content) = unpacked.content else { panic!("small content stays in memory") };
        assert!(content.len() <= 4 << 20 && content.starts_with(&head));
        found.push((content, unpacked.damage.is_none()));
    }
    Ok(found)
}

/// Text that compresses, but not too well.
fn sample() -> Vec<u8> {
    (0..40_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 20).to_le_bytes()).collect()
}

fn archives() -> Vec<Vec<u8>> {
    let content = sample();
    let folder = tempfile::tempdir().expect("a scratch folder");
    std::fs::write(folder.path().join("trace.etl"), &content).expect("a file");
    let made = pack_with_tools(folder.path());
    let mut archives: Vec<Vec<u8>> = made.iter().map(|path| std::fs::read(path).expect("an archive")).collect();
    archives.push(gzip(&content));
    archives.push(zip(&[ZipMember::stored("x.txt", b"hello"), ZipMember::deflated("a.etl", &content)]));
    archives.push(cabinet(&[("x.txt", b"hello"), ("a.etl", &content)]));
    archives
}

#[test]
fn damaged_archives_give_members_or_an_error() {
    for whole in archives() {
        let kind = ArchiveKind::recognize(&whole).expect("an archive");
        assert!(contents(&whole).expect("readable").contains(&(sample(), true)), "{kind:?}");
        let mut noticed = 0;
        for case in 0..150 {
            let mut bytes = whole.clone();
            let _done = damage(&mut bytes, &[0], &mut Rng::new(case));
            let is_same = contents(&bytes).is_ok_and(|found| found.contains(&(sample(), true)));
            noticed += u32::from(!is_same);
        }
        assert!(noticed > 75, "{kind:?}: {noticed} of 150 cases were noticed");
    }
}

#[test]
fn cut_archives_give_the_beginning() {
    for whole in archives() {
        let kind = ArchiveKind::recognize(&whole).expect("an archive");
        for part in 1..20 {
            let cut = &whole[..whole.len() * part / 20];
            for (content, is_whole) in contents(cut).unwrap_or_default() {
                let is_beginning = sample().starts_with(&content) || content == b"hello";
                assert!(is_beginning, "{kind:?} cut at {part}/20");
                assert!(!is_whole || content == b"hello", "{kind:?} cut at {part}/20 counts as whole");
            }
        }
    }
}

#[test]
fn cancelling_ends_the_work() {
    let (progress, cancel) = (Progress::default(), CancelToken::default());
    let control = Control { progress: &progress, cancel: &cancel };
    let archive = Archive::open(Content::Memory(gzip(&sample())), "a.gz", control).expect("readable");
    cancel.cancel();
    assert!(matches!(archive.unpack(0, &limits(), control), Err(ArchiveError::Cancelled(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_behind_a_signature_are_no_danger(
        kind in 0_usize..6,
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let signatures: [&[u8]; 6] = [
            b"\x1f\x8b\x08\0", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"MSCF\0\0\0\0", b"7z\xbc\xaf\x27\x1c",
        ];
        drop(contents(&[signatures[kind], &rest].concat()));
    }

    #[test]
    fn what_is_packed_comes_back(members in proptest::collection::vec(("[a-z]{1,8}", proptest::collection::vec(any::<u8>(), 1..3000)), 1..5)) {
        let named: Vec<ZipMember> = members
            .iter()
            .enumerate()
            .map(|(at, (name, content))| ZipMember::deflated(&format!("{at}/{name}.etl"), content))
            .collect();
        let expected: Vec<(Vec<u8>, bool)> = members.iter().map(|(_, content)| (content.clone(), true)).collect();
        prop_assert_eq!(contents(&zip(&named)).expect("readable"), expected);
    }
}
