//! Logging in: with a key, with a password, with the keys of an agent.

use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use secrecy::{ExposeSecret as _, SecretString};

use super::connection::{HostCheck, Place};
use crate::credential::Credential;
use crate::error::{DeployError, Result};

/// Rounds of questions after which a keyboard-interactive login counts as hopeless.
const MAX_ROUNDS: usize = 8;

pub(super) async fn log_in(handle: &mut Handle<HostCheck>, place: &Place<'_>, credential: &Credential) -> Result<()> {
    let attempt = async {
        match credential {
            Credential::Key { private_key, passphrase } => {
                let key = read_key(private_key, passphrase.as_ref())?;
                with_key(handle, place, key).await
            }
            Credential::Password(password) => with_password(handle, place, password).await,
            Credential::Agent => with_agent(handle, place).await,
        }
    };
    tokio::time::timeout(place.timeout, attempt).await.map_err(|_late| place.too_slow("logging in"))?
}

/// What [`read_key`] says of a key that needs a passphrase and has none.
const ENCRYPTED: &str = "it is encrypted";

/// Parses a private key as a login would.
///
/// # Errors
///
/// When it is none, is damaged, or the passphrase is missing or wrong.
pub fn check_key(text: &SecretString, passphrase: Option<&SecretString>) -> Result<()> {
    read_key(text, passphrase).map(drop)
}

/// True for a private key that cannot be used without a passphrase.
pub fn key_is_encrypted(text: &SecretString) -> bool {
    matches!(read_key(text, None), Err(DeployError::Key { problem, .. }) if problem == ENCRYPTED)
}

/// Reads a private key; the text of the key never reaches an error message.
fn read_key(text: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey> {
    let bad = |problem: &str, hint: &'static str| DeployError::Key { problem: problem.to_owned(), hint };
    let text = text.expose_secret();
    let passphrase = passphrase.map(SecretString::expose_secret).filter(|p| !p.is_empty());
    let encrypted = text.contains("ENCRYPTED");
    match decode_secret_key(text, passphrase) {
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => {
            Err(bad(ENCRYPTED, "Give its passphrase with the credential: add --passphrase"))
        }
        Err(_) if encrypted && passphrase.is_none() => {
            Err(bad(ENCRYPTED, "Give its passphrase with the credential: add --passphrase"))
        }
        Err(_) if passphrase.is_some() && text.contains("PRIVATE KEY") => {
            Err(bad("the passphrase does not open it", "Check the passphrase of the credential"))
        }
        Err(_) if text.contains("PUBLIC KEY") || text.starts_with("ssh-") || text.starts_with("ecdsa-") => {
            Err(bad("it is a public key", "Give the private one, the file without .pub"))
        }
        Err(_) => Err(bad(
            "it is not a private key in OpenSSH or PEM form",
            "Give the text of a file such as ~/.ssh/id_ed25519",
        )),
    }
}

async fn with_key(handle: &mut Handle<HostCheck>, place: &Place<'_>, key: PrivateKey) -> Result<()> {
    let hash = rsa_hash(handle, key.algorithm().is_rsa(), place).await?;
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    let result = handle.authenticate_publickey(place.user, key).await.map_err(|e| broke(&e, place))?;
    judge(&result, place, "this key")
}

/// The strongest signature that the far side takes for RSA keys; other keys have only one.
async fn rsa_hash(handle: &Handle<HostCheck>, is_rsa: bool, place: &Place<'_>) -> Result<Option<HashAlg>> {
    if !is_rsa {
        return Ok(None);
    }
    let supported = handle.best_supported_rsa_hash().await.map_err(|e| broke(&e, place))?;
    Ok(supported.unwrap_or(Some(HashAlg::Sha512)))
}

async fn with_password(handle: &mut Handle<HostCheck>, place: &Place<'_>, password: &SecretString) -> Result<()> {
    let result =
        handle.authenticate_password(place.user, password.expose_secret()).await.map_err(|e| broke(&e, place))?;
    let AuthResult::Failure { remaining_methods, .. } = &result else { return Ok(()) };
    // Servers that ask through PAM often know the password only as an answer to a question.
    if remaining_methods.contains(&MethodKind::KeyboardInteractive)
        && !remaining_methods.contains(&MethodKind::Password)
    {
        return with_answers(handle, place, password).await;
    }
    judge(&result, place, "this password")
}

async fn with_answers(handle: &mut Handle<HostCheck>, place: &Place<'_>, password: &SecretString) -> Result<()> {
    let mut response =
        handle.authenticate_keyboard_interactive_start(place.user, None).await.map_err(|e| broke(&e, place))?;
    for _ in 0..MAX_ROUNDS {
        match response {
            KeyboardInteractiveAuthResponse::Success => return Ok(()),
            KeyboardInteractiveAuthResponse::Failure { .. } => break,
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| password.expose_secret().to_owned()).collect();
                response =
                    handle.authenticate_keyboard_interactive_respond(answers).await.map_err(|e| broke(&e, place))?;
            }
        }
    }
    Err(refused(place, "this password", "keyboard-interactive".to_owned()))
}

#[cfg(unix)]
async fn with_agent(handle: &mut Handle<HostCheck>, place: &Place<'_>) -> Result<()> {
    use russh::keys::agent::client::AgentClient;
    let failed = |e: &dyn std::fmt::Display| DeployError::Agent(e.to_string());
    let mut agent = AgentClient::connect_env().await.map_err(|e| failed(&e))?;
    let identities = agent.request_identities().await.map_err(|e| failed(&e))?;
    let mut accepted = "unknown".to_owned();
    let mut tried = 0;
    for identity in identities {
        let AgentIdentity::PublicKey { key, .. } = identity else { continue };
        tried += 1;
        let hash = rsa_hash(handle, key.algorithm().is_rsa(), place).await?;
        let result =
            handle.authenticate_publickey_with(place.user, key, hash, &mut agent).await.map_err(|e| failed(&e))?;
        match result {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, .. } => accepted = names(&remaining_methods),
        }
    }
    if tried == 0 {
        return Err(DeployError::Agent("it holds no keys".to_owned()));
    }
    Err(refused(place, "every key of the agent", accepted))
}

#[cfg(not(unix))]
async fn with_agent(_handle: &mut Handle<HostCheck>, _place: &Place<'_>) -> Result<()> {
    Err(DeployError::Agent("agents are used on Linux and macOS only so far".to_owned()))
}

fn judge(result: &AuthResult, place: &Place<'_>, method: &'static str) -> Result<()> {
    match result {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, .. } => Err(refused(place, method, names(remaining_methods))),
    }
}

fn names(methods: &[MethodKind]) -> String {
    let names: Vec<&str> = methods.iter().map(Into::into).collect();
    if names.is_empty() { "nothing more on this connection".to_owned() } else { names.join(", ") }
}

fn refused(place: &Place<'_>, method: &'static str, accepted: String) -> DeployError {
    DeployError::LoginRefused { address: place.address(), user: place.user.to_owned(), method, accepted }
}

fn broke(error: &russh::Error, place: &Place<'_>) -> DeployError {
    DeployError::Lost { address: place.address(), doing: "logging in".to_owned(), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_told_apart_and_not_repeated() {
        let problem = |text: &str| match read_key(&text.into(), None) {
            Err(DeployError::Key { problem, .. }) => problem,
            other => panic!("{:?}", other.map(drop)),
        };
        assert!(problem("ssh-ed25519 AAAA me").contains("public"));
        let rubbish = problem("hunter2");
        assert!(rubbish.contains("not a private key") && !rubbish.contains("hunter2"));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(problem(encrypted).contains("encrypted"));
    }
}
