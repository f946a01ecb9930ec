//! Values of credential headers and query parameters.

use std::{fmt, path::Path};

use crate::{
    names::did_you_mean,
    secret_ref::{SecretRef, SecretRefError},
};

/// A value in parts, to be put together for each session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValueTemplate {
    /// In order; never empty.
    pub parts: Vec<Part>,
}

/// One part of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// As it is; no secret.
    Text(String),
    /// What the reference leads to.
    Secret(SecretRef),
    /// `{uuid}`: random, new for each session.
    Uuid,
    /// `{session_id}`
    SessionId,
    /// `{subject}`
    Subject,
    /// `{fetched}`: what the route's engine fetched before the dial.
    Fetched,
}

/// Why a text is not a value. Never holds the text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ValueTemplateError {
    /// No value at all.
    #[error("the value is empty")]
    Empty,
    /// It could break out of its header.
    #[error("the value has a character that is not printable ASCII")]
    Unprintable,
    /// `{` without `}`.
    #[error("`{{` without `}}`: a value without placeholders is written {{ plain = \"…\" }}")]
    Unclosed,
    /// Not one of the placeholders.
    #[error(
        "unknown placeholder `{{{name}}}`: there are {{uuid}}, {{session_id}}, {{subject}}, \
         {{fetched}} and ${{env:NAME}}, ${{file:PATH}}, ${{cred:NAME}}"
    )]
    Unknown {
        /// What stands between the braces.
        name: String,
    },
    /// A reference that is none, or a literal without permission.
    #[error(transparent)]
    Secret(#[from] SecretRefError),
}

impl ValueTemplate {
    /// Parses a value: a secret reference as a whole, a text with placeholders, or a literal
    /// secret.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: &str, base: &Path, allow_inline: bool) -> Result<Self, ValueTemplateError> {
        printable(text)?;
        let is_reference = SecretRef::split(text).is_some();
        let parts = if !is_reference && text.contains('{') {
            placeholders(text, base)?
        } else {
            vec![Part::Secret(SecretRef::parse(text, base, allow_inline)?)]
        };
        Ok(Self { parts })
    }

    /// A value that is no secret and has no placeholders.
    ///
    /// # Errors
    /// Where it is empty or not printable ASCII.
    pub fn plain(text: &str) -> Result<Self, ValueTemplateError> {
        printable(text)?;
        Ok(Self {
            parts: vec![Part::Text(text.to_owned())],
        })
    }

    /// The secret references in it.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(reference) => Some(reference),
            Part::Text(_) | Part::Uuid | Part::SessionId | Part::Subject | Part::Fetched => None,
        })
    }

    /// The text, where there is nothing else.
    pub(crate) fn as_plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl ValueTemplateError {
    /// What was probably meant.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { name } => {
                did_you_mean(name, ["uuid", "session_id", "subject", "fetched"])
            }
            Self::Secret(SecretRefError::Literal) => Some(
                "a value that is no secret is written { plain = \"…\" }; a literal secret needs \
                 allow_inline_secrets = true"
                    .to_owned(),
            ),
            Self::Empty | Self::Unprintable | Self::Unclosed | Self::Secret(_) => None,
        }
    }
}

impl fmt::Display for ValueTemplate {
    /// As it is written, secrets as their references.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [Part::Secret(reference)] = self.parts.as_slice() {
            return reference.fmt(f);
        }
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Secret(reference) => write!(f, "${{{reference}}}"),
            Part::Uuid => f.write_str("{uuid}"),
            Part::SessionId => f.write_str("{session_id}"),
            Part::Subject => f.write_str("{subject}"),
            Part::Fetched => f.write_str("{fetched}"),
        })
    }
}

fn printable(text: &str) -> Result<(), ValueTemplateError> {
    if text.is_empty() {
        Err(ValueTemplateError::Empty)
    } else if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(())
    } else {
        Err(ValueTemplateError::Unprintable)
    }
}

fn placeholders(text: &str, base: &Path) -> Result<Vec<Part>, ValueTemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').ok_or(ValueTemplateError::Unclosed)?;
        let (before, part) = match before.strip_suffix('$') {
            Some(before) => (before, Part::Secret(SecretRef::parse(inside, base, false)?)),
            None => (before, generated(inside)?),
        };
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn generated(name: &str) -> Result<Part, ValueTemplateError> {
    match name {
        "uuid" => Ok(Part::Uuid),
        "session_id" => Ok(Part::SessionId),
        "subject" => Ok(Part::Subject),
        "fetched" => Ok(Part::Fetched),
        _ if is_word(name) => Err(ValueTemplateError::Unknown {
            name: name.to_owned(),
        }),
        // Not a name: it may be a piece of a secret, and is not quoted.
        _ => Err(ValueTemplateError::Unknown {
            name: "…".to_owned(),
        }),
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"_-.".contains(&byte))
}

/// A mistyped placeholder is hardly longer.
const LONGEST_WORD: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, ValueTemplateError> {
        ValueTemplate::parse(text, Path::new("/base"), false).map(|value| value.to_string())
    }

    #[test]
    fn a_value_is_a_reference_or_a_template() {
        for text in [
            "env:KEY",
            "Bearer ${env:KEY}",
            "{uuid}",
            "a-{session_id}-{subject}",
            "${cred:a}.${env:B}",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
        assert_eq!(parse("x ${file:k}").as_deref(), Ok("x ${file:/base/k}"));
    }

    #[test]
    fn a_literal_is_a_secret_unless_it_is_said_to_be_plain() {
        assert_eq!(
            parse("s3cret"),
            Err(ValueTemplateError::Secret(SecretRefError::Literal))
        );
        assert!(ValueTemplate::parse("s3cret", Path::new("/"), true).is_ok());
        let plain = ValueTemplate::plain("-1").unwrap();
        assert_eq!(plain.as_plain(), Some("-1"));
    }

    #[test]
    fn nothing_breaks_out_of_a_header() {
        for bad in ["", "a\r\nX: y", "a\0", "{uuid}\n", "é"] {
            assert!(parse(bad).is_err(), "{bad:?}");
            assert!(ValueTemplate::plain(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_placeholder_is_named_but_a_secret_is_not_quoted() {
        let error = parse("{sesion_id}").unwrap_err();
        assert_eq!(error.hint().as_deref(), Some("did you mean `session_id`?"));
        let error = parse("{hunter2}").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        assert_eq!(parse("a{uuid"), Err(ValueTemplateError::Unclosed));
        assert!(parse("${KEY}").is_err());
    }
}
