//! Which value is differentiated: an answer of the model, or what stands before its last activation.

use std::collections::HashMap;

use crate::constants::Constants;
use crate::error::GradError;
use crate::net::{Net, element_of, name_of};
use crate::proto::{Node, element};

/// Of which side of the last activation gradients are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Side {
    /// Scores before a softmax or sigmoid at the end, where there is one. Behind it gradients vanish for
    /// the very rows that the model is sure of.
    #[default]
    Scores,
    /// What the model answers.
    Answers,
}

/// How a column of the model's answer is made of the value that is differentiated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// The column of the value.
    pub from: usize,
    /// 1, or -1 for the class whose score is the other's turned round.
    pub sign: f64,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Target {
    /// The value to differentiate.
    pub value: String,
    /// The activation that was left out, by its operator.
    pub before: Option<String>,
    /// How the columns of the answer follow, where not one by one.
    pub columns: Option<Vec<Column>>,
}

/// Looks for the value behind an output of the graph.
pub(crate) fn find(net: &Net, constants: &Constants<'_>, output: &str, side: Side) -> Result<Target, GradError> {
    let declared = net.outputs.iter().find(|value| name_of(value) == output);
    let declared = declared.ok_or_else(|| GradError::NoSuchOutput { name: output.to_owned() })?;
    let givers: HashMap<&str, &Node> = net.givers().into_iter().map(|(name, at)| (name, &net.nodes[at])).collect();
    let giver = |value: &str| givers.get(value).copied();

    let mut value = output.to_owned();
    let mut columns = None;
    if let Some(map) = giver(output).filter(|node| node.op() == "ZipMap") {
        map.input(0).clone_into(&mut value);
        columns = by_class(map);
    } else if element_of(declared).is_some_and(|kind| !element::is_float(kind)) {
        return Err(GradError::Flat {
            output: output.to_owned(),
            why: "it holds no numbers with fractions".to_owned(),
        });
    }
    if side == Side::Answers {
        return Ok(Target { value, before: None, columns });
    }
    let plain = through(&giver, &value);
    let Some(last) = giver(&plain).filter(|node| node.domain().is_empty()) else {
        return Ok(Target { value, before: None, columns });
    };
    match last.op() {
        "Softmax" | "LogSoftmax" | "Sigmoid" => {
            Ok(Target { value: last.input(0).to_owned(), before: Some(last.op().to_owned()), columns })
        }
        "Concat" => match two_classes(&giver, constants, last) {
            Some(score) => {
                let mut both = vec![Column { from: 0, sign: -1.0 }, Column { from: 0, sign: 1.0 }];
                if let Some(order) = &columns {
                    both = order.iter().filter_map(|column| both.get(column.from).copied()).collect();
                }
                Ok(Target { value: score, before: Some("Sigmoid".to_owned()), columns: Some(both) })
            }
            None => Ok(Target { value, before: None, columns }),
        },
        _ => Ok(Target { value, before: None, columns }),
    }
}

/// Looks through what changes no number.
fn through<'a>(giver: &impl Fn(&str) -> Option<&'a Node>, value: &str) -> String {
    let mut value = value.to_owned();
    // No chain is longer than the graph, and there is no cycle.
    while let Some(node) = giver(&value) {
        let same = matches!(node.op(), "Identity" | "Dropout")
            || node.op() == "Cast" && element::is_float(node.int("to", 0) as i32);
        if !same {
            break;
        }
        node.input(0).clone_into(&mut value);
    }
    value
}

/// The score of the second class where the answer is `[1 - p, p]` with `p = sigmoid(score)`.
fn two_classes<'a>(
    giver: &impl Fn(&str) -> Option<&'a Node>,
    constants: &Constants<'_>,
    concat: &Node,
) -> Option<String> {
    let [first, second] = concat.inputs.as_slice() else { return None };
    let rest = giver(first).filter(|node| node.op() == "Sub")?;
    let positive = giver(&through(giver, second)).filter(|node| node.op() == "Sigmoid")?;
    let from_one = constants.number(rest.input(0)) == Some(1.0);
    let same = through(giver, rest.input(1)) == through(giver, second);
    (from_one && same).then(|| positive.input(0).to_owned())
}

/// ZipMap's columns in the ascending order of their classes, which is how its table is read.
fn by_class(map: &Node) -> Option<Vec<Column>> {
    let mut order: Vec<usize>;
    if let Some(ints) = map.ints("classlabels_int64s") {
        order = (0..ints.len()).collect();
        order.sort_by_key(|i| ints[*i]);
    } else {
        let texts = &map.attribute("classlabels_strings")?.strings;
        order = (0..texts.len()).collect();
        order.sort_by(|a, b| texts[*a].cmp(&texts[*b]));
    }
    Some(order.into_iter().map(|from| Column { from, sign: 1.0 }).collect())
}
