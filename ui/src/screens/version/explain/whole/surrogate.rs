//! A small tree in the model's place, and how far it may be believed.

use desk_app::Command;
use desk_app::global::{Estimate, Node, Rule, Split, SurrogateAnswer};
use desk_app::outcome::Outcome;
use desk_app::query::RunView;
use desk_core::Fault;
use desk_uikit::plot::{Branch, Branches, Figure};
use desk_uikit::table::{Cell, Column};
use desk_uikit::{Metric, Tone, card, format};
use egui::Ui;

use crate::ages::ago;
use crate::cx::Cx;
use crate::fault::sentence;
use crate::screens::version::explain::view::outputs;
use crate::screens::version::warnings;

/// Width of a measure at least.
const TILE: f32 = 220.0;
/// Categories that a question names.
const NAMED: usize = 3;

/// A recorded result made ready to draw.
pub struct SurrogateResult {
    answer: SurrogateAnswer,
    command: Command,
    at: String,
    /// The tree for each output.
    outputs: Vec<Vec<Branch>>,
}

impl SurrogateResult {
    /// Reads a recorded run.
    pub fn new(run: RunView) -> Result<Self, Fault> {
        let Outcome::Surrogate(mut answer) = run.outcome else {
            return Err(Fault::bug(format!("run {} is no surrogate", run.item.id)));
        };
        answer.basis.run.clone_from(&run.item.id);
        let nodes = &answer.surrogate.nodes;
        let outputs = (0..answer.output_names.len())
            .map(|output| nodes.iter().map(|node| branch(node, output)).collect())
            .collect();
        Ok(Self { answer: *answer, command: run.command, at: run.item.at, outputs })
    }
}

fn branch(node: &Node, output: usize) -> Branch {
    let spread = node.spread.get(output).copied().unwrap_or(f64::NAN);
    let mut about = vec![format!("± {} over them, {} of all", format::number(spread), format::percent(node.share))];
    if let Some(split) = node.split.as_ref().filter(|split| split.missing_rows > 0) {
        let side = if split.missing_left { "yes" } else { "no" };
        let rows = format::plural(split.missing_rows as u64, "row has", "rows have");
        about.push(format!("{rows} no value: {side}"));
    }
    Branch {
        question: node.split.as_ref().map(question),
        next: node.split.as_ref().map(|split| [split.left, split.right]),
        value: node.value.get(output).copied().unwrap_or(f64::NAN),
        rows: node.rows as u64,
        about,
    }
}

/// What is asked at a cut.
fn question(split: &Split) -> String {
    let name = &split.name;
    match &split.rule {
        Rule::Number { at_most } => format!("{name} ≤ {}", format::number(*at_most)),
        Rule::Present => format!("{name} is there"),
        Rule::Levels { .. } => match split.levels_left.as_slice() {
            [] => format!("{name} is missing"),
            [one] => format!("{name} = {one}"),
            some if some.len() <= NAMED => format!("{name} in {}", some.join(", ")),
            many => format!("{name} in {}, … {} more", many[..NAMED].join(", "), many.len() - NAMED),
        },
    }
}

/// Shows the tree of one output with what it rests on.
pub fn show(ui: &mut Ui, cx: &Cx<'_>, result: &SurrogateResult, output: &mut usize) {
    let (answer, basis) = (&result.answer, &result.answer.basis);
    let names = &answer.output_names;
    *output = (*output).min(names.len().saturating_sub(1));
    let Some(tree) = result.outputs.get(*output) else { return };
    warnings::show(ui, &basis.warnings);
    if outputs(ui, "Class or output of the tree", names, output) {
        ui.add_space(4.0);
    }
    let tiles = tiles(answer, *output);
    card::grid(ui, tiles.len(), TILE, |ui, i, width| {
        let (name, value, tone, note) = &tiles[i];
        Metric::new(name, value, "").note(*tone, note).show(ui, width);
    });
    ui.add_space(4.0);
    let name = names.get(*output).map_or("answer", String::as_str);
    let grown = format::plural(answer.surrogate.grown_rows as u64, "row", "rows");
    let caption = format!("in place of the model for {name}, grown with {grown}");
    let what = format!("mean {name}");
    let chart = Branches::new(&what, tree);
    let figure = Figure::new("A small tree")
        .caption(&caption)
        .aside(ago(&result.at))
        .source(super::source(basis, &result.at))
        .summary(chart.summary());
    let paint = |ui: &mut Ui| {
        Branches::new(&what, tree).show(ui);
    };
    cx.wish(figure.show(ui, paint, || table(answer, *output, &what)));
    super::rests_on(ui, cx, basis, &result.command, &sentence(&basis.method_reason));
}

