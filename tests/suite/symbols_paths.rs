//! Arbitrary symbol paths: parsing does not panic, and invalid parts do not affect valid ones.

use poolscope_symbols::path::{PathContext, PathPart, SymbolPath};
use proptest::prelude::*;
use std::path::PathBuf;

fn around(windows: bool) -> PathContext {
    PathContext {
        home: Some(PathBuf::from("/users/ann")),
        default_store: PathBuf::from("/default"),
        variables: vec![("A".to_owned(), "/a".to_owned()), ("LOOP".to_owned(), "%LOOP%;%A%".to_owned())],
        windows,
    }
}

/// Meaningful elements of a path in any order.
fn bits() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        Just("srv*"),
        Just("symsrv*"),
        Just("symsrv.dll*"),
        Just("cache*"),
        Just("*"),
        Just("%A%"),
        Just("%LOOP%"),
        Just("%"),
        Just("~"),
        Just("/"),
        Just("\\\\"),
        Just("C:"),
        Just("http://x"),
        Just("https://"),
        Just("file://"),
        Just("://"),
        Just("\""),
        Just(" "),
        Just("é"),
        Just("\0"),
        Just("name"),
    ];
    proptest::collection::vec(bit, 0..12).prop_map(|bits| bits.concat())
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in prop_oneof![bits(), any::<String>()], windows: bool) {
        let path = SymbolPath::parse(&text, &around(windows));
        for (_, part) in &path.parts {
            if let PathPart::Chain { stores, servers } = part {
                prop_assert!(!stores.is_empty() || !servers.is_empty());
                prop_assert!(servers.iter().all(|server| server.starts_with("http") && !server.ends_with('/')));
            }
        }
    }

    #[test]
    fn good_parts_survive_bad_ones(before in bits(), after in bits(), windows: bool) {
        // An open quote makes a part of what follows it; that is told apart below.
        let quoted = before.contains('"') || after.contains('"');
        let path = SymbolPath::parse(&format!("{before};/good;srv*/s*https://server/x;{after}"), &around(windows));
        let parts: Vec<&PathPart> = path.parts.iter().map(|(_, part)| part).collect();
        let chain = PathPart::Chain { stores: vec!["/s".into()], servers: vec!["https://server/x".to_owned()] };
        if !quoted {
            let at = parts.iter().position(|part| **part == PathPart::Folder("/good".into()));
            prop_assert!(at.is_some_and(|at| *parts[at + 1] == chain), "{parts:?}");
        }
    }

    #[test]
    fn a_part_that_is_left_out_is_told(text in bits()) {
        let path = SymbolPath::parse(&text, &around(false));
        let blank = text.chars().all(|c| "; \"".contains(c));
        prop_assert!(blank || text == "%LOOP%" || !path.parts.is_empty() || !path.problems.is_empty(), "{text:?}");
    }
}
