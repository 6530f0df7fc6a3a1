//! The one command set: what the window does and `modeldesk` types, as one type.
//!
//! A command is plain data: it can be stored in a job row, shown as a command line, and run again.
//! Secrets are never part of a command.

mod global;
mod line;
mod parts;
mod pick;
mod pin;

use std::path::PathBuf;

use desk_core::{Digest, ModelName, TensorPlace, VersionRef};
pub use desk_deploy::Permissions;
pub use desk_explain::Method;
pub use desk_explain::parts::MOST_SEGMENTS;
pub use global::{Dependence, Grouping, Importance, Surrogate};
pub use parts::{Hide, PartSettings};
pub use pick::{PICKED, Pick, PickBy, Picked};
pub use pin::{Pin, Unpin};
use serde::{Deserialize, Serialize};

use crate::quality::Replacement;
use crate::rows::RowView;

/// Everything that the desk can be asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "a desk holds few commands, and each is made once")]
pub enum Command {
    /// Read a model file or folder and store it as the next version.
    Import(Import),
    /// Move an alias to a version.
    Alias(SetAlias),
    /// Hide a model, or show it again.
    Archive(Archive),
    /// Keep a row of an explanation as evidence.
    Pin(Pin),
    /// Keep it no longer.
    Unpin(Unpin),
    /// Score a data file.
    Predict(Predict),
    /// Attribute predictions to features.
    Explain(Explain),
    /// Say how much worse the answers are without each feature.
    Importance(Importance),
    /// Say how the answers change along a feature.
    Dependence(Dependence),
    /// Put a small tree in the model's place and say how far it may be believed.
    Surrogate(Surrogate),
    /// Write the rows of a test that a view shows to a file.
    ExportRows(ExportRows),
    /// Write the values of a tensor that a version's model holds to a file.
    ExportTensor(ExportTensor),
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
    /// What stands for missing cells of a column, as `column`, `value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fill: Vec<(String, String)>,
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
    /// The class that counts as positive in metrics; the second one when absent.
    #[serde(default)]
    pub positive: Option<String>,
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
    /// Of these rows, and without a last one of as many as are read, the ones that are worth a look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
    /// Rows that stand for "no information"; a sample of `data` when absent.
    pub background: Option<PathBuf>,
    /// How columns become inputs, those of the background too.
    #[serde(flatten)]
    pub columns: Columns,
    /// `auto`, `tree`, `path`, `linear`, `exact`, `kernel`, `permutation`, `lime`, and for networks `saliency`, `ixg`, `ig`, `smoothgrad`,
    /// `gradshap`, `deeplift`, `deepshap`, `lrp`, `guided-backprop`, `grad-cam`; `occlusion` for every model.
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
    /// Settings of single methods.
    #[serde(flatten)]
    pub settings: MethodSettings,
    /// Interaction values of pairs of features too, by the methods for tree ensembles.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interactions: bool,
    /// Only the rows that an explanation that was stopped had finished.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finished: bool,
    /// Where the values go (.json, .parquet, .html); kept in the store when absent.
    pub out: Option<PathBuf>,
}

impl Explain {
    /// The first thousand rows of a file, by the most exact method that the model allows.
    pub fn of(version: VersionRef, data: PathBuf) -> Self {
        Self {
            version,
            data,
            first_row: None,
            last_row: None,
            pick: None,
            background: None,
            columns: Columns::default(),
            method: auto(),
            samples: None,
            seed: 0,
            output: None,
            space: None,
            settings: MethodSettings::default(),
            interactions: false,
            finished: false,
            out: None,
        }
    }
}

/// Settings of single methods of explanation, and what is measured of it; what is left out is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MethodSettings {
    /// Pixels of the side of the window that occlusion covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// Pixels from one such window to the next, at most the patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// The convolution of Grad-CAM, by the name of its node or of its output; the last one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Columns that are one player in Shapley values, as `name`, `a,b,c`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<(String, String)>,
    /// Only those: columns that belong together (one-hot, parts of a date, an embedding) are players of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_groups: bool,
    /// Parts of rows as players.
    #[serde(flatten)]
    pub parts: PartSettings,
    /// Measure how far the explanation may be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualitySettings>,
}

/// How the quality of an explanation is measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QualitySettings {
    /// What stands for a feature that is taken away.
    pub replaced_by: Replacement,
    /// The method to compare with; occlusion when absent, of which another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

