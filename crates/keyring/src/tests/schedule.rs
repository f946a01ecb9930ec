//! The schedule holds its promises for any sequence of steps and times.

use std::collections::HashMap;

use proptest::prelude::*;
use tollbridge_domain::{KeyId, Moment};
use tollbridge_store::{Algorithm, KeyRecord, Stage};

use super::START;
use crate::{Policy, RevocationPlan, Step, due, plan_revocation, plan_rotation, stage};

const WAIT: i64 = 2;

#[derive(Clone, Debug)]
enum Event {
    /// Time goes by, or back.
    Pass(i64),
    Tick,
    Rotate {
        immediately: bool,
    },
    /// The key at this place, modulo their number.
    Revoke(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (-50_i64..500).prop_map(Event::Pass),
        1 => (-5000_i64..100_000).prop_map(Event::Pass),
        5 => Just(Event::Tick),
        2 => any::<bool>().prop_map(|immediately| Event::Rotate { immediately }),
        1 => any::<usize>().prop_map(Event::Revoke),
    ];
    proptest::collection::vec(event, 1..120)
}

fn policies() -> impl Strategy<Value = Policy> {
    let every = proptest::option::of(1_u32..5000);
    (every, 0_u32..1000, 1_u32..700).prop_map(|(rotate_every, lead, life)| Policy {
        algorithm: Algorithm::EdDSA,
        rotate_every,
        publish_before_use: lead,
        token_life: life,
    })
}

/// The keys of a store, changed the way the keyring changes them, without any cryptography.
struct Model {
    policy: Policy,
    now: Moment,
    keys: Vec<KeyRecord>,
    /// Keys that were to be activated at once.
    hurried: Vec<KeyId>,
}

impl Model {
    fn new(policy: Policy) -> Self {
        let mut model = Self {
            policy,
            now: Moment::from_seconds(START),
            keys: Vec::new(),
            hurried: Vec::new(),
        };
        model.tick();
        model
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Pass(seconds) => self.now = self.now.plus(*seconds),
            Event::Tick => self.tick(),
            Event::Rotate { immediately } => self.rotate(*immediately),
            Event::Revoke(place) => self.revoke(*place),
        }
    }

    fn tick(&mut self) {
        for step in due(&self.keys, &self.policy, self.now) {
            match step {
                Step::Activate(kid) => self.activate(&kid),
                Step::Begin => {
                    let kid = self.stage(self.now);
                    self.hurried.push(kid.clone());
                    self.activate(&kid);
                }
                Step::Retire(kid) => self.replace(&kid, stage::retire),
                Step::StageNew { activate_at } => drop(self.stage(activate_at)),
            }
        }
    }

    fn rotate(&mut self, immediately: bool) {
        let plan = plan_rotation(&self.keys, &self.policy, self.now, immediately, WAIT);
        let kid = match plan.staged {
            None => self.stage(plan.activate_at),
            Some(kid) => kid,
        };
        self.keys
            .iter_mut()
            .filter(|key| key.kid == kid)
            .for_each(|key| key.activate_at = Some(plan.activate_at));
        if immediately {
            self.hurried.push(kid);
        }
    }

    fn revoke(&mut self, place: usize) {
        let kid = self.keys[place % self.keys.len()].kid.clone();
        if let RevocationPlan::Replace { successor } = plan_revocation(&self.keys, &kid) {
            let successor = successor.unwrap_or_else(|| self.stage(self.now));
            self.hurried.push(successor.clone());
            self.activate(&successor);
        }
        self.replace(&kid, stage::revoke);
    }

    fn stage(&mut self, activate_at: Moment) -> KeyId {
        let kid = KeyId::parse(&format!("key-{}", self.keys.len())).unwrap();
        self.keys.push(KeyRecord {
            kid: kid.clone(),
            algorithm: Algorithm::EdDSA,
            stage: Stage::Staged,
            public: vec![0; 32],
            sealed: Some(vec![1]),
            created_at: self.now,
            activate_at: Some(activate_at),
            activated_at: None,
            retire_at: None,
            retired_at: None,
            revoked_at: None,
        });
        kid
    }

    fn activate(&mut self, kid: &KeyId) {
        for record in stage::activate(&self.keys, kid, &self.policy, self.now) {
            let at = self.keys.iter().position(|key| key.kid == record.kid);
            self.keys[at.unwrap()] = record;
        }
    }

    fn replace(&mut self, kid: &KeyId, with: fn(&KeyRecord, Moment) -> KeyRecord) {
        let now = self.now;
        self.keys
            .iter_mut()
            .filter(|key| key.kid == *kid)
            .for_each(|key| *key = with(key, now));
    }

    fn count(&self, stage: Stage) -> usize {
        self.keys.iter().filter(|key| key.stage == stage).count()
    }

    /// What must hold of one key across one event.
    fn judge(&self, before: &KeyRecord, after: &KeyRecord) {
        assert!(before.stage <= after.stage, "stages only move forward");
        assert!(before.revoked_at.is_none() || after.revoked_at == before.revoked_at);
        if before.stage < Stage::Retiring && after.stage == Stage::Retiring {
            let life = i64::from(self.policy.token_life);
            assert!(
                after.retire_at.unwrap() >= self.now.plus(life),
                "its tokens outlive it"
            );
        }
        if before.stage != Stage::Retired && after.stage == Stage::Retired {
            let due = before.retire_at.is_some_and(|at| at <= self.now);
            assert!(due || after.revoked_at.is_some(), "retired before its time");
        }
        if before.stage == Stage::Staged && after.stage == Stage::Active {
            let hurried = self.hurried.contains(&after.kid);
            let lead = i64::from(self.policy.publish_before_use);
            assert!(
                hurried || self.now >= after.created_at.plus(lead),
                "signs unpublished"
            );
        }
    }

    fn judge_all(&self, before: &HashMap<KeyId, KeyRecord>) {
        assert_eq!(self.count(Stage::Active), 1, "exactly one key signs");
        assert!(self.count(Stage::Staged) <= 1, "one key waits at most");
        for key in &self.keys {
            assert_eq!(
                key.sealed.is_none(),
                key.stage == Stage::Retired,
                "erased exactly then"
            );
            if let Some(before) = before.get(&key.kid) {
                self.judge(before, key);
            }
        }
    }
}

