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

use poolscope_base::bytes::{u16_at, u32_at};

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

/// Decompresses `input` into `output` (cleared first), at most `cap` bytes.
pub fn decompress(input: &[u8], output: &mut Vec<u8>, cap: usize) -> StreamEnd {
    output.clear();
    output.reserve(expected_output_bytes(input.len(), cap));
    let mut state = Decoder { input, at: 0, half_byte: None };
    while state.at < input.len() {
        let Some(flags) = u32_at(input, state.at) else {
            return StreamEnd::Damaged;
        };
        state.at += 4;
        for bit in (0..32).rev() {
            if output.len() >= cap {
                return StreamEnd::Complete;
            }
            if flags & (1 << bit) == 0 {
                let Some(&byte) = input.get(state.at) else {
                    return StreamEnd::Damaged;
                };
                output.push(byte);
                state.at += 1;
                continue;
            }
            if state.at >= input.len() {
                return StreamEnd::Complete;
            }
            let Some((distance, length)) = state.match_token() else {
                return StreamEnd::Damaged;
            };
            if distance > output.len() {
                return StreamEnd::Damaged;
            }
            copy_match(output, distance, length.min(cap - output.len()));
        }
    }
    StreamEnd::Complete
}

/// Position in the compressed input.
struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    /// Offset of a length byte whose high nibble is not used yet.
    half_byte: Option<usize>,
}

impl Decoder<'_> {
    /// Reads the distance and length of a match.
    fn match_token(&mut self) -> Option<(usize, usize)> {
        let token = usize::from(u16_at(self.input, self.at)?);
        self.at += 2;
        let distance = (token >> 3) + 1;
        let mut length = token & 7;
        if length == 7 {
            length = self.nibble()?;
            if length == 15 {
                length = usize::from(*self.input.get(self.at)?);
                self.at += 1;
                if length == 255 {
                    length = usize::from(u16_at(self.input, self.at)?);
                    self.at += 2;
                    if length == 0 {
                        length = u32_at(self.input, self.at)? as usize;
                        self.at += 4;
                    }
                    length = length.checked_sub(22)?;
                }
                length += 15;
            }
            length += 7;
        }
        Some((distance, length + 3))
    }

    /// Reads four more bits of a length. Two long matches share one byte, the low nibble first.
    fn nibble(&mut self) -> Option<usize> {
        if let Some(at) = self.half_byte.take() {
            return self.input.get(at).map(|byte| usize::from(byte >> 4));
        }
        let byte = *self.input.get(self.at)?;
        self.half_byte = Some(self.at);
        self.at += 1;
        Some(usize::from(byte & 15))
    }
}

/// Appends `length` bytes that begin `distance` bytes before the end; source and destination may overlap.
fn copy_match(output: &mut Vec<u8>, distance: usize, length: usize) {
    let start = output.len() - distance;
    if distance >= length {
        output.extend_from_within(start..start + length);
        return;
    }
    let mut left = length;
    while left > 0 {
        // The bytes written so far repeat with the period `distance`.
        let step = left.min(output.len() - start);
        output.extend_from_within(start..start + step);
        left -= step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8], cap: usize) -> (Vec<u8>, StreamEnd) {
        let mut output = Vec::new();
        let end = decompress(input, &mut output, cap);
        (output, end)
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
