//! Verbs to commands and queries.

mod graph;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use desk_app::command::{
    Archive, Columns, Command, CredentialName, Dependence, Deploy, Echo, Explain, Gc, Grouping, Import, Importance,
    MethodSettings, PICKED, Permissions, Pick, PickBy, Pin, Predict, QualitySettings, Rollback, SetAlias, Surrogate,
    TargetAdd, TargetName, TargetTrust, Undeploy, Undo, Unpin, Verify,
};
use desk_app::global::{PAIR_POINTS, POINTS};
use desk_app::outcome::TargetView;
use desk_app::quality::Replacement;
use desk_app::query::ModelFilter;
use desk_app::{Desk, DeskOptions, Outcome};
use desk_core::{Cancel, Fault, FaultKind, VersionRef};
use serde::Serialize;

use crate::args::{
    Cli, ColumnArgs, CompareArgs, CredentialVerb, GroupArgs, JobsVerb, ListArgs, ListKind, ReasonArgs, TargetVerb,
    Verb, WhatIfArgs,
};
use crate::output::Printer;
use crate::progress::Bar;
use crate::{complete, render, secrets};

/// How long a list waits for rollouts that a killed desk left open.
const CATCH_UP: Duration = Duration::from_secs(3);

/// The JSON of every list.
#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

/// Does what was typed.
pub fn dispatch(cli: Cli, printer: &Printer, cancel: &Cancel) -> Result<(), Fault> {
    if let Verb::Completions { shell } = cli.verb {
        return printer.plain(&complete::script(&shell)?);
    }
    let options = home(cli.global.home.as_deref(), printer)?;
    let desk = match cli.verb {
        Verb::Doctor => Desk::open_to_diagnose(options)?,
        _ => Desk::open(options)?,
    };
    match cli.verb {
        Verb::List(args) => list(&desk, printer, &args),
        Verb::Show { version } => {
            let view = desk.version(&version)?;
            printer.answer(&render::show_json(&view), || render::show(&view))
        }
        Verb::Graph(args) => graph::graph(&desk, printer, cancel, args),
        Verb::Compare(args) => compare(&desk, printer, cancel, args),
        Verb::WhatIf(args) => what_if(&desk, printer, cancel, args),
        Verb::Rows(args) => rows::rows(&desk, printer, cancel, args),
        Verb::Credential(verb) => credential(&desk, printer, cancel, verb),
        Verb::Target(TargetVerb::List) => list_targets(&desk, printer),
        Verb::Jobs { verb: None } => list_jobs(&desk, printer),
        Verb::Jobs { verb: Some(JobsVerb::Cancel { id }) } => {
            desk.cancel(&id)?;
            printer.answer(&serde_json::json!({ "cancelled": id }), || format!("Asked {id} to stop"))
        }
        Verb::Jobs { verb: Some(JobsVerb::Resume) } => {
            secrets::unlock_to_resume(&desk, printer)?;
            let bar = Bar::new(printer.bars);
            let items = desk.recover(cancel, &bar)?;
            bar.done();
            printer.answer(&Items { items: items.clone() }, || render::taken_up(&items))
        }
        Verb::Pins { version } => {
            let items = desk.pins(&version)?;
            printer.answer(&Items { items: items.clone() }, || render::pins(&items))
        }
        Verb::Values { run, out } => {
            let out = absolute(&out)?;
            desk.save_values(&run, &out)?;
            printer.answer(&serde_json::json!({ "run": run, "out": out }), || format!("Written to {}", out.display()))
        }
        Verb::Log { limit } => {
            let items = desk.operations(limit)?;
            printer.answer(&Items { items: items.clone() }, || render::operations(&items))
        }
        Verb::Serve { version, port } => serve(&desk, printer, cancel, &version, port),
        Verb::DevSeed { models, versions } => {
            desk.seed_for_benchmark(models, versions)?;
            printer.answer(&serde_json::json!({ "models": models, "versions": versions }), || "Seeded".into())
        }
        Verb::Undeploy { deployment, yes, gone, replace_other } => {
            if !yes {
                let what = if gone { "is noted as stopped without being reached" } else { "stops answering" };
                let there = if replace_other { desk.serves_there(&deployment) } else { None };
                let there = there.map(|there| format!(", which serves {there},")).unwrap_or_default();
                confirm(printer, &format!("{deployment}{there} {what}"))?;
            }
            run(&desk, printer, cancel, Command::Undeploy(Undeploy { deployment, gone, replace_other }))
        }
        verb => run(&desk, printer, cancel, command(verb)?),
    }
}

