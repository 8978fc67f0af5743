//! Reads image files: their identity, the identity of their PDB, and their exports as names of last resort. The only place
//! that knows the `object` crate. It must never believe a file more than its headers bear out.

use super::identity::{ImageIdentity, PdbIdentity, base_name};
use super::names::{AddressSymbol, ModuleNames, NameSource};
use super::undecorate::undecorate;
use object::pe::{IMAGE_FILE_MACHINE_I386, ImageSectionHeader};
use object::read::Object;
use object::read::pe::{ExportTable, ImageNtHeaders, ImageOptionalHeader, PeFile, PeFile32, PeFile64};
use object::{FileKind, LittleEndian as LE};
use poolscope_base::guid::Guid;
use poolscope_base::bytes::FileMap;
use std::path::Path;
use std::sync::Arc;

/// What an image file says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageInfo {
    /// Its identity.
    pub identity: ImageIdentity,
    /// The identity of its PDB, where it has one.
    pub pdb: Option<PdbIdentity>,
}

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be opened.
    #[error("cannot open it: {0}")]
    Open(#[from] std::io::Error),
    /// It is no PE image, or a damaged one.
    #[error("cannot read it as an image: {0}")]
    Format(String),
}

/// Reads the identities.
///
/// # Errors
/// It is no PE image.
pub fn read_info(path: &Path) -> Result<ImageInfo, ImageError> {
    let map = open(path)?;
    let file_name = base_name(&path.to_string_lossy()).to_owned();
    match FileKind::parse(map.bytes()).map_err(damaged)? {
        FileKind::Pe32 => facts_of(&PeFile32::parse(map.bytes()).map_err(damaged)?, file_name),
        FileKind::Pe64 => facts_of(&PeFile64::parse(map.bytes()).map_err(damaged)?, file_name),
        _ => Err(no_image()),
    }
}

/// Names addresses by the export before them. `rvas`: ascending.
///
/// # Errors
/// It is no PE image.
pub fn export_names(path: &Path, rvas: &[u32]) -> Result<ModuleNames, ImageError> {
    let map = open(path)?;
    match FileKind::parse(map.bytes()).map_err(damaged)? {
        FileKind::Pe32 => names_of(&PeFile32::parse(map.bytes()).map_err(damaged)?, rvas),
        FileKind::Pe64 => names_of(&PeFile64::parse(map.bytes()).map_err(damaged)?, rvas),
        _ => Err(no_image()),
    }
}

fn open(path: &Path) -> Result<FileMap, ImageError> {
    FileMap::open(path)?.ok_or_else(|| ImageError::Format("it is empty".to_owned()))
}

fn no_image() -> ImageError {
    ImageError::Format("it is no image of a program, library or driver".to_owned())
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
    // A debug directory that cannot be read says nothing about the identity of the image itself.
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

/// Where a section starts and ends in memory, relative to the image.
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
        // Linkers take the one underscore of plain C names off by themselves: one that is left belongs to the name.
        undecorate(&name, x86 && name.contains('@')).into()
    }
}

/// Exports that have code or data in this image, in the order of their addresses, one for each address: of several names for
/// it the first in the table, which is in the order of the alphabet.
fn exports<'d>(table: &ExportTable<'d>) -> Vec<Export<'d>> {
    let mut names: Vec<Option<&[u8]>> = vec![None; table.addresses().len()];
    for (pointer, index) in table.name_iter() {
        // A name that cannot be read leaves the export its number.
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
