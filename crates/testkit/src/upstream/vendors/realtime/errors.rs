//! Events of type `error`. All but the last leave the session open.

use serde_json::{Value, json};

fn error(code: &str, message: &str, param: Option<&str>) -> Value {
    json!({"type": "error", "error": {
        "type": "invalid_request_error",
        "code": code,
        "message": message,
        "param": param,
        "event_id": null,
    }})
}

pub(super) fn not_json() -> Value {
    error("invalid_json", "The event is not a JSON object.", None)
}

pub(super) fn untyped() -> Value {
    error("invalid_event", "The 'type' field is missing.", None)
}

pub(super) fn unknown(kind: &str) -> Value {
    let message = format!("Invalid value: '{kind}'. There is no such client event.");
    error("invalid_value", &message, Some("type"))
}

pub(super) fn missing(param: &str) -> Value {
    let message = format!("Missing required parameter: '{param}'.");
    error("missing_required_parameter", &message, Some(param))
}

pub(super) fn invalid(param: &str, why: &str) -> Value {
    error("invalid_value", why, Some(param))
}

pub(super) fn no_such_item(act: &str, id: &str) -> Value {
    let code = format!("item_{act}_invalid_item_id");
    let message = format!("Error with {act}: item '{id}' is not in the conversation.");
    error(&code, &message, Some("item_id"))
}

pub(super) fn nothing_buffered(milliseconds: u64) -> Value {
    let message = format!(
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of \
         audio, but buffer only has {milliseconds}.00ms of audio."
    );
    error("input_audio_buffer_commit_empty", &message, None)
}

pub(super) fn nothing_to_cancel() -> Value {
    let message = "Cancellation failed: no active response found";
    error("response_cancel_not_active", message, None)
}

pub(super) fn expired() -> Value {
    let message = "Your session hit the maximum duration of 60 minutes.";
    error("session_expired", message, None)
}
