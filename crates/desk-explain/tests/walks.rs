//! Permutation importance of tree ensembles: walking again what a shuffle touches equals asking for all of it.

mod common;

use common::{Function, ensemble, number, numbers, reference};
use desk_core::trees::{PostTransform, TreeEnsemble};
use desk_core::{Cancel, NoProgress, Predictor};
use desk_explain::global::{Importance, ImportanceRequest, Judge, Score, Subject, Truth, permutation_importance};
use desk_explain::{EnsemblePredictor, ExplainError, FeatureInfo, Group, GroupKind, Table};

const MODELS: [&str; 9] = [
    "forest_binary",
    "forest_diabetes",
    "forest_wine",
    "lightgbm_missing",
    "tumour_v1",
    "tumour_v2",
    "xgboost_diabetes",
    "xgboost_missing",
    "xgboost_wine",
];

/// The whole model in float64: raw scores and what is done to them, written here anew.
fn whole(ensemble: &TreeEnsemble) -> impl Fn(&[f64]) -> Vec<f64> + Send + '_ {
    let own = EnsemblePredictor::new(ensemble).expect("well formed");
    move |row| {
        let raw = own.raw(row);
        match ensemble.post {
            PostTransform::None => raw,
            PostTransform::Logistic => raw.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            PostTransform::Softmax => {
                let sum: f64 = raw.iter().map(|x| x.exp()).sum();
                raw.iter().map(|x| x.exp() / sum).collect()
            }
            other => panic!("{other:?} is not among the references"),
        }
    }
}

/// Importances, with the trees or without.
fn found(
    predictor: &mut dyn Predictor,
    trees: Option<&TreeEnsemble>,
    rows: &[f64],
    judge: &Judge,
    cancel: &Cancel,
) -> Result<Importance, ExplainError> {
    together(predictor, trees, rows, (judge, cancel), Vec::new())
}

/// The same with columns that are shuffled together.
fn together(
    predictor: &mut dyn Predictor,
    trees: Option<&TreeEnsemble>,
    rows: &[f64],
    (judge, cancel): (&Judge, &Cancel),
    groups: Vec<Group>,
) -> Result<Importance, ExplainError> {
    let width = predictor.n_features();
    let features: Vec<FeatureInfo> = (0..width).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
    let (rows, row_numbers, features) = (Table::new(rows, width), &[][..], features.as_slice());
    let mut subject = Subject { predictor, trees, rows, row_numbers, features, cancel, sink: &NoProgress };
    permutation_importance(&mut subject, judge, &ImportanceRequest { repeats: 3, seed: 8, groups })
}

/// A truth for each row that the model is right about in part.
fn truth(answers: &[f64], outputs: usize, classes: bool) -> Truth {
    let noise = common::noise(answers.len() / outputs, 77);
    let rows = answers.chunks(outputs).zip(&noise);
    if classes {
        let best = |row: &[f64]| (0..outputs).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
        return Truth::Classes(rows.map(|(row, x)| if *x > 0.6 { 0 } else { best(row) }).collect());
    }
    Truth::Numbers(rows.map(|(row, x)| row[0] * (1.0 + x / 5.0)).collect())
}

#[test]
fn walking_again_equals_asking_for_everything() {
    for name in MODELS {
        let trees = ensemble(reference(&format!("trees/{name}.json")));
        let file = reference(&format!("shap/{name}.json"));
        let rows = [numbers(&file["rows"]), numbers(&file["background"])].concat();
        let width = trees.n_features as usize;
        let answer = whole(&trees);
        let answers: Vec<f64> = rows.chunks(width).flat_map(&answer).collect();
        let outputs = answers.len() * width / rows.len();
        let classes = outputs > 1;
        let scores: &[Score] =
            if classes { &[Score::Accuracy, Score::NegLogLoss] } else { &[Score::R2, Score::NegMeanAbsoluteError] };
        for score in scores {
            let judge = Judge::new(*score, truth(&answers, outputs, classes), outputs).expect("fits");
            let mut model = Function::new(width, outputs, &answer);
            let plain = found(&mut model, None, &rows, &judge, &Cancel::new()).expect("works");
            let asked = model.asked;
            let walked = found(&mut model, Some(&trees), &rows, &judge, &Cancel::new()).expect("works");
            let n = rows.len() / width;
            assert_eq!((walked.model_rows, model.asked - asked), (n as u64, n), "{name}: asked once");
            assert_eq!((walked.baseline, plain.walked), (plain.baseline, None));
            let ways = walked.walked.expect("walked");
            assert_eq!(ways.all, (n * width * 3 * trees.trees.len()) as u64);
            assert!(ways.again * 2 < ways.all, "{name}: {ways:?}");
            let by_column = |all: &Importance| {
                let mut features = all.features.clone();
                features.sort_by_key(|feature| feature.feature);
                features
            };
            for (a, b) in by_column(&walked).iter().zip(&by_column(&plain)) {
                let size = b.mean.abs().max(1.0);
                let close = |x: f64, y: f64| assert!((x - y).abs() <= 1e-9 * size, "{name} {score}: {a:?} and {b:?}");
                for (x, y) in [(a.mean, b.mean), (a.std, b.std), (a.low, b.low), (a.high, b.high)] {
                    close(x, y);
                }
                a.repeats.iter().zip(&b.repeats).for_each(|(x, y)| close(*x, *y));
            }
            assert!(walked.features[0].mean > 0.0, "{name} {score}: something matters");
        }
    }
}

