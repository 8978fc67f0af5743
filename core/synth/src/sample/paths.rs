//! From the story's call paths (`module!function`, outermost first) to addresses. A name that no module has is an
//! error, never a guess.

use rustc_hash::FxHashMap;

use super::modules::{SampleFunction, SampleModule, SampleModules};
use super::scenario::SEGMENTS;
use crate::SynthError;
use crate::scenario::entities::{ImageEntity, StackId, StackPath};

/// Resolves call paths and keeps their stacks.
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

    /// The stacks of a path in a process: kernel half and, where the path begins in user mode, user half.
    pub fn resolve(&mut self, path: &str, process: usize) -> Result<StackPath, SynthError> {
        let names = expand(path)?;
        let (mut kernel, mut user) = (Vec::new(), Vec::new());
        for (index, name) in names.iter().enumerate() {
            let (module, function) = self.find(name)?;
            let callee = names.get(index + 1).map_or("", String::as_str);
            let owner = if module.is_kernel() { None } else { Some(process) };
            let base = self.base(module, owner, name)?;
            let half = if module.is_kernel() { &mut kernel } else { &mut user };
            half.push(base + function.rva + return_offset(function.size, callee));
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
        let missing = || SynthError::Params(format!("{name} stands in a stack of a process that has not loaded it"));
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

/// Where the call of `callee` returns to: always the same place for the same call, inside the function.
fn return_offset(function_size: u64, callee: &str) -> u64 {
    let hash = callee.bytes().fold(17u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let room = function_size.saturating_sub(16).max(1);
    (5 + hash % room).min(function_size.saturating_sub(1))
}

/// Replaces `@segment` by its frames, as often as it takes.
fn expand(path: &str) -> Result<Vec<String>, SynthError> {
    let mut names = Vec::new();
    for word in path.split_whitespace() {
        match word.strip_prefix('@') {
            None => names.push(word.to_owned()),
            Some(name) => {
                let segment = SEGMENTS.iter().find(|(known, _)| *known == name);
                let (_, text) = segment.ok_or_else(|| SynthError::Params(format!("the story has no @{name}")))?;
                names.extend(expand(text)?);
            }
        }
    }
    Ok(names)
}
