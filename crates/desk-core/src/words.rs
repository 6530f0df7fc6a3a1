//! Words for people: numbers with their noun, and names from files as they can safely be shown.

/// `1 row`, `3 rows`.
pub fn counted(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// Characters of a name that are shown.
const SHOWN: usize = 60;

/// A name that somebody else chose, as a sentence shows it: in backticks, on one line, not longer than a line.
///
/// Names from models, files and the command line may be empty, ten thousand characters long, or steer a
/// terminal; every sentence takes them through here.
pub fn quoted(name: &(impl AsRef<str> + ?Sized)) -> String {
    let name = name.as_ref();
    let shown: String = name.chars().take(SHOWN).collect();
    let more = if shown.len() < name.len() { "…" } else { "" };
    format!("`{}{more}`", escaped(&shown))
}

/// A value from somebody's file as a line of a table shows it: on one line, and not longer than two names.
pub fn in_a_line(value: &str) -> String {
    let shown: String = value.chars().take(2 * SHOWN).collect();
    let more = if shown.len() < value.len() { "…" } else { "" };
    format!("{}{more}", escaped(&shown))
}

/// Several names, the first few of them: `` `a`, `b` and 3 more ``.
pub fn quoted_list<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| quoted(name)).collect();
    let more = names.len().saturating_sub(most);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Names between commas. One that holds a comma itself stands in double quotes, in which two mean one, as in a CSV file;
/// spaces around names are left away.
///
/// # Errors
/// A quote that is not closed, or text behind a closed one; the sentence says which.
pub fn listed(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let (name, behind) = if let Some(inside) = rest.strip_prefix('"') {
            let (name, behind) =
                unquoted(inside).ok_or_else(|| format!("a quote is not closed in {}", quoted(text)))?;
            let behind = behind.trim_start();
            if !behind.is_empty() && !behind.starts_with(',') {
                return Err(format!("text follows a closed quote in {}", quoted(text)));
            }
            (name, behind)
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest[..end].trim_end().to_owned(), &rest[end..])
        };
        names.push(name);
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(names),
        }
    }
}

/// What stands before the quote that closes, and what behind it.
fn unquoted(inside: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = inside;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return Some((name, rest)),
        }
    }
}

/// Text that neither steers a terminal nor looks like further lines: control characters, line and paragraph
/// separators and marks of writing direction are shown as their codes.
pub fn escaped(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match c {
            '\n' => shown.push_str("\\n"),
            c if steers(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
        shown
    })
}

/// A word as a POSIX shell reads it back: as it is, or in single quotes where it needs them.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The same text, or the same number written in another way.
pub fn same_value(a: &str, b: &str) -> bool {
    a == b || a.parse::<f64>().ok().zip(b.parse::<f64>().ok()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
}

/// Bytes with a unit that people read, to three digits.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A number in few characters: four digits after the point, or powers of ten where those would hide its size.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) { format!("{number:.3e}") } else { format!("{number:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_on_one_line() {
        assert_eq!(quoted("age"), "`age`");
        assert_eq!(quoted(""), "``");
        assert_eq!(quoted("a\u{1b}[2J\nb"), "`a\\u{1b}[2J\\nb`");
        let long = quoted(&"é".repeat(10_000));
        assert_eq!((long.chars().count(), long.ends_with("é…`")), (63, true));
        assert_eq!(in_a_line("north\nsouth"), "north\\nsouth");
        assert_eq!(in_a_line(&"é".repeat(1 << 20)).chars().count(), 2 * SHOWN + 1);
        assert_eq!(quoted_list(&["a", "b", "c"], 2), "`a`, `b` and 1 more");
        assert_eq!(quoted_list(&["a", "b"], 2), "`a`, `b`");
    }

    #[test]
    fn names_with_commas_stand_in_quotes() {
        assert_eq!(listed("a, b ,c"), Ok(vec!["a".to_owned(), "b".into(), "c".into()]));
        assert_eq!(listed(r#""a, b", "say ""no""" ,c"#), Ok(vec!["a, b".to_owned(), r#"say "no""#.into(), "c".into()]));
        assert_eq!(listed(r#"5" pipe,"""#), Ok(vec![r#"5" pipe"#.to_owned(), String::new()]));
        for wrong in [r#""a, b"#, r#""a" b,c"#] {
            assert!(listed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "row")), ["0 rows", "1 row", "2 rows"]);
    }

    #[test]
    fn shell_words_survive_quotes_and_spaces() {
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("no dir/$(x)"), "'no dir/$(x)'");
        assert_eq!(shell_word("a/b-1.csv"), "a/b-1.csv");
    }

    #[test]
    fn a_number_is_itself_however_it_is_written() {
        assert!(same_value("1", "1.0") && same_value("no", "no") && same_value("1e3", "1000"));
        assert!(!same_value("no", "yes") && !same_value("", "0") && !same_value("1", "1.5"));
    }

    #[test]
    fn sizes_keep_three_digits() {
        let shown = [0, 999, 1000, 39_686, 999_600, 29_000_000_000, 2_199_023_255_552].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "39.7 kB", "1.0 MB", "29.0 GB", "2.2 TB"]);
    }

    #[test]
    fn small_and_large_numbers_keep_their_size() {
        let all = [0.0, 0.5, -17.3281, 2.98e-8, 12_345_678.0].map(short);
        assert_eq!(all, ["0.0000", "0.5000", "-17.3281", "2.980e-8", "1.235e7"]);
    }
}
