//! A server that checks presigned addresses as AWS does, from the request line up.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
//! <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-websocket.html>

use std::io;

use async_trait::async_trait;
use ring::hmac;
use serde_json::json;
use tollbridge_domain::{Clock as _, SystemClock};
use tollbridge_testkit::{Answer, Call, Dial, Vendor, Wants, sha256_hex};

/// Transcribe's longest life of an address, in seconds.
const LONGEST: u64 = 300;

/// A clock may be off by so much, in seconds.
const SKEW: u64 = 300;

const PATH: &str = "/stream-transcription-websocket";

/// Amazon Transcribe in one region, for one key.
#[derive(Debug)]
pub(crate) struct Transcribe {
    pub(crate) region: &'static str,
    pub(crate) access_key_id: &'static str,
    pub(crate) secret_access_key: &'static str,
    pub(crate) session_token: Option<&'static str>,
}

impl Transcribe {
    /// What is wrong with the address, in AWS's words.
    fn objection(&self, dial: &Dial) -> Result<(), &'static str> {
        let sole = |name| match dial.query_values(name).as_slice() {
            [value] => Ok((*value).to_owned()),
            _ => Err("Missing Authentication Token"),
        };
        let [algorithm, credential, date, expires, signed, signature] = [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Amz-SignedHeaders",
            "X-Amz-Signature",
        ]
        .map(sole);
        if algorithm? != "AWS4-HMAC-SHA256" || signed? != "host" {
            return Err("Unsupported algorithm or headers");
        }
        let token = dial.query_values("X-Amz-Security-Token");
        if token != Vec::from_iter(self.session_token) {
            return Err("The security token included in the request is invalid.");
        }
        let date = date?;
        let lives: u64 = expires?
            .parse()
            .map_err(|_none| "X-Amz-Expires is no number")?;
        fresh(&date, lives)?;
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/transcribe/aws4_request", self.region);
        if credential? != format!("{}/{scope}", self.access_key_id) {
            return Err("Credential should be scoped to a valid region.");
        }
        let text = format!(
            "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
            sha256_hex(canonical(dial).as_bytes())
        );
        match signature? == self.sign(day, &text) {
            true => Ok(()),
            false => Err("The request signature we calculated does not match."),
        }
    }

    fn sign(&self, day: &str, text: &str) -> String {
        let mut key = format!("AWS4{}", self.secret_access_key).into_bytes();
        for step in [day, self.region, "transcribe", "aws4_request", text] {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), step.as_bytes());
            key = tag.as_ref().to_vec();
        }
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn fresh(date: &str, lives: u64) -> Result<(), &'static str> {
    let malformed = |_none| "X-Amz-Date is malformed";
    let digits: Vec<char> = date.chars().collect();
    let part = |from: usize, to: usize| -> String {
        digits.get(from..to).unwrap_or_default().iter().collect()
    };
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    );
    let signed = humantime::parse_rfc3339(&text).map_err(malformed)?;
    let signed = signed.duration_since(std::time::UNIX_EPOCH);
    let signed = signed.map_err(|_early| "X-Amz-Date is long ago")?.as_secs();
    let now = u64::try_from(SystemClock.now().seconds()).unwrap();
    if now + SKEW < signed || signed + lives < now || !(1..=LONGEST).contains(&lives) {
        return Err("Signature expired");
    }
    Ok(())
}

/// The request as it was to be signed. A `+` in the query is a plus and never a blank.
fn canonical(dial: &Dial) -> String {
    let target = dial.head.split(' ').nth(1).unwrap_or_default();
    let raw = target.split_once('?').map_or("", |(_, query)| query);
    let mut query: Vec<(String, String)> = raw
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    query.sort();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "GET\n{}\n{}\nhost:{}\n\nhost\n{}",
        dial.path,
        query.join("&"),
        dial.header_values("host").concat(),
        sha256_hex(b"")
    )
}

/// As AWS encodes what was decoded: all but the unreserved characters of RFC 3986.
fn encoded(raw: &str) -> String {
    let literal = raw.replace('+', "%2B");
    let base = format!("x={literal}");
    let decoded: Vec<_> = url::form_urlencoded::parse(base.as_bytes()).collect();
    let bytes = decoded[0].1.bytes();
    bytes
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[async_trait]
impl Vendor for Transcribe {
    fn name(&self) -> &'static str {
        "transcribe"
    }

    fn wants(&self) -> Wants {
        Wants::new(PATH, &[])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != PATH {
            return Some(Answer::text(404, ""));
        }
        let elsewhere = dial
            .header_names()
            .iter()
            .any(|name| name == "authorization" || name.starts_with("x-amz-"));
        let objection = match elsewhere {
            true => Err("Only one auth mechanism allowed"),
            false => self.objection(dial),
        };
        let refused = |why| Answer::json(403, &json!({"Message": why}));
        let refused = objection.err().map(refused);
        refused.map(|answer| answer.header("x-amzn-RequestId", "7f3c1f0e-3b0c-4c53"))
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        while let Some(message) = call.hear().await? {
            call.send(tollbridge_testkit::Frame::binary(message.payload))
                .await?;
        }
        call.finish().await;
        Ok(())
    }
}
