//! Making a loopback port of the far side reachable on a loopback port here.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use russh::client::Handle;
use russh::{Channel, ChannelOpenFailure, client};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::connection::HostCheck;
use crate::error::{DeployError, Result};
use crate::remote::Forward;

const OPEN_TIMEOUT: Duration = Duration::from_secs(20);

/// Ends the listener with the tunnel's owner. Connections under way run to their end.
struct Guard(AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens a tunnel. The far side is asked once first, so that a forbidden tunnel is named as such.
pub(super) async fn open(handle: &Arc<Handle<HostCheck>>, port: u16, address: &str) -> Result<Forward> {
    answers(handle, port, address).await?;
    let failed = |source| DeployError::Unreachable { address: "127.0.0.1".to_owned(), source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let near: SocketAddr = listener.local_addr().map_err(failed)?;
    let handle = handle.clone();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(carry(handle.clone(), stream, port));
        }
    });
    Ok(Forward { address: near, guard: Some(Box::new(Guard(accepting.abort_handle()))) })
}

/// Something listens on that port of the far side.
pub(super) async fn answers(handle: &Handle<HostCheck>, port: u16, address: &str) -> Result<bool> {
    let lost = |detail: String| DeployError::Lost {
        address: address.to_owned(),
        doing: format!("opening a tunnel to port {port}"),
        detail,
    };
    let opened = tokio::time::timeout(OPEN_TIMEOUT, channel(handle, port, 0)).await;
    match opened.map_err(|_late| lost("no answer".to_owned()))? {
        Ok(channel) => {
            // Nobody else uses it; an error here means that it is closed already.
            drop(channel.close().await);
            Ok(true)
        }
        Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited)) => {
            Err(DeployError::FarState {
                problem: format!("the SSH server of {address} forbids tunnels"),
                hint: "Allow them for this user: AllowTcpForwarding local, PermitOpen 127.0.0.1:*".to_owned(),
            })
        }
        Err(russh::Error::ChannelOpenFailure(_)) => Ok(false),
        Err(error) => Err(lost(error.to_string())),
    }
}

async fn channel(
    handle: &Handle<HostCheck>,
    port: u16,
    origin: u16,
) -> std::result::Result<Channel<client::Msg>, russh::Error> {
    handle.channel_open_direct_tcpip("127.0.0.1", u32::from(port), "127.0.0.1", u32::from(origin)).await
}

/// One connection, there and back.
async fn carry(handle: Arc<Handle<HostCheck>>, mut near: TcpStream, port: u16) {
    let origin = near.peer_addr().map_or(0, |peer| peer.port());
    match channel(&handle, port, origin).await {
        Ok(channel) => {
            let mut far = channel.into_stream();
            if let Err(error) = tokio::io::copy_bidirectional(&mut near, &mut far).await {
                tracing::debug!(%error, port, "a tunnelled connection ended early");
            }
        }
        Err(error) => tracing::debug!(%error, port, "nobody answers at the far end of the tunnel"),
    }
}
