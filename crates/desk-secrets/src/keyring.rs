//! The system's keyring: the Secret Service on Linux (GNOME Keyring, KWallet, KeePassXC).
//!
//! Other systems have no store in this build and say so; their errors lead to the encrypted file.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use desk_core::Digest;

use crate::error::SecretError;
use crate::secret::Secret;
use crate::store::{SecretStore, StoreKind, check_id, check_size};

const NAME: &str = "the system keyring (Secret Service)";
/// Attribute and label of our items; people see it in their passwords application.
const SERVICE: &str = "modeldesk";
const PROBE_ID: &str = "probe (may be deleted)";

/// Secrets in the session's keyring, apart for each home folder.
pub struct KeyringStore {
    #[cfg(target_os = "linux")]
    store: std::sync::Arc<zbus_secret_service_keyring_store::Store>,
    /// Random text of the home, so that two homes with the same credential name do not meet.
    namespace: String,
}

impl KeyringStore {
    /// Connects to the keyring for a home folder. The folder must exist: a file in it
    /// (`keyring-namespace`, not secret) tells this home's items from those of others.
    ///
    /// # Errors
    /// [`SecretError::Unavailable`] when there is no keyring to connect to. A locked keyring is found
    /// by [`SecretStore::probe`] and at first use.
    #[cfg(target_os = "linux")]
    pub fn open(home: &Path) -> Result<Self, SecretError> {
        let store = zbus_secret_service_keyring_store::Store::new().map_err(|error| unavailable(&error))?;
        Ok(Self { store, namespace: namespace_of(home)? })
    }

    /// There is no keyring in this build for this system.
    #[cfg(not(target_os = "linux"))]
    pub fn open(_home: &Path) -> Result<Self, SecretError> {
        let reason = "this build knows no keyring of this system".to_owned();
        Err(SecretError::Unavailable { store: NAME.to_owned(), reason })
    }

    fn user(&self, id: &str) -> String {
        format!("{}/{id}", self.namespace)
    }
}

/// The random text of a home, made on first use.
fn namespace_of(home: &Path) -> Result<String, SecretError> {
    let path = home.join("keyring-namespace");
    let io = |action| {
        let path = path.clone();
        move |cause| SecretError::Io { action, path, cause }
    };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let text = text.trim();
            let sound = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
            if sound {
                return Ok(text.to_owned());
            }
            return Err(SecretError::Damaged { path, reason: "it must hold 16 hexadecimal digits".to_owned() });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("read the keyring namespace")(error)),
    }
    // The name of a fresh temporary file is random; its digest makes the text even in length.
    let mut file = tempfile::Builder::new()
        .prefix(".keyring-namespace-")
        .rand_bytes(24)
        .tempfile_in(home)
        .map_err(io("write the keyring namespace"))?;
    let text = Digest::of(file.path().as_os_str().as_encoded_bytes()).hex()[..16].to_owned();
    file.write_all(text.as_bytes()).map_err(io("write the keyring namespace"))?;
    file.as_file().sync_all().map_err(io("write the keyring namespace"))?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(text),
        // Another process was faster: its text counts.
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => namespace_of(home),
        Err(error) => Err(io("write the keyring namespace")(error.error)),
    }
}

#[cfg(target_os = "linux")]
fn unavailable(error: &keyring_core::Error) -> SecretError {
    SecretError::Unavailable { store: NAME.to_owned(), reason: error.to_string() }
}

#[cfg(target_os = "linux")]
impl KeyringStore {
    fn entry(&self, id: &str) -> Result<keyring_core::Entry, SecretError> {
        use keyring_core::api::CredentialStoreApi as _;
        let label = format!("Modeldesk: {id}");
        let modifiers = std::collections::HashMap::from([("label", label.as_str())]);
        self.store.build(SERVICE, &self.user(id), Some(&modifiers)).map_err(|error| self.explain(id, error))
    }

