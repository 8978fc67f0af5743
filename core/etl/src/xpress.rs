//! Plain LZ77 XPRESS decompression ([MS-XCA] 2.3 and 2.4) of one buffer's body. The output never grows beyond its cap,
//! whatever the input says, and a damaged stream yields what came before the damage.

use poolscope_base::bytes::read::{u16_at, u32_at};

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At the end of its input, or with the output full.
    Complete,
    /// In the middle of a token, or with a match before the beginning: damaged.
    Damaged,
}

/// Decompresses `input` into `output` (cleared first), at most `cap` bytes.
///
/// The end of a stream is a match flag with no input left; a bare flag word of all ones at the end is legal (4 % of
/// real buffers have one).
pub fn decompress(input: &[u8], output: &mut Vec<u8>, cap: usize) -> End {
    output.clear();
    // A damaged header may ask for much; a real stream rarely grows more than eightfold, and the rest grows on demand.
    output.reserve(cap.min(input.len().saturating_mul(8)));
    let mut state = Decoder { input, at: 0, half_byte: None };
    while state.at < input.len() {
        let Some(flags) = u32_at(input, state.at) else {
            return End::Damaged;
        };
        state.at += 4;
        for bit in (0..32).rev() {
            if output.len() >= cap {
                return End::Complete;
            }
            if flags & (1 << bit) == 0 {
                let Some(&byte) = input.get(state.at) else {
                    return End::Damaged;
                };
                output.push(byte);
                state.at += 1;
                continue;
            }
            if state.at >= input.len() {
                return End::Complete;
            }
            let Some((distance, length)) = state.match_token() else {
                return End::Damaged;
            };
            if distance > output.len() {
                return End::Damaged;
            }
            copy_match(output, distance, length.min(cap - output.len()));
        }
    }
    End::Complete
}

struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    /// Where the byte lies whose high nibble the next long match takes.
    half_byte: Option<usize>,
}

impl Decoder<'_> {
    /// Distance and length of the match at the current place.
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

    /// Two long matches share one byte of length: the low nibble first.
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

/// Appends `length` bytes from `distance` back; the source may overlap what is being written.
fn copy_match(output: &mut Vec<u8>, distance: usize, length: usize) {
    let start = output.len() - distance;
    if distance >= length {
        output.extend_from_within(start..start + length);
        return;
    }
    let mut left = length;
    while left > 0 {
        // What has been written so far repeats with the period `distance`.
        let step = left.min(output.len() - start);
        output.extend_from_within(start..start + step);
        left -= step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8], cap: usize) -> (Vec<u8>, End) {
        let mut output = Vec::new();
        let end = decompress(input, &mut output, cap);
        (output, end)
    }

    #[test]
    fn decodes_the_examples_of_the_specification() {
        let mut alphabet = vec![0x3f, 0, 0, 0];
        alphabet.extend(b'a'..=b'z');
        assert_eq!(run(&alphabet, 4096), ((b'a'..=b'z').collect(), End::Complete));
        let repeated = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26, 0x01];
        assert_eq!(run(&repeated, 4096), (b"abc".repeat(100), End::Complete));
    }

    #[test]
    fn a_bare_flag_word_ends_a_stream() {
        let mut stream = vec![0, 0, 0, 0];
        stream.extend([b'x'; 32]);
        stream.extend([0xff; 4]);
        assert_eq!(run(&stream, 4096), (vec![b'x'; 32], End::Complete));
    }

    #[test]
    fn damage_yields_what_came_before_it() {
        assert_eq!(run(&[0xff, 0xff, 0xff, 0xff, 9, 0], 4096), (vec![], End::Damaged));
        let cut = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26];
        assert_eq!(run(&cut, 4096), (b"abc".to_vec(), End::Damaged));
        assert_eq!(run(&[1, 2], 4096), (vec![], End::Damaged));
    }

    #[test]
    fn output_is_capped() {
        let repeated = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26, 0x01];
        assert_eq!(run(&repeated, 10).0, b"abcabcabca");
    }
}
