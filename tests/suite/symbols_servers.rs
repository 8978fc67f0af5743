//! Symbol servers over HTTP on loopback: files are stored, "not found" answers cached, mismatched files rejected.

use crate::symbols_harness::{
    KEY, NAME, Room, WRONG, assert_right, check, find, identity, last_sentence, outcomes, right, stored,
};
use poolscope_base::progress::CancelToken;
use poolscope_symbols::identity::ImageIdentity;
use poolscope_symbols::locate::{DownloadProgress, LocatorOptions, LookupControl};
use poolscope_tests::symbol_server::{BareServer, Plan, Script, SymbolServer, cabinet};
use std::sync::Mutex;
use std::sync::mpsc::channel;

fn get(leaf: &str) -> String {
    format!("GET {NAME}/{KEY}/{leaf}")
}

#[test]
fn a_plain_file_is_kept_in_all_stores_and_asked_for_once() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    let path = format!("cache*{{}}/c;srv*{{}}/a*{{}}/b*{}", server.url);
    let seen = Mutex::new(Vec::new());
    let tell = |transfer: DownloadProgress| seen.lock().unwrap().push(transfer);
    let cancel = CancelToken::default();
    let locator = room.locator(&path, room.options());
    let first = locator.find_pdb(&identity(), &check, &LookupControl { on_download: &tell, cancel: &cancel });
    assert_eq!(assert_right(&first), room.at(&stored("c")));
    assert_eq!(first.downloaded_bytes, right().len() as u64);
    assert_eq!(server.requests(), [get(NAME)]);
    for store in ["a", "b", "c"] {
        assert_eq!(room.files(store), [format!("{NAME}/{KEY}/{NAME}")], "{store} holds the file and nothing else");
    }
    let last = seen.lock().unwrap().last().cloned().expect("progress was told");
    assert_eq!((last.bytes, last.total_bytes), (right().len() as u64, Some(right().len() as u64)));
    let second = room.find(&path);
    assert_eq!((outcomes(&second), second.downloaded_bytes), (vec!["found"], 0));
    assert!(server.requests().is_empty(), "the second time nobody asks");
}

#[test]
fn a_compressed_file_is_unpacked() {
    let room = Room::new();
    room.put(&format!("served/{NAME}/{KEY}/drv.pd_"), &cabinet("DRV.PDB", &right()));
    let server = SymbolServer::serve(&room.served());
    let found = room.find(&format!("srv*{{}}/a*{}", server.url));
    assert_eq!(assert_right(&found), room.at(&stored("a")));
    assert_eq!(server.requests(), [get(NAME), get("drv.pd_")]);
    assert_eq!(room.files("a").len(), 1);
}

#[test]
fn a_real_compressed_pdb_is_unpacked() {
    let folder = std::env::var_os("POOLSCOPE_CORPUS").map(std::path::PathBuf::from);
    let folder = folder.unwrap_or_else(|| poolscope_tests::root().join("../shared/corpus"));
    let Ok(bytes) = std::fs::read(folder.join("pdb/basic32.pd_")) else {
        poolscope_tests::skipped(&format!("no pdb/basic32.pd_ in {}; set POOLSCOPE_CORPUS", folder.display()));
        return;
    };
    let room = Room::new();
    room.put(&format!("served/{NAME}/{KEY}/drv.pd_"), &bytes);
    let server = SymbolServer::serve(&room.served());
    let is_pdb = |path: &std::path::Path| {
        let start = std::fs::read(path).unwrap_or_default();
        if start.starts_with(b"Microsoft C/C++ MSF 7.00\r\n") && start.len().is_multiple_of(512) {
            poolscope_symbols::locate::FileMatch::Match
        } else {
            poolscope_symbols::locate::FileMatch::Unreadable("no PDB".to_owned())
        }
    };
    let locator = room.locator(&format!("srv*{{}}/a*{}", server.url), room.options());
    let cancel = CancelToken::default();
    let found = locator.find_pdb(&identity(), &is_pdb, &LookupControl { on_download: &|_| {}, cancel: &cancel });
    assert_eq!(found.file, Some(room.at(&stored("a"))), "{:?}", found.attempts);
}

