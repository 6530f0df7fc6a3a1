//! An explanation made ready to draw, off the frame.

use desk_app::Command;
use desk_app::outcome::{Explained, Outcome, Span};
use desk_app::query::RunView;
use desk_core::{Digest, Fault};
use desk_uikit::format;
use desk_uikit::plot::{Bar, Contribution, Swarm};

use super::across::{self, Word};
use super::every::Rows;
use super::facts::method_name;
use super::picture::Pictures;
use crate::screens::version::test::file_name;

/// What the Explain tab shows of one run.
#[derive(Debug, Clone)]
pub struct ExplainResult {
    /// What the run answered.
    pub answer: Explained,
    /// The command that makes it again.
    pub command: Command,
    /// The data file.
    pub data: String,
    /// When it ran (RFC 3339).
    pub at: String,
    /// All rows together, for each explained output.
    pub outputs: Vec<Importance>,
    /// The rows as pictures, where they are some.
    pub pictures: Option<Pictures>,
}

/// What each feature contributes over all rows, largest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Importance {
    /// Features, largest mean |contribution| first.
    pub order: Vec<usize>,
    /// Mean |contribution| with the standard error of that mean, in that order.
    pub bars: Vec<Bar>,
    /// Contributions by row, in that order.
    pub swarms: Vec<Swarm>,
    /// All of them row by row.
    pub rows: Rows,
    /// The words of texts over all rows, those that do most first.
    pub words: Vec<Word>,
}

/// What a picture says it is of.
pub fn source(version: &str, data: &str, method: &str, at: &str, digest: &Digest) -> String {
    let day = at.split('T').next().unwrap_or_default();
    format!("{version} · {} · {method} · {day} · {}", file_name(data), digest.short())
}

/// Features that get a bar and a swarm of their own.
pub const SHOWN: usize = 15;

impl ExplainResult {
    /// Reads a recorded run.
    pub fn new(run: RunView) -> Result<Self, Fault> {
        let Outcome::Explain(mut answer) = run.outcome else {
            return Err(Fault::bug(format!("run {} is not an explanation", run.item.id)));
        };
        // The stored answer was written before the run had its id.
        answer.run.clone_from(&run.item.id);
        let outputs = (0..answer.output_names.len()).map(|output| importance(&answer, output)).collect();
        let pictures = Pictures::of(&answer);
        Ok(Self { pictures, answer: *answer, command: run.command, data: run.item.data, at: run.item.at, outputs })
    }

    /// What a picture of it says it is of: version, data, method, day and the digest that the record has.
    pub fn source(&self) -> String {
        let answer = &self.answer;
        source(&answer.version, &self.data, method_name(&answer.method), &self.at, &answer.digest)
    }

    /// Parts of each row are explained, a picture's segments or a text's words: they are others in every row, so no feature
    /// has values to draw its contributions along.
    pub fn has_parts(&self) -> bool {
        self.answer.text.is_some() || self.answer.segments.is_some()
    }

    /// Rows explained.
    pub fn rows(&self) -> usize {
        self.answer.row_numbers.len()
    }

    /// What the contributions add up to, such as `probability of malignant`.
    pub fn unit(&self, output: usize) -> String {
        self.answer.unit(output)
    }

    /// The parts of one row's answer.
    pub fn contributions(&self, row: usize, output: usize) -> Vec<Contribution> {
        let answer = &self.answer;
        let value = |feature: usize| answer.feature_values.get(row).and_then(|values| values.get(feature)).cloned();
        let part = |(feature, name): (usize, &String)| Contribution {
            name: name.clone(),
            value: value(feature).unwrap_or_default(),
            amount: answer.value(row, feature, output),
        };
        answer.feature_names.iter().enumerate().map(part).collect()
    }

    /// The parts of one row's answer; of a text its words.
    pub fn parts(&self, row: usize, output: usize) -> Vec<Contribution> {
        let Some(words) = self.answer.text.as_ref().and_then(|text| text.rows.get(row)) else {
            return self.contributions(row, output);
        };
        let part = |(span, times): (&Span, usize)| Contribution {
            name: span.text.clone(),
            value: if times > 1 { format!("{times} times") } else { String::new() },
            amount: span.contribution.get(output).copied().unwrap_or(f64::NAN),
        };
        words.strongest(output).into_iter().map(part).collect()
    }

