//! What stands on a target before a rollout: whose it is, and whether its clients could use what comes.

use desk_core::{Digest, Manifest, Signature, SignatureChange};
use serde::{Deserialize, Serialize};

use super::{Before, Plan};
use crate::desk_name::same_desk;
use crate::error::{DeployError, Result};
use crate::layout;
use crate::remote::Remote;
use crate::serve::ServeStatus;

/// Who made a version live; it lies on the target, so that every desk can read it.
///
/// It is written before the switch, together with who made live what is live until then: whatever becomes of the
/// desk in between, the version that is live tells which of both holds.
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

/// [`DeployedBy`] as it lies on the target.
#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    is: DeployedBy,
    /// The rollout that wrote it.
    #[serde(default)]
    rollout: String,
    /// What held before that rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    former: Option<DeployedBy>,
}

impl Note {
    fn read(remote: &dyn Remote) -> Result<Option<Self>> {
        Ok(remote.read(layout::DEPLOYED)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn write(&self, remote: &dyn Remote) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|e| DeployError::Package(e.to_string()))?;
        remote.write(layout::DEPLOYED, &text)
    }

    /// Who made this version live.
    fn of(self, version: &str) -> Option<DeployedBy> {
        [Some(self.is), self.former].into_iter().flatten().find(|who| who.version == version)
    }
}

impl DeployedBy {
    /// Who made this version live on the target, where that is known.
    pub(crate) fn read(remote: &dyn Remote, version: &str) -> Result<Option<Self>> {
        Ok(Note::read(remote)?.and_then(|note| note.of(version)))
    }

    /// The desk that made something live last, whatever that was.
    pub(crate) fn last_desk(remote: &dyn Remote) -> Option<String> {
        Note::read(remote).ok().flatten().map(|note| note.is.by).filter(|by| !by.is_empty())
    }

    /// Notes it before the switch from `former`, also where that is the same version.
    pub(super) fn write(remote: &dyn Remote, plan: &Plan, former: Option<&str>) -> Result<()> {
        if plan.by.is_empty() {
            return Ok(());
        }
        let found = Note::read(remote)?;
        if found.as_ref().is_some_and(|note| note.rollout == plan.id) {
            return Ok(());
        }
        let version = plan.digest.hex();
        let former = former.and_then(|former| found.and_then(|note| note.of(former)));
        let kept = former.as_ref().filter(|who| who.version == version && same_desk(&who.by, &plan.by));
        let (name, at) = (format!("{}@{}", plan.model, plan.number), jiff::Timestamp::now().to_string());
        // What was this desk's own already is so since then.
        let is = kept.cloned().unwrap_or_else(|| Self { version, name, by: plan.by.clone(), at });
        Note { is, rollout: plan.id.clone(), former }.write(remote)
    }

    /// Takes back what a rollout noted. What another one has noted since then stays.
    pub(super) fn take_back(remote: &dyn Remote, plan: &Plan) -> Result<()> {
        match Note::read(remote)? {
            Some(Note { is: noted, rollout, former }) if rollout == plan.id => match former {
                Some(is) => {
                    let other_version = is.version != noted.version;
                    match (Note { is, rollout: String::new(), former: None }).write(remote) {
                        // The version that is live tells as well that the former one holds.
                        Err(error) if error.is_full() && other_version => Ok(()),
                        written => written,
                    }
                }
                None => remote.remove(layout::DEPLOYED),
            },
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for DeployedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "deployed as {} by {} at {}", self.name, self.by, self.at)
    }
}

/// Refuses to act on a version that the desk believes to be live and that another one has taken the place of, be it
/// with the same version.
pub(crate) fn refuse_other(remote: &dyn Remote, plan: &Plan, expected: Digest, found: Option<&str>) -> Result<()> {
    let (address, believed) = (remote.address(), plan.name_of(&expected.hex()));
    if found == Some(expected.hex().as_str()) {
        return match whose(remote, plan, &expected.hex())? {
            Whose::Ours => Ok(()),
            Whose::Theirs(who) => Err(DeployError::Refused {
                problem: format!("{believed} on {address} is another desk's now: {who}"),
                hints: leave_or_replace(plan),
            }),
            Whose::Unknown => Err(DeployError::Refused {
                problem: format!("{address} serves {believed}, and {NOBODY_SAYS}"),
                hints: ask_or_replace(plan),
            }),
        };
    }
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
        hints: leave_or_replace(plan),
    })
}

fn leave_or_replace(plan: &Plan) -> Vec<String> {
    let target = &plan.target;
    vec![
        "Let the desk that deployed it roll it back or take it down".to_owned(),
        format!("To replace it: modeldesk deploy {}@VERSION --to {target} --replace-other", plan.model),
        format!("To take it down all the same: modeldesk undeploy {target} --replace-other"),
    ]
}

fn ask_or_replace(plan: &Plan) -> Vec<String> {
    let mut hints = leave_or_replace(plan);
    "Where other desks deploy to this target, ask them first".clone_into(&mut hints[0]);
    hints
}

/// Of what stands there, when no note beside it, or none that can be read, names its desk.
pub const NOBODY_SAYS: &str = "nothing there says any more which desk made it live";

/// Whose what stands on a target is.
enum Whose {
    Ours,
    Theirs(DeployedBy),
    /// No note says so. It may be another desk's that has taken over since, whatever this one believes.
    Unknown,
}

