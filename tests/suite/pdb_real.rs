//! Real PDBs compared with other readers: .NET native images, an image rearranged by OMAP, and a compressed PDB of a symbol server.

use poolscope_base::progress::CancelToken;
use poolscope_symbols::names::ModuleNames;
use poolscope_symbols::pdb_file::{PdbBytes, read_identity, resolve_names};
use poolscope_symbols::undecorate::undecorate;
use poolscope_tests::pdbs::{llvm, real};
use std::collections::BTreeMap;
use std::path::Path;

const NATIVE_IMAGES: [(&str, &str); 3] = [
    ("System.Xml.ni.pdb", "9BA07396AE369D010C5C3927A82EF4261"),
    ("System.ni.pdb", "E40DA7A49F8C3F0108E7C835B342F3821"),
    ("mscorlib.ni.pdb", "51E2934144BA15628BA5A31BE2DAE7DC1"),
];

fn open(path: &Path) -> PdbBytes {
    PdbBytes::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(bytes: &PdbBytes, rvas: &[u32]) -> ModuleNames {
    resolve_names(bytes, rvas, &CancelToken::none()).expect("a real PDB can be read")
}

/// The text after a word, from each line that contains it.
fn after<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    text.lines().filter_map(|line| line.split_once(word)).map(|(_, rest)| rest).collect()
}

/// Section starts computed from their lengths as the loader does.
fn section_starts(map: &str) -> Vec<u32> {
    let lengths = after(map, "offset = 0, size = ");
    let mut next = 0x1000_u32;
    let start = |length: &str| {
        let start = next;
        next = (next + length.trim().parse::<u32>().expect("a length")).next_multiple_of(0x1000);
        start
    };
    lengths.into_iter().map(start).collect()
}

#[test]
fn native_images_have_the_names_of_llvm() {
    for (file, key) in NATIVE_IMAGES {
        let Some(path) = real(&format!("symbols/{file}/{key}/{file}")) else { return };
        let bytes = open(&path);
        assert_eq!(read_identity(&bytes, file).expect("it has an identity").store_key(), key);
        let Some(map) = llvm("llvm-pdbutil", &["dump", "-section-map"], &path) else { return };
        // All records: the listing through the hash table (-publics) omits some.
        let Some(listing) = llvm("llvm-pdbutil", &["dump", "-gsi-records"], &path) else { return };
        let starts = section_starts(&map);
        let names_listed = after(&listing, "] `").into_iter().map(|rest| rest.trim_end_matches('`'));
        let places = after(&listing, "addr = ").into_iter().map(|place| {
            let (section, offset) = place.split_once(':').expect("a place");
            let number = |text: &str| text.trim().parse::<u32>().expect("a number");
            starts[number(section) as usize - 1] + number(offset)
        });
        let mut by_rva: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for (name, rva) in names_listed.zip(places) {
            by_rva.entry(rva).or_default().push(name);
        }
        assert!(by_rva.len() > 10_000, "{} addresses", by_rva.len());
        // Every hundredth symbol, at the last address before the next one.
        let all: Vec<u32> = by_rva.keys().copied().collect();
        let asked: Vec<(u32, u32)> = all.windows(2).step_by(100).map(|two| (two[0], two[1] - 1)).collect();
        let mut rvas: Vec<u32> = asked.iter().flat_map(|(start, last)| [*start, *last]).collect();
        rvas.dedup();
        let found = read(&bytes, &rvas);
        assert!(asked.len() > 100);
        for (start, last) in asked {
            for rva in [start, last] {
                let answer = found.get(rva).unwrap_or_else(|| panic!("{file} {rva:#x}"));
                assert_eq!(answer.offset_bytes, rva - start, "{file} {rva:#x}");
                let listed = &by_rva[&start];
                assert!(listed.iter().any(|name| undecorate(name, false) == *answer.function), "{rva:#x}: {listed:?}");
            }
        }
    }
}

