//! What a list of checks says at a glance.

use desk_app::outcome::Check;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::checks;

#[test]
fn a_note_is_no_green_tick_and_says_what_to_do() {
    let hint = "After a restart of the target, deploy again or start the server by hand";
    let check = |name: &str, ok, hint: Option<&str>| Check {
        name: name.into(),
        ok,
        detail: format!("{name} was looked at"),
        hint: hint.map(Into::into),
    };
    let list = [
        check("login", true, None),
        check("service", true, Some(hint)),
        check("port", false, Some("End that program")),
    ];
    let mut harness = Harness::builder()
        .with_size([500.0, 400.0])
        .with_context_setup(desk_uikit::install)
        .build_ui(move |ui| checks(ui, &list));
    harness.run_steps(2);
    for said in ["Works", "To know", "Does not work", hint, "End that program"] {
        assert!(harness.query_by_label(said).is_some(), "{said:?} is not on the screen");
    }
}
