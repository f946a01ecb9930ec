//! ring behind jsonwebtoken's provider seam: EdDSA and ES256, and verification only.
//!
//! Nothing signs through jsonwebtoken, since that would take private keys out of the keyring.
//! No other algorithm is linked into the verify path: what is not here cannot be confused.

use jsonwebtoken::{
    Algorithm as JwtAlgorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils, verify},
    errors::{ErrorKind, Result, new_error},
    signature::{Error as SignatureError, Verifier},
};
use tollbridge_keyring::VerifyingKey;
use tollbridge_store::Algorithm;

/// Makes ring the backend of jsonwebtoken in this process. Once is enough, more does no harm.
pub fn install() {
    // An embedding application may have installed its own before; it verifies as well as ours.
    let _ = RING.install_default();
}

/// Whether the encoded signature is the key's over exactly this message.
pub(crate) fn verifies(key: &VerifyingKey, message: &str, signature: &str) -> bool {
    let (algorithm, decoding) = match key.algorithm() {
        Algorithm::EdDSA => (JwtAlgorithm::EdDSA, DecodingKey::from_ed_der(key.public())),
        Algorithm::ES256 => (JwtAlgorithm::ES256, DecodingKey::from_ec_der(key.public())),
    };
    verify(signature, message.as_bytes(), &decoding, algorithm).unwrap_or(false)
}

static RING: CryptoProvider = CryptoProvider {
    signer_factory: refuse_to_sign,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn refuse_to_sign(_: &JwtAlgorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Err(new_error(ErrorKind::UnsupportedAlgorithm))
}

fn verifier(algorithm: &JwtAlgorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let ours = match (algorithm, key.family()) {
        (JwtAlgorithm::EdDSA, AlgorithmFamily::Ed) => Algorithm::EdDSA,
        (JwtAlgorithm::ES256, AlgorithmFamily::Ec) => Algorithm::ES256,
        _ => return Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    };
    // The bytes are judged with the signature: making a named key of them would cost a digest more.
    Ok(Box::new(ByRing {
        algorithm: ours,
        public: key.try_get_as_bytes()?.into(),
    }))
}

struct ByRing {
    algorithm: Algorithm,
    public: Box<[u8]>,
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), SignatureError> {
        match tollbridge_keyring::verify(self.algorithm, &self.public, message, signature) {
            true => Ok(()),
            false => Err(SignatureError::new()),
        }
    }
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> JwtAlgorithm {
        match self.algorithm {
            Algorithm::EdDSA => JwtAlgorithm::EdDSA,
            Algorithm::ES256 => JwtAlgorithm::ES256,
        }
    }
}
