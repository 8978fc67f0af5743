//! Queries against small traces, their mistakes, and their texts.

use super::*;
use crate::group::column_values::ColumnValues;
use crate::group::key::Key;
use crate::group::parallel::not_cancelled;
use crate::group::test_util::{Block, block, names, random_blocks};
use crate::trace::time::{Ticks, TimeRange};

const VIEW: TimeRange = TimeRange { from: Ticks(1000), to: Ticks(5000) };

fn blocks() -> Vec<Block> {
    let my: &[&str] = &["app:10", "nt:20", "my:30", "nt:40"];
    vec![
        // 0: AIFI, 1 s
        Block { tag: b"Leak", stack: my, process: 1, ..block(Some(2000), Some(3000), 100) },
        // 1: AIFO, never freed
        Block { tag: b"Fil ", pool_type: 1, thread: 9, ..block(Some(2000), None, 65_536) },
        // 2: AOFI, allocation unknown
        Block { tag: b"NtfA", cpu: 3, session: Some(2), ..block(None, Some(3000), 65_537) },
        // 3: not in the visible_range
        Block { tag: b"nTfB", address: 0x1234, process: 2, free_stack: my, ..block(Some(6000), Some(6001), 1024) },
    ]
}

fn rows(names: &ColumnValues, text: &str) -> Vec<usize> {
    let query: Query = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    let printed = query.to_string();
    assert_eq!(printed.parse::<Query>().as_ref(), Ok(&query), "{text} became {printed}");
    let rows = CompiledQuery::new(&query, names, VIEW).rows(names.trace(), &not_cancelled).unwrap();
    rows.iter().collect()
}

/// The [`blocks`] that match a query. Rows are in the order of allocation, and the third block is from before the trace.
fn take(names: &ColumnValues, text: &str) -> Vec<usize> {
    let mut taken: Vec<usize> = rows(names, text).into_iter().map(|row| [2, 0, 1, 3][row]).collect();
    taken.sort_unstable();
    taken
}

/// Queries and the rows of [`blocks`] that they take.
const TAKEN: &[(&str, &[usize])] = &[
    ("", &[0, 1, 2, 3]),
    ("tag:Leak", &[0]),
    ("tag=Leak", &[0]),
    ("tag:leak", &[]),
    ("tag:Fil", &[1]),
    ("tag:\"Fil \"", &[1]),
    ("tag:Fi", &[]),
    ("tag:Ntf*", &[2]),
    ("tag:?tf?", &[2]),
    ("tag:\"Ntf*\"", &[]),
    ("tag:~\"^Ntf\"", &[2]),
    ("tag:!~^N", &[0, 1, 3]),
    ("tag!=Leak", &[1, 2, 3]),
    ("size:>64KB", &[2]),
    ("size>=64KB", &[1, 2]),
    ("size:<1KB", &[0]),
    ("size:1KB..64KB", &[1, 3]),
    ("size:..100", &[0]),
    ("size!=100", &[1, 2, 3]),
    ("type:AIFO", &[1]),
    ("type:ao*", &[2]),
    ("impacting_type:transient", &[0, 2]),
    ("paged:NonPaged", &[0, 2, 3]),
    ("pool_type:Paged", &[1]),
    ("process:NotMyfault.exe", &[0]),
    ("process:notmyfault*", &[0]),
    ("process:1234", &[0]),
    ("process:\"svchost.exe (800)\"", &[3]),
    ("process:svchost.exe", &[3]),
    ("thread:9", &[1]),
    ("cpu:>0", &[2]),
    ("session:2", &[2]),
    ("session:none", &[0, 1, 3]),
    ("address:0x1234", &[3]),
    ("address:<0x2000", &[3]),
    ("alloc_time:2", &[0, 1]),
    ("alloc_time:none", &[2]),
    ("alloc_time:>5.9995s", &[3]),
    ("free_time:never", &[1]),
    ("free_time:3..", &[0, 2, 3]),
    ("lifetime:<1ms", &[]),
    ("lifetime:<=1ms", &[3]),
    ("lifetime:>1ms", &[0, 1]),
    ("lifetime:1s", &[0]),
    ("lifetime:none", &[1, 2]),
    ("size_class:1KB..2KB", &[3]),
    ("driver:myfault", &[0]),
    ("driver:=myfault", &[]),
    ("driver:=\"\"", &[1, 2, 3]),
    ("function:myfault.sys+0x30", &[0]),
    ("stack:MYFAULT.sys+0x30", &[0]),
    ("stack:ntos*40", &[0]),
    ("stack!=app.exe", &[1, 2, 3]),
    ("stack:=\"\"", &[1, 2, 3]),
    ("free_stack:~^app\\.exe", &[3]),
];

