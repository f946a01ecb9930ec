//! Credential values with holes in them.

use std::{fmt, sync::Arc};

use tollbridge_domain::{Secret, SessionId, Subject};

use crate::query::encode;

/// What the holes are filled with.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `{session_id}`
    pub session: &'a SessionId,
    /// `{subject}`
    pub subject: &'a Subject,
    /// `{uuid}`: the same one wherever it occurs in one call.
    pub uuid: String,
    /// `{fetched}`: what was fetched for this call, where the route has an engine for that.
    pub fetched: Option<Secret<String>>,
}

/// Part of a credential value.
#[derive(Clone)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// A secret by reference, read when it is needed; the reader decides what to cache. Its error
    /// says what could not be read, never what was read.
    Secret(Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>),
    /// [`Facts::uuid`]
    Uuid,
    /// [`Facts::session`]
    SessionId,
    /// [`Facts::subject`]
    Subject,
    /// [`Facts::fetched`]
    Fetched,
}

/// Why a value could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// It would break out of its header.
    #[error("the value has a control character or is not ASCII")]
    NotHeaderText,
    /// A reference leads nowhere.
    #[error("{0}")]
    Secret(String),
    /// Nothing was fetched.
    #[error("nothing was fetched for this call")]
    NotFetched,
}

/// Makes a header's value, and adds the secrets in it to `used`. `{subject}` is percent-encoded but
/// for unreserved characters and `@`, since subjects come from outside.
///
/// # Errors
/// Where a secret cannot be read, or the result is anything but printable ASCII.
pub fn render(
    pieces: &[Piece],
    facts: &Facts<'_>,
    used: &mut Vec<Secret<String>>,
) -> Result<Secret<String>, RenderError> {
    let subject = encode(facts.subject.as_str(), b"-._~@");
    let value = fill(pieces, facts, &subject, used)?;
    let printable = value
        .reveal()
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte));
    if printable {
        Ok(value)
    } else {
        Err(RenderError::NotHeaderText)
    }
}

/// Makes the value of a query parameter or of a member of a message, as yet unencoded
/// ([`Target::url`](crate::Target::url) encodes it whole), and adds the secrets in it to `used`.
///
/// # Errors
/// Where a secret cannot be read.
pub fn render_plain(
    pieces: &[Piece],
    facts: &Facts<'_>,
    used: &mut Vec<Secret<String>>,
) -> Result<Secret<String>, RenderError> {
    fill(pieces, facts, facts.subject.as_str(), used)
}

fn fill(
    pieces: &[Piece],
    facts: &Facts<'_>,
    subject: &str,
    used: &mut Vec<Secret<String>>,
) -> Result<Secret<String>, RenderError> {
    let secrets = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Secret(read) => read().map(Some).map_err(RenderError::Secret),
            Piece::Fetched if facts.fetched.is_none() => Err(RenderError::NotFetched),
            _ => Ok(None),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = pieces
        .iter()
        .zip(&secrets)
        .map(|(piece, secret)| match (piece, secret) {
            (Piece::Text(text), _) => text,
            (Piece::Secret(_), secret) => secret.as_ref().map_or("", |secret| secret.reveal()),
            (Piece::Uuid, _) => &facts.uuid,
            (Piece::SessionId, _) => facts.session.as_str(),
            (Piece::Subject, _) => subject,
            (Piece::Fetched, _) => facts
                .fetched
                .as_ref()
                .map_or("", |fetched| fetched.reveal()),
        })
        .collect();
    // `concat` allocates once: no copy of the secret is left behind by growing.
    let value = Secret::new(texts.concat());
    used.extend(secrets.into_iter().flatten());
    Ok(value)
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Secret(_) => "Secret",
            Self::Uuid => "Uuid",
            Self::SessionId => "SessionId",
            Self::Subject => "Subject",
            Self::Fetched => "Fetched",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(pieces: &[Piece], subject: &str) -> Result<String, RenderError> {
        let facts = Facts {
            session: &SessionId::parse("s1").unwrap(),
            subject: &Subject::parse(subject).unwrap(),
            uuid: "u-1".to_owned(),
            fetched: None,
        };
        render(pieces, &facts, &mut Vec::new()).map(|value| value.reveal().clone())
    }

    fn secret(value: &'static str) -> Piece {
        Piece::Secret(Arc::new(move || Ok(Secret::new(value.to_owned()))))
    }

    #[test]
    fn every_hole_is_filled() {
        let pieces = [
            Piece::Text("Bearer ".to_owned()),
            secret("key"),
            Piece::Uuid,
            Piece::SessionId,
            Piece::Subject,
        ];
        assert_eq!(
            rendered(&pieces, "me@example.com").unwrap(),
            "Bearer keyu-1s1me@example.com"
        );
    }

    /// B22: whatever a caller puts into a subject stays one value of one header.
    #[test]
    fn a_subject_cannot_break_out() {
        assert_eq!(
            rendered(&[Piece::Subject], "ü: x,y;%").unwrap(),
            "%C3%BC%3A%20x%2Cy%3B%25"
        );
    }

    #[test]
    fn a_secret_with_a_line_break_is_refused() {
        for bad in ["key\n", "key\r\nX-Evil: 1", "key\0", "kéy"] {
            assert_eq!(
                rendered(&[secret(bad)], "me"),
                Err(RenderError::NotHeaderText)
            );
        }
    }

    #[test]
    fn an_unreadable_secret_says_which() {
        let broken = Piece::Secret(Arc::new(|| Err("env:KEY is not set".to_owned())));
        let error = rendered(&[broken], "me").unwrap_err();
        assert_eq!(error.to_string(), "env:KEY is not set");
    }
}
