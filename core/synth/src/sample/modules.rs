//! The look-alike modules of the sample, as their build describes them: identities and functions. Only data.

use serde::Deserialize;

use crate::SynthError;

/// All modules of the sample.
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
    /// Loaded into the kernel.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        self.kind == "kernel"
    }

    /// The name before `!` in the story: `nt` for the kernel, else the file's stem in lower case.
    #[must_use]
    pub fn short_name(&self) -> String {
        let lower = self.file.to_lowercase();
        let stem = lower.rsplit_once('.').map_or(lower.as_str(), |(stem, _)| stem);
        if stem == "ntoskrnl" { "nt".to_owned() } else { stem.to_owned() }
    }
}
