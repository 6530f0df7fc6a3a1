//! Uploads to a real OpenSSH server that break, stall, are cancelled or find no room.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use desk_core::{Cancel, Fault, FaultKind};
use desk_deploy::remote::{Put, Remote};
use desk_deploy::testing::{TestSshd, is_root};
use desk_deploy::{DeployError, LocalRemote};

use crate::common::skip;
use crate::open;

/// A file of a few megabytes that no compression or run of zeros makes easy.
fn big_file(folder: &std::path::Path, bytes: usize) -> std::path::PathBuf {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut data = Vec::with_capacity(bytes);
    while data.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend(state.to_le_bytes());
    }
    let path = folder.join("big");
    std::fs::write(&path, data).expect("written");
    path
}

fn put<'a>(from: &'a std::path::Path, cancel: &'a Cancel, progress: &'a dyn Fn(u64)) -> Put<'a> {
    Put { from, to: "upload", executable: true, cancel, progress }
}

#[test]
fn a_broken_upload_goes_on_where_it_ended() {
    let server = server!(TestSshd::start());
    let folder = tempfile::tempdir().expect("a folder");
    let there = folder.path().join("there");
    std::fs::create_dir(&there).expect("made");
    let size = 40_000_003;
    let file = big_file(folder.path(), size);
    let size = std::fs::metadata(&file).expect("there").len().max(size as u64);
    let cancel = Cancel::new();

    let remote = open(&server, &there, 10);
    let broken = AtomicU64::new(0);
    let cut = |done: u64| {
        if done > 10_000_000 && broken.swap(done, Ordering::SeqCst) == 0 {
            server.break_connections();
        }
    };
    let error = remote.put(&put(&file, &cancel, &cut)).expect_err("broken");
    assert!(matches!(error, DeployError::Lost { .. }) && error.is_transport(), "{error:?}");
    assert!(!remote.is_alive());
    drop(remote);
    let partial = std::fs::metadata(there.join("upload")).expect("kept").len();
    assert!(partial > 0 && partial < size, "{partial}");

    let remote = open(&server, &there, 10);
    let first = AtomicU64::new(u64::MAX);
    let watch = |done: u64| {
        first.fetch_min(done, Ordering::SeqCst);
    };
    remote.put(&put(&file, &cancel, &watch)).expect("goes on");
    assert_eq!(first.load(Ordering::SeqCst), partial, "it began where it had ended");
    assert_eq!(std::fs::read(there.join("upload")).expect("there"), std::fs::read(&file).expect("there"));
    assert_eq!(std::fs::metadata(there.join("upload")).expect("there").permissions().mode() & 0o777, 0o755);

    // Other bytes, or more of them than the file has, are no start to go on from.
    for wrong in [b"something else".to_vec(), vec![0; size as usize + 5]] {
        std::fs::write(there.join("upload"), wrong).expect("written");
        first.store(u64::MAX, Ordering::SeqCst);
        remote.put(&put(&file, &cancel, &watch)).expect("starts again");
        assert_eq!(first.load(Ordering::SeqCst), 0);
        assert_eq!(std::fs::read(there.join("upload")).expect("there"), std::fs::read(&file).expect("there"));
    }
}

/// Stops or continues the processes that serve a connection.
fn signal_sessions(server: &TestSshd, signal: &str) {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.pid())).expect("Linux");
    for pid in children.split_whitespace() {
        let status = Command::new("kill").args([signal, pid]).status().expect("runs");
        assert!(status.success());
    }
}

#[test]
fn a_stalled_upload_ends_and_a_cancel_is_answered_at_once() {
    let server = server!(TestSshd::start());
    let folder = tempfile::tempdir().expect("a folder");
    let file = big_file(folder.path(), 40_000_000);
    let freeze_at = |done: u64, frozen: &AtomicU64| {
        if done > 5_000_000 && frozen.swap(done, Ordering::SeqCst) == 0 {
            signal_sessions(&server, "-STOP");
        }
    };

    let remote = open(&server, folder.path(), 1);
    let frozen = AtomicU64::new(0);
    let from = Instant::now();
    let error = remote.put(&put(&file, &Cancel::new(), &|done| freeze_at(done, &frozen))).expect_err("stalled");
    assert!(matches!(error, DeployError::Timeout { seconds: 1, .. }), "{error:?}");
    assert!(from.elapsed() < Duration::from_secs(8));
    signal_sessions(&server, "-CONT");
    drop(remote);

    let remote = open(&server, folder.path(), 60);
    let frozen = AtomicU64::new(0);
    let cancel = Cancel::new();
    let (stop, asked) = (cancel.clone(), Arc::new(parking_lot::Mutex::new(None)));
    let note = asked.clone();
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1500));
        *note.lock() = Some(Instant::now());
        stop.cancel();
    });
    let error = remote.put(&put(&file, &cancel, &|done| freeze_at(done, &frozen))).expect_err("cancelled");
    let answered = asked.lock().expect("asked").elapsed();
    waiter.join().expect("ends");
    assert!(matches!(error, DeployError::Cancelled), "{error:?}");
    assert!(answered < Duration::from_millis(500), "{answered:?}");
    signal_sessions(&server, "-CONT");
}

/// A file system of a few megabytes, for as long as this lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Result<Self, String> {
        if !is_root() {
            return Err("only root can mount a small file system".to_owned());
        }
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(folder)),
            Ok(output) => Err(format!("mount: {}", String::from_utf8_lossy(&output.stderr))),
            Err(e) => Err(format!("mount: {e}")),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

#[test]
fn a_full_disk_is_named_here_and_over_ssh() {
    let disk = server!(SmallDisk::mount());
    let folder = tempfile::tempdir().expect("a folder");
    let file = big_file(folder.path(), 10_000_000);
    let full = |remote: &dyn Remote| {
        let cancel = Cancel::new();
        let error = remote.put(&put(&file, &cancel, &|_| {})).expect_err("does not fit");
        assert!(matches!(error, DeployError::DiskFull { .. }), "{error:?}");
        let fault = Fault::from(error);
        assert!(fault.kind == FaultKind::Target && fault.message.contains("no space left"), "{fault:?}");
        remote.remove("upload").expect("removed");
    };
    full(&LocalRemote::open(disk.0.path().to_str().expect("text")).expect("opens"));
    let server = server!(TestSshd::start());
    full(&open(&server, disk.0.path(), 10));
}