/// The trees are used only where they are the model.
#[test]
fn a_model_that_answers_otherwise_is_asked() {
    let trees = ensemble(reference("trees/forest_diabetes.json"));
    let file = reference("shap/forest_diabetes.json");
    let (rows, width) = (numbers(&file["background"]), trees.n_features as usize);
    let answer = whole(&trees);
    let other = |row: &[f64]| answer(row).iter().map(|x| x * 1.1).collect();
    let truths = rows.chunks(width).map(|row| number(&serde_json::json!(answer(row)[0])) + row[0]).collect();
    let judge = Judge::new(Score::R2, Truth::Numbers(truths), 1).expect("fits");
    let mut model = Function::new(width, 1, other);
    let asked = found(&mut model, Some(&trees), &rows, &judge, &Cancel::new()).expect("works");
    assert_eq!((asked.walked, asked.model_rows), (None, (rows.len() / width * (1 + 3 * width)) as u64));
    let mut narrow = trees.clone();
    narrow.n_features = 1;
    let mut model = Function::new(width, 1, &answer);
    let asked = found(&mut model, Some(&narrow), &rows, &judge, &Cancel::new()).expect("works");
    assert_eq!(asked.walked, None, "trees that split on features they do not have are not used");
    let cancel = Cancel::new();
    let mut last = Function::new(width, 1, |row: &[f64]| {
        cancel.cancel();
        answer(row)
    });
    let stopped = found(&mut last, Some(&trees), &rows, &judge, &cancel);
    assert!(matches!(stopped, Err(ExplainError::Cancelled(_))), "{stopped:?}");
}

fn group(name: &str, features: &[usize]) -> Group {
    Group { name: name.to_owned(), features: features.to_vec(), kind: GroupKind::Given }
}

/// By name: the ranks of two lists may differ where means are nearly equal.
fn by_name(found: &Importance) -> Vec<(String, Vec<f64>, [f64; 2])> {
    let one = |feature: &desk_explain::global::FeatureImportance| {
        (feature.name.clone(), feature.repeats.clone(), [feature.low, feature.high])
    };
    let mut all: Vec<_> = found.features.iter().map(one).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// A group is one raw column that something before the model makes several of: with the same shuffles the same losses.
#[test]
fn columns_of_a_group_are_shuffled_as_the_one_column_that_they_come_from() {
    let trees = ensemble(reference("trees/forest_wine.json"));
    let (rows, width) = (numbers(&reference("shap/forest_wine.json")["background"]), trees.n_features as usize);
    let answer = whole(&trees);
    let answers: Vec<f64> = rows.chunks(width).flat_map(&answer).collect();
    let judge = Judge::new(Score::NegLogLoss, truth(&answers, 3, true), 3).expect("fits");
    let groups = || vec![group("some", &[1, 6, 9]), group("last", &[11, 12])];
    let mut model = Function::new(width, 3, &answer);
    let asked = together(&mut model, None, &rows, (&judge, &Cancel::new()), groups()).expect("works");
    assert_eq!(asked.features.len(), width - 3);

    // One raw column holds the number of the row that lends the cells of a group; the others are themselves.
    let single: Vec<usize> = [0, 2, 3, 4, 5, 7, 8, 10].into();
    let raw: Vec<f64> = rows
        .chunks(width)
        .enumerate()
        .flat_map(|(at, row)| single.iter().map(|f| row[*f]).chain([at as f64; 2]).collect::<Vec<_>>())
        .collect();
    let behind = |row: &[f64]| {
        let lent = |at: usize, f: usize| rows[row[at] as usize * width + f];
        let mut cells = vec![0.0; width];
        single.iter().zip(row).for_each(|(f, x)| cells[*f] = *x);
        for (at, f) in [(8, 1), (8, 6), (8, 9), (9, 11), (9, 12)] {
            cells[f] = lent(at, f);
        }
        answer(&cells)
    };
    let mut narrow = Function::new(10, 3, behind);
    let want = found(&mut narrow, None, &raw, &judge, &Cancel::new()).expect("works");
    let of = |found: &Importance, name: &str| {
        by_name(found).into_iter().find(|(known, ..)| known == name).unwrap_or_else(|| panic!("{name}"))
    };
    for (name, raw) in [("some", "f8"), ("last", "f9"), ("f0", "f0"), ("f10", "f7")] {
        let (one, other) = (of(&asked, name), of(&want, raw));
        assert_eq!((one.1, one.2), (other.1, other.2), "{name}");
    }
    assert!(of(&asked, "some").1[0].abs() > 0.0);

    // The trees walked instead of the model asked.
    let mut model = Function::new(width, 3, &answer);
    let walked = together(&mut model, Some(&trees), &rows, (&judge, &Cancel::new()), groups()).expect("works");
    let (n, ways) = (rows.len() / width, walked.walked.expect("walked"));
    assert_eq!(ways.all, (n * 10 * 3 * trees.trees.len()) as u64);
    assert!(ways.again >= (n * 2 * 3 * trees.trees.len()) as u64, "all ways of both groups");
    for (a, b) in by_name(&walked).iter().zip(by_name(&asked)) {
        assert_eq!(a.0, b.0);
        let pairs = a.1.iter().chain(&a.2).zip(b.1.iter().chain(&b.2));
        pairs.for_each(|(x, y)| assert!((x - y).abs() < 1e-9, "{}: {x} and {y}", a.0));
    }
    let twice = vec![group("one", &[1, 2]), group("other", &[2, 3])];
    let wrong = together(&mut model, Some(&trees), &rows, (&judge, &Cancel::new()), twice).expect_err("in two groups");
    assert!(wrong.to_string().contains("in two groups"), "{wrong}");
}
