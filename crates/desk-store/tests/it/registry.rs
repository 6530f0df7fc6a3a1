//! Models, versions, aliases, runs, settings, operations.

use desk_core::{Digest, VersionRef};
use desk_store::{Added, Archived, ModelFilter, ModelSort, NewRun, OperationFilter, RunKind, StoreError};
use serde_json::json;

use crate::{TestStore, add, name, new_version};

#[test]
fn versions_are_numbered_and_the_same_content_is_told() {
    let t = TestStore::new();
    let first = add(&t.store, "churn", "one");
    assert_eq!((first.number, first.model.as_str()), (1, "churn"));
    assert_eq!(add(&t.store, "churn", "two").number, 2);
    assert_eq!(add(&t.store, "iris", "one").number, 1, "another model may hold the same");

    let again = new_version(&t.store, "churn", "one");
    assert_eq!(t.store.add_version(&again).expect("told"), Added::Same(first.clone()));
    let asked = desk_store::NewVersion { allow_same_content: true, ..again };
    assert_eq!(t.store.add_version(&asked).expect("added").version().number, 3);

    let numbers: Vec<u32> = t.store.list_versions(&name("churn")).expect("lists").iter().map(|v| v.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(t.store.find_by_content(&Digest::of("one")).expect("finds").len(), 3);
    assert_eq!(t.store.find_by_digest(&first.digest).expect("finds").len(), 3);
    assert_eq!(t.store.count_versions().expect("counts"), 4);
    let manifest = t.store.read_bytes(&first.digest).expect("the manifest is a blob");
    assert_eq!(Digest::of(manifest), first.digest);
}

#[test]
fn a_version_whose_blobs_are_missing_is_refused_and_leaves_nothing() {
    let t = TestStore::new();
    let mut new = new_version(&t.store, "churn", "one");
    new.blobs.push(Digest::of("never stored"));
    let error = t.store.add_version(&new).expect_err("refused");
    assert!(matches!(error, StoreError::BlobMissing { .. }), "{error:?}");
    assert!(matches!(t.store.get_model(&name("churn")), Err(StoreError::NoModel { .. })));
}

#[test]
fn aliases_move_with_a_history_and_can_be_moved_back() {
    let t = TestStore::new();
    for content in ["one", "two"] {
        add(&t.store, "churn", content);
    }
    let churn = name("churn");
    assert_eq!(t.store.set_alias(&churn, "champion", 1).expect("set"), None);
    t.clock.advance_secs(60);
    assert_eq!(t.store.set_alias(&churn, "champion", 2).expect("moved"), Some(1));
    assert_eq!(t.store.set_alias(&churn, "champion", 2).expect("the same"), Some(2));
    let history = t.store.alias_history(&churn, "champion").expect("a history");
    let moves: Vec<_> = history.iter().map(|m| (m.was, m.now, m.who.as_str())).collect();
    assert_eq!(moves, [(Some(1), Some(2), "ada"), (None, Some(1), "ada")]);

    let moved = &t.store.list_operations(&OperationFilter::default(), 1, None).expect("lists")[0];
    assert_eq!(moved.summary, "Moved champion from churn@1 to churn@2");
    let undone = t.store.undo(moved.id).expect("undone");
    assert_eq!(undone.undoes, Some(moved.id));
    assert_eq!(t.store.list_aliases(&churn).expect("lists")[0].number, 1);
    assert!(matches!(t.store.undo(moved.id), Err(StoreError::CannotUndo { .. })), "only once");
    t.store.undo(undone.id).expect("done again");
    assert_eq!(t.store.resolve(&"churn@champion".parse().expect("valid")).expect("resolves").number, 2);

    t.store.set_alias(&churn, "champion", 1).expect("moved");
    let error = t.store.undo(undone.id).expect_err("undone already");
    assert!(matches!(error, StoreError::CannotUndo { .. }), "{error:?}");
    for bad in ["latest", "3", "v3", "a b", ""] {
        assert!(matches!(t.store.set_alias(&churn, bad, 1), Err(StoreError::BadName { .. })), "{bad}");
    }
    assert!(matches!(t.store.set_alias(&churn, "x", 9), Err(StoreError::NoVersion { .. })));
}

#[test]
fn an_undo_that_would_overwrite_a_later_change_is_refused() {
    let t = TestStore::new();
    for content in ["one", "two", "three"] {
        add(&t.store, "churn", content);
    }
    let churn = name("churn");
    t.store.set_alias(&churn, "champion", 1).expect("set");
    let op = t.store.list_operations(&OperationFilter::default(), 1, None).expect("lists")[0].id;
    t.store.set_alias(&churn, "champion", 3).expect("set");
    let error = t.store.undo(op).expect_err("moved since");
    assert!(error.to_string().contains("has been moved since"), "{error}");
    let added =
        t.store.list_operations(&OperationFilter { kind: Some("version.".into()), ..Default::default() }, 9, None);
    let added = added.expect("lists");
    assert_eq!(added.len(), 3);
    assert!(matches!(t.store.undo(added[0].id), Err(StoreError::CannotUndo { .. })), "versions are for good");
}

#[test]
fn models_are_listed_filtered_sorted_paged_archived_and_renamed() {
    let t = TestStore::new();
    for model in ["b_model", "A-model", "cXmodel"] {
        add(&t.store, model, model);
        t.clock.advance_secs(1);
    }
    add(&t.store, "b_model", "newer");
    t.store.set_alias(&name("b_model"), "champion", 2).expect("set");
    let list = |filter: &ModelFilter, sort| {
        let models = t.store.list_models(filter, sort, 10, 0).expect("lists");
        models.iter().map(|m| m.name.to_string()).collect::<Vec<_>>()
    };
    let all = ModelFilter::default();
    assert_eq!(list(&all, ModelSort::Name), ["A-model", "b_model", "cXmodel"]);
    assert_eq!(list(&all, ModelSort::Updated)[0], "b_model");
    assert_eq!(list(&all, ModelSort::Created)[0], "cXmodel");
    let text = |text: &str| ModelFilter { text: Some(text.into()), ..Default::default() };
    assert_eq!(list(&text("A-MOD"), ModelSort::Name), ["A-model"]);
    assert_eq!(list(&text("_"), ModelSort::Name), ["b_model"], "an underscore is itself");
    assert_eq!(t.store.list_models(&all, ModelSort::Name, 1, 1).expect("a page")[0].name, name("b_model"));

    let b = t.store.get_model(&name("b_model")).expect("found");
    assert_eq!((b.versions, b.aliases.clone()), (2, vec![("champion".to_owned(), 2)]));
    let latest = b.latest.expect("a version");
    assert_eq!((latest.number, latest.aliases), (2, vec!["champion".to_owned()]));

    t.store.archive_model(&name("A-model")).expect("archived").expect("an operation");
    assert!(t.store.archive_model(&name("A-model")).expect("again").is_none());
    assert_eq!(list(&all, ModelSort::Name), ["b_model", "cXmodel"]);
    let only = ModelFilter { archived: Archived::Only, ..Default::default() };
    assert_eq!(list(&only, ModelSort::Name), ["A-model"]);
    assert_eq!(t.store.count_models(&all).expect("counts"), 2);

    let renamed = t.store.rename_model(&name("b_model"), &name("better")).expect("renamed");
    assert!(t.store.resolve(&VersionRef::latest(name("b_model"))).is_err());
    assert_eq!(t.store.resolve(&"better@champion".parse().expect("valid")).expect("resolves").number, 2);
    assert!(matches!(t.store.rename_model(&name("better"), &name("cXmodel")), Err(StoreError::NameTaken { .. })));
    t.store.undo(renamed).expect("undone");
    t.store.get_model(&name("b_model")).expect("has its name back");
}

#[test]
fn runs_and_settings_read_back() {
    let t = TestStore::new();
    let version = add(&t.store, "churn", "one");
    let artifact = t.store.put_bytes(b"a table").expect("stored");
    let run = NewRun {
        kind: RunKind::Explain,
        version: version.digest,
        data: Some(Digest::of("rows")),
        params: json!({ "method": "tree" }),
        seed: Some(u64::MAX),
        runtime: "onnxruntime 1.31.1".into(),
        device: "cpu".into(),
        result: json!({ "residual_max": 1e-9 }),
        artifact: Some(artifact),
        started_at: t.store.now(),
        seconds: 0.25,
    };
    let id = t.store.add_run(&run).expect("recorded");
    let found = t.store.get_run(&id).expect("found");
    assert_eq!((found.seed, found.artifact, &found.result), (run.seed, run.artifact, &run.result));
    assert_eq!(t.store.list_runs(Some(&version.digest), 10).expect("lists"), std::slice::from_ref(&found));
    assert_eq!(t.store.list_runs(None, 10).expect("lists"), [found]);
    assert!(t.store.list_runs(Some(&Digest::of("other")), 10).expect("lists").is_empty());
    let lost = NewRun { artifact: Some(Digest::of("lost")), ..run };
    assert!(matches!(t.store.add_run(&lost), Err(StoreError::BlobMissing { .. })));

    assert_eq!(t.store.setting("theme").expect("reads"), None);
    let op = t.store.set_setting("theme", Some(&json!("dark"))).expect("set").expect("an operation");
    assert!(t.store.set_setting("theme", Some(&json!("dark"))).expect("the same").is_none());
    let place = json!("models/tumour");
    assert!(t.store.set_setting("window/route", Some(&place)).expect("set").is_none(), "no operation of its own");
    assert_eq!(t.store.setting("window/route").expect("read"), Some(place));
    t.store.set_setting("window/route", None).expect("reset");
    t.store.undo(op).expect("undone");
    assert_eq!(t.store.settings().expect("reads"), []);
}

#[test]
fn the_operation_chain_shows_every_kind_of_tampering() {
    let tamper = |sql: &str| {
        let t = TestStore::new();
        for content in ["one", "two", "three"] {
            add(&t.store, "churn", content);
        }
        let whole = t.store.verify_chain().expect("reads");
        assert!(whole.ok && whole.checked == 3, "{whole:?}");
        let direct = rusqlite::Connection::open(t.home.path().join("registry.db")).expect("opens");
        direct.execute_batch(sql).expect("changes");
        t.store.verify_chain().expect("reads").problems
    };
    assert_eq!(
        tamper("UPDATE operation SET who = 'eve' WHERE id = 2"),
        ["operation 2 was changed after it was written"]
    );
    assert_eq!(tamper("DELETE FROM operation WHERE id = 2"), ["operations 2 to 2 are missing"]);
    assert_eq!(tamper("DELETE FROM operation WHERE id = 3"), ["the log ends at operation 2 instead of 3"]);
    assert_eq!(
        tamper("UPDATE operation SET prev_hash = (SELECT hash FROM operation WHERE id = 3) WHERE id = 2").len(),
        2,
        "a changed link is seen at both ends of it"
    );
}

#[test]
fn operations_are_found_by_object_and_page() {
    let t = TestStore::new();
    for i in 0..5 {
        add(&t.store, "churn", &format!("v{i}"));
        add(&t.store, "churn-eu", &format!("v{i}"));
    }
    let of = |object: &str| OperationFilter { object: Some(object.into()), ..Default::default() };
    assert_eq!(t.store.list_operations(&of("churn"), 100, None).expect("lists").len(), 5);
    assert_eq!(t.store.list_operations(&of("churn@2"), 100, None).expect("lists").len(), 1);
    let page = t.store.list_operations(&OperationFilter::default(), 4, None).expect("lists");
    let next = t.store.list_operations(&OperationFilter::default(), 100, Some(page[3].id)).expect("lists");
    assert_eq!((page.len(), next.len(), next[0].id), (4, 6, page[3].id - 1));
}
