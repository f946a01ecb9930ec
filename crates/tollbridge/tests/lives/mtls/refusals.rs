//! Certificates that let nobody in: in the handshake, or at the mint.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, SanType,
    date_time_ymd,
};
use serde_json::json;
use tollbridge_testkit::{Authority, Identity, TlsClient, http};

use super::{DEVICE, Guarded, NAME, device, named};
use crate::house::{House, builder, config, route};

fn changed(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = device();
    change(&mut params);
    params
}

/// No authority of ours vouches for it, or not for this, or not now: the connection does not stand.
#[tokio::test]
async fn what_no_authority_vouches_for_ends_the_handshake() {
    let guarded = Guarded::new().await;
    let ours = &guarded.clients;
    let foreign = Authority::new();
    let mut orphan = ours.intermediate().signed(device());
    let own = orphan.pem.find("-----END").unwrap();
    let end = own + orphan.pem[own..].find('\n').unwrap();
    orphan.pem.truncate(end + 1);
    let mut thief = ours.signed(device());
    thief.pem = ours.signed(device()).pem;
    let refused: Vec<(&str, Identity)> = vec![
        ("another authority", foreign.signed(device())),
        (
            "a chain to another one",
            foreign.intermediate().signed(device()),
        ),
        ("itself", Identity::self_signed(DEVICE)),
        ("the servers' authority", guarded.servers.signed(device())),
        (
            "expired",
            ours.signed(changed(|it| it.not_after = date_time_ymd(2020, 1, 1))),
        ),
        (
            "not yet valid",
            ours.signed(changed(|it| it.not_before = date_time_ymd(3000, 1, 1))),
        ),
        (
            "for servers only",
            ours.signed(changed(|it| {
                it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            })),
        ),
        (
            "an authority's own",
            ours.signed(changed(|it| {
                it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)
            })),
        ),
        ("without what leads to ours", orphan),
        ("with another one's key", thief),
    ];
    let count = refused.len();
    for (what, identity) in refused {
        let yesterday = TlsClient::of_yesterday(&guarded.servers.pem(), NAME);
        for client in [guarded.client(&identity), yesterday.showing(&identity)] {
            let told = guarded.mint(&client, &[]).await;
            assert!(told.is_err(), "{what}: {told:?}");
        }
    }
    let line = "tollbridge_tls_handshake_failures_total{reason=\"client_certificate\"}";
    guarded.measures(&format!("{line} {}", 2 * count)).await;
    let (status, _) = guarded.mint(&guarded.device(), &[]).await.unwrap();
    assert_eq!(status, 201, "nobody else noticed");
}

/// The connection stands; there is nobody to mint for.
#[tokio::test]
async fn what_names_nobody_or_two_does_not_mint() {
    let guarded = Guarded::new().await;
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let with = |names: Vec<SanType>| changed(|it| it.subject_alt_names = names);
    let only_common_name = changed(|it| {
        it.subject_alt_names.clear();
        it.distinguished_name.push(DnType::CommonName, DEVICE);
    });
    for (reason, params) in [
        ("nameless", only_common_name),
        ("nameless", with(vec![])),
        (
            "ambiguous",
            with(vec![dns(DEVICE), dns("sensor-8.example.com")]),
        ),
        (
            "ambiguous",
            with(vec![uri("spiffe://a/b"), uri("spiffe://a/c")]),
        ),
        ("no_subject", with(vec![dns("*.example.com")])),
        (
            "no_subject",
            with(vec![dns("a.example.com\0.evil.example")]),
        ),
        ("no_subject", with(vec![uri("spiffe://a/b\r\nx: y")])),
    ] {
        let client = guarded.client(&guarded.clients.signed(params));
        let (status, body) = guarded.mint(&client, &[]).await.unwrap();
        assert_eq!((status, &body["code"]), (401, &json!("unauthorized")));
        assert!(!body.to_string().contains(reason), "a stranger is not told");
        let is_it = |event: &serde_json::Value| event["reason"] == reason;
        guarded.house.logged("token.denied", is_it).await;
    }
    assert!(guarded.upstream.dials().is_empty());
}

/// A proxy that ends TLS in front would write these. No header is a certificate.
#[tokio::test]
async fn a_header_is_no_certificate() {
    let guarded = Guarded::new().await;
    let pem = guarded.clients.signed(device()).pem.replace('\n', "%0A");
    let quoted = format!("Cert=\"{pem}\";Subject=\"CN={DEVICE}\";DNS={DEVICE}");
    let headers = [
        ("X-SSL-Client-Cert", pem.as_str()),
        ("X-Forwarded-Client-Cert", &quoted),
        ("X-Forwarded-Tls-Client-Cert", &pem),
        ("SSL-Client-S-DN", "CN=sensor-7.example.com"),
        ("Client-Cert", ":MIIB:"),
    ];
    for header in headers {
        let stranger = guarded.stranger();
        let (status, _) = guarded.mint(&stranger, &[header]).await.unwrap();
        assert_eq!(status, 401, "{}", header.0);
        // Nor does it take the place of the one that was shown.
        let other = guarded.clients.signed(named("sensor-9.example.com"));
        let minted = guarded.mint(&guarded.client(&other), &[header]).await;
        assert_eq!(minted.unwrap().1["subject"], "sensor-9.example.com");
    }
    // Over a plain connection, from a peer whose `X-Forwarded-For` is believed.
    let text = config(&[route("echo", &guarded.upstream, "")]);
    let text = text.replace(
        "[server]\n",
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n",
    );
    let plain = House::of(builder(&[]).config(text)).await;
    for (name, value) in headers {
        let request = format!(
            "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{name}: {value}\r\n\
             Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{{\"route\":\"echo\"}}"
        );
        assert_eq!(http(plain.server.public(), request).await.status, 401);
    }
}

/// `check` and the start say what is missing.
#[tokio::test]
async fn a_caller_without_authorities_is_a_mistake() {
    let guarded = Guarded::new().await;
    let written = super::written(&guarded.upstream, "");
    guarded.house.server.rewrite_config(&written);
    let checked = guarded.house.server.cli(&["check"]).await;
    let said = crate::house::stdout(&checked);
    assert_eq!(checked.status.code(), Some(3), "{said}");
    assert!(said.contains("callers.devices.type"), "{said}");
    assert!(said.contains("server.tls.client_ca"), "{said}");
}
