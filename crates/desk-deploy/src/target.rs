//! Where versions are deployed to: settings without secrets.

use serde::{Deserialize, Serialize};

use crate::error::DeployError;

/// The port that `modeldesk-serve` listens on unless the target says otherwise.
pub const DEFAULT_SERVE_PORT: u16 = 8123;

/// Longest absolute folder: the control socket below it must fit into a socket address (108 bytes).
pub(crate) const MAX_ROOT_LEN: usize = 85;

/// Settings of a target; secrets are handed over separately as a [`crate::Credential`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TargetConfig {
    /// This computer: the same steps, proof and rollback with nothing to set up.
    Local {
        /// Absolute folder for versions, server and logs.
        folder: String,
        /// Port of the model server on the loopback address.
        port: u16,
    },
    /// A machine that is reached by SSH.
    Ssh {
        /// Name or address.
        host: String,
        /// Port of the SSH server.
        #[serde(default = "default_ssh_port")]
        port: u16,
        /// Login name.
        user: String,
        /// Folder for versions, server and logs: absolute, or relative to the user's home.
        #[serde(default = "default_folder")]
        folder: String,
        /// Port of the model server on the far side's loopback address.
        #[serde(default = "default_serve_port")]
        serve_port: u16,
        /// Seconds to wait for connection and login.
        #[serde(default = "default_connect_timeout")]
        connect_timeout_secs: u64,
        /// Seconds without a byte of progress after which a transfer counts as stalled.
        #[serde(default = "default_stall_timeout")]
        stall_timeout_secs: u64,
    },
}

fn default_ssh_port() -> u16 {
    22
}

fn default_serve_port() -> u16 {
    DEFAULT_SERVE_PORT
}

fn default_folder() -> String {
    "modeldesk".to_owned()
}

fn default_connect_timeout() -> u64 {
    15
}

fn default_stall_timeout() -> u64 {
    30
}

impl TargetConfig {
    /// An SSH target with everything else at its default.
    pub fn ssh(host: impl Into<String>, user: impl Into<String>) -> Self {
        Self::Ssh {
            host: host.into(),
            port: default_ssh_port(),
            user: user.into(),
            folder: default_folder(),
            serve_port: DEFAULT_SERVE_PORT,
            connect_timeout_secs: default_connect_timeout(),
            stall_timeout_secs: default_stall_timeout(),
        }
    }

    /// Builds a target from `key=value` settings, as the command line takes them.
    ///
    /// Keys of `local`: `folder` (default: `default_local_folder`), `port` or `serve-port`. Keys of `ssh`: `host`,
    /// `port`, `user`, `folder`, `serve-port`, `connect-timeout`, `stall-timeout`.
    pub fn from_settings(
        kind: &str,
        settings: &[(String, String)],
        default_local_folder: &str,
    ) -> Result<Self, DeployError> {
        let config = match kind {
            "local" => Self::Local { folder: default_local_folder.to_owned(), port: DEFAULT_SERVE_PORT },
            "ssh" => Self::ssh("", ""),
            other => return Err(bad("kind", format!("`{other}` is not known"), "Use local or ssh")),
        };
        config.changed(settings)
    }

    /// The same target with other values for some settings, under the same names.
    pub fn changed(mut self, settings: &[(String, String)]) -> Result<Self, DeployError> {
        for (key, value) in settings {
            self.set(key, value)?;
        }
        self.validate()?;
        Ok(self)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), DeployError> {
        match (self, key) {
            (Self::Local { folder, .. } | Self::Ssh { folder, .. }, "folder") => value.clone_into(folder),
            (Self::Local { port, .. }, "port" | "serve-port") | (Self::Ssh { port, .. }, "port") => {
                *port = port_number("port", value)?;
            }
            (Self::Ssh { host, .. }, "host") => value.clone_into(host),
            (Self::Ssh { user, .. }, "user") => value.clone_into(user),
            (Self::Ssh { serve_port, .. }, "serve-port") => *serve_port = port_number("serve-port", value)?,
            (Self::Ssh { connect_timeout_secs, .. }, "connect-timeout") => {
                *connect_timeout_secs = seconds("connect-timeout", value)?;
            }
            (Self::Ssh { stall_timeout_secs, .. }, "stall-timeout") => {
                *stall_timeout_secs = seconds("stall-timeout", value)?;
            }
            (config, _) => {
                let hint = match config {
                    Self::Local { .. } => "Settings of a local target: folder, serve-port (or port)",
                    Self::Ssh { .. } => {
                        "Settings of an ssh target: host, port, user, folder, serve-port, connect-timeout, stall-timeout"
                    }
                };
                return Err(bad("set", format!("names `{key}`, which this kind of target does not have"), hint));
            }
        }
        Ok(())
    }

