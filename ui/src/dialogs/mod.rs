//! Dialogs: one at a time, over the window.

mod alias;
mod credential;
mod delete;
mod help;
pub mod import;
mod notices;
mod quit;
mod roll_back;
mod save_as;
mod take_down;
mod target;
#[cfg(test)]
mod tests;
mod trust;
mod vault;

use desk_app::outcome::TargetView;
use desk_core::VersionRef;
use desk_uikit::Button;
use egui::Ui;

use crate::cx::{Action, Cx};
use crate::intent::{Intent, Next};
use crate::screens::WayBack;

/// The dialog that is open.
pub enum Dialog {
    /// Read a model file.
    Import(Box<import::ImportDialog>),
    /// Add or change a target.
    Target(Box<target::TargetDialog>),
    /// Keep a key or password.
    Credential(Box<credential::CredentialDialog>),
    /// Compare a host key.
    Trust(trust::TrustDialog),
    /// Point an alias at a version.
    Alias(alias::AliasDialog),
    /// Make or open the encrypted file for secrets.
    Vault(Box<vault::VaultDialog>),
    /// Remove something.
    Remove(Box<delete::RemoveDialog>),
    /// Go back to a former version, or forward again.
    RollBack(Box<roll_back::RollBackDialog>),
    /// Stop a live deployment.
    TakeDown(Box<take_down::TakeDownDialog>),
    /// What was told.
    Notices(notices::NoticesDialog),
    /// What the view below can do.
    Help(help::HelpDialog),
    /// Where to save a file.
    SaveAs(save_as::SaveDialog),
    /// Jobs are running.
    Quit(quit::QuitDialog),
}

impl Dialog {
    /// An import once more, with what was chosen for it and what went wrong.
    pub fn import_again(import: &desk_app::command::Import, fault: &desk_core::Fault) -> Self {
        Self::Import(Box::new(import::ImportDialog::again(import, fault)))
    }

    /// A new target.
    pub fn new_target() -> Self {
        Self::Target(Box::default())
    }

    /// Changes a target.
    pub fn edit_target(target: &TargetView) -> Self {
        Self::Target(Box::new(target::TargetDialog::edit(target)))
    }

    /// A new credential.
    pub fn new_credential() -> Self {
        Self::Credential(Box::default())
    }

    /// Replaces a credential's secret.
    pub fn replace_credential(name: &str, kind: &str) -> Self {
        Self::Credential(Box::new(credential::CredentialDialog::replace(name, kind)))
    }

    /// Asks whether a host key is the right one.
    pub fn trust(target: &TargetView, key: &str) -> Self {
        Self::Trust(trust::TrustDialog::new(target, key))
    }

    /// Points an alias at a version.
    pub fn alias(version: VersionRef, taken: Vec<(String, u32)>) -> Self {
        Self::Alias(alias::AliasDialog::new(version, taken))
    }

    /// Makes the encrypted file for secrets.
    pub fn make_vault() -> Self {
        Self::Vault(Box::new(vault::VaultDialog::make()))
    }

    /// Opens the encrypted file, then goes on with what needed it.
    pub fn unlock(then: Option<Action>) -> Self {
        Self::Vault(Box::new(vault::VaultDialog::unlock(then)))
    }

    /// Asks before a target is forgotten.
    pub fn remove_target(name: &str) -> Self {
        Self::Remove(Box::new(delete::RemoveDialog::target(name)))
    }

    /// Asks before a secret is erased.
    pub fn remove_credential(name: &str) -> Self {
        Self::Remove(Box::new(delete::RemoveDialog::credential(name)))
    }

    /// Asks before another version that lies on a target is switched to.
    pub fn roll_back(way: WayBack) -> Self {
        Self::RollBack(Box::new(roll_back::RollBackDialog::new(way)))
    }

    /// Asks before a live deployment is stopped.
    pub fn take_down(live: &desk_app::query::DeploymentItem) -> Self {
        Self::TakeDown(Box::new(take_down::TakeDownDialog::new(live)))
    }

    /// What was told, newest first.
    pub fn notices() -> Self {
        Self::Notices(notices::NoticesDialog::default())
    }

    /// All that was told with one notice, in their list.
    pub fn notice(id: u64) -> Self {
        Self::Notices(notices::NoticesDialog::unfolding(id))
    }

    /// Help for a place.
    pub fn help(route: &crate::route::Route) -> Self {
        Self::Help(help::HelpDialog::new(route))
    }

    /// Asks where to save a file, where the system has no dialog for it.
    pub fn save_as(asked: crate::picker::Asked) -> Self {
        Self::SaveAs(save_as::SaveDialog::new(asked))
    }

    /// Asks before running jobs are stopped.
    pub fn quit(jobs: &str) -> Self {
        Self::Quit(quit::QuitDialog::new(jobs))
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        match self {
            Self::Import(dialog) => dialog.show(ctx, cx),
            Self::Target(dialog) => dialog.show(ctx, cx),
            Self::Credential(dialog) => dialog.show(ctx, cx),
            Self::Trust(dialog) => dialog.show(ctx, cx),
            Self::Alias(dialog) => dialog.show(ctx, cx),
            Self::Vault(dialog) => dialog.show(ctx, cx),
            Self::Remove(dialog) => dialog.show(ctx, cx),
            Self::RollBack(dialog) => dialog.show(ctx, cx),
            Self::TakeDown(dialog) => dialog.show(ctx, cx),
            Self::Notices(dialog) => dialog.show(ctx, cx),
            Self::Help(dialog) => dialog.show(ctx, cx),
            Self::SaveAs(dialog) => dialog.show(ctx, cx),
            Self::Quit(dialog) => dialog.show(ctx),
        }
    }
}

/// The footer of a dialog that starts a command: its button, the command line to copy, and a way out.
///
/// Returns true when the dialog is done with.
pub fn footer<'r>(ui: &mut Ui, cx: &Cx<'_>, button: Button<'_>, next: impl Into<Next<'r>>, leave: &str) -> bool {
    footer_soon(ui, cx, button, next.into(), leave, &mut Intent::default())
}

/// As [`footer`], for a command that may have to wait a moment: a press until then is kept.
fn footer_soon(ui: &mut Ui, cx: &Cx<'_>, button: Button<'_>, next: Next<'_>, leave: &str, intent: &mut Intent) -> bool {
    let started = cx.step(ui, button, next, intent);
    let left = ui.add(Button::secondary(leave)).clicked();
    intent.note(ui);
    started || left
}
