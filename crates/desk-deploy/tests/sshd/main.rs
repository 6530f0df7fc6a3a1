//! Logging in to, and files on, a real OpenSSH server.

macro_rules! server {
    ($started:expr) => {
        match $started {
            Ok(server) => server,
            Err(why) => return skip(&why),
        }
    };
}

#[path = "../common/mod.rs"]
mod common;
mod uploads;

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::skip;
use desk_core::{Digest, Fault, FaultKind};
use desk_deploy::remote::{Exec, Remote};
use desk_deploy::testing::{TestSshd, TestUser};
use desk_deploy::{
    Connector as _, Credential, Decision, DeployError, HostKeyPolicy, KnownHosts, LocalRemote, OfferedKey, SshRemote,
    TargetConfig, TargetConnector, check,
};

fn log_in(server: &TestSshd, credential: Credential) -> Result<Box<dyn Remote>, Fault> {
    connect(server.target("modeldesk", 8123), credential, server.known_hosts())
}

fn connect(target: TargetConfig, credential: Credential, hosts: KnownHosts) -> Result<Box<dyn Remote>, Fault> {
    TargetConnector::new(target, Some(credential), Arc::new(hosts)).expect("valid").connect()
}

/// A target on a server, with other settings.
fn target(port: u16, user: &str, connect_timeout_secs: u64, stall_timeout_secs: u64) -> TargetConfig {
    TargetConfig::Ssh {
        host: "127.0.0.1".to_owned(),
        port,
        user: user.to_owned(),
        folder: "/tmp/modeldesk-never-made".to_owned(),
        serve_port: 8123,
        connect_timeout_secs,
        stall_timeout_secs,
    }
}

fn open(server: &TestSshd, folder: &std::path::Path, stall_secs: u64) -> SshRemote {
    let config = TargetConfig::Ssh {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        user: server.user().to_owned(),
        folder: folder.to_str().expect("text").to_owned(),
        serve_port: 8123,
        connect_timeout_secs: 10,
        stall_timeout_secs: stall_secs,
    };
    let hosts: Arc<dyn HostKeyPolicy> = Arc::new(server.known_hosts());
    SshRemote::connect(&config, &server.key(), &hosts).expect("logs in")
}

