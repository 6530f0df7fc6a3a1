//! Players in unions within unions, and how correlated columns are put into such.

use kodama::{Method as Linkage, linkage};
use serde::{Deserialize, Serialize};

use crate::error::ExplainError;
use crate::input::{FeatureInfo, FeatureKind, Table};

/// A player, or a union of such that are there together before others are asked about: an a priori union (Owen 1977), which
/// may have unions of its own (Winter 1989). JSON sees a number, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Hierarchy {
    /// A player, from 0.
    Player(usize),
    /// A union.
    Union(Vec<Hierarchy>),
}

impl Hierarchy {
    /// Halves of halves of players in a row, neighbours together.
    pub fn halves(players: &[usize]) -> Self {
        match players {
            [one] => Self::Player(*one),
            several => {
                let (left, right) = several.split_at(several.len().div_ceil(2));
                let halves = [left, right].into_iter().filter(|half| !half.is_empty());
                Self::Union(halves.map(Self::halves).collect())
            }
        }
    }

    /// The tree of average linkage (Sokal and Michener 1958) over distances between each two players, in the order
    /// (0, 1), (0, 2), …, (1, 2), ….
    pub fn linked(mut distances: Vec<f64>, players: usize) -> Self {
        if players < 2 {
            return Self::Union((0..players).map(Self::Player).collect());
        }
        let steps = linkage(&mut distances, players, Linkage::Average);
        let mut made: Vec<Option<Self>> = (0..players).map(|player| Some(Self::Player(player))).collect();
        for step in steps.steps() {
            let two = [made[step.cluster1].take(), made[step.cluster2].take()];
            made.push(Some(Self::Union(two.into_iter().flatten().collect())));
        }
        made.pop().flatten().unwrap_or(Self::Union(Vec::new()))
    }

    /// The same tree of other players.
    #[must_use]
    pub fn renamed(&self, to: &dyn Fn(usize) -> usize) -> Self {
        match self {
            Self::Player(player) => Self::Player(to(*player)),
            Self::Union(members) => Self::Union(members.iter().map(|member| member.renamed(to)).collect()),
        }
    }

    /// The tree with names, for people: `((age, sex), fare)`.
    pub fn words(&self, names: &[String]) -> String {
        match self {
            Self::Player(player) => names.get(*player).cloned().unwrap_or_default(),
            Self::Union(members) => {
                let members: Vec<String> = members.iter().map(|member| member.words(names)).collect();
                format!("({})", members.join(", "))
            }
        }
    }

    /// The players, in the order of the tree.
    pub fn players(&self) -> Vec<usize> {
        match self {
            Self::Player(player) => vec![*player],
            Self::Union(members) => members.iter().flat_map(Self::players).collect(),
        }
    }

    /// Checks that each of so many players is there once.
    pub(crate) fn check(&self, players: usize) -> Result<(), ExplainError> {
        let mut met = self.players();
        met.sort_unstable();
        if met.len() == players && met.iter().enumerate().all(|(at, player)| at == *player) {
            return Ok(());
        }
        Err(ExplainError::BadRequest(format!(
            "a hierarchy has each of the {players} players once, and this one has not"
        )))
    }

    /// Only these players, by their places among them: those that are left out change nothing, and orders of the others are as
    /// likely without them. None where none is left; a union of one is that one.
    pub(crate) fn among(&self, players: &[usize]) -> Option<Self> {
        match self {
            Self::Player(player) => players.binary_search(player).ok().map(Self::Player),
            Self::Union(members) => {
                let mut left: Vec<Self> = members.iter().filter_map(|member| member.among(players)).collect();
                if left.len() < 2 { left.pop() } else { Some(Self::Union(left)) }
            }
        }
    }
}

/// Columns that go together in unions: average linkage over 1 - |r|, where r is Pearson's correlation over the rows that have
/// both. Columns of categories, constant ones and groups of columns go with no others.
pub(crate) fn of_columns(background: Table<'_>, features: &[FeatureInfo], members: &[Vec<usize>]) -> Hierarchy {
    let column = |player: usize| match members[player].as_slice() {
        [one] if features[*one].kind == FeatureKind::Numeric => {
            Some((0..background.len()).map(|b| background.row(b)[*one]).collect::<Vec<f64>>())
        }
        _ => None,
    };
    let columns: Vec<Option<Vec<f64>>> = (0..members.len()).map(column).collect();
    let mut distances = Vec::with_capacity(members.len() * members.len().saturating_sub(1) / 2);
    for (a, one) in columns.iter().enumerate() {
        for other in &columns[a + 1..] {
            let r = one.as_ref().zip(other.as_ref()).map_or(0.0, |(one, other)| correlation(one, other));
            distances.push(1.0 - r.abs());
        }
    }
    Hierarchy::linked(distances, members.len())
}

/// Pearson's, 0 where one does not vary.
fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let both = || one.iter().zip(other).filter(|(a, b)| a.is_finite() && b.is_finite());
    let count = both().count() as f64;
    let (a, b) = both().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / count, b + y / count));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in both() {
        ab += (x - a) * (y - b);
        aa += (x - a).powi(2);
        bb += (y - b).powi(2);
    }
    let r = ab / (aa * bb).sqrt();
    if r.is_finite() { r.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_halved_and_players_are_left_out() {
        let four = Hierarchy::halves(&[0, 1, 2, 3, 4]);
        assert_eq!(serde_json::to_string(&four).expect("JSON"), "[[[0,1],2],[3,4]]");
        assert_eq!(serde_json::from_str::<Hierarchy>("[[[0,1],2],[3,4]]").expect("reads back"), four);
        let left = four.among(&[1, 3, 4]).expect("some");
        assert_eq!(serde_json::to_string(&left).expect("JSON"), "[0,[1,2]]", "by their places among those left");
        assert_eq!(four.among(&[2]), Some(Hierarchy::Player(0)));
        assert_eq!(four.among(&[]), None);
        assert!(four.check(5).is_ok() && four.check(4).is_err() && four.check(6).is_err());
        assert!(Hierarchy::Union(vec![Hierarchy::Player(0), Hierarchy::Player(0)]).check(2).is_err());
    }

    #[test]
    fn columns_that_go_together_are_united_first() {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 13)).collect();
        let y: Vec<f64> = (0..40).map(|i| f64::from(i * 5 % 11)).collect();
        let rows: Vec<f64> = (0..40)
            .flat_map(|i| [x[i], y[i], -2.0 * x[i] + 0.01 * y[i], 7.0, y[i] + 0.5 * (i % 2) as f64, f64::NAN])
            .collect();
        let features: Vec<FeatureInfo> = (0..6).map(|f| FeatureInfo::numeric(format!("f{f}"))).collect();
        let members: Vec<Vec<usize>> = (0..6).map(|f| vec![f]).collect();
        let tree = of_columns(Table::new(&rows, 6), &features, &members);
        let unions = |tree: &Hierarchy| serde_json::to_string(tree).expect("JSON");
        let text = unions(&tree);
        assert!(text.contains("[0,2]") && text.contains("[1,4]"), "{text}");
        assert!(tree.check(6).is_ok());
        let none = of_columns(Table::new(&rows[..6], 6), &features[..1], &members[..1]);
        assert_eq!(unions(&none), "[0]");
    }
}