#[test]
fn every_kind_of_test_takes_its_rows() {
    let names = names(&blocks());
    for (text, rows) in TAKEN {
        assert_eq!(take(&names, text), *rows, "{text}");
    }
}

#[test]
fn generations_are_asked_by_number_or_by_their_texts() {
    let names = names(&blocks()).with_markers(&[Ticks(2000), Ticks(5000)]);
    let column = names.column(Key::Generation);
    for (text, rows) in [
        ("generation:2", &[0, 1][..]),
        ("generation:0", &[2]),
        ("generation:none", &[2]),
        ("generation!=2", &[2, 3]),
        ("generation:>=2", &[0, 1, 3]),
        ("generation:<2", &[2]),
        ("generation:0..2", &[0, 1, 2]),
        ("generation:1", &[]),
        ("generation:>3", &[]),
        ("generation:9", &[]),
        ("generation:\"before the trace\"", &[2]),
        ("generation:\"3: anything\" tag:nTfB", &[3]),
    ] {
        assert_eq!(take(&names, text), rows, "{text}");
    }
    for id in 0..column.count() {
        let by_text = take(&names, &format!("generation:\"{}\"", column.text(id)));
        assert_eq!(by_text, take(&names, &format!("generation:{id}")));
    }
    let error = "generation:\"x: 1\"".parse::<Query>().unwrap_err();
    assert_eq!((error.message.as_str(), error.span), ("'x' is not a number, decimal or 0x…", 11..17));
}

#[test]
fn words_join_tests_as_strongly_as_usual() {
    let names = names(&blocks());
    assert_eq!(take(&names, "tag:Leak OR tag:Fil size:>1KB"), [0, 1]);
    assert_eq!(take(&names, "(tag:Leak or tag:Fil) AND size:>1KB"), [1]);
    assert_eq!(take(&names, "not tag:Leak and not tag:Fil"), [2, 3]);
    assert_eq!(take(&names, "NOT (tag:Leak OR NOT size:>1KB)"), [1, 2]);
    assert_eq!(take(&names, "NOT NOT tag:Leak"), [0]);
    assert_eq!(take(&names, "NOT ()"), [] as [usize; 0]);
}

/// Wrong queries: the place of the mistake, the message, the suggestion.
const MISTAKES: &[(&str, usize, &str, Option<&str>)] = &[
    ("tga:Leak", 1, "there is no column 'tga'", Some("tag")),
    ("tag:Leak sise:>1KB", 10, "there is no column 'sise'", Some("size")),
    ("size:>64XB", 7, "'64XB' is not a size such as 512, 64KB or 1.5MB", None),
    ("size:1KB..4QB", 11, "'4QB' is not a size such as 512, 64KB or 1.5MB", None),
    ("Leak", 5, "after 'Leak' a ':' or a comparison has to stand", Some("tag:Leak")),
    ("(tag:Leak", 1, "this '(' is never closed", None),
    ("tag:Leak)", 9, "this ')' closes nothing", None),
    ("tag:\"Leak", 5, "this '\"' is never closed", None),
    ("tag:", 5, "here the value of 'tag' has to stand", None),
    ("tag:Leak AND", 13, "here a test such as tag:Leak has to stand", None),
    ("type:AIF0", 6, "'AIF0' is none of AIFI, AIFO, AOFI, AOFO", Some("AIFI")),
    ("tag:>Leak", 6, "'tag' is text: it has no smaller and greater", None),
    ("size:~1", 7, "'size' is a number: it has no '~'", None),
    ("µ:1", 1, "there is no column 'µ'", None),
];

