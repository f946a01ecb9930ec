//! How OpenAI answers requests that it does not like.
//!
//! Error codes: <https://platform.openai.com/docs/guides/error-codes>.

use serde_json::json;

use crate::upstream::{
    Answer, Dial,
    carriers::{self, Shown},
    ids,
};

/// An error body and a request id.
pub(super) fn problem(status: u16, code: Option<&str>, message: &str) -> Answer {
    let error = json!({"error": {
        "message": message, "type": "invalid_request_error", "param": null, "code": code,
    }});
    Answer::json(status, &error).header("x-request-id", &request_id())
}

/// As in `x-request-id`.
pub(super) fn request_id() -> String {
    format!("req_{}", ids::hex())
}

/// A path that there is not.
pub(super) fn no_such_path(dial: &Dial) -> Answer {
    let message = format!("Invalid URL ({} {})", dial.method(), dial.path);
    problem(404, None, &message)
}

/// Why a dial is refused that should bring this key in `Authorization`, and nothing else.
pub(super) fn unauthenticated(dial: &Dial, api_key: &str) -> Option<Answer> {
    if let Some(prefix) = carriers::in_protocols(dial) {
        let message = format!("A credential in a subprotocol: {prefix}");
        return Some(problem(400, Some("credential_in_subprotocol"), &message));
    }
    if let Some(name) = carriers::in_query(dial) {
        let message = format!("A credential in the query: {name}");
        return Some(problem(401, Some("invalid_api_key"), &message));
    }
    match carriers::authorization(dial, "Bearer") {
        Shown::One(key) if key == api_key => None,
        Shown::One(_) => {
            let message = "Incorrect API key provided: ****. You can find your API key at \
                           https://platform.openai.com/account/api-keys.";
            Some(problem(401, Some("invalid_api_key"), message))
        }
        Shown::Nothing => {
            let message = "Missing bearer or basic authentication in header";
            Some(problem(401, None, message))
        }
        Shown::Several => Some(problem(401, None, "Authorization must be given once")),
    }
}
