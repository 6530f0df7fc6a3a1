//! Starts processes from one thread that lives as long as the program.
//!
//! Linux kills a child with its parent *thread* when the child asked for a parent-death signal, so a
//! worker must not be started from a thread that may end before it.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::thread;

use crossbeam_channel::{Sender, bounded, unbounded};

type Order = (Command, Sender<io::Result<Child>>);

/// `command.spawn()`, on the long-lived thread.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static THREAD: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = THREAD.get_or_init(|| {
        let (sender, orders) = unbounded::<Order>();
        let started = thread::Builder::new().name("worker-spawner".into()).spawn(move || {
            for (mut command, answer) in orders {
                // The asker waits for the answer, so this cannot fail.
                drop(answer.send(command.spawn()));
            }
        });
        if let Err(error) = started {
            tracing::error!("No thread could be started: {error}");
        }
        sender
    });
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (sender, answer) = bounded(1);
    orders.send((command, sender)).map_err(|_gone| gone())?;
    answer.recv().map_err(|_gone| gone())?
}
