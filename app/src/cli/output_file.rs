//! A file that a command writes beside its output: never over another one unless told to, and as a whole or not at all.

use anyhow::Context as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Says before any work is done why the file could not be written in the end.
///
/// # Errors
/// It is there already and may not be replaced, or it is a folder.
pub fn check(path: &Path, replace: bool) -> anyhow::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => anyhow::bail!("cannot write {}: it is a folder", path.display()),
        Ok(found) if found.is_file() && !replace => Err(exists(path)),
        _ => Ok(()),
    }
}

/// Writes the file. What was there before stays until the new one is whole.
///
/// # Errors
/// It is there already and may not be replaced, or it cannot be written; then nothing is left of it.
pub fn write(path: &Path, replace: bool, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    check(path, replace)?;
    let failed = || format!("cannot write {}", path.display());
    if path.exists() && !path.is_file() {
        // A device or a pipe: nothing to keep, nothing to replace.
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(path).with_context(failed)?);
        return content(&mut out).and_then(|()| out.flush()).with_context(failed);
    }
    let working = working_file(path);
    let written = File::create(&working).and_then(|file| {
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()
    });
    let placed = match written {
        Ok(()) => place(&working, path, replace),
        Err(error) => Err(error),
    };
    match placed {
        Ok(()) => Ok(()),
        Err(error) => {
            // It may not even have been made.
            drop(fs::remove_file(&working));
            if error.kind() == ErrorKind::AlreadyExists { Err(exists(path)) } else { Err(error).with_context(failed) }
        }
    }
}

/// Puts the whole file in its place. Unless it may replace, the place is taken first, so that nobody else's file is written over.
fn place(working: &Path, path: &Path, replace: bool) -> io::Result<()> {
    if replace {
        return fs::rename(working, path);
    }
    File::create_new(path)?;
    fs::rename(working, path).inspect_err(|_| drop(fs::remove_file(path)))
}

fn working_file(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("{} exists already: choose another name, or replace it with --force", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_replaced_only_on_request_and_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("poolscope-output-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("report.html");
        let text = || fs::read_to_string(&path).expect("a file");
        let with = |text: &'static str| move |out: &mut dyn Write| out.write_all(text.as_bytes());
        write(&path, false, with("one")).expect("it was not there");
        let error = write(&path, false, with("two")).expect_err("it is there").to_string();
        assert!(error.contains("report.html exists already") && error.contains("--force"), "{error}");
        assert_eq!(text(), "one");
        let broken = |out: &mut dyn Write| out.write_all(b"half").and(Err(io::Error::other("the disk is full")));
        let error = format!("{:#}", write(&path, true, broken).expect_err("broken off"));
        assert!(error.contains("cannot write") && error.contains("the disk is full"), "{error}");
        assert_eq!(text(), "one", "the one before stays until the new one is whole");
        write(&path, true, with("three")).expect("replaced");
        assert_eq!(text(), "three");
        assert!(check(&folder, true).expect_err("no file").to_string().contains("it is a folder"));
        let names: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["report.html"], "no working file is left");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
