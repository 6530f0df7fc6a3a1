//! `graph`: the operators of a model, the graphs within them, and the values of its tensors.

use desk_app::Desk;
use desk_app::command::{Command, ExportTensor};
use desk_core::words::escaped;
use desk_core::{Cancel, Fault, ModelGraph, TensorPlace};

use super::{absolute, run};
use crate::args::GraphArgs;
use crate::output::Printer;
use crate::progress::Bar;
use crate::render;

/// Shows a graph or a tensor's values, or writes the values.
pub fn graph(desk: &Desk, printer: &Printer, cancel: &Cancel, args: GraphArgs) -> Result<(), Fault> {
    let GraphArgs { version, find, within, tensor, out, force } = args;
    if let Some(name) = tensor {
        let tensor = TensorPlace { name, graph: within };
        if let Some(out) = out {
            let command = ExportTensor { version, tensor, out: absolute(&out)?, force };
            return run(desk, printer, cancel, Command::ExportTensor(command));
        }
        let bar = Bar::new(printer.bars);
        let facts = desk.tensor(&version, &tensor, cancel, &bar);
        bar.done();
        let facts = facts?;
        return printer.answer(&facts, || render::tensor(&facts));
    }
    let mut graph = desk.graph(&version, cancel)?;
    let places = places(&graph);
    if let Some(within) = &within {
        let found = graph.at(within).cloned();
        graph = found.ok_or_else(|| {
            let error = Fault::input(format!("there is no graph at {within} in {version}"));
            match places.as_str() {
                "" => error.hint("This model has no graphs within nodes and no functions"),
                places => error.hint(format!("Its graphs are at {places}")),
            }
        })?;
    }
    if let Some(text) = find {
        graph = graph.find(&text);
    }
    printer.answer(&graph, || match places.as_str() {
        places if within.is_none() && !places.is_empty() => {
            format!("{}\nGraphs within, each shown with --within: {places}", render::graph(&graph))
        }
        _ => render::graph(&graph),
    })
}

/// Where the graphs within nodes and the functions of a model are.
fn places(graph: &ModelGraph) -> String {
    /// So many are told.
    const TOLD: usize = 12;
    let levels = graph.levels();
    let named = levels.iter().skip(1).take(TOLD).map(|(path, graph)| match graph.name.as_str() {
        "" => path.to_string(),
        name => format!("{path} ({})", escaped(name)),
    });
    let more = levels.len().saturating_sub(TOLD + 1);
    named.chain((more > 0).then(|| format!("and {more} more"))).collect::<Vec<_>>().join(", ")
}
