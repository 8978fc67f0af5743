//! XPRESS decompression against a plain decoder that copies byte by byte, on streams of a compressor, streams of arbitrary
//! items, truncated ones and arbitrary bytes.

use poolscope_etl::xpress::{Decompressor, StreamEnd};
use poolscope_synth::writer::Compressor;
use proptest::prelude::*;

/// Decompresses as [MS-XCA] section 2.4.4 describes, without any concern for speed.
fn plain_decoder(input: &[u8], cap: usize) -> (Vec<u8>, StreamEnd) {
    let mut output = Vec::new();
    let end = plain_items(input, cap, &mut output);
    (output, if end.is_none() { StreamEnd::Damaged } else { StreamEnd::Complete })
}

/// Appends all items to the output; `None` if the stream is damaged.
fn plain_items(input: &[u8], cap: usize, output: &mut Vec<u8>) -> Option<()> {
    let mut bytes = input.iter().copied().enumerate();
    let mut half: Option<u8> = None;
    loop {
        if output.len() == cap || bytes.len() == 0 {
            return Some(());
        }
        let flags = number(&mut bytes, 4)?;
        for flag in (0..32).rev() {
            if output.len() == cap {
                return Some(());
            }
            if flags >> flag & 1 == 0 {
                output.push(bytes.next()?.1);
                continue;
            }
            if bytes.len() == 0 {
                return Some(());
            }
            let token = number(&mut bytes, 2)?;
            let (distance, mut length) = (token / 8 + 1, token % 8);
            if length == 7 {
                let nibble = match half.take() {
                    Some(nibble) => nibble,
                    None => {
                        let byte = bytes.next()?.1;
                        half = Some(byte / 16);
                        byte % 16
                    }
                };
                length = 7 + usize::from(nibble);
                if nibble == 15 {
                    let byte = number(&mut bytes, 1)?;
                    length += byte;
                    if byte == 255 {
                        length = number(&mut bytes, 2)?;
                        if length == 0 {
                            length = number(&mut bytes, 4)?;
                        }
                        // Shorter ones have a shorter form.
                        if length < 22 {
                            return None;
                        }
                    }
                }
            }
            let start = output.len().checked_sub(distance)?;
            for at in start..start + length + 3 {
                if output.len() == cap {
                    break;
                }
                output.push(output[at]);
            }
        }
    }
}

/// Reads a little-endian number.
fn number(bytes: &mut impl Iterator<Item = (usize, u8)>, count: u32) -> Option<usize> {
    let mut value = 0;
    for at in 0..count {
        value |= usize::from(bytes.next()?.1) << (8 * at);
    }
    Some(value)
}

/// An item of a stream.
#[derive(Clone, Copy, Debug)]
enum Item {
    Literal(u8),
    Match { distance: usize, length: usize },
}

fn item() -> impl Strategy<Value = Item> {
    let length = prop_oneof![8 => 3_usize..10, 4 => 10_usize..40, 2 => 40_usize..400, 1 => 400_usize..70_000];
    let distance = prop_oneof![3 => 1_usize..20, 1 => 20_usize..=8192];
    prop_oneof![
        3 => any::<u8>().prop_map(Item::Literal),
        2 => (distance, length).prop_map(|(distance, length)| Item::Match { distance, length }),
    ]
}

/// Writes items as they are, those with a distance before the beginning too.
fn stream_of(items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut half: Option<usize> = None;
    for group in items.chunks(32) {
        let is_match = |item: &Item| matches!(item, Item::Match { .. });
        // The flags behind the last item are ones.
        let flag = |at: usize| u32::from(group.get(at).is_none_or(is_match)) << (31 - at);
        out.extend((0..32).map(flag).sum::<u32>().to_le_bytes());
        for item in group {
            match *item {
                Item::Literal(byte) => out.push(byte),
                Item::Match { distance, length } => put_match(&mut out, &mut half, distance, length - 3),
            }
        }
    }
    out
}

fn put_match(out: &mut Vec<u8>, half: &mut Option<usize>, distance: usize, length: usize) {
    out.extend((((distance - 1) << 3 | length.min(7)) as u16).to_le_bytes());
    if length < 7 {
        return;
    }
    let nibble = (length - 7).min(15) as u8;
    if let Some(at) = half.take() {
        out[at] |= nibble << 4;
    } else {
        *half = Some(out.len());
        out.push(nibble);
    }
    if nibble < 15 {
        return;
    }
    out.push((length - 22).min(255) as u8);
    if length - 22 < 255 {
        return;
    }
    let short = u16::try_from(length).unwrap_or(0);
    out.extend(short.to_le_bytes());
    if short == 0 {
        out.extend((length as u32).to_le_bytes());
    }
}

