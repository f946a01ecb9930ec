//! A change to the keys while it is being thought out: nothing is written before it is whole.

use tollbridge_domain::{Act, Actor, Entropy, KeyId, Moment};
use tollbridge_store::{KeyRecord, Stage};

use crate::{KeyringError, MasterKey, Policy, SigningKey, Step, Transition, seal, stage};

/// What a draft is made with and for.
pub(crate) struct Circumstances<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) master: &'a MasterKey,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) actor: &'a Actor,
    pub(crate) why: &'a str,
    pub(crate) now: Moment,
}

/// The set of keys as it will be, which of them differ, and the acts to go on record with it.
pub(crate) struct Draft<'a> {
    pub(crate) with: Circumstances<'a>,
    keys: Vec<KeyRecord>,
    touched: Vec<KeyId>,
    acts: Vec<Act>,
}

impl<'a> Draft<'a> {
    pub(crate) const fn of(keys: Vec<KeyRecord>, with: Circumstances<'a>) -> Self {
        Self {
            with,
            keys,
            touched: Vec::new(),
            acts: Vec::new(),
        }
    }

    pub(crate) fn keys(&self) -> &[KeyRecord] {
        &self.keys
    }

    pub(crate) fn acts(&self) -> &[Act] {
        &self.acts
    }

    pub(crate) fn key(&self, kid: &KeyId) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.kid == *kid)
    }

    pub(crate) fn in_stage(&self, stage: Stage) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.stage == stage)
    }

    /// The records that differ from what was read.
    pub(crate) fn changed(&self) -> Vec<KeyRecord> {
        let touched = |key: &&KeyRecord| self.touched.contains(&key.kid);
        self.keys.iter().filter(touched).cloned().collect()
    }

    pub(crate) fn into_keys(self) -> Vec<KeyRecord> {
        self.keys
    }

    /// Puts an act on record.
    pub(crate) fn note(&mut self, event: &'static str, kid: &KeyId) {
        self.acts.push(Act {
            actor: self.with.actor.clone(),
            event,
            target: kid.as_str().to_owned(),
            why: self.with.why.to_owned(),
        });
    }

    /// Inserts or replaces.
    pub(crate) fn put(&mut self, record: KeyRecord) {
        self.touched.push(record.kid.clone());
        match self.keys.iter_mut().find(|key| key.kid == record.kid) {
            Some(key) => *key = record,
            None => self.keys.push(record),
        }
    }

    /// Makes a new key and stages it.
    pub(crate) fn stage_new(&mut self, activate_at: Moment) -> Result<KeyId, KeyringError> {
        let (key, pkcs8) = SigningKey::generate(self.with.policy.algorithm)?;
        self.note("key.created", key.kid());
        self.stage(&key, &pkcs8, activate_at)
    }

    /// Stages a key that is not on record yet.
    pub(crate) fn stage(
        &mut self,
        key: &SigningKey,
        pkcs8: &[u8],
        activate_at: Moment,
    ) -> Result<KeyId, KeyringError> {
        // Or keys would end up sealed under two masters: another process may have changed it.
        prove(self.with.master, &self.keys)?;
        let kid = key.kid().clone();
        let sealed = seal::seal(self.with.master, &kid, pkcs8, self.with.entropy)?;
        self.put(stage::staged(key, sealed, self.with.now, activate_at));
        self.note("key.staged", &kid);
        Ok(kid)
    }

    /// Lets a staged key sign from now on; returns the one that did until now.
    pub(crate) fn activate(&mut self, kid: &KeyId) -> Option<KeyId> {
        let previous = self.in_stage(Stage::Active).map(|key| key.kid.clone());
        for record in stage::activate(&self.keys, kid, self.with.policy, self.with.now) {
            self.put(record);
        }
        self.note("key.activated", kid);
        previous
    }

    /// Erases the private half of a key whose tokens have all expired.
    pub(crate) fn retire(&mut self, kid: &KeyId) {
        if let Some(retired) = self.key(kid).map(|key| stage::retire(key, self.with.now)) {
            self.put(retired);
            self.note("key.retired", kid);
        }
    }

    /// Takes a key out of use for good.
    pub(crate) fn revoke(&mut self, kid: &KeyId) {
        if let Some(revoked) = self.key(kid).map(|key| stage::revoke(key, self.with.now)) {
            self.put(revoked);
            self.note("key.revoked", kid);
        }
    }

    /// Takes one step of the schedule.
    pub(crate) fn take(&mut self, step: Step) -> Result<Transition, KeyringError> {
        Ok(match step {
            Step::Activate(kid) => Transition::Activated {
                previous: self.activate(&kid),
                kid,
            },
            Step::Begin => {
                let kid = self.stage_new(self.with.now)?;
                let previous = self.activate(&kid);
                Transition::Activated { kid, previous }
            }
            Step::Retire(kid) => {
                self.retire(&kid);
                Transition::Retired { kid }
            }
            Step::StageNew { activate_at } => Transition::Staged {
                kid: self.stage_new(activate_at)?,
                activates_at: activate_at,
            },
        })
    }
}

/// Every sealed key opens under this master key.
pub(crate) fn prove(master: &MasterKey, keys: &[KeyRecord]) -> Result<(), KeyringError> {
    keys.iter().try_for_each(|key| match &key.sealed {
        Some(sealed) => seal::open(master, &key.kid, sealed).map(drop),
        None => Ok(()),
    })
}
