//! How long permutation importance of a tree ensemble takes, walking again what a shuffle touches and asking for
//! everything: `importance_speed [ROWS [FEATURES [TREES [DEPTH]]]]`, 10,000 rows, 30 features, 100 trees, depth 8 when left
//! out.
//!
//! The forest is grown from a seed: each node splits a random feature near the middle of what reaches it, as deep as is
//! said, with shares of two classes in its leaves. 5 shuffles. One JSON line for each number of threads: the best of three
//! runs of the whole call, asking for everything through the same trees on the same threads, and the largest difference
//! between the two ways.

#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_core::trees::{Aggregate, Node, PostTransform, SplitMode, Tree, TreeEnsemble};
use desk_core::{Cancel, NoProgress, Predictor as _};
use desk_explain::global::{Importance, ImportanceRequest, Judge, Score, Subject, Truth, permutation_importance};
use desk_explain::{EnsemblePredictor, FeatureInfo, Table};
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

const RUNS: usize = 3;

fn main() -> Result<(), Failure> {
    let args: Vec<usize> = std::env::args().skip(1).map(|arg| arg.parse()).collect::<Result<_, _>>()?;
    let at = |i: usize, usual| args.get(i).copied().unwrap_or(usual);
    let (n, width, trees, depth) = (at(0, 10_000), at(1, 30), at(2, 100), at(3, 8));
    let mut dice = Dice(1);
    let rows: Vec<f64> = (0..n * width).map(|_| dice.uniform()).collect();
    let ensemble = TreeEnsemble {
        n_features: u32::try_from(width)?,
        n_outputs: 2,
        base_values: vec![0.0; 2],
        trees: (0..trees).map(|_| dice.tree(width, depth, trees)).collect(),
        aggregate: Aggregate::Sum,
        post: PostTransform::None,
        binary_from_one: false,
        labels: None,
    };
    let answers = EnsemblePredictor::new(&ensemble)?.raw(&rows);
    let truth = answers.chunks(2).map(|row| usize::from(row[1] > row[0])).collect();
    let judge = Judge::new(Score::Accuracy, Truth::Classes(truth), 2)?;
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let run = |walk: bool| pool.install(|| measure(&ensemble, walk, &rows, &judge));
        let (walking, fast) = run(true)?;
        let (asking, slow) = run(false)?;
        let of = |all: &Importance, feature| all.features.iter().find(|f| f.feature == feature).map_or(0.0, |f| f.mean);
        let apart = (0..width).map(|f| (of(&fast, f) - of(&slow, f)).abs()).fold(0.0, f64::max);
        println!(
            "{}",
            json!({"rows": n, "features": width, "trees": trees, "depth": depth, "leaves": ensemble.leaf_count(),
                   "threads": threads, "walking": walking, "asking": asking, "gain": asking / walking,
                   "walked": fast.walked, "difference": apart})
        );
    }
    Ok(())
}

/// The best time and the importances.
fn measure(ensemble: &TreeEnsemble, walk: bool, rows: &[f64], judge: &Judge) -> Result<(f64, Importance), String> {
    let mut predictor = EnsemblePredictor::new(ensemble).map_err(|error| error.to_string())?;
    let width = predictor.n_features();
    let features: Vec<FeatureInfo> = (0..width).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
    let cancel = Cancel::new();
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..RUNS {
        let mut subject = Subject {
            predictor: &mut predictor,
            trees: walk.then_some(ensemble),
            rows: Table::new(rows, width),
            row_numbers: &[],
            features: &features,
            cancel: &cancel,
            sink: &NoProgress,
        };
        let start = Instant::now();
        let found = permutation_importance(&mut subject, judge, &ImportanceRequest::default());
        best = best.min(start.elapsed().as_secs_f64());
        last = Some(found.map_err(|error| error.to_string())?);
    }
    last.map(|found| (best, found)).ok_or_else(|| "nothing was measured".to_owned())
}

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        self.next() as f64 / f64::from(1u32 << 31)
    }

    /// A full tree over features in [0, 1).
    fn tree(&mut self, width: usize, depth: usize, trees: usize) -> Tree {
        let mut nodes = Vec::new();
        // What each node gets of each feature, and its depth; children come behind their parents.
        let mut open = vec![(vec![(0.0, 1.0); width], 0)];
        let mut at = 0;
        while at < open.len() {
            let (ranges, level) = open[at].clone();
            at += 1;
            if level == depth {
                let share = self.uniform();
                let weight = |share: f64| (share / trees as f64) as f32;
                nodes.push(Node::Leaf(vec![(0, weight(1.0 - share)), (1, weight(share))]));
                continue;
            }
            let feature = self.next() as usize % width;
            let (low, high): (f64, f64) = ranges[feature];
            let threshold = low + (high - low) * (0.35 + 0.3 * self.uniform());
            let yes = open.len() as u32;
            let side = |range: (f64, f64)| {
                let mut ranges = ranges.clone();
                ranges[feature] = range;
                (ranges, level + 1)
            };
            open.extend([side((low, threshold)), side((threshold, high))]);
            let (feature, threshold) = (feature as u32, threshold as f32);
            nodes.push(Node::Split { feature, mode: SplitMode::Leq, threshold, missing_yes: false, yes, no: yes + 1 });
        }
        Tree { nodes }
    }
}
