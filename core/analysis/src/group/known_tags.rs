//! What well-known tags stand for, in words of our own, for those who have no `pooltag.txt`. Only what is certain stands here:
//! a tag that is not in the table has no description, and a family is named only where all of its tags belong to it.

use crate::trace::attributes::Tag;

/// What follows a description from here, so that nobody takes it for the words of a `pooltag.txt`.
pub const MARK: &str = " (built-in note)";

/// Tags and what they are for.
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

/// Beginnings of tags and the component that all such tags belong to.
const FAMILIES: &[(&[u8], &str)] = &[
    (b"Afd", "sockets (afd.sys)"),
    (b"CM", "the registry"),
    (b"FM", "the filter manager (fltmgr.sys)"),
    (b"NpF", "named pipes (npfs.sys)"),
    (b"Ntf", "NTFS (ntfs.sys)"),
    (b"Tcp", "TCP/IP (tcpip.sys)"),
    (b"VoS", "volume snapshots (volsnap.sys)"),
];

/// What a tag stands for, if it is well known.
#[must_use]
pub fn describe(tag: Tag) -> Option<&'static str> {
    let exact = TAGS.iter().find(|row| *row.0 == tag.0).map(|row| row.1);
    exact.or_else(|| FAMILIES.iter().find(|row| tag.0.starts_with(row.0)).map(|row| row.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_families_and_strangers() {
        assert_eq!(describe(Tag(*b"Irp ")), Some("I/O requests on their way through drivers"));
        assert_eq!(describe(Tag(*b"CM31")), Some("the registry"));
        assert_eq!(describe(Tag(*b"NtfZ")), Some("NTFS (ntfs.sys)"));
        assert_eq!(describe(Tag(*b"irp ")), None);
        assert_eq!(describe(Tag(*b"MyTg")), None);
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
