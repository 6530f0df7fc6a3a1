//! What can go wrong with data, as sentences that name the file, the row and the column.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use desk_core::cancel::Cancelled;
use desk_core::words::{counted, quoted, quoted_list, shell_word};
use desk_core::{Diagnose, FaultKind, Said};

use crate::binding::Gaps;
use crate::format::{Format, Guess};

/// Where in a table: a data row counted from 1, and the line of the file where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Data row, from 1; the header is not counted.
    pub row: u64,
    /// Line of the file, from 1, where the format has lines and the number is known.
    pub line: Option<u64>,
}

impl Place {
    /// A row whose line is not known.
    pub fn row(row: u64) -> Self {
        Self { row, line: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "row {} (line {line})", self.row),
            None => write!(f, "row {}", self.row),
        }
    }
}

/// An error about a data file, a table, or how it fits a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused.
    #[error("cannot {action} the file: {source}: {}", path.display())]
    Io {
        /// A verb: `open`, `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No space left while writing.
    #[error("the disk is full, nothing was kept of the file: {}", path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },
    /// A pipe, a socket or a device: reading it may never end, and it cannot be read twice.
    #[error("the data is no regular file, it is {what}: {}", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// `a pipe`, `a socket`, `a device`.
        what: &'static str,
    },
    /// Neither content nor name says what it is.
    #[error("not a table that can be read ({found}): {}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: String,
        /// What to do.
        hint: String,
    },
    /// There is no data row.
    #[error("the file has no rows ({found}): {}", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
        /// What is there: `it is empty`, `only a header`.
        found: &'static str,
    },
    /// Bytes that are not UTF-8.
    #[error("the text is not UTF-8: byte {offset} in {place} does not belong there, it looks like {guess}: {}", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Byte offset in the file, from 0.
        offset: u64,
        /// Where.
        place: Place,
        /// What it most likely is.
        guess: Guess,
    },
    /// A record with another number of cells than the header.
    #[error("{place} has {} instead of {expected}: {}", counted(*found as u64, "cell"), path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// Where.
        place: Place,
        /// Cells in the header.
        expected: usize,
        /// Cells found.
        found: usize,
    },
    /// Text that breaks the format's syntax.
    #[error("{place} is not valid {format}: {what}: {}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// Where.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// A cell that cannot be what its column is.
    #[error("{place}, column {column}: {value} is not {wanted}{}", in_file(path.as_deref()), column = quoted(.column), value = quoted(.value))]
    Cell {
        /// The file, where known.
        path: Option<Box<Path>>,
        /// Where.
        place: Place,
        /// The column.
        column: Box<str>,
        /// The cell, shortened.
        value: Box<str>,
        /// What it should be: `a number`, `an integer`.
        wanted: Box<str>,
    },
    /// A missing cell where the model needs a value.
    #[error("{place}, column {column}: the cell is missing and input {input} ({element}) has no value for that{}", gaps.as_ref().map_or_else(String::new, |gaps| format!("; {}", gaps.said())), column = quoted(.column), input = quoted(.input))]
    Missing {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// The input it feeds.
        input: String,
        /// The input's element type.
        element: &'static str,
        /// How many such cells the whole file has, where they were counted.
        gaps: Option<Box<Gaps>>,
    },
    /// A column whose first rows had another type.
    #[error("{place}, column {column}: {value} is {found}, but the column held {inferred} until here: {}", path.display(), column = quoted(.column), value = quoted(.value))]
    TypeChanged {
        /// The file.
        path: Box<Path>,
        /// Where.
        place: Place,
        /// The column.
        column: Box<str>,
        /// The cell, shortened.
        value: Box<str>,
        /// What the cell is: `text`.
        found: &'static str,
        /// What the column was taken for: `integers`.
        inferred: &'static str,
    },
    /// The file breaks off or contradicts itself.
    #[error("not a whole {format} file: {what}: {}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// What is wrong.
        what: String,
        /// What the library that reads the format said.
        #[source]
        said: Option<Said>,
    },
    /// A part of the format that is not supported, or refused because it is dangerous.
    #[error("{what} is not supported in {format} files: {}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// What.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Beyond a limit that protects this computer.
    #[error("{what}, the limit is {limit}: {}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, with its size.
        what: String,
        /// The limit.
        limit: String,
    },
    /// A column that was asked for by name is not there.
    #[error("the data has no column {column}{}", list("; it has", available), column = quoted(.column))]
    NoSuchColumn {
        /// The name.
        column: String,
        /// The columns there are.
        available: Vec<String>,
    },
    /// A column is needed by a name that several have.
    #[error("the data has several columns called {column}, and one of them is needed", column = quoted(.column))]
    Repeated {
        /// The name.
        column: String,
    },
    /// The columns do not fit the model's inputs.
    #[error("{message}{}{}", list("; missing:", missing), list("; not needed:", extra))]
    Columns {
        /// What does not fit.
        message: String,
        /// Columns or inputs that are missing.
        missing: Vec<String>,
        /// Columns that have no place.
        extra: Vec<String>,
    },
    /// A column of the wrong type for its input.
    #[error("column {column} holds {has}, but input {input} wants {wants}{}", example.as_ref().map_or_else(String::new, |e| format!(" (first: {e})")), column = quoted(.column), input = quoted(.input))]
    Mistyped {
        /// The column.
        column: Box<str>,
        /// What it holds.
        has: Box<str>,
        /// The input.
        input: Box<str>,
        /// What it wants.
        wants: Box<str>,
        /// The first cell that shows it.
        example: Option<Box<str>>,
    },
    /// An input of the model that data cannot feed.
    #[error("input {input} cannot be fed from a table: {why}", input = quoted(.input))]
    Input {
        /// The input.
        input: String,
        /// Why.
        why: String,
    },
    /// A picture that cannot be used.
    #[error("picture {file} ({place}): {why}", file = quoted(.file))]
    Image {
        /// Name of the picture.
        file: String,
        /// Where.
        place: Place,
        /// Why.
        why: String,
    },
    /// A category that the feature space does not know.
    #[error("{place}, column {column}: the category {value} was not in the data that the features were made from", column = quoted(.column), value = quoted(.value))]
    Unseen {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// The category.
        value: String,
    },
    /// Shapes or options that contradict each other.
    #[error("{0}")]
    Mismatch(String),
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn in_file(path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| format!(": {}", path.display()))
}

