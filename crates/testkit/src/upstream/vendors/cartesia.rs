//! Cartesia's speech to text and text to speech
//! (<https://docs.cartesia.ai/api-reference/stt/stt>, <https://docs.cartesia.ai/api-reference/tts/websocket>).

use std::io;

use async_trait::async_trait;
use serde_json::json;

use crate::upstream::{
    Answer, Call, Dial, Vendor, Wants,
    carriers::{self, Shown},
    ids,
};

mod listening;
mod speaking;

const LISTENING: &str = "/stt/websocket";
const SPEAKING: &str = "/tts/websocket";

/// `wss://api.cartesia.ai`.
#[derive(Clone, Debug)]
pub struct Cartesia {
    api_key: String,
}

impl Cartesia {
    /// With this `X-Api-Key`.
    #[must_use]
    pub fn new(api_key: &str) -> Self {
        let api_key = api_key.to_owned();
        Self { api_key }
    }
}

#[async_trait]
impl Vendor for Cartesia {
    fn name(&self) -> &'static str {
        "cartesia"
    }

    fn wants(&self) -> Wants {
        let target = "/stt/websocket?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000";
        let version = ("Cartesia-Version", "2025-11-04");
        Wants::new(target, &[("X-Api-Key", &self.api_key), version])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if ![LISTENING, SPEAKING].contains(&dial.path.as_str()) {
            return Some(problem(404, "not_found", "There is no such endpoint."));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, "unauthorized", &astray));
        }
        if carriers::shown(dial, "x-api-key") != Shown::One(&self.api_key) {
            return Some(problem(401, "unauthorized", "Invalid API key."));
        }
        if !matches!(carriers::shown(dial, "cartesia-version"), Shown::One(date) if is_date(date)) {
            let message = "Cartesia-Version must be given once, as a date.";
            return Some(problem(400, "invalid_version", message));
        }
        let lacking = ["model", "encoding", "sample_rate"]
            .into_iter()
            .find(|name| dial.query_values(name).len() != 1);
        lacking.filter(|_| dial.path == LISTENING).map(|name| {
            problem(
                400,
                "invalid_request",
                &format!("{name} must be given once"),
            )
        })
    }

    fn welcome(&self, _dial: &Dial) -> Vec<(String, String)> {
        vec![("x-request-id".to_owned(), ids::uuid())]
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        match call.dial().path == SPEAKING {
            true => speaking::converse(call).await,
            false => listening::converse(call).await,
        }
    }
}

fn is_date(text: &str) -> bool {
    let form = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(form)
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    let id = ids::uuid();
    let body = json!({"error_code": code, "title": code, "message": message, "request_id": id});
    Answer::json(status, &body).header("x-request-id", &id)
}
