//! Listings as people have them: each kind of `../shared/cases` by its own files, and by other tags, figures, orders and languages of the
//! same kind.

use poolscope_tests::program::{csv, json, output, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file of the cases, or nothing and a line on stderr.
fn case(name: &str) -> Option<String> {
    let path: PathBuf = poolscope_tests::root().join("../shared/cases").join(name);
    if !path.exists() {
        poolscope_tests::skipped(&format!("{} is missing", path.display()));
        return None;
    }
    path.to_str().map(str::to_owned)
}

fn text_of(args: &[&str]) -> String {
    String::from_utf8(output(args)).expect("text is UTF-8")
}

fn row<'j>(document: &'j Value, tag: &str, pool: &str) -> &'j Value {
    let rows = document["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["tag"] == tag && row["pool"] == pool)
        .unwrap_or_else(|| panic!("{tag} {pool}: {document}"))
}

/// A file in a scratch folder.
fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("written");
    path.to_str().expect("an ordinary name").to_owned()
}

fn listing(path: &str) -> Value {
    json(&["poolmon", path, "--format", "json", "--no-pooltag"])
}

#[test]
fn wrapped_counters_give_the_same_growth_however_diff_is_printed() {
    let Some(before) = case("wrap32/before.txt") else { return };
    for after in ["wrap32/after.txt", "wrap32/after2.txt", "wrap32/after3.txt"] {
        let after = case(after).expect("its neighbor is there");
        let document = json(&["poolmon", &before, &after, "--format", "json"]);
        let found =
            ["growth", "allocs", "frees", "blocks_growth"].map(|name| row(&document, "MmSt", "Paged")[name].as_i64());
        assert_eq!(found, [19_200_000, 1_467_296, 1_200_000, 267_296].map(Some), "{after}");
    }
}

#[test]
fn other_wraps_are_undone_as_well() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    // 100 blocks; then frees wrap, allocs have wrapped, and both.
    for (allocs, frees, printed) in [
        (50_u64, 4_294_967_246_u64, "-4294967196"),
        (50, 4_294_967_246, "18446744069414584420"),
        (50, 4_294_967_246, "100"),
        (100, 0, "100"),
    ] {
        let path = file(
            folder.path(),
            "a.txt",
            format!(
                " Tag  Type     Allocs  Frees  Diff  Bytes  Per Alloc\n Abcd Nonp {allocs} {frees} {printed} 6400 64\n"
            ),
        );
        assert_eq!(row(&listing(&path), "Abcd", "NonPaged")["blocks"], 100, "{printed}");
    }
}

#[test]
fn tables_of_powershell_are_listings_with_times() {
    let (Some(table), Some(list)) = (case("powershell-csv/pool.csv"), case("powershell-csv/table.txt")) else { return };
    for path in [table, list] {
        let document = listing(&path);
        assert_eq!(row(&document, "NtFC", "NonPaged")["bytes"], 19_295_930_304_u64, "{path}");
        assert_eq!(row(&document, "NtFC", "NonPaged")["blocks"], 133_999_516, "{path}");
        assert_eq!(row(&document, "FMfn", "Paged")["bytes"], 1_495_080_176, "{path}");
    }
}

const POWERSHELL: &str = "Zone,TagName,NonPagedUsedBytes,PagedUsedBytes,NonPagedDiff,PagedDiff,DateTime\n";

