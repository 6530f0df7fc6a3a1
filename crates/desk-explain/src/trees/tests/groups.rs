//! Groups of features as one player, against the definition.

use desk_core::Predictor as _;

use super::*;
use crate::players::{Group, GroupKind};

/// The groups that a list of their numbers makes.
fn grouped(of: &[usize]) -> Players {
    let group = |number: usize| {
        let features = (0..of.len()).filter(|f| of[*f] == number).collect();
        Group { name: format!("group {number}"), features, kind: GroupKind::Given }
    };
    let groups: Vec<Group> = (0..4).map(group).filter(|group| !group.features.is_empty()).collect();
    Players::grouped(of.len(), &groups).expect("each feature once")
}

/// The features of a set of players, as bits.
fn features(players: &Players, set: usize) -> usize {
    let members =
        (0..players.count()).filter(|player| set >> player & 1 == 1).flat_map(|player| players.members(player));
    members.fold(0, |bits, feature| bits | 1 << feature)
}

/// The mean answer over the background with the row's values of some features.
fn mixed(model: &EnsemblePredictor<'_>, row: &[f64], background: Table<'_>, set: usize, output: usize) -> f64 {
    let (mut cells, d) = (background.rows.to_vec(), row.len());
    for cells in cells.chunks_exact_mut(d) {
        (0..d).filter(|j| set >> j & 1 == 1).for_each(|j| cells[j] = row[j]);
    }
    let answers = model.raw(&cells);
    answers.iter().skip(output).step_by(model.n_outputs()).sum::<f64>() / background.len() as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_group_is_one_player_whatever_the_way(
        recipes in recipes(), rows in cells(1..4), background in cells(1..8), outputs in 1..3u32,
        of in prop::collection::vec(0..4usize, 6),
    ) {
        let ensemble = ensemble(&recipes, 6, outputs, false);
        let players = grouped(&of);
        let (model, columns) = (EnsemblePredictor::new(&ensemble).expect("well formed"), predict::columns(&ensemble));
        let (rows, background) = (Table::new(&rows, 6), Table::new(&background, 6));
        let counted = Columns::new(background);
        for way in [Some(Way::Tables), Some(Way::Subsets), Some(Way::Walks), Some(Way::Quadrature), None] {
            let asked = Asked {
                ensemble: &ensemble, players: &players, columns: &columns, rows, background, way, interactions: false,
            };
            let interventional = asked.interventional(&Cancel::new(), &NoProgress).expect("additive").values;
            let on_path = asked.path_dependent(&Cancel::new(), &NoProgress).expect("additive").0.values;
            for (r, k) in (0..rows.len()).flat_map(|r| (0..outputs).map(move |k| (r, k))) {
                let (row, d) = (rows.row(r), players.count());
                let want = shapley(d, |set| mixed(&model, row, background, features(&players, set), k as usize));
                near(&interventional.features_of(r, k as usize), want)?;
                let want = shapley(d, |set| on_paths(&ensemble, &counted, row, features(&players, set), k));
                near(&on_path.features_of(r, k as usize), want)?;
            }
        }
    }

    #[test]
    fn groups_interact_as_players(
        recipes in recipes(), rows in cells(1..3), background in cells(1..6), of in prop::collection::vec(0..4usize, 6),
    ) {
        let ensemble = ensemble(&recipes, 6, 1, false);
        let players = grouped(&of);
        let (model, columns) = (EnsemblePredictor::new(&ensemble).expect("well formed"), predict::columns(&ensemble));
        let (rows, background) = (Table::new(&rows, 6), Table::new(&background, 6));
        let asked = Asked {
            ensemble: &ensemble, players: &players, columns: &columns, rows, background, way: None, interactions: true,
        };
        let found = asked.interventional(&Cancel::new(), &NoProgress).expect("additive");
        let (d, matrices) = (players.count(), found.interactions.expect("asked for"));
        prop_assume!(d > 1);
        for r in 0..rows.len() {
            let want = interactions(d, |set| mixed(&model, rows.row(r), background, features(&players, set), 0));
            let matrix = matrices.features_of(r, 0);
            for (i, j) in (0..d).flat_map(|i| (0..d).map(move |j| (i, j))).filter(|(i, j)| i != j) {
                prop_assert!((matrix[i * d + j] - want[i * d + j]).abs() < 1e-10, "{i} and {j}");
            }
        }
    }
}
