//! The restart rule's memory.

use async_trait::async_trait;
use tollbridge_domain::Moment;
use tollbridge_store::{EpochStore, StoreError};

use crate::{Sqlite, error::failed};

#[async_trait]
impl EpochStore for Sqlite {
    async fn advance_epoch(&self, now: Moment) -> Result<Moment, StoreError> {
        let mut transaction = self.begin("move the epoch").await?;
        let stands = sqlx::query_scalar(
            "INSERT INTO epoch (id, at) VALUES (1, ?1)
             ON CONFLICT (id) DO UPDATE SET at = max(at, excluded.at) RETURNING at",
        )
        .bind(now.seconds())
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed("move the epoch"))?;
        transaction
            .commit()
            .await
            .map_err(failed("move the epoch"))?;
        Ok(Moment::from_seconds(stands))
    }
}
