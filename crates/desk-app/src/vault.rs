//! Which store of secrets is open, and opening it.

use std::path::{Path, PathBuf};

use desk_core::{Fault, FaultKind};
use desk_secrets::{CredentialSecret, MemoryStore, Secret, SecretError, SecretStore, StoreKind, VaultStore};
use desk_store::{DeploymentFilter, TargetRow};
use parking_lot::Mutex;

use crate::Desk;
use crate::command::Command;
use crate::deployments::is_named;
use crate::options::SecretsChoice;
use crate::outcome::{Done, Outcome};
use crate::query::{CredentialItem, Event, SecretStatus};

/// Opens the store of secrets when it is first needed and keeps it open.
pub(crate) struct Keyholder {
    home: PathBuf,
    choice: SecretsChoice,
    open: Mutex<Option<Box<dyn SecretStore>>>,
}

impl Keyholder {
    /// Nothing is opened yet.
    pub fn new(home: &Path, choice: SecretsChoice) -> Self {
        Self { home: home.to_owned(), choice, open: Mutex::new(None) }
    }

    /// Does something with the open store.
    pub fn with<T>(&self, work: impl FnOnce(&dyn SecretStore) -> Result<T, SecretError>) -> Result<T, Fault> {
        let mut open = self.open.lock();
        if open.is_none() {
            *open = Some(match self.choice {
                SecretsChoice::Memory => Box::new(MemoryStore::new()),
                SecretsChoice::System if self.vault_path().exists() => return Err(locked(&self.vault_path())),
                SecretsChoice::System => desk_secrets::open_default(&self.home, &mut |_| None)?.store,
            });
        }
        match open.as_deref() {
            Some(store) => Ok(work(store)?),
            None => Err(Fault::bug("the store of secrets is not open")),
        }
    }

    fn replace(&self, store: Box<dyn SecretStore>) {
        *self.open.lock() = Some(store);
    }

    fn is_open(&self) -> bool {
        self.open.lock().is_some()
    }

    fn vault_path(&self) -> PathBuf {
        VaultStore::path_in(&self.home)
    }
}

/// The encrypted file waits for its passphrase, which nothing but the user can give.
fn locked(path: &Path) -> Fault {
    Fault::new(FaultKind::Environment, format!("the encrypted file of secrets is locked: {}", path.display()))
        .hint("Give its passphrase: type it where you are asked, or pipe it in with --passphrase-stdin")
}

/// The words for where secrets are kept.
fn place(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Keyring => "system keyring",
        StoreKind::Vault => "encrypted file",
        StoreKind::Memory => "memory (tests only)",
    }
}

impl Desk {
    /// An encrypted file holds this home's secrets.
    pub fn vault_exists(&self) -> bool {
        self.0.options.secrets == SecretsChoice::System && self.0.secrets.vault_path().exists()
    }

    /// Opens the encrypted file for this process.
    pub fn unlock_vault(&self, passphrase: &Secret) -> Result<(), Fault> {
        let vault = VaultStore::open(&self.0.secrets.vault_path(), passphrase)?;
        self.0.secrets.replace(Box::new(vault));
        Ok(())
    }

    /// Makes the encrypted file, from now on the place of this home's secrets.
    pub fn create_vault(&self, passphrase: &Secret) -> Result<PathBuf, Fault> {
        self.gone().map_or(Ok(()), Err)?;
        let path = self.0.secrets.vault_path();
        let vault = VaultStore::create(&path, passphrase)?;
        self.0.secrets.replace(Box::new(vault));
        Ok(path)
    }

    /// Where secrets are kept and whether that works now.
    pub fn secret_status(&self) -> SecretStatus {
        if self.vault_exists() && !self.0.secrets.is_open() {
            return SecretStatus {
                stored_in: None,
                detail: format!(
                    "Secrets are kept in an encrypted file, which asks for its passphrase when one is needed: {}",
                    self.0.secrets.vault_path().display()
                ),
                vault_locked: true,
            };
        }
        let probed = self.0.secrets.with(|store| {
            store.probe()?;
            Ok((store.kind(), store.name()))
        });
        match probed {
            Ok((kind, name)) => SecretStatus {
                stored_in: Some(place(kind).to_owned()),
                detail: format!("Secrets are kept in {name}"),
                vault_locked: false,
            },
            Err(fault) => SecretStatus { stored_in: None, detail: fault.message, vault_locked: self.vault_exists() },
        }
    }

