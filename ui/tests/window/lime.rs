//! LIME in its own numbers: what its stand-in adds up to, beside what the model says.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use desk_app::command::{Columns, Explain, MethodSettings};
use desk_app::{Command, Outcome};
use desk_core::{Cancel, NoProgress};
use desk_uikit::{ThemeChoice, Tokens, format};
use egui::{Color32, Role};
use egui_kittest::kittest::Queryable as _;

use crate::support::{Window, labels};

/// The command that explains rows of the sample.
pub fn explain(version: &str, data: PathBuf, method: &str, rows: RangeInclusive<u64>, out: Option<PathBuf>) -> Command {
    let samples = (method == "lime").then_some(500);
    Command::Explain(Explain {
        version: version.parse().expect("a version"),
        data,
        first_row: Some(*rows.start()),
        last_row: Some(*rows.end()),
        background: None,
        columns: Columns::default(),
        method: method.into(),
        samples,
        seed: 0,
        output: None,
        space: None,
        settings: MethodSettings::default(),
        interactions: false,
        finished: false,
        pick: None,
        out,
    })
}

fn rows() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/samples/tumour/heldout.csv")
}

#[test]
fn lime_is_no_waterfall_from_the_background() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    let done = window
        .desk
        .run(explain("tumour@1", rows(), "lime", 3..=3, None), &Cancel::new(), &NoProgress)
        .expect("explained");
    let Outcome::Explain(answer) = done else { panic!("{done:?}") };
    let s = answer.surrogate(0, 0).expect("LIME says what its stand-in says");
    let parts: f64 = (0..answer.feature_names.len()).map(|f| answer.value(0, f, 0)).sum();
    assert!((s.intercept + parts - s.local_prediction).abs() < 1e-9, "{s:?} {parts}");
    let miss = (s.local_prediction - answer.predictions[0][0]).abs();
    assert!((answer.residual_max - miss).abs() < 1e-9, "{miss} {}", answer.residual_max);

    window.go("models/tumour/1/explain");
    window.wait_for("Local prediction");
    for shown in ["Intercept", "Kernel width", "Contributions"] {
        assert!(window.shows(shown), "{shown}: {:#?}", labels(&window.harness));
    }
    for number in [s.intercept, s.local_prediction, answer.predictions[0][0]] {
        let text = format::number(number);
        assert!(window.harness.query_all_by_label_contains(&text).next().is_some(), "{text}");
    }
    for wrong in ["Base value", "Difference", "all contributions"] {
        assert!(!window.shows(wrong), "{wrong}: {:#?}", labels(&window.harness));
    }
    let charts: Vec<String> = labels(&window.harness).into_iter().filter(|l| l.starts_with("Image: ")).collect();
    assert!(charts.iter().any(|chart| chart.contains("Contribution of 13 items")), "{charts:#?}");
    assert!(!charts.iter().any(|chart| chart.contains("from a base of")), "{charts:#?}");
    assert!(window.harness.query_all_by_role(Role::Image).next().is_some());
    window.picture("lime");
}

#[test]
fn the_page_has_the_colours_of_the_window() {
    let window = Window::with_samples([1280.0, 800.0], ThemeChoice::Dark);
    let out = window.home.path().join("x.html");
    window
        .desk
        .run(explain("tumour@1", rows(), "auto", 3..=3, Some(out.clone())), &Cancel::new(), &NoProgress)
        .expect("explained");
    let page = std::fs::read_to_string(out).expect("written");
    let hex = |c: Color32| format!("#{:02x}{:02x}{:02x}", c.r(), c.g(), c.b());
    for theme in [egui::Theme::Light, egui::Theme::Dark] {
        let t = Tokens::for_theme(theme, false);
        let (up, down) = (format!("--up: {};", hex(t.positive)), format!("--down: {};", hex(t.negative)));
        assert!(page.contains(&up) && page.contains(&down), "{theme:?}: {up} {down}");
    }
}
