//! What every file keeps to: a module's first line, its length, no path of somebody's computer, sizes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::runtime;

/// Files that must be there.
const WANTED: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docs/glossary.md",
    "clippy.toml",
    "deny.toml",
];

/// Folders and the bytes that they may have.
const SIZES: [(&str, u64); 3] = [("assets/samples", 3_000_000), ("tests/reference", 3_500_000), ("icons", 500_000)];

const LONGEST: usize = 700;

/// Ways to begin a path on one person's computer; split, so that this file does not hold them.
const PRIVATE_PATHS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/"), concat!("C:\\Us", "ers\\")];

/// Files of the window that are not views: its start, and what runs off the frame.
const OFF_FRAME: [&str; 4] = ["ui/src/main.rs", "ui/src/background.rs", "ui/src/frame.rs", "ui/src/measure.rs"];

/// What a view may not call.
const BLOCKING: [&str; 8] =
    ["thread::sleep", "fs::read", "fs::write", "fs::copy", "File::open", "File::create", "TcpStream", "reqwest::"];

/// Problems of the files that belong to the repository.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for wanted in WANTED {
        if !root.join(wanted).is_file() {
            found.push(format!("{wanted} is missing"));
        }
    }
    for (folder, limit) in SIZES {
        let total: u64 =
            walk(&root.join(folder))?.iter().filter_map(|path| fs::metadata(path).ok()).map(|m| m.len()).sum();
        if total > limit {
            found.push(format!("{folder} has {total} bytes, more than {limit}"));
        }
    }
    found.extend(stale_reference(root)?);
    for path in walk(root)? {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        found.extend(judge(&shown, &text));
    }
    Ok(found)
}

/// Models that changed since the reference values were made from them.
fn stale_reference(root: &Path) -> Result<Vec<String>> {
    let list = root.join("tests/reference/made_from.json");
    let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let digests: BTreeMap<String, String> = serde_json::from_str(&text).context("tests/reference/made_from.json")?;
    let changed = digests.iter().filter(|(path, digest)| {
        let found = runtime::sha256(&root.join(path));
        found.map_or(true, |found| found != **digest)
    });
    let advice = "is not what tests/reference was made from: cargo xtask samples --reference";
    Ok(changed.map(|(path, _)| format!("{path} {advice}")).collect())
}

/// Problems of one text file.
fn judge(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
    if extension == "lock" {
        return found;
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(private) = PRIVATE_PATHS.iter().find(|private| line.contains(*private)) {
            found.push(format!("{path}:{}: names a path of one computer, `{private}`", number + 1));
        }
    }
    if extension != "rs" {
        return found;
    }
    if !text.trim_start().starts_with("//!") {
        found.push(format!("{path}: does not begin with a line of module documentation (`//!`)"));
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        found.push(format!("{path}: has {lines} lines, more than {LONGEST}: does it hold more than one idea?"));
    }
    found.extend(blocking(path, text));
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        // A module that several test programs share is used in part by each, which `expect` cannot say.
        let shared = path.contains("tests/common/") && code.contains("dead_code");
        if shared {
            continue;
        }
        if code.starts_with("#[allow(") || code.starts_with("#![allow(") {
            found.push(format!("{path}:{}: use #[expect(..., reason = ...)] for `allow`", number + 1));
        }
    }
    found
}

/// Calls that would hold up a frame, in the code of a view. Tests may make them, and so may a closure that runs in the
/// background and says so in the line before: `// off the frame`.
fn blocking(path: &str, text: &str) -> Vec<String> {
    let views = ["ui/src/", "crates/desk-uikit/src/"];
    if !views.iter().any(|folder| path.starts_with(folder)) || OFF_FRAME.contains(&path) {
        return Vec::new();
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut found = Vec::new();
    let mut excused = false;
    for (number, line) in code.lines().enumerate() {
        let call = BLOCKING.iter().find(|call| line.contains(**call) && !line.trim_start().starts_with("//"));
        if let Some(call) = call.filter(|_| !excused) {
            let number = number + 1;
            found.push(format!("{path}:{number}: `{call}` holds up a frame: make it a job, or say `// off the frame`"));
        }
        excused = line.contains("// off the frame");
    }
    found
}

/// All files below a folder, without build outputs, hidden folders and what is not there.
fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        if !folder.is_dir() {
            continue;
        }
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name();
            let skipped = ["target", ".git", "__pycache__", "node_modules"].iter().any(|skip| name == *skip);
            if skipped {
                // A worktree has a file named .git where a clone has a folder.
                continue;
            }
            if kind.is_dir() {
                pending.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, wanted: &[&str]) {
        let found = judge(path, text);
        assert_eq!(found.len(), wanted.len(), "{found:#?}");
        for (problem, part) in found.iter().zip(wanted) {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn rust_files_begin_with_documentation_and_stay_short() {
        check("src/a.rs", "//! A module.\n\nfn main() {}\n", &[]);
        check("src/a.rs", "fn main() {}\n", &["module documentation"]);
        check("src/a.rs", &format!("//! Long.\n{}", "\n".repeat(700)), &["701 lines"]);
        check("notes.md", &"\n".repeat(900), &[]);
    }

    #[test]
    fn views_do_not_wait() {
        let text =
            "//! A.\n// thread::sleep is no answer\nfn a() { std::thread::sleep(LONG) }\n#[cfg(test)]\nfs::read()";
        check("ui/src/models/view.rs", text, &["ui/src/models/view.rs:3"]);
        check("ui/src/models/view.rs", &text.replace("is no answer", ", off the frame"), &["view.rs:3"]);
        check("ui/src/models/view.rs", &text.replace("thread::sleep is no answer", "off the frame"), &[]);
        check("crates/desk-app/src/a.rs", text, &[]);
    }

    #[test]
    fn no_allow_and_no_private_path() {
        check("src/a.rs", "//! A.\n    #[allow(dead_code)]\n", &["src/a.rs:2"]);
        check("a/tests/common/mod.rs", "//! A.\n#![allow(dead_code, reason = \"shared\")]\n", &[]);
        let private = format!("see {}me/notes", PRIVATE_PATHS[0]);
        check("docs/a.md", &private, &["names a path"]);
        check("Cargo.lock", &private, &[]);
    }
}
