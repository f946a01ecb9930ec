//! `[routes.NAME.params.PARAM]`

use std::collections::BTreeMap;

use regex_lite::Regex;

use crate::{
    names::did_you_mean,
    reader::Section,
    settings::Param,
    url_template::{UrlTemplate, is_param_name},
};

/// Reads the parameters of one route, and compares them with the blanks of its upstream.
pub(crate) fn read(
    section: &Section<'_>,
    route: &Section<'_>,
    upstream: Option<&UrlTemplate>,
) -> BTreeMap<String, Param> {
    let params = section.sections();
    let params = params
        .filter(|(name, _)| section.is_written(name) || is_used(upstream, name))
        .filter_map(|(name, param)| Some((name.to_owned(), read_one(name, &param)?)))
        .collect();
    if let Some(upstream) = upstream {
        check_declared(section, route, upstream);
        check_used(section, upstream);
        check_segments(section, upstream, &params);
    }
    params
}

fn read_one(name: &str, section: &Section<'_>) -> Option<Param> {
    let reader = section.reader;
    if !is_param_name(name) {
        reader.error(
            &section.path,
            "a parameter name is 1 to 64 of A-Z, a-z, 0-9, _ and -",
        );
        return None;
    }
    let pattern = section.parsed("pattern", anchored);
    let allow = section.texts("allow").map(|texts| {
        texts
            .into_iter()
            .map(|(_, text)| text.to_owned())
            .collect::<Vec<_>>()
    });
    match (section.holds("allow"), section.holds("pattern")) {
        (true, true) => reader.error(&section.path, "`allow` or `pattern`, not both"),
        (false, false) => reader.error(
            &section.path,
            "a parameter needs `allow` (the values there are) or `pattern`",
        ),
        _ => {}
    }
    if allow.as_ref().is_some_and(Vec::is_empty) {
        reader.error(&section.at("allow"), "an empty list allows nothing");
    }
    let param = Param {
        default: section.text("default").map(str::to_owned),
        allow,
        pattern: pattern.as_ref().map(|regex| regex.as_str().to_owned()),
    };
    let default_fits = param
        .default
        .as_deref()
        .is_none_or(|value| param.takes(value));
    if !default_fits {
        reader.error(&section.at("default"), "the default is not itself allowed");
    }
    Some(param)
}

impl Param {
    /// True where a value is within `allow` or `pattern`.
    #[must_use]
    pub fn takes(&self, value: &str) -> bool {
        let listed = self
            .allow
            .as_ref()
            .is_none_or(|allow| allow.iter().any(|allowed| allowed == value));
        let matching = self
            .pattern
            .as_ref()
            .is_none_or(|pattern| Regex::new(pattern).is_ok_and(|regex| regex.is_match(value)));
        listed && matching
    }

    /// The pattern without the anchors.
    pub(crate) fn pattern_as_written(&self) -> Option<&str> {
        let pattern = self.pattern.as_deref()?;
        let inside = pattern
            .strip_prefix("^(?:")
            .and_then(|rest| rest.strip_suffix(")$"));
        inside.or(Some(pattern))
    }
}

/// Compiles a pattern so that it must match all of a value.
fn anchored(pattern: &str) -> Result<Regex, String> {
    // By itself first: `a)|(b` compiles only between our brackets.
    Regex::new(pattern)
        .and_then(|_by_itself| Regex::new(&format!("^(?:{pattern})$")))
        .map_err(|error| format!("not a regular expression: {error}"))
}

fn check_declared(section: &Section<'_>, route: &Section<'_>, upstream: &UrlTemplate) {
    for name in upstream.params() {
        if !section.is_written(name) && !section.holds(name) {
            let declared = section.sections().map(|(name, _)| name);
            let hint = did_you_mean(name, declared)
                .or_else(|| Some(format!("declare it: params.{name} = {{ allow = [\"…\"] }}")));
            route.reader.error_with_hint(
                &route.at("upstream"),
                format!("`{{{name}}}` is not declared under `params`"),
                hint,
            );
        }
    }
}

/// What a preset declares for its own upstream is nothing to another one.
fn is_used(upstream: Option<&UrlTemplate>, name: &str) -> bool {
    upstream.is_none_or(|upstream| upstream.params().any(|used| used == name))
}

fn check_used(section: &Section<'_>, upstream: &UrlTemplate) {
    for (name, param) in section.sections() {
        if section.is_written(name) && !is_used(Some(upstream), name) {
            let message = format!("`upstream` has no `{{{name}}}`");
            section.reader.warn(&param.path, message);
        }
    }
}

/// A segment of dots would lead elsewhere in the path.
fn check_segments(section: &Section<'_>, upstream: &UrlTemplate, params: &BTreeMap<String, Param>) {
    for name in upstream.path_params() {
        let Some(param) = params.get(name) else {
            continue;
        };
        let is_closed = param.allow.is_some() || param.pattern.is_some();
        if is_closed && (param.takes(".") || param.takes("..")) {
            section.reader.error(
                &section.at(name),
                "`.` and `..` are allowed, and would change the upstream's path",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_all_of_a_value_or_nothing() {
        let regex = anchored("[0-9a-f-]{4}|x").unwrap();
        assert!(regex.is_match("00ff") && regex.is_match("x"));
        for bad in ["00ff0", "a00ff", "xx", "x\n", "\nx", ""] {
            assert!(!regex.is_match(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_cannot_climb_out_of_its_anchors() {
        assert!(anchored("a)|(b").is_err());
        assert!(anchored("(?x) a #").is_err());
        assert!(!anchored("(?m)a").unwrap().is_match("a\nb"));
    }
}
