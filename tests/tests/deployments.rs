//! Deployments on the command line, beyond the main job: further back, down, away, and after a killed desk.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use desk_deploy::testing::{TestSshd, free_port};
use modeldesk_tests::{Cli, offered_key, sample};
use serde_json::{Value, json};

/// A home with three versions that answer differently or prove differently.
fn three_versions() -> Cli {
    let cli = Cli::new();
    let data = sample("tumour/heldout.csv");
    for (file, golden) in [("tumour/v1.onnx", Some(&data)), ("tumour/v2.onnx", Some(&data)), ("tumour/v1.onnx", None)] {
        let file = sample(file);
        let mut args = vec!["import", &file, "--name", "tumour", "--again"];
        if let Some(golden) = golden {
            args.extend(["--golden", golden]);
        }
        cli.run(&args).good();
    }
    cli
}

fn deploy(cli: &Cli, version: u32, target: &str) -> Value {
    cli.run(&["deploy", &format!("tumour@{version}"), "--to", target]).good()
}

fn states(cli: &Cli) -> Vec<(u64, String)> {
    let list = cli.run(&["list", "deployments"]).good();
    let item = |item: &Value| {
        (item["version"].as_u64().unwrap_or_default(), item["state"].as_str().unwrap_or_default().to_owned())
    };
    list["items"].as_array().expect("items").iter().map(item).collect()
}

