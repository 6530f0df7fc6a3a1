//! Texts over all rows together: which words do most, and which way they push.

use std::collections::BTreeMap;

use desk_app::outcome::Explained;
use desk_uikit::plot::{Bar, Bars, Figure};
use desk_uikit::table::{Cell, Column};
use desk_uikit::{card, format, text};
use egui::Ui;

use super::result::{ExplainResult, SHOWN, list, mean_and_error};
use crate::cx::Cx;

/// Width of a chart at least.
const CHART: f32 = 420.0;
/// Words that the table lists.
const LISTED: usize = 1000;

/// A word over all rows, for one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Rows in which it stands.
    pub rows: usize,
    /// Mean size of what it contributes to a row, over all rows: nothing where it does not stand.
    pub size: f64,
    /// Mean of what it contributes, over the rows in which it stands, and the standard error of that mean.
    pub mean: f64,
    pub error: f64,
}

/// The words of all texts, those that do most first; none where no texts are explained.
pub fn words(answer: &Explained, output: usize) -> Vec<Word> {
    let Some(texts) = &answer.text else { return Vec::new() };
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in &texts.rows {
        let mut own: BTreeMap<&str, f64> = BTreeMap::new();
        for (span, _) in row.strongest(output) {
            let amount = span.contribution.get(output).copied().filter(|amount| amount.is_finite());
            *own.entry(&span.text).or_default() += amount.unwrap_or_default();
        }
        for (word, amount) in own {
            all.entry(word).or_default().push(amount);
        }
    }
    let rows = texts.rows.len().max(1) as f64;
    let word = |(text, amounts): (&str, Vec<f64>)| {
        let (mean, error) = mean_and_error(amounts.iter().copied());
        let size = amounts.iter().map(|amount| amount.abs()).sum::<f64>() / rows;
        Word { text: text.to_owned(), rows: amounts.len(), size, mean, error }
    };
    let mut words: Vec<Word> = all.into_iter().map(word).collect();
    words.sort_by(|a, b| b.size.total_cmp(&a.size).then_with(|| a.text.cmp(&b.text)));
    words
}

/// Shows which words matter over all rows, and which way each pushes where it stands.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &ExplainResult, output: usize) {
    let Some(all) = result.outputs.get(output).map(|all| all.words.as_slice()) else { return };
    let unit = result.unit(output);
    let over = format!("of words over {}", format::plural(result.rows() as u64, "row", "rows"));
    let top = &all[..all.len().min(SHOWN)];
    let sizes: Vec<Bar> =
        top.iter().map(|word| Bar { name: word.text.clone(), value: word.size, interval: None }).collect();
    let push = |word: &Word| Bar {
        name: format!("{} ({})", word.text, format::plural(word.rows as u64, "row", "rows")),
        value: word.mean,
        interval: (word.rows > 1).then_some((word.mean - word.error, word.mean + word.error)),
    };
    let pushes: Vec<Bar> = top.iter().map(push).collect();
    let hidden = all.len() - top.len();
    let more =
        if hidden > 0 { format!(". {} more are in the table", format::count(hidden as u64)) } else { String::new() };
    card::grid(ui, 2, CHART, |ui, i, width| {
        let figure = if i == 0 {
            let told = format!("Mean size of what a word adds to the {unit}, over all rows{more}");
            Figure::new("Importance").caption(&over).summary(told)
        } else {
            let told = "Mean of what a word adds where it stands, with its standard error over these rows".to_owned();
            Figure::new("Which way words push").caption("in the rows that have them").summary(told)
        };
        let paint = |ui: &mut Ui| {
            let (what, bars) = if i == 0 { ("Mean |contribution|", &sizes) } else { ("Mean contribution", &pushes) };
            Bars::new(what, bars).show(ui);
        };
        cx.wish(figure.source(result.source()).width(width).show(ui, paint, || table(all)));
    });
    ui.add_space(2.0);
    text::body(ui, sentence(all, &unit));
}

/// The words that do most, in words.
fn sentence(all: &[Word], unit: &str) -> String {
    let total: f64 = all.iter().map(|word| word.size).sum();
    let top: Vec<String> =
        all.iter().take(3).filter(|word| word.size > 0.0).map(|word| format!("“{}”", word.text)).collect();
    if top.is_empty() || total <= 0.0 {
        return format!("No word moves the {unit}");
    }
    let share = all.iter().take(3).map(|word| word.size).sum::<f64>() / total;
    let (names, share) = (list(&top), format::percent(share));
    let different = format::plural(all.len() as u64, "word", "different words");
    let verb = if top.len() == 1 { "makes" } else { "make" };
    format!("{names} {verb} up {share} of all contributions of {different} to the {unit}")
}

/// The words, those that do most first.
pub fn table(all: &[Word]) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = vec![
        Column::text("Word"),
        Column::number("Rows"),
        Column::number("Mean |contribution|").about("Over all rows: nothing where the word does not stand"),
        Column::number("Mean contribution").about("Over the rows in which the word stands"),
        Column::number("Std. error").about("Of the mean contribution, over the rows in which the word stands"),
    ];
    let all = &all[..all.len().min(LISTED)];
    let decimals = format::decimals(all.iter().flat_map(|word| [word.size, word.mean]));
    let line = |word: &Word| {
        let error = if word.rows > 1 { Cell::fixed(word.error, decimals) } else { Cell::missing() };
        vec![
            Cell::text(word.text.clone()),
            Cell::shown_as(word.rows as f64, format::count(word.rows as u64)),
            Cell::fixed(word.size, decimals),
            Cell::fixed(word.mean, decimals),
            error,
        ]
    };
    (columns, all.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_do_most_are_told_in_quotes() {
        let word = |text: &str, size: f64| Word { text: text.to_owned(), rows: 1, size, mean: size, error: 0.0 };
        let all = [word("great", 0.5), word("and", 0.3), word("bad", 0.1), word("a", 0.1)];
        let share = format::percent(0.9);
        let told =
            format!("“great”, “and” and “bad” make up {share} of all contributions of 4 different words to the answer");
        assert_eq!(sentence(&all, "answer"), told);
        assert_eq!(sentence(&[word("a", 0.0)], "answer"), "No word moves the answer");
    }
}
