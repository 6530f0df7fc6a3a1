//! Measures of an explanation's quality: against their definitions, and what they say of good and bad explanations.

mod common;

use common::{Function, names, noise};
use desk_core::{Cancel, NoProgress, Predictor};
use desk_explain::quality::{
    Faithfulness, Promise, QualityRequest, Replacement, explains, faithfulness, noisy_copies, sensitivity,
};
use desk_explain::{ExplainError, ExplainRequest, Explanation, Method, Table};

const WIDTH: usize = 4;

/// Two outputs, neither of them additive.
fn answers(row: &[f64]) -> Vec<f64> {
    vec![row[0] * row[1] + row[2].exp(), (row[0] + 2.0 * row[3]).tanh()]
}

fn explained(f: &mut dyn Predictor, rows: &[f64], background: &[f64], method: Method) -> Explanation {
    common::run(f, rows, background, &ExplainRequest { method, ..ExplainRequest::default() }).expect("explains")
}

fn measured(
    f: &mut dyn Predictor,
    explanation: &Explanation,
    (rows, background): (&[f64], &[f64]),
    replaced_by: Replacement,
) -> Faithfulness {
    let width = f.n_features();
    let (tables, features) = ((Table::new(rows, width), Table::new(background, width)), names(width));
    let request = QualityRequest { rows: (0..rows.len() / width).collect(), replaced_by, seed: 5 };
    faithfulness(f, explanation, tables, &features, &request, &Cancel::new(), &NoProgress).expect("measures")
}

/// The mean answer where the features in `there` are the row's and the others those of each stand-in.
fn value(there: &[usize], row: &[f64], stand_ins: &[f64], output: usize) -> f64 {
    let mixed = stand_ins.chunks(row.len()).map(|other| {
        let cells: Vec<f64> = (0..row.len()).map(|f| if there.contains(&f) { row[f] } else { other[f] }).collect();
        answers(&cells)[output]
    });
    mixed.sum::<f64>() / (stand_ins.len() / row.len()) as f64
}

fn mean_of(rows: &[f64], width: usize) -> Vec<f64> {
    let n = (rows.len() / width) as f64;
    (0..width).map(|f| rows.iter().skip(f).step_by(width).sum::<f64>() / n).collect()
}

#[test]
fn curves_are_those_of_their_definition() {
    let (rows, background) = (noise(2 * WIDTH, 3), noise(9 * WIDTH, 4));
    let mut model = Function::new(WIDTH, 2, answers);
    let explanation = explained(&mut model, &rows, &background, Method::Exact);
    let mean = mean_of(&background, WIDTH);
    for (replaced_by, stand_ins) in [(Replacement::Rows, &background), (Replacement::Mean, &mean)] {
        let found = measured(&mut model, &explanation, (&rows, &background), replaced_by);
        assert_eq!((found.background_rows, found.curves.len()), (9, 2));
        for (r, row) in rows.chunks(WIDTH).enumerate() {
            for k in 0..2 {
                let (said, curves) = (explanation.attributions(r, k), &found.curves[r][k]);
                assert_eq!(curves.shares, [0.0, 0.25, 0.5, 0.75, 1.0]);
                let mut order: Vec<usize> = (0..WIDTH).collect();
                order.sort_by(|a, b| said[*b].total_cmp(&said[*a]));
                let (mut gone, mut there) = (Vec::new(), Vec::new());
                for count in 0..=WIDTH {
                    gone.push(value(&order[count..], row, stand_ins, k));
                    there.push(value(&order[..count], row, stand_ins, k));
                    assert!((curves.deletion[count] - gone[count]).abs() < 1e-12, "{:?}", curves.deletion);
                    assert!((curves.insertion[count] - there[count]).abs() < 1e-12, "{:?}", curves.insertion);
                }
                let area = |of: &[f64]| of.windows(2).map(|pair| (pair[0] + pair[1]) / 8.0).sum::<f64>();
                assert!((curves.deletion_area - area(&gone)).abs() < 1e-12);
                assert!((curves.insertion_area - area(&there)).abs() < 1e-12);
            }
        }
    }
}

/// Of two features there are two orders, each the reverse of the other, so random orders are all there are.
#[test]
fn random_orders_have_one_area_for_deletion_and_insertion() {
    let (rows, background) = (noise(8 * 2, 7), noise(12, 8));
    let of = |r: &[f64]| vec![r[0] * r[1] + r[0]];
    let mut model = Function::new(2, 1, of);
    let explanation = explained(&mut model, &rows, &background, Method::Exact);
    let found = measured(&mut model, &explanation, (&rows, &background), Replacement::Rows);
    for (row, curves) in rows.chunks(2).zip(&found.curves) {
        let mean = |there: [bool; 2]| {
            let cell = |f: usize, other: &[f64]| if there[f] { row[f] } else { other[f] };
            background.chunks(2).map(|other| of(&[cell(0, other), cell(1, other)])[0]).sum::<f64>() / 6.0
        };
        let ends = mean([false, false]) + mean([true, true]);
        let (curves, all) = (&curves[0], 0.25 * (ends + mean([true, false]) + mean([false, true])));
        assert!((curves.random_area - all).abs() < 1e-12, "{} and {all}", curves.random_area);
        assert!((curves.deletion_area + curves.insertion_area - 2.0 * all).abs() < 1e-12);
    }
}

