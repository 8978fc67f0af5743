//! Presets: the arrangements that poolscope brings, and the user's own. Built-in ones cannot be changed or deleted; a change
//! marks the preset as modified until it is saved under a name or reset.

use poolscope_analysis::pivot::{Metric, Key};
use serde::{Deserialize, Serialize};

use super::arrangement::Arrangement;

/// An arrangement with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// Its columns.
    #[serde(flatten)]
    pub arrangement: Arrangement,
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

/// The preset that a trace opens with.
#[must_use]
pub fn leak_hunt() -> Preset {
    let keys = [Key::Type, Key::Paged, Key::Tag, Key::Stack];
    let arrangement = Arrangement::new(&keys, &[Metric::Count], Metric::Size, Metric::Size, &[Key::Tag]);
    Preset { name: "Leak hunt".to_owned(), arrangement: Arrangement { lead: "AIFO".to_owned(), ..arrangement } }
}

/// The presets that poolscope brings.
#[must_use]
pub fn built_in() -> Vec<Preset> {
    use {Metric as F, Key as K};
    let preset = |name: &str, arrangement: Arrangement| Preset { name: name.to_owned(), arrangement };
    let driver = [K::Driver, K::Paged, K::Tag, K::Stack];
    let impacting = [K::Tag, K::Paged, K::ImpactingType, K::Stack];
    let by_driver = Arrangement::new(&driver, &[F::Count, F::ImpactingSize], F::Size, F::ImpactingSize, &[K::Driver]);
    let impacting = Arrangement::new(&impacting, &[F::Count, F::ImpactingSize], F::Size, F::ImpactingSize, &[K::Tag]);
    let churn = [F::Size, F::LifetimeAverage];
    let churn = Arrangement::new(&[K::Tag, K::Stack], &churn, F::Count, F::Count, &[K::Tag]);
    let frees = [F::Count, F::FreesPerAlloc];
    let frees = Arrangement::new(&[K::Tag, K::FreeStack], &frees, F::Size, F::Size, &[K::Tag]);
    vec![
        leak_hunt(),
        preset("By driver", by_driver),
        preset("Impacting", impacting),
        preset("Churn", Arrangement { query: "type:AIFI".to_owned(), ..churn }),
        preset("Who frees it", frees),
    ]
}

/// Which presets there are.
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

    /// Whether a preset came with poolscope.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        self.built_in.iter().any(|preset| preset.name == name)
    }

    /// Why a preset cannot be saved under a name, or nothing.
    #[must_use]
    pub fn name_problem(&self, name: &str) -> Option<String> {
        match name.trim() {
            "" => Some("A preset needs a name.".to_owned()),
            name if self.is_built_in(name) => Some(format!("{name} came with poolscope and stays as it is.")),
            _ => None,
        }
    }

    /// Saves an arrangement under a name; one of that name is replaced.
    ///
    /// # Errors
    /// Why the name cannot be used.
    pub fn save(&mut self, name: &str, arrangement: Arrangement) -> Result<(), String> {
        if let Some(problem) = self.name_problem(name) {
            return Err(problem);
        }
        let preset = Preset { name: name.trim().to_owned(), arrangement };
        match self.own.iter_mut().find(|other| other.name == preset.name) {
            Some(other) => *other = preset,
            None => self.own.push(preset),
        }
        Ok(())
    }

    /// Gives one of the user's own another name.
    ///
    /// # Errors
    /// Why the name cannot be used.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        if let Some(problem) = self.name_problem(to) {
            return Err(problem);
        }
        let to = to.trim();
        if to != from && self.own.iter().any(|preset| preset.name == to) {
            return Err(format!("There is a preset called {to} already."));
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
    /// What is wrong with the file, as a sentence.
    pub fn import(&mut self, text: &str) -> Result<usize, String> {
        let file: File = serde_json::from_str(text).map_err(|error| format!("This is no file of presets: {error}."))?;
        if file.format != FORMAT {
            return Err(format!("This is no file of presets: it says '{}'.", file.format));
        }
        if file.version > VERSION {
            return Err(format!("These presets are of version {}; this poolscope reads {VERSION}.", file.version));
        }
        let mut taken = Vec::with_capacity(file.presets.len());
        for preset in file.presets {
            let Preset { name, arrangement } = preset;
            let arrangement =
                arrangement.checked().map_err(|error| format!("The preset {name} is unusable: {error}."))?;
            if let Some(problem) = self.name_problem(&name) {
                return Err(problem);
            }
            taken.push((name, arrangement));
        }
        let count = taken.len();
        for (name, arrangement) in taken {
            self.save(&name, arrangement)?;
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
            assert_eq!(preset.arrangement.clone().checked(), Ok(preset.arrangement.clone()), "{}", preset.name);
            assert!(preset.arrangement.graphed().is_some() && !preset.arrangement.sort.is_empty(), "{}", preset.name);
            assert!(presets.save(&preset.name, preset.arrangement).is_err());
        }
    }

    #[test]
    fn own_presets_go_out_and_come_back() {
        let mut presets = Presets::default();
        let mut arrangement = built_in()[1].arrangement.clone();
        arrangement.frozen = 2;
        presets.save("  Mine ", arrangement.clone()).unwrap();
        presets.save("Other", built_in()[3].arrangement.clone()).unwrap();
        assert!(presets.rename("Other", "Mine").is_err());
        presets.rename("Other", "Another").unwrap();
        let text = presets.export();
        let mut fresh = Presets::default();
        assert_eq!(fresh.import(&text), Ok(2));
        assert_eq!(fresh, presets);
        assert_eq!(fresh.get("Mine").map(|preset| &preset.arrangement), Some(&arrangement));
        fresh.delete("Mine");
        assert!(fresh.get("Mine").is_none());
    }

    #[test]
    fn unusable_files_say_what_is_wrong_and_change_nothing() {
        let mut presets = Presets::default();
        let good = {
            let mut presets = Presets::default();
            presets.save("Mine", built_in()[0].arrangement.clone()).unwrap();
            presets.export()
        };
        for (from, to, says) in [
            ("\"tag\"", "\"tga\"", "did you mean 'tag'"),
            ("poolscope presets", "something", "it says 'something'"),
            ("\"version\": 1", "\"version\": 9", "version 9"),
            ("\"place\": \"key\"", "\"place\": \"data\"", "no figure"),
            ("\"paged\"", "\"tag\"", "twice"),
            ("Mine", "Leak hunt", "stays as it is"),
        ] {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            let error = presets.import(&text).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert_eq!(presets, Presets::default());
        }
    }
}
