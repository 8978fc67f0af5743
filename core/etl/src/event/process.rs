//! Process events (kernel group 0x03): start, end and rundown.
//!
//! | version | fields before the user SID |
//! | --- | --- |
//! | 0 | process and parent, each of a pointer's size |
//! | 1 | page directory (pointer), process, parent, session, exit status (u32 each) |
//! | 2 | as 1, with `UniqueProcessKey` (the address of the process object) as the first field |
//! | 3 | as 2, then `DirectoryTableBase` (pointer) |
//! | 4, 5 | as 3, then flags (u32) |
//!
//! The SID is four zero bytes, or two pointers and a SID of `8 + 4 * sub-authorities` bytes. The image name follows as
//! a zero-terminated string of bytes (usually no longer than 15), from version 2 on then the command line in UTF-16.
//! Sources: Microsoft Learn, `Process_V0_TypeGroup1` to `Process_TypeGroup1`; phnt `ntwmi.h`; TraceEvent. Versions 1, 3
//! and 4 were measured in real files.

use poolscope_base::bytes::{bytez_at, pointer_at, u8_at, u32_at, utf16z_at};

/// Process start, end or rundown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessEvent {
    /// Address of the process object; `None` before version 2.
    pub object: Option<u64>,
    /// Process ID.
    pub pid: u32,
    /// Process ID of the parent.
    pub parent_pid: u32,
    /// Session; 0 in version 0, which has none.
    pub session: u32,
    /// Image name.
    pub name: String,
    /// Command line; empty before version 2.
    pub command_line: String,
}

/// Offsets of the texts of a process event in its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcessTextOffsets {
    /// Security identifier of the user; `None` if the record has none.
    pub sid: Option<usize>,
    /// Command line; `None` before version 2.
    pub command_line: Option<usize>,
}

impl ProcessEvent {
    /// Newest documented version.
    pub const NEWEST_VERSION: u8 = 5;

    /// Offsets of the texts in a payload; `None` if it is too short for its version.
    pub(crate) fn text_offsets(payload: &[u8], version: u8, pointer_size: u8) -> Option<ProcessTextOffsets> {
        let p = usize::from(pointer_size);
        let sid_at = sid_offset(version, p);
        let sid = (u32_at(payload, sid_at)? != 0).then_some(sid_at + 2 * p);
        let (_, after) = bytez_at(payload, skip_sid(payload, sid_at, p)?);
        Some(ProcessTextOffsets { sid, command_line: (version >= 2).then_some(after) })
    }

    /// Decodes the record; `None` if the payload is too short for its version.
    #[must_use]
    pub fn decode(payload: &[u8], version: u8, pointer_size: u8) -> Option<Self> {
        let p = usize::from(pointer_size);
        let (pid_at, parent_at) = if version == 0 { (0, p) } else { (p, p + 4) };
        let name_at = skip_sid(payload, sid_offset(version, p), p)?;
        let (name, after) = bytez_at(payload, name_at);
        let command_line = if version >= 2 { utf16z_at(payload, after).0 } else { String::new() };
        let object =
            if version >= 2 { pointer_at(payload, 0, pointer_size).filter(|address| *address != 0) } else { None };
        Some(Self {
            object,
            pid: u32_at(payload, pid_at)?,
            parent_pid: u32_at(payload, parent_at)?,
            session: if version == 0 { 0 } else { u32_at(payload, p + 8)? },
            name,
            command_line,
        })
    }
}

/// Offset of the user SID; `p` is the size of a pointer.
const fn sid_offset(version: u8, p: usize) -> usize {
    match version {
        0 => 2 * p,
        1 | 2 => p + 16,
        3 => 2 * p + 16,
        _ => 2 * p + 20,
    }
}

/// Returns the offset behind the user SID at `at`; `p` is the size of a pointer.
fn skip_sid(payload: &[u8], at: usize, p: usize) -> Option<usize> {
    if u32_at(payload, at)? == 0 {
        return Some(at + 4);
    }
    let sid = at + 2 * p;
    let authorities = usize::from(u8_at(payload, sid + 1)?);
    let end = sid + 8 + 4 * authorities;
    (end <= payload.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_the_sid() {
        let mut payload = vec![0; 36];
        payload[..8].copy_from_slice(&0xffff_e28a_1000_0080_u64.to_le_bytes());
        payload[8] = 44;
        payload[16] = 1;
        payload.extend([9; 16]);
        payload.extend([1, 2, 0, 0, 0, 0, 0, 5]);
        payload.extend([7; 8]);
        payload.extend(b"a.exe\0");
        payload.extend("a -x\0".encode_utf16().flat_map(u16::to_le_bytes));
        let event = ProcessEvent::decode(&payload, 4, 8).expect("complete");
        assert_eq!((event.pid, event.session, event.name.as_str()), (44, 1, "a.exe"));
        assert_eq!(event.command_line, "a -x");
        assert_eq!(event.object, Some(0xffff_e28a_1000_0080));
        assert_eq!(ProcessEvent::decode(&payload[..50], 4, 8), None);
    }

    #[test]
    fn every_version_is_decoded() {
        // Version, pointer size, bytes before the SID, offsets of the process and of its parent.
        let layouts = [
            (0, 4, 8, 0, 4),
            (0, 8, 16, 0, 8),
            (1, 4, 20, 4, 8),
            (2, 8, 24, 8, 12),
            (3, 4, 24, 4, 8),
            (3, 8, 32, 8, 12),
            (4, 4, 28, 4, 8),
            (5, 8, 36, 8, 12),
        ];
        for (version, pointer_size, fixed, pid_at, parent_at) in layouts {
            let mut payload = vec![0; fixed];
            payload[..4].copy_from_slice(&0x8123_4560_u32.to_le_bytes());
            (payload[pid_at], payload[parent_at]) = (44, 4);
            payload[pid_at + 1..pid_at + 4].fill(0);
            payload.extend([0; 4]);
            payload.extend(b"a.exe\0");
            let event = ProcessEvent::decode(&payload, version, pointer_size).expect("complete");
            let seen = (event.pid, event.parent_pid, event.name.as_str());
            assert_eq!(seen, (44, 4, "a.exe"), "version {version}, pointer size {pointer_size}");
            // The first field of version 0 is the process, that of version 1 the page directory.
            let object = (version >= 2).then_some(0x8123_4560);
            assert_eq!(event.object, object, "version {version}, pointer size {pointer_size}");
        }
    }
}
