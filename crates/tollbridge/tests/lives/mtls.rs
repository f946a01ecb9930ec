//! Callers by certificate: the real binary's listener, clients with certificates of all kinds.

use std::io;

use rcgen::{CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tollbridge_testkit::{Authority, Identity, TlsClient, Upstream, get};

use crate::house::{CREDENTIAL, House, ORIGIN, builder, config, route, until};

mod changes;
mod refusals;

/// The name in the server's certificate. Nobody asks a name server for it.
const NAME: &str = "voice.example.com";

/// The name in a client's.
const DEVICE: &str = "sensor-7.example.com";

/// A server that asks clients for a certificate, and who vouches for them.
struct Guarded {
    house: House,
    upstream: Upstream,
    servers: Authority,
    clients: Authority,
}

/// An answer: its status, and its body where that is JSON.
type Answer = (u16, Value);

impl Guarded {
    /// Callers of type `mtls` by all three names, beside one by API key.
    async fn new() -> Self {
        Self::with("client_ca = \"file:clients.pem\"").await
    }

    async fn with(client_ca: &str) -> Self {
        let upstream = Upstream::echo("x-api-key", CREDENTIAL).await;
        let (servers, clients) = (Authority::new(), Authority::new());
        let identity = servers.identity(NAME);
        let builder = builder(&[])
            .config(written(&upstream, client_ca))
            .file("cert.pem", &identity.pem)
            .file("key.pem", &identity.key_pem)
            .file("clients.pem", clients.pem());
        Self {
            house: House::of(builder).await,
            upstream,
            servers,
            clients,
        }
    }

    /// A client without a certificate.
    fn stranger(&self) -> TlsClient {
        TlsClient::trusting(&self.servers.pem(), NAME)
    }

    /// A client that shows this.
    fn client(&self, identity: &Identity) -> TlsClient {
        self.stranger().showing(identity)
    }

    /// A client with a good certificate.
    fn device(&self) -> TlsClient {
        self.client(&self.clients.signed(device()))
    }

    async fn connect(&self, client: &TlsClient) -> io::Result<impl AsyncRead + AsyncWrite + Unpin> {
        client.connect(self.house.server.public()).await
    }

    /// Mints on a connection of its own; an error where that does not stand.
    async fn mint(&self, client: &TlsClient, headers: &[(&str, &str)]) -> io::Result<Answer> {
        mint_on(&mut self.connect(client).await?, headers, "close").await
    }

    /// Waits until the metrics have this line.
    async fn measures(&self, line: &str) {
        until(async || {
            let metrics = get(self.house.server.admin(), "/metrics", &[]).await;
            metrics.text().lines().any(|it| it == line).then_some(())
        })
        .await;
    }
}

fn written(upstream: &Upstream, client_ca: &str) -> String {
    let tls = format!(
        "[server]\ntls.cert = \"file:cert.pem\"\ntls.key = \"file:key.pem\"\n{}\n",
        client_ca.replace("client_ca", "tls.client_ca")
    );
    let callers = "[callers.devices]\ntype = \"mtls\"\nsubject = \"san:dns\"\n\
                   [callers.services]\ntype = \"mtls\"\nsubject = \"san:uri\"\n\n";
    let listed = route("echo", upstream, "")
        .replace("[\"backend\"]", "[\"backend\", \"devices\", \"services\"]");
    let text = config(&[callers.to_owned(), listed]);
    text.replacen("[server]\n", &tls, 1)
}

/// What a good certificate says.
fn device() -> CertificateParams {
    named(DEVICE)
}

/// A client's certificate with this host name.
fn named(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// One mint on this connection.
async fn mint_on(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    headers: &[(&str, &str)],
    connection: &str,
) -> io::Result<Answer> {
    let body = json!({ "route": "echo" }).to_string();
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: {NAME}\r\nConnection: {connection}\r\n{lines}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    answer(stream).await
}

/// One answer, whose length is told.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

#[tokio::test]
async fn a_certificate_mints_and_its_token_connects() {
    let guarded = Guarded::new().await;
    let between = guarded.clients.intermediate();
    let yesterday = TlsClient::of_yesterday(&guarded.servers.pem(), NAME);
    let identity = guarded.clients.signed(device());
    for client in [
        guarded.client(&identity),
        guarded.client(&between.signed(device())),
        yesterday.clone().showing(&identity),
        yesterday.showing(&between.intermediate().signed(device())),
    ] {
        let (status, minted) = guarded.mint(&client, &[]).await.unwrap();
        assert_eq!(status, 201, "{minted}");
        assert_eq!(minted["subject"], DEVICE);
        let tunnel = client.tunnel(guarded.house.server.public()).await;
        let handshake = crate::house::at("echo", minted["token"].as_str().unwrap());
        let ws = tollbridge_testkit::RawWs::connect(tunnel.address(), handshake).await;
        ws.unwrap().close(1000).await;
        guarded.house.empty().await;
    }
    let checks = "tollbridge_caller_checks_total{caller=\"devices\",outcome=\"accepted\"} 4";
    guarded.measures(checks).await;
    assert_eq!(guarded.upstream.dials().len(), 4);
}

/// One certificate names one of several kinds of callers; each finds its own.
#[tokio::test]
async fn a_certificate_that_one_caller_cannot_name_is_the_next_ones() {
    let guarded = Guarded::new().await;
    let mut params = named(DEVICE);
    let uri = "spiffe://example.com/voice";
    params.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    let client = guarded.client(&guarded.clients.signed(params));
    let (status, minted) = guarded.mint(&client, &[]).await.unwrap();
    assert_eq!((status, &minted["subject"]), (201, &json!(uri)), "{minted}");
}

/// Bearers, browsers and API keys come to the same port.
#[tokio::test]
async fn nobody_needs_a_certificate() {
    let guarded = Guarded::new().await;
    let key = guarded.house.api_key("minting", "mint").await;
    let bearer = format!("Bearer {key}");
    let credential = [("authorization", bearer.as_str())];
    let minted = guarded.mint(&guarded.stranger(), &credential).await;
    let (status, minted) = minted.unwrap();
    assert_eq!((status, &minted["subject"]), (201, &json!("minting")));
    let refused = guarded.mint(&guarded.stranger(), &[]).await.unwrap();
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (401, &json!("unauthorized"))
    );
}

/// What somebody puts into a request says more than what is there with every request.
#[tokio::test]
async fn an_api_key_decides_before_a_certificate() {
    let guarded = Guarded::new().await;
    let key = guarded.house.api_key("minting", "mint").await;
    let good = format!("Bearer {key}");
    let (status, minted) = guarded
        .mint(&guarded.device(), &[("authorization", &good)])
        .await
        .unwrap();
    assert_eq!((status, &minted["subject"]), (201, &json!("minting")));
    let forged = format!("{good}x");
    let refused = guarded
        .mint(&guarded.device(), &[("authorization", &forged)])
        .await;
    assert_eq!(refused.unwrap().0, 401);
}

/// A browser shows its certificate whichever page asks.
#[tokio::test]
async fn a_foreign_page_does_not_mint_in_its_visitors_name() {
    let guarded = Guarded::new().await;
    for (origin, status) in [
        (ORIGIN, 201),
        ("https://evil.example", 403),
        ("null", 403),
        ("https://app.example.com.evil.example", 403),
    ] {
        let device = guarded.device();
        let told = guarded.mint(&device, &[("origin", origin)]).await.unwrap();
        assert_eq!(told.0, status, "{origin}: {told:?}");
    }
}
