//! How often an interval holds the truth that the data were drawn from.

use desk_monitor::{Classification, Metric, Regression};

/// Data sets that are drawn, and rows in each.
const SETS: u32 = 4000;
const ROWS: usize = 200;

/// Numbers from 0 to 1, the same in each run (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Counts how often each metric's interval holds what it estimates, and that none leaves its range.
#[derive(Default)]
struct Held(u32);

impl Held {
    fn add(&mut self, metric: &Metric, truth: f64, most: f64) {
        let (low, high) = metric.low.zip(metric.high).expect("an interval");
        assert!(0.0 <= low && low < high && high <= most, "[{low}, {high}]");
        self.0 += u32::from(low <= truth && truth <= high);
    }

    /// 95 %, within three standard errors of the simulation and one percent for what the normal approximation
    /// of 200 rows leaves.
    #[track_caller]
    fn is_as_stated(&self, name: &str) {
        let share = f64::from(self.0) / f64::from(SETS);
        let slack = 3.0 * (0.95f64 * 0.05 / f64::from(SETS)).sqrt() + 0.01;
        assert!((share - 0.95).abs() < slack, "{name}: {share}");
    }
}

#[test]
fn errors_of_a_regression() {
    let (mut mae, mut mse, mut rmse) = (Held::default(), Held::default(), Held::default());
    let mut draw = Draw(1);
    for _ in 0..SETS {
        // Exponential errors: their mean is 1, their mean square 2.
        let predicted: Vec<f64> = (0..ROWS).map(|_| 5.0 - (1.0 - draw.next()).ln()).collect();
        let mut all = Regression::new();
        all.push(&[5.0; ROWS], &predicted).expect("as many");
        let report = all.finish();
        mae.add(&report.mae, 1.0, f64::INFINITY);
        mse.add(&report.mse, 2.0, f64::INFINITY);
        rmse.add(&report.rmse, 2f64.sqrt(), f64::INFINITY);
    }
    mae.is_as_stated("mae");
    // Squares of exponential errors have a heavy tail: 200 rows of them hold the truth somewhat less often.
    assert!(f64::from(mse.0) / f64::from(SETS) > 0.90 && mse.0 == rmse.0, "{} {}", mse.0, rmse.0);
}

#[test]
fn losses_of_probabilities() {
    let (mut brier, mut loss, mut accuracy) = (Held::default(), Held::default(), Held::default());
    let classes = ["no".to_owned(), "yes".to_owned()];
    let mut draw = Draw(2);
    for _ in 0..SETS {
        let mut all = Classification::new(&classes, None).expect("two classes");
        let (mut truth, mut scores) = (Vec::new(), Vec::new());
        for _ in 0..ROWS {
            let p = draw.next();
            truth.push(Some(classes[usize::from(draw.next() < p)].clone()));
            scores.extend([1.0 - p, p]);
        }
        all.push(&truth, None, Some(&scores)).expect("as many");
        let report = all.finish().expect("metrics");
        // Of p drawn evenly: the means of p (1 - p), of the entropy of p, and of the larger of p and 1 - p.
        brier.add(&report.brier, 1.0 / 6.0, 1.0);
        loss.add(&report.log_loss, 0.5, f64::INFINITY);
        accuracy.add(&report.accuracy, 0.75, 1.0);
    }
    brier.is_as_stated("brier");
    loss.is_as_stated("log loss");
    accuracy.is_as_stated("accuracy");
}

/// Areas of a few rows, some of them all in order: the plain normal interval would end at 1 on both sides there.
#[test]
fn areas_under_the_curve_of_a_few_rows() {
    let classes = ["no".to_owned(), "yes".to_owned()];
    let mut draw = Draw(3);
    let mut normal = || (-2.0 * (1.0 - draw.next()).ln()).sqrt() * (std::f64::consts::TAU * draw.next()).cos();
    // Two normal distributions that lie this far apart have this area between them.
    for (apart, area) in [(1.190_232_1, 0.8), (2.326_174_3, 0.95)] {
        let (mut held, mut in_order) = (Held::default(), 0);
        for _ in 0..SETS {
            let mut all = Classification::new(&classes, None).expect("two classes");
            let truth: Vec<_> = (0..22).map(|row| Some(classes[usize::from(row % 2 == 0)].clone())).collect();
            let at = |row: usize| if row.is_multiple_of(2) { apart } else { 0.0 };
            let scores: Vec<f64> = (0..22)
                .flat_map(|row| {
                    let p = 1.0 / (1.0 + (-(normal() + at(row))).exp());
                    [1.0 - p, p]
                })
                .collect();
            all.push(&truth, None, Some(&scores)).expect("as many");
            let auc = all.finish().expect("metrics").auc;
            in_order += u32::from(auc.value == Some(1.0));
            held.add(&auc, area, 1.0);
        }
        let share = f64::from(held.0) / f64::from(SETS);
        assert!((0.935..0.98).contains(&share), "area {area}: {share}");
        assert!(area < 0.9 || in_order > SETS / 20, "{in_order} in order");
    }
}

/// Of three classes: F1 of one, the means over all, and the balanced accuracy.
#[test]
fn scores_of_a_confusion_matrix() {
    let classes = ["a", "b", "c"].map(str::to_owned);
    // Shares of the rows by truth and by prediction.
    let cells = [[0.30, 0.05, 0.02], [0.06, 0.25, 0.04], [0.03, 0.05, 0.20]];
    let support: Vec<f64> = cells.iter().map(|row| row.iter().sum()).collect();
    let predicted: Vec<f64> = (0..3).map(|j| cells.iter().map(|row| row[j]).sum()).collect();
    let mean = |of: &dyn Fn(usize) -> f64| (0..3).map(of).sum::<f64>() / 3.0;
    let f1 = |k: usize| 2.0 * cells[k][k] / (support[k] + predicted[k]);
    let mut held: [Held; 5] = Default::default();
    let mut draw = Draw(4);
    for _ in 0..SETS {
        let mut all = Classification::new(&classes, None).expect("three classes");
        let (mut truth, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..ROWS {
            let mut rest = draw.next();
            let all_cells =
                cells.iter().enumerate().flat_map(|(i, row)| row.iter().enumerate().map(move |(j, p)| (i, j, *p)));
            let mut found = (2, 2);
            for (i, j, p) in all_cells {
                if rest < p {
                    found = (i, j);
                    break;
                }
                rest -= p;
            }
            truth.push(Some(classes[found.0].clone()));
            labels.push(classes[found.1].clone());
        }
        all.push(&truth, Some(&labels), None).expect("as many");
        let report = all.finish().expect("metrics");
        held[0].add(&report.per_class[1].f1, f1(1), 1.0);
        held[1].add(&report.macro_average.f1, mean(&f1), 1.0);
        held[2].add(&report.macro_average.precision, mean(&|k| cells[k][k] / predicted[k]), 1.0);
        held[3].add(&report.macro_average.recall, mean(&|k| cells[k][k] / support[k]), 1.0);
        held[4].add(&report.balanced_accuracy, mean(&|k| cells[k][k] / support[k]), 1.0);
    }
    for (held, name) in held.iter().zip(["F1", "mean F1", "mean precision", "mean recall", "balanced accuracy"]) {
        held.is_as_stated(name);
    }
}
