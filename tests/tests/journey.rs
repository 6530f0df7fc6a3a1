//! The main job on the command line: import, predict, explain, deploy to a real sshd, deploy a
//! better version, roll back, verify; with the key in a real keyring.

use std::time::Instant;

use desk_deploy::testing::{TestSshd, free_port};
use modeldesk_tests::{Cli, StopServer, again_with_a_keyring, offered_key, sample};
use serde_json::{Value, json};

#[test]
fn over_ssh_with_a_key_from_the_keyring() {
    if again_with_a_keyring("over_ssh_with_a_key_from_the_keyring") {
        return;
    }
    let sshd = match TestSshd::start() {
        Ok(sshd) => sshd,
        Err(why) => panic!("{why}"),
    };
    let cli = Cli::new();
    let far = sshd.dir().join("far");
    let _stop = StopServer(far.clone());
    import_and_look(&cli);

    let key = sshd.key_file().display().to_string();
    let set = cli.run(&["credential", "set", "edge", "--kind", "ssh-key", "--key-file", &key]).good();
    assert_eq!(set["items"][0]["stored_in"], "system keyring");

    let folder = format!("folder={}", far.display());
    let (port, serve) = (format!("port={}", sshd.port()), format!("serve-port={}", free_port()));
    let user = format!("user={}", sshd.user());
    let add = ["target", "add", "edge-01", "--kind", "ssh", "--credential", "edge"];
    let set = ["--set", "host=127.0.0.1", "--set", &port, "--set", &user, "--set", &folder, "--set", &serve];
    cli.run(&[&add[..], &set[..]].concat()).good();

    // Nothing is trusted before somebody has compared the fingerprint.
    let refused = cli.run(&["deploy", "tumour@1", "--to", "edge-01"]);
    assert_ne!(refused.code, 0, "an unknown host key was accepted");
    let offered = offered_key(&cli.run(&["target", "check", "edge-01"]));
    let wrong = cli.run(&["target", "trust", "edge-01", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
    wrong.refused(5);
    let trusted = cli.run(&["target", "trust", "edge-01", &offered]).good();
    assert_eq!(trusted["reachable"], true, "{trusted}");

    deploy_twice_and_roll_back(&cli, "edge-01");
}

#[test]
fn on_this_computer() {
    let cli = Cli::new();
    let far = cli.folder().join("far");
    let _stop = StopServer(far.clone());
    import_and_look(&cli);
    let (folder, port) = (format!("folder={}", far.display()), format!("port={}", free_port()));
    cli.run(&["target", "add", "here", "--kind", "local", "--set", &folder, "--set", &port]).good();
    deploy_twice_and_roll_back(&cli, "here");
}

/// Import, predict, explain: the numbers must be those of the reference implementations.
fn import_and_look(cli: &Cli) {
    let data = sample("tumour/heldout.csv");
    for (file, version) in [("tumour/v1.onnx", 1), ("tumour/v2.onnx", 2)] {
        let imported = cli.run(&["import", &sample(file), "--name", "tumour", "--golden", &data]).good();
        assert_eq!((&imported["model"], &imported["version"]), (&json!("tumour"), &json!(version)));
        assert_eq!(imported["family"], "tree-ensemble");
        assert_eq!(imported["golden"]["source"], "user-data");
    }
    let again = cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    assert_eq!((&again["version"], &again["created"]), (&json!(2), &json!(false)));

    let scored = cli.run(&["predict", "tumour@2", "--data", &data]).good();
    assert_eq!(scored["rows"], 171);
    assert_eq!(scored["target"], "diagnosis");
    let accuracy = scored["metrics"]["accuracy"].as_f64().expect("measured");
    assert!(accuracy > 0.95, "{accuracy}");
    assert_eq!(scored["provider_nodes"], json!({ "CPUExecutionProvider": 1 }));

    let background = sample("tumour/background.csv");
    let explain = ["explain", "tumour@2", "--data", &data, "--rows", "4..4", "--background", &background];
    let first = cli.run(&explain).good();
    assert_eq!((&first["method"], &first["background_rows"]), (&json!("tree"), &json!(100)));
    let parts: f64 = first["values"][0].as_array().expect("one row").iter().filter_map(Value::as_f64).sum();
    let base = first["base_values"][0].as_f64().expect("a number");
    let prediction = first["predictions"][0][0].as_f64().expect("a number");
    assert!((base + parts - prediction).abs() < 1e-9, "{base} + {parts} is not {prediction}");
    let second = cli.run(&explain).good();
    assert_eq!(first["digest"], second["digest"], "the same record gives the same result");
}

fn deploy_twice_and_roll_back(cli: &Cli, target: &str) {
    for version in [1, 2] {
        let deployed = cli.run(&["deploy", &format!("tumour@{version}"), "--to", target]).good();
        assert_eq!((&deployed["state"], &deployed["version"]), (&json!("live"), &json!(format!("tumour@{version}"))));
        assert_eq!(deployed["parity"]["ok"], true);
        let steps = deployed["steps"].as_array().expect("steps");
        assert!(steps.iter().all(|step| step["state"] == "done"), "{steps:?}");
    }
    let began = Instant::now();
    let back = cli.run(&["rollback", target]).good();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!((&back["state"], &back["version"], &back["was"]), (&json!("live"), &json!("tumour@1"), &json!(2)));
    assert_eq!(back["parity"]["ok"], true);
    assert!(seconds < 5.0, "the rollback took {seconds} s");
    let verified = cli.run(&["verify"]).good();
    assert_eq!(verified["ok"], true, "{verified}");
    let list = cli.run(&["list", "deployments"]).good();
    let states: Vec<&str> =
        list["items"].as_array().expect("items").iter().filter_map(|i| i["state"].as_str()).collect();
    assert_eq!(states.iter().filter(|state| **state == "live").count(), 1, "{states:?}");
}
