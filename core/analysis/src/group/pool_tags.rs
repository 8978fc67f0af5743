//! Descriptions of pool tags: those of the user's `pooltag.txt` (lines `Tag - binary - description`), else built-in notes on
//! well-known tags, which are not Microsoft's texts. A built-in note on a family of tags holds for all tags with that prefix.

use crate::trace::attributes::Tag;
use std::collections::BTreeMap;

/// Description of one tag in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagText {
    /// File name of the driver, as written; may be empty.
    pub binary: String,
    /// The rest of the line; may be empty.
    pub description: String,
}

/// The lines of a `pooltag.txt`.
#[derive(Clone, Default, Debug)]
pub struct PoolTags {
    exact: BTreeMap<[u8; 4], TagText>,
    /// Tags that end in `*` in the file, longest first.
    prefixes: Vec<(Vec<u8>, TagText)>,
}

impl PoolTags {
    /// Parses the text of the file. Other lines than those of tags are ignored, among them comments, which begin with `rem`
    /// or `//`; of two lines for one tag, the first counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut tags = Self::default();
        for line in text.lines() {
            let line = line.trim_end();
            if line.starts_with("rem") || line.starts_with("//") {
                continue;
            }
            tags.add_line(line);
        }
        tags.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        tags
    }

    fn add_line(&mut self, line: &str) -> Option<()> {
        let dash = line.find(" - ").or_else(|| line.strip_suffix(" -").map(str::len))?;
        let tag = line.get(..dash)?.trim_end();
        let rest = line.get(dash + 2..)?.trim();
        let (binary, description) = match rest.split_once(" - ") {
            Some((binary, description)) => (binary.trim(), description.trim()),
            None => (rest.trim_end_matches('-').trim(), ""),
        };
        let text = TagText { binary: binary.to_owned(), description: description.to_owned() };
        match tag.as_bytes() {
            [prefix @ .., b'*'] if !prefix.is_empty() && prefix.len() < 4 => {
                self.prefixes.push((prefix.to_vec(), text));
            }
            bytes if (1..=4).contains(&bytes.len()) => {
                let mut tag = [b' '; 4];
                tag[..bytes.len()].copy_from_slice(bytes);
                self.exact.entry(tag).or_insert(text);
            }
            _ => {}
        }
        Some(())
    }

    /// Description of a tag in the file.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&TagText> {
        self.exact.get(&tag.0).or_else(|| {
            let found = self.prefixes.iter().find(|(prefix, _)| tag.0.starts_with(prefix));
            found.map(|(_, text)| text)
        })
    }

    /// Returns `true` if a line is for exactly this tag, not for a family that it belongs to.
    #[must_use]
    pub fn is_exact(&self, tag: Tag) -> bool {
        self.exact.contains_key(&tag.0)
    }

    /// Number of lines with a tag.
    #[must_use]
    pub fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }

    /// Returns `true` if no line has a tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }
}

/// Suffix of built-in descriptions, which tells them from those of a `pooltag.txt`.
pub const BUILT_IN_MARK: &str = " (built-in note)";