#[test]
fn mistakes_are_pointed_at() {
    let error = |text: &str| {
        let e = text.parse::<Query>().unwrap_err();
        (e.column, e.message, e.suggestion)
    };
    for (text, column, message, suggestion) in MISTAKES {
        let expected = (*column, (*message).to_owned(), suggestion.map(str::to_owned));
        assert_eq!(error(text), expected, "{text}");
    }
    let (column, message, _) = error("tag:~\"(\"");
    assert_eq!(column, 6);
    assert!(message.starts_with("bad regular expression: "), "{message}");
    let deep = "(".repeat(100_000);
    assert!(deep.parse::<Query>().is_err());
    let shown = "tga:1".parse::<Query>().unwrap_err().to_string();
    assert_eq!(shown, "column 1: there is no column 'tga'; did you mean 'tag'?");
}

/// Wrong queries and the text at fault.
const AT_FAULT: &[(&str, &str)] = &[
    ("tga:Leak", "tga"),
    ("tag:\"µ\" sise:>1KB", "sise"),
    ("tag:µ size:>64XB", "64XB"),
    ("size:1KB..4QB OR tag:a", "4QB"),
    ("size:\"4 QB\"", "\"4 QB\""),
    ("tag:µ Leak", "Leak"),
    ("tag:µ (tag:Leak", "("),
    ("tag:µ) ", ")"),
    ("tag:\"Leak", "\"Leak"),
    ("tag:µ tag:", "tag:"),
    ("tag:µ tag:Leak AND", ""),
    ("type:AIF0", "AIF0"),
    ("tag:>Leak x", "Leak"),
    ("tag:~\"(\" tag:µ", "\"(\""),
    ("lifetime:~µ", "µ"),
    ("lifetime:>never", "never"),
    ("µ:1", "µ"),
];

#[test]
fn the_text_at_fault_is_marked_and_the_suggestion_fits_there() {
    for (text, wrong) in AT_FAULT {
        let error = text.parse::<Query>().unwrap_err();
        assert_eq!(text.get(error.span.clone()), Some(*wrong), "{text}: {error}");
        if let Some(suggestion) = error.suggestion {
            let mut mended = (*text).to_owned();
            mended.replace_range(error.span, &suggestion);
            let next = mended.parse::<Query>().err();
            assert!(next.is_none_or(|e| !e.message.contains(wrong)), "{mended}");
        }
    }
}

#[test]
fn a_query_is_kept_as_its_text() {
    let query: Query = "tag:~\"a \\\"b\" OR (size:>1KB NOT process:\"a (1)\")".parse().unwrap();
    let json = serde_json::to_string(&query).unwrap();
    assert_eq!(serde_json::from_str::<Query>(&json).unwrap(), query);
    assert!(serde_json::from_str::<Query>("\"tga:1\"").is_err());
}

#[test]
fn blocks_of_rows_do_not_show() {
    let blocks = random_blocks(5, 40_000);
    let names = names(&blocks);
    let expected: Vec<usize> = (0..blocks.len())
        .filter(|r| blocks[*r].tag == b"Leak" && blocks[*r].size > 2000 || blocks[*r].thread == 3)
        .collect();
    assert_eq!(rows(&names, "tag:Leak size:>2000 OR thread:3"), expected);
    let query: Query = "tag:Leak".parse().unwrap();
    assert!(CompiledQuery::new(&query, &names, VIEW).rows(names.trace(), &|| true).is_err());
}

#[test]
fn a_lifetime_of_which_an_end_is_implied_is_unknown() {
    use crate::trace::allocation::flag;
    let of = |flags, at| Block { flags, ..block(Some(at), Some(at + 1000), 8) };
    let names = names(&[
        of(0, 1),
        of(flag::IMPLIED_FREE, 2),
        of(flag::IMPLIED_ALLOCATION, 3),
        of(flag::UNCERTAIN_FREE_STACK, 4),
    ]);
    assert_eq!(rows(&names, "lifetime:1s"), [0, 3]);
    assert_eq!(rows(&names, "lifetime:>1ms"), [0, 3]);
    assert_eq!(rows(&names, "lifetime:none"), [1, 2]);
}
