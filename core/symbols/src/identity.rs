//! By what a symbol file is found: the identity of a PDB (GUID and age) and of an image (time stamp and size), and how
//! symbol stores write them. It must never be guessed.

use poolscope_base::guid::Guid;
use serde::{Deserialize, Serialize};

/// Identity of a PDB, from the RSDS record of its image.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PdbIdentity {
    /// File name without a folder, as the linker wrote it (`ntkrnlmp.pdb`).
    pub file_name: String,
    /// GUID of the PDB.
    pub guid: Guid,
    /// Age of the PDB.
    pub age: u32,
}

impl PdbIdentity {
    /// An identity whose name may come with a folder.
    #[must_use]
    pub fn new(name: &str, guid: Guid, age: u32) -> Self {
        Self { file_name: base_name(name).to_owned(), guid, age }
    }

    /// Name of the folder in a symbol store: GUID in upper case without dashes, then the age in lower-case hex.
    #[must_use]
    pub fn store_key(&self) -> String {
        format!("{}{:x}", self.guid.to_string().replace('-', "").to_ascii_uppercase(), self.age)
    }
}

/// Identity of an image file, from its PE header.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ImageIdentity {
    /// File name without a folder (`ntoskrnl.exe`).
    pub file_name: String,
    /// `TimeDateStamp`.
    pub timestamp: u32,
    /// `SizeOfImage`, in bytes.
    pub size_bytes: u32,
}

impl ImageIdentity {
    /// Name of the folder in a symbol store: time stamp in eight upper-case hex digits, then the size in lower-case hex.
    #[must_use]
    pub fn store_key(&self) -> String {
        format!("{:08X}{:x}", self.timestamp, self.size_bytes)
    }
}

/// What is known of a module whose names are wanted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModuleIdentity {
    /// File name of the image, as people know the module.
    pub name: String,
    /// Path of the image on the machine that recorded, as recorded.
    pub path: String,
    /// Identity of its PDB; `None` where the trace was not merged on the machine that recorded it.
    pub pdb: Option<PdbIdentity>,
    /// Identity of the image file; `None` where the records do not say.
    pub image: Option<ImageIdentity>,
}

/// The file name at the end of a path of Windows or Unix.
#[must_use]
pub fn base_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_keys_are_written_as_symstore_does() {
        let guid = Guid::from_parts(0x51e2_9341, 0x44ba, 0x1562, 0x8ba5_a31b_e2da_e7dc);
        let pdb = PdbIdentity::new("C:\\out\\mscorlib.ni.pdb", guid, 1);
        assert_eq!(
            (pdb.file_name.as_str(), pdb.store_key().as_str()),
            ("mscorlib.ni.pdb", "51E2934144BA15628BA5A31BE2DAE7DC1")
        );
        let image = ImageIdentity { file_name: "nt".to_owned(), timestamp: 0x0a1b_2c3d, size_bytes: 0x44_b000 };
        assert_eq!(image.store_key(), "0A1B2C3D44b000");
    }
}
