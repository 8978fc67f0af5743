//! Members of 7-Zip archives. The only user of the `sevenz-rust2` crate. A solid archive is decoded from the beginning of the block
//! that holds the member.

use crate::content::PackedReader;
use crate::error::ArchiveError;
use crate::kind::ArchiveKind;
use crate::limits::{DECODER_MEMORY_KIB, MAX_MEMBERS};
use crate::member::{Member, MemberProblem};
use crate::streams::{Decoded, Take, clause, drain};
use poolscope_base::progress::CancelToken;
use sevenz_rust2::{BlockDecoder, Error, Password};
use std::io;

/// Attribute of a symbolic link: the Unix mode is in the upper half if this bit is set.
const UNIX_MODE: u32 = 0x8000;
/// Type bits of a Unix mode.
const TYPE_MASK: u32 = 0o170_000;
/// Type bits of a link.
const TYPE_LINK: u32 = 0o120_000;

/// Table of contents.
#[derive(Debug)]
pub(crate) struct SevenZipTable(sevenz_rust2::Archive);

/// Reads the table of contents, and the members with their positions in it.
pub(crate) fn read_table(
    from: &mut PackedReader<'_>,
    name: &str,
) -> Result<(Vec<(Member, usize)>, SevenZipTable), ArchiveError> {
    let table = sevenz_rust2::Archive::read_with_memory_limit(from, &Password::empty(), DECODER_MEMORY_KIB as usize)
        .map_err(|error| table_error(&error, name))?;
    if table.files.len() > MAX_MEMBERS {
        let problem = format!("it has {} members, more than {MAX_MEMBERS}", table.files.len());
        return Err(unreadable(name, problem));
    }
    let mut members = Vec::new();
    for (index, file) in table.files.iter().enumerate() {
        let is_link =
            file.windows_attributes & UNIX_MODE != 0 && (file.windows_attributes >> 16) & TYPE_MASK == TYPE_LINK;
        if file.is_directory || file.is_anti_item || is_link {
            continue;
        }
        let problem = table.is_file_encrypted(index).then_some(MemberProblem::Encrypted);
        members.push((Member::new(&file.name, Some(file.size), problem), index));
    }
    Ok((members, SevenZipTable(table)))
}

fn unreadable(name: &str, problem: String) -> ArchiveError {
    ArchiveError::Unreadable { name: name.to_owned(), kind: ArchiveKind::SevenZip.name(), problem }
}

fn table_error(error: &Error, name: &str) -> ArchiveError {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => ArchiveError::EncryptedTable { name: name.to_owned() },
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => {
            ArchiveError::EncryptedTable { name: name.to_owned() }
        }
        Error::Io(error, _) if error.kind() == io::ErrorKind::UnexpectedEof => unreadable(name, cut_off()),
        Error::NextHeaderCrcMismatch => unreadable(name, cut_off()),
        // The header at the end of the file is out of the file's range.
        Error::Other(text) if text.contains("out of range") => unreadable(name, cut_off()),
        Error::Other(text) => unreadable(name, text.clone().into_owned()),
        other => unreadable(name, other.to_string()),
    }
}

fn cut_off() -> String {
    "its table of contents, at the end of the file, is missing: the copy did not finish".to_owned()
}

/// Decodes the member at a position of the table.
pub(crate) fn decode(
    from: &mut PackedReader<'_>,
    archive: &str,
    (table, index): (&SevenZipTable, usize),
    cancel: &CancelToken,
    take: &mut Take<'_>,
) -> Result<Decoded, ArchiveError> {
    let SevenZipTable(table) = table;
    let Some(file) = table.files.get(index).filter(|file| file.has_stream) else { return Ok(Decoded::Whole) };
    let password = Password::empty();
    let memory = DECODER_MEMORY_KIB as usize;
    for block in 0..table.blocks.len() {
        let decoder = BlockDecoder::new_with_memory_limit(1, memory, block, table, &password, from);
        // The files of a block are a part of the list of all files.
        let Some(position) = decoder.entries().iter().position(|entry| std::ptr::eq(entry, file)) else { continue };
        let mut outcome = Ok(Decoded::Whole);
        let mut at = 0;
        let ended = decoder.for_each_entries(&mut |_, content| {
            let is_wanted = at == position;
            at += 1;
            if is_wanted {
                outcome = drain(content, cancel, take);
            }
            cancel.check().map_err(|cancelled| Error::from(io::Error::other(cancelled)))?;
            Ok(!is_wanted)
        });
        cancel.check()?;
        return match (outcome, ended) {
            (Ok(Decoded::Whole), Err(error)) => block_error(error, archive, &file.name),
            (outcome, _) => outcome,
        };
    }
    Ok(Decoded::Damaged("the table of contents does not say where it is".to_owned()))
}

fn block_error(error: Error, archive: &str, member: &str) -> Result<Decoded, ArchiveError> {
    let refused = |problem| {
        let member = Member::new(member, None, None).name;
        Err(ArchiveError::Refused { archive: archive.to_owned(), member, problem })
    };
    match error {
        Error::PasswordRequired => refused(MemberProblem::Encrypted),
        Error::UnsupportedCompressionMethod(method) => refused(MemberProblem::Method(method)),
        Error::Io(error, _) => Ok(Decoded::Damaged(clause(&error))),
        Error::ChecksumVerificationFailed => Ok(Decoded::Damaged("its checksum does not match".to_owned())),
        Error::MaxMemLimited { .. } => Ok(Decoded::Damaged("it asks for a dictionary of more than 1 GiB".to_owned())),
        other => Ok(Decoded::Damaged(format!("its compressed data is damaged ({other})"))),
    }
}
