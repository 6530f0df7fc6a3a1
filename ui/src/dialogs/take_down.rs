//! Taking a live deployment down: its server stops; or, when the machine is gone, only the note of it.

use desk_app::Command;
use desk_app::command::Undeploy;
use desk_app::query::DeploymentItem;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, Icon, field, text};

use crate::cx::Cx;

/// The state of the dialog.
pub struct TakeDownDialog {
    title: String,
    target: String,
    deployment: String,
    gone: bool,
    replace_other: bool,
}

impl TakeDownDialog {
    /// Asks about a live deployment.
    pub fn new(live: &DeploymentItem) -> Self {
        Self {
            title: format!("Take down {} v{} from {}?", live.model, live.version, live.target),
            target: live.target.clone(),
            deployment: format!("{}/{}", live.target, live.model),
            gone: false,
            replace_other: false,
        }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        let mut done = false;
        let title = self.title.clone();
        let output = Frame::new("take-down", &title).width(460.0).show_with(
            ctx,
            self,
            |ui, this| {
                text::body(
                    ui,
                    "Its server stops, and requests to it fail from then on. It can be deployed again at any time",
                );
                ui.add_space(4.0);
                if !this.gone {
                    field::check(
                        ui,
                        &mut this.replace_other,
                        "Even if another desk has made something else live there",
                    );
                }
                field::check(ui, &mut this.gone, "The machine is gone for good: only note it here");
                if this.gone {
                    text::sub(
                        ui,
                        format!("Nothing is done on {}; what may still run there keeps running", this.target),
                    );
                }
            },
            |ui, this, ()| {
                let (deployment, gone) = (this.deployment.clone(), this.gone);
                let replace_other = this.replace_other && !gone;
                let command = Command::Undeploy(Undeploy { deployment, gone, replace_other });
                let next = Ok::<_, &str>(command);
                done = super::footer(ui, cx, Button::danger("Take down").icon(Icon::Stop), next, "Cancel");
            },
        );
        done || output.closed
    }
}
