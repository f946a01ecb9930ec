//! The parameters of a request, as RFC 6749, 3.2 has them.

use actix_web::{HttpRequest, web};

use super::refused::Refused;
use crate::{
    body,
    query::{Occurrence, Query},
    shared::Generation,
};

/// A form in which nothing stands twice that may not. What nobody looks for is passed over.
pub(super) struct Form(Query);

impl Form {
    /// Reads the body. Only the names in `several` may repeat.
    ///
    /// # Errors
    /// What is wrong with the body, and `invalid_request` for a parameter that stands twice.
    pub(super) async fn read(
        req: &HttpRequest,
        payload: web::Payload,
        generation: &Generation,
        several: &[&str],
    ) -> Result<Self, Refused> {
        let (most, deadline) = (generation.max_body, generation.body_timeout);
        let bytes = body::read_form(req, payload, most, deadline).await?;
        let query = Query::of_form(&bytes);
        let query = query.map_err(|error| Refused::new("invalid_request", error.to_string()))?;
        match query.repeated(several) {
            Some(_twice) => Err(Refused::new("invalid_request", "A parameter stands twice.")),
            None => Ok(Self(query)),
        }
    }

    /// A parameter; one without a value counts as left out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Occurrence::Once(value) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    /// The same, where it must be there.
    ///
    /// # Errors
    /// `invalid_request`, which names it.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refused> {
        let missing = || {
            Refused::new(
                "invalid_request",
                format!("The parameter {name} is missing."),
            )
        };
        self.get(name).ok_or_else(missing)
    }

    /// Whether it stands more than once.
    pub(super) fn has_several(&self, name: &str) -> bool {
        self.0.get(name) == Occurrence::Repeated
    }
}