#[test]
fn what_a_server_does_not_have_is_remembered_for_a_while() {
    let room = Room::new();
    let server = SymbolServer::serve(&room.served());
    let path = format!("srv*{{}}/a*{}", server.url);
    let at =
        |now_unix_s| find(&room.locator(&path, LocatorOptions { now_unix_s, not_found_ttl_s: 100, ..room.options() }));
    assert_eq!(outcomes(&at(1_000)), ["not found", "not found", "not found"], "store, default store, server");
    let asked = [get(NAME), get("drv.pd_"), get("file.ptr"), "GET index2.txt".to_owned()];
    assert_eq!(server.requests(), asked);
    assert!(room.files("a").is_empty(), "nothing is left in the store");
    assert_eq!(outcomes(&at(1_099)).last(), Some(&"not found (cached)"));
    assert!(server.requests().is_empty());
    room.put(&stored("served"), &right());
    assert_right(&at(1_100));
    assert_eq!(server.requests(), [get(NAME)]);
}

#[test]
fn a_store_of_three_tiers_on_a_server() {
    let room = Room::new();
    room.put("served/index2.txt", b"");
    room.put(&format!("served/dr/{NAME}/{KEY}/{NAME}"), &right());
    let server = SymbolServer::serve(&room.served());
    assert_right(&room.find(&format!("srv*{{}}/a*{}", server.url)));
    assert_eq!(server.requests().last().map(String::as_str), Some(format!("GET dr/{NAME}/{KEY}/{NAME}").as_str()));
}

#[test]
fn a_pointer_on_a_server_is_followed() {
    let room = Room::new();
    let drop = room.put("drop/build7/drv.pdb", &right());
    room.put(&format!("served/{NAME}/{KEY}/file.ptr"), format!("PATH:{}\r\n", drop.display()).as_bytes());
    let server = SymbolServer::serve(&room.served());
    let found = room.find(&format!("srv*{{}}/a*{}", server.url));
    assert_eq!(assert_right(&found), room.at(&stored("a")));
    room.put(&format!("served/{NAME}/{KEY}/file.ptr"), b"MSG: not kept any more");
    let told = room.find(&format!("srv*{{}}/b*{}", server.url));
    assert!(told.file.is_none() && last_sentence(&told).contains("not kept any more"), "{:?}", told.attempts);
}

#[test]
fn redirects_and_packed_answers_are_followed() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let (near, far) = (SymbolServer::serve(&room.at("nothing")), SymbolServer::serve(&room.served()));
    near.plan(NAME, [Plan::Redirect(format!("{}/{NAME}/{KEY}/{NAME}", far.url))]);
    far.plan(NAME, [Plan::Gzip]);
    assert_right(&room.find(&format!("srv*{{}}/a*{}", near.url)));
    assert_eq!((near.requests().len(), far.requests().len()), (1, 1));
}

#[test]
fn what_is_not_the_file_is_refused_and_the_next_place_is_tried() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    room.put(&format!("other/{NAME}/{KEY}/{NAME}"), WRONG);
    let (bad, page, good) = (
        SymbolServer::serve(&room.at("other")),
        SymbolServer::serve(&room.at("none")),
        SymbolServer::serve(&room.served()),
    );
    page.plan("", (0..4).map(|_| Plan::Page));
    let found = room.find(&format!("srv*{{}}/a*{}*{}*{}", bad.url, page.url, good.url));
    assert_right(&found);
    assert_eq!(outcomes(&found), ["not found", "not found", "mismatch", "unreadable", "unreadable", "found"]);
    let page_only = SymbolServer::serve(&room.at("none"));
    page_only.plan("", (0..9).map(|_| Plan::Page));
    let refused = room.find(&format!("srv*{{}}/b*{}", page_only.url));
    assert!(refused.file.is_none() && last_sentence(&refused).contains("web page"), "{:?}", refused.attempts);
    assert!(room.files("b").is_empty(), "a page is not kept");
}

