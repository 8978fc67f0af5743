//! The built-in sample: the classic story of a leak, played with look-alike modules whose PDBs are ours. It only
//! casts and writes; the story itself is data.

mod modules;
mod paths;
mod scenario;

use std::io::{Seek, Write};

pub use modules::{SampleFunction, SampleModule, SampleModules};

use self::paths::CallPaths;
use self::scenario::{TAG_USES, TagUse, PROCESSES};
use super::scenario::entities::{Entities, ImageEntity, ProcessEntity, TagEntity, ThreadEntity, PoolClass};
use super::scenario::{StackMode, SynthSummary, SynthParams, write_entities};
use super::writer::{Compression, Guid};
use super::{SynthError, GroundTruthRequest};

/// Blocks that are allocated while the sample runs.
const ALLOCATIONS: u64 = 12_000;
const FIRST_DRIVER: u64 = 0xFFFF_F802_64C0_0000;
const FIRST_LIBRARY: u64 = 0x7FFB_1A20_0000;
const FIRST_PROGRAM: u64 = 0x7FF6_4C10_0000;
const SPACING: u64 = 0x10_0000;

/// Writes the sample trace to the beginning of `out`.
///
/// # Errors
/// Modules that lack a function of the story, or an output that refuses bytes.
pub fn write_sample<W: Write + Seek>(
    out: W,
    modules: &SampleModules,
    truth: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    write_entities(out, &params(), cast(modules)?, truth)
}

/// Four CPUs of a Windows 10 for a minute, traced and merged as wpr does.
fn params() -> SynthParams {
    SynthParams {
        seed: 2_011,
        allocations: ALLOCATIONS,
        duration_s: 61.0,
        stacks: StackMode::Keyed,
        user_stack_share: 1.0,
        key_cache: 96,
        compression: Compression::Filled,
        merged: true,
        preexisting: 1_200,
        noise_share: 0.02,
        ..SynthParams::default()
    }
}

fn cast(modules: &SampleModules) -> Result<Entities, SynthError> {
    let mut cast = Entities::default();
    for (index, (pid, image, starts_at, threads)) in PROCESSES.into_iter().enumerate() {
        let session = if matches!(image, "explorer.exe" | "NotMyfault.exe") { 1 } else { 0 };
        cast.processes.push(ProcessEntity {
            pid,
            parent: if index == 0 { 0 } else { 4 },
            session,
            image: image.to_owned(),
            command_line: if index == 0 { String::new() } else { image.to_owned() },
            starts_at,
            user_stacks: Vec::new(),
        });
        let tids = (0..threads).map(|thread| pid * 4 + 8 + 4 * thread);
        cast.threads.extend(tids.map(|tid| ThreadEntity { tid, process: index }));
    }
    add_images(&mut cast, modules)?;
    let mut paths = CallPaths::new(modules, &cast.images);
    for line in TAG_USES {
        let tag = tag_of(line, &cast, &mut paths)?;
        cast.tags.push(tag);
    }
    cast.stacks = paths.into_stacks();
    cast.volumes = [("\\SystemRoot\\", "C:\\Windows\\"), ("\\Device\\HarddiskVolume3\\", "C:\\"), ("\\??\\", "")]
        .map(|(nt_path, dos_path)| (nt_path.to_owned(), dos_path.to_owned()))
        .to_vec();
    Ok(cast)
}

/// Drivers once; a program in its own process; libraries in every process but System.
fn add_images(cast: &mut Entities, modules: &SampleModules) -> Result<(), SynthError> {
    let culprit = position(cast, "NotMyfault.exe")?;
    let (mut driver, mut library, mut program) = (FIRST_DRIVER, FIRST_LIBRARY, FIRST_PROGRAM);
    for module in &modules.modules {
        if module.is_kernel() {
            let comes_with = (module.file == "myfault.sys").then_some(culprit);
            cast.images.push(image(module, None, comes_with, driver)?);
            driver += SPACING;
        } else if module.file.to_lowercase().ends_with(".exe") {
            let process = position(cast, &module.file)?;
            cast.images.push(image(module, Some(process), Some(process), program)?);
            program += SPACING;
        } else {
            for process in 1..cast.processes.len() {
                cast.images.push(image(module, Some(process), Some(process), library)?);
            }
            library += SPACING;
        }
    }
    Ok(())
}

fn position(cast: &Entities, image: &str) -> Result<usize, SynthError> {
    let found = cast.processes.iter().position(|process| process.image == image);
    found.ok_or_else(|| SynthError::Params(format!("the sample has no process {image}")))
}

fn image(
    module: &SampleModule,
    process: Option<usize>,
    comes_with: Option<usize>,
    base: u64,
) -> Result<ImageEntity, SynthError> {
    let guid = Guid::parse(&module.guid);
    let guid = guid.ok_or_else(|| SynthError::Params(format!("{}: {:?} is no GUID", module.file, module.guid)))?;
    Ok(ImageEntity {
        process,
        loaded_with: comes_with,
        base,
        size: module.image_size,
        checksum: module.checksum,
        timestamp: module.timestamp,
        path: module.path.clone(),
        file: module.file.clone(),
        pdb: module.pdb.clone(),
        guid,
        age: module.age,
    })
}

fn tag_of(line: &TagUse, cast: &Entities, paths: &mut CallPaths<'_>) -> Result<TagEntity, SynthError> {
    let process = position(cast, line.process)?;
    let threads: Vec<usize> = (0..cast.threads.len()).filter(|index| cast.threads[*index].process == process).collect();
    let threads = if line.one_thread { threads[..1].to_vec() } else { threads };
    Ok(TagEntity {
        tag: *line.tag,
        pattern: line.behaviour,
        weight: line.weight,
        window: line.window,
        pool: PoolClass { pool_type: line.pool_type, session: line.pool_type & 0x20 != 0 },
        sizes: line.sizes.to_vec(),
        threads,
        alloc_stacks: vec![paths.resolve(line.alloc, process)?],
        free_stacks: vec![paths.resolve(line.free, process)?],
        preexisting: line.preexisting,
    })
}

#[cfg(test)]
mod tests;
