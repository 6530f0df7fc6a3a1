//! Files that are dragged over the window and let go.

use std::path::PathBuf;

use egui::Context;

use crate::route::{Route, VersionTab};

/// The file that was let go over the window in this frame.
pub(super) fn dropped_file(ctx: &Context) -> Option<PathBuf> {
    ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_path_buf()))
}

/// While a file hovers over the window: what will happen when it is let go.
pub(super) fn drop_hint(ctx: &Context, here: &Route) {
    if !ctx.input(|input| !input.raw.hovered_files.is_empty()) {
        return;
    }
    let t = desk_uikit::Tokens::of_ctx(ctx);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop-hint"));
    let painter = ctx.layer_painter(layer);
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, t.bg.gamma_multiply(0.85));
    painter.rect_stroke(rect.shrink(12.0), 8.0, egui::Stroke::new(2.0, t.accent), egui::StrokeKind::Inside);
    // The words stand on a plate: what lies below would run through them.
    let plate = egui::Rect::from_center_size(rect.center() + egui::vec2(0.0, 14.0), egui::vec2(380.0, 96.0));
    painter.rect(plate, 8.0, t.raised, egui::Stroke::new(1.0, t.line), egui::StrokeKind::Inside);
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        "Drop to import a model",
        desk_uikit::fonts::semibold(desk_uikit::fonts::size::TITLE),
        t.strong,
    );
    let data = matches!(here, Route::Version { tab: VersionTab::Test | VersionTab::Explain, .. });
    painter.text(
        rect.center() + egui::vec2(0.0, 28.0),
        egui::Align2::CENTER_CENTER,
        if data { "A data file goes into this view" } else { "An ONNX file, or a folder with one" },
        desk_uikit::fonts::regular(desk_uikit::fonts::size::BODY),
        t.text,
    );
}
