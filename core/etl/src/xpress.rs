//! XPRESS decompression (Plain LZ77) of one buffer's body. The output never grows beyond its cap, whatever the input
//! says, and a damaged stream yields the bytes before the damage.
//!
//! The body of a buffer with the compressed flag is one stream without length prefix, magic number or checksum. Input
//! is a sequence of groups: 32 flag bits from the highest down, then one item per flag: a literal byte (0) or a match
//! (1) of 16 bits with distance and length, longer lengths in extra bytes. The stream ends at a match flag without
//! input. Where the data ends exactly with a group of 32, the compressor appends a flag word of all ones without data
//! (24 of 636 real buffers), which some decoders take for truncation.
//!
//! Source: [MS-XCA] sections 2.3 and 2.4 (Plain LZ77), whose examples are tests here; that `.etl` files use it is
//! confirmed by all 636 compressed buffers of three independent files. Texts that name LZNT1 or XPRESS Huffman are
//! wrong.

use poolscope_base::bytes::{u16_at, u32_at, u64_at};
use std::num::NonZeroU64;

/// Outcome of a decompression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEnd {
    /// The input was used up, or the output is full.
    Complete,
    /// The input ends within an item, or a match refers to bytes before the output's beginning.
    Damaged,
}

/// Factor by which a real stream rarely grows when it is decompressed.
const USUAL_GROWTH: usize = 8;

/// Number of bytes to reserve for the output of a stream. The cap may come from a damaged header, so that it is limited by
/// the input; the rest of an output that is longer is allocated on demand.
pub(crate) fn expected_output_bytes(input_bytes: usize, cap: usize) -> usize {
    cap.min(input_bytes.saturating_mul(USUAL_GROWTH))
}

/// Reusable memory for the output of decompressions.
#[derive(Debug, Default)]
pub struct Decompressor {
    /// Output of the last stream, and older bytes behind it.
    output: Vec<u8>,
}

impl Decompressor {
    /// Decompresses `input`, at most to `cap` bytes.
    pub fn decompress(&mut self, input: &[u8], cap: usize) -> (&[u8], StreamEnd) {
        let expected = expected_output_bytes(input.len(), cap);
        if self.output.len() < expected {
            self.output.resize(expected, 0);
        }
        let mut decoder =
            Decoder { input, output: &mut self.output, cap, read: 0, written: 0, flags: NO_FLAGS, nibble: None };
        let end = decoder.run();
        let written = decoder.written;
        (self.output.get(..written).unwrap_or_default(), end)
    }
}

/// Flags of a group of items that are left, from the lowest bit up, and a one behind the last one: the zeros below the
/// first one are the literals before the next match.
type Flags = NonZeroU64;

/// Flags of a group that is used up.
const NO_FLAGS: Flags = NonZeroU64::MIN;
/// Bytes that are copied at once for a run of literals, which is at most twice as long and rarely longer.
const LITERALS: usize = 16;
/// Bytes that are copied at once for a match.
const STEP: usize = 32;
/// Longer matches are copied by the system's function.
const LONG: usize = 256;

/// A stream that is decompressed.
struct Decoder<'a> {
    input: &'a [u8],
    output: &'a mut Vec<u8>,
    /// Upper bound on the output.
    cap: usize,
    /// Position in the input.
    read: usize,
    /// Number of bytes in the output.
    written: usize,
    flags: Flags,
    /// Upper half of the last length byte, for the next length.
    nibble: Option<u8>,
}

/// Distance and length of a match.
#[derive(Clone, Copy)]
struct Match {
    distance: usize,
    length: usize,
}

