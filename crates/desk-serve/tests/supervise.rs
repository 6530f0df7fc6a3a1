//! The supervisor's life: staging, switching, crashes, restarts, and two of them.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{BINARY, Client, Process, Root, eventually, fixture, run, sample, signal, tumour_request};
use desk_core::{GoldenRows, GoldenSource, NamedTensor, Tensor, TensorData};
use serde_json::json;

fn two_versions() -> (Root, String, String) {
    let root = Root::new(&json!({"drain_grace_ms": 300, "drain_deadline_ms": 5_000}));
    let one = root.add(&sample("tumour/v1.onnx"), "", Some(1));
    let two = root.add(&sample("tumour/v2.onnx"), "", Some(2));
    (root, one, two)
}

fn served_version(client: &mut Client) -> String {
    let reply = client.infer(&tumour_request(1));
    assert_eq!(reply.status, 200, "{}", reply.error());
    reply.json()["model_version"].as_str().expect("a version").to_owned()
}

#[test]
fn from_nothing_to_live_to_the_next_and_back() {
    let (root, one, two) = two_versions();
    let mut supervisor = Process::supervise(&root);
    let mut client = supervisor.client();

    // Nothing is live: prompt answers that say so.
    let status = root.ctl_ok(&["status"]);
    assert_eq!(status["supervisor"]["pid"], supervisor.child.id());
    assert_eq!((&status["live"], &status["staged"]), (&json!(null), &json!(null)));
    assert_eq!(status["listen"], supervisor.address());
    let reply = client.get("/v2/health/ready");
    assert_eq!((reply.status, reply.json()), (503, json!({"ready": false})));
    assert_eq!(client.get("/v2/health/live").status, 200);
    assert_eq!(client.infer(&tumour_request(1)).status, 503);

    // Staged: answers on its own port, the main port is as before.
    let staged = root.ctl_ok(&["stage", "--version", &one]);
    assert_eq!(staged["version"], one);
    let url = staged["url"].as_str().expect("a URL").trim_start_matches("http://").to_owned();
    assert!(url.starts_with("127.0.0.1:"));
    assert_eq!(served_version(&mut Client::new(&url)), "1");
    assert_eq!(client.infer(&tumour_request(1)).status, 503);
    assert_eq!(root.current(), None);
    assert_eq!(root.ctl_ok(&["stage", "--version", &one]), staged, "staging again changes nothing");
    let status = root.ctl_ok(&["status"]);
    assert_eq!((&status["staged"]["url"], &status["staged"]["ready"]), (&staged["url"], &json!(true)));

    let switched = root.ctl_ok(&["switch", "--version", &one]);
    assert_eq!((&switched["live"]["version"], &switched["was"]), (&json!(one), &json!(null)));
    assert_eq!(root.current(), Some(one.clone()));
    assert_eq!(served_version(&mut client), "1");

    // The next version: what cannot be switched to is refused, what is staged can be dropped.
    let (ok, answer) = root.ctl(&["switch", "--version", &two]);
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains("not staged"), "{answer}");
    root.ctl_ok(&["stage", "--version", &two]);
    assert_eq!(root.ctl_ok(&["unstage"])["unstaged"], two);
    assert_eq!(root.ctl_ok(&["unstage"])["unstaged"], json!(null));
    root.ctl_ok(&["stage", "--version", &two]);
    // This connection belongs to the old revision; it gets one more answer, of the new one, and is then closed.
    assert_eq!(served_version(&mut client), "1");
    let switched = root.ctl_ok(&["switch", "--version", &two]);
    assert_eq!((&switched["live"]["version"], &switched["was"]), (&json!(two), &json!(one)));
    assert_eq!(root.current(), Some(two.clone()));
    let last = client.infer(&tumour_request(1));
    assert_eq!((last.json()["model_version"].clone(), last.header("connection")), (json!("2"), Some("close")));
    assert_eq!(served_version(&mut client), "2");
    assert_eq!(root.ctl_ok(&["switch", "--version", &two])["live"]["version"], two, "again changes nothing");

    // Back, fast.
    let started = Instant::now();
    root.go_live(&one);
    assert!(started.elapsed() < Duration::from_secs(5));
    client.disconnect();
    assert_eq!(served_version(&mut client), "1");
    eventually("old revisions to end", || root.ctl_ok(&["status"])["draining"] == json!([]));

    assert_eq!(root.ctl_ok(&["stop"]), json!({"stopped": true}));
    assert!(supervisor.wait());
    assert!(client.connect().is_err() || client.send("GET", "/v2", "", b"").is_err());
    for file in ["control.sock", "supervisor.pid"] {
        assert!(!root.path().join("run").join(file).exists(), "{file}");
    }
    let (ok, answer) = root.ctl(&["status"]);
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains("no supervisor"), "{answer}");
}

