//! `[store]`, `[coordination]`, `[keys]` and `[tokens]`.

use std::path::Path;

use crate::{
    reader::Section,
    secret_ref::SecretRef,
    settings::{Algorithm, Coordination, Keys, Store, Tokens},
    units,
};

/// Reads `[store]`.
pub(crate) fn read_store(section: &Section<'_>) -> Option<Store> {
    let base = section.reader.base;
    let url = section.parsed("url", |text| store_url(text, base))?;
    Some(Store { url })
}

/// Reads `[coordination]`.
pub(crate) fn read_coordination(section: &Section<'_>) -> Option<Coordination> {
    let url = section.parsed("url", coordination_url)?;
    Some(Coordination { url })
}

/// Reads `[keys]`.
pub(crate) fn read_keys(section: &Section<'_>) -> Option<Keys> {
    let base = section.reader.base;
    let master_key = section.parsed("master_key", |text| {
        SecretRef::parse(text, base, false).map_err(|error| format!("the master key: {error}"))
    });
    look_up(section, master_key.as_ref());
    let algorithm = section.defaulted("algorithm", Algorithm::parse);
    let rotate_every = section.duration_or_off("rotate_every");
    let publish_before_use = section.defaulted("publish_before_use", units::duration);
    Some(Keys {
        algorithm,
        rotate_every,
        publish_before_use,
        master_key: master_key?,
    })
}

/// A file may be missing: the first start makes it.
fn look_up(section: &Section<'_>, master_key: Option<&SecretRef>) {
    match master_key {
        Some(reference @ (SecretRef::Env(_) | SecretRef::Cred(_))) if section.reader.look => {
            if let Err(error) = reference.read() {
                section.reader.error(&section.at("master_key"), error);
            }
        }
        _ => {}
    }
}

/// Reads `[tokens]`.
pub(crate) fn read_tokens(section: &Section<'_>) -> Tokens {
    Tokens {
        issuer: section.parsed("issuer", issuer),
        redeem_within: section.seconds("redeem_within"),
        max_redeem_within: section.seconds("max_redeem_within"),
    }
}

fn store_url(text: &str, base: &Path) -> Result<String, &'static str> {
    match text.split_once(':') {
        Some(("postgres" | "postgresql", _)) => Err("store `postgres://` is not built yet"),
        Some(("sqlite", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(['?', '#', '\0']) || path == ":memory:" {
                return Err("`sqlite:` is followed by the path of a file, and nothing else");
            }
            Ok(format!("sqlite:{}", base.join(path).display()))
        }
        _ => Err("a store is `sqlite:PATH`"),
    }
}

fn coordination_url(text: &str) -> Result<String, &'static str> {
    match text.split_once(':') {
        Some(("memory", "")) => Ok(text.to_owned()),
        Some(("redis" | "rediss" | "valkey", _)) => Err("coordination `redis://` is not built yet"),
        _ => Err("coordination is `memory:`"),
    }
}

fn issuer(text: &str) -> Result<String, &'static str> {
    let fits = (1..=256).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or("an issuer is 1 to 256 bytes without control characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_lies_beside_the_file() {
        let read = |text| store_url(text, Path::new("/base"));
        assert_eq!(read("sqlite:a.db").as_deref(), Ok("sqlite:/base/a.db"));
        assert_eq!(read("sqlite:///a.db").as_deref(), Ok("sqlite:/a.db"));
        for bad in [
            "sqlite:",
            "sqlite::memory:",
            "sqlite:a?mode=rwc",
            "mysql://x",
            "a.db",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let store = store_url("postgres://u:p@h/d", Path::new("/"));
        assert_eq!(store, Err("store `postgres://` is not built yet"));
        let coordination = coordination_url("redis://h");
        assert_eq!(
            coordination,
            Err("coordination `redis://` is not built yet")
        );
    }
}
