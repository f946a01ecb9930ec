//! Close frames: what the bridge says, and what it hears (RFC 6455, 5.5.1 and 7.4).

use std::fmt::Write as _;

use tollbridge_domain::{Secret, SessionId, Slug};

/// A close frame of the bridge's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Close {
    /// One that may go on the wire.
    pub code: u16,
    /// At most 123 bytes go out.
    pub reason: String,
}

impl Close {
    /// What the client is told: the slug's code and `tb:<slug>[;ra=N][;id=S]`.
    ///
    /// A slug that has no close code says 1011: it should have been an HTTP status.
    #[must_use]
    pub fn bridge(slug: Slug, retry_after: Option<u32>, session: Option<&SessionId>) -> Self {
        let mut reason = format!("tb:{slug}");
        if let Some(seconds) = retry_after {
            let _infallible = write!(reason, ";ra={seconds}");
        }
        if let Some(session) = session {
            let _infallible = write!(reason, ";id={session}");
        }
        Self {
            code: slug.close_code().unwrap_or(1011),
            reason,
        }
    }

    /// As [`Close::bridge`], to a client that was let in before anybody knew it: what would have been
    /// an HTTP status of 401 is 4401.
    #[must_use]
    pub fn told(slug: Slug, retry_after: Option<u32>, session: Option<&SessionId>) -> Self {
        let close = Self::bridge(slug, retry_after, session);
        match (slug.close_code(), slug.status()) {
            (None, 401) => Self {
                code: 4401,
                ..close
            },
            _ => close,
        }
    }

    /// The frame a server sends.
    pub(crate) fn frame(&self) -> Vec<u8> {
        frame(Some(self.code), &self.reason, None)
    }
}

/// A close frame that a peer sent. No `Debug`: the reason is a peer's text.
pub(crate) struct Goodbye {
    pub(crate) code: Option<u16>,
    reason: String,
    wire: Vec<u8>,
}

impl Goodbye {
    /// Reads the unmasked payload of a close frame; `wire` is the frame as it came.
    pub(crate) fn read(payload: &[u8], wire: &[u8]) -> Result<Self, Slug> {
        let (code, reason) = match payload {
            [] => (None, ""),
            [_] => return Err(Slug::ProtocolError),
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !may_be_sent(code) {
                    return Err(Slug::ProtocolError);
                }
                let Ok(reason) = std::str::from_utf8(reason) else {
                    return Err(Slug::BadUtf8);
                };
                (Some(code), reason)
            }
        };
        Ok(Self {
            code,
            reason: reason.to_owned(),
            wire: wire.to_vec(),
        })
    }

    /// The same without its reason, where that would tell one of the secrets.
    pub(crate) fn without(self, secrets: &[Secret<String>]) -> Self {
        let tells = |secret: &Secret<String>| {
            !secret.reveal().is_empty() && self.reason.contains(secret.reveal().as_str())
        };
        if secrets.iter().any(tells) {
            Self {
                wire: frame(self.code, "", None),
                reason: String::new(),
                ..self
            }
        } else {
            self
        }
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire
    }

    pub(crate) const fn reason_len(&self) -> usize {
        self.reason.len()
    }
}

/// A close frame; without a code it is empty, as 1005 must not go on the wire.
pub(crate) fn frame(code: Option<u16>, reason: &str, mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut payload = Vec::with_capacity(2 + MAX_REASON);
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        let end = reason.floor_char_boundary(MAX_REASON);
        payload.extend_from_slice(reason.as_bytes().get(..end).unwrap_or(&[]));
    }
    control(0x88, &payload, mask)
}

/// A whole control frame of at most 125 bytes of payload.
pub(crate) fn control(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::with_capacity(6 + payload.len());
    let length = u8::try_from(payload.len()).unwrap_or(0);
    frame.push(first);
    match mask {
        Some(key) => {
            frame.push(0x80 | length);
            frame.extend_from_slice(&key);
            let masked = payload.iter().zip(key.iter().cycle());
            frame.extend(masked.map(|(byte, key)| byte ^ key));
        }
        None => {
            frame.push(length);
            frame.extend_from_slice(payload);
        }
    }
    frame
}

/// Whether a code may travel: registered ones up to 1014, and the ranges of 3000 and 4000.
const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Control frames carry at most 125 bytes, two of which are the close code (RFC 6455, 5.5).
const MAX_REASON: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_reason_of_the_bridge_fits() {
        let session = SessionId::parse(&"s".repeat(64)).unwrap();
        for slug in Slug::ALL {
            let close = Close::bridge(*slug, Some(u32::MAX), Some(&session));
            assert!(close.reason.len() <= MAX_REASON, "{slug}");
            assert!(may_be_sent(close.code), "{slug}");
        }
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut_between_characters() {
        let frame = frame(Some(1000), &"é".repeat(100), None);
        assert_eq!(frame.len(), 2 + 2 + 122);
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
    }

    #[test]
    fn a_reason_that_tells_a_secret_is_dropped_and_its_code_kept() {
        let payload = b"\x0f\xa1bad key sk-123!";
        let goodbye = Goodbye::read(payload, b"wire").unwrap();
        let secrets = [Secret::new(String::new()), Secret::new("sk-123".to_owned())];
        let told = goodbye.without(&secrets);
        assert_eq!(told.wire(), b"\x88\x02\x0f\xa1");
        assert_eq!((told.code, told.reason_len()), (Some(4001), 0));
    }

    #[test]
    fn an_empty_secret_drops_nothing() {
        let goodbye = Goodbye::read(b"\x0f\xa1bye", b"wire").unwrap();
        assert_eq!(
            goodbye.without(&[Secret::new(String::new())]).wire(),
            b"wire"
        );
    }

    /// R14: what RFC 6455 7.4 keeps off the wire, and what later registrations allow.
    #[test]
    fn codes_are_judged_as_the_registry_says() {
        let allowed = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4999,
        ];
        for code in 0..=u16::MAX {
            let expected =
                allowed.contains(&code) || (3000..5000).contains(&code) && code % 1000 != 0;
            assert_eq!(may_be_sent(code), expected, "{code}");
        }
    }
}
