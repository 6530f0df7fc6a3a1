//! Words from right to left, in the order in which they are seen in a line from left to right.
//!
//! The letters of such a word are put in their places when the text is laid out, each word by itself; the order of
//! the words is left to us. Numbers and what is in other letters stay where they stand: a count beside a name is
//! read as a count.

use std::borrow::Cow;

/// Hebrew, Arabic and the scripts beside them, with their marks and presentation forms.
fn is_from_right(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}')
        && !c.is_numeric()
}

/// The text as it is painted from left to right.
pub fn seen(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_from_right) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    // Words and what stands between them, of a stretch that has no other letters and no digits.
    let mut stretch: Vec<String> = Vec::new();
    let mut between = String::new();
    for c in text.chars() {
        if is_from_right(c) {
            match stretch.last_mut() {
                Some(word) if between.is_empty() => word.push(c),
                Some(_) => {
                    stretch.push(std::mem::take(&mut between));
                    stretch.push(c.to_string());
                }
                None => stretch.push(c.to_string()),
            }
        } else if !stretch.is_empty() && !c.is_alphanumeric() && c != '\n' {
            between.push(c);
        } else {
            out.extend(stretch.drain(..).rev());
            out.push_str(&std::mem::take(&mut between));
            out.push(c);
        }
    }
    out.extend(stretch.drain(..).rev());
    out.push_str(&between);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_change_places_and_numbers_stay() {
        assert_eq!(seen("plain 12"), "plain 12");
        assert_eq!(seen("אחת שתיים"), "שתיים אחת");
        assert_eq!(seen("אחת שתיים 1234"), "שתיים אחת 1234");
        assert_eq!(seen("1234 אחת, שתיים"), "1234 שתיים, אחת");
        assert_eq!(seen("age גיל 30 x"), "age גיל 30 x");
        assert_eq!(seen("عمر المريض = 5"), "المريض عمر = 5");
    }
}
