//! Entra's tokens in front of Azure Voice Live: fetched before they are needed, renewed before
//! they end, and once more where the upstream does not take them.

use futures_util::future::join_all;
use tollbridge_testkit::{
    EntraStandIn, IssuedTokens, Upstream,
    vendors::{AzureVoiceLive, CLIENT_ID, CLIENT_SECRET, SCOPE},
};

use crate::stage::{House, Plan, heard, knock, leave};

/// The stand-in for the token endpoint.
pub(crate) async fn entra() -> EntraStandIn {
    EntraStandIn::start(CLIENT_ID, CLIENT_SECRET, &[SCOPE]).await
}

/// Azure Voice Live that takes these tokens and no key.
pub(crate) async fn voice_live(tokens: IssuedTokens) -> Upstream {
    Upstream::behaving(AzureVoiceLive::entra(tokens)).await
}

/// The lines of a route from one to the other.
pub(crate) fn lines(entra: &EntraStandIn, upstream: &Upstream) -> String {
    format!(
        "preset = \"azure-voice-live\"\npaths = []\n\
         upstream = \"{}/voice-live/realtime?api-version=2025-10-01&model={{model}}\"\n\
         credentials.oauth2.token_url = \"{}\"\n\
         credentials.oauth2.client_id = \"{CLIENT_ID}\"\n\
         credentials.oauth2.client_secret = \"env:ENTRA_SECRET\"\n\
         credentials.oauth2.scope = \"{SCOPE}\"\n",
        upstream.url(),
        entra.token_url()
    )
}

/// What no log of such a route may show.
pub(crate) fn plan() -> Plan {
    let plan = Plan::default().env("ENTRA_SECRET", CLIENT_SECRET);
    plan.secret("real-entra-token")
}

/// A route `voice` from one to the other.
pub(crate) async fn between(entra: &EntraStandIn, upstream: &Upstream) -> House {
    plan().route("voice", &lines(entra, upstream)).start().await
}

/// A session that begins as the vendor's do, and ends.
pub(crate) async fn visit(house: &House) {
    let mut ws = house.enter("voice").await;
    assert_eq!(heard(&mut ws).await["type"], "session.created");
    leave(ws).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_a_token_is_renewed_before_its_end_by_one_request_at_a_time() {
    const CLIENTS: usize = 6;
    let entra = entra().await;
    entra.expires_in(5);
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    let client = async || {
        while entra.requests() < 3 {
            visit(&house).await;
        }
    };
    join_all((0..CLIENTS).map(|_| client())).await;
    assert_eq!(entra.most_in_flight(), 1);
    let dials = upstream.dials();
    assert!(dials.iter().all(|dial| dial.answered == Some(101)));
    let shown: Vec<_> = dials
        .iter()
        .map(|dial| dial.header_values("authorization").concat())
        .collect();
    for number in 1..=2 {
        let token = format!("Bearer real-entra-token-{number}");
        assert!(shown.contains(&token), "{token} was used by nobody");
    }
    assert!(
        dials
            .iter()
            .all(|dial| dial.header_values("api-key").is_empty())
    );
    house.end().await;
}

#[tokio::test]
async fn who_comes_first_waits_for_the_one_request_of_all() {
    let entra = entra().await;
    entra.behave(tollbridge_testkit::EntraMood::Held);
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    let release = async {
        entra.until_requests(1).await;
        entra.behave(tollbridge_testkit::EntraMood::Honest);
    };
    let all = join_all((0..12).map(|_| visit(&house)));
    tokio::join!(all, release);
    assert_eq!((entra.requests(), entra.most_in_flight()), (1, 1));
    assert_eq!(upstream.dials().len(), 12);
    house.end().await;
}

#[tokio::test]
async fn a_token_that_was_revoked_is_renewed_once_and_nobody_notices() {
    let entra = entra().await;
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    visit(&house).await;
    entra.revoke();
    visit(&house).await;
    let answers = |upstream: &Upstream| -> Vec<_> {
        let dials = upstream.dials();
        dials.iter().filter_map(|dial| dial.answered).collect()
    };
    assert_eq!(answers(&upstream), [101, 401, 101]);
    assert_eq!(entra.requests(), 2);
    visit(&house).await;
    assert_eq!(answers(&upstream), [101, 401, 101, 101]);
    assert_eq!(entra.requests(), 2);
    house.end().await;
}

#[tokio::test]
async fn a_crowd_with_a_revoked_token_causes_one_renewal() {
    let entra = entra().await;
    let upstream = voice_live(entra.tokens()).await;
    let house = between(&entra, &upstream).await;
    visit(&house).await;
    let open = house.enter("voice").await;
    entra.revoke();
    join_all((0..12).map(|_| visit(&house))).await;
    assert_eq!((entra.requests(), entra.most_in_flight()), (2, 1));
    // Who was in before stays.
    let frames = leave(open).await;
    assert!(frames.len() >= 2, "{frames:?}");
    house.end().await;
}

/// To a program by status, to a page by close code.
#[tokio::test]
async fn an_upstream_that_goes_on_refusing_is_dialled_twice_and_the_use_is_spent() {
    for page in [false, true] {
        let (entra, elsewhere) = (entra().await, entra().await);
        let upstream = voice_live(elsewhere.tokens()).await;
        let house = between(&entra, &upstream).await;
        let token = house.mint("voice").await;
        let told = match page {
            false => house.verdict(knock("voice", &token)).await,
            true => house.told(knock("voice", &token)).await,
        };
        let code = if page { 1014 } else { 502 };
        assert_eq!(told, (code, "upstream_refused".to_owned()));
        assert_eq!(upstream.dials().len(), 2);
        assert_eq!(entra.requests(), 2);
        let again = house.verdict(knock("voice", &token)).await;
        assert_eq!(again, (409, "token_used".to_owned()));
        assert_eq!(upstream.dials().len(), 2);
        house.end().await;
    }
}

/// An upstream that refuses everybody does not have a token fetched for each of them.
#[tokio::test]
async fn refusals_in_a_row_cause_few_renewals() {
    const REFUSALS: usize = 40;
    let (entra, elsewhere) = (entra().await, entra().await);
    let upstream = voice_live(elsewhere.tokens()).await;
    let house = between(&entra, &upstream).await;
    for token in house.tokens("voice", REFUSALS).await {
        let told = house.verdict(knock("voice", &token)).await;
        assert_eq!(told, (502, "upstream_refused".to_owned()));
    }
    // After 0, 1, 3, 7, 15 and 31 seconds, and the first.
    assert!(entra.requests() <= 7, "{}", entra.requests());
    assert!(upstream.dials().len() < REFUSALS + 7);
    house.end().await;
}
