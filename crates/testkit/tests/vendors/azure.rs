//! Both of Azure's services.

use serde_json::json;
use tollbridge_testkit::{
    EntraStandIn, Handshake, Upstream, http_unjudged,
    vendors::{AzureOpenAiRealtime, AzureVoiceLive},
};

use crate::{Talk, dial};

const PREVIEW: &str = "/openai/realtime?api-version=2025-04-01-preview&deployment=d";
const AGENT: &str = "/voice-live/realtime?api-version=2026-04-10&agent-name=a";

async fn refused(upstream: &Upstream, target: &str, headers: &[(&str, &str)]) -> u16 {
    let handshake = headers
        .iter()
        .fold(Handshake::to(target), |it, (name, value)| {
            it.header(name, value)
        });
    let answer = http_unjudged(upstream.addr(), handshake.encode(upstream.addr())).await;
    assert!(answer.header("apim-request-id").is_some());
    assert!(answer.json()["error"]["code"].is_string());
    answer.status
}

#[tokio::test]
async fn the_general_path_has_no_version_and_the_preview_has() {
    let upstream = Upstream::behaving(AzureOpenAiRealtime::keyed("key")).await;
    for (target, status) in [
        ("/openai/v1/realtime?model=m&api-version=2025-10-01", 401),
        ("/openai/v1/realtime", 400),
        ("/openai/realtime?deployment=d", 400),
        ("/openai/realtime?api-version=2025-04-01-preview", 400),
        ("/v1/realtime?model=m", 404),
    ] {
        let answer = refused(&upstream, target, &[("api-key", "key")]).await;
        assert_eq!(answer, status, "{target}");
    }
}

#[tokio::test]
async fn the_preview_speaks_the_events_of_its_time() {
    let mut talk = Talk::at(AzureOpenAiRealtime::keyed("key"), PREVIEW).await;
    assert_eq!(talk.hear().await["session"]["model"], "d");
    talk.say(json!({"type": "response.create"})).await;
    let types = talk.types_until("response.done").await;
    assert!(types.iter().any(|it| it == "response.audio.delta"));
    assert!(types.iter().any(|it| it == "conversation.item.created"));
}

#[tokio::test]
async fn a_key_or_a_token_and_not_both() {
    let entra = EntraStandIn::start("id", "secret", &["scope"]).await;
    let vendor = AzureVoiceLive::keyed("key").or_token("token");
    let upstream = Upstream::behaving(vendor).await;
    let target = "/voice-live/realtime?api-version=2026-04-10&model=m";
    let key = ("api-key", "key");
    let token = ("Authorization", "Bearer token");
    for headers in [
        &[][..],
        &[key, token],
        &[key, key],
        &[token, token],
        &[("Authorization", "Bearer key")],
        &[("Authorization", "token")],
    ] {
        assert_eq!(
            refused(&upstream, target, headers).await,
            401,
            "{headers:?}"
        );
    }
    for (name, value) in [key, token] {
        let tried = Handshake::to(target)
            .header(name, value)
            .keeps("apim-request-id");
        assert!(dial(&upstream, tried).await.is_ok(), "{name}");
    }
    let upstream = Upstream::behaving(AzureVoiceLive::entra(entra.tokens())).await;
    assert_eq!(
        refused(&upstream, target, &[token]).await,
        401,
        "never issued"
    );
}

#[tokio::test]
async fn an_agent_comes_with_its_project_and_without_a_model() {
    let upstream = Upstream::behaving(AzureVoiceLive::keyed("key")).await;
    for target in [
        AGENT.to_owned(),
        format!("{AGENT}&agent-project-name=p&model=m"),
        "/voice-live/realtime?agent-name=a&agent-project-name=p".to_owned(),
    ] {
        let answer = refused(&upstream, &target, &[("api-key", "key")]).await;
        assert_eq!(answer, 400, "{target}");
    }
    let target = format!("{AGENT}&agent-project-name=p");
    let mut talk = Talk::at(AzureVoiceLive::keyed("key"), &target).await;
    assert_eq!(talk.hear().await["type"], "session.created");
}
