//! Secret references as the dialer wants them: read when needed, kept while nothing changes.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use tollbridge_config::{Part, SecretRef, ValueTemplate};
use tollbridge_domain::Secret;
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
                Part::Secret(reference) => {
                    let kept = Kept::new(reference.clone());
                    kept.read()?;
                    Piece::Secret(Arc::new(move || kept.read()))
                }
            })
        })
        .collect()
}

/// What tells one version of a file from the next.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Version {
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
pub(crate) fn version(path: impl AsRef<Path>) -> Option<Version> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata(path).ok()?;
    Some(Version {
        modified: meta.modified().ok(),
        changed: (meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
        length: meta.len(),
    })
}
