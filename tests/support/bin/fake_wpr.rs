//! A program that behaves as `wpr.exe` does, for tests on systems without it: the same options, words and codes. It records
//! nothing: what it saves is the file `trace.etl` beside it. Its state lies beside it, too, so every test copies it into a folder
//! of its own; words in the file `scenario.txt` there say what goes wrong.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

/// Bytes that are written to the temporary file at each status query.
const GROWTH: usize = 4096;

struct Fake {
    folder: PathBuf,
    scenario: String,
    said: String,
}

fn main() -> ExitCode {
    // The path that it was called by, which may be a link.
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let folder = called.parent().map(Path::to_owned).unwrap_or_default();
    let scenario = fs::read_to_string(folder.join("scenario.txt")).unwrap_or_default();
    let mut fake = Fake { folder, scenario, said: String::new() };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut log = fs::read_to_string(fake.folder.join("log.txt")).unwrap_or_default();
    log.push_str(&format!("{}\n", arguments.join("|")));
    fs::write(fake.folder.join("log.txt"), log).ok();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = fake.run(&words);
    fake.say();
    exit(code)
}

/// Only Windows has codes of 32 bits; elsewhere the low byte is what is left, and zero would be success.
fn exit(code: u32) -> ExitCode {
    match code {
        0 => ExitCode::SUCCESS,
        _ if cfg!(windows) => std::process::exit(code.cast_signed()),
        _ => ExitCode::from(1),
    }
}

impl Fake {
    fn has(&self, word: &str) -> bool {
        self.scenario.split_whitespace().any(|other| other == word)
    }

    fn line(&mut self, text: &str) {
        self.said.push_str(text);
        self.said.push_str("\r\n");
    }

    /// Writes what there is to say.
    fn say(&mut self) {
        let bytes: Vec<u8> = if self.has("utf-16") {
            self.said.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            self.said.as_bytes().to_vec()
        };
        self.said.clear();
        let mut out = std::io::stdout();
        out.write_all(&bytes).and_then(|()| out.flush()).ok();
    }

    fn fail(&mut self, words: &str, code: u32) -> u32 {
        self.line("");
        self.line(&format!("\t{words}"));
        self.line("");
        self.line(&format!("\tError code: {code:#010x}"));
        code
    }

    /// Where it keeps what it was started with: the folder of temporary files, or nothing.
    fn state(&self) -> PathBuf {
        self.folder.join("recording.txt")
    }

    fn recording(&self) -> Option<String> {
        fs::read_to_string(self.state()).ok()
    }

    fn run(&mut self, arguments: &[&str]) -> u32 {
        self.line("Microsoft Windows Performance Recorder Version 10.0.22621");
        while self.has("hang") {
            sleep(Duration::from_millis(50));
        }
        match arguments {
            ["-start", profile, rest @ ..] => self.start(profile, rest),
            ["-status", ..] => self.status(),
            ["-stop", to, ..] => self.stop(Path::new(to)),
            ["-cancel"] => self.cancel(),
            _ => self.fail("Invalid command syntax.", 0x8007_0057),
        }
    }

    fn start(&mut self, profile: &str, rest: &[&str]) -> u32 {
        if self.has("no-rights") {
            return self.fail("Failed to enable the policy to profile system performance.", 0xc558_5011);
        }
        if self.recording().is_some() {
            return self.fail("The profiles are already running.", 0xc558_3001);
        }
        let (file, name) = profile.rsplit_once('!').unwrap_or((profile, ""));
        let text = fs::read_to_string(file).unwrap_or_default();
        // `PoolUsage.Verbose` is the verbose one of the profiles called `PoolUsage`.
        let name = name.split('.').next().unwrap_or(name);
        if !text.contains("<WindowsPerformanceRecorder") || !text.contains(&format!("Name=\"{name}\"")) {
            return self.fail("The profile cannot be read.", 0xc00c_ee2b);
        }
        let temp = match rest {
            ["-filemode", "-recordtempto", folder] => {
                let file = Path::new(folder).join("WPR_initiated_fake.etl");
                fs::write(&file, vec![0; GROWTH]).ok();
                file.display().to_string()
            }
            _ => String::new(),
        };
        fs::write(self.state(), temp).ok();
        0
    }

    fn status(&mut self) -> u32 {
        let Some(temp) = self.recording() else {
            self.line("");
            self.line("    WPR is not recording");
            return 0;
        };
        let mode = if temp.is_empty() { "Memory" } else { "File" };
        if !temp.is_empty() {
            let mut bytes = fs::read(&temp).unwrap_or_default();
            bytes.resize(bytes.len() + GROWTH, 0);
            fs::write(&temp, bytes).ok();
        }
        let lost = if self.has("lossy") { 1234 } else { 0 };
        self.line("WPR recording is in progress...");
        self.line("");
        self.line("Time since start        : 00:00:07");
        self.line("Dropped event           : 0");
        self.line(&format!("Logging mode            : {mode}"));
        self.line("");
        self.line("Collector Name          : NT Kernel Logger");
        self.line("Buffer Size (KB)        : 1024");
        self.line(&format!("Events Lost             : {lost}"));
        0
    }

    fn stop(&mut self, to: &Path) -> u32 {
        if self.recording().is_none() {
            return self.fail("There are no trace profiles running.", 0xc558_3000);
        }
        self.line("Press Ctrl+C twice to cancel");
        self.say();
        while self.has("slow-stop") && !self.folder.join("go.txt").exists() {
            sleep(Duration::from_millis(10));
        }
        if self.has("disk-full") {
            return self.fail("There is not enough space on the disk.", 0x8007_0070);
        }
        if fs::copy(self.folder.join("trace.etl"), to).is_err() {
            return self.fail("The system cannot find the path specified.", 0x8007_0003);
        }
        self.line("The trace was successfully saved.");
        self.end()
    }

    fn cancel(&mut self) -> u32 {
        if self.recording().is_none() {
            return self.fail("There are no trace profiles running.", 0xc558_3000);
        }
        self.end()
    }

    fn end(&mut self) -> u32 {
        if let Some(temp) = self.recording().filter(|temp| !temp.is_empty()) {
            fs::remove_file(temp).ok();
        }
        fs::remove_file(self.state()).ok();
        0
    }
}
