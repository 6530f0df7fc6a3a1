//! Help for each view: what can be done there, and the keys that mean something there.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use crate::command::UiCommand;
use crate::route::{Route, Section, VersionTab};

/// What is said about one view.
#[derive(Debug, Clone, Copy)]
pub struct Help {
    /// The view's name.
    pub name: &'static str,
    /// What it is for and what can be done there, a sentence each.
    pub lines: &'static [&'static str],
    /// The window's commands that do something here, beside those that work everywhere.
    pub keys: &'static [UiCommand],
    /// It has a table, whose keys belong to no command.
    pub table: bool,
}

/// Keys of tables: what they do, the keys, more.
pub fn table_keys(ctx: &Context) -> [(&'static str, String, &'static str); 6] {
    let command = |key| ctx.format_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, key));
    let text = str::to_owned;
    [
        ("Move in a table", text("Arrows, Page Up/Down, Home, End"), "With Shift the selection grows"),
        ("Select all in a table", command(Key::A), "Escape selects nothing"),
        ("Copy from a table", command(Key::C), "With Shift as CSV; more in the context menu"),
        ("Open a row", text("Enter"), "The same as a double click"),
        (
            "Menu of a cell",
            ctx.format_shortcut(&KeyboardShortcut::new(Modifiers::SHIFT, Key::F10)),
            "The menu key does the same: what can be done with the row, the value and the column",
        ),
        (
            "Menu of a column",
            ctx.format_shortcut(&KeyboardShortcut::new(Modifiers::ALT, Key::ArrowDown)),
            "In the rows of a test: sort, filter, pin, move or hide the column of the cursor",
        ),
    ]
}

/// The help of a place.
pub fn of(route: &Route) -> Help {
    match route {
        Route::Home => HOME,
        Route::Models => MODELS,
        Route::Model(_) => MODEL,
        Route::Version { tab, .. } => match tab {
            VersionTab::Overview => OVERVIEW,
            VersionTab::Graph => GRAPH,
            VersionTab::Test => TEST,
            VersionTab::Explain => EXPLAIN,
            VersionTab::Deploy => DEPLOY,
        },
        Route::Within { .. } => GRAPH,
        Route::Compare { .. } => COMPARE,
        Route::Deployments => DEPLOYMENTS,
        Route::Deployment(_) => DEPLOYMENT,
        Route::Targets => TARGETS,
        Route::Credentials => CREDENTIALS,
        Route::Activity => ACTIVITY,
        Route::Job(_) => JOB,
        Route::Settings(section) => match section {
            Section::Appearance => APPEARANCE,
            Section::Runtime => RUNTIME,
            Section::Storage => STORAGE,
            Section::Shortcuts => SHORTCUTS,
            Section::About => ABOUT,
        },
    }
}

const HOME: Help = Help {
    name: "Home",
    lines: &[
        "Shows the models and runs that were used last, and the ways to begin",
        "An ONNX file can be dropped anywhere in this window to import it",
    ],
    keys: &[UiCommand::Import, UiCommand::NewTarget, UiCommand::Palette],
    table: false,
};

const MODELS: Help = Help {
    name: "Models",
    lines: &[
        "Lists all models; the selected one is explained at the right, with its next steps",
        "Archived models are hidden, not removed: choose Archived above the list to see and restore them",
    ],
    keys: &[UiCommand::Import, UiCommand::Find, UiCommand::Rename, UiCommand::Remove, UiCommand::Undo],
    table: true,
};

const MODEL: Help = Help {
    name: "A model",
    lines: &[
        "Lists the model's versions, newest first; a version never changes",
        "An alias such as champion is a name that can be moved from one version to another",
    ],
    keys: &[UiCommand::RunPrimary, UiCommand::Import, UiCommand::Rename, UiCommand::Remove],
    table: true,
};

const COMPARE: Help = Help {
    name: "Two versions side by side",
    lines: &[
        "Answers are compared on the newest data that both were tested on, row by row",
        "An interval around 0 means that these rows do not tell which version is more accurate",
    ],
    keys: &[UiCommand::RunPrimary, UiCommand::Back],
    table: true,
};

/// Of every tab of a version.
const TABS: &[UiCommand] = &[
    UiCommand::RunPrimary,
    UiCommand::CopyCommand,
    UiCommand::TabOverview,
    UiCommand::TabGraph,
    UiCommand::TabTest,
    UiCommand::TabExplain,
    UiCommand::TabDeploy,
];

const OVERVIEW: Help = Help {
    name: "Overview of a version",
    lines: &[
        "Says what the version takes and gives, how it was made, and what was noticed at import",
        "Golden rows are inputs with the answers that were given here; every deployment must answer them alike",
    ],
    keys: TABS,
    table: false,
};

const GRAPH: Help = Help {
    name: "Graph of a version",
    lines: &[
        "Shows the model's operators and how they are connected; a click on one shows its settings at the right",
        "Drag to move, turn the wheel to zoom, and follow the edges with the arrow keys; the small map leads further",
        "A node that holds graphs, or calls a function of the model, is opened by a double click or Enter; Backspace leads back",
        "Weights are read only when you ask for the values of one tensor",
    ],
    keys: &[UiCommand::Find, UiCommand::Back, UiCommand::TabOverview, UiCommand::TabTest],
    table: false,
};