    /// The settings as `key`, `value`, for people.
    pub fn settings(&self) -> Vec<(String, String)> {
        let pair = |key: &str, value: &dyn ToString| (key.to_owned(), value.to_string());
        match self {
            Self::Local { folder, port } => vec![pair("folder", folder), pair("port", port)],
            Self::Ssh { host, port, user, folder, serve_port, connect_timeout_secs, stall_timeout_secs } => vec![
                pair("host", host),
                pair("port", port),
                pair("user", user),
                pair("folder", folder),
                pair("serve-port", serve_port),
                pair("connect-timeout", connect_timeout_secs),
                pair("stall-timeout", stall_timeout_secs),
            ],
        }
    }

    /// `local` or `ssh`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::Ssh { .. } => "ssh",
        }
    }

    /// Where, for people: `deploy@edge-01:22` or `this computer`.
    pub fn address(&self) -> String {
        match self {
            Self::Local { .. } => "this computer".to_owned(),
            Self::Ssh { host, port, user, .. } => format!("{user}@{}", host_port(host, *port)),
        }
    }

    /// The machine; none for this computer.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Local { .. } => None,
            Self::Ssh { host, .. } => Some(host),
        }
    }

    /// The folder that everything lives in.
    pub fn folder(&self) -> &str {
        match self {
            Self::Local { folder, .. } | Self::Ssh { folder, .. } => folder,
        }
    }

    /// The model server's port on the far side.
    pub fn serve_port(&self) -> u16 {
        match self {
            Self::Local { port, .. } => *port,
            Self::Ssh { serve_port, .. } => *serve_port,
        }
    }

    /// What this target and another one would both have, so that one would break the other: the folder,
    /// or the port of the model server on one machine.
    pub fn collides_with(&self, other: &Self) -> Option<String> {
        if !self.same_machine(other) {
            return None;
        }
        if self.place() == other.place() {
            return Some(format!("the folder {}", self.folder()));
        }
        (self.serve_port() == other.serve_port()).then(|| format!("the port {}", self.serve_port()))
    }

    /// The folder, written in one way only: relative ones are below the home of the user.
    fn place(&self) -> (Option<&str>, Vec<String>) {
        match self {
            Self::Local { folder, .. } => {
                let real = std::path::Path::new(folder).canonicalize();
                (None, real.map_or_else(|_| parts(folder), |real| parts(&real.to_string_lossy())))
            }
            Self::Ssh { folder, .. } if folder.starts_with('/') => (None, parts(folder)),
            Self::Ssh { user, folder, .. } => (Some(user), parts(folder.strip_prefix("~/").unwrap_or(folder))),
        }
    }

    /// One computer, as far as the settings tell.
    fn same_machine(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local { .. }, Self::Local { .. }) => true,
            (Self::Ssh { host, port, .. }, Self::Ssh { host: other_host, port: other_port, .. }) => {
                host.eq_ignore_ascii_case(other_host) && port == other_port
            }
            _ => false,
        }
    }

    /// A command that makes the far side's model server reachable from here, where it is not already.
    pub fn tunnel_command(&self) -> Option<String> {
        match self {
            Self::Local { .. } => None,
            Self::Ssh { host, port, user, serve_port, .. } => {
                Some(format!("ssh -N -L {serve_port}:127.0.0.1:{serve_port} -p {port} {user}@{host}"))
            }
        }
    }

    /// Checks every setting; the first one that cannot work is named.
    pub fn validate(&self) -> Result<(), DeployError> {
        match self {
            Self::Local { folder, port } => {
                let absolute = folder.starts_with('/') || std::path::Path::new(folder).is_absolute();
                if !absolute {
                    let problem = format!("must be an absolute path, not `{}`", folder.escape_debug());
                    return Err(bad("folder", problem, FOLDER_HINT));
                }
                check_folder(folder)?;
                check_port("port", *port)
            }
            Self::Ssh { host, port, user, folder, serve_port, connect_timeout_secs, stall_timeout_secs } => {
                check_word("host", host, "Give a host name or an address, such as edge-01.example.org")?;
                check_word("user", user, "Give the login name on the target")?;
                check_folder(folder)?;
                check_port("port", *port)?;
                check_port("serve-port", *serve_port)?;
                check_seconds("connect-timeout", *connect_timeout_secs)?;
                check_seconds("stall-timeout", *stall_timeout_secs)
            }
        }
    }
}

