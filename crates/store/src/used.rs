//! Used tokens: the one compare-and-set that makes a token single use.

use async_trait::async_trait;
use tollbridge_domain::{Moment, TokenId};

use crate::StoreError;

/// The verdict on one redemption.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Consumed {
    /// This use was still free and is now taken.
    Taken,
    /// Every use is spent.
    Spent,
}

/// The verdict on giving a use back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GiveBack {
    /// The use may be taken again.
    Returned,
    /// It has been given back three times already, or was never taken.
    Refused,
}

/// Used tokens, recorded under the signed `jti`, never under the token's text.
#[async_trait]
pub trait UsedTokens: Send + Sync {
    /// Takes one of `uses` uses of the token, atomically; remembered until `forget_at`
    /// (`exp` + 60 s, so that no leeway reopens a replay window).
    async fn consume(
        &self,
        jti: &TokenId,
        uses: u32,
        forget_at: Moment,
    ) -> Result<Consumed, StoreError>;

    /// How many of `uses` are left; takes none. For explanations only: between this answer and a
    /// redemption another may come.
    async fn left(&self, jti: &TokenId, uses: u32) -> Result<u32, StoreError>;

    /// Whether every use is spent, as far as [`UsedTokens::left`] can say it.
    async fn spent(&self, jti: &TokenId, uses: u32) -> Result<bool, StoreError> {
        Ok(self.left(jti, uses).await? == 0)
    }

    /// Gives one use back, at most three times a token. The caller has made sure that no byte of
    /// the handshake reached the upstream.
    async fn give_back(&self, jti: &TokenId) -> Result<GiveBack, StoreError>;
}
