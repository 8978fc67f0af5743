//! Reads PDBs, also compressed ones, and WPA's symbol caches: identity, and symbols of the requested addresses. The only user of
//! the `pdb` crate. Files are untrusted: any content gives names, no names, or an error.
//!
//! An address is converted to section and offset (`sections`), then looked up in the procedures of its compiland
//! (`procedures`, `inlines`), or else among the public symbols (`publics`). `source` reads the file for the `pdb` crate, `msfz`
//! presents a compressed PDB as a plain one, `symcache` reads the files of WPA.

mod inlines;
mod msfz;
mod procedures;
mod publics;
mod sections;
mod source;
mod symcache;

use crate::identity::PdbIdentity;
use crate::names::{AddressSymbol, InlinedFunction, ModuleNames, NameSource};
use crate::undecorate::undecorate;
use pdb::{IdIndex, MachineType};
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::guid::Guid;
use poolscope_base::progress::{CancelToken, Cancelled};
use procedures::ProcedureMatch;
use publics::Public;
use rustc_hash::FxHashMap;
use sections::RequestedAddress;
use source::ByteSource;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

type Pdb<'s> = pdb::PDB<'s, ByteSource>;

/// Bytes of a PDB: a file, or memory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PdbBytes(Arc<FileReader>);

/// Bytes by which a format is recognized.
const HEAD_BYTES: u64 = 64;
/// Upper bound on files that are read as a whole: compressed PDBs and symbol caches.
const MAX_WHOLE_BYTES: u64 = 1 << 30;

/// Reason why a PDB cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PdbError {
    /// The file cannot be opened.
    #[error("cannot open the file: {0}")]
    Open(#[from] std::io::Error),
    /// The file was opened, but a part of it cannot be read.
    #[error("cannot read the file: {0}")]
    Read(String),
    /// Not a PDB, or a damaged one.
    #[error("not a valid PDB: {0}")]
    Format(String),
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl PdbBytes {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be opened or is empty.
    pub fn open(path: &Path) -> Result<Self, PdbError> {
        let file = FileReader::open(path)?;
        if file.is_empty() {
            return Err(PdbError::Format("the file is empty".to_owned()));
        }
        Ok(Self(Arc::new(file)))
    }

    /// A PDB in memory, or built into the program.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        Self(Arc::new(FileReader::from_bytes(bytes)))
    }

    /// The first bytes, by which the format is recognized.
    fn head(&self) -> Result<Vec<u8>, PdbError> {
        let mut head = vec![0; self.0.len().min(HEAD_BYTES) as usize];
        self.0.read_at(0, &mut head).map_err(|error| PdbError::Read(error.to_string()))?;
        Ok(head)
    }

    /// All bytes, of a file of a compact format.
    fn whole(&self) -> Result<Cow<'_, [u8]>, PdbError> {
        self.0.read_all(MAX_WHOLE_BYTES).map_err(|error| PdbError::Read(error.to_string()))
    }

    /// Size in bytes.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.0.len()
    }
}

/// Reads the GUID and the age that debuggers compare. `file_name` becomes the name of the identity.
///
/// # Errors
/// The file is not a PDB.
pub fn read_identity(bytes: &PdbBytes, file_name: &str) -> Result<PdbIdentity, PdbError> {
    if symcache::is_symcache(&bytes.head()?) {
        return symcache::read_identity(&bytes.whole()?, file_name);
    }
    catch_panics(|| {
        let mut pdb = Pdb::open(ByteSource::new(bytes.clone())?).map_err(damaged)?;
        let about = pdb.pdb_information().map_err(damaged)?;
        // The DBI stream has the age that the linker wrote into the image; tools that modify the PDB later increment only the
        // age in the info stream. Old PDBs have only the latter.
        let linked = pdb.debug_information().map_or(None, |debug| debug.age());
        Ok(PdbIdentity::new(file_name, Guid(about.guid.to_bytes_le()), linked.unwrap_or(about.age)))
    })
}

/// Resolves addresses. `rvas`: ascending, relative to the loaded image.
///
/// The function is that of the address itself. Lines and inlined functions are those of the byte before, unless the address
/// is the function's first: addresses in stacks are return addresses, and the call is the instruction before.
///
/// # Errors
/// The PDB is too damaged to read anything, or the work was cancelled.
pub fn resolve_names(bytes: &PdbBytes, rvas: &[u32], cancel: &CancelToken) -> Result<ModuleNames, PdbError> {
    cancel.check()?;
    if symcache::is_symcache(&bytes.head()?) {
        return symcache::resolve_names(&bytes.whole()?, rvas);
    }
    catch_panics(|| look_up(bytes, rvas, cancel))
}

