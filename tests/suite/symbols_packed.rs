//! Compressed PDBs (MSFZ), by the writer of Microsoft's own crate and by hand, and WPA's symbol caches in their folders. No file
//! from a symbol server or of WPA is part of the repository.

use ms_pdb_msfz::{Compression, MsfzWriter};
use poolscope_base::progress::CancelToken;
use poolscope_symbols::identity::{ModuleIdentity, PdbIdentity};
use poolscope_symbols::locate::{Locator, LocatorOptions};
use poolscope_symbols::names::ModuleNames;
use poolscope_symbols::path::{PathContext, SymbolPath};
use poolscope_symbols::pdb_file::{PdbBytes, read_identity, resolve_names};
use poolscope_symbols::resolve::{ModuleOutcome, ModuleRequest, ModuleState, ProgressEvent, Resolver};
use poolscope_synth::rng::Rng;
use poolscope_tests::damage::damage;
use poolscope_tests::pdbs::{Module, module_named, modules};
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::Mutex;

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

/// The streams of a plain PDB, read by the layout of LLVM's documentation; `None` for one that does not exist.
fn streams(pdb: &[u8]) -> Vec<Option<Vec<u8>>> {
    let page = u32_at(pdb, 32);
    let pages = |bytes: usize| bytes.div_ceil(page);
    let join = |numbers: &[usize], bytes: usize| {
        let mut joined: Vec<u8> = numbers.iter().flat_map(|n| pdb[n * page..(n + 1) * page].to_vec()).collect();
        joined.truncate(bytes);
        joined
    };
    let directory_bytes = u32_at(pdb, 44);
    let list = u32_at(pdb, 52) * page;
    let numbers: Vec<usize> = (0..pages(directory_bytes)).map(|n| u32_at(pdb, list + 4 * n)).collect();
    let directory = join(&numbers, directory_bytes);
    let count = u32_at(&directory, 0);
    let mut at = 4 + 4 * count;
    let stream = |index: usize| {
        let bytes = u32_at(&directory, 4 + 4 * index);
        if bytes == u32::MAX as usize {
            return None;
        }
        let numbers: Vec<usize> = (0..pages(bytes)).map(|n| u32_at(&directory, at + 4 * n)).collect();
        at += 4 * numbers.len();
        Some(join(&numbers, bytes))
    };
    (0..count).map(stream).collect()
}

/// A PDB as Microsoft's writer compresses it.
fn compressed(pdb: &[u8], compression: Compression, chunk_bytes: u32) -> Vec<u8> {
    let mut writer = MsfzWriter::new(Cursor::new(Vec::new())).expect("memory takes all");
    writer.set_chunk_compression_mode(compression);
    writer.set_uncompressed_chunk_size_threshold(chunk_bytes);
    let streams = streams(pdb);
    writer.reserve_num_streams(streams.len());
    for (index, stream) in streams.iter().enumerate() {
        let Some(content) = stream else { continue };
        let number = u32::try_from(index).expect("few streams");
        let mut into = writer.stream_writer(number).expect("the stream is new");
        // Some streams are stored as they are.
        into.set_compression_enabled(index % 5 != 3);
        into.write_all(content).expect("memory takes all");
    }
    let (_, file) = writer.finish().expect("memory takes all");
    file.into_inner()
}

