//! The answers of both to the same rows: metrics with their intervals, the paired difference, and what changed.

use desk_app::compare::{AnswersCompared, Better, Comparison, Metric, MetricPair, RowChange};
use desk_uikit::field::Field;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Card, Icon, Tone, card, format, text};
use egui::Ui;

use crate::metrics;
use crate::screens::version::{file_name, warnings};

/// The table of changed rows, made once for each comparison.
#[derive(Default)]
pub struct Changes {
    table: Option<(u64, MemTable)>,
}

impl Changes {
    /// Shows everything about the answers; the class that shall count as positive, when another one was chosen.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        comparison: &Comparison,
        answers: &AnswersCompared,
        generation: u64,
        busy: bool,
    ) -> Option<String> {
        let file = file_name(&answers.data);
        let sides = [short(&comparison.first), short(&comparison.second)];
        if !answers.warnings.is_empty() {
            warnings::show(ui, &answers.warnings);
            ui.add_space(card::GAP);
        }
        Card::titled("Row by row").caption(&format!("the same rows of {file}")).show(ui, |ui| {
            verdict(ui, answers, &sides);
        });
        ui.add_space(card::GAP);
        let mut positive = None;
        Card::titled("Metrics").caption(&format!("on {file}, 95 % intervals")).show(ui, |ui| {
            positive = positive_class(ui, answers, busy);
            metric_table(ui, answers, &sides);
        });
        ui.add_space(card::GAP);
        self.changed(ui, answers, &sides, generation);
        positive
    }

    /// The rows whose answers changed.
    fn changed(&mut self, ui: &mut Ui, answers: &AnswersCompared, sides: &[String; 2], generation: u64) {
        if answers.changes.is_empty() {
            return;
        }
        let listed = answers.changes.len() as u64;
        let more = if listed < answers.changed { format!(", {} listed", format::count(listed)) } else { String::new() };
        let caption = format!("{}{more}", format::plural(answers.changed, "row", "rows"));
        Card::titled("Changed answers").caption(&caption).show(ui, |ui| {
            let table = match &mut self.table {
                Some((of, table)) if *of == generation => table,
                slot => &mut slot.insert((generation, change_table(answers, sides))).1,
            };
            Table::data("changed-answers", "Changed answers").max_height(360.0).show_mem(ui, table);
        });
    }
}

/// `v2` of `tumour@2`.
pub fn short(version: &str) -> String {
    version.rsplit_once('@').map_or_else(|| version.to_owned(), |(_, number)| format!("v{number}"))
}

/// Which of two classes the numbers below are of; another one when it was chosen.
fn positive_class(ui: &mut Ui, answers: &AnswersCompared, busy: bool) -> Option<String> {
    let [_, _] = answers.classes.as_slice() else { return None };
    let classes: Vec<&str> = answers.classes.iter().map(String::as_str).collect();
    let now = answers.positive.as_ref().and_then(|class| answers.classes.iter().position(|other| other == class));
    let help = match (busy, now) {
        (true, _) => "Both are being scored",
        (false, None) => "The two tests looked for different classes: choose one, and both are scored again",
        (false, Some(_)) => "Precision, recall, F1 and AUC are of it; for another one both are scored again",
    };
    let field = Field::new("Positive class").width(240.0).help(help);
    let choose = |ui: &mut Ui| field.show_choice_index(ui, now, &classes, "Choose…");
    let chosen = ui.add_enabled_ui(!busy, choose).inner.filter(|at| Some(*at) != now);
    ui.add_space(4.0);
    chosen.and_then(|at| answers.classes.get(at).cloned())
}

fn metric_table(ui: &mut Ui, answers: &AnswersCompared, sides: &[String; 2]) {
    if answers.metrics.is_empty() {
        text::sub(ui, "No metric is known of both: the file has no column with the truth");
        return;
    }
    let columns = vec![
        Column::text("Metric"),
        Column::number(sides[0].as_str()),
        Column::number(sides[1].as_str()),
        Column::number("Difference"),
        Column::text("Better").narrow(),
    ];
    let cell = |metric: &Metric| match (metric.value, metric.low.zip(metric.high)) {
        (Some(value), Some((low, high))) => {
            let text = format!("{} ({} to {})", three(value), three(low), three(high));
            Cell::shown_as(value, text)
        }
        (Some(value), None) => Cell::fixed(value, 3),
        (None, _) => Cell::missing(),
    };
    let row = |pair: &MetricPair| {
        let difference = pair.second.value.zip(pair.first.value).map(|(second, first)| second - first);
        let better = match answers.better(pair) {
            Better::Same => Cell::text("same"),
            Better::Second => Cell::status(Tone::Ok, sides[1].clone()),
            Better::First => Cell { icon: Some(Icon::Back), tone: Some(Tone::Warn), ..Cell::text(sides[0].clone()) },
            Better::Unclear => Cell::text("not clear"),
        };
        vec![
            Cell::text(metrics::name(&pair.metric).to_owned()),
            cell(&pair.first),
            cell(&pair.second),
            difference.map_or_else(Cell::missing, |d| Cell::shown_as(d, signed_three(d))),
            better,
        ]
    };
    let mut table = MemTable::new(columns, answers.metrics.iter().map(row).collect());
    Table::data("compared-metrics", "Metrics of both").max_height(320.0).show_mem(ui, &mut table);
    let paired = if answers.difference.is_some() {
        ", for accuracy where that of the paired difference leaves out 0"
    } else {
        ""
    };
    text::caption_wrapped(ui, format!("Better where the intervals do not overlap{paired}"));
}

