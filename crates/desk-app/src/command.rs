//! The one command set: what the window does and `modeldesk` types, as one type.
//!
//! A command is plain data: it can be stored in a job row, shown as a command line, and run again.
//! Secrets are never part of a command.

use std::path::PathBuf;

use desk_core::{Digest, ModelName, VersionRef};
use serde::{Deserialize, Serialize};

/// Everything that the desk can be asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Command {
    /// Read a model file or folder and store it as the next version.
    Import(Import),
    /// Move an alias to a version.
    Alias(SetAlias),
    /// Hide a model, or show it again.
    Archive(Archive),
    /// Score a data file.
    Predict(Predict),
    /// Attribute predictions to features.
    Explain(Explain),
    /// Add a target, or change one.
    TargetAdd(TargetAdd),
    /// Reach a target and say what works there.
    TargetCheck(TargetName),
    /// Record that a host key is the right one.
    TargetTrust(TargetTrust),
    /// Forget a target that nothing is deployed on.
    TargetRemove(TargetName),
    /// Forget a credential, and its secret.
    CredentialRemove(CredentialName),
    /// Push a version to a target, prove it there and switch to it.
    Deploy(Deploy),
    /// Go back to a former revision, with the same proof.
    Rollback(Rollback),
    /// Stop the server of a live deployment.
    Undeploy(Undeploy),
    /// Check blobs, manifests and the operation log.
    Verify(Verify),
    /// Say what of this computer works: runtime, keyring, store, sandbox.
    Doctor,
    /// Remove stored files that nothing names any more.
    Gc(Gc),
    /// Take back one operation.
    Undo(Undo),
    /// Import the bundled samples.
    Sample,
}

/// How the columns of a data file become inputs, where names alone do not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Columns {
    /// The column with the truth, which feeds no input; found by name when absent.
    #[serde(default)]
    pub target: Option<String>,
    /// Columns for inputs, as `input`, `column` or `input`, `a,b,c`.
    #[serde(default)]
    pub map: Vec<(String, String)>,
    /// Columns that feed nothing, each one name or several with commas between them.
    #[serde(default)]
    pub drop: Vec<String>,
    /// Whether the first line of a CSV file names its columns; found from the first lines when absent.
    #[serde(default)]
    pub header: Option<bool>,
    /// Cells of CSV files that mean "missing", beside the usual ones.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// Arguments of [`Command::Import`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// A model file, or a folder that holds one with its external data.
    pub path: PathBuf,
    /// The model's name; the file's stem when absent.
    pub name: Option<ModelName>,
    /// Data whose first rows become the golden rows; generated from the signature when absent.
    pub golden: Option<PathBuf>,
    /// How the columns of `golden` become inputs.
    #[serde(flatten)]
    pub columns: Columns,
    /// A note for people.
    pub note: Option<String>,
    /// An alias to point at the new version.
    pub alias: Option<String>,
    /// Make a new version even when these bytes are one already.
    #[serde(default)]
    pub again: bool,
    /// Processor seconds that making the golden rows may take; some that suit most models when absent.
    #[serde(default)]
    pub golden_seconds: Option<u64>,
}

/// Arguments of [`Command::Alias`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetAlias {
    /// The version that the alias shall name.
    pub version: VersionRef,
    /// The alias, such as `champion`.
    pub alias: String,
}

/// Arguments of [`Command::Archive`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    /// The model.
    pub model: ModelName,
    /// Hide (true) or show again (false).
    pub archived: bool,
}

/// Columns of the data that are repeated before the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Echo {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// These, each one name or several with commas between them.
    Columns(Vec<String>),
}

/// Arguments of [`Command::Predict`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predict {
    /// The version to run.
    pub version: VersionRef,
    /// CSV, Parquet, Arrow, JSON lines, NPY/NPZ, an image or a folder of images.
    pub data: PathBuf,
    /// Where the answers go; kept in the store for the window when absent.
    pub out: Option<PathBuf>,
    /// `auto`, `cpu`, `cuda`, `cuda:1`, `webgpu`, `openvino`.
    #[serde(default = "auto")]
    pub device: String,
    /// Rows in one call of the model; chosen when absent.
    pub batch: Option<usize>,
    /// How columns become inputs, and which one is the truth for metrics.
    #[serde(flatten)]
    pub columns: Columns,
    /// Columns of the data that `out` repeats before the answers.
    #[serde(default)]
    pub echo: Echo,
}

