//! What can be typed.

mod data;
mod global;
mod parse;
mod parts;
mod places;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use desk_core::{ModelName, VersionRef};

pub use self::data::{
    ColumnArgs, CompareArgs, ExplainArgs, GraphArgs, GroupArgs, ImportArgs, ListArgs, ListKind, PredictArgs,
    ReasonArgs, RowsArgs, WhatIfArgs,
};
pub use self::global::{DependenceArgs, ImportanceArgs, SurrogateArgs};
pub use self::places::{CredentialSet, CredentialVerb, JobsVerb, TargetVerb};
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
    /// Show the operators of a version's model and how they are connected
    #[command(
        after_help = "Examples:\n  modeldesk graph digits@1 --find conv\n  modeldesk graph digits@1 --tensor conv1.weight\n  modeldesk graph digits@1 --tensor conv1.weight --out conv1.npy"
    )]
    Graph(GraphArgs),
    /// Show two versions side by side: what they take, what they are made of, how they answer the same rows
    #[command(after_help = "Example: modeldesk compare churn@1 churn@2 --data holdout.csv")]
    Compare(CompareArgs),
    /// Show the rows of a test with their answers: filtered, sorted, or written to a file
    #[command(
        after_help = "Examples:\n  modeldesk rows churn@2 --wrong --where 'tenure>=12' --sort plan,-tenure\n  modeldesk rows churn@2 --where 'plan in basic,plus' --where 'age is present' --out some.parquet"
    )]
    Rows(RowsArgs),
    /// Ask what a version would answer to a row if some of its values were others
    #[command(after_help = "Example: modeldesk what-if churn@2 --data holdout.csv --row 4 --set tenure=24")]
    WhatIf(WhatIfArgs),
    /// Move an alias to a version
    #[command(after_help = "Example: modeldesk alias churn@2 champion")]
    Alias {
        /// The version to point at: NAME@NUMBER
        #[arg(add = complete::versions())]
        version: VersionRef,
        /// The alias, such as champion
        alias: String,
    },
    /// Keep a row of an explanation as evidence, with why
    #[command(
        after_help = "Example: modeldesk pin 0193… --row 12 --note 'turned down although the income is high'\n\nThe row must be one of the explanation's. The same row again gets the new note. modeldesk pins lists what is pinned, modeldesk undo takes it back."
    )]
    Pin {
        /// The explanation: the id of its run
        run: String,
        /// The row's number in the data, from 1
        #[arg(long)]
        row: u64,
        /// Why it matters
        #[arg(long)]
        note: Option<String>,
    },
    /// Keep a row as evidence no longer
    #[command(after_help = "Example: modeldesk unpin 0193… --row 12")]
    Unpin {
        /// The explanation: the id of its run
        run: String,
        /// The row's number in the data, from 1
        #[arg(long)]
        row: u64,
    },
    /// The rows of a version's explanations that are pinned as evidence
    #[command(after_help = "Example: modeldesk pins churn@2")]
    Pins {
        /// The version: NAME@NUMBER
        #[arg(add = complete::versions())]
        version: VersionRef,
    },
    /// Write a recorded explanation to a file: as a page, a table or JSON
    #[command(
        after_help = "Example: modeldesk values 0193… --out explained.html\n\nNothing is worked out again: the file holds what was recorded. modeldesk list runs shows the ids."
    )]
    Values {
        /// The explanation: the id of its run
        run: String,
        /// The file: .html, .parquet or .json
        #[arg(long)]
        out: PathBuf,
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
    #[command(after_help = explain_help())]
    Explain(ExplainArgs),
    /// How much each feature matters: what shuffling its values costs, with intervals
    #[command(
        after_help = "Example: modeldesk importance churn@2 --data holdout.csv --target churned\n\nPermutation importance (Breiman 2001) as scikit-learn has it. The interval is that of the mean over the rows; where features are correlated, shuffling one makes rows that cannot be."
    )]
    Importance(ImportanceArgs),
    /// How the answers change along a feature: partial dependence, single rows, accumulated local effects
    #[command(
        after_help = "Examples:\n  modeldesk dependence churn@2 --data holdout.csv --feature tenure\n  modeldesk dependence churn@2 --data holdout.csv --feature tenure --with plan\n\nPartial dependence sets the feature to each value in every row, also in rows where that cannot be; accumulated local effects (Apley and Zhu 2020) stay where the rows are. Where the two differ, the feature is correlated with others. --with sets two features together and says how much of what they do they do only together: H (Friedman and Popescu 2008) is 0 where they add up, 1 where neither does anything alone; means in brackets have no row near them."
    )]
    Dependence(DependenceArgs),
    /// A small tree in place of the model: rules to read, and how far they may be believed
    #[command(
        after_help = "Example: modeldesk surrogate churn@2 --data holdout.csv --depth 3\n\nA global surrogate: a regression tree (CART) grown on the model's own answers to seven of ten rows and judged on the others. R² is the share of the variance of the model's answers that the tree gives; where the answers are probabilities of classes, it is told too how often both name the same class. Below 0.8 and 0.9 a warning says so. The tree says what the model does where these rows are, and nothing of the truth."
    )]
    Surrogate(SurrogateArgs),
    /// Keep secrets in the system's keyring
    #[command(subcommand)]
    Credential(CredentialVerb),
    /// Places to deploy to
    #[command(subcommand)]
    Target(TargetVerb),
    /// Push a version to a target, prove it there, and switch to it
    #[command(
        after_help = "Example: modeldesk deploy churn@2 --to edge-01\n\nIt answers on the target's own loopback address. To reach that of a target by SSH from here, as the answer says:\n  ssh -N -L 8123:127.0.0.1:8123 -p 22 USER@HOST"
    )]
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
        /// Also what another desk has made live there since
        #[arg(long, conflicts_with = "gone")]
        replace_other: bool,
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
        after_help = "Example: modeldesk doctor\nIt ends with 3 when a check fails; scripts read `ok` of the checks in --json"
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

