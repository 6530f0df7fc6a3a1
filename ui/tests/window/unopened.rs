//! A home that cannot be opened: the window says why, and tries again when asked.

use std::time::{Duration, Instant};

use desk_app::{Desk, DeskOptions};
use desk_core::{Fault, FaultKind};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, SnapshotOptions};
use modeldesk_workbench::unopened::Unopened;

/// The window, and the desk once it is there.
struct Tried {
    unopened: Unopened,
    desk: Option<Desk>,
}

impl eframe::App for Tried {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.desk = self.unopened.show(ui).or_else(|| self.desk.take());
    }
}

fn window(theme: egui::Theme, options: DeskOptions, fault: Fault) -> Harness<'static, Tried> {
    Harness::builder()
        .wgpu()
        .with_size([1280.0, 800.0])
        .with_theme(theme)
        .with_render_cursor(false)
        .with_options(SnapshotOptions::new().threshold(1.0).max_failed_pixels(20))
        .build_eframe(move |cc| Tried { unopened: Unopened::new(&cc.egui_ctx, options, &fault), desk: None })
}

/// Presses the button and waits for what comes of it.
fn again(window: &mut Harness<'static, Tried>, ready: impl Fn(&Harness<'static, Tried>) -> bool) {
    window.get_by_label("Try again").click();
    let began = Instant::now();
    while !ready(window) {
        assert!(began.elapsed() < Duration::from_mins(1), "nothing came of it");
        window.run_steps(2);
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_home_that_cannot_be_opened_is_told_in_the_window_and_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let blocked = folder.path().join("here");
    std::fs::write(&blocked, "a file where a folder should be").expect("written");
    let options = DeskOptions::for_home(blocked.join("home"));
    let fault = Desk::open(options.clone()).map(|_| ()).expect_err("a file is no folder");
    let mut window = window(egui::Theme::Dark, options, fault);
    window.run_steps(4);
    let head = "The folder with your models cannot be opened";
    assert!(window.query_all_by_label_contains(head).next().is_some(), "it says what is wrong");
    again(&mut window, |window| window.query_by_label("Tried again: it is as before").is_some());
    assert!(window.state().desk.is_none());
    std::fs::remove_file(&blocked).expect("removed");
    again(&mut window, |window| window.state().desk.is_some());
}

fn pictured(theme: egui::Theme, name: &str) {
    let home = "/home/ana/.local/share/modeldesk";
    let fault = Fault::new(FaultKind::Environment, format!("the disk is full: {home}/registry.db"))
        .hint("Free some space on it, then try again");
    let mut window = window(theme, DeskOptions::for_home(home), fault);
    window.run_steps(4);
    window.snapshot(name);
}

#[test]
fn pictures_of_a_full_disk_dark() {
    pictured(egui::Theme::Dark, "unopened_dark");
}

#[test]
fn pictures_of_a_full_disk_light() {
    pictured(egui::Theme::Light, "unopened_light");
}
