//! Every metric beside scikit-learn's, from the reference files of the workspace.

use std::fs;
use std::path::Path;

use desk_monitor::{Classification, ClassificationReport, Metric, classification, regression};
use serde_json::Value;

fn reference(kind: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/metrics");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).expect("the reference folder") {
        let path = entry.expect("an entry").path();
        let value: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        if value["kind"] == kind {
            files.push((path.file_stem().expect("name").to_string_lossy().into_owned(), value));
        }
    }
    files
}

/// Compares one metric. scikit-learn gives 0 or null where ours is undefined and says why.
#[track_caller]
fn check(file: &str, name: &str, ours: &Metric, theirs: &Value) {
    match (ours.value, theirs.as_f64()) {
        (Some(a), Some(b)) => {
            let scale = b.abs().max(1.0);
            assert!((a - b).abs() <= 1e-9 * scale, "{file} {name}: {a} instead of {b}");
        }
        (None, found) => {
            assert!(ours.reason.is_some(), "{file} {name}: no reason");
            let constant = name == "r2" || name == "explained_variance";
            assert!(found.is_none_or(|x| x == 0.0 || constant), "{file} {name}: undefined instead of {found:?}");
        }
        (Some(a), None) => panic!("{file} {name}: {a} where scikit-learn has none"),
    }
    if let (Some(value), Some(low), Some(high)) = (ours.value, ours.low, ours.high) {
        assert!(low <= value + 1e-12 && value <= high + 1e-12, "{file} {name}: {value} not in [{low}, {high}]");
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|v| v.as_str().expect("text").to_owned()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn report_of(case: &Value) -> ClassificationReport {
    let truth: Vec<Option<String>> = strings(&case["truth"]).into_iter().map(Some).collect();
    let scores: Vec<f64> = case["probabilities"].as_array().expect("rows").iter().flat_map(numbers).collect();
    let (classes, positive) = (strings(&case["classes"]), case["positive"].as_str());
    if case["dtype"] != "float32" {
        return classification(&classes, positive, &truth, None, Some(&scores)).expect("metrics");
    }
    let all = Classification::new(&classes, positive).expect("classes");
    let mut all = all.scores_of(desk_core::ElementType::Float32);
    all.push(&truth, None, Some(&scores)).expect("pushed");
    all.finish().expect("metrics")
}

#[test]
fn classification_equals_scikit_learn() {
    let cases = reference("classification");
    assert!(cases.len() >= 10, "only {} reference files", cases.len());
    for (file, case) in cases {
        let (report, expect) = (report_of(&case), &case["expected"]);
        let same = |name: &str, ours: &Metric, theirs: &Value| check(&file, name, ours, theirs);
        same("accuracy", &report.accuracy, &expect["accuracy"]);
        same("balanced accuracy", &report.balanced_accuracy, &expect["balanced_accuracy"]);
        same("matthews", &report.matthews, &expect["matthews"]);
        same("kappa", &report.kappa, &expect["kappa"]);
        if case["dtype"] == "float32" {
            // scikit-learn sums in float32 then.
            let (ours, theirs) = (report.log_loss.value, expect["log_loss"].as_f64());
            let (ours, theirs) = ours.zip(theirs).expect("both are defined");
            assert!((ours / theirs - 1.0).abs() < 1e-5, "{file}: {ours} instead of {theirs}");
            assert!(report.warnings.iter().any(|warning| warning.contains("1.192e-7")), "{:?}", report.warnings);
        } else {
            same("log loss", &report.log_loss, &expect["log_loss"]);
        }
        assert_eq!(serde_json::to_value(&report.confusion).expect("JSON"), expect["confusion"], "{file}");
        for (i, class) in report.per_class.iter().enumerate() {
            same("precision", &class.precision, &expect["per_class"]["precision"][i]);
            same("recall", &class.recall, &expect["per_class"]["recall"][i]);
            same("f1", &class.f1, &expect["per_class"]["f1"][i]);
            same("auc of class", &class.auc, &expect["auc_one_vs_rest"][i]);
            assert_eq!(class.support, expect["per_class"]["support"][i].as_u64().expect("a count"), "{file}");
        }
        for (name, ours) in [("macro", &report.macro_average), ("weighted", &report.weighted_average)] {
            same(name, &ours.precision, &expect[name]["precision"]);
            same(name, &ours.recall, &expect[name]["recall"]);
            same(name, &ours.f1, &expect[name]["f1"]);
        }
        if report.positive.is_some() {
            check_two_classes(&file, &report, expect);
        } else {
            same("macro auc", &report.macro_average.auc, &expect["auc_ovr_macro"]);
            same("weighted auc", &report.weighted_average.auc, &expect["auc_ovr_weighted"]);
        }
    }
}

fn check_two_classes(file: &str, report: &ClassificationReport, expect: &Value) {
    let of = |metric: &Option<Metric>| metric.clone().expect("two classes");
    check(file, "precision", &of(&report.precision), &expect["precision"]);
    check(file, "recall", &of(&report.recall), &expect["recall"]);
    check(file, "f1", &of(&report.f1), &expect["f1"]);
    check(file, "auc", &report.auc, &expect["auc"]);
    check(file, "average precision", &of(&report.average_precision), &expect["average_precision"]);
    check(file, "brier", &report.brier, &expect["brier"]);
    let calibration = report.calibration.as_ref().expect("probabilities");
    let counts: Vec<u64> = calibration.bins.iter().map(|bin| bin.count).collect();
    assert_eq!(serde_json::to_value(counts).expect("JSON"), expect["calibration"]["counts"], "{file}");
    let filled: Vec<_> = calibration.bins.iter().filter(|bin| bin.count > 0).collect();
    let close = |a: Option<f64>, b: f64| (a.expect("filled") - b).abs() < 1e-9;
    let shares = numbers(&expect["calibration"]["share_positive"]);
    let means = numbers(&expect["calibration"]["mean_score"]);
    assert_eq!(filled.len(), shares.len(), "{file}");
    for (bin, (share, mean)) in filled.iter().zip(shares.into_iter().zip(means)) {
        assert!(close(bin.share, share) && close(bin.mean_score, mean), "{file}: {bin:?}");
    }
}

#[test]
fn regression_equals_scikit_learn() {
    let cases = reference("regression");
    assert!(cases.len() >= 5, "only {} reference files", cases.len());
    for (file, case) in cases {
        let report = regression(&numbers(&case["truth"]), &numbers(&case["predictions"])).expect("metrics");
        for (name, ours) in [
            ("mse", &report.mse),
            ("rmse", &report.rmse),
            ("mae", &report.mae),
            ("median_absolute_error", &report.median_absolute_error),
            ("max_error", &report.max_error),
            ("mape", &report.mape),
            ("r2", &report.r2),
            ("explained_variance", &report.explained_variance),
        ] {
            check(&file, name, ours, &case["expected"][name]);
        }
    }
}

#[test]
fn several_numbers_a_row_equal_scikit_learn() {
    let cases = reference("several-regressions");
    assert!(!cases.is_empty(), "no reference file");
    for (file, case) in cases {
        let rows = |name: &str| case[name].as_array().expect("rows").iter().map(numbers).collect::<Vec<_>>();
        let (truth, predicted) = (rows("truth"), rows("predictions"));
        let names = (0..truth[0].len()).map(|i| (format!("y_{i}"), format!("t{i}"))).collect();
        let mut all = desk_monitor::SeveralRegressions::new(names);
        // In two pieces, as batches come.
        for piece in [0..11, 11..truth.len()] {
            let column = |i: usize| truth[piece.clone()].iter().map(|row| row[i]).collect::<Vec<f64>>();
            let columns: Vec<Vec<f64>> = (0..truth[0].len()).map(column).collect();
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            all.push(&columns, &predicted[piece].concat()).expect("they fit");
        }
        let report = all.finish();
        let value = |report: &desk_monitor::RegressionReport, name: &str| {
            let all = serde_json::to_value(report).expect("JSON");
            Metric::of(all[name]["value"].as_f64().expect("a number"))
        };
        for (name, expect) in case["expected"].as_object().expect("metrics") {
            check(&file, name, &value(&report.average, name), &expect["average"]);
            for (output, each) in report.outputs.iter().zip(expect["each"].as_array().expect("outputs")) {
                check(&file, name, &value(&output.report, name), each);
            }
        }
    }
}

#[test]
fn columns_and_predictions_that_do_not_fit_together_are_refused() {
    let mut two = desk_monitor::SeveralRegressions::new(vec![("a".into(), "a".into()), ("b".into(), "b".into())]);
    assert!(two.push(&[&[1.0]], &[1.0, 2.0]).is_err() && two.push(&[&[1.0], &[2.0]], &[1.0]).is_err());
}
