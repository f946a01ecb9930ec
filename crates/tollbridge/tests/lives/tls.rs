//! The public listener under TLS: what works without it works with it.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tollbridge_testkit::{
    Authority, Behaviour, Event, Frame, Identity, Logs, RawWs, Response, ServerBuilder, TlsClient,
    Tunnel, Upstream, get, post_json,
};

use crate::house::{House, ORIGIN, at, builder, config, route, stdout, told_to_go, until};

mod handshakes;
mod renewals;

/// The name in the certificate. Nobody asks a name server for it.
const NAME: &str = "voice.example.com";

/// A server that speaks TLS, and a way to it for what does not.
struct Secured {
    house: House,
    upstream: Upstream,
    authority: Authority,
    identity: Identity,
    client: TlsClient,
    tunnel: Tunnel,
}

/// What the configuration says with TLS in it.
fn with_tls(upstream: &Upstream) -> String {
    let tls = "[server]\ntls = { cert = \"file:cert.pem\", key = \"file:key.pem\" }\n";
    config(&[route("echo", upstream, "")]).replacen("[server]\n", tls, 1)
}

impl Secured {
    async fn new() -> Self {
        Self::of(|builder| builder).await
    }

    async fn of(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let upstream = Upstream::behaving(Behaviour::Echo).await;
        let authority = Authority::new();
        let identity = authority.identity(NAME);
        let builder = builder(&[])
            .config(with_tls(&upstream))
            .file("cert.pem", &identity.pem)
            .file("key.pem", &identity.key_pem);
        let house = House::of(change(builder)).await;
        let client = TlsClient::trusting(&authority.pem(), NAME);
        let tunnel = client.tunnel(house.server.public()).await;
        Self {
            house,
            upstream,
            authority,
            identity,
            client,
            tunnel,
        }
    }

    async fn mint(&self) -> Value {
        let key = self.house.api_key("minting", "mint").await;
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        let ask = json!({"route": "echo"});
        let minted = post_json(self.tunnel.address(), "/v1/tokens", &headers, &ask).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.json()
    }

    async fn redeem(&self, token: &str) -> Result<RawWs, Response> {
        RawWs::connect(self.tunnel.address(), at("echo", token)).await
    }

    async fn session(&self) -> RawWs {
        let minted = self.mint().await;
        self.redeem(minted["token"].as_str().unwrap())
            .await
            .unwrap()
    }

    /// Waits until the metrics have this line.
    async fn measures(&self, line: &str) {
        until(async || {
            let metrics = get(self.house.server.admin(), "/metrics", &[]).await;
            let lines = metrics.text().to_owned();
            lines.lines().any(|it| it == line).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_works_and_its_address_says_wss() {
    let secured = Secured::new().await;
    let public = secured.house.server.public();
    let said = secured.house.server.stdout();
    assert!(said.contains(&format!("public https://{public}")), "{said}");
    let minted = secured.mint().await;
    let url = minted["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("wss://{public}/v1/bridge/echo?")),
        "{url}"
    );
    let mut ws = secured
        .redeem(minted["token"].as_str().unwrap())
        .await
        .unwrap();
    ws.echo("over TLS").await;
    for length in [1, 126, 3_200, 65_536, 300_000] {
        let sent = Frame::binary(vec![7; length]);
        ws.send(sent.clone()).await;
        assert_eq!(ws.recv_data().await, Event::Frame(sent), "{length}");
    }
    ws.close(1000).await;
    let ended = secured.house.ended("echo").await;
    assert_eq!(
        (&ended["initiator"], &ended["clean"]),
        (&json!("client"), &json!(true))
    );
}

/// What stands in one piece with the handshake is the session's first message.
#[tokio::test]
async fn what_comes_in_one_piece_with_the_upgrade_is_not_lost() {
    let secured = Secured::new().await;
    let minted = secured.mint().await;
    let early = Frame::text("early").masked([1, 2, 3, 4]).encode();
    let handshake = at("echo", minted["token"].as_str().unwrap()).early(early);
    let mut ws = RawWs::connect(secured.tunnel.address(), handshake)
        .await
        .unwrap();
    assert_eq!(ws.recv_data().await, Event::Frame(Frame::text("early")));
}

#[tokio::test]
async fn refusals_are_read() {
    let secured = Secured::new().await;
    let refused = secured.redeem("not-a-token").await.unwrap_err();
    assert_eq!(
        (refused.status, refused.code()),
        (401, "token_invalid".to_owned())
    );
    let nothing = get(secured.tunnel.address(), "/nothing", &[]).await;
    assert_eq!(nothing.status, 404);
    let minted = secured.mint().await;
    let token = minted["token"].as_str().unwrap();
    secured.redeem(token).await.unwrap().close(1000).await;
    let page = at("echo", token).origin(ORIGIN);
    let mut page = RawWs::connect(secured.tunnel.address(), page)
        .await
        .unwrap();
    told_to_go(&mut page, 4409, "token_used").await;
}

/// A client that only ends its TCP connection, or only its TLS, has ended its session.
#[tokio::test]
async fn a_client_that_goes_without_a_word_ends_its_session() {
    for says_goodbye in [false, true] {
        let secured = Secured::new().await;
        let minted = secured.mint().await;
        let to = secured.house.server.public();
        let mut stream = secured.client.connect(to).await.unwrap();
        let token = minted["token"].as_str().unwrap();
        stream
            .write_all(&at("echo", token).encode(to))
            .await
            .unwrap();
        secured.house.only_session().await;
        if says_goodbye {
            stream.shutdown().await.unwrap();
        } else {
            let (tcp, _tls) = stream.get_mut();
            tcp.shutdown().await.unwrap();
        }
        let ended = secured.house.ended("echo").await;
        assert_eq!(
            (&ended["initiator"], &ended["clean"]),
            (&json!("client"), &json!(false))
        );
        secured.house.empty().await;
    }
}

/// D01 under TLS.
#[tokio::test]
async fn a_drain_is_told() {
    let mut secured = Secured::new().await;
    let mut ws = secured.session().await;
    secured.house.server.sigterm();
    told_to_go(&mut ws, 1012, "draining").await;
    assert_eq!(secured.house.server.ended().await.code(), Some(0));
    assert_eq!(secured.upstream.ended(1).await.len(), 1);
}

#[tokio::test]
async fn commands_find_the_server_as_before() {
    let secured = Secured::new().await;
    secured.house.cli(&["healthcheck"]).await;
    let checked = secured.house.server.cli(&["check"]).await;
    assert!(checked.status.success(), "{}", stdout(&checked));
}

#[tokio::test]
async fn the_key_is_nowhere_to_be_read() {
    let secured = Secured::of(|builder| builder.env("TOLLBRIDGE__LOG__LEVEL", "trace")).await;
    secured.session().await.close(1000).await;
    secured.house.ended("echo").await;
    let line = secured.identity.key_pem.lines().nth(1).unwrap();
    let secrets = Logs::new().secret("the private key", line);
    let shown = secured.house.cli(&["config", "show"]).await;
    assert!(shown.contains("key.pem\""), "{shown}");
    secrets.assert_absent("the configuration", &shown);
    secrets.assert_absent("the log", &secured.house.server.logs());
}
