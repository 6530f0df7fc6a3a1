//! The best way to cut some rows in two, as CART looks for it (Breiman, Friedman, Olshen and Stone 1984).

use serde::{Deserialize, Serialize};

use crate::input::{FeatureKind, Table};

/// A cut must take away this part of the rows' squares at least; less is rounding.
const LEAST_GAIN: f64 = 1e-12;

/// What a row must meet to go left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Rule {
    /// The value is at most this.
    Number {
        /// In the middle between two values of the rows.
        at_most: f64,
    },
    /// There is a value.
    Present,
    /// The category is one of these.
    Levels {
        /// Codes of the categories that go left, ascending.
        left: Vec<usize>,
        /// Those that go right; a category that is in neither was not there when the tree was grown.
        right: Vec<usize>,
    },
}

impl Rule {
    /// Whether a value goes left; none where it is missing or a category that was not there.
    pub fn left(&self, value: f64) -> Option<bool> {
        if value.is_nan() {
            return None;
        }
        match self {
            Self::Number { at_most } => Some(value <= *at_most),
            Self::Present => Some(true),
            Self::Levels { left, right } => {
                let holds = |codes: &[usize]| codes.iter().any(|code| *code as f64 == value);
                (holds(left) || holds(right)).then(|| holds(left))
            }
        }
    }
}

/// A cut and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cut {
    pub feature: usize,
    pub rule: Rule,
    /// Where rows without a value go.
    pub missing_left: bool,
    /// How much smaller the sum of squared differences to the mean gets, over all outputs.
    pub gain: f64,
}

/// Rows to be cut: their features, and what the model answers to each, rows x outputs.
pub(super) struct Rows<'a> {
    pub table: Table<'a>,
    pub answers: &'a [f64],
    pub outputs: usize,
    /// Which of them.
    pub chosen: &'a [usize],
    /// Fewest rows on either side.
    pub least: usize,
}

/// Rows with one value, or some values, taken together.
#[derive(Clone)]
struct Group {
    rows: usize,
    sums: Vec<f64>,
}

impl Group {
    fn none(outputs: usize) -> Self {
        Self { rows: 0, sums: vec![0.0; outputs] }
    }

    fn add(&mut self, answers: &[f64]) {
        self.rows += 1;
        self.sums.iter_mut().zip(answers).for_each(|(sum, answer)| *sum += answer);
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
    }

    fn without(&self, other: &Self) -> Self {
        let sums = self.sums.iter().zip(&other.sums).map(|(all, some)| all - some).collect();
        Self { rows: self.rows - other.rows, sums }
    }

    /// What of the squares the mean takes away.
    fn worth(&self) -> f64 {
        self.sums.iter().map(|sum| sum * sum).sum::<f64>() / self.rows as f64
    }
}

impl Rows<'_> {
    fn answers(&self, row: usize) -> &[f64] {
        &self.answers[row * self.outputs..(row + 1) * self.outputs]
    }

    /// The best cut along one feature; of equal ones the first, from its smallest value up.
    pub fn best(&self, feature: usize, kind: &FeatureKind) -> Option<Cut> {
        let mut all = Group::none(self.outputs);
        self.chosen.iter().for_each(|row| all.add(self.answers(*row)));
        let search = Search { rows: self, feature, none: all.worth(), all };
        let (mut missing, mut present) = (Group::none(self.outputs), Vec::with_capacity(self.chosen.len()));
        for row in self.chosen {
            let value = self.table.row(*row)[feature];
            if value.is_nan() { missing.add(self.answers(*row)) } else { present.push((value, *row)) }
        }
        present.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let cut = match kind {
            FeatureKind::Numeric => search.numbers(&present, &missing),
            FeatureKind::Categorical { .. } => search.categories(&present, &missing),
        };
        let squares: f64 = self.chosen.iter().flat_map(|row| self.answers(*row)).map(|answer| answer * answer).sum();
        cut.filter(|cut| cut.gain > LEAST_GAIN * squares)
    }
}

struct Search<'a> {
    rows: &'a Rows<'a>,
    feature: usize,
    all: Group,
    none: f64,
}

