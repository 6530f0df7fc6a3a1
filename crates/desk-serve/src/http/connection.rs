//! Connections: accepted from a listener, limited in number, each with limits on its time.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::answer::Reply;
use super::drain::{Drain, Open, Phase};
use crate::config::Limits;

/// Answers the requests of a listener until the drain begins.
///
/// `handle` gets each request; the connections go on after this function has returned.
pub async fn serve_listener<H, F>(
    listener: TcpListener,
    handle: H,
    drain: Drain,
    limits: Arc<Limits>,
    room: Arc<Semaphore>,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut phase = drain.subscribe();
    loop {
        let accepted = tokio::select! {
            // Stopping comes first: what is still in the queue belongs to the next process.
            biased;
            _ = phase.wait_for(|phase| *phase > Phase::Serving) => return,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else { return };
        let (handle, limits, open) = (handle.clone(), Arc::clone(&limits), drain.opened());
        let phase = drain.subscribe();
        tokio::spawn(async move {
            connection(stream, handle, phase, &limits, open).await;
            drop(permit);
        });
    }
}

/// The next connection and its place among those that may be open.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, permit)),
            // Out of file descriptors or memory, or the client was gone already: both pass.
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection<H, F>(
    stream: TcpStream,
    handle: H,
    mut phase: tokio::sync::watch::Receiver<Phase>,
    limits: &Limits,
    open: Open,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    // Answers are small and written at once; waiting to fill packets only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let clock = Arc::new(Clock::new());
    let io = TokioIo::new(Watched { stream, clock: Arc::clone(&clock) });
    let seen = Arc::clone(&clock);
    let service = service_fn(move |request| {
        seen.request_begins();
        let (reply, clock) = (handle(request), Arc::clone(&seen));
        async move {
            let reply = reply.await;
            clock.request_ends();
            Ok::<_, std::convert::Infallible>(reply)
        }
    });
    let mut connection = pin!(http1::Builder::new().max_headers(64).serve_connection(io, service));
    let mut tick = interval(tick_of(limits));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("a connection ended: {error}");
                }
                break;
            }
            changed = phase.changed() => if changed.is_err() { break },
            _ = tick.tick() => {}
        }
        let now = *phase.borrow_and_update();
        if now == Phase::Over || clock.is_too_slow(limits) {
            break;
        }
        let idle = clock.idle();
        let idle_long = idle.is_some_and(|idle| idle >= limits.idle_timeout());
        if idle_long || now == Phase::ClosingIdle && idle.is_some() {
            connection.as_mut().graceful_shutdown();
        }
    }
    drop(open);
}

/// Often enough for the shortest of the limits.
fn tick_of(limits: &Limits) -> Duration {
    let shortest = limits.header_timeout().min(limits.write_timeout()).min(limits.idle_timeout());
    (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(500))
}

/// When things began on a connection, in milliseconds since it was opened; 0 for not at all.
#[derive(Debug)]
struct Clock {
    opened: Instant,
    /// First byte of a request's header whose end has not come yet; 1 while nothing came since the opening.
    header_since: AtomicU64,
    /// First attempt to write what the client does not take.
    write_since: AtomicU64,
    /// End of the last answer, or the opening.
    quiet_since: AtomicU64,
    in_request: AtomicBool,
}

impl Clock {
    fn new() -> Self {
        let (header_since, quiet_since) = (AtomicU64::new(1), AtomicU64::new(1));
        Self {
            opened: Instant::now(),
            header_since,
            write_since: AtomicU64::new(0),
            quiet_since,
            in_request: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn since(&self, moment: &AtomicU64) -> Option<Duration> {
        let then = Some(moment.load(Ordering::Relaxed)).filter(|then| *then > 0)?;
        Some(Duration::from_millis(self.now().saturating_sub(then)))
    }

    fn request_begins(&self) {
        self.in_request.store(true, Ordering::Relaxed);
        self.header_since.store(0, Ordering::Relaxed);
    }

    fn request_ends(&self) {
        self.quiet_since.store(self.now(), Ordering::Relaxed);
        self.in_request.store(false, Ordering::Relaxed);
    }

    fn has_read(&self) {
        if !self.in_request.load(Ordering::Relaxed) {
            // Only the first byte counts, else one byte a second would keep a connection for ever. A new
            // connection (1) goes on from its opening (2).
            let begun = |from, to| self.header_since.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
            let _already = begun(1, 2).or_else(|_| begun(0, self.now().max(2)));
        }
    }

    fn has_written(&self, done: bool) {
        if done {
            self.write_since.store(0, Ordering::Relaxed);
            self.quiet_since.store(self.now(), Ordering::Relaxed);
        } else {
            let _already = self.write_since.compare_exchange(0, self.now(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// How long nothing has been going on; `None` while something is.
    fn idle(&self) -> Option<Duration> {
        let busy = self.in_request.load(Ordering::Relaxed)
            || self.header_since.load(Ordering::Relaxed) > 1
            || self.write_since.load(Ordering::Relaxed) > 0;
        if busy { None } else { self.since(&self.quiet_since) }
    }

    fn is_too_slow(&self, limits: &Limits) -> bool {
        self.since(&self.header_since).is_some_and(|spent| spent >= limits.header_timeout())
            || self.since(&self.write_since).is_some_and(|spent| spent >= limits.write_timeout())
    }
}

/// A stream that tells the clock what happens on it.
struct Watched {
    stream: TcpStream,
    clock: Arc<Clock>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.clock.has_read();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.clock.has_written(polled.is_ready());
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.clock.has_written(polled.is_ready());
        polled
    }
}