/// Tags and their use.
const TAGS: &[(&[u8; 4], &str)] = &[
    (b"AfdB", "data buffers of sockets"),
    (b"AfdC", "connections of sockets"),
    (b"AfdE", "one endpoint for each socket"),
    (b"AlMs", "messages between processes by ALPC"),
    (b"CcSc", "the file cache's record of each cached file"),
    (b"Ddk ", "allocated by a driver without a tag of its own"),
    (b"Desk", "desktop objects"),
    (b"Devi", "device objects of drivers"),
    (b"Dire", "object directories"),
    (b"Driv", "driver objects"),
    (b"EtwB", "buffers of tracing sessions"),
    (b"EtwG", "registered trace providers, one for each GUID"),
    (b"EtwR", "registrations of trace providers"),
    (b"Even", "event objects"),
    (b"File", "file objects: one for each open of a file or device"),
    (b"FMfn", "names of files in the cache of the filter manager"),
    (b"FMsl", "per-stream lists of the filter manager"),
    (b"Gh05", "bitmaps of GDI"),
    (b"IoCo", "I/O completion ports"),
    (b"Irp ", "I/O requests on their way through drivers"),
    (b"Job ", "job objects"),
    (b"Key ", "handles to registry keys"),
    (b"Leak", "what Sysinternals' NotMyFault leaks on request, by its driver myfault.sys"),
    (b"Mdl ", "descriptions of locked pages for I/O"),
    (b"MmCa", "control areas of mapped files"),
    (b"MmCi", "control areas of mapped images"),
    (b"MmSt", "page tables of sections: grows with the files that are cached or mapped"),
    (b"Muta", "mutex objects"),
    (b"None", "allocated without a tag"),
    (b"Ntf0", "general use by NTFS"),
    (b"NtfF", "one record for each open directory of NTFS"),
    (b"Ntff", "one record for each open file of NTFS"),
    (b"Ntfx", "general use by NTFS"),
    (b"ObNm", "names of objects"),
    (b"Obtb", "handle tables of processes"),
    (b"Proc", "process objects: stay while a handle to an ended process is open"),
    (b"Sect", "section objects: shared memory and mapped files"),
    (b"SeSd", "security descriptors"),
    (b"SeTl", "locks of access tokens"),
    (b"Sema", "semaphore objects"),
    (b"Symb", "symbolic links of the object manager"),
    (b"TcpE", "one endpoint for each TCP connection"),
    (b"Thre", "thread objects: stay while a handle to an ended thread is open"),
    (b"Time", "timer objects"),
    (b"Toke", "access tokens of processes and threads"),
    (b"TpWo", "worker factories of thread pools"),
    (b"UdpA", "one endpoint for each UDP socket"),
    (b"Vad ", "ranges of the address spaces of processes"),
    (b"VadS", "ranges of the address spaces of processes, short form"),
    (b"Vadl", "ranges of the address spaces of processes, long form"),
    (b"Wdm ", "allocated by a driver without a tag of its own"),
    (b"Wind", "window stations"),
];

/// Prefixes of tags, and the component that all tags with the prefix belong to.
const FAMILIES: &[(&[u8], &str)] = &[
    (b"Afd", "sockets (afd.sys)"),
    (b"CM", "the registry"),
    (b"FM", "the filter manager (fltmgr.sys)"),
    (b"NpF", "named pipes (npfs.sys)"),
    (b"Ntf", "NTFS (ntfs.sys)"),
    (b"Tcp", "TCP/IP (tcpip.sys)"),
    (b"VoS", "volume snapshots (volsnap.sys)"),
];

/// Built-in description of a well-known tag.
#[must_use]
pub fn built_in_description(tag: Tag) -> Option<&'static str> {
    let exact = TAGS.iter().find(|row| *row.0 == tag.0).map(|row| row.1);
    exact.or_else(|| FAMILIES.iter().find(|row| tag.0.starts_with(row.0)).map(|row| row.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_descriptions() {
        let file = "rem a comment\nAbc  - one.sys    - First - with a dash\nFil - <unknown>  - Files\n\
                    Net* - net.sys - Anything\nBare - only.sys\n\nnonsense\n";
        let tags = PoolTags::parse(file);
        assert_eq!(tags.len(), 4);
        let abc = tags.get(Tag(*b"Abc ")).unwrap();
        assert_eq!((abc.binary.as_str(), abc.description.as_str()), ("one.sys", "First - with a dash"));
        assert_eq!(tags.get(Tag(*b"Fil ")).unwrap().description, "Files");
        assert_eq!(tags.get(Tag(*b"NetQ")).unwrap().description, "Anything");
        assert_eq!(tags.get(Tag(*b"Bare")).unwrap().binary, "only.sys");
        assert_eq!(tags.get(Tag(*b"abc ")), None);
    }

    #[test]
    fn tags_families_and_strangers() {
        assert_eq!(built_in_description(Tag(*b"Irp ")), Some("I/O requests on their way through drivers"));
        assert_eq!(built_in_description(Tag(*b"CM31")), Some("the registry"));
        assert_eq!(built_in_description(Tag(*b"NtfZ")), Some("NTFS (ntfs.sys)"));
        assert_eq!(built_in_description(Tag(*b"irp ")), None);
        assert_eq!(built_in_description(Tag(*b"MyTg")), None);
    }

    #[test]
    fn every_tag_stands_once_and_says_something() {
        for (at, (tag, text)) in TAGS.iter().enumerate() {
            assert!(!TAGS[..at].iter().any(|other| other.0 == *tag), "{}", Tag(**tag).text());
            assert!(text.len() > 5 && !text.ends_with('.'));
        }
        assert!((30..=60).contains(&TAGS.len()), "{}", TAGS.len());
    }
}
