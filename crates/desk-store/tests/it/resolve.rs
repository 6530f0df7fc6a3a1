//! Resolving references, against a model of the registry in memory.

use std::collections::BTreeMap;

use desk_core::{Selector, VersionRef};
use desk_store::StoreError;
use proptest::prelude::*;

use crate::{TestStore, add, name};

#[derive(Debug, Clone)]
enum Step {
    Add(usize),
    Alias(usize, usize, u32),
    Unalias(usize, usize),
}

const MODELS: [&str; 3] = ["churn", "iris", "wine"];
const ALIASES: [&str; 2] = ["champion", "challenger"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3usize).prop_map(Step::Add),
        2 => (0..3usize, 0..2usize, 1..4u32).prop_map(|(m, a, n)| Step::Alias(m, a, n)),
        1 => (0..3usize, 0..2usize).prop_map(|(m, a)| Step::Unalias(m, a)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_reference_resolves_as_a_map_would(steps in prop::collection::vec(step(), 1..14)) {
        let t = TestStore::new();
        let mut digests: BTreeMap<(usize, u32), desk_core::Digest> = BTreeMap::new();
        let mut latest = [0u32; 3];
        let mut aliases: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for (i, step) in steps.iter().enumerate() {
            match *step {
                Step::Add(m) => {
                    let version = add(&t.store, MODELS[m], &format!("content {i}"));
                    latest[m] += 1;
                    prop_assert_eq!(version.number, latest[m]);
                    digests.insert((m, version.number), version.digest);
                }
                Step::Alias(m, a, n) => {
                    let done = t.store.set_alias(&name(MODELS[m]), ALIASES[a], n);
                    prop_assert_eq!(done.is_ok(), n <= latest[m]);
                    if n <= latest[m] {
                        prop_assert_eq!(done.expect("set"), aliases.insert((m, a), n));
                    }
                }
                Step::Unalias(m, a) => {
                    let done = t.store.remove_alias(&name(MODELS[m]), ALIASES[a]);
                    prop_assert_eq!(done.ok().flatten(), aliases.remove(&(m, a)));
                }
            }
        }
        for (m, model) in MODELS.iter().enumerate() {
            let ask = |selector| {
                t.store.resolve(&VersionRef { model: name(model), selector }).ok().map(|version| version.number)
            };
            prop_assert_eq!(ask(Selector::Latest), (latest[m] > 0).then_some(latest[m]));
            for n in 1..5 {
                prop_assert_eq!(ask(Selector::Number(n)), (n <= latest[m]).then_some(n));
                if let Some(digest) = digests.get(&(m, n)) {
                    prop_assert_eq!(ask(Selector::Digest(*digest)), Some(n));
                }
            }
            for (a, alias) in ALIASES.iter().enumerate() {
                prop_assert_eq!(ask(Selector::Alias((*alias).to_owned())), aliases.get(&(m, a)).copied());
            }
        }
        prop_assert!(t.store.verify_chain().expect("reads").ok);
    }
}

#[test]
fn what_is_not_found_comes_with_what_is_near() {
    let t = TestStore::new();
    add(&t.store, "churn", "one");
    t.store.set_alias(&name("churn"), "champion", 1).expect("set");
    let error = |text: &str| t.store.resolve(&text.parse::<VersionRef>().expect("valid")).expect_err(text);
    let StoreError::NoModel { near, .. } = error("chrun") else { panic!() };
    assert_eq!(near, ["churn"]);
    let StoreError::NoVersion { near, .. } = error("churn@champoin") else { panic!() };
    assert_eq!(near, ["churn@champion"]);
    let StoreError::NoVersion { near, .. } = error("churn@7") else { panic!() };
    assert_eq!(near, ["churn@1"]);
    let hints = desk_core::Diagnose::hints(&error("chrun"));
    assert_eq!(hints[0], "Did you mean `churn`?");
}
