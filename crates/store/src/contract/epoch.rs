//! The restart rule's memory.

use tollbridge_domain::Moment;

use crate::Store;

/// What [`crate::EpochStore`] promises.
pub async fn epoch(store: &dyn Store) {
    for (now, stands) in [(1_000, 1_000), (1_005, 1_005), (900, 1_005), (1_005, 1_005)] {
        let epoch = store
            .advance_epoch(Moment::from_seconds(now))
            .await
            .unwrap();
        assert_eq!(epoch, Moment::from_seconds(stands), "it never moves back");
    }
}
