//! Whom a certificate names. Whether it counts is judged before, in the handshake.

use rcgen::{CertificateParams, DnType, KeyPair, SanType, SerialNumber};
use serde_json::json;
use tollbridge_authn::{Rejection, Verdict};
use tollbridge_callers::{CertificateName, Mtls};
use tollbridge_testkit::ManualClock;

use crate::{NOW, Shown, judge, name, rejected, shown, subject};

use CertificateName::{CommonName, Dns, Uri};

/// A certificate with these names, as `dns:…`, `uri:…` and `cn:…`.
fn certificate(names: &[&str]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(&[0x80, 1, 0xab]));
    for name in names {
        match name.split_once(':').unwrap() {
            ("dns", name) => params
                .subject_alt_names
                .push(SanType::DnsName(name.try_into().unwrap())),
            ("uri", name) => params
                .subject_alt_names
                .push(SanType::URI(name.try_into().unwrap())),
            ("mail", name) => params
                .subject_alt_names
                .push(SanType::Rfc822Name(name.try_into().unwrap())),
            ("cn", name) => params.distinguished_name.push(DnType::CommonName, name),
            // The same under another type of the library's, which keeps one of each.
            ("cn2", name) => params
                .distinguished_name
                .push(DnType::CustomDnType(vec![2, 5, 4, 3]), name),
            _ => panic!("{name}"),
        }
    }
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

fn with(certificate: Result<Vec<u8>, Rejection>) -> Shown {
    Shown {
        certificate: Some(certificate),
        ..shown(&[])
    }
}

async fn judged(by: CertificateName, who: &Shown) -> Verdict {
    let caller = Mtls {
        name: name("devices"),
        subject: by,
    };
    judge(&caller, &ManualClock::at(NOW), who).await
}

#[actix_rt::test]
async fn the_one_name_of_the_kind_is_the_subject() {
    let long = "x".repeat(256);
    let longest = format!("cn:{long}");
    for (by, names, wanted) in [
        (
            Dns,
            &["dns:sensor-7.example.com"][..],
            "sensor-7.example.com",
        ),
        (Dns, &["dns:Sensor-7.EXAMPLE.com"], "sensor-7.example.com"),
        (
            Dns,
            &["dns:a.test", "uri:spiffe://a/b", "cn:Ada", "mail:a@b.test"],
            "a.test",
        ),
        (
            Uri,
            &["uri:spiffe://example.com/ns/voice"],
            "spiffe://example.com/ns/voice",
        ),
        (
            Uri,
            &["dns:a.test", "dns:b.test", "uri:urn:uuid:1"],
            "urn:uuid:1",
        ),
        (CommonName, &["cn:Zoë Müller"], "Zoë Müller"),
        (CommonName, &["cn:ada", "dns:a.test", "dns:b.test"], "ada"),
        (CommonName, &[&longest], &long),
    ] {
        let verdict = judged(by, &with(Ok(certificate(names)))).await;
        assert_eq!(subject(&verdict), wanted, "{names:?}");
    }
}

