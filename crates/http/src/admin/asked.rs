//! What an operator asks for: a small JSON body, read once, parsed once.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;

use crate::{
    body,
    problem::{Code, FieldError, Problem},
    shared::Shared,
};

/// The body as a closed type; an empty one stands for `{}`. To stand behind the operator in a
/// handler's signature: strangers are refused first.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Asked<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bounds = req.app_data::<web::Data<Shared>>().map(|shared| {
            let generation = shared.generation.load();
            (generation.max_body, generation.body_timeout)
        });
        let req = req.clone();
        let payload = web::Payload::from_request(&req, payload);
        Box::pin(async move {
            let payload = payload.await.or(Err(Problem::new(Code::InvalidSyntax)))?;
            let (most, deadline) = bounds.ok_or_else(|| Problem::new(Code::Unauthorized))?;
            let bytes = body::read(&req, payload, most, deadline).await?;
            parse(&bytes).map(Self)
        })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.trim_ascii().is_empty() {
        b"{}"
    } else {
        bytes
    };
    // As a whole first: a field is not to be judged where the text around it is no JSON.
    serde_json::from_slice::<serde_json::Value>(bytes)
        .map_err(|error| Problem::with(Code::InvalidSyntax, error.to_string()))?;
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem {
            errors: vec![FieldError {
                pointer: String::new(),
                detail: error.to_string(),
            }],
            ..Problem::with(Code::InvalidRequest, error.to_string())
        },
        _ => Problem::with(Code::InvalidSyntax, error.to_string()),
    })
}