/// ` before a, b, c and 7 more`, or nothing for an empty list.
fn list(before: &str, names: &[String]) -> String {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return String::new();
    }
    format!("{before} {}", quoted_list(names, SHOWN))
}

/// A cell as an error shows it: one line, at most 40 characters.
pub(crate) fn shown(cell: &str) -> String {
    let mut text: String = cell.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if cell.chars().nth(40).is_some() {
        text.push('…');
    }
    text
}

impl DataError {
    /// An input-output error at a path; a full disk becomes its own error.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::DiskFull { path: path.to_owned() }
        } else {
            Self::Io { action, path: path.to_owned(), source }
        }
    }

    pub(crate) fn corrupt(path: &Path, format: Format, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), format, what: what.into(), said: None }
    }

    /// As [`DataError::corrupt`], with the words of the library that reads the format as the cause.
    pub(crate) fn unreadable(path: &Path, format: Format, what: impl Into<String>, said: &impl fmt::Display) -> Self {
        Self::Corrupt { path: path.to_owned(), format, what: what.into(), said: Some(Said(said.to_string())) }
    }

    /// Adds the line of the file to an error that knows only the row, see
    /// [`crate::TableReader::line_of`].
    #[must_use]
    pub fn with_line(mut self, line_of: impl Fn(u64) -> Option<u64>) -> Self {
        if let Self::Cell { place, .. } | Self::Missing { place, .. } | Self::Unseen { place, .. } = &mut self {
            place.line = place.line.or_else(|| line_of(place.row));
        }
        self
    }

    /// Numbers the row of the error otherwise: rows that were taken from a file have another place there.
    #[must_use]
    pub fn with_row(mut self, row: impl Fn(u64) -> u64) -> Self {
        if let Self::Cell { place, .. } | Self::Missing { place, .. } | Self::Unseen { place, .. } = &mut self {
            place.row = row(place.row);
        }
        self
    }

    /// Adds how many such cells there are to the error of one that is missing.
    #[must_use]
    pub fn with_gaps(mut self, counted: Gaps) -> Self {
        if let Self::Missing { gaps, .. } = &mut self {
            *gaps = Some(Box::new(counted)).filter(|counted| counted.rows > 0);
        }
        self
    }

    /// The row the error is about, from 1.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Encoding { place, .. }
            | Self::Ragged { place, .. }
            | Self::Syntax { place, .. }
            | Self::Cell { place, .. }
            | Self::Missing { place, .. }
            | Self::TypeChanged { place, .. }
            | Self::Image { place, .. }
            | Self::Unseen { place, .. } => Some(*place),
            _ => None,
        }
    }
}

