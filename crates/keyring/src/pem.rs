//! PKCS#8 out of PEM, for imported keys.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::ImportError;

/// The DER of the one `PRIVATE KEY` block that the text consists of.
pub(crate) fn pkcs8(pem: &str) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    let pem = pem.trim();
    if pem.contains("ENCRYPTED") {
        return Err(ImportError::Encrypted);
    }
    if ["RSA ", "EC ", "DSA "]
        .iter()
        .any(|kind| pem.starts_with(&format!("-----BEGIN {kind}PRIVATE KEY-----")))
    {
        return Err(ImportError::NotPkcs8);
    }
    let body = pem
        .strip_prefix("-----BEGIN PRIVATE KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
        .filter(|body| body.len() <= LONGEST)
        .ok_or(ImportError::NotPkcs8)?;
    let packed: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    STANDARD
        .decode(packed.as_bytes())
        .map(Zeroizing::new)
        .ok()
        .ok_or(ImportError::NotPkcs8)
}

/// An RSA key of 8192 bits is 6.4 kB of base64: long enough to be told what it is.
const LONGEST: usize = 8192;