/// Answers one row as it stands and with some values changed.
fn what_if(desk: &Desk, printer: &Printer, cancel: &Cancel, args: WhatIfArgs) -> Result<(), Fault> {
    let asked = explain(args.version, &args.data, (Some(args.row), Some(args.row)), args.reasons, None)?;
    let found = desk.what_if(&asked, &args.set, cancel)?;
    printer.answer(&found, || render::what_if(&found))
}

/// Compares two versions, after scoring a file with both where one was named.
fn compare(desk: &Desk, printer: &Printer, cancel: &Cancel, args: CompareArgs) -> Result<(), Fault> {
    let mut judged = None;
    let columns = columns(args.columns)?;
    if let Some(data) = &args.data {
        let data = absolute(data)?;
        for version in [&args.first, &args.second] {
            let command = Command::Predict(Predict {
                version: version.clone(),
                data: data.clone(),
                out: None,
                device: "auto".to_owned(),
                batch: None,
                positive: args.positive.clone(),
                columns: columns.clone(),
                echo: Echo::None,
            });
            let bar = Bar::new(printer.bars);
            let scored = desk.run(command, cancel, &bar);
            bar.done();
            let scored = scored.map_err(|fault| fault.context(format!("scoring with {version}")));
            if let Outcome::Predict(answer) = scored? {
                judged = answer.target;
            }
        }
    }
    let bar = Bar::new(printer.bars);
    let comparison = desk.compare(&args.first, &args.second, cancel, &bar);
    bar.done();
    let comparison = comparison?;
    printer.answer(&comparison, || render::comparison(&comparison))?;
    if let Some(data) = args.data.filter(|_| judged.is_none()) {
        offer_truth(desk, printer, &args.second, &absolute(&data)?, &columns);
    }
    Ok(())
}

/// The home that was named, else the usual one. A relative one means another folder wherever it is said, so it is
/// told in full where that makes a new home.
fn home(named: Option<&Path>, printer: &Printer) -> Result<DeskOptions, Fault> {
    let variable = std::env::var_os("MODELDESK_HOME").map(PathBuf::from);
    let Some(named) = named.or(variable.as_deref()) else { return DeskOptions::default_home() };
    if named.as_os_str().is_empty() {
        return Err(Fault::new(FaultKind::Usage, "MODELDESK_HOME is set and names no folder")
            .hint("Set it to a folder, or unset it to use the usual one"));
    }
    let home = absolute(named)?;
    if named.is_relative() && !home.join("registry.db").exists() && !home.join("blobs").exists() {
        printer.aside(&format!("A new home is made in {}", home.display()));
    }
    Ok(DeskOptions::for_home(home))
}

/// Asks a person; where nobody can be asked, the answer must have been given with `--yes`.
fn confirm(printer: &Printer, what: &str) -> Result<(), Fault> {
    if !printer.interactive {
        return Err(Fault::new(FaultKind::Usage, format!("{what}: that must be confirmed")).hint("Add --yes"));
    }
    printer.note(&format!("{what}. Type `yes` to go on:"));
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Fault::input("cannot read the answer").detail(error.to_string()))?;
    if line.trim() == "yes" { Ok(()) } else { Err(Fault::cancelled()) }
}

