//! Presets: the arrangements that poolscope brings, and the user's own. Built-in ones cannot be changed or deleted; a change
//! marks the preset as modified until it is saved under a name or reset.

use poolscope_analysis::pivot::{Key, Metric};
use poolscope_analysis::trace::time::LifetimeClass;
use serde::{Deserialize, Serialize};

use crate::gui::model::table_layout::TableLayout;

/// An layout with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// Its columns.
    #[serde(flatten)]
    pub layout: TableLayout,
}

/// The words that begin a file of presets.
pub const FORMAT: &str = "poolscope presets";
/// The version of the files that this program writes.
pub const VERSION: u32 = 1;

/// Presets as a file holds them.
#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    version: u32,
    presets: Vec<Preset>,
}

/// The presets of the program, in the order of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// By type, pool, tag and stack; a trace opens with it.
    LeakHunt,
    /// By driver, pool, tag and stack.
    ByDriver,
    /// By tag and pool, with impacting size.
    Impacting,
    /// Allocations that were freed again, by tag and stack.
    Churn,
    /// By tag and stack of the free.
    Frees,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::LeakHunt, Self::ByDriver, Self::Impacting, Self::Churn, Self::Frees];

    /// The name in the menu.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeakHunt => "Leak hunt",
            Self::ByDriver => "By driver",
            Self::Impacting => "Impacting",
            Self::Churn => "Churn",
            Self::Frees => "Frees by tag and stack",
        }
    }

    /// Its columns, under its name.
    #[must_use]
    pub fn preset(self) -> Preset {
        use {Key as K, Metric as F};
        let layout = match self {
            Self::LeakHunt => {
                let keys = [K::Type, K::Paged, K::Tag, K::Stack];
                let layout = TableLayout::new(&keys, &[F::Count], F::Size, F::Size, &[K::Tag]);
                TableLayout { initial_row: LifetimeClass::Aifo.name().to_owned(), ..layout }
            }
            Self::ByDriver => {
                let keys = [K::Driver, K::Paged, K::Tag, K::Stack];
                TableLayout::new(&keys, &[F::Count, F::ImpactingSize], F::Size, F::ImpactingSize, &[K::Driver])
            }
            Self::Impacting => {
                let keys = [K::Tag, K::Paged, K::ImpactingType, K::Stack];
                TableLayout::new(&keys, &[F::Count, F::ImpactingSize], F::Size, F::ImpactingSize, &[K::Tag])
            }
            Self::Churn => {
                let data = [F::Size, F::LifetimeAverage];
                let layout = TableLayout::new(&[K::Tag, K::Stack], &data, F::Count, F::Count, &[K::Tag]);
                TableLayout { query: format!("type:{}", LifetimeClass::Aifi.name()), ..layout }
            }
            Self::Frees => {
                let data = [F::Count, F::FreesPerAlloc];
                TableLayout::new(&[K::Tag, K::FreeStack], &data, F::Size, F::Size, &[K::Tag])
            }
        };
        Preset { name: self.name().to_owned(), layout }
    }
}

/// The presets of the program.
#[must_use]
pub fn built_in() -> Vec<Preset> {
    BuiltIn::ALL.map(BuiltIn::preset).into()
}

/// Presets of the program and of the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Presets {
    built_in: Vec<Preset>,
    own: Vec<Preset>,
}

impl Default for Presets {
    fn default() -> Self {
        Self { built_in: built_in(), own: Vec::new() }
    }
}

impl Presets {
    /// The built-in ones and these.
    #[must_use]
    pub fn with_own(own: Vec<Preset>) -> Self {
        Self { own, ..Self::default() }
    }

    /// The user's own.
    #[must_use]
    pub fn own(&self) -> &[Preset] {
        &self.own
    }

    /// All, the built-in ones first.
    pub fn all(&self) -> impl Iterator<Item = &Preset> {
        self.built_in.iter().chain(&self.own)
    }