impl Decoder<'_> {
    fn run(&mut self) -> StreamEnd {
        loop {
            self.decode_fast();
            if let Some(end) = self.decode_item() {
                return end;
            }
        }
    }

    /// Decodes items as long as whole steps can be read and written, which are longer than most items: bytes behind an
    /// item are overwritten by the next one. Ends before an item that is too close to an end, very long or invalid.
    fn decode_fast(&mut self) {
        let input = self.input;
        let limit = self.output.len().min(self.cap);
        let Some(output) = self.output.get_mut(..limit) else { return };
        let (mut read, mut written, mut flags, mut nibble) = (self.read, self.written, self.flags, self.nibble);
        loop {
            if flags == NO_FLAGS {
                let Some(group) = u32_at(input, read) else { break };
                flags = group_flags(group);
                read += 4;
            }
            let literals = flags.trailing_zeros() as usize;
            let Some(from) = chunk_at::<{ 2 * LITERALS }>(input, read) else { break };
            let Some(to) = chunk_mut_at::<{ 2 * LITERALS }>(output, written) else { break };
            to[..LITERALS].copy_from_slice(&from[..LITERALS]);
            if literals > LITERALS {
                to[LITERALS..].copy_from_slice(&from[LITERALS..]);
            }
            read += literals;
            written += literals;
            flags = without(flags, literals);
            if flags == NO_FLAGS {
                continue;
            }
            let Some((found, used, next_nibble)) = short_match(input, read, nibble) else { break };
            if !copy_fast(output, written, found) {
                break;
            }
            read += used;
            written += found.length;
            nibble = next_nibble;
            flags = without(flags, 1);
        }
        (self.read, self.written, self.flags, self.nibble) = (read, written, flags, nibble);
    }

    /// Decodes a run of literals or a match, with all checks; the end of the stream if there is none.
    fn decode_item(&mut self) -> Option<StreamEnd> {
        if self.written >= self.cap {
            return Some(StreamEnd::Complete);
        }
        if self.flags == NO_FLAGS {
            if self.read >= self.input.len() {
                return Some(StreamEnd::Complete);
            }
            let Some(group) = u32_at(self.input, self.read) else { return Some(StreamEnd::Damaged) };
            self.flags = group_flags(group);
            self.read += 4;
        }
        let literals = self.flags.trailing_zeros() as usize;
        if literals > 0 {
            return self.copy_literals(literals);
        }
        if self.read >= self.input.len() {
            return Some(StreamEnd::Complete);
        }
        let Some(found) = self.read_match() else { return Some(StreamEnd::Damaged) };
        if found.distance > self.written {
            return Some(StreamEnd::Damaged);
        }
        self.flags = without(self.flags, 1);
        self.copy_match(found);
        None
    }

    fn copy_literals(&mut self, literals: usize) -> Option<StreamEnd> {
        let room = self.cap - self.written;
        let present = self.input.get(self.read..).unwrap_or_default();
        let count = literals.min(room).min(present.len());
        self.make_room(count);
        self.output[self.written..self.written + count].copy_from_slice(&present[..count]);
        self.read += count;
        self.written += count;
        self.flags = without(self.flags, count);
        let end = if count == room { StreamEnd::Complete } else { StreamEnd::Damaged };
        (count < literals).then_some(end)
    }

    /// Reads a match of any length.
    fn read_match(&mut self) -> Option<Match> {
        let token = u16_at(self.input, self.read)?;
        self.read += 2;
        let mut length = usize::from(token & 7);
        if length == 7 {
            length = self.read_nibble()?;
            if length == 15 {
                length = usize::from(*self.input.get(self.read)?);
                self.read += 1;
                if length == 255 {
                    length = usize::from(u16_at(self.input, self.read)?);
                    self.read += 2;
                    if length == 0 {
                        length = u32_at(self.input, self.read)? as usize;
                        self.read += 4;
                    }
                    length = length.checked_sub(22)?;
                }
                length += 15;
            }
            length += 7;
        }
        Some(Match { distance: usize::from(token >> 3) + 1, length: length + 3 })
    }

    /// Reads four more bits of a length. Two long matches share one byte, the low half first.
    fn read_nibble(&mut self) -> Option<usize> {
        if let Some(nibble) = self.nibble.take() {
            return Some(usize::from(nibble));
        }
        let byte = *self.input.get(self.read)?;
        self.nibble = Some(byte >> 4);
        self.read += 1;
        Some(usize::from(byte & 15))
    }

    /// Appends a match, as far as the cap allows.
    fn copy_match(&mut self, Match { distance, length }: Match) {
        let length = length.min(self.cap - self.written);
        self.make_room(length);
        copy_within(self.output, self.written, Match { distance, length });
        self.written += length;
    }

    /// Makes the output long enough for `count` more bytes.
    fn make_room(&mut self, count: usize) {
        let needed = self.written + count;
        if needed > self.output.len() {
            let len = needed.max(2 * self.output.len()).min(self.cap);
            self.output.resize(len, 0);
        }
    }
}

/// Flags of a whole group, which are used from the highest bit down.
#[inline(always)]
fn group_flags(group: u32) -> Flags {
    // The one behind the last flag.
    const END: Flags = NonZeroU64::new(1 << 32).unwrap();
    END | u64::from(group.reverse_bits())
}

/// Flags without the first `count`.
#[inline(always)]
fn without(flags: Flags, count: usize) -> Flags {
    NonZeroU64::new(flags.get() >> count).unwrap_or(NO_FLAGS)
}

#[inline(always)]
fn chunk_at<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..)?.first_chunk()
}

#[inline(always)]
fn chunk_mut_at<const N: usize>(bytes: &mut [u8], at: usize) -> Option<&mut [u8; N]> {
    bytes.get_mut(at..)?.first_chunk_mut()
}

/// Reads a match of at most 64 KB, and returns it with the bytes that it takes and the half byte for the next length.
/// `None` if it may be longer, or if the input ends shortly behind it.
#[inline(always)]
fn short_match(input: &[u8], at: usize, nibble: Option<u8>) -> Option<(Match, usize, Option<u8>)> {
    let next = u64_at(input, at)?;
    let distance = (next as usize >> 3 & 0x1fff) + 1;
    let length = next as usize & 7;
    if length < 7 {
        return Some((Match { distance, length: length + 3 }, 2, nibble));
    }
    let (more, used, nibble) = match nibble {
        Some(nibble) => (usize::from(nibble), 2, None),
        None => (next as usize >> 16 & 15, 3, Some((next >> 20) as u8 & 15)),
    };
    if more < 15 {
        return Some((Match { distance, length: more + 10 }, used, nibble));
    }
    let more = next >> (8 * used);
    match more & 0xff {
        // Two more bytes, or six.
        255 => {
            let length = (more >> 8) as usize & 0xffff;
            (length >= 22).then(|| (Match { distance, length: length + 3 }, used + 3, nibble))
        }
        more => Some((Match { distance, length: more as usize + 25 }, used + 1, nibble)),
    }
}