/// The command that a verb stands for.
fn command(verb: Verb) -> Result<Command, Fault> {
    Ok(match verb {
        Verb::Import(a) => Command::Import(Import {
            path: absolute(&a.path)?,
            name: a.name,
            columns: of_golden(columns(a.columns)?, a.golden.is_some())?,
            golden: a.golden.as_deref().map(absolute).transpose()?,
            note: a.note,
            alias: a.alias,
            again: a.again,
            golden_seconds: a.golden_seconds,
        }),
        Verb::Alias { version, alias } => Command::Alias(SetAlias { version, alias }),
        Verb::Pin { run, row, note } => Command::Pin(Pin { run, row, note }),
        Verb::Unpin { run, row } => Command::Unpin(Unpin { run, row }),
        Verb::Archive { model, restore } => Command::Archive(Archive { model, archived: !restore }),
        Verb::Predict(a) => Command::Predict(Predict {
            version: a.version,
            data: absolute(&a.data)?,
            out: a.out.as_deref().map(absolute).transpose()?,
            device: a.device,
            batch: a.batch,
            positive: a.positive,
            columns: columns(a.columns)?,
            echo: match a.echo_all {
                true => Echo::All,
                false if a.echo.is_empty() => Echo::None,
                false => Echo::Columns(a.echo),
            },
        }),
        Verb::Explain(a) => {
            let rows = a.rows.unwrap_or((None, None));
            let asked = explain(a.version, &a.data, rows, a.reasons, a.out.as_deref())?;
            let quality = a.quality.map(|with| QualitySettings {
                replaced_by: if with == "mean" { Replacement::Mean } else { Replacement::Rows },
                against: a.against,
            });
            let settings = MethodSettings { quality, ..asked.settings };
            let pick = a.pick.map(|by| pick(&by, a.count, a.threshold)).transpose()?;
            Command::Explain(Explain { interactions: a.interactions, finished: a.finished, pick, settings, ..asked })
        }
        Verb::Importance(a) => Command::Importance(Importance {
            version: a.over.version,
            data: absolute(&a.over.data)?,
            columns: columns(a.over.columns)?,
            rows: a.over.rows,
            repeats: a.repeats,
            seed: a.seed,
            score: a.score,
            grouping: grouping(a.grouping)?,
        }),
        Verb::Dependence(a) => Command::Dependence(Dependence {
            version: a.over.version,
            data: absolute(&a.over.data)?,
            columns: columns(a.over.columns)?,
            rows: a.over.rows,
            feature: a.feature,
            points: a.points.map_or(if a.with.is_some() { PAIR_POINTS } else { POINTS }, |points| points as usize),
            with: a.with,
            curves: a.curves as usize,
            output: a.output,
            grouping: grouping(a.grouping)?,
        }),
        Verb::Surrogate(a) => Command::Surrogate(Surrogate {
            version: a.over.version,
            data: absolute(&a.over.data)?,
            columns: columns(a.over.columns)?,
            rows: a.over.rows,
            output: a.output,
            depth: a.depth as usize,
            leaf_rows: a.leaf_rows,
            seed: a.seed,
        }),
        Verb::Target(TargetVerb::Add(a)) => Command::TargetAdd(TargetAdd {
            name: a.name,
            kind: a.kind.unwrap_or_default(),
            set: each_once("--set", a.set)?,
            credential: a.credential,
            replace: a.replace,
        }),
        Verb::Target(TargetVerb::Check { name }) => Command::TargetCheck(TargetName { name }),
        Verb::Target(TargetVerb::Trust { name, fingerprint }) => {
            Command::TargetTrust(TargetTrust { name, fingerprint })
        }
        Verb::Target(TargetVerb::Remove { name }) => Command::TargetRemove(TargetName { name }),
        Verb::Deploy { version, to, allow_signature_change, allow_unproven, replace_other, .. } => {
            let permissions = Permissions { allow_signature_change, allow_unproven, replace_other };
            Command::Deploy(Deploy { version, to, permissions })
        }
        Verb::Rollback { deployment, to } => Command::Rollback(Rollback { deployment, to }),
        Verb::Verify { version } => Command::Verify(Verify { version }),
        Verb::Doctor => Command::Doctor,
        Verb::Sample => Command::Sample,
        Verb::Gc { dry_run } => Command::Gc(Gc { dry_run }),
        Verb::Undo { operation } => Command::Undo(Undo { operation }),
        other => return Err(Fault::bug(format!("no command for the verb {other:?}"))),
    })
}

