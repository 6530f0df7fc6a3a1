//! Proof: the far side answers, and answers as the desk did.

use std::time::{Duration, Instant};

use desk_core::{Cancel, GoldenRows, Manifest, Parity, Tolerance};
use secrecy::SecretString;

use crate::error::{DeployError, Result};
use crate::layout;
use crate::oip::OipClient;
use crate::package::{Package, Unprovable};
use crate::remote::{Forward, Remote};
use crate::serve::ServeSettings;

/// How long a version may take from "started" to "ready three times".
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// What the far side must answer, and whether that can be a proof.
#[derive(Clone)]
pub(super) struct Expected {
    pub golden: GoldenRows,
    pub unprovable: Option<Unprovable>,
}

impl Expected {
    pub fn of(package: &Package) -> Self {
        Self { golden: package.golden.clone(), unprovable: package.unprovable() }
    }

    pub fn new(golden: GoldenRows, manifest: &Manifest) -> Self {
        Self { unprovable: Unprovable::of(manifest, &golden), golden }
    }

    /// Without a proof a version goes live only where somebody has allowed that.
    pub fn refuse_unproven(&self, allowed: bool, name: &str) -> Result<()> {
        match self.unprovable {
            Some(why) if !allowed => Err(DeployError::Refused {
                problem: format!("{name} cannot be proven: {why}"),
                hints: vec![
                    "Import it again with data whose answers say something: --golden DATA --again".to_owned(),
                    "To let it go live without a proof, add --allow-unproven".to_owned(),
                ],
            }),
            _ => Ok(()),
        }
    }

    /// What came of replaying, for people.
    pub fn note(&self, parity: &Parity, place: &str) -> String {
        match self.unprovable {
            Some(why) => format!("not proven: {why}; {} rows have the right form{place}", parity.rows),
            None => format!("{} rows, largest difference {:.2e}{place}", parity.rows, parity.max_abs_diff),
        }
    }
}

/// A way to a port of the far side, with a client on it.
pub(super) struct Line {
    pub client: OipClient,
    _forward: Forward,
}

impl Line {
    pub fn open(remote: &dyn Remote, port: u16) -> Result<Self> {
        let forward = remote.forward(port)?;
        let mut client = OipClient::new(format!("http://{}", forward.address))?;
        if let Some(token) = token(remote)? {
            client = client.with_token(token);
        }
        Ok(Self { client, _forward: forward })
    }

    /// Ready three times in a row.
    pub fn wait_ready(&self, model: &str, address: &str, cancel: &Cancel) -> Result<()> {
        let until = Instant::now() + READY_TIMEOUT;
        let mut in_a_row = 0;
        while in_a_row < 3 {
            cancel.check()?;
            if self.client.is_ready(model) {
                in_a_row += 1;
                continue;
            }
            in_a_row = 0;
            if Instant::now() > until {
                return Err(DeployError::FarState {
                    problem: format!(
                        "model `{model}` did not become ready in {} s on {address}",
                        READY_TIMEOUT.as_secs()
                    ),
                    hint: "Look at run/supervisor.log in the target's folder".to_owned(),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Replays the golden rows on this very version and compares. A cancel is answered at once, also while
    /// the far side computes.
    pub fn prove(
        &self,
        (model, version): (&str, &str),
        Expected { golden, unprovable }: &Expected,
        tolerance: Tolerance,
        address: &str,
        cancel: &Cancel,
    ) -> Result<Parity> {
        let found = self.client.infer_until(model, Some(version), &golden.inputs, &golden.outputs, cancel)?;
        let compare = match unprovable {
            Some(Unprovable::Random) => Parity::compare_form,
            _ => Parity::compare,
        };
        let parity = compare(&golden.outputs, &found, tolerance);
        if parity.ok {
            return Ok(parity);
        }
        let mut difference = parity.first_difference.clone().unwrap_or_else(|| "the answers differ".to_owned());
        if parity.max_abs_diff.is_finite() {
            difference = format!("{difference} (allowed: {} + {} relative)", tolerance.absolute, tolerance.relative);
        }
        Err(DeployError::Parity { address: address.to_owned(), difference })
    }
}

/// The token that the server wants, where somebody has set one up.
fn token(remote: &dyn Remote) -> Result<Option<SecretString>> {
    let settings = remote.read(layout::SERVE_JSON)?;
    let settings = settings.and_then(|bytes| serde_json::from_slice::<ServeSettings>(&bytes).ok());
    let Some(file) = settings.and_then(|settings| settings.token_file) else { return Ok(None) };
    let bytes = remote.read(&file)?.ok_or_else(|| DeployError::FarState {
        problem: format!("serve.json names a token file that is not there: {}", remote.absolute(&file)),
        hint: "Put the token into that file, or take `token_file` out of serve.json".to_owned(),
    })?;
    Ok(Some(SecretString::from(String::from_utf8_lossy(&bytes).trim())))
}

/// The port at the end of `http://127.0.0.1:PORT`.
pub(super) fn port_of(url: &str) -> Result<u16> {
    url.trim_end_matches('/')
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .ok_or_else(|| DeployError::Http { problem: "it names no port".to_owned(), url: url.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_addresses() {
        assert_eq!(port_of("http://127.0.0.1:4000/").expect("a port"), 4000);
        assert!(port_of("http://edge").is_err());
    }
}
