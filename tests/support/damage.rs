//! Damage for traces: what crashed machines, bad disks and cut copies do to files, and what somebody with bad intent
//! would. The same random numbers give the same damage.

use poolscope_synth::rng::Rng;

/// Values that arithmetic on sizes and offsets likes least.
const BAD_VALUES: [u32; 10] = [0, 1, 7, 8, 71, 72, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF8, u32::MAX];

/// Damages a file in one to three ways. `places` are offsets that matter, such as those of buffer headers: half of the
/// damage is done near them. Says what was done.
pub fn damage(bytes: &mut Vec<u8>, places: &[usize], rng: &mut Rng) -> String {
    let steps = rng.between(1, 3);
    let done: Vec<String> = (0..steps).map(|_| step(bytes, places, rng)).collect();
    done.join(", ")
}

fn step(bytes: &mut Vec<u8>, places: &[usize], rng: &mut Rng) -> String {
    if bytes.is_empty() {
        return "nothing left".to_owned();
    }
    let at = place(bytes.len(), places, rng);
    let length = length(bytes.len() - at, rng);
    let range = at..at + length;
    match rng.below(8) {
        0 => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
        1 => {
            bytes[range.clone()].fill(0);
            format!("zeroed {range:?}")
        }
        2 => {
            bytes[range.clone()].rotate_left(length / 3);
            format!("rotated {range:?}")
        }
        3 => {
            let again = bytes[range.clone()].to_vec();
            let to = place(bytes.len(), places, rng);
            bytes.splice(to..to, again);
            format!("repeated {range:?} at {to}")
        }
        4 => {
            let gone: Vec<u8> = bytes.drain(range.clone()).collect();
            format!("took out {} bytes at {at}", gone.len())
        }
        5 => {
            let value = BAD_VALUES[rng.index(BAD_VALUES.len())];
            let end = (at + 4).min(bytes.len());
            bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            format!("wrote {value:#x} at {at}")
        }
        6 => {
            for byte in &mut bytes[range.clone()] {
                *byte = rng.next_u64() as u8;
            }
            format!("noise in {range:?}")
        }
        _ => {
            let flips = rng.between(1, 32);
            for _ in 0..flips {
                let at = place(bytes.len(), places, rng);
                bytes[at] ^= 1 << rng.below(8);
            }
            format!("flipped {flips} bits")
        }
    }
}

/// An offset: anywhere, or within a header and the first record behind it.
fn place(len: usize, places: &[usize], rng: &mut Rng) -> usize {
    if places.is_empty() || rng.chance(0.5) {
        return rng.index(len);
    }
    let near = places[rng.index(places.len())] + rng.index(72 + 56);
    near.min(len - 1)
}

/// Mostly short, now and then up to all that is left.
fn length(left: usize, rng: &mut Rng) -> usize {
    let most = match rng.below(4) {
        0 => left,
        1 => left.min(70_000),
        _ => left.min(64),
    };
    rng.index(most) + 1
}
