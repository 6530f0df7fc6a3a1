//! Activity: what changed and by whom, and every job with its outcome.

use std::collections::BTreeSet;

use desk_app::query::{JobView, OperationItem};
use desk_app::{Command, Outcome};
use desk_core::state::JobState;
use desk_uikit::field;
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Badge, Button, Card, EmptyState, Icon, Tone, code, error_view, format, kv, text};
use egui::Ui;

use super::targets::checks;
use super::version::method_name;
use crate::ages;
use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::dialogs::Dialog;
use crate::fault::{date_time, device_name, error_text, job_state, words};
use crate::jobs;
use crate::route::Route;

/// So many rows of each list.
const LISTED: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum List {
    #[default]
    Jobs,
    Changes,
}

/// What the screen remembers.
#[derive(Default)]
pub struct Activity {
    list: List,
    operations: Slot<(), Vec<OperationItem>>,
    stored: Slot<usize, Vec<JobView>>,
    selected: Option<i64>,
}

impl Activity {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let mut list = self.list;
        let actions = |ui: &mut Ui| {
            field::segments(ui, "List", &mut list, &[(List::Jobs, "Jobs"), (List::Changes, "Changes")]);
        };
        super::filled_page(ui, "Activity", actions, |ui| match self.list {
            List::Jobs => self.jobs(ui, cx),
            List::Changes => self.changes(ui, cx),
        });
        self.list = list;
    }

    /// Jobs of every window and command line, from the store; those of this window as they run.
    fn jobs(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let finished = cx.jobs.list.iter().filter(|job| job.state.is_final()).count();
        self.stored.ensure(cx.background, finished, Topic::Any, |desk| desk.stored_jobs(LISTED as u32));
        let value = std::mem::take(&mut self.stored.value);
        let retry = loadable_view(ui, &value, |ui, stored| {
            let mut all: Vec<&JobView> = cx.jobs.list.iter().collect();
            all.extend(stored.iter().filter(|job| cx.jobs.get(&job.id).is_none()));
            sort_by_last_change(&mut all, |job| cx.jobs.seconds(job));
            if all.is_empty() {
                EmptyState::new(Icon::Activity, "Nothing has run yet")
                    .body("Imports, tests, explanations and deployments are listed here with what they answered")
                    .show(ui);
                return;
            }
            jobs_table(ui, cx, &all);
        });
        self.stored.value = value;
        if retry {
            self.stored.again();
        }
    }

    fn changes(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        self.operations.ensure(cx.background, (), Topic::Any, |desk| desk.operations(LISTED));
        let value = std::mem::take(&mut self.operations.value);
        let retry = loadable_view(ui, &value, |ui, list| {
            if list.is_empty() {
                EmptyState::new(Icon::History, "Nothing has changed yet").show(ui);
                return;
            }
            self.undo_line(ui, cx, list);
            let columns = vec![
                Column::text("When").narrow(),
                Column::text("What"),
                Column::text("Object").narrow().lesser(1),
                Column::text("Who").narrow().lesser(2),
                Column::text("Undo").narrow(),
            ];
            let row = |item: &OperationItem| {
                vec![
                    ages::cell(&item.at),
                    Cell::text(words(&item.summary)).strong(),
                    if is_id(&item.object) { Cell::missing() } else { Cell::text(item.object.replace('@', " v")) },
                    Cell::text(item.who.clone()),
                    if item.undoable { Cell::text("Possible") } else { Cell::missing() },
                ]
            };
            let mut table = MemTable::new(columns, list.iter().map(row).collect());
            let ids: Vec<i64> = list.iter().map(|item| item.id).collect();
            Table::list("changes", "Changes").show_keyed(ui, &mut table, &ids, &mut self.selected);
        });
        self.operations.value = value;
        if retry {
            self.operations.again();
        }
    }

    fn undo_line(&self, ui: &mut Ui, cx: &Cx<'_>, list: &[OperationItem]) {
        let item = list.iter().find(|item| Some(item.id) == self.selected);
        ui.horizontal(|ui| {
            let reason = match item {
                None => Some("Select a change first"),
                Some(item) if !item.undoable => Some("This change cannot be taken back"),
                Some(_) => None,
            };
            let button = Button::secondary("Undo this change").icon(Icon::Undo).disabled_if(reason);
            if ui.add(button).clicked()
                && let Some(item) = item
            {
                cx.run(Command::Undo(desk_app::command::Undo { operation: item.id }));
            }
            let verify = Command::Verify(desk_app::command::Verify::default());
            if ui.add(Button::secondary("Verify everything").icon(Icon::Proof)).clicked() {
                cx.run(verify.clone());
            }
            cx.copy_command(ui, &verify);
            if let Some(item) = item.filter(|item| is_id(&item.object)) {
                let id = Button::ghost("Copy its id").icon(Icon::Copy).tooltip(&item.object);
                if ui.add(id).clicked() {
                    ui.ctx().copy_text(item.object.clone());
                }
            }
        });
        ui.add_space(4.0);
    }

    /// Draws one job.
    pub fn show_job(&mut self, ui: &mut Ui, cx: &Cx<'_>, id: &str) {
        let finished = cx.jobs.list.iter().filter(|job| job.state.is_final()).count();
        self.stored.ensure(cx.background, finished, Topic::Any, |desk| desk.stored_jobs(LISTED as u32));
        let stored = self.stored.value.value().map(Vec::as_slice).unwrap_or_default();
        let job = cx.jobs.get(id).or_else(|| stored.iter().find(|job| job.id == id));
        let Some(job) = job else {
            let loading = self.stored.value.is_loading();
            super::page(
                ui,
                "Job",
                |_| {},
                |ui| {
                    if loading {
                        desk_uikit::loadable::skeleton(ui, 5);
                    } else {
                        EmptyState::new(Icon::Activity, "There is no such job").show(ui);
                    }
                },
            );
            return;
        };
        let actions = |ui: &mut Ui| {
            if job.state.is_final() && ui.add(Button::secondary("Run again").icon(Icon::Retry)).clicked() {
                cx.run(job.command.clone());
            }
            if let Some(route) = jobs::result_route(job).filter(|_| job.state == JobState::Done)
                && ui.add(Button::primary("Open the result").icon(Icon::Forward)).clicked()
            {
                cx.go(route);
            }
        };
        super::readable_page(ui, &words(&job.title), actions, |ui| job_page(ui, cx, job));
    }
}