/// Copies a match in whole steps to `at`; `false` if it does not fit with the rest of its last step, or begins before the
/// output.
#[inline(always)]
fn copy_fast(output: &mut [u8], at: usize, Match { distance, length }: Match) -> bool {
    if distance > at || at + length + STEP > output.len() {
        return false;
    }
    if length > LONG {
        copy_within(output, at, Match { distance, length });
    } else if distance >= 16 {
        copy_steps::<16>(output, at, distance, length);
    } else if distance >= 8 {
        copy_steps::<8>(output, at, distance, length);
    } else {
        repeat_pattern(output, at, distance, length);
    }
    true
}

/// Copies a match to `at`; source and destination may overlap.
#[inline(never)]
fn copy_within(output: &mut [u8], at: usize, Match { distance, length }: Match) {
    let start = at - distance;
    let mut done = 0;
    while done < length {
        // The bytes written so far repeat with the period `distance`.
        let step = (length - done).min(distance + done);
        output.copy_within(start..start + step, at + done);
        done += step;
    }
}

/// Copies in steps of `N` bytes, which is at most the distance, and at least [`STEP`] bytes.
#[inline(always)]
fn copy_steps<const N: usize>(output: &mut [u8], at: usize, distance: usize, length: usize) {
    let mut done = 0;
    loop {
        for _ in 0..STEP / N {
            let Some(step) = chunk_at::<N>(output, at - distance + done).copied() else { return };
            let Some(to) = chunk_mut_at(output, at + done) else { return };
            *to = step;
            done += N;
        }
        if done >= length {
            return;
        }
    }
}

/// Copies with a distance below eight: a pattern of that many bytes repeats.
#[inline(always)]
fn repeat_pattern(output: &mut [u8], at: usize, distance: usize, length: usize) {
    /// Product of a pattern of so many bytes with this: the pattern repeated over eight bytes.
    const REPEATED: [u64; 8] = [
        0,
        0x0101_0101_0101_0101,
        0x0001_0001_0001_0001,
        0x0001_0000_0100_0001,
        0x0000_0001_0000_0001,
        0x0000_0100_0000_0001,
        0x0001_0000_0000_0001,
        0x0100_0000_0000_0001,
    ];
    /// Largest multiple of the distance up to eight.
    const WHOLE: [usize; 8] = [8, 8, 8, 6, 8, 5, 6, 7];
    let Some(bytes) = u64_at(output, at - distance) else { return };
    let pattern = bytes & ((1 << (8 * distance)) - 1);
    let pattern = pattern.wrapping_mul(REPEATED[distance & 7]).to_le_bytes();
    let mut done = 0;
    while done < length {
        let Some(to) = chunk_mut_at(output, at + done) else { return };
        *to = pattern;
        done += WHOLE[distance & 7];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8], cap: usize) -> (Vec<u8>, StreamEnd) {
        let mut memory = Decompressor::default();
        let (output, end) = memory.decompress(input, cap);
        (output.to_vec(), end)
    }

    #[test]
    fn decodes_the_examples_of_the_specification() {
        let mut alphabet = vec![0x3f, 0, 0, 0];
        alphabet.extend(b'a'..=b'z');
        assert_eq!(run(&alphabet, 4096), ((b'a'..=b'z').collect(), StreamEnd::Complete));
        let repeated = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26, 0x01];
        assert_eq!(run(&repeated, 4096), (b"abc".repeat(100), StreamEnd::Complete));
    }

    #[test]
    fn a_bare_flag_word_ends_a_stream() {
        let mut stream = vec![0, 0, 0, 0];
        stream.extend([b'x'; 32]);
        stream.extend([0xff; 4]);
        assert_eq!(run(&stream, 4096), (vec![b'x'; 32], StreamEnd::Complete));
    }

    #[test]
    fn damage_yields_the_bytes_before_it() {
        assert_eq!(run(&[0xff, 0xff, 0xff, 0xff, 9, 0], 4096), (vec![], StreamEnd::Damaged));
        let cut = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26];
        assert_eq!(run(&cut, 4096), (b"abc".to_vec(), StreamEnd::Damaged));
        assert_eq!(run(&[1, 2], 4096), (vec![], StreamEnd::Damaged));
    }

    #[test]
    fn output_is_capped() {
        let repeated = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26, 0x01];
        assert_eq!(run(&repeated, 10).0, b"abcabcabca");
    }
}
