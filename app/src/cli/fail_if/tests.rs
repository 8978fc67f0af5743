//! Tests of conditions and of their error messages.

use super::*;

fn figures() -> LeakFigures {
    LeakFigures {
        growth: [1.9 * 1_048_576.0 / 60.0, 0.0],
        net_growth: [40_000.0, -10.0],
        leaks: 1,
        growing: 2,
        bursts: 1,
        stopped: 1,
        impacting_bytes: 8 << 20,
        worst_growth: 30_000.0,
        confidence: 0.87,
    }
}

fn is_true(text: &str) -> bool {
    condition(text).satisfied_by(&figures()).is_some()
}

fn condition(text: &str) -> Condition<LeakFigure> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn units_are_those_of_the_figure() {
    for text in [
        "nonpaged_growth > 1MB/min",
        "nonpaged_growth > 1.8 MB/min",
        "nonpaged_growth < 2mb/min",
        "NONPAGED_GROWTH > 100MB/h",
        "growth > 2GB/d",
        "growth > 33000",
        "worst_growth >= 30000",
        "paged_growth = 0",
        "paged_net_growth < -9B/s",
        "nonpaged_net_growth > 39KB/s",
        "leaks=1",
        "growing != 1",
        "suspects == 5",
        "impacting_size <= 8MB",
        "confidence > 80%",
        "confidence < 0.9",
        "confidence < 1",
        "confidence != 100%",
        "1MB/min < nonpaged_growth",
    ] {
        assert!(is_true(text), "{text}");
        assert!(!is_true(&format!("not ({text})")), "not ({text})");
    }
}

#[test]
fn not_binds_tighter_than_and_and_and_than_or() {
    assert!(is_true("leaks > 0 or leaks > 0 and leaks > 5"));
    assert!(!is_true("(leaks > 0 or leaks > 0) and leaks > 5"));
    assert!(is_true("not leaks > 5 and leaks > 0"));
    assert!(!is_true("not (leaks > 5 or leaks > 0)"));
    assert!(is_true("not not leaks > 0") && is_true("leaks>0 AND growing>1"));
}

#[test]
fn a_true_condition_names_its_figures() {
    let satisfied = |text: &str| condition(text).satisfied_by(&figures());
    assert_eq!(satisfied("nonpaged_growth > 1MB/min").as_deref(), Some("nonpaged_growth is 1.90 MB/min"));
    assert_eq!(satisfied("leaks > 0 and confidence > 80%").as_deref(), Some("leaks is 1, confidence is 87 %"));
    assert_eq!(satisfied("leaks > 5 or impacting_size > 1MB").as_deref(), Some("impacting_size is 8.00 MB"));
    assert_eq!(satisfied("not (leaks < 1 or growing > 5)").as_deref(), Some("leaks is 1, growing is 2"));
    assert_eq!(satisfied("leaks > 5 or growing > 5"), None);
    assert_eq!(condition("leaks > 5 ").to_string(), "leaks > 5 ");
}

#[test]
fn errors_have_their_position() {
    let cases = [
        ("", 1, "a figure such as nonpaged_growth is missing"),
        ("leeks > 1", 1, "there is no figure 'leeks'; there are nonpaged_growth, paged_growth"),
        ("leaks", 6, "here one of < <= > >= = != is missing"),
        ("leaks >", 8, "a number such as 1MB/min is missing"),
        ("leaks > 1MB", 9, "'leaks' is compared with a plain number, not with '1mb'"),
        ("growth > 1MB", 10, "a rate such as 1MB/min"),
        ("growth > 1XB/min", 10, "a rate such as 1MB/min"),
        ("confidence > 80KB", 14, "a share such as 80% or 0.8"),
        ("confidence > 80", 14, "'confidence' is compared with a share such as 80% or 0.8, not with '80'"),
        ("leaks > 1 or 1.5 < confidence", 14, "a share such as 80% or 0.8, not with '1.5'"),
        ("(leaks > 1", 1, "this '(' is not closed"),
        ("leaks > 1)", 10, "this ')' closes nothing"),
        ("leaks > 1 growing > 1", 11, "here 'and' or 'or' is missing"),
        ("leaks > 1 and", 14, "a figure such as nonpaged_growth is missing"),
        ("leaks ! 1", 7, "'!' alone is no comparison"),
        ("leaks > 1.2.3", 9, "'1.2.3' is not a number"),
        ("leaks > growing", 9, "'growing' can only be compared with a number"),
        ("1 < 2", 5, "here a figure such as leaks is missing"),
        ("\u{e9}\u{e9} $", 4, "has no meaning here"),
        ("leaks > 1 and \u{20ac}", 15, "has no meaning here"),
    ];
    for (text, column, words) in cases {
        let error = text.parse::<Condition<LeakFigure>>().expect_err(text);
        assert!(error.starts_with(&format!("column {column}: ")), "{text}: {error}");
        assert!(error.contains(words), "{text}: {error}");
        assert!(error.ends_with(&format!("\n  {text}\n  {}^", " ".repeat(column - 1))), "{error}");
    }
    assert!("(".repeat(100_000).parse::<Condition<LeakFigure>>().is_err());
    assert!("not ".repeat(100_000).parse::<Condition<LeakFigure>>().is_err());
}
