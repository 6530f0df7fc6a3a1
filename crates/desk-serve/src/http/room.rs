//! Places for connections. When all are taken, whoever keeps one without using it has to give it up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::clock::Clock;

/// A client that is waited for has this long, when others wait for its place.
const DAWDLING: Duration = Duration::from_millis(100);
/// A connection without a request has this long, when others wait for its place.
const IDLE: Duration = Duration::from_secs(1);
/// How often somebody is asked to leave while a client waits.
const EVERY: Duration = Duration::from_millis(10);

/// So many places, and who has them.
pub struct Room {
    places: Arc<Semaphore>,
    guests: Mutex<Guests>,
}

#[derive(Default)]
struct Guests {
    next: u64,
    all: HashMap<u64, Guest>,
}

struct Guest {
    clock: Arc<Clock>,
    leave: Arc<Notify>,
}

/// A place; given back when dropped.
pub struct Place {
    room: Arc<Room>,
    id: u64,
    clock: Arc<Clock>,
    leave: Arc<Notify>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// So many places.
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { places: Arc::new(Semaphore::new(places)), guests: Mutex::default() })
    }

    /// The next free place. While there is none, those who do not use theirs are asked to leave.
    pub async fn enter(self: &Arc<Self>, clock: &Arc<Clock>) -> Place {
        loop {
            let free = Arc::clone(&self.places).try_acquire_owned().ok();
            if free.is_none() {
                self.ask_one_to_leave();
            }
            let free = match free {
                Some(free) => Some(free),
                None => timeout(EVERY, Arc::clone(&self.places).acquire_owned()).await.ok().and_then(Result::ok),
            };
            if free.is_some() {
                return self.seat(clock, free);
            }
        }
    }

    /// A place beyond the limit.
    pub fn squeeze_in(self: &Arc<Self>, clock: &Arc<Clock>) -> Place {
        self.seat(clock, None)
    }

    fn seat(self: &Arc<Self>, clock: &Arc<Clock>, permit: Option<OwnedSemaphorePermit>) -> Place {
        let leave = Arc::new(Notify::new());
        let mut guests = self.guests.lock();
        guests.next += 1;
        let id = guests.next;
        guests.all.insert(id, Guest { clock: Arc::clone(clock), leave: Arc::clone(&leave) });
        Place { room: Arc::clone(self), id, clock: Arc::clone(clock), leave, _permit: permit }
    }

    /// Whoever has been waited for longest, else whoever has been idle longest.
    fn ask_one_to_leave(&self) {
        let mut guests = self.guests.lock();
        let longest = |spent: &dyn Fn(&Clock) -> Option<Duration>, least: Duration| {
            let of = |(id, guest): (&u64, &Guest)| Some((spent(&guest.clock)?, *id));
            guests.all.iter().filter_map(of).filter(|(spent, _)| *spent >= least).max().map(|(_, id)| id)
        };
        let found = longest(&Clock::dawdles, DAWDLING).or_else(|| longest(&Clock::idle, IDLE));
        // Nobody is asked twice.
        if let Some(guest) = found.and_then(|id| guests.all.remove(&id)) {
            guest.leave.notify_one();
        }
    }
}

impl Place {
    /// What happens on the connection.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Returns when others wait for this place and its connection makes no use of it.
    pub async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.guests.lock().all.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_room_makes_room_for_who_waits() {
        let room = Room::new(2);
        let (busy, slow, fresh) = (Arc::new(Clock::new()), Arc::new(Clock::new()), Arc::new(Clock::new()));
        busy.request_begins();
        let _busy = room.enter(&busy).await;
        let dawdler = room.enter(&slow).await;
        let leaves = tokio::spawn(async move {
            dawdler.asked_to_leave().await;
            drop(dawdler);
        });
        let _third = room.enter(&fresh).await;
        leaves.await.expect("it was asked");
        assert_eq!(room.guests.lock().all.len(), 2);
        let over = room.squeeze_in(&Arc::new(Clock::new()));
        assert_eq!(room.guests.lock().all.len(), 3);
        drop(over);
        assert_eq!(room.guests.lock().all.len(), 2);
    }
}
