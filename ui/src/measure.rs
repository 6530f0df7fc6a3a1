//! `--measure first-frame|idle`: how soon the window is there, and what it costs to leave it open.
//!
//! One JSON line on standard output, then the window closes by itself.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use egui::{Context, Ui};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Seconds from the start of the process until the first frame has been presented.
    FirstFrame,
    /// Processor time, frames and memory of a window that nobody touches.
    Idle,
}

impl std::str::FromStr for Measure {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "first-frame" => Ok(Self::FirstFrame),
            "idle" => Ok(Self::Idle),
            _ => Err(()),
        }
    }
}

/// Lists are read and drawn by then.
const SETTLES: Duration = Duration::from_secs(3);
const WATCHED: Duration = Duration::from_secs(10);

/// An application, counted.
pub struct Measured<A> {
    inner: A,
    measure: Measure,
    frames: Arc<AtomicU64>,
}

impl<A: eframe::App> Measured<A> {
    /// Measures a window; `began` is the first moment of `main`.
    pub fn new(inner: A, ctx: &Context, measure: Measure, began: Instant) -> std::io::Result<Self> {
        let frames = Arc::new(AtomicU64::new(0));
        let (counted, ctx) = (Arc::clone(&frames), ctx.clone());
        std::thread::Builder::new().name("measure".into()).spawn(move || {
            let line = match measure {
                Measure::FirstFrame => first_frame(&counted, began),
                Measure::Idle => idle(&counted),
            };
            // Nobody may be listening; the window closes all the same.
            drop(writeln!(std::io::stdout(), "{line}"));
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            ctx.request_repaint();
        })?;
        Ok(Self { inner, measure, frames })
    }
}

impl<A: eframe::App> eframe::App for Measured<A> {
    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let drawn = self.frames.fetch_add(1, Ordering::SeqCst);
        if drawn == 0 && self.measure == Measure::FirstFrame {
            // The second frame begins when the first has been given to the display.
            ui.ctx().request_repaint();
        }
        self.inner.ui(ui, frame);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        self.inner.clear_color(visuals)
    }

    fn on_exit(&mut self, gl: Option<&eframe::glow::Context>) {
        self.inner.on_exit(gl);
    }
}

fn first_frame(frames: &AtomicU64, began: Instant) -> serde_json::Value {
    while frames.load(Ordering::SeqCst) < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let in_main = began.elapsed().as_secs_f64();
    // Loading the program comes before `main`; where the system does not say when, it is left out.
    let seconds = since_start().map_or(in_main, |seconds| seconds.max(in_main));
    serde_json::json!({ "measure": "first-frame", "seconds": rounded(seconds) })
}

fn idle(frames: &AtomicU64) -> serde_json::Value {
    while frames.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(SETTLES);
    let (drawn, used) = (frames.load(Ordering::SeqCst), processor_seconds());
    std::thread::sleep(WATCHED);
    let (drawn, used) = (frames.load(Ordering::SeqCst) - drawn, processor_seconds() - used);
    let watched = WATCHED.as_secs_f64();
    serde_json::json!({
        "measure": "idle", "seconds": watched, "cpu_seconds": rounded(used), "frames": drawn,
        "resident_bytes": resident_bytes(),
    })
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4
}

/// Seconds since this process was started, where the system tells (Linux).
fn since_start() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold spaces; the start is the 20th field after it, in hundredths.
    let ticks: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let up: f64 = fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
    Some(up - ticks / 100.0).filter(|seconds| *seconds >= 0.0)
}

/// Processor time of all threads so far, in seconds; zero where the system does not tell.
fn processor_seconds() -> f64 {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return 0.0 };
    let nanoseconds = |path: std::path::PathBuf| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.flatten().filter_map(|task| nanoseconds(task.path())).sum::<f64>() / 1e9
}

/// Memory of this process that is in the machine's memory; zero where the system does not tell.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_a_start_and_uses_the_processor() {
        if cfg!(target_os = "linux") {
            assert!(since_start().is_some_and(|seconds| seconds < 3600.0));
            assert!(processor_seconds() > 0.0);
            assert!(resident_bytes() > 1 << 20);
        }
        assert_eq!("idle".parse(), Ok(Measure::Idle));
        assert!("nothing".parse::<Measure>().is_err());
    }
}
