//! The request layer: an id for every request, problem bodies that name it, one line a request.

use std::rc::Rc;

use actix_cors::CorsError;
use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tollbridge_domain::Entropy;

use crate::{
    cors,
    problem::{Code, Problem},
    shared::Shared,
    takeover::Gate,
};

/// Name of the header that returns the request id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request, made here: a client's own would let it write into our log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// A fresh one: UUID version 4, simple form.
    fn new(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        let id = uuid::Builder::from_random_bytes(random).into_uuid();
        Self(id.simple().to_string())
    }
}

/// The id that the request layer gave the request.
pub(crate) fn id_of(req: &HttpRequest) -> String {
    req.extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default()
}

/// Gives the request its id and finishes what the handlers answer. What it wraps has [`Shared`] among
/// its data.
///
/// # Errors
/// Passes on what inner services return; refusals are responses, not errors.
pub async fn layer<B: MessageBody + 'static>(
    shared: web::Data<Shared>,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let RequestId(id) = RequestId::new(&*shared.entropy);
    let gate = req.conn_data::<Rc<Gate>>().cloned();
    let answering = gate.map(|gate| gate.answering(has_body(req.headers())));
    req.extensions_mut().insert(RequestId(id.clone()));
    let (method, version) = (req.method().clone(), req.version());
    let mut answer = next.call(req).await?.map_into_boxed_body();
    let problem = answer.response().error().and_then(problem_of);
    if let Some(problem) = problem {
        let mut response = problem.respond(&id);
        keep_headers(answer.headers(), response.headers_mut());
        answer = answer.into_response(response);
    }
    cors::all_or_nothing(answer.headers_mut());
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(X_REQUEST_ID, value);
    }
    // A head that nobody has said it of goes by its version, and heads are used again: one that
    // answered in HTTP/1.0 would close a connection that has a next request.
    answer.response_mut().head_mut().version = version;
    if let Some(answering) = answering
        && answer.response().head().connection_type() == ConnectionType::Close
    {
        answering.ends();
    }
    tracing::debug!(
        event = "http.request",
        request_id = id,
        method = method.as_str(),
        path = address(&shared, answer.request()),
        status = answer.status().as_u16(),
    );
    Ok(answer)
}

/// The problem behind an answer that is no success.
fn problem_of(error: &Error) -> Option<Problem> {
    let foreign = error.as_error::<CorsError>().map(|error| {
        let detail = format!("No page of this origin may ask this: {error}");
        Problem::with(Code::Forbidden, detail)
    });
    foreign.or_else(|| error.as_error::<Problem>().cloned())
}

/// What stands between the handler and here has said which page may read the answer.
fn keep_headers(of: &HeaderMap, to: &mut HeaderMap) {
    let missing = |name: &&HeaderName| !to.contains_key(*name);
    let names: Vec<HeaderName> = of.keys().filter(missing).cloned().collect();
    for name in names {
        for value in of.get_all(&name) {
            to.append(name.clone(), value.clone());
        }
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0")
}

/// Where a request went, if that is an address of ours: anywhere else may stand anything, a token
/// that somebody put into the path among it.
fn address(shared: &Shared, req: &HttpRequest) -> String {
    let path = req.head().uri.path();
    if shared.generation.load().routes.of(req).is_some() {
        return path.to_owned();
    }
    req.match_pattern().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x77);
        }
    }

    #[test]
    fn an_id_is_made_of_the_randomness_that_is_given() {
        let RequestId(id) = RequestId::new(&Sevens);
        assert_eq!(id, "7777777777774777b777777777777777");
    }
}
