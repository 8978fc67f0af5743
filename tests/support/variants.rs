//! Every way in which the generator can write a trace, as a list of named parameters. A new parameter of the generator
//! gets its line here, and with it every test that walks over all variants.

use poolscope_synth::SynthParams;
use poolscope_synth::scenario::{HeaderStyle, StackMode};
use poolscope_synth::writer::{Clock, Compression, FileMode, Width};

/// A named way to write a trace.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Property that distinguishes the variant.
    pub name: String,
    /// All parameters.
    pub params: SynthParams,
}

const HEADERS: [HeaderStyle; 5] =
    [HeaderStyle::Kernel, HeaderStyle::Compact, HeaderStyle::PerfInfo, HeaderStyle::Guid, HeaderStyle::Mixed];
const WIDTHS: [Width; 2] = [Width::Bits64, Width::Bits32];
const STACKS: [StackMode; 4] = [StackMode::None, StackMode::Inline, StackMode::Keyed, StackMode::Mixed];

/// What all variants start from: five seconds, small buffers, many events of other providers, a small stack cache.
#[must_use]
pub fn base(allocations: u64) -> SynthParams {
    SynthParams {
        allocations,
        preexisting: allocations / 16,
        duration_s: 5.0,
        buffer_size: 16_384,
        noise_share: 0.7,
        key_cache: 48,
        ..SynthParams::default()
    }
}

/// The environment variable that asks for every combination instead of every pair.
const EVERY: &str = "POOLSCOPE_ALL_VARIANTS";

/// Every variant, with so many allocations each: of headers, widths, stacks and merging every pair of values, or with
/// `POOLSCOPE_ALL_VARIANTS` every combination.
#[must_use]
pub fn all(allocations: u64) -> Vec<Variant> {
    let base = base(allocations);
    let mut variants = if std::env::var_os(EVERY).is_some() { product(&base) } else { pairs(&base) };
    variants.extend(files(&base));
    variants.extend(losses(&base));
    variants.extend(loads(&base));
    variants
}

fn combined(base: &SynthParams, headers: HeaderStyle, width: Width, stacks: StackMode, merged: bool) -> Variant {
    let compression = if merged { Compression::Filled } else { Compression::None };
    let name = format!("{headers:?} {width:?} {stacks:?}{}", if merged { " merged" } else { "" });
    Variant { name, params: SynthParams { headers, width, stacks, merged, compression, ..base.clone() } }
}

/// So few combinations that every pair of values stands in one: headers and stacks in full, the others taking turns.
fn pairs(base: &SynthParams) -> Vec<Variant> {
    let each = |(i, headers): (usize, HeaderStyle)| {
        let of_stacks = move |(j, stacks): (usize, StackMode)| {
            combined(base, headers, WIDTHS[(i + j) % 2], stacks, (i + j / 2) % 2 == 1)
        };
        STACKS.into_iter().enumerate().map(of_stacks)
    };
    HEADERS.into_iter().enumerate().flat_map(each).collect()
}

fn product(base: &SynthParams) -> Vec<Variant> {
    let mut variants = Vec::new();
    for headers in HEADERS {
        for width in WIDTHS {
            for stacks in STACKS {
                let both = [false, true].map(|merged| combined(base, headers, width, stacks, merged));
                variants.extend(both);
            }
        }
    }
    variants
}

/// Clocks, compression, circular and buffering files.
fn files(base: &SynthParams) -> Vec<Variant> {
    let mut variants = Vec::new();
    let mut add = |name: String, params| variants.push(Variant { name, params });
    for clock in [Clock::Raw, Clock::Qpc, Clock::SystemTime, Clock::CpuCycles] {
        add(format!("clock {clock:?}"), SynthParams { clock, perf_freq: 2_337_949, ..base.clone() });
    }
    add("compressed whole".to_owned(), SynthParams { compression: Compression::Whole, ..base.clone() });
    // A share of what is written stays in the file, whatever the number of allocations.
    let written = u32::try_from(base.allocations / 40).unwrap_or(u32::MAX).max(40);
    for buffers in [written / 20, written / 5, written / 2] {
        let mode = FileMode::Circular { buffers };
        add(format!("circular {buffers}"), SynthParams { mode, ..base.clone() });
        let mode = FileMode::Buffering { buffers };
        let compression = Compression::Filled;
        add(format!("buffering {buffers}"), SynthParams { mode, compression, ..base.clone() });
    }
    variants
}

