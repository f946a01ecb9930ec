//! What may be used as a credential.

use tollbridge_domain::Secret;
use url::Url;

use crate::{FetchError, fetched::Kind};

/// The longest token or URL that is taken. Upstreams take headers of 8 to 16 KiB.
pub(crate) const LONGEST: usize = 16 * 1024;

/// A credential, and for how many seconds it may be kept.
pub(crate) struct Harvest {
    pub(crate) kind: Kind,
    pub(crate) value: Secret<String>,
    pub(crate) life: i64,
}

/// A token that can travel in a header, or what else it is: VSCHAR of RFC 6749, appendix A.
pub(crate) fn token(text: String) -> Result<Secret<String>, &'static str> {
    let token = Secret::new(text);
    let bytes = token.reveal().as_bytes();
    if bytes.is_empty() {
        return Err("an empty token");
    }
    if bytes.len() > LONGEST {
        return Err("a token longer than 16 KiB");
    }
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("a token with characters that no header may hold");
    }
    Ok(token)
}

/// A WebSocket address. It may be in the clear only where the endpoint that gave it was so too.
pub(crate) fn address(text: String, asked: &Url) -> Result<Secret<String>, FetchError> {
    let text = token(text).map_err(|_other| FetchError::Answer("with a URL that is none"))?;
    let url = Url::parse(text.reveal())
        .map_err(|_malformed| FetchError::Answer("with a URL that is none"))?;
    let secure = url.scheme() == "wss" || (url.scheme() == "ws" && asked.scheme() == "http");
    if !secure {
        return Err(FetchError::Answer("with a URL that is not wss"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Answer("with a URL that names a user"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_printable_ascii_of_bounded_length() {
        assert!(token("eyJ0eXAi.a-b_c~+/=".to_owned()).is_ok());
        assert!(token("x".repeat(LONGEST)).is_ok());
        for bad in ["", "a\r\nX-Evil: 1", "a\n", "a\0", "é", "a\u{7f}"] {
            assert!(token(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert!(token("x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn an_address_is_a_websockets_and_no_less_secure_than_its_source() {
        let secure = Url::parse("https://api.test/").unwrap();
        let clear = Url::parse("http://127.0.0.1/").unwrap();
        let judge = |text: &str, asked| address(text.to_owned(), asked).is_ok();
        assert!(judge("wss://a.test/b?token=c", &secure));
        assert!(judge("ws://127.0.0.1/", &clear));
        for bad in [
            "ws://a.test/",
            "https://a.test/",
            "wss://user@a.test/",
            "wss://:pass@a.test/",
            "wss://",
            "/b",
            "",
            "wss://a.test/\r\n",
        ] {
            assert!(!judge(bad, &secure), "{bad:?}");
        }
    }
}
