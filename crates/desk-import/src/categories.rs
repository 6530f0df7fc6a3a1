//! Which texts a model's encoders know, followed back to the columns of its inputs.

use std::collections::{BTreeMap, HashMap, HashSet};

use desk_core::model::KnownCategories;
use desk_core::{Dim, ElementType, ValueInfo};

use crate::error::ImportError;
use crate::proto::{Graph, Node, Tensor};
use crate::values;
use crate::wire::Reader;

/// Most texts of an encoder that are kept with the model.
const MOST_TEXTS: u64 = 10_000;
/// Most texts of all columns together.
const MOST_KEPT: usize = 200_000;
/// Most columns that are followed at a time.
const MOST_COLUMNS: usize = 20_000;
/// Most nodes between an input and its encoder.
const DEEPEST: u32 = 50;

/// The texts that the encoders list, by input and column. What cannot be followed back is left out: to know
/// nothing of a column warns of nothing.
pub(crate) fn known(r: &mut Reader<'_>, graph: &Graph) -> Result<Vec<KnownCategories>, ImportError> {
    let mut trace = Trace::new(graph);
    let mut found: BTreeMap<(usize, Option<usize>), Vec<String>> = BTreeMap::new();
    let mut kept = 0;
    for node in &graph.nodes {
        let Some(from) = node.inputs.first().filter(|_| node.domain == "ai.onnx.ml") else { continue };
        let texts = texts(r, node)?;
        if texts.is_empty() {
            continue;
        }
        let columns: Vec<_> = match trace.columns(r, from, 0)? {
            Some(Columns::These(columns)) => columns.into_iter().map(|(input, at)| (input, Some(at))).collect(),
            Some(Columns::All(input)) => vec![(input, None)],
            None => continue,
        };
        kept += columns.len() * texts.len();
        if kept > MOST_KEPT {
            break;
        }
        for column in columns {
            // What one of several encoders knows is not strange.
            found.entry(column).or_default().extend(texts.iter().cloned());
        }
    }
    let each_once = |texts: Vec<String>| {
        let mut seen = HashSet::new();
        texts.into_iter().filter(|text| seen.insert(text.clone())).collect::<Vec<_>>()
    };
    let found = found.into_iter().map(|(column, texts)| (column, each_once(texts)));
    // An encoder of one text asks whether a cell is missing.
    let found = found.filter(|(_, values)| values.len() > 1);
    Ok(found
        .map(|((input, column), values)| KnownCategories { input: graph.inputs[input].name.clone(), column, values })
        .collect())
}

/// The texts that a node lists as those that it can tell apart.
fn texts(r: &mut Reader<'_>, node: &Node) -> Result<Vec<String>, ImportError> {
    let names: &[&str] = match node.op.as_str() {
        "OneHotEncoder" | "CategoryMapper" => &["cats_strings"],
        "LabelEncoder" => &["keys_strings", "classes_strings", "keys_tensor"],
        _ => &[],
    };
    for attribute in names.iter().filter_map(|name| node.attribute(name)) {
        if (1..=MOST_TEXTS).contains(&attribute.strings) {
            return values::strings(r, attribute, str::to_owned);
        }
        if let Some(tensor) = attribute.tensor.as_deref().filter(|tensor| (1..=MOST_TEXTS).contains(&tensor.listed)) {
            return values::texts(r, tensor);
        }
    }
    Ok(Vec::new())
}

/// The columns of a tensor of rows, as columns of the graph's inputs.
#[derive(Debug, Clone)]
enum Columns {
    /// All of an input whose width is open.
    All(usize),
    /// These, in order: input and column.
    These(Vec<(usize, usize)>),
}

struct Trace<'a> {
    makers: HashMap<&'a str, &'a Node>,
    constants: HashMap<&'a str, &'a Tensor>,
    known: HashMap<&'a str, Option<Columns>>,
}

impl<'a> Trace<'a> {
    fn new(graph: &'a Graph) -> Self {
        let outputs = |node: &'a Node| node.outputs.iter().map(move |name| (name.as_str(), node));
        let known = graph.inputs.iter().enumerate();
        Self {
            makers: graph.nodes.iter().flat_map(outputs).collect(),
            constants: graph.initializers.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            known: known.map(|(at, input)| (input.name.as_str(), columns_of(at, input))).collect(),
        }
    }

