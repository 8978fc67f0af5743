//! Redaction: names of users, computers and folders, command lines and security identifiers are replaced, the same text by the same
//! replacement of the same length, so that a redacted trace still tells things apart. Names of image files, processes and tags stay:
//! they are what a leak is found by. Records whose texts are not understood field by field are dropped.

use crate::event::image::ImageEvent;
use crate::event::process::ProcessEvent;
use crate::event::{Event, EventKind};
use crate::record::Record;
use poolscope_base::bytes::{u8_at, u32_at, utf16z_at};

/// Result for a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Redacted {
    /// The record, perhaps changed, may be passed on.
    Keep,
    /// Not understood.
    Drop,
}

/// Folders that every system has; the rest of a path may name a user, a customer or a product.
const KNOWN_FOLDERS: [&str; 24] = [
    "device",
    "systemroot",
    "windows",
    "system32",
    "syswow64",
    "drivers",
    "driverstore",
    "filerepository",
    "winsxs",
    "program files",
    "program files (x86)",
    "programdata",
    "users",
    "appdata",
    "local",
    "roaming",
    "temp",
    "microsoft",
    "??",
    "c:",
    "assembly",
    "microsoft.net",
    "framework64",
    "common files",
];

/// Replaces texts.
pub(super) struct Redactor {
    is_active: bool,
    texts: u64,
}

impl Redactor {
    pub const fn new(is_active: bool) -> Self {
        Self { is_active, texts: 0 }
    }

    /// Number of texts that were replaced.
    pub const fn texts(&self) -> u64 {
        self.texts
    }

    /// Replaces the texts of a record in its bytes, of which the payload is the end.
    pub fn redact(&mut self, record: &Record<'_>, bytes: &mut [u8]) -> Redacted {
        if !self.is_active {
            return Redacted::Keep;
        }
        let start = bytes.len().saturating_sub(record.payload.len());
        let Some(payload) = bytes.get_mut(start..) else { return Redacted::Drop };
        let p = usize::from(record.pointer_size);
        let done = match record.kind() {
            EventKind::LogfileHeader => self.utf16_texts(payload, if p == 4 { 272 } else { 280 }),
            EventKind::ImageLoad | EventKind::ImageUnload | EventKind::ImageDcStart | EventKind::ImageDcEnd => {
                ImageEvent::path_offset(payload, record.version, record.pointer_size)
                    .and_then(|at| self.path(payload, at))
            }
            EventKind::ProcessStart | EventKind::ProcessEnd | EventKind::ProcessDcStart | EventKind::ProcessDcEnd => {
                self.process(payload, record)
            }
            EventKind::SystemCpu => Event::decode(record).and_then(|_| self.utf16_texts(payload.get_mut(..532)?, 20)),
            EventKind::ImageRsds => self.pdb_path(payload, p + 24),
            // These hold numbers only, or names that stay.
            EventKind::ImageId
            | EventKind::ImageFileVersion
            | EventKind::GroupMasks
            | EventKind::PoolAlloc
            | EventKind::PoolAllocSession
            | EventKind::PoolFree
            | EventKind::PoolFreeSession
            | EventKind::PoolTagRundown { .. }
            | EventKind::BigPoolRundown { .. }
            | EventKind::StackInline
            | EventKind::StackKeyDefinition
            | EventKind::StackKeyKernel
            | EventKind::StackKeyUser
            | EventKind::BuildInfo
            | EventKind::Loss => Some(()),
            EventKind::VolumeMapping | EventKind::Unknown => None,
        };
        if done.is_some() { Redacted::Keep } else { Redacted::Drop }
    }

    /// Security identifier, command line; the image name stays.
    fn process(&mut self, payload: &mut [u8], record: &Record<'_>) -> Option<()> {
        let offsets = ProcessEvent::text_offsets(payload, record.version, record.pointer_size)?;
        if let Some(sid) = offsets.sid {
            // Revision, number of sub-authorities, authority; the numbers behind the first name domain and user.
            let count = usize::from(u8_at(payload, sid + 1)?);
            for at in (1..count).map(|part| sid + 8 + 4 * part) {
                let value = u32_at(payload, at)?;
                let number = hash(&value.to_le_bytes()) as u32;
                payload.get_mut(at..at + 4)?.copy_from_slice(&number.to_le_bytes());
                self.texts += 1;
            }
        }
        if offsets.command_line.is_some_and(|at| utf16z_at(payload, at).1 > at + 2) {
            self.utf16_text(payload, offsets.command_line?);
        }
        // Behind the command line are a package and an application, and other times and flags.
        if let Some(at) = offsets.command_line {
            let end = utf16z_at(payload, at).1;
            payload.get_mut(end..)?.fill(0);
        }
        Some(())
    }

    /// All zero-terminated texts from `at` to the end.
    fn utf16_texts(&mut self, payload: &mut [u8], mut at: usize) -> Option<()> {
        payload.get(at..)?;
        while at + 2 <= payload.len() {
            let end = utf16z_at(payload, at).1;
            if end > at + 2 {
                self.utf16_text(payload, at);
            }
            at = end.max(at + 2);
        }
        Some(())
    }

