//! Answers to commands.

use desk_app::Outcome;
use desk_app::outcome::{Check, Collected, Deployed, Exported, Imported, Mark, SamplesAdded, TargetView, Verified};
use desk_core::{Severity, counted};

use super::explained::explained;
use super::global::{dependence, importance};
use super::lines::Lines;
use super::lists::state;
use super::predicted::predicted;
use super::surrogate::surrogate;
use super::{bytes, seconds};
use crate::output::one_line;

/// A longer request is no help in a terminal; `--json` has it all the same.
const EXAMPLE: usize = 1000;

/// The answer to a command, as text; `quiet` leaves out how it came about.
pub fn outcome(outcome: &Outcome, quiet: bool) -> String {
    match outcome {
        Outcome::Deploy(answer) if quiet => result(answer),
        Outcome::Import(answer) => imported(answer),
        Outcome::Predict(answer) => predicted(answer),
        Outcome::Explain(answer) => explained(answer),
        Outcome::Importance(answer) => importance(answer),
        Outcome::Dependence(answer) => dependence(answer),
        Outcome::Surrogate(answer) => surrogate(answer),
        Outcome::Deploy(answer) => deployed(answer),
        Outcome::Alias(a) => match a.was {
            Some(was) if was == a.version => format!("{} points at {} v{} already", a.alias, a.model, a.version),
            Some(was) => format!("{} points at {} v{} now, at v{was} before", a.alias, a.model, a.version),
            None => format!("{} points at {} v{} now", a.alias, a.model, a.version),
        },
        Outcome::Target(view) => target(view),
        Outcome::Verify(verified) => self::verified(verified),
        Outcome::Doctor(diagnosis) => checks(&diagnosis.checks),
        Outcome::Samples(added) => sample(added),
        Outcome::Collected(collected) => self::collected(collected),
        Outcome::Exported(exported) => self::exported(exported),
        Outcome::Tensor(a) => format!("Wrote {} values of {} to {}", a.values, one_line(&a.tensor), a.out.display()),
        Outcome::Done(done) => one_line(&done.message),
    }
}

fn imported(a: &Imported) -> String {
    let mut lines = Lines::default();
    lines.line(if a.created {
        format!("Imported {} v{}", a.model, a.version)
    } else {
        format!("These bytes are {} v{} already; no new version was made (--again makes one)", a.model, a.version)
    });
    for what in &a.repaired {
        lines.line(format!("  put back: {what}"));
    }
    lines.line(format!("  {}, {}, {}", state(a.format), state(a.family), bytes(a.size_bytes)));
    lines.line(format!("  version digest  {}", a.digest));
    for file in &a.files {
        lines.line(format!("  file sha256     {}  {}", file.sha256, file.name));
    }
    for v in &a.inputs {
        lines.line(format!("  in   {}  {}", v.name, v.value_type));
    }
    for v in &a.outputs {
        lines.line(format!("  out  {}  {}", v.name, v.value_type));
    }
    if let Some(golden) = &a.golden {
        lines.line(format!("  {} ({})", golden_rows(golden.rows), state(golden.source)));
    }
    for finding in a.findings.iter().filter(|finding| finding.severity != Severity::Info) {
        lines.line(format!("  warning: {}", finding.message));
    }
    lines.text()
}

/// `1 golden row`, `16 golden rows`.
fn golden_rows(rows: usize) -> String {
    if rows == 1 { "1 golden row".to_owned() } else { format!("{rows} golden rows") }
}

/// What came of a rollout, in a line.
fn result(a: &Deployed) -> String {
    if a.already {
        return format!("{} was {} already on {} (revision {})", a.version, state(a.state), a.target, a.revision);
    }
    if let Some(by) = &a.made_live_by {
        let version = a.digest.map(|digest| format!("version {}, ", digest.short())).unwrap_or_default();
        return format!("{} is {} on {}: {version}made live by {by}", a.version, state(a.state), a.target);
    }
    let unproven = if a.parity.as_ref().is_some_and(|parity| !parity.proven()) { ", NOT PROVEN" } else { "" };
    format!("{} is {} on {} (revision {}){unproven}", a.version, state(a.state), a.target, a.revision)
}

