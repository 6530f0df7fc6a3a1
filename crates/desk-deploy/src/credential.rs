//! What proves who we are: secrets that can be neither printed nor serialised.

use std::fmt;

use secrecy::SecretString;

/// A secret to log in with, handed over by the caller for one connection.
///
/// It never appears in a debug print:
///
/// ```
/// use desk_deploy::Credential;
/// let credential = Credential::Password("correct horse".into());
/// assert!(!format!("{credential:?}").contains("horse"));
/// ```
#[derive(Clone)]
pub enum Credential {
    /// A private key.
    Key {
        /// The text of the key file: OpenSSH, PKCS#1 or PKCS#8 PEM.
        private_key: SecretString,
        /// The passphrase that it is encrypted with.
        passphrase: Option<SecretString>,
    },
    /// A password.
    Password(SecretString),
    /// The keys that the running SSH agent holds (`SSH_AUTH_SOCK`).
    Agent,
}

impl Credential {
    /// `key`, `password` or `agent`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Password(_) => "password",
            Self::Agent => "agent",
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.kind())
    }
}
