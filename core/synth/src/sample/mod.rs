//! The built-in sample trace: a driver that leaks nonpaged pool, recorded on an otherwise ordinary desktop. Images are look-alike
//! modules with own PDBs, described by a JSON file; processes, tags and call paths are data in `scenario`.

mod scenario;
#[cfg(test)]
mod tests;

use self::scenario::{PROCESSES, SEGMENTS, TAG_USES, TagUse};
use crate::scenario::entities::{
    Entities, ImageEntity, PoolClass, ProcessEntity, StackId, StackPath, TagEntity, ThreadEntity,
};
use crate::scenario::{FILE_VERSION, StackMode, SynthParams, SynthSummary, write_entities};
use crate::writer::{Compression, Guid};
use crate::{GroundTruthRequest, SynthError};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::io::{Seek, Write};

/// Blocks that are allocated while the sample runs.
const ALLOCATIONS: u64 = 12_000;
const FIRST_DRIVER: u64 = 0xFFFF_F802_64C0_0000;
const FIRST_LIBRARY: u64 = 0x7FFB_1A20_0000;
const FIRST_PROGRAM: u64 = 0x7FF6_4C10_0000;
const SPACING: u64 = 0x10_0000;

/// Writes the sample trace to the beginning of `out`.
///
/// # Errors
/// Modules without a function of the scenario, or an output that fails.
pub fn write_sample<W: Write + Seek>(
    out: W,
    modules: &SampleModules,
    truth: Option<&GroundTruthRequest>,
) -> Result<SynthSummary, SynthError> {
    write_entities(out, &params(), entities(modules)?, truth)
}

/// One minute of Windows 10 with four CPUs, merged as by wpr.
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

fn entities(modules: &SampleModules) -> Result<Entities, SynthError> {
    let mut entities = Entities::default();
    for (index, (pid, image, starts_at, threads)) in PROCESSES.into_iter().enumerate() {
        let session = if matches!(image, "explorer.exe" | "NotMyfault.exe") { 1 } else { 0 };
        entities.processes.push(ProcessEntity {
            pid,
            parent: if index == 0 { 0 } else { 4 },
            session,
            image: image.to_owned(),
            command_line: if index == 0 { String::new() } else { image.to_owned() },
            starts_at,
            user_stacks: Vec::new(),
        });
        let tids = (0..threads).map(|thread| pid * 4 + 8 + 4 * thread);
        entities.threads.extend(tids.map(|tid| ThreadEntity { tid, process: index }));
    }
    add_images(&mut entities, modules)?;
    let mut paths = CallPaths::new(modules, &entities.images);
    for line in TAG_USES {
        let tag = tag_of(line, &entities, &mut paths)?;
        entities.tags.push(tag);
    }
    entities.stacks = paths.into_stacks();
    entities.volumes = [("\\SystemRoot\\", "C:\\Windows\\"), ("\\Device\\HarddiskVolume3\\", "C:\\"), ("\\??\\", "")]
        .map(|(nt_path, dos_path)| (nt_path.to_owned(), dos_path.to_owned()))
        .to_vec();
    Ok(entities)
}

/// Adds drivers once, programs in their own process, libraries in every process but System.
fn add_images(entities: &mut Entities, modules: &SampleModules) -> Result<(), SynthError> {
    let culprit = position(entities, "NotMyfault.exe")?;
    let (mut driver, mut library, mut program) = (FIRST_DRIVER, FIRST_LIBRARY, FIRST_PROGRAM);
    for module in &modules.modules {
        if module.is_kernel() {
            let comes_with = (module.file == "myfault.sys").then_some(culprit);
            entities.images.push(image(module, None, comes_with, driver)?);
            driver += SPACING;
        } else if module.file.to_lowercase().ends_with(".exe") {
            let process = position(entities, &module.file)?;
            entities.images.push(image(module, Some(process), Some(process), program)?);
            program += SPACING;
        } else {
            for process in 1..entities.processes.len() {
                entities.images.push(image(module, Some(process), Some(process), library)?);
            }
            library += SPACING;
        }
    }
    Ok(())
}

fn position(entities: &Entities, image: &str) -> Result<usize, SynthError> {
    let found = entities.processes.iter().position(|process| process.image == image);
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
        version: FILE_VERSION.to_owned(),
        pdb: module.pdb.clone(),
        guid,
        age: module.age,
    })
}

