//! Symbols: from the identity of an image to the functions in it. Finds the PDB along a symbol path, checks that it is the
//! right one, and looks up the addresses that somebody asks for. It knows no trace, reads no clock and no environment:
//! what it needs of those is handed to it. It must never take a name from a file whose identity does not fit.

pub mod identity;
pub mod image;
pub mod locate;
pub mod name_cache;
pub mod names;
pub mod path;
pub mod pdb_file;
pub mod resolve;
mod search;
pub mod undecorate;
