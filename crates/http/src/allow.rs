//! Which caller may mint for a route, and how much of it: the route's rules, in their order.

use std::collections::BTreeMap;

use serde_json::Value;
use tollbridge_authn::{Caller, Claims};
use tollbridge_domain::CallerName;

/// One rule of a route.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// For whom; `None`: for every caller that the route lists.
    pub caller: Option<CallerName>,
    /// Claims that must all fit, by name or path, and the texts that do.
    pub claims: Vec<(String, Vec<String>)>,
    /// How much they may ask for.
    pub ceilings: Ceilings,
}

/// How much of a route somebody may ask for; what is not said is the route's to say.
#[derive(Clone, Debug, Default)]
pub struct Ceilings {
    /// Seconds of the longest session.
    pub max_session: Option<u32>,
    /// Most sessions of a token.
    pub uses: Option<u32>,
    /// Shorter lists for declared parameters.
    pub params: BTreeMap<String, Vec<String>>,
}

impl Ceilings {
    /// The route's own and no others.
    pub const NONE: &'static Self = &Self {
        max_session: None,
        uses: None,
        params: BTreeMap::new(),
    };

    /// Whether a parameter may have this value, as far as that is said here.
    pub(crate) fn accept(&self, param: &str, value: &str) -> bool {
        let list = self.params.get(param);
        list.is_none_or(|list| list.iter().any(|one| one == value))
    }
}

/// The ceilings of the first rule that fits; `None` where none does. Without rules whoever is on
/// the route's list of callers may ask for all of it.
pub(crate) fn decide<'a>(rules: &'a [Rule], caller: &Caller) -> Option<&'a Ceilings> {
    if rules.is_empty() {
        return Some(Ceilings::NONE);
    }
    let first = rules.iter().find(|rule| rule.fits(caller))?;
    Some(&first.ceilings)
}

impl Rule {
    fn fits(&self, caller: &Caller) -> bool {
        let named = self.caller.as_ref().is_none_or(|it| *it == caller.name);
        let mut claims = self.claims.iter();
        named && claims.all(|(name, wanted)| has(caller.claims.as_ref(), name, wanted))
    }
}

/// Whether a claim is there and is one of these texts, or a list with one of them in it.
fn has(claims: Option<&Claims>, name: &str, wanted: &[String]) -> bool {
    let is = |text: &str| wanted.iter().any(|one| one == text);
    match claims.and_then(|claims| claims.get(name)) {
        // The one claim that is a list in a text (RFC 6749, 3.3; RFC 8693, 4.2).
        Some(Value::String(words)) if name == "scope" => words.split(' ').any(is),
        Some(Value::Array(items)) => items.iter().any(|item| is_one(item, is)),
        Some(value) => is_one(value, is),
        None => false,
    }
}

