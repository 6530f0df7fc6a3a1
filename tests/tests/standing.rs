//! What stands on a target before a rollout: another signature, another desk's version, another model.

use modeldesk_tests::{Cli, Far, sample};
use serde_json::{Value, json};

/// A desk with both versions of the sample.
fn desk() -> Cli {
    let cli = Cli::new();
    let data = sample("tumour/heldout.csv");
    for file in ["tumour/v1.onnx", "tumour/v2.onnx"] {
        cli.run(&["import", &sample(file), "--name", "tumour", "--golden", &data]).good();
    }
    cli
}

/// Two desks with both versions of the sample, and one folder that both call `here`.
fn two_desks() -> (Cli, Cli, Far) {
    let (ours, theirs) = (desk(), desk());
    let far = ours.add_local("here");
    theirs.add_local_at("here", &far);
    (ours, theirs, far)
}

fn states(cli: &Cli) -> Vec<String> {
    let list = cli.run(&["list", "deployments"]).good();
    let items = list["items"].as_array().expect("items");
    items.iter().map(|item| item["state"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Ends a server as a crash does.
fn kill(far: &Far) {
    let pid = far.ctl("status").expect("it serves")["supervisor"]["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
    while far.ctl("status").is_some_and(|status| status.get("live").is_some()) {}
    // Its children end a moment later.
    while std::net::TcpStream::connect(("127.0.0.1", far.port())).is_ok() {}
}

fn text(error: &Value) -> String {
    error.to_string()
}

#[test]
fn a_version_that_clients_could_not_use_goes_live_only_when_that_is_allowed() {
    let cli = desk();
    let _far = cli.add_local("here");
    // Another model under the same name: everything that goes in and comes out is different.
    let other = cli.run(&["import", &sample("penguins/model.onnx"), "--name", "tumour"]).good();
    assert_eq!(other["version"], 3);
    cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let shown = cli.run(&["show", "tumour@3"]).good();
    assert!(shown["breaks"]["here"].as_array().is_some_and(|changes| changes.len() > 2), "{shown}");

    let error = cli.run(&["deploy", "tumour@3", "--to", "here"]).refused(5);
    for part in ["clients of version 1", "is gone", "is new and must be given", "--allow-signature-change"] {
        assert!(text(&error).contains(part), "{part:?} is not in {error}");
    }
    assert_eq!(states(&cli), ["undone", "live"]);
    let refused = cli.run(&["list", "deployments"]).good()["items"][0]["revision"].clone();
    assert_eq!(refused, 0, "what was refused has no revision number");
    assert_eq!(cli.run(&["deploy", "tumour@2", "--to", "here"]).good()["revision"], 2);
    cli.run(&["deploy", "tumour@3", "--to", "here", "--allow-signature-change"]).good();
    // The way back is never barred.
    assert_eq!(cli.run(&["rollback", "here"]).good()["version"], "tumour@2");
}

#[test]
fn what_another_desk_deployed_is_noticed_and_left_to_it() {
    let (ours, theirs, _far) = two_desks();
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let deployed = theirs.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    let noted = deployed["steps"][0]["detail"].as_str().expect("a note").to_owned();
    let home = ours.home().display().to_string();
    assert!(noted.contains("deployed as tumour@1 by") && noted.contains(&home), "{noted}");

    // Neither rolled back nor taken down by whoever does not know of it; and known from then on.
    ours.run(&["deploy", "tumour@2", "--to", "here"]).refused(5);
    ours.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    ours.run(&["rollback", "here"]).good();
    theirs.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    let error = ours.run(&["rollback", "here", "--to", "2"]).refused(5);
    let home = theirs.home().display().to_string();
    assert!(text(&error).contains("by ") && text(&error).contains(&home), "{error}");
    assert!(!states(&ours).contains(&"live".to_owned()), "{:?}", states(&ours));
    let error = ours.run(&["rollback", "here"]).refused(5);
    assert!(text(&error).contains("another desk has replaced tumour@1 on here"), "{error}");
    let error = ours.run(&["undeploy", "here", "--yes"]).refused(5);
    assert!(text(&error).contains("another desk has replaced"), "{error}");
    assert!(text(&error).contains("modeldesk undeploy here --replace-other"), "{error}");
    let check = ours.run(&["target", "check", "here"]).good().to_string();
    assert!(check.contains(&home), "{check}");
    assert_eq!(states(&theirs)[0], "live");
    let stopped = ours.run(&["undeploy", "here", "--yes", "--replace-other"]).good();
    assert_eq!((&stopped["state"], &stopped["version"]), (&json!("stopped"), &json!("tumour@2")), "{stopped}");
    assert_eq!(stopped["digest"], deployed["digest"], "what is really stopped: {stopped}");
    assert!(text(&stopped["made_live_by"]).contains(&theirs.home().display().to_string()), "{stopped}");
    for verb in [&["undeploy", "here", "--yes"][..], &["rollback", "here"]] {
        let error = ours.run(verb).refused(3);
        assert!(text(&error).contains("here serves nothing any more"), "{error}");
    }
    theirs.run(&["target", "check", "here"]).bad(4);
    assert_eq!(states(&theirs)[0], "stopped");
}

#[test]
fn the_same_version_by_another_desk_is_another_desks() {
    let (ours, theirs, far) = two_desks();
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let error = theirs.run(&["deploy", "tumour@1", "--to", "here"]).refused(5);
    assert!(text(&error).contains(&ours.home().display().to_string()), "{error}");
    // They never deployed there, and are told what serves.
    for verb in [&["undeploy", "here", "--yes"][..], &["rollback", "here"]] {
        let error = theirs.run(verb).refused(5);
        assert!(
            text(&error).contains("deployed as tumour@1 by") && text(&error).contains("--replace-other"),
            "{error}"
        );
    }
    theirs.run(&["deploy", "tumour@1", "--to", "here", "--replace-other"]).good();
    let noted = std::fs::read_to_string(far.path().join("run/deployed.json")).expect("a note");
    let noted: Value = serde_json::from_str(&noted).expect("JSON");
    assert!(text(&noted["by"]).contains(&theirs.home().display().to_string()), "{noted}");

    let check = ours.run(&["target", "check", "here"]).bad(4);
    assert!(text(&check["checks"]).contains(&theirs.home().display().to_string()), "{check}");
    assert_eq!(states(&ours), ["superseded"]);
    ours.run(&["undeploy", "here", "--yes"]).refused(5);
    ours.run(&["deploy", "tumour@2", "--to", "here"]).refused(5);
    theirs.run(&["undeploy", "here", "--yes"]).good();
}

#[test]
fn a_desk_that_never_deployed_there_can_take_another_model_down_when_it_says_so() {
    let (ours, theirs, _far) = two_desks();
    theirs.run(&["deploy", "tumour@2", "--to", "here"]).good();
    ours.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    let error = ours.run(&["deploy", "penguins@1", "--to", "here"]).refused(4);
    assert!(text(&error).contains("modeldesk undeploy here --replace-other"), "{error}");
    // Whoever is to agree is told to what.
    let error = ours.run(&["undeploy", "here", "--replace-other"]).refused(2);
    assert!(text(&error).contains("deployed as tumour@2 by"), "{error}");
    let stopped = ours.run(&["undeploy", "here", "--yes", "--replace-other"]).good();
    assert_eq!((&stopped["state"], &stopped["version"]), (&json!("stopped"), &json!("tumour@2")), "{stopped}");
    ours.run(&["deploy", "penguins@1", "--to", "here"]).good();
    // What was refused has a word of its own in every form of the list.
    theirs.run(&["deploy", "tumour@1", "--to", "here"]).refused(4);
    assert_eq!(theirs.run(&["list", "deployments"]).good()["items"][0]["changed_nothing"], "failed");
    let error = theirs.run(&["list", "deployments", "tumor"]).refused(3);
    assert!(text(&error).contains("tumour"), "{error}");
}

#[test]
fn a_server_whose_folder_was_removed_is_another_desks_all_the_same() {
    let (ours, theirs, far) = two_desks();
    // The desk believes to be live where another one has taken over since. What it was allowed to once is over.
    theirs.run(&["deploy", "tumour@2", "--to", "here"]).good();
    ours.run(&["deploy", "tumour@1", "--to", "here", "--replace-other"]).good();
    theirs.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    let aside = far.path().with_extension("aside");
    std::fs::rename(far.path(), &aside).expect("moved");
    for verb in [&["undeploy", "here", "--yes"][..], &["deploy", "tumour@1", "--to", "here"]] {
        let error = ours.run(verb).refused(5);
        for part in ["whose folder was removed", "which desk made it live", "--replace-other"] {
            assert!(text(&error).contains(part), "{part:?} is not in {error}");
        }
    }
    let check = ours.run(&["target", "check", "here"]).bad(4);
    assert!(text(&check["checks"]).contains("which desk made it live"), "{check}");
    std::fs::rename(&aside, far.path()).expect("moved back");
    let status = far.ctl("status").expect("it still serves");
    assert!(status["live"]["ready"] == true, "{status}");
    let error = ours.run(&["undeploy", "here", "--yes"]).refused(5);
    assert!(text(&error).contains("tumour@2"), "{error}");
    theirs.run(&["target", "check", "here"]).good();
    theirs.run(&["undeploy", "here", "--yes"]).good();
}

#[test]
fn a_server_whose_folder_was_removed_is_ended_by_whoever_says_so() {
    let (ours, theirs, far) = two_desks();
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    std::fs::remove_dir_all(far.path()).expect("removed");
    ours.run(&["undeploy", "here", "--yes"]).refused(5);
    // A desk that has nothing there is told of it, too.
    for verb in [&["undeploy", "here", "--yes"][..], &["rollback", "here"]] {
        let error = theirs.run(verb).refused(5);
        assert!(text(&error).contains("still runs (process"), "{error}");
    }
    let error = ours.run(&["undeploy", "here/penguins", "--yes", "--replace-other"]).refused(3);
    assert!(text(&error).contains("cannot be seen any more"), "{error}");
    assert!(std::net::TcpStream::connect(("127.0.0.1", far.port())).is_ok(), "it still serves");
    let error = ours.run(&["undeploy", "here", "--replace-other"]).refused(2);
    assert!(text(&error).contains("whose folder was removed"), "{error}");
    // Of the model that this desk has made live there, nothing has to say what it serves; so asks the window.
    let stopped = ours.run(&["undeploy", "here/tumour", "--yes", "--replace-other"]).good();
    assert_eq!(stopped["state"], "stopped", "{stopped}");
    assert!(std::net::TcpStream::connect(("127.0.0.1", far.port())).is_err(), "nothing serves");
    assert_eq!(states(&ours), ["stopped"]);
    assert_eq!(ours.run(&["undeploy", "here", "--yes"]).good()["already"], true);

    // Or it is replaced.
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    std::fs::remove_dir_all(far.path()).expect("removed");
    ours.run(&["deploy", "tumour@2", "--to", "here"]).refused(5);
    ours.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    ours.run(&["undeploy", "here", "--yes"]).good();
}

#[test]
fn a_version_without_a_note_of_its_desk_is_nobodys_to_take() {
    let (ours, theirs, far) = two_desks();
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    theirs.run(&["deploy", "tumour@1", "--to", "here", "--replace-other"]).good();
    for note in [None, Some(""), Some("{"), Some("null"), Some(r#"{"version":"x"}"#)] {
        match note {
            None => std::fs::remove_file(far.path().join("run/deployed.json")).expect("removed"),
            Some(text) => std::fs::write(far.path().join("run/deployed.json"), text).expect("written"),
        }
        // Both have made these very bytes live, and none of both can prove it.
        for desk in [&ours, &theirs] {
            for verb in [&["undeploy", "here", "--yes"][..], &["deploy", "tumour@2", "--to", "here"]] {
                let error = desk.run(verb).refused(5);
                assert!(text(&error).contains("--replace-other"), "{note:?}: {error}");
            }
            let check = desk.run(&["target", "check", "here"]).bad(4);
            assert!(text(&check["checks"]).contains("which desk made it live"), "{note:?}: {check}");
        }
        let shown = ours.run(&["show", "tumour@2"]).good();
        assert!(text(&shown["replaces"]["here"]).contains("which desk made it live"), "{shown}");
    }
    ours.run(&["undeploy", "here", "--yes", "--replace-other"]).good();
    assert_eq!(states(&ours)[0], "undone", "what was refused");
    assert!(!states(&ours).contains(&"live".to_owned()), "{:?}", states(&ours));
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
}

#[test]
fn a_folder_that_was_moved_back_says_nothing_of_the_server_that_runs() {
    let (ours, theirs, far) = two_desks();
    let (folder, aside) = (far.path().to_owned(), far.path().with_extension("aside"));
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    std::fs::rename(&folder, &aside).expect("moved");
    theirs.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    std::fs::remove_dir_all(&folder).expect("removed");
    std::fs::rename(&aside, &folder).expect("moved back");
    // Its note is of a server that has ended.
    for verb in [&["undeploy", "here", "--yes"][..], &["deploy", "tumour@2", "--to", "here"], &["rollback", "here"]] {
        let error = ours.run(verb);
        assert!([3, 5].contains(&error.code), "{error:?}");
    }
    let check = ours.run(&["target", "check", "here"]).bad(4);
    assert!(text(&check["checks"]).contains("whose folder was replaced by another one"), "{check}");
    assert!(std::net::TcpStream::connect(("127.0.0.1", far.port())).is_ok(), "it still serves");
    ours.run(&["undeploy", "here", "--yes", "--replace-other"]).good();
    assert!(std::net::TcpStream::connect(("127.0.0.1", far.port())).is_err(), "nothing serves");
}

#[test]
fn a_machine_that_was_noted_as_gone_and_is_back_serves_what_it_served() {
    let cli = desk();
    let far = cli.add_local("here");
    cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    cli.run(&["deploy", "tumour@2", "--to", "here"]).good();
    cli.run(&["undeploy", "here", "--yes", "--gone"]).good();
    assert_eq!(states(&cli), ["stopped", "superseded"]);
    // It serves all the same: what this desk made live is its own to go back from.
    assert_eq!(cli.run(&["rollback", "here"]).good()["version"], "tumour@1");
    cli.run(&["undeploy", "here", "--yes", "--gone"]).good();
    let stopped = cli.run(&["undeploy", "here", "--yes"]).good();
    assert!(stopped.get("already").is_none(), "it was stopped now: {stopped}");
    assert!(std::net::TcpStream::connect(("127.0.0.1", far.port())).is_err(), "nothing serves");
}

#[test]
fn what_a_machine_was_set_back_to_is_its_desks_own() {
    let cli = desk();
    let far = cli.add_local("here");
    let kill = || kill(&far);
    // Killed, noted as gone: there is nothing of anybody else's.
    cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    kill();
    cli.run(&["undeploy", "here", "--yes", "--gone"]).good();
    cli.run(&["undeploy", "here", "--yes"]).good();
    cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let (folder, aside) = (far.path().to_owned(), far.path().with_extension("backup"));
    kill();
    let copied = std::process::Command::new("cp").arg("-a").args([&folder, &aside]).status().expect("cp");
    assert!(copied.success());
    for verb in [&["rollback", "here"][..], &["undeploy", "here", "--yes"]] {
        cli.run(&["deploy", "tumour@2", "--to", "here"]).good();
        kill();
        std::fs::remove_dir_all(&folder).expect("removed");
        assert!(std::process::Command::new("cp").arg("-a").args([&aside, &folder]).status().expect("cp").success());
        // Nothing is before what the folder was set back to; and that can be taken down.
        let ended = cli.run(verb);
        assert_ne!(ended.code, 5, "{ended:?}");
    }
}

#[test]
fn a_desk_stays_itself_when_its_home_is_moved() {
    let cli = desk();
    let _far = cli.add_local("here");
    cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let moved = cli.home().with_extension("moved");
    std::fs::rename(cli.home(), &moved).expect("moved");
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(cli.program());
        command.args(["--json", "--no-input", "--home"]).arg(&moved).args(args);
        modeldesk_tests::finish(command, "")
    };
    run(&["deploy", "tumour@2", "--to", "here"]).good();
    run(&["rollback", "here"]).good();
    run(&["undeploy", "here", "--yes"]).good();
}

#[test]
fn a_deployments_id_means_that_deployment() {
    let cli = desk();
    let far = cli.add_local("here");
    let first = cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    cli.run(&["deploy", "tumour@2", "--to", "here"]).good();
    let first = first["deployment"].as_str().expect("an id");
    let error = cli.run(&["undeploy", first, "--yes"]).refused(3);
    assert!(text(&error).contains("tumour@1 is not live on here any more: tumour@2 is"), "{error}");
    assert!(far.ctl("status").is_some_and(|status| status["live"]["ready"] == true), "it still serves");
}

#[test]
fn a_model_that_is_named_is_the_only_one_that_is_taken_down() {
    let (ours, theirs, _far) = two_desks();
    theirs.run(&["deploy", "tumour@2", "--to", "here"]).good();
    let error = ours.run(&["undeploy", "here/penguins", "--yes", "--replace-other"]).refused(3);
    assert!(text(&error).contains("here serves tumour, and not"), "{error}");
    theirs.run(&["target", "check", "here"]).good();
    ours.run(&["undeploy", "here/tumour", "--yes", "--replace-other"]).good();
    // The other desk finds it stopped.
    let stopped = theirs.run(&["undeploy", "here", "--yes"]).good();
    assert_eq!((&stopped["state"], &stopped["already"]), (&json!("stopped"), &json!(true)), "{stopped}");
}

#[test]
fn a_target_whose_server_listens_elsewhere_is_told_and_left_alone() {
    let (ours, theirs, far) = two_desks();
    theirs.run(&["deploy", "tumour@2", "--to", "here"]).good();
    let folder = format!("folder={}", far.path().display());
    ours.run(&["target", "add", "swapped", "--kind", "local", "--set", &folder]).refused(3);
    ours.run(&["target", "remove", "here"]).good();
    ours.run(&["target", "add", "swapped", "--kind", "local", "--set", &folder]).good();
    let check = ours.run(&["target", "check", "swapped"]).bad(4);
    assert!(text(&check["checks"]).contains(&format!("listens on port {} instead of", far.port())), "{check}");
    let error = ours.run(&["undeploy", "swapped", "--yes", "--replace-other"]).refused(4);
    assert!(text(&error).contains(&format!("listens on port {} instead of", far.port())), "{error}");
    theirs.run(&["target", "check", "here"]).good();
}

#[test]
fn what_another_desk_made_live_is_replaced_only_when_somebody_says_so() {
    let (ours, theirs, _far) = two_desks();
    theirs.run(&["deploy", "tumour@2", "--to", "here"]).good();
    let error = ours.run(&["deploy", "tumour@1", "--to", "here"]).refused(5);
    let home = theirs.home().display().to_string();
    for part in ["deployed as tumour@2 by", home.as_str(), "--replace-other"] {
        assert!(text(&error).contains(part), "{part:?} is not in {error}");
    }
    // Known from then on, before anything is tried again.
    let shown = ours.run(&["show", "tumour@1"]).good();
    assert!(text(&shown["replaces"]["here"]).contains(&home), "{shown}");
    let same = ours.run(&["show", "tumour@2"]).good();
    assert!(text(&same["replaces"]["here"]).contains(&home), "{same}");
    assert_eq!(states(&theirs), ["live"]);
    ours.run(&["deploy", "tumour@1", "--to", "here", "--replace-other"]).good();
    assert_eq!(ours.run(&["show", "tumour@2"]).good()["replaces"], json!({}));
    ours.run(&["deploy", "tumour@2", "--to", "here"]).good();
    theirs.run(&["deploy", "tumour@1", "--to", "here"]).refused(5);
}

#[test]
fn an_undeploy_and_a_check_notice_another_desk_too() {
    let (ours, theirs, _far) = two_desks();
    ours.run(&["deploy", "tumour@1", "--to", "here"]).good();
    theirs.run(&["deploy", "tumour@2", "--to", "here", "--replace-other"]).good();
    ours.run(&["undeploy", "here", "--yes"]).refused(5);
    assert_eq!(states(&ours), ["superseded"]);
    ours.run(&["deploy", "tumour@1", "--to", "here", "--replace-other"]).good();
    let check = theirs.run(&["target", "check", "here"]).bad(4);
    let server = |check: &Value| {
        let checks = check["checks"].as_array().expect("checks").clone();
        checks.into_iter().find(|item| item["name"] == "server").expect("a check of the server")
    };
    assert_eq!(server(&check)["ok"], false, "{check}");
    assert!(text(&server(&check)).contains(&ours.home().display().to_string()), "{check}");
    assert_eq!(states(&theirs), ["superseded"]);
    ours.run(&["deploy", "tumour@2", "--to", "here"]).good();
    theirs.run(&["target", "check", "here"]).good();
    assert_eq!(states(&theirs), ["superseded"], "the same version, made live by another desk");

    // What one desk takes down is not live for the other one either.
    theirs.run(&["deploy", "tumour@1", "--to", "here", "--replace-other"]).good();
    theirs.run(&["undeploy", "here", "--yes"]).good();
    ours.run(&["target", "check", "here"]).bad(4);
    assert!(!states(&ours).contains(&"live".to_owned()), "{:?}", states(&ours));
    ours.run(&["target", "remove", "here"]).good();
}

#[test]
fn a_target_from_which_everything_was_taken_down_takes_another_model() {
    let cli = desk();
    let _far = cli.add_local("here");
    cli.run(&["import", &sample("penguins/model.onnx"), "--name", "penguins"]).good();
    cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let error = cli.run(&["deploy", "penguins@1", "--to", "here"]).refused(3);
    assert!(text(&error).contains("modeldesk undeploy here"), "{error}");
    cli.run(&["archive", "tumour"]).refused(3);
    cli.run(&["undeploy", "here", "--yes"]).good();
    cli.run(&["archive", "tumour"]).good();
    let deployed = cli.run(&["deploy", "penguins@1", "--to", "here"]).good();
    assert_eq!((&deployed["version"], &deployed["state"]), (&json!("penguins@1"), &json!("live")));
}

#[test]
fn quiet_means_one_line_and_a_taken_port_is_told_before_anything_is_sent() {
    let cli = desk();
    let far = cli.add_local("here");
    let taken = std::net::TcpListener::bind(("127.0.0.1", far.port())).expect("the port");
    let error = cli.run(&["deploy", "tumour@1", "--to", "here"]).refused(4);
    assert!(text(&error).contains("Check target") && text(&error).contains("is used by process"), "{error}");
    assert!(text(&error).contains("nothing was changed on the target"), "{error}");
    assert!(!far.path().exists(), "what is refused leaves nothing there");
    let check = cli.run(&["target", "check", "here"]).bad(4);
    let port = check["checks"].as_array().expect("checks").iter().find(|item| item["name"] == "port");
    assert_eq!(port.expect("a check of the port")["ok"], false, "{check}");
    drop(taken);
    cli.run(&["target", "check", "here"]).good();
    let mut deploy = cli.command();
    deploy.args(["-q", "deploy", "tumour@1", "--to", "here"]);
    let said = modeldesk_tests::finish(deploy, "");
    assert_eq!((said.code, said.stdout.as_str()), (0, "tumour@1 is live on here (revision 1)\n"), "{said:?}");
    assert_eq!(said.stderr, "");
    let mut resume = cli.command();
    resume.args(["jobs", "resume"]);
    let said = modeldesk_tests::finish(resume, "");
    assert_eq!(said.stdout, "Nothing was interrupted, so there is nothing to take up\n", "{said:?}");
}

#[test]
fn what_was_killed_does_not_answer_and_is_deployed_again() {
    let cli = desk();
    let far = cli.add_local("here");
    let deployed = cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    let ask = |line: &Value| {
        let output = std::process::Command::new("sh").args(["-c", line.as_str().expect("a line")]).output();
        serde_json::from_slice::<Value>(&output.expect("runs").stdout).ok()
    };
    let answer = ask(&deployed["example"]).expect("the server answers the request that is shown");
    assert!(answer["outputs"][0]["data"].is_array(), "{answer}");
    kill(&far);
    let first = |cli: &Cli| cli.run(&["list", "deployments"]).good()["items"][0].clone();
    let since = first(&cli)["not_answering_since"].clone();
    assert!(since.is_string(), "the list looks by itself: {}", first(&cli));
    let check = cli.run(&["target", "check", "here"]).bad(4);
    assert_eq!(check["not_answering_since"], since, "{check}");
    cli.run(&["target", "check", "here"]).bad(4);
    assert_eq!(first(&cli)["not_answering_since"], since, "it is still the same silence");
    let mut people = cli.command();
    people.args(["list", "deployments"]);
    let shown = modeldesk_tests::finish(people, "").stdout;
    assert!(shown.contains("not answering since") && !shown.contains(" live "), "{shown}");
    // The same version, proven once more.
    let again = cli.run(&["deploy", "tumour@1", "--to", "here"]).good();
    assert_eq!((&again["state"], &again["parity"]["ok"]), (&json!("live"), &json!(true)), "{again}");
    assert!(first(&cli).get("not_answering_since").is_none());
    assert!(ask(&again["example"]).is_some());
    assert_eq!(states(&cli), ["live", "superseded"]);
    cli.run(&["undeploy", "here", "--yes"]).good();
    assert!(first(&cli)["ended_at"].is_string(), "{}", first(&cli));
}