proptest! {
    #[test]
    fn every_promise_holds_after_every_event(policy in policies(), events in events()) {
        let mut model = Model::new(policy);
        for event in &events {
            let before = model.keys.iter().map(|key| (key.kid.clone(), key.clone())).collect();
            model.happen(event);
            model.judge_all(&before);
        }
    }

    #[test]
    fn doing_what_is_due_comes_to_an_end(policy in policies(), events in events()) {
        let mut model = Model::new(policy);
        for event in &events {
            model.happen(event);
            for _ in 0..4 {
                model.tick();
            }
            prop_assert_eq!(due(&model.keys, &model.policy, model.now), []);
        }
    }

    #[test]
    fn what_is_due_at_an_earlier_second_is_due_now(
        policy in policies(), events in events(), back in 1_i64..100_000,
    ) {
        let mut model = Model::new(policy);
        for event in &events {
            model.happen(event);
        }
        let now = kinds(&due(&model.keys, &model.policy, model.now));
        let earlier = kinds(&due(&model.keys, &model.policy, model.now.minus(back)));
        prop_assert!(earlier.iter().all(|step| now.contains(step)), "{earlier:?} {now:?}");
    }
}

/// Steps without the moment at which a new key would become active.
fn kinds(steps: &[Step]) -> Vec<Step> {
    let activate_at = Moment::default();
    let kind = |step: &Step| match step {
        Step::StageNew { .. } => Step::StageNew { activate_at },
        other => other.clone(),
    };
    steps.iter().map(kind).collect()
}

#[test]
fn an_immediate_rotation_counts_a_second_more_than_it_waits() {
    let policy = super::policy();
    let now = Moment::from_seconds(START);
    let plan = plan_rotation(&[], &policy, now, true, WAIT);
    assert_eq!((plan.activate_at, plan.unread), (now.plus(3), true));
    let calm = plan_rotation(&[], &policy, now, false, WAIT);
    assert_eq!(calm.activate_at, now.plus(600));
}
