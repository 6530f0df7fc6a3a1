//! Secrets from a file, standard input or a prompt; never from an argument.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

use desk_app::secrets::{CredentialSecret, MAX_SECRET_BYTES, Secret, keys};
use desk_app::{Command, Desk};
use desk_core::{Fault, FaultKind};

use crate::args::CredentialSet;
use crate::output::Printer;

const ASKED: &str = "Passphrase of the encrypted file: ";

/// An encrypted file of secrets needs its passphrase before a command that uses a credential. Without one the
/// command goes on and says so where it does need a secret.
pub fn unlock_for(desk: &Desk, printer: &Printer, command: &Command) -> Result<(), Fault> {
    let offered = is_offered(printer);
    if !desk.vault_exists() {
        return Ok(());
    }
    if matches!(command, Command::Doctor | Command::TargetTrust(_) | Command::TargetRemove(_)) {
        // They look, ask for nothing, and say where a file that does not open is locked.
        if offered && let Err(fault) = unlock(desk, printer) {
            printer.note(&fault.message);
        }
        return Ok(());
    }
    if desk.needs_secret(command)? && (offered || printer.interactive) { unlock(desk, printer) } else { Ok(()) }
}

/// The same for what takes up rollouts that were broken off.
pub fn unlock_to_resume(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    let wanted = (is_offered(printer) || printer.interactive) && desk.vault_exists();
    if wanted && desk.needs_secret_to_recover()? { unlock(desk, printer) } else { Ok(()) }
}

fn is_offered(printer: &Printer) -> bool {
    printer.passphrase_stdin || std::env::var_os(DESCRIPTOR).is_some()
}

/// Opens the encrypted file with the passphrase from standard input, an open file or a prompt.
pub fn unlock(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    let passphrase = if printer.passphrase_stdin {
        read(printer, true, ASKED)?
    } else if let Some(passphrase) = from_descriptor()? {
        passphrase
    } else if printer.interactive {
        read(printer, false, ASKED)?
    } else {
        return Err(Fault::new(
            FaultKind::Usage,
            "the passphrase of the encrypted file is needed and nobody can be asked",
        )
        .hint("Pipe it in as the first line and add --passphrase-stdin")
        .hint(format!("Or hand it over as an open file: {DESCRIPTOR}=3 modeldesk … 3< FILE")));
    };
    desk.unlock_vault(&passphrase)
}

/// Names the open file that holds the passphrase.
const DESCRIPTOR: &str = "MODELDESK_PASSPHRASE_FD";

/// Scripts hand the passphrase over as an open file descriptor, which leaves no trace in the process list or
/// the environment: `modeldesk … 3< passphrase-file`.
fn from_descriptor() -> Result<Option<Secret>, Fault> {
    let Some(number) = std::env::var_os(DESCRIPTOR) else { return Ok(None) };
    let number: u32 = number.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        Fault::new(FaultKind::Usage, format!("{DESCRIPTOR} is not a number"))
            .hint(format!("Name an open file: {DESCRIPTOR}=3 modeldesk … 3< FILE"))
    })?;
    let line = File::open(format!("/proc/self/fd/{number}"))
        .and_then(|file| first_line(BufReader::new(file)))
        .map_err(|error| {
            Fault::input(format!("cannot read the passphrase from file descriptor {number}"))
                .detail(error.to_string())
                .hint(format!("Open the file for the command: {DESCRIPTOR}={number} modeldesk … {number}< FILE"))
        })?;
    Ok(Some(Secret::new(line)))
}

/// The first line, without its end; an error when it is longer than any secret.
fn first_line(from: impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(MAX_SECRET_BYTES as u64 + 2).read_line(&mut line)?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    if line.len() > MAX_SECRET_BYTES {
        return Err(io::Error::other(format!("its first line is longer than {MAX_SECRET_BYTES} bytes")));
    }
    Ok(line)
}

