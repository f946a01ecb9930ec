//! Questions to a hook under way, by token: one token must not take everybody's turns.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use actix_web::web::Data;
use tollbridge_domain::{Slug, TokenId};
use tollbridge_token::Claims;

use super::admission::{Entrance, Refusal};
use crate::{route::Route, shared::Shared};

/// How many questions each token has under way.
pub type Questions = Mutex<HashMap<TokenId, u32>>;

/// One of them, over when it is dropped.
pub(crate) struct Underway {
    shared: Data<Shared>,
    jti: TokenId,
}

impl Drop for Underway {
    fn drop(&mut self) {
        let questions = self.shared.questions.lock();
        let mut questions = questions.unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = questions.get_mut(&self.jti) {
            *under_way -= 1;
            if *under_way == 0 {
                questions.remove(&self.jti);
            }
        }
    }
}

impl Entrance<'_> {
    /// Begins a question, where the route has a hook. A token asks as often at once as it has uses:
    /// however many handshakes come with it, each answer could admit one of them.
    pub(super) fn question_of(
        &self,
        route: &Route,
        claims: &Claims,
    ) -> Result<Option<Underway>, Refusal> {
        if route.hook.is_none() {
            return Ok(None);
        }
        let questions = self.shared.questions.lock();
        let mut questions = questions.unwrap_or_else(PoisonError::into_inner);
        let under_way = questions.entry(claims.jti().clone()).or_default();
        if *under_way >= claims.uses() {
            let why = "as many of its handshakes as it has uses are being decided";
            return Err(Refusal::genuine(Slug::TokenUsed, why, claims));
        }
        *under_way += 1;
        Ok(Some(Underway {
            shared: self.shared.clone(),
            jti: claims.jti().clone(),
        }))
    }
}
