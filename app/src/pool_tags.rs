//! Finds the user's `pooltag.txt`: selected by the user, in the folder of the trace, or installed by a Windows kit. The program has
//! no list of its own.

use crate::symbols::SymbolEnvironment;
use crate::trace_location::TraceLocation;
use poolscope_analysis::group::pool_tags::PoolTags;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// File name.
const NAME: &str = "pooltag.txt";
/// Upper bound on the size of a file; the usual one has some hundred kilobytes.
const MAX_BYTES: u64 = 64 << 20;

/// Setting for no list of tags.
pub const NO_POOL_TAGS: &str = "none";

/// Selection of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PoolTagChoice {
    /// The file in the folder of the trace, else that of an installed kit.
    #[default]
    Automatic,
    /// No file.
    None,
    /// This file.
    File(PathBuf),
}

impl PoolTagChoice {
    /// Parses a setting: a path, `none`, or an empty text for [`Self::Automatic`].
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        match text.trim() {
            "" => Self::Automatic,
            word if word.eq_ignore_ascii_case(NO_POOL_TAGS) => Self::None,
            path => Self::File(PathBuf::from(path)),
        }
    }
}

/// A list and its file.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The list.
    pub tags: Arc<PoolTags>,
}

/// Result of a search.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The list to use.
    pub found: Option<Found>,
    /// A sentence about each file that exists and cannot be used.
    pub problems: Vec<String>,
}

/// Finds the list. `trace`: path of the trace, if it is a file.
///
/// # Errors
/// A sentence if the selected file cannot be used.
pub fn find(choice: &PoolTagChoice, trace: Option<&Path>, machine: &SymbolEnvironment) -> Result<Search, String> {
    match choice {
        PoolTagChoice::None => Ok(Search::default()),
        PoolTagChoice::File(path) => Ok(Search { found: Some(read(path)?), problems: Vec::new() }),
        PoolTagChoice::Automatic => {
            let mut search = Search::default();
            for path in beside(trace).into_iter().chain(kit_paths(machine)).filter(|path| path.is_file()) {
                match read(&path) {
                    Ok(found) => {
                        search.found = Some(found);
                        break;
                    }
                    Err(problem) => search.problems.push(problem),
                }
            }
            Ok(search)
        }
    }
}

/// The file in the folder of the trace; its name is not case-sensitive.
#[must_use]
pub fn beside(trace: Option<&Path>) -> Option<PathBuf> {
    let file = TraceLocation::of(trace?).file;
    let folder = file.parent()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_it = |name: &OsStr| name.eq_ignore_ascii_case(NAME);
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.flatten().filter(|e| is_it(&e.file_name())).map(|e| e.path()).collect();
    names.sort();
    names.into_iter().next()
}

/// Paths of the file in Windows kits, newest kit first. Folders come from environment variables, which other systems do not have.
fn kit_paths(machine: &SymbolEnvironment) -> Vec<PathBuf> {
    let folder = |name: &str| {
        let value =
            machine.variables.iter().find(|variable| variable.0 == name).map(|variable| PathBuf::from(&variable.1));
        value.filter(|path| path.is_absolute())
    };
    let mut places = Vec::new();
    let mut add = |root: &Path, parts: &[&str]| {
        let path = parts.iter().fold(root.to_path_buf(), |path, part| path.join(part)).join(NAME);
        if !places.contains(&path) {
            places.push(path);
        }
    };
    for root in ["PROGRAMFILES(X86)", "PROGRAMFILES", "PROGRAMW6432"].into_iter().filter_map(folder) {
        for kit in ["10", "8.1", "8.0"] {
            for system in ["x64", "x86", "arm64", "arm"] {
                add(&root, &["Windows Kits", kit, "Debuggers", system, "triage"]);
            }
            for system in ["x64", "x86"] {
                add(&root, &["Windows Kits", kit, "Tools", "Other", system]);
            }
        }
        for tools in
            ["Debugging Tools for Windows (x64)", "Debugging Tools for Windows (x86)", "Debugging Tools for Windows"]
        {
            add(&root, &[tools, "triage"]);
        }
    }
    for root in ["WDKCONTENTROOT", "WINDOWSSDKDIR"].into_iter().filter_map(folder) {
        for system in ["x64", "x86", "arm64"] {
            add(&root, &["Debuggers", system, "triage"]);
            add(&root, &["Tools", "Other", system]);
        }
    }
    // Kits up to Windows 7 have a folder on the system drive.
    if let Some(drive) = folder("SYSTEMROOT").and_then(|system| system.parent().map(Path::to_path_buf)) {
        for system in ["amd64", "i386"] {
            add(&drive, &["WinDDK", "7600.16385.1", "tools", "Other", system]);
        }
    }
    places
}

