//! The tour's strip: the step, what to do and why, and ways on.

use desk_uikit::{Badge, Button, Icon, Tokens, Tone, fonts, text};
use egui::{Align, Layout, RichText, Ui};

use super::{Act, Step, Tour};
use crate::cx::{Action, Cx};

/// Height of the strip, with its margins; longer texts in a narrow window scroll.
pub const HEIGHT: f32 = 128.0;
/// From one step's mark to the next.
const TICK: f32 = 15.0;

/// Draws the strip.
pub fn show(ui: &mut Ui, cx: &Cx<'_>) {
    let tour = cx.tour;
    ui.horizontal(|ui| {
        let t = Tokens::of(ui);
        ui.label(Icon::Hint.rich(15.0, t.accent));
        let number = tour.number().min(Step::ALL.len());
        let title = tour.step().map_or("That was the whole way", Step::title);
        ui.label(RichText::new(title).font(fonts::semibold(fonts::size::SECTION)).color(t.strong));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let leave = Button::icon_only(Icon::Close, "Leave the tour");
            if ui.add(leave.tooltip("It can be taken up again from the palette and from the help")).clicked() {
                let end = tour.step().is_none();
                cx.act(Action::Tour(if end { Act::Finish } else { Act::Leave }));
            }
            ticks(ui, tour);
            text::caption(ui, format!("Tour, step {number} of {}", Step::ALL.len()));
        });
    });
    crate::shell::scroll(ui, "tour", |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        match tour.step() {
            Some(step) => {
                text::body(ui, step.what());
                text::sub(ui, step.why());
            }
            None => {
                text::body(ui, "From a file to a proven deployment, and back. Now import a model of your own");
            }
        }
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| buttons(ui, cx, tour));
    });
}

/// One mark for each step: filled when it is done.
fn ticks(ui: &mut Ui, tour: &Tour) {
    let t = Tokens::of(ui);
    let size = egui::vec2(TICK * Step::ALL.len() as f32, 16.0);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    let done = Step::ALL.into_iter().filter(|step| tour.is_done(*step)).count();
    let label = format!("{done} of {} done", Step::ALL.len());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &label));
    for (i, step) in Step::ALL.into_iter().enumerate() {
        let at = egui::pos2(rect.left() + TICK * (i as f32 + 0.5), rect.center().y);
        let here = tour.step() == Some(step);
        if tour.is_done(step) {
            ui.painter().circle_filled(at, 4.0, t.ok);
        } else {
            ui.painter().circle_stroke(at, 3.5, egui::Stroke::new(1.0, t.sub));
        }
        if here {
            ui.painter().circle_stroke(at, 5.5, egui::Stroke::new(1.5, t.accent));
        }
    }
    response.on_hover_text(label);
}

fn buttons(ui: &mut Ui, cx: &Cx<'_>, tour: &Tour) {
    let Some(step) = tour.step() else {
        if ui.add(Button::primary("Close the tour")).clicked() {
            cx.act(Action::Tour(Act::Finish));
        }
        if ui.add(Button::secondary("Import model…").icon(Icon::Import)).clicked() {
            cx.act(Action::Tour(Act::Finish));
            cx.act(Action::Ui(crate::command::UiCommand::Import));
        }
        return;
    };
    let done = tour.is_done(step);
    if done {
        ui.add(Badge::new(Tone::Ok, "Done"));
    }
    let command = step.command(&cx.background.samples_folder());
    if let Some(command) = command.filter(|_| !done) {
        let busy = cx.jobs.running().any(|job| job.command == command);
        let line = command.to_cli();
        let button = Button::primary("Do it").icon(Icon::Run).tooltip(&line);
        if ui.add(button.disabled_if(busy.then_some("It is under way"))).clicked() {
            if let Some(place) = step.place() {
                cx.go(place);
            }
            cx.run(command);
        }
    }
    if let Some(place) = step.place() {
        let there = *cx.route == place;
        let reason = there.then_some("This is where it is done");
        if ui.add(Button::secondary("Show me").icon(Icon::Show).disabled_if(reason)).clicked() {
            cx.go(place);
        }
    }
    let first = (tour.number() == 1).then_some("This is the first step");
    if ui.add(Button::ghost("Back").disabled_if(first)).clicked() {
        cx.act(Action::Tour(Act::Back));
    }
    let next = if done { Button::primary("Next step") } else { Button::ghost("Skip this step") };
    if ui.add(next).clicked() {
        cx.act(Action::Tour(Act::Next));
    }
}
