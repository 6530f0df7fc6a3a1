//! A small regression tree grown by CART: the best cut of the rows, then of each part, down to a depth.
//!
//! Squared error over all outputs, thresholds in the middle between two values, as in scikit-learn's
//! `DecisionTreeRegressor`; where two cuts are worth the same, the first feature's is taken (there: a random one's).
//! Missing values go to the side that suits them better, as there. Categories are cut into two sets, which scikit-learn
//! has no word for. Written here because no maintained Rust library grows such a tree: linfa-trees only classifies,
//! smartcore takes neither missing values nor categories nor several outputs, and hides the nodes.

use desk_core::Cancel;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::split::{Cut, Rows, Rule};
use crate::error::ExplainError;
use crate::input::{FeatureInfo, FeatureKind, Table};

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Cuts above it.
    pub depth: usize,
    /// Rows that the tree was grown with and that come here.
    pub rows: usize,
    /// Their share of all.
    pub share: f64,
    /// Mean answer of the model to them, for each output: what the tree answers, at a leaf.
    pub value: Vec<f64>,
    /// Standard deviation of the model's answers to them, for each output.
    pub spread: Vec<f64>,
    /// How it is cut; none at a leaf.
    pub split: Option<Split>,
}

/// How a node is cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Column of the table.
    pub feature: usize,
    /// Its name.
    pub name: String,
    /// Who goes left.
    pub rule: Rule,
    /// Names of the categories that go left, where the rule is one of categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels_left: Vec<String>,
    /// Names of those that go right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels_right: Vec<String>,
    /// Rows without a value go left.
    pub missing_left: bool,
    /// How many of the node's rows have none.
    pub missing_rows: usize,
    /// Part of the squared differences to the mean answer of all rows that the cut takes away, over all outputs.
    pub gain: f64,
    /// The node on the left, from 0.
    pub left: usize,
    /// The node on the right.
    pub right: usize,
}

/// Rows to grow a tree with.
pub(super) struct Grower<'a> {
    pub table: Table<'a>,
    /// A name for each column.
    pub features: &'a [FeatureInfo],
    /// The model's answers, rows x outputs.
    pub answers: &'a [f64],
    pub outputs: usize,
    /// Cuts above a leaf at most.
    pub depth: usize,
    /// Fewest rows of a leaf.
    pub least: usize,
    /// Asked to stop.
    pub cancel: &'a Cancel,
}

