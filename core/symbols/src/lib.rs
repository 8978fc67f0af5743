//! Function names from PDBs: symbol path, stores, servers, caches. Knows no trace.
//!
//! The input is the identity of a module and the addresses in it; the output is one [`names::AddressSymbol`] per address. Names
//! are only taken from a file whose identity (GUID and age, or time stamp and size) matches.
//!
//! The caller passes in the time and what the crate needs of the environment. One exception: without a configured proxy, the HTTP
//! client reads the usual proxy variables (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
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
