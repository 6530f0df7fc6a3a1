//! Copies a file and hashes it in one pass: reading, hashing, writing and flushing overlap.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use desk_core::cancel::Cancelled;
use desk_core::{Cancel, Digest, Progress, ProgressSink};
use sha2::{Digest as _, Sha256};

/// Bytes in one buffer: large enough that hand-overs cost nothing, small enough to stay near the cache.
const CHUNK: usize = 1 << 20;
/// Buffers in flight; the memory that a copy takes is `CHUNK * BUFFERS`.
const BUFFERS: usize = 16;
/// After so many bytes the kernel is asked to write out what it has, while the copy goes on:
/// otherwise all of it waits for the last fsync.
const FLUSH_EVERY: u64 = 64 << 20;
/// Up to here one thread is quicker than four.
const SMALL: u64 = 4 << 20;

/// Why a copy ended early.
#[derive(Debug)]
pub(crate) enum CopyError {
    Read(io::Error),
    Write(io::Error),
    Cancelled,
}

impl From<Cancelled> for CopyError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Reads `from` to its end, writes it to `to`, and returns digest and size. `expected` is the size
/// that the source is said to have. The caller still has to fsync.
pub(crate) fn copy_hashing(
    from: &mut (impl Read + ?Sized),
    to: &File,
    expected: u64,
    progress: &dyn ProgressSink,
    cancel: &Cancel,
) -> Result<(Digest, u64), CopyError> {
    let report = |done: u64| progress.report(Progress::new("Storing", done, Some(expected.max(done)), "bytes"));
    if expected <= SMALL { copy_small(from, to, &report, cancel) } else { copy_large(from, to, &report, cancel) }
}

fn copy_small(
    from: &mut (impl Read + ?Sized),
    mut to: &File,
    report: &dyn Fn(u64),
    cancel: &Cancel,
) -> Result<(Digest, u64), CopyError> {
    let mut buffer = vec![0; CHUNK];
    let (mut hasher, mut done) = (Sha256::new(), 0);
    loop {
        cancel.check()?;
        let n = fill(from, &mut buffer).map_err(CopyError::Read)?;
        if n == 0 {
            return Ok((Digest::from_bytes(hasher.finalize().into()), done));
        }
        hasher.update(&buffer[..n]);
        to.write_all(&buffer[..n]).map_err(CopyError::Write)?;
        done += n as u64;
        report(done);
    }
}

/// A filled part of a buffer; whoever drops it last gives the buffer back.
struct Chunk {
    bytes: Vec<u8>,
    len: usize,
}

fn copy_large(
    from: &mut (impl Read + ?Sized),
    to: &File,
    report: &dyn Fn(u64),
    cancel: &Cancel,
) -> Result<(Digest, u64), CopyError> {
    let (give_back, free) = sync_channel::<Vec<u8>>(BUFFERS);
    let (to_hasher, hash_queue) = sync_channel::<Arc<Chunk>>(BUFFERS);
    let (to_writer, write_queue) = sync_channel::<Arc<Chunk>>(BUFFERS);
    let (to_flusher, flush_queue) = sync_channel::<()>(1);
    let failed = AtomicBool::new(false);
    let failed = &failed;
    thread::scope(|scope| {
        let back = give_back.clone();
        let hasher = scope.spawn(move || {
            let mut hasher = Sha256::new();
            for chunk in hash_queue {
                hasher.update(&chunk.bytes[..chunk.len]);
                recycle(chunk, &back);
            }
            Digest::from_bytes(hasher.finalize().into())
        });
        let writer = scope.spawn(move || write_all(to, write_queue, &give_back, &to_flusher, failed));
        let flusher = scope.spawn(move || flush_queue.into_iter().try_for_each(|()| to.sync_data()));

        let read = read_all(from, &free, (to_hasher, to_writer), &|| failed.load(Ordering::Relaxed), report, cancel);
        let digest = hasher.join();
        let written = writer.join();
        let flushed = flusher.join();
        // A writer that stopped is why the reader stopped, so its reason comes first.
        written.unwrap_or_else(|_| Err(thread_died())).map_err(CopyError::Write)?;
        flushed.unwrap_or_else(|_| Err(thread_died())).map_err(CopyError::Write)?;
        let done = read?;
        Ok((digest.ok().ok_or_else(|| CopyError::Read(thread_died()))?, done))
    })
}

fn thread_died() -> io::Error {
    io::Error::other("a thread of the copy ended unexpectedly")
}

fn recycle(chunk: Arc<Chunk>, back: &SyncSender<Vec<u8>>) {
    if let Some(chunk) = Arc::into_inner(chunk) {
        // Nobody takes buffers any more once the reader is done.
        back.send(chunk.bytes).ok();
    }
}

