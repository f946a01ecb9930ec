//! Reading a body: bounded in size and time, of the one media type.

use std::time::Duration;

use actix_web::{HttpRequest, http::header, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::problem::{Code, Problem};

/// Reads the body of a request.
///
/// # Errors
/// 415 for another media type or an encoding, 413 above `most` bytes, 408 after `deadline`, 400
/// where the client broke off.
pub(crate) async fn read_json(
    req: &HttpRequest,
    payload: web::Payload,
    most: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    if !is_plain(req, "application/json") {
        return Err(Problem::new(Code::UnsupportedMediaType).closing());
    }
    read(req, payload, most, deadline).await
}

/// The same of a form.
///
/// # Errors
/// As [`read_json`].
pub(crate) async fn read_form(
    req: &HttpRequest,
    payload: web::Payload,
    most: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    if !is_plain(req, "application/x-www-form-urlencoded") {
        let why = "The body must be application/x-www-form-urlencoded.";
        return Err(Problem::with(Code::UnsupportedMediaType, why).closing());
    }
    read(req, payload, most, deadline).await
}

/// The same whatever the media type says.
///
/// # Errors
/// As [`read_json`], without the 415.
pub(crate) async fn read(
    req: &HttpRequest,
    mut payload: web::Payload,
    most: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    let announced = req
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > most)
    {
        return Err(Problem::new(Code::PayloadTooLarge).closing());
    }
    let read = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.or(Err(Problem::new(Code::InvalidSyntax).closing()))?;
            if body.len() + chunk.len() > most {
                return Err(Problem::new(Code::PayloadTooLarge).closing());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(deadline, read)
        .await
        .unwrap_or_else(|_| Err(Problem::new(Code::RequestTimeout).closing()))
}

/// Whether the body is of this media type, and as it is: not compressed.
fn is_plain(req: &HttpRequest, media_type: &str) -> bool {
    let value = req
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or("").split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(media_type)
        && !req.headers().contains_key(header::CONTENT_ENCODING)
}
