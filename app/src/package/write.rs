//! Writes a package.

use super::{
    ENDING, FORMAT, MANIFEST, Manifest, NAMES, PackageView, PackedModule, PackedPdb, TRACE_FOLDER, VERSION, VIEW,
};
use crate::sample;
use crate::trace_location::{parts_of, split_by_name};
use crate::trace_opening::open_file;
use crate::trace_parts;
use poolscope_archive::kind::is_named_like_an_archive;
use poolscope_archive::{Control, ZipPacker};
use poolscope_base::file_reader::FileReader;
use poolscope_base::progress::Stage;
use poolscope_symbols::identity::{ModuleIdentity, base_name};
use poolscope_symbols::names::ModuleNames;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

/// Bytes of a trace that are packed at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Longest name of a trace in a package, in characters.
const NAME_MAX: usize = 120;

/// Trace of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PackageSource {
    /// The built-in sample.
    Sample,
    /// Locations of the files of a recording; an archive stands for all of its traces.
    Locations(Vec<PathBuf>),
}

/// Content of a package.
#[derive(Clone, PartialEq, Debug)]
pub struct PackageContent {
    /// The trace.
    pub source: PackageSource,
    /// Note and view.
    pub view: PackageView,
    /// Names of modules.
    pub names: Vec<PackedModule>,
}

/// Figures of a written package.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PackageReport {
    /// Number of files of the trace.
    pub files: u64,
    /// Their size in bytes.
    pub trace_bytes: u64,
}

/// Names of a module for a package; `None` if it has none.
#[must_use]
pub fn packed_module(module: &ModuleIdentity, names: &ModuleNames, are_exports: bool) -> Option<PackedModule> {
    if names.named_count() == 0 {
        return None;
    }
    let pdb = module.pdb.as_ref().map(|pdb| PackedPdb {
        file_name: pdb.file_name.clone(),
        guid: pdb.guid.to_string(),
        age: pdb.age,
    });
    let names = names.iter().map(|(rva, symbol)| (rva, symbol.cloned())).collect();
    Some(PackedModule { module: module.name.clone(), pdb, image: module.image.clone(), are_exports, names })
}

/// Writes a package to `out`. Counts the bytes of the trace as progress.
///
/// # Errors
/// The trace cannot be read, the output cannot be written, or the work was canceled.
pub fn write<W: Write + Seek>(content: &PackageContent, out: W, control: Control<'_>) -> anyhow::Result<PackageReport> {
    let locations = locations(&content.source, control)?;
    let mut readers = Vec::with_capacity(locations.len());
    for location in &locations {
        readers.push(reader(location.as_deref(), control)?);
    }
    let names = member_names(&locations);
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: format!("poolscope {}", env!("CARGO_PKG_VERSION")),
        traces: names.clone(),
    };
    let mut packer = ZipPacker::new(out);
    packer.begin(MANIFEST)?;
    serde_json::to_writer_pretty(&mut packer, &manifest)?;
    packer.begin(VIEW)?;
    serde_json::to_writer_pretty(&mut packer, &content.view)?;
    packer.begin(NAMES)?;
    serde_json::to_writer(&mut packer, &content.names)?;
    let trace_bytes = readers.iter().map(FileReader::len).sum();
    control.progress.begin(Stage::Packing, trace_bytes);
    for (reader, name) in readers.iter().zip(&names) {
        packer.begin(name)?;
        copy(reader, &mut packer, control)?;
    }
    packer.finish()?.flush()?;
    Ok(PackageReport { files: readers.len() as u64, trace_bytes })
}

/// Location of each file of the trace; `None` for the sample.
fn locations(source: &PackageSource, control: Control<'_>) -> anyhow::Result<Vec<Option<PathBuf>>> {
    let given = match source {
        PackageSource::Sample => return Ok(vec![None]),
        PackageSource::Locations(given) => given,
    };
    let paths: Vec<PathBuf> = given.iter().flat_map(|path| parts_of(path)).collect();
    // What is not one recording is refused here.
    let opened = trace_parts::open(&paths, control, &mut Vec::new())?;
    Ok(opened.locations.into_iter().map(Some).collect())
}

/// The bytes of a file of the trace, unpacked.
fn reader(location: Option<&Path>, control: Control<'_>) -> anyhow::Result<FileReader> {
    match location {
        None => Ok(FileReader::from_bytes(sample::TRACE)),
        Some(location) => Ok(open_file(location, control, &mut Vec::new())?.into_reader()),
    }
}

fn copy(reader: &FileReader, out: &mut impl Write, control: Control<'_>) -> anyhow::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < reader.len() {
        control.cancel.check()?;
        let bytes = usize::try_from(reader.len() - at).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES));
        let chunk = &mut chunk[..bytes];
        reader.read_at(at, chunk)?;
        out.write_all(chunk)?;
        control.progress.advance(bytes as u64, 0);
        at += bytes as u64;
    }
    Ok(())
}

/// Names of the members for the files of a trace: each once, without folders, ending with `.etl`.
fn member_names(locations: &[Option<PathBuf>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(locations.len());
    for location in locations {
        let stem = match location {
            None => sample::NAME.trim_end_matches(".etl").to_owned(),
            Some(location) => stem_of(location),
        };
        let name = |number: usize| {
            let suffix = if number == 1 { String::new() } else { format!(" ({number})") };
            format!("{TRACE_FOLDER}{stem}{suffix}.etl")
        };
        let free = (1..).map(name).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

/// File name of a trace without endings, as a name that is valid everywhere.
fn stem_of(location: &Path) -> String {
    let (file, member) = split_by_name(location);
    let on_disk = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let inner = member.map(|member| base_name(member.rsplit('#').next().unwrap_or(member)).to_owned());
    let mut name = inner.or(on_disk).unwrap_or_default();
    while let Some((stem, ending)) = name.rsplit_once('.') {
        let is_of_format =
            ["etl", ENDING].iter().any(|own| ending.eq_ignore_ascii_case(own)) || is_named_like_an_archive(&name);
        if !is_of_format {
            break;
        }
        name = stem.to_owned();
    }
    let harmless = |c: char| if c.is_control() || "\\/:*?\"<>|#".contains(c) { '_' } else { c };
    let name: String = name.chars().take(NAME_MAX).map(harmless).collect();
    if name.trim_matches(['.', ' ']).is_empty() { "trace".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_keep_their_names() {
        let at = |path: &str| Some(PathBuf::from(path));
        let names = |locations: &[Option<PathBuf>]| member_names(locations);
        assert_eq!(names(&[None]), ["trace/sample.etl"]);
        assert_eq!(
            names(&[at("/a/srv07.etl"), at("/b/srv07.etl"), at("/a/all.zip#x/k#1.etl.gz"), at("/a/..")]),
            ["trace/srv07.etl", "trace/srv07 (2).etl", "trace/1.etl", "trace/trace.etl"]
        );
    }
}