    fn explain(&self, id: &str, error: keyring_core::Error) -> SecretError {
        use keyring_core::Error;
        let store = self.name();
        match error {
            Error::NoEntry => SecretError::Missing { id: id.to_owned(), store },
            Error::NoStorageAccess(cause) => SecretError::Locked { store, cause: Some(cause) },
            Error::Ambiguous(entries) => SecretError::Ambiguous { id: id.to_owned(), store, count: entries.len() },
            // Creating an item in a locked collection fails as a plain bus error.
            Error::PlatformFailure(cause) if cause.to_string().contains("IsLocked") => {
                SecretError::Locked { store, cause: Some(cause) }
            }
            Error::PlatformFailure(cause) => SecretError::Store { store, cause },
            // These two carry the secret; it must not reach an error message.
            Error::BadEncoding(bytes) | Error::BadDataFormat(bytes, _) => {
                drop(zeroize::Zeroizing::new(bytes));
                SecretError::NotACredential("it is not text".to_owned())
            }
            other => SecretError::Store { store, cause: other.to_string().into() },
        }
    }

    /// A locked keyring answers that it has no such item; only writing shows that it is locked.
    fn locked_or(&self, error: SecretError) -> SecretError {
        match error {
            SecretError::Missing { .. } => self.probe().err().unwrap_or(error),
            other => other,
        }
    }
}

#[cfg(target_os = "linux")]
impl SecretStore for KeyringStore {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Keyring
    }

    fn get(&self, id: &str) -> Result<Secret, SecretError> {
        check_id(id)?;
        let bytes = self.entry(id)?.get_secret().map_err(|error| self.locked_or(self.explain(id, error)))?;
        Secret::from_utf8(bytes).ok_or_else(|| SecretError::NotACredential("it is not text".to_owned()))
    }

    fn set(&self, id: &str, secret: &Secret) -> Result<(), SecretError> {
        check_id(id)?;
        check_size(secret)?;
        self.entry(id)?.set_secret(secret.expose().as_bytes()).map_err(|error| self.explain(id, error))
    }

    fn remove(&self, id: &str) -> Result<(), SecretError> {
        check_id(id)?;
        self.entry(id)?.delete_credential().map_err(|error| self.locked_or(self.explain(id, error)))
    }

    fn probe(&self) -> Result<(), SecretError> {
        // Each process probes its own item, so that two of them do not disturb each other.
        let id = format!("{PROBE_ID} {}", std::process::id());
        let entry = self.entry(&id)?;
        let explain = |error| self.explain(&id, error);
        entry.set_secret(b"probe").map_err(explain)?;
        let read = entry.get_secret().map_err(explain);
        entry.delete_credential().map_err(explain)?;
        if read? == b"probe" {
            Ok(())
        } else {
            Err(SecretError::Store { store: self.name(), cause: "it gave back another text than it was given".into() })
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl SecretStore for KeyringStore {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Keyring
    }

    fn get(&self, _id: &str) -> Result<Secret, SecretError> {
        self.probe().and(Err(SecretError::BadId(self.user(""))))
    }

    fn set(&self, id: &str, secret: &Secret) -> Result<(), SecretError> {
        check_id(id)?;
        check_size(secret)?;
        self.probe()
    }

    fn remove(&self, _id: &str) -> Result<(), SecretError> {
        self.probe()
    }

    fn probe(&self) -> Result<(), SecretError> {
        let reason = "this build knows no keyring of this system".to_owned();
        Err(SecretError::Unavailable { store: NAME.to_owned(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_home_has_one_lasting_namespace() {
        let (one, two) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let first = namespace_of(one.path()).expect("made");
        assert_eq!(namespace_of(one.path()).expect("read"), first);
        assert_ne!(namespace_of(two.path()).expect("made"), first);
        assert_eq!(fs::read_dir(one.path()).expect("folder").count(), 1);
        fs::write(one.path().join("keyring-namespace"), "x").expect("written");
        assert!(matches!(namespace_of(one.path()), Err(SecretError::Damaged { .. })));
    }
}
