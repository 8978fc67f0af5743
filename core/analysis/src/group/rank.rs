//! Numbers for values of which nearly every row has its own: addresses and times. They sort like the values.

use rayon::prelude::*;

/// The distinct values of all rows in ascending order, and each row's position among them.
#[must_use]
pub fn rank_rows(rows: usize, value: impl Fn(usize) -> u64 + Sync + Send) -> (Vec<u64>, Vec<u32>) {
    let values: Vec<u64> = (0..rows).into_par_iter().map(&value).collect();
    let mut distinct = values.clone();
    distinct.par_sort_unstable();
    distinct.dedup();
    distinct.shrink_to_fit();
    let position = |v: &u64| distinct.binary_search(v).unwrap_or_else(|at| at) as u32;
    let ids = values.par_iter().map(position).collect();
    (distinct, ids)
}

/// The distinct texts in ascending order, and each text's position among them.
#[must_use]
pub fn rank_texts(texts: Vec<String>) -> (Vec<String>, Vec<u32>) {
    let mut order: Vec<u32> = (0..texts.len() as u32).collect();
    order.par_sort_unstable_by(|a, b| texts[*a as usize].cmp(&texts[*b as usize]));
    let mut ids = vec![0u32; texts.len()];
    let mut firsts: Vec<u32> = Vec::new();
    for &at in &order {
        let text = &texts[at as usize];
        if firsts.last().is_none_or(|last| texts[*last as usize] != *text) {
            firsts.push(at);
        }
        ids[at as usize] = firsts.len() as u32 - 1;
    }
    let mut texts = texts;
    let distinct = firsts.iter().map(|at| std::mem::take(&mut texts[*at as usize])).collect();
    (distinct, ids)
}

/// The distinct tuples of several parallel columns in ascending order (flattened, `columns.len()` numbers each), and each
/// row's position among them.
#[must_use]
pub fn rank_tuples(columns: &[&[u32]]) -> (Vec<u32>, Vec<u32>) {
    let rows = columns.first().map_or(0, |c| c.len());
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let tuple = |row: u32| columns.iter().map(move |c| c[row as usize]);
    order.par_sort_unstable_by(|a, b| tuple(*a).cmp(tuple(*b)));
    let mut ids = vec![0u32; rows];
    let mut tuples: Vec<u32> = Vec::new();
    let mut count = 0u32;
    let mut last: Option<u32> = None;
    for &row in &order {
        if last.is_none_or(|l| !tuple(l).eq(tuple(row))) {
            tuples.extend(tuple(row));
            count += 1;
        }
        last = Some(row);
        ids[row as usize] = count - 1;
    }
    (tuples, ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_sort_like_values() {
        let values = [30u64, 10, 30, 20];
        assert_eq!(rank_rows(4, |r| values[r]), (vec![10, 20, 30], vec![2, 0, 2, 1]));
        let texts = ["b", "a", "b"].map(str::to_owned).to_vec();
        assert_eq!(rank_texts(texts), (vec!["a".into(), "b".into()], vec![1, 0, 1]));
        let (tuples, ids) = rank_tuples(&[&[1, 0, 1], &[5, 9, 5]]);
        assert_eq!((tuples, ids), (vec![0, 9, 1, 5], vec![1, 0, 1]));
    }
}
