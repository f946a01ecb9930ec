//! The merged tree, read by key and into types. What cannot be read is reported, never returned.

use std::{cell::RefCell, fmt::Display, path::Path, time::Duration};

use toml::{Table, Value};

use crate::{
    names::join,
    places::{Places, element},
    problem::{Problem, Severity},
    schema::{Key, Node},
    units,
};

/// What all sections share while they are read.
pub(crate) struct Reader<'a> {
    /// Where relative paths start.
    pub(crate) base: &'a Path,
    /// Whether literal secrets are allowed.
    pub(crate) allow_inline: bool,
    /// Whether to look at files and variables that the settings refer to.
    pub(crate) look: bool,
    places: &'a Places,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Reader<'a> {
    /// Nothing read yet.
    pub(crate) fn new(base: &'a Path, look: bool, allow_inline: bool, places: &'a Places) -> Self {
        Self {
            base,
            allow_inline,
            look,
            places,
            problems: RefCell::new(Vec::new()),
        }
    }

    /// The whole tree.
    pub(crate) fn root<'r>(&'r self, tree: &'r Table) -> Section<'r> {
        Section {
            reader: self,
            node: Node::root(),
            path: String::new(),
            table: Some(tree),
        }
    }

    /// Reports something wrong.
    pub(crate) fn error(&self, path: &str, message: impl Display) {
        self.report(Severity::Error, path, message.to_string(), None);
    }

    /// Reports something wrong, and what would be right.
    pub(crate) fn error_with_hint(&self, path: &str, message: impl Display, hint: Option<String>) {
        self.report(Severity::Error, path, message.to_string(), hint);
    }

    /// Reports something to look at.
    pub(crate) fn warn(&self, path: &str, message: impl Display) {
        self.report(Severity::Warning, path, message.to_string(), None);
    }

    /// Everything reported.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    fn report(&self, severity: Severity, path: &str, message: String, hint: Option<String>) {
        let problem = self.places.problem(severity, path, message);
        self.problems.borrow_mut().push(Problem { hint, ..problem });
    }
}

/// One table of the tree.
pub(crate) struct Section<'r> {
    /// What sections share.
    pub(crate) reader: &'r Reader<'r>,
    /// Dotted.
    pub(crate) path: String,
    node: &'static Node,
    table: Option<&'r Table>,
}

impl<'r> Section<'r> {
    /// The table of this name; empty where it is not written.
    pub(crate) fn section(&self, name: &str) -> Self {
        let table = self.table.and_then(|table| table.get(name));
        Self {
            reader: self.reader,
            node: self.node.child(name).unwrap_or(self.node),
            path: self.at(name),
            table: table.and_then(Value::as_table),
        }
    }

