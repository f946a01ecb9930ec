//! Keys with their algorithm: the two are never apart.

use std::{fmt, sync::Arc};

use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use tollbridge_domain::KeyId;
use tollbridge_store::{Algorithm, KeyRecord, Stage};
use zeroize::Zeroizing;

use crate::{ImportError, KeyringError, thumbprint::thumbprint};

/// A private key that signs with exactly one algorithm.
pub struct SigningKey {
    kid: KeyId,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Ed25519(Box<Ed25519KeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl SigningKey {
    /// Makes a new key, and its PKCS#8 for sealing.
    pub(crate) fn generate(
        algorithm: Algorithm,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), KeyringError> {
        let random = SystemRandom::new();
        let document = match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::ES256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            }
        };
        let document = document.ok().ok_or(KeyringError::Generate)?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        let key = Self::from_pkcs8(algorithm, &pkcs8)?;
        Ok((key, pkcs8))
    }

    /// Reads PKCS#8. A public half, where there is one, must belong to the private one; openssl
    /// leaves it away for Ed25519, and then it is computed.
    pub(crate) fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, ImportError> {
        let pair = match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
                .map(|pair| Pair::Ed25519(Box::new(pair))),
            Algorithm::ES256 => EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                pkcs8,
                &SystemRandom::new(),
            )
            .map(|pair| Pair::P256(Box::new(pair))),
        };
        let pair = pair.map_err(|rejected| rejection(&rejected))?;
        let kid = thumbprint(algorithm, pair.public()).ok_or(ImportError::Unsupported)?;
        Ok(Self {
            kid,
            algorithm,
            pair,
        })
    }

    /// Reads PKCS#8 of either algorithm.
    pub(crate) fn import(pkcs8: &[u8]) -> Result<Self, ImportError> {
        Self::from_pkcs8(Algorithm::EdDSA, pkcs8).or_else(|first| match first {
            ImportError::Unsupported => Self::from_pkcs8(Algorithm::ES256, pkcs8),
            other => Err(other),
        })
    }

    /// The key's name.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs: 64 bytes, for ES256 `R || S` (RFC 7518, 3.4).
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "ECDSA fails only without random bytes, and then nothing would be safe"
    )]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message),
            Pair::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .expect("the operating system gives random bytes"),
        };
        signature.as_ref().to_vec()
    }

    /// The raw public half.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.pair.public()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn public(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
        }
    }
}

/// A public key that verifies with exactly one algorithm.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    kid: KeyId,
    algorithm: Algorithm,
    stage: Stage,
    public: Arc<[u8]>,
}

impl VerifyingKey {
    /// From a stored record, whose name must be its public key's.
    pub(crate) fn of(record: &KeyRecord) -> Result<Self, KeyringError> {
        Self::from_public(record.algorithm, &record.public)
            .filter(|key| key.kid == record.kid)
            .map(|key| Self {
                stage: record.stage,
                ..key
            })
            .ok_or_else(|| KeyringError::Corrupt(record.kid.clone()))
    }

    /// From raw public bytes: 32 for Ed25519, the 65-byte uncompressed point for P-256; `None`
    /// for any other form. The point itself is checked when a signature is.
    #[must_use]
    pub fn from_public(algorithm: Algorithm, public: &[u8]) -> Option<Self> {
        Some(Self {
            kid: thumbprint(algorithm, public)?,
            algorithm,
            stage: Stage::Active,
            public: public.into(),
        })
    }

    /// The key's name.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The only algorithm it verifies with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Where the key stood when this was read.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The raw public bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Whether the signature is this key's over exactly this message.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        verify(self.algorithm, &self.public, message, signature)
    }
}

/// Whether the signature over exactly this message is that of the key with these raw public bytes:
/// 32 for Ed25519, the 65-byte uncompressed point for P-256. False for bytes of any other form.
#[must_use]
pub fn verify(algorithm: Algorithm, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::EdDSA => &ED25519,
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
    };
    UnparsedPublicKey::new(algorithm, public)
        .verify(message, signature)
        .is_ok()
}

/// ring names its reasons in words; these are the ones that mean "another kind of key".
fn rejection(rejected: &ring::error::KeyRejected) -> ImportError {
    match rejected.to_string().as_str() {
        "InconsistentComponents" | "InvalidComponent" => ImportError::Inconsistent,
        "WrongAlgorithm" => ImportError::Unsupported,
        _ => ImportError::NotPkcs8,
    }
}