#[test]
fn a_version_that_cannot_serve_is_not_staged_and_the_live_one_stays() {
    let (root, one, _) = two_versions();
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let refused = |hex: &str, says: &str| {
        let (ok, answer) = root.ctl(&["stage", "--version", hex]);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!ok && message.contains(says), "{answer}");
    };
    let garbage = root.path().join("garbage");
    fs::write(&garbage, b"not a model").expect("written");
    refused(&root.add(&garbage, "", None), "cannot be loaded");
    let damaged = root.add(&sample("tumour/v1.onnx"), "damaged", None);
    fs::write(root.version(&damaged).join("files/model.onnx"), b"x").expect("written");
    refused(&damaged, "damaged");
    // Golden rows that the model cannot answer: it would not be ready.
    let tensor = Tensor::new(vec![1, 3], TensorData::Float32(vec![0.0; 3])).expect("fits");
    let golden = GoldenRows {
        source: GoldenSource::Generated,
        rows: 1,
        inputs: vec![NamedTensor::new("X", tensor)],
        outputs: vec![],
        made_with: String::new(),
    };
    refused(&root.add_with_golden(&sample("tumour/v1.onnx"), "golden", None, Some(&golden)), "`X`");
    refused(&"0".repeat(64), "no such version");
    refused("../../etc", "not a version");
    assert_eq!(served_version(&mut supervisor.client()), "1");
    assert_eq!(root.ctl_ok(&["status"])["staged"], json!(null));
    assert_eq!(root.current(), Some(one));
}

#[test]
fn a_crashed_revision_comes_back_and_no_connection_is_refused() {
    let (root, one, _) = two_versions();
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let mut client = supervisor.client();
    assert_eq!(served_version(&mut client), "1");
    for _ in 0..2 {
        let pid = root.ctl_ok(&["status"])["live"]["pid"].as_u64().expect("a pid") as u32;
        signal(pid, "KILL");
        client.disconnect();
        // A connection made now waits in the queue until the revision is back.
        let started = Instant::now();
        assert_eq!(served_version(&mut client), "1");
        assert!(started.elapsed() < Duration::from_secs(3));
        eventually("a new process", || root.ctl_ok(&["status"])["live"]["pid"].as_u64() != Some(u64::from(pid)));
    }
    let status = root.ctl_ok(&["status"]);
    assert_eq!(status["restarts"], 2);
    assert!(status["problem"]["message"].as_str().expect("said").contains("signal: 9"), "{status}");
}

#[test]
fn a_revision_that_never_comes_back_is_503_and_can_be_replaced() {
    let (root, one, two) = two_versions();
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    fs::remove_file(root.version(&one).join("files/model.onnx")).expect("removed");
    let pid = root.ctl_ok(&["status"])["live"]["pid"].as_u64().expect("a pid") as u32;
    signal(pid, "KILL");
    eventually("the answer 503", || {
        let reply =
            supervisor.client().send("POST", "/v2/models/churn/infer", "", tumour_request(1).to_string().as_bytes());
        reply.is_ok_and(|reply| reply.status == 503)
    });
    let status = root.ctl_ok(&["status"]);
    assert_eq!((&status["live"]["version"], &status["live"]["ready"]), (&json!(one), &json!(false)));
    root.go_live(&two);
    assert_eq!(served_version(&mut supervisor.client()), "2");
}

