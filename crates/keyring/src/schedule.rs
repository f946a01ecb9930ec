//! When keys move: a pure function of all keys, the policy and the time.
//!
//! A clock that goes back postpones; it never undoes. Nothing here reads a clock or a store, so
//! every node that sees the same keys at the same second wants the same thing.

use tollbridge_domain::{KeyId, Moment};
use tollbridge_store::{Algorithm, KeyRecord, Stage};

/// How keys are made and how long they live. All times in seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// What new keys sign with.
    pub algorithm: Algorithm,
    /// How long a key signs before another takes over by itself; `None`: until told.
    pub rotate_every: Option<u32>,
    /// How long a key is published before it signs.
    pub publish_before_use: u32,
    /// How long a key verifies after another took over: the longest redemption window, the
    /// leeway, and a margin for nodes that learn of it late.
    pub token_life: u32,
}

/// What is due.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// This staged key becomes the active one.
    Activate(KeyId),
    /// There is no key that could sign: make one and activate it at once.
    Begin,
    /// No token of this key can be redeemed any more.
    Retire(KeyId),
    /// Publish a new key.
    StageNew {
        /// When it becomes active.
        activate_at: Moment,
    },
}

/// What is due at `now`. Each step may be taken on the set as it is; taking all and asking again
/// comes to an end.
#[must_use]
pub fn due(keys: &[KeyRecord], policy: &Policy, now: Moment) -> Vec<Step> {
    let retire = keys
        .iter()
        .filter(|key| key.stage == Stage::Retiring)
        .filter(|key| key.retire_at.is_none_or(|at| at <= now))
        .map(|key| Step::Retire(key.kid.clone()));
    retire.chain(succession(keys, policy, now)).collect()
}

fn succession(keys: &[KeyRecord], policy: &Policy, now: Moment) -> Option<Step> {
    let activate = |key: &KeyRecord| Step::Activate(key.kid.clone());
    match (next_staged(keys), in_stage(keys, Stage::Active)) {
        (None, None) => Some(Step::Begin),
        (Some(staged), None) => Some(activate(staged)),
        (Some(staged), Some(_)) => staged
            .activate_at
            .is_none_or(|at| at <= now)
            .then(|| activate(staged)),
        (None, Some(active)) => succeed(active, policy, now),
    }
}

/// The successor is published early enough to sign when its turn comes.
fn succeed(active: &KeyRecord, policy: &Policy, now: Moment) -> Option<Step> {
    let lead = i64::from(policy.publish_before_use);
    let since = active.activated_at.unwrap_or(active.created_at);
    let turn = since.plus(policy.rotate_every?.into());
    let activate_at = turn.max(now.plus(lead));
    (turn.minus(lead) <= now).then_some(Step::StageNew { activate_at })
}

/// What a rotation comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RotationPlan {
    /// The key that is staged already and is used; `None`: a new one is staged.
    pub staged: Option<KeyId>,
    /// When the key becomes active, should nobody be there to activate it earlier.
    pub activate_at: Moment,
    /// Whether every node must still be given the time to read the new key.
    pub unread: bool,
}

/// Plans a rotation. A key that is staged already is used rather than joined by a second one.
///
/// `immediately`, the key becomes active `wait` seconds after it was published. Moments are whole
/// seconds, so that the plan counts one more: whoever finds the staged key after a crash must not
/// activate it within the wait.
#[must_use]
pub fn plan_rotation(
    keys: &[KeyRecord],
    policy: &Policy,
    now: Moment,
    immediately: bool,
    wait: i64,
) -> RotationPlan {
    let staged = next_staged(keys);
    let soon = staged.map_or(now, |key| key.created_at).plus(wait + 1);
    let planned = staged.and_then(|key| key.activate_at);
    let lead = now.plus(policy.publish_before_use.into());
    RotationPlan {
        staged: staged.map(|key| key.kid.clone()),
        activate_at: match planned {
            Some(planned) if immediately => planned.min(soon),
            Some(planned) => planned,
            None if immediately => soon,
            None => lead,
        },
        unread: soon > now,
    }
}

/// What a revocation comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RevocationPlan {
    /// It is revoked already.
    Done,
    /// It is the active key: another becomes active first.
    Replace {
        /// The key that is staged already; `None`: a new one.
        successor: Option<KeyId>,
    },
    /// Another key signs: only this one changes.
    Revoke,
    /// There is no such key.
    Unknown,
}

/// Plans a revocation.
#[must_use]
pub fn plan_revocation(keys: &[KeyRecord], kid: &KeyId) -> RevocationPlan {
    match keys.iter().find(|key| key.kid == *kid) {
        None => RevocationPlan::Unknown,
        Some(key) if key.revoked_at.is_some() => RevocationPlan::Done,
        Some(key) if key.stage == Stage::Active => RevocationPlan::Replace {
            successor: next_staged(keys).map(|key| key.kid.clone()),
        },
        Some(_) => RevocationPlan::Revoke,
    }
}

/// The staged key whose turn is next.
pub(crate) fn next_staged(keys: &[KeyRecord]) -> Option<&KeyRecord> {
    keys.iter()
        .filter(|key| key.stage == Stage::Staged)
        .min_by_key(|key| key.activate_at)
}

/// The first key in this stage.
pub(crate) fn in_stage(keys: &[KeyRecord], stage: Stage) -> Option<&KeyRecord> {
    keys.iter().find(|key| key.stage == stage)
}
