//! Folders and stores on disk: every layout that debuggers support, ignoring case, and no unexpected writes.

use crate::symbols_harness::{
    KEY, NAME, Room, WRONG, assert_right, check, find, last_sentence, named, outcomes, right, stored,
};
use poolscope_base::progress::CancelToken;
use poolscope_symbols::locate::{LocatorOptions, LookupControl, PathPartCheck};
use poolscope_tests::symbol_server::{Plan, SymbolServer, cabinet};

#[test]
fn every_naming_of_a_folder_is_found_in_place() {
    let places = [
        NAME.to_owned(),
        format!("symbols/sys/{NAME}"),
        format!("dll/{NAME}"),
        format!("{NAME}/{KEY}/{NAME}"),
        format!("dr/{NAME}/{KEY}/{NAME}"),
        format!("DRV.PDB/{}/Drv.pdb", KEY.to_lowercase()),
        format!("DR/Drv.Pdb/{KEY}/DRV.PDB"),
        "DRV.pdb".to_owned(),
    ];
    for place in places {
        let room = Room::new();
        let file = room.put(&format!("f/{place}"), &right());
        for path in ["{}/f", "srv*{}/f", "cache*{}/f"] {
            let found = room.find(path);
            assert_eq!(assert_right(&found), file, "{path} with {place}");
            assert_eq!(outcomes(&found), ["found"]);
        }
        assert_eq!(room.files("f"), [place], "nothing is written into a folder");
        assert!(room.files("default").is_empty());
    }
}

#[test]
fn compressed_files_are_unpacked_into_the_cache_once() {
    for place in ["drv.pd_".to_owned(), format!("{NAME}/{KEY}/drv.pd_"), format!("Drv.pdb/{KEY}/DRV.PD_")] {
        let room = Room::new();
        room.put(&format!("f/{place}"), &cabinet(NAME, &right()));
        assert_eq!(assert_right(&room.find("{}/f")), room.at(&stored("default")), "{place}");
        assert_eq!(assert_right(&room.find("{}/f")), room.at(&stored("default")), "{place}, again");
        assert_eq!(assert_right(&room.find("cache*{}/c;{}/f")), room.at(&stored("c")), "{place}");
        assert_eq!(outcomes(&room.find("cache*{}/c;{}/f")), ["found"]);
        assert_eq!(room.files("f"), [place]);
    }
    let room = Room::new();
    room.put("f/drv.pd_", &cabinet(NAME, &right())[..5_000]);
    let broken = room.find("{}/f");
    assert_eq!(outcomes(&broken), ["unreadable"]);
    assert!(last_sentence(&broken).contains("unpack"), "{:?}", broken.attempts);
}

#[test]
fn pointers_lead_to_the_file_or_say_why_not() {
    let room = Room::new();
    let drop = room.put("drop/x.pdb", &right());
    let pointer = format!("f/{NAME}/{KEY}/file.ptr");
    room.put(&pointer, format!("PATH:{}", drop.display()).as_bytes());
    assert_eq!(assert_right(&room.find("{}/f")), drop);
    room.put(&pointer, b"MSG: it is on the build server");
    assert!(last_sentence(&room.find("{}/f")).contains("on the build server"));
    room.put(&pointer, room.at("gone.pdb").display().to_string().as_bytes());
    assert!(last_sentence(&room.find("{}/f")).contains("cannot be opened"));
    // A pointer to a pointer's store, in a circle, ends.
    room.put(&pointer, room.at(&pointer).display().to_string().as_bytes());
    assert_eq!(outcomes(&room.find("{}/f")), ["unreadable"]);
}

#[test]
fn what_is_found_on_the_right_is_kept_on_the_left() {
    let room = Room::new();
    room.put(&format!("share/{NAME}"), &right());
    room.put("a/index2.txt", b"");
    assert_eq!(assert_right(&room.find("cache*{}/c;srv*{}/a*{}/share")), room.at(&stored("c")));
    assert_eq!(room.files("c"), [format!("{NAME}/{KEY}/{NAME}")]);
    assert_eq!(room.files("a"), [format!("dr/{NAME}/{KEY}/{NAME}"), "index2.txt".to_owned()], "three tiers stay three");
    assert_eq!(room.files("share"), [NAME]);
}

