//! Home Assistant (<https://developers.home-assistant.io/docs/api/websocket>): its token is in the
//! first message, so the handshake brings none.

use std::io;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::upstream::{Answer, Call, Dial, Vendor, Wants, carriers, message::Message};

const VERSION: &str = "2026.11.0";

/// `ws://homeassistant.local:8123/api/websocket`.
#[derive(Clone, Debug)]
pub struct HomeAssistant {
    access_token: String,
}

impl HomeAssistant {
    /// With this access token.
    #[must_use]
    pub fn new(access_token: &str) -> Self {
        let access_token = access_token.to_owned();
        Self { access_token }
    }

    /// Why the first message does not open the session.
    fn objection(&self, message: &Message) -> Option<&'static str> {
        let auth = message
            .json()
            .filter(|_| !message.binary)
            .unwrap_or_default();
        let members = auth.as_object().map_or(0, serde_json::Map::len);
        let well_formed = auth["type"] == "auth" && auth["access_token"].is_string();
        if !well_formed || members != 2 {
            return Some("Auth message incorrectly formatted");
        }
        let known = auth["access_token"] == self.access_token.as_str();
        (!known).then_some("Invalid access token or password")
    }
}

#[async_trait]
impl Vendor for HomeAssistant {
    fn name(&self) -> &'static str {
        "home-assistant"
    }

    fn wants(&self) -> Wants {
        Wants::new("/api/websocket", &[])
            .saying(json!({"type": "auth", "access_token": self.access_token}))
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if dial.path != "/api/websocket" {
            return Some(Answer::text(404, "404: Not Found"));
        }
        let header = !dial.header_values("authorization").is_empty();
        (header || carriers::astray(dial).is_some()).then(|| Answer::text(401, "401: Unauthorized"))
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        call.say(&json!({"type": "auth_required", "ha_version": VERSION}))
            .await?;
        let Some(first) = call.hear().await? else {
            call.finish().await;
            return Ok(());
        };
        if let Some(why) = self.objection(&first) {
            call.say(&json!({"type": "auth_invalid", "message": why}))
                .await?;
            return call.close(1000, "").await;
        }
        call.say(&json!({"type": "auth_ok", "ha_version": VERSION}))
            .await?;
        let mut last = 0;
        while let Some(message) = call.hear().await? {
            let answer = answer(&message.json().unwrap_or_default(), &mut last);
            call.say(&answer).await?;
        }
        call.finish().await;
        Ok(())
    }
}

/// Commands are numbered upwards.
fn answer(command: &Value, last: &mut u64) -> Value {
    let Some(id) = command["id"].as_u64() else {
        return failed(
            &Value::Null,
            "invalid_format",
            "Message incorrectly formatted.",
        );
    };
    if id <= *last {
        let why = "Identifier values have to increase.";
        return failed(&command["id"], "id_reuse", why);
    }
    *last = id;
    match command["type"].as_str() {
        Some("ping") => json!({"id": id, "type": "pong"}),
        Some("get_states") => json!({"id": id, "type": "result", "success": true, "result": []}),
        Some("get_config") => json!({
            "id": id, "type": "result", "success": true, "result": {"version": VERSION},
        }),
        _ => failed(&command["id"], "unknown_command", "Unknown command."),
    }
}

fn failed(id: &Value, code: &str, message: &str) -> Value {
    json!({
        "id": id, "type": "result", "success": false,
        "error": {"code": code, "message": message},
    })
}
