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
        fonts.font_data.insert(name.to_owned(), Arc::new(without_ligatures(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let chain =
        |first: &str| -> Vec<String> { std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect() };
    fonts.families.insert(FontFamily::Proportional, chain(INTER));
    fonts.families.insert(theme::strong_family(), chain(INTER_STRONG));
    fonts.families.entry(FontFamily::Monospace).or_default().insert(0, MONO.to_owned());
    fonts
}

/// The font without its glyph substitutions, which would draw the `x` of an address such as `0x1f` as a multiplication sign and
/// join operators in the names of functions. The table is renamed in the font's directory; the order of the names stays.
fn without_ligatures(bytes: &'static [u8]) -> FontData {
    let mut font = bytes.to_vec();
    let tables = font.get(4..6).map_or(0, |count| usize::from(u16::from_be_bytes([count[0], count[1]])));
    for table in 0..tables {
        let at = DIRECTORY_BYTES + table * TABLE_BYTES;
        if let Some(tag) = font.get_mut(at..at + 4).filter(|tag| *tag == SUBSTITUTIONS) {
            tag.copy_from_slice(UNUSED);
        }
    }
    FontData::from_owned(font)
}

/// Size of the start of a font's directory, before its tables (OpenType, "Table Directory").
const DIRECTORY_BYTES: usize = 12;
/// Size of the entry of a table in the directory.
const TABLE_BYTES: usize = 16;
/// Name of the table of glyph substitutions.
const SUBSTITUTIONS: &[u8] = b"GSUB";
/// A name that no table has, at the same place in the order.
const UNUSED: &[u8] = b"GSUX";

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the tables of a font.
    fn tables(font: &[u8]) -> Vec<[u8; 4]> {
        let count = usize::from(u16::from_be_bytes([font[4], font[5]]));
        let tag = |table: usize| {
            let at = DIRECTORY_BYTES + table * TABLE_BYTES;
            [font[at], font[at + 1], font[at + 2], font[at + 3]]
        };
        (0..count).map(tag).collect()
    }

    #[test]
    fn fonts_have_no_ligatures() {
        let fonts = definitions();
        for name in [INTER, INTER_STRONG, MONO] {
            let tables = tables((*fonts.font_data[name].font).as_ref());
            assert!(!tables.contains(b"GSUB") && tables.contains(b"GSUX"), "{name}: {tables:?}");
            assert!(tables.contains(b"GPOS") && tables.contains(b"cmap"), "{name}: the rest stays: {tables:?}");
            assert!(tables.is_sorted(), "{name}: readers of fonts search the names by halving");
        }
    }

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
