//! Whom a certificate names.

use serde_json::{Map, Value, json};
use tollbridge_authn::{Claims, Rejection};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

/// The names in a certificate that somebody else has judged: its signature is not looked at.
pub(crate) struct Names {
    /// Host names among the alternative names, in lower case.
    pub(crate) dns: Vec<String>,
    /// URIs among them.
    pub(crate) uris: Vec<String>,
    /// Common names of the subject; one that is no text is empty.
    pub(crate) common: Vec<String>,
    /// In hexadecimal digits, as `openssl x509 -serial` prints it.
    serial: String,
}

impl Names {
    /// Those in this DER. What cannot be read is refused and not skipped: it may be the second
    /// name of its kind.
    pub(crate) fn read(der: &[u8]) -> Result<Self, Rejection> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_not_x509| Rejection::Malformed)?;
        let alternative = certificate
            .subject_alternative_name()
            .map_err(|_twice_or_broken| Rejection::Malformed)?;
        if !rest.is_empty() {
            return Err(Rejection::Malformed);
        }
        let (mut dns, mut uris) = (Vec::new(), Vec::new());
        for name in alternative.iter().flat_map(|it| &it.value.general_names) {
            match name {
                GeneralName::DNSName(name) => dns.push(name.to_ascii_lowercase()),
                GeneralName::URI(name) => uris.push((*name).to_owned()),
                GeneralName::Invalid(..) => return Err(Rejection::Malformed),
                _ => {}
            }
        }
        let common = certificate.subject().iter_common_name();
        Ok(Self {
            dns,
            uris,
            common: common
                .map(|name| name.as_str().unwrap_or_default().to_owned())
                .collect(),
            serial: hexadecimal(certificate.raw_serial()),
        })
    }

    /// What rules may ask about.
    pub(crate) fn into_claims(self) -> Claims {
        let mut claims = Map::new();
        claims.insert("san_dns".to_owned(), json!(self.dns));
        claims.insert("san_uri".to_owned(), json!(self.uris));
        if let [name] = self.common.as_slice() {
            claims.insert("cn".to_owned(), json!(name));
        }
        claims.insert("serial".to_owned(), Value::String(self.serial));
        Claims::new(claims)
    }
}

/// Without the zero in front that keeps a number positive.
fn hexadecimal(number: &[u8]) -> String {
    let number = match number {
        [0, rest @ ..] if !rest.is_empty() => rest,
        number => number,
    };
    number.iter().map(|byte| format!("{byte:02X}")).collect()
}
