//! Owen values against shap's PartitionExplainer, and by the definition over consistent orders.

mod common;

use std::collections::BTreeSet;

use common::{Function, by_definition, noise, number, numbers, reference, run};
use desk_explain::{ExplainRequest, Group, GroupKind, Hierarchy, Method};
use proptest::prelude::*;

/// The same formula as `answers` in ref_owen.py.
fn answer(x: &[f64]) -> Vec<f64> {
    let bent = (x[0] * x[1] + 0.5 * x[2] - x[3] * x[4]).tanh();
    vec![bent + x[5] * x[0] * x[3] + 0.25 * x[6].powi(2) * x[2]]
}

fn owen(hierarchy: Option<Hierarchy>) -> ExplainRequest {
    ExplainRequest { method: Method::Owen, hierarchy, ..ExplainRequest::default() }
}

/// All orders in which the members of each union stand together.
fn orders(tree: &Hierarchy) -> Vec<Vec<usize>> {
    let members = match tree {
        Hierarchy::Player(player) => return vec![vec![*player]],
        Hierarchy::Union(members) => members,
    };
    let mut all = Vec::new();
    for first in 0..members.len() {
        let rest: Vec<Hierarchy> = (0..members.len()).filter(|at| *at != first).map(|at| members[at].clone()).collect();
        let behind = if rest.is_empty() { vec![Vec::new()] } else { orders(&Hierarchy::Union(rest)) };
        for head in orders(&members[first]) {
            all.extend(behind.iter().map(|tail| [head.as_slice(), tail].concat()));
        }
    }
    all
}

/// What each player adds, the mean over consistent orders: the slow way, on purpose.
fn by_orders(of: &dyn Fn(&[f64]) -> Vec<f64>, row: &[f64], background: &[f64], tree: &Hierarchy) -> Vec<f64> {
    let d = row.len();
    let value = |set: &[bool]| {
        let mixed = background.chunks(d).map(|other| {
            let cells: Vec<f64> = (0..d).map(|j| if set[j] { row[j] } else { other[j] }).collect();
            of(&cells)[0]
        });
        mixed.sum::<f64>() / (background.len() / d) as f64
    };
    let mut shares = vec![0.0; d];
    let orders = orders(tree);
    for order in &orders {
        let mut set = vec![false; d];
        let mut last = value(&set);
        for player in order {
            set[*player] = true;
            let next = value(&set);
            shares[*player] += (next - last) / orders.len() as f64;
            last = next;
        }
    }
    shares
}

/// The players of each union, ascending.
fn unions(tree: &Hierarchy, into: &mut BTreeSet<Vec<usize>>) {
    if let Hierarchy::Union(members) = tree {
        let mut players = tree.players();
        players.sort_unstable();
        into.insert(players);
        for member in members {
            unions(member, into);
        }
    }
}

#[test]
fn columns_that_go_together_are_united_and_valued_as_in_shap() {
    let file = reference("shap/owen.json");
    let (background, rows) = (numbers(&file["background"]), numbers(&file["rows"]));
    let d = 7;
    let mut model = Function::new(d, 1, answer);
    let found = run(&mut model, &rows, &background, &owen(None)).expect("explained");
    for (ours, theirs) in found.values.as_slice().iter().zip(numbers(&file["values"])) {
        assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
    }
    assert!((found.base_values[0] - number(&file["base"])).abs() < 1e-9);
    assert!(found.exact && found.std_error.is_none() && found.residual_max < 1e-12);
    let detail = found.owen.expect("owen");
    assert_eq!(detail.from, "correlation");
    // The unions are those of scipy's tree.
    let mut ours = BTreeSet::new();
    unions(&detail.hierarchy, &mut ours);
    let mut clusters: Vec<Vec<usize>> = (0..d).map(|f| vec![f]).collect();
    for step in numbers(&file["linkage"]).chunks(4) {
        let mut both = [clusters[step[0] as usize].as_slice(), &clusters[step[1] as usize]].concat();
        both.sort_unstable();
        clusters.push(both);
    }
    assert_eq!(ours, clusters.into_iter().skip(d).collect());
}

