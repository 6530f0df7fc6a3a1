//! Keys, passphrases and host keys: what is wrong is told when it is given, not when it is used.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use desk_deploy::testing::TestSshd;
use modeldesk_tests::{Cli, finish, offered_key, sample};
use serde_json::Value;

/// A private key, encrypted with a passphrase unless that is empty.
fn key(cli: &Cli, name: &str, passphrase: &str) -> PathBuf {
    let path = cli.folder().join(name);
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(&path);
    assert!(make.stdout(Stdio::null()).status().expect("ssh-keygen is there").success());
    path
}

/// A desk whose secrets lie in an encrypted file.
fn desk_with_vault() -> Cli {
    let cli = Cli::new();
    cli.run_with(&["credential", "create-vault", "--stdin"], "correct horse\n").good();
    cli
}

const UNLOCK: &str = "correct horse\n";

#[test]
fn a_key_that_could_not_be_used_is_refused_when_it_is_set() {
    let cli = desk_with_vault();
    let encrypted = key(&cli, "encrypted", "sesame").display().to_string();
    let set = |file: &str, extra: &[&str], input: &str| {
        let args = ["--passphrase-stdin", "credential", "set", "edge", "--kind", "ssh-key", "--key-file", file];
        cli.run_with(&[&args[..], extra].concat(), &format!("{UNLOCK}{input}"))
    };
    let message = |error: Value| error["message"].as_str().unwrap_or_default().to_owned();
    // Nobody can be asked for what is missing.
    let error = set(&encrypted, &[], "").refused(2);
    let hints = error["hints"].to_string();
    assert!(hints.contains("two lines and add --stdin") && hints.contains("MODELDESK_PASSPHRASE_FD"), "{hints}");
    let missing = set(&encrypted, &["--stdin"], "").refused(3);
    assert!(missing["hints"].to_string().contains("two lines"), "{missing}");
    let said = message(error);
    assert!(said.contains("the passphrase of") && said.contains("encrypted"), "{said}");
    let said = message(set(&encrypted, &["--stdin"], "wrong\n").refused(3));
    assert!(said.contains("the passphrase does not open it"), "{said}");
    set(&encrypted, &["--stdin"], "sesame\n").good();
    set(&encrypted, &["--stdin", "--passphrase"], "sesame\n").good();
    set(&key(&cli, "plain", "").display().to_string(), &[], "").good();
    let damaged = cli.folder().join("damaged");
    std::fs::write(&damaged, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
        .expect("written");
    let said = message(set(&damaged.display().to_string(), &[], "").refused(3));
    assert!(said.contains("the private key cannot be used"), "{said}");
}

#[test]
fn a_passphrase_that_is_not_there_stops_only_what_needs_it() {
    let mut cli = desk_with_vault();
    cli.env("MODELDESK_PASSPHRASE_FD", "87");
    cli.run(&["target", "add", "here", "--kind", "local"]).good();
    cli.run(&["target", "check", "here"]).good();
    cli.run(&["jobs", "resume"]).good();
    cli.run(&["doctor"]).good();
    cli.run(&["target", "remove", "here"]).good();
    let error = cli.run(&["credential", "remove", "edge"]).refused(3);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("file descriptor 87")), "{error}");
}

#[test]
fn trusting_forgetting_and_listing_need_no_secret() {
    let Ok(sshd) = TestSshd::start() else { return };
    let cli = desk_with_vault();
    let unlocked = |args: &[&str]| cli.run_with(&[&["--passphrase-stdin"][..], args].concat(), UNLOCK);
    let file = sshd.key_file().display().to_string();
    unlocked(&["credential", "set", "edge", "--kind", "ssh-key", "--key-file", &file]).good();
    let far = cli.add_ssh("edge", &sshd, sshd.port(), "edge");
    let offered = offered_key(&unlocked(&["target", "check", "edge"]));
    let trusted = cli.run(&["target", "trust", "edge", &offered]).good();
    assert_eq!(trusted["trusted_key"], offered.as_str());
    assert!(trusted["checks"].to_string().contains("not tried"), "{trusted}");
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    let live = unlocked(&["deploy", "tumour", "--to", "edge"]).good();
    assert_eq!(live["far"]["host"], "127.0.0.1", "it is another machine's loopback address: {live}");
    let tunnel = format!("ssh -N -L {p}:127.0.0.1:{p} -p {} {}@127.0.0.1", sshd.port(), sshd.user(), p = far.port());
    assert_eq!(live["far"]["tunnel"], tunnel.as_str());
    let error = cli.run(&["target", "remove", "edge"]).refused(3);
    assert!(error["message"].as_str().is_some_and(|text| text.starts_with("edge serves tumour@1")), "{error}");
    let mut list = cli.command();
    list.args(["list", "deployments"]);
    let said = finish(list, "");
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    unlocked(&["undeploy", "edge", "--yes"]).good();
    cli.run(&["target", "remove", "edge"]).good();
}

