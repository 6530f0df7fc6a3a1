//! What two versions' explanations of the same rows say: which features gained and lost, and which rows moved.

use desk_core::words::{quoted, quoted_list, short};
use desk_core::{Digest, Fault};
use desk_explain::{Moved, moved, rank_correlation};
use desk_store::{RunKind, RunRow, VersionRow};
use serde::{Deserialize, Serialize};

use super::prepared::{prepared, prepared_otherwise};
use crate::Desk;
use crate::outcome::Explained;

/// Explanations of a version that are looked through for rows in common.
const LOOKED_AT: u32 = 40;
/// Rows that are listed, those that moved most.
const LISTED: usize = 200;
/// Features that a warning names.
const NAMED: usize = 5;

/// How two versions explain the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationsCompared {
    /// The data file, as it was named when the second was explained.
    pub data: String,
    /// Its digest.
    pub data_digest: Digest,
    /// The explanation of the first.
    pub run_first: String,
    /// The explanation of the second.
    pub run_second: String,
    /// Methods of both.
    pub methods: [String; 2],
    /// Where the backgrounds of both came from.
    pub backgrounds: [String; 2],
    /// Seeds of both.
    pub seeds: [u64; 2],
    /// `raw` or `probability`, in both.
    pub space: String,
    /// Rows that both explain.
    pub rows: u64,
    /// For each output that both explain, what moved.
    pub outputs: Vec<OutputMoved>,
    /// What to know before these numbers are believed.
    pub warnings: Vec<String>,
}

/// What moved in one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputMoved {
    /// Its name.
    pub output: String,
    /// What contributions are of: `probability of yes`.
    pub unit: String,
    /// Base values of both.
    pub base_values: [f64; 2],
    /// Spearman's correlation of the features' importances in both; none of fewer than 3 features.
    pub rank_correlation: Option<f64>,
    /// Features of both, those whose contributions moved most first.
    pub features: Vec<FeatureMoved>,
    /// The rows whose contributions moved most, up to 200 of them.
    pub moved: Vec<RowMoved>,
}

/// One feature of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureMoved {
    /// Its name.
    pub feature: String,
    /// The numbers.
    #[serde(flatten)]
    pub moved: Moved,
}

/// One row of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowMoved {
    /// Its number, from 1.
    pub row: u64,
    /// What both versions say.
    pub predictions: [f64; 2],
    /// Sum over the features of |second contribution - first contribution|.
    pub moved: f64,
    /// The feature that moved most.
    pub feature: String,
    /// Its contribution in both.
    pub contributions: [f64; 2],
}

impl Desk {
    /// The explanations of the newest rows that both were explained on; or why there are none.
    pub(super) fn compare_explanations(
        &self,
        first: &VersionRow,
        second: &VersionRow,
    ) -> Result<Result<ExplanationsCompared, String>, Fault> {
        let runs = |row: &VersionRow| self.0.store.list_runs_of(Some(&row.digest), Some(RunKind::Explain), LOOKED_AT);
        let (of_first, of_second) = (runs(first)?, runs(second)?);
        for (row, runs) in [(first, &of_first), (second, &of_second)] {
            if runs.is_empty() {
                return Ok(Err(format!("{}@{} was not explained yet", row.model, row.number)));
            }
        }
        let names = [first, second].map(|row| format!("{}@{}", row.model, row.number));
        let mut why = "no file was explained with both".to_owned();
        let mut best = None;
        // The newest pair that is explained alike; where there is none, the newest pair.
        for b in &of_second {
            for a in of_first.iter().filter(|a| a.data.is_some() && a.data == b.data) {
                let (one, other) = (explained(a)?, explained(b)?);
                match compared((a, &one), (b, &other), &names) {
                    Ok(found)
                        if one.method == other.method
                            && one.background_digest == other.background_digest
                            && prepared(a) == prepared(b) =>
                    {
                        return Ok(Ok(found));
                    }
                    Ok(found) => best = best.or(Some(found)),
                    Err(other) => why = other,
                }
            }
        }
        Ok(best.ok_or(why))
    }
}

fn explained(run: &RunRow) -> Result<Explained, Fault> {
    serde_json::from_value(run.result.clone())
        .map_err(|error| Fault::bug(format!("the record of run {} has another form", run.id)).detail(error.to_string()))
}

