//! A conversation in the events of OpenAI's Realtime API, for all who speak them.
//!
//! Shapes as in the server events of the API reference
//! (<https://platform.openai.com/docs/api-reference/realtime-server-events>), complete enough for
//! the vendor's own SDKs.

use std::{io, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use self::{input::Input, items::Items};
use crate::upstream::{Call, Heard, ids, message::Message};

mod dialect;
mod errors;
mod input;
mod items;
mod response;
mod session;

pub(super) use self::{
    dialect::{Dialect, GENERAL, LENIENT, PREVIEW, VOICE_LIVE},
    session::{general, preview},
};

/// Speaks first, then answers events with events, until the session has lasted `longest`.
pub(super) async fn converse(
    mut call: Call,
    dialect: &'static Dialect,
    session: Value,
    longest: Duration,
) -> io::Result<()> {
    let end = Instant::now() + longest;
    let mut talk = Talk::new(dialect, session);
    let created = json!({"type": "session.created", "session": talk.session});
    say(&mut call, created).await?;
    loop {
        let message = match call.hear_by(end).await? {
            Heard::Message(message) => message,
            Heard::Silence => {
                say(&mut call, errors::expired()).await?;
                return call.close(1001, "session expired").await;
            }
            Heard::End => {
                call.finish().await;
                return Ok(());
            }
        };
        for answer in talk.hear(&call, &message) {
            say(&mut call, answer).await?;
        }
    }
}

async fn say(call: &mut Call, mut event: Value) -> io::Result<()> {
    event["event_id"] = ids::named("event").into();
    call.say(&event).await
}

/// What is remembered of a conversation.
struct Talk {
    dialect: &'static Dialect,
    session: Value,
    input: Input,
    items: Items,
}

impl Talk {
    fn new(dialect: &'static Dialect, session: Value) -> Self {
        Self {
            dialect,
            session,
            input: Input::default(),
            items: Items::default(),
        }
    }

    fn hear(&mut self, call: &Call, message: &Message) -> Vec<Value> {
        let event = message.json().filter(|_| !message.binary);
        let Some(event) = event.filter(Value::is_object) else {
            return vec![errors::not_json()];
        };
        let answers = match event["type"].as_str() {
            Some("session.update") => self.update(&event),
            Some("input_audio_buffer.append") => self.append(call, &event),
            Some("input_audio_buffer.commit") => self.commit(),
            Some("input_audio_buffer.clear") => self.clear(),
            Some("conversation.item.create") => self.create_item(&event),
            Some("conversation.item.delete") => self.delete_item(&event),
            Some("conversation.item.retrieve") => self.retrieve_item(&event),
            Some("conversation.item.truncate") => self.truncate_item(&event),
            Some("response.create") => self.respond(&event),
            Some("response.cancel") => Err(errors::nothing_to_cancel()),
            Some(unknown) => Err(errors::unknown(unknown)),
            None => Err(errors::untyped()),
        };
        answers.unwrap_or_else(|mut error| {
            error["error"]["event_id"] = event["event_id"].clone();
            vec![error]
        })
    }
}

/// Events that answer an event, or the one that says what is wrong with it.
type Answers = Result<Vec<Value>, Value>;
