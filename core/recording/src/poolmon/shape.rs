//! Tables whose headings are unknown: columns are found by what holds between them in every row. Allocations minus frees are the
//! blocks, and of the names of two pools the longer contains the shorter ("non paginé" and "paginé", "Nicht ausgelagert" and
//! "Ausgelagert").

use super::line::tag;
use super::number::figure;
use super::{COUNT_WRAPS, Pool, SnapshotRow, TagCounts};

/// Smallest number of rows from which columns are inferred: in fewer, equations hold by chance.
const ROWS_MIN: usize = 2;

/// Rows of a block of lines, one for each line; `None` if no columns fit all lines.
#[must_use]
pub fn rows(lines: &[&str]) -> Option<Vec<SnapshotRow>> {
    if lines.len() < ROWS_MIN {
        return None;
    }
    let splits: [fn(&str) -> Vec<String>; 5] =
        [|line| by(line, '\t'), |line| by(line, ';'), |line| by(line, '|'), |line| by(line, ','), by_spaces];
    splits.iter().find_map(|split| rows_of_cells(&lines.iter().map(|line| split(line)).collect::<Vec<_>>()))
}

fn by(line: &str, delimiter: char) -> Vec<String> {
    line.trim().trim_matches('|').split(delimiter).map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
}

/// Cells between spaces; neighboring words that are no numbers are one cell, except the tag.
fn by_spaces(line: &str) -> Vec<String> {
    let mut cells: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let is_text = |text: &str| figure(text).is_none();
        let joins = cells.len() > 1 && is_text(word) && cells.last().is_some_and(|last| is_text(last));
        match cells.last_mut().filter(|_| joins) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => cells.push(word.to_owned()),
        }
    }
    cells
}

fn rows_of_cells(rows: &[Vec<String>]) -> Option<Vec<SnapshotRow>> {
    let width = rows.iter().map(Vec::len).min().filter(|width| *width >= 4)?;
    let column = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::as_str).collect::<Vec<&str>>();
    let figures: Vec<(usize, Vec<i128>)> = (0..width)
        .filter_map(|at| {
            Some((
                at,
                column(at)
                    .into_iter()
                    .map(|cell| figure(cell).map(|figure| figure.value))
                    .collect::<Option<Vec<_>>>()?,
            ))
        })
        .collect();
    let tags = (0..width).find(|at| {
        figures.iter().all(|(figure, _)| figure != at) && column(*at).iter().all(|cell| tag(cell).is_some())
    })?;
    let pools = (0..width).filter(|at| *at != tags).find_map(|at| Some((at, pools_of_names(&column(at))?)));
    // Without a column of pools, the pool of a row cannot be told.
    let (_, pools) = pools?;
    let [allocs, frees, blocks] = *triples(&figures).first()?;
    let bytes = bytes_column(&figures, [allocs, frees, blocks])?;
    let value = |at: usize, row: usize| {
        figures
            .iter()
            .find(|(figure, _)| *figure == at)
            .and_then(|(_, values)| values.get(row))
            .map_or(0, |value| u64::try_from(*value).unwrap_or(0))
    };
    let made = rows.iter().zip(&pools).enumerate().filter_map(|(at, (row, pool))| {
        let counts = TagCounts {
            allocs: Some(value(allocs, at)),
            frees: Some(value(frees, at)),
            blocks: value(blocks, at),
            bytes: value(bytes, at),
        };
        Some(SnapshotRow {
            tag: tag(row.get(tags)?)?,
            pool: *pool,
            counts: counts.settled(),
            change: None,
            description: None,
            is_rounded: false,
        })
    });
    Some(made.collect())
}

