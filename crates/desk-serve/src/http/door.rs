//! Closing a listener without turning away who is connected already.
//!
//! The kernel connects clients before a process accepts them, and resets all of those when the listener is closed.
//! So new connections are kept out first, then everybody in the queue is let in, and only then is it closed. What
//! the kernel does not permit is to wait for a client whose last packet of the handshake is on its way for longer
//! than [`HANDSHAKE`]: that one is reset.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::connection::accept;

/// How long connections that were begun before the door was shut may take to come about.
const HANDSHAKE: Duration = Duration::from_millis(100);
/// How long letting in may take in all; where newcomers cannot be kept out, the queue may never be empty.
const PATIENCE: Duration = Duration::from_millis(500);

/// Lets in everybody who is connected to a listener, keeps everybody else out, and closes it. Whoever begins to
/// connect meanwhile is refused once it is closed.
pub async fn close(listener: TcpListener, mut let_in: impl FnMut(TcpStream)) {
    if let Err(error) = keep_out(&listener) {
        tracing::debug!("newcomers are not kept out: {error}");
    }
    let shut = Instant::now();
    while let Ok(stream) = timeout_at(shut + HANDSHAKE, accept(&listener)).await {
        let_in(stream);
    }
    // What has not been heard of yet stands in the queue all the same.
    let Ok(listener) = listener.into_std() else { return };
    while shut.elapsed() < PATIENCE
        && let Ok((stream, _)) = listener.accept()
    {
        if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
            let_in(stream);
        }
    }
}

/// Drops first packets of new connections; their senders try again a second later. Others pass, so that what was
/// begun comes about.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_out(listener: &TcpListener) -> std::io::Result<()> {
    use socket2::{SockFilter, SockRef};
    // The filter sees a packet from its TCP header on, whose byte 13 holds the flags: SYN without ACK is dropped.
    const SYN: u32 = 0x02;
    const SYN_AND_ACK: u32 = 0x12;
    let load_flags = SockFilter::new(0x30, 0, 0, 13);
    let mask = SockFilter::new(0x54, 0, 0, SYN_AND_ACK);
    let unless_syn_skip_one = SockFilter::new(0x15, 0, 1, SYN);
    let (drop_it, let_it_pass) = (SockFilter::new(0x06, 0, 0, 0), SockFilter::new(0x06, 0, 0, u32::MAX));
    SockRef::from(listener).attach_filter(&[load_flags, mask, unless_syn_skip_one, drop_it, let_it_pass])
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_out(_listener: &TcpListener) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn who_stands_in_the_queue_is_let_in_and_nobody_after() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let early: Vec<_> =
            (0..50).map(|_| std::net::TcpStream::connect(address).expect("the kernel connects")).collect();
        let mut inside = Vec::new();
        close(listener, |stream| inside.push(stream)).await;
        assert_eq!(inside.len(), early.len());
        let late = TcpStream::connect(address).await.expect_err("it is closed");
        assert_eq!(late.kind(), ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn newcomers_are_kept_out_before_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        keep_out(&listener).expect("this system has filters");
        let connected = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await;
        assert!(connected.is_err(), "it waits: {connected:?}");
    }
}
