//! A tensor's values written to a file, part by part.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use desk_core::Cancel;

use super::kind::{Kind, Number};
use super::{OpenTensor, TensorError};

/// Takes bytes of a file, with how many values were given before them.
type Put<'p> = &'p mut dyn FnMut(&[u8], u64) -> Result<(), TensorError>;

/// What a tensor is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorFormat {
    /// A NumPy array.
    Npy,
    /// A line for each value, with its place.
    Csv,
}

impl TensorFormat {
    /// The format that a file's name ends in.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        [("npy", Self::Npy), ("csv", Self::Csv)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(extension))
            .map(|(_, format)| format)
    }
}

impl OpenTensor {
    /// Writes all values; gives how many there are.
    pub fn export(
        &mut self,
        format: TensorFormat,
        out: &Path,
        cancel: &Cancel,
        told: &dyn Fn(u64, u64),
    ) -> Result<u64, TensorError> {
        let write = |source| TensorError::Write { path: out.to_owned(), source };
        let elements = self.elements()?;
        let kind = self.kind()?;
        let mut file = BufWriter::with_capacity(1 << 20, File::create(out).map_err(write)?);
        match format {
            TensorFormat::Npy => {
                let Some(code) = code(kind) else { return Err(TensorError::TextsAsNpy { name: self.name.clone() }) };
                file.write_all(&head(code, &self.tensor.dims)).map_err(write)?;
                self.npy(kind, &mut |bytes, values| {
                    cancel.check()?;
                    told(values, elements);
                    file.write_all(bytes).map_err(write)
                })?;
            }
            TensorFormat::Csv => {
                let mut lines = Lines::new(self.tensor.dims.clone());
                file.write_all(lines.head().as_bytes()).map_err(write)?;
                self.csv(kind, &mut |value| {
                    if lines.at.is_multiple_of(65_536) {
                        cancel.check()?;
                        told(lines.at, elements);
                    }
                    lines.line(value, &mut file).map_err(write)
                })?;
            }
        }
        file.flush().map_err(write)?;
        told(elements, elements);
        Ok(elements)
    }

    /// The bytes of the array, with how many values were given before them.
    fn npy(&mut self, kind: Kind, put: Put<'_>) -> Result<(), TensorError> {
        let mut done = 0;
        if !is_converted(kind) {
            let bits = kind.bits().unwrap_or(8);
            return self.units(kind, 0, &mut |bytes| {
                put(bytes, done)?;
                done += bytes.len() as u64 * 8 / bits;
                Ok(true)
            });
        }
        let mut bytes = Vec::new();
        self.numbers(kind, 0, &mut |numbers| {
            bytes.clear();
            for number in numbers {
                match number {
                    Number::Single(x) => bytes.extend_from_slice(&x.to_le_bytes()),
                    // Of 2 or 4 bits: a byte holds it, with or without a sign.
                    other => bytes.push(other.float() as i64 as u8),
                }
            }
            put(&bytes, done)?;
            done += numbers.len() as u64;
            Ok(true)
        })
    }

    fn csv(&mut self, kind: Kind, put: &mut dyn FnMut(&str) -> Result<(), TensorError>) -> Result<(), TensorError> {
        if kind == Kind::Text {
            return self.texts(0, &mut |text| {
                put(&format!("\"{}\"", text.replace('"', "\"\"")))?;
                Ok(true)
            });
        }
        self.numbers(kind, 0, &mut |numbers| {
            numbers.iter().try_for_each(|number| put(&number.to_string()))?;
            Ok(true)
        })
    }
}

/// NumPy has no such type: its values are written in a wider one.
fn is_converted(kind: Kind) -> bool {
    match kind {
        Kind::Small(_) => code(kind) == Some("<f4"),
        Kind::Packed { .. } | Kind::Tiny => true,
        _ => false,
    }
}

/// The type in NumPy's words; none for texts.
fn code(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::F32 | Kind::Tiny => "<f4",
        Kind::F64 => "<f8",
        Kind::I8 | Kind::Packed { signed: true, .. } => "|i1",
        Kind::I16 => "<i2",
        Kind::I32 => "<i4",
        Kind::I64 => "<i8",
        Kind::U8 | Kind::Packed { signed: false, .. } => "|u1",
        Kind::U16 => "<u2",
        Kind::U32 => "<u4",
        Kind::U64 => "<u8",
        Kind::Bool => "|b1",
        Kind::Small(small) => ["<f4", "<f2"][usize::from(small.is_half())],
        Kind::Text => return None,
    })
}

/// The head of a NumPy file, format 1.0, filled up to a multiple of 64 bytes.
fn head(code: &str, dims: &[i64]) -> Vec<u8> {
    let shape = match dims {
        [one] => format!("({one},)"),
        more => format!("({})", more.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut words = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}");
    let before = b"\x93NUMPY\x01\x00".len() + 2;
    while !(before + words.len() + 1).is_multiple_of(64) {
        words.push(' ');
    }
    words.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(words.len() as u16).to_le_bytes());
    bytes.extend_from_slice(words.as_bytes());
    bytes
}

/// Lines of a CSV file: the place in each dimension, and the value.
struct Lines {
    dims: Vec<i64>,
    place: Vec<i64>,
    at: u64,
}

impl Lines {
    fn new(dims: Vec<i64>) -> Self {
        Self { place: vec![0; dims.len()], dims, at: 0 }
    }

    fn head(&self) -> String {
        let names: Vec<String> = (0..self.dims.len()).map(|i| format!("dim_{i},")).collect();
        format!("{}value\n", names.concat())
    }

    fn line(&mut self, value: &str, to: &mut impl Write) -> std::io::Result<()> {
        for at in &self.place {
            write!(to, "{at},")?;
        }
        writeln!(to, "{value}")?;
        self.at += 1;
        for (at, dim) in self.place.iter_mut().zip(&self.dims).rev() {
            *at += 1;
            if *at < *dim {
                break;
            }
            *at = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_numpys() {
        let bytes = head("<f4", &[8, 1, 3]);
        assert_eq!(bytes.len() % 64, 0);
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let words = String::from_utf8_lossy(&bytes[10..]);
        assert!(words.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (8, 1, 3), }"), "{words}");
        for (dims, shape) in [(&[5][..], "(5,)"), (&[], "()")] {
            assert!(String::from_utf8_lossy(&head("|i1", dims)).contains(shape), "{shape}");
        }
    }

    #[test]
    fn lines_tell_the_place_of_each_value() {
        let (mut lines, mut out) = (Lines::new(vec![2, 2]), Vec::new());
        for value in ["1", "2", "3"] {
            lines.line(value, &mut out).expect("written");
        }
        assert_eq!(lines.head(), "dim_0,dim_1,value\n");
        assert_eq!(String::from_utf8(out).expect("text"), "0,0,1\n0,1,2\n1,0,3\n");
        assert_eq!(TensorFormat::of(Path::new("a/w.NPY")), Some(TensorFormat::Npy));
        assert_eq!(TensorFormat::of(Path::new("a/w.txt")), None);
    }
}
