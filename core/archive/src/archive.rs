//! An archive: its members, the beginning of one, and the whole of one.

use crate::cabinet;
use crate::content::{Content, PackedReader};
use crate::error::ArchiveError;
use crate::kind::ArchiveKind;
use crate::limits::UnpackLimits;
use crate::member::Member;
use crate::seven_zip::{self, SevenZipTable};
use crate::sink::{Sink, SinkSubject};
use crate::streams::{self, Decoded, Take, clause};
use crate::zip_table::{self, ZipEntry};
use poolscope_base::progress::{CancelToken, Progress, Stage};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Progress and cancellation of work on an archive.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    /// Counts the packed bytes read.
    pub progress: &'a Progress,
    /// Cancels the work.
    pub cancel: &'a CancelToken,
}

/// Content of a member.
#[derive(Debug)]
pub struct Unpacked {
    /// The bytes.
    pub content: Content,
    /// A clause on what is missing, if the archive is damaged or cut off; the content is then the part before the damage.
    pub damage: Option<String>,
}

/// An open archive, whose table of contents was read.
#[derive(Debug)]
pub struct Archive {
    content: Content,
    name: String,
    kind: ArchiveKind,
    members: Vec<Member>,
    places: Places,
    table_damage: Option<String>,
}

/// Places of the members, in the same order.
#[derive(Debug)]
enum Places {
    /// The one member is the whole file.
    Stream,
    Zip(Vec<ZipEntry>),
    Cabinet,
    SevenZip(Box<SevenZipTable>, Vec<usize>),
}

/// Message of a panic of a decoder.
const PANICKED: &str = "its compressed data is damaged";

impl Archive {
    /// Opens an archive. `name` is its name in messages, and that of its content, without the ending, if it holds one stream.
    ///
    /// # Errors
    /// The file cannot be read, is no archive, or its table of contents is damaged or encrypted.
    pub fn open(content: Content, name: &str, control: Control<'_>) -> Result<Self, ArchiveError> {
        let io = |reason| ArchiveError::Io { name: name.to_owned(), reason };
        let head = content.head(ArchiveKind::HEAD_BYTES).map_err(io)?;
        let kind = ArchiveKind::recognize(&head).ok_or_else(|| {
            io(io::Error::new(io::ErrorKind::InvalidData, "it is not an archive of a supported format"))
        })?;
        let mut archive = Self {
            content,
            name: name.to_owned(),
            kind,
            members: Vec::new(),
            places: Places::Stream,
            table_damage: None,
        };
        // Panics of decoders on hostile tables of contents.
        let read = catch_unwind(AssertUnwindSafe(|| archive.read_table(control)));
        control.cancel.check()?;
        read.unwrap_or_else(|_| Err(archive.unreadable("its table of contents is damaged".to_owned())))?;
        Ok(archive)
    }

    fn read_table(&mut self, control: Control<'_>) -> Result<(), ArchiveError> {
        let io = |reason| ArchiveError::Io { name: self.name.clone(), reason };
        if self.kind.is_single_stream() {
            self.members = vec![Member::new(&stream_name(&self.name), None, None)];
            return Ok(());
        }
        let mut reader = self.content.reader(control.progress, control.cancel).map_err(io)?;
        match self.kind {
            ArchiveKind::Cabinet => {
                let table = cabinet::Table::read(&mut reader).map_err(|error| self.unreadable(error.to_string()))?;
                self.members = table.members();
                if self.members.iter().all(|member| member.problem.is_none()) {
                    table.check().map_err(|error| self.unreadable(error.to_string()))?;
                }
                self.places = Places::Cabinet;
            }
            ArchiveKind::SevenZip => {
                let (members, table) = seven_zip::read_table(&mut reader, &self.name)?;
                let (members, indexes) = members.into_iter().unzip();
                self.members = members;
                self.places = Places::SevenZip(Box::new(table), indexes);
            }
            _ => {
                let (members, damage) = zip_table::read_table(&mut reader, &self.name)?;
                let (members, places) = members.into_iter().unzip();
                (self.members, self.places, self.table_damage) = (members, Places::Zip(places), damage);
            }
        }
        Ok(())
    }

    fn unreadable(&self, problem: String) -> ArchiveError {
        ArchiveError::Unreadable { name: self.name.clone(), kind: self.kind.name(), problem }
    }

    /// Name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Format.
    #[must_use]
    pub const fn kind(&self) -> ArchiveKind {
        self.kind
    }

    /// Files in the archive, in its order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns `true` if the beginning of any member can be read without unpacking those before it.
    #[must_use]
    pub const fn has_direct_access(&self) -> bool {
        self.kind.has_direct_access()
    }