/// Name, value, how it is to be taken, and what it is.
type Tile = (&'static str, String, Tone, String);

/// How far the tree may stand for the model, on rows that it was not grown with.
fn tiles(answer: &SurrogateAnswer, output: usize) -> Vec<Tile> {
    let fidelity = &answer.surrogate.fidelity;
    let between = |of: &Estimate| format!("{} to {}, 95 %", format::fixed(of.low, 3), format::fixed(of.high, 3));
    let held = format::plural(fidelity.rows as u64, "row", "rows");
    let mut tiles: Vec<Tile> = Vec::new();
    tiles.push(match fidelity.r2.get(output).and_then(Option::as_ref) {
        Some(r2) => ("R² of the tree", format::fixed(r2.value, 3), good(r2.low >= 0.8), between(r2)),
        None => ("R² of the tree", "–".to_owned(), Tone::Warn, "the model answers alike".to_owned()),
    });
    if let Some(agreement) = &fidelity.agreement {
        let (share, alone) = (&agreement.share, format::percent(agreement.constant));
        let note = format!("{}; {alone} by one class", between(share));
        tiles.push(("Same class as the model", format::fixed(share.value, 3), good(share.low >= 0.9), note));
    }
    tiles.push(("Judged on", held, Tone::Neutral, "that it was not grown with".to_owned()));
    tiles
}

fn good(good: bool) -> Tone {
    if good { Tone::Ok } else { Tone::Warn }
}

/// The leaves, each with all that leads to it.
fn table(answer: &SurrogateAnswer, output: usize, what: &str) -> (Vec<Column>, Vec<Vec<Cell<'static>>>) {
    let columns = vec![Column::text("Rule"), Column::number(what), Column::number("± spread"), Column::number("Rows")];
    let nodes = &answer.surrogate.nodes;
    let leaves: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].split.is_none()).collect();
    let decimals = format::decimals(leaves.iter().filter_map(|at| nodes[*at].value.get(output).copied()));
    let of = |values: &[f64]| values.get(output).copied().unwrap_or(f64::NAN);
    let line = |at: usize| {
        let node = &nodes[at];
        vec![
            Cell::text(rule(nodes, at)),
            Cell::fixed(of(&node.value), decimals),
            Cell::fixed(of(&node.spread), decimals),
            Cell::shown_as(node.rows as f64, format::count(node.rows as u64)),
        ]
    };
    (columns, leaves.into_iter().map(line).collect())
}

/// `age ≤ 30 and not city = Oslo`.
fn rule(nodes: &[Node], at: usize) -> String {
    let mut parts = Vec::new();
    let mut at = at;
    while let Some((above, split)) = nodes.iter().enumerate().find_map(|(above, node)| {
        let split = node.split.as_ref().filter(|split| above < at && (split.left == at || split.right == at))?;
        Some((above, split))
    }) {
        let question = question(split);
        parts.push(if split.left == at { question } else { format!("not {question}") });
        at = above;
    }
    if parts.is_empty() {
        return "All rows".to_owned();
    }
    parts.reverse();
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(split: Option<Split>) -> Node {
        Node { depth: 0, rows: 4, share: 0.5, value: vec![0.5], spread: vec![0.1], split }
    }

    fn split(rule: Rule, [left, right]: [usize; 2], levels: &[&str]) -> Split {
        let levels_left = levels.iter().map(|level| (*level).to_owned()).collect();
        let name = if levels.is_empty() { "age" } else { "city" }.to_owned();
        let (levels_right, gain) = (Vec::new(), 0.1);
        Split {
            feature: 0,
            name,
            rule,
            levels_left,
            levels_right,
            missing_left: true,
            missing_rows: 0,
            gain,
            left,
            right,
        }
    }

    #[test]
    fn a_leaf_is_told_by_all_that_leads_to_it() {
        let levels = Rule::Levels { left: vec![0], right: vec![1] };
        let nodes = [
            node(Some(split(Rule::Number { at_most: 30.5 }, [1, 2], &[]))),
            node(None),
            node(Some(split(levels, [3, 4], &["Oslo"]))),
            node(None),
            node(None),
        ];
        assert_eq!(rule(&nodes, 1), "age ≤ 30.5");
        assert_eq!(rule(&nodes, 4), "not age ≤ 30.5 and not city = Oslo");
        assert_eq!(rule(&nodes[1..2], 0), "All rows");
    }
}
