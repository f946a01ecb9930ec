//! Algorithms by which others may sign (RFC 7518, 3.1; RFC 8037, 3.1).

use std::fmt;

/// A signature algorithm. All are asymmetric: there is no `none` and no HMAC to choose, so a public
/// key can never be taken for a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// RSA, PSS with SHA-256.
    PS256,
    /// RSA, PSS with SHA-384.
    PS384,
    /// RSA, PSS with SHA-512.
    PS512,
    /// RSA, PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA, PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA, PKCS#1 v1.5 with SHA-512.
    RS512,
}

/// What sort of key an algorithm wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    Ed25519,
    P256,
    P384,
    Rsa,
}

impl Algorithm {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
    ];

    /// Those that are allowed where nothing is configured.
    pub const USUAL: &'static [Self] = &[Self::RS256, Self::ES256, Self::EdDSA];

    /// The one of this name, spelt exactly so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|algorithm| algorithm.as_str() == name)
    }

    /// Its name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::ES256 => Family::P256,
            Self::ES384 => Family::P384,
            Self::EdDSA => Family::Ed25519,
            Self::PS256 | Self::PS384 | Self::PS512 | Self::RS256 | Self::RS384 | Self::RS512 => {
                Family::Rsa
            }
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelt_exactly() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Some(*algorithm));
        }
        for name in ["none", "HS256", "rs256", "RS256 ", "ES512", "ES256K", ""] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }
}