/// What is to be explained, and how.
fn explain(
    version: VersionRef,
    data: &Path,
    (first_row, last_row): (Option<u64>, Option<u64>),
    reasons: ReasonArgs,
    out: Option<&Path>,
) -> Result<Explain, Fault> {
    Ok(Explain {
        version,
        data: absolute(data)?,
        first_row,
        last_row,
        pick: None,
        background: reasons.background.as_deref().map(absolute).transpose()?,
        columns: columns(reasons.columns)?,
        method: reasons.method,
        samples: reasons.samples,
        seed: reasons.seed,
        output: reasons.output,
        space: reasons.space,
        settings: MethodSettings {
            patch: reasons.patch,
            stride: reasons.stride,
            layer: reasons.layer,
            groups: each_once("--group", reasons.grouping.group)?,
            no_groups: reasons.grouping.no_groups,
            parts: reasons.parts.settings(),
            quality: None,
        },
        interactions: false,
        finished: false,
        out: out.map(absolute).transpose()?,
    })
}

fn grouping(args: GroupArgs) -> Result<Grouping, Fault> {
    Ok(Grouping { groups: each_once("--group", args.group)?, no_groups: args.no_groups })
}

fn pick(by: &str, count: Option<u64>, threshold: Option<f64>) -> Result<Pick, Fault> {
    if threshold.is_some_and(|threshold| !threshold.is_finite()) {
        return Err(Fault::new(FaultKind::Usage, "the threshold is no number").hint("Give one such as 0.3"));
    }
    let by: PickBy = by.parse()?;
    if threshold.is_some() && by != PickBy::Threshold {
        return Err(Fault::new(FaultKind::Usage, format!("--pick {by} looks at no threshold"))
            .hint("Leave --threshold away, or take --pick threshold"));
    }
    Ok(Pick { by, count: count.map_or(PICKED, |count| count as usize), threshold })
}

fn columns(args: ColumnArgs) -> Result<Columns, Fault> {
    let header = (args.header || args.no_header).then_some(args.header);
    let map = each_once("--map", args.map)?;
    let fill = each_once("--fill", args.fill)?;
    Ok(Columns { target: args.target, map, drop: args.drop, header, missing: args.missing, fill })
}

/// What says how the golden rows' columns become inputs needs golden rows.
fn of_golden(columns: Columns, has_golden: bool) -> Result<Columns, Fault> {
    if has_golden || columns == Columns::default() {
        return Ok(columns);
    }
    Err(Fault::new(FaultKind::Usage, "options for the columns of golden rows were given, and there are none")
        .hint("Name a file with rows (--golden FILE), or give these options to predict and explain"))
}

/// Pairs of which no key comes twice: which one was meant is not guessed.
fn each_once(option: &str, pairs: Vec<(String, String)>) -> Result<Vec<(String, String)>, Fault> {
    let twice = pairs.iter().enumerate().find(|(i, (key, _))| pairs[..*i].iter().any(|(other, _)| other == key));
    let Some((_, (key, _))) = twice else { return Ok(pairs) };
    let fault = Fault::new(FaultKind::Usage, format!("{option} {key}=… was given more than once"));
    Err(if option == "--map" {
        fault.hint(format!("Name all columns of the input at once: --map {key}=A,B,C"))
    } else {
        fault.hint("Give each name once")
    })
}

/// After answers that were compared with nothing: which column of the file looks like the truth.
fn offer_truth(desk: &Desk, printer: &Printer, version: &VersionRef, data: &Path, columns: &Columns) {
    // Without it the answers are as good as before.
    if let Ok(Some(truth)) = desk.proposed_truth(version, data, columns) {
        let column = desk_core::words::shell_word(&truth.column);
        printer
            .aside(&format!("Column {column} looks like the truth; to compare the answers with it: --target {column}"));
    }
}

