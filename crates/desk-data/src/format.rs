//! The file formats and how a file says which one it is.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use desk_core::words::quoted;
use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// A file format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated values, RFC 4180, or another delimiter.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC, file (Feather 2) or stream.
    Arrow,
    /// One JSON object a line.
    Jsonl,
    /// One NumPy array.
    Npy,
    /// NumPy arrays in a zip file.
    Npz,
    /// A picture, or a folder of pictures.
    Image,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] = [Self::Csv, Self::Parquet, Self::Arrow, Self::Jsonl, Self::Npy, Self::Npz, Self::Image];

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow",
            Self::Jsonl => "JSON lines",
            Self::Npy => "NPY",
            Self::Npz => "NPZ",
            Self::Image => "image",
        }
    }

    /// File name endings, the usual one first.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Csv => &["csv", "tsv", "txt"],
            Self::Parquet => &["parquet", "pq"],
            Self::Arrow => &["arrow", "feather", "ipc", "arrows"],
            Self::Jsonl => &["jsonl", "ndjson"],
            Self::Npy => &["npy"],
            Self::Npz => &["npz"],
            Self::Image => &["png", "jpg", "jpeg"],
        }
    }

    /// The format that a file name's ending stands for.
    pub fn from_extension(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.extensions().contains(&ending.as_str()))
    }

    /// Finds the format of a file or folder: by its first bytes, then by its name, then by its text.
    pub fn detect(path: &Path) -> Result<Self, DataError> {
        if path.is_dir() {
            return Ok(Self::Image);
        }
        let mut start = Vec::new();
        open_regular(path, "open")?.take(4096).read_to_end(&mut start).map_err(|e| DataError::io("open", path, e))?;
        if start.is_empty() {
            return Err(DataError::NoRows { path: path.to_owned(), found: "it is empty" });
        }
        if let Some(format) = by_magic(&start) {
            return Ok(format);
        }
        if let Some((found, hint)) = known_but_unread(&start) {
            return Err(DataError::UnknownFormat { path: path.to_owned(), found: found.into(), hint: hint.into() });
        }
        if let Some(format) = Self::from_extension(path) {
            return match format {
                Self::Csv | Self::Jsonl => Ok(format),
                _ => Err(DataError::corrupt(path, format, "the first bytes are not those of the format")),
            };
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        if text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
            return Ok(Self::Jsonl);
        }
        if start.contains(&0) && !looks_utf16(&start) {
            let hint = "Readable are CSV, Parquet, Arrow, JSON lines, NPY, NPZ, PNG and JPEG".into();
            return Err(DataError::UnknownFormat { path: path.to_owned(), found: "unknown binary data".into(), hint });
        }
        Ok(Self::Csv)
    }
}

/// Opens a file that ends: whoever opens a pipe waits until somebody writes into it.
pub(crate) fn open_regular(path: &Path, action: &'static str) -> Result<File, DataError> {
    let io = |e| DataError::io(action, path, e);
    let kind = std::fs::metadata(path).map_err(io)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(DataError::NotAFile { path: path.to_owned(), what: sort_of(kind) });
    }
    File::open(path).map_err(io)
}

#[cfg(unix)]
fn sort_of(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn sort_of(_kind: std::fs::FileType) -> &'static str {
    "a device"
}

fn by_magic(start: &[u8]) -> Option<Format> {
    let is = |magic: &[u8]| start.starts_with(magic);
    if is(b"PAR1") {
        Some(Format::Parquet)
    } else if is(b"ARROW1") || is(&[0xff, 0xff, 0xff, 0xff]) && start.len() >= 8 {
        Some(Format::Arrow)
    } else if is(b"\x93NUMPY") {
        Some(Format::Npy)
    } else if is(b"PK\x03\x04") || is(b"PK\x05\x06") {
        Some(Format::Npz)
    } else if is(b"\x89PNG") || is(&[0xff, 0xd8, 0xff]) {
        Some(Format::Image)
    } else {
        None
    }
}

fn known_but_unread(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let is = |magic: &[u8]| start.starts_with(magic);
    if is(&[0x1f, 0x8b]) {
        Some(("it is compressed with gzip", "Unpack it first: gunzip FILE"))
    } else if is(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Some(("it is compressed with zstd", "Unpack it first: unzstd FILE"))
    } else if is(b"FEA1") {
        Some(("it is Feather version 1", "Write it as Feather version 2, Arrow or Parquet"))
    } else if is(b"\x89HDF") {
        Some(("it is HDF5", "Write it as Parquet or CSV"))
    } else if is(b"SQLite format 3") {
        Some(("it is a SQLite database", "Export the table as CSV"))
    } else if is(b"\x80\x02") || is(b"\x80\x03") || is(b"\x80\x04") || is(b"\x80\x05") {
        Some(("it is a Python pickle, which can run code", "Write it as Parquet, CSV or NPY"))
    } else if is(b"GIF8") || is(b"BM") && start.get(6..10) == Some(&[0; 4]) || is(b"RIFF") {
        Some(("it is a picture of a kind that is not read", "Convert it to PNG or JPEG"))
    } else {
        None
    }
}

/// A UTF-16 byte order mark, or every other byte zero.
pub(crate) fn looks_utf16(start: &[u8]) -> bool {
    let marked = start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]);
    let sample = &start[..start.len().min(256)];
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    marked || sample.len() >= 4 && (zeros(0) * 2).max(zeros(1) * 2) > sample.len() * 8 / 10
}

/// Another encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// Two bytes a character.
    Utf16,
    /// One byte a character, with letters of western Europe.
    Latin1,
    /// No text at all.
    Binary,
}

impl Guess {
    /// What bytes that are not UTF-8 most likely are.
    pub(crate) fn of(piece: &[u8]) -> Self {
        // No text editor writes these.
        let strange = |byte: &u8| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
        if looks_utf16(piece) {
            Self::Utf16
        } else if piece.iter().filter(|byte| strange(byte)).count() * 100 > piece.len() {
            Self::Binary
        } else {
            Self::Latin1
        }
    }

    /// The name of the encoding for `iconv`.
    pub(crate) fn iconv(self) -> Option<&'static str> {
        match self {
            Self::Utf16 => Some("UTF-16"),
            Self::Latin1 => Some("WINDOWS-1252"),
            Self::Binary => None,
        }
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "UTF-16",
            Self::Latin1 => "Latin-1 or Windows-1252",
            Self::Binary => "no text at all",
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let found = Self::ALL.into_iter().find(|f| {
            f.extensions().contains(&lower.as_str())
                || f.name().eq_ignore_ascii_case(text)
                || lower == "image" && *f == Self::Image
        });
        found.ok_or_else(|| {
            format!(
                "no format is called {text}; there are csv, parquet, arrow, jsonl, npy, npz and image",
                text = quoted(&text)
            )
        })
    }
}
