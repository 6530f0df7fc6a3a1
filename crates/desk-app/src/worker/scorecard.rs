//! Metrics of answers against the truth.

use std::collections::HashSet;

use desk_core::words::quoted;
use desk_core::{Fault, FaultKind, NamedTensor};
use desk_data::Target;
use desk_monitor::{Classification, ClassificationReport, Metric, Regression, RegressionReport, SeveralRegressions};
use serde_json::{Map, Value, json};

use super::roles::{Roles, Task};

/// Collects truth and answers, batch by batch.
pub struct Scorecard {
    roles: Roles,
    work: Work,
}

enum Work {
    Classification(Box<Classification>),
    Regression(Box<Regression>),
    Several(Box<SeveralRegressions>),
    /// Nothing can be measured, and why.
    Nothing(&'static str),
}

impl Scorecard {
    /// Nothing collected yet; the first rows tell what the truths are.
    pub fn new(
        roles: Roles,
        positive: Option<&str>,
        truths: &[Target],
        outputs: &[NamedTensor],
    ) -> Result<Self, Fault> {
        if positive.is_some() && (roles.task != Task::Classification || roles.classes.len() != 2) {
            let what = match roles.task {
                Task::Classification => format!("{} classes", roles.classes.len()),
                _ => "no classes".to_owned(),
            };
            return Err(Fault::new(
                FaultKind::Usage,
                format!("a positive class (--positive) is one of two, and the model tells {what}"),
            )
            .hint("Leave it out"));
        }
        let columns = roles.score.map_or_else(Vec::new, |at| desk_data::predictions::names(outputs, at));
        let several = columns.len() > 1 && roles.task == Task::Other;
        let work = match roles.task {
            _ if several && truths.len() == columns.len() => {
                let truths = truths.iter().map(|truth| truth.column.clone());
                Work::Several(Box::new(SeveralRegressions::new(columns.into_iter().zip(truths).collect())))
            }
            _ if truths.len() > 1 => {
                let (given, taken) = (truths.len(), if several { columns.len() } else { 1 });
                return Err(Fault::input(format!(
                    "{given} columns with a truth are named, and the model predicts {taken}"
                ))
                .hint("Name as many columns with a truth (--target A,B) as the model predicts numbers"));
            }
            _ if several => Work::Nothing(
                "the model predicts several numbers a row: name a column with the truth of each (--target A,B)",
            ),
            Task::Classification if roles.assumed && !truths.iter().all(is_zero_or_one) => {
                if truths.iter().any(|truth| truth.numbers.is_none() || two_values(truth)) {
                    Work::Nothing(
                        "the model gives one probability and names no classes: say which class of the truth it is of \
                         (positive class, --positive; 0 and 1 need no saying)",
                    )
                } else {
                    Work::Regression(Box::new(Regression::new()))
                }
            }
            Task::Classification if roles.classes.len() < 2 => {
                Work::Nothing("the model does not name its classes, so its labels cannot be compared")
            }
            Task::Classification => {
                let all = Classification::new(&roles.classes, positive)?;
                let element = roles.score.and_then(|at| outputs.get(at)).map(|output| output.tensor.data.element());
                Work::Classification(Box::new(element.into_iter().fold(all, Classification::scores_of)))
            }
            Task::Regression => Work::Regression(Box::new(Regression::new())),
            Task::Other => Work::Nothing("its answers are neither classes nor one number a row"),
        };
        Ok(Self { roles, work })
    }

    /// False when the truth of these rows cannot be measured: not one of the texts is a class of the model.
    pub fn knows_any(&self, target: &Target) -> bool {
        let Work::Classification(_) = &self.work else { return true };
        let mut truths = target.labels.iter().flatten().peekable();
        self.roles.assumed || truths.peek().is_none() || truths.any(|truth| self.roles.classes.contains(truth))
    }

    /// The answers are measured as classes.
    pub fn is_of_classes(&self) -> bool {
        matches!(self.work, Work::Classification(_))
    }

    /// Some more rows.
    pub fn add(&mut self, truths: &[Target], outputs: &[NamedTensor]) -> Result<(), Fault> {
        let Some(target) = truths.first() else { return Ok(()) };
        match &mut self.work {
            Work::Classification(work) => {
                let labels = self.roles.labels(outputs);
                let scores = self.roles.scores(outputs);
                let scores = (scores.len() == labels.len() * self.roles.classes.len()).then_some(scores.as_slice());
                match target.numbers.as_ref().filter(|_| self.roles.assumed) {
                    Some(numbers) => work.push(&zeros_and_ones(numbers), Some(&labels), scores)?,
                    None => work.push(&target.labels, Some(&labels), scores)?,
                }
            }
            Work::Regression(work) => {
                let values = outputs.get(self.roles.score.unwrap_or(0)).and_then(|output| output.tensor.data.to_f64());
                work.push(numbers(target)?, &values.unwrap_or_default())?;
            }
            Work::Several(work) => {
                let truths: Vec<&[f64]> = truths.iter().map(numbers).collect::<Result<_, Fault>>()?;
                work.push(&truths, &self.roles.scores(outputs))?;
            }
            Work::Nothing(_) => {}
        }
        Ok(())
    }

