//! The generated pages are what the program says they are.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a broken assumption is best reported where it broke"
)]

use std::{env, fs, path::Path};

#[test]
fn the_committed_reference_is_the_programs_own() {
    is_committed("config.md", &tollbridge_config::reference());
}

#[test]
fn the_committed_vendors_are_the_programs_own() {
    is_committed("vendors.md", &tollbridge_config::vendors());
}

fn is_committed(name: &str, page: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = folder.join(name);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/reference/{name} is not what the program says; regenerate it with \
         `UPDATE=1 cargo test -p tollbridge-config`"
    );
}
