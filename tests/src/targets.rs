//! Targets that scenarios deploy to: on this computer, behind a real SSH server, and shared by two desks.

use std::path::{Path, PathBuf};
use std::process::Command;

use desk_deploy::testing::{TestSshd, free_port};
use serde_json::Value;

use crate::{Cli, Ended, StopServer};

/// A target's folder; its server ends with it.
pub struct Far {
    folder: PathBuf,
    port: u16,
    _stop: StopServer,
}

impl Far {
    /// A folder that may come to be, and a port that is free.
    pub fn new(folder: PathBuf) -> Self {
        Self { port: free_port(), _stop: StopServer(folder.clone()), folder }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The port of its server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What its server says; nothing before one was deployed.
    pub fn ctl(&self, verb: &str) -> Option<Value> {
        let mut command = Command::new(self.folder.join("bin/modeldesk-serve"));
        let output = command.args(["ctl", verb, "--root"]).arg(&self.folder).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// A setting of the server, written before anything is deployed.
    pub fn set(&self, name: &str, value: u64) {
        std::fs::create_dir_all(&self.folder).expect("a folder");
        let text = serde_json::json!({ name: value }).to_string();
        std::fs::write(self.folder.join("serve.json"), text).expect("written");
    }
}

impl Cli {
    /// Adds a target on this computer with a folder of its own.
    pub fn add_local(&self, name: &str) -> Far {
        let far = Far::new(self.folder().join(name));
        self.add_local_at(name, &far);
        far
    }

    /// Adds a target on this computer in a folder that another desk may have as well.
    pub fn add_local_at(&self, name: &str, far: &Far) {
        let (folder, port) = (format!("folder={}", far.folder.display()), format!("port={}", far.port));
        self.run(&["target", "add", name, "--kind", "local", "--set", &folder, "--set", &port]).good();
    }

    /// Adds a target behind an SSH server, logging in with a credential; `port` is where the server answers.
    pub fn add_ssh(&self, name: &str, sshd: &TestSshd, port: u16, credential: &str) -> Far {
        let far = Far::new(self.folder().join(format!("far-{name}")));
        let set = [
            "host=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("user={}", sshd.user()),
            format!("folder={}", far.folder.display()),
            format!("serve-port={}", far.port),
        ];
        let mut add = vec!["target", "add", name, "--kind", "ssh", "--credential", credential];
        add.extend(set.iter().flat_map(|setting| ["--set", setting.as_str()]));
        self.run(&add).good();
        far
    }
}

/// The host key that a target offers when it is checked for the first time.
#[track_caller]
pub fn offered_key(check: &Ended) -> String {
    check.bad(5)["offered_key"].as_str().expect("a key is offered").to_owned()
}

/// What a process is told.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// As Ctrl-C does.
    Interrupt,
    /// Do nothing until the next one.
    Stop,
    /// Go on.
    Continue,
}

/// Tells a process something.
pub fn send(process: u32, signal: Signal) {
    let name = match signal {
        Signal::Interrupt => "-INT",
        Signal::Stop => "-STOP",
        Signal::Continue => "-CONT",
    };
    let status = Command::new("kill").args([name, &process.to_string()]).status().expect("kill");
    assert!(status.success(), "{signal:?} to {process}");
}
