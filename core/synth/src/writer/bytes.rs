//! Appends fields of trace records to a byte vector.

use super::{Guid, Width};

/// Appends fields of trace records in the format's encodings.
pub trait Sink {
    /// One byte.
    fn u8(&mut self, value: u8);
    /// 16 bits, little-endian.
    fn u16(&mut self, value: u16);
    /// 32 bits, little-endian.
    fn u32(&mut self, value: u32);
    /// 64 bits, little-endian.
    fn u64(&mut self, value: u64);
    /// A signed 64-bit time or count.
    fn i64(&mut self, value: i64);
    /// A pointer-sized field of the given writer; the upper half is cut for 32 bits.
    fn ptr(&mut self, width: Width, value: u64);
    /// A GUID in its mixed-endian form.
    fn guid(&mut self, value: &Guid);
    /// UTF-16 and its terminating zero.
    fn utf16z(&mut self, text: &str);
    /// UTF-16 in a fixed field of `units` code units, cut or filled with zeros.
    fn utf16_fixed(&mut self, text: &str, units: usize);
    /// The text's bytes and a terminating zero.
    fn ansiz(&mut self, text: &str);
    /// `count` zero bytes.
    fn zeros(&mut self, count: usize);
    /// Zeros up to the next multiple of 8 of the vector's length.
    fn pad8(&mut self);
}

impl Sink for Vec<u8> {
    fn u8(&mut self, value: u8) {
        self.push(value);
    }
    fn u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
    fn ptr(&mut self, width: Width, value: u64) {
        match width {
            Width::Bits32 => self.u32(value as u32),
            Width::Bits64 => self.u64(value),
        }
    }
    fn guid(&mut self, value: &Guid) {
        self.extend_from_slice(&value.to_bytes());
    }
    fn utf16z(&mut self, text: &str) {
        for unit in text.encode_utf16() {
            self.u16(unit);
        }
        self.u16(0);
    }
    fn utf16_fixed(&mut self, text: &str, units: usize) {
        let filled = text.encode_utf16().chain(std::iter::repeat(0));
        for unit in filled.take(units) {
            self.u16(unit);
        }
    }
    fn ansiz(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
        self.push(0);
    }
    fn zeros(&mut self, count: usize) {
        self.resize(self.len() + count, 0);
    }
    fn pad8(&mut self) {
        self.resize(self.len().next_multiple_of(8), 0);
    }
}
