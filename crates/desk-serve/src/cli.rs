//! The command line of `modeldesk-serve`. Each command prints one JSON object.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use desk_core::Fault;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::ServeConfig;
use crate::error::ServeError;
use crate::http::LAST_WORDS;
use crate::server::{Server, bind, runtime};
use crate::supervisor::{self, Command as Control};
use crate::{child, ctl};

/// Serves a model over the Open Inference Protocol, version 2 (REST).
#[derive(Debug, Parser)]
#[command(name = "modeldesk-serve", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Own the port of a folder and run its live version.
    Supervise {
        /// The target's folder.
        #[arg(long)]
        root: PathBuf,
        /// Return when it runs, and leave it running.
        #[arg(long)]
        daemon: bool,
        /// As the detached process of --daemon.
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Control a running supervisor.
    #[command(subcommand)]
    Ctl(Ctl),
    /// Serve one version without a supervisor, until SIGTERM or Ctrl-C.
    ///
    /// Example: modeldesk-serve model --dir versions/3f… --port 8123 --model churn
    Model(ModelArguments),
    /// One revision; started by the supervisor.
    #[command(hide = true)]
    Revision {
        #[arg(long)]
        root: PathBuf,
        #[arg(long)]
        dir: PathBuf,
        /// The files were verified before.
        #[arg(long)]
        verified: bool,
    },
}

#[derive(Debug, clap::Args)]
struct ModelArguments {
    /// The version's folder, with manifest.json and files/.
    #[arg(long)]
    dir: PathBuf,
    /// Port; 0 for any free one.
    #[arg(long)]
    port: u16,
    /// Address to listen on; anything but loopback needs a token.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The model's name in URLs.
    #[arg(long, default_value = "model")]
    model: String,
    /// File with the bearer token that requests must carry.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// A request that takes longer to be computed is stopped and answered 504; by default after 60 s.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    request_timeout: Option<u64>,
    /// Further settings, as in the serve.json of a target.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Ctl {
    /// What is live and what is staged.
    Status {
        /// The target's folder.
        #[arg(long)]
        root: PathBuf,
    },
    /// Start a version beside the live one.
    Stage {
        /// The target's folder.
        #[arg(long)]
        root: PathBuf,
        /// 64 hexadecimal digits.
        #[arg(long)]
        version: String,
    },
    /// Make the staged version the live one.
    Switch {
        /// The target's folder.
        #[arg(long)]
        root: PathBuf,
        /// 64 hexadecimal digits.
        #[arg(long)]
        version: String,
    },
    /// End the staged version.
    Unstage {
        /// The target's folder.
        #[arg(long)]
        root: PathBuf,
    },
    /// Drain everything and end the supervisor.
    Stop {
        /// The target's folder.
        #[arg(long)]
        root: PathBuf,
    },
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Supervise { root, daemon: true, .. } => supervisor::supervise_as_daemon(&root).map(Some),
        Command::Supervise { root, detached, .. } => {
            supervisor::supervise(&root, detached, supervisor::print).map(|()| None)
        }
        Command::Ctl(command) => control(command).map(Some),
        Command::Model(arguments) => model(&arguments).map(|()| None),
        Command::Revision { root, dir, verified } => {
            log_to(std::io::stderr);
            child::run(&root, &dir, !verified).map(|()| None)
        }
    };
    let answer = match outcome {
        Ok(None) => return ExitCode::SUCCESS,
        Ok(Some(answer)) => answer,
        Err(error) => json!({"error": Fault::from(error)}),
    };
    supervisor::print(&answer);
    exit_code(&answer)
}

/// 0, or that of the error that the answer holds.
fn exit_code(answer: &Value) -> ExitCode {
    let Some(error) = answer.get("error") else { return ExitCode::SUCCESS };
    let fault: Option<Fault> = serde_json::from_value(error.clone()).ok();
    ExitCode::from(fault.map_or(1, |fault| fault.kind.exit_code()))
}