    fn columns(&mut self, r: &mut Reader<'_>, name: &str, depth: u32) -> Result<Option<Columns>, ImportError> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let Some((name, node)) = self.makers.get_key_value(name).map(|(name, node)| (*name, *node)) else {
            return Ok(None);
        };
        let found = if depth < DEEPEST { self.through(r, node, name, depth + 1)? } else { None };
        self.known.insert(name, found.clone());
        Ok(found)
    }

    /// The columns that a node puts out under a name, where it only moves columns.
    fn through(
        &mut self,
        r: &mut Reader<'_>,
        node: &'a Node,
        name: &str,
        depth: u32,
    ) -> Result<Option<Columns>, ImportError> {
        let input = |at: usize| node.inputs.get(at).map_or("", String::as_str);
        let along_columns = node.attribute("axis").and_then(|axis| axis.int).unwrap_or(0).abs() == 1;
        match node.op.as_str() {
            "Identity" | "Cast" | "Flatten" => self.columns(r, input(0), depth),
            "Reshape" | "Squeeze" | "Unsqueeze" => {
                let columns = self.columns(r, input(0), depth)?;
                Ok(columns.filter(|columns| matches!(columns, Columns::These(one) if one.len() == 1)))
            }
            // How missing cells are filled: the others stay as they are.
            "Where" => self.columns(r, input(2), depth),
            "Concat" if along_columns => {
                let mut all = Vec::new();
                for part in &node.inputs {
                    let Some(Columns::These(columns)) = self.columns(r, part, depth)? else { return Ok(None) };
                    all.extend(columns);
                    if all.len() > MOST_COLUMNS {
                        return Ok(None);
                    }
                }
                Ok(Some(Columns::These(all)))
            }
            "ArrayFeatureExtractor" => self.chosen(r, input(0), input(1), depth),
            "Gather" if along_columns => self.chosen(r, input(0), input(1), depth),
            "Split" if along_columns => self.split(r, node, name, depth),
            _ => Ok(None),
        }
    }

    fn chosen(
        &mut self,
        r: &mut Reader<'_>,
        from: &str,
        which: &str,
        depth: u32,
    ) -> Result<Option<Columns>, ImportError> {
        let (Some(columns), Some(which)) = (self.columns(r, from, depth)?, self.numbers(r, which)?) else {
            return Ok(None);
        };
        let pick = |at: &i64| match &columns {
            Columns::All(input) => Some((*input, usize::try_from(*at).ok()?)),
            Columns::These(columns) => {
                let at = if *at < 0 { at + columns.len() as i64 } else { *at };
                columns.get(usize::try_from(at).ok()?).copied()
            }
        };
        Ok(which.iter().map(pick).collect::<Option<Vec<_>>>().map(Columns::These))
    }

    fn split(
        &mut self,
        r: &mut Reader<'_>,
        node: &Node,
        name: &str,
        depth: u32,
    ) -> Result<Option<Columns>, ImportError> {
        let from = node.inputs.first().map_or("", String::as_str);
        let (Some(Columns::These(columns)), Some(part)) =
            (self.columns(r, from, depth)?, node.outputs.iter().position(|output| output == name))
        else {
            return Ok(None);
        };
        let sizes = match (node.attribute("split"), node.inputs.get(1)) {
            (Some(sizes), _) => values::ints(r, sizes)?,
            (None, Some(sizes)) => self.numbers(r, sizes)?.unwrap_or_default(),
            (None, None) => vec![columns.len().div_ceil(node.outputs.len()) as i64; node.outputs.len()],
        };
        let sizes: Vec<usize> = sizes.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
        let begin: usize = sizes.iter().take(part).sum();
        let end = (begin + sizes.get(part).copied().unwrap_or(0)).min(columns.len());
        Ok(columns.get(begin..end).map(|part| Columns::These(part.to_vec())))
    }

    /// The integers of a constant: an initialiser or a Constant node.
    fn numbers(&self, r: &mut Reader<'_>, name: &str) -> Result<Option<Vec<i64>>, ImportError> {
        let made = || {
            let node = self.makers.get(name).filter(|node| node.op == "Constant")?;
            node.attribute("value")?.tensor.as_deref()
        };
        let Some(tensor) = self.constants.get(name).copied().or_else(made) else { return Ok(None) };
        let numbers = values::tensor(r, tensor, MOST_COLUMNS as u64)?;
        Ok(numbers.map(|numbers| numbers.into_iter().map(|number| number as i64).collect()))
    }
}

/// The columns of an input that takes texts.
fn columns_of(at: usize, input: &ValueInfo) -> Option<Columns> {
    let (element, shape) = input.value_type.as_tensor()?;
    if element != ElementType::String {
        return None;
    }
    match shape {
        Some([_]) => Some(Columns::These(vec![(at, 0)])),
        Some([_, Dim::Fixed(width)]) if (1..=MOST_COLUMNS as u64).contains(width) => {
            Some(Columns::These((0..*width as usize).map(|column| (at, column)).collect()))
        }
        Some([_, _]) | None => Some(Columns::All(at)),
        _ => None,
    }
}