#[actix_rt::test]
async fn what_names_nobody_or_two_is_refused() {
    let host = format!("dns:{}.test", "a".repeat(256));
    let path = format!("uri:spiffe://a/{}", "b".repeat(256));
    let common = format!("cn:{}", "x".repeat(257));
    for (by, names, reason) in [
        // None of the kind.
        (Dns, &["cn:a.test"][..], Rejection::Nameless),
        (Dns, &["uri:https://a.test/"], Rejection::Nameless),
        (Dns, &["mail:ada@a.test"], Rejection::Nameless),
        (Dns, &[], Rejection::Nameless),
        (Uri, &["dns:a.test"], Rejection::Nameless),
        (Uri, &["cn:spiffe://a/b"], Rejection::Nameless),
        (CommonName, &["dns:a.test"], Rejection::Nameless),
        // Several.
        (Dns, &["dns:a.test", "dns:b.test"], Rejection::Ambiguous),
        (Dns, &["dns:a.test", "dns:a.test"], Rejection::Ambiguous),
        (Dns, &["dns:a.test", "dns:*.a.test"], Rejection::Ambiguous),
        (
            Uri,
            &["uri:spiffe://a/b", "uri:spiffe://a/c"],
            Rejection::Ambiguous,
        ),
        (CommonName, &["cn:ada", "cn2:root"], Rejection::Ambiguous),
        // One that can be nobody.
        (Dns, &["dns:*.a.test"], Rejection::NoSubject),
        (Dns, &["dns:*"], Rejection::NoSubject),
        (Dns, &["dns:a.*.test"], Rejection::NoSubject),
        (Dns, &["dns:"], Rejection::NoSubject),
        (Dns, &["dns:a.test."], Rejection::NoSubject),
        (Dns, &["dns:a..test"], Rejection::NoSubject),
        (Dns, &["dns:a.test\0.evil.test"], Rejection::NoSubject),
        (Dns, &["dns:a b.test"], Rejection::NoSubject),
        (Dns, &["dns:a.test\n"], Rejection::NoSubject),
        (Dns, &["dns:a@b.test"], Rejection::NoSubject),
        (Dns, &[&host], Rejection::NoSubject),
        (Uri, &["uri:"], Rejection::NoSubject),
        (Uri, &["uri:voice"], Rejection::NoSubject),
        (Uri, &["uri:spiffe://a/b\0c"], Rejection::NoSubject),
        (Uri, &["uri:spiffe://a/b c"], Rejection::NoSubject),
        (Uri, &["uri:spiffe://a/b\r\n"], Rejection::NoSubject),
        (Uri, &[&path], Rejection::NoSubject),
        (CommonName, &["cn:"], Rejection::NoSubject),
        (CommonName, &["cn:ada\0root"], Rejection::NoSubject),
        (CommonName, &["cn:ada\n"], Rejection::NoSubject),
        (CommonName, &["cn: ada"], Rejection::NoSubject),
        (CommonName, &["cn:ada\u{a0}"], Rejection::NoSubject),
        (CommonName, &["cn:ada\u{202e}"], Rejection::NoSubject),
        (CommonName, &[&common], Rejection::NoSubject),
    ] {
        let verdict = judged(by, &with(Ok(certificate(names)))).await;
        assert_eq!(verdict, rejected(reason), "{names:?}");
    }
}

#[actix_rt::test]
async fn what_is_no_certificate_names_nobody() {
    let good = certificate(&["dns:a.test"]);
    let more = [&*good, &[0]].concat();
    let less = good[..good.len() - 1].to_vec();
    for der in [more, less, Vec::new(), b"sensor".to_vec()] {
        let verdict = judged(Dns, &with(Ok(der))).await;
        assert_eq!(verdict, rejected(Rejection::Malformed));
    }
}

/// A certificate that has expired, or whose authority went, since the handshake.
#[actix_rt::test]
async fn what_no_longer_counts_is_refused_and_not_passed_over() {
    for reason in [
        Rejection::Expired,
        Rejection::NotYet,
        Rejection::UnknownAuthority,
    ] {
        assert_eq!(judged(Dns, &with(Err(reason))).await, rejected(reason));
    }
}

#[actix_rt::test]
async fn no_header_is_a_certificate() {
    for (header, value) in [
        ("x-ssl-client-cert", "-----BEGIN%20CERTIFICATE-----"),
        (
            "x-forwarded-client-cert",
            "Subject=\"CN=root\";URI=spiffe://a/root",
        ),
        ("ssl-client-s-dn", "CN=root"),
        ("x-client-cert-dn", "CN=root"),
        ("client-cert", ":MIIB:"),
    ] {
        for by in [Dns, Uri, CommonName] {
            let verdict = judged(by, &shown(&[(header, value)])).await;
            assert_eq!(verdict, Verdict::Absent, "{header}");
        }
    }
}

#[actix_rt::test]
async fn rules_may_ask_about_all_names() {
    let names = &[
        "dns:A.test",
        "uri:spiffe://a/b",
        "uri:spiffe://a/c",
        "cn:ada",
    ];
    let verdict = judged(Dns, &with(Ok(certificate(names)))).await;
    let Verdict::Accepted(caller, _) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(
        json!(caller.claims.unwrap().members()),
        json!({
            "san_dns": ["a.test"],
            "san_uri": ["spiffe://a/b", "spiffe://a/c"],
            "cn": "ada",
            "serial": "8001AB",
        })
    );
}
