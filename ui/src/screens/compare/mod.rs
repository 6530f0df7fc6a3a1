//! Two versions side by side: which one answers better, what changed for whom, and what they are made of.

mod answers;
mod asked;
mod explanations;
mod parts;

use std::time::Duration;

use desk_app::command::{Echo, Explain, Predict};
use desk_app::compare::Comparison;
use desk_app::query::{VersionItem, VersionView};
use desk_app::{Command, Outcome};
use desk_core::{Fault, ModelName, VersionRef};
use desk_uikit::empty::EmptyAction;
use desk_uikit::field::Field;
use desk_uikit::loadable::loadable_view;
use desk_uikit::{Button, Card, EmptyState, Icon, Loadable, text};
use egui::Ui;

use crate::background::{Slot, Topic};
use crate::cx::Cx;
use crate::fault::words;
use crate::route::{Route, VersionTab};
use crate::screens::version::file_name;
use crate::watch::Watch;

/// A model and the number of one of its versions.
pub type Numbered = (ModelName, u32);

/// A comparison that takes longer shows how far it is.
const QUIET: Duration = Duration::from_secs(2);

/// What the screen remembers.
#[derive(Default)]
pub struct Compare {
    found: Slot<(Numbered, Numbered), Found>,
    /// The pair that is compared, and how far that is.
    work: Option<((Numbered, Numbered), Watch)>,
    versions: Slot<ModelName, Vec<VersionItem>>,
    changes: answers::Changes,
    moves: explanations::Moves,
}

/// The comparison, and files that could be scored with both.
struct Found {
    comparison: Comparison,
    data: Vec<String>,
    /// The test that is compared, or the newest with the first of these files: it says what the columns mean. One that
    /// knew the truth stands before others.
    like: Option<Predict>,
    /// What both could be explained with: the newest explanation of the second, or of the first; else the first rows of
    /// the newest file.
    explain: Option<Explain>,
}

/// Rows that are explained when none were before.
const EXPLAINED: u64 = 100;

impl Found {
    fn of(desk: &desk_app::Desk, comparison: Comparison, a: &VersionRef, b: &VersionRef) -> Result<Self, Fault> {
        let (of_second, of_first) = (desk.version(b)?, desk.version(a)?);
        let mut data = of_second.recent_data.clone();
        data.extend(of_first.recent_data.iter().filter(|path| !data.contains(path)).cloned().collect::<Vec<_>>());
        let test = |id: &str| -> Result<Option<Predict>, Fault> {
            let record = desk.run_record(id)?;
            // What one version knows of its truth by itself, the other one has to be told.
            let truth = match &record.outcome {
                Outcome::Predict(answer) => answer.target.clone(),
                _ => None,
            };
            Ok(match record.command {
                Command::Predict(mut test) => {
                    test.columns.target = test.columns.target.or(truth);
                    Some(test)
                }
                _ => None,
            })
        };
        if let Some(answers) = &comparison.answers {
            let like = test(&answers.run_second)?;
            let explain = explained(desk, [&of_second, &of_first], b, (data.first(), like.as_ref()))?;
            return Ok(Self { comparison, data, like, explain });
        }
        let mut tests: Vec<Predict> = Vec::new();
        let runs = of_second.runs.iter().chain(&of_first.runs);
        for run in runs.filter(|run| run.kind == "predict" && Some(&run.data) == data.first()) {
            tests.extend(test(&run.id)?);
        }
        let judged = tests.iter().position(|test| test.columns.target.is_some()).unwrap_or(0);
        let like = tests.into_iter().nth(judged);
        let explain = explained(desk, [&of_second, &of_first], b, (data.first(), like.as_ref()))?;
        Ok(Self { comparison, data, like, explain })
    }
}

