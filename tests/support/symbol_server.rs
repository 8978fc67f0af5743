//! A symbol server on loopback that serves a folder, answers as it is told to where a test wants trouble, and writes down
//! what it was asked. And a bare socket for what no library will send: half answers, and none at all.

use std::collections::VecDeque;
use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tiny_http::{Header, Request, Response, Server};

/// What a server does with one request instead of serving a file.
#[derive(Debug)]
pub enum Plan {
    /// Answers with this status and a short page.
    Status(u16),
    /// Answers with this status and one header.
    StatusWith(u16, &'static str, String),
    /// Sends the client to another address.
    Redirect(String),
    /// Answers 200 with a page for people.
    Page,
    /// Serves the file packed with gzip.
    Gzip,
    /// Says that a request came, then serves the file when it is told to.
    Gate(Sender<()>, Receiver<()>),
}

#[derive(Default)]
struct State {
    log: Vec<String>,
    /// By the end of the address, each used once, in order.
    plans: Vec<(String, VecDeque<Plan>)>,
}

/// The server; it stops when dropped.
pub struct SymbolServer {
    /// Its address, without a slash at the end.
    pub url: String,
    server: Arc<Server>,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl SymbolServer {
    /// Serves a folder.
    ///
    /// # Panics
    /// If loopback has no port.
    #[must_use]
    pub fn serve(folder: &Path) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").expect("loopback has a free port"));
        let address = server.server_addr().to_ip().expect("it listens on an address");
        let state = Arc::new(Mutex::new(State::default()));
        let (accepting, shared, folder) = (Arc::clone(&server), Arc::clone(&state), folder.to_path_buf());
        let thread = std::thread::spawn(move || {
            for request in accepting.incoming_requests() {
                let (shared, folder) = (Arc::clone(&shared), folder.clone());
                // One that waits must not hold up the others.
                std::thread::spawn(move || answer(request, &shared, &folder));
            }
        });
        Self { url: format!("http://{address}/sym"), server, state, thread: Some(thread) }
    }

    /// Plans what to do with requests for addresses that end like this.
    ///
    /// # Panics
    /// If the server's thread died.
    pub fn plan(&self, ending: &str, plans: impl IntoIterator<Item = Plan>) {
        let mut state = self.state.lock().expect("the server lives");
        state.plans.push((ending.to_owned(), plans.into_iter().collect()));
    }

    /// The requests since the last time: method and path below the server's address.
    ///
    /// # Panics
    /// If the server's thread died.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("the server lives").log)
    }
}

impl Drop for SymbolServer {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn answer(request: Request, state: &Mutex<State>, folder: &Path) {
    let path = request.url().strip_prefix("/sym/").unwrap_or_default().to_owned();
    let plan = {
        let mut state = state.lock().expect("nobody panics here");
        state.log.push(format!("{} {path}", request.method()));
        let mut plans = state.plans.iter_mut().filter(|(ending, _)| path.ends_with(ending.as_str()));
        plans.find_map(|(_, plans)| plans.pop_front())
    };
    let file = file_of(folder, &path);
    let sent = match plan {
        Some(Plan::Status(status)) => request.respond(Response::from_string("no").with_status_code(status)),
        Some(Plan::StatusWith(status, name, value)) => {
            request.respond(Response::from_string("no").with_status_code(status).with_header(header(name, &value)))
        }
        Some(Plan::Redirect(to)) => {
            request.respond(Response::from_string("there").with_status_code(302).with_header(header("Location", &to)))
        }
        Some(Plan::Page) => {
            let page = Response::from_string("<!DOCTYPE html><html><body>Sign in</body></html>");
            request.respond(page.with_header(header("Content-Type", "text/html; charset=utf-8")))
        }
        Some(Plan::Gzip) => {
            let packed = gzip(&file.map(|file| std::fs::read(file).expect("a served file")).unwrap_or_default());
            request.respond(Response::from_data(packed).with_header(header("Content-Encoding", "gzip")))
        }
        Some(Plan::Gate(came, go)) => {
            // Who does not listen to the one, or say the other, does not need to.
            came.send(()).ok();
            go.recv().ok();
            serve(request, file)
        }
        None => serve(request, file),
    };
    // The client may have gone, which is what some tests are about.
    drop(sent);
}

fn serve(request: Request, file: Option<PathBuf>) -> std::io::Result<()> {
    match file.and_then(|file| std::fs::read(file).ok()) {
        // With its length, as servers of files do.
        Some(bytes) => request.respond(Response::from_data(bytes).with_chunked_threshold(usize::MAX)),
        None => request.respond(Response::from_string("not found").with_status_code(404)),
    }
}

/// The file of an address; none if that leads out of the folder.
fn file_of(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.replace("%20", " ");
    let inside = path.split('/').all(|name| !name.is_empty() && name != "..");
    let file = folder.join(&path);
    (inside && file.is_file()).then_some(file)
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("a header of a test is one")
}

/// Packs without making anything smaller, which is all that a client can tell.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(60_000).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("a block is short");
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// What a bare socket does with one connection.
#[derive(Debug, Clone)]
pub enum Script {
    /// Sends this after a request came, and closes.
    Send(Vec<u8>),
    /// Sends this after a request came, and then nothing until the other side goes.
    SendAndHang(Vec<u8>),
    /// Is a proxy: connects as it is asked to, and passes everything on.
    Tunnel,
}

/// A bare socket; it follows its scripts, one per connection, the last one again and again.
pub struct BareServer {
    /// Where it listens.
    pub address: SocketAddr,
    heads: Receiver<String>,
}

impl BareServer {
    /// Starts.
    ///
    /// # Panics
    /// If loopback has no port.
    #[must_use]
    pub fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it listens on an address");
        let (sender, heads) = channel();
        // It ends with the tests.
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let script = scripts.get(number).or(scripts.last()).cloned();
                let sender = sender.clone();
                std::thread::spawn(move || script.and_then(|script| follow(stream, script, &sender)));
            }
        });
        Self { address, heads }
    }

    /// Waits for the head of the next request.
    ///
    /// # Panics
    /// If none comes in a minute.
    #[must_use]
    pub fn head(&self) -> String {
        self.heads.recv_timeout(std::time::Duration::from_secs(60)).expect("a request comes")
    }

    /// Returns `true` if there is a request that nobody asked about yet.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.heads.try_recv().is_ok()
    }
}