fn three(value: f64) -> String {
    format::score(value)
}

/// The same with its sign; more digits where three would say nothing.
fn signed_three(value: f64) -> String {
    if !(5e-4..=1.0).contains(&value.abs()) {
        return format::signed(value);
    }
    let sign = if value < 0.0 { "−" } else { "+" };
    format!("{sign}{}", format::fixed(value.abs(), 3))
}

/// What the pairs of answers say, in words and numbers.
fn verdict(ui: &mut Ui, answers: &AnswersCompared, sides: &[String; 2]) {
    if answers.rows == 0 {
        text::sub(ui, "The answers were written to files and are not kept here: score the file again to compare rows");
        return;
    }
    let rows = format::plural(answers.rows, "row", "rows");
    let share = format::percent(answers.changed as f64 / answers.rows as f64);
    text::body(ui, format!("{} of {rows} answered otherwise ({share})", format::count(answers.changed)));
    if let Some(largest) = answers.largest {
        text::body(ui, format!("The largest difference is {}", format::number(largest)));
    }
    let (Some(paired), Some(difference)) = (&answers.paired, &answers.difference) else {
        text::sub(ui, "Without the truth nobody can say which of the two is right");
        return;
    };
    text::strong(ui, sentence(difference, answers.p_value, &sides[1]));
    if let Some(method) = &difference.interval {
        text::caption_wrapped(ui, format!("95 % interval: {method}; test: McNemar, exact, two-sided"));
    }
    ui.add_space(6.0);
    let columns = vec![
        Column::text(""),
        Column::number(format!("{} right", sides[1])),
        Column::number(format!("{} wrong", sides[1])),
    ];
    let count = |n: u64| Cell::shown_as(n as f64, format::count(n));
    let row = |side: &str, right: u64, wrong: u64| {
        vec![Cell::text(format!("{} {side}", sides[0])), count(right), count(wrong)]
    };
    let lines =
        vec![row("right", paired.both_right, paired.only_first), row("wrong", paired.only_second, paired.both_wrong)];
    Table::data("paired", "Right and wrong of both").unsortable().show_mem(ui, &mut MemTable::new(columns, lines));
}

/// The difference with its interval and what that means.
fn sentence(difference: &Metric, p: Option<f64>, second: &str) -> String {
    let (Some(value), Some(low), Some(high)) = (difference.value, difference.low, difference.high) else {
        return difference.reason.clone().unwrap_or_default();
    };
    let sure = match (low > 0.0, high < 0.0) {
        (true, _) => format!("{second} is more accurate on these rows"),
        (_, true) => format!("{second} is less accurate on these rows"),
        _ => "these rows do not tell which one is more accurate".to_owned(),
    };
    let p = p.map(|p| format!(", p = {}", format::number(p))).unwrap_or_default();
    format!("Accuracy {} ({} to {}){p}: {sure}", signed_three(value), signed_three(low), signed_three(high))
}

fn change_table(answers: &AnswersCompared, sides: &[String; 2]) -> MemTable {
    let mut columns = vec![Column::number("Row"), Column::text(sides[0].as_str()), Column::text(sides[1].as_str())];
    if answers.truth.is_some() {
        columns.push(Column::text("Truth"));
    }
    if answers.paired.is_some() {
        columns.push(Column::text("Change").narrow());
    }
    let row = |change: &RowChange| {
        let number = |text: &str| text.parse::<f64>().map_or_else(|_| Cell::text(text.to_owned()), Cell::number);
        let mut cells = vec![
            Cell::shown_as(change.row as f64, format::count(change.row)),
            number(&change.first),
            number(&change.second),
        ];
        if answers.truth.is_some() {
            cells.push(change.truth.as_deref().map_or_else(Cell::missing, number));
        }
        if answers.paired.is_some() {
            cells.push(match change.kind.as_str() {
                "broken" => Cell::status(Tone::Err, "became wrong"),
                "mended" => Cell::status(Tone::Ok, "became right"),
                _ => Cell::text("wrong in both"),
            });
        }
        cells
    };
    MemTable::new(columns, answers.changes.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_no_more_than_the_interval_does() {
        let metric = |value, low, high| Metric { low: Some(low), high: Some(high), ..Metric::of(value) };
        assert!(sentence(&metric(0.02, 0.01, 0.03), Some(0.001), "v2").ends_with("v2 is more accurate on these rows"));
        assert!(sentence(&metric(-0.02, -0.03, -0.01), None, "v2").ends_with("v2 is less accurate on these rows"));
        let unsure = sentence(&metric(0.02, -0.01, 0.05), Some(0.3), "v2");
        assert!(unsure.ends_with("these rows do not tell which one is more accurate"), "{unsure}");
        assert_eq!(short("tumour@12"), "v12");
    }
}
