//! Secrets: types that cannot be printed, and the stores that keep them.
//!
//! A [`Secret`] has no `Display` and no `Serialize`, its `Debug` masks, and its memory is wiped when
//! it goes. A [`SecretStore`] keeps secrets under ids: the system's keyring ([`KeyringStore`]), an
//! encrypted file with a passphrase ([`VaultStore`]), or memory for tests ([`MemoryStore`]).
//! [`open_default`] decides which one, and never falls back silently.
//!
//! Architecture invariants: this is the only crate that knows a keyring; nothing here knows what a
//! secret is used for; no store writes a secret anywhere in plain text.

pub mod credential;
pub mod error;
pub mod keyring;
pub mod memory;
pub mod process;
pub mod secret;
pub mod store;
pub mod vault;

pub use credential::{CredentialKind, CredentialSecret};
pub use error::SecretError;
pub use keyring::KeyringStore;
pub use memory::MemoryStore;
pub use process::keep_to_itself;
pub use secret::Secret;
pub use store::{MAX_SECRET_BYTES, OpenStore, PassphraseRequest, SecretStore, StoreKind, open_default};
pub use vault::VaultStore;
