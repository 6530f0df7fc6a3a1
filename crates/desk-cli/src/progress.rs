//! Progress on standard error.

use desk_core::{Progress, ProgressSink};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Mutex;
use std::time::Duration;

use crate::output::one_line;

/// A bar where somebody watches, nothing where nobody does.
pub struct Bar {
    bar: Option<ProgressBar>,
    stage: Mutex<String>,
}

impl Bar {
    /// A bar when `shown`.
    pub fn new(shown: bool) -> Self {
        let bar = shown.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, stage: Mutex::new(String::new()) }
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl ProgressSink for Bar {
    fn report(&self, progress: Progress) {
        let Some(bar) = &self.bar else { return };
        let Ok(mut stage) = self.stage.lock() else { return };
        if *stage != progress.stage {
            stage.clone_from(&progress.stage);
            let counts = match progress.unit.as_str() {
                "bytes" => "{bytes}/{total_bytes} {bytes_per_sec}",
                _ if progress.about => "{human_pos} of about {human_len} {per_sec}",
                _ => "{human_pos}/{human_len} {per_sec}",
            };
            let template = match progress.total {
                Some(_) => format!("{{msg}} {{wide_bar:.blue}} {counts} {{eta}}"),
                None => "{spinner} {msg} {human_pos}".to_owned(),
            };
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar.set_message(one_line(&progress.stage));
        }
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
        bar.set_position(progress.done);
    }
}
