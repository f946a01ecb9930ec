//! From text to a spanned document, stepping over lines that are not TOML.
//!
//! The parser says where it stumbled, but what follows in its recovered document is guesswork
//! and one mistake becomes many. So the value on the offending line is blotted out, its key kept,
//! and the text is read again: every mistake is found, and none is found twice.

use std::{collections::BTreeSet, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, Error},
};

use crate::{
    places::{Lines, Places},
    problem::{Problem, Severity},
};

/// The text that could be read, the lines that could not, and what to say about them.
#[derive(Debug)]
pub(crate) struct Legible {
    /// Offsets are those of the original; what is not TOML is blotted out.
    pub(crate) text: String,
    /// Lines with a blotted value, from 0.
    pub(crate) blots: BTreeSet<usize>,
    /// The rest of the file could not be made sense of.
    pub(crate) cut: bool,
    /// One problem a line.
    pub(crate) problems: Vec<Problem>,
}

impl Legible {
    /// Reads until nothing is left that is not TOML.
    pub(crate) fn of(original: &str, places: &Places) -> Self {
        let lines = Lines::of(original);
        let mut legible = Self {
            text: original.to_owned(),
            blots: BTreeSet::new(),
            cut: false,
            problems: Vec::new(),
        };
        let mut attempts = 0..MOST_ATTEMPTS;
        while let Some(error) = first_error(&legible.text) {
            if attempts.next().is_none() {
                legible.cut = true;
                legible.text.clear();
            } else if legible.cut {
                legible.shorten();
            } else {
                legible.step_over(&lines, &error, places);
            }
        }
        legible
    }

    /// The document of the legible text.
    pub(crate) fn document(&self) -> Option<Spanned<DeTable<'_>>> {
        DeTable::parse(&self.text).ok()
    }

    fn step_over(&mut self, lines: &Lines<'_>, error: &Error, places: &Places) {
        let offset = self.start_of(error);
        let line = lines.index(offset);
        let range = lines.range(line);
        let again = !self.blots.insert(line);
        let header = self.text[range.clone()].trim_start().starts_with('[');
        let endless = again && self.text[offset..].trim().is_empty();
        self.cut = header || endless || self.is_cascade(line);
        if !again {
            let place = lines.place(offset);
            let message = format!("not TOML: {}", error.message());
            let mut problem = places.problem_at(Severity::Error, Some(&place), "", message);
            problem.hint = self
                .cut
                .then(|| "what follows this line was not checked".to_owned());
            self.problems.push(problem);
        }
        if self.cut {
            self.text.truncate(range.start);
        } else if again {
            blank(&mut self.text, range);
        } else {
            blot_value(&mut self.text, range);
        }
    }

    /// An unclosed bracket makes every later line a mistake: three in a row are one.
    fn is_cascade(&self, line: usize) -> bool {
        line >= 2 && (line - 2..line).all(|before| self.blots.contains(&before))
    }

    /// Takes away the last line, which may have opened what was never closed.
    fn shorten(&mut self) {
        let end = self.text.trim_end_matches('\n').rfind('\n').unwrap_or(0);
        self.text.truncate(end);
    }

    fn start_of(&self, error: &Error) -> usize {
        let start = error.span().map_or(0, |span| span.start);
        self.text.floor_char_boundary(start)
    }
}

/// The first mistake by position: the parser finds them in an order of its own.
fn first_error(text: &str) -> Option<Error> {
    let (_, errors) = DeTable::parse_recoverable(text);
    errors
        .into_iter()
        .min_by_key(|error| error.span().map_or(0, |span| span.start))
}

/// Replaces what follows the first `=` of a line by a zero, keeping the length.
fn blot_value(text: &mut String, range: Range<usize>) {
    let line = &text[range.clone()];
    let key = line.find('=').map_or("", |at| line[..at].trim_end());
    if key.is_empty() || key.len() + 2 > line.len() {
        return blank(text, range);
    }
    let blotted = format!("{key}=0{}", " ".repeat(line.len() - key.len() - 2));
    text.replace_range(range, &blotted);
}

fn blank(text: &mut String, range: Range<usize>) {
    let spaces = " ".repeat(range.len());
    text.replace_range(range, &spaces);
}

/// Mistakes to step over and lines to take away before giving the whole text up.
const MOST_ATTEMPTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Legible {
        Legible::of(text, &Places::of_file("f.toml"))
    }

    fn lines_of(legible: &Legible) -> Vec<usize> {
        legible.problems.iter().filter_map(|p| p.line).collect()
    }

    #[test]
    fn mistakes_on_lines_of_their_own_are_each_found_and_the_rest_is_read() {
        let legible = read("a = 30s\nb = 1\nc : 2\nd = \"x\ne = 2\n[t]\nf = 1\n");
        assert_eq!(lines_of(&legible), [1, 3, 4]);
        assert!(!legible.cut);
        let document = legible.document().unwrap();
        assert!(document.get_ref().contains_key("t"));
        assert!(document.get_ref().contains_key("a"), "a blotted key stays");
    }

    #[test]
    fn an_unclosed_array_is_not_a_hundred_mistakes() {
        let text = format!("a = 1\nb = [\"x\"\n{}", "c = 1\n".repeat(100));
        let legible = read(&text);
        assert!(legible.cut);
        assert!(legible.problems.len() <= 3, "{:?}", legible.problems);
        assert!(legible.document().unwrap().get_ref().contains_key("a"));
    }

    #[test]
    fn a_broken_header_ends_what_can_be_said() {
        let legible = read("a = 1\n[t\nb = 1\n");
        assert_eq!(lines_of(&legible), [2]);
        assert!(legible.cut);
    }

    #[test]
    fn a_mistake_on_the_last_line_is_no_end() {
        let legible = read("a = 1\nb = ");
        assert_eq!(lines_of(&legible), [2]);
        assert!(!legible.cut);
    }
}
