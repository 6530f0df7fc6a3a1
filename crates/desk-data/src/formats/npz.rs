//! NPZ: several NPY arrays in a zip file, unpacked side by side in bounded memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use desk_core::words::quoted;
use zip::ZipArchive;

use super::npy::{ArrayStream, ArrayTable};
use crate::error::DataError;
use crate::format::Format;

/// More arrays than this are refused.
const MOST_ARRAYS: usize = 4096;
/// An array that unpacks to more than this and more than [`MOST_TIMES`] its packed size is refused.
const BOMB_BYTES: u64 = 1 << 30;
const MOST_TIMES: u64 = 500;
const CHUNK: usize = 256 << 10;

/// Opens the arrays of an NPZ file. They must have the same first dimension.
pub fn open(path: &Path) -> Result<ArrayTable, DataError> {
    let file = File::open(path).map_err(|e| DataError::io("open", path, e))?;
    let total = file.metadata().map_err(|e| DataError::io("open", path, e))?.len();
    let unreadable =
        |e: zip::result::ZipError| DataError::unreadable(path, Format::Npz, "its list of arrays cannot be read", &e);
    let mut zip = ZipArchive::new(file).map_err(unreadable)?;
    if zip.len() > MOST_ARRAYS {
        let what = format!("it holds {} arrays", zip.len());
        return Err(DataError::TooLarge { path: path.to_owned(), what, limit: MOST_ARRAYS.to_string() });
    }
    let mut arrays = Vec::with_capacity(zip.len());
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(unreadable)?;
        let name = entry.name().map_err(unreadable)?.into_owned();
        let Some(array) = name.strip_suffix(".npy").map(str::to_owned) else {
            return Err(DataError::Unsupported {
                path: path.to_owned(),
                format: Format::Npz,
                what: format!("the entry {name}, which is no array,", name = quoted(&name)),
                hint: "Only the .npy arrays that numpy.savez writes are read".into(),
            });
        };
        if entry.encrypted() {
            let what = "encryption".to_owned();
            let hint = "Save the arrays without a password".to_owned();
            return Err(DataError::Unsupported { path: path.to_owned(), format: Format::Npz, what, hint });
        }
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size > BOMB_BYTES && size / packed.max(1) > MOST_TIMES {
            let what = format!(
                "array {array} would unpack to {size} bytes, {} times its packed size",
                size / packed.max(1),
                array = quoted(&array)
            );
            return Err(DataError::TooLarge { path: path.to_owned(), what, limit: format!("{MOST_TIMES} times") });
        }
        let reader = Box::new(Unpacking::start(path.to_owned(), index));
        arrays.push(ArrayStream::start(array, path, Format::Npz, reader, size)?);
    }
    ArrayTable::new(path, arrays, total)
}

/// The bytes of one entry, unpacked by a thread of its own that is at most two chunks ahead and
/// ends when the reader is dropped.
struct Unpacking {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: io::Cursor<Vec<u8>>,
}

impl Unpacking {
    fn start(path: PathBuf, index: usize) -> Self {
        let (sender, chunks) = sync_channel(2);
        std::thread::spawn(move || {
            if let Err(error) = unpack(&path, index, &sender) {
                // A reader that is gone does not want to know.
                drop(sender.send(Err(error)));
            }
        });
        Self { chunks, current: io::Cursor::new(Vec::new()) }
    }
}

fn unpack(path: &Path, index: usize, sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    let mut zip = ZipArchive::new(File::open(path)?).map_err(io::Error::other)?;
    let mut entry = zip.by_index(index).map_err(io::Error::other)?;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let got = entry.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        if got == 0 || sender.send(Ok(chunk)).is_err() {
            return Ok(());
        }
    }
}

impl Read for Unpacking {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.current.read(out)?;
            if got > 0 || out.is_empty() {
                return Ok(got);
            }
            match self.chunks.recv() {
                Ok(chunk) => self.current = io::Cursor::new(chunk?),
                Err(_) => return Ok(0),
            }
        }
    }
}
