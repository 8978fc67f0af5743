//! Servers that disconnect, hang or do not exist: no partial files, no endless waits, messages that tell what to do.

use crate::symbols_harness::{
    KEY, NAME, Room, assert_right, find, find_watched, last_sentence, named, outcomes, right, stored,
};
use poolscope_base::progress::CancelToken;
use poolscope_symbols::locate::{LocatorOptions, LookupControl, LookupResult};
use poolscope_tests::symbol_server::{BareServer, Script, SymbolServer, wire};
use std::time::{Duration, Instant};

/// The head of an answer with the whole file.
fn whole(extra: &str) -> String {
    format!("200 OK\nContent-Length: {}{extra}", right().len())
}

#[test]
fn a_broken_transfer_is_resumed_where_the_server_can() {
    let room = Room::new();
    let (bytes, broken_at) = (right(), 300_000);
    let rest = format!(
        "206 Partial\nContent-Length: {}\nContent-Range: bytes {broken_at}-{}/{}\nETag: \"v1\"",
        bytes.len() - broken_at,
        bytes.len() - 1,
        bytes.len()
    );
    let server = BareServer::start(vec![
        Script::Send(wire(&whole("\nETag: \"v1\"\nAccept-Ranges: bytes"), &bytes[..broken_at])),
        Script::Send(wire(&rest, &bytes[broken_at..])),
    ]);
    let found = room.find(&format!("srv*{{}}/a*http://{}", server.address));
    assert_right(&found);
    assert_eq!(found.downloaded_bytes, bytes.len() as u64, "no byte came twice");
    assert!(!server.head().to_lowercase().contains("range:"));
    let second = server.head().to_lowercase();
    assert!(second.contains("if-range: \"v1\"") && second.contains("range: bytes="), "{second}");
}

#[test]
fn a_broken_transfer_starts_again_where_the_server_cannot_resume() {
    let room = Room::new();
    let bytes = right();
    // The second answer ignores the question for a part; the file behind the address has changed in between.
    let server = BareServer::start(vec![
        Script::Send(wire(&whole("\nETag: \"v1\""), b"bytes of an older version")),
        Script::Send(wire(&whole("\nETag: \"v2\""), &bytes)),
    ]);
    assert_right(&room.find(&format!("srv*{{}}/a*http://{}", server.address)));
}

#[test]
fn half_a_file_is_never_kept() {
    let room = Room::new();
    let server = BareServer::start(vec![Script::Send(wire(&whole(""), &right()[..700_000]))]);
    let found = room.find(&format!("srv*{{}}/a*http://{}", server.address));
    assert!(found.file.is_none());
    assert_eq!(outcomes(&found).last(), Some(&"unreachable"));
    assert!(room.files("a").is_empty() && room.files("default").is_empty());
    let heads = [server.head(), server.head(), server.head()];
    assert!(heads.iter().all(|head| head.starts_with("GET ")), "{heads:?}");
    assert!(!server.has_more(), "once and two repetitions");
}

#[test]
fn cancelling_does_not_wait_for_a_silent_server() {
    for script in [Script::SendAndHang(Vec::new()), Script::SendAndHang(wire(&whole(""), b"PDB"))] {
        let room = Room::new();
        let server = BareServer::start(vec![script]);
        let options = LocatorOptions { timeout_ms: 3_600_000, ..room.options() };
        let locator = room.locator(&format!("srv*{{}}/a*http://{}", server.address), options);
        let cancel = CancelToken::default();
        let found = std::thread::scope(|scope| {
            let search = scope.spawn(|| find_watched(&locator, &cancel));
            drop(server.head());
            cancel.cancel();
            let asked = Instant::now();
            let found = search.join().expect("no panic");
            assert!(asked.elapsed() < Duration::from_secs(30), "an hour of silence was not waited for");
            found
        });
        assert!(found.file.is_none() && room.files("a").is_empty());
    }
}

