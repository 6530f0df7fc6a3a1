//! What stands for an absent player, as each leaf sees it: how many rows fail which of its path's players.

use desk_core::trees::Tree;

use crate::players::Players;
use crate::trees::columns::Columns;
use crate::trees::counts::Counts;
use crate::trees::covers::{self, Covers};
use crate::trees::program::{Program, Unit, UnitLeaf};

/// What absent features are replaced with; it makes the game.
#[derive(Clone, Copy)]
pub(crate) enum Absent<'a> {
    /// The values of each background row: interventional Shapley values.
    Background(&'a Columns),
    /// Both ways of a split, with the shares of the covers: path-dependent Shapley values.
    Covers(&'a Covers),
}

/// One tree's leaves. In both games a row meets a leaf only through the features that a row of a background fails; with
/// covers these rows are made up, and fail features independently of each other.
pub(crate) enum Failing {
    /// Background rows are counted; each has this share.
    Counted(Counts, f64),
    /// For each leaf, by its node, the shares of its path's players.
    Shares(Vec<Vec<f64>>),
}

impl Failing {
    /// `program` emits the units' indices.
    pub fn new((tree, players): (&Tree, &Players), units: &[Unit], program: &Program, absent: &Absent<'_>) -> Self {
        match absent {
            Absent::Background(rows) => Self::Counted(Counts::new(units, program, rows), 1.0 / rows.rows() as f64),
            Absent::Covers(covers) => Self::Shares(covers.shares_of_leaves(tree, players)),
        }
    }

    /// What the numbers of [`Failing::of`] are to be multiplied with to become shares.
    pub fn share(&self) -> f64 {
        match self {
            Self::Counted(_, share) => *share,
            Self::Shares(_) => 1.0,
        }
    }

    /// Numbers of rows by the set of a leaf's players that they fail, all of these and no other; `id` is its unit's number.
    pub fn of(&self, id: usize, unit: &Unit, leaf: &UnitLeaf, into: &mut Vec<f64>) {
        match self {
            Self::Counted(counts, _) => counts.failed(id, unit, leaf, into),
            Self::Shares(shares) => covers::failed(&shares[leaf.node as usize], into),
        }
    }
}
