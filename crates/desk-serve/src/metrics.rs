//! Counters, in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::resident_bytes;

/// Upper bounds of the latency histogram in seconds.
const BOUNDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A distribution of durations.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum_ns: AtomicU64,
}

impl Histogram {
    fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let mut below = 0;
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            below += bucket.load(Ordering::Relaxed);
            line(out, &format!("{name}_bucket"), &format!("{labels},le=\"{bound}\""), below);
        }
        let count = self.count.load(Ordering::Relaxed);
        line(out, &format!("{name}_bucket"), &format!("{labels},le=\"+Inf\""), count);
        line(out, &format!("{name}_sum"), labels, self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9);
        line(out, &format!("{name}_count"), labels, count);
    }
}

/// What this process has counted since it started. A revision's process starts at zero.
#[derive(Debug)]
pub struct Metrics {
    started: SystemTime,
    /// By HTTP status.
    codes: Vec<AtomicU64>,
    infer: Histogram,
    run: Histogram,
    rows: AtomicU64,
    /// Inference requests that are being read, waiting or running.
    pub in_flight: AtomicU64,
    /// Open connections.
    pub connections: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: SystemTime::now(),
            codes: (0..600).map(|_| AtomicU64::new(0)).collect(),
            infer: Histogram::default(),
            run: Histogram::default(),
            rows: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        }
    }
}

/// What the model is called, for labels.
#[derive(Debug, Clone, Copy)]
pub struct ModelLabels<'a> {
    /// Name in URLs.
    pub name: &'a str,
    /// Version as in answers.
    pub version: &'a str,
    /// Digest of the manifest, hexadecimal.
    pub digest: &'a str,
    /// Runtime and device.
    pub runtime: &'a str,
}

impl Metrics {
    /// Counts a finished request of any kind.
    pub fn answered(&self, status: u16) {
        if let Some(counter) = self.codes.get(usize::from(status)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a successful inference: the whole request, the run alone, its rows.
    pub fn inferred(&self, request: Duration, run: Duration, rows: usize) {
        self.infer.observe(request);
        self.run.observe(run);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// The exposition text.
    pub fn render(&self, model: ModelLabels<'_>) -> String {
        let mut out = String::with_capacity(4096);
        let labels = format!("model=\"{}\",version=\"{}\"", escape(model.name), escape(model.version));
        head(&mut out, "modeldesk_requests_total", "counter", "HTTP requests by status code.");
        for (code, counter) in self.codes.iter().enumerate() {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                line(&mut out, "modeldesk_requests_total", &format!("{labels},code=\"{code}\""), count);
            }
        }
        head(&mut out, "modeldesk_infer_duration_seconds", "histogram", "Successful inference requests, whole.");
        self.infer.write(&mut out, "modeldesk_infer_duration_seconds", &labels);
        head(&mut out, "modeldesk_run_duration_seconds", "histogram", "The model's own run, waiting excluded.");
        self.run.write(&mut out, "modeldesk_run_duration_seconds", &labels);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, kind, help, value) in [
            ("modeldesk_rows_total", "counter", "Rows scored.", load(&self.rows)),
            ("modeldesk_requests_in_flight", "gauge", "Inference requests in work.", load(&self.in_flight)),
            ("modeldesk_connections", "gauge", "Open connections.", load(&self.connections)),
        ] {
            head(&mut out, name, kind, help);
            line(&mut out, name, &labels, value);
        }
        head(&mut out, "modeldesk_model_info", "gauge", "The version that this process serves.");
        let info = format!("{labels},digest=\"{}\",runtime=\"{}\"", model.digest, escape(model.runtime));
        line(&mut out, "modeldesk_model_info", &info, 1);
        if let Some(bytes) = resident_bytes() {
            head(&mut out, "process_resident_memory_bytes", "gauge", "Resident memory.");
            line(&mut out, "process_resident_memory_bytes", "", bytes);
        }
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        head(&mut out, "process_start_time_seconds", "gauge", "Start of this process, Unix time.");
        line(&mut out, "process_start_time_seconds", "", started);
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("writing to a String cannot fail");
}

fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    writeln!(out, "{name}{labels} {value}").expect("writing to a String cannot fail");
}

fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let metrics = Metrics::default();
        metrics.answered(200);
        metrics.answered(200);
        metrics.answered(404);
        metrics.answered(9999);
        metrics.inferred(Duration::from_millis(2), Duration::from_micros(100), 3);
        metrics.inferred(Duration::from_mins(1), Duration::from_secs(30), 4);
        let text = metrics.render(ModelLabels { name: "a\"b", version: "3", digest: "d", runtime: "r" });
        for expect in [
            "modeldesk_requests_total{model=\"a\\\"b\",version=\"3\",code=\"200\"} 2\n",
            "code=\"404\"} 1\n",
            "modeldesk_infer_duration_seconds_bucket{model=\"a\\\"b\",version=\"3\",le=\"0.001\"} 0\n",
            "modeldesk_infer_duration_seconds_bucket{model=\"a\\\"b\",version=\"3\",le=\"0.0025\"} 1\n",
            "modeldesk_infer_duration_seconds_bucket{model=\"a\\\"b\",version=\"3\",le=\"10\"} 1\n",
            "modeldesk_infer_duration_seconds_bucket{model=\"a\\\"b\",version=\"3\",le=\"+Inf\"} 2\n",
            "modeldesk_infer_duration_seconds_count{model=\"a\\\"b\",version=\"3\"} 2\n",
            "modeldesk_rows_total{model=\"a\\\"b\",version=\"3\"} 7\n",
        ] {
            assert!(text.contains(expect), "{expect} in {text}");
        }
    }
}
