//! `[routes.NAME.credentials]`

use std::collections::BTreeMap;

use super::{engines, headers};
use crate::{
    json_pointer::JsonPointer,
    reader::Section,
    secret_ref::SecretRef,
    settings::{Credentials, Fetch, Yields},
    value_template::{Part, ValueTemplate, ValueTemplateError},
};

/// Reads the credentials of one route.
pub(crate) fn read(section: &Section<'_>) -> Credentials {
    let header_section = section.section("headers");
    let headers = values(&header_section, |name| {
        headers::end_to_end(name).map(|_lower_case| name.to_owned())
    });
    check_twins(&header_section);
    let mut credentials = Credentials {
        headers,
        query: values(&section.section("query"), headers::query_name),
        message: values(&section.section("message"), JsonPointer::parse),
        fetch: engines::fetch(section),
        sign: engines::sign(section),
    };
    place_fetched(section, &mut credentials);
    credentials
}

/// A fetched token goes where a value says `{fetched}`, or into `Authorization` where none does.
fn place_fetched(section: &Section<'_>, credentials: &mut Credentials) {
    let is_fetched = |value: &ValueTemplate| {
        let mut parts = value.parts.iter();
        parts.any(|part| matches!(part, Part::Fetched))
    };
    let placed = credentials
        .headers
        .values()
        .chain(credentials.query.values())
        .chain(credentials.message.values())
        .any(is_fetched);
    let yields_token = credentials.fetch.as_ref().is_some_and(|fetch| {
        !matches!(
            fetch,
            Fetch::TokenUrl {
                yields: Yields::Upstream(_),
                ..
            }
        )
    });
    if placed && !yields_token {
        let message =
            "`{fetched}` is what an engine that yields a token fetched, and there is none";
        section.reader.error(&section.path, message);
    }
    if placed || !yields_token {
        return;
    }
    let header = "Authorization".to_owned();
    let mut names = credentials.headers.keys();
    if names.any(|name| name.eq_ignore_ascii_case(&header)) {
        let message = "the fetched token has no place: `Authorization` is set already; write \
                       `{fetched}` where it belongs";
        section.reader.error(&section.path, message);
        return;
    }
    let bearer = ValueTemplate {
        parts: vec![Part::Text("Bearer ".to_owned()), Part::Fetched],
    };
    credentials.headers.insert(header, bearer);
}

/// The values of one section, by name.
pub(super) fn values<N: Ord>(
    section: &Section<'_>,
    parse_name: impl Fn(&str) -> Result<N, String>,
) -> BTreeMap<N, ValueTemplate> {
    let entries = section.sections();
    entries
        .filter_map(|(key, entry)| {
            let name = parse_name(key)
                .map_err(|error| section.reader.error(&entry.path, error))
                .ok();
            let value = value(section, key, &entry);
            Some((name?, value?))
        })
        .collect()
}

/// A text, or a table with `plain`.
fn value(section: &Section<'_>, key: &str, entry: &Section<'_>) -> Option<ValueTemplate> {
    let reader = section.reader;
    let (path, parsed) = match section.text(key) {
        Some(text) => (
            entry.path.clone(),
            ValueTemplate::parse(text, reader.base, reader.allow_inline),
        ),
        None => {
            entry.require("plain", "a value is a string or { plain = \"…\" }");
            (
                entry.at("plain"),
                ValueTemplate::plain(entry.text("plain")?),
            )
        }
    };
    let value = parsed
        .map_err(|error: ValueTemplateError| reader.error_with_hint(&path, &error, error.hint()))
        .ok()?;
    warn_of_literals(entry, &value);
    if reader.look {
        look_up(entry, &value);
    }
    Some(value)
}

fn warn_of_literals(entry: &Section<'_>, value: &ValueTemplate) {
    let is_literal = |part: &Part| matches!(part, Part::Secret(SecretRef::Inline(_)));
    if value.parts.iter().any(is_literal) {
        entry.reader.warn(&entry.path, "a literal secret");
    }
}

/// Every secret can be read now, and would fit into a header.
fn look_up(entry: &Section<'_>, value: &ValueTemplate) {
    for reference in value.secrets() {
        match reference.read() {
            Err(error) => entry.reader.error(&entry.path, error),
            Ok(secret) => {
                let fits = secret.reveal().bytes().all(|b| (b' '..=b'~').contains(&b));
                if !fits {
                    let message = format!("{reference} holds more than printable ASCII");
                    entry.reader.error(&entry.path, message);
                }
            }
        }
    }
}

/// Names of headers differ by more than case.
pub(super) fn check_twins(section: &Section<'_>) {
    let mut seen = BTreeMap::new();
    for (name, entry) in section.sections() {
        if let Some(twin) = seen.insert(name.to_ascii_lowercase(), name) {
            let message = format!("the same header as `{twin}`");
            section.reader.error(&entry.path, message);
        }
    }
}
