//! What reports by stack say where some stacks may be others'.

use crate::format;
use poolscope_analysis::group::key::Key;
use poolscope_analysis::pivot::{Cost, Figure};

/// A sentence for each kind of stack that the keys show and of which some are uncertain.
#[must_use]
pub fn notes(keys: &[Key], total: &Cost) -> Vec<String> {
    Figure::of_uncertainty(keys).filter_map(|figure| note(figure, total)).collect()
}

fn note(figure: Figure, total: &Cost) -> Option<String> {
    let (count, what) = match figure {
        Figure::UncertainFreeStacks => (total.uncertain_free_stacks(), "a free"),
        _ => (total.uncertain_stacks(), "an allocation"),
    };
    let share = 100.0 * count as f64 / total.count().max(1) as f64;
    (count > 0).then(|| {
        format!(
            "{} of {} rows ({share:.1}%) have an uncertain stack of {what}: records were lost between the key of the stack and \
             its definition, so that it may be another's or lacks a half. --columns count,size,{figure} shows where they are.",
            format::count(count),
            format::count(total.count()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::pivot::CostRow;
    use poolscope_analysis::trace::allocation::flag;
    use poolscope_analysis::trace::time::Ticks;

    #[test]
    fn only_groupings_by_stacks_say_how_many_are_uncertain() {
        let mut total = Cost::default();
        for flags in [0, flag::UNCERTAIN_ALLOCATION_STACK, flag::IMPLIED_FREE, 0] {
            total.add_row(1, CostRow { size_bytes: 8, alloc: Ticks(1), free: Ticks(2), flags });
        }
        assert_eq!(notes(&[Key::Tag, Key::Process, Key::FreeStack], &total), [""; 0]);
        for key in [Key::Driver, Key::Function, Key::Stack] {
            let notes = notes(&[Key::Tag, key], &total);
            assert!(notes[0].starts_with("1 of 4 rows (25.0%) have an uncertain stack of an allocation"), "{notes:?}");
            assert!(notes[0].contains("--columns count,size,uncertain_stack_count"), "{notes:?}");
        }
    }
}
