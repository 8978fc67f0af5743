//! The built-in sample trace: the classic story of a pool leak, made up, with look-alike modules whose PDBs are ours and
//! built in too. It must never touch the disk: it is part of the program.

use poolscope_core::symbol::identity::PdbIdentity;

/// The bytes of the sample trace, written by `poolscope synth --sample`.
pub const TRACE: &[u8] = include_bytes!("../../assets/sample/sample.etl");

/// The look-alike modules of the sample, described by `assets/sample/build.sh`.
pub const MODULES: &str = include_str!("../../assets/sample/modules.json");

/// Its name in titles and reports.
pub const NAME: &str = "sample.etl";

/// A PDB of the sample's symbol store: its name, the name of its folder, its bytes.
macro_rules! pdb {
    ($name:literal, $key:literal) => {
        ($name, $key, include_bytes!(concat!("../../assets/sample/symbols/", $name, "/", $key, "/", $name)))
    };
}

/// All PDBs of the sample.
const PDBS: &[(&str, &str, &[u8])] = &[
    pdb!("afd.pdb", "966FFA0039120AD74C4C44205044422E1"),
    pdb!("explorer.pdb", "3E6F7073E8DA7F6E4C4C44205044422E1"),
    pdb!("fltMgr.pdb", "482A25F921B421804C4C44205044422E1"),
    pdb!("hal.pdb", "152BE3740ADDA0CA4C4C44205044422E1"),
    pdb!("kernel32.pdb", "E61769D59509B38F4C4C44205044422E1"),
    pdb!("kernelbase.pdb", "9DEF5D4E39D6F0C74C4C44205044422E1"),
    pdb!("MsMpEng.pdb", "ACBDE3F84CE928094C4C44205044422E1"),
    pdb!("myfault.pdb", "101BB3234051076B4C4C44205044422E1"),
    pdb!("netio.pdb", "F72D1D978BCB901B4C4C44205044422E1"),
    pdb!("NotMyfault.pdb", "B8BB9E09CD3630124C4C44205044422E1"),
    pdb!("ntdll.pdb", "A7FFF7F5452BE5604C4C44205044422E1"),
    pdb!("ntfs.pdb", "0184799EEE2D16F24C4C44205044422E1"),
    pdb!("ntkrnlmp.pdb", "28B4AFA61162E95B4C4C44205044422E1"),
    pdb!("svchost.pdb", "1B8174F8A6BFCB6E4C4C44205044422E1"),
    pdb!("tcpip.pdb", "98AB8A6CB05504294C4C44205044422E1"),
    pdb!("user32.pdb", "0DA14FD513D511814C4C44205044422E1"),
    pdb!("win32kfull.pdb", "84EBE87026AF61D44C4C44205044422E1"),
];

/// The PDB of a module of the sample, by its identity; `None` for any other.
#[must_use]
pub fn pdb(identity: &PdbIdentity) -> Option<&'static [u8]> {
    let (name, key) = (identity.file_name.as_str(), identity.store_key());
    let found = PDBS.iter().find(|pdb| pdb.1.eq_ignore_ascii_case(&key) && pdb.0.eq_ignore_ascii_case(name));
    found.map(|pdb| pdb.2)
}