impl Diagnose for DataError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::DiskFull { .. } => FaultKind::Environment,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => FaultKind::Input,
                _ => FaultKind::Environment,
            },
            Self::Cancelled(_) => FaultKind::Cancelled,
            _ => FaultKind::Input,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "Check the path".into(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "Check who may read and write there".into()
            }
            Self::DiskFull { .. } => "Free some space or choose another folder, then run it again".into(),
            Self::NotAFile { .. } => "Write what comes out of it to a file first, and name that file".into(),
            Self::UnknownFormat { hint, .. } | Self::Unsupported { hint, .. } => hint.clone(),
            Self::NoRows { .. } => "Choose a file with at least one row".into(),
            Self::Encoding { path, guess, .. } => {
                let Some(iconv) = guess.iconv() else {
                    return vec!["Choose a file with text in UTF-8; files of other formats are told by their ending, such as .parquet".into()];
                };
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let to = path.with_file_name(format!("utf8-{name}"));
                let [from, to] = [path.as_path(), &to].map(|path| shell_word(&path.to_string_lossy()));
                format!("Convert it, for example: iconv -f {iconv} -t UTF-8 {from} > {to}")
            }
            Self::Syntax { format: Format::Csv, .. } => {
                "Look there for a quote that is not closed, or that is not doubled inside a quoted cell".into()
            }
            Self::Syntax { .. } => "Correct that line".into(),
            Self::Ragged { .. } => "Look for an unquoted delimiter or a line break in that row".into(),
            Self::Cell { value, .. } if decimal_comma(value) => DECIMAL_COMMA.into(),
            // The example says where: `row 1: 3,14`.
            Self::Mistyped { example: Some(example), .. }
                if example.split_once(": ").is_some_and(|(_, cell)| decimal_comma(cell)) =>
            {
                DECIMAL_COMMA.into()
            }
            Self::Cell { wanted, .. } if wanted.contains("number") || wanted.contains("integer") => {
                "Correct the cell, or, where that text means a missing one, name it with --missing TEXT".into()
            }
            Self::Cell { .. } => "Correct the cell".into(),
            Self::Missing { column, .. } => format!(
                "Say what stands for missing cells: \"Fill missing cells\" in the window's form, --fill {} on the \
                 command line; or take such rows out of the file",
                shell_word(&format!("{column}=VALUE"))
            ),
            Self::TypeChanged { .. } => {
                "Correct the cell, or, where that text means a missing one, name it with --missing TEXT".into()
            }
            Self::Corrupt { .. } => "Copy or export the file again; it may be cut off".into(),
            Self::NoSuchColumn { .. } => "Name one of its columns; upper and lower case count".into(),
            // The message shows the first text of each column: `(row 1: 3,14)`.
            Self::Columns { message, .. } if cells_shown(message).any(decimal_comma) => DECIMAL_COMMA.into(),
            Self::Columns { .. } => {
                "State which columns feed which input, which one is the target, or which to leave out: under Options \
                 in the window, with --map, --target and --drop on the command line"
                    .into()
            }
            Self::Repeated { column } => format!(
                "Rename them in the file, or say which one is meant: --map INPUT={column} for the first, \
                 --map INPUT={column}.1 for the second"
            ),
            Self::Input { .. } => "`modeldesk serve` answers requests with tensors of any shape".into(),
            Self::TooLarge { .. } => "Cut the file into smaller ones".into(),
            Self::Image { .. } => "Look at that picture in another program, or take it out".into(),
            Self::Mismatch(_) => {
                "`modeldesk show` lists the model's inputs; --map, --target and --drop say what feeds them".into()
            }
            Self::Mistyped { .. } => "Map another column to this input, or convert the column".into(),
            Self::Unseen { .. } => "Make the features from data that holds every category".into(),
            _ => return Vec::new(),
        };
        vec![hint]
    }
}

const DECIMAL_COMMA: &str = "Decimal commas are not read as numbers; write the file with decimal points";

/// The cells in a message that shows them as `(row 1: CELL)`.
fn cells_shown(message: &str) -> impl Iterator<Item = &str> {
    let shown = message.split("(row ").skip(1).filter_map(|rest| rest.split_once(": "));
    shown.filter_map(|(_, cell)| Some(cell.split_once(')')?.0))
}

/// Looks like `3,14`.
fn decimal_comma(value: &str) -> bool {
    let number = value.trim().trim_start_matches(['-', '+']);
    number.split_once(',').is_some_and(|(whole, part)| {
        !part.is_empty() && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
    })
}
