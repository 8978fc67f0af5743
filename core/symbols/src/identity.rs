//! Identities by which symbol files are found: GUID and age of a PDB, time stamp and size of an image, and their keys in
//! symbol stores.

use poolscope_base::guid::Guid;
use serde::{Deserialize, Serialize};

/// Identity of a PDB, as in the RSDS record of its image.
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
    /// An identity; a folder in front of the name is dropped.
    #[must_use]
    pub fn new(name: &str, guid: Guid, age: u32) -> Self {
        Self { file_name: base_name(name).to_owned(), guid, age }
    }

    /// Folder name in a symbol store: GUID in upper case without dashes, then the age in lower-case hex.
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
    /// Folder name in a symbol store: time stamp in eight upper-case hex digits, then the size in lower-case hex.
    #[must_use]
    pub fn store_key(&self) -> String {
        format!("{:08X}{:x}", self.timestamp, self.size_bytes)
    }
}

/// Everything known about a module that identifies its symbol files.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModuleIdentity {
    /// File name of the image.
    pub name: String,
    /// Path of the image on the recorded machine.
    pub path: String,
    /// Identity of its PDB; `None` if the trace was not merged on the recorded machine.
    pub pdb: Option<PdbIdentity>,
    /// Identity of the image file; `None` if the trace does not contain it.
    pub image: Option<ImageIdentity>,
}

/// The file name at the end of a Windows or Unix path.
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