    /// The preset of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Preset> {
        self.all().find(|preset| preset.name == name)
    }

    /// Returns whether a preset came with poolscope.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        self.built_in.iter().any(|preset| preset.name == name)
    }

    /// Reason why a preset cannot be saved under a name; `None` when it can.
    #[must_use]
    pub fn name_problem(&self, name: &str) -> Option<String> {
        match name.trim() {
            "" => Some("A preset needs a name.".to_owned()),
            name if self.is_built_in(name) => Some(format!("{name} is built in and cannot be changed.")),
            _ => None,
        }
    }

    /// Saves a layout under a name; one of that name is replaced.
    ///
    /// # Errors
    /// The reason as a sentence, if the name cannot be used.
    pub fn save(&mut self, name: &str, layout: TableLayout) -> Result<(), String> {
        if let Some(problem) = self.name_problem(name) {
            return Err(problem);
        }
        let preset = Preset { name: name.trim().to_owned(), layout };
        match self.own.iter_mut().find(|other| other.name == preset.name) {
            Some(other) => *other = preset,
            None => self.own.push(preset),
        }
        Ok(())
    }

    /// Gives one of the user's own another name.
    ///
    /// # Errors
    /// The reason as a sentence, if the name cannot be used.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        if let Some(problem) = self.name_problem(to) {
            return Err(problem);
        }
        let to = to.trim();
        if to != from && self.own.iter().any(|preset| preset.name == to) {
            return Err(format!("A preset named {to} exists already."));
        }
        if let Some(preset) = self.own.iter_mut().find(|preset| preset.name == from) {
            preset.name = to.to_owned();
        }
        Ok(())
    }

    /// Deletes one of the user's own.
    pub fn delete(&mut self, name: &str) {
        self.own.retain(|preset| preset.name != name);
    }

    /// The user's own as a file.
    #[must_use]
    pub fn export(&self) -> String {
        let file = File { format: FORMAT.to_owned(), version: VERSION, presets: self.own.clone() };
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }

    /// Takes in a file's presets; those of the same name are replaced. Returns how many.
    ///
    /// # Errors
    /// The reason as a sentence, if the file cannot be used.
    pub fn import(&mut self, text: &str) -> Result<usize, String> {
        let file: File = serde_json::from_str(text).map_err(|error| format!("This is not a preset file: {error}."))?;
        if file.format != FORMAT {
            return Err(format!("This is not a preset file: its format is '{}'.", file.format));
        }
        if file.version > VERSION {
            return Err(format!("The presets have version {}; this poolscope reads version {VERSION}.", file.version));
        }
        let mut taken = Vec::with_capacity(file.presets.len());
        for preset in file.presets {
            let Preset { name, layout } = preset;
            let layout = layout.checked().map_err(|error| format!("Preset {name} is not valid: {error}."))?;
            if let Some(problem) = self.name_problem(&name) {
                return Err(problem);
            }
            taken.push((name, layout));
        }
        let count = taken.len();
        for (name, layout) in taken {
            self.save(&name, layout)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_presets_are_sound_and_stay() {
        let mut presets = Presets::default();
        for preset in built_in() {
            assert_eq!(preset.layout.clone().checked(), Ok(preset.layout.clone()), "{}", preset.name);
            assert!(preset.layout.graphed().is_some() && !preset.layout.sort.is_empty(), "{}", preset.name);
            assert!(presets.save(&preset.name, preset.layout).is_err());
        }
    }

    #[test]
    fn own_presets_go_out_and_come_back() {
        let mut presets = Presets::default();
        let mut layout = built_in()[1].layout.clone();
        layout.frozen = 2;
        presets.save("  Mine ", layout.clone()).unwrap();
        presets.save("Other", built_in()[3].layout.clone()).unwrap();
        assert!(presets.rename("Other", "Mine").is_err());
        presets.rename("Other", "Another").unwrap();
        let text = presets.export();
        let mut fresh = Presets::default();
        assert_eq!(fresh.import(&text), Ok(2));
        assert_eq!(fresh, presets);
        assert_eq!(fresh.get("Mine").map(|preset| &preset.layout), Some(&layout));
        fresh.delete("Mine");
        assert!(fresh.get("Mine").is_none());
    }

    #[test]
    fn unusable_files_say_what_is_wrong_and_change_nothing() {
        let mut presets = Presets::default();
        let good = {
            let mut presets = Presets::default();
            presets.save("Mine", built_in()[0].layout.clone()).unwrap();
            presets.export()
        };
        for (from, to, says) in [
            ("\"tag\"", "\"tga\"", "did you mean 'tag'"),
            ("poolscope presets", "something", "its format is 'something'"),
            ("\"version\": 1", "\"version\": 9", "version 9"),
            ("\"place\": \"key\"", "\"place\": \"data\"", "no figure"),
            ("\"paged\"", "\"tag\"", "twice"),
            ("Mine", "Leak hunt", "cannot be changed"),
        ] {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            let error = presets.import(&text).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert_eq!(presets, Presets::default());
        }
    }
}