#[test]
fn refusals_are_told_and_not_repeated() {
    for status in [401, 403, 407] {
        let room = Room::new();
        let server = SymbolServer::serve(&room.served());
        server.plan(NAME, [Plan::Status(status)]);
        let found = room.find(&format!("srv*{{}}/a*{}", server.url));
        assert_eq!(outcomes(&found).last(), Some(&"denied"), "{status}");
        assert!(last_sentence(&found).contains(&status.to_string()));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_and_given_up_in_the_end() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    server.plan(NAME, [Plan::Status(500), Plan::StatusWith(429, "Retry-After", "0".to_owned())]);
    assert_right(&room.find(&format!("srv*{{}}/a*{}", server.url)));
    assert_eq!(server.requests().len(), 3);
    server.plan(NAME, (0..9).map(|_| Plan::Status(503)));
    let locator = room.locator(&format!("srv*{{}}/b*{}", server.url), room.options());
    for _ in 0..3 {
        let found = find(&locator);
        assert_eq!(outcomes(&found).last(), Some(&"unreachable"));
        assert!(last_sentence(&found).contains("503"));
        assert_eq!(server.requests().len(), 3, "once and two repetitions");
    }
    let given_up = find(&locator);
    assert!(last_sentence(&given_up).contains("not asked again") && server.requests().is_empty());
}

#[test]
fn a_proxy_is_used_for_what_only_it_can_reach() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    let proxy = BareServer::start(vec![Script::Tunnel]);
    let hidden = server.url.replace("127.0.0.1", "symbols.invalid");
    let options = LocatorOptions { proxy: Some(proxy.address.to_string()), ..room.options() };
    assert_right(&find(&room.locator(&format!("srv*{{}}/a*{hidden}"), options)));
    assert!(proxy.head().starts_with("CONNECT symbols.invalid:"));
    assert_eq!(server.requests(), [get(NAME)]);
    let strict = BareServer::start(vec![Script::Send(b"HTTP/1.1 407 Who are you\r\n\r\n".to_vec())]);
    let options = LocatorOptions { proxy: Some(strict.address.to_string()), ..room.options() };
    let denied = find(&room.locator(&format!("srv*{{}}/b*{hidden}"), options));
    assert_eq!(outcomes(&denied).last(), Some(&"denied"), "{:?}", denied.attempts);
    let options = LocatorOptions { proxy: Some("not a proxy".to_owned()), ..room.options() };
    assert!(last_sentence(&find(&room.locator(&format!("srv*{{}}/b*{hidden}"), options))).contains("host:port"));
}

#[test]
fn two_at_once_ask_once() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    let ((came, comes), (go, goes)) = (channel(), channel());
    server.plan(NAME, [Plan::Gate(came, goes)]);
    let path = format!("srv*{{}}/a*{}", server.url);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| room.find(&path));
        comes.recv().expect("the first one asks");
        // Its lock is held now, whatever the second one does first.
        let second = scope.spawn(|| room.find(&path));
        go.send(()).expect("the server waits");
        assert_right(&first.join().expect("no panic"));
        assert_right(&second.join().expect("no panic"));
    });
    assert_eq!(server.requests(), [get(NAME)]);
    assert_eq!(room.files("a").len(), 1);
}

/// What a second program does in the test below; it runs this very executable.
#[test]
#[ignore = "runs as a process of its own, with a server to ask"]
fn child_finds_the_file() {
    let (path, store) = (std::env::var("POOLSCOPE_TEST_PATH"), std::env::var("POOLSCOPE_TEST_STORE"));
    let (Ok(path), Ok(store)) = (path, store) else { return };
    let room = Room::new();
    let options = LocatorOptions { default_store: store.into(), ..room.options() };
    let found = find(&room.locator(&path, options));
    assert_right(&found);
    println!("BYTES {}", found.downloaded_bytes);
}

#[test]
fn two_processes_at_once_ask_once() {
    let room = Room::new();
    room.put(&stored("served"), &right());
    let server = SymbolServer::serve(&room.served());
    let ((came, comes), (go, goes)) = (channel(), channel());
    server.plan(NAME, [Plan::Gate(came, goes)]);
    let start = || {
        let program = std::env::current_exe().expect("this program has a file");
        std::process::Command::new(program)
            .args(["--ignored", "--nocapture", "--exact", "symbols_servers::child_finds_the_file"])
            .env("POOLSCOPE_TEST_PATH", format!("srv*{}*{}", room.at("a").display(), server.url))
            .env("POOLSCOPE_TEST_STORE", room.at("default"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it can be started again")
    };
    let first = start();
    comes.recv().expect("the first one asks");
    let second = start();
    go.send(()).expect("the server waits");
    let bytes = [first, second].map(|child| {
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let bytes = text.split("BYTES ").nth(1).and_then(|rest| rest.lines().next()).map(str::to_owned);
        bytes.unwrap_or_else(|| panic!("no figure in {text}"))
    });
    assert_eq!(bytes, [right().len().to_string(), "0".to_owned()]);
    assert_eq!(server.requests(), [get(NAME)]);
}

#[test]
fn an_image_is_found_by_its_own_key() {
    let room = Room::new();
    room.put("served/drv.sys/0A1B2C3D44b000/drv.sys", &right());
    let server = SymbolServer::serve(&room.served());
    let image = ImageIdentity { file_name: "drv.sys".to_owned(), timestamp: 0x0a1b_2c3d, size_bytes: 0x44_b000 };
    let locator = room.locator(&format!("srv*{{}}/a*{}", server.url), room.options());
    let found =
        locator.find_image(&image, &check, &LookupControl { on_download: &|_| {}, cancel: &CancelToken::none() });
    assert_right(&found);
}
