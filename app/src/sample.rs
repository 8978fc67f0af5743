//! The built-in sample trace: a synthetic pool leak of NotMyfault, with synthetic modules and PDBs. All of it is embedded in the
//! program.

use poolscope_symbols::identity::PdbIdentity;

/// The bytes of the sample trace, written by `poolscope synth --sample`.
pub const TRACE: &[u8] = include_bytes!("../../assets/sample/sample.etl");

/// The synthetic modules of the sample, built by `assets/sample/build.sh`.
pub const MODULES: &str = include_str!("../../assets/sample/modules.json");

/// Name of the sample in titles and reports.
pub const NAME: &str = "sample.etl";

/// A PDB of the sample's symbol store: file name, folder name, content.
macro_rules! pdb {
    ($name:literal, $key:literal) => {
        ($name, $key, include_bytes!(concat!("../../assets/sample/symbols/", $name, "/", $key, "/", $name)))
    };
}

/// All PDBs of the sample.
const PDBS: &[(&str, &str, &[u8])] = &[
    pdb!("afd.pdb", "80452CF3A8D492B44C4C44205044422E1"),
    pdb!("explorer.pdb", "8BBF5BDB66F403164C4C44205044422E1"),
    pdb!("fltMgr.pdb", "391A8BBB5BCE71574C4C44205044422E1"),
    pdb!("hal.pdb", "83BC4D6543B94EE84C4C44205044422E1"),
    pdb!("kernel32.pdb", "661A715B163A8BE74C4C44205044422E1"),
    pdb!("kernelbase.pdb", "CB5BF3B2011986684C4C44205044422E1"),
    pdb!("MsMpEng.pdb", "6A9AB5126A5BBB294C4C44205044422E1"),
    pdb!("myfault.pdb", "6CD8F1AA4D0D08C84C4C44205044422E1"),
    pdb!("netio.pdb", "83B7223913A257C44C4C44205044422E1"),
    pdb!("NotMyfault.pdb", "E76CC65DE9A654944C4C44205044422E1"),
    pdb!("ntdll.pdb", "9E74A3EB78F43F4A4C4C44205044422E1"),
    pdb!("ntfs.pdb", "C0A0FDCAC0E4B5294C4C44205044422E1"),
    pdb!("ntkrnlmp.pdb", "4BC3EF880878AFF14C4C44205044422E1"),
    pdb!("svchost.pdb", "E89272BBD873B3964C4C44205044422E1"),
    pdb!("tcpip.pdb", "6E5C3C89E9D2D02F4C4C44205044422E1"),
    pdb!("user32.pdb", "E8BF2CC41274F2834C4C44205044422E1"),
    pdb!("win32kfull.pdb", "24AA52913389D6DE4C4C44205044422E1"),
];

/// The PDB of a sample module with this identity; `None` for other modules.
#[must_use]
pub fn pdb(identity: &PdbIdentity) -> Option<&'static [u8]> {
    let (name, key) = (identity.file_name.as_str(), identity.store_key());
    let found = PDBS.iter().find(|pdb| pdb.1.eq_ignore_ascii_case(&key) && pdb.0.eq_ignore_ascii_case(name));
    found.map(|pdb| pdb.2)
}
