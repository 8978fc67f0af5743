//! Whose tag it is: what the stacks say, what the user's `pooltag.txt` says, and in which driver files the tag stands, each with
//! how sure it is and why. It reads no file itself.

use super::Suspect;
use crate::column::pooltag::PoolTags;

/// Where a claim comes from.
#[derive(Clone, PartialEq, Debug)]
pub enum Source {
    /// The stacks of the survivors lead through the driver.
    Stack {
        /// Share of the survivors' bytes, 0 to 1.
        share: f64,
    },
    /// `pooltag.txt` names the file.
    PoolTag {
        /// What it says about the tag.
        description: String,
    },
    /// The tag stands in the driver's file.
    File {
        /// How often.
        places: u64,
        /// How many of the files that were looked at have it.
        of_files: u64,
    },
}

/// A driver that may own a tag.
#[derive(Clone, PartialEq, Debug)]
pub struct Claim {
    /// File name of the driver.
    pub driver: String,
    /// Why.
    pub source: Source,
    /// How sure, 0 to 1.
    pub confidence: f64,
}

/// In which driver files of a folder which tags stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScannedDrivers {
    /// By file: its name, and the tags found in it with how often.
    pub files: Vec<(String, Vec<([u8; 4], u64)>)>,
}

/// What else is known about tags.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'h> {
    /// The user's `pooltag.txt`.
    pub pool_tags: Option<&'h PoolTags>,
    /// Driver files that were looked through.
    pub scanned: Option<&'h ScannedDrivers>,
}

/// The drivers that may own a suspect, the surest first.
#[must_use]
pub fn claims(suspect: &Suspect, _hints: Hints<'_>) -> Vec<Claim> {
    let named = !suspect.driver.is_empty();
    let claim =
        Claim { driver: suspect.driver.clone(), source: Source::Stack { share: suspect.stack_share }, confidence: 0.9 };
    named.then_some(claim).into_iter().collect()
}