#[test]
fn silence_is_an_error_after_its_time() {
    let room = Room::new();
    let server = BareServer::start(vec![Script::SendAndHang(wire(&whole(""), b"PDB"))]);
    let options = LocatorOptions { timeout_ms: 50, retries: 1, ..room.options() };
    let found = find(&room.locator(&format!("srv*{{}}/a*http://{}", server.address), options));
    assert_eq!(outcomes(&found).last(), Some(&"unreachable"));
    assert!(last_sentence(&found).contains("no data for"), "{:?}", found.attempts);
}

#[test]
fn a_port_without_a_server_is_tried_twice_for_all_files() {
    let room = Room::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let locator = room.locator(&format!("srv*{{}}/a*http://{port}"), room.options());
    let first = find(&locator);
    assert_eq!(outcomes(&first).last(), Some(&"unreachable"));
    assert!(last_sentence(&first).contains("check the address"), "{:?}", first.attempts);
    let watch = LookupControl { on_download: &|_| {}, cancel: &CancelToken::none() };
    let other = locator.find_pdb(&named("other.pdb"), &crate::symbols_harness::check, &watch);
    assert!(last_sentence(&other).contains("not asked again"), "{:?}", other.attempts);
}

#[test]
fn offline_nobody_is_asked() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    let path = format!("srv*{{}}/a*{}", server.url);
    let offline = || find(&room.locator(&path, LocatorOptions { offline: true, ..room.options() }));
    let found = offline();
    assert_eq!((outcomes(&found).last(), found.file.is_none()), (Some(&"offline"), true));
    assert!(server.requests().is_empty());
    assert_right(&room.find(&path));
    assert_right(&offline());
}

#[test]
fn a_name_that_leads_out_is_not_looked_for() {
    let room = Room::new();
    room.put(&format!("{KEY}/out.pdb"), &right());
    let server = SymbolServer::serve(&room.served());
    let locator = room.locator(&format!("srv*{{}}/a*{}", server.url), room.options());
    let cancel = CancelToken::default();
    for name in ["..", "../out.pdb", "..\\out.pdb", "C:out.pdb", "a\0b.pdb", "", "nul"] {
        let watch = LookupControl { on_download: &|_| {}, cancel: &cancel };
        let found = locator.find_pdb(&named(name), &crate::symbols_harness::check, &watch);
        assert!(found.file.is_none(), "{name:?}");
        assert_eq!(found.attempts.len(), 1, "{name:?}");
        assert_eq!(found.attempts[0].result, LookupResult::NotFound);
        assert!(found.attempts[0].location.contains("is rejected"), "{}", found.attempts[0].location);
    }
    assert!(server.requests().is_empty() && room.files("a").is_empty());
}

#[test]
fn a_store_that_cannot_be_written_sends_the_file_to_the_default_store() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    // A file where a folder should be: not even the administrator can write into it.
    room.put("a", b"");
    let server = SymbolServer::serve(&room.served());
    let path = format!("srv*{{}}/a/store*{}", server.url);
    let found = room.find(&path);
    assert_eq!(assert_right(&found), room.at(&stored("default")));
    let told = found.attempts.iter().any(|attempt| match &attempt.result {
        LookupResult::Unreachable(why) | LookupResult::Denied(why) => why.contains("cannot write here"),
        _ => false,
    });
    assert!(told, "{:?}", found.attempts);
    assert_right(&room.find(&path));
    assert_eq!(server.requests(), [format!("GET {NAME}/{KEY}/{NAME}")], "found in the default store the second time");
}

#[test]
fn what_a_crashed_program_left_does_not_block() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    room.put(&format!("a/.poolscope/{NAME}-{KEY}.lock"), b"");
    room.put(&format!("a/.poolscope/{NAME}-{KEY}.4711-3.part"), b"PDB ri");
    let server = SymbolServer::serve(&room.served());
    assert_right(&room.find(&format!("srv*{{}}/a*{}", server.url)));
    assert_eq!(room.files("a"), [format!("{NAME}/{KEY}/{NAME}")]);
}
