//! One row: the waterfall from the base to the prediction (bars for LIME, whose parts do not lead there), the
//! sentence, and the row's choice.

use desk_uikit::field::{Field, Range};
use desk_uikit::plot::{Bars, Figure, Force, Waterfall};
use desk_uikit::{Button, Icon, Metric, Tone, card, format, text};
use egui::Ui;

use super::export;
use super::picture::{self, Look, Pixels};
use super::result::ExplainResult;
use super::words;
use crate::cx::Cx;

/// Features that get a bar of their own.
const SHOWN: usize = 12;

/// How one row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chart {
    /// What the pixels add, laid over the picture; for pictures alone.
    #[default]
    Picture,
    /// What the words add; for texts alone.
    Words,
    /// Step by step from the base to the answer.
    Waterfall,
    /// All steps on one line.
    Force,
    /// The largest contributions side by side.
    Bars,
}

/// The charts that an explanation has, the first one being shown when nobody chose.
pub fn charts(result: &ExplainResult) -> Vec<(Chart, &'static str)> {
    let all = [
        (Chart::Picture, "Picture"),
        (Chart::Words, "Words"),
        (Chart::Waterfall, "Waterfall"),
        (Chart::Force, "Force"),
        (Chart::Bars, "Bars"),
    ];
    let has = |chart: Chart| match chart {
        Chart::Picture => result.pictures.is_some(),
        Chart::Words => result.answer.text.is_some(),
        Chart::Waterfall | Chart::Force => result.answer.is_additive(),
        Chart::Bars => true,
    };
    all.into_iter().filter(|(chart, _)| has(*chart)).collect()
}

/// Shows one row of an explanation.
pub fn show(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    (row, output): (usize, usize),
    (chart, pixels, look): (Chart, &mut Pixels, &mut Look),
) {
    numbers(ui, result, row, output);
    match chart {
        Chart::Picture if result.pictures.is_some() => picture::look(ui, look),
        Chart::Words => picture::threshold(ui, look),
        _ => {}
    }
    self::chart(ui, cx, result, (row, output), (chart, pixels, *look), ("Contributions", None));
}

/// The chart alone, under a title and of a width where it stands beside another one.
pub fn chart(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    place: (usize, usize),
    (chart, pixels, look): (Chart, &mut Pixels, Look),
    titled: Titled<'_>,
) {
    if let (Chart::Picture, Some(pictures)) = (chart, &result.pictures) {
        picture::row(ui, cx, (result, pictures), place, (pixels, look), titled);
    } else if chart == Chart::Words {
        words::row(ui, cx, result, place, look.threshold, titled);
    } else {
        figure(ui, cx, result, place, chart, titled);
    }
}

/// The title of a chart, and its width where it is not all that there is.
pub type Titled<'a> = (&'a str, Option<f32>);

/// A figure under a title and of a width.
pub fn titled((title, width): Titled<'_>) -> Figure<'_> {
    let figure = Figure::new(title);
    match width {
        Some(width) => figure.width(width),
        None => figure,
    }
}

/// What the row was answered with, and what that is made of.
fn numbers(ui: &mut Ui, result: &ExplainResult, row: usize, output: usize) {
    let unit = result.unit(output);
    let name = result.answer.output_names.get(output).map_or("the output", String::as_str);
    let mut numbers = vec![("Prediction", format::number(result.prediction(row, output)), unit.clone())];
    if let Some(probability) = result.probability(row, output) {
        numbers.push(("Probability", format::number(probability), format!("of {name}")));
    }
    if let Some(s) = result.answer.surrogate(row, output) {
        numbers.push(("Local prediction", format::number(s.local_prediction), "of the linear stand-in".to_owned()));
        numbers.push(("Intercept", format::number(s.intercept), "of the stand-in".to_owned()));
        let parts = format::signed(s.local_prediction - s.intercept);
        numbers.push(("Contributions", parts, "all features together".to_owned()));
    } else if result.answer.is_additive() {
        let base = if result.answer.text.is_some() { "without its words" } else { "background mean" };
        let change = result.prediction(row, output) - result.base(row, output);
        numbers.push(("Base value", format::number(result.base(row, output)), base.to_owned()));
        numbers.push(("Difference", format::signed(change), "all contributions".to_owned()));
    }
    if let Some(standing) = result.answer.standing(row) {
        text::sub(ui, crate::fault::sentence(&standing));
        ui.add_space(4.0);
    }
    card::grid(ui, numbers.len(), 150.0, |ui, i, width| {
        let (name, value, note) = &numbers[i];
        Metric::new(name, value, "").note(Tone::Neutral, note).show(ui, width);
    });
    ui.add_space(4.0);
}

fn figure(
    ui: &mut Ui,
    cx: &Cx<'_>,
    result: &ExplainResult,
    (row, output): (usize, usize),
    chart: Chart,
    title: Titled<'_>,
) {
    let (unit, lime) = (result.unit(output), result.answer.is_lime());
    let to = if lime { "the stand-in's local prediction" } else { &unit };
    let number = result.answer.row_numbers.get(row).copied().unwrap_or_default();
    let caption = format!("of row {} to {}{to}", format::count(number), if lime { "" } else { "the " });
    let figure = titled(title).caption(&caption).source(result.source()).summary(result.sentence(row, output));
    let paint = |ui: &mut Ui| {
        let items = || result.contributions(row, output);
        let (base, prediction) = (result.base(row, output), result.prediction(row, output));
        match chart {
            Chart::Waterfall => Waterfall::new(base, prediction, &items()).at_most(SHOWN).unit(&unit).show(ui),
            Chart::Force => Force::new(base, prediction, &items()).unit(&unit).show(ui),
            Chart::Picture | Chart::Words | Chart::Bars => {
                Bars::new("Contribution", &result.bars(row, output, SHOWN)).show(ui)
            }
        };
    };
    cx.wish(figure.show(ui, paint, || export::row_table(result, row, output)));
}

/// The choice of a row, when several were explained; `row` is an index into the result.
pub fn pick(ui: &mut Ui, result: &ExplainResult, row: &mut usize) {
    let numbers = &result.answer.row_numbers;
    if numbers.len() < 2 {
        return;
    }
    *row = (*row).min(numbers.len() - 1);
    let before = Button::icon_only(Icon::Back, "Row before");
    if ui.add(before.disabled_if((*row == 0).then_some("This is the first explained row"))).clicked() {
        *row -= 1;
    }
    let mut number = numbers[*row];
    if numbers.is_sorted() {
        let limits = numbers[0]..=numbers[numbers.len() - 1];
        let field = Field::new("Row number").hide_label().width(76.0);
        if field.show_number(ui, &mut number, Range { limits, step: 1.0 }, "").changed()
            && let Some(at) = numbers.iter().position(|other| *other >= number)
        {
            *row = at;
        }
    } else {
        // Picked rows stand in the order of what they were picked by: there is no next number.
        let place = format!("row {}, {} of {}", format::count(number), *row + 1, format::count(numbers.len() as u64));
        text::caption(ui, place);
    }
    let after = Button::icon_only(Icon::Forward, "Row after");
    let last = *row + 1 >= numbers.len();
    if ui.add(after.disabled_if(last.then_some("This is the last explained row"))).clicked() {
        *row += 1;
    }
}
