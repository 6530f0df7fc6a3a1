//! Arguments of explanations by parts of a row.

use clap::Args;
use desk_app::command::{Hide, PartSettings};

/// What stands in the place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HideArg {
    /// Its own mean colour
    OwnMean,
    /// The background's mean
    BackgroundMean,
}

/// Parts of a row as players.
#[derive(Debug, Args)]
pub struct PartArgs {
    /// Cut each row's picture into about so many segments of like colour (SLIC) and explain these, by lime, kernel,
    /// permutation, exact or owen. Lime cuts pictures by itself, into 50 at most; 0 keeps to single pixels
    #[arg(long, value_name = "N", value_parser = segments)]
    pub segments: Option<usize>,
    /// What stands for a segment that lime takes away [default: own-mean]
    #[arg(long, value_enum)]
    pub hide: Option<HideArg>,
    /// Explain the words of this column's text: words that are absent are left out, the other columns stay as they are. On
    /// by itself where the model reads one text and nothing else, and a row has more than one word
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["no_text", "segments"])]
    pub text: Option<String>,
    /// A text is one value, whatever its words
    #[arg(long)]
    pub no_text: bool,
    /// Each place of a word counts by itself; without it a word counts once, wherever it stands
    #[arg(long, conflicts_with = "no_text")]
    pub positions: bool,
}

fn segments(text: &str) -> Result<usize, String> {
    let most = desk_app::command::MOST_SEGMENTS;
    match text.parse() {
        Ok(count) if count != 1 && count <= most => Ok(count),
        _ => Err(format!("a number from 2 to {most}, or 0")),
    }
}

impl PartArgs {
    /// The settings that they are.
    pub fn settings(self) -> PartSettings {
        let Self { segments, hide, text, no_text, positions } = self;
        let hide = hide.map(|hide| match hide {
            HideArg::OwnMean => Hide::OwnMean,
            HideArg::BackgroundMean => Hide::BackgroundMean,
        });
        PartSettings { segments, hide, text, no_text, positions }
    }
}
