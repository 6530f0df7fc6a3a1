//! Private keys from a file: read once, checked for what people mix up, and kept as a secret.

use std::io::Read as _;
use std::path::Path;

use desk_core::Fault;
use desk_secrets::{CredentialSecret, Secret};

use crate::Desk;
use crate::query::CredentialItem;

/// A private key file larger than this is not one.
const MAX_KEY_BYTES: u64 = 64 * 1024;

impl Desk {
    /// Keeps the text of a private key file under a name; the file is not needed afterwards.
    pub fn set_key_credential(
        &self,
        name: &str,
        key_file: &Path,
        passphrase: Option<Secret>,
    ) -> Result<CredentialItem, Fault> {
        let private_key = read(key_file)?;
        self.set_credential(name, &CredentialSecret::SshKey { private_key, passphrase })
    }
}

/// True for a private key that cannot be used without a passphrase.
pub fn is_encrypted(private_key: &Secret) -> bool {
    desk_deploy::key_is_encrypted(&private_key.expose().into())
}

/// Refuses a key that could not be used: damaged, or not to be opened with this passphrase.
pub(crate) fn check(secret: &CredentialSecret) -> Result<(), Fault> {
    let CredentialSecret::SshKey { private_key, passphrase } = secret else { return Ok(()) };
    let passphrase = passphrase.as_ref().map(|passphrase| passphrase.expose().into());
    Ok(desk_deploy::check_key(&private_key.expose().into(), passphrase.as_ref())?)
}

/// Reads a private key file and refuses what people mix up with one.
pub fn read(path: &Path) -> Result<Secret, Fault> {
    let about = |what: &str| Fault::input(format!("{what}: {}", path.display()));
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| about("cannot read the key file").detail(error.to_string()))?;
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(about("too large for a private key").hint("Name the private key file itself"));
    }
    let text = Secret::from_utf8(bytes).ok_or_else(|| about("not a text file, so not a private key"))?;
    if text.expose().contains("PRIVATE KEY-----") {
        Ok(text)
    } else if text.expose().starts_with("ssh-") {
        Err(about("this is the public key").hint("Name the private key, the file without .pub"))
    } else {
        Err(about("not a private key in OpenSSH or PEM form").hint("Make one with ssh-keygen -t ed25519"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_keys_are_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |text: &str| {
            let path = folder.path().join("key");
            std::fs::write(&path, text).expect("written");
            read(&path).map(|_| ()).map_err(|fault| fault.message)
        };
        assert_eq!(check("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"), Ok(()));
        assert!(check("ssh-ed25519 AAAA me@here").expect_err("public").starts_with("this is the public key"));
        assert!(check("hello").expect_err("text").starts_with("not a private key"));
        assert!(check(&"x".repeat(70_000)).expect_err("large").starts_with("too large"));
        assert!(read(&folder.path().join("none")).is_err());
    }
}
