//! The client credentials grant (RFC 6749, 4.4), answered with Entra's own codes
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).

use serde_json::{Value, json};

use super::Lie;
use crate::upstream::{Answer, Dial, ids};

/// The endpoint of the one tenant.
pub(super) const PATH: &str = "/contoso/oauth2/v2.0/token";

/// The one client.
#[derive(Clone)]
pub(super) struct Client {
    id: String,
    secret: String,
    scopes: Vec<String>,
}

impl Client {
    pub(super) fn new(id: &str, secret: &str, scopes: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        }
    }

    /// Why a request gets no token. The form's fields are the query of `form`.
    pub(super) fn refusal(&self, request: &Dial, form: &[(String, String)]) -> Option<Answer> {
        if request.path != PATH {
            return Some(Answer::text(404, ""));
        }
        if request.method() != "POST" {
            return Some(refused(
                405,
                "invalid_request",
                900_561,
                "the endpoint only accepts POST",
            ));
        }
        let kind = request.header_values("content-type").concat();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Some(missing("grant_type"));
        }
        let mut values = [""; 4];
        let names = ["grant_type", "client_id", "client_secret", "scope"];
        for (name, value) in names.iter().zip(&mut values) {
            let mut found = form.iter().filter(|(it, _)| it == name);
            match (found.next(), found.next()) {
                (Some((_, it)), None) if !it.is_empty() => *value = it,
                _ => return Some(missing(name)),
            }
        }
        self.mismatch(values)
    }

    fn mismatch(&self, [grant, id, secret, scope]: [&str; 4]) -> Option<Answer> {
        if grant != "client_credentials" {
            let message = "The app requested an unsupported grant type.";
            return Some(refused(400, "unsupported_grant_type", 70_003, message));
        }
        if id != self.id {
            let message = "The application was not found in the directory.";
            return Some(refused(400, "unauthorized_client", 700_016, message));
        }
        if secret != self.secret {
            let message = "Invalid client secret provided.";
            return Some(refused(401, "invalid_client", 7_000_215, message));
        }
        if !self.scopes.iter().any(|it| it == scope) {
            let message = "The provided value for the input parameter 'scope' is not valid.";
            return Some(refused(400, "invalid_scope", 70_011, message));
        }
        None
    }
}

fn missing(name: &str) -> Answer {
    let message = format!("The request body must contain the following parameter: '{name}'.");
    refused(400, "invalid_request", 900_144, &message)
}

/// An error with everything that Entra says of one.
pub(super) fn refused(status: u16, error: &str, code: u32, message: &str) -> Answer {
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {message}"),
        "error_codes": [code],
        "trace_id": ids::uuid(),
        "correlation_id": ids::uuid(),
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    });
    with_headers(Answer::json(status, &body))
}

/// A token that lives so long.
pub(super) fn granted(token: &str, expires_in: u32) -> Answer {
    token_answer(&truth(token, expires_in))
}

/// An answer that looks like that and is not.
pub(super) fn lied(lie: Lie, token: &str) -> Answer {
    let mut body = truth(token, 3_599);
    match lie {
        Lie::NotJson => return with_headers(Answer::text(200, "<html>Sign in</html>")),
        Lie::NoToken => body["access_token"] = Value::Null,
        Lie::EmptyToken => body["access_token"] = "".into(),
        Lie::TokenWithLineEnd => {
            body["access_token"] = format!("{token}\r\nX-Injected: yes").into();
        }
        Lie::OtherType => body["token_type"] = "mac".into(),
        Lie::ExpiredAlready => body["expires_in"] = 0.into(),
        Lie::TextLife => body["expires_in"] = "3599".into(),
        Lie::NegativeLife => body["expires_in"] = (-1).into(),
        Lie::Endless => body["padding"] = "x".repeat(2 * 1024 * 1024).into(),
    }
    token_answer(&body)
}

fn truth(token: &str, expires_in: u32) -> Value {
    json!({
        "token_type": "Bearer",
        "expires_in": expires_in,
        "ext_expires_in": expires_in,
        "access_token": token,
    })
}

fn token_answer(body: &Value) -> Answer {
    with_headers(Answer::json(200, body))
}

fn with_headers(answer: Answer) -> Answer {
    answer
        .header("Cache-Control", "no-store, no-cache")
        .header("x-ms-request-id", &ids::uuid())
}
