//! The JSON of a client's first message: the token comes out, the vendor's credential goes in.

use serde_json::Value;
use tollbridge_domain::Secret;

/// Why a first message is of no use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum MessageFault {
    #[error("the first message is not a JSON object in a text frame")]
    NoObject,
    #[error("the first message has no token where the route expects it")]
    NoToken,
}

/// A client's first message, understood.
pub(crate) struct Message(Value);

impl Message {
    pub(crate) fn parse(text: bool, payload: &[u8]) -> Result<Self, MessageFault> {
        let object = serde_json::from_slice::<Value>(payload)
            .ok()
            .filter(|value| text && value.is_object());
        object.map(Self).ok_or(MessageFault::NoObject)
    }

    /// The text where the token stands, which is a member no more.
    pub(crate) fn take(&mut self, pointer: &str) -> Result<String, MessageFault> {
        let (parent, name) = self.place(pointer).ok_or(MessageFault::NoToken)?;
        match parent.remove(&name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(MessageFault::NoToken),
        }
    }

    /// Sets a member whose enclosing objects are there; where they are not, the vendor will say so.
    pub(crate) fn set(&mut self, pointer: &str, value: &Secret<String>) {
        if let Some((parent, name)) = self.place(pointer) {
            parent.insert(name, Value::String(value.reveal().clone()));
        }
    }

    pub(crate) fn write(&self) -> String {
        self.0.to_string()
    }

    /// The object that a pointer's last step is taken in, and that step (RFC 6901, 4).
    fn place(&mut self, pointer: &str) -> Option<(&mut serde_json::Map<String, Value>, String)> {
        let (parents, last) = pointer.rsplit_once('/')?;
        let parent = self.0.pointer_mut(parents)?.as_object_mut()?;
        Some((parent, last.replace("~1", "/").replace("~0", "~")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message::parse(true, text.as_bytes()).ok().unwrap()
    }

    #[test]
    fn the_token_comes_out_and_the_credential_goes_in() {
        let mut auth = message(r#"{"type":"auth","access_token":"T"}"#);
        assert_eq!(auth.take("/access_token").as_deref(), Ok("T"));
        assert_eq!(auth.write(), r#"{"type":"auth"}"#);
        auth.set("/access_token", &Secret::new("real".to_owned()));
        assert_eq!(auth.write(), r#"{"access_token":"real","type":"auth"}"#);
    }

    #[test]
    fn a_pointer_leads_through_objects_only() {
        let mut deep = message(r#"{"app":{"a/b":"T"},"list":["x"],"text":"x","number":1}"#);
        assert_eq!(deep.take("/app/a~1b").as_deref(), Ok("T"));
        for nowhere in ["/app/a~1b", "/list/0", "/text/0", "/number", "/none/at/all"] {
            assert_eq!(deep.take(nowhere), Err(MessageFault::NoToken), "{nowhere}");
        }
    }

    #[test]
    fn only_an_object_as_text_is_a_message() {
        for (text, payload) in [
            (false, "{}"),
            (true, "[]"),
            (true, "\"x\""),
            (true, "{"),
            (true, "{} {}"),
        ] {
            assert!(
                Message::parse(text, payload.as_bytes()).is_err(),
                "{payload}"
            );
        }
    }
}
