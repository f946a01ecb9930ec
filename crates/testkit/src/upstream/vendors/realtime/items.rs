//! Items of the conversation.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Answers, Talk, errors};
use crate::upstream::ids;

/// Conversations of tests are short.
const MOST: usize = 1_000;

/// All of them, and which came last.
#[derive(Default)]
pub(super) struct Items {
    known: HashMap<String, Value>,
    last: Option<String>,
}

impl Items {
    pub(super) const fn last(&self) -> &Option<String> {
        &self.last
    }

    /// Adds one, or what has become of it.
    fn keep(&mut self, item: &Value) {
        let id = item["id"].as_str().unwrap_or_default().to_owned();
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(id.clone(), item.clone());
        self.last = Some(id);
    }

    fn named(&self, event: &Value, act: &str) -> Result<&Value, Value> {
        let id = event["item_id"]
            .as_str()
            .ok_or_else(|| errors::missing("item_id"))?;
        self.known
            .get(id)
            .ok_or_else(|| errors::no_such_item(act, id))
    }
}

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
        Ok(self.announce(&item))
    }

    pub(super) fn retrieve_item(&self, event: &Value) -> Answers {
        let item = self.items.named(event, "retrieve")?;
        Ok(vec![
            json!({"type": "conversation.item.retrieved", "item": item}),
        ])
    }

    pub(super) fn delete_item(&mut self, event: &Value) -> Answers {
        let id = self.items.named(event, "delete")?["id"].clone();
        self.items.known.remove(id.as_str().unwrap_or_default());
        Ok(vec![
            json!({"type": "conversation.item.deleted", "item_id": id}),
        ])
    }

    pub(super) fn truncate_item(&self, event: &Value) -> Answers {
        let item = self.items.named(event, "truncate")?;
        Ok(vec![json!({
            "type": "conversation.item.truncated",
            "item_id": item["id"],
            "content_index": event["content_index"],
            "audio_end_ms": event["audio_end_ms"],
        })])
    }

    /// Tells of a new item, in as many events as the dialect has for it.
    pub(super) fn announce(&mut self, item: &Value) -> Vec<Value> {
        let mut events = self.announce_begun(item);
        events.extend(self.announce_done(item));
        events
    }

    /// Tells that an item has begun.
    pub(super) fn announce_begun(&mut self, item: &Value) -> Vec<Value> {
        let previous = self.items.last.clone();
        self.items.keep(item);
        let kind = self.dialect.items[0];
        vec![json!({"type": kind, "previous_item_id": previous, "item": item})]
    }

    /// Tells that it is complete, where the dialect has an event for that.
    pub(super) fn announce_done(&mut self, item: &Value) -> Vec<Value> {
        self.items.keep(item);
        let later = self.dialect.items.iter().skip(1);
        later
            .map(|kind| json!({"type": kind, "item": item}))
            .collect()
    }
}
