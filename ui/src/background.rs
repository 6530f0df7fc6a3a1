//! Work off the frame: queries on a few threads, and what is known of jobs.
//!
//! Architecture invariant: a view never reads a file, the store or the network. It asks a
//! [`Slot`] for a value, which is fetched here and arrives with a repaint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use desk_app::{Desk, JobView, query::Event};
use desk_core::Fault;
use desk_uikit::{ErrorText, Loadable};
use parking_lot::Mutex;

use crate::fault::error_text;

/// Queries wait for a thread up to this many; a slot that finds the queue full asks again.
const QUEUE: usize = 64;
const THREADS: usize = 3;
/// What other processes change is looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Whether servers on this computer still run is looked at this often, and at the start.
const LOOK_AT_LOCAL_EVERY: Duration = Duration::from_secs(30);
/// Jobs report often; the window looks at most this often.
const JOBS_EVERY: Duration = Duration::from_millis(80);

type Work = Box<dyn FnOnce() + Send>;

/// What changed how often; a slot reads again when its number has grown.
#[derive(Debug, Default)]
pub struct Epochs {
    models: AtomicU64,
    targets: AtomicU64,
    deployments: AtomicU64,
    /// Files of the user may have changed.
    files: AtomicU64,
    /// Another process changed something: all of them, in one step.
    elsewhere: AtomicU64,
    all: AtomicU64,
}

/// What a query depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Models, versions, aliases, runs.
    Models,
    /// Targets and credentials.
    Targets,
    /// Deployments.
    Deployments,
    /// Any of them.
    Any,
    /// Files of the user: looked at again when somebody comes back to the window.
    Files,
    /// Nothing that changes by itself.
    Fixed,
}

impl Epochs {
    fn bump(&self, event: &Event) {
        let counter = match event {
            Event::Models => &self.models,
            Event::Targets => &self.targets,
            Event::Deployments => &self.deployments,
            Event::Elsewhere => &self.elsewhere,
            Event::Job(_) => return,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of a topic now.
    pub fn of(&self, topic: Topic) -> u64 {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let fixed = read(&self.all);
        let all = fixed + read(&self.elsewhere);
        match topic {
            // A deployment changes what a model's row says, and a target's.
            Topic::Models => all + read(&self.models) + read(&self.deployments),
            Topic::Targets => all + read(&self.targets) + read(&self.deployments),
            Topic::Deployments => all + read(&self.deployments),
            Topic::Any => all + read(&self.models) + read(&self.targets) + read(&self.deployments),
            Topic::Files => fixed + read(&self.files),
            Topic::Fixed => fixed,
        }
    }
}

/// Jobs as they were a moment ago.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// Newest first.
    pub list: Arc<Vec<JobView>>,
    taken: Instant,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { list: Arc::default(), taken: Instant::now() }
    }
}

impl Jobs {
    /// Jobs as they are now, newest first.
    pub fn now(list: Vec<JobView>) -> Self {
        Self { list: Arc::new(list), taken: Instant::now() }
    }

    /// Those that are not finished, newest first.
    pub fn running(&self) -> impl Iterator<Item = &JobView> {
        self.list.iter().filter(|job| !job.state.is_final())
    }

    /// Seconds that a job has taken, up to now for running ones.
    pub fn seconds(&self, job: &JobView) -> f64 {
        if job.state.is_final() { job.seconds } else { job.seconds + self.taken.elapsed().as_secs_f64() }
    }

    /// A job by its id.
    pub fn get(&self, id: &str) -> Option<&JobView> {
        self.list.iter().find(|job| job.id == id)
    }
}

/// The desk and the threads that ask it.
pub struct Background {
    desk: Desk,
    ctx: egui::Context,
    work: Sender<Work>,
    epochs: Arc<Epochs>,
    jobs: Arc<Mutex<Jobs>>,
    stop: Arc<AtomicBool>,
    gone: Arc<Mutex<Option<Fault>>>,
    full: Arc<Mutex<Option<Fault>>>,
    /// While this is here the threads answer nothing.
    held: Option<Sender<()>>,
}

impl Background {
    /// Starts the threads; they end when this is dropped.
    pub fn new(desk: Desk, ctx: egui::Context) -> std::io::Result<Self> {
        let (work, queue) = crossbeam_channel::bounded::<Work>(QUEUE);
        for i in 0..THREADS {
            let queue = queue.clone();
            std::thread::Builder::new().name(format!("query {i}")).spawn(move || {
                for task in queue {
                    task();
                }
            })?;
        }
        let (epochs, jobs, stop, gone, full) = Default::default();
        let background = Self { desk, ctx, work, epochs, jobs, stop, gone, full, held: None };
        background.listen()?;
        Ok(background)
    }

