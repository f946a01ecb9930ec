//! Items of the conversation.

use serde_json::{Value, json};

use super::{Answers, Talk, errors};
use crate::upstream::ids;

impl Talk {
    pub(super) fn create_item(&mut self, event: &Value) -> Answers {
        let mut item = event["item"].clone();
        if !item["type"].is_string() {
            return Err(errors::missing("item.type"));
        }
        if item["type"] == "message" && !item["role"].is_string() {
            return Err(errors::missing("item.role"));
        }
        if !item["id"].is_string() {
            item["id"] = ids::named("item").into();
        }
        item["object"] = "realtime.item".into();
        item["status"] = "completed".into();
        Ok(self.announce(item))
    }

    /// Tells of a new item, in as many events as the dialect has for it.
    pub(super) fn announce(&mut self, item: Value) -> Vec<Value> {
        let previous = self.last_item.clone();
        self.last_item = item["id"].as_str().map(str::to_owned);
        let tell = |kind: &&str| json!({"type": kind, "previous_item_id": previous, "item": item});
        self.dialect.items.iter().map(tell).collect()
    }
}

pub(super) fn deleted(event: &Value) -> Answers {
    let item = named_item(event)?;
    Ok(vec![
        json!({"type": "conversation.item.deleted", "item_id": item}),
    ])
}

pub(super) fn truncated(event: &Value) -> Answers {
    let item = named_item(event)?;
    Ok(vec![json!({
        "type": "conversation.item.truncated",
        "item_id": item,
        "content_index": event["content_index"],
        "audio_end_ms": event["audio_end_ms"],
    })])
}

fn named_item(event: &Value) -> Result<&str, Value> {
    event["item_id"]
        .as_str()
        .ok_or_else(|| errors::missing("item_id"))
}