#[test]
fn what_is_not_named_stays_when_a_target_is_changed() {
    let cli = Cli::new();
    let set = ["--set", "host=edge", "--set", "user=u", "--set", "folder=/srv/m", "--set", "serve-port=9000"];
    cli.run(&[&["target", "add", "edge", "--kind", "ssh"][..], &set].concat()).good();
    let changed = cli.run(&["target", "add", "edge", "--replace", "--set", "host=other"]).good();
    let is = |key: &str| {
        let settings = changed["config"].as_array().expect("settings");
        settings.iter().find(|pair| pair[0] == key).map(|pair| pair[1].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(
        ["host", "user", "folder", "serve-port"].map(|key| is(key).expect("a setting")),
        ["other", "u", "/srv/m", "9000"]
    );
    cli.run(&["target", "add", "new"]).refused(2);
}

/// A port that leads to one of several servers.
struct Switchboard {
    port: u16,
    to: Arc<Mutex<SocketAddr>>,
}

impl Switchboard {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address").port();
        let to = Arc::new(Mutex::new(SocketAddr::from(([127, 0, 0, 1], port))));
        let leads = Arc::clone(&to);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(*leads.lock().expect("sound")) else { continue };
                for (mut from, mut into) in
                    [(near.try_clone().expect("a socket"), far.try_clone().expect("a socket")), (far, near)]
                {
                    std::thread::spawn(move || {
                        // Whoever ends the connection ends both ways.
                        drop(std::io::copy(&mut from, &mut into));
                        drop(into.shutdown(std::net::Shutdown::Both));
                    });
                }
            }
        });
        Self { port: at, to }
    }

    fn lead_to(&self, port: u16) {
        self.to.lock().expect("sound").set_port(port);
    }
}

#[test]
fn trusting_and_checking_end_with_what_came_of_them() {
    let (first, second) = match (TestSshd::start(), TestSshd::start()) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(why), _) | (_, Err(why)) => panic!("{why}"),
    };
    let mut cli = desk_with_vault();
    let board = Switchboard::to(first.port());
    let stranger = key(&cli, "stranger", "").display().to_string();
    let credential =
        ["--passphrase-stdin", "credential", "set", "stranger", "--kind", "ssh-key", "--key-file", &stranger];
    cli.run_with(&credential, UNLOCK).good();
    let _far = cli.add_ssh("edge", &first, board.port, "stranger");
    cli.env("MODELDESK_LOG", "off");
    let run = |args: &[&str]| cli.run_with(&[&["--passphrase-stdin"][..], args].concat(), UNLOCK);
    let offered = offered_key(&run(&["target", "check", "edge"]));
    // The key is right and is kept; the login is refused.
    let trusted = run(&["target", "trust", "edge", &offered]);
    assert_eq!(trusted.code, 4, "{trusted:?}");
    assert_eq!(trusted.json()["trusted_key"], offered.as_str());
    assert_eq!(run(&["target", "check", "edge"]).code, 4);
    // Another machine answers.
    board.lead_to(second.port());
    let changed = run(&["target", "check", "edge"]);
    let now = changed.json()["offered_key"].as_str().expect("the key that it shows now").to_owned();
    assert_ne!(now, offered);
    assert_eq!(changed.json()["trusted_key"], offered.as_str(), "nothing is trusted by looking");
    assert_eq!(changed.code, 5, "{changed:?}");
    assert!(changed.stdout.contains("has changed"), "{changed:?}");
    run(&["target", "trust", "edge", &offered]).refused(5);
    // What is said to help does.
    let (_, hint) = changed.stdout.split_once("modeldesk target trust ").expect("the command that helps");
    let words: Vec<&str> = hint.split([' ', '"']).take(2).collect();
    assert_eq!(words[0], "edge", "{hint}");
    let trusted = run(&["target", "trust", words[0], words[1]]);
    assert_eq!(trusted.json()["trusted_key"], words[1], "{trusted:?}");
    let now = run(&["target", "check", "edge"]);
    assert!(!now.stdout.contains("has changed"), "{now:?}");
    drop((first, second));
    run(&["target", "trust", "edge", &offered]).refused(4);
    let mut shown = cli.command();
    shown.args(["list", "targets"]);
    assert_eq!(finish(shown, "").code, 0);
}

