//! The revocations that matter now, as the admission asks them.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use tollbridge_domain::{KeyId, Moment, TokenId};
use tollbridge_store::{Revocation, RevocationStore, RevokedThing, StoreError};
use tollbridge_token::Claims;

/// A view of the store's revocations, replaced whole.
pub struct Revoked {
    store: Arc<dyn RevocationStore>,
    view: ArcSwap<View>,
    /// One reads at a time.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct View {
    by_thing: HashMap<(RevokedThing, String), Vec<Revocation>>,
}

impl Revoked {
    /// An empty view over the store; [`Self::refresh`] fills it.
    #[must_use]
    pub fn new(store: Arc<dyn RevocationStore>) -> Self {
        Self {
            store,
            view: ArcSwap::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Reads the store.
    ///
    /// # Errors
    /// Where the store cannot be read; the view stays as it was.
    pub async fn refresh(&self, now: Moment) -> Result<(), StoreError> {
        // Who read earlier must not publish later: a revocation would be forgotten for a moment.
        let _turn = self.turn.lock().await;
        let mut view = View::default();
        for revocation in self.store.revocations(now).await? {
            let key = (revocation.thing, revocation.value.clone());
            view.by_thing.entry(key).or_default().push(revocation);
        }
        self.view.store(Arc::new(view));
        Ok(())
    }

    /// Whether the token of these claims is revoked.
    #[must_use]
    pub fn covers(&self, claims: &Claims, kid: &KeyId, now: Moment) -> bool {
        self.covers_parts(
            &[
                (RevokedThing::Jti, claims.jti().as_str()),
                (RevokedThing::Subject, claims.subject().as_str()),
                (RevokedThing::Route, claims.route().as_str()),
                (RevokedThing::Kid, kid.as_str()),
                (RevokedThing::ClientId, claims.client_id().as_str()),
                (
                    RevokedThing::ClientId,
                    caller_of(claims.client_id().as_str()),
                ),
            ],
            claims.issued_at(),
            now,
        )
    }

    /// Whether the token of this id is revoked by its id.
    #[must_use]
    pub fn covers_token(&self, jti: &TokenId, issued: Moment, now: Moment) -> bool {
        self.covers_parts(&[(RevokedThing::Jti, jti.as_str())], issued, now)
    }

    fn covers_parts(&self, parts: &[(RevokedThing, &str)], issued: Moment, now: Moment) -> bool {
        let view = self.view.load();
        if view.by_thing.is_empty() {
            return false;
        }
        parts.iter().any(|(thing, value)| {
            view.by_thing
                .get(&(*thing, (*value).to_owned()))
                .is_some_and(|all| all.iter().any(|one| covers(one, issued, now)))
        })
    }

    /// Whether this revocation, just made, covers what was issued at that moment.
    #[must_use]
    pub fn covered_by(one: &Revocation, issued: Moment, now: Moment) -> bool {
        covers(one, issued, now)
    }
}

/// The caller of a client id: all keys of a caller are revoked by its name alone.
fn caller_of(client_id: &str) -> &str {
    client_id
        .split_once(':')
        .map_or(client_id, |(caller, _)| caller)
}

fn covers(one: &Revocation, issued: Moment, now: Moment) -> bool {
    let banned = one.until.is_some_and(|until| now <= until);
    issued <= one.issued_until || banned
}

/// Whether a revocation names what a card shows; used to end the sessions it admitted.
#[must_use]
pub fn names(one: &Revocation, card: &tollbridge_relay::Card) -> bool {
    match one.thing {
        RevokedThing::Jti => card.jti.as_str() == one.value,
        RevokedThing::Subject => card.subject.as_str() == one.value,
        RevokedThing::Route => card.route.as_str() == one.value,
        RevokedThing::Kid => card.kid.as_str() == one.value,
        RevokedThing::ClientId => {
            let client_id = card.client_id.as_str();
            client_id == one.value || caller_of(client_id) == one.value
        }
    }
}
