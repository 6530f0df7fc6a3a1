//! What a metric does where there is nothing to measure, or something is wrong.

use desk_monitor::{Classification, MetricError, Regression, classification, regression};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn truths(list: &[&str]) -> Vec<Option<String>> {
    list.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn pieces_give_the_same_as_the_whole() {
    let classes = texts(&["a", "b", "c"]);
    let truth = truths(&["a", "b", "c", "a", "c", "b"]);
    let scores = [0.5, 0.3, 0.2, 0.1, 0.8, 0.1, 0.3, 0.3, 0.4, 0.2, 0.7, 0.1, 0.0, 0.0, 1.0, 0.6, 0.2, 0.2];
    let whole = classification(&classes, None, &truth, None, Some(&scores)).expect("metrics");
    let mut pieces = Classification::new(&classes, None).expect("classes");
    pieces.push(&truth[..1], None, Some(&scores[..3])).expect("pushed");
    pieces.push(&truth[1..], None, Some(&scores[3..])).expect("pushed");
    assert_eq!(pieces.finish().expect("metrics"), whole);
}

#[test]
fn rows_that_cannot_count_are_counted_apart() {
    let truth = [Some("a".to_owned()), None, Some("x".to_owned()), Some("b".to_owned()), Some("b".to_owned())];
    let scores = [0.9, 0.1, 0.5, 0.5, 0.5, 0.5, f64::NAN, 0.5, 0.2, 0.8];
    let report = classification(&texts(&["a", "b"]), None, &truth, None, Some(&scores)).expect("metrics");
    let skipped = &report.skipped;
    assert_eq!((report.n, skipped.missing_truth, skipped.unknown_truth, skipped.nan_score), (2, 1, 1, 1));
    assert_eq!(report.accuracy.value, Some(1.0));
    assert!(report.warnings.iter().any(|warning| warning.contains("(x)")), "{:?}", report.warnings);
}

#[test]
fn labels_alone_give_no_auc_and_say_why() {
    let predicted = texts(&["a", "b"]);
    let report =
        classification(&texts(&["a", "b"]), Some("a"), &truths(&["a", "a"]), Some(&predicted), None).expect("metrics");
    assert_eq!(report.accuracy.value, Some(0.5));
    assert_eq!(report.auc.reason.as_deref(), Some("The model gives no scores"));
    assert_eq!(report.log_loss.value, None);
    assert!(report.roc.is_empty() && report.calibration.is_none());
}

#[test]
fn margins_are_no_probabilities() {
    let scores = [-1.5, 1.5, 0.7, -0.7];
    let report = classification(&texts(&["a", "b"]), None, &truths(&["b", "a"]), None, Some(&scores)).expect("metrics");
    assert_eq!(report.auc.value, Some(1.0));
    assert!(report.log_loss.reason.expect("a reason").contains("row 1"));
    assert!(report.calibration.is_none());
}

#[test]
fn wrong_questions_are_errors() {
    let two = texts(&["a", "b"]);
    assert!(matches!(Classification::new(&texts(&["a"]), None), Err(MetricError::Classes(_))));
    assert!(matches!(Classification::new(&texts(&["a", "a"]), None), Err(MetricError::Classes(_))));
    assert!(matches!(Classification::new(&two, Some("c")), Err(MetricError::Positive { .. })));
    let result = |truth: &[&str], predicted: Option<&[String]>, scores: Option<&[f64]>| {
        classification(&two, None, &truths(truth), predicted, scores).expect_err("an error")
    };
    assert!(matches!(result(&["a"], None, None), MetricError::NothingPredicted));
    assert!(matches!(result(&["a"], None, Some(&[0.5])), MetricError::Length { .. }));
    assert!(matches!(result(&["1"], None, Some(&[0.5, 0.5])), MetricError::NoKnownTruth { .. }));
    assert!(matches!(result(&["a"], Some(&texts(&["z"])), None), MetricError::UnknownPrediction { row: 1, .. }));
    assert!(regression(&[1.0], &[]).is_err());
}

#[test]
fn no_rows_and_bad_numbers() {
    let empty = Regression::new().finish();
    assert_eq!((empty.n, empty.mse.value, empty.max_error.value), (0, None, None));
    let report = regression(&[1.0, f64::NAN, 2.0, 3.0], &[1.5, 1.0, f64::NAN, f64::INFINITY]).expect("metrics");
    assert_eq!((report.n, report.missing_truth, report.bad_prediction), (1, 1, 2));
    assert_eq!((report.mae.value, report.r2.value), (Some(0.5), None));
    assert_eq!(report.warnings.len(), 2);
    let none = Classification::new(&texts(&["a", "b"]), None).expect("classes").finish().expect("metrics");
    assert_eq!((none.n, none.accuracy.value), (0, None));
}
