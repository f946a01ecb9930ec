//! The keys of the store, in memory: a request never waits for the store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;
use tollbridge_domain::Moment;
use tollbridge_store::{ApiKeyRecord, ApiKeyStore, StoreError};

use super::RawApiKey;
use crate::Rejection;

/// A live view of the API keys. Where the store cannot be read, the last view goes on.
pub struct ApiKeys {
    store: Arc<dyn ApiKeyStore>,
    by_id: ArcSwap<HashMap<String, ApiKeyRecord>>,
    refreshing: tokio::sync::Mutex<()>,
    touched: Mutex<HashMap<String, Touch>>,
}

/// The last minute in which a key was used, and whether the store knows it.
struct Touch {
    minute: Moment,
    handed_out: bool,
}

impl ApiKeys {
    /// Reads the store.
    ///
    /// # Errors
    /// The store's own.
    pub async fn load(store: Arc<dyn ApiKeyStore>) -> Result<Self, StoreError> {
        let by_id = ArcSwap::from_pointee(read(&*store).await?);
        Ok(Self {
            store,
            by_id,
            refreshing: tokio::sync::Mutex::const_new(()),
            touched: Mutex::default(),
        })
    }

    /// Reads the store again: after the watermark has moved.
    ///
    /// # Errors
    /// The store's own; the view is then what it was.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        // One at a time, or the slower of two could put an older view over a newer one.
        let _turn = self.refreshing.lock().await;
        self.by_id.store(Arc::new(read(&*self.store).await?));
        Ok(())
    }

    /// The key's record, if the text is that of a key which is live at `now`.
    ///
    /// # Errors
    /// [`Rejection::Unknown`], [`Rejection::Revoked`], [`Rejection::Expired`]; the last two only
    /// to one who has the whole key.
    pub fn lookup(&self, key: &RawApiKey, now: Moment) -> Result<ApiKeyRecord, Rejection> {
        let hash = key.hash();
        let by_id = self.by_id.load();
        let record = by_id.get(&key.id());
        // The same work for an id that does not exist, so that time tells nobody which do.
        let expected = record.map_or(&NO_HASH, |record| &record.hash);
        let same = bool::from(expected.ct_eq(&hash));
        match record {
            Some(record) if same => live_at(now, record).cloned(),
            _ => Err(Rejection::Unknown),
        }
    }

    /// Notes that a key was let in, at a minute's precision.
    pub fn touch(&self, id: &str, now: Moment) {
        let minute = now.minus(now.seconds().rem_euclid(60));
        let mut touched = self.touched();
        match touched.get_mut(id) {
            Some(touch) if touch.minute >= minute => {}
            Some(touch) => *touch = Touch::new(minute),
            None => {
                touched.insert(id.to_owned(), Touch::new(minute));
            }
        }
    }

    /// What has been noted since the last call, for [`ApiKeyStore::touch_api_keys`]: at most one
    /// entry a key and minute.
    pub fn take_touched(&self) -> Vec<(String, Moment)> {
        let mut touched = self.touched();
        let fresh = touched.iter_mut().filter(|(_, touch)| !touch.handed_out);
        fresh
            .map(|(id, touch)| {
                touch.handed_out = true;
                (id.clone(), touch.minute)
            })
            .collect()
    }

    fn touched(&self) -> MutexGuard<'_, HashMap<String, Touch>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Touch {
    fn new(minute: Moment) -> Self {
        Self {
            minute,
            handed_out: false,
        }
    }
}

async fn read(store: &dyn ApiKeyStore) -> Result<HashMap<String, ApiKeyRecord>, StoreError> {
    let records = store.api_keys().await?;
    let by_id = records
        .into_iter()
        .map(|record| (record.id.clone(), record));
    Ok(by_id.collect())
}

fn live_at(now: Moment, record: &ApiKeyRecord) -> Result<&ApiKeyRecord, Rejection> {
    if record.revoked_at.is_some() {
        return Err(Rejection::Revoked);
    }
    match record.expires_at {
        Some(end) if now >= end => Err(Rejection::Expired),
        _ => Ok(record),
    }
}

/// No text is known to hash to this.
const NO_HASH: [u8; 32] = [0; 32];

#[cfg(test)]
mod tests {
    use tollbridge_domain::{Act, Actor, Clock};
    use tollbridge_store::{Scope, memory::MemoryStore};

