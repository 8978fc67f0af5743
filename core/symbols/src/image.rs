//! Reads PE images: their identity, the identity of their PDB, and their exports as a fallback for names. The only user of
//! the `object` crate.

use super::identity::{ImageIdentity, PdbIdentity, base_name};
use super::names::{AddressSymbol, ModuleNames, NameSource};
use super::undecorate::undecorate;
use object::pe::{IMAGE_FILE_MACHINE_I386, ImageSectionHeader};
use object::read::Object;
use object::read::pe::{ExportTable, ImageNtHeaders, ImageOptionalHeader, PeFile, PeFile32, PeFile64};
use object::{FileKind, LittleEndian as LE};
use poolscope_base::file_reader::{FileReader, ReadError};
use poolscope_base::guid::Guid;
use std::path::Path;
use std::sync::Arc;

/// Upper bound on the size of an image.
const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// Identities read from an image file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageInfo {
    /// Identity of the image.
    pub identity: ImageIdentity,
    /// Identity of its PDB, from the RSDS record.
    pub pdb: Option<PdbIdentity>,
}

/// Reason why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be opened.
    #[error("cannot open the file: {0}")]
    Open(#[from] std::io::Error),
    /// The file cannot be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Not a PE image, or a damaged one.
    #[error("not a valid image: {0}")]
    Format(String),
}

/// Reads the identities of an image and of its PDB.
///
/// # Errors
/// The file is not a PE image.
pub fn read_info(path: &Path) -> Result<ImageInfo, ImageError> {
    let bytes = read(path)?;
    let file_name = base_name(&path.to_string_lossy()).to_owned();
    match FileKind::parse(&*bytes).map_err(damaged)? {
        FileKind::Pe32 => facts_of(&PeFile32::parse(&*bytes).map_err(damaged)?, file_name),
        FileKind::Pe64 => facts_of(&PeFile64::parse(&*bytes).map_err(damaged)?, file_name),
        _ => Err(not_an_image()),
    }
}

/// Names each address by the nearest export before it in the same section. `rvas`: ascending.
///
/// # Errors
/// The file is not a PE image.
pub fn export_names(path: &Path, rvas: &[u32]) -> Result<ModuleNames, ImageError> {
    let bytes = read(path)?;
    match FileKind::parse(&*bytes).map_err(damaged)? {
        FileKind::Pe32 => names_of(&PeFile32::parse(&*bytes).map_err(damaged)?, rvas),
        FileKind::Pe64 => names_of(&PeFile64::parse(&*bytes).map_err(damaged)?, rvas),
        _ => Err(not_an_image()),
    }
}

/// Reads a whole image.
fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    let file = FileReader::open(path)?;
    if file.is_empty() {
        return Err(ImageError::Format("the file is empty".to_owned()));
    }
    Ok(file.read_all(MAX_IMAGE_BYTES)?.into_owned())
}

fn not_an_image() -> ImageError {
    ImageError::Format("not a PE image".to_owned())
}

fn damaged(error: object::read::Error) -> ImageError {
    ImageError::Format(error.to_string())
}

fn facts_of<H: ImageNtHeaders>(image: &PeFile<'_, H>, file_name: String) -> Result<ImageInfo, ImageError> {
    let headers = image.nt_headers();
    let identity = ImageIdentity {
        file_name,
        timestamp: headers.file_header().time_date_stamp.get(LE),
        size_bytes: headers.optional_header().size_of_image(),
    };
    // A damaged debug directory does not affect the identity of the image.
    let record = image.pdb_info().unwrap_or(None);
    let named = |record: object::read::CodeView<'_>| {
        let name = String::from_utf8_lossy(record.path()).into_owned();
        PdbIdentity::new(&name, Guid(record.guid()), record.age())
    };
    Ok(ImageInfo { identity, pdb: record.map(named) })
}

fn names_of<H: ImageNtHeaders>(image: &PeFile<'_, H>, rvas: &[u32]) -> Result<ModuleNames, ImageError> {
    let x86 = image.nt_headers().file_header().machine.get(LE) == IMAGE_FILE_MACHINE_I386;
    let exports = image.export_table().map_err(damaged)?.map(|table| exports(&table)).unwrap_or_default();
    let sections: Vec<(u32, u32)> = image.section_table().iter().map(extent).collect();
    let answer = |rva: u32| {
        let (start, _) = sections.iter().find(|(start, end)| (*start..*end).contains(&rva))?;
        let behind = exports.partition_point(|export| export.rva <= rva);
        let export = exports.get(behind.checked_sub(1)?).filter(|export| export.rva >= *start)?;
        Some(AddressSymbol {
            function: export.readable(x86),
            offset_bytes: rva - export.rva,
            source: NameSource::Export,
            line: None,
            inlined: Vec::new(),
        })
    };
    Ok(ModuleNames::new(rvas.iter().map(|rva| (*rva, answer(*rva))).collect()))
}

/// RVA range of a section.
fn extent(section: &ImageSectionHeader) -> (u32, u32) {
    let start = section.virtual_address.get(LE);
    let length = section.virtual_size.get(LE).max(section.size_of_raw_data.get(LE));
    (start, start.saturating_add(length))
}

struct Export<'d> {
    rva: u32,
    name: Option<&'d [u8]>,
    ordinal: u16,
}

impl Export<'_> {
    fn readable(&self, x86: bool) -> Arc<str> {
        let Some(name) = self.name else { return format!("#{}", self.ordinal).into() };
        let name = String::from_utf8_lossy(name);
        // Linkers remove the leading underscore of plain C names in the export table: one that is left belongs to the name.
        undecorate(&name, x86 && name.contains('@')).into()
    }
}

/// Exports with code or data in this image (no forwarders), ascending by address, one per address: of several names the
/// first in the table, which is sorted alphabetically.
fn exports<'d>(table: &ExportTable<'d>) -> Vec<Export<'d>> {
    let mut names: Vec<Option<&[u8]>> = vec![None; table.addresses().len()];
    for (pointer, index) in table.name_iter() {
        // An export with an unreadable name is shown by its ordinal.
        if let Some(slot) = names.get_mut(usize::from(index.0))
            && slot.is_none()
        {
            *slot = table.name_from_pointer(pointer).ok();
        }
    }
    let own = table.address_iter().zip(names).filter(|((_, _, rva), _)| *rva != 0 && !table.is_forward(*rva));
    let mut exports: Vec<Export<'d>> =
        own.map(|((_, ordinal, rva), name)| Export { rva, name, ordinal: ordinal.0 }).collect();
    exports.sort_by(|a, b| {
        (a.rva, a.name.is_none(), a.name, a.ordinal).cmp(&(b.rva, b.name.is_none(), b.name, b.ordinal))
    });
    exports.dedup_by_key(|export| export.rva);
    exports
}