    /// Follows the desk's events on a thread of its own.
    fn listen(&self) -> std::io::Result<()> {
        let events = self.desk.subscribe();
        let listener = Listener {
            desk: self.desk.clone(),
            ctx: self.ctx.clone(),
            epochs: Arc::clone(&self.epochs),
            jobs: Arc::clone(&self.jobs),
            stop: Arc::clone(&self.stop),
            gone: Arc::clone(&self.gone),
            full: Arc::clone(&self.full),
            work: self.work.clone(),
            looking: Arc::default(),
        };
        std::thread::Builder::new().name("events".into()).spawn(move || listener.run(&events))?;
        Ok(())
    }

    /// What changed how often.
    pub fn epoch(&self, topic: Topic) -> u64 {
        self.epochs.of(topic)
    }

    /// Jobs as they were a moment ago.
    pub fn jobs(&self) -> Jobs {
        self.jobs.lock().clone()
    }

    /// Why nothing can be kept any more: the home was removed, unmounted or replaced.
    pub fn gone(&self) -> Option<Fault> {
        self.gone.lock().clone()
    }

    /// Why nothing new can be kept: the home's disk has no room left.
    pub fn full(&self) -> Option<Fault> {
        self.full.lock().clone()
    }

    /// Makes every slot read again.
    pub fn refresh_all(&self) {
        self.epochs.all.fetch_add(1, Ordering::SeqCst);
        self.ctx.request_repaint();
    }

    /// Makes every slot of a user's file read again: another program may have written it.
    pub fn look_at_files(&self) {
        self.epochs.files.fetch_add(1, Ordering::SeqCst);
    }

    /// Asks the desk something on another thread; `None` when the queue is full.
    pub fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Option<mpsc::Receiver<Result<T, Fault>>> {
        let (sender, receiver) = mpsc::channel();
        let (desk, ctx) = (self.desk.clone(), self.ctx.clone());
        let task = move || {
            let answer = question(&desk);
            // What this answer knows of another process's work, the rest of the screen shall know too.
            desk.look_elsewhere();
            // Nobody may be waiting any more; that is no error.
            if sender.send(answer).is_ok() {
                ctx.request_repaint();
            }
        };
        self.work.try_send(Box::new(task)).ok().map(|()| receiver)
    }

    /// Nothing is answered until [`Self::release`], as on a disk that takes long: checks look at what is shown meanwhile.
    pub fn hold(&mut self) {
        let (sender, receiver) = crossbeam_channel::bounded::<()>(0);
        for _ in 0..THREADS {
            let until = receiver.clone();
            // It ends when the sender is dropped; a queue that is full already holds nothing more.
            let wait = move || {
                until.recv().ok();
            };
            self.work.try_send(Box::new(wait)).ok();
        }
        self.held = Some(sender);
    }

    /// Answers come again.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// The folder of the samples' files.
    pub fn samples_folder(&self) -> std::path::PathBuf {
        self.desk.samples_folder()
    }

