//! A window with nothing in it, measured as the workbench is: `--measure first-frame` or `idle`; one JSON line.

use std::time::Instant;

use modeldesk_workbench::measure::Measured;

/// One line of text, in the library's own looks.
struct Bare;

impl eframe::App for Bare {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        ui.label("Nothing");
    }
}

fn main() -> eframe::Result {
    let began = Instant::now();
    let measure = std::env::args().skip_while(|arg| arg != "--measure").nth(1).and_then(|what| what.parse().ok());
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_title("Bare").with_inner_size([1280.0, 800.0]),
        renderer: eframe::Renderer::Wgpu,
        ..eframe::NativeOptions::default()
    };
    let creator = move |cc: &eframe::CreationContext<'_>| {
        let measure = measure.ok_or("say --measure first-frame or --measure idle")?;
        let measured = Measured::new(Bare, &cc.egui_ctx, measure, began)?;
        Ok(Box::new(measured) as Box<dyn eframe::App>)
    };
    eframe::run_native("bare", native, Box::new(creator))
}
