//! The bundled fonts: Inter for text, JetBrains Mono for figures and symbol names (both SIL OFL, see
//! `assets/fonts/OFL.txt`), with egui's own fonts behind them for what they lack. Never reads a file at run time.

use std::sync::Arc;

use eframe::egui::{FontData, FontDefinitions, FontFamily};

use crate::gui::theme;

const INTER: &str = "Inter";
const INTER_STRONG: &str = "Inter SemiBold";
const MONO: &str = "JetBrains Mono";

/// The fonts of the window, for every family of the theme.
#[must_use]
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let bundled: [(&str, &'static [u8]); 3] = [
        (INTER, include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
        (INTER_STRONG, include_bytes!("../../../assets/fonts/Inter-SemiBold.otf")),
        (MONO, include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")),
    ];
    for (name, bytes) in bundled {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let chain =
        |first: &str| -> Vec<String> { std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect() };
    fonts.families.insert(FontFamily::Proportional, chain(INTER));
    fonts.families.insert(theme::strong_family(), chain(INTER_STRONG));
    fonts.families.entry(FontFamily::Monospace).or_default().insert(0, MONO.to_owned());
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_starts_with_its_bundled_face() {
        let fonts = definitions();
        let first = |family: &FontFamily| fonts.families[family][0].clone();
        assert_eq!(first(&FontFamily::Proportional), INTER);
        assert_eq!(first(&theme::strong_family()), INTER_STRONG);
        assert_eq!(first(&FontFamily::Monospace), MONO);
        for names in fonts.families.values() {
            assert!(names.iter().all(|n| fonts.font_data.contains_key(n)));
        }
    }
}