/// The newest explanation of rows that a number names, of these versions in their order; else one of the first rows of a
/// file that was scored.
fn explained(
    desk: &desk_app::Desk,
    views: [&VersionView; 2],
    version: &VersionRef,
    (data, like): (Option<&String>, Option<&Predict>),
) -> Result<Option<Explain>, Fault> {
    for run in views.iter().flat_map(|view| view.runs.iter().filter(|run| run.kind == "explain")) {
        if let Command::Explain(explain) = desk.run_record(&run.id)?.command
            && explain.pick.is_none()
        {
            return Ok(Some(Explain { out: None, ..explain }));
        }
    }
    Ok(data.map(|data| {
        let columns = like.map(|like| like.columns.clone()).unwrap_or_default();
        let rows = (Some(1), Some(EXPLAINED));
        Explain { first_row: rows.0, last_row: rows.1, columns, ..Explain::of(version.clone(), data.into()) }
    }))
}

impl Compare {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, first: &Numbered, second: &Numbered) {
        let model = second.0.clone();
        self.versions.ensure(cx.background, model.clone(), Topic::Models, move |desk| desk.versions(&model));
        let [a, b] = [first, second].map(|(model, number)| VersionRef::numbered(model.clone(), *number));
        let pair = (first.clone(), second.clone());
        if self.work.as_ref().is_none_or(|(of, _)| *of != pair) {
            // Another pair is of no use any more.
            if let Some((_, watch)) = self.work.replace((pair.clone(), Watch::default())) {
                watch.cancel().cancel();
            }
        }
        let watch = self.work.as_ref().map(|(_, watch)| watch.clone()).unwrap_or_default();
        let watched = watch.clone();
        self.found.ensure(cx.background, pair, Topic::Models, move |desk| {
            let comparison = desk.compare(&a, &b, watched.cancel(), &|report| watched.tell(report))?;
            Found::of(desk, comparison, &a, &b)
        });
        let versions = self.versions.value.value();
        let actions = |ui: &mut Ui| actions(ui, cx, first, second);
        let Self { found, changes, moves, .. } = self;
        let mut retry = false;
        super::page(ui, "Compare", actions, |ui| {
            choice(ui, cx, versions, first, second);
            ui.add_space(10.0);
            if found.value.value().is_none() && watch.cancel().is_cancelled() {
                let empty = EmptyState::new(Icon::Differs, "The two were not compared").body("It was cancelled");
                retry = Card::new().show(ui, |ui| empty.primary(Icon::Retry, "Compare them").show(ui)).is_some();
                return;
            }
            if matches!(found.value, Loadable::Loading { previous: None, .. }) {
                watch.show(ui, QUIET, None);
            }
            retry = loadable_view(ui, &found.value, |ui, value| {
                let comparison = &value.comparison;
                if comparison.same {
                    text::sub(ui, "Both are the same files under two numbers: nothing differs");
                    ui.add_space(8.0);
                }
                match (&comparison.answers, &comparison.no_answers) {
                    (Some(answers), _) => {
                        let positive = changes.show(ui, comparison, answers, found.generation, busy(cx));
                        if let (Some(positive), Some(like)) = (positive, &value.like) {
                            let like = Predict { positive: Some(positive), ..like.clone() };
                            for side in [first, second] {
                                cx.run(score(side, &answers.data, Some(&like)));
                            }
                        }
                    }
                    (None, why) => untested(ui, cx, why.as_deref().unwrap_or_default(), value, [first, second]),
                }
                ui.add_space(desk_uikit::card::GAP);
                let like = value.explain.as_ref();
                if let Some(asked) = moves.show(ui, cx, comparison, (like, explaining(cx)), found.generation) {
                    for (model, number) in [first, second] {
                        let version = VersionRef::numbered(model.clone(), *number);
                        cx.run(Command::Explain(Explain { version, ..asked.clone() }));
                    }
                }
                ui.add_space(desk_uikit::card::GAP);
                parts::show(ui, comparison);
            });
        });
        if retry {
            self.work = None;
            self.found.again();
        }
    }
}