/// Columns of which the first minus the second is the third, modulo 2^32, in every row and not everywhere zero.
fn triples(figures: &[(usize, Vec<i128>)]) -> Vec<[usize; 3]> {
    let mut found: Vec<[usize; 3]> = Vec::new();
    for (at, (allocs, a)) in figures.iter().enumerate() {
        for (frees, f) in figures.iter().skip(at + 1).take(2) {
            let blocks = figures.iter().filter(|(column, _)| column > frees).find(|(_, d)| {
                let is_difference =
                    |((a, f), d): ((&i128, &i128), &i128)| (a - f - d).rem_euclid(i128::from(COUNT_WRAPS)) == 0;
                a.iter().zip(f).zip(d.iter()).all(is_difference)
                    && d.iter().any(|value| *value != 0)
                    && f.iter().any(|value| *value != 0)
            });
            let is_free = found.iter().all(|triple| !triple.contains(allocs) && !triple.contains(frees));
            found.extend(blocks.filter(|_| is_free).map(|(blocks, _)| [*allocs, *frees, *blocks]));
        }
    }
    found
}

/// The first column of figures behind the blocks that is at least as large as they are.
fn bytes_column(figures: &[(usize, Vec<i128>)], triple: [usize; 3]) -> Option<usize> {
    let blocks = figures.iter().find(|(at, _)| *at == triple[2])?;
    let fits = |values: &[i128]| {
        values.iter().zip(&blocks.1).all(|(bytes, blocks)| bytes >= blocks && (*blocks > 0 || *bytes == 0))
    };
    figures.iter().filter(|(at, _)| *at > triple[2]).find(|(_, values)| fits(values)).map(|(at, _)| *at)
}

/// The pools that the cells of a column name: two names, of which one contains the other.
fn pools_of_names(cells: &[&str]) -> Option<Vec<Pool>> {
    let plain = |text: &&str| text.to_lowercase().split(|c: char| !c.is_alphanumeric()).collect::<String>();
    let names: Vec<String> = cells.iter().map(plain).collect();
    let mut different = names.clone();
    different.sort_by_key(String::len);
    different.dedup();
    let [paged, nonpaged] = different.as_slice() else { return None };
    let is_pair = !paged.is_empty() && nonpaged.len() > paged.len() && nonpaged.contains(paged.as_str());
    is_pair.then(|| names.iter().map(|name| if name == nonpaged { Pool::NonPaged } else { Pool::Paged }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localized_tables_are_found_by_shape() {
        for lines in [
            [
                "Leak  Nicht ausgelagert  1000  400  600  60000  100",
                "CM31  Ausgelagert  90  80  10  640  64",
                "File  Nicht ausgelagert  7  6  1  416  416",
            ],
            [
                "Leak;non pagin\u{e9};1000;400;600;60000;100",
                "CM31;pagin\u{e9};90;80;10;640;64",
                "File;non pagin\u{e9};7;6;1;416;416",
            ],
            [
                "Leak\t\u{975e}\u{5206}\u{9875}\t1000\t400\t600\t60000\t100",
                "CM31\t\u{5206}\u{9875}\t90\t80\t10\t640\t64",
                "File\t\u{975e}\u{5206}\u{9875}\t7\t6\t1\t416\t416",
            ],
        ] {
            let rows = rows(&lines).unwrap_or_else(|| panic!("{lines:?}"));
            let found: Vec<_> =
                rows.iter().map(|row| (row.tag.as_str(), row.pool, row.counts.blocks, row.counts.bytes)).collect();
            assert_eq!(
                found,
                [
                    ("Leak", Pool::NonPaged, 600, 60_000),
                    ("CM31", Pool::Paged, 10, 640),
                    ("File", Pool::NonPaged, 1, 416)
                ]
            );
        }
    }

    #[test]
    fn other_numbers_are_no_table() {
        assert_eq!(rows(&["a b 1 2 3", "b ab 9 4 1"]), None, "no column is a difference");
        assert_eq!(rows(&["Leak x 10 4 6 60", "CM31 y 9 4 5 50"]), None, "no names of pools");
        assert_eq!(rows(&["Leak Nicht ausgelagert 10 4 6 60"]), None, "one row");
        assert_eq!(rows(&["", ""]), None);
    }
}
