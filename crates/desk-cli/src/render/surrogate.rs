//! A small tree in place of the model, for people.

use desk_app::global::{Estimate, Node, Rule, Split, SurrogateAnswer};
use desk_core::counted;
use desk_core::words::short;

use super::global::{ending, rows};
use super::lines::Lines;
use super::table::Table;
/// Outputs that have a column of their own; all are in the JSON.
const OUTPUTS: usize = 4;
/// Categories that a rule names.
const NAMED: usize = 4;

/// The rules with what the model answers there, and how far they may be believed.
pub fn surrogate(found: &SurrogateAnswer) -> String {
    let (basis, tree) = (&found.basis, &found.surrogate);
    let mut lines = Lines::default();
    let leaves = match tree.nodes.iter().filter(|node| node.split.is_none()).count() {
        1 => "1 leaf".to_owned(),
        n => format!("{n} leaves"),
    };
    lines.line(format!(
        "{} on {}: a tree of {leaves} in its place, grown with {}",
        basis.version,
        rows(basis),
        counted(tree.grown_rows as u64, "row")
    ));
    let shown = found.output_names.len().min(OUTPUTS);
    let mut header = vec!["rule".to_owned(), ">share of rows".to_owned()];
    for name in &found.output_names[..shown] {
        header.extend([format!(">{name}"), ">± spread".to_owned()]);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new(&header);
    for (at, node) in tree.nodes.iter().enumerate() {
        let rule = format!("{}{}", "  ".repeat(node.depth), condition(&tree.nodes, at));
        let mut cells = vec![rule, format!("{:.1} %", 100.0 * node.share)];
        for k in 0..shown {
            cells.extend([short(node.value[k]), short(node.spread[k])]);
        }
        table.row(cells);
    }
    lines.block(table.render("There is no node"));
    if found.output_names.len() > shown {
        lines.line(format!("… {} more outputs: --json has all", found.output_names.len() - shown));
    }
    let fidelity = &tree.fidelity;
    for (name, r2) in found.output_names.iter().zip(&fidelity.r2) {
        lines.line(format!(
            "fidelity to {name} on {} held out: R² {}",
            counted(fidelity.rows as u64, "row"),
            r2.map_or_else(|| "not defined, the model answers alike".to_owned(), interval)
        ));
    }
    if let Some(agreement) = &fidelity.agreement {
        let constant = agreement.constant;
        lines.line(format!(
            "same class as the model: {}; its most frequent class alone {constant:.3}",
            interval(agreement.share)
        ));
    }
    ending(&mut lines, basis, Some(tree.seed), tree.model_rows);
    lines.text()
}

fn interval(found: Estimate) -> String {
    format!("{:.3} ({:.3} to {:.3})", found.value, found.low, found.high)
}

/// What a row must meet to come from the node above to this one.
fn condition(nodes: &[Node], at: usize) -> String {
    let above = nodes.iter().filter_map(|node| node.split.as_ref()).find(|split| split.left == at || split.right == at);
    let Some(split) = above else { return "all rows".to_owned() };
    let left = split.left == at;
    let rule = rule(split, left);
    let or_missing = split.missing_rows > 0 && split.missing_left == left && !rule.ends_with("is missing");
    if or_missing { format!("{rule} or missing") } else { rule }
}

fn rule(split: &Split, left: bool) -> String {
    let name = &split.name;
    match &split.rule {
        Rule::Number { at_most } if left => format!("{name} ≤ {}", short(*at_most)),
        Rule::Number { at_most } => format!("{name} > {}", short(*at_most)),
        Rule::Present if left => format!("{name} is present"),
        Rule::Present => format!("{name} is missing"),
        Rule::Levels { .. } => {
            let levels = if left { &split.levels_left } else { &split.levels_right };
            match levels.len() {
                // Rows without a category may be alone on a side.
                0 => format!("{name} is missing"),
                1 => format!("{name} = {}", levels[0]),
                n if n <= NAMED => format!("{name} in {}", levels.join(", ")),
                n => format!("{name} in {}, … {} more", levels[..NAMED].join(", "), n - NAMED),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(rule: Rule, missing_rows: usize) -> Split {
        let levels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Split {
            feature: 0,
            name: "age".to_owned(),
            missing_left: rule != Rule::Present,
            rule,
            levels_left: levels(&["a"]),
            levels_right: levels(&["b", "c", "d", "e", "f", "g"]),
            missing_rows,
            gain: 0.5,
            left: 1,
            right: 2,
        }
    }

    #[test]
    fn rules_are_told_from_either_side() {
        let said = |rule: Rule, missing: usize| {
            let node = |split| Node { depth: 0, rows: 1, share: 1.0, value: vec![], spread: vec![], split };
            let nodes = [node(Some(split(rule, missing))), node(None), node(None)];
            [1, 2].map(|at| condition(&nodes, at))
        };
        assert_eq!(said(Rule::Number { at_most: 2.5 }, 0), ["age ≤ 2.5000", "age > 2.5000"]);
        assert_eq!(said(Rule::Number { at_most: 2.5 }, 3), ["age ≤ 2.5000 or missing", "age > 2.5000"]);
        assert_eq!(said(Rule::Present, 3), ["age is present", "age is missing"]);
        let levels = Rule::Levels { left: vec![0], right: vec![1] };
        assert_eq!(said(levels, 0), ["age = a", "age in b, c, d, e, … 2 more"]);
    }
}