#[test]
fn a_stop_needs_no_file_that_somebody_has_removed() {
    let root = Root::new(&json!({}));
    let mut supervisor = Process::supervise(&root);
    std::fs::remove_file(root.path().join("run/supervisor.lock")).expect("removed");
    assert_eq!(root.ctl_ok(&["stop"]), json!({"stopped": true}));
    assert!(supervisor.wait(), "it ended");
}

#[test]
fn only_one_supervisor_and_a_dead_one_is_succeeded() {
    let (root, one, two) = two_versions();
    let mut first = Process::supervise(&root);
    let port: u16 = first.address().rsplit(':').next().expect("a port").parse().expect("a number");
    // The successor must get the same port.
    let config = json!({"port": port, "model": "churn", "drain_grace_ms": 300, "drain_deadline_ms": 5_000});
    fs::write(root.path().join("serve.json"), config.to_string()).expect("written");
    root.go_live(&one);
    root.ctl_ok(&["stage", "--version", &two]);

    let (ok, answer) = run(Command::new(BINARY).arg("supervise").arg("--root").arg(root.path()));
    let message = answer["error"]["message"].as_str().expect("text");
    assert!(
        !ok && message.contains("another supervisor") && message.contains(&first.child.id().to_string()),
        "{answer}"
    );
    assert_eq!(served_version(&mut first.client()), "1", "the first is not disturbed");

    let pids: Vec<u64> =
        ["live", "staged"].iter().filter_map(|k| root.ctl_ok(&["status"])[k]["pid"].as_u64()).collect();
    first.signal("KILL");
    first.wait();
    assert!(root.path().join("run/control.sock").exists(), "a killed supervisor leaves its files");
    let second = Process::supervise(&root);
    assert_eq!(second.address(), format!("127.0.0.1:{port}"));
    let mut client = second.client();
    eventually("the live version", || client.infer(&tumour_request(1)).status == 200);
    assert_eq!(served_version(&mut client), "1");
    assert_eq!(root.ctl_ok(&["status"])["staged"], json!(null));
    eventually("the old children to end", || {
        pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
    let mode = |path: &str| fs::metadata(root.path().join(path)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("run"), mode("run/control.sock")), (0o700, 0o600));
}

#[test]
fn detached_it_outlives_its_starter() {
    let (root, one, _) = two_versions();
    let start = || run(Command::new(BINARY).args(["supervise", "--daemon", "--root"]).arg(root.path()));
    let (ok, status) = start();
    assert!(ok, "{status}");
    assert_eq!(root.ctl_ok(&["status"])["supervisor"], status["supervisor"]);
    root.go_live(&one);
    let address = status["listen"].as_str().expect("an address").to_owned();
    assert_eq!(served_version(&mut Client::new(&address)), "1");
    let (ok, answer) = start();
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains("another supervisor"), "{answer}");
    root.ctl_ok(&["stop"]);
    let (ok, status) = start();
    assert!(ok, "{status}");
    let mut client = Client::new(status["listen"].as_str().expect("an address"));
    eventually("what was live before", || client.infer(&tumour_request(1)).status == 200);
    root.ctl_ok(&["stop"]);
}

