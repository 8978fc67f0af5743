//! What the user can do about the symbols of an open trace. Says what; how is the document's.

use poolscope_analysis::group::frames::FrameNaming;

/// Something the user wants of the symbols of an open trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolsCommand {
    /// Look for the names of all modules.
    Load,
    /// Look for the names of all modules once more, without those that were kept from before.
    Reload,
    /// Look for the names of the modules that the selected rows lead through.
    LoadForRows,
    /// Give up the search.
    Stop,
    /// Choose the PDB of the module that is selected on the page of modules, or that the selected rows begin with.
    OpenPdb,
    /// Choose the PDB of the module at this place among those that the trace needs.
    OpenPdbOf(usize),
    /// Look for the module at this place among those that the trace needs once more.
    SearchAgain(usize),
    /// Show the module at this place among those that the trace needs.
    Show(usize),
    /// Leave only the rows with stacks through the module at this place.
    ShowRows(usize),
    /// What the frames of stacks are grouped by.
    GroupBy(FrameNaming),
}

impl SymbolsCommand {
    /// Every one that needs nothing more than to be chosen, in the order of the menu.
    pub const ALL: [Self; 9] = [
        Self::Load,
        Self::LoadForRows,
        Self::Reload,
        Self::Stop,
        Self::OpenPdb,
        Self::GroupBy(FrameNaming::Function),
        Self::GroupBy(FrameNaming::Symbol),
        Self::GroupBy(FrameNaming::Module),
        Self::GroupBy(FrameNaming::Address),
    ];

    /// The name in menus, and the accessible name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Load => "Load symbols",
            Self::Reload => "Reload symbols without the name cache",
            Self::LoadForRows => "Load symbols for the selected rows",
            Self::Stop => "Stop loading symbols",
            Self::OpenPdb => "Open PDB for module\u{2026}",
            Self::OpenPdbOf(_) => "Open PDB by hand\u{2026}",
            Self::SearchAgain(_) => "Search again",
            Self::Show(_) => "Show the module",
            Self::ShowRows(_) => "Show its rows",
            Self::GroupBy(FrameNaming::Function) => "Group stacks by function",
            Self::GroupBy(FrameNaming::Symbol) => "Group stacks by address",
            Self::GroupBy(FrameNaming::Module) => "Group stacks by module",
            Self::GroupBy(FrameNaming::Address) => "Show addresses instead of names",
        }
    }

    /// The group in the menu.
    #[must_use]
    pub fn group(self) -> u8 {
        match self {
            Self::GroupBy(_) => 3,
            Self::OpenPdb => 1,
            _ => 0,
        }
    }
}