/// Two explanations beside each other, or why they cannot be.
fn compared(
    (first_run, first): (&RunRow, &Explained),
    (second_run, second): (&RunRow, &Explained),
    [one, other]: &[String; 2],
) -> Result<ExplanationsCompared, String> {
    if first.space != second.space {
        let [a, b] = [first, second].map(|of| if of.space == "raw" { "raw score" } else { &of.space });
        return Err(format!("{one} was explained in units of the {a} and {other} in units of the {b}"));
    }
    if first.is_additive() != second.is_additive() || first.is_lime() != second.is_lime() {
        let (a, b) = (&first.method, &second.method);
        return Err(format!("{one} was explained with {a} and {other} with {b}, whose values do not mean the same"));
    }
    let place = |number: &u64, of: &Explained| of.row_numbers.iter().position(|other| other == number);
    let rows: Vec<(usize, usize)> =
        (0..first.row_numbers.len()).filter_map(|row| Some((row, place(&first.row_numbers[row], second)?))).collect();
    if rows.is_empty() {
        return Err(format!("other rows were explained with {one} than with {other}"));
    }
    let find = |name: &String, among: &[String]| among.iter().position(|other| other == name);
    let pairs = |a: &[String], b: &[String]| -> Vec<(usize, usize)> {
        a.iter().enumerate().filter_map(|(i, name)| Some((i, find(name, b)?))).collect()
    };
    let outputs = pairs(&first.output_names, &second.output_names);
    let features = pairs(&first.feature_names, &second.feature_names);
    if outputs.is_empty() || features.is_empty() {
        let what = if outputs.is_empty() { "outputs" } else { "features" };
        return Err(format!("other {what} were explained with {one} than with {other}"));
    }
    let read_otherwise = prepared_otherwise("explanations", [(first_run, one), (second_run, other)]);
    let common = Common { first, second, rows, features };
    Ok(ExplanationsCompared {
        data: data(second_run).or_else(|| data(first_run)).unwrap_or_default(),
        data_digest: second_run.data.or(first_run.data).unwrap_or_else(|| Digest::of("")),
        run_first: first_run.id.clone(),
        run_second: second_run.id.clone(),
        methods: [first.method.clone(), second.method.clone()],
        space: second.space.clone(),
        rows: common.rows.len() as u64,
        outputs: outputs.into_iter().map(|outputs| common.output(outputs)).collect(),
        backgrounds: [first.background.clone(), second.background.clone()],
        seeds: [first.seed, second.seed],
        warnings: read_otherwise.into_iter().chain(common.warnings()).collect(),
    })
}

/// The file as the run's command named it.
fn data(run: &RunRow) -> Option<String> {
    run.params.get("data")?.as_str().map(str::to_owned)
}

/// What both explain: places of rows and features in either.
struct Common<'a> {
    first: &'a Explained,
    second: &'a Explained,
    rows: Vec<(usize, usize)>,
    features: Vec<(usize, usize)>,
}

impl Common<'_> {
    fn output(&self, (a, b): (usize, usize)) -> OutputMoved {
        let values = |of: &Explained, rows: &dyn Fn(&(usize, usize)) -> usize, second: bool, output: usize| {
            let feature = |pair: &(usize, usize)| if second { pair.1 } else { pair.0 };
            let row = |pair| self.features.iter().map(|f| of.value(rows(pair), feature(f), output)).collect();
            self.rows.iter().map(row).collect::<Vec<Vec<f64>>>()
        };
        let first = values(self.first, &|pair| pair.0, false, a);
        let second = values(self.second, &|pair| pair.1, true, b);
        let all = moved(&first, &second);
        let name = |at: usize| self.first.feature_names[self.features[at].0].clone();
        let mut features: Vec<FeatureMoved> =
            all.iter().enumerate().map(|(at, moved)| FeatureMoved { feature: name(at), moved: *moved }).collect();
        features.sort_by(|a, b| b.moved.moved.total_cmp(&a.moved.moved));
        let prediction = |of: &Explained, row: usize, output: usize| of.predictions[row][output];
        let row = |(at, (one, other)): (usize, &(usize, usize))| {
            let by = |f: usize| (second[at][f] - first[at][f]).abs();
            let most = (0..self.features.len()).max_by(|x, y| by(*x).total_cmp(&by(*y))).unwrap_or_default();
            RowMoved {
                row: self.first.row_numbers[*one],
                predictions: [prediction(self.first, *one, a), prediction(self.second, *other, b)],
                moved: (0..self.features.len()).map(by).sum(),
                feature: name(most),
                contributions: [first[at][most], second[at][most]],
            }
        };
        let mut rows: Vec<RowMoved> = self.rows.iter().enumerate().map(row).collect();
        rows.sort_by(|a, b| b.moved.total_cmp(&a.moved));
        rows.truncate(LISTED);
        OutputMoved {
            output: self.second.output_names[b].clone(),
            unit: self.second.unit(b),
            base_values: [self.first.base_values[a], self.second.base_values[b]],
            rank_correlation: rank_correlation(&all),
            features,
            moved: rows,
        }
    }

    fn warnings(&self) -> Vec<String> {
        let (first, second) = (self.first, self.second);
        let mut warnings = Vec::new();
        if first.method != second.method {
            let (one, other) = (&first.method, &second.method);
            warnings
                .push(format!("The methods differ, {one} and {other}: what moved may be theirs and not the versions'"));
        }
        if first.background_digest != second.background_digest {
            let (one, other) = (quoted(&first.background), quoted(&second.background));
            let which = if one == other {
                format!("both {one} by name, but not the same numbers")
            } else {
                format!("{one} and {other}")
            };
            warnings.push(format!("The backgrounds differ, {which}: each explains the way from its own"));
        }
        let only = |of: &Explained, other: &Explained| -> Vec<String> {
            of.feature_names.iter().filter(|name| !other.feature_names.contains(name)).cloned().collect()
        };
        for (of, other, which) in [(first, second, "first"), (second, first, "second")] {
            let only = only(of, other);
            if !only.is_empty() {
                let names = quoted_list(&only, NAMED);
                warnings.push(format!("Only the {which} has {names}: what they contribute is not compared"));
            }
        }
        if let Some(error) = [first, second].into_iter().filter_map(largest_error).max_by(f64::total_cmp) {
            let error = short(error);
            warnings
                .push(format!("Values are sampled, with standard errors up to {error}: smaller moves mean nothing"));
        }
        if self.rows.len() < first.row_numbers.len().max(second.row_numbers.len()) {
            let (n, of) = (self.rows.len(), first.row_numbers.len().max(second.row_numbers.len()));
            warnings.push(format!("{n} of {of} rows are explained with both"));
        }
        warnings
    }
}

