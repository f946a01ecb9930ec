//! Where the store is: its URL, its file, the file's permissions.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tollbridge_store::StoreError;

/// A SQLite file.
pub(crate) struct Place {
    path: PathBuf,
}

impl Place {
    /// Parses `sqlite:PATH`; `sqlite:///absolute` means the same as `sqlite:/absolute`.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(unusable(
                "its address does not begin with sqlite:".to_owned(),
            ));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains(['?', '\0']) {
            let why = "its address is sqlite: and the path of a file, without parameters";
            return Err(unusable(why.to_owned()));
        }
        Ok(Self { path: path.into() })
    }

    /// A file beside it, for what can be said of any of them.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes an empty file that only its owner can read. SQLite gives the same mode to the files
    /// that it keeps beside it.
    pub(crate) fn create_if_absent(&self) -> Result<(), StoreError> {
        match private().create_new(true).open(&self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.refused("created", &error)),
        }
    }

    /// Refuses what is not there, not a file, or open to others: it holds sealed keys, hashes
    /// and who did what.
    pub(crate) fn inspect(&self) -> Result<(), StoreError> {
        let path = self.path.display();
        let found = fs::metadata(&self.path).map_err(|error| self.refused("opened", &error))?;
        if !found.is_file() {
            return Err(unusable(format!("{path} is not a file")));
        }
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(unusable(format!(
                "{path} is open to other users (mode {mode:04o}); run: chmod 600 {path}"
            )));
        }
        Ok(())
    }

    /// The lock file beside it: the same whatever links lead to the store.
    pub(crate) fn lock_path(&self) -> Result<PathBuf, StoreError> {
        let real = match fs::canonicalize(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.path_to_be(),
            found => found,
        };
        let mut name: OsString = real.map_err(|error| self.refused("found", &error))?.into();
        name.push(".lock");
        Ok(name.into())
    }

    fn path_to_be(&self) -> io::Result<PathBuf> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let name = self.path.file_name().ok_or(ErrorKind::InvalidInput)?;
        Ok(fs::canonicalize(folder)?.join(name))
    }

    /// What the operating system's refusal means for the store.
    pub(crate) fn refused(&self, what: &str, error: &io::Error) -> StoreError {
        let path = self.path.display();
        match error.kind() {
            ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                StoreError::ReadOnly {
                    why: format!("{path} cannot be {what}: {error}"),
                }
            }
            ErrorKind::NotFound if self.path_to_be().is_err() => {
                unusable(format!("the folder of {path} does not exist"))
            }
            ErrorKind::NotFound => unusable(format!("there is no file {path}")),
            _ => unusable(format!("{path} cannot be {what}: {error}")),
        }
    }
}

/// Opens for reading and writing; what it makes is for its owner alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

pub(crate) fn unusable(why: String) -> StoreError {
    StoreError::Unusable { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is_written() {
        for (url, path) in [
            ("sqlite:tollbridge.db", "tollbridge.db"),
            ("sqlite:/var/lib/x.db", "/var/lib/x.db"),
            ("sqlite:///var/lib/x.db", "/var/lib/x.db"),
            ("sqlite:a b%20c.db", "a b%20c.db"),
        ] {
            assert_eq!(Place::parse(url).unwrap().path(), Path::new(path));
        }
    }

    #[test]
    fn what_is_not_the_path_of_a_file_is_refused() {
        for url in [
            "",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "x.db",
            "postgres://h/db",
        ] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
        assert!(Place::parse("sqlite:x.db?mode=memory").is_err());
    }

    #[test]
    fn every_link_to_a_store_leads_to_one_lock() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let link = folder.path().join("b.db");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let before = Place { path: file.clone() }.lock_path().unwrap();
        fs::write(&file, "").unwrap();
        let through_link = Place { path: link }.lock_path().unwrap();
        assert_eq!(before, Place { path: file }.lock_path().unwrap());
        assert_eq!(before, through_link);
    }
}
