//! What a mint request asks for, field by field, and the grant it becomes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use tollbridge_authn::{Caller, SubjectRule};
use tollbridge_domain::{Grant, Origin, Params, Subject};

use crate::{
    allow::Ceilings,
    problem::{Code, FieldError, Problem},
    route::Route,
    shared::Generation,
};

/// Most bytes of a label.
const LONGEST_LABEL: usize = 200;

/// Most bytes of the metadata's JSON.
const LONGEST_METADATA: usize = 512;

/// Most faults that one answer names.
const MOST_FAULTS: usize = 32;

/// The fields a mint may have.
const FIELDS: [&str; 9] = [
    "route",
    "subject",
    "redeem_within",
    "max_session",
    "uses",
    "origin",
    "params",
    "label",
    "metadata",
];

/// A JSON object whose members are all there, none twice.
pub(crate) struct Ask {
    members: Vec<(String, Value)>,
    /// Whether a token is wanted for as many sessions as it may be for.
    many: bool,
}

/// Parses the body.
///
/// # Errors
/// 400 where it is not JSON or a member stands twice, 422 where it is not an object.
pub(crate) fn parse(bytes: &[u8]) -> Result<Ask, Problem> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data if !error.to_string().starts_with(TWICE) => {
            // The parser stopped at the first sign that this is no object; is it JSON at all?
            match serde_json::from_slice::<IgnoredAny>(bytes) {
                Ok(_something_else) => Problem {
                    errors: vec![FieldError {
                        pointer: String::new(),
                        detail: "must be an object".to_owned(),
                    }],
                    ..Problem::new(Code::InvalidRequest)
                },
                Err(error) => unparsable(&error),
            }
        }
        _ => unparsable(&error),
    })
}

fn unparsable(error: &serde_json::Error) -> Problem {
    Problem::with(
        Code::InvalidSyntax,
        format!(
            "The body is not valid JSON: line {}, column {}.",
            error.line(),
            error.column()
        ),
    )
}

/// How the error of a repeated member begins.
const TWICE: &str = "member stands twice";

