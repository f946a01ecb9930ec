//! What operators do to keys.

use std::time::Duration;

use tokio::time::sleep;
use tollbridge_domain::{Actor, KeyId, Moment, Secret};
use tollbridge_store::Stage;

use crate::{
    Keyring, KeyringError, MasterKey, RevocationPlan, SigningKey,
    draft::Draft,
    pem, plan_revocation, plan_rotation,
    schedule::{RotationPlan, next_staged},
    seal,
};

/// How long an immediate rotation leaves every node to read the new key: four of the half
/// seconds at which they look.
pub const PUBLISH_WAIT: Duration = Duration::from_secs(2);

/// What a rotation came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rotation {
    /// The key that takes over.
    pub kid: KeyId,
    /// When it signs, or since when.
    pub activates_at: Moment,
    /// Whether the key had been staged before.
    pub reused: bool,
    /// The key that signs until then.
    pub previous: Option<KeyId>,
    /// When the last token of that key has expired.
    pub previous_retires_at: Option<Moment>,
}

/// What a revocation came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revoked {
    /// The key.
    pub kid: KeyId,
    /// Since when.
    pub at: Moment,
    /// Whether it had been revoked before, and nothing changed.
    pub already: bool,
    /// The key that signs instead, where this one was active.
    pub successor: Option<KeyId>,
}

impl Keyring {
    /// Rotates: stages a new key that takes over after `publish_before_use`, or `immediately`
    /// after [`PUBLISH_WAIT`], which this call then waits for. A key that is staged already is
    /// used.
    ///
    /// # Cancellation
    /// Dropped while it waits, the key stays staged and any later tick activates it.
    ///
    /// # Errors
    /// The store's; [`KeyringError::Superseded`] where the new key was revoked meanwhile.
    pub async fn rotate(
        &self,
        immediately: bool,
        actor: &Actor,
        why: &str,
    ) -> Result<Rotation, KeyringError> {
        let (rotation, unread) = self
            .change(actor, why, |draft| stage_rotation(draft, immediately))
            .await?;
        if !immediately {
            return Ok(rotation);
        }
        if unread {
            sleep(PUBLISH_WAIT).await;
        }
        self.change(actor, why, |draft| activate_rotation(draft, &rotation))
            .await
    }

    /// Revokes a key at once. Where it is the active one another becomes active in the same
    /// change.
    ///
    /// # Errors
    /// [`KeyringError::UnknownKey`], or the store's.
    pub async fn revoke(
        &self,
        kid: &KeyId,
        actor: &Actor,
        why: &str,
    ) -> Result<Revoked, KeyringError> {
        self.change(actor, why, |draft| revoke(draft, kid)).await
    }

    /// Takes a private key made elsewhere (PKCS#8 PEM, Ed25519 or P-256) and stages it.
    ///
    /// # Errors
    /// [`KeyringError::Import`] where the text is no such key, [`KeyringError::Exists`] and
    /// [`KeyringError::AlreadyStaged`]; otherwise the store's.
    pub async fn import(
        &self,
        pkcs8_pem: &Secret<String>,
        actor: &Actor,
    ) -> Result<Rotation, KeyringError> {
        let pkcs8 = pem::pkcs8(pkcs8_pem.reveal())?;
        let key = SigningKey::import(&pkcs8)?;
        self.change(actor, "import", |draft| import(draft, &key, &pkcs8))
            .await
    }

    /// Seals every private key anew under another master key, in one change, and uses that from
    /// now on.
    ///
    /// # Errors
    /// [`KeyringError::WrongMaster`] where the present one does not open them; otherwise the
    /// store's. Nothing is half done.
    pub async fn rewrap(&self, new: MasterKey, actor: &Actor) -> Result<(), KeyringError> {
        self.change(actor, "rewrap", |draft| rewrap(draft, &new))
            .await?;
        self.seal_under(new);
        Ok(())
    }
}

fn stage_rotation(
    draft: &mut Draft<'_>,
    immediately: bool,
) -> Result<(Rotation, bool), KeyringError> {
    let wait = PUBLISH_WAIT.as_secs().cast_signed();
    let (policy, now) = (draft.with.policy, draft.with.now);
    let plan = plan_rotation(draft.keys(), policy, now, immediately, wait);
    let reused = plan.staged.is_some();
    let kid = match &plan.staged {
        None => draft.stage_new(plan.activate_at)?,
        Some(kid) => bring_forward(draft, kid, &plan),
    };
    Ok((takeover(draft, kid, plan.activate_at, reused), plan.unread))
}