/// Reads a command line. A negative number is a value wherever a value may stand: `--output -1` names a class, and
/// `--depth -1` is told to be out of range, not to be an option that nobody knows.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = with_negative_numbers(Cli::command());
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let takes = |arg: clap::Arg| {
        let values = arg.get_action().takes_values() && !arg.is_allow_hyphen_values_set();
        if values { arg.allow_negative_numbers(true) } else { arg }
    };
    command.mut_args(takes).mut_subcommands(with_negative_numbers)
}

/// Takes verbs that nobody is to type out of what clap suggests for a mistyped one.
pub fn suggest_no_hidden(error: &mut clap::Error) {
    let Some(ContextValue::Strings(suggested)) = error.get(ContextKind::SuggestedSubcommand) else { return };
    let cli = Cli::command();
    let is_hidden = |name: &String| cli.find_subcommand(name).is_some_and(clap::Command::is_hide_set);
    let shown: Vec<String> = suggested.iter().filter(|name| !is_hidden(name)).cloned().collect();
    error.remove(ContextKind::SuggestedSubcommand);
    if !shown.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(shown));
    }
}

/// Examples of `explain`, and the operators that its methods for networks pass.
fn explain_help() -> String {
    let mut families: Vec<(&str, Vec<&str>)> = Vec::new();
    for covered in desk_app::gradients::covered() {
        match families.iter_mut().find(|(family, _)| *family == covered.family) {
            // Two operator sets may have one of the same name.
            Some((_, ops)) if ops.contains(&covered.op) => {}
            Some((_, ops)) => ops.push(covered.op),
            None => families.push((covered.family, vec![covered.op])),
        }
    }
    let lines: Vec<String> = families.iter().map(|(family, ops)| format!("  {family}: {}", ops.join(", "))).collect();
    format!(
        "Examples:\n  modeldesk explain churn --data holdout.csv --rows 4..4\n  modeldesk explain digits --data \
         heldout.npz --rows 1..3 --method ig --output 7\n  modeldesk explain digits --data heldout.npz --rows 2 --method lime --segments 20\n  modeldesk explain reviews --data reviews.csv --rows 2 --method lime\n\nMethods for tree ensembles, exact for a \
         background of any size:\n  tree: absent features take the values of background rows\n  path: absent features \
         go both ways at a split, as often as the background's rows do (path-dependent TreeSHAP)\n\nFor linear models, before their last step:\n  linear: the \
         closed form, exact for a background of any size\n\nFor every model:\n  exact, kernel, permutation: Shapley values; of columns, of a picture's segments (--segments) or of a text's words\n  owen: the same in unions: columns that go together, the groups of --group, neighbouring segments or words\n  lime: a linear stand-in near the row; of pictures by segments and of texts by words, as lime does\n  occlusion: what the answer loses when a feature, or a patch of a picture, is covered by the \
         background's mean\n\nMethods for networks, by the gradient of the model itself \
         (of its scores, unless --space probability):\n  saliency: how much the answer changes with a feature\n  ixg: \
         gradient times input\n  ig: integrated gradients from the background's mean, with the completeness \
         delta\n  smoothgrad: the mean gradient near the row\n  gradshap: expected gradients over the \
         background\n  deeplift: DeepLIFT's rescale rule against the background's mean\n  deepshap: the mean of \
         deeplift over the background\n  lrp: relevance by the epsilon rule; no softmax, gates or normalisations \
         on the way\n  guided-backprop: the gradient, cut off below 0 at each rectifier\n  grad-cam: where the channels of a \
         convolution speak for the answer, enlarged to the picture\n\nThey pass these operators; any other on the way is named and refused:\n{}\n\nQuality (--quality), each measure by itself, as there is no one score of them:\n  deletion, \
         insertion: the area under the answer as the features named first go or come (Petsiuk et al. 2018), beside that of \
         random orders\n  infidelity: what the attributions foretell of a change less what the answer does, squared, as a part \
         of the squared change (Yeh et al. 2019); scaled: after the factor that suits them best\n  max-sensitivity: how far \
         the attributions move when the row moves by a tenth of a standard deviation (Yeh et al. 2019)\n  agreement: what of \
         the five most important features another method names too, and rank correlations (Krishna et al. 2022)",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_are_values() {
        let line = |more: &[&str]| {
            let words = ["modeldesk", "explain", "churn", "--data", "x.csv"].iter().chain(more);
            parse(words.map(OsString::from).collect::<Vec<_>>())
        };
        let Ok(Cli { verb: Verb::Explain(args), .. }) = line(&["--output", "-1"]) else { panic!("a class named -1") };
        assert_eq!(args.reasons.output.as_deref(), Some("-1"));
        for option in ["--seed", "--samples", "--patch", "--rows"] {
            let told = line(&[option, "-1"]).expect_err("out of range").to_string();
            assert!(told.contains("invalid value '-1'") && !told.contains("tip:"), "{told}");
        }
        let told = line(&["--sede", "-1"]).expect_err("no such option").to_string();
        assert!(told.contains("--seed"), "{told}");
    }

    #[test]
    fn a_mistyped_verb_suggests_none_that_is_hidden() {
        for (typed, suggested) in [("dev-sed", None), ("deplyo", Some("deploy"))] {
            let mut error = Cli::try_parse_from(["modeldesk", typed]).expect_err("no such verb");
            suggest_no_hidden(&mut error);
            let said = error.to_string();
            assert!(!said.contains("dev-seed"), "{said}");
            assert!(suggested.is_none_or(|verb| said.contains(verb)), "{said}");
        }
    }

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
}