/// Collects what the kind of credential needs.
pub fn collect(args: &CredentialSet, printer: &Printer) -> Result<CredentialSecret, Fault> {
    Ok(match args.kind.as_str() {
        "ssh-key" => {
            let path = args.key_file.as_deref().ok_or_else(|| {
                Fault::new(FaultKind::Usage, "an ssh-key needs --key-file").hint("Add --key-file ~/.ssh/id_ed25519")
            })?;
            let private_key = keys::read(path)?;
            let passphrase = if args.passphrase || keys::is_encrypted(&private_key) {
                let about = |fault: Fault| fault.context(format!("the passphrase of {}", path.display()));
                Some(read(printer, args.stdin, "Passphrase of the key: ").map_err(about)?)
            } else {
                None
            };
            CredentialSecret::SshKey { private_key, passphrase }
        }
        "password" => CredentialSecret::Password(read(printer, args.stdin, "Password: ")?),
        "token" => CredentialSecret::Token(read(printer, args.stdin, "Token: ")?),
        _ => CredentialSecret::Agent,
    })
}

/// A new passphrase, typed twice when a person sits there.
pub fn new_passphrase(printer: &Printer, stdin: bool) -> Result<Secret, Fault> {
    let stdin = stdin || printer.passphrase_stdin;
    let first = read(printer, stdin, ASKED)?;
    if !stdin && read(printer, false, "The same again: ")?.expose() != first.expose() {
        return Err(Fault::input("the two passphrases differ").hint("Type the same passphrase twice"));
    }
    Ok(first)
}

/// Reads one secret: the first line of standard input, or a prompt that does not echo.
pub fn read(printer: &Printer, stdin: bool, prompt: &str) -> Result<Secret, Fault> {
    if stdin {
        let line = first_line(io::stdin().lock()).map_err(|error| {
            Fault::input("cannot read the secret from standard input")
                .detail(error.to_string())
                .hint("Pipe the secret in as one line")
        })?;
        if line.is_empty() {
            let fault = Fault::input("standard input holds no secret");
            return Err(piped_in(fault, printer, prompt, "Pipe the secret in as one line"));
        }
        return Ok(Secret::new(line));
    }
    if !printer.interactive {
        let fault = Fault::new(FaultKind::Usage, "a secret is needed and nobody can be asked");
        return Err(piped_in(fault, printer, prompt, "Pipe it in and add --stdin"));
    }
    // What is typed faster than the prompt is answered (by a script, or pasted) must not be shown either.
    let _silent = Silent::begin();
    rpassword::prompt_password(prompt)
        .map(Secret::new)
        .map_err(|error| Fault::input("cannot read the secret").detail(error.to_string()))
}

/// The terminal shows nothing of what is typed, from before the prompt stands until this goes.
#[cfg(unix)]
struct Silent(Option<(std::fs::File, rustix::termios::Termios)>);

#[cfg(unix)]
impl Silent {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let begun = || {
            let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty").ok()?;
            let before = tcgetattr(&terminal).ok()?;
            let mut silent = before.clone();
            silent.local_modes -= LocalModes::ECHO;
            tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
            Some((terminal, before))
        };
        Self(begun())
    }
}

#[cfg(unix)]
impl Drop for Silent {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some((terminal, before)) = &self.0 {
            // A terminal that is gone needs nothing put back.
            tcsetattr(terminal, OptionalActions::Now, before).ok();
        }
    }
}

/// Elsewhere the prompt's own library does it.
#[cfg(not(unix))]
struct Silent;

#[cfg(not(unix))]
impl Silent {
    fn begin() -> Self {
        Self
    }
}

/// How a secret is piped in. Where the passphrase of the encrypted file comes on standard input too, it is the
/// line after that one.
fn piped_in(fault: Fault, printer: &Printer, prompt: &str, alone: &str) -> Fault {
    if !printer.passphrase_stdin || prompt == ASKED {
        return fault.hint(alone);
    }
    fault.hint("Pipe in two lines and add --stdin: the passphrase of the encrypted file first, then this secret").hint(
        format!(
            "Or hand the passphrase of the encrypted file over as an open file: {DESCRIPTOR}=3 modeldesk … 3< FILE"
        ),
    )
}
