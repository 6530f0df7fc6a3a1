//! Owen values: Shapley values of players in unions (Owen 1977), which may have unions of their own (Winter 1989).
//!
//! Players join one after the other, in all orders in which the members of a union stand together: a union is there as a whole
//! before others are, or behind them. What a player adds is averaged over these orders. Of a tree of pairs that is what
//! shap's `PartitionExplainer` works out, as long as it has evaluations enough. Where the sets of such orders are too many,
//! orders are drawn, each with its reverse, which is as likely.

mod hierarchy;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::error::ExplainError;
use crate::exact::{RowShares, choose};
use crate::game::{Coalition, Effort, Game, Meter, RowGame};
use crate::input::{FeatureInfo, Table};
use crate::permutation;
use crate::players::{Group, GroupKind, Players};
use crate::request::{ExplainRequest, Method};

pub use hierarchy::Hierarchy;
use hierarchy::of_columns;

/// Sets behind players that are worked through whatever the budget.
const ALWAYS: f64 = 8192.0;
/// Sets behind players that are worked through at most, as all are held at once.
const MOST: f64 = 262_144.0;

/// What stands beside Owen values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwenDetail {
    /// The players in their unions, by their places among the values.
    pub hierarchy: Hierarchy,
    /// Where the unions come from: `groups` (each a union of its columns), `correlation` (of the
    /// background's columns), or `given` with the request.
    pub from: String,
}

impl OwenDetail {
    /// Where the unions come from, for people.
    pub(crate) fn words(&self) -> &'static str {
        match self.from.as_str() {
            "groups" => "; the columns of each group are a union",
            "correlation" => {
                "; unions are of columns that go together (average linkage over 1 - |r| of the background)"
            }
            _ => "",
        }
    }
}

/// The groups that are unions of their columns, those that somebody gave, and the others, which are one player each. Of other
/// methods than this all are players.
pub(crate) fn unions(request: &ExplainRequest) -> (Vec<Group>, Vec<Group>) {
    let union = |group: &&Group| request.method == Method::Owen && group.kind == GroupKind::Given;
    let (unions, players): (Vec<&Group>, Vec<&Group>) = request.groups.iter().partition(union);
    (unions.into_iter().cloned().collect(), players.into_iter().cloned().collect())
}

/// The players in their unions: as the request has them, else by the given groups, else by correlation.
///
/// # Errors
/// The request's hierarchy has not each player once.
pub(crate) fn hierarchy(
    request: &ExplainRequest,
    unions: &[Group],
    players: &Players,
    background: Table<'_>,
    features: &[FeatureInfo],
) -> Result<OwenDetail, ExplainError> {
    if let Some(hierarchy) = &request.hierarchy {
        hierarchy.check(players.count())?;
        return Ok(OwenDetail { hierarchy: hierarchy.clone(), from: "given".to_owned() });
    }
    if unions.is_empty() {
        let members: Vec<Vec<usize>> = (0..players.count()).map(|player| players.members(player).to_vec()).collect();
        let hierarchy = of_columns(background, features, &members);
        return Ok(OwenDetail { hierarchy, from: "correlation".to_owned() });
    }
    let of_group = |group: &Group| {
        let mut of: Vec<usize> = group.features.iter().map(|feature| players.of(*feature as u32) as usize).collect();
        of.sort_unstable();
        of.dedup();
        of
    };
    let united: Vec<Vec<usize>> = unions.iter().map(of_group).collect();
    let alone = (0..players.count()).filter(|player| !united.iter().flatten().any(|other| other == player));
    let of_union = |of: &Vec<usize>| Hierarchy::Union(of.iter().copied().map(Hierarchy::Player).collect());
    let all = united.iter().map(of_union).chain(alone.map(Hierarchy::Player)).collect();
    Ok(OwenDetail { hierarchy: Hierarchy::Union(all), from: "groups".to_owned() })
}

/// A set of players that are there before one joins, and how likely that is.
struct Before {
    set: Coalition,
    weight: f64,
}