/// Arguments of [`Command::Explain`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explain {
    /// The version to explain.
    pub version: VersionRef,
    /// The rows to explain come from here.
    pub data: PathBuf,
    /// First row, from 1; 1 when absent.
    pub first_row: Option<u64>,
    /// Last row, inclusive; the last of the file when absent, 1,000 rows at most unless said.
    pub last_row: Option<u64>,
    /// Rows that stand for "no information"; a sample of `data` when absent.
    pub background: Option<PathBuf>,
    /// How columns become inputs, those of the background too.
    #[serde(flatten)]
    pub columns: Columns,
    /// `auto`, `tree`, `exact`, `kernel`, `permutation`, `lime`.
    #[serde(default = "auto")]
    pub method: String,
    /// Coalitions or perturbed rows for sampling methods; chosen when absent.
    pub samples: Option<usize>,
    /// Seed of everything random.
    #[serde(default)]
    pub seed: u64,
    /// Name or index of the output to explain; all classes when absent.
    pub output: Option<String>,
    /// `raw` or `probability`; what the method is exact in when absent.
    pub space: Option<String>,
    /// Where the values go (.json, .parquet, .html); kept in the store when absent.
    pub out: Option<PathBuf>,
}

/// Arguments of [`Command::TargetAdd`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetAdd {
    /// The target's name.
    pub name: String,
    /// `local` or `ssh`; empty for that of the target that is changed.
    pub kind: String,
    /// `host`, `port`, `user`, `folder`, `serve-port` and so on.
    #[serde(default)]
    pub set: Vec<(String, String)>,
    /// Name of the credential to log in with.
    pub credential: Option<String>,
    /// Change the target of this name instead of refusing; what is not named stays as it is.
    #[serde(default)]
    pub replace: bool,
}

/// A target, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetName {
    /// Its name.
    pub name: String,
}

/// A credential, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialName {
    /// Its name.
    pub name: String,
}

/// Arguments of [`Command::TargetTrust`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetTrust {
    /// The target.
    pub name: String,
    /// The fingerprint that somebody compared, `SHA256:…`.
    pub fingerprint: String,
}

/// Arguments of [`Command::Deploy`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deploy {
    /// The version to push.
    pub version: VersionRef,
    /// The target's name.
    pub to: String,
    /// Go live even where clients of the version that serves there could not use this one.
    #[serde(default)]
    pub allow_signature_change: bool,
    /// Go live without a proof where the golden rows cannot be one: random or non-finite answers.
    #[serde(default)]
    pub allow_unproven: bool,
    /// Take the place of what another desk made live.
    #[serde(default)]
    pub replace_other: bool,
}

impl Deploy {
    /// A deployment that is refused wherever something speaks against it.
    pub fn new(version: VersionRef, to: impl Into<String>) -> Self {
        Self { version, to: to.into(), allow_signature_change: false, allow_unproven: false, replace_other: false }
    }
}

/// Arguments of [`Command::Rollback`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// A deployment's id, a target's name, or `TARGET/MODEL`.
    pub deployment: String,
    /// The version to go to; when absent, the one that was live before the live one, further back each time.
    pub to: Option<u32>,
}

/// Arguments of [`Command::Undeploy`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undeploy {
    /// A deployment's id, a target's name, or `TARGET/MODEL`.
    pub deployment: String,
    /// The machine is gone for good: only note that it serves nothing any more.
    #[serde(default)]
    pub gone: bool,
}

/// Arguments of [`Command::Verify`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Verify {
    /// One version; everything when absent.
    pub version: Option<VersionRef>,
}

/// Arguments of [`Command::Gc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gc {
    /// Only say what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// Arguments of [`Command::Undo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The operation's id.
    pub operation: i64,
}

fn auto() -> String {
    "auto".to_owned()
}