/// Whoever comes after a crash must find the earlier moment.
fn bring_forward(draft: &mut Draft<'_>, kid: &KeyId, plan: &RotationPlan) -> KeyId {
    let at = Some(plan.activate_at);
    let later = draft.key(kid).filter(|key| key.activate_at != at).cloned();
    if let Some(mut staged) = later {
        staged.activate_at = at;
        draft.put(staged);
    }
    draft.note("key.staged", kid);
    kid.clone()
}

fn activate_rotation(draft: &mut Draft<'_>, planned: &Rotation) -> Result<Rotation, KeyringError> {
    let superseded = || KeyringError::Superseded(planned.kid.clone());
    let stage = draft.key(&planned.kid).map(|key| key.stage);
    let previous = match stage {
        Some(Stage::Staged) => draft.activate(&planned.kid),
        // Another process was faster.
        Some(Stage::Active | Stage::Retiring) => planned.previous.clone(),
        Some(Stage::Retired) | None => return Err(superseded()),
    };
    let since = draft.key(&planned.kid).and_then(|key| key.activated_at);
    let previous_record = previous.as_ref().and_then(|kid| draft.key(kid));
    Ok(Rotation {
        activates_at: since.ok_or_else(superseded)?,
        previous_retires_at: previous_record.and_then(|key| key.retire_at),
        previous,
        ..planned.clone()
    })
}

fn takeover(draft: &Draft<'_>, kid: KeyId, at: Moment, reused: bool) -> Rotation {
    let previous = draft.in_stage(Stage::Active).map(|key| key.kid.clone());
    let life = i64::from(draft.with.policy.token_life);
    Rotation {
        kid,
        activates_at: at,
        reused,
        previous_retires_at: previous.is_some().then(|| at.plus(life)),
        previous,
    }
}

fn revoke(draft: &mut Draft<'_>, kid: &KeyId) -> Result<Revoked, KeyringError> {
    let plan = plan_revocation(draft.keys(), kid);
    let already = plan == RevocationPlan::Done;
    let successor = match plan {
        RevocationPlan::Unknown => return Err(KeyringError::UnknownKey(kid.clone())),
        RevocationPlan::Done | RevocationPlan::Revoke => None,
        RevocationPlan::Replace {
            successor: Some(staged),
        } => Some(staged),
        RevocationPlan::Replace { successor: None } => Some(draft.stage_new(draft.with.now)?),
    };
    if let Some(successor) = &successor {
        draft.activate(successor);
    }
    if already {
        draft.note("key.revoked", kid);
    } else {
        draft.revoke(kid);
    }
    let since = draft.key(kid).and_then(|key| key.revoked_at);
    Ok(Revoked {
        kid: kid.clone(),
        at: since.unwrap_or(draft.with.now),
        already,
        successor,
    })
}

fn import(draft: &mut Draft<'_>, key: &SigningKey, pkcs8: &[u8]) -> Result<Rotation, KeyringError> {
    if draft.key(key.kid()).is_some() {
        return Err(KeyringError::Exists(key.kid().clone()));
    }
    if let Some(staged) = next_staged(draft.keys()) {
        return Err(KeyringError::AlreadyStaged(staged.kid.clone()));
    }
    let lead = draft.with.policy.publish_before_use;
    let activate_at = draft.with.now.plus(lead.into());
    draft.note("key.imported", key.kid());
    let kid = draft.stage(key, pkcs8, activate_at)?;
    Ok(takeover(draft, kid, activate_at, false))
}

fn rewrap(draft: &mut Draft<'_>, new: &MasterKey) -> Result<(), KeyringError> {
    for mut record in draft.keys().to_vec() {
        let Some(sealed) = &record.sealed else {
            continue;
        };
        let pkcs8 = seal::open(draft.with.master, &record.kid, sealed)?;
        record.sealed = Some(seal::seal(new, &record.kid, &pkcs8, draft.with.entropy)?);
        draft.note("key.rewrapped", &record.kid);
        draft.put(record);
    }
    Ok(())
}
