//! Commands about the symbols of an open trace, and their rows in the command table.

use eframe::egui::Key;
use poolscope_analysis::group::frames::FrameNaming;

use super::table::{CommandSpec, MenuPlace};
use super::{DocumentCommand, Menu, ctrl};

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
    /// Change the naming that stacks are grouped by.
    GroupBy(FrameNaming),
}

/// The rows, in the order of the menu.
pub(super) fn rows() -> Vec<CommandSpec> {
    use SymbolsCommand as C;
    let row = |id: &'static str, command: C, group: u8| {
        CommandSpec::new(id, DocumentCommand::Symbols(command), command.title(), MenuPlace::new(Menu::Symbols, group))
    };
    vec![
        row("symbols.load", C::Load, 0).key(ctrl(Key::L)),
        row("symbols.load_for_rows", C::LoadForRows, 0),
        row("symbols.reload", C::Reload, 0),
        row("symbols.stop", C::Stop, 0),
        row("symbols.open_pdb", C::OpenPdb, 1),
        row("naming.function", C::GroupBy(FrameNaming::Function), 3),
        row("naming.symbol", C::GroupBy(FrameNaming::Symbol), 3),
        row("naming.module", C::GroupBy(FrameNaming::Module), 3),
        row("naming.address", C::GroupBy(FrameNaming::Address), 3),
    ]
}

impl SymbolsCommand {
    /// The title in menus, and the accessible name of buttons.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Load => "Load symbols",
            Self::Reload => "Reload symbols without the name cache",
            Self::LoadForRows => "Load symbols for selected rows",
            Self::Stop => "Stop loading symbols",
            Self::OpenPdb => "Open PDB for module\u{2026}",
            Self::OpenPdbOf(_) => "Open PDB\u{2026}",
            Self::SearchAgain(_) => "Search again",
            Self::Show(_) => "Show module",
            Self::ShowRows(_) => "Show rows of module",
            Self::GroupBy(FrameNaming::Function) => "Group stacks by function",
            Self::GroupBy(FrameNaming::Symbol) => "Group stacks by address",
            Self::GroupBy(FrameNaming::Module) => "Group stacks by module",
            Self::GroupBy(FrameNaming::Address) => "Show raw addresses",
        }
    }
}
