//! The encrypted file: round trips, wrong passphrases, damage, two processes, a killed writer.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use desk_core::{Diagnose as _, FaultKind};
use desk_secrets::{
    CredentialSecret, MAX_SECRET_BYTES, Secret, SecretError, SecretStore as _, StoreKind, VaultStore, open_default,
};

const PASSPHRASE: &str = "correct horse battery";
/// Cheap guesses are fine for what these tests keep.
const LOG_N: u8 = 2;

fn passphrase() -> Secret {
    Secret::new(PASSPHRASE)
}

fn create(home: &Path) -> VaultStore {
    VaultStore::create_with_work_factor(&VaultStore::path_in(home), &passphrase(), LOG_N).expect("created")
}

fn open(home: &Path) -> Result<VaultStore, SecretError> {
    VaultStore::open(&VaultStore::path_in(home), &passphrase())
}

#[test]
fn keeps_large_credentials_across_processes_and_never_in_plain_text() {
    let home = tempfile::tempdir().expect("folder");
    let vault = create(home.path());
    let key = "planted-secret\n".repeat(260);
    let credential = CredentialSecret::SshKey { private_key: Secret::new(&key), passphrase: Some(Secret::new("p")) };
    vault.set("edge/ssh", &credential.encode()).expect("kept");
    vault.set("größe", &Secret::new("x".repeat(MAX_SECRET_BYTES))).expect("kept");
    drop(vault);

    let vault = open(home.path()).expect("opens");
    let CredentialSecret::SshKey { private_key, .. } =
        CredentialSecret::decode(&vault.get("edge/ssh").expect("there")).expect("reads back")
    else {
        panic!("another kind came back");
    };
    assert_eq!(private_key.expose(), key);
    assert_eq!(vault.get("größe").expect("there").len(), MAX_SECRET_BYTES);
    vault.remove("größe").expect("there");
    assert!(matches!(open(home.path()).expect("opens").get("größe"), Err(SecretError::Missing { .. })));

    let encoded = "cGxhbnRlZC1zZWNyZXQK"; // base64 of the planted text
    for entry in fs::read_dir(home.path()).expect("folder").flatten() {
        let bytes = fs::read(entry.path()).expect("file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("planted") && !text.contains(encoded), "{:?}", entry.path());
    }
}

#[test]
#[cfg(unix)]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().expect("folder");
    create(home.path()).set("a", &Secret::new("1")).expect("kept");
    let mode = fs::metadata(VaultStore::path_in(home.path())).expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn two_open_stores_see_each_other() {
    let home = tempfile::tempdir().expect("folder");
    let one = create(home.path());
    let two = open(home.path()).expect("opens");
    one.set("a", &Secret::new("1")).expect("kept");
    two.set("b", &Secret::new("2")).expect("kept");
    assert_eq!(one.get("b").expect("seen").expose(), "2");
    assert_eq!(two.get("a").expect("seen").expose(), "1");
}

#[test]
fn wrong_and_weak_passphrases() {
    let home = tempfile::tempdir().expect("folder");
    let path = VaultStore::path_in(home.path());
    let weak = VaultStore::create(&path, &Secret::new("short")).err().expect("refused");
    assert!(matches!(weak, SecretError::WeakPassphrase { len: 5, .. }));
    assert!(!path.exists());

    let mut vault = create(home.path());
    vault.set("a", &Secret::new("1")).expect("kept");
    let wrong = VaultStore::open(&path, &Secret::new("Correct horse battery")).err().expect("refused");
    assert!(matches!(wrong, SecretError::WrongPassphrase { .. }));
    assert_eq!(wrong.kind(), FaultKind::Input);
    assert!(!wrong.hints().is_empty());
    assert!(matches!(VaultStore::create(&path, &passphrase()), Err(SecretError::VaultExists { .. })));

    vault.change_passphrase(&Secret::new("another passphrase")).expect("changed");
    assert!(matches!(open(home.path()), Err(SecretError::WrongPassphrase { .. })));
    let vault = VaultStore::open(&path, &Secret::new("another passphrase")).expect("opens");
    assert_eq!(vault.get("a").expect("kept").expose(), "1");
}

#[test]
fn every_kind_of_damage_is_an_error() {
    let home = tempfile::tempdir().expect("folder");
    let path = VaultStore::path_in(home.path());
    create(home.path()).set("a", &Secret::new("1")).expect("kept");
    let sound = fs::read(&path).expect("file");
    for position in (0..sound.len()).step_by(7) {
        let mut bytes = sound.clone();
        bytes[position] ^= 1;
        fs::write(&path, &bytes).expect("written");
        let error = open(home.path()).err().unwrap_or_else(|| panic!("byte {position} changed and it opened"));
        assert!(matches!(error, SecretError::Damaged { .. } | SecretError::WrongPassphrase { .. }), "{error:?}");
    }
    for length in [0, 1, sound.len() / 2, sound.len() - 1] {
        fs::write(&path, &sound[..length]).expect("written");
        assert!(matches!(open(home.path()), Err(SecretError::Damaged { .. })), "{length} bytes");
    }
    fs::write(&path, &sound).expect("written");
    assert!(open(home.path()).is_ok());
}

#[test]
fn a_header_that_asks_for_hours_of_work_is_refused() {
    let home = tempfile::tempdir().expect("folder");
    let path = VaultStore::path_in(home.path());
    create(home.path());
    let bytes = fs::read(&path).expect("file");
    let end = bytes.windows(3).position(|w| w == b" 2\n").expect("the work factor");
    let harder = [&bytes[..end], b" 40\n", &bytes[end + 3..]].concat();
    fs::write(&path, harder).expect("written");
    let error = open(home.path()).err().expect("refused");
    assert!(error.to_string().contains("work factor of 40"), "{error}");
}

#[test]
fn an_existing_file_is_the_default_and_asks() {
    let home = tempfile::tempdir().expect("folder");
    create(home.path()).set("a", &Secret::new("1")).expect("kept");
    let opened = open_default(home.path(), &mut |request| {
        assert_eq!(request.path, VaultStore::path_in(home.path()));
        Some(passphrase())
    })
    .expect("opens");
    assert_eq!(opened.store.kind(), StoreKind::Vault);
    assert!(opened.notice.contains("vault.age"), "{}", opened.notice);
    assert_eq!(opened.store.get("a").expect("there").expose(), "1");
    opened.store.probe().expect("works");

    let error = open_default(home.path(), &mut |_| None).expect_err("nobody answered");
    assert!(matches!(error, SecretError::Locked { .. }));
}

/// Not a test by itself: the process that the next test kills.
#[test]
#[ignore = "started by `a_killed_writer_leaves_the_old_or_the_new_file`"]
fn writer_process() {
    let home = std::env::var_os("VAULT_TEST_HOME").expect("started by the other test");
    let vault = open(Path::new(&home)).expect("opens");
    for round in 0u32.. {
        vault.set("value", &Secret::new(format!("{round} ").repeat(4_000))).expect("kept");
        // The harness captures nothing with --nocapture; each line says that a write has ended.
        let mut out = std::io::stdout();
        writeln!(out, "wrote {round}").and_then(|()| out.flush()).expect("the other test listens");
    }
}

#[test]
fn a_killed_writer_leaves_the_old_or_the_new_file() {
    let home = tempfile::tempdir().expect("folder");
    create(home.path());
    for kill_after in [0usize, 1, 3, 6, 10] {
        let mut writer = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "writer_process", "--ignored", "--nocapture", "--test-threads=1"])
            .env("VAULT_TEST_HOME", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(writer.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let wrote = lines.filter(|line| line.contains("wrote")).nth(kill_after);
        assert!(wrote.is_some(), "the writer ended early");
        // It is in the middle of its next write now, or soon.
        writer.kill().expect("killed");
        writer.wait().expect("ended");

        let vault = open(home.path()).expect("opens");
        let value = vault.get("value").expect("there");
        let round = value.expose().split(' ').next().expect("a number").to_owned();
        assert_eq!(value.expose(), format!("{round} ").repeat(4_000), "a whole value");
        assert!(round.parse::<usize>().expect("a number") >= kill_after);
        vault.probe().expect("can be written again");
        let files = fs::read_dir(home.path()).expect("folder").count();
        assert_eq!(files, 2, "the vault and its lock, nothing left over");
    }
}