fn look_up(bytes: &PdbBytes, rvas: &[u32], cancel: &CancelToken) -> Result<ModuleNames, PdbError> {
    let mut pdb = Pdb::open(ByteSource::new(bytes.clone())?).map_err(damaged)?;
    let debug = pdb.debug_information().map_err(damaged)?;
    let x86 = matches!(debug.machine_type(), Ok(MachineType::X86));
    let wanted = sections::locate_addresses(&mut pdb, rvas)?;
    let hits = procedures::procedures_at(&mut pdb, &debug, &wanted, cancel)?;
    let without = || hits.iter().zip(&wanted).filter(|(hit, _)| hit.is_none()).map(|(_, wanted)| *wanted);
    let left: Vec<RequestedAddress> = without().collect();
    let publics = if left.is_empty() { Vec::new() } else { publics::publics_before(&mut pdb, &left, cancel)? };
    cancel.check()?;
    let inlined = hits.iter().flatten().flat_map(|hit| hit.inlined.iter().map(|(id, _)| *id));
    // If the names of inlined functions cannot be read, the others are still used.
    let functions = catch_panics(|| Ok(inlines::function_names(&mut pdb, inlined))).unwrap_or_default();

    let mut answers: Vec<(u32, Option<AddressSymbol>)> = rvas.iter().map(|rva| (*rva, None)).collect();
    let mut texts = UndecoratedNames::default();
    let mut publics = publics.into_iter();
    for (wanted, hit) in wanted.iter().zip(hits) {
        let answer = match hit {
            Some(hit) => Some(from_procedure(wanted, hit, &functions, &mut texts)),
            None => publics.next().flatten().map(|public| from_public(wanted, &public, x86, &mut texts)),
        };
        answers.push((wanted.rva, answer));
    }
    Ok(ModuleNames::new(answers))
}

/// Undecorated names by raw name, so that all addresses of a function share one.
#[derive(Default)]
struct UndecoratedNames(FxHashMap<String, Arc<str>>);

impl UndecoratedNames {
    /// `x86`: plain C names are decorated.
    fn readable(&mut self, raw: &str, x86: bool) -> Arc<str> {
        if let Some(text) = self.0.get(raw) {
            return text.clone();
        }
        let text: Arc<str> = undecorate(raw, x86).into();
        self.0.insert(raw.to_owned(), text.clone());
        text
    }
}

fn from_procedure(
    wanted: &RequestedAddress,
    hit: ProcedureMatch,
    functions: &BTreeMap<IdIndex, Arc<str>>,
    texts: &mut UndecoratedNames,
) -> AddressSymbol {
    // The chain ends at the first function without a name.
    let inlined = hit.inlined.into_iter();
    let inlined = inlined.map_while(|(id, line)| Some(InlinedFunction { function: functions.get(&id)?.clone(), line }));
    AddressSymbol {
        // Compilers write these names undecorated, except for other languages.
        function: texts.readable(&hit.name, false),
        offset_bytes: wanted.position.offset - hit.start,
        source: NameSource::Procedure,
        line: hit.line,
        inlined: inlined.collect(),
    }
}

fn from_public(wanted: &RequestedAddress, public: &Public, x86: bool, texts: &mut UndecoratedNames) -> AddressSymbol {
    AddressSymbol {
        function: texts.readable(&public.name, x86),
        offset_bytes: wanted.position.offset - public.position.offset,
        source: NameSource::Public,
        line: None,
        inlined: Vec::new(),
    }
}

fn damaged(error: pdb::Error) -> PdbError {
    match error {
        pdb::Error::IoError(error) if error.get_ref().is_some_and(|inner| inner.is::<ReadError>()) => {
            PdbError::Read(error.to_string())
        }
        error => PdbError::Format(error.to_string()),
    }
}

/// Runs the reader and turns a panic into an error: the `pdb` crate does not check every offset, so damaged PDBs can make it
/// slice past the end or underflow.
fn catch_panics<T>(read: impl FnOnce() -> Result<T, PdbError>) -> Result<T, PdbError> {
    let inconsistent = || PdbError::Format("its records are inconsistent".to_owned());
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(inconsistent()))
}
