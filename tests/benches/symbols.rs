//! Benchmark of symbol names from large PDBs: `POOLSCOPE_BENCH_PDB=big.pdb cargo bench -p poolscope-tests --bench symbols`, and of
//! many small ones with `POOLSCOPE_BENCH_PDBS=folder`. `tests/fixtures/symbols/big.sh` makes both. There is no pass or fail.

use divan::Bencher;
use poolscope_base::progress::CancelToken;
use poolscope_symbols::pdb_file::{PdbBytes, read_identity, resolve_names};
use std::path::{Path, PathBuf};

/// Number of addresses to resolve in the large PDB, spread over all of its code.
const ADDRESSES: u32 = 1000;
/// Bytes of code for each byte of the PDB that the script makes, with 64 bytes in each function.
const CODE_BYTES_PER_FILE_BYTE: f64 = 0.09;
/// Number of addresses to resolve in each small PDB.
const ADDRESSES_EACH: u32 = 100;

fn main() {
    divan::main();
}

fn from_environment(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn opened(path: &Path) -> PdbBytes {
    PdbBytes::open(path).expect("the PDB opens")
}

#[divan::bench(sample_count = 10)]
fn identity_of_a_large_pdb(bencher: Bencher<'_, '_>) {
    let Some(path) = from_environment("POOLSCOPE_BENCH_PDB") else { return };
    bencher.bench(|| read_identity(&opened(&path), "big.pdb"));
}

#[divan::bench(sample_count = 5)]
fn a_thousand_names_of_a_large_pdb(bencher: Bencher<'_, '_>) {
    let Some(path) = from_environment("POOLSCOPE_BENCH_PDB") else { return };
    let code_bytes = (opened(&path).file_bytes() as f64 * CODE_BYTES_PER_FILE_BYTE) as u32;
    let rvas: Vec<u32> = (0..ADDRESSES).map(|at| 0x1001 + at * (code_bytes / ADDRESSES)).collect();
    bencher.bench(|| resolve_names(&opened(&path), &rvas, &CancelToken::none()).map(|names| names.named_count()));
}

#[divan::bench(sample_count = 5)]
fn many_small_pdbs(bencher: Bencher<'_, '_>) {
    let Some(folder) = from_environment("POOLSCOPE_BENCH_PDBS") else { return };
    let files = std::fs::read_dir(folder).expect("the folder can be read");
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let rvas: Vec<u32> = (0..ADDRESSES_EACH).map(|at| 0x1001 + at * 32).collect();
    bencher.bench(|| {
        let one = |path: &PathBuf| {
            resolve_names(&opened(path), &rvas, &CancelToken::none()).map_or(0, |names| names.named_count())
        };
        files.iter().map(one).sum::<usize>()
    });
}
