//! What single operators make of weighted sums.

use desk_core::linear::Link;

use super::affine::Affine;
use super::{Constant, Understood, Value, Walk, not_linear};
use crate::proto::Node;
use crate::values;

impl Walk<'_, '_> {
    /// What a node gives under a name.
    pub(super) fn step(&mut self, node: &Node, name: &str) -> Understood<Value> {
        let first = node.inputs.first().map_or("", String::as_str);
        let op = node.op.as_str();
        match op {
            "Identity" | "ZipMap" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => {
                let value = self.value(first)?;
                // That rows stay rows is seen by the answers, which are compared.
                Ok(Value { sums: Affine { table: true, ..value.sums }, ..value })
            }
            "Cast" if matches!(int(node, "to"), Some(1 | 11)) => self.value(first),
            "Normalizer" => {
                let value = self.value(first)?;
                let l1 = node.attribute("norm").and_then(|a| a.text.as_deref()) == Some("L1");
                match value.link {
                    _ if !l1 => not_linear(),
                    Link::Softmax => Ok(value),
                    Link::Logistic if value.sums.is_opposite_pair() => Ok(value),
                    Link::Logistic => Ok(Value { link: Link::Shares, ..value }),
                    _ => not_linear(),
                }
            }
            "LinearClassifier" => self.classifier(node, name),
            "Sigmoid" => self.ended(first, Link::Logistic),
            "Exp" => self.ended(first, Link::Exp),
            "Softmax" if matches!(int(node, "axis"), None | Some(1 | -1)) => self.ended(first, Link::Softmax),
            _ => Ok(Value { sums: self.kept(node)?, link: Link::Identity }),
        }
    }

    /// Sums that nothing was made of yet.
    fn sums(&mut self, name: &str) -> Understood<Affine> {
        let value = self.value(name)?;
        if value.link == Link::Identity { Ok(value.sums) } else { not_linear() }
    }

    fn ended(&mut self, name: &str, link: Link) -> Understood<Value> {
        let sums = self.sums(name)?;
        if sums.table { Ok(Value { sums, link }) } else { not_linear() }
    }

