//! What RFC 6455 forbids a client ends the conversation with any vendor.

use tollbridge_testkit::{Frame, LengthForm, vendors::Deepgram};

use crate::Talk;

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_closed() {
    for wrong in [
        Frame::continuation("of nothing"),
        Frame::text("extended").rsv(4),
        Frame::new(3, "unknown"),
    ] {
        let mut talk = Talk::with(Deepgram::new("key")).await;
        talk.ws.send(wrong).await;
        assert_eq!(talk.ws.close_code().await, Some(1002));
    }
    let mut talk = Talk::with(Deepgram::new("key")).await;
    let bare = Frame::text("unmasked");
    talk.ws.send_frame(&bare, None, LengthForm::Minimal).await;
    assert_eq!(talk.ws.close_code().await, Some(1002));
    let mut talk = Talk::with(Deepgram::new("key")).await;
    talk.ws.send(Frame::ping("p")).await;
    assert_eq!(talk.ws.recv().await.frame(), Frame::pong("p"));
    talk.ws.close(4_001).await;
    let dials = talk.upstream.ended(1).await;
    assert_eq!(dials[0].closed.as_ref().unwrap().0, 4_001);
}