#[test]
fn rows_with_other_times_are_other_listings_in_any_order() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    // Sorted by tag, as scripts often do: the rows of one moment are apart.
    let rows = "x,Abcd,1000,0,10,0,2026-07-24 10:00:00\nx,Abcd,3000,0,30,0,2026-07-24 12:00:00\nx,Zzzz,64,128,1,2,2026-07-24 10:00:00\nx,Zzzz,64,128,1,2,2026-07-24 12:00:00\n";
    let path = file(folder.path(), "pool.csv", format!("{POWERSHELL}{rows}"));
    let document = json(&["poolmon", &path, "--format", "json"]);
    assert_eq!(
        (&document["snapshots"]["hours"], &document["snapshots"]["times"]),
        (&2.0.into(), &"column".into()),
        "{document}"
    );
    let abcd = row(&document, "Abcd", "NonPaged");
    assert_eq!(
        (&abcd["growth"], &abcd["blocks_growth"], &abcd["bytes_per_hour"]),
        (&2000.into(), &20.into(), &1000.0.into())
    );
    // Format-List, ConvertTo-Json, semicolons.
    let list = "\nDateTime : 2026-07-24T10:00:00\nTag : Abcd\nPagedUsedBytes : 0\nNonPagedUsedBytes : 1000\nNonPagedDiff : 10\n\nDateTime : 2026-07-24T10:00:00\nTag : Io\nPagedUsedBytes : 5\nNonPagedUsedBytes : 0\n";
    let objects = r#"[{"Tag":"Abcd","NonPagedUsedBytes":1000,"NonPagedDiff":10},{"Tag":"Io","PagedUsedBytes":5}]"#;
    let semicolons = "\"Tag\";\"NonPagedDiff\";\"NonPagedUsedBytes\";\"PagedUsedBytes\"\n\"Abcd\";\"10\";\"1.000\";\"0\"\n\"Io\";\"0\";\"0\";\"5\"\n";
    for (name, text) in [("list.txt", list), ("a.json", objects), ("a.csv", semicolons)] {
        let document = listing(&file(folder.path(), name, text));
        assert_eq!(row(&document, "Abcd", "NonPaged")["bytes"], 1000, "{name}");
        assert_eq!(row(&document, "Io  ", "Paged")["bytes"], 5, "{name}");
    }
}

#[test]
fn tables_of_poolmonx_and_system_informer_are_listings() {
    let (Some(poolmonx), Some(informer)) = (case("wide-tables/poolmonx.tsv"), case("wide-tables/systeminformer.csv"))
    else {
        return;
    };
    let document = listing(&poolmonx);
    let ntfc = row(&document, "NtFC", "NonPaged");
    assert_eq!((&ntfc["bytes"], &ntfc["description"]), (&19_295_930_304_u64.into(), &"ntfs.sys - CreateFC".into()));
    assert_eq!(row(&document, "FMfn", "Paged")["bytes"], 1_495_080_176);
    let document = listing(&informer);
    let ntfc = row(&document, "NtFC", "NonPaged");
    // 17.97 GB as printed.
    assert_eq!(
        (&ntfc["bytes"], &ntfc["blocks"], &ntfc["description"]),
        (&19_295_140_577_u64.into(), &133_999_516.into(), &"ntfs.sys - CreateFC".into())
    );
    assert_eq!(row(&document, "FMfn", "Paged")["blocks"], 2_683_238);
    assert!(text_of(&["poolmon", &informer]).starts_with("System Informer, 2 rows"));
}

#[test]
fn pasted_listings_are_the_same_table() {
    let names =
        ["pasted/quoted.md", "pasted/quote-only.txt", "pasted/plain-thousands.txt", "pasted/german-thousands.txt"];
    let Some(paths) = names.iter().map(|name| case(name)).collect::<Option<Vec<String>>>() else { return };
    let tables: Vec<_> = paths.iter().map(|path| csv(&["poolmon", path, "--format", "csv"])).collect();
    assert_eq!(tables[0].1[0][..6], ["NtFC", "NonPaged", "19295930304", "133999516", "134000000", "484"]);
    assert!(tables.iter().all(|table| *table == tables[0]), "{tables:?}");
}

#[test]
fn separators_of_other_languages_are_thousands() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let heading = " Tag  Type     Allocs            Frees            Diff       Bytes                  Per Alloc\n";
    let plain =
        format!("{heading} Abcd Nonp  12345678 ( 90000)      5678 (   0) 12340000 1234000000 ( 12960000)  100\n");
    let wanted = csv(&["poolmon", &file(folder.path(), "plain.txt", &plain), "--format", "csv"]);
    for separator in ["'", "\u{2019}", "\u{a0}", "\u{202f}", "\u{2009}", " ", ".", ","] {
        let grouped = ["12345678", "90000", "5678", "12340000", "1234000000", "12960000"].iter().fold(
            plain.clone(),
            |text, number| {
                let digits: Vec<char> = number.chars().collect();
                let mut spaced = String::new();
                for (at, digit) in digits.iter().enumerate() {
                    if at > 0 && (digits.len() - at).is_multiple_of(3) {
                        spaced.push_str(separator);
                    }
                    spaced.push(*digit);
                }
                text.replacen(number, &spaced, 1)
            },
        );
        let found = csv(&["poolmon", &file(folder.path(), "grouped.txt", &grouped), "--format", "csv"]);
        assert_eq!(found, wanted, "{separator:?}\n{grouped}");
        // In a code page of Windows, and in UTF-16 without a mark.
        if separator == "\u{a0}" {
            let narrow: Vec<u8> =
                grouped.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of the code page")).collect();
            assert_eq!(csv(&["poolmon", &file(folder.path(), "narrow.txt", narrow), "--format", "csv"]), wanted);
            let wide: Vec<u8> = grouped.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(csv(&["poolmon", &file(folder.path(), "wide.txt", wide), "--format", "csv"]), wanted);
        }
    }
}