    /// One zero-terminated text, replaced as a whole.
    fn utf16_text(&mut self, payload: &mut [u8], at: usize) {
        let end = text_end(payload, at);
        if let Some(text) = payload.get_mut(at..end) {
            replace_utf16(text);
            self.texts += 1;
        }
    }

    /// A path: every folder that is not one of all systems; the file name stays.
    fn path(&mut self, payload: &mut [u8], at: usize) -> Option<()> {
        let end = text_end(payload, at);
        let text = payload.get_mut(at..end)?;
        let units: Vec<u16> = text.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let mut from = 0;
        for to in 0..units.len() {
            if units.get(to) != Some(&u16::from(b'\\')) {
                continue;
            }
            let part = units.get(from..to)?;
            let name = String::from_utf16_lossy(part).to_lowercase();
            let is_known =
                name.is_empty() || KNOWN_FOLDERS.contains(&name.as_str()) || name.starts_with("harddiskvolume");
            if !is_known {
                replace_utf16(text.get_mut(2 * from..2 * to)?);
                self.texts += 1;
            }
            from = to + 1;
        }
        Some(())
    }

    /// The path of a PDB in bytes; its file name stays.
    fn pdb_path(&mut self, payload: &mut [u8], at: usize) -> Option<()> {
        let text = payload.get_mut(at..)?;
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        let text = text.get_mut(..end)?;
        if let Some(folders) = text.iter().rposition(|byte| [b'\\', b'/'].contains(byte)) {
            let folder = text.get_mut(..folders)?;
            let letters = letters(&folder.to_ascii_lowercase());
            folder.iter_mut().zip(letters).for_each(|(byte, letter)| *byte = letter);
            self.texts += 1;
        }
        Some(())
    }
}

/// Offset of the terminating zero of a UTF-16 text, or the end of the payload.
fn text_end(payload: &[u8], at: usize) -> usize {
    let rest = payload.get(at..).unwrap_or_default();
    let units = rest.as_chunks::<2>().0;
    at + 2 * units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len())
}

/// Replaces a text by letters that depend on it, regardless of case.
fn replace_utf16(text: &mut [u8]) {
    let units: Vec<u16> = text.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let key = String::from_utf16_lossy(&units).to_lowercase();
    let letters = letters(key.as_bytes());
    text.as_chunks_mut::<2>().0.iter_mut().zip(letters).for_each(|(unit, letter)| *unit = [letter, 0]);
}

/// FNV-1a, 64 bits: replacements are the same on every system and in every run.
fn hash(key: &[u8]) -> u64 {
    key.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Letters without end that depend on a key.
fn letters(key: &[u8]) -> impl Iterator<Item = u8> + use<> {
    let mut state = hash(key) | 1;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(b'a' + (state % 26) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).chain([0, 0]).collect()
    }

    fn path(text: &str) -> String {
        let mut bytes = wide(text);
        Redactor::new(true).path(&mut bytes, 0).expect("a path");
        utf16z_at(&bytes, 0).0
    }

    #[test]
    fn folders_of_users_are_replaced_and_files_stay() {
        let redacted = path("\\Device\\HarddiskVolume3\\Users\\Jane Doe\\work\\myfault.sys");
        assert!(
            redacted.starts_with("\\Device\\HarddiskVolume3\\Users\\") && redacted.ends_with("\\myfault.sys"),
            "{redacted}"
        );
        assert!(!redacted.contains("Jane") && !redacted.contains("work"), "{redacted}");
        assert_eq!(redacted.len(), "\\Device\\HarddiskVolume3\\Users\\Jane Doe\\work\\myfault.sys".len());
        assert_eq!(path("\\SystemRoot\\System32\\drivers\\tcpip.sys"), "\\SystemRoot\\System32\\drivers\\tcpip.sys");
        let folder = |text: &str| path(text).split('\\').nth(1).map(str::to_owned);
        assert_eq!(folder("\\Contoso\\a.sys"), folder("\\CONTOSO\\b.sys"), "the same folder has the same replacement");
        assert_ne!(folder("\\Contoso\\a.sys"), folder("\\Fabrikam\\a.sys"));
    }

    #[test]
    fn pdb_paths_lose_their_folders() {
        let mut bytes = b"12345C:\\build\\Jane\\x.pdb\0".to_vec();
        Redactor::new(true).pdb_path(&mut bytes, 5).expect("a path");
        assert!(bytes.ends_with(b"\\x.pdb\0") && !bytes.windows(4).any(|part| part == b"Jane"));
        let mut plain = b"x.pdb\0".to_vec();
        Redactor::new(true).pdb_path(&mut plain, 0).expect("a path");
        assert_eq!(plain, b"x.pdb\0");
    }

    #[test]
    fn texts_without_an_end_are_no_error() {
        let mut redactor = Redactor::new(true);
        for length in 0..9 {
            let mut bytes = vec![b'a'; length];
            let whole = redactor.utf16_texts(&mut bytes, 3);
            assert_eq!(whole.is_some(), length >= 3);
            redactor.path(&mut bytes, 1);
            redactor.pdb_path(&mut bytes, 2);
        }
    }
}
