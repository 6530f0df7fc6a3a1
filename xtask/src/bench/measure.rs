//! Wall time and peak memory of a command and everything that it starts.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell;

const INTERVAL: Duration = Duration::from_millis(5);

/// What a command cost.
pub struct Cost {
    /// From start to end, in seconds.
    pub seconds: f64,
    /// Largest sum of the resident memory of the process and its descendants, sampled every 5 ms.
    pub peak_bytes: u64,
    /// Its standard output.
    pub output: String,
}

/// Runs a command to its end; `scratch` takes its output.
pub fn cost(command: &mut Command, scratch: &Path) -> Result<Cost> {
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", shell::shown(command)))?;
    let mut peak_bytes = 0;
    let status = loop {
        peak_bytes = peak_bytes.max(resident_bytes(&child));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(INTERVAL);
    };
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        let said = fs::read_to_string(&err).unwrap_or_default();
        let out = fs::read_to_string(&out).unwrap_or_default();
        bail!("{} ended with {status}:\n{}{}", shell::shown(command), out.trim_end(), said.trim_end());
    }
    Ok(Cost { seconds, peak_bytes, output: fs::read_to_string(&out)? })
}

/// The run of the median time, of several.
pub fn median(runs: usize, mut one: impl FnMut() -> Result<Cost>) -> Result<Cost> {
    let mut costs: Vec<Cost> = (0..runs).map(|_| one()).collect::<Result<_>>()?;
    costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let middle = costs.len() / 2;
    costs.into_iter().nth(middle).context("no run")
}

/// Resident memory of a process and its descendants; zero where there is no /proc.
fn resident_bytes(child: &Child) -> u64 {
    let mut total = 0;
    let mut pending = vec![child.id()];
    while let Some(pid) = pending.pop() {
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        total += kilobytes.unwrap_or(0) * 1024;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            pending.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    total
}