    /// The largest parts of one row's answer as bars of their own, with what a sampled one may be off by; the rest
    /// is one bar.
    pub fn bars(&self, row: usize, output: usize, at_most: usize) -> Vec<Bar> {
        let parts = self.contributions(row, output).into_iter().enumerate();
        let mut bars: Vec<Bar> = parts
            .map(|(feature, part)| Bar {
                name: if part.value.is_empty() { part.name } else { format!("{} = {}", part.name, part.value) },
                value: part.amount,
                interval: self
                    .answer
                    .std_error(row, feature, output)
                    .filter(|error| error.is_finite())
                    .map(|error| (part.amount - error, part.amount + error)),
            })
            .collect();
        bars.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        if bars.len() > at_most {
            let rest = bars.split_off(at_most);
            let value = rest.iter().map(|bar| bar.value).sum();
            bars.push(Bar { name: format!("{} other features", rest.len()), value, interval: None });
        }
        bars
    }

    /// Where the sum of a row's contributions begins: of a text it is the answer without its words.
    pub fn base(&self, row: usize, output: usize) -> f64 {
        self.answer.base(row, output)
    }

    /// What the model said.
    pub fn prediction(&self, row: usize, output: usize) -> f64 {
        self.answer.predictions.get(row).and_then(|row| row.get(output)).copied().unwrap_or(f64::NAN)
    }

    /// The probability behind a raw score, where the model makes one of it.
    pub fn probability(&self, row: usize, output: usize) -> Option<f64> {
        self.answer.probabilities.as_ref()?.get(row)?.get(output).copied()
    }

    /// The row in words: where it comes from, what pushes it up and what pulls it down.
    pub fn sentence(&self, row: usize, output: usize) -> String {
        let mut parts = self.contributions(row, output);
        parts.retain(|part| part.amount.is_finite() && part.amount != 0.0);
        parts.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
        let total: f64 = parts.iter().map(|part| part.amount.abs()).sum();
        let number = self.answer.row_numbers.get(row).copied().unwrap_or_default();
        let probability = self.probability(row, output);
        let probability = probability.map(|p| format!(", a probability of {}", format::percent(p))).unwrap_or_default();
        let told = match self.answer.surrogate(row, output) {
            Some(s) => format!(". A linear stand-in near it says {}", format::number(s.local_prediction)),
            None if !self.answer.is_additive() => String::new(),
            None => format!(", where {} is usual", format::number(self.base(row, output))),
        };
        let head = format!(
            "Row {}: the {} is {}{probability}{told}.",
            format::count(number),
            self.unit(output),
            format::number(self.prediction(row, output)),
        );
        if parts.is_empty() || total <= 0.0 {
            return format!("{head} No feature moves it.");
        }
        let top = &parts[..parts.len().min(3)];
        let share = top.iter().map(|part| part.amount.abs()).sum::<f64>() / total;
        if !self.answer.is_additive() && !self.answer.is_lime() {
            let names = top.iter().map(|part| format!("{} ({})", part.name, format::number(part.amount)));
            return format!("{head} It answers most to {}.", list(&names.collect::<Vec<_>>()));
        }
        let names = |up: bool| -> Vec<String> {
            let same = top.iter().filter(|part| (part.amount > 0.0) == up);
            same.map(|part| format!("{} ({})", part.name, format::signed(part.amount))).collect()
        };
        let (up, down) = (names(true), names(false));
        let verb = |names: &[String], one: &str, many: &str| {
            let word = if names.len() == 1 { one } else { many };
            format!("{} {word}", list(names))
        };
        let moves = match (up.is_empty(), down.is_empty()) {
            (false, true) => verb(&up, "pushes it up", "push it up"),
            (true, false) => verb(&down, "pulls it down", "pull it down"),
            _ => {
                format!("{}, {}", verb(&up, "pushes it up", "push it up"), verb(&down, "pulls it down", "pull it down"))
            }
        };
        let settled = self.answer.settled_words(row, output).map(|words| format!(" {words}.")).unwrap_or_default();
        format!("{head} {moves}: together {} of all contributions.{settled}", format::percent(share))
    }

