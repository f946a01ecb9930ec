//! Used tokens: exact, also under races.

use std::sync::Arc;

use tokio::{sync::Barrier, task::JoinSet};
use tollbridge_domain::{Clock, Moment, TokenId};

use crate::{Consumed, GiveBack, UsedTokens};

/// What [`crate::UsedTokens`] promises to one who asks at a time. The clock is the adapter's.
pub async fn used(used: &dyn UsedTokens, clock: &dyn Clock) {
    let forget_at = clock.now().plus(90);
    single_use(used, forget_at).await;
    several_uses(used, forget_at).await;
    three_times_and_no_more(used, forget_at).await;

    let never = jti("no-uses");
    let verdict = used.consume(&never, 0, forget_at).await.unwrap();
    assert_eq!(verdict, Consumed::Spent, "no uses are no uses");
    let unknown = used.give_back(&jti("never-seen")).await.unwrap();
    assert_eq!(unknown, GiveBack::Refused);
}

/// B15: the second redemption is refused, whatever became of the first.
async fn single_use(used: &dyn UsedTokens, forget_at: Moment) {
    let once = jti("once");
    let other = jti("ONCE");
    for (jti, verdict) in [
        (&once, Consumed::Taken),
        (&once, Consumed::Spent),
        (&other, Consumed::Taken),
        (&once, Consumed::Spent),
    ] {
        assert_eq!(used.consume(jti, 1, forget_at).await.unwrap(), verdict);
    }
}

async fn several_uses(used: &dyn UsedTokens, forget_at: Moment) {
    let thrice = jti("thrice");
    for left in [3, 2, 1] {
        assert_eq!(used.left(&thrice, 3).await.unwrap(), left);
        let verdict = used.consume(&thrice, 3, forget_at).await.unwrap();
        assert_eq!(verdict, Consumed::Taken);
    }
    assert_eq!(used.left(&thrice, 3).await.unwrap(), 0);
    assert_eq!(used.left(&thrice, u32::MAX).await.unwrap(), u32::MAX - 3);
    let verdict = used.consume(&thrice, 3, forget_at).await.unwrap();
    assert_eq!(verdict, Consumed::Spent);
}

async fn three_times_and_no_more(used: &dyn UsedTokens, forget_at: Moment) {
    let unlucky = jti("unlucky");
    for _ in 0..3 {
        let verdict = used.consume(&unlucky, 1, forget_at).await.unwrap();
        assert_eq!(verdict, Consumed::Taken);
        assert_eq!(used.give_back(&unlucky).await.unwrap(), GiveBack::Returned);
    }
    let twice = used.give_back(&unlucky).await.unwrap();
    assert_eq!(twice, GiveBack::Refused, "nothing is taken");
    let verdict = used.consume(&unlucky, 1, forget_at).await.unwrap();
    assert_eq!(verdict, Consumed::Taken);
    assert_eq!(used.give_back(&unlucky).await.unwrap(), GiveBack::Refused);
    let verdict = used.consume(&unlucky, 1, forget_at).await.unwrap();
    assert_eq!(verdict, Consumed::Spent);
}

/// B16: of 64 who redeem one use at once exactly one has it, 50 times over; and of 64 who give one
/// use back, one does.
pub async fn used_race(used: Arc<dyn UsedTokens>, clock: &dyn Clock) {
    let forget_at = clock.now().plus(90);
    for round in 0..50 {
        let token = jti(&format!("race-{round}"));
        let taken = together(&used, &token, move |used, jti| async move {
            used.consume(&jti, 1, forget_at).await.unwrap() == Consumed::Taken
        });
        assert_eq!(taken.await, 1, "round {round}");
        let returned = together(&used, &token, |used, jti| async move {
            used.give_back(&jti).await.unwrap() == GiveBack::Returned
        });
        assert_eq!(returned.await, 1, "round {round}");
    }
}

async fn together<F, W>(used: &Arc<dyn UsedTokens>, token: &TokenId, one: F) -> usize
where
    F: Fn(Arc<dyn UsedTokens>, TokenId) -> W + Clone + Send + 'static,
    W: Future<Output = bool> + Send,
{
    let start = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for _ in 0..RACERS {
        let (start, one) = (Arc::clone(&start), one.clone());
        let (used, token) = (Arc::clone(used), token.clone());
        racers.spawn(async move {
            start.wait().await;
            one(used, token).await
        });
    }
    let verdicts = racers.join_all().await;
    verdicts.into_iter().filter(|won| *won).count()
}

fn jti(text: &str) -> TokenId {
    TokenId::parse(text).unwrap()
}

const RACERS: usize = 64;
