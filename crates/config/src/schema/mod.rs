//! Every key there is: what it takes, what it is without being set, what it is for.
//!
//! Suggestions, type checks, defaults and the reference all come from the one table.

mod kind;
mod table;

use std::{collections::BTreeMap, sync::LazyLock};

pub(crate) use self::{
    kind::{Kind, Mismatch},
    table::KEYS,
};

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted; `*` stands for a name that the user chooses.
    pub(crate) path: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Its value when it is not set, as text.
    pub(crate) default: Option<&'static str>,
    /// What it is for, in one or two sentences of Markdown.
    pub(crate) doc: &'static str,
}

/// The table as a tree, for walking beside a document.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The row that ends here.
    pub(crate) key: Option<&'static Key>,
    named: BTreeMap<&'static str, Self>,
    any: Option<Box<Self>>,
}

impl Node {
    /// The root of the table.
    pub(crate) fn root() -> &'static Self {
        &ROOT
    }

    /// The node of this name below.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.named.get(name).or(self.any.as_deref())
    }

    /// True where users choose the names.
    pub(crate) fn is_map(&self) -> bool {
        self.any.is_some()
    }

    /// True where a table is expected.
    pub(crate) fn is_table(&self) -> bool {
        self.is_map() || !self.named.is_empty()
    }

    /// True where each element of a list is such a table.
    pub(crate) fn is_list(&self) -> bool {
        self.key.is_some_and(|key| key.kind == Kind::Tables)
    }

    /// The names known below.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.named.keys().copied()
    }

    /// Where else a key of this name belongs, as a section header.
    pub(crate) fn section_of(name: &str) -> Option<String> {
        KEYS.iter()
            .filter(|key| !key.kind.is_heading() && key.kind != Kind::Unbuilt)
            .filter_map(|key| key.path.rsplit_once('.'))
            .find(|(_, last)| *last == name)
            .map(|(section, _)| header(section))
    }

    fn grow(&mut self, segment: &'static str) -> &mut Self {
        if segment == "*" {
            self.any.get_or_insert_default()
        } else {
            self.named.entry(segment).or_default()
        }
    }
}

/// How a file begins the section of this path.
pub(crate) fn header(path: &str) -> String {
    let name = path.replace('*', "NAME");
    let row = KEYS.iter().find(|key| key.path == path);
    if row.is_some_and(|row| row.kind == Kind::Tables) {
        format!("[[{name}]]")
    } else {
        format!("[{name}]")
    }
}

static ROOT: LazyLock<Node> = LazyLock::new(|| {
    let mut root = Node::default();
    for key in KEYS {
        let node = key.path.split('.').fold(&mut root, Node::grow);
        node.key = Some(key);
    }
    root
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_of_its_kind() {
        for key in KEYS {
            if let Some(default) = key.default {
                assert!(key.kind.read_text(default).is_ok(), "{}", key.path);
            }
        }
    }

    #[test]
    fn no_key_is_listed_twice_and_each_says_what_it_is_for() {
        let mut seen = std::collections::BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert(key.path), "{} twice", key.path);
            assert!(key.doc.ends_with('.'), "{}", key.path);
        }
    }

    #[test]
    fn a_misplaced_key_knows_its_section() {
        assert_eq!(
            Node::section_of("max_session").as_deref(),
            Some("[routes.NAME.limits]")
        );
    }
}