/// Arguments of [`Command::ExportRows`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportRows {
    /// The version that was tested.
    pub version: VersionRef,
    /// The test; the newest one whose answers are kept when absent.
    #[serde(default)]
    pub run: Option<String>,
    /// Which rows, and in which order.
    #[serde(flatten)]
    pub view: RowView,
    /// The columns in their order, each one name or several with commas between them; all when empty.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Where they go: .csv, .parquet, .jsonl, .arrow.
    pub out: PathBuf,
    /// Replace a file that is there.
    #[serde(default)]
    pub force: bool,
}

/// Arguments of [`Command::ExportTensor`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportTensor {
    /// The version whose model holds the tensor.
    pub version: VersionRef,
    /// The tensor.
    pub tensor: TensorPlace,
    /// Where its values go: .npy, .csv.
    pub out: PathBuf,
    /// Replace a file that is there.
    #[serde(default)]
    pub force: bool,
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
    /// What it may do beyond what is always allowed.
    #[serde(flatten)]
    pub permissions: Permissions,
}

impl Deploy {
    /// A deployment that is refused wherever something speaks against it.
    pub fn new(version: VersionRef, to: impl Into<String>) -> Self {
        Self { version, to: to.into(), permissions: Permissions::default() }
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
    /// Also what another desk has made live there since.
    #[serde(default)]
    pub replace_other: bool,
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

/// Characters of a title.
const LONGEST_TITLE: usize = 160;

fn auto() -> String {
    "auto".to_owned()
}

impl Command {
    /// A short title for jobs and toasts, such as `Import tumour.onnx`.
    pub fn title(&self) -> String {
        let title = self.whole_title();
        // What was typed may be of any length, and lists show titles.
        match title.char_indices().nth(LONGEST_TITLE) {
            Some((end, _)) => format!("{}…", &title[..end]),
            None => title,
        }
    }

    fn whole_title(&self) -> String {
        match self {
            Self::Import(c) => format!("Import {}", file_name(&c.path)),
            Self::Alias(c) => format!("Point {} at {}", c.alias, c.version),
            Self::Archive(c) if c.archived => format!("Archive {}", c.model),
            Self::Archive(c) => format!("Restore {}", c.model),
            Self::Pin(c) => format!("Pin row {}", c.row),
            Self::Unpin(c) => format!("Unpin row {}", c.row),
            Self::Predict(c) => format!("Score {} with {}", file_name(&c.data), c.version),
            Self::Explain(c) => format!("Explain {} with {}", file_name(&c.data), c.version),
            Self::Importance(c) => format!("Importance over {} with {}", file_name(&c.data), c.version),
            Self::Dependence(c) => {
                format!("Dependence on {} over {} with {}", c.features(), file_name(&c.data), c.version)
            }
            Self::Surrogate(c) => format!("Tree in place of {} over {}", c.version, file_name(&c.data)),
            Self::ExportRows(c) => format!("Write rows of {} to {}", c.version, file_name(&c.out)),
            Self::ExportTensor(c) => format!("Write {} of {} to {}", c.tensor.name, c.version, file_name(&c.out)),
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
}

/// A digest in the short form that people read.
pub fn short(digest: &Digest) -> String {
    digest.short()
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_typed_again() {
        let quality = Some(QualitySettings { replaced_by: Replacement::Mean, against: Some("lime".into()) });
        let command = Command::Explain(Explain {
            version: "tumour@2".parse().expect("valid"),
            data: PathBuf::from("my data/held out.csv"),
            first_row: Some(4),
            last_row: Some(4),
            pick: Some(Pick { by: PickBy::Threshold, count: 5, threshold: Some(0.25) }),
            background: None,
            columns: Columns {
                target: Some("y".into()),
                map: vec![("X".into(), "a,b".into())],
                drop: vec!["row id".into()],
                header: Some(false),
                missing: vec!["?".into()],
                fill: vec![("city".into(), "New York".into())],
            },
            method: "tree".into(),
            samples: None,
            seed: 7,
            output: None,
            space: None,
            settings: MethodSettings {
                patch: Some(4),
                groups: vec![("home".into(), "street,house no".into())],
                no_groups: true,
                parts: PartSettings {
                    segments: Some(30),
                    hide: Some(Hide::BackgroundMean),
                    text: Some("the review".into()),
                    no_text: true,
                    positions: true,
                },
                quality,
                ..MethodSettings::default()
            },
            interactions: false,
            finished: false,
            out: None,
        });
        let line = "modeldesk explain tumour@2 --data 'my data/held out.csv' --rows 4..4 --pick threshold --count 5 \
                    --threshold 0.25 --target y --map X=a,b --drop 'row id' --no-header --missing '?' \
                    --fill 'city=New York' --method tree --seed 7 --patch 4 --group 'home=street,house no' --no-groups \
                    --segments 30 --hide background-mean --text 'the review' --no-text --positions --quality=mean --against lime";
        assert_eq!(command.to_cli(), line);
        let Command::Explain(explain) = &command else { panic!("another verb") };
        let set = std::collections::BTreeMap::from([("tenure".to_owned(), "a b".to_owned())]);
        let line = "modeldesk what-if tumour@2 --data 'my data/held out.csv' --row 9 --set 'tenure=a b' --target y \
                    --map X=a,b --drop 'row id' --no-header --missing '?' --fill 'city=New York' --method tree \
                    --seed 7 --patch 4 --group 'home=street,house no' --no-groups --segments 30 --hide background-mean --text 'the review' \
                    --no-text --positions";
        assert_eq!(explain.what_if_cli(9, &set), line);
        let stored = serde_json::to_value(&command).expect("plain data");
        assert_eq!(stored["target"], "y");
        assert_eq!(serde_json::from_value::<Command>(stored).expect("reads back"), command);
    }

    #[test]
    fn what_looks_over_a_file_can_be_typed_again() {
        let columns = Columns { target: Some("y".into()), ..Columns::default() };
        let importance = Importance {
            version: "tumour@2".parse().expect("valid"),
            data: "held out.csv".into(),
            columns: columns.clone(),
            rows: crate::global::ROWS,
            repeats: 7,
            seed: 3,
            score: Some("r2".into()),
            grouping: Grouping { groups: Vec::new(), no_groups: true },
        };
        let dependence = Dependence {
            version: "tumour@2".parse().expect("valid"),
            data: "held out.csv".into(),
            columns,
            rows: 50,
            feature: "worst area".into(),
            points: 9,
            with: Some("mean area".into()),
            curves: crate::global::CURVES,
            output: Some("yes".into()),
            grouping: Grouping { groups: vec![("home".into(), "street,\"house, no\"".into())], no_groups: false },
        };
        let line = "modeldesk importance tumour@2 --data 'held out.csv' --target y --score r2 --repeats 7 --seed 3 \
                    --no-groups";
        assert_eq!(Command::Importance(importance.clone()).to_cli(), line);
        let line = "modeldesk dependence tumour@2 --data 'held out.csv' --feature 'worst area' --with 'mean area' --target y --rows 50 \
                    --points 9 --output yes --group 'home=street,\"house, no\"'";
        assert_eq!(Command::Dependence(dependence.clone()).to_cli(), line);
        let surrogate = Surrogate {
            version: "tumour@2".parse().expect("valid"),
            data: "held out.csv".into(),
            columns: Columns::default(),
            rows: crate::global::ROWS,
            output: Some("yes".into()),
            depth: 4,
            leaf_rows: Some(20),
            seed: 3,
        };
        let line = "modeldesk surrogate tumour@2 --data 'held out.csv' --depth 4 --leaf-rows 20 --seed 3 --output yes";
        assert_eq!(Command::Surrogate(surrogate.clone()).to_cli(), line);
        let commands =
            [Command::Importance(importance), Command::Dependence(dependence), Command::Surrogate(surrogate)];
        for command in commands {
            let stored = serde_json::to_value(&command).expect("plain data");
            assert_eq!(serde_json::from_value::<Command>(stored).expect("reads back"), command);
        }
    }

    #[test]
    fn a_title_is_short_whatever_was_typed() {
        let alias = "ä".repeat(100_000);
        let command = Command::Alias(SetAlias { version: "tumour@1".parse().expect("a version"), alias });
        assert_eq!(command.title().chars().count(), LONGEST_TITLE + 1);
    }

    #[test]
    fn rows_of_former_versions_still_read() {
        let stored = serde_json::json!({
            "verb": "predict", "version": "tumour@2", "data": "d.csv", "out": null, "batch": null, "target": "y"
        });
        let Command::Predict(command) = serde_json::from_value(stored).expect("reads") else { panic!("another verb") };
        assert_eq!((command.columns.target.as_deref(), command.columns.drop.len()), (Some("y"), 0));
    }
}
