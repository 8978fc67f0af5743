//! `NtQuerySystemInformation` with `SystemPoolTagInformation`: the one place of the program that calls Windows directly.
#![expect(unsafe_code, reason = "the call has no safe wrapper in the crates that are used")]

use std::ffi::c_void;

/// `SystemPoolTagInformation` of `SYSTEM_INFORMATION_CLASS`.
const SYSTEM_POOL_TAG_INFORMATION: u32 = 22;
/// `STATUS_INFO_LENGTH_MISMATCH`: the buffer is too small.
const STATUS_INFO_LENGTH_MISMATCH: i32 = 0xC000_0004_u32.cast_signed();
/// `STATUS_INVALID_INFO_CLASS`: the system does not know the question.
const STATUS_INVALID_INFO_CLASS: i32 = 0xC000_0003_u32.cast_signed();
/// Size of the first buffer in bytes.
const FIRST_BYTES: usize = 1 << 18;
/// Number of buffers, each twice as large as the one before, that are tried.
const ATTEMPTS: u32 = 10;

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtQuerySystemInformation(class: u32, buffer: *mut c_void, length: u32, needed: *mut u32) -> i32;
}

/// The answer of the system: `SYSTEM_POOLTAG_INFORMATION`.
///
/// # Errors
/// A sentence without a full stop.
pub fn system_pool_tags() -> Result<Vec<u8>, String> {
    for attempt in 0..ATTEMPTS {
        // Of 8-byte units, so that the structures are aligned.
        let mut buffer = vec![0_u64; (FIRST_BYTES << attempt) / 8];
        let length = u32::try_from(buffer.len() * 8).map_err(|_| "the list of pool tags is too long".to_owned())?;
        let mut needed = 0;
        // SAFETY: the buffer is writable for `length` bytes and lives until the call returns; `needed` is a valid `u32`.
        let status = unsafe {
            NtQuerySystemInformation(SYSTEM_POOL_TAG_INFORMATION, buffer.as_mut_ptr().cast(), length, &raw mut needed)
        };
        match status {
            0 => return Ok(buffer.iter().flat_map(|unit| unit.to_le_bytes()).collect()),
            STATUS_INFO_LENGTH_MISMATCH => {}
            STATUS_INVALID_INFO_CLASS => {
                return Err(format!(
                    "this system does not list its pool tags, as under wine (NtQuerySystemInformation: status {status:#010x})"
                ));
            }
            status => return Err(format!("NtQuerySystemInformation failed with status {status:#010x}")),
        }
    }
    Err("the list of pool tags grew faster than it could be read".to_owned())
}
