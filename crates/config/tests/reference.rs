//! The reference page is what the program says it is.

use std::{env, fs, path::Path};

#[test]
fn the_committed_reference_is_the_programs_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/config.md");
    let reference = tollbridge_config::reference();
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &reference).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == reference,
        "docs/reference/config.md is not what the program says; regenerate it with \
         `UPDATE=1 cargo test -p tollbridge-config`"
    );
}
