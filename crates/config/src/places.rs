//! Where each key came from.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Problem, Severity};

/// Where something was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// In the file: line and column, from 1.
    Text(usize, usize),
    /// In this environment variable.
    Variable(String),
}

/// The places of all keys that were written anywhere.
#[derive(Debug)]
pub(crate) struct Places {
    file: String,
    of: BTreeMap<String, Place>,
    broken: BTreeSet<String>,
}

impl Places {
    /// No places yet, in a file of this name.
    pub(crate) fn of_file(name: &str) -> Self {
        Self {
            file: name.to_owned(),
            of: BTreeMap::new(),
            broken: BTreeSet::new(),
        }
    }

    /// Notes where a key's value is; later layers come over earlier ones.
    pub(crate) fn note(&mut self, path: &str, place: Place) {
        // A list is replaced as a whole: elements of an earlier layer are no longer there.
        let first = element(path, 0);
        if self.of.contains_key(&first) {
            self.of.retain(|known, _| list_of(known) != path);
        }
        self.of.insert(path.to_owned(), place);
    }

    /// As [`Places::note`], unless there is a place already.
    pub(crate) fn note_first(&mut self, path: &str, place: Place) {
        self.of.entry(path.to_owned()).or_insert(place);
    }

    /// Notes that something is written here that could not be taken, and was said so.
    pub(crate) fn note_broken(&mut self, path: &str) {
        self.broken.insert(path.to_owned());
    }

    /// True where something was written, even if it could not be taken.
    pub(crate) fn is_written(&self, path: &str) -> bool {
        self.broken.contains(path) || self.of.contains_key(path)
    }

    /// True where something was written that could not be taken.
    pub(crate) fn is_broken(&self, path: &str) -> bool {
        self.broken.contains(path)
    }

    /// A problem with the value at this path, or, where it has no place, with what encloses it.
    pub(crate) fn problem(&self, severity: Severity, path: &str, message: String) -> Problem {
        let place = self
            .of
            .get(path)
            .or_else(|| parents(path).find_map(|p| self.of.get(p)));
        self.problem_at(severity, place, list_of(path), message)
    }

    /// A problem at this place.
    pub(crate) fn problem_at(
        &self,
        severity: Severity,
        place: Option<&Place>,
        key: &str,
        message: String,
    ) -> Problem {
        let (file, line, column) = match place {
            Some(Place::Text(line, column)) => (self.file.clone(), Some(*line), Some(*column)),
            Some(Place::Variable(name)) => (format!("env:{name}"), None, None),
            None => (self.file.clone(), None, None),
        };
        Problem {
            severity,
            file,
            line,
            column,
            key: key.to_owned(),
            message,
            hint: None,
        }
    }
}

/// The path of one element of a list.
pub(crate) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The path of the list that a path is an element of; any other path as it is.
fn list_of(path: &str) -> &str {
    let list = path.strip_suffix(']').and_then(|path| {
        let (list, index) = path.rsplit_once('[')?;
        index
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(list)
    });
    list.unwrap_or(path)
}

/// What encloses a path, from the inside out.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    let up = |path: &str| path.rfind(['.', '[']);
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.get(..up(rest)?)?;
        Some(rest)
    })
}

/// Turns byte offsets of one text into lines and columns.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Looks for the line breaks once.
    pub(crate) fn of(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The line of an offset, from 0.
    pub(crate) fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// The bytes of a line, without its end.
    pub(crate) fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let end = self
            .starts
            .get(index + 1)
            .map_or(self.text.len(), |next| next - 1);
        start..end
    }

    /// Line and column of an offset, from 1, the column in characters.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let line = self.index(offset);
        let start = self.range(line).start;
        let before = self.text.get(start..offset.min(self.text.len()));
        Place::Text(line + 1, before.map_or(0, |text| text.chars().count()) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters() {
        let text = "a = 1\nü = 'é' x\n";
        let lines = Lines::of(text);
        assert_eq!(lines.place(0), Place::Text(1, 1));
        assert_eq!(lines.place(text.find('x').unwrap()), Place::Text(2, 9));
        assert_eq!(lines.place(text.len()), Place::Text(3, 1));
    }

    #[test]
    fn a_missing_key_is_placed_at_what_encloses_it() {
        let mut places = Places::of_file("f.toml");
        places.note("routes.voice", Place::Text(7, 1));
        let problem = places.problem(Severity::Error, "routes.voice.limits.x", String::new());
        assert_eq!((problem.line, problem.column), (Some(7), Some(1)));
    }
}
