//! One way to take pictures: the same size rules, theme set-up and tolerance for all of them.

use desk_uikit::{Tokens, install};
use egui::{Theme, Ui, vec2};
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};

/// Tolerates the last bit of another software rasteriser, never another layout.
fn options() -> SnapshotOptions {
    SnapshotOptions::new().threshold(1.0).max_failed_pixels(20)
}

/// A harness with the house's fonts and styles.
pub fn harness<'a>(size: [f32; 2], theme: Theme, mut add: impl FnMut(&mut Ui) + 'a) -> Harness<'a> {
    Harness::builder()
        .wgpu()
        .with_size(vec2(size[0], size[1]))
        .with_theme(theme)
        .with_options(options())
        .with_render_cursor(false)
        .with_context_setup(install)
        .build_ui(move |ui| {
            let t = Tokens::of(ui);
            let everything = ui.ctx().content_rect();
            ui.painter().rect_filled(everything, 0.0, t.bg);
            add(ui);
        })
}

/// Takes a picture in both themes, `name_dark.png` and `name_light.png`.
pub fn pictures(name: &str, size: [f32; 2], mut add: impl FnMut(&mut Ui)) {
    let mut results = SnapshotResults::new();
    for (theme, suffix) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
        let mut harness = harness(size, theme, &mut add);
        harness.run_steps(3);
        harness.snapshot(format!("{name}_{suffix}"));
        results.extend_harness(&mut harness);
    }
}