#[test]
fn shapley_values_of_a_sum_are_faithful_and_wrong_ones_are_not() {
    let (rows, background) = (noise(3 * 6, 11), noise(20 * 6, 12));
    let of = |r: &[f64]| vec![r.iter().enumerate().map(|(f, x)| (f as f64 + 1.0) * x).sum::<f64>() + r[2].exp()];
    let mut model = Function::new(6, 1, of);
    let explanation = explained(&mut model, &rows, &background, Method::Exact);
    let good = measured(&mut model, &explanation, (&rows, &background), Replacement::Rows);
    assert_eq!(good.promise, Promise::Shares);
    for (curves, infidelity) in good.curves.iter().zip(good.infidelity.as_ref().expect("shares")) {
        let (curves, infidelity) = (&curves[0], &infidelity[0]);
        assert!(infidelity.relative.expect("it changes") < 1e-20 && infidelity.sets == 100, "{infidelity:?}");
        // Of a sum no order is better than that of the parts.
        assert!(curves.deletion_area < curves.random_area && curves.random_area < curves.insertion_area, "{curves:?}");
    }
    // All signs turned: the order is the worst there is, and twice as much is missed as there was.
    let turned: Vec<Vec<Vec<f64>>> =
        (0..3).map(|r| explanation.attributions(r, 0).iter().map(|x| vec![-x]).collect()).collect();
    let values = serde_json::from_value(serde_json::json!(turned)).expect("a cube");
    let bad = Explanation { values, ..explanation.clone() };
    let found = measured(&mut model, &bad, (&rows, &background), Replacement::Rows);
    for (curves, infidelity) in found.curves.iter().zip(found.infidelity.as_ref().expect("shares")) {
        assert!(curves[0].deletion_area > curves[0].insertion_area);
        let infidelity = &infidelity[0];
        assert!((infidelity.relative.expect("it changes") - 4.0).abs() < 1e-9, "{infidelity:?}");
        assert!(infidelity.scaled.expect("it changes") < 1e-20, "but for a factor it is right");
    }
    let again = measured(&mut model, &explanation, (&rows, &background), Replacement::Rows);
    assert_eq!(again, good, "the same seed, the same numbers");
}

#[test]
fn only_what_was_explained_is_measured() {
    let (rows, background) = (noise(2 * WIDTH, 3), noise(9 * WIDTH, 4));
    let mut model = Function::new(WIDTH, 2, answers);
    let explanation = explained(&mut model, &rows, &background, Method::Exact);
    let table = Table::new(&rows, WIDTH);
    assert!(explains(&mut model, &explanation, table).expect("answers"));
    let mut other = Function::new(WIDTH, 2, |row| answers(row).iter().map(|x| x + 0.01).collect());
    assert!(!explains(&mut other, &explanation, table).expect("answers"));
    let mut narrow = Function::new(WIDTH, 1, |row| answers(row)[..1].to_vec());
    assert!(!explains(&mut narrow, &explanation, table).expect("answers"), "the second output is not there");
    let cancel = Cancel::new();
    cancel.cancel();
    let (tables, request) =
        ((table, Table::new(&background, WIDTH)), QualityRequest { rows: vec![0], ..Default::default() });
    let stopped = faithfulness(&mut model, &explanation, tables, &names(WIDTH), &request, &cancel, &NoProgress);
    assert!(matches!(stopped, Err(ExplainError::Cancelled(_))));
}

/// Of a linear model the attributions move by exactly what the noise adds; a step makes them jump.
#[test]
fn sensitivity_sees_steps() {
    let (rows, background) = (vec![0.5, 0.001], noise(40, 21));
    let linear = |r: &[f64]| vec![r[0] - r[1]];
    let step = |r: &[f64]| vec![r[0] + if r[1] > 0.0 { 5.0 } else { 0.0 }];
    let copies = noisy_copies(Table::new(&rows, 2), &[0], Table::new(&background, 2), &names(2), 1);
    let of = |f: &dyn Fn(&[f64]) -> Vec<f64>| {
        let own = common::by_definition(f, &rows, &background);
        let cell = |values: Vec<f64>| values.into_iter().map(|x| vec![x]).collect::<Vec<_>>();
        let moved: Vec<_> = copies.chunks(2).map(|copy| cell(common::by_definition(f, copy, &background))).collect();
        let cube = |rows: Vec<Vec<Vec<f64>>>| serde_json::from_value(serde_json::json!(rows)).expect("a cube");
        sensitivity(&cube(vec![cell(own)]), &[0], &cube(moved))[0][0].expect("not all 0")
    };
    let (smooth, jumping) = (of(&linear), of(&step));
    let most = copies.chunks(2).map(|copy| (copy[0] - rows[0]).hypot(copy[1] - rows[1])).fold(0.0, f64::max);
    let own = common::by_definition(&linear, &rows, &background);
    assert!((smooth - most / own[0].hypot(own[1])).abs() < 1e-12, "{smooth}");
    assert!(jumping > 1.0, "the row stands beside a step: {jumping}");
}
