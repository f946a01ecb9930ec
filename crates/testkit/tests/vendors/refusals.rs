//! Handshakes, each wrong in one way, to all vendors.

use tollbridge_testkit::{
    EntraStandIn, Handshake, Upstream, Wants, http_unjudged, vendors::catalogue,
};

use crate::{dial, handshake};

/// Not by header but by first message, by signature, or by a URL that is fetched: they have tests of their own.
const OTHERWISE: &[&str] = &["elevenlabs-agents", "home-assistant", "iflytek-iat"];

async fn all() -> Vec<(&'static str, Wants, Upstream)> {
    let entra = EntraStandIn::start("client", "secret", &["scope"]).await;
    let mut all = Vec::new();
    for vendor in catalogue(&entra.tokens()) {
        let (name, wants) = (vendor.name(), vendor.wants());
        if !OTHERWISE.contains(&name) {
            all.push((name, wants, Upstream::behaving(vendor).await));
        }
    }
    all
}

async fn refused(upstream: &Upstream, handshake: &Handshake) -> u16 {
    let to = upstream.addr();
    http_unjudged(to, handshake.encode(to)).await.status
}

/// The vendor takes the dial and then says why it does not.
const REFUSES_LATER: &[&str] = &["assemblyai", "elevenlabs-stt", "soniox"];

fn no(name: &str, status: u16, case: &str) {
    let expected = match REFUSES_LATER.contains(&name) {
        true => status == 101,
        false => matches!(status, 400 | 401 | 403),
    };
    assert!(expected, "{name}: {case} is answered {status}");
}

#[tokio::test]
async fn what_is_wanted_is_welcome() {
    for (name, wants, upstream) in all().await {
        let opened = dial(&upstream, handshake(&wants.target, &wants, None));
        let ws = opened.await.unwrap();
        assert_eq!(ws.protocol(), wants.protocols.first().copied(), "{name}");
    }
}

#[tokio::test]
async fn each_header_must_be_there_once_and_right() {
    for (name, wants, upstream) in all().await {
        for (header, value) in &wants.headers {
            let without = handshake(&wants.target, &wants, Some(header));
            no(
                name,
                refused(&upstream, &without).await,
                &format!("without {header}"),
            );
            let wrong = without.clone().header(header, "Bearer wrong");
            no(
                name,
                refused(&upstream, &wrong).await,
                &format!("wrong {header}"),
            );
            let twice = without.header(header, value).header(header, value);
            no(
                name,
                refused(&upstream, &twice).await,
                &format!("{header} twice"),
            );
        }
    }
}

#[tokio::test]
async fn a_credential_anywhere_else_is_refused() {
    for (name, wants, upstream) in all().await {
        let sign = if wants.target.contains('?') { '&' } else { '?' };
        for parameter in ["token", "api-key", "key", "access_token", "authorization"] {
            let target = format!("{}{sign}{parameter}=real", wants.target);
            let brought = handshake(&target, &wants, None);
            no(name, refused(&upstream, &brought).await, parameter);
        }
        for protocol in [
            "openai-insecure-api-key.ek_1",
            "bearer.t",
            "base64url.bearer.authorization.k8s.io.dA",
            "token",
        ] {
            let mut offered = wants.protocols.to_vec();
            offered.push(protocol);
            let bare = Wants {
                protocols: &[],
                ..wants.clone()
            };
            let brought = handshake(&wants.target, &bare, None).protocols(&offered);
            no(name, refused(&upstream, &brought).await, protocol);
        }
    }
}

#[tokio::test]
async fn another_path_and_another_protocol_are_refused() {
    for (name, wants, upstream) in all().await {
        let elsewhere = handshake("/elsewhere", &wants, None);
        assert_eq!(refused(&upstream, &elsewhere).await, 404, "{name}");
        let plain = handshake(&wants.target, &wants, None).without("Upgrade");
        assert_eq!(refused(&upstream, &plain).await, 426, "{name}");
    }
}
