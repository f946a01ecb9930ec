//! One case: who does what, what each side reads, and the ending on record.

use serde_json::{Value, json};
use tokio::try_join;
use tollbridge_testkit::{Frame, RawPeer};

use crate::{
    act::{Act, play},
    stage::Stage,
    told::{Manners, Told, listen},
    wire::Side,
};

/// A row of the table.
pub(crate) struct Row {
    /// The case, and the name of its route.
    pub(crate) name: String,
    /// Limits and the like, in the words of the configuration.
    pub(crate) settings: String,
    /// Whether the client offers permessage-deflate; the upstream then accepts it.
    pub(crate) deflate: bool,
    pub(crate) client: Part,
    pub(crate) upstream: Part,
    pub(crate) ending: Ending,
}

/// What one side does and is told.
pub(crate) struct Part {
    acts: Vec<Act>,
    manners: Manners,
    /// What comes through from the other side while it listens, after its own steps.
    passes: Vec<Frame>,
    told: Told,
}

/// What goes on record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ending {
    /// Who ended it; `None` where it is a matter of moments.
    pub(crate) side: Option<&'static str>,
    pub(crate) slug: &'static str,
    pub(crate) code: Option<u16>,
    pub(crate) clean: bool,
}

impl Row {
    /// Two sides that do nothing, which is no case yet.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            settings: String::new(),
            deflate: false,
            client: Part::silent(),
            upstream: Part::silent(),
            ending: Ending {
                side: None,
                slug: "",
                code: None,
                clean: false,
            },
        }
    }

    pub(crate) fn with(mut self, settings: &str) -> Self {
        self.settings = settings.to_owned();
        self
    }

    pub(crate) const fn deflating(mut self) -> Self {
        self.deflate = true;
        self
    }

    fn part(&mut self, side: Side) -> &mut Part {
        match side {
            Side::Client => &mut self.client,
            Side::Upstream => &mut self.upstream,
        }
    }

    /// One more step of this side.
    pub(crate) fn does(mut self, side: Side, act: Act) -> Self {
        self.part(side).acts.push(act);
        self
    }

    /// This side sends bytes.
    pub(crate) fn says(self, side: Side, bytes: impl Into<Vec<u8>>) -> Self {
        self.does(side, Act::Says(bytes.into()))
    }

    /// This side sends frames.
    pub(crate) fn frames(self, side: Side, frames: &[Frame]) -> Self {
        self.says(side, side.wire(frames))
    }

    /// This side answers no close.
    pub(crate) fn mute(mut self, side: Side) -> Self {
        self.part(side).manners = Manners::Mute;
        self
    }

    /// This side sends a close frame, and the other answers with the same.
    pub(crate) fn closes(self, by: Side, close: &Frame) -> Self {
        let code = close.close_parts().map(|(code, _)| code);
        let mut row = self
            .frames(by, std::slice::from_ref(close))
            .told(by, Told::Close(close.clone()))
            .told(by.other(), Told::Close(close.clone()))
            .ends(by.name(), "", code, true);
        row.part(by).manners = Manners::Closed;
        row
    }

    /// These frames come through to this side at last.
    pub(crate) fn passes(mut self, side: Side, frames: &[Frame]) -> Self {
        self.part(side).passes = frames.to_vec();
        self
    }

    /// This is the last that this side is told.
    pub(crate) fn told(mut self, side: Side, told: Told) -> Self {
        self.part(side).told = told;
        self
    }

    /// Told a peer's close with nothing but this code.
    pub(crate) fn told_code(self, side: Side, code: u16) -> Self {
        self.told(side, Told::Close(Frame::close(code, "")))
    }

    /// By a peer, with this code or none.
    pub(crate) const fn ends(
        mut self,
        side: &'static str,
        slug: &'static str,
        code: Option<u16>,
        clean: bool,
    ) -> Self {
        self.ending = Ending {
            side: Some(side),
            slug,
            code,
            clean,
        };
        self
    }

    /// Whoever was first.
    pub(crate) const fn by_either(mut self) -> Self {
        self.ending.side = None;
        self
    }

    /// Plays it, and says what was otherwise.
    pub(crate) async fn play(&self, stage: &Stage) -> Result<(), String> {
        let (client, upstream) = stage.open(&self.name, self.deflate).await;
        let client = self.client.play(client, stage, self, Side::Client);
        let upstream = self.upstream.play(upstream, stage, self, Side::Upstream);
        try_join!(client, upstream)?;
        let logged = stage.ended(&self.name).await;
        self.ending.judge(&logged)
    }
}

impl Part {
    const fn silent() -> Self {
        Self {
            acts: Vec::new(),
            manners: Manners::Answers,
            passes: Vec::new(),
            told: Told::Nothing,
        }
    }

    async fn play(
        &self,
        peer: RawPeer,
        stage: &Stage,
        row: &Row,
        side: Side,
    ) -> Result<(), String> {
        let blame = |what| format!("the {}: {what}", side.name());
        let left = play(&self.acts, peer, stage, &row.name).await;
        let Some(peer) = left.map_err(blame)? else {
            return match self.told {
                Told::Left => Ok(()),
                _ => Err(blame("left although it is to be told".to_owned())),
            };
        };
        let heard = listen(peer, side, self.manners).await.map_err(blame)?;
        heard.judge(side, &self.passes, &self.told).map_err(blame)
    }
}

impl Ending {
    /// Against the event `session.closed`.
    fn judge(&self, logged: &Value) -> Result<(), String> {
        let side = self
            .side
            .map_or_else(|| logged["initiator"].clone(), Value::from);
        let wanted = json!([side, self.slug, self.code, self.clean]);
        let found = json!([
            logged["initiator"],
            logged["reason"],
            logged["code"],
            logged["clean"]
        ]);
        match wanted == found {
            true => Ok(()),
            false => Err(format!("on record {found}, not {wanted}")),
        }
    }

    /// What the metric calls it.
    pub(crate) fn label(&self) -> String {
        match (self.slug, self.code) {
            ("", Some(code @ (1000 | 1001))) => code.to_string(),
            ("", Some(_)) => "other".to_owned(),
            ("", None) => "none".to_owned(),
            (slug, _) => slug.to_owned(),
        }
    }
}
