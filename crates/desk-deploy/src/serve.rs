//! The far side's `modeldesk-serve`, driven by its commands.

use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{DeployError, Result};
use crate::layout;
use crate::orphan;
use crate::remote::{Connector, Exec, Output, Remote, tail};

/// How long a version may take to load before staging counts as failed.
const STAGE_TIMEOUT: Duration = Duration::from_mins(5);

/// How long a supervisor that runs may take to say what it does.
const STATUS_TIMEOUT: Duration = Duration::from_secs(45);

/// How often a supervisor whose process runs is asked before it counts as one that does not answer.
const STATUS_TRIES: u32 = 10;

/// How long a server that is stopping is waited for: its own deadline is 20 s.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// What `ctl status` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServeStatus {
    /// Where the main port is, such as `127.0.0.1:8123`.
    #[serde(default)]
    pub listen: Option<String>,
    /// The version that answers on the main port.
    #[serde(default)]
    pub live: Option<Revision>,
    /// The version that was started beside it.
    #[serde(default)]
    pub staged: Option<Revision>,
    /// Versions that answer what was asked of them before something else became live.
    #[serde(default)]
    pub draining: Vec<Revision>,
    /// It takes no new requests and ends when what it computes has ended.
    #[serde(default)]
    pub stopping: bool,
    /// Why the live version does not answer, or did not for a while.
    #[serde(default)]
    pub problem: Option<Fault>,
}

impl ServeStatus {
    /// The version that answers on the main port.
    pub fn live_version(&self) -> Option<&str> {
        self.live.as_ref().map(|live| live.version.as_str())
    }

    /// The live version answers.
    pub fn is_ready(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.ready)
    }

    /// The port of the main address.
    pub fn port(&self) -> Option<u16> {
        self.listen.as_ref()?.rsplit(':').next()?.parse().ok()
    }
}

/// A running version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Revision {
    /// 64 hexadecimal digits.
    pub version: String,
    /// It answers.
    #[serde(default)]
    pub ready: bool,
    /// The staged version's own address.
    #[serde(default)]
    pub url: Option<String>,
}

/// The settings in `serve.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServeSettings {
    /// Address to listen on; the loopback address.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
    /// The model that this folder serves.
    pub model: String,
    /// File with the token that requests must carry.
    #[serde(default)]
    pub token_file: Option<String>,
}

/// What runs on a target; `None` when nothing does.
///
/// # Errors
///
/// When the target cannot be reached or its server does not answer properly.
pub fn server_status(connector: &dyn Connector) -> Result<Option<ServeStatus>, Fault> {
    let remote = connector.connect()?;
    Ok(Server(remote.as_ref()).status()?)
}

/// True when a server of this target runs, even one that cannot be asked because its folder was
/// removed.
///
/// # Errors
///
/// When the target cannot be reached or its server does not answer properly.
pub fn is_serving(connector: &dyn Connector) -> Result<bool, Fault> {
    let remote = connector.connect()?;
    let server = Server(remote.as_ref());
    Ok(server.status()?.is_some() || server.orphan()?.is_some())
}

/// Drains and ends a target's server, and removes its service where it is one. Versions stay.
///
/// # Errors
///
/// When the target cannot be reached or its server does not answer properly.
pub fn stop_server(connector: &dyn Connector) -> Result<(), Fault> {
    let remote = connector.connect()?;
    Ok(Server(remote.as_ref()).stop(&Cancel::new())?)
}

impl ServeSettings {
    /// `serve.json` with model and port set. Everything else that somebody wrote into it stays.
    pub(crate) fn apply(former: Option<&str>, model: &str, port: u16) -> String {
        let former = former.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
        let mut settings = former.unwrap_or_default();
        settings.entry("host").or_insert_with(|| "127.0.0.1".into());
        settings.insert("port".into(), port.into());
        settings.insert("model".into(), model.into());
        settings.entry("token_file").or_insert(Value::Null);
        format!("{:#}\n", Value::Object(settings))
    }
}

#[derive(Deserialize)]
struct Staged {
    url: String,
}

#[derive(Deserialize)]
struct Failure {
    error: Fault,
}

