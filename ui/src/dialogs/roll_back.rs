//! Going back to a former version, or forward to what that left: from which to which is said before it happens.

use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, text};
use egui::{Context, Ui};

use crate::cx::Cx;
use crate::screens::{WayBack, rollout_there};

/// The state of the dialog.
pub struct RollBackDialog {
    way: WayBack,
}

impl RollBackDialog {
    /// Asks about a way.
    pub fn new(way: WayBack) -> Self {
        Self { way }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) -> bool {
        let way = &self.way;
        let mut done = false;
        let what = if way.forward { "Go forward with" } else { "Roll back" };
        let title = format!("{what} {} to v{}?", way.model, way.to);
        let output = Frame::new("roll-back", &title).width(460.0).show(
            ctx,
            |ui| body(ui, way),
            |ui, ()| {
                let (label, icon) = way.label();
                let next = rollout_there(cx, &way.target).map_or_else(|| Ok(way.command()), Err);
                done = super::footer(ui, cx, Button::primary(&label).icon(icon), next, "Cancel");
            },
        );
        done || output.closed
    }
}

/// What will happen and what is kept.
fn body(ui: &mut Ui, way: &WayBack) {
    text::body(
        ui,
        format!(
            "Target {} serves v{} now. v{} still lies there: it is started beside it, proven with the golden rows, and only then switched to",
            way.target, way.from, way.to
        ),
    );
    ui.add_space(4.0);
    let later = if way.forward { "roll back" } else { "go forward" };
    text::sub(ui, format!("When the proof fails, v{} keeps serving. You can {later} to it again later", way.from));
}
