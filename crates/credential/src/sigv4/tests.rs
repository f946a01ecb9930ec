//! Against the vendor's own example, and against the algorithm done by hand.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use ring::{
    digest, hmac,
    hmac::{HMAC_SHA256, Key},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::*;

/// 2013-05-24T00:00:00Z.
const NOW: Moment = Moment::from_seconds(1_369_353_600);

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// Signs with the keys of AWS's documentation.
fn signed(url: &str, service: &str, session_token: Option<&str>, seconds: u64) -> Url {
    let session_token = session_token.map(secret);
    let signer = Signer {
        access_key_id: &secret("AKIAIOSFODNN7EXAMPLE"),
        secret_access_key: &secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        session_token: session_token.as_ref(),
        region: "us-east-1",
        service,
        expires_in: Duration::from_secs(seconds),
    };
    presign(&url.parse().unwrap(), &signer, NOW).unwrap()
}

fn parameter(url: &Url, name: &str) -> String {
    let mut values = url.query_pairs().filter(|(key, _)| key == name);
    let value = values.next().unwrap().1.into_owned();
    assert_eq!(values.next(), None, "{name} twice");
    value
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>, "An example".
#[test]
fn the_vendors_example_comes_out() {
    let url = signed(
        "https://examplebucket.s3.amazonaws.com/test.txt",
        "s3",
        None,
        86_400,
    );
    assert_eq!(
        url.as_str(),
        "https://examplebucket.s3.amazonaws.com/test.txt\
         ?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z\
         &X-Amz-Expires=86400\
         &X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

const TRANSCRIBE: &str =
    "wss://transcribestreaming.us-east-1.amazonaws.com:8443/stream-transcription-websocket";

/// The signature of Transcribe's documentation, computed step by step.
#[test]
fn a_websockets_address_comes_out_as_by_hand() {
    let query = "language-code=en-US&sample-rate=16000";
    let url = signed(
        &format!("{TRANSCRIBE}?{query}"),
        "transcribe",
        Some("to/ken+=="),
        300,
    );
    let scope = "20130524/us-east-1/transcribe/aws4_request";
    let canonical = format!(
        "GET\n/stream-transcription-websocket\n\
         X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F{}\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=300\
         &X-Amz-Security-Token=to%2Fken%2B%3D%3D\
         &X-Amz-SignedHeaders=host&{query}\n\
         host:transcribestreaming.us-east-1.amazonaws.com:8443\n\nhost\n{}",
        scope.replace('/', "%2F"),
        hex(digest::digest(&digest::SHA256, b"").as_ref()),
    );
    let text = format!(
        "AWS4-HMAC-SHA256\n20130524T000000Z\n{scope}\n{}",
        hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    );
    let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec();
    for part in scope.split('/') {
        key = mac(&key, part);
    }
    assert_eq!(parameter(&url, "X-Amz-Signature"), hex(&mac(&key, &text)));
    assert_eq!(parameter(&url, "X-Amz-Security-Token"), "to/ken+==");
    assert!(url.as_str().starts_with(&format!("{TRANSCRIBE}?{query}&")));
}

#[test]
fn what_the_client_brought_is_replaced() {
    let clean = signed(&format!("{TRANSCRIBE}?a=b"), "transcribe", None, 300);
    let url = format!("{TRANSCRIBE}?X-Amz-Security-Token=evil&a=b&x-amz-DATE=x&X-Amz-Signature=y");
    assert_eq!(signed(&url, "transcribe", None, 300), clean);
    assert_eq!(signed(clean.as_str(), "transcribe", None, 300), clean);
}

#[test]
fn nothing_is_signed_for_nobody_or_for_ever() {
    let key = secret("K");
    let signer = |seconds| Signer {
        access_key_id: &key,
        secret_access_key: &key,
        session_token: None,
        region: "r",
        service: "s",
        expires_in: Duration::from_secs(seconds),
    };
    let url: Url = TRANSCRIBE.parse().unwrap();
    for seconds in [0, 604_801] {
        assert_eq!(presign(&url, &signer(seconds), NOW), Err(SignError::Expiry));
    }
    for url in ["wss://user@a.test/", "data:,x"] {
        let url = url.parse().unwrap();
        assert_eq!(presign(&url, &signer(60), NOW), Err(SignError::Address));
    }
}

#[test]
fn the_library_logs_nothing_of_it() {
    let heard = Heard::default();
    with_default(heard.clone(), || {
        tracing::trace!("is heard");
        signed(TRANSCRIBE, "transcribe", Some("s3ss10n"), 300);
    });
    let heard = heard.0.lock().unwrap();
    assert_eq!(*heard, ["is heard"]);
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Remembers every event of every level.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{value:?}"));
    }
}