#[test]
fn localized_tables_are_read_by_heading_or_by_shape() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let known = "Kennung;Typ;Zuordnungen;Freigaben;Differenz;Bytes\nAbcd;Nicht ausgelagert;1.000;400;600;60.000\nIo;Ausgelagert;9;8;1;64\n";
    let unknown =
        "Merkki;Laji;Varaukset;Vapautukset;Erotus;Tavut\nAbcd;Ei-sivutettu;1000;400;600;60000\nIo;Sivutettu;9;8;1;64\n";
    for (name, text) in [("german.csv", known), ("finnish.csv", unknown)] {
        let document = listing(&file(folder.path(), name, text));
        assert_eq!(row(&document, "Abcd", "NonPaged")["bytes"], 60_000, "{name}");
        assert_eq!(row(&document, "Io  ", "Paged")["blocks"], 1, "{name}");
    }
}

#[test]
fn events_that_nobody_reads_have_a_note() {
    for name in ["etwr-etwd/poolmonx.txt", "etwr-etwd/poolmon.txt"] {
        let Some(path) = case(name) else { return };
        let text = text_of(&["poolmon", &path]);
        for words in [
            "Etwr, EtwD have equal numbers of blocks (29,386,543 each), probably parts of one object",
            "a trace session that has no consumer",
            "`logman query -ets`",
        ] {
            assert!(text.contains(words), "{name}: {words}\n{text}");
        }
    }
}

#[test]
fn scopes_are_known_and_never_compared() {
    let (Some(session), Some(both)) = (case("session/poolmon.txt"), case("session-then-system/both.txt")) else {
        return;
    };
    let ran = run(&["poolmon", &session]);
    let text = String::from_utf8(ran.out).expect("text is UTF-8");
    assert!(text.starts_with("poolmon, 2 rows, session pool of session 1\n"), "{text}");
    assert!(!ran.err.contains("truncated"), "{}", ran.err);
    let ran = run(&["poolmon", &both]);
    let text = String::from_utf8(ran.out).expect("text is UTF-8");
    assert!(text.starts_with("poolmon, 2 rows\n") && text.contains("CM31") && !text.contains("Usqm"), "{text}");
    assert!(ran.err.contains("1 snapshot of another scope (session pool of all sessions) not compared"), "{}", ran.err);
    let sessions = text_of(&["poolmon", &both, "--scope", "sessions"]);
    assert!(
        sessions.starts_with("poolmon, 2 rows, session pool of all sessions\n") && sessions.contains("Usqm"),
        "{sessions}"
    );
}

