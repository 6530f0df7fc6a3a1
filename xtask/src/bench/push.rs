//! One gigabyte to a real sshd on loopback, beside OpenSSH's `sftp`.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::measure::{cost, median};
use super::sshd::Sshd;
use super::{Context, Row, text};
use crate::shell;

/// The part of the deployment's answer that is looked at.
#[derive(Deserialize)]
struct Deployment {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    seconds: f64,
}

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let megabytes: u32 = if context.quick { 64 } else { 1024 };
    let folder = context.path("push-model");
    shell::run(context.script("bench_large_model.py")?.arg(megabytes.to_string()).arg(&folder))?;
    let server = Sshd::start(&context.path("sshd"))?;
    let _: serde_json::Value = context.ask("push", &["import", text(&folder)?, "--name", "large"])?;
    add_target(context, &server)?;
    let deployment: Deployment = context.ask("push", &["deploy", "large@1", "--to", "far"])?;
    let ours: f64 = deployment.steps.iter().filter(|s| s.name.contains("push")).map(|s| s.seconds).sum();
    if ours == 0.0 {
        let names: Vec<&str> = deployment.steps.iter().map(|s| s.name.as_str()).collect();
        bail!("no step of the deployment is a push: {}", names.join(", "));
    }
    let copy = context.path("sftp-copy.bin");
    let batch = context.path("batch");
    fs::write(&batch, format!("put {} {}\n", folder.join("weights.bin").display(), copy.display()))?;
    let peer = median(3, || {
        if copy.exists() {
            fs::remove_file(&copy)?;
        }
        cost(&mut server.sftp(&batch), &context.scratch)
    })?;
    let rate = |seconds: f64| f64::from(megabytes) * 1.048_576 / seconds;
    Ok(vec![Row {
        what: format!("{megabytes} MiB with digest check (peer: sftp put)"),
        ours: rate(ours),
        peer: Some(rate(peer.seconds)),
        unit: "MB/s",
        less_is_better: false,
        aim: "0.9 or better",
    }])
}

/// A credential (the key arrives on standard input), the target, and trust in its host key.
fn add_target(context: &Context, server: &Sshd) -> Result<()> {
    let mut set = context.modeldesk("push");
    set.args(["credential", "set", "bench-key", "--kind", "ssh-key", "--plain-memory"]);
    let mut child = set.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    child.stdin.take().context("no standard input")?.write_all(&fs::read(&server.key)?)?;
    if !child.wait()?.success() {
        bail!("{} failed", shell::shown(&set));
    }
    let port = format!("port={}", server.port);
    let user = format!("user={}", server.user);
    let folder = format!("folder={}", context.path("far-side").display());
    let args = ["target", "add", "far", "--kind", "ssh", "--set", "host=127.0.0.1", "--set", &port, "--set", &user];
    let more = ["--set", &folder, "--set", "serve-port=0", "--credential", "bench-key"];
    let _: serde_json::Value = context.ask("push", &[&args[..], &more[..]].concat())?;
    let _: serde_json::Value = context.ask("push", &["target", "trust", "far", &server.fingerprint()?])?;
    Ok(())
}
