//! Sessions that begin with a message which the bridge reads: to take a token out of it, or to
//! write the vendor's credential into it. On such a route the client speaks first, or is greeted in
//! the upstream's place.

use bytes::BytesMut;
use tokio::time::Instant;
use tollbridge_domain::Slug;
use tollbridge_relay::{
    Close, Ending, First, NoFirst, Side, first_message, message_frame, relay, say,
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
            Err((slug, retry_after)) => farewell(&parts, client, slug, retry_after).await,
            Ok(Err(NoFirst::Gone)) => gone(client).await,
            Ok(Err(NoFirst::Late)) => farewell(&parts, client, Slug::IdleTimeout, None).await,
            Ok(Err(NoFirst::Broke(slug))) => farewell(&parts, client, slug, None).await,
            Ok(Ok(first)) => pass_on(parts, client, first).await,
        }
    });
}

/// The session of somebody whose first message brought the token and has been read.
pub(crate) fn go_on(ready: Ready, client: ClientLeg, first: First) {
    ready.begin(|parts| pass_on(parts, client, first));
}

/// Greets, where the route does, and reads the first message.
pub(crate) async fn hear(client: &mut ClientLeg, carrier: &InMessage) -> Result<First, NoFirst> {
    let until = Instant::now() + carrier.timeout;
    if let Some(greeting) = &carrier.greeting {
        say(client, greeting, until).await?;
    }
    first_message(client, true, carrier.max, until).await
}

/// Relays, beginning with the message as the upstream is to see it.
async fn pass_on(mut parts: Parts, client: ClientLeg, first: First) -> Ending {
    let Ok(mut front) = rewritten(&parts, &first) else {
        return farewell(&parts, client, Slug::BadRequest, None).await;
    };
    front.unsplit(first.rest);
    let carrier = parts.route.carriers.message.as_ref();
    let unread = if carrier.is_some_and(|carrier| carrier.greeting.is_some()) {
        // What the bridge said in its place is not said twice.
        let until = Instant::now() + parts.route.connect_timeout;
        let greeting = first_message(&mut parts.upstream, false, LONGEST, until);
        match parts.orders.unless_given(greeting).await {
            Err((slug, retry_after)) => return farewell(&parts, client, slug, retry_after).await,
            Ok(Err(_none)) => return farewell(&parts, client, Slug::UpstreamLost, None).await,
            Ok(Ok(greeting)) => greeting.rest,
        }
    } else {
        BytesMut::new()
    };
    let (client, upstream) = (
        Early::new(front, client),
        Early::new(unread, parts.upstream),
    );
    relay(
        client,
        upstream,
        parts.terms,
        parts.orders,
        parts.meter,
        parts.entropy,
    )
    .await
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

/// The client is told why nothing comes of its session.
async fn farewell(
    parts: &Parts,
    client: ClientLeg,
    slug: Slug,
    retry_after: Option<u32>,
) -> Ending {
    let close = Close::told(slug, retry_after, Some(&parts.terms.session));
    let (code, reason_len) = (Some(close.code), close.reason.len());
    tollbridge_relay::refuse(client, close).await;
    Ending {
        side: Side::Bridge,
        slug: Some(slug),
        code,
        reason_len,
        clean: false,
    }
}

/// The client left before it had said anything.
async fn gone(client: ClientLeg) -> Ending {
    tollbridge_relay::see_off(client).await;
    Ending {
        side: Side::Client,
        slug: None,
        code: None,
        reason_len: 0,
        clean: false,
    }
}
