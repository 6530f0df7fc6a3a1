//! What stands on a target before a rollout: whose it is, and whether its clients could use what comes.

use desk_core::{Digest, Manifest, Signature, SignatureChange};
use serde::{Deserialize, Serialize};

use super::{Before, Plan};
use crate::error::{DeployError, Result};
use crate::layout;
use crate::remote::Remote;

/// Who made a version live; it lies on the target, so that every desk can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedBy {
    /// The version, 64 hexadecimal digits.
    pub version: String,
    /// What that desk calls it, such as `tumour@2`.
    pub name: String,
    /// Which desk, for people.
    pub by: String,
    /// When (RFC 3339).
    pub at: String,
}

impl DeployedBy {
    /// Who made this version live on the target, where that is known.
    pub(crate) fn read(remote: &dyn Remote, version: &str) -> Result<Option<Self>> {
        let found = remote.read(layout::DEPLOYED)?.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        Ok(found.filter(|found| found.version == version))
    }

    /// Notes it after a version was proven; one that was live before stays whose it was.
    pub(super) fn write(remote: &dyn Remote, plan: &Plan) -> Result<()> {
        let version = plan.digest.hex();
        if plan.by.is_empty() || Self::read(remote, &version)?.is_some() {
            return Ok(());
        }
        let note = Self {
            name: format!("{}@{}", plan.model, plan.number),
            by: plan.by.clone(),
            at: jiff::Timestamp::now().to_string(),
            version,
        };
        let text = serde_json::to_vec(&note).map_err(|e| DeployError::Package(e.to_string()))?;
        remote.write(layout::DEPLOYED, &text)
    }
}

impl std::fmt::Display for DeployedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "deployed as {} by {} at {}", self.name, self.by, self.at)
    }
}

/// Refuses to act on a version that the desk believes to be live and that another one has taken the place of.
pub(crate) fn refuse_other(remote: &dyn Remote, plan: &Plan, expected: Digest, found: Option<&str>) -> Result<()> {
    if found == Some(expected.hex().as_str()) {
        return Ok(());
    }
    let (address, believed) = (remote.address(), plan.name_of(&expected.hex()));
    let Some(found) = found else {
        return Err(DeployError::Refused {
            problem: format!("nothing is live on {address} any more: somebody has taken {believed} down"),
            hints: vec![format!(
                "Deploy what shall serve: modeldesk deploy {}@VERSION --to {}",
                plan.model, plan.target
            )],
        });
    };
    let who = match DeployedBy::read(remote, found)? {
        Some(who) => format!(", {who}"),
        None => ", which somebody else has switched to".to_owned(),
    };
    Err(DeployError::Refused {
        problem: format!("{address} serves {} instead of {believed}{who}", plan.name_of(found)),
        hints: vec![
            "Let the desk that deployed it roll it back or take it down".to_owned(),
            format!("To replace it: modeldesk deploy {}@VERSION --to {} --replace-other", plan.model, plan.target),
        ],
    })
}

/// Refuses to take the place of what another desk made live, unless that was asked for.
pub(super) fn refuse_unasked(remote: &dyn Remote, plan: &Plan, former: &str) -> Result<()> {
    if plan.permissions.replace_other || plan.by.is_empty() || plan.digest.hex() == former {
        return Ok(());
    }
    let Some(who) = DeployedBy::read(remote, former)?.filter(|who| who.by != plan.by) else { return Ok(()) };
    Err(DeployError::Refused {
        problem: format!(
            "what {} serves was not made live by this desk: it was {who} (version {})",
            remote.address(),
            &former[..former.len().min(12)]
        ),
        hints: vec![
            "Ask whoever made it live, or deploy to a target of your own".to_owned(),
            format!(
                "To replace it: modeldesk deploy {}@{} --to {} --replace-other",
                plan.model, plan.number, plan.target
            ),
        ],
    })
}

/// What stands on the target in the words of a plan, and whose it is when not this desk's.
pub(super) fn describe(remote: &dyn Remote, plan: &Plan, before: &Before) -> Result<String> {
    if let Some(pid) = before.orphan {
        return Ok(format!("a server {} still runs (process {pid}) and is replaced", lost(remote)?));
    }
    let Some(former) = before.former() else { return Ok("nothing serves yet".to_owned()) };
    let does = match before {
        Before { running: true, ready: true, .. } => "serves",
        Before { running: true, .. } => "is live and does not answer",
        _ => "is current",
    };
    let who = DeployedBy::read(remote, former)?.filter(|who| who.by != plan.by);
    let who = who.map(|who| format!(", {who}")).unwrap_or_default();
    Ok(format!("{} {does}{who}", plan.name_of(former)))
}

/// What somebody removed under a server that runs and cannot be asked any more.
pub(crate) fn lost(remote: &dyn Remote) -> Result<&'static str> {
    Ok(if remote.stat(layout::BINARY)?.is_none() {
        "whose folder was removed"
    } else if remote.stat(layout::SUPERVISOR_PID)?.is_none() {
        "whose folder `run` was removed"
    } else {
        "whose control socket was removed"
    })
}

/// In what the former version's clients would fail with this one; nothing where its manifest cannot be read.
pub(super) fn signature_changes(remote: &dyn Remote, former: &str, is: &Signature) -> Result<Vec<SignatureChange>> {
    let bytes = remote.read(&format!("{}/manifest.json", layout::version(former)))?;
    let bytes = bytes.filter(|bytes| Digest::of(bytes).hex() == former);
    let manifest = bytes.and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    Ok(manifest.map(|manifest| is.breaks(&manifest.description.signature)).unwrap_or_default())
}

/// Refuses what would break the clients of the version that stands there.
pub(super) fn refuse_changes(plan: &Plan, former: &str, changes: &[SignatureChange]) -> Result<()> {
    if changes.is_empty() || plan.permissions.allow_signature_change {
        return Ok(());
    }
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    Err(DeployError::Refused {
        problem: format!("clients of {} could not use this one: {}", plan.name_of(former), changes.join("; ")),
        hints: vec![
            "Deploy it to a target of its own, and let its clients move there".to_owned(),
            "If every client has been changed already, add --allow-signature-change".to_owned(),
        ],
    })
}