fn control(command: Ctl) -> Result<Value, ServeError> {
    match command {
        Ctl::Status { root } => ctl::send(&root, &Control::Status),
        Ctl::Stage { root, version } => ctl::send(&root, &Control::Stage { version }),
        Ctl::Switch { root, version } => ctl::send(&root, &Control::Switch { version }),
        Ctl::Unstage { root } => ctl::send(&root, &Control::Unstage),
        Ctl::Stop { root } => stop(&root),
    }
}

/// Stops the supervisor of a folder; Ctrl-C ends the wait, not the stop.
fn stop(root: &Path) -> Result<Value, ServeError> {
    let io = ServeError::io("wait for the end of the supervisor", root);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
    let to = root.to_owned();
    let stopped = runtime.block_on(async {
        let sent = tokio::task::spawn_blocking(move || ctl::send(&to, &Control::Stop));
        tokio::select! {
            sent = sent => sent.unwrap_or_else(|error| Err(ServeError::Control(error.to_string()))),
            _ = tokio::signal::ctrl_c() => {
                let limits = ServeConfig::read(&root.join("serve.json"))?.limits;
                Err(ServeError::StopGoesOn { seconds: (limits.drain_deadline() + LAST_WORDS).as_secs() })
            }
        }
    });
    runtime.shutdown_background();
    stopped
}

fn model(arguments: &ModelArguments) -> Result<(), ServeError> {
    let mut config = match &arguments.config {
        Some(path) => ServeConfig::read(path)?,
        None => ServeConfig::default(),
    };
    config.host.clone_from(&arguments.host);
    config.port = arguments.port;
    config.model.clone_from(&arguments.model);
    if let Some(seconds) = arguments.request_timeout {
        config.limits.request_timeout_ms = seconds * 1000;
    }
    if arguments.token_file.is_some() {
        config.token_file.clone_from(&arguments.token_file);
    }
    let address = config.address()?;
    telemetry_off()?;
    log_to(std::io::stderr);
    let io = |cause| ServeError::Io { action: "start the server", path: arguments.dir.clone(), cause };
    let runtime = runtime(&config).map_err(io)?;
    let listener = runtime.block_on(bind(address))?;
    let url = listener.local_addr().map(|address| format!("http://{address}")).map_err(io)?;
    let server = Server::load(&arguments.dir, &config, true)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(io)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(io)?;
        server.listen(listener).map_err(io)?;
        supervisor::print(&json!({"url": url}));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        server.close().await;
        if !server.drain(Duration::from_millis(200), config.limits.drain_deadline()).await {
            tracing::warn!("the deadline of the drain cut off what was still in work");
        }
        Ok::<(), ServeError>(())
    })?;
    runtime.shutdown_background();
    Ok(())
}

/// ONNX Runtime reads its telemetry switch from the environment that the process started with: when it is not
/// there, the process starts itself again with it.
fn telemetry_off() -> Result<(), ServeError> {
    if std::env::var_os(desk_runtime::TELEMETRY_SWITCH).is_some_and(|value| value == "1") {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(ServeError::io("find this program", "/proc/self/exe"))?;
    let cause = std::process::Command::new(&program)
        .args(std::env::args_os().skip(1))
        .env(desk_runtime::TELEMETRY_SWITCH, "1")
        .exec();
    Err(ServeError::Io { action: "start again without telemetry", path: program, cause })
}

/// Sends log lines somewhere. `RUST_LOG` chooses which ones; by default those of level info.
pub(crate) fn log_to<W>(writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,ort=warn".into());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        // A closed pipe must not end the process.
        .log_internal_errors(false)
        .with_writer(writer);
    if subscriber.try_init().is_err() {
        tracing::debug!("log lines go where they went before");
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn errors_set_the_exit_code() {
        let code = |value: &Value| format!("{:?}", exit_code(value));
        let policy = json!({"error": Fault::from(ServeError::HostNeedsToken { host: "0.0.0.0".into() })});
        assert_eq!(code(&policy), format!("{:?}", ExitCode::from(5)));
        assert_eq!(code(&json!({"live": null})), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(&json!({"error": "?"})), format!("{:?}", ExitCode::from(1)));
    }
}
