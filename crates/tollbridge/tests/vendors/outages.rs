//! A token endpoint that is slow, down, throttling or lying.

use std::{future::Future, time::Duration};

use tokio::time::{sleep, timeout};
use tollbridge_testkit::{EntraMood, EntraStandIn, Lie, vendors::CLIENT_SECRET};

use crate::{
    renewal::{between, entra, lines, plan, visit, voice_live},
    stage::{House, PATIENCE, knock, leave},
};

/// The source is left alone for a second after a failure; there is no event to wait for.
async fn recovered<F: Future<Output = bool>>(mut ask: impl FnMut() -> F) {
    let asking = async {
        while !ask().await {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, asking).await.expect("it recovers");
}

/// Whether a session opens.
async fn opens(house: &House) -> bool {
    let token = house.mint("voice").await;
    match house.try_open(knock("voice", &token)).await {
        Ok(ws) => !leave(ws).await.is_empty(),
        Err(_refused) => false,
    }
}

/// What the bearer is told, that its use comes back, and that all is well again by itself.
async fn trouble(mood: EntraMood, verdict: (u16, &str), close: u16) {
    let entra = entra().await;
    let upstream = voice_live(entra.tokens()).await;
    let more = "limits.connect_timeout = \"1s\"\n";
    let lines = format!("{}{more}", lines(&entra, &upstream));
    let house = plan().route("voice", &lines).start().await;
    entra.behave(mood.clone());
    let (program, page) = (house.mint("voice").await, house.mint("voice").await);
    let told = house.verdict(knock("voice", &program)).await;
    assert_eq!((told.0, told.1.as_str()), verdict, "{mood:?}");
    let told = house.told(knock("voice", &page)).await;
    assert_eq!((told.0, told.1.as_str()), (close, verdict.1), "{mood:?}");
    assert_eq!(upstream.connections(), 0, "{mood:?}");
    let failed = house.logged("credential.failed", |line| line["code"] == verdict.1);
    assert_eq!(failed.await["route"], "voice");
    entra.behave(EntraMood::Honest);
    recovered(|| opens(&house)).await;
    for token in [program, page] {
        leave(house.open(knock("voice", &token)).await).await;
    }
    house.end().await;
}

#[tokio::test]
async fn a_slow_endpoint_is_waited_for_as_long_as_the_upstream_would_be() {
    trouble(EntraMood::Held, (504, "upstream_timeout"), 1013).await;
}

#[tokio::test]
async fn an_endpoint_that_is_down_costs_nobody_a_use() {
    trouble(EntraMood::Down, (502, "upstream_unavailable"), 1013).await;
    trouble(EntraMood::Broken, (502, "upstream_unavailable"), 1013).await;
}

#[tokio::test]
async fn an_endpoint_that_throttles_is_told_as_such() {
    let mood = EntraMood::Throttling(1);
    trouble(mood, (429, "upstream_rate_limited"), 1013).await;
}

#[tokio::test]
async fn a_secret_that_has_expired_is_told_as_such() {
    trouble(EntraMood::SecretExpired, (502, "upstream_refused"), 1014).await;
}

/// Slower than usual is not too slow.
#[tokio::test]
async fn an_endpoint_that_takes_its_time_is_used() {
    let entra = entra().await;
    entra.behave(EntraMood::Slow(Duration::from_millis(300)));
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    visit(&house).await;
    house.end().await;
}

/// Those who come during an outage do not add to it.
#[tokio::test]
async fn many_who_come_during_an_outage_cause_few_requests() {
    const MANY: usize = 60;
    let entra = entra().await;
    entra.behave(EntraMood::Down);
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    let tokens = house.tokens("voice", MANY).await;
    assert_eq!(tokens.len(), MANY);
    for token in &tokens {
        let told = house.verdict(knock("voice", token)).await;
        assert_eq!(told, (502, "upstream_unavailable".to_owned()));
    }
    // After 0, 1, 3, 7, 15, 31 and 61 seconds.
    assert!(entra.requests() <= 7, "{}", entra.requests());
    assert_eq!(upstream.connections(), 0);
    house.end().await;
}

/// While the old token lasts, an outage is nobody's business but the log's.
#[tokio::test]
async fn an_outage_while_the_old_token_lasts_is_seen_by_nobody() {
    let entra = entra().await;
    entra.expires_in(10);
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    visit(&house).await;
    entra.behave(EntraMood::Down);
    // Nor does a reload forget it.
    let reloaded = house.server.cli(&["reload"]).await;
    assert!(reloaded.status.success(), "{reloaded:?}");
    // Due after eight seconds of ten.
    recovered(async || {
        visit(&house).await;
        entra.requests() > 1
    })
    .await;
    entra.behave(EntraMood::Honest);
    recovered(|| opens(&house)).await;
    recovered(async || {
        visit(&house).await;
        entra.requests() > 2
    })
    .await;
    let dials = upstream.dials();
    assert!(dials.iter().all(|dial| dial.answered == Some(101)));
    house.end().await;
}

/// A route for each lie, told by an endpoint of its own.
async fn lied(lies: &[Lie]) -> (House, Vec<(EntraStandIn, tollbridge_testkit::Upstream)>) {
    let mut plan = plan();
    let mut ends = Vec::new();
    for (number, lie) in lies.iter().enumerate() {
        let entra = entra().await;
        entra.behave(EntraMood::Lying(*lie));
        let upstream = voice_live(entra.tokens()).await;
        plan = plan.route(&format!("lie{number}"), &lines(&entra, &upstream));
        ends.push((entra, upstream));
    }
    (plan.start().await, ends)
}

#[tokio::test]
async fn a_lie_is_not_believed_and_not_repeated() {
    const LIES: [Lie; 6] = [
        Lie::NotJson,
        Lie::NoToken,
        Lie::EmptyToken,
        Lie::TokenWithLineEnd,
        Lie::OtherType,
        Lie::Endless,
    ];
    let (house, ends) = lied(&LIES).await;
    for (number, (lie, (_, upstream))) in LIES.iter().zip(&ends).enumerate() {
        let route = format!("lie{number}");
        let token = house.mint(&route).await;
        let told = house.verdict(knock(&route, &token)).await;
        assert_eq!(told, (502, "upstream_refused".to_owned()), "{lie:?}");
        assert_eq!(upstream.connections(), 0, "{lie:?}");
        // No handshake of it was seen by anybody.
        let page = house.told(knock(&route, &token)).await;
        assert_eq!(page, (1014, "upstream_refused".to_owned()), "{lie:?}");
    }
    house.discreet("the log", &house.printed());
    assert!(!house.printed().contains(CLIENT_SECRET));
    house.end().await;
}

#[tokio::test]
async fn an_odd_life_is_no_lie() {
    const ODD: [Lie; 3] = [Lie::ExpiredAlready, Lie::TextLife, Lie::NegativeLife];
    let (house, ends) = lied(&ODD).await;
    for (number, (_, upstream)) in ends.iter().enumerate() {
        leave(house.enter(&format!("lie{number}")).await).await;
        assert_eq!(upstream.dials()[0].answered, Some(101));
    }
    house.end().await;
}