    use super::*;
    use crate::api_key::{
        ApiKeyName, create,
        text::tests::{SECRET_AT, Same, altered},
    };

    const NOW: Moment = Moment::from_seconds(1_000);

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Moment {
            NOW
        }
    }

    fn act() -> Act {
        Act {
            actor: Actor::system(),
            event: "apikey.created",
            target: String::new(),
            why: String::new(),
        }
    }

    fn made() -> (String, ApiKeyRecord) {
        let name = ApiKeyName::parse("ci").unwrap();
        let end = Some(NOW.plus(60));
        let (text, record) = create(&name, Scope::Mint, None, vec![], end, &Stopped, &Same(7));
        (text.reveal().clone(), record)
    }

    async fn with(record: &ApiKeyRecord) -> (Arc<MemoryStore>, ApiKeys) {
        let store = Arc::new(MemoryStore::new());
        store.add_api_key(record, &act()).await.unwrap();
        let port: Arc<dyn ApiKeyStore> = Arc::<MemoryStore>::clone(&store);
        (store, ApiKeys::load(port).await.unwrap())
    }

    fn ask(keys: &ApiKeys, text: &str, now: Moment) -> Result<String, Rejection> {
        let key = RawApiKey::parse(text.as_bytes())?;
        keys.lookup(&key, now).map(|record| record.id)
    }

    /// Y8: what is stored is a hash of the whole text, and nothing of the secret.
    #[test]
    fn the_record_holds_no_part_of_the_secret() {
        let (text, record) = made();
        let shown = format!("{record:?}");
        assert!(!shown.contains(&text[SECRET_AT]));
        assert_eq!(record.id, format!("ak_{}", &text[4..16]));
        assert_eq!(record.created_at, NOW);
    }

    #[tokio::test]
    async fn a_key_opens_until_the_second_it_expires() {
        let (text, record) = made();
        let (_store, keys) = with(&record).await;
        assert_eq!(ask(&keys, &text, NOW.plus(59)), Ok(record.id));
        assert_eq!(ask(&keys, &text, NOW.plus(60)), Err(Rejection::Expired));
    }

    #[tokio::test]
    async fn the_right_id_with_a_wrong_secret_is_unknown_at_every_position() {
        let (text, record) = made();
        let (_store, keys) = with(&record).await;
        for position in SECRET_AT {
            let wrong = altered(&text, position);
            assert_eq!(
                ask(&keys, &wrong, NOW),
                Err(Rejection::Unknown),
                "{position}"
            );
        }
    }

    #[tokio::test]
    async fn an_unknown_id_is_unknown_in_the_same_words() {
        let (text, record) = made();
        let (_store, keys) = with(&record).await;
        let other = altered(&text, 4);
        assert_eq!(ask(&keys, &other, NOW), Err(Rejection::Unknown));
    }

    /// Only the holder of the whole key learns what became of it.
    #[tokio::test]
    async fn a_wrong_secret_learns_nothing_of_a_revoked_key() {
        let (text, record) = made();
        let (store, keys) = with(&record).await;
        assert!(store.revoke_api_key("ci", NOW, &act()).await.unwrap());
        assert!(ask(&keys, &text, NOW).is_ok(), "not read yet");
        keys.refresh().await.unwrap();
        assert_eq!(ask(&keys, &text, NOW), Err(Rejection::Revoked));
        let wrong = altered(&text, SECRET_AT.start);
        assert_eq!(ask(&keys, &wrong, NOW), Err(Rejection::Unknown));
    }

    #[tokio::test]
    async fn use_is_handed_out_once_a_minute() {
        let (_, record) = made();
        let (_store, keys) = with(&record).await;
        let minute = Moment::from_seconds(960);
        keys.touch(&record.id, NOW);
        keys.touch(&record.id, NOW.plus(1));
        assert_eq!(keys.take_touched(), [(record.id.clone(), minute)]);
        keys.touch(&record.id, NOW.plus(2));
        keys.touch(&record.id, minute.minus(60));
        assert!(
            keys.take_touched().is_empty(),
            "the store knows, and time goes forward"
        );
        keys.touch(&record.id, NOW.plus(60));
        assert_eq!(keys.take_touched(), [(record.id, minute.plus(60))]);
    }
}
