//! Files that a command writes: existing files are replaced only on request, and a file is complete or not written at all.

use anyhow::Context as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Checks before any work is done that the file can be written.
///
/// # Errors
/// The file exists and must not be replaced, or the path is a folder.
pub fn check(path: &Path, replace: bool) -> anyhow::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => anyhow::bail!("cannot write {}: it is a folder", path.display()),
        Ok(found) if found.is_file() && !replace => Err(exists(path)),
        _ => Ok(()),
    }
}

/// Writes the file. An existing file is kept until the new one is complete.
///
/// # Errors
/// The file exists and must not be replaced, it cannot be written, or `content` fails; then no part of it remains.
pub fn write<T>(
    path: &Path,
    replace: bool,
    content: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    check(path, replace)?;
    let failed = || format!("cannot write {}", path.display());
    let fill = |file: File| {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let result = content(&mut out);
        // Errors of other kinds describe themselves.
        let result = result.map_err(|error| if error.is::<io::Error>() { error.context(failed()) } else { error })?;
        out.flush().with_context(failed)?;
        Ok((out, result))
    };
    if path.exists() && !path.is_file() {
        // A device or a pipe: there is nothing to keep and nothing to replace.
        let file = OpenOptions::new().write(true).open(path).with_context(failed)?;
        return fill(file).map(|(_, result)| result);
    }
    let working = working_file(path);
    let written = File::create(&working).with_context(failed).and_then(fill).and_then(|(out, result)| {
        out.get_ref().sync_all().with_context(failed)?;
        Ok(result)
    });
    let placed = written.and_then(|result| match place(&working, path, replace) {
        Ok(()) => Ok(result),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(error).with_context(failed),
    });
    if placed.is_err() {
        // The working file may not exist.
        drop(fs::remove_file(&working));
    }
    placed
}

/// Size of the buffer of a file.
const BUFFER_BYTES: usize = 1 << 20;

/// Moves the complete file to its path. Unless it may replace, an empty file claims the path first, so that a file created
/// meanwhile is not replaced.
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
    FileExists(path.display().to_string()).into()
}

/// Error of a file that exists and must not be replaced.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} exists already: choose another name, or replace it with --force")]
pub struct FileExists(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_replaced_only_on_request_and_completely() {
        let folder = std::env::temp_dir().join(format!("poolscope-output-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("report.html");
        let text = || fs::read_to_string(&path).expect("a file");
        let with = |text: &'static str| move |out: &mut BufWriter<File>| Ok(out.write_all(text.as_bytes())?);
        write(&path, false, with("one")).expect("it did not exist");
        let error = write(&path, false, with("two")).expect_err("it exists").to_string();
        assert!(error.contains("report.html exists already") && error.contains("--force"), "{error}");
        assert_eq!(text(), "one");
        let broken = |out: &mut BufWriter<File>| -> anyhow::Result<()> {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is full").into())
        };
        let error = format!("{:#}", write(&path, true, broken).expect_err("not complete"));
        assert!(error.contains("cannot write") && error.contains("the disk is full"), "{error}");
        assert_eq!(text(), "one", "the previous file is kept until the new one is complete");
        write(&path, true, with("three")).expect("replaced");
        assert_eq!(text(), "three");
        assert!(check(&folder, true).expect_err("no file").to_string().contains("it is a folder"));
        let names: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["report.html"], "no working file remains");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
