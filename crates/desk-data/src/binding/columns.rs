//! The columns of a table while inputs look for theirs: by name in constant time, however many there are.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema};
use desk_core::ElementType;
use desk_core::words::quoted;

use crate::error::DataError;
use crate::table::{META_FIRST_TEXT, META_IMAGE, META_INDEX, META_ROW_SHAPE};

/// What became of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    /// It feeds an input.
    Used,
    /// It is the target, or the user left it out.
    LeftOut,
}

/// The columns of a schema and what became of them.
pub struct Columns<'a> {
    schema: &'a Schema,
    by_name: HashMap<&'a str, usize>,
    by_letters: HashMap<String, Vec<usize>>,
    states: Vec<State>,
}

impl<'a> Columns<'a> {
    /// All columns are free.
    pub fn new(schema: &'a Schema) -> Self {
        let mut by_name = HashMap::with_capacity(schema.fields().len());
        let mut by_letters: HashMap<String, Vec<usize>> = HashMap::with_capacity(schema.fields().len());
        for (i, field) in schema.fields().iter().enumerate() {
            by_name.entry(field.name().as_str()).or_insert(i);
            by_letters.entry(letters(field.name())).or_default().push(i);
        }
        Self { schema, by_name, by_letters, states: vec![State::Free; schema.fields().len()] }
    }

    /// The column of exactly this name, whatever became of it.
    pub fn get(&self, name: &str) -> Option<&'a Field> {
        self.by_name.get(name).map(|i| self.schema.field(*i))
    }

    /// As [`Columns::get`]; the error names the columns there are.
    pub fn field(&self, name: &str) -> Result<&'a Field, DataError> {
        self.get(name).ok_or_else(|| DataError::NoSuchColumn {
            column: name.to_owned(),
            available: self.schema.fields().iter().map(|field| field.name().clone()).collect(),
        })
    }

    /// Columns that feed nothing yet and are not left out, in the file's order.
    pub fn free(&self) -> impl Iterator<Item = &'a Field> {
        let fields = self.schema.fields().iter().zip(&self.states);
        fields.filter(|(_, state)| **state == State::Free).map(|(field, _)| field.as_ref())
    }

    /// The free column of this name, exactly or else by its letters and digits alone where that is unique.
    pub fn named(&self, name: &str) -> Option<&'a Field> {
        let free = |i: &&usize| self.states[**i] == State::Free;
        if let Some(i) = self.by_name.get(name).filter(|i| free(i)) {
            return Some(self.schema.field(*i));
        }
        let wanted = letters(name);
        if wanted.is_empty() {
            return None;
        }
        let mut same = self.by_letters.get(&wanted)?.iter().filter(free);
        match (same.next(), same.next()) {
            (Some(only), None) => Some(self.schema.field(*only)),
            _ => None,
        }
    }

    /// Notes that a column feeds an input.
    pub fn give(&mut self, name: &str) {
        self.set(name, State::Used);
    }

    /// Takes a column out of all matching.
    pub fn leave_out(&mut self, name: &str) {
        self.set(name, State::LeftOut);
    }

    /// True when the column feeds an input.
    pub fn is_used(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|i| self.states[*i] == State::Used)
    }

    /// True when the column is the target or was left out by the user.
    pub fn is_left_out(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|i| self.states[*i] == State::LeftOut)
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(i) = self.by_name.get(name) {
            self.states[*i] = state;
        }
    }
}

/// Letters and digits in lower case.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Text, plain or by dictionary.
pub fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Dictionary(..))
}

/// A column of pictures.
pub fn is_image(field: &Field) -> bool {
    field.metadata().contains_key(META_IMAGE) && *field.data_type() == DataType::Binary
}

/// A column of lists, each a row of a tensor.
pub fn is_list(field: &Field) -> bool {
    matches!(field.data_type(), DataType::FixedSizeList(..) | DataType::List(_))
}

/// A column that pandas writes to keep its row labels: no feature, though it may be a number.
pub fn is_index(field: &Field) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let name = field.name();
    field.metadata().contains_key(META_INDEX)
        || name.strip_prefix("Unnamed: ").is_some_and(digits)
        || name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__")).is_some_and(digits)
}

/// Columns that may be taken by position alone: text for text inputs, numbers for the others.
pub fn by_position(element: ElementType, field: &Field) -> bool {
    if element == ElementType::String {
        is_text(field.data_type())
    } else {
        field.data_type().is_numeric() || *field.data_type() == DataType::Boolean
    }
}

/// `; column x holds text (row 57: abc)` for the first text columns, to show why they do not count.
pub fn first_texts(fields: &[&Field]) -> String {
    let shown = fields.iter().filter_map(|field| {
        let example = field.metadata().get(META_FIRST_TEXT)?;
        Some(format!("; column {} holds text ({example})", quoted(field.name())))
    });
    shown.take(3).collect()
}

/// The shape of one row of a list column.
pub fn list_shape(field: &Field) -> Option<Vec<usize>> {
    field.metadata().get(META_ROW_SHAPE)?.split(',').map(|dim| dim.parse().ok()).collect()
}

/// Column names as they are typed: the whole text where a column is called so, else names with commas
/// between them.
pub fn typed_names(text: &str, schema: &Schema) -> Vec<String> {
    if schema.fields().iter().any(|field| field.name() == text) {
        return vec![text.to_owned()];
    }
    text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(names: &[&str]) -> Schema {
        Schema::new(names.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_found_by_letters_only_where_that_is_unique() {
        let schema = schema(&["a b", "A_B", "c-d"]);
        let mut columns = Columns::new(&schema);
        assert_eq!(columns.named("ab").map(Field::name), None);
        assert_eq!(columns.named("CD").map(|f| f.name().as_str()), Some("c-d"));
        columns.give("A_B");
        assert_eq!(columns.named("ab").map(|f| f.name().as_str()), Some("a b"));
        columns.leave_out("a b");
        assert_eq!(columns.free().map(|f| f.name().as_str()).collect::<Vec<_>>(), ["c-d"]);
        assert!(columns.is_used("A_B") && columns.is_left_out("a b") && !columns.is_used("nothing"));
    }

    #[test]
    fn index_columns_of_pandas() {
        let is = |name: &str| is_index(&Field::new(name, DataType::Int64, true));
        assert!(is("Unnamed: 0") && is("Unnamed: 0.1") && is("__index_level_0__"));
        assert!(!is("Unnamed: ") && !is("index") && !is("__index_level___") && !is("Unnamed: x"));
    }

    #[test]
    fn a_name_with_a_comma_is_one_name() {
        let schema = schema(&["a", "b", "a,b"]);
        assert_eq!(typed_names("a,b", &schema), ["a,b"]);
        assert_eq!(typed_names("b, a,", &schema), ["b", "a"]);
    }
}