    /// The tables in a map, by their names.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&'r str, Self)> {
        let names = self.table.into_iter().flat_map(Table::keys);
        names.map(|name| (name.as_str(), self.section(name)))
    }

    /// The tables of a list, in their order, each with a path of its own.
    pub(crate) fn tables(&self, name: &str) -> Vec<Self> {
        let items = self.value(name).and_then(Value::as_array);
        let items = items.into_iter().flatten().enumerate();
        let path = self.at(name);
        items
            .map(|(index, item)| Self {
                reader: self.reader,
                node: self.node.child(name).unwrap_or(self.node),
                path: element(&path, index),
                table: item.as_table(),
            })
            .collect()
    }

    /// The path of a key here.
    pub(crate) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// True where the key was written, even wrongly.
    pub(crate) fn is_written(&self, key: &str) -> bool {
        self.reader.places.is_written(&self.at(key))
    }

    /// True where the key is in the tree, whatever it holds.
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// A text.
    pub(crate) fn text(&self, key: &str) -> Option<&'r str> {
        self.value(key)?.as_str()
    }

    /// The texts of a list, each with its path.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<(String, &'r str)>> {
        let items = self.value(key)?.as_array()?.iter().enumerate();
        let path = self.at(key);
        let texts = items.filter_map(|(i, item)| Some((element(&path, i), item.as_str()?)));
        Some(texts.collect())
    }

    /// `true` or `false`; keys without a default are false.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.value(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A whole number; its range is in the schema.
    pub(crate) fn count<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        self.value(key)?.as_integer()?.try_into().ok()
    }

    /// Reads a text that may be missing; what cannot be read is reported.
    pub(crate) fn parsed<T, E: Display>(
        &self,
        key: &str,
        parse: impl Fn(&'r str) -> Result<T, E>,
    ) -> Option<T> {
        parse(self.text(key)?)
            .map_err(|error| self.reader.error(&self.at(key), error))
            .ok()
    }

    /// As [`Section::parsed`] for each text of a list, empty where there is none.
    pub(crate) fn parsed_list<T, E: Display>(
        &self,
        key: &str,
        parse: impl Fn(&'r str) -> Result<T, E>,
    ) -> Vec<T> {
        let texts = self.texts(key).into_iter().flatten();
        texts
            .filter_map(|(path, text)| {
                parse(text)
                    .map_err(|error| self.reader.error(&path, error))
                    .ok()
            })
            .collect()
    }

    /// Reads a text that has a default, and takes that where what is written is no use.
    pub(crate) fn defaulted<T, E: Display>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        let written = self.parsed(key, &parse);
        written.unwrap_or_else(|| self.by_default(key, parse))
    }

    /// A whole number that has a default.
    pub(crate) fn defaulted_count<T: TryFrom<i64>>(&self, key: &str) -> T {
        let parse = |text: &str| -> Result<T, &'static str> {
            let number = text.parse::<i64>();
            let number = number.ok().and_then(|number| number.try_into().ok());
            number.ok_or("no such number")
        };
        self.count(key)
            .unwrap_or_else(|| self.by_default(key, parse))
    }

    /// A duration that has a default and is not zero.
    pub(crate) fn duration(&self, key: &str) -> Duration {
        self.defaulted(key, |text| units::duration(text).and_then(not_zero))
    }

    /// As [`Section::duration`], in whole seconds.
    pub(crate) fn seconds(&self, key: &str) -> Duration {
        self.defaulted(key, |text| units::whole_seconds(text).and_then(not_zero))
    }

    /// As [`Section::seconds`], where there may be none.
    pub(crate) fn optional_seconds(&self, key: &str) -> Option<Duration> {
        self.parsed(key, |text| units::whole_seconds(text).and_then(not_zero))
    }

    /// A duration that has a default; zero and `never` are `None`.
    pub(crate) fn duration_or_off(&self, key: &str) -> Option<Duration> {
        Some(self.defaulted(key, duration_or_never)).filter(|duration| !duration.is_zero())
    }

    /// A duration that may be missing; zero and `never` are `None` as well.
    pub(crate) fn optional_duration(&self, key: &str) -> Option<Duration> {
        let written = self.parsed(key, duration_or_never);
        written.filter(|duration| !duration.is_zero())
    }

    /// A duration that may be missing and is not zero.
    pub(crate) fn positive_duration(&self, key: &str) -> Option<Duration> {
        self.parsed(key, |text| units::duration(text).and_then(not_zero))
    }

    /// A key that must be there; what is missing is reported, unless something is there that was
    /// reported already.
    pub(crate) fn require(&self, key: &str, what: &str) {
        if !self.holds(key) && !self.is_broken(key) {
            let message = format!("`{key}` is missing: {what}");
            self.reader.error(&self.at(key), message);
        }
    }

    fn is_broken(&self, key: &str) -> bool {
        let path = self.at(key);
        self.reader.places.is_broken(&path)
    }

    fn value(&self, key: &str) -> Option<&'r Value> {
        self.table?.get(key)
    }

    #[expect(
        clippy::expect_used,
        reason = "asked only for keys with defaults; a test reads every one of them"
    )]
    fn by_default<T, E: Display>(&self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> T {
        let row: Option<&Key> = self.node.child(key).and_then(|node| node.key);
        let default = row.and_then(|row| row.default);
        default
            .and_then(|text| parse(text).ok())
            .expect("the schema has a default that can be read")
    }
}

/// A size that is not zero.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    match units::size(text)? {
        0 => Err("must be more than nothing".to_owned()),
        size => Ok(size),
    }
}

fn duration_or_never(text: &str) -> Result<Duration, String> {
    match text {
        "never" => Ok(Duration::ZERO),
        _ => units::duration(text),
    }
}

fn not_zero(duration: Duration) -> Result<Duration, String> {
    if duration.is_zero() {
        Err("must be more than nothing".to_owned())
    } else {
        Ok(duration)
    }
}
