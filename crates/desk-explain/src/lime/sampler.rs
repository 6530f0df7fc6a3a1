//! Perturbed rows around a row, and the features that LIME's surrogate sees.
//!
//! After lime 0.2.0.1's `LimeTabularExplainer` (Ribeiro, Singh and Guestrin 2016). Differences, all
//! for input that lime refuses or mishandles: missing values are a bin of their own; a number that
//! is constant in the background is not perturbed.

use std::borrow::Cow;

use rayon::prelude::*;

use super::bins::{Bins, Inside};
use crate::dice::Dice;
use crate::input::{FeatureInfo, FeatureKind, Table};
use crate::linalg::{Flags, Seen};
use crate::normal::Truncated;
use crate::summary::quantile;

/// Perturbed rows of one stream of random numbers.
const BLOCK: usize = 128;
/// How one feature is perturbed.
#[derive(Debug, Clone, PartialEq)]
enum Column {
    /// One of the background's values, by frequency; the surrogate sees "same as the row's".
    Levels { values: Vec<f64>, shares: Vec<f64> },
    /// A bin by frequency, then a normal cut to the bin; the surrogate sees "same bin as the row's".
    Bins { edges: Vec<f64>, bins: Bins },
    /// A normal; the surrogate sees the standardised value.
    Scaled { mean: f64, sd: f64 },
}

/// The background as LIME samples it.
pub(crate) struct Sampler<'a> {
    columns: Vec<Column>,
    features: &'a [FeatureInfo],
}

impl<'a> Sampler<'a> {
    /// Learns quartiles, frequencies, means and standard deviations.
    pub fn new(background: Table<'_>, features: &'a [FeatureInfo], discretize: bool) -> Self {
        let column = |(f, info): (usize, &FeatureInfo)| {
            let cells: Vec<f64> = (0..background.len()).map(|b| background.row(b)[f]).collect();
            match info.kind {
                FeatureKind::Categorical { .. } => levels(&cells),
                FeatureKind::Numeric if discretize => bins(&cells),
                FeatureKind::Numeric => scaled(&cells),
            }
        };
        Self { columns: features.iter().enumerate().map(column).collect(), features }
    }

    /// Fills `rows` with perturbed rows, the row itself first; what the surrogate sees of them. `dice` gives a stream for the
    /// block of that number: what is drawn does not depend on the number of threads.
    pub fn around(&self, row: &[f64], rows: &mut [f64], dice: impl Fn(u64) -> Dice + Sync) -> Seen<'static> {
        let own: Vec<usize> = self.columns.iter().zip(row).map(|(column, x)| column.place(*x)).collect();
        let blocks = rows.par_chunks_mut(BLOCK * row.len()).enumerate();
        let seen = blocks.map(|(block, cells)| self.block(row, &own, cells, &mut dice(block as u64)));
        let mut seen: Seen = Seen::joined(seen.collect());
        rows[..row.len()].copy_from_slice(row);
        seen.set_row(0, &self.seen(row));
        seen
    }

    /// Draws rows, column by column; what the surrogate sees of them.
    fn block(&self, row: &[f64], own: &[usize], cells: &mut [f64], dice: &mut Dice) -> Seen<'static> {
        let width = row.len();
        let count = cells.len() / width;
        if self.columns.iter().any(|column| matches!(column, Column::Scaled { .. })) {
            let mut seen = vec![0.0; cells.len()];
            for (f, column) in self.columns.iter().enumerate() {
                let cells = cells[f..].iter_mut().step_by(width);
                let places = seen[f..].iter_mut().step_by(width);
                cells.zip(places).for_each(|(cell, seen)| (*cell, *seen) = column.draw(own[f], row[f], dice));
            }
            return Seen::Numbers(Cow::Owned(seen), width);
        }
        let mut flags = Flags::zeros(count, width);
        for (f, column) in self.columns.iter().enumerate() {
            let cells = cells[f..].iter_mut().step_by(width).enumerate();
            match column {
                Column::Bins { bins, .. } => cells.for_each(|(r, cell)| {
                    let (value, place) = bins.draw(dice.bits());
                    *cell = value;
                    flags.set(r, f, place == own[f]);
                }),
                _ => cells.for_each(|(r, cell)| {
                    let (value, seen) = column.draw(own[f], row[f], dice);
                    *cell = value;
                    flags.set(r, f, seen == 1.0);
                }),
            }
        }
        Seen::Flags(flags)
    }

    /// What the surrogate sees of a row itself.
    pub fn seen(&self, row: &[f64]) -> Vec<f64> {
        let see = |(column, x): (&Column, &f64)| match column {
            Column::Levels { .. } | Column::Bins { .. } => 1.0,
            Column::Scaled { mean, sd } => standardised(*x, *mean, *sd),
        };
        self.columns.iter().zip(row).map(see).collect()
    }

    /// The condition on each feature that its weight is about.
    pub fn conditions(&self, row: &[f64]) -> Vec<String> {
        let parts = self.columns.iter().zip(row).zip(self.features);
        parts.map(|((column, x), info)| condition(column, *x, info)).collect()
    }
}