impl Command {
    /// A short title for jobs and toasts, such as `Import tumour.onnx`.
    pub fn title(&self) -> String {
        match self {
            Self::Import(c) => format!("Import {}", file_name(&c.path)),
            Self::Alias(c) => format!("Point {} at {}", c.alias, c.version),
            Self::Archive(c) if c.archived => format!("Archive {}", c.model),
            Self::Archive(c) => format!("Restore {}", c.model),
            Self::Predict(c) => format!("Score {} with {}", file_name(&c.data), c.version),
            Self::Explain(c) => format!("Explain {} with {}", file_name(&c.data), c.version),
            Self::TargetAdd(c) => format!("Add target {}", c.name),
            Self::TargetCheck(c) => format!("Check target {}", c.name),
            Self::TargetTrust(c) => format!("Trust host key of {}", c.name),
            Self::TargetRemove(c) => format!("Remove target {}", c.name),
            Self::CredentialRemove(c) => format!("Remove credential {}", c.name),
            Self::Deploy(c) => format!("Deploy {} to {}", c.version, c.to),
            Self::Rollback(c) => format!("Roll back {}", c.deployment),
            Self::Undeploy(c) => format!("Take down {}", c.deployment),
            Self::Verify(Verify { version: Some(version) }) => format!("Verify {version}"),
            Self::Verify(_) => "Verify everything".to_owned(),
            Self::Doctor => "Check this computer".to_owned(),
            Self::Gc(_) => "Remove unused files".to_owned(),
            Self::Undo(c) => format!("Undo operation {}", c.operation),
            Self::Sample => "Import the samples".to_owned(),
        }
    }

    /// The words after `modeldesk` that do the same, unquoted, one per argument.
    pub fn to_args(&self) -> Vec<String> {
        let mut line = Args::default();
        match self {
            Self::Import(c) => {
                line.word("import").path(&c.path).option("--name", c.name.as_ref());
                line.option_path("--golden", c.golden.as_ref());
                columns_args(&mut line, &c.columns);
                line.option("--note", c.note.as_ref());
                line.option("--alias", c.alias.as_ref()).flag("--again", c.again);
                line.option("--golden-seconds", c.golden_seconds);
            }
            Self::Alias(c) => {
                line.word("alias").word(&c.version).word(&c.alias);
            }
            Self::Archive(c) => {
                line.word("archive").word(&c.model).flag("--restore", !c.archived);
            }
            Self::Predict(c) => {
                line.word("predict").word(&c.version).word("--data").path(&c.data);
                line.option_path("--out", c.out.as_ref());
                line.option("--device", (c.device != "auto").then_some(&c.device));
                line.option("--batch", c.batch);
                columns_args(&mut line, &c.columns);
                line.flag("--echo-all", c.echo == Echo::All);
                if let Echo::Columns(columns) = &c.echo {
                    for names in columns {
                        line.word("--echo").word(names);
                    }
                }
            }
            Self::Explain(c) => explain_args(&mut line, c),
            Self::TargetAdd(c) => {
                line.word("target").word("add").word(&c.name);
                line.option("--kind", (!c.kind.is_empty()).then_some(&c.kind));
                for (key, value) in &c.set {
                    line.word("--set").word(format!("{key}={value}"));
                }
                line.option("--credential", c.credential.as_ref()).flag("--replace", c.replace);
            }
            Self::TargetCheck(c) => {
                line.word("target").word("check").word(&c.name);
            }
            Self::TargetTrust(c) => {
                line.word("target").word("trust").word(&c.name).word(&c.fingerprint);
            }
            Self::TargetRemove(c) => {
                line.word("target").word("remove").word(&c.name);
            }
            Self::CredentialRemove(c) => {
                line.word("credential").word("remove").word(&c.name);
            }
            Self::Deploy(c) => {
                line.word("deploy").word(&c.version).word("--to").word(&c.to);
                line.flag("--allow-signature-change", c.allow_signature_change);
                line.flag("--allow-unproven", c.allow_unproven);
                line.flag("--replace-other", c.replace_other);
            }
            Self::Rollback(c) => {
                line.word("rollback").word(&c.deployment).option("--to", c.to);
            }
            Self::Undeploy(c) => {
                // Whoever copies this has made up his mind.
                line.word("undeploy").word(&c.deployment).flag("--gone", c.gone).word("--yes");
            }
            Self::Verify(c) => {
                line.word("verify");
                if let Some(version) = &c.version {
                    line.word(version);
                }
            }
            Self::Doctor => {
                line.word("doctor");
            }
            Self::Gc(c) => {
                line.word("gc").flag("--dry-run", c.dry_run);
            }
            Self::Undo(c) => {
                line.word("undo").word(c.operation);
            }
            Self::Sample => {
                line.word("sample");
            }
        }
        line.0
    }

