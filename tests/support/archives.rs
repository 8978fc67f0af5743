//! Archives for tests: by tools that share no code with the reader, and ZIP archives written byte by byte, so that they can lie.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A member of a ZIP archive as it is written.
#[derive(Clone, Debug)]
pub struct ZipMember {
    /// Name as stored.
    pub name: String,
    /// Number of the method.
    pub method: u16,
    /// Flags of both headers.
    pub flags: u16,
    /// Packed bytes.
    pub packed: Vec<u8>,
    /// Declared unpacked size.
    pub bytes: u32,
    /// Declared checksum.
    pub crc: u32,
}

impl ZipMember {
    /// A deflated member.
    #[must_use]
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).expect("memory takes all");
        Self { method: 8, packed: encoder.finish().expect("memory takes all"), ..Self::stored(name, content) }
    }

    /// A member that is not compressed.
    #[must_use]
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let bytes = u32::try_from(content.len()).expect("a small member");
        Self { name: name.to_owned(), method: 0, flags: 0, packed: content.to_vec(), bytes, crc: crc.sum() }
    }

    /// Fields that both headers have: flags to the length of the name.
    fn common(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.method.to_le_bytes());
        // Midnight of 2020-01-01.
        out.extend_from_slice(&[0, 0, 0x21, 0x50]);
        let packed = u32::try_from(self.packed.len()).expect("a small member");
        for word in [self.crc, packed, self.bytes] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let length = u16::try_from(self.name.len()).expect("a short name");
        out.extend_from_slice(&length.to_le_bytes());
        out
    }
}

/// Writes a ZIP archive (APPNOTE.TXT 4.3).
#[must_use]
pub fn zip(members: &[ZipMember]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let offset = u32::try_from(out.len()).expect("a small archive");
        out.extend_from_slice(b"PK\x03\x04\x14\0");
        out.extend_from_slice(&member.common());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(member.name.as_bytes());
        out.extend_from_slice(&member.packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\0\x14\0");
        directory.extend_from_slice(&member.common());
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(member.name.as_bytes());
    }
    let start = u32::try_from(out.len()).expect("a small archive");
    let length = u32::try_from(directory.len()).expect("a small archive");
    let count = u16::try_from(members.len()).expect("few members").to_le_bytes();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

/// Writes a gzip file.
#[must_use]
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// Writes a cabinet.
#[must_use]
pub fn cabinet(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    let folder = builder.add_folder(cab::CompressionType::MsZip);
    for (name, _) in files {
        folder.add_file(*name);
    }
    let mut writer = builder.build(std::io::Cursor::new(Vec::new())).expect("memory takes all");
    let mut contents = files.iter();
    while let Some(mut file) = writer.next_file().expect("memory takes all") {
        file.write_all(contents.next().expect("as many files").1).expect("memory takes all");
    }
    writer.finish().expect("memory takes all").into_inner()
}

/// Runs a tool in a folder; `None`, said on standard error, where it is not installed.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn run_tool(folder: &Path, tools: &[&str], arguments: &[&str]) -> Option<()> {
    for tool in tools {
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        if let Ok(output) = command.output() {
            assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            return Some(());
        }
    }
    crate::skipped(&format!("{} is not installed", tools.join(" or ")));
    None
}

/// Packs `trace.etl` in a folder by other programs; the archives that could be made.
#[must_use]
pub fn pack_with_tools(folder: &Path) -> Vec<PathBuf> {
    const PYTHON: &str = "import zipfile, gzip, lzma; data = open('trace.etl', 'rb').read(); \
        gzip.open('trace.etl.gz', 'wb').write(data); lzma.open('trace.etl.xz', 'wb').write(data); \
        z = zipfile.ZipFile('trace.zip', 'w', zipfile.ZIP_DEFLATED); z.write('trace.etl', 'in/trace.etl'); z.close(); \
        z = zipfile.ZipFile('lzma.wpapk', 'w', zipfile.ZIP_LZMA); z.write('trace.etl'); z.close()";
    let seven_zip = ["7zz", "7z", "7za"];
    let made = [
        (run_tool(folder, &["python3", "python"], &["-c", PYTHON]), "trace.etl.gz trace.etl.xz trace.zip lzma.wpapk"),
        (run_tool(folder, &["zstd"], &["-q", "-k", "trace.etl"]), "trace.etl.zst"),
        (run_tool(folder, &seven_zip, &["a", "-bd", "trace.7z", "trace.etl"]), "trace.7z"),
        (run_tool(folder, &seven_zip, &["a", "-bd", "-mm=Deflate64", "large.zip", "trace.etl"]), "large.zip"),
        (run_tool(folder, &["gcab"], &["-c", "-z", "trace.cab", "trace.etl"]), "trace.cab"),
    ];
    let names = made.iter().filter(|(done, _)| done.is_some()).flat_map(|(_, names)| names.split(' '));
    names.map(|name| folder.join(name)).collect()
}
