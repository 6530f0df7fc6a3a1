//! The walk from the output back to the inputs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use prost::Message as _;

use crate::cam::{self, Layer};
use crate::constants::Constants;
use crate::error::{GradError, Refusal};
use crate::net::{Net, element_of, name_of};
use crate::proto::{Graph, Model, Node, Opset, TensorType, Type, ValueInfo};
use crate::rules::{self, Step};
use crate::shapes::Shapes;
use crate::source;
use crate::tape::{Emitted, Extra, Tape};
use crate::target::{self, Column, Side, Target};
use crate::through::{self, Through};
use crate::twin::Twins;
use crate::upgrade;

/// What gradients are wanted of.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// An output of the model.
    pub output: &'a str,
    /// Its scores or its answers.
    pub side: Side,
    /// The gradient, or a rule that changes it.
    pub through: Through,
    /// The layer of [`Through::Cam`], by the name of its node or of its output; the last convolution when absent.
    pub layer: Option<&'a str>,
}

/// A model that answers and differentiates.
#[derive(Debug, Clone)]
pub struct Gradient {
    /// The bytes of the ONNX model, weights included.
    pub model: Vec<u8>,
    /// Its input that weighs the answers, a number for each in whatever shape: the gradients are those of the
    /// weighted sum.
    pub seed: String,
    /// Its output with the value that is differentiated.
    pub value: String,
    /// The activation that was left out behind it: `Softmax`, `Sigmoid`.
    pub before: Option<String>,
    /// How the columns of the model's own output follow from the value's, where they are not the same.
    pub columns: Option<Vec<Column>>,
    /// The gradients, one for each input that holds numbers and that the value depends on.
    pub gradients: Vec<GradientOf>,
    /// Inputs that the built model still wants and that have no gradient: whole numbers and texts.
    pub others: Vec<String>,
    /// Further inputs that take the reference row, of [`Through::Rescale`].
    pub references: Vec<Reference>,
    /// Rectifiers on the way, at which [`Through::Guided`] is another than the gradient; 0 of the other rules.
    pub rectifiers: usize,
    /// The layer of [`Through::Cam`], for people.
    pub layer: Option<String>,
    /// Steps on the way, such as rounding, through which nothing flows: their gradient is zero.
    pub steps: Vec<String>,
}

/// The gradient with respect to one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradientOf {
    /// The input.
    pub input: String,
    /// The output that holds its gradient, in the input's shape.
    pub output: String,
}

/// Where the reference of an input goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The input.
    pub input: String,
    /// The input of the built model, of the same type and shape.
    pub reference: String,
}

/// Builds the model for one output of the model file at `path`.
///
/// # Errors
/// Operators without a rule between the inputs and the output are [`GradError::NotCovered`], all of
/// them; everything else that keeps the graph from being built is named as well.
pub fn build(path: &Path, wanted: Wanted<'_>) -> Result<Gradient, GradError> {
    let mut net = Net::of(source::read(path)?)?;
    let target = target::find(&net, &Constants::of(&net), wanted.output, wanted.side)?;
    let needed = net.needed(&target.value);
    let mut keep = needed.iter();
    net.nodes.retain(|_| keep.next().copied().unwrap_or(false));
    upgrade::upgrade(&mut net)?;
    let constants = Constants::of(&net);
    let shapes = Shapes::of(&net, &constants);
    differentiate(&net, &constants, &shapes, target, wanted)
}

/// What changes with the inputs, and what stops it.
struct Activity {
    /// Sorted.
    values: Vec<String>,
    /// Nodes whose answer changes in steps, by operator.
    steps: Vec<String>,
}

impl Activity {
    fn of(net: &Net, shapes: &Shapes) -> Self {
        let inputs = net.inputs.iter().map(name_of).filter(|name| shapes.is_float(name));
        let mut values: HashSet<&str> = inputs.collect();
        let mut steps = BTreeSet::new();
        for node in &net.nodes {
            if !node.inputs.iter().any(|input| values.contains(input.as_str())) {
                continue;
            }
            if rules::is_step(node) {
                // Sizes are those of the file and not of its values.
                if !matches!(node.op(), "Shape" | "Size") {
                    steps.insert(rules::full_name(node));
                }
                continue;
            }
            // An operator without a rule counts: it is refused, not passed over.
            let known = rules::find(node).is_some();
            values.extend(node.outputs.iter().map(String::as_str).filter(|name| {
                let of_number = shapes.element(name).map_or(!known, crate::proto::element::is_float);
                !name.is_empty() && of_number
            }));
        }
        let mut values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        values.sort_unstable();
        Self { values, steps: steps.into_iter().collect() }
    }

    fn has(&self, value: &str) -> bool {
        self.values.binary_search_by(|name| name.as_str().cmp(value)).is_ok()
    }
}

