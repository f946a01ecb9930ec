//! How the vendors and versions of these events differ.

/// Names, and what is demanded.
pub(in super::super) struct Dialect {
    /// `response.{audio}.delta` and `response.{audio}_transcript.delta`.
    pub(super) audio: &'static str,
    /// `response.{text}.delta`.
    pub(super) text: &'static str,
    /// How a new item is announced.
    pub(super) items: &'static [&'static str],
    /// Whether what is set about sound is in `session.audio`.
    pub(super) nested: bool,
    /// Whether an update must repeat the session's `type`.
    pub(super) strict: bool,
    /// Whether every fifth append is answered with its own sound, outside of any response: so
    /// that a measured run has something coming back. No vendor does that.
    pub(super) echoes: bool,
}

/// OpenAI's since general availability.
pub(in super::super) const GENERAL: Dialect = Dialect {
    audio: "output_audio",
    text: "output_text",
    items: &["conversation.item.added", "conversation.item.done"],
    nested: true,
    strict: true,
    echoes: false,
};

/// The same from others, who are easier to please.
pub(in super::super) const LENIENT: Dialect = Dialect {
    strict: false,
    ..GENERAL
};

/// OpenAI's before that.
pub(in super::super) const PREVIEW: Dialect = Dialect {
    audio: "audio",
    text: "text",
    items: &["conversation.item.created"],
    nested: false,
    strict: false,
    echoes: false,
};

/// Azure Voice Live's, which stayed with the names of the preview.
pub(in super::super) const VOICE_LIVE: Dialect = Dialect {
    echoes: true,
    ..PREVIEW
};
