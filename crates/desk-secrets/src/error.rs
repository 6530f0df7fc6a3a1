//! What can go wrong with a secret store, told apart so that the window can offer the next step.

use std::path::PathBuf;

use desk_core::{Diagnose, FaultKind};

/// An error of a secret store. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is no store of this sort on this computer or in this session.
    #[error("{store} is not available: {reason}")]
    Unavailable {
        /// The store's name.
        store: String,
        /// What the system said.
        reason: String,
    },
    /// The store is there and closed.
    #[error("{store} is locked")]
    Locked {
        /// The store's name.
        store: String,
        /// What the system said.
        #[source]
        cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The store works and has nothing under this id.
    #[error("there is no secret named `{id}` in {store}")]
    Missing {
        /// The id that was asked for.
        id: String,
        /// The store's name.
        store: String,
    },
    /// The passphrase does not open the encrypted file.
    #[error("the passphrase does not open the encrypted file: {}", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is too short to protect anything.
    #[error("the passphrase has {len} characters; at least {min} are needed")]
    WeakPassphrase {
        /// Characters given.
        len: usize,
        /// Characters needed.
        min: usize,
    },
    /// There is already an encrypted file here.
    #[error("there is already an encrypted file: {}", path.display())]
    VaultExists {
        /// The file.
        path: PathBuf,
    },
    /// There is no encrypted file here.
    #[error("there is no encrypted file: {}", path.display())]
    VaultMissing {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed by something else or cut off.
    #[error("the encrypted file is damaged ({reason}): {}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The id cannot be used.
    #[error("not a usable name for a secret: `{0}`")]
    BadId(String),
    /// The value is larger than any credential.
    #[error("a secret of {len} bytes is too large; the limit is {max} bytes")]
    TooLarge {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// What the store holds under this id was not written by Modeldesk.
    #[error("the stored secret is not a Modeldesk credential: {0}")]
    NotACredential(String),
    /// Several keyring items have the same id.
    #[error("{store} has {count} secrets named `{id}`")]
    Ambiguous {
        /// The id.
        id: String,
        /// The store's name.
        store: String,
        /// How many there are.
        count: usize,
    },
    /// The store answered with an error.
    #[error("{store} failed")]
    Store {
        /// The store's name.
        store: String,
        /// What it said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Reading or writing a file failed.
    #[error("cannot {action}: {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        cause: std::io::Error,
    },
}

impl Diagnose for SecretError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Unavailable { .. } | Self::Locked { .. } | Self::Store { .. } | Self::Io { .. } => {
                FaultKind::Environment
            }
            Self::Missing { .. }
            | Self::WrongPassphrase { .. }
            | Self::WeakPassphrase { .. }
            | Self::VaultExists { .. }
            | Self::VaultMissing { .. }
            | Self::Damaged { .. }
            | Self::BadId(_)
            | Self::TooLarge { .. }
            | Self::NotACredential(_)
            | Self::Ambiguous { .. } => FaultKind::Input,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::Unavailable { .. } => &[
                "Keep secrets in an encrypted file instead: it asks for a passphrase that only you know",
                "Start a desktop session with a keyring (GNOME Keyring, KWallet, KeePassXC) and try again",
            ],
            Self::Locked { .. } => &[
                "Unlock the keyring (log in to the desktop session, or open its passwords application) and try again",
                "On a machine without a desktop, keep secrets in an encrypted file with a passphrase instead",
            ],
            Self::Missing { .. } => &["Store the credential first, then use its name"],
            Self::WrongPassphrase { .. } => &[
                "Type the passphrase again; it is case sensitive",
                "A forgotten passphrase cannot be recovered: move the file away and store the credentials anew",
            ],
            Self::WeakPassphrase { .. } => &["Use several words, or let a password manager make one"],
            Self::VaultExists { .. } => &["Open it with its passphrase, or move it away first"],
            Self::VaultMissing { .. } => &["Create it first with a new passphrase"],
            Self::Damaged { .. } => {
                &["Put back the file from a backup, or move it away and store the credentials anew"]
            }
            Self::BadId(_) => &["Use 1 to 200 characters without control characters"],
            Self::TooLarge { .. } => &["Store the credential itself, not a file that contains it"],
            Self::NotACredential(_) => &["Store the credential again under this name"],
            Self::Ambiguous { .. } => &["Delete the surplus items in the keyring's own passwords application"],
            Self::Store { .. } => &["Check the keyring service, then try again"],
            Self::Io { .. } => &["Check the folder's permissions and the free space"],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}
