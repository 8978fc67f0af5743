//! Texts about a comparison, shared by the window, the command line and the HTML report. Figures and decisions come from
//! [`poolscope_analysis::compare`]; nothing is decided here.

use crate::format;
use crate::leak_text::pool;
use poolscope_analysis::compare::finding::{Finding, better, worse};
use poolscope_analysis::compare::{Change, Comparison, FigurePair, Normalization, Part, Side};
use poolscope_analysis::pivot::{Metric, Unit, Value};
use poolscope_analysis::trace::time::Clock;

/// Ratio of the lengths of both ranges above which figures as they are mislead.
const UNEQUAL: f64 = 1.1;
/// Bytes below which an amount per allocation keeps its decimals.
const FEW_BYTES: f64 = 100.0;

/// The summary sentence: the driver or tag that got worse most, by how much, or that nothing got worse.
#[must_use]
pub fn summary(comparison: &Comparison, findings: &[Finding]) -> String {
    if let Some(sentence) = nothing_to_compare(comparison) {
        return sentence;
    }
    let unit = &comparison.divisors().unit;
    let mut worse = worse(findings);
    if let Some(main) = worse.next() {
        let more = match worse.count() {
            0 => String::new(),
            more => format!(" (and {} more)", format::count(more as u64)),
        };
        return format!("{}{more}", sentence(main, unit));
    }
    if let Some(best) = better(findings).first() {
        return format!("Nothing got worse. Largest improvement: {}", sentence(best, unit));
    }
    let whole = comparison.figures_of(comparison.whole(), Metric::ImpactingSize);
    format!("Nothing got worse: outstanding at the end are {}. No tag differs by more than chance.", both(whole, unit))
}

fn nothing_to_compare(comparison: &Comparison) -> Option<String> {
    let is_empty = Side::BOTH.map(|side| comparison.pivot(side).is_empty());
    let who = match is_empty {
        [false, false] => return None,
        [true, true] => "neither side has",
        [true, false] => "the baseline has no",
        [false, true] => "the comparison has no",
    };
    let what = if is_empty == [true, true] { "a pool allocation" } else { "pool allocation" };
    Some(format!("Nothing to compare: {who} {what} in its range."))
}

/// `myfault.sys leaves 14.2 MB more nonpaged pool outstanding under tag Leak, from MyfaultDeviceControl: 1.20 MB in the baseline,
/// 15.4 MB in the comparison (12.8 times)`.
fn sentence(finding: &Finding, unit: &Normalization) -> String {
    let delta = finding.delta_bytes();
    let direction = if delta < 0.0 { "less" } else { "more" };
    let amount = amount(delta.abs(), unit);
    let pool = pool(finding.is_paged);
    let tag = finding.tag.trim_end();
    let who = match &finding.driver {
        Some(driver) => {
            let from = finding.function.as_deref().map_or_else(String::new, |function| {
                let own = function.strip_prefix(driver.as_str()).and_then(|rest| rest.strip_prefix('!'));
                format!(", from {}", own.unwrap_or(function))
            });
            format!("{driver} leaves {amount} {direction} {pool} pool outstanding under tag {tag}{from}")
        }
        None => format!("Tag {tag} leaves {amount} {direction} {pool} pool outstanding"),
    };
    format!("{who}: {}{}", both(finding.impacting_size, unit), times(finding.impacting_size))
}

/// `1.20 MB in the baseline, 15.4 MB in the comparison`.
fn both(figures: FigurePair, unit: &Normalization) -> String {
    let text = |value: Value| match value.as_f64() {
        Some(value) if value != 0.0 => amount(value, unit),
        _ => "nothing".to_owned(),
    };
    format!("{} in the baseline, {} in the comparison", text(figures.baseline), text(figures.comparison))
}

fn times(figures: FigurePair) -> String {
    match figures.ratio().as_f64() {
        Some(ratio) if ratio > 0.0 => format!(" ({})", ratio_text(ratio)),
        _ => String::new(),
    }
}

/// `12.8 times`.
fn ratio_text(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 10.0 => format!("{ratio:.2} times"),
        ratio if ratio < 100.0 => format!("{ratio:.1} times"),
        ratio => format!("{} times", format::count(ratio.round() as u64)),
    }
}

