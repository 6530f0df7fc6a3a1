//! What is said while something is done, and when it is not.

use super::Painting;
use crate::loadable::loadable_view;
use crate::progress::{self, Work};
use crate::toast::{Toast, Toasts};
use crate::{EmptyState, ErrorText, Icon, Loadable, Tone, error_view, modal, text};

/// Work in progress.
pub(super) fn work_in_progress() -> Painting {
    Box::new(move |ui| {
        let work = Work {
            stage: "Explaining rows",
            done: 620,
            total: Some(1000),
            about: false,
            unit: "rows",
            elapsed_secs: 62.0,
            cancel_keeps: Some("Finished rows are kept"),
        };
        progress::work(ui, &work, true);
        ui.add_space(12.0);
        progress::work(ui, &Work { stage: "Starting the worker", ..Work::default() }, true);
    })
}

/// Loading.
pub(super) fn loadable() -> Painting {
    Box::new(move |ui| {
        let first: Loadable<u8> = Loadable::Loading { previous: None, since: None };
        loadable_view(ui, &first, |_, _| {});
        ui.separator();
        let again = Loadable::Loading { previous: Some(7), since: None };
        loadable_view(ui, &again, |ui, value| {
            text::body(ui, format!("The former value {value} stays while a new one is fetched"));
        });
    })
}

/// Nothing yet.
pub(super) fn empty_state() -> Painting {
    Box::new(move |ui| {
        EmptyState::new(Icon::Models, "No models yet")
            .body("Import an ONNX file to test, explain and deploy it")
            .primary(Icon::Import, "Import model…")
            .secondary("Try the sample model")
            .hint("or drop a file anywhere in this window")
            .show(ui);
    })
}

/// Errors.
pub(super) fn error() -> Painting {
    Box::new(move |ui| {
        let error = ErrorText {
            title: "Deployment stopped at step 3 of 5".into(),
            message: "The target refused the upload: not enough disk space (needs 412 MB, has 96 MB)".into(),
            still_holds: Some("Steps 1 and 2 were undone; v1 is still serving".into()),
            hints: vec!["Free at least 316 MB on edge-02, then try again".into(), "Or choose another target".into()],
            details: vec!["sftp: write: no space left on device".into()],
            ..ErrorText::default()
        };
        error_view(ui, &error, Some("Try again"));
    })
}

/// Notices.
pub(super) fn toast() -> Painting {
    Box::new(move |ui| {
        let mut toasts = Toasts::<u8>::default();
        toasts.push(Toast::new(Tone::Ok, "churn v2 is live on edge-01").action("Open", 1));
        toasts.push(Toast::new(Tone::Err, "Import failed").body("Not an ONNX file: notes.txt"));
        toasts.show(ui.ctx(), ui.ctx().content_rect().right_bottom());
    })
}

/// Confirmation.
pub(super) fn confirm() -> Painting {
    Box::new(move |ui| {
        let mut confirm = modal::Confirm {
            title: "Remove target edge-01?".into(),
            body: "The server keeps running there; Modeldesk forgets how to reach it. Its history is kept.".into(),
            yes: "Remove target".into(),
            type_to_confirm: Some("edge-01".into()),
            ..modal::Confirm::default()
        };
        confirm.show(ui.ctx());
    })
}
