//! Speech to text: audio in binary, commands as bare words.

use std::io;

use serde_json::{Value, json};

use super::super::speech::Speech;
use crate::upstream::{Call, ids};

pub(super) async fn converse(mut call: Call) -> io::Result<()> {
    let rate = call.dial().query_values("sample_rate").concat();
    let mut talk = Talk {
        id: ids::uuid(),
        speech: Speech::at(rate.parse().unwrap_or(16_000).max(1)),
    };
    while let Some(message) = call.hear().await? {
        if message.binary {
            call.audio(&message.payload);
            talk.speech.hear(message.payload.len());
            call.say(&talk.transcript(false)).await?;
            continue;
        }
        match message.payload.as_slice() {
            b"finalize" => {
                call.say(&talk.settled()).await?;
                call.say(&talk.event("flush_done")).await?;
            }
            b"done" | b"close" => {
                call.say(&talk.settled()).await?;
                call.say(&talk.event("done")).await?;
                return call.close(1000, "").await;
            }
            _ => {
                let mut error = talk.event("error");
                error["code"] = 400.into();
                error["message"] = "Commands are finalize, done and close.".into();
                call.say(&error).await?;
            }
        }
    }
    call.finish().await;
    Ok(())
}

struct Talk {
    id: String,
    speech: Speech,
}

impl Talk {
    fn event(&self, kind: &str) -> Value {
        json!({"type": kind, "request_id": self.id})
    }

    fn settled(&mut self) -> Value {
        let last = self.transcript(true);
        self.speech.settle();
        last
    }

    fn transcript(&self, settled: bool) -> Value {
        let open = self.speech.open();
        let mut event = self.event("transcript");
        event["is_final"] = settled.into();
        event["text"] = open.text().into();
        event["duration"] = (open.seconds().1 - open.seconds().0).into();
        event["language"] = "en".into();
        event
    }
}