/// Bytes in the unit of a comparison.
fn amount(bytes: f64, unit: &Normalization) -> String {
    match unit {
        Normalization::Raw => format::bytes(bytes.round() as u64),
        Normalization::PerSecond => format::growth_rate(bytes),
        Normalization::PerAllocation(tag) => {
            let bytes = if bytes < FEW_BYTES { format!("{bytes:.2} B") } else { format::bytes(bytes.round() as u64) };
            format!("{bytes} per allocation of {}", tag.trim_end())
        }
    }
}

/// Notes on what the figures of a comparison depend on. `per_second` names the way to compare rates.
#[must_use]
pub fn notes(comparison: &Comparison, per_second: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let [baseline, other] = comparison.divisors().seconds;
    let is_unequal = baseline.max(other) > UNEQUAL * baseline.min(other);
    if comparison.divisors().unit == Normalization::Raw && is_unequal {
        notes.push(format!(
            "The baseline covers {}, the comparison {}: {per_second} compares rates.",
            format::duration(baseline),
            format::duration(other)
        ));
    }
    for module in comparison.renamed_modules() {
        notes.push(format!(
            "{} of the comparison is shown as {}: both have the PDB {}.",
            module.comparison, module.baseline, module.pdb_name
        ));
    }
    notes
}

/// The range of a side: `a.etl, 0.000 s to 61.167 s`.
#[must_use]
pub fn side(name: &str, comparison: &Comparison, side: Side) -> String {
    let request = comparison.request(side);
    let clock: Clock = request.names.trace().clock;
    let range = request.visible_range;
    format!("{name}, {} to {}", format::trace_time(&clock, range.from), format::trace_time(&clock, range.to))
}

/// The unit of the figures as a phrase; empty for figures as they are.
#[must_use]
pub fn per(unit: &Normalization) -> String {
    match unit {
        Normalization::Raw => String::new(),
        Normalization::PerSecond => "per second".to_owned(),
        Normalization::PerAllocation(tag) => format!("per allocation of {}", tag.trim_end()),
    }
}

/// A figure of a comparison; `-` where there is none. Differences have their sign, ratios their factor.
#[must_use]
pub fn figure(value: Value, part: Part, unit: Unit) -> String {
    let (text, unit) = figure_parts(value, part, unit);
    if unit.is_empty() { text } else { format!("{text} {unit}") }
}

/// A figure of a comparison without its unit, and the unit.
#[must_use]
pub fn figure_parts(value: Value, part: Part, unit: Unit) -> (String, &'static str) {
    let Some(number) = value.as_f64() else { return ("-".to_owned(), "") };
    if matches!(part, Part::Ratio | Part::Overweight) {
        return (format!("{number:.2}"), "\u{d7}");
    }
    let plus = if part == Part::Delta && number > 0.0 { "+" } else { "" };
    let sign = if number < 0.0 { "-" } else { plus };
    let magnitude = number.abs();
    let (text, unit) = match (unit, value) {
        (Unit::Bytes, Value::Float(_)) if magnitude < FEW_BYTES => (format!("{magnitude:.2}"), "B"),
        (Unit::Bytes, _) => format::bytes_parts(magnitude.round() as u64),
        (Unit::BytesPerSecond, _) if magnitude < FEW_BYTES => (format!("{magnitude:.2}"), "B/s"),
        (Unit::BytesPerSecond, _) => per_second(format::bytes_parts(magnitude.round() as u64)),
        (Unit::Seconds, _) => (format::duration(magnitude), ""),
        (Unit::Count, Value::Int(_)) => (format::count(magnitude as u64), ""),
        (Unit::Count | Unit::Ratio, _) => (format!("{magnitude:.2}"), ""),
    };
    (format!("{sign}{text}"), unit)
}

fn per_second((text, unit): (String, &'static str)) -> (String, &'static str) {
    let unit = match unit {
        "KB" => "KB/s",
        "MB" => "MB/s",
        "GB" => "GB/s",
        "TB" => "TB/s",
        "PB" => "PB/s",
        "EB" => "EB/s",
        _ => "B/s",
    };
    (text, unit)
}

/// The title of a column: `Baseline`, `Comparison`, `Difference`, `Ratio`, `Overweight`.
#[must_use]
pub const fn part_title(part: Part) -> &'static str {
    match part {
        Part::Baseline => "Baseline",
        Part::Comparison => "Comparison",
        Part::Delta => "Difference",
        Part::Ratio => "Ratio",
        Part::Overweight => "Overweight",
    }
}

