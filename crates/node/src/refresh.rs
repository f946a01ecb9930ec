//! Keeps a running server level with its store: what a command line changes shows within a second.

use std::{sync::Arc, time::Duration};

use tollbridge_http::{Shared, chain};
use tollbridge_keyring::Transition;
use tollbridge_store::Watermark;

/// Twice a second: half of the two seconds that a revocation may take, with room to spare.
const EVERY: Duration = Duration::from_millis(500);

/// A store that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Steps between two looks at the schedule and two writes of when keys were used.
const SLOWLY: u32 = 10;

/// Runs until it is dropped.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut seen = Watermark::default();
    let mut ticker = tokio::time::interval(EVERY);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut step: u32 = 0;
    loop {
        ticker.tick().await;
        step = step.wrapping_add(1);
        let levelled = tokio::time::timeout(PATIENCE, level(&shared, &mut seen)).await;
        let levelled = levelled.unwrap_or_else(|_| Err("no answer within five seconds".to_owned()));
        if let Err(error) = levelled {
            shared
                .metrics
                .store_errors
                .with_label_values(&["watermark"])
                .inc();
            tracing::error!(event = "store.failed", error = %error, "the store cannot be read");
            continue;
        }
        shared.health.refreshed();
        // Every step: an activation that is due must not be late by seconds.
        keep_schedule(&shared).await;
        if step.is_multiple_of(SLOWLY) {
            note_used(&shared).await;
        }
    }
}

async fn level(shared: &Shared, seen: &mut Watermark) -> Result<(), String> {
    let now = shared
        .store
        .watermark()
        .await
        .map_err(|error| chain(&error))?;
    if now.keys != seen.keys {
        shared
            .keyring
            .refresh()
            .await
            .map_err(|error| chain(&error))?;
    }
    if now.api_keys != seen.api_keys {
        shared
            .api_keys
            .refresh()
            .await
            .map_err(|error| chain(&error))?;
    }
    if now.revocations != seen.revocations {
        shared
            .revoked
            .refresh(shared.clock.now())
            .await
            .map_err(|error| chain(&error))?;
    }
    *seen = now;
    Ok(())
}

async fn keep_schedule(shared: &Shared) {
    match shared.keyring.tick().await {
        Ok(transitions) => {
            for transition in transitions {
                let (kid, stage) = match &transition {
                    Transition::Activated { kid, .. } => (kid, "active"),
                    Transition::Retired { kid } => (kid, "retired"),
                    Transition::Staged { kid, .. } => (kid, "staged"),
                };
                tracing::info!(event = "key.rotated", kid = %kid, stage, "a key moved on by the schedule");
            }
        }
        Err(error) => {
            tracing::error!(event = "key.schedule_failed", error = %chain(&error), "the key schedule could not be kept");
        }
    }
}

async fn note_used(shared: &Shared) {
    let used = shared.api_keys.take_touched();
    if used.is_empty() {
        return;
    }
    if let Err(error) = shared.store.touch_api_keys(&used).await {
        tracing::warn!(event = "store.failed", error = %chain(&error), "last-used times were not written");
    }
}
