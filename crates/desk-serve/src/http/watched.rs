//! The stream of a connection: tells the clock what happens on it, and gives hyper's own errors a body.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::clock::Clock;
use super::error_body::with_body;

/// A stream that tells the clock what happens on it.
pub struct Watched {
    stream: TcpStream,
    clock: Arc<Clock>,
    /// What is written instead of what hyper wrote, and how much of it has gone.
    instead: Option<(Vec<u8>, usize)>,
}

impl Watched {
    /// Watches a stream from now on.
    pub fn new(stream: TcpStream, clock: Arc<Clock>) -> Self {
        Self { stream, clock, instead: None }
    }

    /// Writes the other answer; the bytes that it stands for count as written when it is out.
    fn poll_instead(&mut self, cx: &mut Context<'_>, stands_for: usize) -> Poll<io::Result<usize>> {
        while let Some((bytes, gone)) = &mut self.instead {
            let wrote = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[*gone..]))?;
            *gone += wrote;
            if wrote == 0 || *gone == bytes.len() {
                self.instead = None;
            }
        }
        Poll::Ready(Ok(stands_for))
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead = with_body(bytes).map(|told| (told, 0));
        }
        match self.instead {
            Some(_) => self.poll_instead(cx, bytes.len()),
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }
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
        let polled = self.poll_bytes(cx, buf);
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
        // An answer without a body comes in one piece.
        let polled = match bufs {
            [only] => self.poll_bytes(cx, only),
            bufs => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        };
        self.clock.has_written(polled.is_ready());
        polled
    }
}