/// Owen values of the players of a row; exact where the sets are few, else within a budget of coalitions.
pub(crate) fn shares(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    detail: Option<&OwenDetail>,
    effort: Effort,
    meter: &mut Meter<'_>,
) -> Result<RowShares, ExplainError> {
    let d = row.players.len();
    let Some(tree) = detail.and_then(|detail| detail.hierarchy.among(&row.players)).filter(|_| d > 1) else {
        return crate::exact::shares(game, row, meter);
    };
    if sets(&tree) <= ALWAYS.max(effort.budget as f64).min(MOST) {
        return exact(game, row, &tree, meter);
    }
    let draw = |dice: &mut Dice, order: &mut [usize]| {
        let mut at = 0;
        fill(&tree, dice, order, &mut at);
    };
    permutation::shares_over(game, row, effort, meter, 3, &draw)
}

/// How many sets stand before players, over all of them.
fn sets(tree: &Hierarchy) -> f64 {
    match tree {
        Hierarchy::Player(_) => 1.0,
        Hierarchy::Union(members) => 2f64.powi(members.len() as i32 - 1) * members.iter().map(sets).sum::<f64>(),
    }
}

/// The next order, drawn: the members of each union in any order, each as a whole.
fn fill(tree: &Hierarchy, dice: &mut Dice, order: &mut [usize], at: &mut usize) {
    match tree {
        Hierarchy::Player(player) => {
            order[*at] = *player;
            *at += 1;
        }
        Hierarchy::Union(members) => {
            let mut places: Vec<usize> = (0..members.len()).collect();
            dice.shuffle(&mut places);
            for place in places {
                fill(&members[place], dice, order, at);
            }
        }
    }
}

fn exact(
    game: &mut Game<'_>,
    row: &RowGame<'_>,
    tree: &Hierarchy,
    meter: &mut Meter<'_>,
) -> Result<RowShares, ExplainError> {
    let (d, width) = (row.players.len(), game.columns());
    let mut before: Vec<Vec<Before>> = (0..d).map(|_| Vec::new()).collect();
    go_down(tree, &[Before { set: Coalition::empty(d), weight: 1.0 }], &mut before);
    // Each set once; nobody and everybody are known.
    let mut places: HashMap<Coalition, usize, BuildHasherDefault<std::hash::DefaultHasher>> = HashMap::default();
    let mut wanted = Vec::new();
    places.insert(Coalition::empty(d), 0);
    places.insert(Coalition::empty(d).complement(d), 1);
    let mut place = |set: Coalition| {
        let next = places.len();
        *places.entry(set).or_insert_with_key(|set| {
            wanted.push(set.clone());
            next
        })
    };
    let mut terms = Vec::new();
    for (player, all) in before.into_iter().enumerate() {
        for Before { set, weight } in all {
            let mut with = set.clone();
            with.insert(player);
            terms.push((player, weight, place(set), place(with)));
        }
    }
    let mut table = [row.base, row.full].concat();
    table.extend(game.values(row, &wanted, meter)?);
    let mut values = vec![0.0; d * width];
    for (player, weight, without, with) in terms {
        for k in 0..width {
            values[player * width + k] += weight * (table[with * width + k] - table[without * width + k]);
        }
    }
    Ok(RowShares { values, errors: None, moves: None, note: None })
}

/// Which sets stand before each player of a tree, where these stand before all of it.
fn go_down(tree: &Hierarchy, behind: &[Before], before: &mut [Vec<Before>]) {
    let members = match tree {
        Hierarchy::Player(player) => {
            before[*player].extend(behind.iter().map(|b| Before { set: b.set.clone(), weight: b.weight }));
            return;
        }
        Hierarchy::Union(members) => members,
    };
    let of: Vec<Vec<usize>> = members.iter().map(Hierarchy::players).collect();
    let others = members.len() - 1;
    for (at, member) in members.iter().enumerate() {
        let mut inner = Vec::with_capacity(behind.len() << others);
        for subset in 0..1usize << others {
            // Bit i stands for the i-th of the other members.
            let chosen = || (0..others).filter(|i| subset >> i & 1 == 1).map(|i| i + usize::from(i >= at));
            let size = chosen().count();
            let share = 1.0 / (members.len() as f64 * choose(others, size));
            for one in behind {
                let mut set = one.set.clone();
                chosen().flat_map(|other| &of[other]).for_each(|player| set.insert(*player));
                inner.push(Before { set, weight: one.weight * share });
            }
        }
        go_down(member, &inner, before);
    }
}