/// The meaning of a part of a figure.
#[must_use]
pub const fn part_help(part: Part) -> &'static str {
    match part {
        Part::Baseline => "Figure of the baseline.",
        Part::Comparison => "Figure of the comparison.",
        Part::Delta => "Comparison minus baseline. Positive: more in the comparison.",
        Part::Ratio => "Comparison divided by baseline.",
        Part::Overweight => {
            "Ratio of the row divided by the ratio of the whole. Above 1, the row grew more than the whole."
        }
    }
}

/// The meaning of a kind of change.
#[must_use]
pub const fn change_help(change: Change) -> &'static str {
    match change {
        Change::New => "Only the comparison has allocations of it.",
        Change::Grown => "More in the comparison than in the baseline.",
        Change::Same => "The same on both sides.",
        Change::Shrunk => "Less in the comparison than in the baseline.",
        Change::Gone => "Only the baseline has allocations of it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(baseline: i128, comparison: i128) -> Finding {
        Finding {
            is_paged: false,
            tag: "Leak".to_owned(),
            driver: Some("myfault.sys".to_owned()),
            function: Some("myfault.sys!MyfaultDeviceControl".to_owned()),
            impacting_size: FigurePair { baseline: Value::Int(baseline), comparison: Value::Int(comparison) },
            impacting_counts: [1, 2],
            is_significant: true,
        }
    }

    #[test]
    fn a_sentence_has_driver_amount_tag_function_and_both_sides() {
        let more = finding(1 << 20, 13 << 20);
        let words = "myfault.sys leaves 12.0 MB more nonpaged pool outstanding under tag Leak, from MyfaultDeviceControl: \
                     1.00 MB in the baseline, 13.0 MB in the comparison (13.0 times)";
        assert_eq!(sentence(&more, &Normalization::Raw), words);
        let mut unknown = finding(0, 4096);
        (unknown.driver, unknown.function, unknown.is_paged) = (None, None, true);
        assert_eq!(
            sentence(&unknown, &Normalization::Raw),
            "Tag Leak leaves 4.00 KB more paged pool outstanding: nothing in the baseline, 4.00 KB in the comparison"
        );
        let less = sentence(&finding(8192, 4096), &Normalization::PerSecond);
        assert!(less.starts_with("myfault.sys leaves 240.0 KB/min less nonpaged pool"), "{less}");
        assert!(less.ends_with("480.0 KB/min in the baseline, 240.0 KB/min in the comparison (0.50 times)"), "{less}");
        let per = sentence(&finding(8, 12), &Normalization::PerAllocation("Irp ".to_owned()));
        assert!(per.contains("leaves 4.00 B per allocation of Irp more"), "{per}");
    }

    #[test]
    fn figures_have_signs_units_and_factors() {
        let of = |value, part, unit| figure(value, part, unit);
        assert_eq!(of(Value::Int(2048), Part::Delta, Unit::Bytes), "+2.00 KB");
        assert_eq!(of(Value::Int(-2048), Part::Delta, Unit::Bytes), "-2.00 KB");
        assert_eq!(of(Value::Int(2048), Part::Baseline, Unit::Bytes), "2.00 KB");
        assert_eq!(of(Value::Float(0.25), Part::Delta, Unit::Bytes), "+0.25 B");
        assert_eq!(of(Value::Float(2048.0), Part::Delta, Unit::BytesPerSecond), "+2.00 KB/s");
        assert_eq!(of(Value::Int(-12_345), Part::Delta, Unit::Count), "-12,345");
        assert_eq!(of(Value::Float(1.5), Part::Ratio, Unit::Bytes), "1.50 \u{d7}");
        assert_eq!(of(Value::None, Part::Ratio, Unit::Bytes), "-");
        assert_eq!(of(Value::Int(0), Part::Delta, Unit::Count), "0");
    }
}