/// A compressed PDB written by hand after the specification: deflated chunks of 1,000 bytes, which all streams run across, and an
/// uncompressed directory. Microsoft's crate neither writes nor reads fragments that run across chunks; the specification has them.
fn by_hand(pdb: &[u8]) -> Vec<u8> {
    const CHUNK: usize = 1000;
    let streams = streams(pdb);
    let mut directory = Vec::new();
    let mut data = Vec::new();
    for stream in &streams {
        match stream {
            None => directory.extend_from_slice(&u32::MAX.to_le_bytes()),
            Some(content) => {
                if !content.is_empty() {
                    directory.extend_from_slice(&(content.len() as u32).to_le_bytes());
                    directory.extend_from_slice(&((data.len() % CHUNK) as u32).to_le_bytes());
                    directory.extend_from_slice(&((data.len() / CHUNK) as u32 | 1 << 31).to_le_bytes());
                }
                directory.extend_from_slice(&[0; 4]);
                data.extend_from_slice(content);
            }
        }
    }
    let mut file = b"Microsoft MSFZ Container\r\n\x1aALD\0\0".to_vec();
    file.resize(80, 0);
    let mut table = Vec::new();
    for chunk in data.chunks(CHUNK) {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(chunk).expect("memory takes all");
        let packed = encoder.finish().expect("memory takes all");
        table.extend_from_slice(&(file.len() as u64).to_le_bytes());
        for word in [2, packed.len() as u32, chunk.len() as u32] {
            table.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&packed);
    }
    let (directory_at, table_at) = (file.len() as u64, (file.len() + directory.len()) as u64);
    file[40..48].copy_from_slice(&directory_at.to_le_bytes());
    file[48..56].copy_from_slice(&table_at.to_le_bytes());
    let size = directory.len() as u32;
    let words = [streams.len() as u32, 0, size, size, (table.len() / 20) as u32, table.len() as u32];
    for (index, word) in words.into_iter().enumerate() {
        file[56 + 4 * index..60 + 4 * index].copy_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(&directory);
    file.extend_from_slice(&table);
    file
}

fn rvas(module: &Module) -> Vec<u32> {
    let functions = module.procedures.iter().chain(&module.publics);
    let mut rvas: Vec<u32> = functions.flat_map(|function| [function.rva, function.rva + 3]).collect();
    rvas.sort_unstable();
    rvas.dedup();
    rvas
}

fn names(bytes: Vec<u8>, rvas: &[u32]) -> ModuleNames {
    let bytes = PdbBytes::from_bytes(bytes);
    resolve_names(&bytes, rvas, &CancelToken::none()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn compressed_pdbs_give_the_same_names_as_plain_ones() {
    for module in modules() {
        let plain = std::fs::read(module.pdb_path()).expect("a PDB");
        let rvas = rvas(&module);
        let expected = names(plain.clone(), &rvas);
        assert!(expected.named_count() > 0, "{}", module.pdb);
        for (bytes, how) in [
            (compressed(&plain, Compression::Zstd, 1 << 20), "zstd"),
            (compressed(&plain, Compression::Zstd, 4096), "zstd, small chunks"),
            (compressed(&plain, Compression::Deflate, 8192), "deflate"),
            (by_hand(&plain), "by hand"),
        ] {
            let known = read_identity(&PdbBytes::from_bytes(bytes.clone()), &module.pdb).expect("an identity");
            assert_eq!((known.guid.to_string(), known.age), (module.guid.clone(), module.age), "{how}");
            assert_eq!(names(bytes, &rvas), expected, "{} {how}", module.pdb);
        }
    }
}

#[test]
fn damaged_compressed_pdbs_give_names_or_an_error() {
    let module = module_named("shapes.dll");
    let plain = std::fs::read(module.pdb_path()).expect("a PDB");
    let rvas = rvas(&module);
    for whole in [compressed(&plain, Compression::Zstd, 4096), by_hand(&plain)] {
        let (mut read, cases) = (0, 300);
        for case in 0..cases {
            let mut bytes = whole.clone();
            let _done = damage(&mut bytes, &[0, 32, 40, 56, 64, 72], &mut Rng::new(case));
            let bytes = PdbBytes::from_bytes(bytes);
            if let Ok(names) = resolve_names(&bytes, &rvas, &CancelToken::none()) {
                assert_eq!(names.iter().count(), rvas.len());
                read += 1;
            }
        }
        assert!(read > 0 && read < cases, "{read} of {cases} were read");
        for cut in (0..whole.len()).step_by(211) {
            let bytes = PdbBytes::from_bytes(whole[..cut].to_vec());
            drop(resolve_names(&bytes, &rvas, &CancelToken::none()));
        }
    }
    let mut newer = by_hand(&plain);
    newer[32] = 7;
    let error = read_identity(&PdbBytes::from_bytes(newer), "a.pdb").expect_err("another version");
    assert!(error.to_string().contains("version 7"), "{error}");
}

/// A symbol cache written by hand after the layout that WPA's files have: one function over the first 16 bytes of `start`.
fn symcache(pdb: &PdbIdentity, start: u32) -> Vec<u8> {
    let mut data = vec![4, 0x77, 0x49, 0x45, 3, 0, 1, 0];
    data.resize(16, 0);
    data.extend_from_slice(&pdb.guid.0);
    data.extend_from_slice(&pdb.age.to_le_bytes());
    data.resize(48, 0);
    let functions = [0x1a, 0xf7, 0x3a, 0xb0, 0xec, 0x64, 0xc4, 0x4f, 0x8e, 0x28, 0x93, 0xac, 0x2d, 0x57, 0x4b, 0x82];
    let texts = [0x8b, 0x33, 0x0e, 0x03, 0xec, 0x54, 0x9a, 0x4f, 0xb1, 0x55, 0xcc, 0xd9, 0x20, 0x2a, 0x48, 0x9e];
    data.extend_from_slice(&functions);
    for word in [36, 1, start, 2, 0, 0, 0, 0, 0, 16, 0] {
        data.extend_from_slice(&u32::to_le_bytes(word));
    }
    data.resize(data.len().next_multiple_of(8), 0);
    data.extend_from_slice(&texts);
    data.extend_from_slice(&16_u32.to_le_bytes());
    data.extend_from_slice(&1_u32.to_le_bytes());
    data.extend_from_slice(b"?\0FromTheCache\0\0");
    data
}

fn resolve(path: &str, pdb: &PdbIdentity, rvas: &[u32]) -> ModuleOutcome {
    let context = PathContext { windows: cfg!(windows), ..PathContext::default() };
    let locator = Locator::new(SymbolPath::parse(path, &context), LocatorOptions::default());
    let resolver = Resolver {
        locator,
        cache: None,
        builtin_pdbs: None,
        max_concurrent: 1,
        supplied: None,
        is_only_supplied: false,
    };
    let identity =
        ModuleIdentity { name: "drv.sys".to_owned(), path: String::new(), pdb: Some(pdb.clone()), image: None };
    let request = ModuleRequest { identity, rvas: rvas.to_vec(), explicit_pdb: None, ignore_cache: false };
    let done = Mutex::new(None);
    let on_event = |_, event| {
        if let ProgressEvent::Done(outcome) = event {
            *done.lock().expect("no panic") = Some(outcome);
        }
    };
    resolver.resolve(&[request], &on_event, &CancelToken::none());
    done.into_inner().expect("no panic").expect("every request ends")
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, bytes).expect("a file");
}

#[test]
fn caches_of_wpa_name_functions_where_no_pdb_is() {
    let module = module_named("shapes.dll");
    let plain = std::fs::read(module.pdb_path()).expect("a PDB");
    let pdb = read_identity(&PdbBytes::from_bytes(plain.clone()), &module.pdb).expect("an identity");
    let start = module.procedures[0].rva;
    let folder = tempfile::tempdir().expect("a scratch folder");
    let keyed = folder.path().join("SymCache").join(&pdb.file_name).join(pdb.store_key());
    let file = keyed.join(format!("{}-v3.1.0.symcache", pdb.file_name));
    put(&file, &symcache(&pdb, start));
    let kept = folder.path().join("kept");
    let path = format!("cache*{};{}", kept.display(), folder.path().join("SymCache").display());
    let rvas = [start, start + 5, start + 16];
    let outcome = resolve(&path, &pdb, &rvas);
    assert_eq!((&outcome.state, outcome.file.as_deref()), (&ModuleState::Loaded, Some(file.as_path())));
    let name = |outcome: &ModuleOutcome, rva: u32| {
        outcome.names.get(rva).map(|symbol| format!("{}+{:#x}", symbol.function, symbol.offset_bytes))
    };
    let found: Vec<Option<String>> = rvas.iter().map(|rva| name(&outcome, *rva)).collect();
    assert_eq!(found, [Some("FromTheCache+0x0".to_owned()), Some("FromTheCache+0x5".to_owned()), None]);
    assert!(!kept.exists(), "a symbol cache is not copied into a store of PDBs");
    // Another build is refused, and a PDB in the same folder comes first.
    let other = PdbIdentity { age: pdb.age + 1, ..pdb.clone() };
    put(&file, &symcache(&other, start));
    assert_eq!(resolve(&path, &pdb, &rvas).state, ModuleState::WrongIdentity);
    put(&file, &symcache(&pdb, start));
    put(&keyed.join("msfz0").join(&pdb.file_name), &by_hand(&plain));
    let outcome = resolve(&path, &pdb, &rvas);
    assert_eq!(name(&outcome, start), Some(format!("{}+0x0", module.procedures[0].name)));
}
