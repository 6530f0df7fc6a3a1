//! What a rollout will do, before it does it.

use desk_uikit::{Card, Icon, Tokens, fonts, paint, text};
use egui::{Label, RichText, Sense, Ui, pos2, vec2};

/// The nine steps and what each is for.
pub const STEPS: [(&str, &str); 9] = [
    ("Check target", "it answers, has room, and its folder can be written"),
    ("Upload", "the version, and the server where it is missing; every file is checked by its digest"),
    ("Start server", "unless it runs already"),
    ("Stage version", "in a process of its own, beside the one that serves"),
    ("Health check", "the new process says that it is ready"),
    ("Prove golden rows", "its answers there must equal the answers here"),
    ("Switch", "requests go to the new version; none is lost"),
    ("Verify", "the golden rows once more, on the port that clients use"),
    ("Tidy", "old versions are removed; the one before is kept, to roll back to"),
];

/// Shows the plan.
pub fn show(ui: &mut Ui) {
    Card::titled("What will happen").caption("nine steps, each of them recorded").show(ui, |ui| {
        let t = Tokens::of(ui);
        for (i, (name, what)) in STEPS.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.spacing_mut().interact_size.y = 22.0;
                let (mark, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
                ui.painter().circle_filled(mark.center(), 9.0, t.hover);
                let number = (i + 1).to_string();
                let galley = paint::one_line(ui.painter(), &number, fonts::medium(fonts::size::CAPTION), t.sub, 18.0);
                let size = galley.size();
                ui.painter().galley(
                    pos2(mark.center().x - size.x / 2.0, mark.center().y - size.y / 2.0),
                    galley,
                    t.sub,
                );
                text::strong(ui, *name);
                let what = RichText::new(*what).font(fonts::regular(fonts::size::SMALL)).color(t.sub);
                ui.add(Label::new(what).truncate());
            });
        }
        ui.add_space(6.0);
        ui.horizontal_top(|ui| {
            ui.label(Icon::Undo.rich(14.0, t.sub));
            text::sub(ui, "When a step fails, the steps before it are undone, and what served before keeps serving");
        });
    });
}
