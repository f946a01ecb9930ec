//! Rules of who may mint, against the route and the callers that they are about.

use std::collections::BTreeSet;

use crate::{
    names::did_you_mean,
    reader::Section,
    settings::{CallerKind, Route, Rule, Settings},
    units::write_duration,
};

pub(super) fn check(settings: &Settings, route: &Route, section: &Section<'_>) {
    let mut before: Vec<&Rule> = Vec::new();
    for (rule, place) in route.allow.iter().zip(section.tables("allow")) {
        check_caller(route, rule, &place);
        check_claims(settings, route, rule, &place);
        check_ceilings(route, rule, &place);
        check_params(route, rule, &place);
        if before.iter().any(|earlier| covers(earlier, rule)) {
            let message = "a rule before this one fits whoever this one fits: never reached";
            place.reader.warn(&place.path, message);
        }
        before.push(rule);
    }
}

/// Whether whoever fits the second rule fits the first.
fn covers(first: &Rule, second: &Rule) -> bool {
    first.claims.is_empty() && (first.caller.is_none() || first.caller == second.caller)
}

fn check_caller(route: &Route, rule: &Rule, place: &Section<'_>) {
    let Some(caller) = rule.caller.as_ref() else {
        return;
    };
    if !route.callers.contains(caller) {
        let listed = route.callers.iter().map(|name| name.as_str());
        let hint = did_you_mean(caller.as_str(), listed);
        let message = format!("`{caller}` is not one of the route's `callers`");
        let path = place.at("caller");
        place.reader.error_with_hint(&path, message, hint);
    }
}

/// A claim that nobody can have makes a rule that fits nobody.
fn check_claims(settings: &Settings, route: &Route, rule: &Rule, place: &Section<'_>) {
    let kinds: Vec<&CallerKind> = route
        .callers
        .iter()
        .filter(|name| rule.caller.as_ref().is_none_or(|only| only == *name))
        .filter_map(|name| Some(&settings.callers.get(name)?.kind))
        .collect();
    let claims = place.section("claim");
    for (name, values) in &rule.claims {
        let path = claims.at(name);
        if !kinds.is_empty() && !kinds.iter().any(|kind| kind.may_claim(name)) {
            place
                .reader
                .error(&path, format!("fits nobody: {}", lacking(&kinds)));
        }
        if name == "scope" && values.iter().any(|value| value.contains(' ')) {
            let message = "`scope` is taken word by word: a value with a blank in it fits nobody";
            place.reader.error(&path, message);
        }
    }
}

/// Why such callers have no such claim.
fn lacking(kinds: &[&CallerKind]) -> String {
    let words: BTreeSet<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let words: Vec<&str> = words.into_iter().collect();
    let mut text = format!("callers of type {} have no such claim", words.join(", "));
    for (word, when) in SOME {
        if words.contains(word) {
            text.push_str(&format!("; a {word} has {when}"));
        }
    }
    text
}

fn check_ceilings(route: &Route, rule: &Rule, place: &Section<'_>) {
    let longest = route.limits.max_session;
    if rule.max_session.is_some_and(|most| most > longest) {
        let longest = write_duration(longest);
        let message = format!("above the route's own `limits.max_session` ({longest})");
        place.reader.error(&place.at("max_session"), message);
    }
    if rule.uses.is_some_and(|most| most > route.max_uses) {
        let message = format!("above the route's own `max_uses` ({})", route.max_uses);
        place.reader.error(&place.at("uses"), message);
    }
}

fn check_params(route: &Route, rule: &Rule, place: &Section<'_>) {
    let params = place.section("params");
    for name in rule.params.keys() {
        let Some(declared) = route.params.get(name) else {
            let hint = did_you_mean(name, route.params.keys().map(String::as_str));
            let message = format!("the route declares no parameter `{name}`");
            let path = params.at(name);
            place.reader.error_with_hint(&path, message, hint);
            continue;
        };
        for (path, value) in params.texts(name).into_iter().flatten() {
            if !declared.takes(value) {
                let message = format!("{value:?} is not allowed by `params.{name}` of the route");
                place.reader.error(&path, message);
            }
        }
    }
}

/// Types that have claims under a condition.
const SOME: &[(&str, &str)] = &[
    ("subrequest", "some where its `subject` is \"json:/…\""),
    ("trusted_header", "`groups`, where that is configured"),
];
