//! What works on a target, looked at without changing it.

use std::path::Path;

use desk_core::{Diagnose, Fault};
use serde::{Deserialize, Serialize};

use crate::connect::TargetConnector;
use crate::error::{DeployError, Result};
use crate::layout;
use crate::lock::no_lock;
use crate::orphan;
use crate::package::binary_platform;
use crate::remote::{Connector, Exec, Remote};
use crate::rollout::{DeployedBy, NOBODY_SAYS, check_platform, last_desk_of, lost, refuse_other_port};
use crate::serve::{ServeSettings, ServeStatus, Server};
use crate::target::MAX_ROOT_LEN;

/// Less than this is called little.
const LITTLE_SPACE_BYTES: u64 = 500 << 20;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckItem {
    /// Short name, such as `login` or `folder`.
    pub name: String,
    /// Works.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The state of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// It answered and let us in.
    pub reachable: bool,
    /// What was looked at, in order; nothing after a login that failed.
    pub checks: Vec<CheckItem>,
    /// What can be done there: `deploy`, `rollback`, `service`.
    pub capabilities: Vec<String>,
    /// What is live there, and whose it is; unknown where it cannot be asked, or what lies there is another target's.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// Nothing answers: not the machine at its address, or no server on it.
    #[serde(default)]
    pub silent: bool,
    /// Why it is not reachable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What is live on a target, as the target itself says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Digest of the version that its server answers with, in hexadecimal digits; none where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<String>,
    /// Digest of the version that serves or, while no server runs, would when one is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// Who made that version live, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_by: Option<DeployedBy>,
    /// It has served, and somebody took that down: nothing runs and nothing is to be started.
    #[serde(default)]
    pub taken_down: bool,
    /// A server that cannot be asked any more, as its folder, or a part of it, was removed under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// The model that this target's folder serves, where its settings say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the server is ending, for people; nothing where it only serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
}

/// A server that runs and cannot be asked any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Its process.
    pub pid: u32,
    /// What was removed under it, such as `whose folder was removed`.
    pub how: String,
    /// The desk that made something live there last, where what is left says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Lost {
    fn of(remote: &dyn Remote) -> Result<Option<Self>> {
        let Some(pid) = Server(remote).orphan()? else { return Ok(None) };
        Ok(Some(Self { pid, how: lost(remote, pid)?.to_owned(), by: last_desk_of(remote, pid)? }))
    }
}

impl Lost {
    /// Whose it is, for people who are not told that it is theirs.
    pub fn whose(&self) -> String {
        match &self.by {
            Some(by) => format!("it was {by} that made it live"),
            None => NOBODY_SAYS.to_owned(),
        }
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a server {} still runs (process {})", self.how, self.pid)
    }
}

/// What a server is ending, for people.
fn ending(status: &ServeStatus) -> Option<String> {
    if status.stopping {
        return Some("stopping: takes no new requests and ends when those in work have ended".to_owned());
    }
    match status.draining.len() {
        0 => None,
        1 => Some("draining: the former version still answers requests that it had".to_owned()),
        many => Some(format!("draining: {many} former versions still answer requests that they had")),
    }
}

impl Standing {
    fn of(remote: &dyn Remote, status: Option<&ServeStatus>) -> Result<Self> {
        let serving = status.and_then(ServeStatus::live_version).map(str::to_owned);
        let current = match &serving {
            Some(serving) => Some(serving.clone()),
            None => remote.read_link(layout::CURRENT)?.as_deref().and_then(layout::version_of_link),
        };
        let deployed_by = match &current {
            Some(current) => DeployedBy::read(remote, current)?,
            None => None,
        };
        let lost = if status.is_none() { Lost::of(remote)? } else { None };
        let settings = remote.read(layout::SERVE_JSON)?;
        let settings = settings.and_then(|text| serde_json::from_slice::<ServeSettings>(&text).ok());
        let taken_down =
            status.is_none() && current.is_none() && remote.stat(layout::BINARY)?.is_some() && lost.is_none();
        let (ending, model) = (status.and_then(ending), settings.map(|settings| settings.model));
        Ok(Self { serving, current, deployed_by, taken_down, lost, model, ending })
    }
}

/// What is live on a target now.
///
/// # Errors
///
/// When the target cannot be reached or its server does not answer properly.
pub fn standing(connector: &dyn Connector) -> Result<Standing, Fault> {
    let remote = connector.connect()?;
    let status = Server(remote.as_ref()).status()?;
    refuse_other_port(&connector.address(), status.as_ref(), connector.serve_port())?;
    Ok(Standing::of(remote.as_ref(), status.as_ref())?)
}