impl Grower<'_> {
    /// The nodes, each before those below it, the left side first.
    ///
    /// # Errors
    /// A cancel, seen between cuts and features.
    pub fn grow(&self, chosen: &[usize]) -> Result<Vec<Node>, ExplainError> {
        let n = chosen.len() as f64;
        // About the mean of all, so that large answers lose no digits.
        let mean = self.means(chosen);
        let centred: Vec<f64> =
            self.answers.iter().enumerate().map(|(at, answer)| answer - mean[at % self.outputs]).collect();
        let squares = |k: usize| chosen.iter().map(|row| centred[row * self.outputs + k].powi(2)).sum::<f64>();
        let whole = (0..self.outputs).map(squares).sum();
        let mut nodes = Vec::new();
        self.below((&centred, n, whole), chosen, 0, &mut nodes)?;
        Ok(nodes)
    }

    fn means(&self, chosen: &[usize]) -> Vec<f64> {
        let sum = |k: usize| chosen.iter().map(|row| self.answers[row * self.outputs + k]).sum::<f64>();
        (0..self.outputs).map(|k| sum(k) / chosen.len() as f64).collect()
    }

    fn node(&self, chosen: &[usize], depth: usize, n: f64) -> Node {
        let value = self.means(chosen);
        let of = |k: usize| chosen.iter().map(move |row| self.answers[row * self.outputs + k]);
        let spread = |k: usize| (of(k).map(|x| (x - value[k]).powi(2)).sum::<f64>() / chosen.len() as f64).sqrt();
        let spread = (0..self.outputs).map(spread).collect();
        Node { depth, rows: chosen.len(), share: chosen.len() as f64 / n, value, spread, split: None }
    }

    fn below(
        &self,
        state: (&[f64], f64, f64),
        chosen: &[usize],
        depth: usize,
        nodes: &mut Vec<Node>,
    ) -> Result<usize, ExplainError> {
        let (centred, n, whole) = state;
        let at = nodes.len();
        nodes.push(self.node(chosen, depth, n));
        if depth == self.depth || chosen.len() < 2 * self.least {
            return Ok(at);
        }
        let Some(cut) = self.best(centred, chosen)? else { return Ok(at) };
        let goes_left = |row: &usize| {
            let value = self.table.row(*row)[cut.feature];
            cut.rule.left(value).unwrap_or(cut.missing_left)
        };
        let (on_left, on_right): (Vec<usize>, Vec<usize>) = chosen.iter().copied().partition(goes_left);
        let left = self.below(state, &on_left, depth + 1, nodes)?;
        let right = self.below(state, &on_right, depth + 1, nodes)?;
        let Cut { feature, rule, missing_left, gain } = cut;
        let missing_rows = chosen.iter().filter(|row| self.table.row(**row)[feature].is_nan()).count();
        let [levels_left, levels_right] = self.levels(feature, &rule);
        nodes[at].split = Some(Split {
            feature,
            name: self.features[feature].name.clone(),
            rule,
            levels_left,
            levels_right,
            missing_left,
            missing_rows,
            gain: gain / whole,
            left,
            right,
        });
        Ok(at)
    }

    /// Names of the categories that a rule sends left and right.
    fn levels(&self, feature: usize, rule: &Rule) -> [Vec<String>; 2] {
        let (Rule::Levels { left, right }, FeatureKind::Categorical { levels }) = (rule, &self.features[feature].kind)
        else {
            return [Vec::new(), Vec::new()];
        };
        let name = |code: &usize| levels.get(*code).cloned().unwrap_or_else(|| code.to_string());
        [left, right].map(|codes| codes.iter().map(name).collect())
    }

    /// The best cut of all features; of equal ones the first feature's.
    fn best(&self, centred: &[f64], chosen: &[usize]) -> Result<Option<Cut>, ExplainError> {
        let rows = Rows { table: self.table, answers: centred, outputs: self.outputs, chosen, least: self.least };
        let of = |(feature, info): (usize, &FeatureInfo)| {
            self.cancel.check()?;
            Ok(rows.best(feature, &info.kind))
        };
        let cuts: Result<Vec<Option<Cut>>, ExplainError> = self.features.par_iter().enumerate().map(of).collect();
        let better = |best: Option<Cut>, cut: Cut| match best {
            Some(best) if best.gain >= cut.gain => Some(best),
            _ => Some(cut),
        };
        Ok(cuts?.into_iter().flatten().fold(None, better))
    }
}

