//! Text to speech: contexts, each in chunks.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::upstream::{Call, message::Message};

/// 100 ms of 24 kHz silence for each chunk.
const VOICE: [u8; 4_800] = [0; 4_800];

pub(super) async fn converse(mut call: Call) -> io::Result<()> {
    while let Some(message) = call.hear().await? {
        for event in answers(&message) {
            call.say(&event).await?;
        }
    }
    call.finish().await;
    Ok(())
}

fn answers(message: &Message) -> Vec<Value> {
    let wanted = message
        .json()
        .filter(|_| !message.binary)
        .unwrap_or_default();
    let context = &wanted["context_id"];
    let event = |kind: &str, status: u16, done: bool| json!({"type": kind, "context_id": context, "status_code": status, "done": done});
    if wanted["cancel"] == true {
        return vec![event("done", 200, true)];
    }
    let complete = ["context_id", "model_id", "transcript"].map(|name| wanted[name].is_string())
        == [true; 3]
        && wanted["voice"].is_object()
        && wanted["output_format"].is_object();
    if !complete {
        let mut error = event("error", 400, true);
        error["error"] = "Invalid request: a parameter is missing.".into();
        return vec![error];
    }
    let mut chunk = event("chunk", 206, false);
    chunk["data"] = STANDARD.encode(VOICE).into();
    chunk["step_time"] = 1.0.into();
    match wanted["continue"] == true {
        true => vec![chunk],
        false => vec![chunk, event("done", 200, true)],
    }
}
