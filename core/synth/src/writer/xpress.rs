//! A compressor for plain LZ77 XPRESS ([MS-XCA] 2.3): greedy with short hash chains. Compression only.

const WINDOW: usize = 8192;
const MIN_MATCH: usize = 3;
const MAX_CHAIN: u32 = 24;
const GOOD_MATCH: usize = 96;
const HASH_BITS: u32 = 14;
const NONE: u32 = u32::MAX;

/// Compresses buffers one after the other, keeping its tables between them.
#[derive(Debug)]
pub struct Compressor {
    heads: Vec<u32>,
    links: Vec<u32>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

/// The output stream: flag words are reserved ahead, length nibbles share a byte in pairs.
struct Stream<'a> {
    out: &'a mut Vec<u8>,
    flags: u32,
    flag_count: u32,
    flag_at: usize,
    half_used_nibble: Option<usize>,
}

impl Compressor {
    /// An empty compressor.
    #[must_use]
    pub fn new() -> Self {
        Self { heads: vec![NONE; 1 << HASH_BITS], links: Vec::new() }
    }

    /// Appends the compressed form of `input` to `out`.
    pub fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.heads.fill(NONE);
        self.links.clear();
        self.links.resize(input.len(), NONE);
        let mut stream = Stream::new(out);
        let mut at = 0;
        while at < input.len() {
            let (length, distance) = self.longest_match(input, at);
            if length < MIN_MATCH {
                stream.literal(input[at]);
                self.enter(input, at);
                at += 1;
            } else {
                stream.matched(length, distance);
                // Entering every position of a long run costs more than it finds.
                for position in at..at + length.min(64) {
                    self.enter(input, position);
                }
                at += length;
            }
        }
        stream.finish();
    }

    fn enter(&mut self, input: &[u8], at: usize) {
        if let Some(slot) = hash(input, at) {
            self.links[at] = self.heads[slot];
            self.heads[slot] = at as u32;
        }
    }

    /// Length and distance of the best match found at `at`; length 0 if there is none.
    fn longest_match(&self, input: &[u8], at: usize) -> (usize, usize) {
        let Some(slot) = hash(input, at) else {
            return (0, 0);
        };
        let rest = &input[at..];
        let mut best = (0, 0);
        let mut candidate = self.heads[slot];
        for _ in 0..MAX_CHAIN {
            if candidate == NONE || at - candidate as usize > WINDOW {
                break;
            }
            let length = common_prefix(&input[candidate as usize..], rest);
            if length > best.0 {
                best = (length, at - candidate as usize);
                if length >= GOOD_MATCH {
                    break;
                }
            }
            candidate = self.links[candidate as usize];
        }
        best
    }
}