/// The largest standard error of a sampled explanation.
fn largest_error(of: &Explained) -> Option<f64> {
    of.std_error.as_ref()?;
    let (rows, features, outputs) = (of.row_numbers.len(), of.feature_names.len(), of.output_names.len());
    let places = (0..rows).flat_map(|row| (0..features).flat_map(move |f| (0..outputs).map(move |k| (row, f, k))));
    let errors = places.filter_map(|(row, f, k)| of.std_error(row, f, k)).filter(|error| error.is_finite());
    errors.max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::values::samples::explained as sample;

    fn run(id: &str) -> RunRow {
        RunRow {
            id: id.to_owned(),
            kind: RunKind::Explain,
            version: Digest::of("model"),
            data: Some(Digest::of("data")),
            params: json!({ "verb": "explain", "data": "rows.csv" }),
            seed: None,
            runtime: String::new(),
            device: String::new(),
            result: json!(null),
            artifact: None,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            seconds: 0.0,
        }
    }

    fn names() -> [String; 2] {
        ["m@1".to_owned(), "m@2".to_owned()]
    }

    #[test]
    fn rows_and_features_are_found_by_their_names() {
        let first = sample();
        let mut second = sample();
        second.feature_names = vec!["size & shape".into(), "age".into(), "new".into()];
        second.values = json!([[0.05, 0.1, 0.0], [0.1, -0.2, 0.4]]);
        second.row_numbers = vec![9, 12];
        let found = compared((&run("a"), &first), (&run("b"), &second), &names()).expect("one row in common");
        let output = &found.outputs[0];
        let names: Vec<&str> = output.features.iter().map(|feature| feature.feature.as_str()).collect();
        // Row 9 stands second in the first and first in the second: age -0.2 and 0.1, size & shape 0.1 and 0.05.
        assert_eq!((found.rows, names), (1, vec!["age", "size & shape"]));
        assert!((output.features[0].moved.moved - 0.3).abs() < 1e-12);
        assert_eq!((output.moved[0].row, output.moved[0].feature.as_str()), (9, "age"));
        assert_eq!(output.moved[0].contributions, [-0.2, 0.1]);
        let told = found.warnings.join("; ");
        assert!(told.contains("Only the second has \"new\"") || told.contains("Only the second has `new`"), "{told}");
        assert!(told.contains("1 of 2 rows") && told.contains("up to 0.03"), "{told}");
    }

    #[test]
    fn what_means_something_else_is_not_compared() {
        let first = sample();
        let why = |change: &dyn Fn(&mut Explained)| {
            let mut second = sample();
            change(&mut second);
            compared((&run("a"), &first), (&run("b"), &second), &names()).expect_err("another thing")
        };
        let units = "m@1 was explained in units of the probability and m@2 in units of the raw score";
        assert_eq!(why(&|of| of.space = "raw".into()), units);
        assert_eq!(why(&|of| of.row_numbers = vec![70, 80]), "other rows were explained with m@1 than with m@2");
        assert!(why(&|of| of.output_names = vec!["benign".into()]).starts_with("other outputs"));
        assert!(why(&|of| of.method = "lime".into()).contains("and m@2 with lime, whose values do not mean the same"));
    }
}
