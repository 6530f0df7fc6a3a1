//! The words of a text, as parts that may be left out.
//!
//! Words are those of Unicode's rules (UAX #29), in any script: `don't` is one, and so is each ideograph. What stands
//! between them stays where it is. The reference, lime's `IndexedString`, takes each run of letters, digits and underscores,
//! which is the same but for apostrophes and points within words and for scripts without spaces.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

/// Texts that one thread makes at a time at least.
const SETS: usize = 64;

/// Bytes that are copied at once: more than most pieces between two words that go have.
const STEP: usize = 16;

/// What is left of a text, with some room behind it.
struct Left {
    bytes: Vec<u8>,
    len: usize,
}

impl Left {
    /// Adds a piece. A short one is copied with what follows it, which the next piece then overwrites: a copy of a known size is
    /// no call.
    fn push(&mut self, text: &[u8], piece: Range<usize>) {
        let (at, length) = (self.len, piece.len());
        self.len += length;
        match (text.get(piece.start..piece.start + STEP), self.bytes.get_mut(at..at + STEP)) {
            (Some(source), Some(target)) if length <= STEP => target.copy_from_slice(source),
            _ => self.bytes[at..at + length].copy_from_slice(&text[piece]),
        }
    }
}

/// A text cut into words and what stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    words: Vec<Word>,
    /// How many parts there are.
    pub count: usize,
}

/// The bytes of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    /// Its first byte.
    start: usize,
    /// One past its last.
    end: usize,
    part: usize,
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
        let mut words = Vec::new();
        for (start, piece) in text.split_word_bound_indices() {
            if !piece.chars().any(char::is_alphanumeric) {
                continue;
            }
            let part = if bag { *known.entry(piece).or_insert(count) } else { count };
            count = count.max(part + 1);
            words.push(Word { start, end: start + piece.len(), part });
        }
        Self { words, count }
    }

    /// The text without the words whose flag is not set.
    pub fn kept(&self, text: &str, set: &[bool]) -> String {
        // Where words go first, without a jump for each of them: which go is chance, and jumps would be guessed wrong.
        let mut gone = vec![0u32; self.words.len()];
        let mut count = 0;
        for (place, word) in self.words.iter().enumerate() {
            gone[count] = place as u32;
            count += usize::from(!set[word.part]);
        }
        let mut left = Left { bytes: vec![0; text.len() + STEP], len: 0 };
        let mut from = 0;
        for place in &gone[..count] {
            let word = self.words[*place as usize];
            left.push(text.as_bytes(), from..word.start);
            from = word.end;
        }
        left.push(text.as_bytes(), from..text.len());
        left.bytes.truncate(left.len);
        // Cut at words, whose ends are those of characters.
        String::from_utf8(left.bytes).unwrap_or_default()
    }

    /// [`Words::kept`] of many sets, in their order.
    pub fn all_kept(&self, text: &str, sets: &[&[bool]]) -> Vec<String> {
        sets.par_iter().with_min_len(SETS).map(|set| self.kept(text, set)).collect()
    }

    /// The words in the order of the text.
    pub fn spans(&self, text: &str) -> Vec<WordSpan> {
        let (mut at, mut byte) = (0, 0);
        let mut spans = Vec::with_capacity(self.words.len());
        for word in &self.words {
            at += text[byte..word.start].chars().count();
            let start = at;
            at += text[word.start..word.end].chars().count();
            byte = word.end;
            spans.push(WordSpan { start, end: at, bytes: word.start..word.end, part: word.part });
        }
        spans
    }

    /// The first word of each part.
    pub fn names(&self, text: &str) -> Vec<String> {
        let mut names = vec![String::new(); self.count];
        for word in self.words.iter().rev() {
            text[word.start..word.end].clone_into(&mut names[word.part]);
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