fn deployed(a: &Deployed) -> String {
    let mut lines = Lines::default();
    lines.line(result(a));
    for step in &a.steps {
        let detail = step.detail.as_ref().map(|detail| format!("  {detail}")).unwrap_or_default();
        lines.line(format!("  {:<8} {:<12} {}{detail}", state(step.state), step.name, seconds(step.seconds)));
    }
    if let Some(parity) = a.parity.as_ref().filter(|parity| !parity.proven()) {
        lines.line(format!("  NOT PROVEN: of {} only the form could be compared", golden_rows(parity.rows)));
    }
    if let Some(parity) = a.parity.as_ref().filter(|parity| parity.proven()) {
        lines.line(format!(
            "  {} answered alike: largest difference {:.1e}, allowed {:.0e} + {:.0e} relative",
            golden_rows(parity.rows),
            parity.max_abs_diff,
            parity.tolerance.absolute,
            parity.tolerance.relative
        ));
    }
    if let Some(url) = &a.url {
        match &a.far {
            None => lines.line(format!("  answers at {url}")),
            Some(far) => {
                lines.line(format!("  answers at {url} {}", far.whose()));
                lines.line(format!("  hint: to reach it from here: {}", far.tunnel));
            }
        }
    }
    if let Some(example) = a.example.as_ref().filter(|example| example.len() <= EXAMPLE) {
        lines.line(format!("  hint: to try it: {example}"));
    }
    let deployment = if a.deployment.is_empty() { String::new() } else { format!(" · deployment {}", a.deployment) };
    lines.line(format!("  took {}{deployment}", seconds(a.seconds)));
    lines.text()
}

fn target(view: &TargetView) -> String {
    let mut lines = Lines::default();
    lines.line(format!("{} ({}, {})", view.name, view.kind, view.address));
    if let Some(login) = view.login() {
        lines.line(format!("  logs in {login}"));
    }
    lines.block(checks(&view.checks));
    lines.text()
}

fn checks(checks: &[Check]) -> String {
    let mut lines = Lines::default();
    for check in checks {
        let mark = match check.mark() {
            Mark::Good => "ok  ",
            Mark::Note => "note",
            Mark::Bad => "FAIL",
        };
        lines.line(format!("  {mark}  {:<16} {}", check.name, check.detail));
        if let Some(hint) = &check.hint {
            lines.line(format!("        {:<16} hint: {hint}", ""));
        }
    }
    lines.text()
}

fn verified(a: &Verified) -> String {
    let mut lines = Lines::default();
    lines.line(format!("{} things checked, {} wrong", a.checked, a.problems.len()));
    for problem in &a.problems {
        lines.line(format!("  problem: {problem}"));
    }
    for hint in &a.hints {
        lines.line(format!("  hint: {hint}"));
    }
    lines.text()
}

fn jobs_run(n: u64) -> String {
    if n == 1 { "1 job runs".to_owned() } else { format!("{n} jobs run") }
}

/// What `gc` removed, or would remove.
fn collected(a: &Collected) -> String {
    const SHOWN: usize = 20;
    let mut lines = Lines::default();
    let (verb, none) =
        if a.dry_run { ("Would remove", "Nothing to remove") } else { ("Removed", "Nothing was unused") };
    if a.blobs + a.folders == 0 {
        lines.line(none);
    } else {
        lines.line(format!("{verb} {} unused files, {}, and {} left folders", a.blobs, bytes(a.bytes), a.folders));
    }
    for item in a.items.iter().take(SHOWN) {
        lines.line(format!("  {}  {}", item.digest.short(), bytes(item.bytes)));
    }
    if a.items.len() > SHOWN {
        lines.line(format!("  … {} more", a.items.len() - SHOWN));
    }
    match (a.running, a.spared) {
        (0, 0) => {}
        (0, new) => {
            let (files, is) = (counted(new, "unused file"), if new == 1 { "is" } else { "are" });
            lines.line(format!("{files} {is} less than a minute old, which gc leaves alone: run it again in a minute"));
        }
        (running, _) => lines.line(format!("{} now; what was stored since is left alone", jobs_run(running))),
    }
    lines.text()
}

/// What was written, and how much of the test that is.
fn exported(a: &Exported) -> String {
    let (total, columns) = (counted(a.total, "row"), counted(a.columns.len() as u64, "column"));
    format!("Wrote {} of {total} with {columns} to {}", a.rows, a.out.display())
}

/// What `sample` imported and where its data lies.
fn sample(added: &SamplesAdded) -> String {
    let mut lines = Lines::default();
    lines.line(format!("Samples are in {}", added.folder.display()));
    for item in &added.models {
        lines.line(format!("  {:<16} {}", item.version, item.title));
        lines.line(format!("  {:<16} data: {}", "", item.data.display()));
    }
    lines.text()
}