/// Bytes with repetitions at short and long distances, as records have them.
fn compressible() -> impl Strategy<Value = Vec<u8>> {
    let run = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..40),
        (any::<u8>(), 1_usize..3_000).prop_map(|(byte, length)| vec![byte; length]),
        (prop::collection::vec(0_u8..4, 1..12), 1_usize..200).prop_map(|(word, times)| word.repeat(times)),
    ];
    prop::collection::vec(run, 0..24).prop_map(|runs| runs.concat())
}

fn compressed(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compressor::new().compress(input, &mut out);
    out
}

/// Checks that both decoders agree, with memory that was used before and with fresh one.
fn check(memory: &mut Decompressor, input: &[u8], cap: usize) -> Result<(), TestCaseError> {
    let (wanted, wanted_end) = plain_decoder(input, cap);
    for memory in [memory, &mut Decompressor::default()] {
        let (output, end) = memory.decompress(input, cap);
        prop_assert!(output == wanted, "{} bytes instead of {}", output.len(), wanted.len());
        prop_assert_eq!(end, wanted_end);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decompression_restores_compressed_bytes(input in compressible()) {
        let stream = compressed(&input);
        let mut memory = Decompressor::default();
        for cap in [input.len(), input.len() + 1_000] {
            let (output, end) = memory.decompress(&stream, cap);
            prop_assert_eq!(end, StreamEnd::Complete);
            prop_assert_eq!(output, &input[..]);
        }
    }

    #[test]
    fn a_truncated_stream_or_a_small_cap_yields_a_prefix(input in compressible(), keep in 0.0..1.0_f64) {
        let stream = compressed(&input);
        let mut memory = Decompressor::default();
        let (output, _) = memory.decompress(&stream[..(stream.len() as f64 * keep) as usize], input.len());
        prop_assert!(input.starts_with(output));
        let cap = (input.len() as f64 * keep) as usize;
        prop_assert_eq!(memory.decompress(&stream, cap).0, &input[..cap]);
    }

    #[test]
    fn streams_of_any_items_give_what_the_plain_decoder_gives(
        items in prop::collection::vec(item(), 0..300),
        keep in 0.0..1.0_f64,
        cap in prop_oneof![0_usize..2_000, 0_usize..200_000, Just(usize::MAX >> 1)],
    ) {
        let mut memory = Decompressor::default();
        let stream = stream_of(&items);
        check(&mut memory, &stream, cap.min(16 << 20))?;
        check(&mut memory, &stream[..(stream.len() as f64 * keep) as usize], cap.min(16 << 20))?;
    }

    #[test]
    fn valid_streams_of_any_items_are_complete(items in prop::collection::vec(item(), 0..300)) {
        let mut written = 0;
        let mut valid = Vec::new();
        for item in items {
            match item {
                Item::Match { distance, .. } if distance > written => valid.push(Item::Literal(distance as u8)),
                other => valid.push(other),
            }
            written += match valid[valid.len() - 1] {
                Item::Literal(_) => 1,
                Item::Match { length, .. } => length,
            };
        }
        let stream = stream_of(&valid);
        let mut memory = Decompressor::default();
        let (output, end) = memory.decompress(&stream, written);
        prop_assert_eq!((output.len(), end), (written, StreamEnd::Complete));
        check(&mut memory, &stream, written)?;
    }

    #[test]
    fn arbitrary_bytes_give_what_the_plain_decoder_gives(
        input in prop::collection::vec(prop_oneof![Just(0_u8), Just(7), any::<u8>()], 0..400),
        cap in 0_usize..5_000,
    ) {
        check(&mut Decompressor::default(), &input, cap)?;
    }
}

#[test]
fn a_match_that_is_longer_than_any_output_ends_at_the_cap() {
    // A literal, and a match of 4 GB.
    let input = [0, 0, 0, 0x40, b'x', 7, 0, 15, 255, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let mut memory = Decompressor::default();
    let (output, end) = memory.decompress(&input, 100_000);
    assert_eq!((output.len(), end), (100_000, StreamEnd::Complete));
    assert!(output.iter().all(|&byte| byte == b'x'));
}
