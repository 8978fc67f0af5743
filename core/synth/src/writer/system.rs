//! Payloads of records about the system and the session: CPU, build, volumes, group masks, losses.

use super::{Sink, Width};

/// CPU configuration.
pub const HOOK_CPU: u16 = 0x0B0A;
/// Group masks at the start.
pub const HOOK_GROUP_MASKS: u16 = 0x0020;
/// Group masks at the end.
pub const HOOK_GROUP_MASKS_END: u16 = 0x0005;
/// Rundown complete, empty.
pub const HOOK_RUNDOWN_COMPLETE: u16 = 0x0008;
/// Opcode of the SysConfigEx build record.
pub const OPCODE_BUILD_INFO: u8 = 32;
/// Opcode of the SysConfigEx system-paths record.
pub const OPCODE_SYSTEM_PATHS: u8 = 33;
/// Opcode of the SysConfigEx volume-mapping record.
pub const OPCODE_VOLUME_MAPPING: u8 = 35;
/// Bit of mask 1 that turns pool events on.
pub const MASK1_POOL: u32 = 0x40;

/// Payload of a group-mask record.
pub fn group_masks(out: &mut Vec<u8>, masks: &[u32; 8], kernel_version: u32) {
    for mask in masks {
        out.u32(*mask);
    }
    out.u32(kernel_version);
}

/// Payload of the CPU configuration, version 3.
pub fn cpu_config(out: &mut Vec<u8>, width: Width, mhz: u32, cpus: u32, memory_megabytes: u32, computer: &str) {
    for value in [mhz, cpus, memory_megabytes, 4096, 65_536] {
        out.u32(value);
    }
    out.utf16_fixed(computer, 256);
    out.utf16_fixed("WORKGROUP", 134);
    out.ptr(width, 0);
    let highest = if width == Width::Bits64 { 0x7FFF_FFFE_FFFF } else { 0x7FFE_FFFF };
    out.ptr(width, highest);
    out.u16(if width == Width::Bits64 { 9 } else { 0 });
    out.u16(6);
    out.u16(0x9E0C);
    out.extend_from_slice(&[1, 1]);
    out.u32(2_667);
}

/// Payload of the build record.
pub fn build_info(out: &mut Vec<u8>, install_filetime: u64, build: &str, product: &str) {
    out.u64(install_filetime);
    out.utf16z(build);
    out.utf16z(product);
}

/// Payload of two texts: a volume mapping (NT path, DOS path) or the system paths.
pub fn two_texts(out: &mut Vec<u8>, first: &str, second: &str) {
    out.utf16z(first);
    out.utf16z(second);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_real_files() {
        let mut out = Vec::new();
        cpu_config(&mut out, Width::Bits64, 3_000, 4, 16_384, "SRV07");
        assert_eq!(out.len(), 828);
        assert_eq!(out[20], b'S');
        assert_eq!(out[532], b'W');
        let mut out = Vec::new();
        group_masks(&mut out, &[0, MASK1_POOL, 0, 0, 0, 0, 0, 0], 0x2A);
        assert_eq!((out.len(), out[4], out[32]), (36, 0x40, 0x2A));
    }
}
