//! Several desks at one target: one changes it, the others are told who, since when and what to do.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use modeldesk_tests::{Cli, Far, Signal, finish, fixture, sample, send};
use serde_json::Value;

/// Waits until something holds, at most 30 s.
#[track_caller]
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn desk() -> Cli {
    let cli = Cli::new();
    for file in ["tumour/v1.onnx", "tumour/v2.onnx"] {
        cli.run(&["import", &sample(file), "--name", "tumour"]).good();
    }
    cli
}

fn under_way(cli: &Cli) -> Option<String> {
    let list = cli.run(&["list", "targets"]).good();
    list["items"][0]["under_way"].as_str().map(str::to_owned)
}

/// Starts a command whose answer is read later.
fn start(cli: &Cli, args: &[&str]) -> Child {
    let mut command = cli.command();
    command.arg("--json").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("starts")
}

fn answer(child: Child) -> (i32, Value) {
    let output = child.wait_with_output().expect("ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap_or(-1), answer)
}

/// The supervisor on a target.
fn supervisor(far: &Far) -> u32 {
    far.ctl("status").expect("answers")["supervisor"]["pid"]
        .as_u64()
        .and_then(|pid| u32::try_from(pid).ok())
        .expect("a process")
}

#[test]
fn whoever_comes_second_is_told_who_is_first_and_since_when() {
    let (ours, theirs) = (desk(), desk());
    let far = ours.add_local("here");
    theirs.add_local_at("here", &far);
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    // A server that does not answer holds a deployment where it is, with the lock taken.
    let server = supervisor(&far);
    send(server, Signal::Stop);
    let first = start(&ours, &["deploy", "tumour@2", "--to", "here"]);
    eventually("a lock", || far.path().join("run/rollout.lock").symlink_metadata().is_ok());
    assert_eq!(under_way(&ours).as_deref(), Some("deploying tumour@2"));
    let losers = [
        ours.run(&["deploy", "tumour@1", "--to", "here"]).refused(4),
        ours.run(&["deploy", "tumour@2", "--to", "here"]).refused(4),
        ours.run(&["undeploy", "here", "--yes"]).refused(4),
    ];
    for error in &losers {
        assert_eq!(error, &losers[0], "one and the same");
    }
    let text = losers[0].to_string();
    for part in ["this desk is changing here already: tumour@2, since 20", "UTC", "modeldesk jobs cancel"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let error = theirs.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).refused(4).to_string();
    let home = ours.home().display().to_string();
    for part in ["another desk is changing this computer", home.as_str(), ", since 20", "taken over in"] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    assert!(!text.contains("rollout.lock") && !error.contains("rollout.lock"), "{error}");
    send(server, Signal::Continue);
    let (code, deployed) = answer(first);
    assert_eq!((code, &deployed["version"]), (0, &serde_json::json!("tumour@2")), "{deployed}");
    assert_eq!(under_way(&ours), None);
}

#[test]
fn two_desks_that_chose_the_same_port_both_serve() {
    let desks = [desk(), desk()];
    for desk in &desks {
        desk.run(&["target", "add", "here", "--kind", "local"]).good();
    }
    let _stop = [0, 1].map(|i| modeldesk_tests::StopServer(desks[i].home().join("targets/here")));
    let deploying = [0, 1].map(|i| start(&desks[i], &["deploy", "tumour@1", "--to", "here"]));
    let urls = deploying.map(|child| {
        let (code, deployed) = answer(child);
        assert_eq!(code, 0, "{deployed}");
        deployed["url"].as_str().expect("a URL").to_owned()
    });
    assert_ne!(urls[0], urls[1]);
    // A port that somebody has named stays.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = format!("port={}", taken.local_addr().expect("an address").port());
    desks[0].run(&["target", "add", "named", "--kind", "local", "--set", &port]).good();
    let error = desks[0].run(&["deploy", "tumour@1", "--to", "named"]).refused(4).to_string();
    assert!(error.contains("is used by process"), "{error}");
}

#[test]
fn a_stop_that_waits_for_an_endless_request_can_be_left() {
    use std::io::{Read as _, Write as _};

    let cli = Cli::new();
    cli.run(&["import", &fixture("endless_above.onnx"), "--name", "endless"]).good();
    let far = cli.add_local("here");
    far.set("drain_deadline_ms", 6_000);
    // A former version, which this desk itself has replaced.
    cli.run(&["deploy", "endless@1", "--to", "here"]).good();
    cli.run(&["import", &fixture("endless_above.onnx"), "--name", "endless", "--again"]).good();
    cli.run(&["deploy", "endless@2", "--to", "here"]).good();
    let address = format!("127.0.0.1:{}", far.port());
    let client = std::thread::spawn(move || {
        let body = r#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,5000]}]}"#;
        let mut stream = std::net::TcpStream::connect(address).expect("connects");
        write!(
            stream,
            "POST /v2/models/endless/infer HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    });
    std::thread::sleep(Duration::from_millis(300));
    let stop = start(&cli, &["undeploy", "here", "--yes"]);
    eventually("a stop", || far.ctl("status").is_some_and(|status| status["stopping"] == true));
    assert_eq!(under_way(&cli).as_deref(), Some("stopping endless@2"));
    let mut shown = cli.command();
    shown.args(["list", "targets"]);
    assert!(finish(shown, "").stdout.contains("stopping endless@2"));
    let began = Instant::now();
    send(stop.id(), Signal::Interrupt);
    let (code, left) = answer(stop);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(code, 6, "{left}");
    assert!(left.to_string().contains("takes no new requests"), "{left}");
    assert!(left.to_string().contains("modeldesk target check here"), "{left}");
    let error = cli.run(&["target", "remove", "here"]).refused(3).to_string();
    assert!(error.contains("stopping endless@2"), "{error}");
    // Asked again, it sees it through.
    let stopped = cli.run(&["undeploy", "here", "--yes"]).good();
    assert_eq!([&stopped["version"], &stopped["state"]], ["endless@2", "stopped"], "{stopped}");
    cli.run(&["rollback", "here"]).refused(3);
    assert!(client.join().expect("no panic").starts_with("HTTP/1.1 503"), "stopped at the deadline");
    assert_eq!(cli.run(&["list", "deployments"]).good()["items"][0]["state"], "stopped");
    assert!(far.ctl("status").is_some_and(|answer| answer.get("error").is_some()), "nothing runs");
}