fn follow(mut stream: TcpStream, script: Script, heads: &Sender<String>) -> Option<()> {
    let head = read_head(&mut stream)?;
    drop(heads.send(head.clone()));
    match script {
        Script::Send(bytes) => stream.write_all(&bytes).ok(),
        Script::SendAndHang(bytes) => {
            stream.write_all(&bytes).ok()?;
            // Returns when the other side closes.
            stream.read(&mut [0]).ok().map(drop)
        }
        Script::Tunnel => {
            let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
            // The proxy alone knows the way to this name.
            let target = target.replace("symbols.invalid", "127.0.0.1");
            let onward = TcpStream::connect(target).ok()?;
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
            let (mut up, mut down) = (onward.try_clone().ok()?, stream.try_clone().ok()?);
            std::thread::spawn(move || std::io::copy(&mut down, &mut up));
            let (mut from, mut to) = (onward, stream);
            std::io::copy(&mut from, &mut to).ok().map(drop)
        }
    }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// An answer as it goes over the wire: the status line and headers of `head`, then the body.
#[must_use]
pub fn wire(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", head.replace('\n', "\r\n")).into_bytes();
    bytes.extend(body);
    bytes
}

/// A cabinet that holds one file, not made smaller: one folder of plain blocks.
#[must_use]
pub fn cabinet(name: &str, bytes: &[u8]) -> Vec<u8> {
    let blocks: Vec<&[u8]> = bytes.chunks(32_768).collect();
    let (header, folder, entry) = (36, 8, 16 + name.len() + 1);
    let data = header + folder + entry;
    let mut out = Cursor::new(Vec::new());
    let mut put = |bytes: &[u8]| out.write_all(bytes).expect("memory takes bytes");
    let total = data + bytes.len() + blocks.len() * 8;
    put(b"MSCF");
    // Version 1.3, one folder, one file.
    for number in [0, total as u32, 0, (header + folder) as u32, 0, 0x0001_0103, 1, 0] {
        put(&number.to_le_bytes());
    }
    put(&(data as u32).to_le_bytes());
    put(&(blocks.len() as u16).to_le_bytes());
    put(&0_u16.to_le_bytes());
    put(&(bytes.len() as u32).to_le_bytes());
    put(&[0; 4 + 2]);
    put(&[0x21, 0x50, 0, 0, 0x20, 0]);
    put(name.as_bytes());
    put(&[0]);
    for block in blocks {
        put(&0_u32.to_le_bytes());
        put(&(block.len() as u16).to_le_bytes());
        put(&(block.len() as u16).to_le_bytes());
        put(block);
    }
    out.into_inner()
}
