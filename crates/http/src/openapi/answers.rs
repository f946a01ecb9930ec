//! Answers, as the document describes them.

use utoipa::openapi::{
    Content, HeaderBuilder, ObjectBuilder, Ref, Response, ResponseBuilder, Responses,
    ResponsesBuilder, Type, header::Header,
};

/// Answers of one operation, in the making.
pub(super) struct Answers(ResponsesBuilder);

impl Answers {
    pub(super) fn new() -> Self {
        Self(ResponsesBuilder::new())
    }

    /// Any answer.
    pub(super) fn with(self, status: u16, answer: Response) -> Self {
        Self(self.0.response(status.to_string(), answer))
    }

    /// A body of this schema, which nobody keeps.
    pub(super) fn json(self, status: u16, schema: &str, what: &str) -> Self {
        let answer = said(what).content("application/json", of(schema));
        self.with(status, unkept(answer).build())
    }

    /// A refusal (RFC 9457): a status and what it is for.
    pub(super) fn problem(self, status: u16, what: &str) -> Self {
        let answer = said(what).content("application/problem+json", of("Problem"));
        self.with(status, headed(unkept(answer), status).build())
    }

    /// A refusal in the words of RFC 6749, 5.2.
    pub(super) fn refused(self, status: u16, what: &str) -> Self {
        let answer = said(what).content("application/json", of("OAuthError"));
        let answer = unkept(answer).header("Pragma", text("`no-cache`."));
        self.with(status, headed(answer, status).build())
    }

    /// What is wrong with a body of a form or of JSON: of each the same.
    pub(super) fn unread(self, refuse: fn(Self, u16, &str) -> Self) -> Self {
        let read = refuse(self, 408, "The body did not arrive in time.");
        let read = refuse(read, 413, "The body is longer than `server.max_body`.");
        refuse(read, 415, "The body is of another media type, or encoded.")
    }

    /// What a node says that mints, or answers, no more than so much.
    pub(super) fn busy(self, refuse: fn(Self, u16, &str) -> Self) -> Self {
        let many = refuse(self, 429, "More than the caller's `mints_per_minute`.");
        let down = "The node is draining or cannot know, or nobody can say who the caller is.";
        refuse(many, 503, down)
    }

    pub(super) fn build(self) -> Responses {
        self.0.build()
    }
}

/// A response that says this.
pub(super) fn said(what: &str) -> ResponseBuilder {
    let answer = ResponseBuilder::new().description(what);
    answer.header("X-Request-Id", text("The request, as in the log."))
}

/// The schema of this name.
pub(super) fn of(schema: &str) -> Content {
    Content::new(Some(Ref::from_schema_name(schema)))
}

/// A header that is a text.
pub(super) fn text(what: &str) -> Header {
    typed(Type::String, what)
}

fn typed(kind: Type, what: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind);
    let header = HeaderBuilder::new().schema(Some(schema));
    header.description(Some(what)).build()
}

fn unkept(answer: ResponseBuilder) -> ResponseBuilder {
    answer.header("Cache-Control", text("`no-store`."))
}

/// The headers that RFC 9110 wants with a status.
fn headed(answer: ResponseBuilder, status: u16) -> ResponseBuilder {
    match status {
        401 => answer.header("WWW-Authenticate", text("How to show who one is.")),
        426 => answer
            .header("Upgrade", text("`websocket`."))
            .header("Sec-WebSocket-Version", text("`13`.")),
        429 | 503 => {
            let seconds = typed(Type::Integer, "Seconds after which to try again.");
            answer.header("Retry-After", seconds)
        }
        _ => answer,
    }
}
