//! Frames of JSON, numbered by what they are: 0 the first, 1 one more, 2 the last.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::super::speech::Speech;
use crate::upstream::{Call, ids, message::Message};

/// Parameter missing or wrong.
const INVALID: u32 = 10_163;
/// The app id is not that of the key.
const FOREIGN: u32 = 10_313;
/// More than the 60 s that a session takes.
const TOO_LONG: u32 = 10_114;
const LONGEST: usize = 60_000;

pub(super) struct Talk {
    app_id: String,
    sid: String,
    begun: bool,
    speech: Speech,
    sentences: u32,
}

impl Talk {
    pub(super) fn new(app_id: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            sid: format!("iat{}", ids::hex()),
            begun: false,
            speech: Speech::at(16_000),
            sentences: 0,
        }
    }

    /// The answer to a frame, and whether it is the last.
    pub(super) fn hear(&mut self, call: &Call, message: &Message) -> (Option<Value>, bool) {
        let frame = message
            .json()
            .filter(|_| !message.binary)
            .unwrap_or_default();
        match self.take(call, &frame) {
            Err((code, why)) => {
                let error = json!({"code": code, "message": why, "sid": self.sid});
                (Some(error), true)
            }
            Ok(()) if frame["data"]["status"] == 2 => (Some(self.result(true)), true),
            Ok(()) if self.speech.open().words().count() > 0 => (Some(self.result(false)), false),
            Ok(()) => (None, false),
        }
    }

    fn take(&mut self, call: &Call, frame: &Value) -> Result<(), (u32, &'static str)> {
        let data = &frame["data"];
        match (data["status"].as_u64(), self.begun) {
            (Some(0), false) => self.begin(frame)?,
            (Some(1 | 2), true) => {}
            _ => return Err((INVALID, "parameter validate error: status out of order")),
        }
        let audio = data["audio"].as_str().unwrap_or_default();
        let audio = STANDARD
            .decode(audio)
            .map_err(|_not_base64| (INVALID, "parameter validate error: /data/audio"))?;
        call.audio(&audio);
        self.speech.hear(audio.len());
        match self.speech.milliseconds() > LONGEST {
            true => Err((TOO_LONG, "session timeout")),
            false => Ok(()),
        }
    }

    fn begin(&mut self, frame: &Value) -> Result<(), (u32, &'static str)> {
        if frame["common"]["app_id"] != self.app_id.as_str() {
            return Err((FOREIGN, "invalid appid"));
        }
        let named = ["language", "domain"].map(|name| frame["business"][name].is_string());
        if named != [true; 2] || !frame["data"]["format"].is_string() {
            return Err((INVALID, "parameter validate error: /business"));
        }
        self.begun = true;
        Ok(())
    }

    fn result(&mut self, last: bool) -> Value {
        self.sentences += 1;
        let said = self.speech.settle();
        let words: Vec<_> = said
            .words()
            .map(|word| json!({"bg": word.start / 10, "cw": [{"sc": 0, "w": "word"}]}))
            .collect();
        json!({
            "code": 0,
            "message": "success",
            "sid": self.sid,
            "data": {
                "status": if last { 2 } else { 1 },
                "result": {"sn": self.sentences, "ls": last, "bg": 0, "ed": 0, "ws": words},
            },
        })
    }
}
