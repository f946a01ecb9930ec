//! Private keys at rest: AES-256-GCM under the master key, the key id as associated data.
//!
//! `version (1) | nonce (12) | ciphertext and tag`. Binding the key id means that a sealed key
//! moved to another record does not open.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use tollbridge_domain::{Entropy, KeyId};
use zeroize::Zeroizing;

use crate::{KeyringError, MasterKey};

/// Seals a private key.
pub(crate) fn seal(
    master: &MasterKey,
    kid: &KeyId,
    private: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, KeyringError> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let mut sealed = vec![VERSION];
    sealed.extend_from_slice(&nonce);
    let mut text = Zeroizing::new(private.to_vec());
    let tag = cipher(master)
        .and_then(|cipher| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            cipher.seal_in_place_separate_tag(nonce, Aad::from(kid.as_str()), &mut text)
        })
        .ok()
        .ok_or_else(|| KeyringError::Seal(kid.clone()))?;
    sealed.extend_from_slice(&text);
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens a sealed private key. A wrong master key and damage look alike: that is what
/// authenticated encryption promises.
pub(crate) fn open(
    master: &MasterKey,
    kid: &KeyId,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    open_parts(master, kid, sealed).ok_or_else(|| KeyringError::WrongMaster(kid.clone()))
}

fn open_parts(master: &MasterKey, kid: &KeyId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (&[VERSION], rest) = sealed.split_first_chunk()? else {
        return None;
    };
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(text.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = cipher(master)
        .ok()?
        .open_in_place(nonce, Aad::from(kid.as_str()), &mut text)
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

fn cipher(master: &MasterKey) -> Result<LessSafeKey, ring::error::Unspecified> {
    UnboundKey::new(&AES_256_GCM, master.reveal_for_sealing()).map(LessSafeKey::new)
}

/// The only layout so far.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RingEntropy;

    #[test]
    fn a_sealed_key_opens_only_under_its_master_its_name_and_unchanged() {
        let entropy = RingEntropy::new();
        let master = MasterKey::generate(&entropy);
        let other = MasterKey::generate(&entropy);
        let kid = KeyId::parse("one").unwrap();
        let sealed = seal(&master, &kid, b"private", &entropy).unwrap();
        assert_eq!(*open(&master, &kid, &sealed).unwrap(), b"private");
        assert!(open(&other, &kid, &sealed).is_err());
        assert!(open(&master, &KeyId::parse("two").unwrap(), &sealed).is_err());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(open(&master, &kid, &changed).is_err(), "byte {position}");
            assert!(open(&master, &kid, &sealed[..position]).is_err());
        }
    }

    #[test]
    fn two_seals_of_one_key_differ() {
        let entropy = RingEntropy::new();
        let master = MasterKey::generate(&entropy);
        let kid = KeyId::parse("one").unwrap();
        let seal = || seal(&master, &kid, b"private", &entropy).unwrap();
        assert_ne!(seal(), seal());
    }
}