/// Texts, numbers and booleans have a text; nothing else has.
fn is_one(value: &Value, is: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Number(_) | Value::Bool(_) => is(&value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tollbridge_authn::{RouteLimit, SubjectRule};
    use tollbridge_domain::Subject;
    use tollbridge_store::Scope;

    use super::*;

    fn caller(name: &str, claims: Value) -> Caller {
        Caller {
            name: CallerName::parse(name).unwrap(),
            key: None,
            claims: claims.as_object().cloned().map(Claims::new),
            scope: Scope::Mint,
            subject: SubjectRule::Fixed(Subject::parse("ada").unwrap()),
            routes: RouteLimit::Every,
        }
    }

    fn rule(caller: &str, claims: &[(&str, &[&str])], uses: u32) -> Rule {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let claims = claims.iter();
        Rule {
            caller: CallerName::parse(caller).ok(),
            claims: claims
                .map(|(name, wanted)| ((*name).to_owned(), texts(wanted)))
                .collect(),
            ceilings: Ceilings {
                uses: Some(uses),
                ..Ceilings::default()
            },
        }
    }

    /// A claim of each shape, what is wanted of it, and whether it fits.
    #[test]
    fn a_claim_fits_that_is_one_of_the_texts_or_holds_one() {
        for (claims, name, wanted, fits) in [
            (json!({"role": "doctor"}), "role", &["doctor"][..], true),
            (
                json!({"role": "doctor"}),
                "role",
                &["nurse", "doctor"],
                true,
            ),
            (json!({"role": "doctors"}), "role", &["doctor"], false),
            (json!({"role": "Doctor"}), "role", &["doctor"], false),
            (json!({"role": " doctor"}), "role", &["doctor"], false),
            (json!({"role": "doctor nurse"}), "role", &["doctor"], false),
            (json!({"role": "doctor,nurse"}), "role", &["doctor"], false),
            (json!({"role": ""}), "role", &["doctor"], false),
            (json!({"role": null}), "role", &["null"], false),
            (
                json!({"role": {"doctor": true}}),
                "role",
                &["doctor"],
                false,
            ),
            (json!({"role": {}}), "role", &["{}"], false),
            (json!({}), "role", &["doctor"], false),
            (json!(null), "role", &["doctor"], false),
            (
                json!({"role": ["nurse", "doctor"]}),
                "role",
                &["doctor"],
                true,
            ),
            (
                json!({"role": ["doctor nurse"]}),
                "role",
                &["doctor"],
                false,
            ),
            (json!({"role": [["doctor"]]}), "role", &["doctor"], false),
            (json!({"role": []}), "role", &["doctor"], false),
            (json!({"role": [null, 7, true]}), "role", &["7"], true),
            (json!({"level": 7}), "level", &["7"], true),
            (json!({"level": 7.5}), "level", &["7.5"], true),
            (json!({"level": -7}), "level", &["7"], false),
            (json!({"admin": true}), "admin", &["true"], true),
            (json!({"admin": false}), "admin", &["true"], false),
            (json!({"admin": "true"}), "admin", &["true"], true),
            (json!({"scope": "openid voice"}), "scope", &["voice"], true),
            (
                json!({"scope": "openid voices"}),
                "scope",
                &["voice"],
                false,
            ),
            (json!({"scope": "voice"}), "scope", &["voice"], true),
            (json!({"scope": ["voice"]}), "scope", &["voice"], true),
            (
                json!({"scope": ["openid voice"]}),
                "scope",
                &["voice"],
                false,
            ),
            (json!({"scp": "openid voice"}), "scp", &["voice"], false),
            (json!({"a": {"scope": "b c"}}), "a.scope", &["c"], false),
            (
                json!({"realm": {"roles": ["voice"]}}),
                "realm.roles",
                &["voice"],
                true,
            ),
            (
                json!({"realm.roles": "voice"}),
                "realm.roles",
                &["voice"],
                true,
            ),
            // A name that is written with dots comes before a path.
            (json!({"a.b": "x", "a": {"b": "y"}}), "a.b", &["y"], false),
        ] {
            let caller = caller("sso", claims.clone());
            let rules = [rule("sso", &[(name, wanted)], 1)];
            assert_eq!(
                decide(&rules, &caller).is_some(),
                fits,
                "{claims} {name} {wanted:?}"
            );
        }
    }

    #[test]
    fn every_claim_must_fit_and_so_must_the_caller() {
        let both: &[(&str, &[&str])] = &[("role", &["doctor"]), ("site", &["north", "south"])];
        for (who, claims, fits) in [
            ("sso", json!({"role": "doctor", "site": "south"}), true),
            ("sso", json!({"role": "doctor", "site": "west"}), false),
            ("sso", json!({"role": "doctor"}), false),
            ("app", json!({"role": "doctor", "site": "south"}), false),
        ] {
            let rules = [rule("sso", both, 1)];
            let decided = decide(&rules, &caller(who, claims.clone()));
            assert_eq!(decided.is_some(), fits, "{who} {claims}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_without_rules_everybody_may() {
        let rules = [
            rule("sso", &[("role", &["chief"])], 3),
            rule("sso", &[("role", &["chief", "doctor"])], 2),
            rule("backend", &[], 5),
            rule("", &[("guest", &["true"])], 1),
        ];
        let uses = |name: &str, claims: Value| {
            let ceilings = decide(&rules, &caller(name, claims));
            ceilings.map(|ceilings| ceilings.uses.unwrap())
        };
        assert_eq!(uses("sso", json!({"role": "chief"})), Some(3));
        assert_eq!(uses("sso", json!({"role": "doctor"})), Some(2));
        assert_eq!(uses("sso", json!({"role": "porter"})), None);
        assert_eq!(
            uses("sso", json!({"role": "porter", "guest": true})),
            Some(1)
        );
        assert_eq!(uses("app", json!({"guest": true})), Some(1));
        assert_eq!(uses("backend", json!(null)), Some(5));
        assert_eq!(uses("app", json!(null)), None);
        let any = decide(&[], &caller("app", json!(null))).unwrap();
        assert!(any.uses.is_none() && any.max_session.is_none() && any.params.is_empty());
    }
}
