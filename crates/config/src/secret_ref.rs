//! Secrets by reference: where a value is, not what it is.

use std::{
    env, fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use tollbridge_domain::Secret;
use zeroize::Zeroizing;

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretRef {
    /// `env:NAME`
    Env(String),
    /// `file:PATH`, absolute.
    File(PathBuf),
    /// `cred:NAME`: a file in systemd's credentials directory.
    Cred(String),
    /// Written in the configuration itself.
    Inline(Secret<String>),
}

/// Why a text is not a reference.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SecretRefError {
    /// Something must follow the colon.
    #[error("a secret reference is `env:NAME`, `file:PATH` or `cred:NAME`")]
    Malformed,
    /// A literal without permission.
    #[error("a literal secret: use `env:NAME`, `file:PATH` or `cred:NAME`")]
    Literal,
}

/// Why a secret could not be read. Never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable.
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    /// `cred:` outside a systemd unit with credentials.
    #[error("CREDENTIALS_DIRECTORY is not set: no systemd credentials were given")]
    NoCredentials,
    /// The file cannot be read.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// More than a secret is.
    #[error("{0} holds more than 64 KiB")]
    TooLong(String),
    /// Nothing there.
    #[error("{0} is empty")]
    Empty(String),
    /// Bytes that are no text.
    #[error("{0} is not UTF-8")]
    NotText(String),
}

impl SecretRef {
    /// Parses a reference; relative paths start at `base`.
    ///
    /// # Errors
    /// Where the text is not a reference, and literals are not allowed.
    pub fn parse(text: &str, base: &Path, allow_inline: bool) -> Result<Self, SecretRefError> {
        let Some((scheme, rest)) = Self::split(text) else {
            return if allow_inline {
                Ok(Self::Inline(Secret::new(text.to_owned())))
            } else {
                Err(SecretRefError::Literal)
            };
        };
        let is_name = !rest.is_empty() && !rest.contains(['=', '/', '\0']) && rest != "..";
        match scheme {
            "env" if is_name => Ok(Self::Env(rest.to_owned())),
            "cred" if is_name => Ok(Self::Cred(rest.to_owned())),
            "file" if !rest.is_empty() && !rest.contains('\0') => Ok(Self::File(base.join(rest))),
            _ => Err(SecretRefError::Malformed),
        }
    }

    /// Splits a text that says it is a reference, well-formed or not.
    pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
        text.split_once(':')
            .filter(|(scheme, _)| matches!(*scheme, "env" | "file" | "cred"))
    }

    /// Reads the secret as it is now; one newline at its end is not part of it.
    ///
    /// # Errors
    /// Where there is no such secret, or what is there cannot be one.
    pub fn read(&self) -> Result<Secret<String>, SecretError> {
        let (bytes, what) = match self {
            Self::Inline(secret) => return Ok(secret.clone()),
            Self::Env(name) => {
                let value = env::var_os(name);
                let value = value.ok_or_else(|| SecretError::NoVariable(name.clone()))?;
                (Zeroizing::new(value.into_encoded_bytes()), self.to_string())
            }
            Self::File(path) => (read_file(path)?, self.to_string()),
            Self::Cred(name) => {
                let directory = env::var_os("CREDENTIALS_DIRECTORY");
                let directory = directory.ok_or(SecretError::NoCredentials)?;
                let path = Path::new(&directory).join(name);
                (read_file(&path)?, self.to_string())
            }
        };
        if bytes.len() > LONGEST {
            return Err(SecretError::TooLong(what));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Err(SecretError::NotText(what));
        };
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(SecretError::Empty(what));
        }
        Ok(Secret::new(text.to_owned()))
    }

    /// The file that holds it, for whoever watches for changes.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Cred(name) => {
                env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(name))
            }
            Self::Env(_) | Self::Inline(_) => None,
        }
    }
}

/// Whether two references lead to the same place, of literals: say the same.
impl PartialEq for SecretRef {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Env(one), Self::Env(other)) | (Self::Cred(one), Self::Cred(other)) => {
                one == other
            }
            (Self::File(one), Self::File(other)) => one == other,
            (Self::Inline(one), Self::Inline(other)) => one.reveal() == other.reveal(),
            _ => false,
        }
    }
}

impl Eq for SecretRef {}

impl fmt::Display for SecretRef {
    /// The reference as it is written; `[redacted]` for a literal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Cred(name) => write!(f, "cred:{name}"),
            Self::Inline(_) => f.write_str("[redacted]"),
        }
    }
}

/// Reads at most one byte more than a secret may have, into memory that is wiped.
fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let unreadable = |reason| SecretError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    // Full size at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

/// Service-account files of a few kilobytes are the longest secrets there are.
const LONGEST: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, SecretRefError> {
        SecretRef::parse(text, Path::new("/base"), false).map(|reference| reference.to_string())
    }

    #[test]
    fn a_reference_names_where_the_secret_is() {
        assert_eq!(parse("env:A").as_deref(), Ok("env:A"));
        assert_eq!(parse("file:a/b").as_deref(), Ok("file:/base/a/b"));
        assert_eq!(parse("file:/a").as_deref(), Ok("file:/a"));
        assert_eq!(parse("cred:a").as_deref(), Ok("cred:a"));
        for bad in ["env:", "file:", "cred:", "cred:../x", "cred:..", "env:A=B"] {
            assert_eq!(parse(bad), Err(SecretRefError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_literal_needs_permission_and_is_never_shown() {
        assert_eq!(parse("hunter2"), Err(SecretRefError::Literal));
        let inline = SecretRef::parse("hunter2", Path::new("/"), true).unwrap();
        assert_eq!(inline.to_string(), "[redacted]");
        assert!(!format!("{inline:?}").contains("hunter2"));
        assert_eq!(inline.read().unwrap().reveal(), "hunter2");
    }

    #[test]
    fn a_file_is_read_without_its_last_newline_and_within_bounds() {
        let directory = tempfile::tempdir().unwrap();
        let read = |content: &[u8]| {
            let path = directory.path().join("secret");
            fs::write(&path, content).unwrap();
            SecretRef::File(path).read()
        };
        assert_eq!(read(b"s3cret\r\n").unwrap().reveal(), "s3cret");
        assert_eq!(read(b"two\n\n").unwrap().reveal(), "two\n");
        assert!(matches!(read(b"\n"), Err(SecretError::Empty(_))));
        assert!(matches!(read(b"\xff"), Err(SecretError::NotText(_))));
        let long = vec![b'a'; LONGEST + 1];
        assert!(matches!(read(&long), Err(SecretError::TooLong(_))));
        let missing = SecretRef::File(directory.path().join("missing")).read();
        assert!(missing.unwrap_err().to_string().contains("missing"));
    }
}
