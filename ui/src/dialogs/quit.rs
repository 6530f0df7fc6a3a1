//! Closing the window while jobs run.

use desk_uikit::modal::{Answer, Confirm};

/// The state of the dialog.
pub struct QuitDialog {
    confirm: Confirm,
    /// The user wants to close all the same.
    pub agreed: bool,
}

impl QuitDialog {
    /// `jobs` says how many there are, `2 jobs are`.
    pub fn new(jobs: &str) -> Self {
        let confirm = Confirm {
            title: format!("Close while {jobs} running?"),
            body: "Closing the window stops what runs. A deployment that is stopped is undone: what served before keeps serving"
                .into(),
            yes: "Stop and close".into(),
            // `Cancel` could mean the jobs.
            no: "Keep open".into(),
            ..Confirm::default()
        };
        Self { confirm, agreed: false }
    }

    /// Shows the dialog; true when the window stays open.
    pub fn show(&mut self, ctx: &egui::Context) -> bool {
        match self.confirm.show(ctx) {
            Some(Answer::Yes) => {
                self.agreed = true;
                false
            }
            Some(Answer::No) => true,
            None => false,
        }
    }
}
