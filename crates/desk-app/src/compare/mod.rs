//! Two versions side by side: what they take and give, what they are made of, and how well they answer the same rows.

mod answers;
mod explanations;
mod prepared;

use std::collections::BTreeMap;

use desk_core::{Cancel, Description, Fault, ProgressSink, SignatureChange, ValueInfo, VersionRef};
use serde::{Deserialize, Serialize};

pub(crate) use answers::has_classes;
pub use answers::{AnswersCompared, Better, MetricPair, RowChange};
pub use desk_explain::Moved;
pub use desk_monitor::{Metric, Paired};
pub use explanations::{ExplanationsCompared, FeatureMoved, OutputMoved, RowMoved};

use crate::Desk;

/// Everything in which two versions are compared; the second is usually the newer one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first version, `tumour@1`.
    pub first: String,
    /// The second version.
    pub second: String,
    /// Both are the same files.
    pub same: bool,
    /// Bytes of the files of both.
    pub size_bytes: [u64; 2],
    /// Kind, tool, operator sets and the like.
    pub facts: Vec<Fact>,
    /// Inputs of either.
    pub inputs: Vec<Value>,
    /// Outputs of either.
    pub outputs: Vec<Value>,
    /// In what clients of the first would fail with the second.
    pub breaks: Vec<SignatureChange>,
    /// Operators of either, those that differ first.
    pub operators: Vec<OperatorPair>,
    /// How they answered the same data, the newest that both were tested on.
    pub answers: Option<AnswersCompared>,
    /// Why their answers are not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answers: Option<String>,
    /// How they explain the same rows, the newest that both were explained on.
    #[serde(default)]
    pub explanations: Option<ExplanationsCompared>,
    /// Why their explanations are not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_explanations: Option<String>,
}

/// One fact of both versions, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Of the first.
    pub first: String,
    /// Of the second.
    pub second: String,
}

/// An input or output of either version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its type in the first; none where the first has none.
    pub first: Option<String>,
    /// Its type in the second.
    pub second: Option<String>,
}

/// How often an operator stands in either version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorPair {
    /// Its name, with its operator set unless that is `ai.onnx`.
    pub operator: String,
    /// Nodes of the first.
    pub first: u64,
    /// Nodes of the second.
    pub second: u64,
}

impl Desk {
    /// Compares two versions, with the answers to the newest data that both were tested on.
    pub fn compare(
        &self,
        first: &VersionRef,
        second: &VersionRef,
        cancel: &Cancel,
        progress: &dyn ProgressSink,
    ) -> Result<Comparison, Fault> {
        let rows = [self.0.store.resolve(first)?, self.0.store.resolve(second)?];
        let [a, b] = [self.manifest(&rows[0])?, self.manifest(&rows[1])?];
        let size = |manifest: &desk_core::Manifest| manifest.files.iter().map(|file| file.size).sum::<u64>();
        let names = [0, 1].map(|i: usize| format!("{}@{}", rows[i].model, rows[i].number));
        let same = rows[0].digest == rows[1].digest;
        let (answers, no_answers) = match self.compare_answers(&rows[0], &rows[1], cancel, progress)? {
            Ok(answers) => (Some(answers), None),
            Err(why) => (None, Some(why)),
        };
        let (explanations, no_explanations) = match self.compare_explanations(&rows[0], &rows[1])? {
            Ok(explanations) => (Some(explanations), None),
            Err(why) => (None, Some(why)),
        };
        let [first, second] = names;
        Ok(Comparison {
            same,
            size_bytes: [size(&a), size(&b)],
            facts: facts(&a.description, &b.description),
            inputs: values(&a.description.signature.inputs, &b.description.signature.inputs),
            outputs: values(&a.description.signature.outputs, &b.description.signature.outputs),
            breaks: b.description.signature.breaks(&a.description.signature),
            operators: operators(&a.description, &b.description),
            first,
            second,
            answers,
            no_answers,
            explanations,
            no_explanations,
        })
    }
}

fn facts(first: &Description, second: &Description) -> Vec<Fact> {
    let opsets = |d: &Description| {
        let one = |(domain, version): &(String, i64)| match domain.as_str() {
            "" => format!("ai.onnx {version}"),
            domain => format!("{domain} {version}"),
        };
        d.opsets.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let classes = |d: &Description| d.labels.as_ref().map(|labels| labels.join(", ")).unwrap_or_default();
    let fact = |name: &str, read: &dyn Fn(&Description) -> String| Fact {
        name: name.to_owned(),
        first: read(first),
        second: read(second),
    };
    let mut all = vec![
        fact("Kind", &|d| d.family.words().to_owned()),
        fact("Made by", &|d| d.producer.clone()),
        fact("Operator sets", &opsets),
        fact("Nodes", &|d| d.node_count.to_string()),
        fact("Parameters", &|d| d.parameter_count.to_string()),
        fact("Classes", &classes),
    ];
    all.retain(|fact| !(fact.first.is_empty() && fact.second.is_empty()));
    all
}

fn values(first: &[ValueInfo], second: &[ValueInfo]) -> Vec<Value> {
    let find = |among: &[ValueInfo], name: &str| {
        among.iter().find(|info| info.name == name).map(|info| info.value_type.to_string())
    };
    let new = second.iter().filter(|info| find(first, &info.name).is_none());
    let value = |info: &ValueInfo| Value {
        name: info.name.clone(),
        first: find(first, &info.name),
        second: find(second, &info.name),
    };
    first.iter().chain(new).map(value).collect()
}

fn operators(first: &Description, second: &Description) -> Vec<OperatorPair> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let name = |domain: &str, name: &str| match domain {
        "" => name.to_owned(),
        domain => format!("{domain}.{name}"),
    };
    for used in &first.operators {
        counts.entry(name(&used.domain, &used.name)).or_default().0 += used.count;
    }
    for used in &second.operators {
        counts.entry(name(&used.domain, &used.name)).or_default().1 += used.count;
    }
    let mut all: Vec<OperatorPair> =
        counts.into_iter().map(|(operator, (first, second))| OperatorPair { operator, first, second }).collect();
    all.sort_by_key(|pair| (pair.first == pair.second, std::cmp::Reverse(pair.first.max(pair.second))));
    all
}

#[cfg(test)]
mod tests {
    use desk_core::{ElementType, ValueType};

    use super::*;

    fn info(name: &str, element: ElementType) -> ValueInfo {
        ValueInfo { name: name.to_owned(), value_type: ValueType::Tensor { element, shape: None } }
    }

    #[test]
    fn values_of_either_stand_once_the_first_ones_first() {
        let first = [info("a", ElementType::Float32), info("b", ElementType::Float32)];
        let second = [info("c", ElementType::Int64), info("b", ElementType::Float64)];
        let all = values(&first, &second);
        let names: Vec<&str> = all.iter().map(|value| value.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(all[0].second.is_none() && all[2].first.is_none());
        assert_ne!(all[1].first, all[1].second);
    }
}