#[test]
fn keys_of_every_form_log_in() {
    let server = server!(TestSshd::start());
    let forms: [(&str, &str, &[&str]); 7] = [
        ("ed25519", "", &["-t", "ed25519"]),
        ("ed25519-locked", "open sesame", &["-t", "ed25519", "-a", "4"]),
        ("rsa", "", &["-t", "rsa", "-b", "2048"]),
        ("rsa-pem", "", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pem-locked", "open sesame", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("ecdsa", "", &["-t", "ecdsa"]),
        ("ecdsa-pkcs8-locked", "open sesame", &["-t", "ecdsa", "-m", "PKCS8"]),
    ];
    for (name, passphrase, args) in forms {
        let private_key = server.add_key(name, passphrase, args).expect("a key");
        let passphrase = (!passphrase.is_empty()).then(|| passphrase.into());
        let credential = Credential::Key { private_key, passphrase };
        let remote = log_in(&server, credential).unwrap_or_else(|fault| panic!("{name}: {fault:?}\n{}", server.log()));
        assert_eq!(remote.exec(&Exec::new(["echo", "hello"])).expect("runs").text(), "hello");
    }
}

#[test]
fn a_locked_key_needs_its_passphrase() {
    let server = server!(TestSshd::start());
    let private_key = server.add_key("locked", "open sesame", &["-t", "ed25519", "-a", "4"]).expect("a key");
    let with = |passphrase: Option<&str>| {
        let passphrase = passphrase.map(Into::into);
        log_in(&server, Credential::Key { private_key: private_key.clone(), passphrase })
            .map(drop)
            .expect_err("refused")
    };
    let fault = with(None);
    assert!(fault.message.contains("encrypted") && fault.kind == FaultKind::Input, "{fault:?}");
    let fault = with(Some("wrong"));
    assert!(fault.message.contains("passphrase does not open it"), "{fault:?}");
    assert!(!format!("{fault:?}").contains("wrong"), "the passphrase is repeated");
}

#[test]
fn a_key_that_is_not_authorised_is_refused_with_what_to_do() {
    let server = server!(TestSshd::start());
    let stranger = server!(TestSshd::start());
    let fault = log_in(&server, stranger.key()).map(drop).expect_err("refused");
    assert!(fault.message.contains("refused this key") && fault.kind == FaultKind::Target, "{fault:?}");
    assert!(fault.hints.iter().any(|hint| hint.contains("authorized_keys")), "{fault:?}");
}

#[test]
fn a_password_logs_in_and_a_wrong_one_does_not() {
    let server = server!(TestSshd::start());
    let user = server!(TestUser::create());
    let target = || target(server.port(), &user.name, 10, 10);
    let remote = connect(target(), Credential::Password(user.password.clone()), server.known_hosts());
    let remote = remote.unwrap_or_else(|fault| panic!("{fault:?}\n{}", server.log()));
    assert_eq!(remote.exec(&Exec::new(["id", "-un"])).expect("runs").text(), user.name);
    drop(remote);
    let fault = connect(target(), Credential::Password("not it".into()), server.known_hosts()).map(drop);
    let fault = fault.expect_err("refused");
    assert!(fault.message.contains("refused this password"), "{fault:?}");
    assert!(fault.hints.iter().any(|hint| hint.contains("publickey")), "{fault:?}");
    assert!(!format!("{fault:?}").contains("not it"), "the password is repeated");
}

/// The environment of this process must not be changed while other tests read it: the agent is
/// used by a child of its own.
#[test]
fn the_keys_of_an_agent_log_in() {
    if let Ok(port) = std::env::var("MODELDESK_TEST_AGENT_PORT") {
        let value = |name: &str| std::env::var(name).expect("set by the parent");
        let hosts =
            KnownHosts::new().with("127.0.0.1", port.parse().expect("a port"), value("MODELDESK_TEST_HOST_KEY"));
        let target = target(port.parse().expect("a port"), &value("MODELDESK_TEST_USER"), 10, 10);
        let remote = connect(target, Credential::Agent, hosts);
        match value("MODELDESK_TEST_AGENT_EXPECT").as_str() {
            "" => drop(remote.unwrap_or_else(|fault| panic!("{fault:?}"))),
            says => {
                let fault = remote.map(drop).expect_err("refused");
                assert!(fault.message.contains(says), "{fault:?}");
            }
        }
        return;
    }
    let server = server!(TestSshd::start());
    let socket = server.dir().join("agent");
    let agent = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
    let Ok(mut agent) = agent else { return skip("no ssh-agent on this computer") };
    let until = Instant::now() + Duration::from_secs(5);
    while !socket.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let child = |socket: &std::path::Path, expect: &str| {
        Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "the_keys_of_an_agent_log_in", "--nocapture"])
            .env("SSH_AUTH_SOCK", socket)
            .env("MODELDESK_TEST_AGENT_PORT", server.port().to_string())
            .env("MODELDESK_TEST_HOST_KEY", server.host_key())
            .env("MODELDESK_TEST_USER", server.user())
            .env("MODELDESK_TEST_AGENT_EXPECT", expect)
            .output()
            .expect("runs")
    };
    let add = |key: &std::path::Path| {
        let added = Command::new("ssh-add").arg(key).env("SSH_AUTH_SOCK", &socket).stderr(Stdio::null()).status();
        assert!(added.expect("runs").success());
    };
    let no_agent = child(&server.dir().join("nobody"), "agent cannot be used");
    let empty = child(&socket, "holds no keys");
    let stranger = server!(TestSshd::start());
    add(&stranger.key_file());
    let wrong_key = child(&socket, "refused every key of the agent");
    add(&server.key_file());
    let right_key = child(&socket, "");
    drop(agent.kill());
    drop(agent.wait());
    for output in [no_agent, empty, wrong_key, right_key] {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Says yes, and counts how often it was asked.
struct Trusting {
    asked: AtomicUsize,
    seen: parking_lot::Mutex<Option<OfferedKey>>,
    patience: Duration,
}

impl HostKeyPolicy for Trusting {
    fn known(&self, _host: &str, _port: u16) -> Option<String> {
        None
    }

    fn decide(&self, offered: &OfferedKey) -> Decision {
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.seen.lock() = Some(offered.clone());
        std::thread::sleep(self.patience);
        Decision::Trust
    }
}

#[test]
fn first_contact_shows_the_fingerprint_and_trusts_nobody_by_itself() {
    let server = server!(TestSshd::start());
    let hosts = Arc::new(KnownHosts::new());
    let connector = TargetConnector::new(server.target("m", 8123), Some(server.key()), hosts.clone()).expect("valid");
    let fault = connector.connect().map(drop).expect_err("unknown");
    let shown = Command::new("ssh-keygen").arg("-lf").arg(server.dir().join("host_key.pub")).output().expect("runs");
    let shown = String::from_utf8_lossy(&shown.stdout).split_whitespace().nth(1).expect("a fingerprint").to_owned();
    assert!(fault.message.contains(&shown) && fault.kind == FaultKind::Policy, "{fault:?} {shown}");
    let offered = hosts.offered().expect("remembered");
    assert_eq!(
        (offered.fingerprint.as_str(), offered.public_key.as_str()),
        (shown.as_str(), server.host_key().as_str())
    );
    assert!(!check(&connector, None).reachable);

    // The fingerprint alone is as good a record as the whole key.
    let known = KnownHosts::new().with("127.0.0.1", server.port(), shown);
    connect(server.target("m", 8123), server.key(), known).map(drop).expect("known");
}

#[test]
fn a_person_may_take_longer_than_the_connect_timeout() {
    let server = server!(TestSshd::start());
    let policy = Arc::new(Trusting {
        asked: AtomicUsize::new(0),
        seen: parking_lot::Mutex::new(None),
        patience: Duration::from_millis(1500),
    });
    let target = target(server.port(), server.user(), 1, 10);
    let connector = TargetConnector::new(target, Some(server.key()), policy.clone()).expect("valid");
    connector.connect().map(drop).expect("trusted");
    assert_eq!(policy.asked.load(Ordering::SeqCst), 1);
    assert_eq!(policy.seen.lock().as_ref().map(|key| key.public_key.clone()), Some(server.host_key()));
}

#[test]
fn a_changed_host_key_is_refused_without_asking() {
    let mut server = server!(TestSshd::start());
    let hosts = server.known_hosts();
    let old = hosts.known("127.0.0.1", server.port()).expect("known");
    server.change_host_key().expect("restarted");
    assert_ne!(old, server.host_key());
    let fault = connect(server.target("m", 8123), server.key(), hosts).map(drop).expect_err("refused");
    assert!(fault.message.contains("has changed") && fault.message.matches("SHA256:").count() == 2, "{fault:?}");
    assert!(fault.kind == FaultKind::Policy && fault.hints.len() >= 2, "{fault:?}");
}

#[test]
fn nobody_there_nobody_answering_and_somebody_else() {
    let key = || Credential::Password("x".into());
    let closed = target(desk_deploy::testing::free_port(), "u", 2, 2);
    let fault = connect(closed, key(), KnownHosts::new()).map(drop).expect_err("closed");
    assert!(fault.message.contains("cannot reach 127.0.0.1") && fault.kind == FaultKind::Target, "{fault:?}");

    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let from = Instant::now();
    let fault = connect(target(port, "u", 1, 1), key(), KnownHosts::new()).map(drop).expect_err("silent");
    assert!(fault.message.contains("took longer than 1 s"), "{fault:?}");
    assert!(from.elapsed() < Duration::from_secs(4));

    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = web.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        use std::io::Write as _;
        for mut stream in web.incoming().flatten() {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let fault = connect(target(port, "u", 2, 2), key(), KnownHosts::new()).map(drop).expect_err("no SSH");
    assert!(fault.message.contains("cannot reach"), "{fault:?}");
}

#[test]
fn a_server_without_sftp_or_tunnels_is_named_as_such() {
    let server = server!(TestSshd::start_with(&["AllowTcpForwarding no", "Subsystem sftp /bin/false"]));
    let fault = log_in(&server, server.key()).map(drop).expect_err("no SFTP");
    assert!(fault.message.contains("no SFTP"), "{fault:?}");
    let server = server!(TestSshd::start_with(&["AllowTcpForwarding no"]));
    let fault = log_in(&server, server.key()).expect("logs in").forward(80).map(drop).expect_err("forbidden");
    assert!(fault.to_string().contains("forbids tunnels"), "{fault:?}");
}

/// What every far side must do alike.
fn file_operations(remote: &dyn Remote) {
    let text = |path: &str| remote.read(path).expect("read").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert_eq!(remote.stat("a").expect("looked"), None);
    assert_eq!(remote.list("nowhere").expect("listed"), Vec::<String>::new());
    remote.make_dirs("a/b c/d").expect("made");
    remote.make_dirs("a/b c/d").expect("made again");
    assert!(remote.stat("a/b c/d").expect("looked").expect("there").is_dir);
    let odd = "a/it's \"$HOME\" & ünï";
    remote.write(odd, b"one").expect("written");
    remote.write(odd, b"three").expect("replaced");
    assert_eq!(text(odd).as_deref(), Some("three"));
    assert_eq!(text("a/none"), None);
    let long = vec![7u8; 200_000];
    remote.write("long", &long).expect("written");
    assert_eq!(remote.read("long").expect("read"), Some(long.clone()));
    assert_eq!(
        remote.digests(&[odd.to_owned(), "long".to_owned()]).expect("digests"),
        [Digest::of("three"), Digest::of(&long)]
    );

    remote.rename(odd, "a/plain").expect("renamed");
    remote.write("a/other", b"other").expect("written");
    remote.rename("a/other", "a/plain").expect("replaced by renaming");
    assert_eq!(text("a/plain").as_deref(), Some("other"));
    assert_eq!(remote.list("a").expect("listed"), ["b c", "plain"]);
    remote.rename("a/b c", "a/folder").expect("renamed a folder");

    assert!(remote.link_new("plain", "a/link").expect("made"));
    assert!(!remote.link_new("other", "a/link").expect("refused"), "a link that is there stays");
    assert_eq!(remote.read_link("a/link").expect("read").as_deref(), Some("plain"));
    assert_eq!(
        (remote.read_link("a/plain").expect("no link"), remote.read_link("a/none").expect("nothing")),
        (None, None)
    );
    remote.link("folder", "a/link").expect("pointed at a folder");
    remote.link("plain", "a/link").expect("pointed back, not into the folder");
    assert_eq!(text("a/link").as_deref(), Some("other"));
    assert_eq!(remote.list("a/folder").expect("listed"), ["d"]);

    remote.share("a/plain", "a/twin").expect("shared");
    remote.share("a/plain", "a/twin").expect("shared again");
    assert_eq!(text("a/twin").as_deref(), Some("other"));
    remote.remove("a/link").expect("removed the link");
    assert_eq!(text("a/plain").as_deref(), Some("other"), "not what it pointed at");
    remote.remove("a/folder").expect("removed a folder");
    remote.remove("a/folder").expect("nothing left to remove");
    assert_eq!(remote.list("a").expect("listed"), ["plain", "twin"]);

    let output = remote.exec(&Exec::new(["printf", "%s|", "a b", "it's", "$x", ""])).expect("runs");
    assert_eq!(output.text(), "a b|it's|$x||");
    let output = remote.exec(&Exec::script("cat; echo oops >&2; exit 7", [""; 0]).stdin("input")).expect("runs");
    assert_eq!((output.status, output.text().as_str(), output.stderr.as_slice()), (7, "input", &b"oops\n"[..]));
    let failed = remote.must(&Exec::new(["false"])).expect_err("fails");
    assert!(matches!(failed, DeployError::Command { status: 1, .. }), "{failed:?}");
    let from = Instant::now();
    let slow = remote.exec(&Exec::new(["sleep", "30"]).timeout(Duration::from_millis(300))).expect_err("too slow");
    assert!(matches!(slow, DeployError::Timeout { .. }) && from.elapsed() < Duration::from_secs(5), "{slow:?}");
    // A daemon that keeps its output open does not keep us.
    let from = Instant::now();
    let daemon = remote.exec(&Exec::script("sleep 20 & echo started", [""; 0])).expect("runs");
    assert!(daemon.text() == "started" && from.elapsed() < Duration::from_secs(5), "{daemon:?}");
    assert!(remote.free_bytes().expect("df") > 0);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    assert!(remote.port_in_use(port).expect("looked"));
    let forward = remote.forward(port).expect("a way");
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 4];
            if stream.read_exact(&mut bytes).is_ok() {
                drop(stream.write_all(b"pong"));
            }
        }
    });
    let mut stream = std::net::TcpStream::connect(forward.address).expect("connects");
    let mut answer = [0; 4];
    std::io::Write::write_all(&mut stream, b"ping").expect("sent");
    std::io::Read::read_exact(&mut stream, &mut answer).expect("answered");
    assert_eq!(&answer, b"pong");
    assert!(!remote.port_in_use(desk_deploy::testing::free_port()).expect("looked"));
}

#[test]
fn files_and_commands_are_alike_here_and_over_ssh() {
    let here = tempfile::tempdir().expect("a folder");
    file_operations(&LocalRemote::open(here.path().to_str().expect("text")).expect("opens"));
    let server = server!(TestSshd::start());
    let there = tempfile::tempdir().expect("a folder");
    file_operations(&open(&server, there.path(), 10));
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let server = server!(TestSshd::start());
    let connector = server.connector("/proc/modeldesk", 8123).expect("valid");
    let fault = Fault::from(connector.connect().expect("logs in").make_dirs("run").expect_err("refused"));
    assert!(fault.message.contains("/proc/modeldesk") && fault.kind == FaultKind::Target, "{fault:?}");
}
