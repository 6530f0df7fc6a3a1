//! Connecting: TCP, key exchange, and whether the host is the one that was meant.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{Algorithm, HashAlg, PublicKeyOrCertificate};
use russh::{Preferred, cipher};
use tokio::net::TcpStream;

use crate::error::{DeployError, Result};
use crate::hostkey::{Comparison, Decision, HostKeyPolicy, OfferedKey, compare, known_algorithm};
use crate::target::host_port;

/// Fast where the processor helps (AES), fast where it does not (ChaCha20); no others than the
/// authenticated ones and counter mode.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Where to connect to.
pub(super) struct Place<'a> {
    pub host: &'a str,
    pub port: u16,
    pub user: &'a str,
    pub timeout: Duration,
}

impl Place<'_> {
    pub fn address(&self) -> String {
        host_port(self.host, self.port)
    }

    pub fn too_slow(&self, what: &str) -> DeployError {
        DeployError::Timeout { what: what.to_owned(), seconds: self.timeout.as_secs(), address: self.address() }
    }
}

/// Judges the host's key.
pub(super) struct HostCheck {
    policy: Arc<dyn HostKeyPolicy>,
    host: String,
    port: u16,
    /// The key that was accepted: a later key exchange must show the same one.
    accepted: Option<String>,
    /// A person is being asked.
    asking: Arc<AtomicBool>,
}

/// What ends a connection attempt from within.
#[derive(Debug)]
pub(super) enum Ended {
    Ssh(russh::Error),
    Refused(Box<DeployError>),
}

impl From<russh::Error> for Ended {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl HostCheck {
    fn judge(&mut self, offered: &OfferedKey) -> Result<()> {
        let address = host_port(&self.host, self.port);
        let known = self.accepted.clone().or_else(|| self.policy.known(&self.host, self.port));
        let (algorithm, fingerprint) = (offered.algorithm.clone(), offered.fingerprint.clone());
        match compare(known.as_deref(), offered) {
            Comparison::Same => {}
            Comparison::Changed(known) => {
                self.policy.changed(offered);
                let target = self.policy.target();
                return Err(DeployError::HostKeyChanged { address, known, fingerprint, target });
            }
            Comparison::Unknown => {
                self.asking.store(true, Ordering::SeqCst);
                let decision = self.policy.decide(offered);
                self.asking.store(false, Ordering::SeqCst);
                if decision == Decision::Refuse {
                    let target = self.policy.target();
                    return Err(DeployError::HostKeyUnknown { address, algorithm, fingerprint, target });
                }
            }
        }
        self.accepted = Some(offered.fingerprint.clone());
        Ok(())
    }
}

impl client::Handler for HostCheck {
    type Error = Ended;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Ended> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let offered = OfferedKey {
            host: self.host.clone(),
            port: self.port,
            algorithm: key.algorithm().to_string(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            public_key: key.to_openssh().map_err(|e| Ended::Ssh(e.into()))?,
        };
        // The policy may ask a person: let other tasks of this thread move elsewhere.
        tokio::task::block_in_place(|| self.judge(&offered)).map_err(|error| Ended::Refused(Box::new(error)))?;
        Ok(true)
    }
}

/// Connects and exchanges keys; does not log in.
pub(super) async fn open(place: &Place<'_>, policy: &Arc<dyn HostKeyPolicy>) -> Result<Handle<HostCheck>> {
    let address = place.address();
    let unreachable = |source| DeployError::Unreachable { address: address.clone(), source };
    let stream = tokio::time::timeout(place.timeout, TcpStream::connect((place.host, place.port)))
        .await
        .map_err(|_late| place.too_slow("connecting"))?
        .map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let asking = Arc::new(AtomicBool::new(false));
    let check = HostCheck {
        policy: policy.clone(),
        host: place.host.to_owned(),
        port: place.port,
        accepted: None,
        asking: asking.clone(),
    };
    let config = Arc::new(config(policy.known(place.host, place.port).as_deref()));
    let mut connecting = std::pin::pin!(client::connect_stream(config, stream, check));
    loop {
        match tokio::time::timeout(place.timeout, &mut connecting).await {
            Ok(connected) => return connected.map_err(|ended| explain(ended, &address)),
            // Somebody compares fingerprints; that may take its time.
            Err(_) if asking.load(Ordering::SeqCst) => {}
            Err(_) => return Err(place.too_slow("the SSH greeting")),
        }
    }
}

fn config(known: Option<&str>) -> client::Config {
    let mut keys = Preferred::DEFAULT.key.to_vec();
    if let Some(known) = known_algorithm(known) {
        // A host has several keys; ask for the one that is on record.
        let both_rsa = |key: &Algorithm| matches!((key, &known), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }));
        keys.sort_by_key(|key| !(*key == known || both_rsa(key)));
    }
    client::Config {
        preferred: Preferred { key: Cow::Owned(keys), cipher: Cow::Borrowed(CIPHERS), ..Preferred::DEFAULT },
        keepalive_interval: Some(Duration::from_secs(10)),
        keepalive_max: 3,
        nodelay: true,
        ..client::Config::default()
    }
}

fn explain(ended: Ended, address: &str) -> DeployError {
    match ended {
        Ended::Refused(error) => *error,
        Ended::Ssh(russh::Error::IO(source)) => DeployError::Unreachable { address: address.to_owned(), source },
        Ended::Ssh(error) => DeployError::Unreachable {
            address: address.to_owned(),
            source: std::io::Error::other(format!("no SSH server answers there: {error}")),
        },
    }
}
