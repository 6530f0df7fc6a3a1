//! Going back to a former version, or forward to what that left: from which to which is said before it happens.

use desk_app::query::VersionView;
use desk_core::{SignatureChange, VersionRef};
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Badge, Button, Tone, text};
use egui::{Context, Ui};

use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::fault::{sentence, words};
use crate::screens::{WayBack, rollout_there};

/// The state of the dialog.
pub struct RollBackDialog {
    way: WayBack,
    /// The version that shall serve: it knows what clients of the live one would notice.
    to: Slot<(), VersionView>,
}

impl RollBackDialog {
    /// Asks about a way.
    pub fn new(way: WayBack) -> Self {
        Self { way, to: Slot::default() }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &Context, cx: &Cx<'_>) -> bool {
        let version = VersionRef::numbered(self.way.model.clone(), self.way.to);
        self.to.ensure(cx.background, (), Topic::Any, move |desk| desk.version(&version));
        let way = &self.way;
        let breaks = self.to.value.value().and_then(|view| view.breaks.get(&way.target));
        let breaks = breaks.map(Vec::as_slice).unwrap_or_default();
        let mut done = false;
        let what = if way.forward { "Go forward with" } else { "Roll back" };
        let title = format!("{what} {} to v{}?", way.model, way.to);
        let output = Frame::new("roll-back", &title).width(460.0).show(
            ctx,
            |ui| body(ui, way, breaks),
            |ui, ()| {
                let (label, icon) = way.label();
                let next = rollout_there(cx, &way.target).map_or_else(|| Ok(way.command()), Err);
                done = super::footer(ui, cx, Button::primary(&label).icon(icon), next, "Cancel");
            },
        );
        done || output.closed
    }
}

/// What will happen, what clients would notice, and what is kept.
fn body(ui: &mut Ui, way: &WayBack, breaks: &[SignatureChange]) {
    text::body(
        ui,
        format!(
            "Target {} serves v{} now. v{} still lies there: it is started beside it, proven with the golden rows, and only then switched to",
            way.target, way.from, way.to
        ),
    );
    ui.add_space(4.0);
    if !breaks.is_empty() {
        text::body(ui, format!("Clients of v{} could not use v{}", way.from, way.to));
        for change in breaks {
            ui.add(Badge::new(Tone::Warn, &words(&sentence(&change.to_string()))).plain());
        }
        ui.add_space(4.0);
    }
    let later = if way.forward { "roll back" } else { "go forward" };
    text::sub(ui, format!("When the proof fails, v{} keeps serving. You can {later} to it again later", way.from));
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;

    #[test]
    fn what_clients_would_notice_is_said_before_it_happens() {
        let (live, target) = ("d1".to_owned(), "edge-01".to_owned());
        let way = WayBack { live, target, model: "churn".parse().expect("a name"), from: 2, to: 1, forward: false };
        let change = |name: &str| SignatureChange {
            part: "output".into(),
            name: name.into(),
            was: Some("float32 [?, 2]".into()),
            is: None,
        };
        let breaks = [change("probabilities"), change("label")];
        let mut harness = Harness::builder()
            .with_size([600.0, 300.0])
            .with_context_setup(desk_uikit::install)
            .build_ui(move |ui| body(ui, &way, &breaks));
        harness.run_steps(2);
        harness.get_by_label("Clients of v2 could not use v1");
        harness.get_by_label("Output “probabilities” (float32 [?, 2]) is gone");
        harness.get_by_label("Output “label” (float32 [?, 2]) is gone");
    }
}
