//! A private PDB has the identity of its public copy. One that is added to a folder of the symbol path later is read although the names
//! of the public one are cached.

use poolscope::symbols::SymbolEnvironment;
use poolscope_synth::writer::image::{HOOK_DC_START, Image};
use poolscope_synth::writer::{Guid, TraceOptions};
use poolscope_tests::micro::{Micro, block};
use poolscope_tests::pdbs::{Module, module_named};
use poolscope_tests::program::run_on;
use poolscope_tests::synthetic::OnDisk;
use std::path::Path;

const BASE: u64 = 0xffff_f801_0300_0000;

/// An allocation by the module's first procedure.
fn trace(module: &Module) -> OnDisk {
    let mut micro = Micro::new(TraceOptions::default());
    let path = format!("\\SystemRoot\\System32\\drivers\\{}", module.file);
    let image = Image {
        base: BASE,
        size: u64::from(module.image_size),
        pid: 0,
        checksum: 0,
        timestamp: module.timestamp,
        path: &path,
    };
    let guid = Guid::parse(&module.guid).expect("a GUID");
    micro.identity(1, &image, (&guid, module.age), &module.pdb);
    micro.image(1, HOOK_DC_START, &image);
    micro.alloc(0, 10, (4, 8), &block(0x1000));
    micro.stack(0, (10, 10), (4, 8), &[BASE + u64::from(module.procedures[0].rva) + 5]);
    OnDisk::new("private.etl", &micro.bytes(1_000))
}

/// The module's PDB with its first procedure called otherwise: the same identity, size and addresses.
fn renamed(module: &Module, letter: u8) -> (Vec<u8>, String) {
    let mut bytes = std::fs::read(module.pdb_path()).expect("the fixture");
    let name = module.procedures[0].name.as_bytes();
    let mut new = name.to_vec();
    new[0] = letter;
    let places: Vec<usize> =
        bytes.windows(name.len()).enumerate().filter(|(_, w)| *w == name).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(&new);
    }
    (bytes, String::from_utf8(new).expect("a name"))
}

fn put(folder: &Path, module: &Module, bytes: &[u8]) {
    let key = format!("{}{:x}", module.guid.replace('-', "").to_uppercase(), module.age);
    let place = folder.join(&module.pdb).join(key);
    std::fs::create_dir_all(&place).expect("folders");
    std::fs::write(place.join(&module.pdb), bytes).expect("a file");
}

/// The function that allocates, by names along a path.
fn function(machine: &SymbolEnvironment, trace: &OnDisk, path: &str) -> String {
    let line = ["report", trace.path(), "--by", "stack", "--format", "csv", "--offline", "--symbols", path];
    let ran = run_on(machine, &line);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = String::from_utf8(ran.out).expect("UTF-8");
    text.lines().nth(1).and_then(|line| line.split(['!', '+']).nth(1)).unwrap_or_default().to_owned()
}

#[test]
fn a_private_pdb_that_comes_later_is_read_and_a_reload_reads_anew() {
    let module = module_named("lodger.sys");
    let (public, public_name) = renamed(&module, b'P');
    let (private, private_name) = renamed(&module, b'Q');
    let (newer, newer_name) = renamed(&module, b'R');
    let trace = trace(&module);
    let room = tempfile::tempdir().expect("a scratch folder");
    let (store, own) = (room.path().join("store"), room.path().join("own"));
    std::fs::create_dir_all(&own).expect("a folder");
    let machine = SymbolEnvironment { cache: Some(room.path().join("cache")), ..SymbolEnvironment::default() };
    // As if Microsoft's server had filled the store; nobody is asked here.
    let path = format!("srv*{}*http://127.0.0.1:9/symbols;{}", store.display(), own.display());
    put(&store, &module, &public);
    assert_eq!(function(&machine, &trace, &path), public_name);
    std::fs::remove_dir_all(&store).expect("removed");
    assert_eq!(function(&machine, &trace, &path), public_name, "its names were kept");
    put(&own, &module, &private);
    assert_eq!(
        function(&machine, &trace, &path),
        private_name,
        "the one in the folder comes before names that were kept"
    );
    std::fs::remove_dir_all(&own).expect("removed");
    std::fs::create_dir_all(&own).expect("a folder");
    assert_eq!(function(&machine, &trace, &path), private_name, "and is kept in their place");
    // Nobody notices that a store holds another file, until it is asked for.
    put(&store, &module, &newer);
    assert_eq!(function(&machine, &trace, &path), private_name);
    let line = ["symbols", trace.path(), "--offline", "--path", &path, "--reload"];
    assert_eq!(run_on(&machine, &line).code, 0);
    assert_eq!(function(&machine, &trace, &path), newer_name);
}
