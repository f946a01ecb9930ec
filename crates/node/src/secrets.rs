//! Secret references as the dialer wants them: read when needed, kept while nothing changes.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use tollbridge_config::{Part, SecretRef, ValueTemplate};
use tollbridge_domain::Secret;
use tollbridge_http::Read;
use tollbridge_upstream::Piece;

/// Turns a configured value into pieces. Every secret is read once now, so that an unreadable one
/// is found at the start and not at the first session.
pub(crate) fn pieces(template: &ValueTemplate) -> Result<Vec<Piece>, String> {
    template
        .parts
        .iter()
        .map(|part| {
            Ok(match part {
                Part::Text(text) => Piece::Text(text.clone()),
                Part::Uuid => Piece::Uuid,
                Part::SessionId => Piece::SessionId,
                Part::Subject => Piece::Subject,
                Part::Fetched => Piece::Fetched,
                Part::Secret(reference) => Piece::Secret(reader(reference)?),
            })
        })
        .collect()
}

/// Reads one secret, now and whenever it is wanted.
pub(crate) fn reader(reference: &SecretRef) -> Result<Read, String> {
    let kept = Kept::new(reference.clone());
    kept.read()?;
    Ok(Arc::new(move || kept.read()))
}

/// Reads a value that is for no session in particular: text and secrets.
pub(crate) fn text(template: &ValueTemplate) -> Result<Read, String> {
    let pieces = pieces(template)?;
    Ok(Arc::new(move || {
        let parts = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Ok(Secret::new(text.clone())),
                Piece::Secret(read) => read(),
                Piece::Uuid | Piece::SessionId | Piece::Subject | Piece::Fetched => {
                    Err("there is no session yet".to_owned())
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<&str> = parts.iter().map(|part| part.reveal().as_str()).collect();
        Ok(Secret::new(texts.concat()))
    }))
}

/// What tells one version of a file from the next.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Version {
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change of anything, its permissions included.
    changed: (i64, i64),
    inode: u64,
    length: u64,
}

/// A reference and the last value it had. A file that vanishes while a new one is moved into place
/// does not end the service: the last value stays until there is another.
struct Kept {
    reference: SecretRef,
    last: Mutex<Option<(Option<Version>, Secret<String>)>>,
}

impl Kept {
    const fn new(reference: SecretRef) -> Self {
        Self {
            reference,
            last: Mutex::new(None),
        }
    }

    fn read(&self) -> Result<Secret<String>, String> {
        let version = self.reference.file().and_then(version);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = last.as_ref()
            && *known == version
        {
            return Ok(value.clone());
        }
        match self.reference.read() {
            Ok(value) => {
                *last = Some((version, value.clone()));
                Ok(value)
            }
            Err(error) => {
                tracing::error!(event = "secret.unreadable", reference = %self.reference, error = %error, "a secret cannot be read; the last value stays");
                last.as_ref()
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| error.to_string())
            }
        }
    }
}

/// The version of a file that is there now.
#[must_use]
pub fn version(path: impl AsRef<Path>) -> Option<Version> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata(path).ok()?;
    Some(Version {
        modified: meta.modified().ok(),
        changed: (meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
        length: meta.len(),
    })
}
