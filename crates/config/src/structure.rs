//! The first look at a file: are these our keys, and do they hold what they should?

use std::collections::BTreeSet;

use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use crate::{
    names::{did_you_mean, join},
    places::{Lines, Place, Places, element},
    problem::{Problem, Severity},
    schema::{Key, Kind, Mismatch, Node},
};

/// Compares a document with the schema and keeps what fits.
pub(crate) struct Inspection<'a> {
    /// Positions in the text.
    pub(crate) lines: &'a Lines<'a>,
    /// Lines whose value has been complained about already.
    pub(crate) blots: &'a BTreeSet<usize>,
    /// Learns where everything is.
    pub(crate) places: &'a mut Places,
    /// Learns what is wrong.
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Inspection<'_> {
    /// The part of this table that the schema knows, in the types it wants.
    pub(crate) fn table(&mut self, node: &Node, path: &str, table: &DeTable<'_>) -> Table {
        let mut fitting = Table::new();
        for (name, value) in table {
            let path = join(path, name.get_ref());
            let Some(child) = node.child(name.get_ref()) else {
                self.unknown_key(node, &path, name);
                continue;
            };
            self.places.note(&path, self.place(value));
            match self.value(child, &path, value) {
                Some(fits) => {
                    fitting.insert(name.get_ref().to_string(), fits);
                }
                None => self.places.note_broken(&path),
            }
        }
        fitting
    }

    fn value(&mut self, node: &Node, path: &str, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        if self.is_blotted(value) {
            return None;
        }
        match (node.key, value.get_ref()) {
            (Some(key), _) if key.kind == Kind::Unbuilt => {
                self.complain(path, Mismatch::unbuilt(path, key));
                None
            }
            (_, DeValue::Table(table)) if node.is_table() && !node.is_list() => {
                Some(Value::Table(self.table(node, path, table)))
            }
            (Some(key), DeValue::Array(items)) if key.kind.has_elements() => {
                let items = items.iter().enumerate();
                let elements: Vec<_> = items
                    .map(|(index, item)| self.element(node, key, &element(path, index), item))
                    .collect();
                elements
                    .into_iter()
                    .collect::<Option<Vec<_>>>()
                    .map(Value::Array)
            }
            (key, other) => {
                let kind = key.map_or(Kind::Section, |key| key.kind);
                kind.read(other)
                    .map_err(|mismatch| self.complain(path, mismatch))
                    .ok()
            }
        }
    }

    fn element(
        &mut self,
        node: &Node,
        key: &Key,
        path: &str,
        item: &Spanned<DeValue<'_>>,
    ) -> Option<Value> {
        self.places.note(path, self.place(item));
        match item.get_ref() {
            DeValue::Table(table) if node.is_list() => {
                Some(Value::Table(self.table(node, path, table)))
            }
            DeValue::String(text) if !node.is_list() => Some(Value::String(text.to_string())),
            other => {
                self.complain(path, key.kind.expected_inside(other));
                None
            }
        }
    }

    fn unknown_key(&mut self, node: &Node, path: &str, name: &Spanned<std::borrow::Cow<'_, str>>) {
        let place = self.lines.place(name.span().start);
        let key = name.get_ref();
        let mut problem = self.places.problem_at(
            Severity::Error,
            Some(&place),
            path,
            format!("unknown key `{key}`"),
        );
        problem.hint = suggest(node, key);
        self.problems.push(problem);
    }

    fn complain(&mut self, path: &str, mismatch: Mismatch) {
        let problem = self.places.problem(Severity::Error, path, mismatch.message);
        self.problems.push(Problem {
            hint: mismatch.hint,
            ..problem
        });
    }

    fn place(&self, value: &Spanned<DeValue<'_>>) -> Place {
        self.lines.place(value.span().start)
    }

    fn is_blotted(&self, value: &Spanned<DeValue<'_>>) -> bool {
        !value.get_ref().is_table() && self.blots.contains(&self.lines.index(value.span().start))
    }
}

/// The nearest key of the same table, else the section where a key of this very name belongs.
pub(crate) fn suggest(node: &Node, name: &str) -> Option<String> {
    did_you_mean(name, node.names())
        .or_else(|| Node::section_of(name).map(|section| format!("`{name}` belongs in {section}")))
}
