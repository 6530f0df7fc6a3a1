//! One row: the waterfall from the base to the prediction, the sentence, and the row's choice.

use desk_uikit::field::{Field, Range};
use desk_uikit::plot::Waterfall;
use desk_uikit::{Button, Card, Icon, Metric, Tone, card, format, text};
use egui::Ui;

use super::result::ExplainResult;

/// Shows one row of an explanation.
pub fn show(ui: &mut Ui, result: &ExplainResult, row: usize, output: usize) {
    let unit = result.unit(output);
    let base = format::number(result.base(output));
    let prediction = format::number(result.prediction(row, output));
    let change = format::signed(result.prediction(row, output) - result.base(output));
    let probability = result.probability(row, output).map(format::number);
    let name = result.answer.output_names.get(output).map_or("the output", String::as_str);
    let of = format!("of {name}");
    let mut numbers = vec![
        ("Prediction", prediction.as_str(), unit.as_str()),
        ("Base value", base.as_str(), "background mean"),
        ("Difference", change.as_str(), "all contributions"),
    ];
    if let Some(probability) = &probability {
        numbers.insert(1, ("Probability", probability.as_str(), of.as_str()));
    }
    card::grid(ui, numbers.len(), 150.0, |ui, i, width| {
        let (name, value, note) = numbers[i];
        Metric::new(name, value, "").note(Tone::Neutral, note).show(ui, width);
    });
    ui.add_space(4.0);
    Card::titled("Contributions").caption(&format!("to the {unit}")).show(ui, |ui| {
        let items = result.contributions(row, output);
        Waterfall::new(result.base(output), result.prediction(row, output), &items).at_most(12).unit(&unit).show(ui);
        ui.add_space(6.0);
        text::body(ui, result.sentence(row, output));
    });
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
    let limits = numbers[0]..=numbers[numbers.len() - 1];
    let field = Field::new("Row number").hide_label().width(76.0);
    if field.show_number(ui, &mut number, Range { limits, step: 1.0 }, "").changed()
        && let Some(at) = numbers.iter().position(|other| *other >= number)
    {
        *row = at;
    }
    let after = Button::icon_only(Icon::Forward, "Row after");
    let last = *row + 1 >= numbers.len();
    if ui.add(after.disabled_if(last.then_some("This is the last explained row"))).clicked() {
        *row += 1;
    }
}