/// Runs a command with a progress bar and prints its answer.
fn run(desk: &Desk, printer: &Printer, cancel: &Cancel, command: Command) -> Result<(), Fault> {
    secrets::unlock_for(desk, printer, &command)?;
    let bar = Bar::new(printer.bars);
    let is_check = matches!(command, Command::TargetCheck(_) | Command::TargetTrust(_));
    let scored = if let Command::Predict(predict) = &command { Some(predict.clone()) } else { None };
    let outcome = desk.run(command, cancel, &bar);
    bar.done();
    let outcome = outcome?;
    printer.answer(&outcome, || render::outcome(&outcome, printer.quiet))?;
    if let (Some(scored), Outcome::Predict(answer)) = (&scored, &outcome)
        && answer.target.is_none()
    {
        offer_truth(desk, printer, &scored.version, &scored.data, &scored.columns);
    }
    match &outcome {
        Outcome::Verify(verified) if !verified.ok => {
            printer.answer_failed(FaultKind::Policy);
            Ok(())
        }
        Outcome::Doctor(diagnosis) if diagnosis.checks.iter().any(|check| !check.ok) => {
            printer.answer_failed(desk.unopened().map_or(FaultKind::Input, |fault| fault.kind));
            Ok(())
        }
        Outcome::Target(view) => {
            let trusted = ask_for_trust(desk, printer, view)?;
            let view = trusted.as_ref().unwrap_or(view);
            let failed = view.reachable == Some(false) || view.checks.iter().any(|check| !check.ok);
            if is_check && failed {
                printer.answer_failed(view.fault.as_ref().map_or(FaultKind::Target, |fault| fault.kind));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// First contact: shows the fingerprint and asks; what works there once somebody has trusted it.
fn ask_for_trust(desk: &Desk, printer: &Printer, view: &TargetView) -> Result<Option<Box<TargetView>>, Fault> {
    // A key in the place of a trusted one is not trusted by the way: the check's hint has the command.
    let Some(fingerprint) = view.offered_key.as_ref().filter(|_| !view.is_key_changed()) else { return Ok(None) };
    let trust = Command::TargetTrust(TargetTrust { name: view.name.clone(), fingerprint: fingerprint.clone() });
    if printer.json() {
        return Ok(None);
    }
    if !printer.interactive {
        printer.note(&format!("Compare the fingerprint with the machine's own, then run {}", trust.to_cli()));
        return Ok(None);
    }
    printer.note(&format!("{} offers the host key {fingerprint}, which nobody has trusted yet", view.address));
    printer.note("Compare it on the machine itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    printer.note("Type `yes` to trust it:");
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Fault::input("cannot read the answer").detail(error.to_string()))?;
    if line.trim() != "yes" {
        printer.note(&format!("It is not trusted; to do so later: {}", trust.to_cli()));
        return Ok(None);
    }
    let outcome = desk.run(trust, &Cancel::new(), &desk_core::NoProgress)?;
    printer.note("Trusted");
    printer.answer(&outcome, || render::outcome(&outcome, printer.quiet))?;
    Ok(match outcome {
        Outcome::Target(view) => Some(view),
        _ => None,
    })
}

fn list(desk: &Desk, printer: &Printer, args: &ListArgs) -> Result<(), Fault> {
    let limit = args.limit.unwrap_or(usize::MAX);
    match args.kind {
        ListKind::Models => {
            let filter = ModelFilter {
                text: args.filter.clone().unwrap_or_default(),
                archived: args.archived,
                limit: args.limit,
                offset: 0,
            };
            let items = desk.models(&filter)?;
            printer.answer(&Items { items: items.clone() }, || render::models(&items, args.filter.as_deref()))
        }
        ListKind::Versions => {
            let model = args.model.as_ref().ok_or_else(|| {
                Fault::new(FaultKind::Usage, "list versions needs a model").hint("modeldesk list versions MODEL")
            })?;
            let mut items = desk.versions(model)?;
            items.truncate(limit);
            printer.answer(&Items { items: items.clone() }, || render::versions(&items))
        }
        ListKind::Targets => list_targets(desk, printer),
        ListKind::Deployments => {
            catch_up(desk, printer)?;
            let mut items = desk.deployments(args.model.as_ref())?;
            items.truncate(limit);
            printer.answer(&Items { items: items.clone() }, || render::deployments(&items))
        }
        ListKind::Credentials => list_credentials(desk, printer),
        ListKind::Jobs => list_jobs(desk, printer),
        ListKind::Runs => {
            let version = args.model.clone().map(desk_core::VersionRef::latest);
            let items = desk.runs(version.as_ref(), args.limit.unwrap_or(100))?;
            printer.answer(&Items { items: items.clone() }, || render::runs(&items))
        }
    }
}

/// Brings to their end what killed desks left, where nobody has to be asked for a secret.
fn catch_up(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    desk.catch_up(CATCH_UP);
    desk.look_at_local();
    for target in desk.waiting_for_secret()? {
        printer.note(&format!("A rollout on {target} was interrupted; to take it up: modeldesk jobs resume"));
    }
    Ok(())
}

fn list_targets(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    catch_up(desk, printer)?;
    let items = desk.targets()?;
    printer.answer(&Items { items: items.clone() }, || render::targets(&items))
}

fn list_credentials(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    let items = desk.credentials()?;
    printer.answer(&Items { items: items.clone() }, || render::credentials(&items))
}

fn list_jobs(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    let items = desk.stored_jobs(100)?;
    printer.answer(&Items { items: items.clone() }, || render::jobs(&items))
}

fn credential(desk: &Desk, printer: &Printer, cancel: &Cancel, verb: CredentialVerb) -> Result<(), Fault> {
    match verb {
        CredentialVerb::List => list_credentials(desk, printer),
        CredentialVerb::Remove { name } => {
            run(desk, printer, cancel, Command::CredentialRemove(CredentialName { name }))
        }
        CredentialVerb::CreateVault { stdin } => {
            let passphrase = secrets::new_passphrase(printer, stdin)?;
            let path = desk.create_vault(&passphrase)?;
            printer.answer(&serde_json::json!({ "vault": path }), || {
                format!("Secrets are kept in an encrypted file now: {}", path.display())
            })
        }
        CredentialVerb::Set(args) => {
            if desk.vault_exists() {
                secrets::unlock(desk, printer)?;
            }
            let known = desk.credentials()?.iter().any(|item| item.name == args.name);
            let item = desk.set_credential(&args.name, &secrets::collect(&args, printer)?)?;
            printer.answer(&Items { items: vec![item.clone()] }, || {
                let replaced = if known { "; what it held before is gone" } else { "" };
                format!("Credential {} ({}) is kept in the {}{replaced}", item.name, item.kind, item.stored_in)
            })
        }
    }
}

fn serve(
    desk: &Desk,
    printer: &Printer,
    cancel: &Cancel,
    version: &desk_core::VersionRef,
    port: u16,
) -> Result<(), Fault> {
    let mut server = desk.serve(version, port)?;
    printer.answer(&serde_json::json!({ "url": server.url() }), || {
        format!("{version} answers at {} until Ctrl+C", server.url())
    })?;
    server.wait(cancel)
}

/// Paths are stored in jobs and runs, so they must mean the same from every folder.
fn absolute(path: &Path) -> Result<PathBuf, Fault> {
    let unusable = || Fault::input(format!("cannot use the path {}", path.display()));
    // Paths are kept as text in jobs and runs.
    if path.to_str().is_none() {
        return Err(unusable().hint("Rename the file: its name is not UTF-8"));
    }
    std::path::absolute(path).map_err(|error| unusable().detail(error.to_string()))
}
