//! The encrypted file for secrets: made with a passphrase, opened with it.

use desk_app::secrets::Secret;
use desk_uikit::field::{Field, SecretText};
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, ErrorText, Icon, error_view, text};

use crate::background::Pending;
use crate::cx::{Action, Cx};
use crate::fault::error_text;

/// The state of the dialog.
pub struct VaultDialog {
    create: bool,
    /// What waits for the file to be open.
    then: Option<Action>,
    passphrase: SecretText,
    again: SecretText,
    opening: Pending<()>,
    error: Option<ErrorText>,
    focused: bool,
}

impl VaultDialog {
    /// Makes the file.
    pub fn make() -> Self {
        Self::new(true, None)
    }

    /// Opens the file, then does what waits for it.
    pub fn unlock(then: Option<Action>) -> Self {
        Self::new(false, then)
    }

    fn new(create: bool, then: Option<Action>) -> Self {
        Self {
            create,
            then,
            passphrase: SecretText::default(),
            again: SecretText::default(),
            opening: Pending::default(),
            error: None,
            focused: false,
        }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        match self.opening.take() {
            Some(Ok(())) => {
                cx.background.refresh_all();
                if let Some(then) = self.then.take() {
                    cx.act(then);
                }
                return true;
            }
            Some(Err(fault)) => {
                self.error = Some(error_text(&fault));
                self.focused = false;
            }
            None => {}
        }
        let mut done = false;
        let (title, label) = if self.create {
            ("Keep secrets in an encrypted file", "Make the file")
        } else {
            ("Open the encrypted file", "Open")
        };
        let output = Frame::new("vault", title).width(440.0).show_with(
            ctx,
            self,
            |ui, this| {
                ui.spacing_mut().item_spacing.y = 10.0;
                if let Some(error) = this.error.clone()
                    && error_view(ui, &error, Some("Dismiss"))
                {
                    this.error = None;
                }
                if let Some(Action::Run(command)) = &this.then {
                    let what = crate::fault::words(&command.title());
                    text::sub(
                        ui,
                        format!("{what} needs a secret that the file holds; it goes on once the file is open"),
                    );
                }
                if this.create {
                    text::sub(ui, "Without the passphrase nobody can read the file, and nobody can get it back");
                }
                let input = Field::new("Passphrase").show_secret(ui, &mut this.passphrase);
                if !std::mem::replace(&mut this.focused, true) {
                    input.request_focus();
                }
                if this.create {
                    Field::new("The same once more").show_secret(ui, &mut this.again);
                }
            },
            |ui, this, ()| {
                let reason = this.passphrase.is_empty().then_some("Type the passphrase first");
                let reason = this.opening.is_running().then_some("It is being opened").or(reason);
                let button = Button::primary(label).icon(Icon::Lock).disabled_if(reason);
                if (ui.add(button).clicked() || cx.primary.take()) && reason.is_none() {
                    this.go(cx);
                }
                if ui.add(Button::secondary("Cancel")).clicked() {
                    done = true;
                }
            },
        );
        done || output.closed
    }

    fn go(&mut self, cx: &Cx<'_>) {
        self.error = None;
        let passphrase = Secret::new(self.passphrase.take());
        let again = Secret::new(self.again.take());
        if self.create && passphrase.expose() != again.expose() {
            self.error = Some(ErrorText::new("The two passphrases differ; type both again"));
            self.focused = false;
            return;
        }
        let create = self.create;
        self.opening.start(cx.background, move |desk| {
            if create { desk.create_vault(&passphrase).map(|_| ()) } else { desk.unlock_vault(&passphrase) }
        });
    }
}
