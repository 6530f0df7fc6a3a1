//! `modeldesk list` in a registry of 10,000 models and 200,000 versions.

use anyhow::{Context as _, Result};

use super::measure::{cost, median};
use super::{Context, Row};
use crate::shell;

pub fn run(context: &Context) -> Result<Vec<Row>> {
    let (models, versions) = if context.quick { ("100", "2000") } else { ("10000", "200000") };
    // A hidden verb: rows as imports would have made them, without files.
    let mut seed = context.modeldesk("list");
    shell::run(seed.args(["dev-seed", "--models", models, "--versions", versions]))?;
    let found = median(5, || cost(context.modeldesk("list").args(["list", "models"]), &context.scratch))?;
    let answer: serde_json::Value = serde_json::from_str(&found.output)?;
    let name = answer["items"][0]["name"].as_str().context("the list is empty")?.to_owned();
    let one = median(5, || {
        let mut command = context.modeldesk("list");
        cost(command.args(["list", "versions", &name]), &context.scratch)
    })?;
    let row = |what, seconds, aim| Row { what, ours: seconds, peer: None, unit: "s", less_is_better: true, aim };
    Ok(vec![
        row(format!("{models} models, {versions} versions: list models"), found.seconds, "below 0.1 s"),
        row("list versions of one model".to_owned(), one.seconds, "below 0.1 s"),
    ])
}
