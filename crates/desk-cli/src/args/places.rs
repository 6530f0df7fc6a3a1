//! Arguments of the verbs about credentials, targets and jobs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::parse::pair;
use crate::complete;

#[derive(Debug, Subcommand)]
pub enum CredentialVerb {
    /// Keep a secret: from a file, standard input or a prompt, never from an argument
    #[command(
        after_help = "Examples:\n  modeldesk credential set edge --kind ssh-key --key-file ~/.ssh/id_ed25519\n  pass edge | modeldesk credential set edge --kind password --stdin\n  modeldesk --passphrase-stdin credential set edge --kind ssh-key --key-file KEY --stdin < two-lines"
    )]
    Set(CredentialSet),
    /// List names; secrets are never shown
    #[command(after_help = "Example: modeldesk credential list")]
    List,
    /// Forget a credential and its secret
    #[command(after_help = "Example: modeldesk credential remove edge")]
    Remove {
        /// The credential's name
        #[arg(add = complete::credentials())]
        name: String,
    },
    /// Keep secrets in a file that a passphrase encrypts, where there is no keyring
    #[command(after_help = "Example: modeldesk credential create-vault")]
    CreateVault {
        /// Read the passphrase from standard input
        #[arg(long)]
        stdin: bool,
    },
}

#[derive(Debug, Args)]
pub struct CredentialSet {
    /// A name to call it by
    pub name: String,
    /// What it is
    #[arg(long, value_parser = ["ssh-key", "password", "token", "agent"])]
    pub kind: String,
    /// Private key file, for ssh-key; read once and kept in the keyring
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// Ask for the key's passphrase; asked for anyway where the key is encrypted
    #[arg(long)]
    pub passphrase: bool,
    /// Read the password, token or passphrase from the first line of standard input; from the second one, where
    /// --passphrase-stdin takes the first
    #[arg(long)]
    pub stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum TargetVerb {
    /// Add a target
    #[command(
        after_help = "Examples:\n  modeldesk target add here --kind local\n  modeldesk target add edge-01 --kind ssh --set host=10.0.0.7 --set user=deploy --set folder=/opt/modeldesk --credential edge\n  modeldesk target add edge-01 --replace --set host=10.0.0.8"
    )]
    Add(TargetAddArgs),
    /// Reach it and say what works there; ends with 4 when it cannot be reached, with 5 when its host key is not trusted
    #[command(after_help = "Example: modeldesk target check edge-01")]
    Check {
        /// The target's name
        #[arg(add = complete::targets())]
        name: String,
    },
    /// Record a host key after comparing its fingerprint
    #[command(after_help = "Example: modeldesk target trust edge-01 SHA256:…")]
    Trust {
        /// The target's name
        #[arg(add = complete::targets())]
        name: String,
        /// The fingerprint that the machine itself shows: SHA256:…
        fingerprint: String,
    },
    /// Forget a target that nothing is live on
    #[command(after_help = "Example: modeldesk target remove edge-01")]
    Remove {
        /// The target's name
        #[arg(add = complete::targets())]
        name: String,
    },
    /// List targets
    #[command(after_help = "Example: modeldesk target list")]
    List,
}

#[derive(Debug, Args)]
pub struct TargetAddArgs {
    /// A name to call it by
    pub name: String,
    /// Where it is
    #[arg(long, value_parser = ["local", "ssh"], required_unless_present = "replace")]
    pub kind: Option<String>,
    /// local: folder, serve-port (or port); ssh: host, port, user, folder, serve-port, and the seconds
    /// connect-timeout (15) and stall-timeout (30)
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Credential to log in with
    #[arg(long, add = complete::credentials())]
    pub credential: Option<String>,
    /// Change a target of this name; what is not named stays as it is
    #[arg(long)]
    pub replace: bool,
}

#[derive(Debug, Subcommand)]
pub enum JobsVerb {
    /// Ask a job to stop
    #[command(after_help = "Example: modeldesk jobs cancel 0193…")]
    Cancel {
        /// The job's id
        id: String,
    },
    /// Take up what a desk that died left open
    #[command(after_help = "Example: modeldesk jobs resume")]
    Resume,
}
