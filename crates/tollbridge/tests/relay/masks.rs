//! Masking keys: the client's own pass, the bridge's are random.

use std::collections::BTreeSet;

use tollbridge_domain::Entropy as _;
use tollbridge_testkit::{Behaviour, Event, Frame, SeededEntropy, Upstream};

use crate::stage::Plan;

const FRAMES: usize = 10_000;
const SESSIONS: usize = 64;

/// R13. The bridge never masks anew, so what the case asks of its masks is asked of the client's:
/// they arrive as they were chosen, ten thousand of them.
#[tokio::test]
async fn a_clients_masks_arrive_as_it_chose_them() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let stage = Plan::new().await.echo("echo", &echo).start().await;
    let mut ws = stage.session("echo").await;
    let chance = SeededEntropy::new(13);
    let mut chosen = Vec::new();
    for at in 0..FRAMES {
        let mut key = [0; 4];
        chance.fill(&mut key);
        let text = format!("frame {at}");
        ws.send(Frame::text(&text).masked(key)).await;
        assert_eq!(ws.recv().await.frame(), Frame::text(&text));
        chosen.push(Some(key));
    }
    let arrived: Vec<_> = echo.dials()[0].frames.iter().map(|it| it.mask).collect();
    assert!(arrived == chosen, "other masks than were sent");
    ws.close(1000).await;
}

/// R13, for the frames that are the bridge's own: distinct, never zero, as many ones as zeros.
#[tokio::test]
async fn the_bridges_own_masks_are_random() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let stage = Plan::new().await.echo("echo", &echo).start().await;
    for _ in 0..SESSIONS {
        stage.session("echo").await.finish().await;
    }
    let dials = echo.ended(SESSIONS).await;
    let keys: BTreeSet<[u8; 4]> = dials
        .iter()
        .map(|dial| match &dial.end {
            Some(Event::Frame(close)) => close.mask.expect("a masked close"),
            other => panic!("not told: {other:?}"),
        })
        .collect();
    assert_eq!(keys.len(), SESSIONS, "a mask came twice");
    assert!(!keys.contains(&[0; 4]));
    let ones: u32 = keys
        .iter()
        .map(|key| u32::from_be_bytes(*key).count_ones())
        .sum();
    // 2048 bits: a mean of 1024 and a standard deviation of 22.6. Six of them are chance once in
    // five hundred million runs.
    assert!((888..=1160).contains(&ones), "{ones} of 2048 bits");
}
