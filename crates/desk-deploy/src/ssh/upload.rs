//! Uploads at the speed of the line: many writes under way at once on a channel of their own.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use russh::client::Handle;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::mpsc;
use tokio_util::bytes::Bytes;

use super::connection::HostCheck;
use super::wire::{self, Reader, Reply};
use crate::error::{DeployError, Result};
use crate::package::near;
use crate::remote::Put;

/// Bytes that may be on their way without an answer.
const IN_FLIGHT_BYTES: usize = 4 << 20;
/// What every server takes.
const SAFE_CHUNK: u64 = 32 << 10;
/// What OpenSSH takes at most.
const MAX_CHUNK: u64 = 261_120;
/// How often cancel and stall are looked at.
const TICK: Duration = Duration::from_millis(20);

/// One file to send.
pub(super) struct Job<'a> {
    pub handle: &'a Handle<HostCheck>,
    pub put: &'a Put<'a>,
    pub to: &'a str,
    /// Bytes that are there already, and right.
    pub from: u64,
    pub stall: Duration,
    pub address: &'a str,
}

impl Job<'_> {
    fn lost(&self, detail: &dyn ToString) -> DeployError {
        DeployError::Lost {
            address: self.address.to_owned(),
            doing: format!("uploading {}", self.to),
            detail: detail.to_string(),
        }
    }

    fn refused(&self, message: String) -> DeployError {
        DeployError::FarFile {
            action: "write",
            address: self.address.to_owned(),
            problem: message,
            path: self.to.to_owned(),
            missing: false,
        }
    }

    /// Waits for something, while cancel and stall are watched.
    async fn watch<T>(&self, what: impl Future<Output = T>) -> Result<T> {
        let mut what = std::pin::pin!(what);
        let until = Instant::now() + self.stall;
        loop {
            self.put.cancel.check()?;
            match tokio::time::timeout(TICK, &mut what).await {
                Ok(done) => return Ok(done),
                // Whoever waits for room in the channel is not told that the connection is gone.
                Err(_) if self.handle.is_closed() => return Err(self.lost(&"it was closed")),
                Err(_) if Instant::now() > until => {
                    return Err(DeployError::Timeout {
                        what: format!("the next bytes of {}", self.to),
                        seconds: self.stall.as_secs(),
                        address: self.address.to_owned(),
                    });
                }
                Err(_) => {}
            }
        }
    }
}

/// A channel that speaks SFTP, with its answers collected by a task: nobody who is waiting to send
/// may keep the connection from delivering.
struct Line<'a> {
    job: &'a Job<'a>,
    out: ChannelWriteHalf<client::Msg>,
    replies: mpsc::UnboundedReceiver<Reply>,
    next_id: u32,
}