const TEST: Help = Help {
    name: "Test of a version",
    lines: &[
        "Scores a data file: choose or drop it, see which columns become which inputs, and run the test",
        "With a column that holds the truth there are metrics with their 95 % intervals, and a list of wrong answers",
        "A test reads the file and changes nothing in it; each one is recorded",
    ],
    keys: TABS,
    table: true,
};

const EXPLAIN: Help = Help {
    name: "Explanation of a version",
    lines: &[
        "Says what moved an answer away from the usual one: of one row, or of many at once",
        "Shapley values add up to the prediction exactly; LIME fits a small linear model near the row",
        "Of many rows: importances, every row's contributions, and how those of a feature depend on its value",
        "The background data says what usual means: choose rows like those that the model meets",
    ],
    keys: TABS,
    table: true,
};

const DEPLOY: Help = Help {
    name: "Deployment of a version",
    lines: &[
        "Brings the version to a target, proves there that it answers as it did here, and only then switches to it",
        "When a step fails all of them are undone, and what served before keeps serving",
        "Roll back and Go forward switch to a version that still lies on the target, with the same proof",
    ],
    keys: TABS,
    table: true,
};

const DEPLOYMENTS: Help = Help {
    name: "Deployments",
    lines: &[
        "Lists what was deployed where, newest first, with how it ended and what was proven",
        "What is live can be rolled back or taken down at the right",
    ],
    keys: &[UiCommand::Remove, UiCommand::Refresh],
    table: true,
};

const DEPLOYMENT: Help = Help {
    name: "A deployment",
    lines: &[
        "Shows each step with how long it took, the proof, and the address that the version answers at",
        "When it failed: what that means, what still serves, and what to do",
    ],
    keys: &[UiCommand::Back, UiCommand::Refresh],
    table: false,
};

const TARGETS: Help = Help {
    name: "Targets",
    lines: &[
        "Lists the machines to deploy to: others by SSH, or this computer",
        "A check asks the machine what works; nothing is changed there",
        "A host key that is not known yet, or that has changed, is compared before anything is sent",
    ],
    keys: &[UiCommand::NewTarget, UiCommand::Rename, UiCommand::Remove],
    table: true,
};

const CREDENTIALS: Help = Help {
    name: "Credentials",
    lines: &[
        "Lists keys and passwords by name; the secrets themselves are never shown again",
        "They are kept in the system's keyring, or in an encrypted file where there is none",
    ],
    keys: &[UiCommand::NewCredential, UiCommand::Rename, UiCommand::Remove],
    table: true,
};

const ACTIVITY: Help = Help {
    name: "Activity",
    lines: &[
        "Jobs lists what ran, here and on the command line, with what it answered",
        "Changes lists what was changed and by whom; some of it can be taken back",
    ],
    keys: &[UiCommand::CancelJob, UiCommand::Undo, UiCommand::Redo, UiCommand::ToggleDrawer],
    table: true,
};

const JOB: Help = Help {
    name: "A job",
    lines: &[
        "Shows how far a job is, or what it answered, and the command line that does the same",
        "Cancelling says beforehand what it keeps",
    ],
    keys: &[UiCommand::CancelJob, UiCommand::Back],
    table: false,
};

const APPEARANCE: Help = Help {
    name: "Settings: appearance",
    lines: &["Colours, size and density of the window; they are kept for the next time"],
    keys: &[UiCommand::ZoomIn, UiCommand::ZoomOut, UiCommand::ZoomReset],
    table: false,
};

const RUNTIME: Help = Help {
    name: "Settings: runtime",
    lines: &[
        "Says which ONNX Runtime library runs models, and what else of this computer works",
        "Another library is tried first; one that does not work is not kept",
    ],
    keys: &[UiCommand::Refresh],
    table: false,
};

const STORAGE: Help = Help {
    name: "Settings: storage",
    lines: &[
        "Says where everything is kept and how much room it takes",
        "Verifying reads every file and compares it with its digest; unused files can be looked for and removed",
    ],
    keys: &[UiCommand::RunPrimary, UiCommand::CopyCommand],
    table: false,
};

const SHORTCUTS: Help = Help {
    name: "Settings: shortcuts",
    lines: &["Lists all keys; every command is in the palette, too"],
    keys: &[UiCommand::Palette],
    table: true,
};

const ABOUT: Help = Help {
    name: "Settings: about",
    lines: &["Names this version and the licences of what it is made of"],
    keys: &[],
    table: false,
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_place_has_help_of_its_own_and_names_keys_that_there_are() {
        let mut names = HashSet::new();
        for route in crate::route::every() {
            let help = of(&route);
            // What lies within a graph is the same view as the graph itself.
            let within = matches!(route, Route::Within { .. });
            assert!(within || names.insert(help.name), "{route}: {} is told twice", help.name);
            assert!(!help.lines.is_empty(), "{route}");
            for line in help.lines {
                assert!(!line.ends_with('.') && line.starts_with(char::is_uppercase), "{line}");
            }
            let unique: HashSet<_> = help.keys.iter().collect();
            assert_eq!(unique.len(), help.keys.len(), "{route}");
            for key in help.keys {
                assert!(!key.shortcuts().is_empty() || *key == UiCommand::NewCredential, "{route}: {key:?}");
            }
        }
    }
}
