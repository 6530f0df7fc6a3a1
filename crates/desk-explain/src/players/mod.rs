//! Who plays: single features, and groups of features that come and go together.
//!
//! The columns of one thing (a one-hot encoded category, the parts of a date, an embedding) are absent together or not at
//! all. The Shapley value of such a group is that of the game in which it is one player; the sum of its columns' values in
//! the game of single columns is another number (Jullum, Redelmeier and Aas 2021).

mod find;

use serde::{Deserialize, Serialize};

use crate::error::ExplainError;
use crate::input::Table;
use crate::request::Method;

pub(crate) use find::SEPARATORS;
pub use find::{GroupKind, find_groups};

/// Columns that play together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What the columns are of; the player's name.
    pub name: String,
    /// Columns of the table, ascending, no one in two groups.
    pub features: Vec<usize>,
    /// What they are.
    pub kind: GroupKind,
}

/// The players of a table's columns. A group stands where its first column does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Players {
    /// The player of each column.
    of: Vec<u32>,
    /// The columns of each player, ascending.
    members: Vec<Vec<usize>>,
}

impl Players {
    /// Each of `features` columns for itself.
    pub fn single(features: usize) -> Self {
        Self { of: (0..features as u32).collect(), members: (0..features).map(|f| vec![f]).collect() }
    }

    /// Groups, and every other column for itself.
    ///
    /// # Errors
    /// A group without columns, a column that is not there or in two groups.
    pub fn grouped(features: usize, groups: &[Group]) -> Result<Self, ExplainError> {
        let mut group_of = vec![None; features];
        for (at, group) in groups.iter().enumerate() {
            if group.features.is_empty() {
                return Err(ExplainError::BadRequest(format!("the group {} has no columns", group.name)));
            }
            for feature in &group.features {
                match group_of.get_mut(*feature) {
                    None => {
                        return Err(ExplainError::BadRequest(format!(
                            "the group {} has column {feature}, and there are {features}",
                            group.name
                        )));
                    }
                    Some(Some(_)) => {
                        return Err(ExplainError::BadRequest(format!(
                            "a column of the group {} is in two groups, or twice in it",
                            group.name
                        )));
                    }
                    Some(of) => *of = Some(at),
                }
            }
        }
        let mut player_of_group = vec![None; groups.len()];
        let (mut of, mut members) = (Vec::with_capacity(features), Vec::<Vec<usize>>::new());
        for (feature, group) in group_of.into_iter().enumerate() {
            let known = group.and_then(|group: usize| player_of_group[group]);
            let player = known.unwrap_or(members.len());
            if player == members.len() {
                members.push(Vec::new());
            }
            if let Some(group) = group {
                player_of_group[group] = Some(player);
            }
            members[player].push(feature);
            of.push(player as u32);
        }
        Ok(Self { of, members })
    }

    /// How many play.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The player of a column.
    pub fn of(&self, feature: u32) -> u32 {
        self.of[feature as usize]
    }

    /// The columns of a player.
    pub fn members(&self, player: usize) -> &[usize] {
        &self.members[player]
    }

    /// Players of whose columns one differs from some background row. The others change nothing, so their share is
    /// exactly 0. Two missing values are equal.
    pub fn varying(&self, row: &[f64], background: Table<'_>) -> Vec<usize> {
        let differs = |j: &usize| {
            let x = row[*j];
            (0..background.len()).any(|b| {
                let y = background.row(b)[*j];
                x != y && !(x.is_nan() && y.is_nan())
            })
        };
        (0..self.count()).filter(|player| self.members(*player).iter().any(differs)).collect()
    }
}

/// Refuses groups that were asked for where a method has no players; those that were found are left aside.
///
/// # Errors
/// There are such groups.
pub(crate) fn refuse_given(groups: &[Group], method: Method) -> Result<(), ExplainError> {
    if groups.iter().any(|group| group.kind == GroupKind::Given) {
        let reason = "only Shapley values have groups of columns as players";
        return Err(ExplainError::BadRequest(format!("{reason}; the method {method} looks at each column")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, features: &[usize]) -> Group {
        Group { name: name.to_owned(), features: features.to_vec(), kind: GroupKind::Given }
    }

    #[test]
    fn groups_stand_where_their_first_column_does() {
        let players = Players::grouped(5, &[group("late", &[3, 4]), group("apart", &[0, 2])]).expect("sound");
        assert_eq!(players.members, [vec![0, 2], vec![1], vec![3, 4]]);
        assert_eq!(players.of, [0, 1, 0, 2, 2]);
        assert_eq!(Players::grouped(3, &[]).expect("sound"), Players::single(3));
        for wrong in
            [vec![group("none", &[])], vec![group("beyond", &[5])], vec![group("a", &[1]), group("b", &[1, 2])]]
        {
            assert!(Players::grouped(5, &wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_group_varies_where_one_of_its_columns_does() {
        let players = Players::grouped(4, &[group("pair", &[1, 2])]).expect("sound");
        let background = [1.0, 0.0, f64::NAN, 5.0, 1.0, 0.0, f64::NAN, 5.0];
        let of = |row: &[f64]| players.varying(row, Table::new(&background, 4));
        assert_eq!(of(&[1.0, 0.0, f64::NAN, 5.0]), Vec::<usize>::new());
        assert_eq!(of(&[1.0, 0.0, 2.0, 5.0]), [1]);
        assert_eq!(of(&[2.0, 1.0, f64::NAN, 5.0]), [0, 1]);
    }
}
