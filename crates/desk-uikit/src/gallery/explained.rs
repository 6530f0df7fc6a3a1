//! Charts of explanations: forces, decisions, maps, pictures and trees.

use super::Painting;
use super::charts::churn;
use crate::Card;
use crate::card::GAP;
use crate::plot::{Branch, Branches, Decision, DecisionRow, Force, Map, Overlay};

const FEATURES: [&str; 6] = ["tenure", "contract", "monthly charges", "support calls", "payment method", "age"];

/// A number between 0 and 1 that looks like none that was chosen.
fn noise(i: usize) -> f64 {
    (i * 7919 % 1009) as f64 / 1009.0
}

/// Force.
pub(super) fn plot_force() -> Painting {
    let items = churn();
    Box::new(move |ui| {
        Card::titled("Row 4").caption("probability of churn").show(ui, |ui| {
            Force::new(0.26, 0.805, &items).unit("probability of churn").show(ui);
        });
    })
}

/// Decision.
pub(super) fn plot_decision() -> Painting {
    let names = FEATURES.map(str::to_owned);
    let sizes = [0.3, 0.24, 0.1, 0.08, 0.05, 0.02];
    let row = |row: usize| DecisionRow {
        row,
        number: row as u64 + 1,
        amounts: sizes.iter().enumerate().map(|(f, size)| size * (noise(row * 31 + f * 7 + 3) - 0.5)).collect(),
        others: 0.01 * (noise(row) - 0.5),
    };
    let rows: Vec<DecisionRow> = (0..48).map(row).collect();
    Box::new(move |ui| {
        Card::titled("Decisions").caption("48 rows, row 12 marked").show(ui, |ui| {
            Decision::new(0.26, &names, &rows, "probability of churn").marked(11).show(ui);
        });
    })
}

/// Maps of answers and of contributions.
pub(super) fn plot_map() -> Painting {
    let ages: Vec<String> = (0..9).rev().map(|i| (20 + 5 * i).to_string()).collect();
    let fares: Vec<String> = (0..12).map(|i| (4 * i + 3).to_string()).collect();
    let places = || (0..9).rev().flat_map(|age| (0..12).map(move |fare| (f64::from(age), f64::from(fare))));
    let answers: Vec<f64> = places().map(|(age, fare)| 0.2 + 0.5 * (fare / 11.0) * (1.0 - age / 12.0)).collect();
    let known: Vec<bool> = places().map(|(age, fare)| age + fare < 14.0).collect();
    let features = FEATURES.map(str::to_owned);
    let rows: Vec<String> = (1..=120).map(|row: u32| row.to_string()).collect();
    let amounts = |f: usize| (0..120_usize).map(move |row| (noise(row * 13 + f) - 0.5) * 0.5 / (f + 1) as f64);
    let amounts: Vec<f64> = (0..6).flat_map(amounts).collect();
    let line: Vec<f64> = (0..120).map(|i| 0.9 - f64::from(i) / 150.0).collect();
    Box::new(move |ui| {
        Card::titled("Dependence on both").caption("age and fare").show(ui, |ui| {
            let map = Map::new("Mean probability of yes", &ages, &fares, &answers).titles("age", "fare").known(&known);
            map.show(ui, |_, _| Vec::new());
        });
        ui.add_space(GAP);
        Card::titled("Every row").caption("120 rows").show(ui, |ui| {
            let map = Map::new("Contribution", &features, &rows, &amounts).titles("", "Row").signed();
            map.above("probability of churn", &line).marked(30).show(ui, |_, _| Vec::new());
        });
    })
}

/// A picture with what its pixels add.
pub(super) fn plot_overlay() -> Painting {
    let ring = |row: f32, column: f32| {
        let away = ((row - 7.5).powi(2) + (column - 7.5).powi(2)).sqrt();
        (1.0 - (away - 5.0).abs() / 2.0).clamp(0.0, 1.0)
    };
    let places = || (0..16_u8).flat_map(|row| (0..16_u8).map(move |column| (f32::from(row), f32::from(column))));
    let seen: Vec<f32> = places().map(|(row, column)| ring(row, column)).collect();
    let amounts: Vec<f64> =
        places().map(|(row, column)| f64::from(ring(row, column) * (column - 6.0)) * 0.004).collect();
    Box::new(move |ui| {
        Card::titled("Contributions").caption("of row 3 to the probability of 0").show(ui, |ui| {
            Overlay::new([16, 16], &seen, &amounts).what("to the probability of 0").threshold(0.1).show(ui);
        });
    })
}

/// A small tree.
pub(super) fn plot_branches() -> Painting {
    let node = |question: Option<&str>, next: Option<[usize; 2]>, value: f64, rows: u64| Branch {
        question: question.map(str::to_owned),
        next,
        value,
        rows,
        about: Vec::new(),
    };
    let nodes = [
        node(Some("tenure ≤ 6.5"), Some([1, 4]), 0.26, 8_420),
        node(Some("contract is month-to-month or none"), Some([2, 3]), 0.61, 2_120),
        node(None, None, 0.74, 1_610),
        node(None, None, 0.2, 510),
        node(Some("support calls ≤ 3.5"), Some([5, 6]), 0.14, 6_300),
        node(None, None, 0.09, 5_700),
        node(None, None, 0.61, 600),
    ];
    Box::new(move |ui| {
        Card::titled("A tree in its place").caption("depth 2").show(ui, |ui| {
            Branches::new("mean probability of churn", &nodes).show(ui);
        });
    })
}
