//! The trait of all stores, and the choice between them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::SecretError;
use crate::keyring::KeyringStore;
use crate::secret::Secret;
use crate::vault::VaultStore;

/// The largest secret that is kept, in bytes: many times a private key, far below a keyring's limits.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// What sort of store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// The system's keyring.
    Keyring,
    /// A file encrypted with a passphrase.
    Vault,
    /// Memory of this process; tests only.
    Memory,
}

/// A place that keeps secrets under ids.
///
/// Calls block: a keyring may ask its user something. Keep them off the window's thread.
pub trait SecretStore: Send + Sync {
    /// The name for people, such as `the system keyring`.
    fn name(&self) -> String;

    /// What sort it is.
    fn kind(&self) -> StoreKind;

    /// The secret under `id`; [`SecretError::Missing`] when there is none.
    fn get(&self, id: &str) -> Result<Secret, SecretError>;

    /// Keeps a secret under `id` and replaces what was there.
    fn set(&self, id: &str, secret: &Secret) -> Result<(), SecretError>;

    /// Forgets the secret under `id`; [`SecretError::Missing`] when there is none.
    fn remove(&self, id: &str) -> Result<(), SecretError>;

    /// Writes, reads and removes a harmless secret, to find out whether the store works now.
    fn probe(&self) -> Result<(), SecretError>;
}

/// What a store says when it needs the passphrase of the encrypted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseRequest<'a> {
    /// The encrypted file.
    pub path: &'a Path,
}

/// An open store and what people should know about it.
pub struct OpenStore {
    /// The store.
    pub store: Box<dyn SecretStore>,
    /// One sentence: where secrets are kept and why.
    pub notice: String,
}

impl std::fmt::Debug for OpenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenStore").field("store", &self.store.name()).field("notice", &self.notice).finish()
    }
}

/// Opens the store that holds this home's secrets and says which one it is.
///
/// Where somebody made an encrypted file ([`VaultStore::create`]), that file is used and `prompt` is asked for
/// its passphrase (`None` leaves it locked). Else it is the system's keyring. When there is no
/// keyring the answer is an error whose hints offer the encrypted file; nothing is ever kept in
/// plain text, and the file is never made here.
///
/// # Errors
/// [`SecretError::Unavailable`] (no keyring), [`SecretError::Locked`], [`SecretError::WrongPassphrase`],
/// [`SecretError::Damaged`], [`SecretError::Io`].
pub fn open_default(
    home: &Path,
    prompt: &mut dyn FnMut(PassphraseRequest<'_>) -> Option<Secret>,
) -> Result<OpenStore, SecretError> {
    let path = VaultStore::path_in(home);
    if path.exists() {
        let passphrase = prompt(PassphraseRequest { path: &path })
            .ok_or_else(|| SecretError::Locked { store: VaultStore::name_of(&path), cause: None })?;
        let vault = VaultStore::open(&path, &passphrase)?;
        let notice = format!("Secrets are kept in an encrypted file: {}", path.display());
        return Ok(OpenStore { store: Box::new(vault), notice });
    }
    let keyring = KeyringStore::open(home)?;
    keyring.probe()?;
    let notice = format!("Secrets are kept in {}", keyring.name());
    Ok(OpenStore { store: Box::new(keyring), notice })
}

/// Ids are shown, logged and used as attributes of keyring items.
pub(crate) fn check_id(id: &str) -> Result<(), SecretError> {
    let length = id.chars().count();
    if (1..=200).contains(&length) && !id.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(SecretError::BadId(id.chars().filter(|c| !c.is_control()).take(40).collect()))
    }
}

pub(crate) fn check_size(secret: &Secret) -> Result<(), SecretError> {
    if secret.len() <= MAX_SECRET_BYTES {
        Ok(())
    } else {
        Err(SecretError::TooLarge { len: secret.len(), max: MAX_SECRET_BYTES })
    }
}
