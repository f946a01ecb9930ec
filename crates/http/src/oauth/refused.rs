//! A refusal in the words of RFC 6749, 5.2.

use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use tollbridge_domain::Slug;
use utoipa::ToSchema;

use crate::problem::{Code, Problem};

/// A problem, and what OAuth calls it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(super) error: &'static str,
    pub(super) problem: Box<Problem>,
    /// Where nobody knows who asks: the scheme by which they tried, or should.
    pub(super) scheme: &'static str,
}

/// The body of a refusal.
#[derive(Serialize, ToSchema)]
pub(crate) struct OAuthError {
    /// One of the words that RFC 6749, RFC 7009 and RFC 8693 have for it.
    error: &'static str,
    /// The same for people.
    error_description: String,
}

impl Refused {
    /// 400, with a word for programs and a sentence for people.
    pub(super) fn new(error: &'static str, why: impl Into<String>) -> Self {
        Self {
            error,
            ..Problem::with(Code::InvalidSyntax, why).into()
        }
    }

    /// The same, called otherwise.
    pub(super) fn called(problem: Problem, error: &'static str) -> Self {
        Self {
            error,
            ..problem.into()
        }
    }

    fn status(&self) -> StatusCode {
        match (self.error, self.problem.status_code().as_u16()) {
            ("invalid_client", _) => StatusCode::UNAUTHORIZED,
            ("unauthorized_client", _) => StatusCode::FORBIDDEN,
            (_, 408 | 413 | 415 | 429 | 500 | 503) => self.problem.status_code(),
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let error = match problem.code {
            Code::Slug(Slug::RateLimited | Slug::Draining | Slug::Overloaded) => {
                "temporarily_unavailable"
            }
            Code::Slug(_) => "server_error",
            Code::Unauthorized => "invalid_client",
            // What is left to refuse is the route: it is not theirs, or wants what no form can say.
            Code::Forbidden | Code::InvalidRequest => "invalid_target",
            _ => "invalid_request",
        };
        Self {
            error,
            problem: Box::new(problem),
            scheme: "Bearer",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.problem.detail)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponseBuilder::new(self.status());
        unkept(&mut answer);
        if self.status() == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, self.scheme));
        }
        if let Some(seconds) = self.problem.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        for header in &self.problem.headers {
            answer.append_header(header.clone());
        }
        if self.problem.close {
            answer.force_close();
        }
        answer.json(OAuthError {
            error: self.error,
            error_description: plain(&self.problem.detail),
        })
    }
}

/// RFC 6749, 5.1: nobody keeps what is answered here, not even a cache of HTTP/1.0.
pub(super) fn unkept(answer: &mut HttpResponseBuilder) {
    answer
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"));
}

/// The characters that a description may have: ASCII without quotes and backslashes.
fn plain(text: &str) -> String {
    let plain = |one: char| matches!(one, ' '..='~') && !matches!(one, '"' | '\\');
    text.chars()
        .map(|one| if plain(one) { one } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_the_characters_that_it_may_have() {
        assert_eq!(plain("say \"é\"\\ \r\n"), "say ????  ??".replace("  ", " "));
    }

    #[test]
    fn a_refusal_keeps_the_status_that_says_more_than_400() {
        let status = |code: Code| Refused::from(Problem::new(code)).status().as_u16();
        assert_eq!(status(Code::PayloadTooLarge), 413);
        assert_eq!(status(Code::Slug(Slug::Overloaded)), 503);
        assert_eq!(status(Code::Slug(Slug::RateLimited)), 429);
        assert_eq!(status(Code::Unauthorized), 401);
        assert_eq!(status(Code::Forbidden), 400);
        assert_eq!(status(Code::InvalidRequest), 400);
    }
}