async fn collect(mut from: ChannelReadHalf, to: mpsc::UnboundedSender<Reply>) {
    let mut reader = Reader::default();
    while let Some(message) = from.wait().await {
        let ChannelMsg::Data { data } = message else { continue };
        reader.push(&data);
        loop {
            match reader.next() {
                Ok(Some(reply)) => {
                    if to.send(reply).is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                // Ends the stream of replies, which the sender sees as a lost connection.
                Err(wire::Garbled) => return,
            }
        }
    }
}

impl<'a> Line<'a> {
    async fn open(job: &'a Job<'a>) -> Result<Self> {
        let channel = job.watch(job.handle.channel_open_session()).await?.map_err(|e| job.lost(&e))?;
        channel.request_subsystem(false, "sftp").await.map_err(|e| job.lost(&e))?;
        let (from, out) = channel.split();
        let (sender, replies) = mpsc::unbounded_channel();
        tokio::spawn(collect(from, sender));
        Ok(Self { job, out, replies, next_id: 1 })
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    async fn send(&self, packet: impl Into<Bytes>) -> Result<()> {
        self.job.watch(self.out.data_bytes(packet.into())).await?.map_err(|e| self.job.lost(&e))
    }

    async fn reply(&mut self) -> Result<Reply> {
        let job = self.job;
        job.watch(self.replies.recv()).await?.ok_or_else(|| job.lost(&"the channel was closed"))
    }

    /// Sends a request and waits for its answer; nothing else may be under way.
    async fn ask(&mut self, packet: Vec<u8>) -> Result<Reply> {
        self.send(packet).await?;
        self.reply().await
    }

    /// Sends a request that is answered by a status.
    async fn tell(&mut self, packet: Vec<u8>) -> Result<()> {
        match self.ask(packet).await? {
            Reply::Status { code: 0, .. } => Ok(()),
            Reply::Status { message, .. } => Err(self.job.refused(message)),
            _ => Err(self.job.lost(&"an unexpected answer")),
        }
    }
}

/// Sends the file from `job.from` on; when this returns, all of it is on the far side's disk.
pub(super) async fn send(job: &Job<'_>) -> Result<()> {
    (job.put.progress)(job.from);
    let mut line = Line::open(job).await?;
    let Reply::Version { extensions } = line.ask(wire::init()).await? else {
        return Err(job.lost(&"no SFTP server answers"));
    };
    let offers = |name: &str| extensions.iter().any(|extension| extension == name);
    let mut chunk = SAFE_CHUNK;
    if offers("limits@openssh.com") {
        let id = line.id();
        if let Reply::Extended { data, .. } = line.ask(wire::limits(id)).await? {
            chunk = wire::write_limit(&data).unwrap_or(SAFE_CHUNK).clamp(SAFE_CHUNK, MAX_CHUNK);
        }
    }
    let mode = if job.put.executable { 0o755 } else { 0o644 };
    let id = line.id();
    let file = match line.ask(wire::open(id, job.to, mode)).await? {
        Reply::Handle { handle, .. } => handle,
        Reply::Status { message, .. } => return Err(job.refused(message)),
        _ => return Err(job.lost(&"an unexpected answer")),
    };
    let id = line.id();
    line.tell(wire::truncate(id, &file, job.from)).await?;
    pump(&mut line, &file, chunk as usize).await?;
    // The mode given at creation is subject to the umask, and a resumed file has been created already.
    let id = line.id();
    line.tell(wire::permissions(id, &file, mode)).await?;
    if offers("fsync@openssh.com") {
        let id = line.id();
        line.tell(wire::fsync(id, &file)).await?;
    }
    let id = line.id();
    line.tell(wire::close(id, &file)).await?;
    // The far side ends the channel by itself when the session ends; a failure here is none.
    drop(line.out.close().await);
    Ok(())
}

/// Keeps [`IN_FLIGHT_BYTES`] on their way until the file has been read to its end.
async fn pump(line: &mut Line<'_>, file: &[u8], chunk: usize) -> Result<()> {
    let job = line.job;
    let mut frames = read_ahead(job, file, chunk);
    let mut waiting: HashMap<u32, usize> = HashMap::new();
    let most = (IN_FLIGHT_BYTES / chunk).max(2);
    let (mut done, mut at, mut all_read) = (job.from, job.from, false);
    while !all_read || !waiting.is_empty() {
        if !all_read && waiting.len() < most {
            match job.watch(frames.recv()).await? {
                None => all_read = true,
                Some(frame) => {
                    let mut frame = frame.map_err(|source| near("read", job.put.from, source))?;
                    let length = frame.len() - wire::write_head_len(file);
                    let id = line.id();
                    wire::fill_write_head(&mut frame, id, file, at);
                    at += length as u64;
                    waiting.insert(id, length);
                    line.send(frame).await?;
                }
            }
            // Take in what has been answered meanwhile, without waiting for more.
            while let Ok(reply) = line.replies.try_recv() {
                settle(job, &mut waiting, &reply, &mut done)?;
            }
            continue;
        }
        if !waiting.is_empty() {
            let reply = line.reply().await?;
            settle(job, &mut waiting, &reply, &mut done)?;
        }
    }
    Ok(())
}

/// Takes in the answer to one write.
fn settle(job: &Job<'_>, waiting: &mut HashMap<u32, usize>, reply: &Reply, done: &mut u64) -> Result<()> {
    let length = reply.id().and_then(|id| waiting.remove(&id)).ok_or_else(|| job.lost(&"an answer to nothing"))?;
    match reply {
        Reply::Status { code: 0, .. } => {
            *done += length as u64;
            (job.put.progress)(*done);
            Ok(())
        }
        Reply::Status { message, .. } => Err(job.refused(message.clone())),
        _ => Err(job.lost(&"an unexpected answer")),
    }
}

/// Reads the file on a thread of its own, into buffers with room for a WRITE's head.
fn read_ahead(job: &Job<'_>, handle: &[u8], chunk: usize) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, frames) = mpsc::channel(8);
    let (path, from, head) = (job.put.from.to_owned(), job.from, wire::write_head_len(handle));
    tokio::task::spawn_blocking(move || {
        let read_all = || -> std::io::Result<()> {
            let mut file = std::fs::File::open(path)?;
            file.seek(SeekFrom::Start(from))?;
            loop {
                let mut frame = Vec::with_capacity(head + chunk);
                frame.resize(head, 0);
                let n = file.by_ref().take(chunk as u64).read_to_end(&mut frame)?;
                if n == 0 || sender.blocking_send(Ok(frame)).is_err() {
                    return Ok(());
                }
            }
        };
        if let Err(error) = read_all() {
            // A receiver that is gone has failed for another reason already.
            drop(sender.blocking_send(Err(error)));
        }
    });
    frames
}
