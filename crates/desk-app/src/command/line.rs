//! The command line that does the same as a command.

use std::path::PathBuf;

use desk_core::words::shell_word;

use super::{
    Columns, Command, Dependence, Echo, Explain, Hide, Importance, MethodSettings, PICKED, PartSettings, Pick,
    Surrogate,
};
use crate::quality::Replacement;

impl Command {
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
            Self::Pin(c) => {
                line.word("pin").word(&c.run).option("--row", Some(c.row));
                line.option("--note", c.note.as_ref());
            }
            Self::Unpin(c) => {
                line.word("unpin").word(&c.run).option("--row", Some(c.row));
            }
            Self::Predict(c) => {
                line.word("predict").word(&c.version).word("--data").path(&c.data);
                line.option_path("--out", c.out.as_ref());
                line.option("--device", (c.device != "auto").then_some(&c.device));
                line.option("--batch", c.batch);
                columns_args(&mut line, &c.columns);
                line.option("--positive", c.positive.as_ref());
                line.flag("--echo-all", c.echo == Echo::All);
                if let Echo::Columns(columns) = &c.echo {
                    for names in columns {
                        line.word("--echo").word(names);
                    }
                }
            }
            Self::Explain(c) => explain_args(&mut line, c),
            Self::Importance(c) => importance_args(&mut line, c),
            Self::Dependence(c) => dependence_args(&mut line, c),
            Self::Surrogate(c) => surrogate_args(&mut line, c),
            Self::ExportRows(c) => {
                line.word("rows").word(&c.version).option("--run", c.run.as_ref());
                line.words(c.view.to_args());
                for names in &c.columns {
                    line.word("--columns").word(names);
                }
                line.word("--out").path(&c.out).flag("--force", c.force);
            }
            Self::ExportTensor(c) => {
                line.word("graph").word(&c.version).word("--tensor").word(&c.tensor.name);
                line.option("--within", c.tensor.graph.as_ref());
                line.word("--out").path(&c.out).flag("--force", c.force);
            }
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
                line.flag("--allow-signature-change", c.permissions.allow_signature_change);
                line.flag("--allow-unproven", c.permissions.allow_unproven);
                line.flag("--replace-other", c.permissions.replace_other);
            }
            Self::Rollback(c) => {
                line.word("rollback").word(&c.deployment).option("--to", c.to);
            }
            Self::Undeploy(c) => {
                // Whoever copies this has made up his mind.
                line.word("undeploy").word(&c.deployment).flag("--gone", c.gone);
                line.flag("--replace-other", c.replace_other).word("--yes");
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
        quoted(&self.to_args())
    }
}

impl Explain {
    /// The command line that asks what row `row` would be answered if the cells in `set` were others.
    pub fn what_if_cli<'s>(&self, row: u64, set: impl IntoIterator<Item = (&'s String, &'s String)>) -> String {
        let mut line = Args::default();
        line.word("what-if").word(&self.version).word("--data").path(&self.data).option("--row", Some(row));
        for (column, value) in set {
            line.word("--set").word(format!("{column}={value}"));
        }
        reason_args(&mut line, self);
        quoted(&line.0)
    }
}

fn quoted(args: &[String]) -> String {
    let words: Vec<String> = args.iter().map(|word| shell_word(word)).collect();
    format!("modeldesk {}", words.join(" "))
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
    if let Some(Pick { by, count, threshold }) = &c.pick {
        line.word("--pick").word(by).option("--count", (*count != PICKED).then_some(count));
        line.option("--threshold", *threshold);
    }
    reason_args(line, c);
    if let Some(quality) = &c.settings.quality {
        line.word(match quality.replaced_by {
            Replacement::Rows => "--quality",
            Replacement::Mean => "--quality=mean",
        });
        line.option("--against", quality.against.as_ref());
    }
    line.flag("--interactions", c.interactions).flag("--finished", c.finished);
    line.option_path("--out", c.out.as_ref());
}

fn importance_args(line: &mut Args, c: &Importance) {
    line.word("importance").word(&c.version).word("--data").path(&c.data);
    columns_args(line, &c.columns);
    line.option("--rows", (c.rows != crate::global::ROWS).then_some(c.rows)).option("--score", c.score.as_ref());
    line.option("--repeats", (c.repeats != crate::global::REPEATS).then_some(c.repeats));
    line.option("--seed", (c.seed != 0).then_some(c.seed));
    grouping_args(line, &c.grouping.groups, c.grouping.no_groups);
}

fn dependence_args(line: &mut Args, c: &Dependence) {
    line.word("dependence").word(&c.version).word("--data").path(&c.data).word("--feature").word(&c.feature);
    line.option("--with", c.with.as_ref());
    let usual = if c.with.is_some() { crate::global::PAIR_POINTS } else { crate::global::POINTS };
    columns_args(line, &c.columns);
    line.option("--rows", (c.rows != crate::global::ROWS).then_some(c.rows));
    line.option("--points", (c.points != usual).then_some(c.points));
    line.option("--curves", (c.curves != crate::global::CURVES).then_some(c.curves));
    line.option("--output", c.output.as_ref());
    grouping_args(line, &c.grouping.groups, c.grouping.no_groups);
}

fn grouping_args(line: &mut Args, groups: &[(String, String)], no_groups: bool) {
    for (name, columns) in groups {
        line.word("--group").word(format!("{name}={columns}"));
    }
    line.flag("--no-groups", no_groups);
}

fn surrogate_args(line: &mut Args, c: &Surrogate) {
    line.word("surrogate").word(&c.version).word("--data").path(&c.data);
    columns_args(line, &c.columns);
    line.option("--rows", (c.rows != crate::global::ROWS).then_some(c.rows));
    line.option("--depth", (c.depth != crate::global::DEPTH).then_some(c.depth));
    line.option("--leaf-rows", c.leaf_rows).option("--seed", (c.seed != 0).then_some(c.seed));
    line.option("--output", c.output.as_ref());
}

/// How the reasons are found, whichever rows they are of.
fn reason_args(line: &mut Args, c: &Explain) {
    line.option_path("--background", c.background.as_ref());
    columns_args(line, &c.columns);
    line.option("--method", (c.method != "auto").then_some(&c.method)).option("--samples", c.samples);
    line.option("--seed", (c.seed != 0).then_some(c.seed)).option("--output", c.output.as_ref());
    line.option("--space", c.space.as_ref());
    let MethodSettings { patch, stride, layer, groups, no_groups, parts, quality: _ } = &c.settings;
    line.option("--patch", *patch).option("--stride", *stride).option("--layer", layer.as_ref());
    grouping_args(line, groups, *no_groups);
    let PartSettings { segments, hide, text, no_text, positions } = parts;
    line.option("--segments", *segments).option("--hide", hide.map(Hide::name)).option("--text", text.as_ref());
    line.flag("--no-text", *no_text).flag("--positions", *positions);
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
    for (column, value) in &columns.fill {
        line.word("--fill").word(format!("{column}={value}"));
    }
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

    fn words(&mut self, words: Vec<String>) -> &mut Self {
        self.0.extend(words);
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
