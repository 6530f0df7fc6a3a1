//! The model server, here, for one version.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault, FaultKind, VersionRef};

use crate::Desk;
use crate::check::SERVER_START;

/// A running server; ended when dropped.
#[derive(Debug)]
pub struct LocalServer {
    child: Child,
    url: String,
}

impl Desk {
    /// Starts the model server for a version on the loopback address; port 0 takes a free one.
    pub fn serve(&self, version: &VersionRef, port: u16) -> Result<LocalServer, Fault> {
        let loaded = self.load(version)?;
        // The version's folder as the server wants it: files/ beside manifest.json.
        let folder = loaded.folder.parent().unwrap_or(&loaded.folder).to_owned();
        let manifest = self.0.store.read_bytes(&loaded.row.digest)?;
        let write = std::fs::write(folder.join("manifest.json"), manifest);
        write.map_err(|error| environment("cannot write the version's folder", &error))?;
        // What the server calls it in its answers.
        let name = serde_json::json!({ "model": loaded.row.model, "number": loaded.row.number });
        let write = std::fs::write(folder.join("serve-model.json"), name.to_string());
        write.map_err(|error| environment("cannot write the version's folder", &error))?;
        let program = self.0.options.serve_binary()?;
        let mut child = Process::new(&program)
            .args(["model", "--port", &port.to_string(), "--model", loaded.row.model.as_str(), "--dir"])
            .arg(&folder)
            .env_clear()
            .envs(desk_deploy::server_environment())
            .env("MODELDESK_ORT_LIB", &loaded.files.library)
            .env("ORT_DISABLE_TELEMETRY", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| environment("cannot start modeldesk-serve", &error))?;
        let line = first_line(&mut child);
        let mut server = LocalServer { child, url: String::new() };
        let answer: serde_json::Value = serde_json::from_str(line?.trim())
            .map_err(|error| Fault::bug("modeldesk-serve answered something else").detail(error.to_string()))?;
        if let Some(fault) = answer.get("error") {
            return Err(serde_json::from_value(fault.clone())
                .unwrap_or_else(|_| Fault::new(FaultKind::Environment, fault.to_string())));
        }
        answer.get("url").and_then(serde_json::Value::as_str).unwrap_or_default().clone_into(&mut server.url);
        Ok(server)
    }
}

/// Waits for the line in which the server says where it answers.
fn first_line(child: &mut Child) -> Result<String, Fault> {
    let output = child.stdout.take().ok_or_else(|| Fault::bug("the server has no output"))?;
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let reader = std::thread::Builder::new().name("serve output".into()).spawn(move || {
        let mut lines = BufReader::new(output);
        let mut line = String::new();
        let read = lines.read_line(&mut line).map(|_| line);
        // Nobody listens any more when the start took too long.
        drop(sender.send(read));
        // The pipe stays open for the server's life; nothing more is expected on it.
        let mut rest = String::new();
        while lines.read_line(&mut rest).is_ok_and(|n| n > 0) {
            rest.clear();
        }
    });
    reader.map_err(|error| environment("cannot start a thread", &error))?;
    match receiver.recv_timeout(SERVER_START) {
        Ok(Ok(line)) if !line.trim().is_empty() => Ok(line),
        Ok(Ok(_)) => Err(Fault::new(FaultKind::Environment, "modeldesk-serve ended before it was ready")
            .hint("Its messages are above; run modeldesk doctor")),
        Ok(Err(error)) => Err(environment("cannot read from modeldesk-serve", &error)),
        Err(_) => Err(Fault::new(FaultKind::Environment, "modeldesk-serve was not ready after 20 s")),
    }
}

fn environment(what: &str, error: &std::io::Error) -> Fault {
    Fault::new(FaultKind::Environment, what).detail(error.to_string())
}

impl LocalServer {
    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until it is cancelled or ends by itself.
    pub fn wait(&mut self, cancel: &Cancel) -> Result<(), Fault> {
        loop {
            let ended = self.child.try_wait().map_err(|error| environment("cannot watch modeldesk-serve", &error))?;
            match ended {
                Some(status) if status.success() || cancel.is_cancelled() => return Ok(()),
                Some(status) => {
                    return Err(Fault::new(FaultKind::Environment, format!("modeldesk-serve ended: {status}")));
                }
                None if cancel.is_cancelled() => {
                    self.stop();
                    return Ok(());
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Asks it to drain and end, and ends it after five seconds.
    fn stop(&mut self) {
        #[cfg(unix)]
        {
            let asked = Process::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
            let deadline = Instant::now() + Duration::from_secs(5);
            while asked.is_ok() && Instant::now() < deadline {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        // It may have ended in between.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}