fn tag_of(line: &TagUse, entities: &Entities, paths: &mut CallPaths<'_>) -> Result<TagEntity, SynthError> {
    let process = position(entities, line.process)?;
    let threads: Vec<usize> =
        (0..entities.threads.len()).filter(|index| entities.threads[*index].process == process).collect();
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

/// Modules of the sample, as described by their build.
#[derive(Debug, Clone, Deserialize)]
pub struct SampleModules {
    /// The modules; the kernel first.
    pub modules: Vec<SampleModule>,
}

/// A module and its identity.
#[derive(Debug, Clone, Deserialize)]
pub struct SampleModule {
    /// File name.
    pub file: String,
    /// NT path.
    pub path: String,
    /// `kernel` or `user`.
    pub kind: String,
    /// PDB name.
    pub pdb: String,
    /// PDB GUID as printed.
    pub guid: String,
    /// PDB age.
    pub age: u32,
    /// Size of the image in bytes.
    pub image_size: u64,
    /// Time stamp of the PE header.
    pub timestamp: u32,
    /// Checksum of the PE header.
    pub checksum: u32,
    /// Its functions.
    pub functions: Vec<SampleFunction>,
}

/// A function of a module.
#[derive(Debug, Clone, Deserialize)]
pub struct SampleFunction {
    /// Name as the PDB has it.
    pub name: String,
    /// Offset from the image's base.
    pub rva: u64,
    /// Bytes of code.
    pub size: u64,
}

impl SampleModules {
    /// Reads the description that the build of the modules writes.
    ///
    /// # Errors
    /// [`SynthError::Params`] for text of another shape.
    pub fn from_json(text: &str) -> Result<Self, SynthError> {
        serde_json::from_str(text).map_err(|problem| SynthError::Params(format!("the sample's modules: {problem}")))
    }
}

impl SampleModule {
    /// Returns `true` for the kernel and drivers.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        self.kind == "kernel"
    }

    /// Name before `!` in call paths: `nt` for the kernel, else the file's stem in lower case.
    #[must_use]
    pub fn short_name(&self) -> String {
        let lower = self.file.to_lowercase();
        let stem = lower.rsplit_once('.').map_or(lower.as_str(), |(stem, _)| stem);
        if stem == "ntoskrnl" { "nt".to_owned() } else { stem.to_owned() }
    }
}

/// Resolves call paths (`module!function`, outermost first) to stacks. Unknown names are errors.
pub(super) struct CallPaths<'a> {
    modules: &'a SampleModules,
    images: Vec<(String, Option<usize>, u64)>,
    stacks: Vec<Vec<u64>>,
    known: FxHashMap<Vec<u64>, StackId>,
}

impl<'a> CallPaths<'a> {
    pub fn new(modules: &'a SampleModules, images: &[ImageEntity]) -> Self {
        let images = images.iter().map(|image| (image.file.clone(), image.process, image.base)).collect();
        Self { modules, images, stacks: Vec::new(), known: FxHashMap::default() }
    }

    pub fn into_stacks(self) -> Vec<Vec<u64>> {
        self.stacks
    }

    /// Stacks of a path in a process: kernel stack and, if the path starts in user mode, user stack.
    pub fn resolve(&mut self, path: &str, process: usize) -> Result<StackPath, SynthError> {
        let names = expand(path)?;
        let (mut kernel, mut user) = (Vec::new(), Vec::new());
        for (index, name) in names.iter().enumerate() {
            let (module, function) = self.find(name)?;
            let callee = names.get(index + 1).map_or("", String::as_str);
            let owner = if module.is_kernel() { None } else { Some(process) };
            let base = self.base(module, owner, name)?;
            let frames = if module.is_kernel() { &mut kernel } else { &mut user };
            frames.push(base + function.rva + return_offset(function.size, callee));
        }
        // Innermost first from here on.
        kernel.reverse();
        user.reverse();
        let kernel = self.stack(kernel);
        let user = (!user.is_empty()).then(|| self.stack(user));
        Ok(StackPath { kernel, user })
    }

    fn find(&self, name: &str) -> Result<(&'a SampleModule, &'a SampleFunction), SynthError> {
        let found = name.split_once('!').and_then(|(module, function)| {
            let module = self.modules.modules.iter().find(|candidate| candidate.short_name() == module)?;
            Some((module, module.functions.iter().find(|candidate| candidate.name == function)?))
        });
        found.ok_or_else(|| SynthError::Params(format!("the sample's modules have no {name}")))
    }

    fn base(&self, module: &SampleModule, process: Option<usize>, name: &str) -> Result<u64, SynthError> {
        let found = self.images.iter().find(|(file, of, _)| *file == module.file && *of == process);
        let missing = || SynthError::Params(format!("{name} is in a stack of a process that has not loaded it"));
        found.map(|(_, _, base)| *base).ok_or_else(missing)
    }

    fn stack(&mut self, frames: Vec<u64>) -> StackId {
        if let Some(known) = self.known.get(&frames) {
            return *known;
        }
        let id = self.stacks.len() as StackId;
        self.stacks.push(frames.clone());
        self.known.insert(frames, id);
        id
    }
}

/// Offset of the return address of the call of `callee` inside the function; the same for every occurrence of the call.
fn return_offset(function_size: u64, callee: &str) -> u64 {
    let hash = callee.bytes().fold(17u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let room = function_size.saturating_sub(16).max(1);
    (5 + hash % room).min(function_size.saturating_sub(1))
}

/// Expands `@segment` recursively.
fn expand(path: &str) -> Result<Vec<String>, SynthError> {
    let mut names = Vec::new();
    for word in path.split_whitespace() {
        match word.strip_prefix('@') {
            None => names.push(word.to_owned()),
            Some(name) => {
                let segment = SEGMENTS.iter().find(|(known, _)| *known == name);
                let (_, text) =
                    segment.ok_or_else(|| SynthError::Params(format!("the scenario has no segment @{name}")))?;
                names.extend(expand(text)?);
            }
        }
    }
    Ok(names)
}
