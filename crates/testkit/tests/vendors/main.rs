//! Each vendor refuses what it must, welcomes what it wants, and says what its documents say.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests report a broken assumption by a panic"
)]

mod agents;
mod azure;
mod doubao;
mod entra;
mod frames;
mod google;
mod in_band;
mod more_realtime;
mod more_speech;
mod notices;
mod realtime;
mod refusals;
mod responses;
mod speech;
mod speechmatics;

use serde_json::Value;
use tollbridge_testkit::{Event, Frame, Handshake, RawWs, Response, Upstream, Vendor, Wants};

/// Headers that vendors put into their 101.
const THEIRS: &[&str] = &[
    "apim-request-id",
    "audit-id",
    "dg-request-id",
    "request-id",
    "trace-id",
    "x-api-connect-id",
    "x-tt-logid",
];

/// A vendor, and somebody who talks to it.
struct Talk {
    upstream: Upstream,
    ws: RawWs,
}

impl Talk {
    /// As the vendor wants to be dialled.
    async fn with(vendor: impl Vendor + 'static) -> Self {
        let wants = vendor.wants();
        Self::at(vendor, &wants.target).await
    }

    /// As the vendor wants, with this path and query.
    async fn at(vendor: impl Vendor + 'static, target: &str) -> Self {
        let wants = vendor.wants();
        let upstream = Upstream::behaving(vendor).await;
        let ws = dial(&upstream, handshake(target, &wants, None)).await;
        let ws = ws.unwrap();
        Self { upstream, ws }
    }

    /// With this header instead of those that the vendor wants.
    async fn bringing(
        vendor: impl Vendor + 'static,
        target: &str,
        header: &str,
        value: &str,
    ) -> Self {
        let upstream = Upstream::behaving(vendor).await;
        let bare = handshake(target, &Wants::new(target, &[]), None);
        let ws = dial(&upstream, bare.header(header, value)).await.unwrap();
        Self { upstream, ws }
    }

    async fn say(&mut self, event: Value) {
        self.ws.send(Frame::text(event.to_string())).await;
    }

    async fn say_bytes(&mut self, bytes: &[u8]) {
        self.ws.send(Frame::binary(bytes)).await;
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_slice(&self.ws.recv_data().await.frame().payload).unwrap()
    }

    /// The `type`s of the next events, up to and with this one.
    async fn types_until(&mut self, last: &str) -> Vec<String> {
        let mut types = Vec::new();
        while types.last().is_none_or(|it| it != last) {
            types.push(self.hear().await["type"].as_str().unwrap().to_owned());
        }
        types
    }

    /// Nothing more comes but this close; what it is answered with ends the connection.
    async fn closed(mut self) -> u16 {
        let Event::Frame(frame) = self.ws.recv_data().await else {
            panic!("no close frame");
        };
        let (code, _) = frame.close_parts().unwrap();
        self.ws.send(Frame::close(code, "")).await;
        assert_eq!(self.ws.recv().await, Event::Eof);
        let dials = self.upstream.ended(1).await;
        assert_eq!(dials[0].closed.as_ref().unwrap().0, code);
        code
    }
}

async fn dial(upstream: &Upstream, handshake: Handshake) -> Result<RawWs, Response> {
    RawWs::connect(upstream.addr(), handshake).await
}

/// A handshake as wanted, with this target, without this header.
fn handshake(target: &str, wants: &Wants, without: Option<&str>) -> Handshake {
    let mut handshake = Handshake::to(target);
    for (name, value) in &wants.headers {
        if Some(*name) != without {
            handshake = handshake.header(name, value);
        }
    }
    if !wants.protocols.is_empty() {
        handshake = handshake.protocols(wants.protocols);
    }
    THEIRS.iter().fold(handshake, |it, name| it.keeps(name))
}