#[test]
fn every_flag_of_poolused_is_read() {
    let (Some(flag8), Some(flag3), Some(onetag)) =
        (case("poolused-flags/flag8.log"), case("poolused-flags/flag3.log"), case("poolused-flags/onetag.log"))
    else {
        return;
    };
    let text = text_of(&["poolmon", &flag8]);
    assert!(text.starts_with("!poolused, 1 row, session pool of the debugger's session\n"), "{text}");
    let document = listing(&flag8);
    assert_eq!(
        (&row(&document, "Gh05", "Paged")["blocks"], &row(&document, "Gh05", "Paged")["bytes"]),
        (&1000.into(), &1_048_576.into())
    );
    let document = listing(&flag3);
    assert_eq!(
        (&row(&document, "Leak", "NonPaged")["frees"], &row(&document, "File", "Paged")["allocs"]),
        (&10.into(), &12.into())
    );
    let document = json(&["poolmon", &onetag, "--format", "json"]);
    assert_eq!(row(&document, "Leak", "NonPaged")["growth"], 5_120_000);
    let folder = tempfile::tempdir().expect("a scratch folder");
    // Flag 9: session pool with all counters.
    let text = "0: kd> !poolused 9\n   Sorting by Session Tag\n\n               Session\n Tag     Allocs     Frees      Diff         Used\n\n Usqm      1000       200       800        51200\tx , Binary: win32k.sys\nTOTAL      1000 200 800 51200\n";
    let document = listing(&file(folder.path(), "flag9.log", text));
    assert_eq!(
        (&row(&document, "Usqm", "Paged")["blocks"], &row(&document, "Usqm", "Paged")["allocs"]),
        (&800.into(), &1000.into())
    );
}