#[test]
fn a_long_path_has_a_control_socket_too() {
    let outer = tempfile::tempdir().expect("folder");
    let deep = outer.path().join("d".repeat(90)).join("e".repeat(90));
    fs::create_dir_all(&deep).expect("folder");
    fs::write(deep.join("serve.json"), r#"{"port":0}"#).expect("written");
    let command = |arguments: &[&str]| run(Command::new(BINARY).args(arguments).arg("--root").arg(&deep));
    let (ok, status) = command(&["supervise", "--daemon"]);
    assert!(ok, "{status}");
    let (ok, answer) = command(&["ctl", "stop"]);
    assert!(ok, "{answer}");
}

#[test]
fn nothing_is_written_into_the_users_home() {
    let (root, one, _) = two_versions();
    let home = tempfile::tempdir().expect("folder");
    // The library is found before the home is exchanged.
    let library = desk_runtime::locate::library(None).expect("a library: run `cargo xtask setup` first");
    let mut command = Command::new(BINARY);
    command.arg("supervise").arg("--root").arg(root.path());
    command.env("HOME", home.path()).env("MODELDESK_ORT_LIB", library);
    command.env_remove("XDG_CACHE_HOME").env_remove(desk_runtime::TELEMETRY_SWITCH);
    let mut supervisor = Process::start(&mut command);
    root.go_live(&one);
    assert_eq!(served_version(&mut supervisor.client()), "1");
    root.ctl_ok(&["stop"]);
    assert!(supervisor.wait());
    let found: Vec<_> = fs::read_dir(home.path()).expect("folder").flatten().map(|entry| entry.path()).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// A version whose golden rows take long, so that it takes long until it is ready.
fn slow_to_load(root: &Root, steps: i64) -> String {
    let input = |name: &str, data: TensorData| NamedTensor::new(name, Tensor::new(vec![1], data).expect("fits"));
    let golden = GoldenRows {
        source: GoldenSource::Generated,
        rows: 1,
        inputs: vec![input("x", TensorData::Float32(vec![0.5])), input("steps", TensorData::Int64(vec![steps]))],
        outputs: vec![],
        made_with: String::new(),
    };
    root.add_with_golden(&fixture("slow.onnx"), "", None, Some(&golden))
}

#[test]
fn what_is_being_staged_is_given_up_at_once() {
    let (root, one, two) = two_versions();
    let supervisor = Process::supervise(&root);
    root.go_live(&one);
    let slow = slow_to_load(&root, 2_000_000_000);
    let folder = root.path().to_owned();
    let version = slow.clone();
    let staging = std::thread::spawn(move || {
        run(Command::new(BINARY).args(["ctl", "stage", "--version", &version, "--root"]).arg(folder))
    });
    // Its process is there and loads.
    let loads = || {
        let threads = fs::read_dir(format!("/proc/{}/task", supervisor.child.id())).expect("Linux").flatten();
        let children = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
        children.map(|text| text.split_whitespace().count()).sum::<usize>() == 2
    };
    eventually("the process to load", loads);
    let began = Instant::now();
    root.ctl_ok(&["unstage"]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let (ok, answer) = staging.join().expect("no panic");
    assert!(!ok && answer["error"]["message"].as_str().expect("text").contains("given up"), "{answer}");
    eventually("its process to end", || !loads());
    assert_eq!(served_version(&mut supervisor.client()), "1");
    root.go_live(&two);
    assert_eq!(served_version(&mut supervisor.client()), "2");
}

#[test]
fn a_version_that_is_being_loaded_ends_with_its_supervisor() {
    let (root, one, _) = two_versions();
    let mut supervisor = Process::supervise(&root);
    root.go_live(&one);
    let slow = slow_to_load(&root, 2_000_000_000);
    let folder = root.path().to_owned();
    let staging = std::thread::spawn(move || {
        Command::new(BINARY).args(["ctl", "stage", "--version", &slow, "--root"]).arg(folder).output()
    });
    let children = || -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", supervisor.child.id())).expect("Linux").flatten();
        let text = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
        text.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    eventually("the process to load", || children().len() == 2);
    let pids = children();
    supervisor.signal("KILL");
    supervisor.wait();
    drop(staging.join().expect("no panic"));
    let lives = |pid: &String| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|text| !text.is_empty());
    eventually("both to end", || !pids.iter().any(lives));
}
