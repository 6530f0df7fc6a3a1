//! Every place in every state, both themes and two sizes: nothing yet, being read, failed, filled. Each says which
//! state it is in, keeps its frame, and is compared with its sheet of four pictures, which are a third as large. To be
//! looked at as they are: set MODELDESK_PICTURES to a folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use desk_uikit::ThemeChoice;
use egui::{Rect, pos2, vec2};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{SnapshotOptions, try_image_snapshot_options};
use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};

use crate::a11y::{at_rest, worked};
use crate::support::{FRESH, Window, labels};

/// What the window is opened in, and where its picture is on a sheet.
#[derive(Clone, Copy)]
struct Look {
    name: &'static str,
    size: [f32; 2],
    theme: ThemeChoice,
    at: [i64; 2],
}

const SMALL: [f32; 2] = [1280.0, 800.0];
const LARGE: [f32; 2] = [1920.0, 1200.0];
const LOOKS: [Look; 4] = [
    Look { name: "dark_1280", size: SMALL, theme: ThemeChoice::Dark, at: [0, 0] },
    Look { name: "light_1280", size: SMALL, theme: ThemeChoice::Light, at: [640, 0] },
    Look { name: "dark_1920", size: LARGE, theme: ThemeChoice::Dark, at: [0, 267] },
    Look { name: "light_1920", size: LARGE, theme: ThemeChoice::Light, at: [640, 267] },
];
const SHEET: (u32, u32) = (1280, 667);

/// Differs from run to run, or from computer to computer.
const VARYING: [&str; 10] =
    ["127.0.0.1", "MB sent", "port ", "2026-", "2027-", "CPU", "Linux", "processor", " free", "Copy "];

/// Sheets by place and state.
#[derive(Default)]
struct Sheets(BTreeMap<String, RgbaImage>);

impl Sheets {
    /// Takes the window's picture for its sheet, and for somebody who looks at it as it is.
    fn take(&mut self, window: &mut Window, place: &str, state: &str, look: Look) {
        desk_uikit::format::stop_the_clock();
        // Ids differ from run to run.
        let parts: Vec<&str> = place.split('/').map(|part| if part.len() < 30 { part } else { "one" }).collect();
        let name = format!("{}_{state}", parts.join("_"));
        window.picture(&format!("matrix_{name}_{}", look.name));
        window.harness.run_steps(1);
        window.mask_varying(&VARYING);
        if parts.contains(&"one") {
            // The end of its id in the breadcrumb, and the whole of it among the facts.
            window.harness.mask(Rect::from_min_max(pos2(280.0, 8.0), pos2(640.0, 36.0)));
        }
        // Which library there is and who chose it differs from computer to computer, and so does how long that is; the registry grows by
        // pages, as records do.
        let facts = ["Library", "Chosen", "Registry"]
            .map(|name| window.harness.query_all_by_label(name).map(|n| n.rect()).collect());
        for fact in facts.into_iter().flat_map(|rects: Vec<Rect>| rects) {
            window
                .harness
                .mask(Rect::from_min_max(fact.left_top() + vec2(100.0, -4.0), fact.left_bottom() + vec2(700.0, 4.0)));
        }
        let image = window.harness.render().expect("rendered");
        let small = imageops::resize(&image, image.width() / 3, image.height().div_ceil(3), FilterType::Triangle);
        let blank = || RgbaImage::from_pixel(SHEET.0, SHEET.1, Rgba([128, 128, 128, 255]));
        let sheet = self.0.entry(name).or_insert_with(blank);
        imageops::replace(sheet, &small, look.at[0], look.at[1]);
    }

    /// Compares every sheet, and says of all that differ.
    #[track_caller]
    fn compare(self) {
        let options = SnapshotOptions::new().threshold(2.0).max_failed_pixels(40).output_path("tests/snapshots/matrix");
        let differ: Vec<String> = self
            .0
            .iter()
            .filter_map(|(name, sheet)| try_image_snapshot_options(sheet, name.as_str(), &options).err())
            .map(|error| error.to_string())
            .collect();
        assert!(differ.is_empty(), "{}", differ.join("\n"));
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
    let (mut window, mut sheets) = (Window::new(), Sheets::default());
    for look in LOOKS {
        window.show_anew(look.size, look.theme);
        window.wait_for("Welcome to Modeldesk");
        at_rest(&mut window);
        sheets.take(&mut window, "home", "empty", look);
        for (place, says) in FRESH {
            window.go(place);
            window.wait_for(says);
            is_sound(&window, place);
            sheets.take(&mut window, place, "empty", look);
        }
    }
    sheets.compare();
}

#[test]
fn every_place_with_something_in_it_and_while_it_is_read() {
    let (mut window, mut places) = worked();
    places.push("compare/tumour/1/tumour/2".to_owned());
    let mut sheets = Sheets::default();
    for (look, place) in LOOKS.iter().flat_map(|look| places.iter().map(move |place| (*look, place))) {
        window.show_unread(look.size, look.theme);
        window.harness.state_mut().open(place.parse().expect("a place"));
        window.harness.run_steps(2);
        // What takes longer than a moment is told then.
        std::thread::sleep(Duration::from_millis(220));
        window.harness.run_steps(2);
        is_sound(&window, place);
        sheets.take(&mut window, place, "loading", look);
        window.harness.state_mut().hold_answers(false);
        at_rest(&mut window);
        is_sound(&window, place);
        let waits: Vec<String> = labels(&window.harness).into_iter().filter(|l| l.contains("Loading")).collect();
        assert!(waits.is_empty(), "{place}: {waits:?}");
        sheets.take(&mut window, place, "filled", look);
    }
    sheets.compare();
}

/// The folder of the home is away, as on a disk that was unplugged: whatever a place reads fails.
#[test]
fn every_place_when_nothing_can_be_read() {
    let (mut window, places) = worked();
    let (home, aside) = (window.home.path().join("home"), window.home.path().join("aside"));
    let move_to = |from: &Path, to: &Path| std::fs::rename(from, to).expect("moved");
    let mut sheets = Sheets::default();
    for (look, place) in LOOKS.iter().flat_map(|look| places.iter().map(move |place| (*look, place))) {
        window.show_anew(look.size, look.theme);
        window.harness.run_steps(1);
        move_to(&home, &aside);
        window.go(place);
        window.wait_for_text("The home folder is gone");
        at_rest(&mut window);
        is_sound(&window, place);
        sheets.take(&mut window, place, "error", look);
        move_to(&aside, &home);
    }
    sheets.compare();
}