impl Search<'_> {
    /// What a cut is worth with these rows on its left, if there are enough on both sides.
    fn gain(&self, left: &Group) -> Option<f64> {
        let right = self.all.without(left);
        let least = self.rows.least.max(1);
        (left.rows >= least && right.rows >= least).then(|| left.worth() + right.worth() - self.none)
    }

    /// Takes a cut that is better than the one before; where no row lacks a value, such rows will go with the most.
    fn take(&self, best: &mut Option<Cut>, left: &Group, missing_left: Option<bool>, rule: impl FnOnce() -> Rule) {
        if let Some(gain) = self.gain(left).filter(|gain| best.as_ref().is_none_or(|cut| *gain > cut.gain)) {
            let missing_left = missing_left.unwrap_or(2 * left.rows > self.all.rows);
            *best = Some(Cut { feature: self.feature, rule: rule(), missing_left, gain });
        }
    }

    /// Between two values, rows without one on either side; or all with a value against those without.
    fn numbers(&self, present: &[(f64, usize)], missing: &Group) -> Option<Cut> {
        let mut best = None;
        let mut left = Group::none(self.rows.outputs);
        for (at, (value, row)) in present.iter().enumerate() {
            left.add(self.rows.answers(*row));
            let Some((next, _)) = present.get(at + 1) else { break };
            if next == value || *value == f64::NEG_INFINITY {
                continue;
            }
            let rule = || Rule::Number { at_most: between(*value, *next) };
            if missing.rows == 0 {
                self.take(&mut best, &left, None, rule);
                continue;
            }
            self.take(&mut best, &left, Some(false), rule);
            let mut with = left.clone();
            with.join(missing);
            self.take(&mut best, &with, Some(true), rule);
        }
        if missing.rows > 0 && !present.is_empty() {
            self.take(&mut best, &self.all.without(missing), Some(false), || Rule::Present);
        }
        best
    }

    /// Categories in the order of their mean answers, one output after the other: of one output the best cut into two
    /// sets is among those (Fisher 1958), unless it leaves a side too few rows; of several the best of these is taken.
    /// Missing values are one more category.
    fn categories(&self, present: &[(f64, usize)], missing: &Group) -> Option<Cut> {
        let mut groups: Vec<(Option<usize>, Group)> = Vec::new();
        for (value, row) in present {
            let code = Some(*value as usize);
            if groups.last().is_none_or(|(last, _)| *last != code) {
                groups.push((code, Group::none(self.rows.outputs)));
            }
            if let Some((_, group)) = groups.last_mut() {
                group.add(self.rows.answers(*row));
            }
        }
        if missing.rows > 0 {
            groups.push((None, missing.clone()));
        }
        let mut best = None;
        for output in 0..self.rows.outputs {
            let mean = |group: &Group| group.sums[output] / group.rows as f64;
            groups.sort_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)).then(a.0.cmp(&b.0)));
            let mut left = Group::none(self.rows.outputs);
            for cut in 1..groups.len() {
                left.join(&groups[cut - 1].1);
                let (below, above) = groups.split_at(cut);
                let missing_left = (missing.rows > 0).then(|| below.iter().any(|(code, _)| code.is_none()));
                self.take(&mut best, &left, missing_left, || Rule::Levels { left: codes(below), right: codes(above) });
            }
        }
        best
    }
}

fn codes(groups: &[(Option<usize>, Group)]) -> Vec<usize> {
    let mut codes: Vec<usize> = groups.iter().filter_map(|(code, _)| *code).collect();
    codes.sort_unstable();
    codes
}

