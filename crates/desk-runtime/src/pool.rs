//! Several sessions of one model, so that requests do not wait on each other.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use desk_core::{Cancel, Signature};
use parking_lot::{Condvar, Mutex};

use crate::device::Device;
use crate::engine::Engine;
use crate::error::RuntimeError;
use crate::session::{ModelSession, SessionSpec};

/// How often a waiting request looks at its cancel flag.
const LOOK: Duration = Duration::from_millis(10);

/// Up to `size` sessions of one model. The first is opened at once, the others when they are
/// needed.
#[derive(Debug)]
pub struct SessionPool {
    engine: Engine,
    spec: SessionSpec,
    size: usize,
    signature: Signature,
    device: Device,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug)]
struct State {
    idle: Vec<ModelSession>,
    open: usize,
}

impl SessionPool {
    /// Opens the first session; `size` is at least 1.
    pub fn open(engine: &Engine, spec: &SessionSpec, size: usize) -> Result<Self, RuntimeError> {
        let first = engine.session(spec)?;
        Ok(Self {
            engine: engine.clone(),
            // Later sessions run where the first one does.
            spec: spec.clone().on(first.device_used()),
            size: size.max(1),
            signature: first.signature().clone(),
            device: first.device_used(),
            state: Mutex::new(State { idle: vec![first], open: 1 }),
            returned: Condvar::new(),
        })
    }

    /// Inputs and outputs of the model.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The device that all sessions run on.
    pub fn device_used(&self) -> Device {
        self.device
    }

    /// Sessions that are open now.
    pub fn open_sessions(&self) -> usize {
        self.state.lock().open
    }

    /// An idle session, a new one while there are fewer than `size`, else the next one to come back.
    pub fn get(&self, cancel: &Cancel) -> Result<PooledSession<'_>, RuntimeError> {
        let mut state = self.state.lock();
        loop {
            cancel.check()?;
            if let Some(session) = state.idle.pop() {
                return Ok(PooledSession { pool: self, session: Some(session) });
            }
            if state.open < self.size {
                state.open += 1;
                drop(state);
                return self.open_another();
            }
            let _timed_out = self.returned.wait_for(&mut state, LOOK);
        }
    }

    /// An idle session, or a new one while there are fewer than `size`; none where it would have to be waited for.
    ///
    /// Who holds one session already takes more of them this way: two holders that wait for each other's never end.
    pub fn spare(&self) -> Result<Option<PooledSession<'_>>, RuntimeError> {
        let mut state = self.state.lock();
        if let Some(session) = state.idle.pop() {
            return Ok(Some(PooledSession { pool: self, session: Some(session) }));
        }
        if state.open >= self.size {
            return Ok(None);
        }
        state.open += 1;
        drop(state);
        self.open_another().map(Some)
    }

    /// Opens a session whose place was counted already; gives the place back on failure.
    fn open_another(&self) -> Result<PooledSession<'_>, RuntimeError> {
        match self.engine.session(&self.spec) {
            Ok(session) => Ok(PooledSession { pool: self, session: Some(session) }),
            Err(error) => {
                self.state.lock().open -= 1;
                self.returned.notify_one();
                Err(error)
            }
        }
    }
}

/// A session on loan; dropping it gives it back.
#[derive(Debug)]
pub struct PooledSession<'p> {
    pool: &'p SessionPool,
    session: Option<ModelSession>,
}

impl Deref for PooledSession<'_> {
    type Target = ModelSession;

    fn deref(&self) -> &ModelSession {
        self.session.as_ref().expect("held until it is dropped")
    }
}

impl DerefMut for PooledSession<'_> {
    fn deref_mut(&mut self) -> &mut ModelSession {
        self.session.as_mut().expect("held until it is dropped")
    }
}

impl Drop for PooledSession<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.state.lock().idle.push(session);
            self.pool.returned.notify_one();
        }
    }
}
