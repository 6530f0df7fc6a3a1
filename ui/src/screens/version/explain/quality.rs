//! How far a row's explanation may be believed: what happens when features are taken away, whether it holds nearby, and
//! what another method says. Several measures, and no score of them all.

use desk_app::quality::{Curves, Promise, QualityAnswer, Replacement};
use desk_uikit::plot::{Figure, Lines, Series};
use desk_uikit::table::{Cell, Column};
use desk_uikit::{Metric, Tone, card, format, text};
use egui::Ui;

use super::facts::method_name;
use super::result::ExplainResult;
use crate::cx::Cx;

const HEIGHT: f32 = 220.0;
/// Width of a measure at least.
const TILE: f32 = 150.0;
/// Half of the most important features are another method's, too, at least, or the methods disagree.
const SHARED: f64 = 0.5;

/// Shows what was measured of a row; which rows were, where it is another one.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, row: usize, output: usize) {
    let Some(quality) = &result.answer.quality else { return };
    ui.add_space(card::GAP);
    text::section(ui, "Quality of this explanation");
    let number = result.answer.row_numbers.get(row).copied().unwrap_or_default();
    let Some(at) = quality.row_numbers.iter().position(|measured| *measured == number) else {
        let measured: Vec<String> = quality.row_numbers.iter().map(|row| format::count(*row)).collect();
        text::sub(ui, format!("It was measured in other rows: {}", measured.join(", ")));
        return;
    };
    ui.add_space(4.0);
    let tiles = tiles(quality, at, output);
    card::grid(ui, tiles.len(), TILE, |ui, i, width| {
        let (name, value, tone, note) = &tiles[i];
        Metric::new(name, value, "").note(*tone, note).show(ui, width);
    });
    let Some(curves) = quality.faithfulness.as_ref().and_then(|of| of.curves.get(at)?.get(output)) else { return };
    ui.add_space(4.0);
    figure(ui, cx, result, quality, curves, output);
}

/// Name, value, how it is to be taken, and what it is.
type Tile = (&'static str, String, Tone, String);

fn tiles(quality: &QualityAnswer, at: usize, output: usize) -> Vec<Tile> {
    let mut tiles: Vec<Tile> = Vec::new();
    if let Some(of) = quality.faithfulness.as_ref() {
        if let Some(curves) = of.curves.get(at).and_then(|row| row.get(output)) {
            let borne = curves.deletion_area < curves.random_area && curves.insertion_area > curves.random_area;
            let (tone, note) =
                if borne { (Tone::Ok, "better than random") } else { (Tone::Warn, "no better than random") };
            let gap = curves.insertion_area - curves.deletion_area;
            tiles.push(("Insertion − deletion", format::signed(gap), tone, note.to_owned()));
        }
        let infidelity = of.infidelity.as_ref().and_then(|all| all.get(at)?.get(output));
        if let Some(share) = infidelity.and_then(|of| of.relative.or(of.scaled)) {
            let what = if of.promise == Promise::Order { "not foretold, scaled" } else { "of changes not foretold" };
            tiles.push(("Infidelity", format::percent(share), Tone::Neutral, what.to_owned()));
        }
    }
    if let Some(moved) = quality.sensitivity.values.get(at).and_then(|row| *row.get(output)?) {
        tiles.push(("Max-sensitivity", format::percent(moved), Tone::Neutral, "under a little noise".to_owned()));
    }
    if let Some((agreed, of)) =
        quality.agreement.as_ref().and_then(|agreed| Some((agreed, agreed.values.get(at)?.get(output)?)))
    {
        let tone = if of.features < SHARED { Tone::Warn } else { Tone::Neutral };
        let shared = format!("{:.0} of {}", of.features * of.top as f64, of.top);
        tiles.push(("Top features shared", shared, tone, format!("with {}", method_name(&agreed.method))));
    }
    tiles
}

fn figure(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, quality: &QualityAnswer, curves: &Curves, output: usize) {
    let points = |answers: &[f64]| curves.shares.iter().zip(answers).map(|(share, answer)| [*share, *answer]).collect();
    let series = [
        Series::new("Features added", points(&curves.insertion)),
        Series::new("Features taken away", points(&curves.deletion)),
    ];
    let unit = result.unit(output);
    let stand_in = quality.faithfulness.as_ref().map_or_else(String::new, |of| match of.replaced_by {
        Replacement::Rows => format!("the values of {} background rows stand in", of.background_rows),
        Replacement::Mean => format!("the mean of {} background rows stands in", of.background_rows),
    });
    let told = format!(
        "The {unit} as features are added or taken away, those that raise it most first; where one is away {stand_in}. Areas: \
         {} added, {} taken away, {} in random orders",
        format::number(curves.insertion_area),
        format::number(curves.deletion_area),
        format::number(curves.random_area)
    );
    let figure =
        Figure::new("Insertion and deletion").caption("share of the features").source(result.source()).summary(told);
    let paint = |ui: &mut Ui| {
        Lines::new(&series, "Share of the features", &unit).height(HEIGHT).show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(curves)));
}

fn table(curves: &Curves) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = ["Share of the features", "Features added", "Features taken away"].map(Column::number).to_vec();
    let decimals = format::decimals(curves.insertion.iter().chain(&curves.deletion).copied());
    let line = |i: usize| {
        let share = curves.shares[i];
        let answer = |answers: &[f64]| Cell::fixed(answers[i], decimals);
        vec![Cell::shown_as(share, format::percent(share)), answer(&curves.insertion), answer(&curves.deletion)]
    };
    (columns, (0..curves.shares.len()).map(line).collect())
}
