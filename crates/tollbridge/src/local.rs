//! What commands know themselves: the configuration, and who sits there.

use std::path::Path;

use tollbridge_config::Loaded;
use tollbridge_domain::{Act, Actor};

use crate::failure::Failure;

/// Reads and checks the configuration. Warnings are for `check` and `serve` to tell.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    tollbridge_config::load(path, &tollbridge_config::environment)
        .map_err(|problems| Failure::Configuration(problems.to_string()))
}

/// Who sits at the command line.
pub(crate) fn operator() -> Actor {
    let name = std::env::var("SUDO_USER")
        .or_else(|_| std::env::var("USER"))
        .unwrap_or_else(|_| "unknown".to_owned());
    let name: String = name
        .chars()
        .filter(|one| one.is_ascii_graphic())
        .take(64)
        .collect();
    Actor {
        who: format!("cli:{name}"),
        from: "local".to_owned(),
    }
}

/// An act of theirs.
pub(crate) fn act(event: &'static str, target: &str, why: &str) -> Act {
    Act {
        actor: operator(),
        event,
        target: target.to_owned(),
        why: why.to_owned(),
    }
}
