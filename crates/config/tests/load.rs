//! Files: the configuration itself, and what it refers to.

#![expect(
    clippy::unwrap_used,
    reason = "a folder that cannot be written fails the test"
)]

use std::{fs, path::PathBuf};

use tempfile::TempDir;
use tollbridge_config::{Loaded, Problems, load};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn load(&self, content: impl AsRef<[u8]>) -> Result<Loaded, Problems> {
        let path = self.write("tollbridge.toml", content);
        load(&path, &Vec::new)
    }
}

const ROUTE: &str = "
[callers.backend]
type = 'api_key'
[routes.voice]
upstream = 'wss://api.example.com/'
origins = ['https://app.example.com']
callers = ['backend']
ca = 'ca.pem'
credentials.headers.api-key = 'file:key'
";

#[test]
fn relative_paths_start_at_the_file_and_are_watched() {
    let folder = Folder::new();
    let key = folder.write("key", "s3cret\n");
    let ca = folder.write("ca.pem", "");
    let loaded = folder
        .load(ROUTE)
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.files[0], folder.0.path().join("tollbridge.toml"));
    assert!(loaded.files.contains(&key) && loaded.files.contains(&ca));
    assert!(loaded.files.contains(&folder.0.path().join("master.key")));
}

#[test]
fn a_secret_that_cannot_be_read_is_named_with_its_line_and_not_shown() {
    let folder = Folder::new();
    folder.write("ca.pem", "");
    let problems = folder.load(ROUTE).unwrap_err();
    assert_eq!(problems.0.len(), 1);
    assert_eq!(problems.0[0].line, Some(9));
    folder.write("key", "s3cret\r\nX-Evil: 1");
    let problems = folder.load(ROUTE).unwrap_err().to_string();
    assert!(problems.contains("printable ASCII"), "{problems}");
    assert!(!problems.contains("s3cret"));
}

#[test]
fn a_missing_authority_file_is_named() {
    let folder = Folder::new();
    folder.write("key", "s3cret");
    let problems = folder.load(ROUTE).unwrap_err();
    assert_eq!(problems.0[0].key, "routes.voice.ca");
}

#[test]
fn bad_utf_8_has_a_position() {
    let folder = Folder::new();
    let problems = folder.load(b"# one\n# \xc3\xa9 \xff\n").unwrap_err();
    let problem = &problems.0[0];
    assert_eq!((problem.line, problem.column), (Some(2), Some(5)));
}

#[test]
fn a_file_that_is_missing_or_endless_is_a_problem() {
    let folder = Folder::new();
    let missing = load(&folder.0.path().join("none.toml"), &Vec::new).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("none.toml: error: cannot be read")
    );
    let endless = folder.load(vec![b'#'; (1 << 20) + 1]).unwrap_err();
    assert!(endless.to_string().contains("longer than 1 MiB"));
}
