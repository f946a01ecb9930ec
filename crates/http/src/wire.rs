//! How nouns look in JSON answers.

use serde::Serializer;
use tollbridge_domain::Moment;

/// RFC 3339.
///
/// # Errors
/// Whatever the serializer says.
pub(crate) fn moment<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

/// RFC 3339 or null.
#[must_use]
pub(crate) fn maybe(moment: Option<Moment>) -> serde_json::Value {
    moment.map_or(serde_json::Value::Null, |moment| moment.to_string().into())
}
