//! Packages: one file with a trace, the view of it, and the names of its functions, which opens the same picture on another machine.
//!
//! A package (`.poolscope`) is a ZIP archive that any program can unpack:
//!
//! | member | content |
//! | --- | --- |
//! | `manifest.json` | format, version, program, names of the traces |
//! | `trace/NAME.etl` | the trace, byte by byte; one for each file of a recording |
//! | `view.json` | note, and the view: as the window keeps it, or as options of the command line |
//! | `names.json` | names of the addresses on stacks, module by module |
//!
//! It is read like any other archive, under the same limits, and holds the whole trace: nothing is redacted.

mod read;
mod write;

pub use read::{Package, supplied_names};
pub use write::{PackageContent, PackageReport, PackageSource, packed_module, write};

use poolscope_symbols::identity::{ImageIdentity, ModuleIdentity};
use poolscope_symbols::names::AddressSymbol;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Ending of the file name, without the dot.
pub const ENDING: &str = "poolscope";

/// Content of `format` in the manifest.
const FORMAT: &str = "poolscope package";
/// Version that this program writes; later ones are not read.
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
const VIEW: &str = "view.json";
const NAMES: &str = "names.json";
const TRACE_FOLDER: &str = "trace/";

/// Description of a package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    /// Program and version that wrote it.
    program: String,
    /// Members that are traces.
    traces: Vec<String>,
}

/// Content of `view.json`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PackageView {
    /// Text of the sender.
    pub note: String,
    /// View by options of the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<ViewSelection>,
    /// View as the window keeps it, which has precedence. Only the window knows its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Value>,
}

/// View by options of the command line.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSelection {
    /// Names of the key columns; none for those of the default preset.
    pub by: Vec<String>,
    /// Visible range in seconds; `None` at an end for that of the trace.
    pub range: (Option<f64>, Option<f64>),
    /// Query that rows have to match.
    pub query: Option<String>,
    /// Markers in seconds.
    pub marks: Vec<f64>,
}

/// Names of the addresses of one module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PackedModule {
    /// File name of the image.
    module: String,
    /// Identity of its PDB, if the trace has it.
    pdb: Option<PackedPdb>,
    /// Identity of the image, if the trace has it.
    image: Option<ImageIdentity>,
    /// True if the names are exports of the image.
    are_exports: bool,
    /// Names by relative virtual address; `None` for an address without a name.
    names: Vec<(u32, Option<AddressSymbol>)>,
}

/// Identity of a PDB.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct PackedPdb {
    file_name: String,
    guid: String,
    age: u32,
}

/// Identity by which the names of a module are found.
type ModuleKey = (String, Option<(String, String, u32)>, Option<(u32, u32)>);

fn key_of(module: &ModuleIdentity) -> ModuleKey {
    let pdb = module.pdb.as_ref().map(|pdb| (pdb.file_name.to_lowercase(), pdb.guid.to_string(), pdb.age));
    let image = module.image.as_ref().map(|image| (image.timestamp, image.size_bytes));
    (module.name.to_lowercase(), pdb, image)
}

impl PackedModule {
    fn key(&self) -> ModuleKey {
        let pdb = self.pdb.as_ref().map(|pdb| (pdb.file_name.to_lowercase(), pdb.guid.clone(), pdb.age));
        let image = self.image.as_ref().map(|image| (image.timestamp, image.size_bytes));
        (self.module.to_lowercase(), pdb, image)
    }
}