/// What runs first, then what ended last, whoever ran it.
fn sort_by_last_change(jobs: &mut [&JobView], seconds: impl Fn(&JobView) -> f64) {
    let changed = |job: &JobView| {
        let began = job.started_at.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::MIN);
        began.as_duration().as_secs_f64() + seconds(job)
    };
    jobs.sort_by(|a, b| {
        let running = a.state.is_final().cmp(&b.state.is_final());
        running.then_with(|| changed(b).total_cmp(&changed(a)))
    });
}

/// A long id says nothing to people; it can be copied.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn jobs_table(ui: &mut Ui, cx: &Cx<'_>, all: &[&JobView]) {
    let columns = vec![
        Column::text("State").narrow(),
        Column::text("Job"),
        Column::number("Took").lesser(2),
        Column::text("Began").narrow().lesser(1),
        Column::text("Answer"),
    ];
    let row = |job: &&JobView| {
        let (tone, word) = job_state(job.state);
        let seconds = cx.jobs.seconds(job);
        let answer = match (&job.fault, &job.outcome) {
            (Some(fault), _) => crate::fault::sentence(&fault.message),
            (None, Some(outcome)) => short_answer(outcome),
            (None, None) => String::new(),
        };
        vec![
            Cell::status(tone, word),
            Cell::text(words(&job.title)).strong().icon(jobs::icon(&job.command)),
            Cell::shown_as(seconds, format::duration(seconds)),
            ages::cell(&job.started_at),
            if answer.is_empty() { Cell::missing() } else { Cell::text(answer) },
        ]
    };
    let mut table = MemTable::new(columns, all.iter().map(row).collect());
    let output = Table::list("jobs", "Jobs").show_mem(ui, &mut table);
    if let Some(job) = output.activated.and_then(|row| all.get(row)) {
        cx.go(Route::Job(job.id.clone()));
    }
}