    /// Largest and mean standard error of an output, where the method samples.
    pub fn errors(&self, output: usize) -> Option<(f64, f64)> {
        let answer = &self.answer;
        answer.std_error.as_ref()?;
        let all = (0..self.rows()).flat_map(|row| {
            (0..answer.feature_names.len()).filter_map(move |feature| answer.std_error(row, feature, output))
        });
        let (mut largest, mut sum, mut n) = (0.0_f64, 0.0, 0.0);
        for error in all.filter(|error| error.is_finite()) {
            largest = largest.max(error);
            sum += error;
            n += 1.0;
        }
        (n > 0.0).then(|| (largest, sum / n))
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn importance(answer: &Explained, output: usize) -> Importance {
    let rows = answer.row_numbers.len();
    let features = answer.feature_names.len();
    let of = |feature: usize| (0..rows).map(move |row| answer.value(row, feature, output));
    let mut means: Vec<(usize, f64, f64)> = (0..features)
        .map(|feature| {
            let (mean, error) = mean_and_error(of(feature).map(f64::abs));
            (feature, mean, error)
        })
        .collect();
    means.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bar = |(feature, mean, error): &(usize, f64, f64)| Bar {
        name: answer.feature_names[*feature].clone(),
        value: *mean,
        interval: (rows > 1).then(|| ((mean - error).max(0.0), mean + error)),
    };
    let swarm = |(feature, ..): &(usize, f64, f64)| {
        let column = |row: usize| answer.feature_values.get(row).and_then(|values| values.get(*feature));
        Swarm {
            name: answer.feature_names[*feature].clone(),
            amounts: of(*feature).map(|amount| if amount.is_finite() { amount } else { 0.0 }).collect(),
            levels: levels(answer, *feature),
            values: (0..rows).map(|row| column(row).cloned().unwrap_or_default()).collect(),
        }
    };
    let swarms: Vec<Swarm> = means.iter().take(SHOWN).map(swarm).collect();
    Importance {
        rows: Rows::of(answer, output, &swarms),
        words: across::words(answer, output),
        bars: means.iter().map(bar).collect(),
        swarms,
        order: means.iter().map(|(feature, ..)| *feature).collect(),
    }
}

/// Mean, and standard deviation / sqrt(n) with n - 1 in the deviation; zero for a single value.
pub fn mean_and_error(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let values = values.filter(|value| value.is_finite());
    let n = values.clone().count() as f64;
    if n == 0.0 {
        return (0.0, 0.0);
    }
    let mean = values.clone().sum::<f64>() / n;
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    (mean, if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 })
}

/// Where each row's value lies between the feature's 5th and 95th percentile; none for text.
fn levels(answer: &Explained, feature: usize) -> Vec<Option<f32>> {
    let numbers: Vec<Option<f64>> = (0..answer.row_numbers.len())
        .map(|row| {
            let text = answer.feature_values.get(row)?.get(feature)?;
            text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
        })
        .collect();
    levels_of(&numbers)
}

/// Where each number lies between the 5th and the 95th percentile, 0 to 1.
pub fn levels_of(numbers: &[Option<f64>]) -> Vec<Option<f32>> {
    let mut sorted: Vec<f64> = numbers.iter().copied().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len().saturating_sub(1)) as f64 * share).round() as usize).copied();
    let (Some(mut low), Some(mut high)) = (at(0.05), at(0.95)) else { return vec![None; numbers.len()] };
    if high <= low {
        (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    }
    let level = |number: f64| if high > low { ((number - low) / (high - low)).clamp(0.0, 1.0) as f32 } else { 0.5 };
    numbers.iter().map(|number| number.map(level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_has_the_error_of_a_mean() {
        let (mean, error) = mean_and_error([1.0, 2.0, 3.0, f64::NAN].into_iter());
        assert!((mean - 2.0).abs() < 1e-12);
        assert!((error - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(mean_and_error([4.0].into_iter()), (4.0, 0.0));
    }

    #[test]
    fn lists_read_like_english() {
        let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(list(&names[..0]), "");
        assert_eq!(list(&names[..1]), "a");
        assert_eq!(list(&names), "a, b and c");
    }
}
