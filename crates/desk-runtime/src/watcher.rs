//! Stops runs whose cancel flag was set: one thread for the whole process, asleep while nothing runs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use desk_core::Cancel;
use ort::session::RunOptions;
use parking_lot::{Condvar, Mutex};

/// How often flags are looked at while something runs.
const LOOK: Duration = Duration::from_millis(5);
/// Looks without any run before the thread goes to sleep. Until then a run that starts need not
/// wake it, which keeps short calls short.
const IDLE_LOOKS: u32 = 100;

#[derive(Default)]
struct Watcher {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    runs: Vec<Watched>,
    next: u64,
    asleep: bool,
}

struct Watched {
    id: u64,
    cancel: Cancel,
    options: Arc<RunOptions>,
}

/// Watches a run until it is dropped. Once dropped, the run's options are not touched any more.
pub(crate) struct Watch {
    watcher: &'static Watcher,
    id: u64,
}

/// Terminates the run of `options` within a few milliseconds after `cancel` is set.
pub(crate) fn watch(cancel: &Cancel, options: &Arc<RunOptions>) -> Watch {
    let watcher = watcher();
    let mut state = watcher.state.lock();
    let id = state.next;
    state.next += 1;
    state.runs.push(Watched { id, cancel: cancel.clone(), options: Arc::clone(options) });
    if state.asleep {
        watcher.wake.notify_one();
    }
    Watch { watcher, id }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watcher.state.lock().runs.retain(|run| run.id != self.id);
    }
}

fn watcher() -> &'static Watcher {
    static WATCHER: OnceLock<&'static Watcher> = OnceLock::new();
    WATCHER.get_or_init(|| {
        let watcher: &'static Watcher = Box::leak(Box::default());
        let started = std::thread::Builder::new().name("cancel-watcher".into()).spawn(|| look(watcher));
        if let Err(error) = started {
            tracing::warn!("Runs cannot be cancelled, no thread could be started: {error}");
        }
        watcher
    })
}

fn look(watcher: &Watcher) {
    let mut idle = 0;
    let mut state = watcher.state.lock();
    loop {
        state.runs.retain(|run| {
            let cancelled = run.cancel.is_cancelled();
            if cancelled && let Err(error) = run.options.terminate() {
                tracing::warn!("A run could not be stopped: {error}");
            }
            !cancelled
        });
        idle = if state.runs.is_empty() { idle + 1 } else { 0 };
        if idle > IDLE_LOOKS {
            state.asleep = true;
            watcher.wake.wait(&mut state);
            state.asleep = false;
            idle = 0;
        } else {
            // Short waits instead of a wake-up call: a `Cancel` is a plain flag that can only be read.
            let _timed_out = watcher.wake.wait_for(&mut state, LOOK);
        }
    }
}