fn read_all(
    from: &mut (impl Read + ?Sized),
    free: &Receiver<Vec<u8>>,
    (to_hasher, to_writer): (SyncSender<Arc<Chunk>>, SyncSender<Arc<Chunk>>),
    failed: &dyn Fn() -> bool,
    report: &dyn Fn(u64),
    cancel: &Cancel,
) -> Result<u64, CopyError> {
    let (mut made, mut done) = (0, 0);
    loop {
        cancel.check()?;
        let mut bytes = if made < BUFFERS {
            made += 1;
            vec![0; CHUNK]
        } else {
            match free.recv() {
                Ok(bytes) => bytes,
                Err(_) => return Ok(done),
            }
        };
        let len = fill(from, &mut bytes).map_err(CopyError::Read)?;
        if len == 0 {
            return Ok(done);
        }
        let chunk = Arc::new(Chunk { bytes, len });
        if failed() || to_hasher.send(Arc::clone(&chunk)).is_err() || to_writer.send(chunk).is_err() {
            // The writer failed and says why.
            return Ok(done);
        }
        done += len as u64;
        report(done);
    }
}

/// Writes every chunk. After a failure it goes on taking chunks without writing them: the reader may
/// be waiting for their buffers, and looks at `failed` when it gets one.
fn write_all(
    mut to: &File,
    queue: Receiver<Arc<Chunk>>,
    back: &SyncSender<Vec<u8>>,
    flusher: &SyncSender<()>,
    failed: &AtomicBool,
) -> io::Result<()> {
    let mut unflushed = 0;
    let mut outcome = Ok(());
    for chunk in queue {
        if outcome.is_ok() {
            outcome = to.write_all(&chunk.bytes[..chunk.len]);
            failed.store(outcome.is_err(), Ordering::Relaxed);
        }
        unflushed += chunk.len as u64;
        recycle(chunk, back);
        // When the flusher is still at it, the next chunk asks again.
        if unflushed >= FLUSH_EVERY && flusher.try_send(()).is_ok() {
            unflushed = 0;
        }
    }
    outcome
}

/// Reads until the buffer is full or the source ends.
fn fill(from: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// The digest of everything that `from` still holds.
pub(crate) fn hash_all(from: &mut impl Read, cancel: &Cancel) -> Result<(Digest, u64), CopyError> {
    let mut buffer = vec![0; CHUNK];
    let (mut hasher, mut size) = (Sha256::new(), 0);
    loop {
        cancel.check()?;
        match fill(from, &mut buffer).map_err(CopyError::Read)? {
            0 => return Ok((Digest::from_bytes(hasher.finalize().into()), size)),
            n => {
                hasher.update(&buffer[..n]);
                size += n as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use desk_core::NoProgress;
    use std::io::Cursor;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| ((i * 2654435761) >> 7) as u8).collect()
    }

    #[test]
    fn large_and_small_copies_equal_their_source() {
        for len in [0, 1, CHUNK, CHUNK + 1, 40 * CHUNK + 17] {
            let source = bytes(len);
            let file = tempfile::NamedTempFile::new().expect("a file");
            let copy = copy_hashing(&mut Cursor::new(&source), file.as_file(), len as u64, &NoProgress, &Cancel::new());
            assert_eq!(copy.expect("copies"), (Digest::of(&source), len as u64));
            assert_eq!(std::fs::read(file.path()).expect("reads"), source, "{len} bytes");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_ends_the_copy_whatever_its_size() {
        for len in [100, 40 * CHUNK] {
            let full = File::options().write(true).open("/dev/full").expect("opens");
            let copy = copy_hashing(&mut Cursor::new(bytes(len)), &full, len as u64, &NoProgress, &Cancel::new());
            let Err(CopyError::Write(e)) = copy else { panic!("{copy:?}") };
            assert_eq!(e.kind(), io::ErrorKind::StorageFull);
        }
    }

    /// The writer fails when all buffers have passed the hasher and wait for the writer.
    #[test]
    #[cfg(unix)]
    fn a_writer_that_fails_late_does_not_leave_the_reader_waiting() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let sink = File::from(std::os::fd::OwnedFd::from(writer));
        let closer = thread::spawn(move || {
            thread::sleep(std::time::Duration::from_millis(300));
            drop(reader);
        });
        let copy = copy_hashing(&mut io::repeat(7), &sink, u64::MAX, &NoProgress, &Cancel::new());
        assert!(matches!(copy, Err(CopyError::Write(_))), "{copy:?}");
        closer.join().expect("ends");
    }

    #[test]
    fn cancel_ends_a_copy_that_would_never_end() {
        let cancel = Cancel::new();
        let stop = cancel.clone();
        let progress = move |p: Progress| {
            if p.done > 30 * CHUNK as u64 {
                stop.cancel();
            }
        };
        let sink = File::options().write(true).open("/dev/null").expect("opens");
        let copy = copy_hashing(&mut io::repeat(7), &sink, u64::MAX, &progress, &cancel);
        assert!(matches!(copy, Err(CopyError::Cancelled)), "{copy:?}");
    }

    #[test]
    fn a_source_that_fails_is_reported() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("bad sector"))
            }
        }
        let sink = tempfile::tempfile().expect("a file");
        for expected in [1, u64::MAX] {
            let copy = copy_hashing(&mut Broken, &sink, expected, &NoProgress, &Cancel::new());
            assert!(matches!(copy, Err(CopyError::Read(_))), "{copy:?}");
        }
    }
}
