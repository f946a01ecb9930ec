//! Who may say who somebody is.

use tollbridge_authn::{Rejection, Verdict};
use tollbridge_callers::TrustedHeader;
use tollbridge_testkit::ManualClock;

use crate::{NOW, Shown, judge, name, rejected, shown, subject};

const HEADER: &str = "x-auth-request-user";

fn caller(proxies: &[&str]) -> TrustedHeader {
    TrustedHeader {
        name: name("proxy"),
        header: HEADER.to_owned(),
        groups: None,
        proxies: proxies.iter().map(|block| block.parse().unwrap()).collect(),
    }
}

fn from(socket: &str, headers: &[(&str, &str)]) -> Shown {
    Shown {
        socket: socket.parse().unwrap(),
        ..shown(headers)
    }
}

async fn judged(proxies: &[&str], who: &Shown) -> Verdict {
    judge(&caller(proxies), &ManualClock::at(NOW), who).await
}

#[actix_rt::test]
async fn a_trusted_proxy_says_who_it_is() {
    for (proxy, header, value) in [
        ("10.1.2.3", HEADER, "ada"),
        ("::ffff:10.1.2.3", "X-Auth-Request-User", "ada"),
        ("10.1.2.3", "X-AUTH-REQUEST-USER", " ada "),
    ] {
        let verdict = judged(&["10.0.0.0/8"], &from(proxy, &[(header, value)])).await;
        assert_eq!(subject(&verdict), "ada");
    }
    let verdict = judged(&["fd00::/8"], &from("fd00::1", &[(HEADER, "Zoë")])).await;
    assert_eq!(subject(&verdict), "Zoë");
}

#[actix_rt::test]
async fn without_the_header_it_is_somebody_elses_request() {
    for socket in ["10.1.2.3", "203.0.113.9"] {
        let verdict = judged(&["10.0.0.0/8"], &from(socket, &[("x-user", "ada")])).await;
        assert_eq!(verdict, Verdict::Absent);
    }
}

#[actix_rt::test]
async fn from_anybody_else_the_header_is_refused_and_not_passed_over() {
    let forged: &[&[(&str, &str)]] = &[
        &[(HEADER, "root")],
        &[(HEADER, "")],
        &[(HEADER, "root"), ("x-forwarded-for", "10.1.2.3")],
        &[(HEADER, "root"), ("x-forwarded-for", "10.1.2.3, 10.1.2.4")],
        &[(HEADER, "root"), ("x-real-ip", "10.1.2.3")],
        &[(HEADER, "root"), ("forwarded", "for=10.1.2.3;by=10.1.2.3")],
        &[(HEADER, "root"), ("via", "1.1 10.1.2.3")],
        &[(HEADER, "root"), ("authorization", "Bearer tbk_x")],
    ];
    for socket in [
        "203.0.113.9",
        "11.0.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:203.0.113.9",
        "0.0.0.0",
    ] {
        for headers in forged {
            let verdict = judged(&["10.0.0.0/8"], &from(socket, headers)).await;
            let untrusted = rejected(Rejection::UntrustedPeer);
            assert_eq!(verdict, untrusted, "{socket}: {headers:?}");
        }
    }
}

/// The client's address is inside the trusted network, and whoever holds the socket is not.
#[actix_rt::test]
async fn what_a_header_says_of_the_peer_does_not_count() {
    let who = Shown {
        peer: "10.1.2.3".parse().unwrap(),
        ..from("203.0.113.9", &[(HEADER, "root")])
    };
    let verdict = judged(&["10.0.0.0/8"], &who).await;
    assert_eq!(verdict, rejected(Rejection::UntrustedPeer));
}

#[actix_rt::test]
async fn without_proxies_nobody_is_believed() {
    for socket in ["10.1.2.3", "127.0.0.1", "::1"] {
        let verdict = judged(&[], &from(socket, &[(HEADER, "ada")])).await;
        assert_eq!(verdict, rejected(Rejection::UntrustedPeer));
    }
}