/// Whether a server runs in a target's folder, or one that lost its folder; it is not asked anything, so that this
/// takes no longer when it does not answer.
///
/// # Errors
///
/// When the target cannot be reached.
pub fn runs(connector: &dyn Connector) -> Result<bool, Fault> {
    let remote = connector.connect()?;
    let server = Server(remote.as_ref());
    Ok(server.is_running()? || server.orphan()?.is_some())
}

impl CheckReport {
    /// Everything works.
    pub fn ok(&self) -> bool {
        self.reachable && self.checks.iter().all(|item| item.ok)
    }
}

/// Connects, logs in and looks: folder, space, platform, service, server, port.
///
/// Never fails: what does not work is in the report. `serve_binary` is what a deployment would
/// bring; with it the platforms are compared.
pub fn check(connector: &TargetConnector, serve_binary: Option<&Path>) -> CheckReport {
    let started = std::time::Instant::now();
    let remote = match connector.open() {
        Ok(remote) => remote,
        Err(error) => {
            let item = failed("login", &error);
            let silent = matches!(error, DeployError::Unreachable { .. } | DeployError::Timeout { .. });
            let fault = Some(Fault::from(error));
            return CheckReport {
                reachable: false,
                checks: vec![item],
                capabilities: Vec::new(),
                standing: None,
                silent,
                fault,
            };
        }
    };
    let millis = started.elapsed().as_millis();
    let remote = remote.as_ref();
    let mut checks = vec![passed("login", format!("{} in {millis} ms", remote.address()))];
    checks.push(folder(remote));
    checks.push(space(remote));
    checks.push(platform(remote, serve_binary));
    let services = Server(remote).has_user_services().unwrap_or(false) && remote.wants_service();
    checks.push(service(remote, services));
    let status = Server(remote).status();
    let running = status.as_ref().ok().and_then(Option::as_ref);
    let here = refuse_other_port("this target", running, connector.serve_port()).is_ok();
    let standing = Standing::of(remote, running).unwrap_or_default();
    checks.push(server(remote, &status, &standing));
    checks.push(port(remote, connector.serve_port(), &status, standing.lost.as_ref()));
    checks.extend(no_lock(remote).err().map(|error| failed("lock", &error)));
    let mut capabilities = vec!["deploy".to_owned(), "rollback".to_owned()];
    if services {
        capabilities.push("service".to_owned());
    }
    let silent = here && standing.serving.is_none() && standing.lost.is_none();
    CheckReport { reachable: true, checks, capabilities, standing: here.then_some(standing), silent, fault: None }
}

fn passed(name: &str, detail: impl Into<String>) -> CheckItem {
    CheckItem { name: name.to_owned(), ok: true, detail: detail.into(), hint: None }
}

fn failed(name: &str, error: &DeployError) -> CheckItem {
    let hints = error.hints();
    let hint = match error {
        // It warns first and then says what helps.
        DeployError::HostKeyChanged { .. } => Some(hints.join(". ")),
        _ => hints.into_iter().next(),
    };
    CheckItem { name: name.to_owned(), ok: false, detail: error.to_string(), hint }
}

fn folder(remote: &dyn Remote) -> CheckItem {
    const SCRIPT: &str =
        r#"d=$1; while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done; [ -d "$d" ] && [ -w "$d" ] && [ -x "$d" ]"#;
    let root = remote.root();
    match remote.exec(&Exec::script(SCRIPT, [root])) {
        Ok(output) if output.status == 0 && root.len() <= MAX_ROOT_LEN => {
            let there = remote.exec(&Exec::new(["test", "-d", root])).is_ok_and(|found| found.status == 0);
            passed("folder", if there { root.to_owned() } else { format!("{root}, made by the first deployment") })
        }
        Ok(output) => {
            let problem = if output.status == 0 {
                format!("longer than {MAX_ROOT_LEN} characters")
            } else {
                "not writable for this user".to_owned()
            };
            let (action, address, path) = ("use folder", remote.address(), root.to_owned());
            failed("folder", &DeployError::FarFile { action, address, problem, path, missing: false })
        }
        Err(error) => failed("folder", &error),
    }
}

fn space(remote: &dyn Remote) -> CheckItem {
    match remote.free_bytes() {
        Ok(free) if free >= LITTLE_SPACE_BYTES => passed("space", format!("{} MB free", free >> 20)),
        Ok(free) => CheckItem {
            name: "space".to_owned(),
            ok: false,
            detail: format!("only {} MB free", free >> 20),
            hint: Some("Free space there, or choose a folder on another disk".to_owned()),
        },
        Err(error) => failed("space", &error),
    }
}

