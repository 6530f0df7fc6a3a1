//! The pictures of the README, from the real program on the samples: `cargo xtask pictures`.

use std::path::PathBuf;

use desk_app::Command;
use desk_app::command::{Columns, Deploy, Echo, Predict, TargetAdd};
use desk_core::{Cancel, NoProgress, VersionRef};
use desk_uikit::ThemeChoice;

use crate::lime::explain;
use crate::support::{Window, free_port};

/// The folder that the pictures go to.
const FOLDER: &str = "MODELDESK_README_PICTURES";

fn predict(version: u32, data: &str) -> Command {
    Command::Predict(Predict {
        version: VersionRef::numbered("tumour".parse().expect("a name"), version),
        data: data.into(),
        out: None,
        device: "auto".into(),
        batch: None,
        positive: None,
        columns: Columns::default(),
        echo: Echo::None,
    })
}

/// Both versions tested, one of them live on this computer.
fn prepared(theme: ThemeChoice) -> Window {
    let mut window = Window::with_samples([1280.0, 960.0], theme);
    // A place whose name says nothing of the computer that the pictures are taken on.
    let place = std::env::temp_dir().join("modeldesk");
    std::fs::create_dir_all(&place).expect("a folder");
    let data = place.join("heldout.csv").display().to_string();
    std::fs::copy(format!("{}/../assets/samples/tumour/heldout.csv", env!("CARGO_MANIFEST_DIR")), &data)
        .expect("copied");
    let folder = window.home.path().join("live").display().to_string();
    let set = [("folder", folder), ("port", free_port())].map(|(key, value)| (key.to_owned(), value));
    let target = Command::TargetAdd(TargetAdd {
        name: "this-computer".into(),
        kind: "local".into(),
        set: set.into(),
        credential: None,
        replace: false,
    });
    let mut all = vec![
        predict(1, &data),
        predict(2, &data),
        explain("tumour@1", PathBuf::from(&data), "auto", 4..=4, None),
        target,
    ];
    for version in [1, 2] {
        let version = VersionRef::numbered("tumour".parse().expect("a name"), version);
        all.push(Command::Deploy(Deploy {
            version,
            to: "this-computer".into(),
            permissions: desk_app::command::Permissions::default(),
        }));
    }
    for command in all {
        window.desk.run(command, &Cancel::new(), &NoProgress).expect("done");
    }
    window.stops.push(window.home.path().join("live"));
    window
}

#[test]
fn pictures_of_the_readme() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return eprintln!("SKIPPED: {FOLDER} names no folder");
    };
    for (theme, suffix) in [(ThemeChoice::Dark, "dark"), (ThemeChoice::Light, "light")] {
        let mut window = prepared(theme);
        for (place, text, name) in [
            ("models/tumour/1/explain", "Contributions", "explain"),
            ("compare/tumour/1/tumour/2", "answered otherwise", "compare"),
            ("models/tumour/2/deploy", "Live", "deploy"),
        ] {
            window.go(place);
            window.wait_for_text(text);
            window.harness.run_steps(6);
            let image = window.harness.render().expect("rendered");
            image.save(folder.join(format!("{name}-{suffix}.png"))).expect("saved");
        }
    }
}
