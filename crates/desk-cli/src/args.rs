//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use desk_core::{ModelName, VersionRef};

use crate::complete;

/// Take a trained model from a file to a proven deployment, and back.
#[derive(Debug, Parser)]
#[command(
    name = "modeldesk",
    version,
    about,
    max_term_width = 100,
    after_help = "Every verb has an example: modeldesk VERB --help\n\
                  --help, --version and completions print text, with --json too\n\
                  Scripts open the encrypted file of secrets with --passphrase-stdin, or hand its passphrase over as an \
                  open file: MODELDESK_PASSPHRASE_FD=3 modeldesk deploy … 3< FILE"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Under which heading they stand in the help of every verb.
const GLOBAL: &str = "Global options";

/// Options of every verb.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Global {
    /// Folder that holds the registry and the models; where it is left out, the one that `MODELDESK_HOME` names
    #[arg(long, help_heading = GLOBAL, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print one JSON object and nothing else on standard output
    #[arg(long, help_heading = GLOBAL, global = true)]
    pub json: bool,
    /// Print errors and the result only: no progress, no steps, no advice
    #[arg(short, long, help_heading = GLOBAL, global = true)]
    pub quiet: bool,
    /// Print more; twice for everything
    #[arg(short, long, help_heading = GLOBAL, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Never ask anything: what would be asked is an error
    #[arg(long, help_heading = GLOBAL, global = true)]
    pub no_input: bool,
    /// Read the passphrase of the encrypted file of secrets from the first line of standard input
    #[arg(long, help_heading = GLOBAL, global = true)]
    pub passphrase_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Store a model file or folder as the next version
    #[command(after_help = "Example: modeldesk import churn.onnx --name churn --golden holdout.csv")]
    Import(ImportArgs),
    /// List models, versions, targets, deployments, credentials, jobs or runs
    #[command(after_help = "Example: modeldesk list versions churn")]
    List(ListArgs),
    /// Show everything about one version
    #[command(after_help = "Example: modeldesk show churn@champion")]
    Show {
        /// A version: NAME, NAME@NUMBER or NAME@ALIAS
        #[arg(add = complete::versions())]
        version: VersionRef,
    },
    /// Move an alias to a version
    #[command(after_help = "Example: modeldesk alias churn@2 champion")]
    Alias {
        /// The version to point at: NAME@NUMBER
        #[arg(add = complete::versions())]
        version: VersionRef,
        /// The alias, such as champion
        alias: String,
    },
    /// Hide a model from lists
    #[command(after_help = "Example: modeldesk archive churn")]
    Archive {
        /// The model's name
        #[arg(add = complete::models())]
        model: ModelName,
        /// Show it again
        #[arg(long)]
        restore: bool,
    },
    /// Score a data file
    #[command(after_help = "Example: modeldesk predict churn@2 --data holdout.csv --out scored.parquet")]
    Predict(PredictArgs),
    /// Attribute predictions to features
    #[command(after_help = "Example: modeldesk explain churn --data holdout.csv --rows 4..4")]
    Explain(ExplainArgs),
    /// Keep secrets in the system's keyring
    #[command(subcommand)]
    Credential(CredentialVerb),
    /// Places to deploy to
    #[command(subcommand)]
    Target(TargetVerb),
    /// Push a version to a target, prove it there, and switch to it
    #[command(after_help = "Example: modeldesk deploy churn@2 --to edge-01")]
    Deploy {
        /// A version: NAME, NAME@NUMBER or NAME@ALIAS
        #[arg(add = complete::versions())]
        version: VersionRef,
        /// The target's name
        #[arg(long, add = complete::targets())]
        to: String,
        /// Accepted for scripts: deploy always waits
        #[arg(long, hide = true)]
        wait: bool,
        /// How traffic moves; `replace` is what there is
        #[arg(long, default_value = "replace", value_parser = ["replace"])]
        strategy: String,
        /// Go live even where clients of what serves there could not use this version
        #[arg(long)]
        allow_signature_change: bool,
        /// Go live without a proof, where answers are random or none of them is finite
        #[arg(long)]
        allow_unproven: bool,
        /// Take the place of a version that another desk made live there
        #[arg(long)]
        replace_other: bool,
    },
    /// Go back to the former version on a target, with the same proof; again leads further back
    #[command(
        after_help = "Examples:\n  modeldesk rollback edge-01/churn\n  modeldesk rollback edge-01 --to 3      # any version, forward too"
    )]
    Rollback {
        /// A deployment's id, a target's name, or TARGET/MODEL
        #[arg(add = complete::targets())]
        deployment: String,
        /// Version number to go to
        #[arg(long)]
        to: Option<u32>,
    },
    /// Stop what a target serves, after it has answered what it has in work; its files stay there
    #[command(after_help = "Example: modeldesk undeploy edge-01 --yes")]
    Undeploy {
        /// A deployment's id, a target's name, or TARGET/MODEL
        deployment: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// The machine is gone for good: note that it serves nothing any more, without reaching it
        #[arg(long)]
        gone: bool,
    },
    /// Answer requests for one version here, until Ctrl+C
    #[command(after_help = "Example: modeldesk serve churn@2 --port 8123")]
    Serve {
        /// A version: NAME, NAME@NUMBER or NAME@ALIAS
        #[arg(add = complete::versions())]
        version: VersionRef,
        /// Port on the loopback address; a free one when 0
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Check blobs, manifests and the operation log
    #[command(after_help = "Example: modeldesk verify churn@2")]
    Verify {
        /// One version; everything when left out
        #[arg(add = complete::versions())]
        version: Option<VersionRef>,
    },
    /// Say what works on this computer, what does not, and what to do
    #[command(
        after_help = "Example: modeldesk doctor\nIt ends with 0 whatever it finds: scripts read `ok` of the checks in --json"
    )]
    Doctor,
    /// Remove stored files that nothing names any more, such as those of an import that was killed
    #[command(after_help = "Example: modeldesk gc --dry-run")]
    Gc {
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// List jobs, or end one
    #[command(after_help = "Example: modeldesk jobs cancel 0193…")]
    Jobs {
        #[command(subcommand)]
        verb: Option<JobsVerb>,
    },
    /// Show what changed, when and by whom
    #[command(after_help = "Example: modeldesk log -n 20")]
    Log {
        /// How many changes, newest first
        #[arg(short = 'n', long, default_value_t = 50)]
        limit: usize,
    },
    /// Take back one change of the log
    #[command(after_help = "Example: modeldesk undo 12")]
    Undo {
        /// The change's number in `modeldesk log`
        operation: i64,
    },
    /// Import the bundled sample models and put their data beside them
    #[command(after_help = "Example: modeldesk sample")]
    Sample,
    /// Print a script that makes a shell complete verbs, options and the names in the store
    #[command(after_help = "Example: echo 'source <(modeldesk completions bash)' >> ~/.bashrc")]
    Completions {
        /// The shell
        #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
        shell: String,
    },
    /// Fill a registry with made-up models, for the benchmark of `list`
    #[command(hide = true)]
    DevSeed {
        #[arg(long)]
        models: u32,
        #[arg(long)]
        versions: u32,
    },
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An .onnx file, or a folder that holds one with its external data
    pub path: PathBuf,
    /// Name of the model; the file's name when left out
    #[arg(long)]
    pub name: Option<ModelName>,
    /// Data whose first rows travel with the version; made from the signature when left out
    #[arg(long, value_name = "DATA")]
    pub golden: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// A note for people
    #[arg(long)]
    pub note: Option<String>,
    /// An alias for the new version
    #[arg(long)]
    pub alias: Option<String>,
    /// Make a new version even when these bytes are one already
    #[arg(long)]
    pub again: bool,
    /// Processor seconds that making the golden rows may take; 20 for generated ones, 120 with --golden
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub golden_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ListKind {
    Models,
    Versions,
    Targets,
    Deployments,
    Credentials,
    Jobs,
    Runs,
}

/// How the columns of a data file become inputs.
#[derive(Debug, Clone, Default, Args)]
pub struct ColumnArgs {
    /// Column with the truth, which feeds no input; one for each number that the model predicts
    #[arg(long, value_name = "COL[,COL...]")]
    pub target: Option<String>,
    /// Columns for an input, when names do not match; once for each input
    #[arg(long, value_name = "INPUT=COL[,COL...]", value_parser = pair)]
    pub map: Vec<(String, String)>,
    /// Columns that feed nothing
    #[arg(long, value_name = "COL[,COL...]")]
    pub drop: Vec<String>,
    /// The first line of a CSV file names its columns, whatever it holds
    #[arg(long, conflicts_with = "no_header")]
    pub header: bool,
    /// The first line of a CSV file is data
    #[arg(long)]
    pub no_header: bool,
    /// Text of CSV cells that means "missing", beside the empty cell, NA, NaN and null; once for each
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub missing: Vec<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value = "models")]
    pub kind: ListKind,
    /// The model, for `versions`, `runs` and `deployments`
    #[arg(add = complete::models())]
    pub model: Option<ModelName>,
    /// Only models whose name contains this
    #[arg(long)]
    pub filter: Option<String>,
    /// Show archived models too
    #[arg(long)]
    pub archived: bool,
    /// At most this many
    #[arg(short = 'n', long)]
    pub limit: Option<usize>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// CSV, Parquet, Arrow, JSON lines, NPY/NPZ, an image or a folder of images
    #[arg(long)]
    pub data: PathBuf,
    /// File for the answers: .csv, .parquet, .arrow, .jsonl, .npy
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// auto, cpu, cuda, cuda:1, webgpu, openvino
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Rows in one call of the model
    #[arg(long, value_parser = at_least_one)]
    pub batch: Option<usize>,
    /// Columns of the data that --out repeats before the answers, such as an id
    #[arg(long, value_name = "COL[,COL...]", requires = "out", conflicts_with = "echo_all")]
    pub echo: Vec<String>,
    /// --out repeats all columns of the data before the answers
    #[arg(long, requires = "out")]
    pub echo_all: bool,
    #[command(flatten)]
    pub columns: ColumnArgs,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A version: NAME, NAME@NUMBER or NAME@ALIAS
    #[arg(add = complete::versions())]
    pub version: VersionRef,
    /// File with the rows to explain
    #[arg(long)]
    pub data: PathBuf,
    /// Rows to explain, from 1: 4, 4..10, 4.. or ..10
    #[arg(long, value_name = "A..B", value_parser = rows)]
    pub rows: Option<(Option<u64>, Option<u64>)>,
    /// File with rows that stand for "unknown"; a sample of the data when left out
    #[arg(long)]
    pub background: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// auto, tree, exact, kernel, permutation, lime
    #[arg(long, default_value = "auto")]
    pub method: String,
    /// Coalitions, or perturbed rows for LIME
    #[arg(long)]
    pub samples: Option<usize>,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Name or index of the output; the positive class, or all
    #[arg(long)]
    pub output: Option<String>,
    /// raw or probability
    #[arg(long, value_parser = ["raw", "probability"])]
    pub space: Option<String>,
    /// File for the values: .json, .parquet, or .html to read and print
    #[arg(long)]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum CredentialVerb {
    /// Keep a secret: from a file, standard input or a prompt, never from an argument
    #[command(
        after_help = "Examples:\n  modeldesk credential set edge --kind ssh-key --key-file ~/.ssh/id_ed25519\n  pass edge | modeldesk credential set edge --kind password --stdin"
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
    /// Read the password, token or passphrase from the first line of standard input
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
    /// Reach it and say what works there; ends with 4 when it cannot be reached
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
    /// local: folder, port; ssh: host, port, user, folder, serve-port, and the seconds connect-timeout (15) and
    /// stall-timeout (30)
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

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        None => Err(format!("`{text}` has no `=`")),
        Some(("", _)) => Err("nothing stands before the `=`".to_owned()),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it is a whole number from 1 on".to_owned())
}

