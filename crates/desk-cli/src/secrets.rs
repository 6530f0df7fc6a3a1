//! Secrets from a file, standard input or a prompt; never from an argument.

use std::io::BufRead as _;
use std::path::Path;

use desk_app::secrets::{CredentialSecret, Secret};
use desk_core::{Fault, FaultKind};

use crate::args::CredentialSet;
use crate::output::Printer;

/// A private key file larger than this is not one.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Collects what the kind of credential needs.
pub fn collect(args: &CredentialSet, printer: &Printer) -> Result<CredentialSecret, Fault> {
    Ok(match args.kind.as_str() {
        "ssh-key" => {
            let path = args.key_file.as_deref().ok_or_else(|| {
                Fault::new(FaultKind::Usage, "an ssh-key needs --key-file").hint("Add --key-file ~/.ssh/id_ed25519")
            })?;
            let passphrase =
                if args.passphrase { Some(read(printer, args.stdin, "Passphrase of the key: ")?) } else { None };
            CredentialSecret::SshKey { private_key: key_text(path)?, passphrase }
        }
        "password" => CredentialSecret::Password(read(printer, args.stdin, "Password: ")?),
        "token" => CredentialSecret::Token(read(printer, args.stdin, "Token: ")?),
        _ => CredentialSecret::Agent,
    })
}

/// A new passphrase, typed twice when a person sits there.
pub fn new_passphrase(printer: &Printer, stdin: bool) -> Result<Secret, Fault> {
    let first = read(printer, stdin, "Passphrase of the encrypted file: ")?;
    if !stdin && read(printer, false, "The same again: ")?.expose() != first.expose() {
        return Err(Fault::input("the two passphrases differ").hint("Type the same passphrase twice"));
    }
    Ok(first)
}

/// Reads one secret: the first line of standard input, or a prompt that does not echo.
pub fn read(printer: &Printer, stdin: bool, prompt: &str) -> Result<Secret, Fault> {
    if stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Fault::input("cannot read the secret from standard input").detail(error.to_string()))?;
        while line.ends_with(['\n', '\r']) {
            line.pop();
        }
        if line.is_empty() {
            return Err(Fault::input("standard input holds no secret").hint("Pipe the secret in as one line"));
        }
        return Ok(Secret::new(line));
    }
    if !printer.interactive {
        return Err(Fault::new(FaultKind::Usage, "a secret is needed and nobody can be asked")
            .hint("Pipe it in and add --stdin"));
    }
    rpassword::prompt_password(prompt)
        .map(Secret::new)
        .map_err(|error| Fault::input("cannot read the secret").detail(error.to_string()))
}

fn key_text(path: &Path) -> Result<Secret, Fault> {
    let about = |what: &str| Fault::input(format!("{what}: {}", path.display()));
    let size =
        std::fs::metadata(path).map_err(|error| about("cannot read the key file").detail(error.to_string()))?.len();
    if size > MAX_KEY_BYTES {
        return Err(about("too large for a private key").hint("Name the private key file itself"));
    }
    let bytes = std::fs::read(path).map_err(|error| about("cannot read the key file").detail(error.to_string()))?;
    let text = Secret::from_utf8(bytes).ok_or_else(|| about("not a text file, so not a private key"))?;
    if text.expose().contains("PRIVATE KEY-----") {
        Ok(text)
    } else if text.expose().starts_with("ssh-") {
        Err(about("this is the public key").hint("Name the private key, the file without .pub"))
    } else {
        Err(about("not a private key in OpenSSH or PEM form").hint("Make one with ssh-keygen -t ed25519"))
    }
}
