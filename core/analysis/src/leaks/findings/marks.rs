//! Growth that begins or ends at a mark of the user, such as the start of a test or a service.

use super::{Case, Finding, Scene};
use crate::leaks::limits::{CLEAR_RATIO, LEAST_EXPECTED};

/// Marks where the rate of births that stayed changes by a clear factor, in the order of time. Blocks younger than the usual
/// lifetime do not count: they may still go, and would make every end of a view look like growth.
pub fn find(scene: &Scene<'_>, case: &Case<'_>) -> Vec<Finding> {
    let (view, clock) = (scene.view, scene.trace.clock);
    let end = view.to.0.saturating_sub(case.suspect.evidence.stayed.usual_life);
    let inside = scene.names.generations().marks().iter().map(|mark| mark.0);
    let marks: Vec<i64> = inside.filter(|mark| *mark > view.from.0 && *mark < end).collect();
    if marks.is_empty() {
        return Vec::new();
    }
    // Births and bytes between the marks.
    let mut parts = vec![(0_u64, 0_u64); marks.len() + 1];
    for row in scene.survivors(case) {
        let birth = scene.trace.allocations.alloc_time[row].0;
        if birth <= end {
            let part = &mut parts[marks.partition_point(|mark| *mark <= birth)];
            *part = (part.0 + 1, part.1 + scene.trace.allocations.size[row]);
        }
    }
    let bounds: Vec<i64> = std::iter::once(view.from.0).chain(marks.iter().copied()).chain([end]).collect();
    let length = |part: usize| bounds[part + 1].saturating_sub(bounds[part]).max(1) as f64;
    let found = marks.iter().enumerate().filter_map(|(at, mark)| {
        let (before, after) = (parts[at], parts[at + 1]);
        let (rate_before, rate_after) = (before.0 as f64 / length(at), after.0 as f64 / length(at + 1));
        // On the slower side there would be so many at the rate of the faster one.
        let (slow, fast) = if rate_before < rate_after { (at, rate_after) } else { (at + 1, rate_before) };
        let is_clear = rate_before.min(rate_after) * CLEAR_RATIO <= fast && fast * length(slow) >= LEAST_EXPECTED;
        let per_s = |bytes: u64, part: usize| bytes as f64 / length(part) * clock.ticks_per_second as f64;
        is_clear.then(|| Finding::AtMark {
            mark_s: clock.seconds(crate::trace::time::Ticks(*mark)),
            before_bytes_per_s: per_s(before.1, at),
            after_bytes_per_s: per_s(after.1, at + 1),
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::kit::{PATH, blocks, judged, of_tag};
    use super::*;
    use crate::leaks::By;

    fn at_marks(births: impl Fn(i64) -> bool, marks: &[i64]) -> Vec<(f64, f64, f64)> {
        let mut all = blocks(b"Leak", 400, PATH, |_| None);
        all.retain(|block| births(block.alloc.unwrap()));
        let found = of_tag(&judged(&all, By::Tag, marks, |_| {}), "Leak");
        let figures = found.into_iter().filter_map(|finding| match finding {
            Finding::AtMark { mark_s, before_bytes_per_s, after_bytes_per_s } => {
                Some((mark_s, before_bytes_per_s, after_bytes_per_s))
            }
            _ => None,
        });
        figures.collect()
    }

    #[test]
    fn growth_that_begins_at_a_mark_is_told_with_both_rates() {
        // 40 blocks of 64 bytes a second, from 4 s on.
        assert_eq!(at_marks(|birth| birth >= 4_000, &[4_000]), [(4.0, 0.0, 2560.0)]);
        assert_eq!(at_marks(|birth| birth >= 4_000, &[2_000, 4_000, 7_000]), [(4.0, 0.0, 2560.0)]);
        // It ends at one and begins again at another.
        let found = at_marks(|birth| !(3_000..6_000).contains(&birth), &[3_000, 6_000]);
        assert_eq!(found, [(3.0, 2560.0, 0.0), (6.0, 0.0, 2560.0)]);
    }

    #[test]
    fn steady_growth_and_marks_at_the_edge_are_nothing() {
        assert_eq!(at_marks(|_| true, &[2_000, 5_000]), []);
        assert_eq!(at_marks(|birth| birth % 2_000 < 1_000 || birth < 5_000, &[5_000]), []);
        // 0.2 s without births is no sign: eight would be expected.
        assert_eq!(at_marks(|birth| birth >= 200, &[200]), []);
        assert_eq!(at_marks(|_| true, &[-5, 0, 10_000, 20_000]), []);
    }
}
