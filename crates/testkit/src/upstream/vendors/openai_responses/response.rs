//! A response, from `response.created` to `response.completed`.

use serde_json::{Value, json};

use crate::upstream::ids;

/// What every response says.
const WORDS: [&str; 2] = ["You said ", "something."];

/// Its id and its events.
pub(super) struct Made {
    pub(super) id: String,
    pub(super) events: Vec<Value>,
}

/// Answers a `response.create`; with `generate: false` it only warms up and says nothing.
pub(super) fn response(wanted: &Value) -> Made {
    let (id, item) = (ids::named("resp"), ids::named("msg"));
    let begun = outline(&id, wanted, "in_progress", &json!([]));
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    let mut output = json!([]);
    if wanted["generate"] != false {
        let message = message(&item, "completed", &json!([text_part(&WORDS.concat())]));
        events.extend(content(&item));
        events
            .push(json!({"type": "response.output_item.done", "output_index": 0, "item": message}));
        output = json!([message]);
    }
    let done = outline(&id, wanted, "completed", &output);
    events.push(json!({"type": "response.completed", "response": done}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    Made { id, events }
}

fn content(item: &str) -> Vec<Value> {
    let begun = message(item, "in_progress", &json!([]));
    let mut events =
        vec![json!({"type": "response.output_item.added", "output_index": 0, "item": begun})];
    let place = |mut event: Value| {
        event["item_id"] = item.into();
        event["output_index"] = 0.into();
        event["content_index"] = 0.into();
        event
    };
    let added = json!({"type": "response.content_part.added", "part": text_part("")});
    events.push(place(added));
    for piece in WORDS {
        let delta = json!({"type": "response.output_text.delta", "delta": piece, "logprobs": []});
        events.push(place(delta));
    }
    let text = WORDS.concat();
    let done = json!({"type": "response.output_text.done", "text": text, "logprobs": []});
    events.push(place(done));
    let done = json!({"type": "response.content_part.done", "part": text_part(&text)});
    events.push(place(done));
    events
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn message(id: &str, status: &str, content: &Value) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "status": status, "content": content,
    })
}

fn outline(id: &str, wanted: &Value, status: &str, output: &Value) -> Value {
    let tokens = output.as_array().map_or(0, Vec::len);
    json!({
        "id": id,
        "object": "response",
        "created_at": 1_800_000_000,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": wanted["instructions"],
        "metadata": wanted.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "model": wanted["model"],
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": wanted["previous_response_id"],
        "store": wanted["store"] != false,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "text": {"format": {"type": "text"}},
        "truncation": "disabled",
        "usage": {
            "input_tokens": tokens, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2 * tokens,
        },
    })
}
