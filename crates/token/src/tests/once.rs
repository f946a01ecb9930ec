//! B15 and B16 without sockets: a use is taken once.

use std::sync::Arc;

use tollbridge_domain::Grant;
use tollbridge_store::{GiveBack, memory::MemoryUsed};

use super::{Bench, grant};
use crate::{AdmitError, admit};

/// 200 at once, 50 times.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_two_hundred_simultaneous_redemptions_is_admitted() {
    let bench = Arc::new(Bench::new().await);
    let used = Arc::new(MemoryUsed::new(bench.clock.clone()));
    for round in 0..50 {
        let token: Arc<str> = bench.mint().into();
        let start = Arc::new(tokio::sync::Barrier::new(200));
        let mut redeeming = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (bench, used) = (bench.clone(), used.clone());
            let (token, start) = (token.clone(), start.clone());
            redeeming.spawn(async move {
                let verified = bench.verify(&token).await.unwrap();
                start.wait().await;
                admit(verified, &*used).await
            });
        }
        let verdicts = redeeming.join_all().await;
        let admitted = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        let used = |verdict: &&Result<_, _>| matches!(verdict, Err(AdmitError::Used(_)));
        assert_eq!(admitted, 1, "round {round}");
        assert_eq!(verdicts.iter().filter(used).count(), 199, "round {round}");
    }
}

#[tokio::test]
async fn a_token_opens_as_many_sessions_as_it_says() {
    let bench = Bench::new().await;
    let used = MemoryUsed::new(bench.clock.clone());
    let minted = bench.minter.mint(Grant { uses: 3, ..grant() }).unwrap();
    for _ in 0..3 {
        let verified = bench.verify(minted.token.reveal()).await.unwrap();
        let admission = admit(verified, &used).await.unwrap();
        assert_eq!(*admission.claims(), minted.claims);
        assert_eq!(*admission.kid(), minted.kid);
    }
    let verified = bench.verify(minted.token.reveal()).await.unwrap();
    assert!(matches!(
        admit(verified, &used).await,
        Err(AdmitError::Used(claims)) if claims == minted.claims
    ));
}

#[tokio::test]
async fn a_use_is_given_back_three_times_and_no_more() {
    let bench = Bench::new().await;
    let used = MemoryUsed::new(bench.clock.clone());
    let token = bench.mint();
    for round in 0..4 {
        let verified = bench.verify(&token).await.unwrap();
        let admission = admit(verified, &used).await.unwrap();
        let expected = if round < 3 {
            GiveBack::Returned
        } else {
            GiveBack::Refused
        };
        assert_eq!(admission.give_back(&used).await.unwrap(), expected);
    }
    let verified = bench.verify(&token).await.unwrap();
    assert!(admit(verified, &used).await.is_err());
}
