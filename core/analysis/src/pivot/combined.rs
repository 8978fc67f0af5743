//! Sums of groups where the combinations of keys are numbered already: one plain place per combination and life type.
//! It must give what a pass over cells gives.

use super::cost::{ClassCost, Cost, CostRow};
use super::table::PivotRequest;
use crate::group::cells::Cells;
use crate::group::combos::Combos;
use crate::group::parallel::{Cancel, Cancelled, fold_rows};
use crate::trace::allocation::AllocationTable;

/// Life types.
const CLASSES: usize = 4;

/// The cells that occur, with their sums, in no particular order. `cells` are those of the request's columns.
pub(super) fn sums(
    table: &AllocationTable,
    cells: &Cells,
    combos: &Combos,
    request: &PivotRequest<'_>,
    cancel: Cancel<'_>,
) -> Result<Vec<(u64, Cost)>, Cancelled> {
    let (from, to) = (request.view.from, request.view.to);
    let costs = fold_rows(
        table.rows_allocated_by(to),
        rayon::current_num_threads() * 2,
        cancel,
        || vec![ClassCost::default(); combos.samples().len() * CLASSES],
        |costs, range| {
            let first = range.start;
            let times = table.alloc_time[range.clone()].iter().zip(&table.free_time[range.clone()]);
            let rows = times.zip(&table.size[range.clone()]).zip(&table.flags[range.clone()]);
            let rows = rows.zip(&combos.of_row()[range]);
            for (at, ((((alloc, free), size), flags), combo)) in rows.enumerate() {
                if *free < from || request.rows.is_some_and(|rows| !rows.contains(first + at)) {
                    continue;
                }
                // Arithmetic in place of a choice that nobody can foresee; the order of life types.
                let class = usize::from(*alloc < from) * 2 + usize::from(*free > to);
                if let Some(cost) = costs.get_mut(*combo as usize * CLASSES + class) {
                    cost.add_row(CostRow { size_bytes: *size, alloc: *alloc, free: *free, flags: *flags });
                }
            }
        },
        |mut a, b| {
            a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
            a
        },
    )?;
    let mut sums: Vec<(u64, Cost)> = Vec::new();
    for (sample, costs) in combos.samples().iter().zip(costs.chunks(CLASSES)) {
        let first = sums.len();
        for (class, cost) in costs.iter().enumerate().filter(|(_, cost)| !cost.is_empty()) {
            let cell = cells.cell(table, *sample as usize, class);
            let known = sums[first..].iter().position(|sum| sum.0 == cell);
            let at = known.map_or(sums.len(), |at| first + at);
            if at == sums.len() {
                sums.push((cell, Cost::default()));
            }
            sums[at].1.add_class(class, cost);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::cells::{OUTSIDE, class_of};
    use crate::group::key::Key;
    use crate::group::parallel::never;
    use crate::group::sums::CellPass;
    use crate::group::testkit::{names, random_blocks};
    use crate::filter::RowSet;
    use crate::trace::time::{Ticks, TimeRange};

    #[test]
    fn it_gives_what_a_pass_over_cells_gives() {
        let names = names(&random_blocks(11, 700));
        let table = &names.trace().allocations;
        let filter = RowSet::from_fn(table.len(), |row| row % 3 != 0);
        let key_sets: [&[Key]; 5] = [
            &[Key::Type, Key::Paged, Key::Tag, Key::Stack],
            &[Key::Stack, Key::ImpactingType, Key::Process],
            &[Key::Tag, Key::SizeClass, Key::FreeStack],
            &[Key::Type],
            &[],
        ];
        for keys in key_sets {
            for (from, to) in [(0, 10_000), (2000, 5000), (4000, 4000), (-5, 3), (9000, 20_000)] {
                for rows in [None, Some(&filter)] {
                    let view = TimeRange { from: Ticks(from), to: Ticks(to) };
                    let request = PivotRequest { keys, view, rows };
                    let cells = Cells::new(&names, keys);
                    let combos = names.combos(keys, &never).unwrap().unwrap();
                    let mut own = sums(table, &cells, &combos, &request, &never).unwrap();
                    let classify = |row| {
                        let class = class_of(view, table, row);
                        (class != OUTSIDE && rows.is_none_or(|rows| rows.contains(row))).then_some(class)
                    };
                    let add = |cost: &mut Cost, class, row: usize| {
                        cost.add_row(class, CostRow::of(table, row));
                    };
                    let mut expected = CellPass { table, cells: &cells }.run(classify, add, &never).unwrap();
                    own.sort_by_key(|sum| sum.0);
                    expected.sort_by_key(|sum| sum.0);
                    assert_eq!(own, expected, "{keys:?} {from} {to}");
                }
            }
        }
    }
}
