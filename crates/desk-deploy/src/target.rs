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
    /// Keys of `local`: `folder` (default: `default_local_folder`), `port`. Keys of `ssh`: `host`,
    /// `port`, `user`, `folder`, `serve-port`, `connect-timeout`, `stall-timeout`.
    pub fn from_settings(
        kind: &str,
        settings: &[(String, String)],
        default_local_folder: &str,
    ) -> Result<Self, DeployError> {
        let mut config = match kind {
            "local" => Self::Local { folder: default_local_folder.to_owned(), port: DEFAULT_SERVE_PORT },
            "ssh" => Self::ssh("", ""),
            other => return Err(bad("kind", format!("`{other}` is not known"), "Use local or ssh")),
        };
        for (key, value) in settings {
            config.set(key, value)?;
        }
        config.validate()?;
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), DeployError> {
        match (self, key) {
            (Self::Local { folder, .. } | Self::Ssh { folder, .. }, "folder") => value.clone_into(folder),
            (Self::Local { port, .. }, "port" | "serve-port") | (Self::Ssh { port, .. }, "port") => {
                *port = number("port", value)?;
            }
            (Self::Ssh { host, .. }, "host") => value.clone_into(host),
            (Self::Ssh { user, .. }, "user") => value.clone_into(user),
            (Self::Ssh { serve_port, .. }, "serve-port") => *serve_port = number("serve-port", value)?,
            (Self::Ssh { connect_timeout_secs, .. }, "connect-timeout") => {
                *connect_timeout_secs = number("connect-timeout", value)?;
            }
            (Self::Ssh { stall_timeout_secs, .. }, "stall-timeout") => {
                *stall_timeout_secs = number("stall-timeout", value)?;
            }
            (config, _) => {
                let hint = match config {
                    Self::Local { .. } => "Settings of a local target: folder, port",
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

    /// A command that makes the far side's model server reachable from here, where it is not already.
    pub fn tunnel_command(&self) -> Option<String> {
        match self {
            Self::Local { .. } => None,
            Self::Ssh { host, port, user, serve_port, .. } => {
                Some(format!("ssh -N -p {port} -L {serve_port}:127.0.0.1:{serve_port} {user}@{host}"))
            }
        }
    }

    /// Checks every setting; the first one that cannot work is named.
    pub fn validate(&self) -> Result<(), DeployError> {
        match self {
            Self::Local { folder, port } => {
                let absolute = folder.starts_with('/') || std::path::Path::new(folder).is_absolute();
                if !absolute {
                    return Err(bad("folder", format!("must be an absolute path, not `{folder}`"), FOLDER_HINT));
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

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn bad(setting: &'static str, problem: impl Into<String>, hint: &'static str) -> DeployError {
    DeployError::Config { setting, problem: problem.into(), hint }
}

fn number<N: std::str::FromStr>(setting: &'static str, value: &str) -> Result<N, DeployError> {
    value.parse().ok().ok_or_else(|| bad(setting, format!("is not a usable number: `{value}`"), "Give a whole number"))
}

fn check_port(setting: &'static str, port: u16) -> Result<(), DeployError> {
    if port == 0 { Err(bad(setting, "must not be 0", "Give a port from 1 to 65535")) } else { Ok(()) }
}

fn check_seconds(setting: &'static str, seconds: u64) -> Result<(), DeployError> {
    if (1..=3600).contains(&seconds) {
        Ok(())
    } else {
        Err(bad(setting, format!("is {seconds} s"), "Give 1 to 3600 seconds"))
    }
}

fn check_word(setting: &'static str, word: &str, hint: &'static str) -> Result<(), DeployError> {
    if word.is_empty() {
        return Err(bad(setting, "is missing", hint));
    }
    if word.starts_with('-') || word.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/' || c == '@') {
        return Err(bad(setting, format!("cannot be `{}`", word.escape_debug()), hint));
    }
    Ok(())
}

fn check_folder(folder: &str) -> Result<(), DeployError> {
    let inner = folder.trim_start_matches("~/").trim_end_matches('/');
    if inner.is_empty() || inner == "~" {
        return Err(bad("folder", format!("cannot be `{folder}`"), FOLDER_HINT));
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
    fn an_address_with_colons_gets_brackets() {
        assert_eq!(host_port("::1", 22), "[::1]:22");
    }
}