impl<'de> Deserialize<'de> for Ask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Ask;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ask, A::Error> {
                let mut members: Vec<(String, Value)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom(TWICE));
                    }
                    members.push((name, value));
                }
                Ok(Ask::of(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Ask {
    /// From members that another surface has read, none twice.
    pub(crate) const fn of(members: Vec<(String, Value)>) -> Self {
        Self {
            members,
            many: false,
        }
    }

    /// The same, for as many sessions as may be asked for.
    pub(crate) fn for_many(self) -> Self {
        Self { many: true, ..self }
    }

    /// Every member, in the order they came.
    pub(crate) fn into_members(self) -> Vec<(String, Value)> {
        self.members
    }

    /// The route that is asked for, where it is a text.
    pub(crate) fn route_name(&self) -> Option<&str> {
        self.get("route").and_then(Value::as_str)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let mut members = self.members.iter();
        members
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Decides every field, under the route's own ceilings and these, and names everything that is wrong, at once.
    ///
    /// # Errors
    /// 422 with a pointer for each field; 403 where the origin can never be allowed.
    pub(crate) fn into_grant(
        self,
        caller: &Caller,
        route: Option<&Route>,
        ceilings: &Ceilings,
        generation: &Generation,
    ) -> Result<Grant, Problem> {
        let mut faults = Faults::default();
        for (name, _) in &self.members {
            if !FIELDS.contains(&name.as_str()) {
                faults.add(
                    name,
                    format!("is not a field; the fields are {}", FIELDS.join(", ")),
                );
            }
        }
        let Some(route) = route else {
            faults.add("route", "is required and must be a text");
            return Err(faults.into_problem());
        };
        let subject = self.subject(caller, &mut faults);
        let redeem_within = self
            .number(
                "redeem_within",
                generation.max_redeem_within,
                "tokens.max_redeem_within",
                &mut faults,
            )
            .unwrap_or(generation.redeem_within);
        let max_session = self.max_session(route, ceilings, &mut faults);
        let uses = self.uses(route, ceilings, &mut faults);
        let origin = self.origin(&mut faults);
        let params = self.params(route, ceilings, &mut faults);
        let label = self.label(&mut faults);
        let metadata = self.metadata(&mut faults);
        let (Some(subject), true) = (subject, faults.0.is_empty()) else {
            return Err(faults.into_problem());
        };
        if origin
            .as_ref()
            .is_some_and(|origin| !route.origins.allows(origin.as_str()))
        {
            return Err(Problem::with(
                Code::Forbidden,
                "The origin is not one of the route's origins.",
            ));
        }
        Ok(Grant {
            subject,
            client_id: caller.client_id(),
            route: route.name.clone(),
            redeem_within,
            max_session,
            uses,
            origin,
            params,
            label,
            metadata,
        })
    }

    fn subject(&self, caller: &Caller, faults: &mut Faults) -> Option<Subject> {
        let default = match (&caller.subject, self.get("subject")) {
            (SubjectRule::Free { default } | SubjectRule::Fixed(default), None) => default,
            (SubjectRule::Fixed(_), Some(_)) => {
                faults.add("subject", "is the caller's own identity and cannot be set");
                return None;
            }
            (SubjectRule::Free { default }, Some(_)) => default,
        };
        match self.get("subject") {
            None => Some(default.clone()),
            Some(Value::String(text)) => Subject::parse(text)
                .map_err(|error| faults.add("subject", error.to_string()))
                .ok(),
            Some(_) => {
                faults.add("subject", "must be a text");
                None
            }
        }
    }

    /// What is asked for, or what the rule leaves of the route's own.
    fn max_session(&self, route: &Route, ceilings: &Ceilings, faults: &mut Faults) -> Option<u32> {
        let longest = u32::try_from(route.limits.max_session.as_secs()).unwrap_or(u32::MAX);
        let ceiling = ceilings.max_session.filter(|ceiling| *ceiling < longest);
        let (most, whose) = match ceiling {
            Some(ceiling) => (ceiling, "the rule's max_session"),
            None => (longest, "the route's max_session"),
        };
        self.number("max_session", most, whose, faults).or(ceiling)
    }

    /// What is asked for, or one.
    fn uses(&self, route: &Route, ceilings: &Ceilings, faults: &mut Faults) -> u32 {
        let ceiling = ceilings.uses.filter(|ceiling| *ceiling < route.max_uses);
        let (most, whose) = match ceiling {
            Some(ceiling) => (ceiling, "the rule's uses"),
            None => (route.max_uses, "the route's max_uses"),
        };
        let usual = if self.many { most } else { 1 };
        self.number("uses", most, whose, faults).unwrap_or(usual)
    }

    /// A whole number from 1 to `most`; anything else is a fault, never a default.
    fn number(&self, name: &str, most: u32, ceiling: &str, faults: &mut Faults) -> Option<u32> {
        let value = self.get(name)?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if (1..=most).contains(&number) => Some(number),
            _ => {
                faults.add(
                    name,
                    format!("must be a whole number from 1 to {most} ({ceiling})"),
                );
                None
            }
        }
    }

    fn origin(&self, faults: &mut Faults) -> Option<Origin> {
        let value = self.get("origin")?;
        let origin = value.as_str().and_then(|text| Origin::parse(text).ok());
        if origin.is_none() {
            faults.add("origin", tollbridge_domain::OriginError.to_string());
        }
        origin
    }

    fn params(&self, route: &Route, ceilings: &Ceilings, faults: &mut Faults) -> Params {
        let empty = serde_json::Map::new();
        let asked = match self.get("params") {
            None => &empty,
            Some(Value::Object(members)) => members,
            Some(_) => {
                faults.add("params", "must be an object");
                return Params::new();
            }
        };
        for name in asked
            .keys()
            .filter(|name| !route.params.contains_key(*name))
        {
            faults.add(
                &format!("params/{}", escape(name)),
                "is not a parameter of this route",
            );
        }
        let mut params = Params::new();
        for (name, declared) in &route.params {
            let pointer = format!("params/{}", escape(name));
            match asked.get(name) {
                Some(Value::String(value))
                    if declared.accepts(value) && ceilings.accept(name, value) =>
                {
                    params.insert(name.clone(), value.clone());
                }
                Some(Value::String(_)) => faults.add(&pointer, "is not among the allowed values"),
                Some(_) => faults.add(&pointer, "must be a text"),
                None => match &declared.default {
                    Some(value) if ceilings.accept(name, value) => {
                        params.insert(name.clone(), value.clone());
                    }
                    // A default that the rule does not allow is not replaced by another value.
                    _ => faults.add(&pointer, "is required"),
                },
            }
        }
        params
    }

    fn label(&self, faults: &mut Faults) -> Option<String> {
        let value = self.get("label")?;
        let label = value
            .as_str()
            .filter(|text| text.len() <= LONGEST_LABEL && !text.chars().any(char::is_control));
        if label.is_none() {
            faults.add(
                "label",
                format!(
                    "must be a text of at most {LONGEST_LABEL} bytes without control characters"
                ),
            );
        }
        label.map(str::to_owned)
    }

    fn metadata(&self, faults: &mut Faults) -> Option<Value> {
        let value = self.get("metadata")?;
        if value.is_object() && value.to_string().len() <= LONGEST_METADATA {
            return Some(value.clone());
        }
        faults.add(
            "metadata",
            format!("must be an object of at most {LONGEST_METADATA} bytes"),
        );
        None
    }
}

/// Everything wrong with a request.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, name: &str, detail: impl Into<String>) {
        if self.0.len() == MOST_FAULTS {
            return;
        }
        // A name that a stranger chose is cut: the answer must not grow with the request.
        let name: String = name.chars().take(64).collect();
        self.0.push(FieldError {
            pointer: format!("/{name}"),
            detail: detail.into(),
        });
    }

    fn into_problem(self) -> Problem {
        let names: Vec<&str> = self
            .0
            .iter()
            .map(|fault| fault.pointer.as_str())
            .take(8)
            .collect();
        let detail = format!("These fields cannot be granted: {}.", names.join(", "));
        Problem {
            errors: self.0,
            ..Problem::with(Code::InvalidRequest, detail)
        }
    }
}

/// RFC 6901, 3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
