//! A home on a disk without room: what is there can be read, and room can be made.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use desk_app::{Command, Desk, DeskOptions};
use modeldesk_tests::{Cli, again_on_a_small_disk, sample};

/// Takes all room that is left in a folder.
fn fill(folder: &Path) {
    let mut file = std::fs::File::create(folder.join("ballast")).expect("made");
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
}

/// Makes what is stored old enough for `gc`.
fn age(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("lists").flatten() {
        if entry.path().is_dir() {
            age(&entry.path());
        } else {
            let file = std::fs::File::open(entry.path()).expect("opens");
            file.set_modified(SystemTime::now() - Duration::from_hours(1)).expect("set");
        }
    }
}

#[test]
fn a_full_disk_is_read_and_given_room() {
    if again_on_a_small_disk("a_full_disk_is_read_and_given_room") {
        return;
    }
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    // The model is stored before its golden rows are found not to fit.
    let other = sample("penguins/heldout.csv");
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "lost", "--golden", &other]).refused(3);
    age(&cli.home().join("blobs/sha256"));
    fill(cli.folder());

    let desk = Desk::open(DeskOptions::for_home(cli.home())).expect("opens");
    assert!(desk.full().is_some_and(|fault| fault.message.contains("disk is full")), "the window says so");
    drop(desk);
    assert_eq!(cli.run(&["list"]).good()["items"][0]["name"], "tumour");
    cli.run(&["show", "tumour"]).good();
    cli.run(&["jobs"]).good();
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
    // What it finds depends on this computer; that it answers does not.
    cli.run(&["doctor"]).json();
    let full = cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).refused(3);
    assert!(full["message"].to_string().contains("disk is full"), "{full}");
    assert!(full["hints"].to_string().contains("modeldesk gc"), "{full}");
    let removed = cli.run(&["gc"]).good();
    assert_eq!(removed["blobs"], 1, "{removed}");
    std::fs::remove_file(cli.folder().join("ballast")).expect("removed");
    cli.run(&["import", &sample("tumour/v2.onnx"), "--name", "tumour"]).good();
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
}

#[test]
fn what_a_killed_desk_left_is_read_on_a_full_disk() {
    if again_on_a_small_disk("what_a_killed_desk_left_is_read_on_a_full_disk") {
        return;
    }
    let cli = Cli::new();
    cli.run(&["import", &sample("tumour/v1.onnx"), "--name", "tumour"]).good();
    // A desk that lives has written to the log, and the log is copied as a kill would leave it.
    let live = cli.folder().join("live");
    std::fs::rename(cli.home(), &live).expect("moved");
    let desk = Desk::open(DeskOptions::for_home(&live)).expect("opens");
    let alias = desk_app::command::SetAlias { version: "tumour@1".parse().expect("valid"), alias: "champion".into() };
    desk.run(Command::Alias(alias), &desk_core::Cancel::new(), &desk_core::NoProgress).expect("set");
    copy(&live, &cli.home());
    drop(desk);
    std::fs::remove_dir_all(&live).expect("removed");
    // And an import was killed while it stored.
    let killed = cli.home().join("blobs/tmp/1-1-000000000000-x");
    std::fs::write(&killed, vec![1; 1000]).expect("written");
    std::fs::File::open(&killed)
        .expect("opens")
        .set_modified(SystemTime::now() - Duration::from_hours(48))
        .expect("set");
    fill(cli.folder());

    let shown = cli.run(&["show", "tumour@champion"]).good();
    assert_eq!(shown["version"], 1, "{shown}");
    assert!(!killed.exists(), "it gives its room back");
    assert_eq!(cli.run(&["verify"]).good()["ok"], true);
    cli.run(&["gc"]).good();
}

/// A folder without the files that SQLite's connections share.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("lists").flatten() {
        let there = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &there);
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), there).expect("copied");
        }
    }
}