    /// The command line that does the same, quoted for a POSIX shell.
    pub fn to_cli(&self) -> String {
        let words: Vec<String> = self.to_args().iter().map(|word| quote(word)).collect();
        format!("modeldesk {}", words.join(" "))
    }
}

fn explain_args(line: &mut Args, c: &Explain) {
    line.word("explain").word(&c.version).word("--data").path(&c.data);
    match (c.first_row, c.last_row) {
        (None, None) => {}
        (first, Some(last)) => {
            line.word("--rows").word(format!("{}..{last}", first.unwrap_or(1)));
        }
        (Some(first), None) => {
            line.word("--rows").word(format!("{first}.."));
        }
    }
    line.option_path("--background", c.background.as_ref());
    columns_args(line, &c.columns);
    line.option("--method", (c.method != "auto").then_some(&c.method)).option("--samples", c.samples);
    line.option("--seed", (c.seed != 0).then_some(c.seed)).option("--output", c.output.as_ref());
    line.option("--space", c.space.as_ref()).option_path("--out", c.out.as_ref());
}

fn columns_args(line: &mut Args, columns: &Columns) {
    line.option("--target", columns.target.as_ref());
    for (input, names) in &columns.map {
        line.word("--map").word(format!("{input}={names}"));
    }
    for names in &columns.drop {
        line.word("--drop").word(names);
    }
    line.flag("--header", columns.header == Some(true)).flag("--no-header", columns.header == Some(false));
    for marker in &columns.missing {
        line.word("--missing").word(marker);
    }
}

/// A digest in the short form that people read.
pub fn short(digest: &Digest) -> String {
    digest.short()
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Collects the words of a command line.
#[derive(Default)]
struct Args(Vec<String>);

impl Args {
    #[expect(clippy::needless_pass_by_value, reason = "callers pass words and references alike")]
    fn word(&mut self, word: impl ToString) -> &mut Self {
        self.0.push(word.to_string());
        self
    }

    fn path(&mut self, path: &std::path::Path) -> &mut Self {
        self.word(path.display())
    }

    fn option(&mut self, name: &str, value: Option<impl ToString>) -> &mut Self {
        if let Some(value) = value {
            self.word(name).word(value.to_string());
        }
        self
    }

    fn option_path(&mut self, name: &str, value: Option<&PathBuf>) -> &mut Self {
        self.option(name, value.map(|path| path.display()))
    }

    fn flag(&mut self, name: &str, on: bool) -> &mut Self {
        if on {
            self.word(name);
        }
        self
    }
}

/// Quotes a word for a POSIX shell where it needs it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_typed_again() {
        let command = Command::Explain(Explain {
            version: "tumour@2".parse().expect("valid"),
            data: PathBuf::from("my data/held out.csv"),
            first_row: Some(4),
            last_row: Some(4),
            background: None,
            columns: Columns {
                target: Some("y".into()),
                map: vec![("X".into(), "a,b".into())],
                drop: vec!["row id".into()],
                header: Some(false),
                missing: vec!["?".into()],
            },
            method: "tree".into(),
            samples: None,
            seed: 7,
            output: None,
            space: None,
            out: None,
        });
        let line = "modeldesk explain tumour@2 --data 'my data/held out.csv' --rows 4..4 --target y --map X=a,b \
                    --drop 'row id' --no-header --missing '?' --method tree --seed 7";
        assert_eq!(command.to_cli(), line);
        let stored = serde_json::to_value(&command).expect("plain data");
        assert_eq!(stored["target"], "y");
        assert_eq!(serde_json::from_value::<Command>(stored).expect("reads back"), command);
    }

    #[test]
    fn rows_of_former_versions_still_read() {
        let stored = serde_json::json!({
            "verb": "predict", "version": "tumour@2", "data": "d.csv", "out": null, "batch": null, "target": "y"
        });
        let Command::Predict(command) = serde_json::from_value(stored).expect("reads") else { panic!("another verb") };
        assert_eq!((command.columns.target.as_deref(), command.columns.drop.len()), (Some("y"), 0));
    }

    #[test]
    fn quoting_survives_quotes() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
