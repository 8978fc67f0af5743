//! Payloads of process and thread records.

use super::{Sink, Width};

/// Process started.
pub const HOOK_START: u16 = 0x0301;
/// Process ended.
pub const HOOK_END: u16 = 0x0302;
/// Process that exists at the start of the trace.
pub const HOOK_DC_START: u16 = 0x0303;
/// Process that exists at the end of the trace.
pub const HOOK_DC_END: u16 = 0x0304;
/// Thread started.
pub const HOOK_THREAD_START: u16 = 0x0501;
/// Thread ended.
pub const HOOK_THREAD_END: u16 = 0x0502;
/// Thread that exists at the start of the trace.
pub const HOOK_THREAD_DC_START: u16 = 0x0503;
/// Thread that exists at the end of the trace.
pub const HOOK_THREAD_DC_END: u16 = 0x0504;

/// A process.
#[derive(Debug, Clone, Copy)]
pub struct Process<'a> {
    /// Address of the process object.
    pub key: u64,
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent: u32,
    /// Session id.
    pub session: u32,
    /// Exit status.
    pub exit_status: u32,
    /// Flags of version 4: 2 is WOW64, 8 is packaged.
    pub flags: u32,
    /// SID bytes (revision, count, authority, sub-authorities); empty for none.
    pub sid: &'a [u8],
    /// Image file name.
    pub image: &'a str,
    /// Command line.
    pub command_line: &'a str,
}

/// Payload of a process record of version 0 to 5.
pub fn process(out: &mut Vec<u8>, width: Width, version: u8, process: &Process<'_>) {
    if version == 0 {
        out.ptr(width, u64::from(process.pid));
        out.ptr(width, u64::from(process.parent));
    } else {
        out.ptr(width, process.key);
        out.u32(process.pid);
        out.u32(process.parent);
        out.u32(process.session);
        out.u32(process.exit_status);
    }
    if version >= 3 {
        out.ptr(width, process.key >> 12 << 12);
    }
    if version >= 4 {
        out.u32(process.flags);
    }
    if process.sid.is_empty() {
        out.u32(0);
    } else {
        // TOKEN_USER: a pointer that is not zero, attributes padded to a pointer, then the SID.
        out.ptr(width, process.key | 1);
        out.ptr(width, 0);
        out.extend_from_slice(process.sid);
    }
    out.ansiz(process.image);
    if version >= 2 {
        out.utf16z(process.command_line);
    }
    if version >= 4 {
        out.utf16z("");
        out.utf16z("");
    }
    if version >= 5 {
        out.u64(0);
    }
}

/// A thread.
#[derive(Debug, Clone, Copy)]
pub struct Thread<'a> {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Start address in user mode, or in the kernel for a system thread.
    pub start_address: u64,
    /// Name, since Windows 10; `None` for the 72-byte form (x64).
    pub name: Option<&'a str>,
}

/// Payload of a thread record of version 3.
pub fn thread(out: &mut Vec<u8>, width: Width, thread: &Thread<'_>) {
    out.u32(thread.pid);
    out.u32(thread.tid);
    let stack = 0xFFFF_F880_0000_0000 + (u64::from(thread.tid) << 16);
    out.ptr(width, stack + 0x6000);
    out.ptr(width, stack);
    out.ptr(width, 0);
    out.ptr(width, 0);
    out.ptr(width, 0xFF);
    out.ptr(width, thread.start_address);
    out.ptr(width, 0);
    out.u32(0);
    out.extend_from_slice(&[8, 5, 2, 0]);
    if let Some(name) = thread.name {
        out.utf16z(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_4_stands_where_the_format_says() {
        let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        let of = Process {
            key: 0xFFFF_8000_0000_1080,
            pid: 4,
            parent: 5,
            session: 6,
            exit_status: 7,
            flags: 2,
            sid: &sid,
            image: "System",
            command_line: "x",
        };
        let mut out = Vec::new();
        process(&mut out, Width::Bits64, 4, &of);
        assert_eq!((out[8], out[12], out[16], out[20], out[32]), (4, 5, 6, 7, 2));
        assert_eq!(out[52..64], sid);
        assert_eq!(out[64..71], *b"System\0");
        assert_eq!(out.len(), 71 + 4 + 4);
        let mut out = Vec::new();
        process(&mut out, Width::Bits32, 4, &Process { sid: &[], ..of });
        assert_eq!(out[28..32], [0; 4]);
        assert_eq!(out[32..38], *b"System");
    }

    #[test]
    fn threads_have_72_bytes_and_a_name() {
        let of = Thread { pid: 1, tid: 2, start_address: 3, name: None };
        let mut out = Vec::new();
        thread(&mut out, Width::Bits64, &of);
        assert_eq!((out.len(), out[0], out[4], out[48], out[68]), (72, 1, 2, 3, 8));
        let mut out = Vec::new();
        thread(&mut out, Width::Bits64, &Thread { name: Some(""), ..of });
        assert_eq!(out.len(), 74);
    }
}