fn actions(ui: &mut Ui, cx: &Cx<'_>, first: &Numbered, second: &Numbered) {
    let line = format!("modeldesk compare {}@{} {}@{}", first.0, first.1, second.0, second.1);
    if ui.add(Button::icon_only(Icon::Terminal, "Copy as command").tooltip(&line)).clicked() {
        cx.wish(Some(desk_uikit::plot::Wish::CopyText(line)));
    }
    let open = |ui: &mut Ui, (model, number): &Numbered| {
        if ui.add(Button::secondary(&format!("Open v{number}")).icon(Icon::Version)).clicked() {
            cx.go(Route::Version { model: model.clone(), number: *number, tab: VersionTab::Overview });
        }
    };
    open(ui, second);
    if second != first {
        open(ui, first);
    }
}

/// Which two; both of one model, unless an address names others.
fn choice(ui: &mut Ui, cx: &Cx<'_>, versions: Option<&Vec<VersionItem>>, first: &Numbered, second: &Numbered) {
    let mut numbers: Vec<u32> = versions.into_iter().flatten().map(|version| version.version).collect();
    numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
    let label = |number: &u32| format!("{} v{number}", second.0);
    let labels: Vec<String> = numbers.iter().map(label).collect();
    let options: Vec<(u32, &str)> = numbers.iter().copied().zip(labels.iter().map(String::as_str)).collect();
    let (mut a, mut b) = (first.clone(), second.clone());
    ui.horizontal_wrapped(|ui| {
        if first.0 == second.0 {
            Field::new("First version").hide_label().width(190.0).show_choice(ui, &mut a.1, &options);
        } else {
            text::strong(ui, format!("{} v{}", first.0, first.1));
        }
        if ui.add(Button::icon_only(Icon::Swap, "Swap the two")).clicked() {
            std::mem::swap(&mut a, &mut b);
        }
        Field::new("Second version").hide_label().width(190.0).show_choice(ui, &mut b.1, &options);
        text::caption(ui, "differences are those of the second from the first");
    });
    if (&a, &b) != (first, second) {
        cx.go(Route::Compare { first: a, second: b });
    }
}

/// Something is being scored.
fn busy(cx: &Cx<'_>) -> bool {
    cx.jobs.running().any(|job| matches!(job.command, Command::Predict(_)))
}

/// Something is being explained.
fn explaining(cx: &Cx<'_>) -> bool {
    cx.jobs.running().any(|job| matches!(job.command, Command::Explain(_)))
}

/// Not tested on the same data yet: the next step is to do so.
fn untested(ui: &mut Ui, cx: &Cx<'_>, why: &str, found: &Found, both: [&Numbered; 2]) {
    let busy = busy(cx);
    let newest = found.data.first();
    let score_both = newest.map(|path| format!("Score {} with both", file_name(path)));
    let body = format!(
        "{}. Score the same file with both: how good they are and which rows changed then stands here",
        words(why)
    );
    let empty = EmptyState::new(Icon::Differs, "Their answers cannot be compared yet").body(&body);
    let empty = match &score_both {
        Some(label) => empty.primary(Icon::Run, label).secondary("Choose other data"),
        None => empty.primary(Icon::Test, "Choose data to test with"),
    };
    let empty = empty.disabled_if(busy.then_some("A file is being scored"));
    let mut chosen = Card::new().show(ui, |ui| empty.show(ui));
    if !busy && cx.primary.take() {
        chosen = Some(EmptyAction::Primary);
    }
    match (chosen, newest) {
        (Some(EmptyAction::Primary), Some(path)) => {
            for side in both {
                cx.run(score(side, path, found.like.as_ref()));
            }
        }
        (Some(_), _) => {
            let (model, number) = both[1].clone();
            cx.go(Route::Version { model, number, tab: VersionTab::Test });
        }
        (None, _) => {}
    }
}

/// Scores a file as it was scored before: with the same truth, columns and positive class.
fn score((model, number): &Numbered, data: &str, like: Option<&Predict>) -> Command {
    let like = like.cloned();
    Command::Predict(Predict {
        version: VersionRef::numbered(model.clone(), *number),
        data: data.into(),
        out: None,
        device: like.as_ref().map_or_else(|| "auto".to_owned(), |test| test.device.clone()),
        batch: None,
        positive: like.as_ref().and_then(|test| test.positive.clone()),
        columns: like.map(|test| test.columns).unwrap_or_default(),
        echo: Echo::None,
    })
}
