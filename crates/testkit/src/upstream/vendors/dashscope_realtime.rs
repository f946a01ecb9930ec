//! Alibaba Model Studio's Qwen Realtime, in the events of OpenAI's preview
//! (<https://www.alibabacloud.com/help/en/model-studio/realtime>).

use std::{io, time::Duration};

use async_trait::async_trait;
use serde_json::json;

use super::realtime;
use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
};

/// Not documented; that of others.
const LONGEST: Duration = Duration::from_secs(3_600);

/// `wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime`.
#[derive(Clone, Debug)]
pub struct DashScopeRealtime {
    api_key: String,
}

impl DashScopeRealtime {
    /// With this key.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for DashScopeRealtime {
    fn name(&self) -> &'static str {
        "dashscope-realtime"
    }

    fn wants(&self) -> Wants {
        let bearer = format!("Bearer {}", self.api_key);
        let target = "/api-ws/v1/realtime?model=qwen3-omni-flash-realtime";
        Wants::new(target, &[("Authorization", &bearer)])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/api-ws/v1/realtime" {
            return Some(problem(
                404,
                "NotFound",
                "The path is not one that there is.",
            ));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, "InvalidApiKey", &astray));
        }
        if carriers::authorization(dial, "Bearer") != Shown::One(&self.api_key) {
            let message = "Invalid API-key provided.";
            return Some(problem(401, "InvalidApiKey", message));
        }
        let model = dial.query_values("model");
        let given = matches!(model.as_slice(), [model] if !model.is_empty());
        (!given).then(|| problem(400, "InvalidParameter", "model must be given once"))
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("x-request-id".to_owned(), ids::uuid())]
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let session = realtime::preview(&call.dial().query_values("model").concat());
        realtime::converse(call, &realtime::PREVIEW, session, LONGEST).await
    }
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    let id = ids::uuid();
    Answer::json(
        status,
        &json!({"code": code, "message": message, "request_id": id}),
    )
    .header("x-request-id", &id)
}
