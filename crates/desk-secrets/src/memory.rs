//! A store in memory: the double for tests, gone with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::SecretError;
use crate::secret::Secret;
use crate::store::{SecretStore, StoreKind, check_id, check_size};

/// Keeps secrets in memory only. Tests use it; [`crate::open_default`] never does.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Mutex<BTreeMap<String, Secret>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, id: &str) -> SecretError {
        SecretError::Missing { id: id.to_owned(), store: self.name() }
    }
}

impl SecretStore for MemoryStore {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn kind(&self) -> StoreKind {
        StoreKind::Memory
    }

    fn get(&self, id: &str) -> Result<Secret, SecretError> {
        self.entries().get(id).cloned().ok_or_else(|| self.missing(id))
    }

    fn set(&self, id: &str, secret: &Secret) -> Result<(), SecretError> {
        check_id(id)?;
        check_size(secret)?;
        self.entries().insert(id.to_owned(), secret.clone());
        Ok(())
    }

    fn remove(&self, id: &str) -> Result<(), SecretError> {
        self.entries().remove(id).map(drop).ok_or_else(|| self.missing(id))
    }

    fn probe(&self) -> Result<(), SecretError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_replaces_and_forgets() {
        let store = MemoryStore::new();
        assert!(matches!(store.get("a"), Err(SecretError::Missing { .. })));
        store.set("a", &Secret::new("1")).expect("kept");
        store.set("a", &Secret::new("2")).expect("replaced");
        assert_eq!(store.get("a").expect("there").expose(), "2");
        store.remove("a").expect("there");
        assert!(matches!(store.remove("a"), Err(SecretError::Missing { .. })));
        assert!(!format!("{store:?}").contains('2'));
    }

    #[test]
    fn refuses_unusable_ids_and_sizes() {
        let store = MemoryStore::new();
        for id in ["", "a\nb", &"x".repeat(201)] {
            assert!(matches!(store.set(id, &Secret::new("1")), Err(SecretError::BadId(_))));
        }
        let large = Secret::new("x".repeat(crate::MAX_SECRET_BYTES + 1));
        assert!(matches!(store.set("a", &large), Err(SecretError::TooLarge { .. })));
    }
}
