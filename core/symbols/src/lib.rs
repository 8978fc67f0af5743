//! Function names from PDBs: symbol path, stores, servers, caches. Knows no trace.
//!
//! The input is the identity of a module and the addresses in it; the output is one [`names::AddressSymbol`] per address. The
//! crate reads neither the clock nor the environment: the caller passes both in. Names are only taken from a file whose
//! identity (GUID and age, or time stamp and size) matches.
//!
//! | module | content |
//! | --- | --- |
//! | [`resolve`] | entry point: names of many modules, in parallel, with progress |
//! | [`identity`] | what identifies a PDB and an image, and their keys in symbol stores |
//! | [`path`] | symbol paths in the debuggers' notation |
//! | [`locate`] | finds a file along a symbol path: stores, caches, servers |
//! | [`pdb_file`] | reads a PDB: identity, functions, lines, inlined functions |
//! | [`image`] | reads a PE image: identity, PDB record, exports |
//! | [`undecorate`] | C++, Rust and C names without decoration |
//! | [`names`] | the result: function, offset, source line, inlined functions by address |
//! | [`name_cache`] | results stored on disk per PDB |

pub mod identity;
pub mod image;
pub mod locate;
pub mod name_cache;
pub mod names;
pub mod path;
pub mod pdb_file;
pub mod resolve;
pub mod undecorate;