/// The leaf of a row. What was not there when the tree was grown goes with the most rows.
pub(super) fn leaf<'a>(nodes: &'a [Node], row: &[f64]) -> &'a Node {
    let mut node = &nodes[0];
    while let Some(split) = &node.split {
        let value = row[split.feature];
        let (left, right) = (&nodes[split.left], &nodes[split.right]);
        let unknown = if value.is_nan() { split.missing_left } else { left.rows > right.rows };
        node = if split.rule.left(value).unwrap_or(unknown) { left } else { right };
    }
    node
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Numbers of a list; null is a missing one.
    fn numbers(of: &Value) -> Vec<f64> {
        of.as_array().expect("a list").iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
    }

    #[test]
    fn trees_are_scikit_learns_with_missing_values_and_several_outputs() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/global/surrogate.json");
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON");
        for case in file["cases"].as_array().expect("a list") {
            let count = |key: &str| case[key].as_u64().expect("a count") as usize;
            let (name, width, outputs) = (&case["name"], count("width"), count("outputs"));
            let (x, answers, want) = (numbers(&case["x"]), numbers(&case["y"]), &case["tree"]);
            let features: Vec<FeatureInfo> = (0..width).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
            let (table, cancel) = (Table::new(&x, width), Cancel::new());
            let (features, answers, cancel) = (features.as_slice(), answers.as_slice(), &cancel);
            let (depth, least) = (count("depth"), count("least"));
            let grower = Grower { table, features, answers, outputs, depth, least, cancel };
            let chosen: Vec<usize> = (0..table.len()).collect();
            let nodes = grower.grow(&chosen).expect("grows");
            let of = |key: &str, node: usize| numbers(&want[key])[node];
            assert_eq!(nodes.len(), numbers(&want["rows"]).len(), "{name}");
            for (at, node) in nodes.iter().enumerate() {
                assert_eq!(node.rows as f64, of("rows", at), "{name}, node {at}");
                for (value, want) in node.value.iter().zip(numbers(&want["value"][at])) {
                    assert!((value - want).abs() < 1e-9, "{name}, node {at}: {value} and {want}");
                }
                // scikit-learn's impurity is the mean variance over the outputs.
                let impurity = node.spread.iter().map(|s| s * s).sum::<f64>() / outputs as f64;
                assert!((impurity - of("impurity", at)).abs() < 1e-9, "{name}, node {at}: {impurity}");
                let Some(split) = &node.split else {
                    assert_eq!(of("left", at), -1.0, "{name}, node {at} is a leaf");
                    continue;
                };
                let found = [split.feature, split.left, split.right, usize::from(split.missing_left)];
                let wanted = ["feature", "left", "right", "missing_left"].map(|key| of(key, at) as usize);
                assert_eq!(found, wanted, "{name}, node {at}");
                match split.rule {
                    Rule::Number { at_most } => {
                        assert!((at_most - of("threshold", at)).abs() < 1e-9, "{name}, node {at}: {at_most}");
                    }
                    _ => assert!(of("threshold", at).is_nan(), "{name}, node {at}: {:?}", split.rule),
                }
            }
            let all: f64 = nodes.iter().filter_map(|node| Some(node.split.as_ref()?.gain)).sum();
            let leaves = nodes.iter().filter(|node| node.split.is_none());
            let left: f64 = leaves.map(|node| node.share * node.spread.iter().map(|s| s * s).sum::<f64>()).sum();
            let whole: f64 = nodes[0].spread.iter().map(|s| s * s).sum();
            assert!((all + left / whole - 1.0).abs() < 1e-9, "{name}: what the cuts take away and what is left is all");
        }
    }

    #[test]
    fn a_row_goes_to_its_leaf_and_what_was_not_there_with_the_most() {
        // Category 2 is nowhere in the rows; the second column is missing for category 1.
        let x = [0.0, 1.0, 0.0, 2.0, 0.0, 9.0, 1.0, f64::NAN, 1.0, f64::NAN];
        let answers = [1.0, 1.0, 3.0, 8.0, 8.0];
        let features =
            [FeatureInfo::categorical("c", ["a", "b", "c"].map(str::to_owned).into()), FeatureInfo::numeric("x")];
        let cancel = Cancel::new();
        let grower = Grower {
            table: Table::new(&x, 2),
            features: &features,
            answers: &answers,
            outputs: 1,
            depth: 2,
            least: 1,
            cancel: &cancel,
        };
        let nodes = grower.grow(&[0, 1, 2, 3, 4]).expect("grows");
        let split = nodes[0].split.as_ref().expect("cut");
        assert_eq!((split.feature, &split.rule), (0, &Rule::Levels { left: vec![0], right: vec![1] }));
        assert_eq!((&split.levels_left[..], &split.levels_right[..]), (&["a".to_owned()][..], &["b".to_owned()][..]));
        let answer = |row: [f64; 2]| leaf(&nodes, &row).value[0];
        assert_eq!([answer([0.0, 1.5]), answer([0.0, 9.0]), answer([1.0, 1.5])], [1.0, 3.0, 8.0]);
        assert_eq!([answer([2.0, 9.0]), answer([f64::NAN, 0.0])], [3.0, 1.0], "three of five rows went left");
        assert_eq!(answer([0.0, f64::NAN]), 1.0, "of those, two of three went left");
        cancel.cancel();
        assert!(matches!(grower.grow(&[0, 1, 2, 3, 4]), Err(ExplainError::Cancelled(_))));
    }
}
