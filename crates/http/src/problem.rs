//! The one error body: RFC 9457 problem details.

use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use tollbridge_domain::Slug;
use utoipa::ToSchema;

use crate::health::Check;

/// Prefix of the `type` of every problem; `docs/reference/errors/` has a page for each.
const PROBLEMS: &str = "urn:tollbridge:problem:";

/// What a refusal is called: a slug of the contract, or one of the general codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// A slug.
    Slug(Slug),
    /// 400: the request does not parse.
    InvalidSyntax,
    /// 422: a field is unknown, mistyped or out of bounds.
    InvalidRequest,
    /// 401: no acceptable credential.
    Unauthorized,
    /// 403: a good credential that may not do this.
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 413.
    PayloadTooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 408: the body did not arrive in time.
    RequestTimeout,
    /// 409: the change collides with another.
    Conflict,
    /// 426: a WebSocket is wanted.
    UpgradeRequired,
}

impl Code {
    /// Everything that is not a slug.
    pub const GENERAL: &'static [Self] = &[
        Self::InvalidSyntax,
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::RequestTimeout,
        Self::Conflict,
        Self::UpgradeRequired,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slug(slug) => slug.as_str(),
            Self::InvalidSyntax | Self::InvalidRequest => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RequestTimeout => "request_timeout",
            Self::Conflict => "conflict",
            Self::UpgradeRequired => "upgrade_required",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Slug(slug) => slug.status(),
            Self::InvalidSyntax => 400,
            Self::InvalidRequest => 422,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::UpgradeRequired => 426,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Slug(slug) => slug.detail(),
            Self::InvalidSyntax => "The request cannot be parsed.",
            Self::InvalidRequest => "The request asks for something that cannot be granted.",
            Self::Unauthorized => "A valid credential is required.",
            Self::Forbidden => "The credential does not allow this.",
            Self::NotFound => "There is nothing here.",
            Self::MethodNotAllowed => "The method is not allowed here.",
            Self::PayloadTooLarge => "The body is too large.",
            Self::UnsupportedMediaType => "The body must be application/json.",
            Self::RequestTimeout => "The request did not arrive in time.",
            Self::Conflict => "The change collides with another.",
            Self::UpgradeRequired => "This address speaks WebSocket.",
        }
    }
}

/// One thing wrong with one field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the request.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A refusal, ready to be sent.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What it is called.
    pub code: Code,
    /// What a stranger may read; the title where nothing more is said.
    pub detail: String,
    /// Per field.
    pub errors: Vec<FieldError>,
    /// The status, where it is not the one that the code has elsewhere.
    pub(crate) status: Option<u16>,
    /// What a handshake would be told, where this only explains it.
    pub reason: Option<Slug>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// Whether the connection ends with this answer.
    pub close: bool,
    /// Further headers.
    pub headers: Vec<(header::HeaderName, header::HeaderValue)>,
    /// Where a node is not ready and was asked for everything it looks at.
    pub(crate) checks: Vec<Check>,
}

impl Problem {
    /// A problem that says no more than its title.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after = matches!(code.status(), 429 | 503).then_some(1);
        Self {
            code,
            detail: code.title().to_owned(),
            errors: Vec::new(),
            status: None,
            reason: None,
            retry_after,
            close: false,
            headers: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// A problem that says more.
    #[must_use]
    pub fn with(code: Code, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::new(code)
        }
    }

    /// The same, ending the connection.
    #[must_use]
    pub fn closing(self) -> Self {
        Self {
            close: true,
            ..self
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: header::HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    fn status(&self) -> u16 {
        self.status.unwrap_or_else(|| self.code.status())
    }

    fn challenge(&self) -> Option<&'static str> {
        match self.code {
            Code::Unauthorized | Code::Slug(Slug::TokenMissing) => Some("Bearer"),
            _ if self.status() == 401 => Some("Bearer error=\"invalid_token\""),
            _ => None,
        }
    }
}

impl From<Slug> for Problem {
    fn from(slug: Slug) -> Self {
        Self::new(Code::Slug(slug))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body without `instance`, which the request layer adds: only it knows the request id.
    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponseBuilder::new(self.status_code());
        answer
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(challenge) = self.challenge() {
            answer.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(seconds) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        for (name, value) in &self.headers {
            // Cookies are several headers of one name.
            answer.append_header((name.clone(), value.clone()));
        }
        if self.close {
            answer.force_close();
        }
        answer.body(self.body("").to_string())
    }
}

impl Problem {
    fn body(&self, instance: &str) -> serde_json::Value {
        let mut body = serde_json::json!({
            "type": format!("{PROBLEMS}{}", self.code.as_str()),
            "title": self.code.title(),
            "status": self.status(),
            "detail": self.detail,
            "code": self.code.as_str(),
        });
        if let Some(members) = body.as_object_mut() {
            if !instance.is_empty() {
                members.insert("instance".to_owned(), instance.into());
            }
            if let Some(reason) = self.reason {
                members.insert("reason".to_owned(), reason.as_str().into());
                members.insert("reason_status".to_owned(), reason.status().into());
                members.insert("close_code".to_owned(), reason.close_code().into());
            }
            if let Some(seconds) = self.retry_after {
                members.insert("retry_after".to_owned(), seconds.into());
            }
            if !self.checks.is_empty() {
                members.insert("checks".to_owned(), serde_json::json!(self.checks));
            }
            if !self.errors.is_empty() {
                members.insert("errors".to_owned(), serde_json::json!(self.errors));
            }
        }
        body
    }

    /// The response with its `instance`.
    #[must_use]
    pub fn respond(&self, instance: &str) -> HttpResponse {
        self.error_response()
            .set_body(actix_web::body::BoxBody::new(
                self.body(instance).to_string(),
            ))
    }
}
