//! Growth that starts or ends at a marker of the user, such as the start of a test or of a service.

use super::{DetectorInput, Finding, SuspectUnits};
use crate::leaks::limits::{CLEAR_RATIO, MIN_EXPECTED_BIRTHS};
use crate::trace::time::Ticks;

/// Finds markers at which the rate of births of outstanding allocations changes clearly, in order of time. Allocations younger than the
/// usual lifetime do not count: they may still be freed, and would make the end of every range look like growth.
pub fn find(input: &DetectorInput<'_>, suspect: &SuspectUnits<'_>) -> Vec<Finding> {
    let (from, clock) = (input.range.from.0, input.trace.clock);
    let end = input.range.to.0.saturating_sub(suspect.suspect.evidence.older_than_usual.usual_lifetime);
    let markers = input.names.generations().markers().iter().map(|marker| marker.0);
    let markers: Vec<i64> = markers.filter(|marker| *marker > from && *marker < end).collect();
    if markers.is_empty() {
        return Vec::new();
    }
    // Births and bytes in each part between two markers.
    let mut parts = vec![(0_u64, 0_u64); markers.len() + 1];
    for figure in input.outstanding_rows(suspect.units) {
        let birth = figure.alloc.0;
        if birth <= end {
            let part = &mut parts[markers.partition_point(|marker| *marker <= birth)];
            *part = (part.0 + 1, part.1 + figure.size);
        }
    }
    let bounds: Vec<i64> = std::iter::once(from).chain(markers.iter().copied()).chain([end]).collect();
    let length = |part: usize| bounds[part + 1].saturating_sub(bounds[part]).max(1) as f64;
    let findings = markers.iter().enumerate().filter_map(|(at, marker)| {
        let (before, after) = (parts[at], parts[at + 1]);
        let (rate_before, rate_after) = (before.0 as f64 / length(at), after.0 as f64 / length(at + 1));
        let (slower_part, faster_rate) =
            if rate_before < rate_after { (at, rate_after) } else { (at + 1, rate_before) };
        let is_clear = rate_before.min(rate_after) * CLEAR_RATIO <= faster_rate
            && faster_rate * length(slower_part) >= MIN_EXPECTED_BIRTHS;
        let per_s = |bytes: u64, part: usize| bytes as f64 / length(part) * clock.ticks_per_second as f64;
        is_clear.then(|| Finding::RateChangeAtMarker {
            marker_s: clock.seconds(Ticks(*marker)),
            before_bytes_per_s: per_s(before.1, at),
            after_bytes_per_s: per_s(after.1, at + 1),
        })
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_util::{PATH, analyzed, blocks, findings_of_tag};
    use super::*;
    use crate::leaks::SuspectGrouping;

    fn changes_at(births: impl Fn(i64) -> bool, markers: &[i64]) -> Vec<(f64, f64, f64)> {
        let mut all = blocks(b"Leak", 400, PATH, |_| None);
        all.retain(|block| births(block.alloc.unwrap()));
        let found = findings_of_tag(&analyzed(&all, SuspectGrouping::Tag, markers, |_| {}), "Leak");
        let figures = found.into_iter().filter_map(|finding| match finding {
            Finding::RateChangeAtMarker { marker_s, before_bytes_per_s, after_bytes_per_s } => {
                Some((marker_s, before_bytes_per_s, after_bytes_per_s))
            }
            _ => None,
        });
        figures.collect()
    }

    #[test]
    fn growth_that_starts_at_a_marker_is_reported_with_both_rates() {
        // 40 allocations of 64 bytes a second, from 4 s on.
        assert_eq!(changes_at(|birth| birth >= 4_000, &[4_000]), [(4.0, 0.0, 2560.0)]);
        assert_eq!(changes_at(|birth| birth >= 4_000, &[2_000, 4_000, 7_000]), [(4.0, 0.0, 2560.0)]);
        // Growth ends at one marker and starts again at another.
        let found = changes_at(|birth| !(3_000..6_000).contains(&birth), &[3_000, 6_000]);
        assert_eq!(found, [(3.0, 2560.0, 0.0), (6.0, 0.0, 2560.0)]);
    }

    #[test]
    fn steady_growth_and_markers_at_the_edge_are_not_reported() {
        assert_eq!(changes_at(|_| true, &[2_000, 5_000]), []);
        assert_eq!(changes_at(|birth| birth % 2_000 < 1_000 || birth < 5_000, &[5_000]), []);
        // 0.2 s without births is too short: eight would be expected.
        assert_eq!(changes_at(|birth| birth >= 200, &[200]), []);
        assert_eq!(changes_at(|_| true, &[-5, 0, 10_000, 20_000]), []);
    }
}
