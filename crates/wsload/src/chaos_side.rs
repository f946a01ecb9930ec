//! One side of a session in the disorder: it talks at its own pace, reads what comes, and does what the plan says.
use crate::chaos_plan::{Act, Dice, Pace, Plan, Side};
use crate::soak_peer::{half_close, message, reset, send, Peer, HEAD};
use crate::ws::OP_BIN;
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long after the act a session may still be there.
const END: Duration = Duration::from_secs(30);
/// How long a frame that was begun may take to its end.
const FRAME: Duration = Duration::from_secs(3);

/// What all plans of a run have in common.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub seed: u64,
    /// How long one who stalls leaves everything unread: longer than the route's `write_timeout` and the kernel's buffers last.
    pub unread: Duration,
}

/// What a side saw and did.
#[derive(Default)]
pub struct Saw {
    /// The close frame it read.
    pub close: Option<(Option<u16>, String)>,
    pub sent: u64,
    pub got: u64,
    pub faults: Vec<String>,
}

/// What the writer is to do.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Talk,
    Flood,
    Stop,
}

struct Mouth {
    /// How it was stopped, once it was.
    stopped: Option<Option<u64>>,
    order: Rc<Cell<Order>>,
    wake: Rc<Notify>,
    task: JoinHandle<io::Result<u64>>,
}

impl Mouth {
    fn order(&self, order: Order) {
        self.order.set(order);
        self.wake.notify_one();
    }

    /// Stops between two frames: how many messages were sent; `None` where a frame stays half written.
    async fn stop(&mut self) -> Option<u64> {
        if let Some(sent) = self.stopped {
            return sent;
        }
        self.order(Order::Stop);
        let sent = match timeout(FRAME, &mut self.task).await {
            Ok(Ok(Ok(sent))) => Some(sent),
            _ => {
                self.task.abort();
                None
            }
        };
        self.stopped = Some(sent);
        sent
    }
}

fn talk(peer: &Peer, plan: Plan, me: Side, seed: u64) -> Mouth {
    let order = Rc::new(Cell::new(Order::Talk));
    let wake = Rc::new(Notify::new());
    let task = tokio::task::spawn_local(write(peer.s.clone(), peer.mask(), plan, me, seed, order.clone(), wake.clone()));
    Mouth { stopped: None, order, wake, task }
}

/// Numbered messages until it is told to stop; a frame that was begun is always finished.
async fn write(
    s: Rc<TcpStream>,
    mask: Option<[u8; 4]>,
    plan: Plan,
    me: Side,
    seed: u64,
    order: Rc<Cell<Order>>,
    wake: Rc<Notify>,
) -> io::Result<u64> {
    let pace = plan.pace[me as usize];
    let mut dice = Dice::new(seed ^ 0xabcd, plan.who * 2 + me as u64);
    let mut sent = 0;
    loop {
        let pause = match pace {
            _ if order.get() == Order::Flood => 0,
            Pace::Brisk | Pace::Trickled => dice.range(50, 300),
            Pace::Delayed => dice.range(300, 1200),
        };
        tokio::select! {
            _ = sleep(Duration::from_millis(pause)), if order.get() != Order::Stop => {}
            _ = wake.notified() => {}
        }
        if order.get() == Order::Stop {
            return Ok(sent);
        }
        let len = match order.get() {
            Order::Flood => 60_000,
            _ if dice.range(0, 20) == 0 => dice.range(20_000, 90_000),
            _ => dice.range(HEAD as u64, 6_000),
        };
        let mut frame = vec![];
        crate::ws::put_frame(&mut frame, OP_BIN, &message(plan.who, sent, len as usize), mask);
        let mut rest = frame.as_slice();
        for _ in 0..if pace == Pace::Trickled { dice.range(1, 40) } else { 0 } {
            let (piece, more) = rest.split_at(rest.len().min(dice.range(1, 200) as usize));
            send(&s, piece).await?;
            rest = more;
            if order.get() == Order::Talk {
                sleep(Duration::from_millis(dice.range(1, 8))).await;
            }
        }
        send(&s, rest).await?;
        sent += 1;
    }
}