fn platform(remote: &dyn Remote, serve_binary: Option<&Path>) -> CheckItem {
    let found = remote.must(&Exec::new(["uname", "-sm"])).map(|output| output.text());
    let compared = match serve_binary {
        Some(path) => binary_platform(path).and_then(|platform| check_platform(remote, platform)),
        None => Ok(()),
    };
    match (found, compared) {
        (Ok(found), Ok(())) => passed("platform", found),
        (Err(error), _) | (_, Err(error)) => failed("platform", &error),
    }
}

fn service(remote: &dyn Remote, services: bool) -> CheckItem {
    if services {
        return passed("service", "systemd for users");
    }
    if !remote.wants_service() {
        return passed("service", "runs as a process of its own");
    }
    CheckItem {
        hint: Some("After a restart of the target, deploy again or start the server by hand".to_owned()),
        ..passed("service", "no systemd for users: the server runs as a process of its own")
    }
}

fn server(remote: &dyn Remote, status: &Result<Option<ServeStatus>>, standing: &Standing) -> CheckItem {
    let status = match status {
        Ok(status) => status.as_ref(),
        Err(error) => return failed("server", error),
    };
    let binary = match remote.read_link(layout::BINARY) {
        Ok(binary) => binary,
        Err(error) => return failed("server", &error),
    };
    if let Some(lost) = &standing.lost {
        return passed("server", format!("{lost} and cannot be asked"));
    }
    let who = standing.deployed_by.as_ref().map(|who| format!(", {who}")).unwrap_or_default();
    let detail = match (binary, status) {
        (None, _) => "not there yet: the first deployment brings it".to_owned(),
        (Some(binary), None) => format!("{binary}, not running"),
        (Some(binary), Some(status)) => {
            let serves =
                status.live_version().map(|live| format!("serving version {}{who}", &live[..live.len().min(12)]));
            let does: Vec<String> =
                serves.into_iter().chain(ending(status)).chain(left_staged(remote, status)).collect();
            if does.is_empty() {
                format!("{binary}, running without a version")
            } else {
                format!("{binary}, {}", does.join("; "))
            }
        }
    };
    passed("server", detail)
}

/// A version that somebody staged, and nobody is at work any more.
fn left_staged(remote: &dyn Remote, status: &ServeStatus) -> Option<String> {
    let staged = &status.staged.as_ref()?.version;
    let at_work = remote.read_link(layout::LOCK).is_ok_and(|lock| lock.is_some());
    let staged = &staged[..staged.len().min(12)];
    (!at_work).then(|| format!("version {staged} is staged and was left by a deployment: the next one ends it"))
}

fn port(remote: &dyn Remote, port: u16, status: &Result<Option<ServeStatus>>, lost: Option<&Lost>) -> CheckItem {
    let ours = status.as_ref().ok().and_then(Option::as_ref).and_then(ServeStatus::port);
    match (ours, remote.port_in_use(port)) {
        (Some(ours), _) if ours == port => passed("port", format!("{port}, used by this target's server")),
        (Some(_), _) => match refuse_other_port("this target", status.as_ref().ok().and_then(Option::as_ref), port) {
            Err(error) => failed("port", &error),
            Ok(()) => passed("port", format!("{port}, used by this target's server")),
        },
        (_, Ok(false)) => passed("port", format!("{port} is free")),
        (_, Ok(true)) => match (lost, status.is_err().then(|| Lost::of(remote))) {
            (Some(lost), _) => CheckItem {
                // Of one that is nobody's more is said where it is told whose it is.
                hint: lost.by.is_some().then(|| "The next deployment replaces it".to_owned()),
                ..passed("port", format!("{port}, used by this target's server, {} (process {})", lost.how, lost.pid))
            },
            // One that has its socket has to be woken or ended by whoever made it silent.
            (None, Some(Ok(Some(silent)))) => {
                passed("port", format!("{port}, used by this target's server, {} (process {})", silent.how, silent.pid))
            }
            _ => CheckItem {
                name: "port".to_owned(),
                ok: false,
                detail: match orphan::port_holder(remote, port) {
                    Some(holder) => format!("{port} is used by process {holder}"),
                    None => format!("{port} is used by another program"),
                },
                hint: Some("End that program, or choose another port for this target".to_owned()),
            },
        },
        (_, Err(error)) => failed("port", &error),
    }
}