#[test]
fn a_damaged_or_foreign_file_is_told_passed_by_and_replaced() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    for (bytes, outcome) in [(&right()[..5_000], "unreadable"), (WRONG, "mismatch"), (b"", "unreadable")] {
        room.put(&stored("a"), bytes);
        let found = room.find(&format!("srv*{{}}/a*{}", server.url));
        assert_eq!(assert_right(&found), room.at(&stored("a")));
        assert_eq!(outcomes(&found), [outcome, "not found", "found"]);
        assert_eq!(room.files("a").len(), 1);
    }
    room.put(&format!("flat/{NAME}"), WRONG);
    let refused = room.find("{}/flat");
    assert!(refused.file.is_none());
    assert_eq!(outcomes(&refused), ["mismatch"], "never used, and named");
}

#[test]
fn a_folder_that_is_not_there_is_told_apart_from_one_without_the_file() {
    let room = Room::new();
    room.put("empty/readme.txt", b"");
    assert_eq!(
        outcomes(&room.find("{}/empty;{}/nowhere;cache*{}/later;srv*{}/gone")),
        ["not found", "unreachable", "not found", "unreachable"]
    );
    room.put("file", b"");
    assert!(last_sentence(&room.find("{}/file")).contains("is a file"));
}

#[test]
fn the_path_is_searched_from_left_to_right() {
    let room = Room::new();
    room.put(&format!("one/{NAME}"), WRONG);
    let two = room.put(&format!("two/{NAME}"), &right());
    room.put(&format!("three/{NAME}"), &right());
    let found = room.find("{}/one;{}/two;{}/three");
    assert_eq!((assert_right(&found), outcomes(&found)), (two, vec!["mismatch", "found"]));
}

#[test]
fn cancelled_before_it_began() {
    let room = Room::new();
    room.put(&format!("f/{NAME}"), &right());
    let cancel = CancelToken::default();
    cancel.cancel();
    let found = room.locator("{}/f", room.options()).find_pdb(
        &named(NAME),
        &check,
        &LookupControl { on_download: &|_| {}, cancel: &cancel },
    );
    assert!(found.file.is_none());
}

fn checks(room: &Room, path: &str, options: LocatorOptions) -> Vec<Result<String, String>> {
    let mut results: Vec<PathPartCheck> = Vec::new();
    room.locator(path, options).check_path(&mut |check| results.push(check), &CancelToken::none());
    results.into_iter().map(|check| check.result).collect()
}

#[test]
fn parts_of_a_path_are_checked_with_what_to_do() {
    let room = Room::new();
    room.put(&format!("two/{NAME}/{KEY}/{NAME}"), b"");
    room.put("three/index2.txt", b"");
    room.put(&format!("flat/{NAME}"), b"");
    room.put("file", b"");
    let server = SymbolServer::serve(&room.served());
    let path = format!("{{}}/two;{{}}/three;{{}}/flat;{{}}/none;{{}}/file;cache*{{}}/new;srv*{{}}/two*{}", server.url);
    let results = checks(&room, &path, room.options());
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(results[0], ok("two-tier store, 1 entry"));
    assert_eq!(results[1], ok("three-tier store, 1 entry"));
    assert_eq!(results[2], ok("flat folder, 1 entry"));
    assert!(results[3].as_ref().is_err_and(|why| why.contains("does not exist")), "{:?}", results[3]);
    assert!(results[4].as_ref().is_err_and(|why| why.contains("is a file")), "{:?}", results[4]);
    assert_eq!(results[5], ok("does not exist yet, will be created"));
    assert_eq!(results[6], ok("two-tier store, 1 entry, writable"));
    assert_eq!(results[7], ok("responds"));
    assert_eq!(server.requests(), ["HEAD pingme.txt"]);
    assert!(!room.at("new").exists() && room.files("two").len() == 1, "checking leaves nothing behind");
}

#[test]
fn servers_are_checked_with_what_to_do() {
    let room = Room::new();
    let server = SymbolServer::serve(&room.served());
    let path = format!("srv*{}", server.url);
    server.plan("pingme.txt", [Plan::Status(403), Plan::Status(405), Plan::Status(404)]);
    assert!(checks(&room, &path, room.options())[1].as_ref().is_err_and(|why| why.contains("403")));
    assert_eq!(checks(&room, &path, room.options())[1], Ok("responds".to_owned()));
    assert_eq!(server.requests(), ["HEAD pingme.txt", "HEAD pingme.txt", "GET pingme.txt"]);
    let offline = LocatorOptions { offline: true, ..room.options() };
    assert_eq!(checks(&room, &path, offline)[1], Ok("skipped: offline".to_owned()));
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let refused = checks(&room, &format!("srv*http://{port}"), room.options());
    assert!(refused[1].as_ref().is_err_and(|why| why.contains("check the address")), "{refused:?}");
    assert_eq!(find(&room.locator("cache*", room.options())).file, None);
}