/// Reads a list; the error is a sentence.
fn read(path: &Path) -> Result<Found, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("The tag list {shown} cannot be read: {error}.");
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{shown} is too large for a tag list."));
    }
    let tags = PoolTags::parse(&decoded(&bytes));
    if tags.is_empty() {
        return Err(format!("The tag list {shown} has no line of the form 'Tag - driver - description'."));
    }
    Ok(Found { path: path.to_path_buf(), tags: Arc::new(tags) })
}

/// Decodes UTF-8, or UTF-16 with a byte order mark.
fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => {
            let units = rest.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolscope_analysis::trace::attributes::Tag;

    const LIST: &str = "Leak - myfault.sys - Leaks\r\nFile - <unknown> - Files\r\n";

    /// An empty folder of this test.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("poolscope-pool-tags-{name}-{}", std::process::id()));
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn put(path: &Path, text: impl AsRef<[u8]>) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn machine(variables: &[(&str, &Path)]) -> SymbolEnvironment {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let variables = variables.iter().map(|(name, path)| ((*name).to_owned(), text(path))).collect();
        SymbolEnvironment { variables, ..SymbolEnvironment::default() }
    }

    #[test]
    fn the_folder_of_the_trace_precedes_the_kits() {
        let folder = scratch("order");
        let (kits, traces) = (folder.join("Program Files (x86)"), folder.join("traces"));
        let kit = |version: &str| {
            kits.join("Windows Kits").join(version).join("Debuggers").join("x64").join("triage").join(NAME)
        };
        put(&kit("8.1"), LIST);
        put(&traces.join("a.etl"), "");
        let here = machine(&[("PROGRAMFILES(X86)", &kits)]);
        let find = |machine: &SymbolEnvironment| {
            let search = find(&PoolTagChoice::Automatic, Some(&traces.join("a.etl")), machine).unwrap();
            (search.found.map(|found| found.path), search.problems)
        };
        assert_eq!(find(&here), (Some(kit("8.1")), vec![]));
        put(&kit("10"), LIST);
        assert_eq!(find(&here), (Some(kit("10")), vec![]));
        assert_eq!(find(&SymbolEnvironment::default()), (None, vec![]));
        put(&traces.join("PoolTag.TXT"), LIST);
        assert_eq!(find(&here), (Some(traces.join("PoolTag.TXT")), vec![]));
        // A file that is no list is reported and skipped.
        put(&traces.join("PoolTag.TXT"), "nothing");
        let (path, problems) = find(&here);
        assert_eq!((path, problems.len()), (Some(kit("10")), 1));
        assert!(problems[0].contains("has no line of the form"), "{problems:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn older_kits_are_found_and_relative_folders_are_ignored() {
        let folder = scratch("old");
        let place = folder.join("WinDDK").join("7600.16385.1").join("tools").join("Other").join("i386").join(NAME);
        put(&place, LIST);
        let windows = folder.join("Windows");
        let search = find(&PoolTagChoice::Automatic, None, &machine(&[("SYSTEMROOT", &windows)])).unwrap();
        assert_eq!(search.found.map(|found| found.path), Some(place));
        assert_eq!(kit_paths(&machine(&[("PROGRAMFILES", Path::new("files"))])), Vec::<PathBuf>::new());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_selected_file_is_used_or_an_error() {
        let folder = scratch("chosen");
        let (list, wide) = (folder.join("my.txt"), folder.join("wide.txt"));
        put(&list, LIST);
        let units: Vec<u8> = LIST.encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(&wide, [&[0xff, 0xfe], units.as_slice()].concat());
        for path in [&list, &wide] {
            let choice = PoolTagChoice::from_text(path.to_str().unwrap());
            let found = find(&choice, None, &SymbolEnvironment::default()).unwrap().found.unwrap();
            assert_eq!(found.tags.get(Tag(*b"Leak")).unwrap().binary, "myfault.sys");
        }
        let error =
            find(&PoolTagChoice::File(folder.join("gone.txt")), None, &SymbolEnvironment::default()).unwrap_err();
        assert!(error.contains("gone.txt cannot be read"), "{error}");
        assert!(find(&PoolTagChoice::File(folder.clone()), None, &SymbolEnvironment::default()).is_err());
        put(&folder.join(NAME), LIST);
        assert!(
            find(&PoolTagChoice::None, Some(&folder.join("a.etl")), &SymbolEnvironment::default())
                .unwrap()
                .found
                .is_none()
        );
        assert_eq!(PoolTagChoice::from_text(" None "), PoolTagChoice::None);
        assert_eq!(PoolTagChoice::from_text(""), PoolTagChoice::Automatic);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
