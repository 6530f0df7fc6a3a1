//! Requests that come late to a version that was switched away from: its heir answers them.
//!
//! A connection that was idle over a switch stays open for a grace period, so that no request on its way is lost.
//! What comes on it is answered by the version that is live by then, not by the one that happens to hold the
//! connection: whoever hears that a version is live meets no other one afterwards.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, EXPECT, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::answer::{Answer, Reply};

/// Headers that concern one connection only (RFC 9110, 7.6.1).
const OF_ONE_CONNECTION: [HeaderName; 6] = [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Where an address that is listened on is reached from this very machine.
pub fn reached_at(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

/// Lets whoever accepts at an address answer a request. Where nobody does, the server has been stopped since, and that
/// is the answer: the former version is not live either.
pub async fn answer(request: Request<Incoming>, heir: SocketAddr) -> Reply {
    let Ok(stream) = TcpStream::connect(heir).await else { return nobody("no version is live") };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("TCP_NODELAY: {error}");
    }
    let unanswered = |error| {
        tracing::warn!("the live version did not answer a request that was handed on to it: {error}");
        nobody("the version that is live now did not answer")
    };
    let (mut send, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(opened) => opened,
        Err(error) => return unanswered(error),
    };
    let driver = tokio::spawn(connection);
    let answered = pass_on(&mut send, request).await;
    // The answer is whole, or will not come: nothing else is asked over this connection.
    driver.abort();
    answered.unwrap_or_else(unanswered)
}

fn nobody(why: &str) -> Reply {
    Answer::busy(why, 1).closing().into_reply()
}

async fn pass_on(send: &mut http1::SendRequest<Incoming>, mut request: Request<Incoming>) -> hyper::Result<Reply> {
    for name in OF_ONE_CONNECTION {
        request.headers_mut().remove(name);
    }
    let response = send.send_request(request).await?;
    let (mut head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    for name in OF_ONE_CONNECTION {
        head.headers.remove(name);
    }
    // The next request meets the heir itself.
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(Response::from_parts(head, Full::new(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_reached_from_this_machine() {
        let reached = |listens: &str| reached_at(listens.parse().expect("an address")).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "[::1]:80");
        assert_eq!(reached("10.1.2.3:80"), "10.1.2.3:80");
    }
}