fn whose(remote: &dyn Remote, plan: &Plan, version: &str) -> Result<Whose> {
    if plan.by.is_empty() {
        return Ok(Whose::Ours);
    }
    Ok(match DeployedBy::read(remote, version)? {
        Some(who) if same_desk(&who.by, &plan.by) => Whose::Ours,
        Some(who) => Whose::Theirs(who),
        None => Whose::Unknown,
    })
}

/// Refuses to take the place of what is not this desk's, unless that was asked for.
pub(super) fn refuse_unasked(remote: &dyn Remote, plan: &Plan, before: &Before) -> Result<()> {
    let Some(former) = before.former() else { return Ok(()) };
    if plan.permissions.replace_other {
        return Ok(());
    }
    let (address, short) = (remote.address(), &former[..former.len().min(12)]);
    let serves = if before.running { "serves" } else { "is to serve when its server is started" };
    let (problem, first) = match whose(remote, plan, former)? {
        Whose::Ours => return Ok(()),
        Whose::Theirs(who) => (
            format!("what {address} {serves} was not made live by this desk: it was {who} (version {short})"),
            "Ask whoever made it live, or deploy to a target of your own",
        ),
        Whose::Unknown => (
            format!("of version {short}, which {address} {serves}, {NOBODY_SAYS}"),
            "Where other desks deploy to this target, ask them first",
        ),
    };
    Err(DeployError::Refused { problem, hints: vec![first.to_owned(), replace(plan)] })
}

fn replace(plan: &Plan) -> String {
    format!("To replace it: modeldesk deploy {}@{} --to {} --replace-other", plan.model, plan.number, plan.target)
}

/// Refuses to end a server that cannot be asked any more, unless what lies beside it says that it is this desk's.
pub(crate) fn refuse_lost(remote: &dyn Remote, plan: &Plan, pid: u32) -> Result<()> {
    let by = last_desk_of(remote, pid)?;
    if by.as_ref().is_some_and(|by| same_desk(by, &plan.by)) || plan.by.is_empty() || plan.permissions.replace_other {
        return Ok(());
    }
    let (whose, first) = match by {
        Some(by) => {
            (format!("it was {by} that made it live"), "Ask whoever made it live, or deploy to a target of your own")
        }
        None => (NOBODY_SAYS.to_owned(), "Where other desks deploy to this target, ask them first"),
    };
    let (address, lost) = (remote.address(), lost(remote, pid)?);
    Err(DeployError::Refused {
        problem: format!("a server {lost} still runs on {address} (process {pid}), and {whose}"),
        hints: vec![
            first.to_owned(),
            replace(plan),
            format!("To end it: modeldesk undeploy {} --replace-other", plan.target),
        ],
    })
}

/// The desk that made something live last with a server that cannot be asked; unknown where what lies in the folder is
/// not that server's.
pub(crate) fn last_desk_of(remote: &dyn Remote, pid: u32) -> Result<Option<String>> {
    Ok(if supervisor(remote)? == Some(pid) { DeployedBy::last_desk(remote) } else { None })
}

/// The process that the folder itself names.
fn supervisor(remote: &dyn Remote) -> Result<Option<u32>> {
    let text = remote.read(layout::SUPERVISOR_PID)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&text).trim().parse().ok())
}

/// Refuses a target whose folder has a server that listens elsewhere than the target says.
pub(crate) fn refuse_other_port(target: &str, status: Option<&ServeStatus>, port: u16) -> Result<()> {
    match status.and_then(ServeStatus::port).filter(|listening| *listening != port) {
        None => Ok(()),
        Some(listening) => Err(DeployError::FarState {
            problem: format!("the server of {target} listens on port {listening} instead of {port}"),
            hint: format!(
                "Where folders were moved, move them back; else set the target's port to {listening}, or stop that server"
            ),
        }),
    }
}

/// What stands on the target in the words of a plan, and whose it is when not this desk's.
pub(super) fn describe(remote: &dyn Remote, plan: &Plan, before: &Before) -> Result<String> {
    if let Some(pid) = before.orphan {
        return Ok(format!("a server {} still runs (process {pid}) and is replaced", lost(remote, pid)?));
    }
    let Some(former) = before.former() else { return Ok("nothing serves yet".to_owned()) };
    let does = match before {
        Before { running: true, ready: true, .. } => "serves",
        Before { running: true, .. } => "is live and does not answer",
        _ => "is current",
    };
    let who = DeployedBy::read(remote, former)?.filter(|who| !same_desk(&who.by, &plan.by));
    let who = who.map(|who| format!(", {who}")).unwrap_or_default();
    Ok(format!("{} {does}{who}", plan.name_of(former)))
}

/// What somebody removed under a server that runs and cannot be asked any more.
pub(crate) fn lost(remote: &dyn Remote, pid: u32) -> Result<&'static str> {
    // A rollout that came to nothing may have made the folders again.
    let (run, program) = (remote.stat(layout::SUPERVISOR_LOG)?.is_some(), remote.stat(layout::BINARY)?.is_some());
    Ok(match supervisor(remote)? {
        Some(named) if named != pid => "whose folder was replaced by another one",
        None if !program => "whose folder was removed",
        None if !run => "whose folder `run` was removed",
        _ if !program => "whose program was removed",
        Some(_) if remote.stat(layout::CONTROL_SOCKET)?.is_some() => "that does not answer",
        Some(_) => "whose control socket was removed",
        None => "whose process file was removed",
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
