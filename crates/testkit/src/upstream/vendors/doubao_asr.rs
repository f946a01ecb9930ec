//! Volcengine's streaming speech recognition ("sauc" v3, documentation 6561/1354869), strict
//! about the handshake and about every byte of its frames.

use std::{io, time::Duration};

use async_trait::async_trait;
use serde_json::json;

use self::{
    packet::Packet,
    talk::{Pace, Talk},
};
use crate::{
    frame::Frame,
    upstream::{Answer, Call, Dial, Heard, Vendor, Wants, carriers, ids},
};

mod packet;
mod talk;

const BAD_REQUEST: u32 = 45_000_001;
const EMPTY_AUDIO: u32 = 45_000_002;
const NO_PACKET: u32 = 45_000_081;
const UNKNOWN_KEY: u32 = 45_000_010;
const NOT_GRANTED: u32 = 45_000_030;

const PATHS: &str = "/api/v3/sauc/";
/// A UUID for those who ask what to send.
const SOME_UUID: &str = "7f3c1f0e-3b0c-4c53-9b8a-5f6a6a3f1c11";

/// What it wants to see, and how patient it is.
#[derive(Clone, Debug)]
pub struct DoubaoAsr {
    console: Console,
    /// Value of `X-Api-Resource-Id`.
    resource_id: String,
    patience: Duration,
    pongs: bool,
}

/// Where the keys come from.
#[derive(Clone, Debug)]
enum Console {
    /// `X-Api-App-Key` and `X-Api-Access-Key`.
    Old { app_key: String, access_key: String },
    /// `X-Api-Key`.
    New { api_key: String },
}

impl DoubaoAsr {
    /// With the two keys of the old console, patient for 8 s, answering pings.
    #[must_use]
    pub fn new(app_key: &str, access_key: &str, resource_id: &str) -> Self {
        let console = Console::Old {
            app_key: app_key.to_owned(),
            access_key: access_key.to_owned(),
        };
        Self::of(console, resource_id)
    }

    /// With the one key of the new console.
    #[must_use]
    pub fn keyed(api_key: &str, resource_id: &str) -> Self {
        let api_key = api_key.to_owned();
        Self::of(Console::New { api_key }, resource_id)
    }

    fn of(console: Console, resource_id: &str) -> Self {
        Self {
            console,
            resource_id: resource_id.to_owned(),
            patience: Duration::from_secs(8),
            pongs: true,
        }
    }

    /// Waits so long for a packet; the vendor's takes 5 to 8 s.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Does not answer pings; the vendor's does not always.
    #[must_use]
    pub const fn without_pongs(mut self) -> Self {
        self.pongs = false;
        self
    }

    /// Every header must be there exactly once, and those of the other console not at all.
    fn authenticated(&self, dial: &Dial) -> bool {
        let keys =
            ["x-api-app-key", "x-api-access-key", "x-api-key"].map(|name| dial.header_values(name));
        let found = [&*keys[0], &*keys[1], &*keys[2]];
        match &self.console {
            Console::Old {
                app_key,
                access_key,
            } => found == [&[app_key.as_str()][..], &[access_key.as_str()], &[]],
            Console::New { api_key } => found == [&[][..], &[], &[api_key.as_str()]],
        }
    }

    /// The old console's clients name the connection, the new one's the request.
    fn misnamed(&self, dial: &Dial) -> Option<Answer> {
        let old = matches!(self.console, Console::Old { .. });
        for (name, required) in [("x-api-connect-id", old), ("x-api-request-id", !old)] {
            let values = dial.header_values(name);
            let absent = values.is_empty() && !required;
            if !absent && !matches!(values.as_slice(), [id] if ids::is_uuid(id)) {
                let message = format!("{name} must be one UUID");
                return Some(problem(400, BAD_REQUEST, &message));
            }
        }
        None
    }
}

#[async_trait]
impl Vendor for DoubaoAsr {
    fn name(&self) -> &'static str {
        match self.console {
            Console::Old { .. } => "doubao-asr",
            Console::New { .. } => "doubao-asr-keyed",
        }
    }

    fn wants(&self) -> Wants {
        let resource = ("X-Api-Resource-Id", self.resource_id.as_str());
        let target = "/api/v3/sauc/bigmodel";
        match &self.console {
            Console::Old {
                app_key,
                access_key,
            } => Wants::new(
                target,
                &[
                    ("X-Api-App-Key", app_key),
                    ("X-Api-Access-Key", access_key),
                    resource,
                    ("X-Api-Connect-Id", SOME_UUID),
                ],
            ),
            Console::New { api_key } => Wants::new(
                target,
                &[
                    ("X-Api-Key", api_key),
                    resource,
                    ("X-Api-Request-Id", SOME_UUID),
                ],
            ),
        }
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        if Pace::of(dial).is_none() {
            return Some(Answer::text(404, ""));
        }
        if let Some(astray) = carriers::astray(dial) {
            return Some(problem(401, UNKNOWN_KEY, &astray));
        }
        if !self.authenticated(dial) {
            let message = "invalid X-Api-Key, or X-Api-App-Key and X-Api-Access-Key";
            return Some(problem(401, UNKNOWN_KEY, message));
        }
        let wanted = dial.header_values("x-api-resource-id");
        if wanted != [self.resource_id.as_str()] {
            let message = format!(
                "[resource_id={}] requested resource not granted",
                wanted.concat()
            );
            return Some(problem(403, NOT_GRANTED, &message));
        }
        self.misnamed(dial)
    }

    fn welcome(&self, dial: &Dial) -> Vec<(String, String)> {
        let mut headers = vec![("X-Tt-Logid".to_owned(), ids::hex())];
        for id in dial.header_values("x-api-connect-id") {
            headers.push(("X-Api-Connect-Id".to_owned(), id.to_owned()));
        }
        headers
    }

    async fn converse(&self, call: Call) -> io::Result<()> {
        let mut call = call.pongs(self.pongs);
        let mut talk = Talk::new(Pace::of(&call.dial()).unwrap_or_default());
        loop {
            let message = match call.hear_within(self.patience).await? {
                Heard::Message(message) => message,
                Heard::Silence => {
                    return fail(call, NO_PACKET, "waiting next packet timeout").await;
                }
                Heard::End => {
                    call.finish().await;
                    return Ok(());
                }
            };
            // The vendor's own Go client sends audio in text frames: the opcode says nothing.
            let heard = Packet::parse(&message.payload).and_then(|packet| talk.hear(packet));
            let (answer, last) = match heard {
                Ok(heard) => heard,
                Err((code, why)) => return fail(call, code, &why).await,
            };
            call.audio(&talk.heard);
            if let Some(answer) = answer {
                call.send(Frame::binary(answer)).await?;
            }
            if last {
                return call.close(1000, "").await;
            }
        }
    }
}

fn problem(status: u16, code: u32, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
        .header("X-Api-Status-Code", &code.to_string())
        .header("X-Api-Message", message)
        .header("X-Tt-Logid", &ids::hex())
}

async fn fail(mut call: Call, code: u32, why: &str) -> io::Result<()> {
    call.send(Frame::binary(packet::error(code, why))).await?;
    call.close(1000, "").await
}
