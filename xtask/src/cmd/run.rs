//! `cargo xtask run`: from a fresh clone to a working desk with a sample in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{place, runtime, shell};

/// Marks a folder that this command made and may therefore empty.
const MARK: &str = ".modeldesk-sample";

/// Builds, then opens the workbench, or does the same job without a display.
pub fn main(args: &[String]) -> Result<()> {
    if let Some(unknown) = args.iter().find(|a| !["--release", "--headless"].contains(&a.as_str())) {
        bail!("there is no option {unknown}: cargo xtask run [--release] [--headless]");
    }
    let release = args.iter().any(|a| a == "--release");
    let library = runtime::ensure(None)?;
    // The dev profile optimises dependencies and is ready in half the time of a release build.
    let mut build = shell::cargo();
    build.args(["build", "--workspace", "--bins", "--exclude", "xtask"]);
    if release {
        build.arg("--release");
    }
    shell::run(&mut build)?;
    let profile = if release { "release" } else { "debug" };
    let home = place::data()?.join("modeldesk-sample");
    if has_display() && !args.iter().any(|a| a == "--headless") {
        return window(&home, profile, &library);
    }
    if !has_display() {
        println!("There is no display (neither WAYLAND_DISPLAY nor DISPLAY is set): the same job on the command line");
    }
    Tour::new(&home, profile, &library)?.walk()
}

fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

/// The workbench copies the samples into its home itself, and keeps what is there.
fn window(home: &Path, profile: &str, library: &Path) -> Result<()> {
    let mut workbench = Command::new(place::program("modeldesk-workbench", profile));
    workbench.arg("--home").arg(home).arg("--sample").current_dir(place::root());
    shell::run(workbench.env(runtime::LIBRARY_VARIABLE, library))
}

/// Import, test, explain, deploy, deploy a better version, roll back, verify.
struct Tour {
    home: PathBuf,
    target: PathBuf,
    profile: &'static str,
    library: PathBuf,
}

impl Tour {
    /// Starts from an empty home: what a former tour left is stopped and removed.
    fn new(home: &Path, profile: &'static str, library: &Path) -> Result<Self> {
        let home = home.with_file_name("modeldesk-sample-tour");
        let target = home.join("far-side");
        let tour = Self { home, target, profile, library: library.to_path_buf() };
        tour.clean()?;
        fs::create_dir_all(&tour.home).with_context(|| format!("cannot make {}", tour.home.display()))?;
        fs::write(tour.home.join(MARK), "Made by `cargo xtask run`, which may empty this folder.\n")?;
        Ok(tour)
    }

    fn clean(&self) -> Result<()> {
        if !self.home.exists() {
            return Ok(());
        }
        if !self.home.join(MARK).is_file() {
            bail!("{} is not a folder of this command, and stays as it is", self.home.display());
        }
        if self.target.exists() {
            // A tour that was broken off left its server behind; after a whole one there is none to stop.
            drop(shell::output(&mut self.stop()));
        }
        fs::remove_dir_all(&self.home).with_context(|| format!("cannot remove {}", self.home.display()))
    }

    fn stop(&self) -> Command {
        let mut stop = Command::new(place::program("modeldesk-serve", self.profile));
        stop.args(["ctl", "stop", "--root"]).arg(&self.target);
        stop
    }

    fn walk(&self) -> Result<()> {
        let tumour = Path::new("assets/samples/tumour");
        let data = tumour.join("heldout.csv").display().to_string();
        let background = tumour.join("background.csv").display().to_string();
        let (v1, v2) = (tumour.join("v1.onnx").display().to_string(), tumour.join("v2.onnx").display().to_string());
        let folder = format!("folder={}", self.target.display());
        self.step("Import the first version", &["import", &v1, "--name", "tumour", "--golden", &data])?;
        self.step("Score held-out rows", &["predict", "tumour@1", "--data", &data])?;
        self.step(
            "Why was row 4 classified as it was?",
            &["explain", "tumour@1", "--data", &data, "--rows", "4..4", "--background", &background],
        )?;
        let port = format!("port={}", shell::free_port()?);
        let add = ["target", "add", "here", "--kind", "local", "--set", &folder, "--set", &port];
        self.step("Name a target: this computer plays the remote machine", &add)?;
        self.step("Deploy the first version", &["deploy", "tumour@1", "--to", "here"])?;
        self.step("Import a better version", &["import", &v2, "--name", "tumour", "--golden", &data])?;
        self.step("Deploy it", &["deploy", "tumour@2", "--to", "here"])?;
        self.step("Roll back", &["rollback", "here/tumour"])?;
        self.step("Verify the store", &["verify"])?;
        println!("\n== Stop the deployed server");
        shell::run(&mut self.stop())?;
        println!("\nDone. Look around: modeldesk --home {} list", self.home.display());
        Ok(())
    }

    fn step(&self, title: &str, args: &[&str]) -> Result<()> {
        println!("\n== {title}");
        println!("$ modeldesk {}", args.join(" "));
        let mut modeldesk = Command::new(place::program("modeldesk", self.profile));
        modeldesk.arg("--home").arg(&self.home).args(args).current_dir(place::root());
        modeldesk.env(runtime::LIBRARY_VARIABLE, &self.library);
        let status = modeldesk.status().with_context(|| format!("cannot start {}", shell::shown(&modeldesk)))?;
        if !status.success() {
            bail!("the tour stopped at `{title}`: modeldesk ended with {status}");
        }
        Ok(())
    }
}
