//! iFlytek's streaming dictation (<https://www.xfyun.cn/doc/asr/voicedictation/API.html>): no header
//! but a signature in the query.

use std::{fmt, io, sync::Arc};

use async_trait::async_trait;
use serde_json::json;
use tollbridge_domain::{Clock, SystemClock};

use self::{signature::Objection, talk::Talk};
use crate::upstream::{Answer, Call, Dial, Vendor, Wants, carriers};

mod signature;
mod talk;

const PATH: &str = "/v2/iat";
/// For those who ask how to dial; a real one is signed for the host that is dialled.
const SOME_HOST: &str = "iat-api.xfyun.cn";

/// `wss://iat-api.xfyun.cn/v2/iat`.
#[derive(Clone)]
pub struct IflytekIat {
    app_id: String,
    api_key: String,
    api_secret: String,
    clock: Arc<dyn Clock>,
}

impl IflytekIat {
    /// With this application, by the machine's clock.
    #[must_use]
    pub fn new(app_id: &str, api_key: &str, api_secret: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            api_key: api_key.to_owned(),
            api_secret: api_secret.to_owned(),
            clock: Arc::new(SystemClock),
        }
    }

    /// By this clock.
    #[must_use]
    pub fn at(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// A path and query that it takes now, for a client of this host.
    #[must_use]
    pub fn target(&self, host: &str) -> String {
        let now = self.clock.now();
        signature::target(PATH, host, now, &self.api_key, &self.api_secret)
    }
}

impl fmt::Debug for IflytekIat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IflytekIat")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Vendor for IflytekIat {
    fn name(&self) -> &'static str {
        "iflytek-iat"
    }

    fn wants(&self) -> Wants {
        Wants::new(&self.target(SOME_HOST), &[]).saying(json!({
            "common": {"app_id": self.app_id},
            "business": {"language": "zh_cn", "domain": "iat", "accent": "mandarin"},
            "data": {"status": 0, "format": "audio/L16;rate=16000", "encoding": "raw", "audio": ""},
        }))
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != PATH {
            return Some(problem(404, "no Route matched with those values"));
        }
        let elsewhere = carriers::in_protocols(dial).is_some()
            || !dial.header_values("authorization").is_empty();
        if elsewhere {
            return Some(problem(401, "Unauthorized"));
        }
        let verified = signature::verify(dial, self.clock.now(), &self.api_key, &self.api_secret);
        match verified.err()? {
            Objection::Absent => Some(problem(401, "Unauthorized")),
            Objection::Unreadable => Some(problem(401, "HMAC signature cannot be verified")),
            Objection::Mismatch => Some(problem(401, "HMAC signature does not match")),
            Objection::Skew => {
                let message = "HMAC signature cannot be verified, a valid date or x-date header \
                               is required for HMAC Authentication";
                Some(problem(403, message))
            }
        }
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        let mut talk = Talk::new(&self.app_id);
        while let Some(message) = call.hear().await? {
            let (answer, last) = talk.hear(&call, &message);
            if let Some(answer) = answer {
                call.say(&answer).await?;
            }
            if last {
                return call.close(1000, "").await;
            }
        }
        call.finish().await;
        Ok(())
    }
}

fn problem(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message}))
}
