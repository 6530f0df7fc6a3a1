//! Groups of columns as players of every Shapley method, through the entry point.

mod common;

use common::{Function, names};
use desk_core::{Cancel, NoProgress};
use desk_explain::{ExplainRequest, Explanation, Group, GroupKind, Method, Model, Table, explain};

const D: usize = 16;

/// Two columns that count only together with a third outside of their group, and others by themselves and in pairs.
fn tangled(x: &[f64]) -> f64 {
    3.0 * x[1] * x[2] * x[3]
        + x[2] * x[5]
        + (3..D).map(|j| x[j] * (j as f64) / 10.0).sum::<f64>()
        + 2.0 * x[0] * x[3]
        + x[1]
}

fn groups() -> Vec<Group> {
    let group = |name: &str, features: &[usize]| Group {
        name: name.to_owned(),
        features: features.to_vec(),
        kind: GroupKind::Given,
    };
    vec![group("three", &[1, 2, 5]), group("tail", &[8, 9, 10, 11, 12, 13, 14, 15])]
}

fn run(method: Method, groups: Vec<Group>) -> Result<Explanation, desk_explain::ExplainError> {
    let rows: Vec<f64> = common::noise(2 * D, 3);
    let background: Vec<f64> = common::noise(5 * D, 4);
    let mut model = Function::new(D, 1, |x| vec![tangled(x)]);
    let model = Model { trees: None, linear: None, predictor: &mut model, output_names: &[] };
    let request = ExplainRequest { method, groups, samples: Some(600), ..ExplainRequest::default() };
    let (rows, background) = (Table::new(&rows, D), Table::new(&background, D));
    explain(model, rows, background, &names(D), &request, &Cancel::new(), &NoProgress)
}

/// The definition, over sets of players.
fn by_definition(row: &[f64], background: &[f64], players: &[Vec<usize>]) -> Vec<f64> {
    let value = |plays: &[f64]| {
        let mixed = |b: &[f64]| {
            let mut x = b.to_vec();
            let members =
                players.iter().zip(plays).filter(|(_, plays)| **plays == 1.0).flat_map(|(members, _)| members);
            members.for_each(|j| x[*j] = row[*j]);
            tangled(&x)
        };
        vec![background.chunks(D).map(mixed).sum::<f64>() / (background.len() / D) as f64]
    };
    common::by_definition(&value, &vec![1.0; players.len()], &vec![0.0; players.len()])
}

#[test]
fn a_group_has_its_own_shapley_value_by_every_method() {
    let players = [vec![0], vec![1, 2, 5], vec![3], vec![4], vec![6], vec![7], (8..D).collect::<Vec<_>>()];
    let (rows, background) = (common::noise(2 * D, 3), common::noise(5 * D, 4));
    for method in [Method::Auto, Method::Exact, Method::Kernel, Method::Permutation] {
        let found = run(method, groups()).expect("works");
        assert_eq!(found.feature_names, ["f0", "three", "f3", "f4", "f6", "f7", "tail"]);
        assert_eq!(found.groups, groups());
        let exact = found.exact;
        assert_eq!(exact, method != Method::Permutation, "{method}: 7 players are few");
        for r in 0..2 {
            let want = by_definition(&rows[r * D..(r + 1) * D], &background, &players);
            for (p, want) in want.iter().enumerate() {
                let value = found.values.get(r, p, 0);
                let error = found.std_error.as_ref().map_or(0.0, |errors| errors.get(r, p, 0));
                assert!((value - want).abs() < 1e-9 + 5.0 * error, "{method} {p}: {value} and {want}");
            }
        }
    }
}

#[test]
fn a_groups_value_is_not_the_sum_of_its_columns() {
    let together = run(Method::Exact, groups()).expect("few players");
    let apart = run(Method::Exact, groups().split_off(1)).expect("still few");
    let sum: f64 = [1, 2, 5].iter().map(|f| apart.values.get(0, *f, 0)).sum();
    let value = together.values.get(0, 1, 0);
    assert!((value - sum).abs() > 1e-3, "{value} and {sum}");
}

#[test]
fn groups_that_cannot_be_are_refused() {
    let error = run(Method::Lime, groups()).expect_err("LIME has none").to_string();
    assert!(error.contains("lime"), "{error}");
    let mut found = groups();
    for group in &mut found {
        group.kind = GroupKind::Embedding;
    }
    assert_eq!(run(Method::Lime, found).expect("left aside").feature_names.len(), D);
    let twice = Group { name: "again".into(), features: vec![2], kind: GroupKind::Given };
    assert!(run(Method::Exact, [groups(), vec![twice]].concat()).is_err());
}