impl Column {
    /// The bin or level that a value is in; beyond the last when there is none.
    fn place(&self, x: f64) -> usize {
        match self {
            Self::Levels { values, .. } => values.iter().position(|v| same(*v, x)).unwrap_or(values.len()),
            Self::Bins { edges, .. } if x.is_nan() => edges.len() + 1,
            Self::Bins { edges, .. } => edges.iter().filter(|edge| **edge < x).count(),
            Self::Scaled { .. } => 0,
        }
    }

    /// A value for the model and what the surrogate sees of it.
    fn draw(&self, own: usize, x: f64, dice: &mut Dice) -> (f64, f64) {
        match self {
            Self::Levels { values, shares } => {
                let place = pick(shares, dice.uniform());
                (values[place], f64::from(u8::from(place == own)))
            }
            Self::Bins { bins, .. } => {
                let (value, place) = bins.draw(dice.bits());
                (value, f64::from(u8::from(place == own)))
            }
            Self::Scaled { mean, sd } if *sd > 0.0 && !x.is_nan() => {
                let z = dice.normal();
                (mean + sd * z, z)
            }
            Self::Scaled { mean, .. } => (if x.is_nan() { x } else { *mean }, 0.0),
        }
    }
}

/// Index of the first cumulative share above u. Counted, not searched for: where a draw falls nobody can foresee.
fn pick(shares: &[f64], u: f64) -> usize {
    shares.iter().map(|share| usize::from(u >= *share)).sum::<usize>().min(shares.len() - 1)
}

fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

fn standardised(x: f64, mean: f64, sd: f64) -> f64 {
    if sd > 0.0 && !x.is_nan() { (x - mean) / sd } else { 0.0 }
}

/// Cumulative shares of counts; empty bins take no probability.
fn cumulative(counts: &[usize]) -> Vec<f64> {
    let total = counts.iter().sum::<usize>() as f64;
    let mut sum = 0;
    let shares = counts.iter().map(|count| {
        sum += count;
        sum as f64 / total
    });
    shares.collect()
}

fn levels(cells: &[f64]) -> Column {
    let mut sorted = cells.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut values: Vec<f64> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    for x in sorted {
        match values.last() {
            Some(last) if same(*last, x) => counts[values.len() - 1] += 1,
            _ => {
                values.push(x);
                counts.push(1);
            }
        }
    }
    Column::Levels { values, shares: cumulative(&counts) }
}

