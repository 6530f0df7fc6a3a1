//! The words of a text, as parts that may be left out.
//!
//! Words are those of Unicode's rules (UAX #29), in any script: `don't` is one, and so is each ideograph. What stands
//! between them stays where it is. The reference, lime's `IndexedString`, takes each run of letters, digits and underscores,
//! which is the same but for apostrophes and points within words and for scripts without spaces.

use std::collections::HashMap;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// A text cut into words and what stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Bytes of each piece, in order, and the part that it is of; what is no word has none.
    pieces: Vec<(Range<usize>, Option<usize>)>,
    /// How many parts there are.
    pub count: usize,
}

/// A word where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordSpan {
    /// First character, from 0; characters are Unicode's code points.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// Its bytes in the text.
    pub bytes: Range<usize>,
    /// The part that it is of.
    pub part: usize,
}

impl Words {
    /// The words of a text. In a `bag` a word is one part wherever it stands; else each place is one.
    pub fn of(text: &str, bag: bool) -> Self {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut count = 0;
        let mut pieces: Vec<(Range<usize>, Option<usize>)> = Vec::new();
        for (at, piece) in text.split_word_bound_indices() {
            let range = at..at + piece.len();
            if !piece.chars().any(char::is_alphanumeric) {
                match pieces.last_mut() {
                    Some((last, None)) => last.end = range.end,
                    _ => pieces.push((range, None)),
                }
                continue;
            }
            let part = if bag { *known.entry(piece).or_insert(count) } else { count };
            count = count.max(part + 1);
            pieces.push((range, Some(part)));
        }
        Self { pieces, count }
    }

    /// The text without the words whose flag is not set.
    pub fn kept(&self, text: &str, set: &[bool]) -> String {
        let mut left = String::with_capacity(text.len());
        for (range, part) in &self.pieces {
            if part.is_none_or(|part| set[part]) {
                left.push_str(&text[range.clone()]);
            }
        }
        left
    }

    /// The words in the order of the text.
    pub fn spans(&self, text: &str) -> Vec<WordSpan> {
        let mut at = 0;
        let mut spans = Vec::new();
        for (bytes, part) in &self.pieces {
            let start = at;
            at += text[bytes.clone()].chars().count();
            if let Some(part) = part {
                spans.push(WordSpan { start, end: at, bytes: bytes.clone(), part: *part });
            }
        }
        spans
    }

    /// The first word of each part.
    pub fn names(&self, text: &str) -> Vec<String> {
        let mut names = vec![String::new(); self.count];
        for (bytes, part) in self.pieces.iter().rev() {
            if let Some(part) = part {
                text[bytes.clone()].clone_into(&mut names[*part]);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_script_with_their_places() {
        let text = "Don't stop — Füße, 東京 и Don't!";
        let bag = Words::of(text, true);
        assert_eq!(bag.names(text), ["Don't", "stop", "Füße", "東", "京", "и"]);
        let spans = bag.spans(text);
        let chars: Vec<char> = text.chars().collect();
        for span in &spans {
            assert_eq!(chars[span.start..span.end].iter().collect::<String>(), text[span.bytes.clone()]);
        }
        assert_eq!(spans.iter().map(|span| span.part).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 0]);
        assert_eq!(Words::of(text, false).count, 7);
        let mut set = [true; 6];
        (set[0], set[2]) = (false, false);
        assert_eq!(bag.kept(text, &set), " stop — , 東京 и !");
        assert_eq!(bag.kept(text, &[true; 6]), text);
        assert_eq!(bag.kept(text, &[false; 6]), "  — ,   !");
    }

    #[test]
    fn texts_without_words_and_with_one() {
        for text in ["", "  ", "?! — …"] {
            let words = Words::of(text, true);
            assert_eq!((words.count, words.spans(text).len(), words.kept(text, &[]).as_str()), (0, 0, text));
        }
        let again = "no ".repeat(500);
        assert_eq!((Words::of(&again, true).count, Words::of(&again, false).count), (1, 500));
        assert_eq!(Words::of(&again, true).kept(&again, &[false]), " ".repeat(500));
    }
}