/// Stacks of win7-merged-stacks.etl: each function calls the one above it, which requires correct section starts.
#[test]
fn recorded_stacks_have_plausible_calls() {
    let Some(path) = real("symbols/mscorlib.ni.pdb/51E2934144BA15628BA5A31BE2DAE7DC1/mscorlib.ni.pdb") else { return };
    let bytes = open(&path);
    let stacks: [&[(u32, &str)]; 2] = [
        &[
            (
                0x30_4499,
                "System.IO.File.FillAttributeInfo(System.String, WIN32_FILE_ATTRIBUTE_DATA ByRef, Boolean, Boolean)",
            ),
            (0x30_45F1, "System.IO.File.InternalExists(System.String)"),
            (0x30_ACCD, "System.IO.File.InternalExistsHelper(System.String, Boolean)"),
        ],
        &[
            (0x2E_EBC4, "System.Text.StringBuilder.ExpandByABlock(Int32)"),
            (0x2E_EAE7, "System.Text.StringBuilder.Append(Char*, Int32)"),
            (0x2E_EA8F, "System.Text.StringBuilder.AppendHelper(System.String)"),
        ],
    ];
    for (rva, name) in stacks.concat() {
        assert_eq!(read(&bytes, &[rva]).get(rva).map(|answer| &*answer.function), Some(name));
    }
}

/// Addresses, functions and lines by DIA in the rearranged image (breakpad's listing of this PDB).
#[test]
fn rearranged_images_are_read_through_omap() {
    let Some(path) = real("pdb/omap_stretched.pdb") else { return };
    let bytes = open(&path);
    let functions = [
        (0x1000, "main"),
        (0x1060, "google_breakpad::i"),
        (0x106A, "google_breakpad::C::C"),
        (0x109F, "google_breakpad::C::~C"),
        (0x1119, "google_breakpad::C::g"),
        (0x1781, "exit"),
        (0x2A6E, "_heap_init"),
        (0x3281, "strlen"),
        (0x3629, "raise"),
        (0x37F9, "_callnewh"),
    ];
    for (rva, name) in functions {
        let found = read(&bytes, &[rva, rva + 2]);
        for asked in [rva, rva + 2] {
            let answer = found.get(asked).unwrap_or_else(|| panic!("{asked:#x}"));
            assert_eq!((&*answer.function, answer.offset_bytes), (name, asked - rva));
        }
    }
    // Addresses after the last byte of a line, as return addresses.
    for (rva, line) in [(0x101C, 59), (0x1050, 62 + 2), (0x178B - 5, 392), (0x377B, 573), (0x37C4, 600), (0x380A, 133)]
    {
        let found = read(&bytes, &[rva]);
        let found = found.get(rva).and_then(|answer| answer.line.as_ref()).map(|line| line.line);
        assert_eq!(found, Some(line), "{rva:#x}");
    }
}

#[test]
fn compressed_pdbs_of_visual_c_are_read() {
    let Some(path) = real("pdb/basic32.pd_") else { return };
    let mut cabinet = cab::Cabinet::new(std::fs::File::open(&path).expect("it opens")).expect("it is a cabinet");
    let mut unpacked = Vec::new();
    let mut file = cabinet.read_file("basic32.pdb").expect("it holds the PDB");
    std::io::copy(&mut file, &mut unpacked).expect("it can be unpacked");
    let place = tempfile::tempdir().expect("a scratch folder");
    let plain = place.path().join("basic32.pdb");
    std::fs::write(&plain, &unpacked).expect("it can be written");
    let bytes = open(&plain);
    assert_eq!(
        read_identity(&bytes, "basic32.pdb").expect("an identity").store_key(),
        "34060D222DBB44E5AA72243CE8326C2F2"
    );
    let Some(listing) = llvm("llvm-pdbutil", &["dump", "-symbols"], &plain) else { return };
    let lines: Vec<&str> = listing.lines().collect();
    let mut checked = 0;
    for two in lines.windows(2).filter(|two| two[0].contains("PROC32")).step_by(30) {
        let name = two[0].split_once('`').map(|(_, rest)| rest.trim_end_matches('`')).expect("a name");
        let place = two[1].split_once("addr = 0001:").and_then(|(_, rest)| rest.split_once(", code size = "));
        let Some((offset, size)) = place else { continue };
        let rva = 0x1000 + offset.parse::<u32>().expect("an offset");
        let last = rva + size.trim().parse::<u32>().expect("a size") - 1;
        let found = read(&bytes, &[rva, last]);
        for asked in [rva, last] {
            let answer = found.get(asked).unwrap_or_else(|| panic!("{asked:#x} {name}"));
            assert_eq!(answer.offset_bytes, asked - rva, "{name}");
            // The linker folds equal functions: one address, several names.
            let same = lines.windows(2).filter(|it| it[1].contains(&format!("addr = 0001:{offset},")));
            let mut same = same.filter_map(|it| it[0].split_once('`')).map(|it| it.1.trim_end_matches('`'));
            assert!(same.any(|name| *name == *answer.function), "{asked:#x} {name}: {}", answer.function);
        }
        checked += 1;
    }
    assert!(checked >= 90, "{checked} procedures");
}
