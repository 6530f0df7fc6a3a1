//! The real Secret Service: GNOME Keyring on a session bus of its own, with a fresh home.
//!
//! Each test starts itself again inside `dbus-run-session`; nothing of the user's session is touched.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use desk_secrets::{CredentialSecret, KeyringStore, Secret, SecretError, SecretStore as _, StoreKind, open_default};

/// Runs the test `name` of this file again inside a new session; true in the outer process.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn again_inside_a_session(name: &str, unlock: bool) -> bool {
    if std::env::var_os("KEYRING_TEST_INSIDE").is_some() {
        return false;
    }
    for program in ["dbus-run-session", "gnome-keyring-daemon"] {
        if !installed(program) {
            eprintln!("SKIPPED {name}: {program} is not installed (Debian packages: dbus gnome-keyring)");
            return true;
        }
    }
    let fresh = tempfile::tempdir().expect("folder");
    for folder in ["home", "run", "desk"] {
        std::fs::create_dir(fresh.path().join(folder)).expect("folder");
    }
    let start = if unlock {
        "printf test-pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$0\" \"$@\""
    } else {
        "exec \"$0\" \"$@\""
    };
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", start])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", name, "--nocapture"])
        .env("KEYRING_TEST_INSIDE", "1")
        .env("HOME", fresh.path().join("home"))
        .env("XDG_RUNTIME_DIR", fresh.path().join("run"))
        .env("XDG_DATA_HOME", fresh.path().join("home/data"))
        .env("DESK_HOME", fresh.path().join("desk"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("dbus-run-session starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the inner test did not run: {text}");
    true
}

fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn desk_home() -> std::path::PathBuf {
    std::env::var_os("DESK_HOME").expect("inside the session").into()
}

#[test]
fn keeps_credentials_in_the_real_keyring() {
    if again_inside_a_session("keeps_credentials_in_the_real_keyring", true) {
        return;
    }
    let opened = open_default(&desk_home(), &mut |_| panic!("no passphrase is needed")).expect("opens");
    assert_eq!(opened.store.kind(), StoreKind::Keyring);
    assert!(opened.notice.contains("keyring"), "{}", opened.notice);

    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA=\n".repeat(70);
    let credential =
        CredentialSecret::SshKey { private_key: Secret::new(&key), passphrase: Some(Secret::new("ä ö")) };
    opened.store.set("edge", &credential.encode()).expect("kept");
    // A second connection, as another process would have it.
    let store = KeyringStore::open(&desk_home()).expect("opens");
    let CredentialSecret::SshKey { private_key, passphrase } =
        CredentialSecret::decode(&store.get("edge").expect("there")).expect("reads back")
    else {
        panic!("another kind came back");
    };
    assert_eq!(private_key.expose(), key);
    assert_eq!(passphrase.expect("kept").expose(), "ä ö");

    store.set("edge", &Secret::new("second")).expect("replaced");
    assert_eq!(store.get("edge").expect("there").expose(), "second");
    assert!(matches!(store.get("other"), Err(SecretError::Missing { .. })));
    assert!(matches!(store.remove("other"), Err(SecretError::Missing { .. })));

    // Another home does not see it.
    let other_home = tempfile::tempdir().expect("folder");
    let other = KeyringStore::open(other_home.path()).expect("opens");
    assert!(matches!(other.get("edge"), Err(SecretError::Missing { .. })));

    store.remove("edge").expect("removed");
    assert!(matches!(store.get("edge"), Err(SecretError::Missing { .. })));
    assert!(!grep(Path::new(&desk_home()), b"second"), "the home holds no secret");
}

#[test]
fn a_locked_keyring_says_that_it_is_locked() {
    if again_inside_a_session("a_locked_keyring_says_that_it_is_locked", false) {
        return;
    }
    // The daemon is started by the bus and was never unlocked.
    let store = KeyringStore::open(&desk_home()).expect("connects");
    let errors = [
        store.get("edge").expect_err("locked"),
        store.set("edge", &Secret::new("1")).expect_err("locked"),
        store.remove("edge").expect_err("locked"),
        open_default(&desk_home(), &mut |_| None).expect_err("locked"),
    ];
    for error in errors {
        assert!(matches!(error, SecretError::Locked { .. }), "{error:?}");
    }
}

#[test]
fn without_a_bus_the_error_offers_the_encrypted_file() {
    if std::env::var_os("KEYRING_TEST_INSIDE").is_none() {
        let fresh = tempfile::tempdir().expect("folder");
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "without_a_bus_the_error_offers_the_encrypted_file", "--nocapture"])
            .env("KEYRING_TEST_INSIDE", "1")
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", fresh.path().join("none").display()))
            .env("HOME", fresh.path())
            .env("XDG_RUNTIME_DIR", fresh.path())
            .env("DESK_HOME", fresh.path())
            .output()
            .expect("starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let error = open_default(&desk_home(), &mut |_| panic!("there is no file to ask for")).expect_err("no bus");
    assert!(matches!(error, SecretError::Unavailable { .. }), "{error:?}");
    let fault = desk_core::Fault::from(error);
    assert_eq!(fault.kind, desk_core::FaultKind::Environment);
    assert!(fault.hints[0].contains("encrypted file"), "{fault:?}");
    assert!(!desk_home().join("vault.age").exists(), "it is never made silently");
}

fn grep(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).expect("folder").flatten().any(|entry| {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}