/// Somebody sits at a terminal: he is asked, nothing that he types is shown, and the deployment goes on.
#[test]
fn a_deployment_asks_for_the_passphrase_where_somebody_can_answer() {
    use std::io::{Read as _, Write as _};

    let sshd = TestSshd::start().expect("an sshd");
    let cli = desk_with_vault();
    let unlocked = |args: &[&str]| cli.run_with(&[&["--passphrase-stdin"][..], args].concat(), UNLOCK);
    let file = sshd.key_file().display().to_string();
    unlocked(&["credential", "set", "edge", "--kind", "ssh-key", "--key-file", &file]).good();
    let _far = cli.add_ssh("edge", &sshd, sshd.port(), "edge");
    let offered = offered_key(&unlocked(&["target", "check", "edge"]));
    cli.run(&["target", "trust", "edge", &offered]).good();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    // Without a terminal nobody can be asked, and nothing is tried.
    let error = cli.run(&["deploy", "tumour", "--to", "edge"]);
    assert!(error.code != 0 && error.stdout.contains("--passphrase-stdin"), "{error:?}");

    let line = format!("'{}' --home '{}' deploy tumour --to edge", cli.program().display(), cli.home().display());
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = match terminal.spawn() {
        Ok(terminal) => terminal,
        Err(error) => return eprintln!("SKIPPED: there is no `script`, which makes a terminal: {error}"),
    };
    let (mut keys, mut screen) = (terminal.stdin.take().expect("piped"), terminal.stdout.take().expect("piped"));
    let mut shown = Vec::new();
    let mut bytes = [0; 4096];
    let mut typed = false;
    while let Ok(n @ 1..) = screen.read(&mut bytes) {
        shown.extend_from_slice(&bytes[..n]);
        if !typed && String::from_utf8_lossy(&shown).contains("Passphrase of the encrypted file: ") {
            keys.write_all(UNLOCK.as_bytes()).expect("typed");
            typed = true;
        }
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(terminal.wait().expect("ends").success() && typed, "{shown}");
    assert!(shown.contains("tumour@1 is live on edge"), "{shown}");
    assert!(!shown.contains("correct horse"), "what is typed is not shown");
}

/// Nobody has trusted the key: a check is as little a success as a deployment is.
#[test]
fn a_key_that_is_not_trusted_ends_with_5() {
    let sshd = TestSshd::start().expect("an sshd");
    let cli = Cli::new();
    let (port, user) = (format!("port={}", sshd.port()), format!("user={}", sshd.user()));
    let place = ["--set", "host=127.0.0.1", "--set", &port, "--set", &user, "--set", "folder=/srv/model"];
    cli.run(&[&["target", "add", "edge", "--kind", "ssh"][..], &place].concat()).good();
    let check = cli.run(&["target", "check", "edge"]).bad(5);
    assert_eq!((&check["reachable"], &check["fault"]["kind"]), (&Value::Bool(false), &Value::from("policy")));
    let mut shown = cli.command();
    shown.args(["target", "check", "edge"]);
    let shown = finish(shown, "");
    assert!(shown.code == 5 && shown.stderr.contains("modeldesk target trust edge SHA256:"), "{shown:?}");

    // It changed nothing, and is not said to have been undone.
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    cli.run(&["deploy", "tumour", "--to", "edge"]).refused(5);
    let mut list = cli.command();
    list.args(["list", "deployments"]);
    let list = finish(list, "").stdout;
    assert!(list.contains(" refused ") && !list.contains("undone"), "{list}");

    let line = format!("'{}' --home '{}' target check edge", cli.program().display(), cli.home().display());
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]);
    if Command::new("script").arg("--version").output().is_err() {
        return eprintln!("SKIPPED: there is no `script`, which makes a terminal");
    }
    let said = finish(terminal, "n\n");
    assert!(said.code == 5 && said.stdout.contains("It is not trusted"), "{said:?}");
}
