//! Filters: what is asked of a column, and the text that asks the same on the command line.

use desk_core::words::quoted;
use desk_core::{Fault, FaultKind};
use serde::{Deserialize, Serialize};

use super::ROW;

/// What a row must be like in one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The column; [`ROW`] for the row's number.
    pub column: String,
    /// What is asked of its cell.
    pub test: Test,
}

/// What is asked of a cell. A missing one passes [`Test::Missing`] only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Numbers by value, texts by their Unicode code points.
    Is(Relation, String),
    /// The text has this in it, in upper or lower case.
    Contains(String),
    /// One of these.
    OneOf(Vec<String>),
    /// Nothing, an empty text, or not a number (NaN).
    Missing,
    /// Something.
    Present,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Relation {
    /// All of them; those of two characters before those that they begin with.
    pub const ALL: [Self; 6] = [Self::AtMost, Self::AtLeast, Self::NotEqual, Self::Equal, Self::Less, Self::Greater];

    /// As it is typed.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether an order of two values is this relation.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

const HOW: &str = "Such as 'age>=30', 'name~smith', 'class in a,b', 'age is missing' or 'age is present'";

impl Filter {
    /// A filter on a column.
    pub fn new(column: impl Into<String>, test: Test) -> Self {
        Self { column: column.into(), test }
    }

    /// Reads what [`Filter`] displays: a column's name, then what is asked of it. Of the names that fit the longest
    /// counts.
    pub fn parse(text: &str, columns: &[&str]) -> Result<Self, Fault> {
        let text = text.trim();
        let wrong = |message: String| Fault::new(FaultKind::Usage, message);
        let mut names: Vec<&str> = columns.iter().copied().chain([ROW]).filter(|name| text.starts_with(name)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in &names {
            if let Some(test) = test(&text[name.len()..]) {
                return Ok(Self::new(
                    *name,
                    test.map_err(|what| wrong(format!("{}: {what}", quoted(text))).hint(HOW))?,
                ));
            }
        }
        Err(match names.first() {
            Some(name) => wrong(format!("nothing is asked of {} in {}", quoted(name), quoted(text))).hint(HOW),
            None => wrong(format!("{} begins with no column of these rows", quoted(text)))
                .hint(format!("The columns are {}", desk_core::words::quoted_list(columns, 12)))
                .hint(HOW),
        })
    }
}

/// What stands after the column's name; none when that is no test.
fn test(rest: &str) -> Option<Result<Test, String>> {
    let trimmed = rest.trim_start();
    for relation in Relation::ALL {
        if let Some(value) = trimmed.strip_prefix(relation.sign()) {
            return Some(value_of(value).map(|value| Test::Is(relation, value)));
        }
    }
    if let Some(part) = trimmed.strip_prefix('~') {
        return Some(value_of(part).map(Test::Contains));
    }
    // Words stand apart from the name.
    if trimmed.len() == rest.len() {
        return None;
    }
    match trimmed.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["is", "missing"] => return Some(Ok(Test::Missing)),
        ["is", "present"] => return Some(Ok(Test::Present)),
        _ => {}
    }
    let list = trimmed.strip_prefix("in").filter(|list| list.starts_with(char::is_whitespace))?;
    Some(values_of(list).map(Test::OneOf))
}

/// One value: as it stands, or in double quotes as JSON has it.
fn value_of(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("there is no value".to_owned());
    }
    if text.len() > 1 && text.starts_with('"') && text.ends_with('"') {
        return serde_json::from_str(text).map_err(|error| format!("the text in quotes cannot be read: {error}"));
    }
    Ok(text.to_owned())
}

/// Values with commas between them.
fn values_of(text: &str) -> Result<Vec<String>, String> {
    let (mut parts, mut start, mut inside, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(value_of).collect()
}

/// A value as it is typed: in quotes where it would be read otherwise.
fn typed(value: &str, in_list: bool) -> String {
    let plain = !value.is_empty() && value.trim() == value && !value.starts_with(['"', '=', '~']);
    if plain && !(in_list && value.contains([',', '"'])) {
        return value.to_owned();
    }
    serde_json::Value::from(value).to_string()
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let column = &self.column;
        match &self.test {
            Test::Is(relation, value) => write!(f, "{column}{}{}", relation.sign(), typed(value, false)),
            Test::Contains(part) => write!(f, "{column}~{}", typed(part, false)),
            Test::OneOf(values) => {
                let values: Vec<String> = values.iter().map(|value| typed(value, true)).collect();
                write!(f, "{column} in {}", values.join(","))
            }
            Test::Missing => write!(f, "{column} is missing"),
            Test::Present => write!(f, "{column} is present"),
        }
    }
}

