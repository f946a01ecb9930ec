//! Signatures as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use ring::hmac;
use tollbridge_domain::{Moment, Secret};
use zeroize::Zeroizing;

/// Fewer bytes can be guessed by who has heard one question.
const SHORTEST: usize = 16;

/// What stands in front of a secret in base64.
const ENCODED: &str = "whsec_";

/// The key of a hook.
pub struct Key(hmac::Key);

/// Why a text is no secret of a hook. Never holds the secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// `whsec_` and no base64.
    #[error("what follows `whsec_` is not base64")]
    Encoding,
    /// Not enough to be a secret.
    #[error("a hook's secret has at least {SHORTEST} bytes")]
    Short,
}

impl Key {
    /// From a secret: bytes as they stand, or base64 behind `whsec_`.
    ///
    /// # Errors
    /// Where it cannot be one.
    pub fn parse(secret: &Secret<String>) -> Result<Self, KeyError> {
        let text = secret.reveal();
        let bytes = match text.strip_prefix(ENCODED) {
            Some(encoded) => BASE64.decode(encoded).map_err(|_why| KeyError::Encoding)?,
            None => text.clone().into_bytes(),
        };
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < SHORTEST {
            return Err(KeyError::Short);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, at: Moment, body: &str) -> String {
        let message = format!("{id}.{}.{body}", at.seconds());
        let tag = hmac::sign(&self.0, message.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

/// Some tools leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Key, KeyError> {
        Key::parse(&Secret::new(text.to_owned()))
    }

    /// The example of the specification's own libraries.
    #[test]
    fn it_signs_as_the_specification_does() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Moment::from_seconds(1_614_265_330);
        let signed = key.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_bytes_or_base64_and_not_short() {
        let same = |a: &str, b: &str| {
            let sign = |text: &str| key(text).unwrap().sign("a", Moment::from_seconds(1), "b");
            sign(a) == sign(b)
        };
        assert!(same("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "0123456789abcdef"));
        assert!(same("whsec_MDEyMzQ1Njc4OWFiY2RlZg", "0123456789abcdef"));
        assert!(!same("MDEyMzQ1Njc4OWFiY2RlZg==", "0123456789abcdef"));
        for (text, why) in [
            ("whsec_", KeyError::Short),
            ("whsec_MDEyMzQ1Njc4OWFiY2Rl", KeyError::Short),
            ("whsec_!!", KeyError::Encoding),
            ("whsec_MDEyMzQ1Njc4OWFiY2RlZg== ", KeyError::Encoding),
            ("0123456789abcde", KeyError::Short),
        ] {
            assert_eq!(key(text).err(), Some(why), "{text}");
        }
    }
}
