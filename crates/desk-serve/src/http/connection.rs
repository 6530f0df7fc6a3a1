//! Connections: accepted from a listener, limited in number, each with limits on its time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::answer::Reply;
use super::clock::Clock;
use super::door;
use super::drain::{Drain, Open, Phase};
use super::room::{Place, Room};
use super::watched::Watched;
use crate::config::Limits;

/// Answers the requests of a listener until the drain begins; where nobody accepts after that, also those of who is
/// connected by then.
///
/// `handle` gets each request; the connections go on after this function has returned.
pub async fn serve_listener<H, F>(listener: TcpListener, handle: H, drain: Drain, limits: Arc<Limits>, room: Arc<Room>)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let mut phase = drain.subscribe();
    let answer = |stream, place| {
        let (handle, limits, open) = (handle.clone(), Arc::clone(&limits), drain.opened());
        tokio::spawn(connection(stream, handle, drain.subscribe(), limits, open, place));
    };
    loop {
        let stream = tokio::select! {
            // Stopping comes first: what is still in the queue belongs to the next process.
            biased;
            _ = phase.wait_for(|phase| *phase > Phase::Serving) => break,
            stream = accept(&listener) => stream,
        };
        // From here on the connection is ours to answer, also when the drain begins meanwhile.
        let clock = Arc::new(Clock::new());
        let place = tokio::select! {
            place = room.enter(&clock) => place,
            _ = phase.wait_for(|phase| *phase > Phase::Serving) => room.squeeze_in(&clock),
        };
        answer(stream, place);
    }
    if drain.is_for_good() {
        door::close(listener, |stream| answer(stream, room.squeeze_in(&Arc::new(Clock::new())))).await;
    }
}

/// The next connection.
pub(super) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
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
    mut phase: watch::Receiver<Phase>,
    limits: Arc<Limits>,
    open: Open,
    place: Place,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    // Answers are small and written at once; waiting to fill packets only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let clock = Arc::clone(place.clock());
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&clock)));
    let seen = Arc::clone(&clock);
    let service = service_fn(move |mut request: Request<Incoming>| {
        seen.request_begins();
        // Whoever reads the body says how it comes along.
        request.extensions_mut().insert(Arc::clone(&seen));
        let (reply, clock) = (handle(request), Arc::clone(&seen));
        async move {
            let reply = reply.await;
            clock.request_ends();
            Ok::<_, std::convert::Infallible>(reply)
        }
    });
    let mut connection = pin!(http1::Builder::new().max_headers(64).serve_connection(io, service));
    let mut tick = interval(tick_of(&limits));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut asked_to_leave = false;
        tokio::select! {
            // What has come is read before it is asked whether nothing has.
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("a connection ended: {error}");
                }
                break;
            }
            changed = phase.changed() => if changed.is_err() { break },
            () = place.asked_to_leave() => asked_to_leave = true,
            _ = tick.tick() => {}
        }
        let now = *phase.borrow_and_update();
        let idle = clock.idle();
        if now == Phase::Over || clock.is_too_slow(&limits) || asked_to_leave && clock.dawdles().is_some() {
            break;
        }
        let idle_long = idle.is_some_and(|idle| idle >= limits.idle_timeout());
        if idle_long || asked_to_leave || now == Phase::ClosingIdle && idle.is_some() {
            connection.as_mut().graceful_shutdown();
        }
    }
    drop((open, place));
}

/// Often enough for the shortest of the limits.
fn tick_of(limits: &Limits) -> Duration {
    let shortest = limits.header_timeout().min(limits.write_timeout()).min(limits.idle_timeout());
    (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(500))
}
