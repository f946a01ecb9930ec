//! A stand-in for Volcengine's streaming speech recognition ("sauc" v3), strict about the
//! handshake and about every byte of its frames.

use std::{io, time::Duration};

use serde_json::json;
use tokio::time::timeout;

use self::packet::{AUDIO, Packet, REQUEST};
use super::{Dial, link::Link, messages, session::Refusal};
use crate::frame::Frame;

mod packet;

/// Milliseconds of speech in 32 bytes of 16 kHz PCM16.
const BYTES_PER_MILLISECOND: u64 = 32;

const BAD_REQUEST: u32 = 45_000_001;
const EMPTY_AUDIO: u32 = 45_000_002;
const NO_PACKET: u32 = 45_000_081;

/// What it wants to see, and how patient it is.
#[derive(Clone, Debug)]
pub struct Doubao {
    /// Value of `X-Api-App-Key`.
    pub app_key: String,
    /// Value of `X-Api-Access-Key`.
    pub access_key: String,
    /// Value of `X-Api-Resource-Id`.
    pub resource_id: String,
    /// How long it waits for a packet; the vendor's takes 5 to 8 s.
    pub patience: Duration,
    /// Whether pings are answered; the vendor's are not always.
    pub pongs: bool,
}

impl Doubao {
    /// With these keys, patient for 8 s, answering pings.
    #[must_use]
    pub fn new(app_key: &str, access_key: &str, resource_id: &str) -> Self {
        Self {
            app_key: app_key.to_owned(),
            access_key: access_key.to_owned(),
            resource_id: resource_id.to_owned(),
            patience: Duration::from_secs(8),
            pongs: true,
        }
    }

    /// Why this dial is refused. Every header must be there exactly once.
    pub(super) fn refusal(&self, dial: &Dial) -> Option<Refusal> {
        if !dial.path.starts_with("/api/v3/sauc/bigmodel") {
            return Some((404, Vec::new(), String::new()));
        }
        let authenticated = dial.header_values("x-api-app-key") == [self.app_key.as_str()]
            && dial.header_values("x-api-access-key") == [self.access_key.as_str()];
        if !authenticated {
            return Some(status(
                401,
                45_000_010,
                "invalid X-Api-App-Key or X-Api-Access-Key",
            ));
        }
        if dial.header_values("x-api-resource-id") != [self.resource_id.as_str()] {
            return Some(status(403, 45_000_030, "requested resource not granted"));
        }
        let ids = [("x-api-connect-id", true), ("x-api-request-id", false)];
        for (name, required) in ids {
            let values = dial.header_values(name);
            let absent = values.is_empty() && !required;
            if !absent && !matches!(values.as_slice(), [id] if is_uuid(id)) {
                return Some(status(
                    400,
                    BAD_REQUEST,
                    &format!("{name} must be one UUID"),
                ));
            }
        }
        None
    }

    pub(super) async fn converse(&self, mut link: Link) -> io::Result<()> {
        let mut talk = Talk::default();
        loop {
            let next = timeout(self.patience, messages::next(&mut link, self.pongs)).await;
            let Ok(next) = next else {
                return fail(link, NO_PACKET, "waiting next packet timeout").await;
            };
            let Some(message) = next? else {
                link.finish().await;
                return Ok(());
            };
            // The vendor's own Go client sends audio in text frames: the opcode says nothing.
            let heard = Packet::parse(&message).and_then(|packet| talk.hear(packet));
            let (answer, last) = match heard {
                Ok(heard) => heard,
                Err((code, why)) => return fail(link, code, &why).await,
            };
            link.pen.audio(&talk.heard);
            link.send(Frame::binary(answer)).await?;
            if last {
                link.send(Frame::close(1000, "")).await?;
                link.finish().await;
                return Ok(());
            }
        }
    }
}

fn status(http: u16, code: u32, message: &str) -> Refusal {
    let headers = vec![
        ("X-Api-Status-Code".to_owned(), code.to_string()),
        ("X-Api-Message".to_owned(), message.to_owned()),
    ];
    (
        http,
        headers,
        json!({"code": code, "message": message}).to_string(),
    )
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}

async fn fail(mut link: Link, code: u32, why: &str) -> io::Result<()> {
    link.send(Frame::binary(packet::error(code, why))).await?;
    link.send(Frame::close(1000, "")).await?;
    link.finish().await;
    Ok(())
}

/// A recognition under way.
#[derive(Default)]
struct Talk {
    /// Serialization and compression of the request, in which the answers are made.
    form: Option<u8>,
    sequence: i32,
    bytes: u64,
    /// The audio of the last packet.
    heard: Vec<u8>,
}

impl Talk {
    /// The answer to a packet, and whether it is the last one.
    fn hear(&mut self, packet: Packet) -> Result<(Vec<u8>, bool), (u32, String)> {
        match (packet.kind, self.form) {
            (REQUEST, None) => self.begin(&packet)?,
            (AUDIO, Some(_)) => {
                self.bytes += u64::try_from(packet.payload.len()).unwrap();
            }
            (REQUEST, Some(_)) => return Err((BAD_REQUEST, "a second request".to_owned())),
            _ => return Err((BAD_REQUEST, "audio before the request".to_owned())),
        }
        if packet.last && self.bytes == 0 {
            return Err((EMPTY_AUDIO, "empty audio".to_owned()));
        }
        self.heard = if packet.kind == AUDIO {
            packet.payload
        } else {
            Vec::new()
        };
        self.sequence += 1;
        Ok((self.answer(packet.last), packet.last))
    }

    fn begin(&mut self, packet: &Packet) -> Result<(), (u32, String)> {
        let request: serde_json::Value = serde_json::from_slice(&packet.payload)
            .map_err(|error| (BAD_REQUEST, format!("the request is not JSON: {error}")))?;
        if request["request"]["model_name"] != "bigmodel" || !request["audio"]["format"].is_string()
        {
            return Err((
                BAD_REQUEST,
                "model_name or audio.format is wrong".to_owned(),
            ));
        }
        self.form = Some(packet.form);
        Ok(())
    }

    fn answer(&self, last: bool) -> Vec<u8> {
        let milliseconds = self.bytes / BYTES_PER_MILLISECOND;
        let text = "word ".repeat(usize::try_from(milliseconds / 400).unwrap());
        let text = text.trim_end();
        let utterance = json!({
            "text": text, "start_time": 0, "end_time": milliseconds, "definite": last,
        });
        let answer = json!({
            "audio_info": {"duration": milliseconds},
            "result": {"text": text, "utterances": [utterance]},
        });
        packet::response(
            self.form.unwrap_or(0x10),
            self.sequence,
            last,
            &answer.to_string(),
        )
    }
}
