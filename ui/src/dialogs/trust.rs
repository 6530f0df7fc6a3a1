//! A machine's host key that is not trusted, asked about over the window.

use desk_app::outcome::TargetView;
use desk_uikit::modal::Dialog as Frame;

use crate::cx::Cx;
use crate::screens::trust;

/// The state of the dialog.
pub struct TrustDialog {
    target: Box<TargetView>,
    key: String,
}

impl TrustDialog {
    /// Asks about a key that a target offered.
    pub fn new(target: &TargetView, key: &str) -> Self {
        Self { target: Box::new(target.clone()), key: key.to_owned() }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        let mut done = false;
        let title = trust::question(&self.target);
        let output = Frame::new("trust", &title).width(560.0).show_with(
            ctx,
            self,
            |ui, this| trust::body(ui, &this.target, &this.key),
            |ui, this, ()| {
                let next = Ok::<_, &str>(trust::command(&this.target, &this.key));
                done = super::footer(ui, cx, trust::button(&this.target), next, "Not now");
            },
        );
        done || output.closed
    }
}
