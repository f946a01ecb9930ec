//! `[server.tls]`

use std::{fs, os::unix::fs::PermissionsExt as _};

use tollbridge_domain::{Clock as _, SystemClock};

use crate::{reader::Section, secret_ref::SecretRef, settings::Tls};

/// Reads `tls` of `[server]`; `None` where it is not written, or written wrongly.
pub(crate) fn read(server: &Section<'_>) -> Option<Tls> {
    if !server.holds("tls") {
        return None;
    }
    let section = server.section("tls");
    section.require("cert", "the listener has nothing to show");
    section.require("key", "the certificate cannot be used without it");
    let cert = reference(&section, "cert");
    let key = reference(&section, "key");
    let client_ca = reference(&section, "client_ca");
    let tls = Tls {
        cert: cert?,
        key: key?,
        client_ca,
    };
    if section.reader.look {
        look_up(&section, &tls);
    }
    Some(tls)
}

fn reference(section: &Section<'_>, key: &str) -> Option<SecretRef> {
    let reader = section.reader;
    let reference = section.parsed(key, |text| {
        SecretRef::parse(text, reader.base, reader.allow_inline)
    })?;
    if matches!(reference, SecretRef::Inline(_)) {
        reader.warn(&section.at(key), "a literal secret");
    }
    Some(reference)
}

/// All can be read now; certificate and key belong together.
fn look_up(section: &Section<'_>, tls: &Tls) {
    let reader = section.reader;
    match tls.read() {
        Ok(certificate) => {
            if let Some(untimely) = certificate.untimely(SystemClock.now()) {
                reader.warn(&section.at("cert"), untimely);
            }
        }
        Err(errors) => {
            for error in errors {
                reader.error(&section.at(error.file.key()), error);
            }
        }
    }
    if let Some(path) = tls.key.file()
        && fs::metadata(&path).is_ok_and(|meta| meta.permissions().mode() & OTHERS != 0)
    {
        let message = format!("{} is open to everybody on this machine", path.display());
        reader.warn(&section.at("key"), message);
    }
}

/// A group of its own is how a server that is not root reads a key.
const OTHERS: u32 = 0o007;
