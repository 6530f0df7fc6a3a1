//! One change of the registry: a transaction that knows the time and who makes it.

use std::str::FromStr;

use desk_core::Digest;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, Transaction};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::from_micros;
use crate::error::StoreError;

/// The transaction in which a change is made.
pub(crate) struct Change<'a> {
    pub tx: &'a Transaction<'a>,
    pub now: Timestamp,
    pub who: &'a str,
}

impl Change<'_> {
    /// The time of the change as stored.
    pub fn micros(&self) -> i64 {
        self.now.as_microsecond()
    }
}

/// Reads typed columns; a value that does not parse is a damaged record, reported by column.
pub(crate) trait RowExt {
    fn time(&self, column: &str) -> rusqlite::Result<Timestamp>;
    fn time_opt(&self, column: &str) -> rusqlite::Result<Option<Timestamp>>;
    fn digest(&self, column: &str) -> rusqlite::Result<Digest>;
    fn digest_opt(&self, column: &str) -> rusqlite::Result<Option<Digest>>;
    fn json<T: DeserializeOwned>(&self, column: &str) -> rusqlite::Result<T>;
    fn json_opt<T: DeserializeOwned>(&self, column: &str) -> rusqlite::Result<Option<T>>;
    /// An enum stored as the text that serde writes for it.
    fn word<T: DeserializeOwned>(&self, column: &str) -> rusqlite::Result<T>;
    fn parsed<T>(&self, column: &str) -> rusqlite::Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>;
}

fn damaged(row: &Row<'_>, column: &str, why: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(0);
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(why))
}

impl RowExt for Row<'_> {
    fn time(&self, column: &str) -> rusqlite::Result<Timestamp> {
        Ok(from_micros(self.get(column)?))
    }

    fn time_opt(&self, column: &str) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.get::<_, Option<i64>>(column)?.map(from_micros))
    }

    fn digest(&self, column: &str) -> rusqlite::Result<Digest> {
        self.parsed(column)
    }

    fn digest_opt(&self, column: &str) -> rusqlite::Result<Option<Digest>> {
        match self.get_ref(column)? {
            rusqlite::types::ValueRef::Null => Ok(None),
            _ => self.digest(column).map(Some),
        }
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> rusqlite::Result<T> {
        let text = self.get_ref(column)?.as_str()?;
        serde_json::from_str(text).map_err(|why| damaged(self, column, why))
    }

    fn json_opt<T: DeserializeOwned>(&self, column: &str) -> rusqlite::Result<Option<T>> {
        match self.get_ref(column)? {
            rusqlite::types::ValueRef::Null => Ok(None),
            _ => self.json(column).map(Some),
        }
    }

    fn word<T: DeserializeOwned>(&self, column: &str) -> rusqlite::Result<T> {
        let text = self.get_ref(column)?.as_str()?;
        serde_json::from_value(Value::from(text)).map_err(|why| damaged(self, column, why))
    }

    fn parsed<T>(&self, column: &str) -> rusqlite::Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text = self.get_ref(column)?.as_str()?;
        text.parse().map_err(|why| damaged(self, column, why))
    }
}

/// The text that serde writes for a unit variant: the stored form of states and kinds.
pub(crate) fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        // Only unit variants come here; another value would be refused when it is read.
        other => format!("{other:?}"),
    }
}

/// JSON as stored.
pub(crate) fn text(what: &str, value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Record { what: what.to_owned(), source })
}

/// JSON as stored, or NULL.
pub(crate) fn text_opt(what: &str, value: Option<&impl serde::Serialize>) -> Result<Option<String>, StoreError> {
    value.map(|value| text(what, value)).transpose()
}

/// The names closest to `wanted`, nearest first: those that contain it or are few edits away.
pub(crate) fn near(wanted: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let folded = wanted.to_lowercase();
    let budget = folded.chars().count() / 3 + 1;
    let mut close: Vec<(usize, String)> = names
        .into_iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let contains = !folded.is_empty() && (other.contains(&folded) || folded.contains(&other));
            let distance = edits(&folded, &other, budget);
            let rank = distance.or(contains.then_some(budget + 1))?;
            Some((rank, name))
        })
        .collect();
    close.sort();
    close.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Levenshtein's distance when it is at most `limit`.
fn edits(a: &str, b: &str, limit: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().collect();
    if a.chars().count().abs_diff(b.len()) > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let names = || ["churn", "churn-eu", "chess", "iris", "Tumours"].map(str::to_owned);
        assert_eq!(near("chrun", names()), ["churn"]);
        assert_eq!(near("churn", names()), ["churn", "churn-eu"]);
        assert_eq!(near("tumour", names()), ["Tumours"]);
        assert!(near("zzzzzzzzz", names()).is_empty());
        assert_eq!(edits("kitten", "sitting", 3), Some(3));
        assert_eq!(edits("kitten", "sitting", 2), None);
    }
}
