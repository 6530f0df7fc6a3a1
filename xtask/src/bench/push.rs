//! One gigabyte to a real sshd on loopback, beside OpenSSH's `sftp`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::measure::{cost, median};
use super::sshd::Sshd;
use super::{Context, Row, text};
use crate::{place, shell};

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
    let far = Far::new(context)?;
    far.add_target(&server)?;
    // The server binary and the runtime go first, with a small first version of another signature.
    far.ask(&["import", "assets/samples/tumour/v1.onnx", "--name", "large"])?;
    far.ask(&["deploy", "large@1", "--to", "far"])?;
    far.ask(&["import", text(&folder)?, "--name", "large"])?;
    let deployment: Deployment =
        serde_json::from_str(&far.ask(&["deploy", "large@2", "--to", "far", "--allow-signature-change"])?)?;
    let upload = deployment.steps.iter().find(|step| step.name.eq_ignore_ascii_case("upload"));
    let names: Vec<&str> = deployment.steps.iter().map(|step| step.name.as_str()).collect();
    let ours = upload.with_context(|| format!("no step is an upload: {}", names.join(", ")))?.seconds;
    far.stop()?;
    let copy = context.path("sftp-copy.bin");
    let batch = context.path("batch");
    fs::write(&batch, format!("put {} {}\n", folder.join("weights.bin").display(), copy.display()))?;
    let peer = median(3, || {
        if copy.exists() {
            fs::remove_file(&copy)?;
        }
        cost(&mut server.sftp(&batch), &context.scratch)
    })?;
    let checked = median(3, || cost(Command::new("sha256sum").arg(&copy), &context.scratch))?;
    let rate = |seconds: f64| f64::from(megabytes) * 1.048_576 / seconds;
    let row = |what: &str, peer: f64, aim| Row {
        what: format!("{megabytes} MiB, on the disk, digest compared (peer: {what})"),
        ours: rate(ours),
        peer: Some(rate(peer)),
        unit: "MB/s",
        less_is_better: false,
        aim,
    };
    Ok(vec![
        row("sftp put, neither", peer.seconds, "0.9 or better"),
        row("sftp put, then sha256sum there", peer.seconds + checked.seconds, ""),
    ])
}

/// A desk whose secrets are in an encrypted file, and a folder that plays the far side.
struct Far<'a> {
    context: &'a Context,
    passphrase: PathBuf,
    folder: PathBuf,
}

impl<'a> Far<'a> {
    fn new(context: &'a Context) -> Result<Self> {
        let passphrase = context.path("passphrase");
        fs::write(&passphrase, "a passphrase for benchmarks\n")?;
        let mut create = context.modeldesk("push");
        create.args(["credential", "create-vault", "--stdin"]).stdin(File::open(&passphrase)?).stdout(Stdio::null());
        shell::run(&mut create)?;
        Ok(Self { context, passphrase, folder: context.path("far-side") })
    }

    /// `modeldesk` with the passphrase on descriptor 3, and its answer.
    fn ask(&self, args: &[&str]) -> Result<String> {
        let modeldesk = self.context.modeldesk("push");
        let mut shell_line = Command::new("sh");
        shell_line.args(["-c", r#"file=$1; shift; exec "$@" 3<"$file""#, "sh"]).arg(&self.passphrase);
        shell_line.arg(modeldesk.get_program()).args(modeldesk.get_args()).args(args).current_dir(place::root());
        let environment = modeldesk.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell_line.envs(environment).env("MODELDESK_PASSPHRASE_FD", "3");
        shell::output(&mut shell_line)
    }

    /// A credential, the target, and trust in its host key.
    fn add_target(&self, server: &Sshd) -> Result<()> {
        self.ask(&["credential", "set", "bench-key", "--kind", "ssh-key", "--key-file", text(&server.key)?])?;
        let port = format!("port={}", server.port);
        let user = format!("user={}", server.user);
        let folder = format!("folder={}", text(&self.folder)?);
        let serve_port = format!("serve-port={}", shell::free_port()?);
        let args = ["target", "add", "far", "--kind", "ssh", "--set", "host=127.0.0.1", "--set", &port];
        let more = ["--set", &user, "--set", &folder, "--set", &serve_port, "--credential", "bench-key"];
        self.ask(&[&args[..], &more[..]].concat())?;
        self.ask(&["target", "trust", "far", &server.fingerprint()?])?;
        Ok(())
    }

    fn stop(&self) -> Result<()> {
        let mut stop = Command::new(place::program("modeldesk-serve", "release"));
        shell::output(stop.args(["ctl", "stop", "--root"]).arg(&self.folder))?;
        Ok(())
    }
}
