//! What works on a target, looked at without changing it.

use std::path::Path;

use desk_core::{Diagnose, Fault};
use serde::{Deserialize, Serialize};

use crate::connect::TargetConnector;
use crate::error::DeployError;
use crate::layout;
use crate::orphan;
use crate::package::binary_platform;
use crate::remote::{Connector as _, Exec, Remote};
use crate::rollout::check_platform;
use crate::serve::Server;
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
    /// Digest of the version that its server answers with, in hexadecimal digits; none where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<String>,
    /// Why it is not reachable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
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
            let fault = Some(Fault::from(error));
            return CheckReport {
                reachable: false,
                checks: vec![item],
                capabilities: Vec::new(),
                serving: None,
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
    checks.push(server(remote));
    checks.push(port(remote, connector.serve_port()));
    let mut capabilities = vec!["deploy".to_owned(), "rollback".to_owned()];
    if services {
        capabilities.push("service".to_owned());
    }
    let serving = Server(remote).status().ok().flatten().and_then(|status| status.live_version().map(str::to_owned));
    CheckReport { reachable: true, checks, capabilities, serving, fault: None }
}

fn passed(name: &str, detail: impl Into<String>) -> CheckItem {
    CheckItem { name: name.to_owned(), ok: true, detail: detail.into(), hint: None }
}

fn failed(name: &str, error: &DeployError) -> CheckItem {
    CheckItem { name: name.to_owned(), ok: false, detail: error.to_string(), hint: error.hints().into_iter().next() }
}

fn folder(remote: &dyn Remote) -> CheckItem {
    const SCRIPT: &str =
        r#"d=$1; while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done; [ -d "$d" ] && [ -w "$d" ] && [ -x "$d" ]"#;
    let root = remote.root();
    match remote.exec(&Exec::script(SCRIPT, [root])) {
        Ok(output) if output.status == 0 && root.len() <= MAX_ROOT_LEN => passed("folder", root),
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

fn server(remote: &dyn Remote) -> CheckItem {
    let status = match Server(remote).status() {
        Ok(status) => status,
        Err(error) => return failed("server", &error),
    };
    let binary = match remote.read_link(layout::BINARY) {
        Ok(binary) => binary,
        Err(error) => return failed("server", &error),
    };
    let detail = match (binary, status) {
        (None, _) => "not there yet: the first deployment brings it".to_owned(),
        (Some(binary), None) => format!("{binary}, not running"),
        (Some(binary), Some(status)) => match status.live_version() {
            Some(live) => format!("{binary}, serving version {}", &live[..live.len().min(12)]),
            None => format!("{binary}, running without a version"),
        },
    };
    passed("server", detail)
}

fn port(remote: &dyn Remote, port: u16) -> CheckItem {
    let server = Server(remote);
    let ours = server.status().ok().flatten().and_then(|status| status.port());
    match (ours, remote.port_in_use(port)) {
        (Some(ours), _) if ours == port => passed("port", format!("{port}, used by this target's server")),
        (_, Ok(false)) => passed("port", format!("{port} is free")),
        (_, Ok(true)) => match server.orphan() {
            Ok(Some(pid)) => CheckItem {
                hint: Some("The next deployment replaces it".to_owned()),
                ..passed(
                    "port",
                    format!("{port}, used by this target's server, whose folder was removed (process {pid})"),
                )
            },
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