/// The middle of two values, or the lower one where rounding leaves no room between them.
fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn best(column: &[f64], answers: &[f64], kind: &FeatureKind, least: usize) -> Option<Cut> {
        let chosen: Vec<usize> = (0..column.len()).collect();
        let rows = Rows { table: Table::new(column, 1), answers, outputs: 1, chosen: &chosen, least };
        rows.best(0, kind)
    }

    /// The sum of squared differences to the mean.
    fn squares(of: &[f64]) -> f64 {
        let mean = of.iter().sum::<f64>() / of.len().max(1) as f64;
        of.iter().map(|x| (x - mean).powi(2)).sum()
    }

    proptest! {
        /// No set of categories, with the missing ones on either side, cuts better.
        #[test]
        fn of_all_sets_of_categories_the_best_is_found(
            cells in prop::collection::vec((0usize..6, -5i32..6), 8..40),
        ) {
            // Code 5 stands for a missing value.
            let column: Vec<f64> = cells.iter().map(|(code, _)| if *code == 5 { f64::NAN } else { *code as f64 }).collect();
            let answers: Vec<f64> = cells.iter().map(|(_, answer)| f64::from(*answer)).collect();
            let mut most = 0f64;
            for set in 0u32..64 {
                let (left, right): (Vec<_>, Vec<_>) = cells.iter().partition(|(code, _)| set >> code & 1 == 1);
                let part = |of: &[&(usize, i32)]| squares(&of.iter().map(|(_, a)| f64::from(*a)).collect::<Vec<_>>());
                if !left.is_empty() && !right.is_empty() {
                    most = most.max(squares(&answers) - part(&left) - part(&right));
                }
            }
            let found = best(&column, &answers, &FeatureKind::Categorical { levels: Vec::new() }, 1);
            let gain = found.as_ref().map_or(0.0, |cut| cut.gain);
            prop_assert!((gain - most).abs() < 1e-9, "{found:?} and {most}");
        }

        /// No threshold, with the missing ones on either side, cuts better.
        #[test]
        fn of_all_thresholds_the_best_is_found(cells in prop::collection::vec((0u8..9, -5i32..6), 8..40)) {
            let column: Vec<f64> =
                cells.iter().map(|(value, _)| if *value == 8 { f64::NAN } else { f64::from(*value) }).collect();
            let answers: Vec<f64> = cells.iter().map(|(_, answer)| f64::from(*answer)).collect();
            let mut most = 0f64;
            for (threshold, missing_left) in (0..9).flat_map(|t| [(f64::from(t) + 0.5, false), (f64::from(t) - 0.5, true)]) {
                let goes = |x: f64| if x.is_nan() { missing_left } else { x <= threshold };
                let side = |left: bool| -> Vec<f64> {
                    column.iter().zip(&answers).filter(|(x, _)| goes(**x) == left).map(|(_, a)| *a).collect()
                };
                let (left, right) = (side(true), side(false));
                if left.len() >= 3 && right.len() >= 3 {
                    most = most.max(squares(&answers) - squares(&left) - squares(&right));
                }
            }
            let found = best(&column, &answers, &FeatureKind::Numeric, 3);
            let gain = found.as_ref().map_or(0.0, |cut| cut.gain);
            prop_assert!((gain - most).abs() < 1e-9, "{found:?} and {most}");
        }
    }

    #[test]
    fn thresholds_lie_between_values_and_constants_are_not_cut() {
        let answers = [0.0, 0.0, 1.0, 1.0];
        let cut = best(&[1.0, 2.0, 4.0, 8.0], &answers, &FeatureKind::Numeric, 1).expect("a cut");
        assert_eq!((cut.rule, cut.gain, cut.missing_left), (Rule::Number { at_most: 3.0 }, 1.0, false));
        assert_eq!(best(&[7.0; 4], &answers, &FeatureKind::Numeric, 1), None);
        assert_eq!(best(&[1.0, 2.0, 3.0, 4.0], &[0.1; 4], &FeatureKind::Numeric, 1), None);
        assert_eq!(best(&[1.0, 2.0, 4.0, 8.0], &answers, &FeatureKind::Numeric, 3), None);
        let close = f64::from_bits(1.0f64.to_bits() + 1);
        assert_eq!(between(1.0, close), 1.0);
        let cut = best(&[f64::NEG_INFINITY, 1.0, 2.0, f64::INFINITY], &answers, &FeatureKind::Numeric, 1);
        assert_eq!(cut.expect("a cut").rule, Rule::Number { at_most: 1.5 });
        let there = best(&[f64::NAN, 3.0, 3.0, f64::NAN], &[5.0, 1.0, 1.0, 5.0], &FeatureKind::Numeric, 1);
        let there = there.expect("a cut");
        assert_eq!((there.rule, there.missing_left), (Rule::Present, false));
    }

    #[test]
    fn a_value_goes_where_the_rule_says() {
        let levels = Rule::Levels { left: vec![0, 2], right: vec![1] };
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0, f64::NAN].map(|x| levels.left(x)),
            [Some(true), Some(false), Some(true), None, None]
        );
        let number = Rule::Number { at_most: 1.5 };
        assert_eq!([1.5, 1.6, f64::NAN].map(|x| number.left(x)), [Some(true), Some(false), None]);
        assert_eq!([9.0, f64::NAN].map(|x| Rule::Present.left(x)), [Some(true), None]);
    }
}
