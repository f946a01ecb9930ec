//! Addresses signed as iFlytek wants them:
//! <https://www.xfyun.cn/doc/asr/voicedictation/API.html>, "interface authentication".
//!
//! The signature is good for five minutes around its date, so it is made for each dial.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use ring::hmac;
use tollbridge_domain::{Moment, Secret};
use url::Url;

use crate::query::{drop_parameters, host};

/// What the signature travels in.
const OURS: [&str; 3] = ["authorization", "date", "host"];

/// Signs the address for a WebSocket handshake at `now`. Any `authorization`, `date` or `host` that
/// the query has is replaced, in whatever case it is written.
pub fn sign(url: &mut Url, api_key: &Secret<String>, api_secret: &Secret<String>, now: Moment) {
    let host = host(url);
    let date = date(now);
    let line = format!("GET {} HTTP/1.1", url.path());
    let signature = signature(api_secret, &host, &date, &line);
    let authorization = Secret::new(format!(
        r#"api_key="{}", algorithm="hmac-sha256", headers="host date request-line", signature="{signature}""#,
        api_key.reveal()
    ));
    drop_parameters(url, |name| {
        OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
    });
    url.query_pairs_mut()
        .append_pair("authorization", &STANDARD.encode(authorization.reveal()))
        .append_pair("date", &date)
        .append_pair("host", &host);
}

fn signature(api_secret: &Secret<String>, host: &str, date: &str, line: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, api_secret.reveal().as_bytes());
    let text = format!("host: {host}\ndate: {date}\n{line}");
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// RFC 1123, as in HTTP.
fn date(now: Moment) -> String {
    DateTime::from_timestamp(now.seconds(), 0)
        .unwrap_or_default()
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the vendor's documentation.
    const VECTOR_DATE: &str = "Fri, 23 Apr 2021 02:35:47 GMT";
    const VECTOR_MOMENT: Moment = Moment::from_seconds(1_619_145_347);

    fn secret(text: impl Into<String>) -> Secret<String> {
        Secret::new(text.into())
    }

    fn parameter(url: &Url, name: &str) -> Vec<String> {
        url.query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    #[test]
    fn the_vendors_check_vector_comes_out() {
        let api_secret = secret(format!("apisecret{}", "X".repeat(23)));
        assert_eq!(date(VECTOR_MOMENT), VECTOR_DATE);
        assert_eq!(
            signature(
                &api_secret,
                "api.xf-yun.com",
                VECTOR_DATE,
                "POST /v1/private/s782b4996 HTTP/1.1"
            ),
            "1jwQbIAKmQE7JwIH0IDxiC1pejrlN+VpHXDWOFVy5NM="
        );
    }

    #[test]
    fn a_signed_address_holds_what_the_vendor_reads() {
        let mut url: Url = "wss://iat-api.xfyun.cn/v2/iat?lang=zh".parse().unwrap();
        sign(&mut url, &secret("K"), &secret("S"), VECTOR_MOMENT);
        assert_eq!(parameter(&url, "lang"), ["zh"]);
        assert_eq!(parameter(&url, "date"), [VECTOR_DATE]);
        assert_eq!(parameter(&url, "host"), ["iat-api.xfyun.cn"]);
        let line = "GET /v2/iat HTTP/1.1";
        let signature = signature(&secret("S"), "iat-api.xfyun.cn", VECTOR_DATE, line);
        let authorization = parameter(&url, "authorization").concat();
        assert_eq!(
            String::from_utf8(STANDARD.decode(authorization).unwrap()).unwrap(),
            format!(
                "api_key=\"K\", algorithm=\"hmac-sha256\", \
                 headers=\"host date request-line\", signature=\"{signature}\""
            )
        );
    }

    #[test]
    fn what_the_client_brought_is_replaced() {
        let mut url: Url =
            "wss://a.test:8443/v2?Authorization=x&authorizatio%6E=y&date=z&HOST=evil&a=b"
                .parse()
                .unwrap();
        sign(&mut url, &secret("K"), &secret("S"), VECTOR_MOMENT);
        for name in ["authorization", "date", "host", "a"] {
            let values = url
                .query_pairs()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name));
            assert_eq!(values.count(), 1, "{name}");
        }
        assert_eq!(parameter(&url, "host"), ["a.test:8443"]);
        let once = url.clone();
        sign(&mut url, &secret("K"), &secret("S"), VECTOR_MOMENT);
        assert_eq!(url, once, "signing twice is signing once");
    }
}