/// A random tree over players.
fn tree(players: &[usize], numbers: &mut impl Iterator<Item = f64>) -> Hierarchy {
    let [first, rest @ ..] = players else { return Hierarchy::Union(Vec::new()) };
    if rest.is_empty() {
        return Hierarchy::Player(*first);
    }
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); 2 + (numbers.next().expect("endless").abs() * 2.0) as usize];
    for player in players {
        let count = parts.len();
        parts[(numbers.next().expect("endless").abs() * count as f64) as usize].push(*player);
    }
    parts.retain(|part| !part.is_empty());
    if parts.len() == 1 {
        return Hierarchy::Union(players.iter().copied().map(Hierarchy::Player).collect());
    }
    Hierarchy::Union(parts.iter().map(|part| tree(part, numbers)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn owen_values_are_those_of_the_definition(seed in 0u64..1_000_000, players in 1usize..7) {
        let all = noise(400, seed);
        let shape: Vec<usize> = (0..players).collect();
        let hierarchy = tree(&shape, &mut noise(4000, seed + 1_000_000).into_iter());
        let of = |x: &[f64]| {
            let pairs = x.windows(2).map(|two| two[0] * two[1]).sum::<f64>();
            vec![pairs + x.iter().product::<f64>() + x[0].tanh()]
        };
        let (row, background) = (&all[..players], &all[players..players * 4]);
        // One player changes nothing: it has nothing, and the orders of the others are as they were.
        let mut background = background.to_vec();
        background.chunks_mut(players).for_each(|other| other[players - 1] = row[players - 1]);
        let mut model = Function::new(players, 1, of);
        let found = run(&mut model, row, &background, &owen(Some(hierarchy.clone()))).expect("explained");
        let want = by_orders(&of, row, &background, &hierarchy);
        for (ours, want) in found.values.as_slice().iter().zip(&want) {
            prop_assert!((ours - want).abs() < 1e-10, "{} {} of {:?}", ours, want, hierarchy);
        }
        prop_assert!(found.residual_max < 1e-10, "efficiency");
        prop_assert_eq!(found.values.get(0, players - 1, 0), 0.0);
    }
}

#[test]
fn given_groups_are_unions_and_one_union_of_all_is_shapley() {
    let d = 7;
    let (row, background) = (noise(d, 3), noise(d * 5, 4));
    let mut model = Function::new(d, 1, answer);
    let group = |name: &str, features: &[usize], kind| Group { name: name.into(), features: features.to_vec(), kind };
    let groups = vec![group("far", &[1, 6], GroupKind::Given), group("near", &[0, 2, 3], GroupKind::Given)];
    let request = ExplainRequest { groups, ..owen(None) };
    let found = run(&mut model, &row, &background, &request).expect("explained");
    let tree: Hierarchy = serde_json::from_str("[[1,6],[0,2,3],4,5]").expect("a tree");
    assert_eq!(found.owen.as_ref().map(|owen| &owen.hierarchy), Some(&tree));
    assert_eq!(found.feature_names.len(), d, "each column has its own value");
    for (ours, want) in found.values.as_slice().iter().zip(by_orders(&answer, &row, &background, &tree)) {
        assert!((ours - want).abs() < 1e-10, "{ours} {want}");
    }
    // Columns that belong together are one player, which may be in a union.
    let groups = vec![group("city", &[2, 4], GroupKind::Embedding), group("near", &[0, 3], GroupKind::Given)];
    let request = ExplainRequest { groups, ..owen(None) };
    let found = run(&mut model, &row, &background, &request).expect("explained");
    assert_eq!(found.feature_names, ["f0", "f1", "city", "f3", "f5", "f6"]);
    assert_eq!(serde_json::to_string(&found.owen.expect("owen").hierarchy).expect("JSON"), "[[0,3],1,2,4,5]");
    let flat = Hierarchy::Union((0..d).map(Hierarchy::Player).collect());
    let found = run(&mut model, &row, &background, &owen(Some(flat))).expect("explained");
    for (ours, want) in found.values.as_slice().iter().zip(by_definition(&answer, &row, &background)) {
        assert!((ours - want).abs() < 1e-10, "{ours} {want}");
    }
    let twice: Hierarchy = serde_json::from_str("[[0,1,2,3],[3,4,5,6]]").expect("a tree");
    assert!(run(&mut model, &row, &background, &owen(Some(twice))).is_err(), "a player in two unions");
}

#[test]
fn where_sets_are_too_many_orders_are_drawn_and_errors_told() {
    let d = 14;
    let (row, background) = (noise(d, 8), noise(d * 2, 9));
    let of = |x: &[f64]| vec![x.windows(3).map(|three| three[0] * three[1] + three[2]).sum::<f64>().tanh()];
    let want = by_definition(&of, &row, &background);
    let mut model = Function::new(d, 1, of);
    let flat = Hierarchy::Union((0..d).map(Hierarchy::Player).collect());
    let mut inside = 0;
    for seed in 0..20 {
        let request = ExplainRequest { seed, samples: Some(1000), ..owen(Some(flat.clone())) };
        let found = run(&mut model, &row, &background, &request).expect("explained");
        assert!(!found.exact && found.residual_max < 1e-10, "a pair of orders adds up");
        let errors = found.std_error.expect("sampled");
        inside +=
            (0..d).filter(|f| (found.values.get(0, *f, 0) - want[*f]).abs() <= 1.96 * errors.get(0, *f, 0)).count();
    }
    // 95 % of 280, with room for chance.
    assert!((245..=280).contains(&inside), "{inside} of 280 intervals hold");
    // Orders keep unions together: of two that do only together what they do, each has half.
    let mut model = Function::new(d, 1, |x: &[f64]| vec![x[0] * x[13] + x[5]]);
    let mut members: Vec<Hierarchy> = (1..13).map(Hierarchy::Player).collect();
    members.push(Hierarchy::Union(vec![Hierarchy::Player(0), Hierarchy::Player(13)]));
    let (row, zeros) = (vec![2.0; d], vec![0.0; d]);
    let found = run(&mut model, &row, &zeros, &owen(Some(Hierarchy::Union(members)))).expect("explained");
    assert!((found.values.get(0, 0, 0) - 2.0).abs() < 1e-12 && (found.values.get(0, 5, 0) - 2.0).abs() < 1e-12);
}
