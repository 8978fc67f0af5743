//! Process events (etl-format 6.3), versions 0 to 5 and both pointer sizes.

use poolscope_base::bytes::read::{pointer_at, u8_at, u32_at};
use poolscope_base::bytes::text::{bytez, utf16z};

/// What a process event says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessEvent {
    /// Address of the process object (`UniqueProcessKey`); `None` before version 2, where its place holds nothing or the page
    /// directory.
    pub object: Option<u64>,
    /// Process number.
    pub pid: u32,
    /// Number of its parent.
    pub parent_pid: u32,
    /// Terminal-services session.
    pub session: u32,
    /// Image file name.
    pub name: String,
    /// Command line; empty where the version has none.
    pub command_line: String,
}

/// Decodes a process event. `None` if the payload is too short for its version.
#[must_use]
pub fn process_event(payload: &[u8], version: u8, pointer_size: u8) -> Option<ProcessEvent> {
    let p = usize::from(pointer_size);
    // Version 0 has two process numbers, each of a pointer's size, and no session (MOF class Process_V0_TypeGroup1);
    // from 1 on a pointer-sized key stands before numbers of four bytes.
    let (pid_at, parent_at) = if version == 0 { (0, p) } else { (p, p + 4) };
    let sid_at = match version {
        0 => 2 * p,
        1 | 2 => p + 16,
        3 => 2 * p + 16,
        _ => 2 * p + 20,
    };
    let name_at = skip_sid(payload, sid_at, p)?;
    let (name, after) = bytez(payload, name_at);
    let command_line = if version >= 2 { utf16z(payload, after).0 } else { String::new() };
    let object = if version >= 2 { pointer_at(payload, 0, pointer_size).filter(|address| *address != 0) } else { None };
    Some(ProcessEvent {
        object,
        pid: u32_at(payload, pid_at)?,
        parent_pid: u32_at(payload, parent_at)?,
        session: if version == 0 { 0 } else { u32_at(payload, p + 8)? },
        name,
        command_line,
    })
}

/// Offset behind the user SID: four zero bytes, or two pointers and a SID with as many sub-authorities as it says.
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
    fn the_name_stands_behind_the_sid() {
        let mut payload = vec![0; 36];
        payload[..8].copy_from_slice(&0xffff_e28a_1000_0080_u64.to_le_bytes());
        payload[8] = 44;
        payload[16] = 1;
        payload.extend([9; 16]);
        payload.extend([1, 2, 0, 0, 0, 0, 0, 5]);
        payload.extend([7; 8]);
        payload.extend(b"a.exe\0");
        payload.extend("a -x\0".encode_utf16().flat_map(u16::to_le_bytes));
        let event = process_event(&payload, 4, 8).expect("complete");
        assert_eq!((event.pid, event.session, event.name.as_str()), (44, 1, "a.exe"));
        assert_eq!(event.command_line, "a -x");
        assert_eq!(event.object, Some(0xffff_e28a_1000_0080));
        assert_eq!(process_event(&payload[..50], 4, 8), None);
    }
    #[test]
    fn every_version_has_its_numbers_and_its_name() {
        // Version, pointer size, bytes before the SID, offsets of the process number and of its parent's.
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
            let event = process_event(&payload, version, pointer_size).expect("complete");
            let seen = (event.pid, event.parent_pid, event.name.as_str());
            assert_eq!(seen, (44, 4, "a.exe"), "version {version}, pointer size {pointer_size}");
            // The first field of version 0 is the number itself, that of version 1 the page directory.
            let object = (version >= 2).then_some(0x8123_4560);
            assert_eq!(event.object, object, "version {version}, pointer size {pointer_size}");
        }
    }
}
