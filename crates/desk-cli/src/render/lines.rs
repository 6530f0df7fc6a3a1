//! Lines of an answer: what is put into one stays one line.

use crate::output::one_line;

/// Collects lines.
#[derive(Default)]
pub struct Lines(Vec<String>);

impl Lines {
    /// Adds one line; line breaks in it are shown, not obeyed.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.0.push(one_line(text.as_ref()));
    }

    /// Adds lines that were made of parts that are each one line, such as a table.
    pub fn block(&mut self, text: String) {
        if !text.is_empty() {
            self.0.push(text);
        }
    }

    /// The text.
    pub fn text(self) -> String {
        self.0.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_add_a_line() {
        let mut lines = Lines::default();
        lines.line(format!("producer {}", "x\nverified ok"));
        lines.block("a\nb".to_owned());
        assert_eq!(lines.text(), "producer x\\nverified ok\na\nb");
    }
}