#[test]
fn tags_in_lockstep_are_one_sentence_and_the_holders_are_recorded_first() {
    let (Some(before), Some(after)) = (case("lockstep-tags/before.txt"), case("lockstep-tags/after.txt")) else {
        return;
    };
    let text = text_of(&["poolmon", &before, &after]);
    let sentence = text.lines().find(|line| line.contains("grow in lockstep")).unwrap_or_else(|| panic!("{text}"));
    for words in [
        "WCfc, WCsc",
        "FMwi",
        "IoFE (2:1)",
        "NtFC",
        "File",
        "IoNm",
        "FOCX",
        "FMfc",
        "probably parts of one object",
        "WCfc, WCsc are never freed and probably hold the others",
    ] {
        assert!(sentence.contains(words), "{words}\n{sentence}");
    }
    assert!(!sentence.contains("Toke") && !sentence.contains("MmSt"), "{sentence}");
    assert!(text.contains("    poolscope record --tag WCfc --tag WCsc "), "{text}");
    let recorded = json(&["record", "--from-poolmon", &before, "--and", &after, "--apart", "118h", "--format", "json"]);
    let patterns: Vec<&str> =
        recorded["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["pattern"].as_str()).collect();
    assert_eq!(patterns[..2], ["WCfc", "WCsc"]);
}

#[test]
fn a_day_of_snapshots_has_a_rate_and_a_shape() {
    let Some(log) = case("day-of-snapshots/poolsnap.log") else { return };
    let text = text_of(&["poolmon", &log]);
    for words in [
        "Growth between the first and the last of 12 snapshots in 11 h 0 min: ",
        "Times from lines with a date: 2026-07-24 08:00:00 to 2026-07-24 19:00:00, 11 h 0 min",
        "Leak grows by 29.3 MB/h in nonpaged pool: +322.2 MB in 11 h 0 min, up in 11 of 11 intervals, straight",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let document = json(&["poolmon", &log, "--format", "json"]);
    let leak = row(&document, "Leak", "NonPaged");
    assert_eq!((&leak["growth"], &leak["rose"], &leak["shape"]), (&337_863_680.into(), &11.into(), &"straight".into()));
    assert!(leak["bytes_per_hour"].as_f64().is_some_and(|rate| (rate - 30_714_880.0).abs() < 1.0), "{leak}");
    assert_eq!(leak["bytes"].as_array().map(Vec::len), Some(12));
    assert_eq!(row(&document, "CcSc", "NonPaged")["shape"], "burst");
    assert_eq!(row(&document, "File", "NonPaged")["shape"], "flat");
    assert_eq!(document["snapshots"]["points"][1]["line"], 16);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let html = folder.path().join("day.html");
    assert_eq!(run(&["poolmon", &log, "--html", html.to_str().expect("an ordinary name")]).code, 0);
    let page = std::fs::read_to_string(&html).expect("a report");
    assert!(
        page.contains("<polyline class=\"line c0\"") && page.contains("29.3 MB/h") && !page.contains("<script"),
        "{page}"
    );
}

#[test]
fn listings_in_many_files_are_one_series() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let listing = |blocks: u64| {
        format!(
            " Tag  Type  Allocs  Frees  Diff  Bytes  Per Alloc\n\n Abcd Nonp {} 7 {blocks} {} 1024\n",
            blocks + 7,
            blocks * 1024
        )
    };
    let paths: Vec<String> = (0..6)
        .rev()
        .map(|at| file(folder.path(), &format!("pool_20260724_{at:02}00.txt"), listing(5000 + at * 1024)))
        .collect();
    let arguments: Vec<&str> =
        ["poolmon"].into_iter().chain(paths.iter().map(String::as_str)).chain(["--format", "json"]).collect();
    let document = json(&arguments);
    assert_eq!((&document["snapshots"]["times"], &document["snapshots"]["hours"]), (&"file_name".into(), &5.0.into()));
    assert!(
        row(&document, "Abcd", "NonPaged")["bytes_per_hour"]
            .as_f64()
            .is_some_and(|rate| (rate - 1_048_576.0).abs() < 1.0)
    );
    let every = json(&[&arguments[..], &["--every", "30min"]].concat());
    assert_eq!((&every["snapshots"]["times"], &every["snapshots"]["hours"]), (&"interval".into(), &2.5.into()));
}

#[test]
fn own_output_is_read_back() {
    let Some(path) = case("wide-tables/poolmonx.tsv") else { return };
    let folder = tempfile::tempdir().expect("a scratch folder");
    let original = csv(&["poolmon", &path, "--format", "csv", "--no-pooltag"]);
    for (format, name) in [("csv", "own.csv"), ("json", "own.json")] {
        let own = file(folder.path(), name, output(&["poolmon", &path, "--format", format, "--no-pooltag"]));
        assert_eq!(csv(&["poolmon", &own, "--format", "csv", "--no-pooltag"]), original, "{format}");
    }
    let own = file(folder.path(), "own.md", output(&["poolmon", &path, "--format", "markdown", "--no-pooltag"]));
    let document = listing(&own);
    assert_eq!(row(&document, "NtFC", "NonPaged")["blocks"], 133_999_516);
    assert!(text_of(&["poolmon", &own]).starts_with("poolscope, 2 rows"));
    // A difference is refused by name.
    let (Some(before), Some(after)) = (case("wrap32/before.txt"), case("wrap32/after.txt")) else { return };
    let difference = file(folder.path(), "difference.csv", output(&["poolmon", &before, &after, "--format", "csv"]));
    let ran = run(&["poolmon", &difference]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("a difference between snapshots, written by poolscope"), "{}", ran.err);
}

#[test]
fn rows_that_are_not_understood_are_shown_with_their_lines() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let text = " Tag  Type     Allocs   Frees   Diff  Bytes  Per Alloc\n Abcd Nonp 10 4 6 600 100\n Leakage Nonp 1 2 3 4 5\nDear all, see below\n Efgh Nonp 7 x 7 700 100\n";
    let ran = run(&["poolmon", &file(folder.path(), "a.txt", text)]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("3 lines cannot be parsed, the first is line 3: 'Leakage Nonp 1 2 3 4 5'"), "{}", ran.err);
    assert!(
        ran.err.contains("line 5 looks like a row and is not understood: 'Efgh Nonp 7 x 7 700 100'"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("line 4"), "{}", ran.err);
}

#[test]
fn the_sampler_is_written_and_elsewhere_nothing_is_sampled() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let script = folder.path().join("sample.ps1");
    let path = script.to_str().expect("an ordinary name");
    let text = text_of(&["record", "--sampler", path, "--sample-every", "30s", "--duration", "2h"]);
    assert!(text.contains("powershell -NoProfile -ExecutionPolicy Bypass -File sample.ps1"), "{text}");
    let written = std::fs::read_to_string(&script).expect("a script");
    assert!(
        written.contains("$EverySeconds = 30,")
            && written.contains("$ForSeconds = 7200")
            && written.contains("NtQuerySystemInformation")
    );
    assert_eq!(run(&["record", "--sampler", path]).code, 1, "an existing file is kept");
    if !cfg!(windows) {
        let ran = run(&["poolmon", "--watch", folder.path().join("a.csv").to_str().expect("an ordinary name")]);
        assert_eq!(ran.code, 1);
        assert!(ran.err.contains("on Windows only") && ran.err.contains("record --sampler"), "{}", ran.err);
    }
}
