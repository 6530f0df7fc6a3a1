//! Which crate may know which: the order of the table in ARCHITECTURE.md, and who owns a dependency.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::shell;

/// A dependency, and the only crates that may name it.
const OWNERS: [(&[&str], &[&str]); 6] = [
    (&["egui", "eframe", "egui_extras", "egui_plot", "egui_table"], &["desk-uikit", "modeldesk-workbench"]),
    (&["ort", "ort-sys"], &["desk-runtime"]),
    (&["rusqlite", "rusqlite_migration"], &["desk-store"]),
    (&["keyring-core", "zbus-secret-service-keyring-store", "age"], &["desk-secrets"]),
    (&["russh", "russh-sftp"], &["desk-deploy"]),
    (&["landlock", "seccompiler"], &["desk-jobs"]),
];

/// Crates that open no socket and no database, and what that means for their dependencies.
const QUIET: [&str; 4] = ["desk-core", "desk-explain", "desk-monitor", "desk-data"];
const LOUD: [&str; 10] =
    ["reqwest", "tokio", "hyper", "hyper-util", "axum", "rusqlite", "russh", "russh-sftp", "desk-store", "desk-deploy"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Debug, Clone, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build` or nothing.
    kind: Option<String>,
}

impl Package {
    /// Dependencies of the crate itself; its tests may know more.
    fn needs(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")).map(|d| d.name.as_str())
    }
}

/// Problems of the dependency graph.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let mut cargo = shell::cargo();
    let text = shell::output(cargo.current_dir(root).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let packages = serde_json::from_str::<Metadata>(&text).context("cargo metadata")?.packages;
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    Ok(judge(root, &packages, &rows(&architecture)))
}

/// Folders in the order of the crate table: the first cell of each row that is one word in backticks.
fn rows(architecture: &str) -> Vec<String> {
    let cell = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let lines = architecture.lines().skip_while(|line| !line.starts_with("## Crates"));
    lines.take_while(|line| !line.starts_with("## Inv")).filter_map(cell).collect()
}

fn judge(root: &Path, packages: &[Package], rows: &[String]) -> Vec<String> {
    let folder = |package: &Package| {
        let path = Path::new(&package.manifest_path).parent().unwrap_or(root);
        path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    };
    let place = |name: &str| {
        let package = packages.iter().find(|p| p.name == name)?;
        rows.iter().position(|row| *row == folder(package))
    };
    let mut found = Vec::new();
    for row in rows {
        if !packages.iter().any(|p| folder(p) == *row) {
            found.push(format!("ARCHITECTURE.md has a row for `{row}`, which is no crate"));
        }
    }
    for package in packages {
        let name = &package.name;
        let Some(mine) = place(name) else {
            found.push(format!("`{name}` has no row in the crate table of ARCHITECTURE.md"));
            continue;
        };
        for needed in package.needs() {
            if place(needed).is_some_and(|theirs| theirs >= mine) {
                found.push(format!("`{name}` depends on `{needed}`, which stands below it in ARCHITECTURE.md"));
            }
            for (owned, owners) in OWNERS {
                if owned.contains(&needed) && !owners.contains(&name.as_str()) {
                    found.push(format!("`{name}` depends on `{needed}`: only {} may", owners.join(" and ")));
                }
            }
            if QUIET.contains(&name.as_str()) && LOUD.contains(&needed) {
                found.push(format!("`{name}` opens no socket and no database, so it may not depend on `{needed}`"));
            }
            if name == "desk-uikit" && place(needed).is_some() {
                found.push(format!("`desk-uikit` knows nothing of the domain, so it may not depend on `{needed}`"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, needs: &[(&str, Option<&str>)]) -> Package {
        let dependencies =
            needs.iter().map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: kind.map(str::to_owned) });
        Package {
            name: name.to_owned(),
            manifest_path: format!("/r/crates/{name}/Cargo.toml"),
            dependencies: dependencies.collect(),
        }
    }

    fn check(packages: &[Package], wanted: &[&str]) {
        let table = "## Crates\n| crate | what |\n| --- | --- |\n| `crates/desk-core` | a |\n\
                     | `crates/desk-data` | b |\n| `crates/desk-store` | c |\n## Invariants\n| `crates/no` | |\n";
        let rows = rows(table);
        assert_eq!(rows.len(), 3);
        let found = judge(Path::new("/r"), packages, &rows);
        assert_eq!(found.len(), wanted.len(), "{found:#?}");
        for (problem, part) in found.iter().zip(wanted) {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn arrows_point_up_only() {
        let core = package("desk-core", &[]);
        let store = package("desk-store", &[("desk-core", None), ("rusqlite", None)]);
        check(&[core.clone(), package("desk-data", &[("desk-core", None)]), store.clone()], &[]);
        check(&[core, package("desk-data", &[("desk-store", None)]), store], &["stands below", "no socket"]);
    }

    #[test]
    fn owners_are_kept_but_tests_may_know_more() {
        let (core, store) = (package("desk-core", &[]), package("desk-store", &[]));
        check(&[core.clone(), package("desk-data", &[("ort", Some("dev"))]), store.clone()], &[]);
        let data = package("desk-data", &[("ort", None), ("egui", Some("build"))]);
        check(&[core, data, store], &["only desk-runtime", "only desk-uikit"]);
    }

    #[test]
    fn every_crate_has_a_row_and_every_row_a_crate() {
        let wanted = ["row for `crates/desk-store`", "`desk-new` has no row"];
        check(&[package("desk-core", &[]), package("desk-data", &[]), package("desk-new", &[])], &wanted);
    }
}
