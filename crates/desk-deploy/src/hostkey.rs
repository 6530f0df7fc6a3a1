//! Whether the machine that answers is the one that was meant.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// The key that a host offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    /// Host name or address, as in the target.
    pub host: String,
    /// Port of the SSH server.
    pub port: u16,
    /// Key type, such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:` and the unpadded base64 of the key's SHA-256, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
    /// The public key in OpenSSH's one-line form; what the caller records.
    pub public_key: String,
}

/// What the caller decided about a key that is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The fingerprint was compared and is right.
    Trust,
    /// Do not connect.
    Refuse,
}

/// Where known host keys are kept and who is asked at first contact.
///
/// Nothing is accepted silently: an unknown key is shown to `decide`, and a key other than the
/// known one ends the connection without asking.
pub trait HostKeyPolicy: Send + Sync {
    /// The recorded key of a host: a fingerprint (`SHA256:…`) or a public key line.
    fn known(&self, host: &str, port: u16) -> Option<String>;

    /// What the desk calls the target, so that errors can name the command that helps.
    fn target(&self) -> Option<String> {
        None
    }

    /// Called at first contact. It may take its time (a person compares): connect timeouts wait.
    /// Recording a trusted key is the caller's work.
    fn decide(&self, offered: &OfferedKey) -> Decision;

    /// Told of a key in the place of the known one; the connection ends whatever is done here.
    fn changed(&self, _offered: &OfferedKey) {}
}

/// Keys in memory; unknown and changed ones are refused and remembered so that the caller can show them.
#[derive(Debug, Default)]
pub struct KnownHosts {
    target: Option<String>,
    known: BTreeMap<(String, u16), String>,
    offered: Mutex<Option<OfferedKey>>,
}

impl KnownHosts {
    /// Knows nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which target is connected to.
    #[must_use]
    pub fn of(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds the key of a host.
    #[must_use]
    pub fn with(mut self, host: impl Into<String>, port: u16, key: impl Into<String>) -> Self {
        self.known.insert((host.into(), port), key.into());
        self
    }

    /// The last key that was offered and not known.
    pub fn offered(&self) -> Option<OfferedKey> {
        self.offered.lock().clone()
    }
}

impl HostKeyPolicy for KnownHosts {
    fn known(&self, host: &str, port: u16) -> Option<String> {
        self.known.get(&(host.to_owned(), port)).cloned()
    }

    fn target(&self) -> Option<String> {
        self.target.clone()
    }

    fn decide(&self, offered: &OfferedKey) -> Decision {
        *self.offered.lock() = Some(offered.clone());
        Decision::Refuse
    }

    fn changed(&self, offered: &OfferedKey) {
        *self.offered.lock() = Some(offered.clone());
    }
}

/// The outcome of comparing an offered key with what is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Same,
    Unknown,
    /// With the recorded fingerprint.
    Changed(String),
}

/// Compares with a recorded fingerprint or public key line.
pub(crate) fn compare(known: Option<&str>, offered: &OfferedKey) -> Comparison {
    let Some(known) = known.map(str::trim).filter(|known| !known.is_empty()) else {
        return Comparison::Unknown;
    };
    if known.starts_with("SHA256:") {
        let same = known.trim_end_matches('=') == offered.fingerprint.trim_end_matches('=');
        return if same { Comparison::Same } else { Comparison::Changed(known.to_owned()) };
    }
    match russh::keys::PublicKey::from_openssh(known) {
        Ok(key) => {
            let fingerprint = key.fingerprint(russh::keys::HashAlg::Sha256).to_string();
            if fingerprint == offered.fingerprint { Comparison::Same } else { Comparison::Changed(fingerprint) }
        }
        // A record that cannot be read must not count as no record: that would ask again, and trust.
        Err(_) => Comparison::Changed(known.to_owned()),
    }
}

/// The fingerprint `SHA256:…` of a recorded key; the record itself where it is one already.
pub fn fingerprint(known: &str) -> String {
    let key = russh::keys::PublicKey::from_openssh(known.trim());
    key.map_or_else(|_| known.to_owned(), |key| key.fingerprint(russh::keys::HashAlg::Sha256).to_string())
}

/// The algorithm of the recorded key, so that the host is asked for that one of its keys; `None` when only its
/// fingerprint is known.
pub(crate) fn known_algorithm(known: Option<&str>) -> Option<russh::keys::Algorithm> {
    let known = known.filter(|known| !known.starts_with("SHA256:"))?;
    Some(russh::keys::PublicKey::from_openssh(known.trim()).ok()?.algorithm())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn offered() -> OfferedKey {
        let key = russh::keys::PublicKey::from_openssh(LINE).expect("a key");
        OfferedKey {
            host: "edge".into(),
            port: 22,
            algorithm: "ssh-ed25519".into(),
            fingerprint: key.fingerprint(russh::keys::HashAlg::Sha256).to_string(),
            public_key: LINE.into(),
        }
    }

    #[test]
    fn a_key_is_known_by_line_or_by_fingerprint() {
        let offered = offered();
        assert_eq!(compare(None, &offered), Comparison::Unknown);
        assert_eq!(compare(Some(LINE), &offered), Comparison::Same);
        assert_eq!(compare(Some(&offered.fingerprint), &offered), Comparison::Same);
        assert!(known_algorithm(Some(LINE)).is_some());
    }

    #[test]
    fn another_or_an_unreadable_record_counts_as_changed() {
        let offered = offered();
        let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(compare(Some(other), &offered), Comparison::Changed(other.into()));
        assert_eq!(compare(Some("rubbish"), &offered), Comparison::Changed("rubbish".into()));
    }
}