/// Lost events and lost buffers.
fn losses(base: &SynthParams) -> Vec<Variant> {
    let worst =
        SynthParams { lost_buffers: 6, loss_share: 0.1, session_share: 0.6, stacks: StackMode::Inline, ..base.clone() };
    let mut variants = vec![
        variant("lost events", SynthParams { loss_share: 0.03, ..base.clone() }),
        variant("lost buffers", SynthParams { lost_buffers: 6, ..base.clone() }),
        variant("lost events and buffers", worst),
        variant("lost definitions", SynthParams { definition_loss: 0.1, stacks: StackMode::Keyed, ..base.clone() }),
    ];
    for seed in 2..6 {
        let headers = HeaderStyle::Mixed;
        let params = SynthParams { seed, headers, loss_share: 0.01, lost_buffers: 2, ..base.clone() };
        variants.push(variant(&format!("seed {seed}"), params));
    }
    variants
}

/// Density, CPUs, lives, depth.
fn loads(base: &SynthParams) -> Vec<Variant> {
    vec![
        variant("shared ticks", SynthParams { shared_ticks: true, ..base.clone() }),
        variant("one CPU, dense", SynthParams { cpus: 1, duration_s: 0.01, ..base.clone() }),
        variant("64 CPUs, dense", SynthParams { cpus: 64, threads: 500, duration_s: 0.05, ..base.clone() }),
        variant("session pool only", SynthParams { session_share: 1.0, ..base.clone() }),
        variant("deep stacks", SynthParams { max_depth: 150, distinct_stacks: 60, ..base.clone() }),
        variant("kernel halves only", SynthParams { user_stack_share: 0.0, free_stacks: false, ..base.clone() }),
        variant("nothing from before", SynthParams { preexisting: 0, pool_rundown: false, ..base.clone() }),
        variant("mostly from before", SynthParams { preexisting: base.allocations, ..base.clone() }),
        variant("tiny stack cache", SynthParams { key_cache: 4, stacks: StackMode::Keyed, ..base.clone() }),
        variant("handles kept", SynthParams { handle_leak: 60, ..base.clone() }),
        variant("tags that grow together", SynthParams { lockstep_tags: 5, ..base.clone() }),
        variant(
            "CPU samples",
            SynthParams { sample_share: 2.0, sample_stacks: 700, stacks: StackMode::Keyed, ..base.clone() },
        ),
        variant("no noise", SynthParams { noise_share: 0.0, ..base.clone() }),
        variant("other addresses", SynthParams { relocation: 2, ..base.clone() }),
    ]
}

fn variant(name: &str, params: SynthParams) -> Variant {
    Variant { name: name.to_owned(), params }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The values of a variant, each with the letter of what it is a value of.
    fn values(variant: &Variant) -> Vec<String> {
        let SynthParams { headers, width, stacks, merged, .. } = &variant.params;
        vec![format!("h{headers:?}"), format!("w{width:?}"), format!("s{stacks:?}"), format!("m{merged}")]
    }

    fn pairs_of(variants: &[Variant]) -> BTreeSet<(String, String)> {
        let pairs = |variant: &Variant| {
            let all = values(variant);
            let pairs = all.iter().flat_map(|a| all.iter().map(|b| (a.clone(), b.clone())));
            pairs.collect::<Vec<_>>()
        };
        variants.iter().flat_map(pairs).collect()
    }

    #[test]
    fn every_pair_of_values_stands_in_a_variant() {
        let base = base(100);
        assert_eq!((pairs(&base).len(), product(&base).len()), (20, 80));
        assert_eq!(pairs_of(&pairs(&base)), pairs_of(&product(&base)));
    }
}