/// Plays one side to its end.
pub async fn play(mut peer: Peer, plan: Plan, me: Side, rules: Rules) -> Saw {
    let mut saw = Saw::default();
    let mut mouth = talk(&peer, plan, me, rules.seed);
    let act_at = tokio::time::Instant::now() + Duration::from_millis(plan.after);
    if !hear_until(&mut peer, &plan, me, &mut saw, act_at, false).await {
        // The other side's clock began a moment earlier: its act may be here before ours is due.
        if plan.by == me {
            saw.faults.push("ended before its act".into());
        }
        part(&mut peer, &mut mouth, &plan, &mut saw).await;
        return saw;
    }
    match (plan.by == me, plan.act) {
        (true, act) => {
            let stopped = mouth.stop().await;
            if stopped.is_none() && act != Act::Stall {
                saw.faults.push("could not finish a frame".into());
            }
            saw.sent = stopped.unwrap_or(0);
            if let Err(e) = do_it(&mut peer, act, rules).await {
                saw.faults.push(format!("could not act: {e}"));
            }
            if act == Act::Reset {
                return saw;
            }
            hear_out(&mut peer, &plan, act, &mut saw).await;
        }
        (false, act) => {
            match act {
                Act::Stall => mouth.order(Order::Flood),
                Act::Idle => _ = mouth.stop().await,
                _ => {}
            }
            let end = tokio::time::Instant::now() + END;
            if hear_until(&mut peer, &plan, me, &mut saw, end, act == Act::Idle).await {
                saw.faults.push("never ended".into());
            }
            part(&mut peer, &mut mouth, &plan, &mut saw).await;
        }
    }
    saw
}

/// Reads until the deadline (true) or until the session's end shows (false). Pings are answered only where the writer is
/// `quiet`: it may be inside a frame otherwise, and its own messages say as much.
async fn hear_until(
    peer: &mut Peer,
    plan: &Plan,
    me: Side,
    saw: &mut Saw,
    until: tokio::time::Instant,
    quiet: bool,
) -> bool {
    let delayed = plan.pace[me as usize] == Pace::Delayed;
    loop {
        let more = tokio::select! {
            more = async { if quiet { peer.listen().await } else { peer.read().await } } => more,
            _ = tokio::time::sleep_until(until) => return true,
        };
        take(peer, plan, saw);
        if peer.heard.close.is_some() || !matches!(more, Ok(true)) {
            return false;
        }
        if delayed && plan.act != Act::Stall {
            sleep(Duration::from_millis(plan.who % 40)).await;
        }
    }
}

/// Checks what was read: who sent it, its place in the row, every byte.
fn take(peer: &mut Peer, plan: &Plan, saw: &mut Saw) {
    while let Some(m) = peer.heard.done.pop_front() {
        if m.who != plan.who || m.number != saw.got || !m.good {
            saw.faults.push(format!("message {} of {} in place of {} of {}, good: {}", m.number, m.who, saw.got, plan.who, m.good));
        }
        saw.got += 1;
    }
}

async fn do_it(peer: &mut Peer, act: Act, rules: Rules) -> io::Result<()> {
    let s = peer.s.clone();
    match act {
        Act::Close(code) => send(&s, &peer.close_frame(code)).await,
        Act::Reset => {
            reset(&s);
            Ok(())
        }
        Act::HalfClose => {
            half_close(&s);
            Ok(())
        }
        Act::Torn => {
            let whole = peer.frame(OP_BIN, &[0; 1000]);
            send(&s, &whole[..400]).await?;
            half_close(&s);
            Ok(())
        }
        Act::Break => send(&s, &peer.frame(3, b"reserved")).await,
        Act::Stall => {
            sleep(rules.unread).await;
            Ok(())
        }
        Act::Mute | Act::Idle => Ok(()),
    }
}

/// After its act a side reads to the end of the stream.
async fn hear_out(peer: &mut Peer, plan: &Plan, act: Act, saw: &mut Saw) {
    let hear = async {
        loop {
            let more = peer.read().await;
            if act == Act::Idle && peer.heard.close.is_none() && !peer.heard.pongs.is_empty() {
                let pongs = std::mem::take(&mut peer.heard.pongs);
                let _ = send(&peer.s, &pongs).await;
            }
            take(peer, plan, saw);
            if !matches!(more, Ok(true)) {
                return;
            }
        }
    };
    if timeout(END, hear).await.is_err() {
        saw.faults.push("never ended".into());
    }
    saw.close = peer.heard.close.take();
}

/// Answers the close frame, ends its half, reads to the end of the stream.
async fn part(peer: &mut Peer, mouth: &mut Mouth, plan: &Plan, saw: &mut Saw) {
    let whole = mouth.stop().await.is_some();
    if let (true, Some((code, _))) = (whole, &peer.heard.close) {
        let answer = peer.close_frame(*code);
        let _ = send(&peer.s, &answer).await;
    }
    half_close(&peer.s);
    let hear = async { while let Ok(true) = peer.read().await {} };
    if timeout(END, hear).await.is_err() {
        saw.faults.push("the stream stayed open".into());
    }
    take(peer, plan, saw);
    if peer.heard.after_close > 0 {
        saw.faults.push("frames behind the close frame".into());
    }
    saw.close = peer.heard.close.take();
}
