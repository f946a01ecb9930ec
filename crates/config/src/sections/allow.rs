//! `[[routes.NAME.allow]]`

use std::collections::BTreeMap;

use tollbridge_domain::CallerName;

use crate::{reader::Section, settings::Rule};

/// Reads the rules of one route, as many as are written. What they mean for the route is checked
/// where all of it is known.
pub(crate) fn read(route: &Section<'_>) -> Vec<Rule> {
    let rules = route.tables("allow");
    if route.holds("allow") && rules.is_empty() {
        let message = "with no rule in it, is it everybody or nobody? Without `allow` every caller \
                       of the route may mint";
        route.reader.error(&route.at("allow"), message);
    }
    rules.iter().map(read_one).collect()
}

fn read_one(section: &Section<'_>) -> Rule {
    let claims = lists(&section.section("claim"), "fits nobody");
    Rule {
        caller: section.parsed("caller", CallerName::parse),
        claims,
        max_session: section.optional_seconds("max_session"),
        uses: section.count("uses"),
        params: lists(&section.section("params"), "allows nothing"),
    }
}

/// Lists by name, none of them empty.
fn lists(section: &Section<'_>, empty: &str) -> BTreeMap<String, Vec<String>> {
    let names = section.sections().map(|(name, _)| name);
    names
        .map(|name| {
            let texts = section.texts(name).unwrap_or_default();
            if texts.is_empty() {
                let message = format!("an empty list {empty}");
                section.reader.error(&section.at(name), message);
            }
            let texts = texts.into_iter().map(|(_, text)| text.to_owned());
            (name.to_owned(), texts.collect())
        })
        .collect()
}
