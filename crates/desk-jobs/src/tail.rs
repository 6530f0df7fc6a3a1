//! The last lines that a worker printed, for the details of an error.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

const MAX_LINES: usize = 100;
const MAX_LINE_BYTES: u64 = 2000;

/// A ring of lines that fills while the worker prints.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    ended: bool,
}

impl Tail {
    /// Reads until the other end is closed; meant for a thread of its own.
    pub(crate) fn follow(&self, pid: u32, source: impl Read) {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        loop {
            line.clear();
            // A line without an end must not fill the memory: it is cut into pieces.
            match source.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => self.push(pid, String::from_utf8_lossy(&line).trim_end().to_owned()),
            }
        }
        self.state.lock().ended = true;
        self.ended.notify_all();
    }

    fn push(&self, pid: u32, line: String) {
        if line.is_empty() {
            return;
        }
        tracing::debug!(target: "worker", pid, "{line}");
        let mut state = self.state.lock();
        if state.lines.len() == MAX_LINES {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
    }

    /// All lines kept, oldest first. Waits a moment for the end, since a crash is noticed before
    /// its last words are read.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut state = self.state.lock();
        if !state.ended {
            let _timed_out = self.ended.wait_for(&mut state, Duration::from_millis(100));
        }
        state.lines.iter().cloned().collect()
    }
}

/// Starts a thread that follows `source`.
pub(crate) fn spawn(tail: &std::sync::Arc<Tail>, pid: u32, source: impl Read + Send + 'static) -> std::io::Result<()> {
    let tail = std::sync::Arc::clone(tail);
    thread::Builder::new().name("worker-output".into()).spawn(move || tail.follow(pid, source)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines_and_cuts_endless_ones() {
        let mut text: Vec<u8> = (0..150).flat_map(|i| format!("line {i}\n\n").into_bytes()).collect();
        text.extend(vec![b'x'; 5000]);
        let tail = Tail::default();
        tail.follow(1, text.as_slice());
        let lines = tail.lines();
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines[0], "line 53");
        assert_eq!(lines[MAX_LINES - 1].len(), 1000);
    }
}
