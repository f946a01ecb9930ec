//! What Azure's gateway demands, and how it refuses.
//!
//! Keys and Microsoft Entra tokens:
//! <https://learn.microsoft.com/azure/ai-services/openai/reference#authentication>.

use serde_json::json;

use crate::upstream::{
    Answer, Dial,
    carriers::{self, Shown},
    entra::IssuedTokens,
    ids,
};

/// Which Entra tokens count.
#[derive(Clone, Debug, Default)]
pub(super) enum Tokens {
    #[default]
    None,
    /// This one.
    One(String),
    /// Those that were issued and not revoked.
    Issued(IssuedTokens),
}

impl Tokens {
    fn include(&self, token: &str) -> bool {
        match self {
            Self::None => false,
            Self::One(it) => it == token,
            Self::Issued(issued) => issued.include(token),
        }
    }

    fn example(&self) -> String {
        match self {
            Self::One(token) => token.clone(),
            Self::None | Self::Issued(_) => "{token}".to_owned(),
        }
    }
}

/// The two ways to be let in; either is enough, both at once are one too many.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
    /// Of the header `api-key`.
    pub(super) api_key: Option<String>,
    /// Behind `Authorization: Bearer`.
    pub(super) tokens: Tokens,
}

impl Credentials {
    pub(super) fn keyed(api_key: &str) -> Self {
        Self {
            api_key: Some(api_key.to_owned()),
            tokens: Tokens::None,
        }
    }

    pub(super) fn or_token(mut self, token: &str) -> Self {
        self.tokens = Tokens::One(token.to_owned());
        self
    }

    pub(super) fn or_issued(mut self, tokens: IssuedTokens) -> Self {
        self.tokens = Tokens::Issued(tokens);
        self
    }

    /// The header that brings them; the key's where there is one.
    pub(super) fn header(&self) -> (&'static str, String) {
        match (&self.api_key, &self.tokens) {
            (Some(key), _) => ("api-key", key.clone()),
            (None, tokens) => ("Authorization", format!("Bearer {}", tokens.example())),
        }
    }

    /// Why this dial is refused.
    pub(super) fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, "401", &astray));
        }
        let key = carriers::shown(dial, "api-key");
        let token = carriers::authorization(dial, "Bearer");
        let welcome = match (key, token, carriers::shown(dial, "authorization")) {
            (Shown::One(key), _, Shown::Nothing) => self.api_key.as_deref() == Some(key),
            (Shown::Nothing, Shown::One(token), _) => self.tokens.include(token),
            _ => false,
        };
        (!welcome).then(|| {
            let message = "Access denied due to invalid subscription key or wrong API endpoint. \
                           Make sure to provide a valid key for an active subscription and use a \
                           correct regional API endpoint for your resource.";
            problem(401, "401", message)
        })
    }
}

/// An error body and a request id.
pub(super) fn problem(status: u16, code: &str, message: &str) -> Answer {
    let error = json!({"error": {"code": code, "message": message}});
    let (name, id) = request_id();
    Answer::json(status, &error).header(&name, &id)
}

/// A path that there is not.
pub(super) fn no_such_path() -> Answer {
    problem(404, "404", "Resource not found")
}

/// The header by which Microsoft's support finds a request.
pub(super) fn request_id() -> (String, String) {
    ("apim-request-id".to_owned(), ids::uuid())
}

/// Refuses a parameter that is not there once with a value.
pub(super) fn demand(dial: &Dial, name: &str) -> Option<Answer> {
    let given = matches!(dial.query_values(name).as_slice(), [value] if !value.is_empty());
    (!given).then(|| problem(400, "BadRequest", &format!("{name} must be given once")))
}
