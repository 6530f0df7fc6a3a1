//! Credentials: what sort of secret, and its parts encoded into one text for a store.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use desk_core::Fault;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::SecretError;
use crate::secret::Secret;

/// What sort of credential it is. Not secret: it is shown and stored in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A private key, with or without a passphrase of its own.
    SshKey,
    /// A password.
    Password,
    /// A bearer token.
    Token,
    /// The SSH agent of the session; nothing is stored.
    Agent,
}

impl CredentialKind {
    /// All kinds, in the order of a menu.
    pub const ALL: [Self; 4] = [Self::SshKey, Self::Password, Self::Token, Self::Agent];

    /// The name in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::SshKey => "ssh-key",
            Self::Password => "password",
            Self::Token => "token",
            Self::Agent => "agent",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CredentialKind {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            Fault::input(format!("not a kind of credential: `{text}`"))
                .hint("Use one of ssh-key, password, token, agent")
        })
    }
}

/// A credential with its secret parts. `Debug` masks them.
#[derive(Debug, Clone)]
pub enum CredentialSecret {
    /// A private key in OpenSSH or PEM text.
    SshKey {
        /// The whole text of the key file.
        private_key: Secret,
        /// The passphrase that opens it, where it has one.
        passphrase: Option<Secret>,
    },
    /// A password.
    Password(Secret),
    /// A bearer token.
    Token(Secret),
    /// The SSH agent of the session.
    Agent,
}

/// The stored form. Values are base64, so that reading never unescapes into an unwiped buffer.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    schema: u32,
    kind: CredentialKind,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    passphrase: Option<&'a str>,
}

impl CredentialSecret {
    /// What sort it is.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::SshKey { .. } => CredentialKind::SshKey,
            Self::Password(_) => CredentialKind::Password,
            Self::Token(_) => CredentialKind::Token,
            Self::Agent => CredentialKind::Agent,
        }
    }

    /// One text for a [`crate::SecretStore`].
    pub fn encode(&self) -> Secret {
        let (secret, passphrase) = match self {
            Self::SshKey { private_key, passphrase } => (Some(private_key), passphrase.as_ref()),
            Self::Password(secret) | Self::Token(secret) => (Some(secret), None),
            Self::Agent => (None, None),
        };
        let secret = secret.map(to_base64);
        let passphrase = passphrase.map(to_base64);
        let stored = Stored {
            schema: 1,
            kind: self.kind(),
            secret: secret.as_ref().map(|text| text.as_str()),
            passphrase: passphrase.as_ref().map(|text| text.as_str()),
        };
        // Large enough from the start: a buffer that grows leaves unwiped copies behind.
        let parts = [&secret, &passphrase].into_iter().flatten().map(|text| text.len()).sum::<usize>();
        let mut buffer = Vec::with_capacity(parts + 128);
        serde_json::to_writer(&mut buffer, &stored).expect("plain texts into memory");
        Secret::from_utf8(buffer).expect("JSON is UTF-8")
    }

    /// Reads what [`CredentialSecret::encode`] wrote.
    pub fn decode(text: &Secret) -> Result<Self, SecretError> {
        let bad = |what: &str| SecretError::NotACredential(what.to_owned());
        // The parser's own message could quote the text; it stays out of the error.
        let stored: Stored<'_> = serde_json::from_str(text.expose()).ok().ok_or_else(|| bad("it is not its JSON"))?;
        if stored.schema != 1 {
            return Err(bad("it was written by a newer Modeldesk"));
        }
        let secret = || stored.secret.ok_or_else(|| bad("the value is missing")).and_then(from_base64);
        Ok(match stored.kind {
            CredentialKind::SshKey => {
                Self::SshKey { private_key: secret()?, passphrase: stored.passphrase.map(from_base64).transpose()? }
            }
            CredentialKind::Password => Self::Password(secret()?),
            CredentialKind::Token => Self::Token(secret()?),
            CredentialKind::Agent => Self::Agent,
        })
    }
}

fn to_base64(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(secret.expose()))
}

fn from_base64(text: &str) -> Result<Secret, SecretError> {
    let bytes = STANDARD.decode(text).ok();
    bytes
        .and_then(Secret::from_utf8)
        .ok_or_else(|| SecretError::NotACredential("a value is not base64 of a text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_text() -> String {
        let body = "AAAAB3NzaC1yc2EAAAADAQABAAACAQ\"\\\u{e9}\n".repeat(110);
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n")
    }

    #[test]
    fn every_kind_reads_itself_back() {
        let key = key_text();
        assert!(key.len() > 3_500);
        let all = [
            CredentialSecret::SshKey { private_key: Secret::new(&key), passphrase: Some(Secret::new("p\"w")) },
            CredentialSecret::SshKey { private_key: Secret::new(&key), passphrase: None },
            CredentialSecret::Password(Secret::new("")),
            CredentialSecret::Token(Secret::new("tök\u{0}en")),
            CredentialSecret::Agent,
        ];
        for credential in all {
            let back = CredentialSecret::decode(&credential.encode()).expect("reads back");
            assert_eq!(back.kind(), credential.kind());
            assert_eq!(parts(&back), parts(&credential));
        }
    }

    fn parts(credential: &CredentialSecret) -> Vec<Option<String>> {
        let text = |secret: &Secret| Some(secret.expose().to_owned());
        match credential {
            CredentialSecret::SshKey { private_key, passphrase } => {
                vec![text(private_key), passphrase.as_ref().and_then(text)]
            }
            CredentialSecret::Password(secret) | CredentialSecret::Token(secret) => vec![text(secret)],
            CredentialSecret::Agent => vec![],
        }
    }

    #[test]
    fn other_texts_are_refused_and_not_quoted() {
        for text in [
            "hunter2",
            "{}",
            r#"{"schema":1,"kind":"password"}"#,
            r#"{"schema":1,"kind":"token","secret":"hunter2!"}"#,
            r#"{"schema":9,"kind":"agent"}"#,
        ] {
            let error = CredentialSecret::decode(&Secret::new(text)).expect_err("refused");
            assert!(matches!(error, SecretError::NotACredential(_)));
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn debug_masks() {
        let credential =
            CredentialSecret::SshKey { private_key: Secret::new("hunter2"), passphrase: Some(Secret::new("hunter3")) };
        assert!(!format!("{credential:?}").contains("hunter"));
    }

    #[test]
    fn kinds_by_name() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.name().parse::<CredentialKind>().expect("known"), kind);
            assert_eq!(serde_json::to_value(kind).expect("a text"), kind.name());
        }
        assert!("keys".parse::<CredentialKind>().is_err());
    }
}