    /// Asks running jobs of this process to stop, at the end of the program.
    pub fn cancel_all(&self) {
        self.desk.cancel_all();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

struct Listener {
    desk: Desk,
    ctx: egui::Context,
    epochs: Arc<Epochs>,
    jobs: Arc<Mutex<Jobs>>,
    stop: Arc<AtomicBool>,
    gone: Arc<Mutex<Option<Fault>>>,
    full: Arc<Mutex<Option<Fault>>>,
    work: Sender<Work>,
    /// What runs on this computer is being looked at.
    looking: Arc<AtomicBool>,
}

impl Listener {
    fn run(&self, events: &Receiver<Event>) {
        let mut look = Instant::now();
        let mut look_at_local = Instant::now();
        while !self.stop.load(Ordering::SeqCst) {
            if look_at_local <= Instant::now() {
                self.look_at_local();
                look_at_local = Instant::now() + LOOK_AT_LOCAL_EVERY;
            }
            if look <= Instant::now() {
                self.look_for_home();
                look = Instant::now() + LOOK_EVERY;
            }
            match events.recv_timeout(Duration::from_millis(250)) {
                Ok(event) => {
                    self.epochs.bump(&event);
                    self.take_jobs();
                    self.ctx.request_repaint();
                    // What comes at once after it is taken together.
                    let until = Instant::now() + JOBS_EVERY;
                    let mut more = false;
                    while let Ok(event) = events.recv_deadline(until) {
                        self.epochs.bump(&event);
                        more = true;
                    }
                    if more {
                        self.take_jobs();
                        self.ctx.request_repaint();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Starts it on another thread, unless the last one is not done yet: a disk can take long.
    fn look_at_local(&self) {
        if self.looking.swap(true, Ordering::SeqCst) {
            return;
        }
        let (desk, looking) = (self.desk.clone(), Arc::clone(&self.looking));
        let task = move || {
            desk.look_at_local();
            looking.store(false, Ordering::SeqCst);
        };
        if self.work.try_send(Box::new(task)).is_err() {
            self.looking.store(false, Ordering::SeqCst);
        }
    }

    /// Looks for other processes' work; first, whether the home is still there.
    fn look_for_home(&self) {
        let now = self.desk.gone();
        let mut gone = self.gone.lock();
        if now.is_none() {
            if gone.is_some() {
                // What is shown may be from before.
                self.epochs.all.fetch_add(1, Ordering::SeqCst);
            }
            self.desk.look_elsewhere();
        }
        let full = if now.is_some() { None } else { self.desk.full() };
        let mut known = self.full.lock();
        if now.is_some() != gone.is_some() || full.is_some() != known.is_some() {
            (*gone, *known) = (now, full);
            self.ctx.request_repaint();
        }
    }

    fn take_jobs(&self) {
        *self.jobs.lock() = Jobs::now(self.desk.jobs());
    }
}

/// A value from the background for one view.
pub struct Slot<K, T> {
    key: Option<K>,
    epoch: u64,
    /// The value as far as it is known.
    pub value: Loadable<T>,
    /// Grows with every value that arrives; what is derived from it is made again then.
    pub generation: u64,
    pending: Option<mpsc::Receiver<Result<T, Fault>>>,
}

impl<K, T> Default for Slot<K, T> {
    fn default() -> Self {
        Self { key: None, epoch: 0, value: Loadable::Idle, generation: 0, pending: None }
    }
}

impl<K: PartialEq, T: Send + 'static> Slot<K, T> {
    /// Takes what has arrived, and fetches when the key is another or its topic has changed.
    pub fn ensure(
        &mut self,
        background: &Background,
        key: K,
        topic: Topic,
        fetch: impl FnOnce(&Desk) -> Result<T, Fault> + Send + 'static,
    ) -> &Loadable<T> {
        self.ensure_with(background, key, topic, || fetch)
    }

    /// As [`Self::ensure`], for a fetch that takes something large with it: `prepare` copies that, once for each fetch
    /// and not in every frame.
    pub fn ensure_with<F>(
        &mut self,
        background: &Background,
        key: K,
        topic: Topic,
        prepare: impl FnOnce() -> F,
    ) -> &Loadable<T>
    where
        F: FnOnce(&Desk) -> Result<T, Fault> + Send + 'static,
    {
        self.poll();
        let epoch = background.epoch(topic);
        let other = self.key.as_ref() != Some(&key);
        if other {
            self.value = Loadable::Idle;
            self.pending = None;
        }
        if other || (self.epoch != epoch && self.pending.is_none()) {
            let fetch = prepare();
            match background.ask(move |desk| fetch(desk).map_err(|fault| unreadable(desk, fault))) {
                Some(receiver) => {
                    self.pending = Some(receiver);
                    self.value.begin();
                    self.key = Some(key);
                    self.epoch = epoch;
                }
                // The queue is full: ask again soon.
                None => background.ctx.request_repaint_after(Duration::from_millis(50)),
            }
        }
        &self.value
    }

    fn poll(&mut self) {
        let Some(receiver) = &self.pending else { return };
        match receiver.try_recv() {
            Ok(result) => {
                self.value.finish(result.map_err(|fault| error_text(&fault)));
                self.generation += 1;
                self.pending = None;
            }
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => {
                self.value.finish(Err(ErrorText::new("The query stopped because of a fault in Modeldesk")));
                self.pending = None;
            }
        }
    }

    /// Fetches again at the next chance, as after a failure.
    pub fn again(&mut self) {
        self.epoch = u64::MAX;
    }
}

/// Why something could not be read. While the home is gone that says it all: what is told above every view, not of
/// a file that is missing in it.
fn unreadable(desk: &Desk, fault: Fault) -> Fault {
    if desk.gone().is_none() {
        return fault;
    }
    Fault::new(desk_core::FaultKind::Environment, "this cannot be read while the home folder is gone")
}

/// Something that was asked for once, such as keeping a secret; its answer is awaited by a dialog.
pub struct Pending<T>(Option<mpsc::Receiver<Result<T, Fault>>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Pending<T> {
    /// Starts, unless it is under way.
    pub fn start(&mut self, background: &Background, effect: impl FnOnce(&Desk) -> Result<T, Fault> + Send + 'static) {
        if self.0.is_none() {
            self.0 = background.ask(effect);
        }
    }

    /// It is under way.
    pub fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// The answer, once.
    pub fn take(&mut self) -> Option<Result<T, Fault>> {
        let result = match self.0.as_ref()?.try_recv() {
            Ok(result) => result,
            Err(mpsc::TryRecvError::Empty) => return None,
            Err(mpsc::TryRecvError::Disconnected) => {
                Err(Fault::bug("The work stopped because of a fault in Modeldesk"))
            }
        };
        self.0 = None;
        Some(result)
    }
}
