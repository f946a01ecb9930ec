//! Contract, section 6: every slug that can refuse a handshake, in every form it has, without
//! `Origin` and with it. What only a running session can end with is shown by `lives`.

use std::time::Duration;

use tollbridge_domain::{Form, Slug};
use tollbridge_testkit::{Event, Response};

use crate::{plan::PAGE, scenes::scene};

/// The two seconds of the contract, and as much again for a busy machine.
const GONE: Duration = Duration::from_secs(4);

macro_rules! told_in_each_form {
    ($($name:ident: $slug:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                told_in_its_forms(Slug::$slug).await;
            }
        )*

        /// No slug of the table is forgotten above.
        #[test]
        fn every_slug_that_has_an_http_form_is_told() {
            let told = [$(Slug::$slug),*];
            let missing: Vec<_> = Slug::ALL
                .iter()
                .filter(|slug| slug.form() != Form::Close && !told.contains(slug))
                .collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    };
}

told_in_each_form! {
    draining_is_told: Draining,
    overloaded_is_told: Overloaded,
    upstream_unavailable_is_told: UpstreamUnavailable,
    upstream_timeout_is_told: UpstreamTimeout,
    upstream_rate_limited_is_told: UpstreamRateLimited,
    internal_is_told: Internal,
    upstream_refused_is_told: UpstreamRefused,
    bad_request_is_told: BadRequest,
    subprotocol_not_allowed_is_told: SubprotocolNotAllowed,
    unknown_route_is_told: UnknownRoute,
    token_missing_is_told: TokenMissing,
    token_invalid_is_told: TokenInvalid,
    token_expired_is_told: TokenExpired,
    token_not_yet_valid_is_told: TokenNotYetValid,
    origin_not_allowed_is_told: OriginNotAllowed,
    route_not_allowed_is_told: RouteNotAllowed,
    token_used_is_told: TokenUsed,
    revoked_is_told: Revoked,
    concurrency_limit_is_told: ConcurrencyLimit,
    rate_limited_is_told: RateLimited,
}

async fn told_in_its_forms(slug: Slug) {
    let scene = scene(slug).await.expect("a scene");
    let stage = &scene.stage;
    let refused = stage.refused(scene.handshake()).await;
    is_told(slug, &refused);
    let from_a_page = scene.handshake().origin(PAGE);
    if slug.form() == Form::Http {
        // Strangers get the status, page or not.
        is_told(slug, &stage.refused(from_a_page).await);
    } else {
        let mut ws = stage.open(from_a_page).await;
        let (code, reason) = ws.close_parts().await.expect("a close frame");
        assert_eq!(Some(code), slug.close_code());
        assert_eq!(reason.split(';').next(), Some(&*format!("tb:{slug}")));
        assert!(reason.len() <= 123);
        // Without waiting for an answer to the close frame.
        assert_eq!(ws.recv_within(GONE).await, Some(Event::Eof));
    }
    scene.stage.end().await;
}

fn is_told(slug: Slug, refused: &Response) {
    assert_eq!(refused.status, slug.status(), "{refused:?}");
    assert_eq!(refused.code(), slug.as_str());
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert_eq!(refused.header("connection"), Some("close"));
    let names_it = |it: &str| it == refused.json()["instance"];
    assert!(refused.header("x-request-id").is_some_and(names_it));
}
