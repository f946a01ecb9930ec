//! Sessions that begin with a message which the bridge reads: to take a token out of it, or to
//! write the vendor's credential into it. On such a route the client speaks first, or is greeted in
//! the upstream's place.

use bytes::BytesMut;
use tokio::time::Instant;
use tollbridge_domain::Slug;
use tollbridge_relay::{
    Ending, First, NoFirst, Opening, Reason, Side, call_off, first_message, message_frame, relay,
    say,
};
use tollbridge_stream::Early;

use super::{
    message::{Message, MessageFault},
    session::{Parts, Ready},
};
use crate::{carriers::InMessage, route::Route, takeover::ClientLeg};

/// How long a client may take, in seconds, where the route says nothing.
const PATIENCE: u64 = 30;

/// The longest first message where the route says nothing.
const LONGEST: usize = 64 * 1024;

/// Whether a session of this route begins with a message that the bridge reads.
pub(crate) const fn is_due(route: &Route) -> bool {
    !route.credential_message.is_empty() || route.carriers.message.is_some()
}

/// The session of somebody who came with a token, and whose first message is still to come. The
/// same SDK may put the token there as well.
pub(crate) fn introduce(ready: Ready, mut client: ClientLeg) {
    ready.begin(async move |parts| {
        let carrier = parts.route.carriers.message.clone();
        let carrier = carrier.unwrap_or_else(|| InMessage {
            field: String::new(),
            timeout: std::time::Duration::from_secs(PATIENCE),
            max: LONGEST,
            greeting: None,
        });
        let heard = parts.orders.unless_given(hear(&mut client, &carrier)).await;
        match heard {
            Ok(Ok(Opening::Message(first))) => pass_on(parts, client, first).await,
            // Passed on at once: nobody waits for a greeting any more.
            Ok(Ok(Opening::Close(unread))) => parts.relay(unread, client, BytesMut::new()).await,
            // A first message may lie there unread, token and all, where it was the greeting that failed.
            Ok(Err(NoFirst::Gone)) => parts.call_off(client, LEFT).await,
            Ok(Err(NoFirst::Late)) => parts.call_off(client, by_client(Slug::IdleTimeout)).await,
            Ok(Err(NoFirst::Broke(slug))) => parts.call_off(client, by_client(slug)).await,
            Err(order) => parts.call_off(client, ordered(order)).await,
        }
    });
}

/// The session of somebody whose first message brought the token and has been read.
pub(crate) fn go_on(ready: Ready, client: ClientLeg, first: First) {
    ready.begin(|parts| pass_on(parts, client, first));
}

/// Greets, where the route does, and reads the first message.
pub(crate) async fn hear(client: &mut ClientLeg, carrier: &InMessage) -> Result<Opening, NoFirst> {
    let until = Instant::now() + carrier.timeout;
    if let Some(greeting) = &carrier.greeting {
        say(client, greeting, until).await?;
    }
    first_message(client, true, carrier.max, until).await
}

/// Relays, beginning with the message as the upstream is to see it.
async fn pass_on(parts: Parts, client: ClientLeg, first: First) -> Ending {
    let Ok(mut front) = rewritten(&parts, &first) else {
        return parts.call_off(client, by_client(Slug::BadRequest)).await;
    };
    front.unsplit(first.rest);
    greeted(parts, client, front).await
}

/// Relays, beginning with what was read of the client and is not said yet. What the bridge said in the
/// upstream's place is not said twice.
async fn greeted(mut parts: Parts, client: ClientLeg, front: BytesMut) -> Ending {
    let carrier = parts.route.carriers.message.as_ref();
    if carrier.is_none_or(|carrier| carrier.greeting.is_none()) {
        return parts.relay(front, client, BytesMut::new()).await;
    }
    let until = Instant::now() + parts.route.connect_timeout;
    let greeting = first_message(&mut parts.upstream, false, LONGEST, until);
    match parts.orders.unless_given(greeting).await {
        Ok(Ok(Opening::Message(greeting))) => parts.relay(front, client, greeting.rest).await,
        Ok(Ok(Opening::Close(unread))) => parts.relay(front, client, unread).await,
        Ok(Err(NoFirst::Gone)) => parts.relay(front, client, BytesMut::new()).await,
        Ok(Err(NoFirst::Late)) => {
            let lost = by_upstream(Slug::UpstreamLost);
            parts.call_off(client, lost).await
        }
        Ok(Err(NoFirst::Broke(slug))) => parts.call_off(client, by_upstream(slug)).await,
        Err(order) => parts.call_off(client, ordered(order)).await,
    }
}

impl Parts {
    /// Relays, beginning with what has been read of either side and not been passed on.
    async fn relay(self, up: BytesMut, client: ClientLeg, down: BytesMut) -> Ending {
        let (client, upstream) = (Early::new(up, client), Early::new(down, self.upstream));
        let (terms, orders) = (self.terms, self.orders);
        relay(client, upstream, terms, orders, self.meter, self.entropy).await
    }

    /// Each side is told why nothing comes of the session, as far as there is something to tell.
    async fn call_off(self, client: ClientLeg, reason: Reason) -> Ending {
        let (upstream, terms, orders) = (self.upstream, self.terms, self.orders);
        let (meter, entropy) = (self.meter, self.entropy);
        call_off(client, upstream, terms, orders, meter, entropy, reason).await
    }
}

/// The client is gone, without a word.
const LEFT: Reason = Reason {
    side: Side::Client,
    slug: None,
    retry_after: None,
};

const fn by_client(slug: Slug) -> Reason {
    Reason {
        side: Side::Client,
        slug: Some(slug),
        retry_after: None,
    }
}

const fn by_upstream(slug: Slug) -> Reason {
    Reason {
        side: Side::Upstream,
        slug: Some(slug),
        retry_after: None,
    }
}

const fn ordered((slug, retry_after): (Slug, Option<u32>)) -> Reason {
    Reason {
        side: Side::Bridge,
        slug: Some(slug),
        retry_after,
    }
}

/// The first message without the token and with the credential. One that is no JSON object passes
/// as it is, unless a credential was to be written into it.
fn rewritten(parts: &Parts, first: &First) -> Result<BytesMut, MessageFault> {
    let mut mask = [0; 4];
    parts.entropy.fill(&mut mask);
    let mut message = match Message::parse(first.text, &first.payload) {
        Ok(message) => message,
        Err(_other) if parts.message.is_empty() => {
            return Ok(message_frame(first.text, &first.payload, Some(mask)));
        }
        Err(fault) => return Err(fault),
    };
    if let Some(carrier) = &parts.route.carriers.message {
        let _gone_already = message.take(&carrier.field);
    }
    for (pointer, value) in &parts.message {
        message.set(pointer, value);
    }
    Ok(message_frame(true, message.write().as_bytes(), Some(mask)))
}