fn bins(cells: &[f64]) -> Column {
    let mut known: Vec<f64> = cells.iter().copied().filter(|x| !x.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = if known.is_empty() {
        Vec::new()
    } else {
        [0.25, 0.5, 0.75].into_iter().map(|q| quantile(&known, q)).collect()
    };
    edges.dedup();
    let (mut kinds, mut counts) = (Vec::new(), Vec::new());
    for place in 0..=edges.len() {
        let low = if place == 0 { f64::NEG_INFINITY } else { edges[place - 1] };
        let high = edges.get(place).copied().unwrap_or(f64::INFINITY);
        let inside: Vec<f64> = known.iter().copied().filter(|x| *x > low && *x <= high).collect();
        counts.push(inside.len());
        kinds.push(within(&inside, low.max(*known.first().unwrap_or(&low)), high.min(*known.last().unwrap_or(&high))));
    }
    counts.push(cells.len() - known.len());
    kinds.push(Inside::Missing);
    Column::Bins { edges, bins: Bins::new(kinds, &cumulative(&counts)) }
}

/// How values between `low` and `high` are drawn, given those that the background has there.
fn within(inside: &[f64], low: f64, high: f64) -> Inside {
    let (mean, sd) = moments(inside);
    if inside.is_empty() {
        Inside::Point(mean)
    } else if sd > 0.0 && sd.is_finite() && high > low {
        Inside::Spread(Truncated::new(mean, sd, low, high))
    } else {
        Inside::Point(inside[0])
    }
}

fn scaled(cells: &[f64]) -> Column {
    let known: Vec<f64> = cells.iter().copied().filter(|x| !x.is_nan()).collect();
    let (mean, sd) = moments(&known);
    Column::Scaled { mean, sd }
}

/// Mean and standard deviation (dividing by n); 0 for nothing.
fn moments(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

fn condition(column: &Column, x: f64, info: &FeatureInfo) -> String {
    let name = &info.name;
    match column {
        _ if x.is_nan() => format!("{name} is missing"),
        Column::Bins { edges, .. } => {
            let place = column.place(x);
            match (place.checked_sub(1).map(|below| edges[below]), edges.get(place)) {
                (None, None) => name.clone(),
                (None, Some(high)) => format!("{name} <= {high:.2}"),
                (Some(low), Some(high)) => format!("{low:.2} < {name} <= {high:.2}"),
                (Some(low), None) => format!("{name} > {low:.2}"),
            }
        }
        Column::Levels { .. } => {
            let FeatureKind::Categorical { levels } = &info.kind else { return format!("{name} = {x}") };
            match levels.get(x as usize) {
                Some(level) if x >= 0.0 && x.fract() == 0.0 => format!("{name} = {level}"),
                _ => format!("{name} = {x}"),
            }
        }
        Column::Scaled { .. } => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_those_of_the_quartiles() {
        // numpy.percentile(range(1, 10), [25, 50, 75]) = 3, 5, 7.
        let cells: Vec<f64> = (1..10).map(f64::from).chain([f64::NAN]).collect();
        let column = bins(&cells);
        let places: Vec<usize> = [0.0, 3.0, 3.1, 5.0, 7.0, 99.0, f64::NAN].iter().map(|x| column.place(*x)).collect();
        assert_eq!(places, [0, 0, 1, 1, 2, 3, 4]);
        let Column::Bins { bins, .. } = column else { panic!("bins") };
        let place = |share: f64| bins.draw((share * 2f64.powi(64)) as u64).1;
        assert_eq!([0.29, 0.31, 0.49, 0.51, 0.69, 0.71, 0.89, 0.91].map(place), [0, 1, 1, 2, 2, 3, 3, 4]);
    }

    #[test]
    fn draws_stay_in_their_bin_and_follow_the_frequencies() {
        let cells: Vec<f64> = (0..100).map(|i| f64::from(i * i)).collect();
        let background: Vec<f64> = cells.iter().flat_map(|x| [*x, (x % 3.0).floor(), 4.0]).collect();
        let features = [
            FeatureInfo::numeric("a"),
            FeatureInfo::categorical("b", vec!["x".into(), "y".into(), "z".into()]),
            FeatureInfo::numeric("c"),
        ];
        let sampler = Sampler::new(Table::new(&background, 3), &features, true);
        let row = [5000.0, 1.0, 4.0];
        assert_eq!(sampler.conditions(&row), ["2450.50 < a <= 5513.25", "b = y", "c <= 4.00"]);
        let mut rows = vec![0.0; 60_000];
        let near = sampler.around(&row, &mut rows, |block| Dice::new(3, &row, block));
        let ones: Vec<f64> = (0..3).map(|f| (0..20_000).map(|r| near.cell(r, f)).sum::<f64>() / 20_000.0).collect();
        let level = background.iter().skip(1).step_by(3).filter(|x| **x == 1.0).count() as f64 / 100.0;
        assert!((ones[0] - 0.25).abs() < 0.015 && (ones[1] - level).abs() < 0.015, "{ones:?} {level}");
        assert_eq!(ones[2], 1.0);
        for (r, value) in rows.chunks(3).enumerate() {
            assert_eq!(near.cell(r, 0) == 1.0, value[0] > 2450.5 && value[0] <= 5513.25, "{value:?}");
            assert!((0.0..=9801.0).contains(&value[0]) && value[2] == 4.0);
        }
    }
}