/// By which column rows are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// The column; [`ROW`] for the row's number.
    pub column: String,
    /// Largest first.
    #[serde(default)]
    pub descending: bool,
}

impl SortKey {
    /// Reads `COLUMN`, `COLUMN:asc` or `COLUMN:desc`.
    pub fn parse(text: &str) -> Self {
        let key = |column: &str, descending| Self { column: column.to_owned(), descending };
        match text.rsplit_once(':') {
            Some((column, "desc")) => key(column, true),
            Some((column, "asc")) => key(column, false),
            _ => key(text, false),
        }
    }
}

impl SortKey {
    /// Reads one key or several with commas between them, each as [`Self::parse`] does or with a minus before it for
    /// the largest first: `plan,-age`. What is the name of a column as a whole is that column.
    pub fn parse_all(text: &str, columns: &[&str]) -> Vec<Self> {
        let known = |text: &str| columns.contains(&Self::parse(text).column.as_str());
        let one = |text: &str| match text.strip_prefix('-') {
            Some(rest) if !known(text) && (known(rest) || rest == super::ROW) => {
                Self { column: rest.to_owned(), descending: true }
            }
            _ => Self::parse(text),
        };
        if known(text) || !text.contains(',') {
            return vec![one(text)];
        }
        text.split(',').map(|part| one(part.trim())).collect()
    }
}

impl std::fmt::Display for SortKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = !(self.column.ends_with(":asc") || self.column.ends_with(":desc"));
        let order = if self.descending { ":desc" } else { [":asc", ""][usize::from(plain)] };
        write!(f, "{}{order}", self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 5] = ["a", "a>b", "petal length (cm)", "is", "name"];

    #[track_caller]
    fn check(text: &str, column: &str, test: Test) {
        let filter = Filter::parse(text, &COLUMNS).expect("it is a filter");
        assert_eq!(filter, Filter::new(column, test));
        let again = filter.to_string();
        assert_eq!(Filter::parse(&again, &COLUMNS).expect("what is displayed can be read"), filter, "{again}");
    }

    #[test]
    fn each_test_is_read_and_displayed() {
        let is = |relation, value: &str| Test::Is(relation, value.to_owned());
        check("a>=3", "a", is(Relation::AtLeast, "3"));
        check(" a <= -3.5 ", "a", is(Relation::AtMost, "-3.5"));
        check("a>b=3", "a>b", is(Relation::Equal, "3"));
        check("a>c", "a", is(Relation::Greater, "c"));
        check("petal length (cm)<2", "petal length (cm)", is(Relation::Less, "2"));
        check("name!=x y", "name", is(Relation::NotEqual, "x y"));
        check("name=\" x \\\"q\\\" \"", "name", is(Relation::Equal, " x \"q\" "));
        check("name=\"\"", "name", is(Relation::Equal, ""));
        check("name~mith", "name", Test::Contains("mith".into()));
        check("name in a, \"b,c\" ,d", "name", Test::OneOf(vec!["a".into(), "b,c".into(), "d".into()]));
        check("is is missing", "is", Test::Missing);
        check("a  is  present", "a", Test::Present);
        check("#>=1000", "#", is(Relation::AtLeast, "1000"));
    }

    #[test]
    fn several_keys_in_one_text() {
        let columns = ["a", "b", "-c", "d,e"];
        let read = |text: &str| {
            let keys = SortKey::parse_all(text, &columns);
            keys.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(read("a,-b"), ["a", "b:desc"]);
        assert_eq!(read("-a, b:desc ,-#"), ["a:desc", "b:desc", "#:desc"]);
        assert_eq!((read("-c"), read("--c")), (vec!["-c".to_owned()], vec!["-c:desc".to_owned()]));
        assert_eq!(read("d,e:desc"), ["d,e:desc"], "the name of one column");
        assert_eq!(read("unknown"), ["unknown"], "told later, by name");
    }

    #[test]
    fn what_is_no_filter_says_why() {
        for text in ["weight>3", "a", "a=", "ais missing", "a is", "name in ", "name=\"\\x\""] {
            let fault = Filter::parse(text, &COLUMNS).expect_err(text);
            assert_eq!(fault.kind, FaultKind::Usage);
            assert!(!fault.hints.is_empty(), "{text}");
        }
        assert!(Filter::parse("weight>3", &COLUMNS).expect_err("unknown").hints[0].contains("petal length (cm)"));
    }

    #[test]
    fn sort_keys_are_read_and_displayed() {
        for (text, column, descending) in
            [("a", "a", false), ("a:desc", "a", true), ("a:b", "a:b", false), ("a:desc:asc", "a:desc", false)]
        {
            let key = SortKey::parse(text);
            assert_eq!((key.column.as_str(), key.descending), (column, descending));
            assert_eq!(key.to_string(), text);
        }
    }
}
