//! What an upstream can be told to do.

use std::{sync::Arc, time::Duration};

use super::{Upstream, Vendor, session::Script};
use crate::Identity;

/// What it does with a dial that has the required headers.
#[derive(Clone, Debug, Default)]
pub enum Behaviour {
    /// Answers 101, then breaks the connection.
    AcceptThenReset,
    /// Answers with these bytes, whatever they are; `{accept}` in them becomes the right
    /// `Sec-WebSocket-Accept`. Then it reads on until the other side ends.
    Answer(Vec<u8>),
    /// Answers 101 and closes with this code and reason.
    CloseWith(u16, String),
    /// Sends back every frame as it came, answers pings, answers a close with the same.
    #[default]
    Echo,
    /// Answers 101 and ends the connection without a close frame.
    EndWithoutClose,
    /// Answers 101 and sends binary messages of this size without end, reading nothing.
    Flood(usize),
    /// Answers 101, reads everything, and answers a close with nothing.
    NeverAnswersClose,
    /// Answers 101 with these bytes right behind it, in the same segment, then echoes.
    Raw(Vec<u8>),
    /// Answers 101 and reads nothing ever.
    ReadsNothing,
    /// Refuses the handshake.
    Refuse {
        /// With this status,
        status: u16,
        /// these headers
        headers: Vec<(String, String)>,
        /// and this body.
        body: String,
    },
    /// Breaks the connection where the answer should be.
    Reset,
    /// Reads the request and never answers.
    Silent,
    /// Waits so long before it answers 101, then echoes.
    Slow(Duration),
    /// Speaks like a vendor's service.
    Vendor(Arc<dyn Vendor>),
}

impl<V: Vendor + 'static> From<V> for Behaviour {
    fn from(vendor: V) -> Self {
        Self::Vendor(Arc::new(vendor))
    }
}

impl From<Arc<dyn Vendor>> for Behaviour {
    fn from(vendor: Arc<dyn Vendor>) -> Self {
        Self::Vendor(vendor)
    }
}

/// An upstream in the making.
#[derive(Clone, Default)]
pub struct Builder {
    script: Script,
    identity: Option<Identity>,
    port: u16,
}

impl Builder {
    /// Instead of echoing.
    #[must_use]
    pub fn behaviour(mut self, behaviour: impl Into<Behaviour>) -> Self {
        self.script.behaviour = behaviour.into();
        self
    }

    /// On this port instead of one that is free; 0 is any.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Refuses dials without this header, exactly once and with this value, by 401.
    #[must_use]
    pub fn require(mut self, header: &str, value: &str) -> Self {
        self.script
            .required
            .push((header.to_owned(), value.to_owned()));
        self
    }

    /// Puts this header into its 101.
    #[must_use]
    pub fn answer(mut self, header: &str, value: &str) -> Self {
        self.script
            .answer
            .push((header.to_owned(), value.to_owned()));
        self
    }

    /// Chooses this subprotocol, offered or not.
    #[must_use]
    pub fn protocol(self, protocol: &str) -> Self {
        self.answer("Sec-WebSocket-Protocol", protocol)
    }

    /// Accepts these extensions, offered or not. Frames are echoed as they are, so that a
    /// compressed message comes back compressed.
    #[must_use]
    pub fn extensions(self, accepted: &str) -> Self {
        self.answer("Sec-WebSocket-Extensions", accepted)
    }

    /// Speaks TLS and shows this certificate.
    #[must_use]
    pub fn tls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Keeps sums of what it hears and not the frames: for runs that are long.
    #[must_use]
    pub const fn forgetful(mut self) -> Self {
        self.script.forgetful = true;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where the port is not free.
    pub async fn start(self) -> Upstream {
        Upstream::start(self.script, self.identity, self.port).await
    }
}
