//! What can go wrong with keys.

use tollbridge_domain::KeyId;
use tollbridge_store::StoreError;

/// A keyring did not do what it was asked. No variant holds key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// Another key is staged already; only one may be.
    #[error("key {0} is staged already; let it become active or revoke it first")]
    AlreadyStaged(KeyId),
    /// Others changed the keys again and again while this change was tried.
    #[error("the keys were changed by others at every attempt; try again")]
    Contended,
    /// What the store holds under this name is not that key.
    #[error("the record of key {0} is damaged: its public key and its name do not belong together")]
    Corrupt(KeyId),
    /// The key is in the store, perhaps retired.
    #[error("key {0} exists already")]
    Exists(KeyId),
    /// The operating system gave no random bytes.
    #[error("no key could be generated: the operating system refuses random bytes")]
    Generate,
    /// The text is not a key that we take.
    #[error("the key was not imported")]
    Import(#[from] ImportError),
    /// A private key could not be sealed.
    #[error("key {0} could not be sealed")]
    Seal(KeyId),
    /// The store failed.
    #[error("the keys could not be read or written")]
    Store(#[from] StoreError),
    /// The key that was to become active was revoked before it did.
    #[error("key {0} was revoked before it became active")]
    Superseded(KeyId),
    /// No such key.
    #[error("there is no key {0}")]
    UnknownKey(KeyId),
    /// The master key does not open this sealed key.
    #[error("the master key does not open key {0}: it is not the one that sealed it")]
    WrongMaster(KeyId),
}

/// Why a text is not a private key that we take. Never holds the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The private key is protected by a passphrase.
    #[error("the key is encrypted; decrypt it first (openssl pkcs8 -nocrypt)")]
    Encrypted,
    /// The public half does not belong to the private half, or a number is out of range.
    #[error("the public and the private half of the key do not belong together")]
    Inconsistent,
    /// Not exactly one PEM block of unencrypted PKCS#8.
    #[error("the text is not one PEM block 'PRIVATE KEY' (PKCS#8)")]
    NotPkcs8,
    /// RSA, another curve, or something else again.
    #[error("the key is neither Ed25519 nor P-256")]
    Unsupported,
}
