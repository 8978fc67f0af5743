//! The PDBs and images that tests read: those built from tests/fixtures/symbols, real ones beside the repository, and what
//! LLVM's reader says of them. It must never read a PDB with the code under test.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A function of a module.
#[derive(Clone, Debug)]
pub struct Function {
    /// As it stands in the record.
    pub name: String,
    /// Relative to the image.
    pub rva: u32,
    /// In bytes; 0 where the record does not say.
    pub size: u32,
}

/// One module of tests/fixtures/symbols.
#[derive(Clone, Debug)]
pub struct Module {
    /// File name of the image.
    pub file: String,
    /// File name of the PDB.
    pub pdb: String,
    /// GUID in lower case with dashes.
    pub guid: String,
    /// Age of the PDB.
    pub age: u32,
    /// `SizeOfImage`, in bytes.
    pub image_size: u32,
    /// `TimeDateStamp`.
    pub timestamp: u32,
    /// Procedures, by address.
    pub procedures: Vec<Function>,
    /// Public symbols of functions, by address.
    pub publics: Vec<Function>,
}

impl Module {
    /// Where its PDB lies.
    #[must_use]
    pub fn pdb_path(&self) -> PathBuf {
        let key = format!("{}{:x}", self.guid.replace('-', "").to_uppercase(), self.age);
        folder().join("store").join(&self.pdb).join(key).join(&self.pdb)
    }

    /// Where its image lies, if it is kept.
    #[must_use]
    pub fn image_path(&self) -> PathBuf {
        let key = format!("{:08X}{:x}", self.timestamp, self.image_size);
        folder().join("store").join(&self.file).join(key).join(&self.file)
    }

    /// Its procedure of that name.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn procedure(&self, name: &str) -> &Function {
        self.procedures.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("{}!{name}", self.file))
    }
}

fn folder() -> PathBuf {
    crate::root().join("tests/fixtures/symbols")
}

/// All modules of tests/fixtures/symbols.
///
/// # Panics
/// If the list cannot be read.
#[must_use]
pub fn modules() -> Vec<Module> {
    let text = std::fs::read_to_string(folder().join("modules.json")).expect("the list can be read");
    let list: Value = serde_json::from_str(&text).expect("the list is JSON");
    list["modules"].as_array().expect("a list of modules").iter().map(module).collect()
}

/// One of them.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn module_named(file: &str) -> Module {
    modules().into_iter().find(|module| module.file == file).unwrap_or_else(|| panic!("{file} is not in the list"))
}

fn module(entry: &Value) -> Module {
    let text = |field: &str| entry[field].as_str().unwrap_or_else(|| panic!("{field} of {entry}")).to_owned();
    let number = |entry: &Value, field: &str| entry[field].as_u64().and_then(|number| u32::try_from(number).ok());
    let needed = |field: &str| number(entry, field).unwrap_or_else(|| panic!("{field} of {entry}"));
    let function = |it: &Value| Function {
        name: it["name"].as_str().expect("a name").to_owned(),
        rva: number(it, "rva").expect("an address"),
        size: number(it, "size").unwrap_or(0),
    };
    let functions = |field: &str| entry[field].as_array().expect("a list").iter().map(function).collect();
    Module {
        file: text("file"),
        pdb: text("pdb"),
        guid: text("guid"),
        age: needed("age"),
        image_size: needed("image_size"),
        timestamp: needed("timestamp"),
        procedures: functions("procedures"),
        publics: functions("publics"),
    }
}

/// Number of the line of a source that holds a text, from 1.
///
/// # Panics
/// If no line does.
#[must_use]
pub fn source_line(source: &str, text: &str) -> u32 {
    let all = std::fs::read_to_string(folder().join("src").join(source)).expect("the source can be read");
    let at = all.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{source} lacks {text}"));
    u32::try_from(at + 1).expect("sources are short")
}

/// A file of the real ones beside the repository, or `None`, said on standard error.
///
/// # Panics
/// If `POOLSCOPE_CORPUS` names a folder without it.
#[must_use]
pub fn real(path: &str) -> Option<PathBuf> {
    let named = std::env::var_os("POOLSCOPE_CORPUS").map(PathBuf::from);
    let file = named.clone().unwrap_or_else(|| crate::root().join("../shared/corpus")).join(path);
    if file.exists() {
        return Some(file);
    }
    assert!(named.is_none(), "POOLSCOPE_CORPUS names a folder without {path}");
    crate::skipped(&format!("no {}; set POOLSCOPE_CORPUS", file.display()));
    None
}

/// What a tool of LLVM prints, or `None`, said on standard error, where it is not installed.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn llvm(tool: &str, arguments: &[&str], file: &Path) -> Option<String> {
    match Command::new(tool).args(arguments).arg(file).output() {
        Ok(output) => {
            assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            crate::skipped(&format!("{tool} does not start: {error}"));
            None
        }
    }
}
