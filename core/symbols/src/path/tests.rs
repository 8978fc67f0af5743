//! Symbol paths as people write them, and what they mean.

use super::*;
use std::path::Path;

const URL: &str = "https://msdl.microsoft.com/download/symbols";

fn unix() -> PathContext {
    PathContext {
        home: Some(PathBuf::from("/users/ann")),
        default_store: PathBuf::from("/cache/symbols"),
        variables: vec![("SYMS".to_owned(), "/mnt/syms".to_owned()), ("TWO".to_owned(), "/a;srv*/b".to_owned())],
        windows: false,
    }
}

fn windows() -> PathContext {
    PathContext {
        home: Some(PathBuf::from("C:\\Users\\ann")),
        default_store: PathBuf::from("C:\\cache"),
        variables: vec![("SYSTEMDRIVE".to_owned(), "C:".to_owned())],
        windows: true,
    }
}

fn chain(stores: &[&str], servers: &[&str]) -> PathPart {
    PathPart::Chain {
        stores: stores.iter().map(PathBuf::from).collect(),
        servers: servers.iter().map(|&server| server.to_owned()).collect(),
    }
}

fn folder(path: &str) -> PathPart {
    PathPart::Folder(PathBuf::from(path))
}

fn cache(path: &str) -> PathPart {
    PathPart::Cache(PathBuf::from(path))
}

/// The meanings of the parts, and how many problems there are.
fn read(text: &str, around: &PathContext) -> (Vec<PathPart>, usize) {
    let path = SymbolPath::parse(text, around);
    (path.parts.into_iter().map(|(_, part)| part).collect(), path.problems.len())
}

#[test]
fn the_forms_that_the_debuggers_document() {
    let w = windows();
    let cases = [
        (format!("srv*C:\\symbols*{URL}"), vec![chain(&["C:\\symbols"], &[URL])]),
        (format!("srv*C:\\a*\\\\build\\b*{URL}"), vec![chain(&["C:\\a", "\\\\build\\b"], &[URL])]),
        ("srv*C:\\symbols*".to_owned(), vec![chain(&["C:\\symbols"], &[])]),
        ("srv*C:\\symbols".to_owned(), vec![chain(&["C:\\symbols"], &[])]),
        ("srv*".to_owned(), vec![chain(&["C:\\cache"], &[URL])]),
        (format!("srv**{URL}"), vec![chain(&["C:\\cache"], &[URL])]),
        (format!("srv*{URL}/"), vec![chain(&["C:\\cache"], &[URL])]),
        (format!("SymSrv*SymSrv.dll*C:\\s*{URL}"), vec![chain(&["C:\\s"], &[URL])]),
        ("cache*".to_owned(), vec![cache("C:\\cache")]),
        ("Cache*D:\\c;\\\\build\\drop".to_owned(), vec![cache("D:\\c"), folder("\\\\build\\drop")]),
        ("C:\\one;C:\\two\\".to_owned(), vec![folder("C:\\one"), folder("C:\\two\\")]),
        (URL.to_owned(), vec![chain(&["C:\\cache"], &[URL])]),
        (format!("srv*C:\\s*{URL}*https://other/x"), vec![chain(&["C:\\s"], &[URL, "https://other/x"])]),
        ("srv*%SystemDrive%\\s*http://b".to_owned(), vec![chain(&["C:\\s"], &["http://b"])]),
        (" ; \"C:\\Program Files\\s\" ; ;".to_owned(), vec![folder("C:\\Program Files\\s")]),
        ("srv* \"C:\\a;b\" *http://x ".to_owned(), vec![chain(&["C:\\a;b"], &["http://x"])]),
        ("file:///C:/s;file://build/share".to_owned(), vec![folder("C:\\s"), folder("\\\\build\\share")]),
    ];
    for (text, wanted) in cases {
        assert_eq!(read(&text, &w), (wanted, 0), "{text}");
    }
}

#[test]
fn the_users_folder_and_variables() {
    let u = unix();
    assert_eq!(read("srv*~/symbols*http://x", &u), (vec![chain(&["/users/ann/symbols"], &["http://x"])], 0));
    assert_eq!(read("~;~\\s;~other", &u).0, [folder("/users/ann"), folder("/users/ann/s"), folder("~other")]);
    assert_eq!(read("%syms%/x64", &u), (vec![folder("/mnt/syms/x64")], 0));
    assert_eq!(read("%TWO%;/c", &u).0, [folder("/a"), chain(&["/b"], &[]), folder("/c")]);
    assert_eq!(read("srv*/s*http://x/a%20b%20c", &u), (vec![chain(&["/s"], &["http://x/a%20b%20c"])], 0));
    let home = SymbolPath::parse("~/s", &PathContext { home: None, ..unix() });
    assert!(home.parts.is_empty() && home.problems[0].text.contains("not known"), "{home:?}");
    let joined = read("srv*~\\s*http://x", &windows()).0;
    assert_eq!(
        joined,
        [PathPart::Chain { stores: vec![Path::new("C:\\Users\\ann").join("s")], servers: vec!["http://x".to_owned()] }]
    );
}

#[test]
fn a_path_of_windows_elsewhere_means_the_default_store_and_says_so() {
    let path = SymbolPath::parse(&format!("srv*C:\\symbols*{URL};D:\\pdbs;cache*\\\\srv\\c;/ok"), &unix());
    let parts: Vec<&PathPart> = path.parts.iter().map(|(_, part)| part).collect();
    assert_eq!(parts, [&chain(&["/cache/symbols"], &[URL]), &cache("/cache/symbols"), &folder("/ok")]);
    let texts: Vec<&str> = path.problems.iter().map(|problem| problem.text.as_str()).collect();
    assert_eq!(texts.len(), 3);
    assert!(texts[0].contains("C:\\symbols") && texts[0].contains("/cache/symbols"), "{}", texts[0]);
    assert!(texts[1].contains("D:\\pdbs") && texts[1].contains("left out"), "{}", texts[1]);
    assert_eq!(path.problems[2].part, "cache*\\\\srv\\c");
}

#[test]
fn what_is_wrong_is_told_and_costs_nothing_else() {
    let u = unix();
    let kept = folder("/ok");
    let cases = [
        ("%NOPE%/x;/ok", vec![kept.clone()]),
        ("srv*%NOPE%*http://x;/ok", vec![chain(&["/cache/symbols"], &["http://x"]), kept.clone()]),
        ("ftp://x/y;/ok", vec![kept.clone()]),
        ("srv*/s*ftp://x;/ok", vec![chain(&["/s"], &[]), kept.clone()]),
        ("https://;/ok", vec![kept.clone()]),
        ("\"/ok", vec![kept.clone()]),
        ("/s*http://x;/ok", vec![chain(&["/s"], &["http://x"]), kept.clone()]),
        ("cache*/s*http://x;/ok", vec![chain(&["/s"], &["http://x"]), kept.clone()]),
        ("symsrv*mine.dll*/s*http://x;/ok", vec![chain(&["/s"], &["http://x"]), kept.clone()]),
        ("srv*/s*http://x*/t", vec![chain(&["/s"], &["http://x"]), folder("/t")]),
        ("/bad\0name;/ok", vec![kept.clone()]),
    ];
    for (text, wanted) in cases {
        assert_eq!(read(text, &u), (wanted, 1), "{text}");
    }
    assert_eq!(read("symsrv*http://x", &u), (vec![chain(&["/cache/symbols"], &["http://x"])], 0));
    assert_eq!(read("", &u), (vec![], 0));
}
