//! The request layer: an id for every request, problem bodies that name it, one line a request.

use std::rc::Rc;

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

use crate::{problem::Problem, shared::Shared, takeover::Gate};

/// Name of the header that returns the request id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request, made here: a client's own would let it write into our log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Gives the request its id and finishes what the handlers answer.
///
/// # Errors
/// Passes on what inner services return; refusals are responses, not errors.
pub async fn layer<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let gate = req.conn_data::<Rc<Gate>>().cloned();
    let answering = gate.map(|gate| gate.answering(has_body(req.headers())));
    req.extensions_mut().insert(RequestId(id.clone()));
    let method = req.method().clone();
    let mut answer = next.call(req).await?.map_into_boxed_body();
    let problem = answer
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>())
        .cloned();
    if let Some(problem) = problem {
        answer = answer.into_response(problem.respond(&id));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(X_REQUEST_ID, value);
    }
    if let Some(answering) = answering
        && answer.response().head().connection_type() == ConnectionType::Close
    {
        answering.ends();
    }
    tracing::debug!(
        event = "http.request",
        request_id = id,
        method = method.as_str(),
        path = address(answer.request()),
        status = answer.status().as_u16(),
    );
    Ok(answer)
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0")
}

/// Where a request went, if that is an address of ours: anywhere else may stand anything, a token
/// that somebody put into the path among it.
fn address(req: &HttpRequest) -> String {
    let path = req.head().uri.path();
    let bridges = |shared: &web::Data<Shared>| {
        let generation = shared.generation.load();
        generation.routes.of(req).is_some()
    };
    req.match_pattern()
        .or_else(|| {
            let known = req.app_data().is_some_and(bridges);
            known.then(|| path.to_owned())
        })
        .unwrap_or_default()
}