fn differentiate(
    net: &Net,
    constants: &Constants<'_>,
    shapes: &Shapes,
    target: Target,
    wanted: Wanted<'_>,
) -> Result<Gradient, GradError> {
    let through = wanted.through;
    let activity = Activity::of(net, shapes);
    let on_the_way = |node: &&Node| {
        node.inputs.iter().any(|name| activity.has(name)) && node.outputs.iter().any(|name| activity.has(name))
    };
    refuse_uncovered(net.nodes.iter().filter(on_the_way))?;
    if !activity.has(&target.value) {
        let why = if activity.steps.is_empty() {
            "no input that holds numbers with fractions leads to it".to_owned()
        } else {
            format!("it changes in steps only ({})", activity.steps.join(", "))
        };
        return Err(GradError::Flat { output: target.value, why });
    }
    let nodes: Vec<&Node> = net.nodes.iter().filter(on_the_way).collect();
    let layer = (through == Through::Cam).then(|| cam::layer(&nodes, shapes, wanted.layer)).transpose()?;
    let prefix = free_prefix(net);
    let twins = (through == Through::Rescale).then(|| Twins::of(net, shapes, &prefix));
    let tape = Tape::new(constants, shapes, &activity.values, prefix.clone());
    let mut tape = tape.by(through, twins.as_ref(), before_bias(net, &activity));
    let seed = format!("{prefix}seed");
    // Whoever gives the seed need not know how many dimensions of one the value has.
    let shaped = tape.reshape_like(&seed, &target.value);
    tape.give(&target.value, shaped);
    let mut refused = Vec::new();
    for node in nodes.into_iter().rev() {
        // A map needs nothing from before its layer.
        if layer.as_ref().is_some_and(|layer| layer.value == node.output(0)) {
            break;
        }
        let gradients: Vec<Option<String>> = node.outputs.iter().map(|output| tape.gradient(output)).collect();
        if gradients.iter().all(Option::is_none) {
            continue;
        }
        let Some(rule) = rules::find(node) else { continue };
        let step = Step { node, gradients: &gradients };
        if let Err(Refusal(why)) = through::pass(&mut tape, rule, &step) {
            refused.push(format!("{}: {why}", node.label()));
            // What lies further back is looked at too, so that all are named at once; nothing of this is kept.
            if through != Through::Gradient {
                let _refused_too = (rule.backward)(&mut tape, &step);
            }
        }
    }
    if !refused.is_empty() {
        refused.sort_unstable();
        return Err(GradError::NotLikeThis { nodes: refused });
    }
    let mut gradients = Vec::new();
    let mut others = Vec::new();
    let uses = used(net, &target.value);
    for input in net.inputs.iter().filter(|input| uses.contains(name_of(input))) {
        let name = name_of(input);
        if !shapes.is_float(name) {
            others.push(name.to_owned());
            continue;
        }
        let of_layer = layer.as_ref().filter(|_| shapes.rank(name).is_some_and(|rank| rank > 2));
        let found = if let Some(layer) = of_layer {
            map(&mut tape, layer, name)?
        } else if let Some(found) = tape.gradient(name) {
            found
        } else {
            let shape = tape.shape(name);
            tape.constant_of_shape(&shape, name, 0.0)
        };
        let output = format!("{prefix}of_{}", gradients.len());
        tape.emit("Identity", &[&found], vec![output.clone()], Vec::new());
        gradients.push(GradientOf { input: name.to_owned(), output });
    }
    let reference = |of: &GradientOf| {
        let reference = twins.as_ref().and_then(|twins| twins.name(&of.input))?;
        Some(Reference { input: of.input.clone(), reference })
    };
    let references: Vec<Reference> = gradients.iter().filter_map(reference).collect();
    let rectifiers = tape.rectifiers;
    let value = format!("{prefix}value");
    tape.emit("Identity", &[&target.value], vec![value.clone()], Vec::new());
    let kind = shapes.element(&target.value);
    let twins = twins.as_ref().map_or_else(Vec::new, |twins| twins.nodes.clone());
    let model = written(net, shapes, tape, twins, &seed, &value, kind, (&gradients, &references), &uses);
    Ok(Gradient {
        model,
        seed,
        value,
        before: target.before,
        columns: target.columns,
        gradients,
        others,
        references,
        rectifiers,
        layer: layer.map(|layer| layer.label),
        steps: activity.steps,
    })
}

/// The class activation map of a layer for an input.
fn map(tape: &mut Tape<'_>, layer: &Layer, input: &str) -> Result<String, GradError> {
    let refuse = |why: &str| GradError::NotLikeThis { nodes: vec![format!("{}: {why}", layer.label)] };
    let gradient = tape.gradient(&layer.value).ok_or_else(|| refuse("the output does not depend on it"))?;
    cam::map(tape, &layer.value, &gradient, input).map_err(|Refusal(why)| refuse(&why))
}