    /// Returns the first bytes of a member, fewer if there are no more or the rest is damaged.
    ///
    /// # Errors
    /// The member is refused, or the work was cancelled.
    pub fn head(&self, member: usize, bytes: usize, control: Control<'_>) -> Result<Vec<u8>, ArchiveError> {
        let mut head = Vec::with_capacity(bytes);
        self.decode(member, control, &mut |chunk| {
            let missing = bytes - head.len();
            head.extend_from_slice(chunk.get(..missing).unwrap_or(chunk));
            Ok(head.len() < bytes)
        })?;
        Ok(head)
    }

    /// Unpacks a member into memory or a temporary file.
    ///
    /// # Errors
    /// The member is refused or too large, nothing of it can be unpacked, the temporary file cannot be written, or the work was
    /// cancelled.
    pub fn unpack(&self, member: usize, limits: &UnpackLimits, control: Control<'_>) -> Result<Unpacked, ArchiveError> {
        let packed_bytes = self.packed_bytes(member)?;
        control.progress.begin(Stage::Unpacking, packed_bytes);
        let about = self.members.get(member);
        let subject = SinkSubject {
            archive: &self.name,
            member: about.map_or("", |member| &member.name),
            packed_bytes,
            declared_bytes: about.and_then(|member| member.bytes),
        };
        let mut sink = Sink::new(subject, limits)?;
        let decoded = self.decode(member, control, &mut |chunk| sink.push(chunk).map(|()| true))?;
        let damage = match decoded {
            Decoded::Damaged(problem) if sink.written() == 0 => return Err(self.damaged(member, problem)),
            Decoded::Damaged(problem) => Some(problem),
            Decoded::Whole | Decoded::Stopped => self.table_damage.clone(),
        };
        Ok(Unpacked { content: sink.into_content(), damage })
    }

    fn damaged(&self, member: usize, problem: String) -> ArchiveError {
        let member = self.members.get(member).map_or_else(String::new, |member| member.name.clone());
        ArchiveError::Damaged { archive: self.name.clone(), kind: self.kind.name(), member, problem }
    }

    /// Bytes of the file that hold the member; those of a block or of the whole file where members are packed together.
    fn packed_bytes(&self, member: usize) -> Result<u64, ArchiveError> {
        let of_file = self.content.bytes().map_err(|reason| ArchiveError::Io { name: self.name.clone(), reason })?;
        Ok(match &self.places {
            Places::Zip(places) => {
                let of_member = places.get(member).and_then(|place| place.packed_bytes);
                of_member.unwrap_or(of_file).min(of_file)
            }
            _ => of_file,
        })
    }

    fn decode(&self, member: usize, control: Control<'_>, take: &mut Take<'_>) -> Result<Decoded, ArchiveError> {
        let Some(about) = self.members.get(member) else { return Ok(Decoded::Whole) };
        if let Some(problem) = about.problem.clone() {
            return Err(ArchiveError::Refused { archive: self.name.clone(), member: about.name.clone(), problem });
        }
        let reader = self.content.reader(control.progress, control.cancel);
        let mut reader = reader.map_err(|reason| ArchiveError::Io { name: self.name.clone(), reason })?;
        // Panics of decoders on hostile data: what was decoded before is used.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.decode_from(&mut reader, member, about, control, take)));
        control.cancel.check()?;
        decoded.unwrap_or_else(|_| Ok(Decoded::Damaged(PANICKED.to_owned())))
    }

    fn decode_from(
        &self,
        reader: &mut PackedReader<'_>,
        member: usize,
        about: &Member,
        control: Control<'_>,
        take: &mut Take<'_>,
    ) -> Result<Decoded, ArchiveError> {
        match &self.places {
            Places::Stream => streams::decode_file(self.kind, reader, control.cancel, take),
            Places::Zip(places) => match places.get(member) {
                Some(place) => zip_table::decode(reader, &self.name, (about, place), control.cancel, take),
                None => Ok(Decoded::Whole),
            },
            Places::SevenZip(table, indexes) => match indexes.get(member) {
                Some(&index) => seven_zip::decode(reader, &self.name, (table, index), control.cancel, take),
                None => Ok(Decoded::Whole),
            },
            Places::Cabinet => {
                let mut stopped = Ok(Decoded::Whole);
                let ended = cabinet::decode(reader, member, &mut |chunk| {
                    control.cancel.check().map_err(io::Error::other)?;
                    match take(chunk) {
                        Ok(true) => return Ok(true),
                        Ok(false) => stopped = Ok(Decoded::Stopped),
                        Err(error) => stopped = Err(error),
                    }
                    Ok(false)
                });
                match ended {
                    Err(error) => Ok(Decoded::Damaged(clause(&error))),
                    Ok(()) => stopped,
                }
            }
        }
    }
}

/// Name of the content of a single stream: that of the file without the last ending, and without folders.
fn stream_name(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match name.rsplit_once('.') {
        Some((stem, ending)) if ArchiveKind::ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)) => {
            stem.to_owned()
        }
        _ => name.to_owned(),
    }
}
