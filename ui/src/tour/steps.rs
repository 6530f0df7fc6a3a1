//! The steps: what to do, why, where, and what does it for those who only want to see.

use std::path::Path;

use desk_app::Command;
use desk_app::command::{Columns, Echo, Explain, Predict};
use desk_core::{ModelName, VersionRef};

use super::MODEL;
use crate::route::{Route, VersionTab};

/// The row that is explained.
const ROW: u64 = 4;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The sample models are imported.
    Samples,
    /// A version is scored.
    Test,
    /// A row is explained.
    Explain,
    /// Two versions stand side by side.
    Compare,
    /// The first version is deployed here.
    Deploy,
    /// The second one takes its place.
    Replace,
    /// The first one serves again.
    RollBack,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 7] =
        [Self::Samples, Self::Test, Self::Explain, Self::Compare, Self::Deploy, Self::Replace, Self::RollBack];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Samples => "Get the sample models",
            Self::Test => "Test version 1 on rows it has never seen",
            Self::Explain => "Ask why it answered as it did",
            Self::Compare => "Compare it with version 2",
            Self::Deploy => "Deploy version 1 to this computer",
            Self::Replace => "Replace it with version 2",
            Self::RollBack => "Roll back to version 1",
        }
    }

    /// What to do.
    pub fn what(self) -> &'static str {
        match self {
            Self::Samples => "Add the three small models; they come with their data and need no network",
            Self::Test => "On the Test tab of tumour v1 the held-out rows are chosen already: press Score",
            Self::Explain => {
                "On the Explain tab of tumour v1 explain row 4, then move a slider under What if and see the answer follow"
            }
            Self::Compare => "Score both versions with the same rows and see which rows they answer differently",
            Self::Deploy => {
                "On the Deploy tab of tumour v1 choose this computer as the target (“Use this computer” makes it one), then press “Deploy v1”"
            }
            Self::Replace => "On the Deploy tab of tumour v2 press Deploy v2 for the same target",
            Self::RollBack => "On the Deploy tab press Roll back to v1",
        }
    }

    /// Why somebody would.
    pub fn why(self) -> &'static str {
        match self {
            Self::Samples => {
                "A model file is read in a sandbox and never run to be read; its version is named by its digest and never changes"
            }
            Self::Test => "Each number comes with its 95 % interval, so that luck is not taken for quality",
            Self::Explain => {
                "Contributions add up from the usual answer to this one; method, background and seed are always told"
            }
            Self::Compare => "One number may hide rows that got worse: the list of broken rows does not",
            Self::Deploy => {
                "The version is started beside what serves, answers its golden rows as it did here, and only then takes over"
            }
            Self::Replace => {
                "Clients notice nothing: no request is lost while one version takes the place of the other"
            }
            Self::RollBack => "The former version still lies there: going back takes seconds, with the same proof",
        }
    }

    /// Where it is done.
    pub fn place(self) -> Option<Route> {
        let model: ModelName = MODEL.parse().ok()?;
        let version = |number, tab| Route::Version { model: model.clone(), number, tab };
        Some(match self {
            Self::Samples => Route::Models,
            Self::Test => version(1, VersionTab::Test),
            Self::Explain => version(1, VersionTab::Explain),
            Self::Compare => Route::Compare { first: (model.clone(), 1), second: (model.clone(), 2) },
            Self::Deploy => version(1, VersionTab::Deploy),
            Self::Replace | Self::RollBack => version(2, VersionTab::Deploy),
        })
    }

    /// What does it; nothing for what changes a target, which somebody shall decide there.
    pub fn command(self, samples: &Path) -> Option<Command> {
        let data = samples.join(MODEL).join("heldout.csv");
        let version = |number| Some(VersionRef::numbered(MODEL.parse().ok()?, number));
        match self {
            Self::Samples => Some(Command::Sample),
            Self::Test => Some(score(version(1)?, &data)),
            Self::Compare => Some(score(version(2)?, &data)),
            Self::Explain => Some(Command::Explain(Explain {
                first_row: Some(ROW),
                last_row: Some(ROW),
                background: Some(samples.join(MODEL).join("background.csv")),
                ..Explain::of(version(1)?, data)
            })),
            Self::Deploy | Self::Replace | Self::RollBack => None,
        }
    }
}

fn score(version: VersionRef, data: &Path) -> Command {
    Command::Predict(Predict {
        version,
        data: data.to_owned(),
        out: None,
        device: "auto".into(),
        batch: None,
        columns: Columns::default(),
        echo: Echo::None,
        positive: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_says_what_why_and_where_and_changes_no_target_by_itself() {
        for step in Step::ALL {
            for sentence in [step.title(), step.what(), step.why()] {
                assert!(!sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{sentence}");
            }
            assert!(step.place().is_some(), "{step:?}");
            let deploys = matches!(step, Step::Deploy | Step::Replace | Step::RollBack);
            assert_eq!(step.command(Path::new("samples")).is_none(), deploys, "{step:?}");
        }
    }
}
