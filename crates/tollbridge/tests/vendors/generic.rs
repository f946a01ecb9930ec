//! An upstream that is no vendor's: a bearer token in a header, and what it hears comes back.

use std::io;

use async_trait::async_trait;
use tollbridge_testkit::{Answer, Call, Dial, Frame, Vendor, Wants};

/// With this token.
#[derive(Debug)]
pub(crate) struct Generic(pub(crate) &'static str);

#[async_trait]
impl Vendor for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn wants(&self) -> Wants {
        Wants::new("/PATH", &[("Authorization", &format!("Bearer {}", self.0))])
    }

    fn refusal(&self, dial: &Dial) -> Option<Answer> {
        let bearer = format!("Bearer {}", self.0);
        let known = dial.header_values("authorization") == [bearer];
        (!known).then(|| Answer::text(401, "who are you?"))
    }

    async fn converse(&self, mut call: Call) -> io::Result<()> {
        while let Some(message) = call.hear().await? {
            call.send(Frame::binary(message.payload)).await?;
        }
        call.finish().await;
        Ok(())
    }
}
