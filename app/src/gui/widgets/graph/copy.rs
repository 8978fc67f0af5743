//! Values as tab-separated text for a spreadsheet. Never touches the clipboard.

use std::fmt::Write as _;

use super::model::{GraphData, Series};

/// Time and values of one series, with a line of titles.
pub(super) fn one(data: &GraphData, series: &Series) -> String {
    table(&data.times, &[series])
}

/// Times and the values of every drawn series, with a line of titles.
pub(super) fn all(data: &GraphData) -> String {
    let on: Vec<&Series> = data.series.iter().filter(|s| s.on).collect();
    table(&data.times, &on)
}

fn table(times: &[f64], series: &[&Series]) -> String {
    let mut out = String::from("Time (s)");
    for s in series {
        out.push('\t');
        // A name with a tab or a line break would move everything after it.
        out.extend(s.name.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    out.push('\n');
    for (at, time) in times.iter().enumerate() {
        // Writing to a string cannot fail.
        write!(out, "{time}").ok();
        for s in series {
            out.push('\t');
            if let Some(value) = s.values.get(at) {
                write!(out, "{value}").ok();
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use eframe::egui::Color32;

    use super::super::model::Unit;
    use super::*;

    #[test]
    fn values_stand_in_columns() {
        let series = |id, name: &str, on, values: [f64; 2]| Series {
            id,
            name: name.to_owned(),
            colour: Color32::RED,
            pattern: 0,
            on,
            has_row: true,
            marked: false,
            values: values.to_vec(),
            extremes: Vec::new(),
        };
        let all_of = vec![
            series(1, "Leak", true, [1.0, 2.5]),
            series(2, "off", false, [0.0, 0.0]),
            series(3, "a\tb", true, [3.0, 4096.0]),
        ];
        let data = GraphData::new(String::new(), vec![0.0, 0.5], all_of, Unit::Bytes);
        assert_eq!(all(&data), "Time (s)\tLeak\ta b\n0\t1\t3\n0.5\t2.5\t4096\n");
        assert_eq!(one(&data, &data.series[0]), "Time (s)\tLeak\n0\t1\n0.5\t2.5\n");
    }
}
