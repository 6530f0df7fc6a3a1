//! Processes that are killed, and processes that share a home. The child is this test binary.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use desk_core::{Cancel, NoProgress, Progress};
use desk_store::{NewJob, Owner, Store};
use serde_json::json;

use crate::{TestStore, add, name};

/// Starts this binary as a child that plays `role` on a home.
fn child(role: &str, home: &Path) -> Child {
    Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "crash::child_process", "--ignored", "--nocapture", "--quiet"])
        .env("STORE_TEST_ROLE", role)
        .env("STORE_TEST_HOME", home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

/// Waits until the child has printed a line that contains `text`.
fn wait_for(child: &mut Child, text: &str) -> BufReader<std::process::ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(lines.read_line(&mut line).expect("reads") > 0, "the child ended before `{text}`");
    }
    lines
}

fn kill(mut child: Child) {
    child.kill().expect("killed");
    child.wait().expect("gone");
}

#[test]
#[ignore = "the child of the other tests"]
fn child_process() {
    let Ok(role) = std::env::var("STORE_TEST_ROLE") else { return };
    let home = std::env::var("STORE_TEST_HOME").expect("a home");
    let store = Store::open(Path::new(&home)).expect("opens");
    match role.as_str() {
        "put" => {
            let sink = |progress: Progress| {
                if progress.done > 8 << 20 {
                    println!("in the middle");
                    std::thread::sleep(Duration::from_mins(10));
                }
            };
            store.put_file(&Path::new(&home).join("source"), &sink, &Cancel::new()).expect("stored");
        }
        "add" => {
            for i in 0..100_000 {
                add(&store, "churn", &format!("{} {i}", std::process::id()));
                if i == 3 {
                    println!("adding");
                }
            }
        }
        "add 30" => {
            for i in 0..30 {
                add(&store, "churn", &format!("{} {i}", std::process::id()));
            }
        }
        "job" => {
            let id = home_job(&store);
            assert!(store.claim_job(&id, store.owner(), 3600).expect("asks"));
            println!("claimed");
            std::thread::sleep(Duration::from_mins(10));
        }
        other => panic!("unknown role {other}"),
    }
}

fn home_job(store: &Store) -> String {
    let jobs = store.list_jobs(&desk_store::JobFilter::default(), 1).expect("lists");
    jobs.first().expect("a job").id.clone()
}

#[test]
fn a_kill_in_the_middle_of_a_copy_leaves_no_blob_and_its_leftover_goes() {
    let t = TestStore::new();
    std::fs::write(t.home.path().join("source"), vec![7; 40 << 20]).expect("written");
    let mut process = child("put", t.home.path());
    let _lines = wait_for(&mut process, "in the middle");
    let leftovers = || std::fs::read_dir(t.home.path().join("blobs/tmp")).expect("lists").count();
    assert_eq!(leftovers(), 1);
    let bystander = Store::open(t.home.path()).expect("opens");
    assert_eq!(leftovers(), 1, "the owner lives");
    drop(bystander);
    kill(process);
    let store = Store::open(t.home.path()).expect("opens");
    if cfg!(target_os = "linux") {
        assert_eq!(leftovers(), 0, "the owner is dead");
    }
    assert!(store.referenced_blobs().expect("reads").is_empty());
    let put = store.put_file(&t.home.path().join("source"), &NoProgress, &Cancel::new());
    assert_eq!(put.expect("stored").1, 40 << 20);
}

#[test]
fn kills_while_versions_are_added_leave_whole_versions_only() {
    let t = TestStore::new();
    drop(t.store);
    for round in 0..5u64 {
        let mut process = child("add", t.home.path());
        let _lines = wait_for(&mut process, "adding");
        std::thread::sleep(Duration::from_millis(7 * round));
        kill(process);
        let store = Store::open(t.home.path()).expect("opens");
        assert!(store.check().expect("checks").is_empty());
        let chain = store.verify_chain().expect("reads");
        assert!(chain.ok, "{chain:?}");
        let versions = store.list_versions(&name("churn")).expect("lists");
        let numbers: Vec<u32> = versions.iter().rev().map(|version| version.number).collect();
        assert_eq!(numbers, (1..=versions.len() as u32).collect::<Vec<_>>());
        for digest in store.referenced_blobs().expect("lists") {
            store.verify_blob(&digest, &Cancel::new()).expect("whole");
        }
    }
}

#[test]
fn two_processes_on_one_home_take_turns() {
    let t = TestStore::new();
    let children: Vec<Child> = (0..2).map(|_| child("add 30", t.home.path())).collect();
    for i in 0..30 {
        add(&t.store, "churn", &format!("parent {i}"));
    }
    for mut process in children {
        assert!(process.wait().expect("ends").success());
    }
    let versions = t.store.list_versions(&name("churn")).expect("lists");
    assert_eq!(versions.len(), 90);
    assert_eq!(versions[0].number, 90);
    assert!(t.store.verify_chain().expect("reads").ok);
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_whose_process_was_killed_can_be_taken_up() {
    let t = TestStore::new();
    let job = NewJob { kind: "import".into(), title: "Import".into(), command: json!({}), object: None };
    let id = t.store.create_job(&job).expect("made");
    let mut process = child("job", t.home.path());
    let _lines = wait_for(&mut process, "claimed");
    // A real clock, because the child's lease has real times.
    let store = Store::open(t.home.path()).expect("opens");
    assert!(store.orphans().expect("lists").is_empty());
    assert!(!store.claim_job(&id, store.owner(), 60).expect("asks"), "its owner lives");
    kill(process);
    assert_eq!(store.orphans().expect("lists").len(), 1);
    assert!(store.claim_job(&id, &Owner::current(), 60).expect("asks"));
    assert_eq!(store.get_job(&id).expect("found").attempts, 2);
}
