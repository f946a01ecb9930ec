//! Google's live conversations, for both of its doors: Gemini's by API key, Vertex's by token
//! (<https://ai.google.dev/api/live>).

use std::io;

use serde_json::{Value, json};

use self::talk::Talk;
use crate::{
    frame::Frame,
    upstream::{Answer, Call},
};

mod talk;

/// What a setup may hold, among others; what a client may send.
const MESSAGES: &[&str] = &["clientContent", "realtimeInput", "setup", "toolResponse"];

/// An error as all of Google's APIs give it (<https://cloud.google.com/apis/design/errors>).
pub(super) fn problem(status: u16, kind: &str, message: &str, reason: &str) -> Answer {
    let error = json!({"error": {
        "code": status,
        "message": message,
        "status": kind,
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
        }],
    }});
    Answer::json(status, &error).header("Server", "scaffolding on HTTPServer2")
}

/// A setup first, with a model whose name begins like this; then content both ways. All messages
/// are JSON; whether they go out as text or as binary is a matter of taste.
pub(super) async fn converse(mut call: Call, models: &str, binary: bool) -> io::Result<()> {
    let mut talk = Talk::new(models);
    while let Some(message) = call.hear().await? {
        let heard = message.json().ok_or_else(|| (1007, INVALID.to_owned()));
        let answers = heard.and_then(|event| talk.hear(&call, &event));
        match answers {
            Ok(answers) => {
                for answer in answers {
                    say(&mut call, &answer, binary).await?;
                }
            }
            Err((code, why)) => return call.close(code, &why).await,
        }
    }
    call.finish().await;
    Ok(())
}

const INVALID: &str = "Request contains an invalid argument.";

async fn say(call: &mut Call, event: &Value, binary: bool) -> io::Result<()> {
    match binary {
        true => call.send(Frame::binary(event.to_string())).await,
        false => call.say(event).await,
    }
}
