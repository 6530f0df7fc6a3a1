//! `serve.json`: where to listen, as what, and within which limits.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ServeError;

/// Port when none is configured.
pub const DEFAULT_PORT: u16 = 8123;

/// The configuration; every member may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServeConfig {
    /// Address or name to listen on; anything but loopback needs a token.
    pub host: String,
    /// Port; 0 for any free one.
    pub port: u16,
    /// The model's name in URLs.
    pub model: String,
    /// File with the bearer token, relative to the folder of `serve.json`.
    pub token_file: Option<PathBuf>,
    /// `auto`, `cpu`, `cuda` and so on.
    pub device: String,
    /// Sessions that run at the same time; by default from the cores and the size of the model.
    pub sessions: Option<usize>,
    /// Threads within one run; by default the cores divided by the sessions.
    pub threads: Option<usize>,
    /// Limits.
    #[serde(flatten)]
    pub limits: Limits,
}

/// Limits of requests, connections and times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Largest request body in bytes.
    pub max_body_bytes: usize,
    /// Request bodies in memory at the same time, in bytes.
    pub max_total_body_bytes: usize,
    /// Largest outermost dimension of an input.
    pub max_rows: usize,
    /// Inference requests at the same time, waiting ones included; more are answered 503.
    pub max_concurrent: usize,
    /// Open connections; more wait, and clients that keep a place without using it lose it to them.
    pub max_connections: usize,
    /// A request's header must arrive within this time.
    pub header_timeout_ms: u64,
    /// A request's body may pause this long; it must also arrive at 64 KiB/s or more on average.
    pub body_timeout_ms: u64,
    /// A client that reads nothing of its answer for this long is dropped.
    pub write_timeout_ms: u64,
    /// A connection without requests is closed after this time.
    pub idle_timeout_ms: u64,
    /// A request that takes longer than this to be computed is stopped and answered 504.
    pub request_timeout_ms: u64,
    /// When draining: idle connections are kept this long for a last request.
    pub drain_grace_ms: u64,
    /// When ending: what is still computed after this time is stopped and answered 503.
    pub drain_deadline_ms: u64,
    /// A version must be ready within this time.
    pub start_timeout_s: u64,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: DEFAULT_PORT,
            model: "model".to_owned(),
            token_file: None,
            device: "auto".to_owned(),
            sessions: None,
            threads: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 * 1024 * 1024,
            max_total_body_bytes: 512 * 1024 * 1024,
            max_rows: 1_000_000,
            max_concurrent: 64,
            max_connections: 512,
            header_timeout_ms: 5_000,
            body_timeout_ms: 10_000,
            write_timeout_ms: 30_000,
            idle_timeout_ms: 120_000,
            request_timeout_ms: 60_000,
            drain_grace_ms: 5_000,
            drain_deadline_ms: 20_000,
            start_timeout_s: 300,
        }
    }
}

impl Limits {
    /// How long a request's header may take.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// How long a request's body may pause.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// How long a client may read nothing.
    pub fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }

    /// How long a connection may be idle.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// How long a request may be computed.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// How long a server that is to end goes on with what it has.
    pub fn drain_deadline(&self) -> Duration {
        Duration::from_millis(self.drain_deadline_ms)
    }

    /// How long a version that was switched away from goes on with what it has. Nobody waits for it, so
    /// that each of its requests may take the time that requests have.
    pub fn switch_deadline(&self) -> Duration {
        self.drain_deadline().max(self.request_timeout() + Duration::from_secs(5))
    }
}

impl ServeConfig {
    /// Reads a file; a missing one means the defaults.
    pub fn read(path: &Path) -> Result<Self, ServeError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(ServeError::io("read the configuration", path)(error)),
        };
        let bad = |reason: String| ServeError::Config { path: path.to_owned(), reason };
        let mut config: Self = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if let (Some(token_file), Some(folder)) = (&config.token_file, path.parent()) {
            config.token_file = Some(folder.join(token_file));
        }
        config.check().map_err(bad)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        self.model.parse::<desk_core::ModelName>().map_err(|error| error.to_string())?;
        self.device.parse::<desk_runtime::Device>().map_err(|error| error.to_string())?;
        let limits = &self.limits;
        let numbers = [
            limits.max_body_bytes,
            limits.max_total_body_bytes,
            limits.max_rows,
            limits.max_concurrent,
            limits.max_connections,
            self.sessions.unwrap_or(1),
            self.threads.unwrap_or(1),
            usize::try_from(limits.request_timeout_ms).unwrap_or(usize::MAX),
        ];
        if numbers.contains(&0) {
            return Err("a limit of 0 would answer nothing".to_owned());
        }
        if limits.max_total_body_bytes < limits.max_body_bytes {
            return Err("max_total_body_bytes is smaller than max_body_bytes".to_owned());
        }
        Ok(())
    }

    /// The address to listen on, after checking that its reach allows the missing token.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        let address = format!("{}:{}", self.host, self.port);
        let listen = |cause| ServeError::Listen { address: address.clone(), cause };
        let mut found = match self.host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, self.port)].into_iter(),
            Err(_) => (self.host.as_str(), self.port).to_socket_addrs().map_err(listen)?,
        };
        let found = found.next().ok_or_else(|| listen(std::io::Error::other("the name has no address")))?;
        if self.token_file.is_none() && !found.ip().is_loopback() {
            return Err(ServeError::HostNeedsToken { host: self.host.clone() });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ServeConfig, ServeError> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("serve.json");
        fs::write(&path, text).expect("written");
        ServeConfig::read(&path)
    }

    #[test]
    fn the_documented_file_and_the_missing_one() {
        let config = read(r#"{"host":"127.0.0.1","port":8123,"model":"churn","token_file":null}"#).expect("valid");
        assert_eq!(config, ServeConfig { model: "churn".into(), ..ServeConfig::default() });
        assert_eq!(ServeConfig::read(Path::new("/nowhere/serve.json")).expect("defaults"), ServeConfig::default());
        let config = read(r#"{"token_file":"token","max_rows":7}"#).expect("valid");
        assert_eq!(config.limits.max_rows, 7);
        assert!(config.token_file.expect("named").is_absolute());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("{", "EOF"),
            (r#"{"port":70000}"#, "70000"),
            (r#"{"max_rows":0}"#, "0"),
            (r#"{"model":"../x"}"#, "../x"),
            (r#"{"device":"tpu"}"#, "tpu"),
        ] {
            let error = read(text).expect_err("refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn only_loopback_goes_without_a_token() {
        let at = |host: &str, token: bool| {
            let token_file = token.then(|| PathBuf::from("t"));
            ServeConfig { host: host.into(), token_file, ..ServeConfig::default() }.address()
        };
        assert!(at("127.0.0.1", false).is_ok());
        assert!(at("::1", false).is_ok());
        assert!(at("localhost", false).is_ok());
        for host in ["0.0.0.0", "::", "192.0.2.1"] {
            assert!(matches!(at(host, false), Err(ServeError::HostNeedsToken { .. })), "{host}");
            assert!(at(host, true).is_ok(), "{host}");
        }
    }
}
