//! Session leases: never above a cap, never lost.

use std::sync::Arc;

use tokio::task::JoinSet;
use tollbridge_domain::{RouteName, SessionId, Subject};

use crate::{Lease, LeaseCaps, LeaseRefusal, SessionLeases};

const UNLIMITED: LeaseCaps = LeaseCaps {
    server: None,
    route: None,
    subject: None,
};

/// What [`crate::SessionLeases`] promises.
pub async fn leases(leases: &dyn SessionLeases) {
    let ada = lease("s1", "voice", "ada");
    let caps = LeaseCaps {
        server: Some(4),
        route: Some(2),
        subject: Some(1),
    };
    expect(leases, &ada, caps, Ok(())).await;
    expect(leases, &ada, caps, Ok(())).await;
    expect(
        leases,
        &lease("s2", "voice", "ada"),
        caps,
        Err(LeaseRefusal::Subject),
    )
    .await;
    expect(leases, &lease("s3", "tts", "ada"), caps, Ok(())).await;
    expect(leases, &lease("s4", "voice", "bob"), caps, Ok(())).await;
    expect(
        leases,
        &lease("s5", "voice", "eve"),
        caps,
        Err(LeaseRefusal::Route),
    )
    .await;
    expect(leases, &lease("s6", "tts", "eve"), caps, Ok(())).await;
    expect(
        leases,
        &lease("s7", "chat", "eve"),
        caps,
        Err(LeaseRefusal::Server),
    )
    .await;
    expect(leases, &lease("s8", "voice", "ada"), UNLIMITED, Ok(())).await;
    leases.release(&lease("s8", "voice", "ada"));

    leases.release(&ada);
    leases.release(&ada);
    leases.release(&lease("s7", "chat", "eve"));
    expect(leases, &lease("s9", "voice", "ada"), caps, Ok(())).await;
    let again = lease("s10", "voice", "ada");
    expect(leases, &again, caps, Err(LeaseRefusal::Server)).await;
}

/// Of many who ask at once, exactly the cap's number have a lease.
pub async fn leases_race(leases: Arc<dyn SessionLeases>) {
    let caps = LeaseCaps {
        subject: Some(5),
        ..UNLIMITED
    };
    for round in 0..20 {
        let mut racers = JoinSet::new();
        for racer in 0..32 {
            let leases = Arc::clone(&leases);
            racers.spawn(async move {
                let lease = lease(&format!("s-{round}-{racer}"), "voice", "ada");
                let granted = leases.acquire(&lease, caps).await.unwrap().is_ok();
                granted.then_some(lease)
            });
        }
        let held: Vec<Lease> = racers.join_all().await.into_iter().flatten().collect();
        assert_eq!(held.len(), 5, "round {round}");
        held.iter().for_each(|lease| leases.release(lease));
    }
}

async fn expect(
    leases: &dyn SessionLeases,
    lease: &Lease,
    caps: LeaseCaps,
    verdict: Result<(), LeaseRefusal>,
) {
    for _ in 0..2 {
        let room = leases.room(lease, caps).await.unwrap();
        assert_eq!(room, verdict, "asking takes nothing: {lease:?}");
    }
    let granted = leases.acquire(lease, caps).await.unwrap();
    assert_eq!(granted, verdict, "{lease:?}");
}

fn lease(session: &str, route: &str, subject: &str) -> Lease {
    Lease {
        session: SessionId::parse(session).unwrap(),
        route: RouteName::parse(route).unwrap(),
        subject: Subject::parse(subject).unwrap(),
    }
}