/// A server runs that cannot be asked, and the program that would replace it was removed.
pub(crate) fn no_program(remote: &dyn Remote) -> DeployError {
    DeployError::FarState {
        problem: format!("the server program is not on {} any more; what runs there goes on", remote.address()),
        hint: "Deploy a version: that brings the program, and replaces the server that still runs".to_owned(),
    }
}

/// Runs the commands of one target's server.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a>(pub &'a dyn Remote);

impl Server<'_> {
    fn command(&self, words: &[&str]) -> Exec {
        let binary = self.0.absolute(layout::BINARY);
        let args = [binary.as_str()].into_iter().chain(words.iter().copied()).chain(["--root", self.0.root()]);
        Exec::new(args)
    }

    /// Runs a command and reads the one JSON object that it prints.
    fn json<T: serde::de::DeserializeOwned>(&self, exec: &Exec) -> Result<T> {
        let output = self.0.exec(exec)?;
        if output.status != 0 {
            return Err(self.failure(exec, &output));
        }
        serde_json::from_slice(&output.stdout).map_err(|e| DeployError::Command {
            address: self.0.address(),
            command: exec.display(),
            status: 0,
            stderr: match output.stdout.trim_ascii() {
                b"" => "it ended without an answer".to_owned(),
                said => format!("its answer cannot be read ({e}): {}", tail(said)),
            },
        })
    }

    fn failure(&self, exec: &Exec, output: &Output) -> DeployError {
        let address = self.0.address();
        if let Ok(Failure { error }) = serde_json::from_slice::<Failure>(&output.stdout) {
            return DeployError::Server { address, fault: error };
        }
        let mut stderr = tail(&output.stderr);
        if stderr.is_empty() {
            stderr = tail(&output.stdout);
        }
        DeployError::Command { address, command: exec.display(), status: output.status, stderr }
    }

    /// What runs; `None` when no supervisor does.
    pub fn status(&self) -> Result<Option<ServeStatus>> {
        if self.0.stat(layout::BINARY)?.is_none() {
            return Ok(None);
        }
        let exec = self.command(&["ctl", "status"]).timeout(STATUS_TIMEOUT);
        let mut tries = STATUS_TRIES;
        loop {
            let output = match self.0.exec(&exec) {
                Err(DeployError::Timeout { .. }) if self.is_running()? => return Err(self.silent()?),
                output => output?,
            };
            if output.status == 0 {
                let status = serde_json::from_slice(&output.stdout);
                return status.map(Some).map_err(|_other| self.failure(&exec, &output));
            }
            if !self.is_running()? {
                return Ok(None);
            }
            tries -= 1;
            if tries == 0 {
                // Without its socket it can be asked nothing: it is an orphan like one without its folder.
                if self.0.stat(layout::CONTROL_SOCKET)?.is_none() {
                    return Ok(None);
                }
                return Err(self.failure(&exec, &output));
            }
            // It came up between the question and the look at its process.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// It runs, has its socket, and does nothing: somebody has stopped it, or its computer is far too busy.
    fn silent(&self) -> Result<DeployError> {
        let (address, pid) = (self.0.address(), self.0.read(layout::SUPERVISOR_PID)?.unwrap_or_default());
        let pid = String::from_utf8_lossy(&pid).trim().to_owned();
        Ok(DeployError::FarState {
            problem: format!("the server on {address} runs (process {pid}) and does not answer"),
            hint: format!("Let it go on with kill -CONT {pid}, or end it with kill -KILL {pid}, then try again"),
        })
    }

    /// What runs, once a stop that is under way has ended.
    pub fn settled_status(&self, cancel: &Cancel) -> Result<Option<ServeStatus>> {
        let until = Instant::now() + STOP_PATIENCE;
        loop {
            let status = self.status()?;
            if !status.as_ref().is_some_and(|status| status.stopping) || Instant::now() > until {
                return Ok(status);
            }
            cancel.check()?;
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The process that `run/supervisor.pid` names exists and is the supervisor of this folder.
    pub fn is_running(&self) -> Result<bool> {
        const SCRIPT: &str = r#"pid=$(cat "$1" 2>/dev/null) && kill -0 "$pid" 2>/dev/null || exit 1
if [ -r "/proc/$pid/cmdline" ]; then grep -qaF -- "$2" "/proc/$pid/cmdline"; fi"#;
        let exec = Exec::script(SCRIPT, [&self.0.absolute(layout::SUPERVISOR_PID), self.0.root()]);
        Ok(self.0.exec(&exec)?.status == 0)
    }

    /// A supervisor of this folder that runs and cannot be asked: somebody removed the folder, or a
    /// part of it, under it. Call it when [`Server::status`] is `None`.
    pub fn orphan(&self) -> Result<Option<u32>> {
        orphan::find(self.0)
    }

    /// Starts the supervisor and returns when it answers. Does nothing when it runs already; one that
    /// cannot be asked any more is ended first, as it has the port.
    pub fn start(&self, cancel: &Cancel) -> Result<Started> {
        if self.status()?.is_some() {
            return Ok(Started::WasRunning);
        }
        if let Some(pid) = self.orphan()? {
            if self.0.stat(layout::BINARY)?.is_none() {
                // Better one that nobody can ask than none.
                return Err(no_program(self.0));
            }
            tracing::warn!(pid, "ending the server that cannot be asked: its folder or its socket was removed");
            orphan::end(self.0, pid)?;
        }
        if self.0.wants_service() && self.has_user_services()? {
            self.start_service()?;
            self.wait_until_answering(cancel)?;
            return Ok(Started::Service);
        }
        let exec = self.command(&["supervise", "--daemon"]).changing();
        let output = self.0.exec(&exec)?;
        if output.status != 0 {
            return Err(self.failure(&exec, &output));
        }
        self.wait_until_answering(cancel)?;
        Ok(Started::Daemon)
    }

    fn wait_until_answering(&self, cancel: &Cancel) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        while self.status()?.is_none() {
            cancel.check()?;
            if Instant::now() > until {
                let log = self.0.read(layout::SUPERVISOR_LOG)?.unwrap_or_default();
                return Err(DeployError::FarState {
                    problem: format!("the supervisor did not start on {}: {}", self.0.address(), tail(&log)),
                    hint: format!("Look at {}", self.0.absolute(layout::SUPERVISOR_LOG)),
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Starts `versions/<hex>` beside the live version; its address. A cancel is answered at once: what
    /// is being loaded is given up by [`Server::unstage`].
    pub fn stage(&self, hex: &str, cancel: &Cancel) -> Result<String> {
        let exec = self.command(&["ctl", "stage", "--version", hex]).timeout(STAGE_TIMEOUT).cancel(cancel).changing();
        Ok(self.json::<Staged>(&exec)?.url)
    }

    /// Lets the staged version take over the main port.
    pub fn switch(&self, hex: &str) -> Result<()> {
        let exec = self.command(&["ctl", "switch", "--version", hex]).timeout(STAGE_TIMEOUT).changing();
        self.json::<Value>(&exec).map(drop)
    }

    /// Stops the staged version.
    pub fn unstage(&self) -> Result<()> {
        self.json::<Value>(&self.command(&["ctl", "unstage"]).timeout(STAGE_TIMEOUT).changing()).map(drop)
    }

    /// Ends the supervisor, and the service where it is one, also when it cannot be asked any more.
    /// Does nothing when none runs. A cancel ends the wait; a stop that has begun goes on.
    pub fn stop(&self, cancel: &Cancel) -> Result<()> {
        if self.service_is_installed()? {
            self.remove_service(cancel)?;
        }
        if self.status()?.is_none() {
            return match self.orphan()? {
                Some(pid) => orphan::end(self.0, pid),
                None => Ok(()),
            };
        }
        self.json::<Value>(&self.command(&["ctl", "stop"]).timeout(STAGE_TIMEOUT).cancel(cancel).changing())?;
        let until = Instant::now() + STOP_PATIENCE;
        while self.is_running()? && Instant::now() < until {
            cancel.check()?;
            // What runs may be what another desk has started in its place.
            self.0.still_mine()?;
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// How the supervisor came to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    WasRunning,
    Daemon,
    Service,
}

/// systemd for users: a unit per target folder, named by the folder's digest.
impl Server<'_> {
    /// The unit's name.
    pub fn unit(&self) -> String {
        format!("modeldesk-{}.service", desk_core::Digest::of(self.0.root()).short())
    }

    /// True when systemd manages services of this user.
    pub fn has_user_services(&self) -> Result<bool> {
        const SCRIPT: &str =
            "command -v systemctl >/dev/null 2>&1 && systemctl --user show-environment >/dev/null 2>&1";
        Ok(self.0.exec(&Exec::script(SCRIPT, [""; 0]).timeout(Duration::from_secs(10)))?.status == 0)
    }

    /// True when the unit of this target exists.
    pub fn service_is_installed(&self) -> Result<bool> {
        const SCRIPT: &str = r#"test -f "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/$1""#;
        if !self.0.wants_service() {
            return Ok(false);
        }
        Ok(self.0.exec(&Exec::script(SCRIPT, [self.unit()]))?.status == 0)
    }

    fn start_service(&self) -> Result<()> {
        const SCRIPT: &str = r#"set -e
dir="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
mkdir -p "$dir"
cat > "$dir/$1.tmp"
mv "$dir/$1.tmp" "$dir/$1"
systemctl --user daemon-reload
systemctl --user enable --now "$1"
# Without lingering the service would end with the login session; not every user may turn it on.
loginctl enable-linger >/dev/null 2>&1 || true"#;
        let unit = unit_text(&self.0.absolute(layout::BINARY), self.0.root());
        self.0.must(&Exec::script(SCRIPT, [self.unit()]).stdin(unit).changing()).map(drop)
    }

    fn remove_service(&self, cancel: &Cancel) -> Result<()> {
        const SCRIPT: &str = r#"systemctl --user disable --now "$1" >/dev/null 2>&1
rm -f "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/$1"
systemctl --user daemon-reload"#;
        self.0.must(&Exec::script(SCRIPT, [self.unit()]).cancel(cancel).changing()).map(drop)
    }
}

/// The unit file. systemd reads `%` and `\` and quotes specially, so that they are escaped.
fn unit_text(binary: &str, root: &str) -> String {
    let quote = |text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
        format!("\"{escaped}\"")
    };
    format!(
        "[Unit]\nDescription=Modeldesk model server\n\n[Service]\nExecStart={} supervise --root {}\nRestart=on-failure\nRestartSec=2\nKillMode=mixed\n\n[Install]\nWantedBy=default.target\n",
        quote(binary),
        quote(root)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_with_and_without_versions() {
        let none = r#"{"supervisor":{"pid":1,"started_at":"x"},"listen":"127.0.0.1:8123","live":null,"staged":null}"#;
        let status: ServeStatus = serde_json::from_str(none).expect("reads");
        assert_eq!((status.port(), status.live_version()), (Some(8123), None));
        let live = r#"{"listen":"[::1]:9","live":{"version":"ab","pid":7,"ready":true},"staged":null}"#;
        let status: ServeStatus = serde_json::from_str(live).expect("reads");
        assert_eq!((status.port(), status.live_version()), (Some(9), Some("ab")));
    }

    #[test]
    fn settings_of_others_stay() {
        let fresh: ServeSettings = serde_json::from_str(&ServeSettings::apply(None, "churn", 9)).expect("reads");
        assert_eq!((fresh.host.as_str(), fresh.port, fresh.model.as_str()), ("127.0.0.1", 9, "churn"));
        let tuned = r#"{"host":"::1","max_rows":5,"token_file":"t","port":1}"#;
        let text = ServeSettings::apply(Some(tuned), "churn", 9);
        let kept: Value = serde_json::from_str(&text).expect("reads");
        assert_eq!(kept, serde_json::json!({"host":"::1","max_rows":5,"token_file":"t","port":9,"model":"churn"}));
    }

    #[test]
    fn a_unit_quotes_what_systemd_would_interpret() {
        let unit = unit_text("/srv/a b/bin/x", "/srv/100%/\"q\"$HOME");
        assert!(unit.contains(r#"ExecStart="/srv/a b/bin/x" supervise --root "/srv/100%%/\"q\"$$HOME""#), "{unit}");
    }
}
