//! Python: for fetching a wheel, and for the scripts that train samples and run peers.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::{place, shell};

/// Names a Python that already has the packages of `xtask/python/requirements.txt`.
const OWN_PYTHON: &str = "MODELDESK_PYTHON";

/// A Python 3 on the search path.
pub fn find() -> Result<PathBuf> {
    ["python3", "python", "py"]
        .iter()
        .filter_map(|name| shell::which(name))
        .find(|path| {
            let asked = Command::new(path).args(["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).output();
            asked.is_ok_and(|out| out.status.success())
        })
        .context("no Python 3.9 or newer was found (Debian: apt-get install python3 python3-pip python3-venv)")
}

/// A Python with the pinned packages: `MODELDESK_PYTHON`, else a virtual environment in the cache
/// folder, which is made at the first use and whenever the pins change.
pub fn with_packages() -> Result<PathBuf> {
    if let Some(own) = env::var_os(OWN_PYTHON) {
        return Ok(own.into());
    }
    let pins = place::root().join("xtask/python/requirements.txt");
    let text = fs::read(&pins).with_context(|| format!("cannot read {}", pins.display()))?;
    let folder = place::cache()?.join("python").join(&crate::runtime::hex(&Sha256::digest(&text))[..16]);
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let stamp = folder.join("complete");
    if !stamp.is_file() {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        eprintln!("Making a Python environment in {} (about 1 GB)", folder.display());
        let base = find()?;
        shell::run(Command::new(&base).args(["-m", "venv"]).arg(&folder))
            .context("Python cannot make a virtual environment (Debian: apt-get install python3-venv)")?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&pins);
        shell::run(&mut install).context("the pinned packages need PyPI once; they are kept afterwards")?;
        fs::write(&stamp, "")?;
    }
    Ok(python)
}

/// A folder with more packages for `PYTHONPATH`, without what they need in turn; made at the first use.
pub fn beside(python: &Path, pins: &str) -> Result<PathBuf> {
    let pins = place::root().join("xtask/python").join(pins);
    let text = fs::read(&pins).with_context(|| format!("cannot read {}", pins.display()))?;
    let folder =
        place::cache()?.join("python").join(format!("beside-{}", &crate::runtime::hex(&Sha256::digest(&text))[..16]));
    let stamp = folder.join("complete");
    if !stamp.is_file() {
        let mut install = Command::new(python);
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
            "-r",
        ]);
        shell::run(install.arg(&pins).arg("--target").arg(&folder)).context("the pinned packages need PyPI once")?;
        fs::write(&stamp, "")?;
    }
    Ok(folder)
}

/// A script of reference values, which asks more peers: those of `requirements-reference.txt`.
pub fn reference(python: &Path, name: &str) -> Result<Command> {
    let beside = beside(python, "requirements-reference.txt")?;
    let mut command = script(python, name)?;
    command.env("PYTHONPATH", beside);
    Ok(command)
}

/// One of the scripts in `xtask/python`, ready for arguments.
pub fn script(python: &Path, name: &str) -> Result<Command> {
    let path = place::root().join("xtask/python").join(name);
    if !path.is_file() {
        bail!("there is no script {}", path.display());
    }
    let mut command = Command::new(python);
    command.arg(path).current_dir(place::root());
    command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1").env("OMP_NUM_THREADS", "1");
    Ok(command)
}
