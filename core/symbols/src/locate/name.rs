//! What is looked for, as stores write it. The name comes from a trace, so from anybody: one that could lead out of a
//! store, or that some system takes for something else, must never get past here.

use std::path::PathBuf;

/// Longer names do not fit into folders of every system.
const NAME_BYTES_MAX: usize = 180;
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A file that is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wanted {
    /// Its name, without a folder.
    pub name: String,
    /// The folder that tells its versions apart.
    pub key: String,
}

impl Wanted {
    /// A file to look for, or why its name cannot be one.
    pub fn new(name: &str, key: String) -> Result<Self, String> {
        match objection(name) {
            Some(why) => Err(why),
            None => Ok(Self { name: name.to_owned(), key }),
        }
    }

    /// The name of its compressed form: the last letter is an underscore.
    pub fn compressed(&self) -> String {
        let mut name = self.name.clone();
        name.pop();
        name.push('_');
        name
    }

    /// The folder above in stores with an `index2.txt`.
    pub fn prefix(&self) -> String {
        self.name.chars().take(2).collect()
    }

    /// Its folder below the root of a store.
    pub fn folder(&self, prefixed: bool) -> PathBuf {
        let below = PathBuf::from(&self.name).join(&self.key);
        if prefixed { PathBuf::from(self.prefix()).join(below) } else { below }
    }

    /// The address of a file in its folder on a server.
    pub fn address(&self, server: &str, prefixed: bool, leaf: &str) -> String {
        let prefix = if prefixed { format!("{}/", escaped(&self.prefix())) } else { String::new() };
        format!("{server}/{prefix}{}/{}/{}", escaped(&self.name), self.key, escaped(leaf))
    }

    /// The start of the names of working files for it. Names that differ in case only share one.
    pub fn stem(&self) -> String {
        format!("{}-{}", self.name.to_lowercase(), self.key)
    }
}

fn objection(name: &str) -> Option<String> {
    let device = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |start: &str| {
        device.strip_prefix(start).is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    let why = if name.is_empty() {
        "it is empty".to_owned()
    } else if let Some(bad) = name.chars().find(|&c| c.is_control() || "/\\:*?\"<>|".contains(c)) {
        format!("it holds the character {bad:?}")
    } else if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        "it starts or ends with a dot or a blank".to_owned()
    } else if name.to_ascii_lowercase().starts_with(super::deposit::WORK_FOLDER) {
        "it is that of a folder for working files".to_owned()
    } else if DEVICES.contains(&device.as_str()) || numbered("com") || numbered("lpt") {
        "it is that of a device on Windows".to_owned()
    } else if name.len() > NAME_BYTES_MAX {
        format!("it has {} bytes, more than {NAME_BYTES_MAX}", name.len())
    } else {
        return None;
    };
    Some(format!("the name {} is not looked for: {why}", shown(name)))
}

/// A name from anywhere, short enough for one line.
fn shown(name: &str) -> String {
    let start: String = name.chars().take(60).collect();
    format!("{start:?}")
}

/// Every byte that an address cannot hold, written as `%XX`.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_lead_out_are_refused() {
        let bad = [
            "",
            "..",
            ".",
            "a/b.pdb",
            "a\\b.pdb",
            "../a.pdb",
            "C:x.pdb",
            "a\0.pdb",
            "a.pdb.",
            "a.pdb ",
            "nul",
            "NUL.pdb",
            "com1.pdb",
            "aux .pdb",
            "a\n.pdb",
            "a*.pdb",
            "a|b",
            ".poolscope",
            ".PoolScope",
        ];
        for name in bad {
            assert!(Wanted::new(name, "K".to_owned()).is_err(), "{name:?}");
        }
        assert!(Wanted::new(&"a".repeat(181), "K".to_owned()).is_err());
        for name in ["ntkrnlmp.pdb", "my driver.pdb", "null.pdb", "comm.pdb", "Привет.pdb", "a..b.pdb", "x"] {
            assert!(Wanted::new(name, "K".to_owned()).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn places_are_written_as_stores_do() {
        let wanted = Wanted::new("my drv.pdb", "AB1".to_owned()).unwrap();
        assert_eq!(wanted.compressed(), "my drv.pd_");
        assert_eq!(wanted.folder(true), PathBuf::from("my").join("my drv.pdb").join("AB1"));
        assert_eq!(wanted.address("http://s", false, "my drv.pd_"), "http://s/my%20drv.pdb/AB1/my%20drv.pd_");
        assert_eq!(wanted.address("http://s", true, "file.ptr"), "http://s/my/my%20drv.pdb/AB1/file.ptr");
    }
}