const FOLDER_HINT: &str = "Give a folder for Modeldesk alone, such as /srv/modeldesk/churn";

/// The parts of a folder's path that tell it from others.
fn parts(folder: &str) -> Vec<String> {
    let parts = std::path::Path::new(folder).components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.filter(|part| part != ".").collect()
}

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn bad(setting: &'static str, problem: impl Into<String>, hint: &'static str) -> DeployError {
    DeployError::Config { setting, problem: problem.into(), hint }
}

fn port_number(setting: &'static str, value: &str) -> Result<u16, DeployError> {
    let number = value.parse().ok().filter(|port| *port > 0);
    number.ok_or_else(|| {
        let hint = "Give a port such as 8123";
        bad(setting, format!("must be a number from 1 to 65535, not `{}`", value.escape_debug()), hint)
    })
}

fn seconds(setting: &'static str, value: &str) -> Result<u64, DeployError> {
    let number = value.parse().ok().filter(|seconds| SECONDS.contains(seconds));
    number.ok_or_else(|| not_seconds(setting, value))
}

/// What a time limit may be.
const SECONDS: std::ops::RangeInclusive<u64> = 1..=3600;

fn not_seconds(setting: &'static str, value: &str) -> DeployError {
    let problem = format!("must be a number of seconds from 1 to 3600, not `{}`", value.escape_debug());
    bad(setting, problem, "Give seconds, such as 15")
}

fn check_port(setting: &'static str, port: u16) -> Result<(), DeployError> {
    port_number(setting, &port.to_string()).map(drop)
}

fn check_seconds(setting: &'static str, seconds: u64) -> Result<(), DeployError> {
    if SECONDS.contains(&seconds) { Ok(()) } else { Err(not_seconds(setting, &seconds.to_string())) }
}

fn check_word(setting: &'static str, word: &str, hint: &'static str) -> Result<(), DeployError> {
    if word.is_empty() {
        return Err(bad(setting, "is missing", hint));
    }
    if word.starts_with('-') || word.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/' || c == '@') {
        let problem = format!(
            "must not begin with `-` or have spaces, control characters, `/` or `@` in it: `{}`",
            word.escape_debug()
        );
        return Err(bad(setting, problem, hint));
    }
    if word.len() > 255 {
        return Err(bad(setting, "is longer than 255 characters", hint));
    }
    Ok(())
}

