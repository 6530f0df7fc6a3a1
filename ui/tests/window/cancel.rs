//! Slow work is cancelled, and a window that is minimised meanwhile finds it done.

use desk_app::Command;
use desk_core::{Cancel, NoProgress, state::JobState};
use desk_uikit::ThemeChoice;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::Queryable as _;

use crate::lime::explain;
use crate::support::{Window, labels};

/// Kernel SHAP with more samples than anybody waits for.
fn start_slow(window: &mut Window) {
    window.press("Options");
    window.press_role(Role::ComboBox, "Method");
    window.press_role(Role::ListBoxOption, "Kernel SHAP");
    window.press_role(Role::RadioButton, "Rows: Several");
    window.fill("Samples", "1000000");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    window.wait("the running job", |h| h.query_all_by_role_and_label(Role::Button, "Cancel").next().is_some());
}

#[test]
fn a_job_is_cancelled_and_the_former_result_stays() {
    let mut window = Window::with_samples([1280.0, 1300.0], ThemeChoice::Dark);
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let former = explain("tumour@2", data, "auto", 1..=20, None);
    window.desk.run(former, &Cancel::new(), &NoProgress).expect("explained");
    window.go("models/tumour/2/explain");
    window.wait_for("Explanation");
    start_slow(&mut window);
    let says = |window: &Window| labels(&window.harness).iter().any(|label| label.contains("over 20 rows"));
    assert!(says(&window), "the former result stays while another is worked out");
    window.press("Cancel");
    window.wait_for_text("cancelled");
    window.wait("the end of the job", |h| h.query_all_by_label("Cancel").next().is_none());
    assert!(says(&window), "and afterwards");
    assert!(window.harness.query_all_by_label_contains("failed").next().is_none(), "what was wished is no error");
    let stored = window.desk.stored_jobs(1).expect("a list");
    assert_eq!(stored.first().expect("the job").state, JobState::Cancelled);

    // The same form starts again, with what fits.
    window.fill("To row", "100");
    window.fill("Samples", "64");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    let desk = window.desk.clone();
    window.wait("the result", |_| {
        desk.stored_jobs(1).is_ok_and(|jobs| jobs.first().is_some_and(|job| job.state == JobState::Done))
    });
    window.wait_for_text("over 100 rows");
}

#[test]
fn jobs_are_cancelled_from_the_drawer_and_from_their_page() {
    let mut window = Window::with_samples([1280.0, 800.0], ThemeChoice::Light);
    for place in ["drawer", "page"] {
        window.go("models/tumour/2/explain");
        window.wait_for_text("31 columns");
        if place == "drawer" {
            start_slow(&mut window);
            window.go("models");
            window.harness.key_press_modifiers(Modifiers::COMMAND, Key::J);
        } else {
            window.fill("Samples", "1000000");
            window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
            window.wait("the running job", |h| h.query_all_by_label("Cancel").next().is_some());
            let desk = window.desk.clone();
            let running = || desk.stored_jobs(1).ok()?.into_iter().find(|job| !job.state.is_final());
            window.wait("the job in the store", |_| running().is_some());
            window.go(&format!("activity/{}", running().expect("it takes long").id));
        }
        window.press("Cancel");
        let desk = window.desk.clone();
        window.wait(place, |_| {
            desk.stored_jobs(1).is_ok_and(|jobs| jobs.first().is_some_and(|job| job.state == JobState::Cancelled))
        });
        // The store knows it a moment before the window does, and until then nothing else is started.
        window.wait("no job", |h| h.query_all_by_label("Cancel").next().is_none());
    }
    window.desk.run(Command::Sample, &Cancel::new(), &NoProgress).expect("the desk goes on");
}

#[test]
fn a_stopped_explanation_shows_its_finished_rows_and_goes_on() {
    let mut window = Window::with_samples([1280.0, 1000.0], ThemeChoice::Light);
    window.go("models/tumour/1/explain");
    let data = window.desk.samples_folder().join("tumour/heldout.csv");
    let Command::Explain(asked) = explain("tumour@1", data, "permutation", 1..=6, None) else { unreachable!() };
    let asked = Command::Explain(desk_app::command::Explain { samples: Some(20_000), ..asked });
    let job = window.desk.submit(asked).expect("it begins");
    let kept = window.desk.home().join("unfinished");
    let lines = |folder: &std::path::Path| {
        let files = |folder| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        files(folder.to_owned())
            .flat_map(files)
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .any(|text| !text.is_empty())
    };
    window.wait("a row is finished", |_| lines(&kept));
    window.wait_for_text("Finished rows are kept when you cancel");
    window.desk.cancel(&job).expect("it is asked to stop");
    window.wait_for("Go on");
    window.picture("explain_stopped_light");
    window.harness.check_accessibility();
    window.press("Show the finished rows");
    window.wait_for_text("An explanation that was stopped had finished");
    assert!(!window.shows("Go on"), "the newest explanation is not one that was stopped");
    let runs = window.desk.version(&"tumour@1".parse().expect("a version")).expect("read").runs;
    let record = window.desk.run_record(&runs[0].id).expect("read");
    let desk_app::Outcome::Explain(answer) = record.outcome else { panic!("no explanation") };
    assert!((1..6).contains(&answer.row_numbers.len()), "{:?}", answer.row_numbers);
}