/// A job's answer in a line.
fn short_answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Import(i) if i.created => format!("{} v{}", i.model, i.version),
        Outcome::Import(i) => format!("{} v{} had these bytes already", i.model, i.version),
        Outcome::Predict(p) => format!("{} on {}", format::plural(p.rows, "row", "rows"), device_name(&p.device)),
        Outcome::Explain(e) => {
            format!("{} by {}", format::plural(e.row_numbers.len() as u64, "row", "rows"), method_name(&e.method))
        }
        Outcome::Importance(i) => {
            format!("{} of {}", i.importance.score, format::plural(i.basis.used_rows, "row", "rows"))
        }
        Outcome::Dependence(d) => format!("Along {}", d.feature),
        Outcome::Surrogate(s) => format!("Tree of {}", format::plural(s.surrogate.nodes.len() as u64, "node", "nodes")),
        Outcome::Deploy(d) => format!("{} on {}", d.version.replace('@', " v"), d.target),
        Outcome::Alias(a) => format!("{} names v{}", a.alias, a.version),
        Outcome::Target(t) => match t.reachable {
            Some(true) => "Reachable".into(),
            Some(false) => "Not reachable".into(),
            None => String::new(),
        },
        Outcome::Verify(v) if v.ok => {
            format!("{} are as they were stored", format::plural(v.checked, "thing", "things"))
        }
        Outcome::Verify(v) => format::plural(v.problems.len() as u64, "problem", "problems"),
        Outcome::Doctor(d) => {
            let bad = d.checks.iter().filter(|check| !check.ok).count() as u64;
            if bad == 0 {
                "Everything works".into()
            } else {
                format!("{} to look at", format::plural(bad, "thing", "things"))
            }
        }
        Outcome::Samples(s) => {
            let models: BTreeSet<_> = s.models.iter().filter_map(|item| item.version.split('@').next()).collect();
            let versions = format::plural(s.models.len() as u64, "version", "versions");
            format!("{}, {versions}", format::plural(models.len() as u64, "model", "models"))
        }
        Outcome::Collected(c) => format::plural(c.blobs, "unused file", "unused files"),
        Outcome::Exported(e) => {
            let rows = format::plural(e.rows, "row", "rows");
            format!("{rows} of {} in {}", format::count(e.total), e.out.display())
        }
        Outcome::Tensor(t) => {
            format!("{} of {} in {}", format::plural(t.values, "value", "values"), t.tensor, t.out.display())
        }
        Outcome::Done(d) => d.message.clone(),
    }
}

fn job_page(ui: &mut Ui, cx: &Cx<'_>, job: &JobView) {
    if !job.state.is_final() && cx.jobs.get(&job.id).is_some() {
        Card::new().show(ui, |ui| jobs::running(ui, cx, job));
        ui.add_space(10.0);
    }
    if let Some(fault) = &job.fault {
        let error = error_text(fault).titled(format!("{} failed", words(&job.title)));
        // What was chosen for it may be what has to change.
        let import = if let Command::Import(import) = &job.command { Some(import) } else { None };
        if error_view(ui, &error, Some(if import.is_some() { "Change and try again" } else { "Run again" })) {
            match import {
                Some(import) => cx.open(Dialog::import_again(import, fault)),
                None => cx.run(job.command.clone()),
            }
        }
        ui.add_space(10.0);
    }
    if let Some(outcome) = &job.outcome {
        answer(ui, outcome);
    }
    Card::titled("Facts").show(ui, |ui| {
        kv::properties(ui, |kv| {
            let (tone, word) = job_state(job.state);
            kv.status("State", tone, word);
            kv.text("Began", &date_time(&job.started_at));
            kv.text("Took", &format::duration(cx.jobs.seconds(job)));
            kv.copyable("Id", &job.id);
        });
        ui.add_space(6.0);
        text::caption(ui, "The same on the command line");
        code::line(ui, "command", &job.command.to_cli());
    });
}

fn answer(ui: &mut Ui, outcome: &Outcome) {
    match outcome {
        Outcome::Doctor(diagnosis) => {
            Card::titled("This computer").show(ui, |ui| checks(ui, &diagnosis.checks));
        }
        Outcome::Target(target) if !target.checks.is_empty() => {
            Card::titled(&target.name).show(ui, |ui| checks(ui, &target.checks));
        }
        Outcome::Verify(found) => {
            Card::titled("Verification").show(ui, |ui| {
                let checked = format::plural(found.checked, "thing", "things");
                if found.ok {
                    ui.add(Badge::new(Tone::Ok, &format!("{checked} checked, all as they were stored")).plain());
                }
                for problem in &found.problems {
                    ui.add(Badge::new(Tone::Err, problem).plain());
                }
            });
        }
        other => {
            Card::titled("Answer").show(ui, |ui| text::body(ui, short_answer(other)));
        }
    }
    ui.add_space(10.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::running;

    #[test]
    fn what_changed_last_stands_first_and_what_runs_above_it() {
        let job = |id: &str, at: &str, seconds: f64, state: JobState| JobView {
            id: id.into(),
            started_at: at.into(),
            seconds,
            state,
            ..running(Command::Doctor)
        };
        let long = job("long", "2026-01-01T00:00:00Z", 900.0, JobState::Done);
        let short = job("short", "2026-01-01T00:10:00Z", 1.0, JobState::Failed);
        let now = job("now", "2025-12-31T00:00:00Z", 1.0, JobState::Running);
        let mut all = vec![&short, &now, &long];
        sort_by_last_change(&mut all, |job| job.seconds);
        assert_eq!(all.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["now", "long", "short"]);
    }
}