    /// The steps that give sums again.
    fn kept(&mut self, node: &Node) -> Understood<Affine> {
        let input = |at: usize| node.inputs.get(at).map_or("", String::as_str);
        match node.op.as_str() {
            "Scaler" => {
                let (offset, scale) = (self.floats(node, "offset")?, self.floats(node, "scale")?);
                let negative: Vec<f64> = offset.iter().map(|x| -x).collect();
                self.sums(input(0))?.mapped(&[1.0], &negative)?.mapped(&scale, &[0.0])
            }
            "Neg" => self.sums(input(0))?.mapped(&[-1.0], &[0.0]),
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node.op.as_str(), input(0), input(1)),
            "Concat" if matches!(int(node, "axis"), Some(1 | -1)) => self.joined(node),
            "FeatureVectorizer" => self.joined(node),
            "ArrayFeatureExtractor" => self.chosen(input(0), input(1)),
            "Gather" if matches!(int(node, "axis"), Some(1 | -1)) => self.chosen(input(0), input(1)),
            "MatMul" => {
                let sums = self.sums(input(0))?;
                let weights = self.constant(input(1))?;
                weights.map_or_else(not_linear, |weights| by(&sums, &weights, false))
            }
            "Gemm" if int(node, "transA").unwrap_or(0) == 0 => self.gemm(node),
            "LinearRegressor" if none(node) => {
                let targets = usize::try_from(int(node, "targets").unwrap_or(1)).unwrap_or(0);
                let (weights, added) = (self.floats(node, "coefficients")?, self.floats(node, "intercepts")?);
                coefficients(&self.sums(input(0))?, &weights, &added, targets)
            }
            _ => not_linear(),
        }
    }

    fn arithmetic(&mut self, op: &str, one: &str, other: &str) -> Understood<Affine> {
        let turned = |list: &[f64]| list.iter().map(|x| -x).collect::<Vec<_>>();
        if self.is_constant(other) {
            let sums = self.sums(one)?;
            let Some(number) = self.constant(other)? else { return not_linear() };
            let list = listed(&number)?;
            return match op {
                "Add" => sums.mapped(&[1.0], list),
                "Sub" => sums.mapped(&[1.0], &turned(list)),
                "Mul" => sums.mapped(list, &[0.0]),
                _ => sums.mapped(&list.iter().map(|x| 1.0 / x).collect::<Vec<_>>(), &[0.0]),
            };
        }
        if self.is_constant(one) {
            let sums = self.sums(other)?;
            let Some(number) = self.constant(one)? else { return not_linear() };
            let list = listed(&number)?;
            return match op {
                "Add" => sums.mapped(&[1.0], list),
                "Sub" => sums.mapped(&[-1.0], list),
                "Mul" => sums.mapped(list, &[0.0]),
                _ => not_linear(),
            };
        }
        match op {
            "Add" => self.sums(one)?.plus(&self.sums(other)?, 1.0),
            "Sub" => self.sums(one)?.plus(&self.sums(other)?, -1.0),
            _ => not_linear(),
        }
    }

    fn joined(&mut self, node: &Node) -> Understood<Affine> {
        let parts = node.inputs.iter().map(|input| self.sums(input)).collect::<Result<_, _>>()?;
        Affine::joined(parts)
    }

    fn chosen(&mut self, from: &str, which: &str) -> Understood<Affine> {
        let Some(which) = self.constant(which)? else { return not_linear() };
        self.sums(from)?.chosen(&which)
    }

    fn gemm(&mut self, node: &Node) -> Understood<Affine> {
        let input = |at: usize| node.inputs.get(at).map_or("", String::as_str);
        let factor = |name: &str| node.attribute(name).and_then(|a| a.float).map_or(1.0, f64::from);
        let sums = self.sums(input(0))?;
        let Some(weights) = self.constant(input(1))? else { return not_linear() };
        let added = if input(2).is_empty() { None } else { Some(self.constant(input(2))?) };
        let product = by(&sums, &weights, int(node, "transB").unwrap_or(0) != 0)?;
        let added = match &added {
            None => vec![0.0],
            Some(None) => return not_linear(),
            Some(Some(added)) => listed(added)?.iter().map(|x| x * factor("beta")).collect(),
        };
        product.mapped(&[factor("alpha")], &added)
    }

    /// Scores of classes, with what is made of them.
    fn classifier(&mut self, node: &Node, name: &str) -> Understood<Value> {
        // The first output is the label.
        if node.outputs.get(1).is_none_or(|scores| scores != name) {
            return not_linear();
        }
        let link = match node.attribute("post_transform").and_then(|a| a.text.as_deref()) {
            None | Some("NONE") => Link::Identity,
            Some("LOGISTIC") => Link::Logistic,
            Some("SOFTMAX") => Link::Softmax,
            _ => return not_linear(),
        };
        let (weights, added) = (self.floats(node, "coefficients")?, self.floats(node, "intercepts")?);
        let labels = ["classlabels_ints", "classlabels_strings"];
        let labels = labels.iter().filter_map(|name| node.attribute(name)).map(|a| a.ints.max(a.strings)).max();
        let input = node.inputs.first().map_or("", String::as_str);
        // One score for two classes comes out in a way of its own.
        if added.len() == 1 && labels == Some(2) {
            return not_linear();
        }
        Ok(Value { sums: coefficients(&self.sums(input)?, &weights, &added, added.len())?, link })
    }

    fn floats(&mut self, node: &Node, name: &str) -> Understood<Vec<f64>> {
        let Some(attribute) = node.attribute(name) else { return Ok(Vec::new()) };
        Ok(values::floats(self.reader, attribute)?.into_iter().map(f64::from).collect())
    }
}

fn int(node: &Node, name: &str) -> Option<i64> {
    node.attribute(name).and_then(|attribute| attribute.int)
}

/// Nothing is done to the sums.
fn none(node: &Node) -> bool {
    matches!(node.attribute("post_transform").and_then(|a| a.text.as_deref()), None | Some("NONE"))
}

/// The numbers of a constant that goes with each row alike: one, a list, or a row of them.
fn listed(constant: &Constant) -> Understood<&[f64]> {
    let alike = constant.shape.len() < 2 || constant.shape[..constant.shape.len() - 1].iter().all(|dim| *dim == 1);
    if alike && !constant.values.is_empty() { Ok(&constant.values) } else { not_linear() }
}

/// The product with a matrix, or with a list of numbers.
fn by(sums: &Affine, weights: &Constant, turned: bool) -> Understood<Affine> {
    let inner = sums.terms.len();
    let (rows, columns) = match weights.shape.as_slice() {
        [rows] => (*rows, 1),
        [rows, columns] => (*rows, *columns),
        _ => return not_linear(),
    };
    let (of_inner, outer) = if turned { (columns, rows) } else { (rows, columns) };
    if of_inner != inner || weights.values.len() != rows * columns {
        return not_linear();
    }
    sums.by(outer, |i, o| if turned { weights.values[o * columns + i] } else { weights.values[i * columns + o] })
}

/// Sums with weights of outputs x values, and a number for each.
fn coefficients(sums: &Affine, weights: &[f64], added: &[f64], outputs: usize) -> Understood<Affine> {
    let inner = sums.terms.len();
    if outputs == 0 || weights.len() != inner * outputs {
        return not_linear();
    }
    let product = sums.by(outputs, |i, o| weights[o * inner + i])?;
    if added.is_empty() { Ok(product) } else { product.mapped(&[1.0], added) }
}