/// Values that go into nothing but the addition of a bias, which belongs to the layer that gives them.
fn before_bias(net: &Net, activity: &Activity) -> HashSet<String> {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for name in net.nodes.iter().flat_map(|node| &node.inputs) {
        *uses.entry(name).or_default() += 1;
    }
    let biased = net.nodes.iter().filter(|node| node.op() == "Add" && node.domain().is_empty());
    let found = biased.filter_map(|node| {
        let mut changing = node.inputs.iter().filter(|name| activity.has(name));
        changing.next().filter(|name| changing.next().is_none() && uses.get(name.as_str()) == Some(&1))
    });
    found.cloned().collect()
}

/// All operators without a rule at once.
fn refuse_uncovered<'a>(nodes: impl Iterator<Item = &'a Node>) -> Result<(), GradError> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for node in nodes.filter(|node| rules::find(node).is_none() || node.has_graph()) {
        *counts.entry(rules::full_name(node)).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let shown = |(name, count): (String, usize)| {
        if count == 1 { name } else { format!("{name} ({count} nodes)") }
    };
    Err(GradError::NotCovered { operators: counts.into_iter().map(shown).collect() })
}

/// Values that the target needs, itself included.
fn used<'a>(net: &'a Net, target: &'a str) -> HashSet<&'a str> {
    net.nodes.iter().flat_map(|node| &node.inputs).map(String::as_str).chain([target]).collect()
}

/// A beginning that no name of the model has.
fn free_prefix(net: &Net) -> String {
    let mut prefix = "gradient/".to_owned();
    let names = || {
        let nodes = net.nodes.iter().flat_map(|node| node.outputs.iter().chain(&node.inputs)).map(String::as_str);
        let inputs = net.inputs.iter().map(name_of);
        nodes.chain(inputs).chain(net.initializers.iter().filter_map(|tensor| tensor.name.as_deref()))
    };
    while names().any(|name| name.starts_with(&prefix)) {
        prefix.insert(0, '_');
    }
    prefix
}

/// The whole model as bytes.
#[expect(clippy::too_many_arguments, reason = "everything that was found comes together here")]
fn written(
    net: &Net,
    shapes: &Shapes,
    tape: Tape<'_>,
    twins: Vec<Node>,
    seed: &str,
    value: &str,
    kind: Option<i32>,
    (gradients, references): (&[GradientOf], &[Reference]),
    used: &HashSet<&str>,
) -> Vec<u8> {
    let Emitted { nodes: emitted, initializers: constants, wanted } = tape.into_emitted();
    let mut nodes = net.nodes.clone();
    nodes.extend(twins);
    for Extra { of, place, name } in wanted {
        if let Some(node) = nodes.iter_mut().find(|node| node.output(0) == of) {
            if node.outputs.len() <= place {
                node.outputs.resize(place + 1, String::new());
            }
            node.outputs[place] = name;
        }
    }
    nodes.extend(emitted);
    let tensor = |name: &str, element: Option<i32>| ValueInfo {
        name: Some(name.to_owned()),
        of: Some(Type { tensor: Some(TensorType { element, shape: None }) }),
    };
    let mut inputs: Vec<ValueInfo> = net
        .inputs
        .iter()
        .filter(|input| used.contains(name_of(input)) && element_of(input).is_some())
        .cloned()
        .collect();
    for Reference { input, reference } in references {
        let declared = inputs.iter().find(|value| name_of(value) == input).cloned();
        inputs.extend(declared.map(|value| ValueInfo { name: Some(reference.clone()), ..value }));
    }
    inputs.push(tensor(seed, kind));
    let mut outputs = vec![tensor(value, kind)];
    outputs.extend(gradients.iter().map(|of| tensor(&of.output, shapes.element(&of.input))));
    let needed = |tensor: &&crate::proto::Tensor| used.contains(tensor.name.as_deref().unwrap_or_default());
    let mut initializers: Vec<crate::proto::Tensor> = net.initializers.iter().filter(needed).cloned().collect();
    initializers.extend(constants);
    let mut opsets = net.opsets.clone();
    if !opsets.iter().any(|(domain, _)| domain.is_empty()) {
        opsets.push((String::new(), upgrade::OLDEST));
    }
    let opset = |(domain, version): (String, i64)| Opset { domain: Some(domain), version: Some(version) };
    let model = Model {
        ir_version: Some(net.ir_version.max(8)),
        producer_name: Some("modeldesk".to_owned()),
        graph: Some(Graph {
            nodes,
            name: Some("gradients".to_owned()),
            initializers,
            inputs,
            outputs,
            ..Graph::default()
        }),
        opsets: opsets.into_iter().map(opset).collect(),
        functions: net.functions.clone(),
    };
    model.encode_to_vec()
}
