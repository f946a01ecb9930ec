//! Addresses that are signed for each dial, and checked by servers that sign them once more.

use serde_json::json;
use tollbridge_testkit::{Frame, Handshake, Upstream, vendors::IflytekIat};

use crate::{
    aws::Transcribe,
    stage::{House, Plan, heard, knock, leave, say},
};

const APP: &str = "real-app-id";
const KEY: &str = "real-iflytek-key-02";
const SECRET: &str = "real-iflytek-secret-7c";

async fn iflytek(secret: &str) -> (House, Upstream) {
    let upstream = Upstream::behaving(IflytekIat::new(APP, KEY, SECRET)).await;
    let lines = format!(
        "preset = \"iflytek-iat\"\nupstream = \"{}/v2/iat\"\n\
         query_allow = [\"date\", \"host\", \"Authorization\", \"lang\"]\n",
        upstream.url()
    );
    let plan = Plan::default().env("IFLYTEK_API_KEY", KEY);
    let plan = plan.env("IFLYTEK_API_SECRET", secret);
    (plan.route("voice", &lines).start().await, upstream)
}

#[tokio::test]
async fn an_address_of_iflyteks_is_signed_for_each_dial() {
    let (house, upstream) = iflytek(SECRET).await;
    for more in ["", "&date=x&host=evil.example&Authorization=y", "&lang=zh"] {
        let token = house.mint("voice").await;
        let mut ws = house
            .open(Handshake::to(&format!("/v2/iat?token={token}{more}")))
            .await;
        say(
            &mut ws,
            &json!({
                "common": {"app_id": APP},
                "business": {"language": "zh_cn", "domain": "iat"},
                "data": {"status": 0, "format": "audio/L16;rate=16000", "encoding": "raw", "audio": ""},
            }),
        )
        .await;
        say(&mut ws, &json!({"data": {"status": 2, "audio": ""}})).await;
        let result = heard(&mut ws).await;
        assert_eq!(
            (&result["code"], &result["data"]["status"]),
            (&json!(0), &json!(2))
        );
        leave(ws).await;
    }
    for dial in upstream.dials() {
        assert_eq!(dial.answered, Some(101));
        let names: Vec<_> = dial.query.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            !names.contains(&"token") && !names.contains(&"Authorization"),
            "{names:?}"
        );
        assert!(!dial.head.contains(SECRET) && !dial.head.contains(KEY));
    }
    house.end().await;
}

#[tokio::test]
async fn a_wrong_secret_of_iflyteks_is_told() {
    let (house, upstream) = iflytek("another-secret-of-mine").await;
    let told = house
        .verdict(knock("voice", &house.mint("voice").await))
        .await;
    assert_eq!(told, (502, "upstream_refused".to_owned()));
    assert_eq!(upstream.dials().len(), 1);
    let why = house
        .logged("upstream.failed", |line| line["status"] == 401)
        .await;
    assert!(
        why["upstream_body"].to_string().contains("does not match"),
        "{why}"
    );
    house.end().await;
}

const ID: &str = "AKIDREALCANARY000001";
const AWS_SECRET: &str = "real/aws+secret/key=canary0001";
const SESSION: &str = "real+session/token==with&odd-characters~._-";

async fn transcribe(session: Option<&'static str>, secret: &str) -> (House, Upstream) {
    let upstream = Upstream::behaving(Transcribe {
        region: "eu-central-1",
        access_key_id: ID,
        secret_access_key: AWS_SECRET,
        session_token: session,
    })
    .await;
    let mut lines = format!(
        "upstream = \"{}/stream-transcription-websocket?language-code={{language}}&media-encoding=pcm&sample-rate=16000&vocabulary-name=a%20b\"\n\
         params.language = {{ default = \"de-DE\", pattern = \"[A-Za-z-]+\" }}\n\
         query_allow = [\"X-Amz-Expires\", \"x-amz-date\", \"session-id\", \"note\"]\n\
         credentials.sigv4.region = \"eu-central-1\"\n\
         credentials.sigv4.service = \"transcribe\"\n\
         credentials.sigv4.access_key_id = \"env:AWS_ID\"\n\
         credentials.sigv4.secret_access_key = \"env:AWS_SECRET\"\n\
         credentials.sigv4.expires = \"5m\"\n",
        upstream.url()
    );
    let mut plan = Plan::default().env("AWS_ID", ID).env("AWS_SECRET", secret);
    if let Some(session) = session {
        lines.push_str("credentials.sigv4.session_token = \"env:AWS_SESSION\"\n");
        plan = plan.env("AWS_SESSION", session);
    }
    let plan = plan.level("trace,aws_sigv4=trace");
    (plan.route("voice", &lines).start().await, upstream)
}

#[tokio::test]
async fn an_address_of_awss_is_signed_for_each_dial() {
    for session in [None, Some(SESSION)] {
        let (house, upstream) = transcribe(session, AWS_SECRET).await;
        for more in [
            "",
            "&X-Amz-Expires=604800&x-amz-date=20000101T000000Z",
            "&session-id=5f1d&note=a+b%2Bc%2F%3D%26~%C3%BC",
        ] {
            let token = house.mint("voice").await;
            let path = format!("/v1/bridge/voice?token={token}{more}");
            let mut ws = house.open(Handshake::to(&path)).await;
            ws.send(Frame::binary([0, 255, 7])).await;
            assert_eq!(ws.recv_data().await.frame().payload, [0, 255, 7]);
            leave(ws).await;
        }
        let dials = upstream.dials();
        assert_eq!(dials.len(), 3);
        for dial in &dials {
            assert_eq!(dial.query_values("language-code"), ["de-DE"]);
            assert_eq!(dial.query_values("vocabulary-name"), ["a b"]);
            assert!(!dial.head.contains("canary0001"));
        }
        assert_eq!(dials[2].query_values("note"), ["a b+c/=&~\u{fc}"]);
        house.end().await;
    }
}

#[tokio::test]
async fn a_wrong_key_of_awss_is_told() {
    let (house, upstream) = transcribe(None, "real/another+secret0002").await;
    let told = house
        .verdict(knock("voice", &house.mint("voice").await))
        .await;
    assert_eq!(told, (502, "upstream_refused".to_owned()));
    assert_eq!(upstream.dials().len(), 1);
    let why = house
        .logged("upstream.failed", |line| line["status"] == 403)
        .await;
    assert!(
        why["upstream_request_id"].to_string().contains("7f3c1f0e"),
        "{why}"
    );
    house.end().await;
}
