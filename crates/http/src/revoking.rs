//! Putting a revocation in force: written first, then read back by this node, then its sessions end.

use tollbridge_domain::{Act, Moment, Slug};
use tollbridge_store::{Revocation, RevokedThing, StoreError};

use crate::{
    revoked::{Revoked, names},
    shared::Shared,
};

/// Longer than any leeway on top of the longest redemption window.
const MARGIN: i64 = 120;

/// Covers what was issued up to that second, and is kept while that can be redeemed.
pub(crate) fn revocation(
    shared: &Shared,
    (thing, value): (RevokedThing, &str),
    issued_until: Moment,
    now: Moment,
) -> Revocation {
    let longest = i64::from(shared.generation.load().max_redeem_within) + MARGIN;
    Revocation {
        thing,
        value: value.to_owned(),
        issued_until,
        until: None,
        forget_at: issued_until.max(now).plus(longest),
        reason: String::new(),
        at: now,
    }
}

/// How the audit log names what is revoked.
pub(crate) fn target(revocation: &Revocation) -> String {
    let thing = serde_json::to_value(revocation.thing).unwrap_or_default();
    format!(
        "{}:{}",
        thing.as_str().unwrap_or_default(),
        revocation.value
    )
}

/// Writes it down with its audit record, and has this node know it.
///
/// # Errors
/// The store's: nothing is revoked then, or this node may not know it yet.
pub(crate) async fn put_in_force(
    shared: &Shared,
    revocation: &Revocation,
    act: &Act,
    now: Moment,
) -> Result<(), StoreError> {
    shared.store.add_revocation(revocation, act).await?;
    shared.revoked.refresh(now).await
}

/// Ends the sessions that it covers, and says how many that are.
pub(crate) fn end_sessions(shared: &Shared, revocation: &Revocation, now: Moment) -> usize {
    shared.registry.end_where(Slug::Revoked, |card| {
        names(revocation, card) && Revoked::covered_by(revocation, card.issued, now)
    })
}
