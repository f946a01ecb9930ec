//! One request after another, each on a connection of its own.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Desk, EntraMood, grant};
use crate::{
    Identity, PATIENCE,
    head::Head,
    upstream::{Answer, Dial, dial::parse_query, link::Line},
};

/// More than any form.
const LARGEST_BODY: usize = 64 * 1024;

pub(super) async fn accept(listener: TcpListener, identity: Option<Identity>, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (identity, desk) = (identity.clone(), Arc::clone(&desk));
        connections.spawn(async move {
            // Who leaves without waiting for the answer has a reason.
            let _left = serve(stream, identity, &desk).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, identity: Option<Identity>, desk: &Desk) -> io::Result<()> {
    let mut line = timeout(PATIENCE, Line::accept(stream, identity.as_ref())).await??;
    let (request, form) = timeout(PATIENCE, read(&mut line)).await??;
    let _counted = Counted::new(desk);
    let Some(answer) = desk.answer(&request, &form).await else {
        line.reset();
        return Ok(());
    };
    let write = async {
        line.write_all(answer.encode().as_bytes()).await?;
        line.shutdown().await
    };
    timeout(PATIENCE, write).await?
}

async fn read(line: &mut Line) -> io::Result<(Dial, Vec<(String, String)>)> {
    let head = Head::read(line).await?;
    let length = head.all("content-length").concat().parse().unwrap_or(0);
    if length > LARGEST_BODY {
        return Err(io::Error::other("a form larger than any"));
    }
    let mut body = vec![0; length];
    line.read_exact(&mut body).await?;
    let form = parse_query(&String::from_utf8_lossy(&body));
    Ok((Dial::new(head, false), form))
}

impl Desk {
    /// `None` where the connection is to be broken.
    async fn answer(&self, request: &Dial, form: &[(String, String)]) -> Option<Answer> {
        let mut orders = self.orders.subscribe();
        let held = |mood: &EntraMood| matches!(mood, EntraMood::Held);
        // The desk, which lives as long as this borrow of it, holds the sender.
        let orders = orders
            .wait_for(|orders| !held(&orders.mood))
            .await
            .expect("the desk is there")
            .clone();
        let refusal = self.client.refusal(request, form);
        let granted = || grant::granted(&self.tokens.issue(), orders.expires_in);
        match orders.mood {
            EntraMood::Broken => None,
            EntraMood::Down => Some(Answer::text(503, "Service Unavailable")),
            EntraMood::Throttling(seconds) => Some(
                grant::refused(429, "temporarily_unavailable", 90_055, "Too many requests.")
                    .header("Retry-After", &seconds.to_string()),
            ),
            EntraMood::Honest | EntraMood::Held => Some(refusal.unwrap_or_else(granted)),
            EntraMood::Slow(wait) => {
                sleep(wait).await;
                Some(refusal.unwrap_or_else(granted))
            }
            EntraMood::Lying(lie) => {
                Some(refusal.unwrap_or_else(|| grant::lied(lie, &self.tokens.issue())))
            }
            EntraMood::SecretExpired => {
                let message = "The provided client secret keys are expired.";
                Some(grant::refused(401, "invalid_client", 7_000_222, message))
            }
        }
    }
}

/// A request that is counted as long as it is not answered.
struct Counted<'a>(&'a Desk);

impl<'a> Counted<'a> {
    fn new(desk: &'a Desk) -> Self {
        desk.counts.send_modify(|counts| {
            counts.begun += 1;
            counts.in_flight += 1;
            counts.most_in_flight = counts.most_in_flight.max(counts.in_flight);
        });
        Self(desk)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| counts.in_flight -= 1);
    }
}