/// A proxy that appends its own header to that of its client has not decided who it is.
#[actix_rt::test]
async fn a_repeated_header_is_nobodys() {
    for second in [HEADER, "X-Auth-Request-User"] {
        let who = from("10.1.2.3", &[(HEADER, "root"), (second, "ada")]);
        let verdict = judged(&["10.0.0.0/8"], &who).await;
        assert_eq!(verdict, rejected(Rejection::Ambiguous));
    }
}

#[actix_rt::test]
async fn a_value_that_can_be_no_subject_is_refused() {
    let long = "x".repeat(257);
    for value in ["", " ", "a\tb", "a\u{200b}b", &long] {
        let verdict = judged(&["10.0.0.0/8"], &from("10.1.2.3", &[(HEADER, value)])).await;
        assert_eq!(verdict, rejected(Rejection::NoSubject), "{value:?}");
    }
    let mut who = from("10.1.2.3", &[]);
    who.headers.push((HEADER.to_owned(), vec![0xff, 0xfe]));
    let verdict = judged(&["10.0.0.0/8"], &who).await;
    assert_eq!(verdict, rejected(Rejection::NoSubject));
}

const GROUPS: &str = "x-auth-request-groups";

async fn grouped(headers: &[(&str, &str)]) -> Verdict {
    let caller = TrustedHeader {
        groups: Some(GROUPS.to_owned()),
        ..caller(&["10.0.0.0/8"])
    };
    judge(&caller, &ManualClock::at(NOW), &from("10.1.2.3", headers)).await
}

#[actix_rt::test]
async fn groups_become_a_claim_that_is_a_list() {
    for (said, groups) in [
        (Some("staff"), &["staff"][..]),
        (Some("staff,doctors"), &["staff", "doctors"]),
        (Some(" staff , two words ,, "), &["staff", "two words"]),
        (Some(""), &[]),
        (None, &[]),
    ] {
        let mut headers = vec![(HEADER, "ada")];
        headers.extend(said.map(|said| (GROUPS, said)));
        let verdict = grouped(&headers).await;
        let Verdict::Accepted(caller, _) = &verdict else {
            panic!("{said:?}: {verdict:?}");
        };
        let claims = caller.claims.as_ref().unwrap();
        let claim = claims.get("groups").unwrap();
        assert_eq!(*claim, serde_json::json!(groups), "{said:?}");
    }
    let ungrouped = from("10.1.2.3", &[(HEADER, "ada"), (GROUPS, "staff")]);
    let verdict = judged(&["10.0.0.0/8"], &ungrouped).await;
    assert!(
        matches!(verdict, Verdict::Accepted(caller, _) if caller.claims.is_none()),
        "groups that are not configured are no claim"
    );
}

#[actix_rt::test]
async fn groups_make_nobody_of_themselves_and_come_once() {
    assert_eq!(grouped(&[(GROUPS, "staff")]).await, Verdict::Absent);
    let twice = [
        (HEADER, "ada"),
        (GROUPS, "admin"),
        ("X-Auth-Request-Groups", "staff"),
    ];
    assert_eq!(grouped(&twice).await, rejected(Rejection::Ambiguous));
    let caller = TrustedHeader {
        groups: Some(GROUPS.to_owned()),
        ..caller(&["10.0.0.0/8"])
    };
    let stranger = from("203.0.113.9", &[(HEADER, "ada"), (GROUPS, "admin")]);
    let verdict = judge(&caller, &ManualClock::at(NOW), &stranger).await;
    assert_eq!(verdict, rejected(Rejection::UntrustedPeer));
    let mut bytes = from("10.1.2.3", &[(HEADER, "ada")]);
    bytes.headers.push((GROUPS.to_owned(), vec![0xff]));
    let verdict = judge(&caller, &ManualClock::at(NOW), &bytes).await;
    assert_eq!(verdict, rejected(Rejection::Malformed));
}
