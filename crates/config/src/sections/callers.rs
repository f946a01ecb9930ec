//! `[callers.NAME]`

use std::collections::BTreeMap;

use tollbridge_domain::CallerName;

use crate::{
    names::did_you_mean,
    reader::Section,
    schema::{KEYS, Kind},
    settings::{Caller, CallerKind},
};

/// Reads all callers; those that cannot be read are left out, and reported.
pub(crate) fn read(section: &Section<'_>) -> BTreeMap<CallerName, Caller> {
    let callers = section.sections();
    callers
        .filter_map(|(name, caller)| Some((name_of(name, &caller)?, read_one(&caller)?)))
        .collect()
}

fn name_of(name: &str, section: &Section<'_>) -> Option<CallerName> {
    CallerName::parse(name)
        .map_err(|error| section.reader.error(&section.path, error))
        .ok()
}

fn read_one(section: &Section<'_>) -> Option<Caller> {
    section.require("type", "\"api_key\" is the one there is");
    let word = section.text("type")?;
    let kind = match CallerKind::parse(word) {
        Ok(kind) => kind,
        Err(_unknown) => {
            refuse_type(section, word);
            return None;
        }
    };
    refuse_keys_of_other_types(section, word);
    Some(Caller {
        kind,
        mints_per_minute: section.count("mints_per_minute"),
    })
}

fn refuse_type(section: &Section<'_>, word: &str) {
    let path = section.at("type");
    if NOT_BUILT.contains(&word) {
        let message = format!("caller type `{word}` is not built yet");
        section.reader.error(&path, message);
    } else {
        let known = NOT_BUILT.iter().copied().chain(["api_key"]);
        let hint = did_you_mean(word, known);
        section
            .reader
            .error_with_hint(&path, format!("unknown caller type {word:?}"), hint);
    }
}

fn refuse_keys_of_other_types(section: &Section<'_>, word: &str) {
    let foreign = KEYS.iter().filter(|key| key.kind == Kind::Foreign);
    for key in foreign.filter_map(|key| key.path.rsplit('.').next()) {
        if section.holds(key) {
            let message = format!("`{key}` is not a key of caller type `{word}`");
            section.reader.error(&section.at(key), message);
        }
    }
}

const NOT_BUILT: &[&str] = &[
    "jwt",
    "subrequest",
    "trusted_header",
    "introspection",
    "mtls",
];
