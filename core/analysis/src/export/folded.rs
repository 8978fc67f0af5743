//! Folded stacks, the input of flamegraph.pl, inferno and speedscope: one line per stack with its frames, outermost first and
//! separated by `;`, then a space and the weight (<https://github.com/brendangregg/FlameGraph#2-fold-stacks>).

use crate::flame::FlameMetric;
use crate::flame::samples::StackSamples;
use std::io::{self, Write};

/// Writes the samples that have a weight.
///
/// # Errors
/// If the output cannot be written.
pub fn write(out: &mut dyn Write, samples: &StackSamples<'_>, metric: FlameMetric) -> io::Result<()> {
    for sample in 0..samples.len() {
        let weight = samples.weight(sample, metric);
        if weight == 0 {
            continue;
        }
        let mut separator: &[u8] = b"";
        for frame in samples.frames(sample) {
            out.write_all(separator)?;
            out.write_all(one_field(&samples.text(frame)).as_bytes())?;
            separator = b";";
        }
        writeln!(out, " {weight}")?;
    }
    Ok(())
}

/// A text without the signs that separate frames and lines.
fn one_field(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == ';' {
                ':'
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_frames_are_replaced() {
        assert_eq!(one_field("a!f<int;\n>"), "a!f<int: >");
    }
}