#[test]
fn each_rollback_leads_further_back() {
    let cli = three_versions();
    let _far = cli.add_local("here");
    for version in 1..=3 {
        deploy(&cli, version, "here");
    }
    for version in [2, 1] {
        let back = cli.run(&["rollback", "here"]).good();
        assert_eq!((&back["version"], &back["state"]), (&json!(format!("tumour@{version}")), &json!("live")));
    }
    let error = cli.run(&["rollback", "here"]).refused(3);
    let text = error.to_string();
    for part in ["tumour@1 is the first version", "tumour@2, tumour@3", "modeldesk rollback here --to 3"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let forward = cli.run(&["rollback", "here", "--to", "3"]).good();
    assert_eq!(forward["version"], "tumour@3");
    assert_eq!(cli.run(&["rollback", "here"]).good()["version"], "tumour@1");
}

#[test]
fn the_list_says_where_a_rollback_leads_as_rollback_does() {
    let cli = three_versions();
    let _far = cli.add_local("here");
    let leads = || {
        let list = cli.run(&["list", "deployments"]).good();
        let live =
            list["items"].as_array().and_then(|items| items.iter().find(|item| item["state"] == "live").cloned());
        let live = live.expect("something is live");
        (live["rollback_to"].as_u64(), live["forward_to"].as_u64())
    };
    deploy(&cli, 1, "here");
    // Nobody has checked the target; that the deployment worked says as much.
    let target = &cli.run(&["list", "targets"]).good()["items"][0];
    assert_eq!(target["reachable"], json!(true), "{target}");
    assert!(target["checked_at"].is_string(), "{target}");
    assert_eq!(leads(), (None, None));
    deploy(&cli, 2, "here");
    cli.run(&["undeploy", "here", "--yes"]).good();
    deploy(&cli, 2, "here");
    assert_eq!(leads(), (Some(1), None), "what was taken down between is no other version");
    assert_eq!(cli.run(&["rollback", "here"]).good()["version"], "tumour@1");
    assert_eq!(leads(), (None, Some(2)), "to v2 leads forward");
    cli.run(&["rollback", "here"]).refused(3);
}

#[test]
fn what_was_deployed_takes_the_place_of_the_last_check() {
    let cli = three_versions();
    let _far = cli.add_local("here");
    cli.run(&["target", "check", "here"]).good();
    let told = || {
        let list = cli.run(&["list", "targets"]).good();
        let checks = list["items"][0]["checks"].as_array().expect("checks").clone();
        let all = |key: &str| -> Vec<String> {
            checks.iter().map(|check| check[key].as_str().unwrap_or_default().to_owned()).collect()
        };
        (all("name"), all("detail").join("; "))
    };
    assert!(told().1.contains("not there yet") && told().1.contains("is free"), "{:?}", told());
    deploy(&cli, 1, "here");
    assert_eq!(told().0, ["login", "folder", "platform", "service", "server"]);
    assert!(told().1.ends_with("serving tumour@1"), "{:?}", told());
    cli.run(&["undeploy", "here", "--yes"]).good();
    assert!(told().1.ends_with("stopped: nothing serves"), "{:?}", told());
}

#[test]
fn a_deployment_is_taken_down_and_its_target_forgotten() {
    let cli = three_versions();
    let far = cli.add_local("here");
    cli.run(&["undeploy", "here", "--yes"]).refused(3);
    deploy(&cli, 1, "here");
    cli.run(&["undeploy", "here"]).refused(2);
    let error = cli.run(&["target", "remove", "here"]).refused(3);
    assert!(error.to_string().contains("modeldesk undeploy here"), "{error}");
    let down = cli.run(&["undeploy", "here", "--yes"]).good();
    assert_eq!((&down["state"], &down["version"]), (&json!("stopped"), &json!("tumour@1")));
    let again = cli.run(&["undeploy", "here", "--yes"]).good();
    assert_eq!((&again["state"], &again["already"]), (&json!("stopped"), &json!(true)), "again changes nothing");
    let mut told = cli.command();
    told.args(["undeploy", "here", "--yes"]);
    let told = modeldesk_tests::finish(told, "");
    assert!(told.stdout.starts_with("tumour@1 was stopped already on here"), "{told:?}");
    assert!(far.ctl("status").is_some_and(|answer| answer.get("error").is_some()), "nothing runs");
    assert_eq!(states(&cli), [(1, "stopped".to_owned())]);
    let nothing = cli.run(&["rollback", "here"]).refused(3);
    assert_eq!(nothing["message"], "here serves nothing");
    assert!(nothing.to_string().contains("modeldesk deploy tumour@1 --to here"), "{nothing}");

    deploy(&cli, 2, "here");
    assert_eq!(states(&cli)[0], (2, "live".to_owned()));
    assert_eq!(
        cli.run(&["rollback", "here"]).good()["version"],
        "tumour@1",
        "what was stopped is part of the way back"
    );
    cli.run(&["undeploy", "here/tumour", "--yes"]).good();
    cli.run(&["target", "remove", "here"]).good();
    assert_eq!(cli.run(&["list", "targets"]).good()["items"], json!([]));
    let log = cli.run(&["log"]).good().to_string();
    assert!(log.contains("Took down tumour@1 on here"), "{log}");
}

#[test]
fn a_check_of_a_machine_that_is_off_ends_with_4() {
    let cli = Cli::new();
    let port = format!("port={}", free_port());
    let place = ["--set", "host=127.0.0.1", "--set", &port, "--set", "user=nobody", "--set", "folder=/srv/model"];
    cli.run(&[&["target", "add", "off", "--kind", "ssh"][..], &place].concat()).good();
    let check = cli.run(&["target", "check", "off"]);
    assert_eq!((check.code, &check.json()["reachable"]), (4, &json!(false)), "{}", check.stderr);
}

#[test]
fn a_check_says_when_nothing_serves_what_is_live() {
    let cli = three_versions();
    let far = cli.add_local("here");
    deploy(&cli, 1, "here");
    let server = |answer: &Value| {
        let checks = answer["checks"].as_array().expect("checks");
        checks.iter().find(|check| check["name"] == "server").expect("a check of the server")["ok"].clone()
    };
    assert_eq!(server(&cli.run(&["target", "check", "here"]).good()), true);
    far.ctl("stop").expect("stopped");
    let down = cli.run(&["target", "check", "here"]).bad(4);
    assert_eq!(server(&down), false, "{down}");
    assert!(down.to_string().contains("modeldesk deploy tumour@1 --to here"), "{down}");
    deploy(&cli, 1, "here");
    assert_eq!(server(&cli.run(&["target", "check", "here"]).good()), true);
}

#[test]
fn a_target_whose_server_somebody_stopped_can_be_removed() {
    let cli = three_versions();
    let far = cli.add_local("here");
    deploy(&cli, 1, "here");
    far.ctl("stop").expect("stops");
    cli.run(&["target", "remove", "here"]).good();
    assert_eq!(states(&cli), [(1, "stopped".to_owned())]);
}

/// Starts `deploy` and kills it as soon as the target has switched; false when the rollout was quicker.
fn kill_past_the_switch(cli: &Cli, target: &str, far: &Path) -> bool {
    let current = far.join("current");
    let before = std::fs::read_link(&current).expect("something is live");
    let mut command = cli.command();
    command.args(["--json", "deploy", "tumour@2", "--to", target]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("starts");
    let until = Instant::now() + Duration::from_mins(1);
    while Instant::now() < until && child.try_wait().expect("a child").is_none() {
        if std::fs::read_link(&current).is_ok_and(|now| now != before) {
            drop(child.kill());
            drop(child.wait());
            // It may have come to its end before the signal; looking at a version takes nothing up.
            let shown = cli.run(&["show", "tumour@2"]).good();
            let items = shown["deployments"].as_array().expect("a list").clone();
            return items.iter().any(|item| item["unknown_since"].is_string());
        }
    }
    drop(child.kill());
    drop(child.wait());
    false
}

#[test]
fn after_a_killed_desk_the_list_tells_what_serves() {
    let cli = three_versions();
    let far = cli.add_local("here");
    deploy(&cli, 1, "here");
    let killed = (0..10).any(|_| {
        let killed = kill_past_the_switch(&cli, "here", far.path());
        if !killed {
            deploy(&cli, 1, "here");
        }
        killed
    });
    assert!(killed, "it was always quicker");
    let list = cli.run(&["list", "deployments"]).good();
    let items = list["items"].as_array().expect("items");
    let live: Vec<&Value> = items.iter().filter(|item| item["state"] == "live").collect();
    assert_eq!(live.len(), 1, "{list}");
    assert!(items.iter().all(|item| item.get("unknown_since").is_none()), "{list}");
    let serves = far.ctl("status").expect("answers")["live"]["version"].clone();
    let digest = live[0]["digest"].as_str().expect("a digest").trim_start_matches("sha256:");
    assert_eq!(serves, digest);
}

#[test]
fn what_an_unreachable_target_serves_after_a_killed_desk_is_unknown_since_then() {
    let sshd = match TestSshd::start() {
        Ok(sshd) => sshd,
        Err(why) => panic!("{why}"),
    };
    let mut cli = three_versions();
    let secret = cli.folder().join("passphrase");
    std::fs::write(&secret, "correct horse\n").expect("written");
    cli.run_with(&["credential", "create-vault", "--stdin"], "correct horse\n").good();
    // The passphrase comes as an open file, as scripts give it.
    let wrapper = cli.folder().join("with-passphrase");
    std::fs::write(
        &wrapper,
        format!("#!/bin/sh\nexec 3<'{}' '{}' \"$@\"\n", secret.display(), cli.program().display()),
    )
    .expect("written");
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    cli.use_program(wrapper);
    cli.env("MODELDESK_PASSPHRASE_FD", "3");
    let key = sshd.key_file().display().to_string();
    cli.run(&["credential", "set", "edge", "--kind", "ssh-key", "--key-file", &key]).good();
    let far = cli.add_ssh("edge", &sshd, sshd.port(), "edge");
    let offered = offered_key(&cli.run(&["target", "check", "edge"]));
    cli.run(&["target", "trust", "edge", &offered]).good();
    deploy(&cli, 1, "edge");
    let killed = (0..10).any(|_| {
        let killed = kill_past_the_switch(&cli, "edge", far.path());
        if !killed {
            deploy(&cli, 1, "edge");
        }
        killed
    });
    assert!(killed, "it was always quicker");
    // Whoever has not the passphrase is told what waits for it, and asked for nothing.
    for verb in ["deployments", "targets"] {
        let mut locked = cli.command();
        locked.args(["list", verb]).env_remove("MODELDESK_PASSPHRASE_FD");
        let said = modeldesk_tests::finish(locked, "");
        let told = "A rollout on edge was interrupted; to take it up: modeldesk jobs resume";
        assert!(said.code == 0 && said.stderr.contains(told), "{verb:?}: {said:?}");
    }
    drop(sshd);
    let began = Instant::now();
    let list = cli.run(&["list", "deployments"]).good();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let items = list["items"].as_array().expect("items");
    let unknown = items.iter().filter(|item| item["unknown_since"].is_string()).count();
    assert_eq!(unknown, 2, "the interrupted one and the one before it: {list}");
    assert_ne!(cli.run(&["target", "remove", "edge"]).code, 0, "nobody knows whether it serves");
    // Elsewhere it would be undone where nothing was done, and what serves here would be forgotten.
    let moved = ["target", "add", "edge", "--kind", "ssh", "--replace", "--set", "folder=/elsewhere"];
    let moved = cli.run(&moved).refused(3);
    assert!(moved["message"].to_string().contains("what edge serves is open"), "{moved}");
    cli.run(&["undeploy", "edge", "--gone", "--yes"]).good();
    let edge = cli.run(&["list", "targets"]).good()["items"][0].clone();
    assert_eq!(edge["live"], serde_json::json!([]), "{edge}");
    assert!(edge["reachable"].is_null() && !edge["checks"].to_string().contains("serving"), "{edge}");
    assert!(states(&cli).iter().all(|(_, state)| ["stopped", "undone", "superseded"].contains(&state.as_str())));
    cli.run(&["target", "remove", "edge"]).good();
}

#[test]
fn a_rollout_that_ends_at_a_folder_that_is_none_leaves_nothing_open() {
    let cli = three_versions();
    let file = cli.folder().join("a-file");
    std::fs::write(&file, "no folder").expect("written");
    let (folder, port) = (format!("folder={}", file.display()), format!("port={}", free_port()));
    cli.run(&["target", "add", "blocked", "--kind", "local", "--set", &folder, "--set", &port]).good();
    assert_ne!(cli.run(&["deploy", "tumour@1", "--to", "blocked"]).code, 0, "a file is no folder");
    let list = cli.run(&["list", "deployments"]).good();
    assert!(list["items"][0].get("unknown_since").is_none_or(Value::is_null), "nothing was done there: {list}");
    assert_eq!(states(&cli), [(1, "undone".to_owned())]);
    cli.run(&["target", "remove", "blocked"]).good();
    assert_eq!(std::fs::read_to_string(&file).expect("read"), "no folder");
}

#[test]
fn a_target_has_no_folder_that_the_home_keeps_itself() {
    let cli = Cli::new();
    cli.run(&["list", "models"]).good();
    for folder in [cli.home(), cli.home().join("blobs/new"), cli.home().join("targets"), cli.folder().to_owned()] {
        let set = format!("folder={}", folder.display());
        let refused = cli.run(&["target", "add", "here", "--kind", "local", "--set", &set]).refused(3);
        assert!(refused.to_string().contains("its own"), "{refused}");
    }
    assert!(!cli.home().join("blobs/new").exists());
    cli.run(&["target", "add", "here", "--kind", "local"]).good();
}

#[test]
fn damage_on_this_computer_is_exit_code_3() {
    let cli = three_versions();
    let far = cli.add_local("here");
    deploy(&cli, 1, "here");
    let bytes = std::fs::read(sample("tumour/v2.onnx")).expect("read");
    let blob = modeldesk_tests::blob_of(&cli.home().join("blobs"), bytes.len() as u64);
    let mut damaged = bytes;
    damaged[536] ^= 0x10;
    std::fs::remove_file(&blob).expect("removed");
    std::fs::write(&blob, damaged).expect("damaged");
    let error = cli.run(&["deploy", "tumour@2", "--to", "here"]).refused(3);
    assert!(error.to_string().contains("Import the model again"), "{error}");
    assert!(far.ctl("status").expect("answers")["live"]["ready"].as_bool().expect("said"));
}

#[test]
fn targets_that_would_break_each_other_and_logins_without_a_credential() {
    let cli = Cli::new();
    let ssh = |name: &'static str, extra: &[&'static str]| {
        let mut args = vec!["target", "add", name, "--kind", "ssh", "--set", "host=edge", "--set", "user=u"];
        args.extend(extra);
        cli.run(&args)
    };
    assert!(ssh("one", &[]).good()["credential"].is_null());
    let mut shown = cli.command();
    shown.args(["target", "add", "one", "--kind", "ssh", "--set", "host=edge", "--set", "user=u", "--replace"]);
    let shown = modeldesk_tests::finish(shown, "");
    assert!(shown.stdout.contains("logs in with the keys of the SSH agent"), "{shown:?}");
    let error = ssh("two", &["--set", "serve-port=9000"]).refused(3);
    assert!(error["message"].as_str().expect("text").contains("the target one has the folder"), "{error}");
    let error = ssh("two", &["--set", "folder=other"]).refused(3);
    assert!(error["message"].as_str().expect("text").contains("the port 8123"), "{error}");
    ssh("two", &["--set", "folder=other", "--set", "serve-port=9000"]).good();
    ssh("two", &["--set", "folder=third", "--set", "serve-port=9000", "--replace"]).good();
    for (set, says) in [
        ("port=65536", "`port` must be a number from 1 to 65535"),
        ("user=a\u{7}b", "`user` must not"),
        ("connect-timeout=0", "1 to 3600"),
    ] {
        let mut args = vec!["target", "add", "bad", "--kind", "ssh", "--set", "host=h", "--set", set];
        if !set.starts_with("user=") {
            args.extend(["--set", "user=u"]);
        }
        let error = cli.run(&args).refused(2);
        assert!(error["message"].as_str().expect("text").contains(says), "{error}");
    }
    let error = cli.run(&["target", "add", "bad", "--kind", "local", "--set", "folder=here"]).refused(2);
    assert!(error["message"].as_str().expect("text").contains("absolute"), "{error}");
    let folder = format!("folder={}", cli.folder().join("x").display());
    cli.run(&["target", "add", "a", "--kind", "local", "--set", &folder]).good();
    cli.run(&["target", "add", "b", "--kind", "local", "--set", &folder]).refused(3);
    // The port of the server has one name on every kind of target.
    let local = cli.run(&["target", "add", "c", "--kind", "local", "--set", "serve-port=9123"]).good();
    assert!(local["config"].to_string().contains("9123"), "{local}");
}