    /// All metrics as JSON: the usual numbers by name, and the whole report with intervals, tables
    /// and curves under `report`. `None` where nothing can be measured.
    pub fn finish(self, warnings: &mut Vec<String>) -> Result<Option<Value>, Fault> {
        match self.work {
            Work::Classification(work) => {
                let mut report = work.finish()?;
                warnings.append(&mut report.warnings);
                warnings.extend(turned_round(&report));
                Ok(Some(with_report("classification", of_classes(&report), &json!(report))))
            }
            Work::Regression(work) => {
                let mut report = work.finish();
                warnings.append(&mut report.warnings);
                Ok(Some(with_report("regression", of_numbers(&report), &json!(report))))
            }
            Work::Several(work) => {
                let mut report = work.finish();
                warnings.append(&mut report.average.warnings);
                Ok(Some(with_report("regression", of_numbers(&report.average), &json!(report))))
            }
            Work::Nothing(reason) => {
                warnings.push(format!("No metrics: {reason}"));
                Ok(None)
            }
        }
    }
}

/// Scores that rank two classes worse than chance, beyond what a sample's luck explains: most often the truth's
/// classes are taken the wrong way round.
fn turned_round(report: &ClassificationReport) -> Option<String> {
    let positive = report.positive.as_ref()?;
    let (auc, high) = (report.auc.value?, report.auc.high?);
    (high < 0.5).then(|| {
        format!(
            "The scores rank the classes the wrong way round (AUC {auc:.3}): is {} really the positive class? \
             It can be named (--positive)",
            quoted(positive)
        )
    })
}

fn numbers(target: &Target) -> Result<&[f64], Fault> {
    target.numbers.as_deref().ok_or_else(|| {
        Fault::input(format!("column {} holds text, and the model predicts a number", target.column))
            .hint("Name another column with the truth (--target)")
    })
}

/// The truth of a model that gives one probability and names no classes.
fn is_zero_or_one(target: &Target) -> bool {
    target.numbers.as_ref().is_some_and(|numbers| numbers.iter().all(|x| x.is_nan() || *x == 0.0 || *x == 1.0))
}

/// Numbers that look like the names of two classes, such as -1 and 1.
fn two_values(target: &Target) -> bool {
    let labels: HashSet<&String> = target.labels.iter().flatten().collect();
    labels.len() == 2 && target.labels.len() > 2
}

fn zeros_and_ones(numbers: &[f64]) -> Vec<Option<String>> {
    numbers.iter().map(|x| (!x.is_nan()).then(|| x.to_string())).collect()
}

/// With two classes precision, recall and F1 are those of the positive one, else the macro average.
fn of_classes(report: &ClassificationReport) -> Vec<(&'static str, &Metric)> {
    let mut named = vec![
        ("accuracy", &report.accuracy),
        ("precision", report.precision.as_ref().unwrap_or(&report.macro_average.precision)),
        ("recall", report.recall.as_ref().unwrap_or(&report.macro_average.recall)),
        ("f1", report.f1.as_ref().unwrap_or(&report.macro_average.f1)),
        ("auc", &report.auc),
        ("log_loss", &report.log_loss),
        ("brier", &report.brier),
    ];
    named.extend(report.average_precision.as_ref().map(|metric| ("average_precision", metric)));
    named
}

fn of_numbers(report: &RegressionReport) -> Vec<(&'static str, &Metric)> {
    vec![("mse", &report.mse), ("rmse", &report.rmse), ("mae", &report.mae), ("r2", &report.r2), ("mape", &report.mape)]
}

fn with_report(task: &str, named: Vec<(&'static str, &Metric)>, report: &Value) -> Value {
    let mut all = Map::new();
    all.insert("task".to_owned(), json!(task));
    for (name, metric) in named {
        all.insert(name.to_owned(), json!(metric.value));
    }
    // Of which class precision, recall and F1 are, or that they are means over all.
    if let Some(positive) = report.get("positive") {
        all.insert("average".to_owned(), json!(if positive.is_null() { "macro" } else { "binary" }));
        all.insert("positive".to_owned(), positive.clone());
    }
    all.insert("report".to_owned(), report.clone());
    Value::Object(all)
}
