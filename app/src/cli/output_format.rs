//! Output formats of the commands.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// An output format.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputFormat {
    /// For reading
    #[default]
    Text,
    /// One row per result, with exact figures
    Csv,
    /// One object, with exact figures
    Json,
    /// For a ticket or an e-mail
    Markdown,
    /// Test results for a build server: each suspect, and each condition of --fail-if
    Junit,
}

impl OutputFormat {
    /// A parser of option values that accepts these formats.
    pub fn parser(formats: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let names = formats.iter().filter_map(Self::to_possible_value);
        PossibleValuesParser::new(names).try_map(|name| Self::from_str(&name, false))
    }
}
