//! A grant becomes a token.

use std::sync::Arc;

use tollbridge_domain::{Clock, Entropy, Grant, KeyId, Moment, Secret, TokenId};
use tollbridge_keyring::Keyring;

use crate::{Claims, Verifier, header::Header, jws::encode, recall::Recall};

/// Why no token was minted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// No key can sign: the active one does not open.
    #[error("there is no key to sign with")]
    NoSigner,
    /// The grant allows no use or no time.
    #[error("the grant is empty: uses and seconds are at least 1")]
    Nothing,
    /// Subject, parameters, label and metadata are together too long: what was asked for cannot
    /// be had.
    #[error("the token would have {length} bytes, more than {LONGEST}")]
    TooLong {
        /// How long it would be.
        length: usize,
    },
}

/// Signs grants.
pub struct Minter {
    keyring: Arc<Keyring>,
    issuer: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    recall: Option<Arc<Recall>>,
}

/// A new token, what it says, and the key that signed it.
#[derive(Debug)]
pub struct Minted {
    /// The text for the bearer.
    pub token: Secret<String>,
    /// What it says.
    pub claims: Claims,
    /// The key.
    pub kid: KeyId,
}

impl Minter {
    /// Mints in the name of `issuer`, which is the tokens' audience too.
    #[must_use]
    pub fn new(
        keyring: Arc<Keyring>,
        issuer: String,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            keyring,
            issuer,
            clock,
            entropy,
            recall: None,
        }
    }

    /// Adds the verifier of the same process, which asks no proof of who signed what this mints;
    /// else as [`Verifier::new`].
    #[must_use]
    pub fn with_verifier(self, epoch: Moment, max_life: u32) -> (Self, Verifier) {
        let recall = Arc::new(Recall::default());
        let (keyring, issuer) = (Arc::clone(&self.keyring), self.issuer.clone());
        let verifier = Verifier::new(keyring, issuer, epoch, max_life);
        let verifier = verifier.recalling(Arc::clone(&recall));
        let recall = Some(recall);
        (Self { recall, ..self }, verifier)
    }

    #[cfg(test)]
    pub(crate) fn recall(&self) -> Option<Arc<Recall>> {
        self.recall.clone()
    }

    /// Mints one token, valid from this second on.
    ///
    /// # Errors
    /// See [`MintError`].
    pub fn mint(&self, grant: Grant) -> Result<Minted, MintError> {
        let snapshot = self.keyring.snapshot();
        let signer = snapshot.signer().ok_or(MintError::NoSigner)?;
        let now = self.clock.now();
        let claims =
            Claims::of(grant, &self.issuer, self.fresh_id(), now).ok_or(MintError::Nothing)?;
        let header = Header::write(signer.algorithm(), signer.kid());
        let mut token = format!("{}.{}", encode(&header), encode(&claims.write()));
        let signature = encode(&signer.sign(token.as_bytes()));
        token.push('.');
        token.push_str(&signature);
        if token.len() > LONGEST {
            return Err(MintError::TooLong {
                length: token.len(),
            });
        }
        if let Some(recall) = &self.recall {
            recall.keep(&token);
        }
        Ok(Minted {
            token: Secret::new(token),
            claims,
            kid: signer.kid().clone(),
        })
    }

    /// 128 random bits: no two tokens ever share an id (RFC 7519, 4.1.7).
    #[expect(
        clippy::expect_used,
        reason = "22 characters of base64url are a token id"
    )]
    fn fresh_id(&self) -> TokenId {
        let mut bits = [0; 16];
        self.entropy.fill(&mut bits);
        TokenId::parse(&encode(&bits)).expect("random bits make a token id")
    }
}

/// What fits into a query string and into every header of every proxy.
const LONGEST: usize = 2048;
