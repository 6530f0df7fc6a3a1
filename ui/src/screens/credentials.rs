//! Credentials: names and where their secrets are kept; never the secrets.

use desk_app::query::{CredentialItem, SecretStatus};
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Badge, Button, Card, EmptyState, Icon, Loadable, Tone, kv, text};
use egui::Ui;

use crate::ages::{self, ago};
use crate::background::{Slot, Topic};
use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::dialogs::Dialog;

/// What the screen remembers.
#[derive(Default)]
pub struct Credentials {
    list: Slot<(), (Vec<CredentialItem>, SecretStatus)>,
    selected: Option<String>,
}

impl Credentials {
    /// It is known that there is none.
    fn is_empty(&self) -> bool {
        self.list.value.value().is_some_and(|(list, _)| list.is_empty())
    }

    /// It is known that there is one to inspect.
    pub fn has_some(&self) -> bool {
        self.list.value.value().is_some_and(|(list, _)| !list.is_empty())
    }

    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.list.ensure(cx.background, (), Topic::Targets, |desk| Ok((desk.credentials()?, desk.secret_status())));
        let works = self.list.value.value().is_none_or(|(_, status)| status.stored_in.is_some());
        let locked = self.list.value.value().is_some_and(|(_, status)| status.vault_locked);
        let reason = (!works && !locked).then_some("There is no place to keep secrets yet");
        let add = || {
            let new = Action::Ui(UiCommand::NewCredential);
            if locked {
                cx.open(Dialog::unlock(Some(new)));
            } else {
                cx.act(new);
            }
        };
        // Where there is none yet, the next step stands where that is said; until it is known it stands nowhere.
        let empty =
            self.is_empty() || matches!(self.list.value, Loadable::Idle | Loadable::Loading { previous: None, .. });
        let actions = |ui: &mut Ui| {
            let button = Button::primary("New credential…").icon(Icon::Add).disabled_if(reason);
            if !empty && ui.add(button).clicked() {
                add();
            }
        };
        let value = std::mem::take(&mut self.list.value);
        let mut retry = false;
        super::filled_page(ui, "Credentials", actions, |ui| {
            retry = loadable_view(ui, &value, |ui, (list, status)| {
                place_of_secrets(ui, cx, status);
                ui.add_space(8.0);
                if list.is_empty() {
                    let chosen = EmptyState::new(Icon::Credential, "No credential yet")
                        .body("A private key or password to log in to a target. Its secret goes to the keyring and is never shown again")
                        .primary(Icon::Add, "New credential…")
                        .disabled_if(reason)
                        .show(ui);
                    if chosen.is_some() {
                        add();
                    }
                } else {
                    self.table(ui, cx, list);
                }
            });
        });
        self.list.value = value;
        if retry {
            self.list.again();
        }
    }

    fn table(&mut self, ui: &mut Ui, cx: &Cx<'_>, list: &[CredentialItem]) {
        let columns = vec![
            Column::text("Name"),
            Column::text("Kind").narrow(),
            Column::text("Used by"),
            Column::text("Stored in").narrow().lesser(2),
            Column::text("Set").narrow().lesser(1),
        ];
        let row = |item: &CredentialItem| {
            vec![
                Cell::text(item.name.clone()).strong().icon(Icon::Credential),
                Cell::text(kind(&item.kind).to_owned()),
                if item.used_by.is_empty() { Cell::missing() } else { Cell::text(item.used_by.join(", ")) },
                Cell::text(item.stored_in.clone()),
                ages::cell(&item.created_at),
            ]
        };
        let mut table = MemTable::new(columns, list.iter().map(row).collect());
        let names: Vec<String> = list.iter().map(|item| item.name.clone()).collect();
        let output = Table::list("credentials", "Credentials").show_keyed(ui, &mut table, &names, &mut self.selected);
        if let Some(item) = output.activated.and_then(|row| list.get(row)) {
            cx.open(Dialog::replace_credential(&item.name, &item.kind));
        }
        if let Some(item) = list.iter().find(|item| Some(&item.name) == self.selected.as_ref()) {
            if cx.rename.take() {
                cx.open(Dialog::replace_credential(&item.name, &item.kind));
            }
            if cx.remove.take() && item.used_by.is_empty() {
                cx.open(Dialog::remove_credential(&item.name));
            }
        }
    }

    /// Draws the inspector.
    pub fn inspector(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let list = self.list.value.value().map(|(list, _)| list.as_slice()).unwrap_or_default();
        let Some(item) = list.iter().find(|item| Some(&item.name) == self.selected.as_ref()) else {
            return super::nothing_selected(ui, "a credential");
        };
        text::section(ui, &item.name);
        ui.add_space(6.0);
        kv::properties(ui, |kv| {
            kv.text("Kind", kind(&item.kind));
            kv.text("Stored in", &item.stored_in);
            kv.text("Set", &ago(&item.created_at));
            kv.text("Used by", &if item.used_by.is_empty() { "Nothing".to_owned() } else { item.used_by.join(", ") });
            kv.text("Secret", "•••••• never shown again");
        });
        ui.add_space(10.0);
        if ui.add(Button::secondary("Replace…").icon(Icon::Edit).full_width()).clicked() {
            cx.open(Dialog::replace_credential(&item.name, &item.kind));
        }
        let reason = (!item.used_by.is_empty()).then_some("A target uses it");
        if ui.add(Button::secondary("Remove…").icon(Icon::Remove).full_width().disabled_if(reason)).clicked() {
            cx.open(Dialog::remove_credential(&item.name));
        }
    }
}

fn kind(kind: &str) -> &str {
    match kind {
        "ssh-key" => "SSH key",
        "password" => "Password",
        "token" => "Token",
        "agent" => "SSH agent",
        other => other,
    }
}

/// Where secrets are kept; and when nothing works, the way to an encrypted file.
fn place_of_secrets(ui: &mut Ui, cx: &Cx<'_>, status: &SecretStatus) {
    if status.stored_in.is_some() {
        ui.add(Badge::new(Tone::Ok, &status.detail).icon(Icon::Lock).plain());
        return;
    }
    let title = if status.vault_locked { "The secrets are locked" } else { "There is no place to keep secrets yet" };
    Card::titled(title).show(ui, |ui| {
        if status.vault_locked {
            text::sub(ui, "An encrypted file holds this desk's secrets and waits for its passphrase");
            if ui.add(Button::secondary("Open the encrypted file…").icon(Icon::Lock)).clicked() {
                cx.open(Dialog::unlock(None));
            }
        } else {
            text::body(ui, "Start a keyring service of your desktop and refresh, or keep secrets in a file that a passphrase encrypts");
            ui.horizontal(|ui| {
                if ui.add(Button::primary("Make an encrypted file…").icon(Icon::Lock)).clicked() {
                    cx.open(Dialog::make_vault());
                }
                if ui.add(Button::secondary("Refresh").icon(Icon::Retry)).clicked() {
                    cx.background.refresh_all();
                }
            });
        }
        ui.add_space(4.0);
        text::caption_wrapped(ui, crate::fault::sentence(&status.detail));
    });
}