    /// Keeps a credential's secret and records its name; replaces one of the same name.
    ///
    /// Not a [`crate::Command`]: a secret is never part of one.
    pub fn set_credential(&self, name: &str, secret: &CredentialSecret) -> Result<CredentialItem, Fault> {
        let name: desk_core::ModelName = name.parse()?;
        crate::keyfile::check(secret)?;
        self.gone().map_or(Ok(()), Err)?;
        let kind = self.0.secrets.with(|store| {
            store.set(name.as_str(), &secret.encode())?;
            Ok(store.kind())
        })?;
        self.0.store.put_credential(name.as_str(), secret.kind().name(), place(kind))?;
        self.0.board.emit(&Event::Targets);
        let items = self.credentials()?;
        items
            .into_iter()
            .find(|item| item.name == name.as_str())
            .ok_or_else(|| Fault::bug("the credential is not in the list after it was set"))
    }

    /// True when a command cannot do its work without the secret of some credential.
    pub fn needs_secret(&self, command: &Command) -> Result<bool, Fault> {
        let logs_in = |target: &str| {
            let row = self.0.store.get_target(target);
            row.is_ok_and(|row| row.credential.is_some())
        };
        let named = |text: &str| -> Result<bool, Fault> {
            let rows = self.0.store.list_deployments(&DeploymentFilter::default(), u32::MAX)?;
            Ok(rows.iter().any(|row| is_named(row, text) && logs_in(&row.target)))
        };
        Ok(match command {
            Command::TargetCheck(c) => logs_in(&c.name),
            Command::Deploy(c) => logs_in(&c.to),
            Command::Rollback(c) => named(&c.deployment)?,
            Command::Undeploy(c) => !c.gone && named(&c.deployment)?,
            Command::CredentialRemove(_) => true,
            _ => false,
        })
    }

    /// True when a target is logged in to with a secret of the encrypted file, and that is locked.
    pub(crate) fn is_locked_out(&self, target: &TargetRow) -> bool {
        target.credential.is_some() && self.vault_exists() && !self.0.secrets.is_open()
    }

    /// True when a command needs a secret of the encrypted file, and nobody has given its passphrase yet.
    pub fn needs_passphrase(&self, command: &Command) -> Result<bool, Fault> {
        Ok(self.vault_exists() && !self.0.secrets.is_open() && self.needs_secret(command)?)
    }

    /// True when a rollout that was broken off lies on a target that is logged in to with a credential.
    pub fn needs_secret_to_recover(&self) -> Result<bool, Fault> {
        let open = self.0.store.open_deployments()?;
        let targets = self.0.store.list_targets()?;
        Ok(targets.iter().any(|target| target.credential.is_some() && open.iter().any(|row| row.target == target.name)))
    }

    /// The secret of a credential, for the moment it is used.
    pub(crate) fn credential_secret(&self, name: &str) -> Result<CredentialSecret, Fault> {
        let text = self.0.secrets.with(|store| store.get(name)).map_err(|fault| {
            if fault.kind == FaultKind::Input {
                fault.hint(format!("Set it again: modeldesk credential set {name} --kind ssh-key --key-file FILE"))
            } else {
                fault
            }
        })?;
        Ok(CredentialSecret::decode(&text)?)
    }

    /// Credentials by name, with the targets that use them.
    pub fn credentials(&self) -> Result<Vec<CredentialItem>, Fault> {
        let targets = self.0.store.list_targets()?;
        let rows = self.0.store.list_credentials()?;
        let item = |row: desk_store::CredentialRow| CredentialItem {
            used_by: targets
                .iter()
                .filter(|target| target.credential.as_deref() == Some(row.name.as_str()))
                .map(|target| target.name.clone())
                .collect(),
            name: row.name,
            kind: row.kind,
            stored_in: row.stored_in,
            created_at: row.created_at.to_string(),
        };
        Ok(rows.into_iter().map(item).collect())
    }

    pub(crate) fn credential_remove(&self, name: &str) -> Result<Outcome, Fault> {
        let used: Vec<String> = self
            .0
            .store
            .list_targets()?
            .into_iter()
            .filter(|target| target.credential.as_deref() == Some(name))
            .map(|target| target.name)
            .collect();
        if !used.is_empty() {
            return Err(Fault::input(format!("credential {name} is used by {}", used.join(", ")))
                .hint("Give those targets another credential first: modeldesk target add NAME … --replace"));
        }
        self.0.store.get_credential(name)?;
        // The secret goes first: when that fails the row stays, and it can be tried again.
        self.0.secrets.with(|store| match store.remove(name) {
            Err(SecretError::Missing { .. }) | Ok(()) => Ok(()),
            Err(other) => Err(other),
        })?;
        self.0.store.remove_credential(name)?;
        Ok(Outcome::Done(Done { message: format!("Credential {name} was removed"), undo: None }))
    }
}
