//! Every place in every state, both themes and two sizes: nothing yet, being read, failed, filled. Each says which
//! state it is in, keeps its frame, and names what it shows. To be looked at: set MODELDESK_PICTURES to a folder.

use std::path::Path;

use desk_uikit::ThemeChoice;

use crate::a11y::{at_rest, worked};
use crate::support::{FRESH, Window, labels};

/// What the window is opened in.
#[derive(Clone, Copy)]
struct Look {
    name: &'static str,
    size: [f32; 2],
    theme: ThemeChoice,
}

const SMALL: [f32; 2] = [1280.0, 800.0];
const LARGE: [f32; 2] = [1920.0, 1200.0];
const LOOKS: [Look; 4] = [
    Look { name: "dark_1280", size: SMALL, theme: ThemeChoice::Dark },
    Look { name: "light_1280", size: SMALL, theme: ThemeChoice::Light },
    Look { name: "dark_1920", size: LARGE, theme: ThemeChoice::Dark },
    Look { name: "light_1920", size: LARGE, theme: ThemeChoice::Light },
];

/// All of them where somebody looks at the pictures; else each theme and size once.
fn looks() -> Vec<Look> {
    let all = std::env::var_os("MODELDESK_PICTURES").is_some();
    LOOKS.into_iter().enumerate().filter(|(i, _)| all || [0, 3].contains(i)).map(|(_, look)| look).collect()
}

impl Look {
    /// A window that has seen nothing yet.
    fn open(self, window: &mut Window) {
        window.show_anew(self.size, self.theme);
    }

    fn picture(self, window: &mut Window, place: &str, state: &str) {
        // Ids differ from run to run.
        let parts: Vec<&str> = place.split('/').map(|part| if part.len() < 30 { part } else { "one" }).collect();
        window.picture(&format!("matrix_{}_{state}_{}", parts.join("_"), self.name));
    }
}

/// The frame stays, and nothing that is not for people is on the screen.
#[track_caller]
fn is_sound(window: &Window, what: &str) {
    let shown = labels(&window.harness);
    for part in ["Home", "Search or run a command"] {
        assert!(shown.iter().any(|label| label.contains(part)), "{what}: {part} is not there:\n{shown:#?}");
    }
    for raw in ["NaN", "Some(", "None)", "Err(", "{}", "\\u{"] {
        assert!(!shown.iter().any(|label| label.contains(raw)), "{what}: {raw}:\n{shown:#?}");
    }
    window.harness.check_accessibility();
}

#[test]
fn every_place_where_nothing_is_yet() {
    let mut window = Window::new();
    for look in looks() {
        look.open(&mut window);
        window.wait_for("Welcome to Modeldesk");
        look.picture(&mut window, "home", "empty");
        for (place, says) in FRESH {
            window.go(place);
            window.wait_for(says);
            is_sound(&window, place);
            look.picture(&mut window, place, "empty");
        }
    }
}

#[test]
fn every_place_with_something_in_it_and_while_it_is_read() {
    let (mut window, mut places) = worked();
    places.push("compare/tumour/1/tumour/2".to_owned());
    for (look, place) in looks().iter().flat_map(|look| places.iter().map(move |place| (look, place))) {
        look.open(&mut window);
        window.harness.state_mut().open(place.parse().expect("a place"));
        // Its first frame cannot know what is there.
        window.harness.run_steps(1);
        is_sound(&window, place);
        look.picture(&mut window, place, "loading");
        at_rest(&mut window);
        is_sound(&window, place);
        let waits: Vec<String> = labels(&window.harness).into_iter().filter(|l| l.contains("Loading")).collect();
        assert!(waits.is_empty(), "{place}: {waits:?}");
        look.picture(&mut window, place, "filled");
    }
}

/// The folder of the home is away, as on a disk that was unplugged: whatever a place reads fails.
#[test]
fn every_place_when_nothing_can_be_read() {
    let (mut window, places) = worked();
    let (home, aside) = (window.home.path().join("home"), window.home.path().join("aside"));
    let move_to = |from: &Path, to: &Path| std::fs::rename(from, to).expect("moved");
    for (look, place) in looks().iter().flat_map(|look| places.iter().map(move |place| (look, place))) {
        look.open(&mut window);
        window.harness.run_steps(1);
        move_to(&home, &aside);
        window.go(place);
        window.wait_for_text("The home folder is gone");
        at_rest(&mut window);
        is_sound(&window, place);
        look.picture(&mut window, place, "error");
        move_to(&aside, &home);
    }
}
