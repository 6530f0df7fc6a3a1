//! Permutation importance: what the score loses when a feature's values are dealt out at random.

use desk_app::Command;
use desk_app::global::{FeatureImportance, ImportanceAnswer};
use desk_app::outcome::Outcome;
use desk_app::query::RunView;
use desk_core::Fault;
use desk_uikit::format;
use desk_uikit::plot::{Bar, Bars, Figure};
use desk_uikit::table::{Cell, Column};
use egui::Ui;

use crate::ages::ago;
use crate::cx::Cx;
use crate::fault::sentence;
use crate::screens::version::explain::result::SHOWN;
use crate::screens::version::warnings;

/// A recorded result made ready to draw.
pub struct ImportanceResult {
    answer: ImportanceAnswer,
    command: Command,
    at: String,
    bars: Vec<Bar>,
}

impl ImportanceResult {
    /// Reads a recorded run.
    pub fn new(run: RunView) -> Result<Self, Fault> {
        let Outcome::Importance(mut answer) = run.outcome else {
            return Err(Fault::bug(format!("run {} is no importance", run.item.id)));
        };
        // The stored answer was written before the run had its id.
        answer.basis.run.clone_from(&run.item.id);
        let bar = |feature: &FeatureImportance| Bar {
            name: feature.name.clone(),
            value: feature.mean,
            interval: Some((feature.low, feature.high)),
        };
        let bars = answer.importance.features.iter().take(SHOWN).map(bar).collect();
        Ok(Self { answer: *answer, command: run.command, at: run.item.at, bars })
    }

    /// The feature that matters most.
    pub fn first(&self) -> Option<&str> {
        self.answer.importance.features.first().map(|feature| feature.name.as_str())
    }

    fn sentence(&self) -> String {
        let all = &self.answer.importance;
        let (score, of) = (all.score.to_string(), all.features.len());
        let sure = all.features.iter().filter(|feature| feature.matters).count();
        let most = match all.features.first().filter(|feature| feature.matters) {
            Some(first) => format!(
                "; without {} it loses {} ({} to {})",
                first.name,
                format::number(first.mean),
                format::number(first.low),
                format::number(first.high)
            ),
            None => String::new(),
        };
        let hidden = of - self.bars.len();
        let more = if hidden > 0 { format!(". {hidden} smaller ones are in the table") } else { String::new() };
        let of = format::count(of as u64);
        let base = format::number(all.baseline);
        format!("The {score} is {base}{most}. {sure} of {of} features matter beyond chance (95 %){more}")
    }
}

/// Shows the chart with what it rests on.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &ImportanceResult) {
    let (basis, all) = (&result.answer.basis, &result.answer.importance);
    warnings::show(ui, &basis.warnings);
    let rows = format::plural(basis.used_rows, "row", "rows");
    let shuffles = format::plural(all.repeats as u64, "shuffle", "shuffles");
    let caption = format!("loss of {}, {rows}, {shuffles}, seed {}", all.score, all.seed);
    let what = format!("Loss of {}", all.score);
    let chart = || Bars::new(&what, &result.bars);
    let figure = Figure::new("Permutation importance")
        .caption(&caption)
        .aside(ago(&result.at))
        .source(super::source(basis, &result.at))
        .summary(result.sentence());
    let paint = |ui: &mut Ui| {
        chart().show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(result)));
    super::rests_on(ui, cx, basis, &result.command, &sentence(&basis.method_reason));
}

fn table(result: &ImportanceResult) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = vec![
        Column::text("Feature"),
        Column::number("Importance"),
        Column::number("Low, 95 %"),
        Column::number("High, 95 %"),
        Column::number("Std. dev. over shuffles"),
        Column::text("Beyond chance"),
    ];
    let features = &result.answer.importance.features;
    let decimals = format::decimals(features.iter().map(|feature| feature.mean));
    let fixed = |value: f64| Cell::fixed(value, decimals);
    let row = |feature: &FeatureImportance| {
        let yes = if feature.matters { "yes" } else { "no" };
        let numbers = [feature.mean, feature.low, feature.high, feature.std].map(fixed);
        let mut cells = vec![Cell::text(feature.name.clone())];
        cells.extend(numbers);
        cells.push(Cell::text(yes.to_owned()));
        cells
    };
    (columns, features.iter().map(row).collect())
}
