//! `cargo xtask bench`: each measure beside its peer, in one run on one machine, kept in docs/benchmarks.md.

mod beeswarm;
mod explain;
mod graph;
mod import;
mod kernel;
mod lime;
mod list;
mod measure;
mod page;
mod predict;
mod push;
mod row;
mod serve;
mod sshd;
mod table;
mod trees;
mod what_if;
mod window;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

use crate::{place, python, runtime, shell};

/// A benchmark: what it is called, what it compares, and how to run it.
struct Bench {
    name: &'static str,
    title: &'static str,
    run: fn(&Context) -> Result<Vec<Row>>,
}

const BENCHES: [Bench; 15] = [
    Bench { name: "predict", title: "Score a CSV file, end to end", run: predict::csv },
    Bench { name: "parquet", title: "Score a large Parquet file in bounded memory", run: predict::parquet },
    Bench { name: "row", title: "One interactive request", run: row::run },
    Bench { name: "import", title: "Import a 2 GB model", run: import::run },
    Bench { name: "list", title: "List models of a full registry", run: list::run },
    Bench { name: "explain", title: "Exact Shapley values of a tree ensemble", run: explain::run },
    Bench { name: "kernel", title: "Explain a model by asking it", run: kernel::run },
    Bench { name: "lime", title: "LIME of a picture and of a text", run: lime::run },
    Bench { name: "push", title: "Push 1 GB over SSH", run: push::run },
    Bench { name: "serve", title: "Start the model server", run: serve::run },
    Bench { name: "graph", title: "Lay out and draw a model's graph", run: graph::run },
    Bench { name: "beeswarm", title: "Draw charts of 100,000 dots", run: beeswarm::run },
    Bench { name: "what-if", title: "Change a value and see what follows", run: what_if::run },
    Bench { name: "table", title: "Look through a million rows", run: table::run },
    Bench { name: "window", title: "Open the window", run: window::run },
];

/// One line of a table.
struct Row {
    what: String,
    ours: f64,
    peer: Option<f64>,
    unit: &'static str,
    /// Seconds and bytes: less is better; a throughput: more is better.
    less_is_better: bool,
    aim: &'static str,
}

impl Row {
    /// How many times better than the peer; above 1 is better.
    fn ratio(&self) -> Option<f64> {
        let peer = self.peer?;
        Some(if self.less_is_better { peer / self.ours } else { self.ours / peer })
    }
}

/// What the benchmarks share.
struct Context {
    /// A folder for large files; empty at the start, removed at the end.
    scratch: PathBuf,
    python: PathBuf,
    library: PathBuf,
    quick: bool,
    /// The examples are built.
    examples: Cell<bool>,
}

impl Context {
    /// `modeldesk` with a home below the scratch folder.
    fn modeldesk(&self, home: &str) -> Command {
        let mut command = Command::new(place::program("modeldesk", "release"));
        command.arg("--home").arg(self.scratch.join(home)).args(["--no-input", "--json"]);
        command.env(runtime::LIBRARY_VARIABLE, &self.library).current_dir(place::root());
        command
    }

    /// Runs `modeldesk` for its JSON answer.
    fn ask<T: DeserializeOwned>(&self, home: &str, args: &[&str]) -> Result<T> {
        let mut command = self.modeldesk(home);
        let text = shell::output(command.args(args))?;
        serde_json::from_str(&text).with_context(|| format!("the answer of {}: {text}", shell::shown(&command)))
    }

    fn script(&self, name: &str) -> Result<Command> {
        let mut command = python::script(&self.python, name)?;
        // A peer may use every core, as it would for its users.
        command.env_remove("OMP_NUM_THREADS");
        Ok(command)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// The program of an example. All are built at once: each by itself would choose other features of what all of them use,
    /// and build that again.
    fn example(&self, name: &str) -> Result<Command> {
        if !self.examples.get() {
            shell::run(shell::cargo().args(["build", "--release", "--workspace", "--examples", "--exclude", "xtask"]))?;
            self.examples.set(true);
        }
        Ok(Command::new(place::target().join("release/examples").join(name)))
    }
}

/// Runs all benchmarks, or those that are named.
pub fn main(args: &[String]) -> Result<()> {
    let quick = args.iter().any(|arg| arg == "--quick");
    let named: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = named.iter().find(|name| BENCHES.iter().all(|bench| bench.name != name.as_str())) {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("there is no benchmark `{unknown}`: {}", known.join(", "));
    }
    let context = prepare(quick)?;
    let mut failed = Vec::new();
    for bench in BENCHES.iter().filter(|bench| named.is_empty() || named.iter().any(|name| *name == bench.name)) {
        eprintln!("\n== {}", bench.title);
        let section = (bench.run)(&context).and_then(|rows| {
            print!("{}", page::table(&rows));
            // Quick runs are for trying the benchmarks; their numbers are not kept.
            if quick { Ok(()) } else { page::keep(bench, &rows) }
        });
        if let Err(error) = section {
            eprintln!("xtask: {}: {error:#}", bench.name);
            failed.push(bench.name);
        }
    }
    fs::remove_dir_all(&context.scratch)?;
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn prepare(quick: bool) -> Result<Context> {
    let library = runtime::ensure(None)?;
    let python = python::with_packages()?;
    shell::run(shell::cargo().args(["build", "--release", "--workspace", "--bins", "--exclude", "xtask"]))?;
    let scratch = place::target().join("bench");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    Ok(Context { scratch, python, library, quick, examples: Cell::new(false) })
}

/// A path as an argument.
fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