fn hash(input: &[u8], at: usize) -> Option<usize> {
    let bytes = input.get(at..at + MIN_MATCH)?;
    let value = u32::from(bytes[0]) | u32::from(bytes[1]) << 8 | u32::from(bytes[2]) << 16;
    Some((value.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize)
}

/// Length of the common prefix; `earlier` may overlap `rest`, which encodes runs.
fn common_prefix(earlier: &[u8], rest: &[u8]) -> usize {
    let mut length = 0;
    let (left, right) = (earlier.chunks_exact(8), rest.chunks_exact(8));
    for (a, b) in left.zip(right) {
        if a != b {
            break;
        }
        length += 8;
    }
    length + earlier[length..].iter().zip(&rest[length..]).take_while(|(a, b)| a == b).count()
}

impl<'a> Stream<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        let flag_at = out.len();
        out.extend_from_slice(&[0; 4]);
        Self { out, flags: 0, flag_count: 0, flag_at, half_used_nibble: None }
    }

    fn flag(&mut self, bit: u32) {
        self.flags = self.flags << 1 | bit;
        self.flag_count += 1;
    }

    /// Writes a full flag word in its place and reserves the next one.
    fn end_item(&mut self) {
        if self.flag_count == 32 {
            self.store_flags(self.flags);
            self.flag_at = self.out.len();
            self.out.extend_from_slice(&[0; 4]);
            (self.flags, self.flag_count) = (0, 0);
        }
    }

    fn store_flags(&mut self, flags: u32) {
        self.out[self.flag_at..self.flag_at + 4].copy_from_slice(&flags.to_le_bytes());
    }

    fn literal(&mut self, byte: u8) {
        self.flag(0);
        self.out.push(byte);
        self.end_item();
    }

    fn matched(&mut self, length: usize, distance: usize) {
        self.flag(1);
        let length = length - MIN_MATCH;
        let code = ((distance - 1) << 3 | length.min(7)) as u16;
        self.out.extend_from_slice(&code.to_le_bytes());
        if let Some(beyond) = length.checked_sub(7) {
            self.nibble(beyond.min(15) as u8);
            if let Some(beyond) = beyond.checked_sub(15) {
                self.long_length(length, beyond);
            }
        }
        self.end_item();
    }

    fn nibble(&mut self, value: u8) {
        match self.half_used_nibble.take() {
            Some(at) => self.out[at] |= value << 4,
            None => {
                self.half_used_nibble = Some(self.out.len());
                self.out.push(value);
            }
        }
    }

    fn long_length(&mut self, length: usize, beyond: usize) {
        self.out.push(beyond.min(255) as u8);
        if beyond < 255 {
            return;
        }
        match u16::try_from(length) {
            Ok(short) => self.out.extend_from_slice(&short.to_le_bytes()),
            Err(_) => {
                self.out.extend_from_slice(&[0, 0]);
                self.out.extend_from_slice(&(length as u32).to_le_bytes());
            }
        }
    }

    /// Fills the unused flags with ones; after a full group that is a bare word of ones.
    fn finish(mut self) {
        let unused = 32 - self.flag_count;
        let flags = if unused == 32 { u32::MAX } else { self.flags << unused | ((1 << unused) - 1) };
        self.store_flags(flags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn compressed(input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Compressor::new().compress(input, &mut out);
        out
    }

    /// Decodes by the rules of [MS-XCA]; panics on anything that is not well-formed.
    fn decoded(input: &[u8]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        let (mut at, mut flags, mut left, mut nibble_at) = (0, 0u32, 0, None);
        loop {
            if left == 0 {
                flags = u32::from_le_bytes(input[at..at + 4].try_into().unwrap());
                (at, left) = (at + 4, 32);
            }
            left -= 1;
            if flags >> left & 1 == 0 {
                out.push(input[at]);
                at += 1;
                continue;
            }
            if at == input.len() {
                assert_eq!(flags | !0 << left, u32::MAX, "unused flags are ones");
                return out;
            }
            let code = usize::from(u16::from_le_bytes([input[at], input[at + 1]]));
            at += 2;
            let mut length = code & 7;
            if length == 7 {
                let nibble = match nibble_at.take() {
                    Some(earlier) => input[earlier as usize] >> 4,
                    None => {
                        nibble_at = Some(at as u32);
                        at += 1;
                        input[at - 1] & 15
                    }
                };
                length = 7 + usize::from(nibble);
                if nibble == 15 {
                    let byte = usize::from(input[at]);
                    at += 1;
                    length += byte;
                    if byte == 255 {
                        length = usize::from(u16::from_le_bytes([input[at], input[at + 1]]));
                        at += 2;
                        if length == 0 {
                            length = u32::from_le_bytes(input[at..at + 4].try_into().unwrap()) as usize;
                            at += 4;
                        }
                    }
                }
            }
            let from = out.len() - ((code >> 3) + 1);
            for position in from..from + length + 3 {
                out.push(out[position]);
            }
        }
    }

    #[test]
    fn published_vectors() {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz";
        let mut expected = vec![0x3f, 0, 0, 0];
        expected.extend_from_slice(alphabet);
        assert_eq!(compressed(alphabet), expected);
        let hundred = b"abc".repeat(100);
        let vector = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0, 0x0f, 0xff, 0x26, 0x01];
        assert_eq!(compressed(&hundred), vector);
        assert_eq!(decoded(&vector), hundred);
    }

    #[test]
    fn a_full_group_is_followed_by_a_bare_word() {
        let input: Vec<u8> = (0..32).collect();
        let out = compressed(&input);
        assert_eq!(out[..4], [0; 4]);
        assert_eq!(out[36..], [0xFF; 4]);
        assert_eq!(decoded(&out), input);
        assert_eq!(compressed(&[]), [0xFF; 4]);
    }

    #[test]
    fn everything_comes_back() {
        let mut rng = Rng::new(3);
        for round in 0..300 {
            let len = rng.index(5_000);
            let spread = 1 + rng.below(if round % 3 == 0 { 256 } else { 4 });
            let mut input: Vec<u8> = (0..len).map(|_| rng.below(spread) as u8).collect();
            if round % 5 == 0 {
                let at = rng.index(len + 1);
                input.splice(at..at, std::iter::repeat_n(0xFF, rng.index(70_000)));
            }
            assert_eq!(decoded(&compressed(&input)), input, "round {round}");
        }
        let long = vec![7; 200_000];
        assert_eq!(decoded(&compressed(&long)), long);
    }
}
