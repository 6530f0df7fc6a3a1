//! How the answers change along a feature, or along two together, over rows of a file.

use desk_core::words::{quoted, quoted_list};
use desk_core::{Fault, Predictor};
use desk_explain::global::{
    Categories, Category, PairRequest, PartialRequest, accumulated_local_effects, correlated, pair_dependence,
    partial_dependence,
};
use desk_explain::{FeatureKind, Group, OutputChoice, Table, TreeAnswers};

use super::correlated as told;
use super::explain::trees;
use super::function::Graph;
use super::global::Asked;
use super::groups;
use super::protocol::GlobalReply;
use crate::command::Grouping;

/// Numbers that single rows' curves may hold together: with a thousand outputs a record of all of them could hardly be read.
const CURVES_HOLD: usize = 250_000;
/// Levels that a sentence names.
const NAMED: usize = 3;

impl Asked<'_> {
    /// Along a feature, and along another one together with it where there is one. A category that several columns of flags
    /// make is one feature with levels.
    pub(super) fn dependence(
        &self,
        graph: &mut Graph<'_>,
        (feature, with): (&str, Option<&str>),
        (points, curves, output): (usize, usize, OutputChoice),
        grouping: &Grouping,
        reply: &mut GlobalReply,
    ) -> Result<(), Fault> {
        let rows = Table::new(self.table, self.features.len());
        let groups = groups::grouped(grouping, self.features, &[rows])?;
        let mut categories: Vec<Category> = Vec::new();
        for name in [Some(feature), with].into_iter().flatten() {
            let found = groups::category(name, &groups, self.features, rows)?;
            categories.extend(found.filter(|category| !categories.contains(category)));
        }
        let taken = |group: &&Group| categories.iter().any(|category| category.name == group.name);
        let looked: Vec<Group> = groups.iter().filter(taken).cloned().collect();
        reply.groups = groups::told(&looked, self.features, &[]);
        let names = Asked::names(graph);
        let (trees, unreadable) = trees(&self.request.model.entry, self.features.len());
        reply.warnings.extend(unreadable);
        let mut own = match &trees {
            Some(trees) => TreeAnswers::of(trees, graph, &[rows], &self.ctx.cancel).map_err(|e| self.stopped(e))?,
            None => None,
        };
        reply.walked_here = own.is_some();
        let model: &mut dyn Predictor = match &mut own {
            Some(own) => own,
            None => graph,
        };
        let (mut seen, narrow) = Categories::new(model, rows, self.features, &categories)?;
        let asked = self.seeing(&narrow.rows, &narrow.features);
        reply.warnings.extend(categories.iter().filter_map(|category| absent(category, rows)));
        asked.along(&mut seen, feature, (points, curves, output), reply)?;
        if let Some(other) = with {
            asked.pair(&mut seen, (feature, other), (points, output), reply)?;
        }
        if let Some(partial) = &mut reply.partial {
            partial.feature = narrow.first[partial.feature];
            reply.output_names = Asked::named(&names, &partial.outputs);
        }
        if let Some(pair) = &mut reply.pair {
            pair.features = pair.features.map(|feature| narrow.first[feature]);
        }
        Ok(())
    }

    /// A feature by its name.
    fn feature(&self, name: &str) -> Result<usize, Fault> {
        let found = self.features.iter().position(|feature| feature.name == name);
        found.ok_or_else(|| Fault::bug(format!("there is no feature {}", quoted(name))))
    }

    /// Names of some values of a feature, where it is categorical.
    fn levels(&self, feature: usize, grid: &[f64]) -> Option<Vec<String>> {
        let FeatureKind::Categorical { levels } = &self.features[feature].kind else { return None };
        Some(grid.iter().map(|value| levels.get(*value as usize).cloned().unwrap_or_default()).collect())
    }

    fn along(
        &self,
        seen: &mut Categories<'_>,
        name: &str,
        (points, curves, output): (usize, usize, OutputChoice),
        reply: &mut GlobalReply,
    ) -> Result<(), Fault> {
        let feature = self.feature(name)?;
        let outputs = if matches!(output, OutputChoice::All) { seen.n_outputs() } else { 1 };
        let wanted = curves.min(self.table.len() / self.features.len().max(1));
        let curves = wanted.min(CURVES_HOLD / (points * outputs).max(1));
        if curves < wanted {
            reply.warnings.push(format!(
                "{outputs} outputs leave room for the curves of {curves} rows instead of {wanted}: ask for one output alone \
                 to have them all"
            ));
        }
        let asked = PartialRequest { feature, output, points, curves };
        let mut subject = self.subject(seen, self.table, self.numbers);
        let partial = partial_dependence(&mut subject, &asked).map_err(|error| self.stopped(error))?;
        reply.levels = self.levels(feature, &partial.grid);
        match &self.features[feature].kind {
            FeatureKind::Categorical { .. } => {}
            FeatureKind::Numeric if partial.grid.len() > 1 => {
                let found = accumulated_local_effects(&mut subject, feature, (output, points));
                reply.ale = Some(found.map_err(|error| self.stopped(error))?);
            }
            FeatureKind::Numeric => {
                let name = quoted(&self.features[feature].name);
                reply.warnings.push(format!("{name} has one value in all rows: nothing depends on it here"));
            }
        }
        reply.correlated = correlated(Table::new(self.table, self.features.len()), self.features, &[feature]);
        reply.warnings.extend(told::of_dependence(&reply.correlated));
        reply.curve_row_numbers = partial.curve_rows.iter().map(|row| self.numbers[*row]).collect();
        reply.partial = Some(partial);
        Ok(())
    }

    /// Along two features together.
    fn pair(
        &self,
        seen: &mut Categories<'_>,
        (one, other): (&str, &str),
        (points, output): (usize, OutputChoice),
        reply: &mut GlobalReply,
    ) -> Result<(), Fault> {
        let features = [self.feature(one)?, self.feature(other)?];
        let mut subject = self.subject(seen, self.table, self.numbers);
        let found = pair_dependence(&mut subject, &PairRequest { features, output, points });
        let pair = found.map_err(|error| self.stopped(error))?;
        let empty = pair.near.iter().flatten().filter(|rows| **rows == 0).count();
        let all = pair.near.iter().map(Vec::len).sum::<usize>();
        if 2 * empty > all {
            reply.warnings.push(format!(
                "{empty} of {all} pairs of values of {} and {} have no row near them: the model was asked about what does \
                 not occur",
                quoted(one),
                quoted(other)
            ));
        }
        reply.other_levels = self.levels(features[1], &pair.grids[1]);
        reply.pair = Some(pair);
        Ok(())
    }
}

/// Levels that no row is of: nothing is set to them, as with a column of texts.
fn absent(category: &Category, rows: Table<'_>) -> Option<String> {
    let never = |column: usize| (0..rows.len()).all(|row| rows.row(row)[column] != 1.0);
    let levels = category.columns.iter().zip(&category.levels).filter(|(column, _)| never(**column));
    let levels: Vec<&str> = levels.map(|(_, level)| level.as_str()).collect();
    (!levels.is_empty())
        .then(|| format!("No row is of the {} {}: left out", quoted(&category.name), quoted_list(&levels, NAMED)))
}
