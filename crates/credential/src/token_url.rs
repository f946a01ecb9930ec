//! Any request that is answered with a credential.

use std::time::Duration;

use serde_json::Value;
use tollbridge_domain::Secret;
use tollbridge_outbound::{Ask, Method as HttpMethod};
use url::Url;

use crate::{FetchError, Reader, answer, fetched::Kind, source::Means, value, value::Harvest};

/// A REST call whose JSON answer holds a token or a signed URL, as vendors have that do without
/// OAuth: ElevenLabs' `get-signed-url`, AssemblyAI's `/v3/token`, Deepgram's `/v1/auth/grant`.
#[derive(Clone)]
pub struct TokenUrl {
    /// How to ask.
    pub method: Method,
    /// Where to ask.
    pub url: Url,
    /// Names and values; the values are secret, every one.
    pub headers: Vec<(String, Reader)>,
    /// JSON to send along. It is sent as it is, and kept out of `Debug` and logs.
    pub body: Option<String>,
    /// What of the answer is the credential.
    pub yields: Yields,
    /// Where the answer says in how many seconds the credential ends: a JSON pointer (RFC 6901).
    pub expires_in: Option<String>,
    /// How long it may be used for further dials, at most a day and never longer than it says
    /// itself. Zero is for what may be used once: each dial asks anew.
    pub cache_for: Duration,
}

/// How a [`TokenUrl`] is asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// POST.
    Post,
}

/// Where in an answer the credential is: a JSON pointer (RFC 6901), e.g. `/signed_url`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Yields {
    /// A token.
    Token(String),
    /// The complete address to dial. `wss`, or `ws` where the endpoint itself is in the clear.
    Url(String),
}

impl TokenUrl {
    pub(crate) async fn fetch(&self, means: &Means<'_>) -> Result<Harvest, FetchError> {
        let answer = means.ask(self.ask()?).await?;
        let mut json: Value = serde_json::from_slice(&answer.body)
            .map_err(|_other| FetchError::Answer("without JSON"))?;
        let life = self.life(&json);
        let (kind, value) = match &self.yields {
            Yields::Token(at) => (
                Kind::Token,
                value::token(take(&mut json, at)?).map_err(FetchError::Answer)?,
            ),
            Yields::Url(at) => (Kind::Url, value::address(take(&mut json, at)?, &self.url)?),
        };
        Ok(Harvest { kind, value, life })
    }

    fn ask(&self) -> Result<Ask, FetchError> {
        let method = match self.method {
            Method::Get => HttpMethod::GET,
            Method::Post => HttpMethod::POST,
        };
        let mut ask = Ask::new(method, self.url.clone())?;
        if let Some(body) = &self.body {
            ask.body("application/json", Secret::new(body.clone()));
        }
        for (name, value) in &self.headers {
            ask.header(name, value.read()?)?;
        }
        Ok(ask)
    }

    fn life(&self, json: &Value) -> i64 {
        let said = self.expires_in.as_ref().and_then(|at| json.pointer(at));
        let kept = i64::try_from(self.cache_for.as_secs()).unwrap_or(i64::MAX);
        let said = answer::seconds(said).unwrap_or(i64::MAX);
        answer::life(Some(kept.min(said)))
    }
}

fn take(json: &mut Value, at: &str) -> Result<String, FetchError> {
    match json.pointer_mut(at).map(Value::take) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(FetchError::Answer("without a text where it is looked for")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn life(cache_for: u64, expires_in: &Value) -> i64 {
        let engine = TokenUrl {
            method: Method::Get,
            url: "https://a.test/".parse().unwrap(),
            headers: Vec::new(),
            body: None,
            yields: Yields::Token("/token".to_owned()),
            expires_in: Some("/in".to_owned()),
            cache_for: Duration::from_secs(cache_for),
        };
        engine.life(&json!({"in": expires_in}))
    }

    #[test]
    fn it_is_kept_no_longer_than_either_says() {
        assert_eq!(life(60, &json!(600)), 60);
        assert_eq!(life(600, &json!(60)), 60);
        assert_eq!(life(600, &json!("60")), 60);
        assert_eq!(life(600, &Value::Null), 600);
        assert_eq!(life(600, &json!(-1)), 1);
        assert_eq!(life(u64::MAX, &Value::Null), 86_400);
    }

    #[test]
    fn a_pointer_leads_to_a_text_or_nowhere() {
        let mut json = json!({"a": {"b": ["t"]}, "c": 7});
        assert_eq!(take(&mut json, "/a/b/0").unwrap(), "t");
        for at in ["/a/b/0", "/c", "/d", "c", "/a"] {
            assert!(take(&mut json, at).is_err(), "{at}");
        }
    }
}
