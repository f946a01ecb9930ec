//! The key that seals all others at rest.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tollbridge_domain::{Entropy, Secret};
use zeroize::Zeroizing;

/// Why there is no master key. Never holds the value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// The file could not be made.
    #[error("the master key file {path} could not be created")]
    Create {
        /// Where.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
    /// Not 32 bytes.
    #[error("a master key is 32 bytes, this one is {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// There is no such file.
    #[error("there is no master key file {path}")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Not base64.
    #[error("the master key is not base64")]
    NotBase64,
    /// The file is there and cannot be read.
    #[error("the master key file {path} cannot be read")]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// The system's own words.
        #[source]
        source: io::Error,
    },
}

/// 32 secret bytes under which private keys are sealed.
#[derive(Debug)]
pub struct MasterKey(Secret<[u8; LENGTH]>);

impl MasterKey {
    /// Reads the base64 text of a master key; white space around it is ignored.
    ///
    /// # Errors
    /// Where the text is not base64 of 32 bytes.
    pub fn from_base64(text: &Secret<String>) -> Result<Self, MasterKeyError> {
        let bytes = STANDARD
            .decode(text.reveal().trim())
            .map(Zeroizing::new)
            .ok()
            .ok_or(MasterKeyError::NotBase64)?;
        let bytes = <[u8; LENGTH]>::try_from(bytes.as_slice())
            .ok()
            .ok_or(MasterKeyError::Length { found: bytes.len() })?;
        Ok(Self(Secret::new(bytes)))
    }

    /// Reads a master key file.
    ///
    /// # Errors
    /// Where the file is missing, unreadable, or holds something else.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => MasterKeyError::Missing { path: path.into() },
            _ => MasterKeyError::Unreadable {
                path: path.into(),
                source,
            },
        })?;
        Self::from_base64(&Secret::new(text))
    }

    /// Makes a new master key and its file: mode 0600, complete or not at all, never over an
    /// existing one. The folder must exist.
    ///
    /// # Errors
    /// Where the file exists or cannot be written.
    pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self, MasterKeyError> {
        let key = Self::generate(entropy);
        let text = Zeroizing::new(format!("{}\n", key.to_base64().reveal()));
        let mut suffix = [0; 8];
        entropy.fill(&mut suffix);
        write_exclusively(path, text.as_bytes(), u64::from_ne_bytes(suffix)).map_err(|source| {
            MasterKeyError::Create {
                path: path.into(),
                source,
            }
        })?;
        Ok(key)
    }

    /// Makes a new master key without a file.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        entropy.fill(bytes.as_mut_slice());
        Self(Secret::new(*bytes))
    }

    /// The text that [`Self::from_base64`] reads.
    #[must_use]
    pub fn to_base64(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.0.reveal()))
    }

    pub(crate) const fn reveal_for_sealing(&self) -> &[u8; LENGTH] {
        self.0.reveal()
    }
}

/// Writes beside the target and links it into place: linking fails where the name is taken, and
/// a crash half-way leaves no half-written key under the name.
fn write_exclusively(path: &Path, bytes: &[u8], suffix: u64) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{suffix:016x}"));
    let beside = PathBuf::from(beside);
    let written = write_new(&beside, bytes).and_then(|()| fs::hard_link(&beside, path));
    let removed = fs::remove_file(&beside);
    written.and(removed)?;
    File::open(parent(path))?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// AES-256.
const LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::RingEntropy;

    fn parse(text: &str) -> Result<MasterKey, MasterKeyError> {
        MasterKey::from_base64(&Secret::new(text.to_owned()))
    }

    #[test]
    fn a_master_key_is_thirty_two_bytes_of_base64() {
        assert!(parse(&STANDARD.encode([7; 32])).is_ok());
        assert!(parse(&format!(" {}\r\n", STANDARD.encode([7; 32]))).is_ok());
        assert!(matches!(
            parse(&STANDARD.encode([7; 31])),
            Err(MasterKeyError::Length { found: 31 })
        ));
        assert!(matches!(
            parse(""),
            Err(MasterKeyError::Length { found: 0 })
        ));
        assert!(matches!(
            parse("not base64!"),
            Err(MasterKeyError::NotBase64)
        ));
    }

    #[test]
    fn neither_the_key_nor_an_error_prints_the_value() {
        let text = STANDARD.encode(*b"canarycanarycanarycanarycanaryca");
        let key = parse(&text).unwrap();
        assert!(!format!("{key:?}").contains(&text));
        assert!(!format!("{key:?}").contains("99"));
        let broken = parse(&format!("{text}!")).unwrap_err();
        assert!(!format!("{broken:?} {broken}").contains(&text));
    }

    #[test]
    fn a_created_file_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::create(&path, &RingEntropy::new()).unwrap();
        let read = MasterKey::load(&path).unwrap();
        assert_eq!(made.reveal_for_sealing(), read.reveal_for_sealing());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        fs::write(&path, "precious").unwrap();
        let refused = MasterKey::create(&path, &RingEntropy::new());
        assert!(matches!(refused, Err(MasterKeyError::Create { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_file_is_told_from_an_unreadable_one() {
        let folder = tempfile::tempdir().unwrap();
        let absent = MasterKey::load(&folder.path().join("none"));
        assert!(matches!(absent, Err(MasterKeyError::Missing { .. })));
        let directory = MasterKey::load(folder.path());
        assert!(matches!(directory, Err(MasterKeyError::Unreadable { .. })));
        let orphan = MasterKey::create(&folder.path().join("no/such"), &RingEntropy::new());
        assert!(matches!(orphan, Err(MasterKeyError::Create { .. })));
    }
}