fn check_folder(folder: &str) -> Result<(), DeployError> {
    let inner = folder.trim_start_matches("~/").trim_end_matches('/');
    if inner.is_empty() || inner == "~" {
        return Err(bad(
            "folder",
            format!("must name a folder below `/` or the home, not `{}`", folder.escape_debug()),
            FOLDER_HINT,
        ));
    }
    if folder.chars().any(char::is_control) {
        return Err(bad("folder", "contains a control character", FOLDER_HINT));
    }
    if inner.split('/').any(|part| part == "..") {
        return Err(bad("folder", format!("must not contain `..`: `{folder}`"), FOLDER_HINT));
    }
    if folder.starts_with('/') && folder.len() > MAX_ROOT_LEN {
        let problem = format!("is longer than {MAX_ROOT_LEN} characters");
        return Err(bad("folder", problem, "Choose a shorter path: the control socket must fit below it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn refused(kind: &str, pairs: &[(&str, &str)], word: &str) {
        let error = TargetConfig::from_settings(kind, &settings(pairs), "/tmp/x").expect_err("must be refused");
        assert!(error.to_string().contains(word), "{error}");
    }

    #[test]
    fn settings_make_a_target_and_come_back() {
        let pairs = [("host", "edge-01"), ("user", "deploy"), ("folder", "/srv/m"), ("serve-port", "9000")];
        let config = TargetConfig::from_settings("ssh", &settings(&pairs), "").expect("valid");
        assert_eq!(config.address(), "deploy@edge-01:22");
        assert_eq!(config.serve_port(), 9000);
        let again = TargetConfig::from_settings("ssh", &config.settings(), "").expect("valid");
        assert_eq!(config, again);
        let text = serde_json::to_string(&config).expect("serialises");
        assert_eq!(serde_json::from_str::<TargetConfig>(&text).expect("reads back"), config);
    }

    #[test]
    fn what_cannot_work_is_named() {
        refused("ftp", &[], "kind");
        refused("ssh", &[("user", "u")], "host");
        refused("ssh", &[("host", "h")], "user");
        refused("ssh", &[("host", "h"), ("user", "u"), ("port", "0")], "port");
        refused("ssh", &[("host", "h"), ("user", "u"), ("port", "99999")], "port");
        refused("ssh", &[("host", "-oProxyCommand=x"), ("user", "u")], "host");
        refused("ssh", &[("host", "h"), ("user", "u"), ("folder", "~/")], "folder");
        refused("ssh", &[("host", "h"), ("user", "u"), ("folder", "a/../../b")], "folder");
        refused("ssh", &[("host", "h"), ("user", "u"), ("password", "x")], "password");
        refused("local", &[("folder", "relative")], "absolute");
        refused("local", &[("folder", &format!("/{}", "x".repeat(100)))], "longer");
        refused("local", &[("folder", "/")], "folder");
    }

    #[test]
    fn mistakes_name_the_setting_and_what_is_allowed() {
        let ssh = |key: &'static str, value: &'static str| [("host", "h"), ("user", "u"), (key, value)];
        for port in ["65536", "-1", "0", "ssh", "8123 ", "1e3"] {
            refused("ssh", &ssh("port", port), "`port` must be a number from 1 to 65535");
            refused("ssh", &ssh("serve-port", port), "`serve-port` must be a number from 1 to 65535");
            refused("local", &[("port", port)], "`port` must be a number from 1 to 65535");
        }
        refused("ssh", &ssh("connect-timeout", "0"), "`connect-timeout` must be a number of seconds from 1 to 3600");
        refused("ssh", &[("host", "h"), ("user", "a\u{1b}[31m")], "control characters");
        refused("ssh", &[("host", "h"), ("user", "a\u{1b}[31m")], "\\u{1b}");
        refused("ssh", &[("host", "h h"), ("user", "u")], "`host` must not");
        refused("ssh", &ssh("folder", "a\nb"), "control character");
        refused("local", &[("folder", "a/b")], "`folder` must be an absolute path, not `a/b`");
    }

    #[test]
    fn two_targets_cannot_be_one_place() {
        let ssh = |host: &str, user: &str, folder: &str, port: &str| {
            let pairs = [("host", host), ("user", user), ("folder", folder), ("serve-port", port)];
            TargetConfig::from_settings("ssh", &settings(&pairs), "").expect("valid")
        };
        let one = ssh("edge", "a", "modeldesk", "8123");
        for (other, both) in [
            (ssh("EDGE", "a", "~/modeldesk/", "9000"), Some("folder")),
            (ssh("edge", "a", "./modeldesk", "9000"), Some("folder")),
            (ssh("edge", "a", "other", "8123"), Some("port 8123")),
            (ssh("edge", "a", "other", "9000"), None),
            (ssh("edge", "b", "modeldesk", "9000"), None),
            (ssh("edge-2", "a", "modeldesk", "8123"), None),
        ] {
            let found = one.collides_with(&other);
            assert_eq!(found.is_some(), both.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(both.unwrap_or_default()));
        }
    }

    #[test]
    fn an_address_with_colons_gets_brackets() {
        assert_eq!(host_port("::1", 22), "[::1]:22");
    }
}