/// The two ends of a row range.
type Ends = (Option<u64>, Option<u64>);

fn rows(text: &str) -> Result<Ends, String> {
    let number = |part: &str| match part {
        "" => Ok(None),
        _ => {
            part.parse::<u64>().ok().filter(|n| *n > 0).map(Some).ok_or(format!("`{part}` is not a row number from 1"))
        }
    };
    let (first, last) = match text.split_once("..") {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    match (first, last) {
        (Some(a), Some(b)) if a > b => Err(format!("row {a} comes after row {b}")),
        ends => Ok(ends),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound_and_every_verb_has_an_example() {
        Cli::command().debug_assert();
        check(&Cli::command());
    }

    #[test]
    fn options_of_every_verb_stand_at_the_end_under_a_heading() {
        let mut cli = Cli::command();
        cli.build();
        for verb in ["list", "predict", "deploy"] {
            let verb = cli.find_subcommand_mut(verb).expect("a verb");
            let help = verb.render_long_help().to_string();
            let (own, all) = help.split_once("Global options:").expect("a heading");
            assert!(all.contains("--home") && all.contains("--no-input") && all.contains("--json"), "{help}");
            assert!(!own.contains("--home") && !all.contains("Options:"), "{help}");
        }
    }

    /// Every verb that does something has an example, and every argument says what it is.
    fn check(command: &clap::Command) {
        let name = command.get_name();
        for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
            assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
        }
        if !command.has_subcommands() {
            assert!(command.get_after_help().is_some(), "{name} has no example");
        }
        command.get_subcommands().filter(|verb| !verb.is_hide_set()).for_each(check);
    }

    #[test]
    fn numbers_and_pairs_that_make_no_sense() {
        assert_eq!(pair("X=a,b=c"), Ok(("X".to_owned(), "a,b=c".to_owned())));
        assert!(pair("Xa").is_err() && pair("=a").is_err());
        assert!(at_least_one("0").is_err() && at_least_one("-1").is_err() && at_least_one("8") == Ok(8));
    }

    #[test]
    fn row_ranges() {
        assert_eq!(rows("4"), Ok((Some(4), Some(4))));
        assert_eq!(rows("4..9"), Ok((Some(4), Some(9))));
        assert_eq!(rows("..9"), Ok((None, Some(9))));
        for bad in ["0", "9..4", "x", "4...9", "-1"] {
            assert!(rows(bad).is_err(), "{bad}");
        }
    }
}
