//! A credential: a key or a password goes to the keyring and is never shown again.

use std::path::PathBuf;

use desk_app::secrets::{CredentialSecret, Secret};
use desk_core::ModelName;
use desk_uikit::field::{Field, SecretText};
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, ErrorText, Icon, error_view, text};
use egui::Ui;

use crate::background::Pending;
use crate::cx::Cx;
use crate::fault::error_text;
use crate::picker::{Picked, Purpose};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    Password,
    Agent,
}

/// The state of the dialog.
pub struct CredentialDialog {
    replacing: bool,
    kind: Kind,
    name: String,
    key_file: String,
    passphrase: SecretText,
    password: SecretText,
    picked: Picked,
    keeping: Pending<()>,
    error: Option<ErrorText>,
    focused: bool,
}

impl Default for CredentialDialog {
    fn default() -> Self {
        Self {
            replacing: false,
            kind: Kind::Key,
            name: String::new(),
            key_file: String::new(),
            passphrase: SecretText::default(),
            password: SecretText::default(),
            picked: Picked::default(),
            keeping: Pending::default(),
            error: None,
            focused: false,
        }
    }
}

impl CredentialDialog {
    /// Puts another secret in the place of an old one.
    pub fn replace(name: &str, kind: &str) -> Self {
        let kind = match kind {
            "password" => Kind::Password,
            "agent" => Kind::Agent,
            _ => Kind::Key,
        };
        Self { replacing: true, name: name.to_owned(), kind, ..Self::default() }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        if let Some(path) = self.picked.take() {
            self.key_file = path.to_string_lossy().into_owned();
        }
        match self.keeping.take() {
            Some(Ok(())) => return true,
            Some(Err(fault)) => self.error = Some(error_text(&fault).titled("The credential was not kept")),
            None => {}
        }
        let mut done = false;
        let title =
            if self.replacing { format!("Replace credential {}", self.name) } else { "New credential".to_owned() };
        let output = Frame::new("credential", &title).width(480.0).show_with(
            ctx,
            self,
            |ui, this| this.body(ui, cx),
            |ui, this, reason| {
                let button = Button::primary("Keep credential").icon(Icon::Lock).disabled_if(reason.as_deref());
                if (ui.add(button).clicked() || cx.primary.take()) && reason.is_none() {
                    this.keep(cx);
                }
                if ui.add(Button::secondary("Cancel")).clicked() {
                    done = true;
                }
            },
        );
        done || output.closed
    }

    /// Why it cannot be kept yet.
    fn reason(&self) -> Option<String> {
        let missing = match self.kind {
            _ if self.name.trim().is_empty() => Some("Give the credential a name first"),
            _ if self.name.trim().parse::<ModelName>().is_err() => Some("The name has characters that cannot be used"),
            Kind::Key if self.key_file.trim().is_empty() => Some("Choose the private key file first"),
            Kind::Password if self.password.is_empty() => Some("Type the password first"),
            _ if self.keeping.is_running() => Some("It is being kept"),
            _ => None,
        };
        missing.map(str::to_owned)
    }

    fn keep(&mut self, cx: &Cx<'_>) {
        self.error = None;
        let name = self.name.trim().to_owned();
        let kind = self.kind;
        let key_file = self.key_file.trim().to_owned();
        let passphrase = Some(self.passphrase.take()).filter(|text| !text.is_empty()).map(Secret::new);
        let password = Secret::new(self.password.take());
        self.keeping.start(cx.background, move |desk| {
            let kept = match kind {
                Kind::Key => desk.set_key_credential(&name, &PathBuf::from(key_file), passphrase),
                Kind::Password => desk.set_credential(&name, &CredentialSecret::Password(password)),
                Kind::Agent => desk.set_credential(&name, &CredentialSecret::Agent),
            };
            kept.map(|_| ())
        });
    }

    fn body(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> Option<String> {
        ui.spacing_mut().item_spacing.y = 10.0;
        if let Some(error) = self.error.clone()
            && error_view(ui, &error, Some("Dismiss"))
        {
            self.error = None;
        }
        let half = (ui.available_width() - 12.0) / 2.0;
        ui.horizontal_top(|ui| {
            if !self.replacing {
                let name = Field::new("Name").width(half).show_text(ui, &mut self.name, "edge-deploy");
                if !std::mem::replace(&mut self.focused, true) {
                    name.request_focus();
                }
                ui.add_space(4.0);
            }
            let kinds = [(Kind::Key, "SSH key"), (Kind::Password, "Password"), (Kind::Agent, "Agent")];
            Field::new("Kind").width(half).show_segments(ui, &mut self.kind, &kinds);
        });
        match self.kind {
            Kind::Key => {
                let field = Field::new("Private key file")
                    .help("Its text goes to the keyring; the file is not needed afterwards");
                if field.show_path(ui, &mut self.key_file, "~/.ssh/id_ed25519").browse {
                    self.picked.wait(cx.pick(ui.ctx(), Purpose::Key));
                }
                let field = Field::new("Passphrase of the key").help("Empty when it has none");
                field.show_secret(ui, &mut self.passphrase);
            }
            Kind::Password => {
                Field::new("Password").show_secret(ui, &mut self.password);
            }
            Kind::Agent => {
                text::sub(ui, "The SSH agent of this session answers for the key; nothing is stored here");
            }
        }
        text::caption(ui, "Secrets are written once and never shown again");
        self.reason()
    }
}
