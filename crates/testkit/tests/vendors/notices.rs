//! What a script is told.

use serde_json::json;
use tollbridge_testkit::{Handshake, Notices, Upstream, http_unjudged, vendors::OpenAiRealtime};

use crate::Talk;

#[tokio::test]
async fn handshakes_and_endings_are_told_by_name() {
    let talk = Talk::with(OpenAiRealtime::new("real-key")).await;
    let mut notices = Notices::of(&talk.upstream);
    let opened = notices.next().await.unwrap();
    assert_eq!(
        (&opened["event"], &opened["answered"]),
        (&json!("handshake"), &json!(101))
    );
    assert_eq!(
        (&opened["query"], &opened["refused"]),
        (&json!(["model"]), &json!(null))
    );
    let Talk { upstream, ws } = talk;
    ws.close(4_000).await;
    let ending = notices.next().await.unwrap();
    assert_eq!(
        (&ending["event"], &ending["client_close"]),
        (&json!("ending"), &json!(4_000))
    );
    let stranger = Handshake::to("/v1/realtime?model=m&api-key=real-key")
        .protocols(&["realtime", "openai-insecure-api-key.real-key"])
        .encode(upstream.addr());
    http_unjudged(upstream.addr(), stranger).await;
    let refused = notices.next().await.unwrap();
    assert_eq!(
        (&refused["dial"], &refused["refused"]),
        (&json!(1), &json!(400))
    );
    assert_eq!(refused["protocols"], json!(["realtime", "openai-i…"]));
    drop(upstream);
    for told in [opened, ending, refused] {
        assert!(!told.to_string().contains("real-key"), "{told}");
    }
}

#[tokio::test]
async fn a_forgetful_one_keeps_sums_only() {
    let upstream = Upstream::builder().forgetful().start().await;
    let ws = crate::dial(&upstream, Handshake::to("/")).await;
    let mut ws = ws.unwrap();
    ws.echo("hello").await;
    ws.close(1000).await;
    let dials = upstream.ended(1).await;
    assert_eq!((dials[0].frames.len(), dials[0].received.bytes), (0, 5));
}
