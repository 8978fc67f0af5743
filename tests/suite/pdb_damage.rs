//! Thousands of deterministically damaged PDBs and images: each gives names or an error, never a panic.

use poolscope_base::progress::CancelToken;
use poolscope_symbols::image::{export_names, read_info};
use poolscope_symbols::pdb_file::{PdbBytes, read_identity, resolve_names};
use poolscope_synth::rng::Rng;
use poolscope_tests::damage::damage;
use poolscope_tests::pdbs::{module_named, real};
use std::path::Path;

/// Offsets of pages, where damage has the most effect.
fn pages(bytes: &[u8], page_bytes: usize) -> Vec<usize> {
    (0..bytes.len()).step_by(page_bytes).collect()
}

/// Number of damaged PDBs that could still be read, and number of those with names.
fn damaged(path: &Path, page_bytes: usize, cases: u64) -> (u64, u64) {
    let whole = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rvas: Vec<u32> = (0x1000..0x2000).step_by(37).collect();
    let (mut read, mut named) = (0, 0);
    for case in 0..cases {
        let mut bytes = whole.clone();
        let places = pages(&bytes, page_bytes);
        // The case number reproduces the damage.
        let _done = damage(&mut bytes, &places, &mut Rng::new(case));
        let bytes = PdbBytes::from_bytes(bytes);
        let known = read_identity(&bytes, "damaged.pdb").is_ok();
        if let Ok(names) = resolve_names(&bytes, &rvas, &CancelToken::none()) {
            assert_eq!(names.iter().count(), rvas.len());
            read += u64::from(known);
            named += u64::from(names.named_count() > 0);
        }
    }
    (read, named)
}

#[test]
fn damaged_pdbs_give_names_or_an_error() {
    for file in ["shapes.dll", "public_only.sys", "old32.dll"] {
        let (read, named) = damaged(&module_named(file).pdb_path(), 4096, 400);
        assert!(read > 20 && named > 20 && named < 400, "{file}: {read} read, {named} with names");
    }
}

#[test]
fn damaged_real_pdbs_give_names_or_an_error() {
    let Some(path) = real("pdb/omap_stretched.pdb") else { return };
    let (read, named) = damaged(&path, 1024, 200);
    assert!(read > 10 && named > 10 && named < 200, "{read} read, {named} with names");
}

#[test]
fn truncated_pdbs_give_names_or_an_error() {
    let whole = std::fs::read(module_named("shapes.dll").pdb_path()).expect("the PDB can be read");
    for length in (0..whole.len()).step_by(997) {
        let bytes = PdbBytes::from_bytes(whole[..length].to_vec());
        let _known = read_identity(&bytes, "cut.pdb").is_ok();
        if let Ok(names) = resolve_names(&bytes, &[0x1000, 0x1175], &CancelToken::none()) {
            assert!(names.named_count() <= 2);
        }
    }
}

#[test]
fn damaged_images_give_identities_or_an_error() {
    let place = tempfile::tempdir().expect("a scratch folder");
    let file = place.path().join("damaged.dll");
    let rvas: Vec<u32> = (0x1000..0x4000).step_by(97).collect();
    for name in ["shapes.dll", "old32.dll"] {
        let whole = std::fs::read(module_named(name).image_path()).expect("the image can be read");
        let (mut known, mut unknown) = (0, 0);
        for case in 0..400 {
            let mut bytes = whole.clone();
            let _done = damage(&mut bytes, &[0, 0x78, 0x178, 0x600], &mut Rng::new(case));
            std::fs::write(&file, &bytes).expect("it can be written");
            if read_info(&file).is_ok() {
                known += 1
            } else {
                unknown += 1
            }
            if let Ok(names) = export_names(&file, &rvas) {
                assert_eq!(names.iter().count(), rvas.len());
            }
        }
        assert!(known > 20 && unknown > 20, "{name}: {known} known, {unknown} not");
    }
}
