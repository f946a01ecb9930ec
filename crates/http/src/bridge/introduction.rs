//! Routes on which the client's first message is read: for the token in it, or to write the
//! vendor's credential into it. The upgrade is granted first; what follows is bounded in time, in
//! bytes and in number, and nothing is dialled before a token has been judged.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;
use tollbridge_domain::Slug;
use tollbridge_relay::{Close, First, NoFirst, first_message, say, text_frame};
use tollbridge_stream::Early;

use super::{
    admission::{Admitted, Entrance, Refusal},
    call::{self, Agreed},
    handshake::Handshake,
    leg,
    message::{Message, MessageFault},
    negotiate,
    session::Ready,
};
use crate::{
    carriers::InMessage,
    problem::Problem,
    route::Route,
    shared::{Generation, Shared, Worker},
    takeover::ClientLeg,
};

/// Strangers whose first message is awaited, at once.
const MOST_WAITING: usize = 1000;

/// How long a client may take with its first message where only the credential goes into it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest first message where the route says nothing.
const LONGEST: usize = 64 * 1024;

/// One of the bounded number of strangers.
struct Place(web::Data<Shared>);

impl Place {
    fn take(shared: &web::Data<Shared>) -> Option<Self> {
        let taken = shared
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
                (now < MOST_WAITING).then_some(now + 1)
            });
        taken.is_ok().then(|| Self(shared.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Somebody who brought no token yet.
pub(crate) struct Stranger {
    req: HttpRequest,
    shared: web::Data<Shared>,
    generation: Arc<Generation>,
    worker: Worker,
    handshake: Handshake,
    carrier: InMessage,
}

/// Grants the upgrade and waits for the token.
pub(crate) fn accept(
    entrance: &Entrance<'_>,
    worker: &Worker,
    handshake: Handshake,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let carrier = entrance.message_carrier();
    let (Some(carrier), Some(place)) = (carrier, Place::take(entrance.shared)) else {
        let refusal = Refusal::stranger(Slug::Overloaded, "too many wait with their token");
        return entrance.refuse(refusal, &handshake, payload);
    };
    let protocol = negotiate::echo(None, &handshake.offer);
    let answer = negotiate::switch(&handshake, protocol.as_deref(), None, &[]);
    let stranger = Stranger {
        req: entrance.req.clone(),
        shared: entrance.shared.clone(),
        generation: Arc::clone(entrance.generation),
        worker: worker.clone(),
        handshake,
        carrier: carrier.clone(),
    };
    let req = entrance.req.clone();
    Ok(leg::connect(&req, answer, payload, move |client| {
        // Bounded by `MOST_WAITING` and by the deadlines of everything in it.
        actix_web::rt::spawn(stranger.enter(client, place));
    }))
}

impl Entrance<'_> {
    /// Whether a refusal only says that no token came with the request, where it may come after.
    pub(crate) fn may_follow(&self, refusal: &Refusal) -> bool {
        refusal.slug == Slug::TokenMissing && self.message_carrier().is_some()
    }

    fn message_carrier(&self) -> Option<&InMessage> {
        self.route.as_ref()?.carriers.message.as_ref()
    }
}

impl Stranger {
    async fn enter(mut self, mut client: ClientLeg, place: Place) {
        let heard = hear(&mut client, &self.carrier).await;
        drop(place);
        let heard = heard.and_then(|(first, mut message)| {
            let token = message.take(&self.carrier.field)?;
            Ok((first, message, token))
        });
        let brought = match heard {
            Ok((first, message, token)) => {
                self.handshake.offer.bring(token);
                Ok((first, message))
            }
            Err(fault) => Err(fault),
        };
        let entrance = Entrance::new(&self.req, &self.shared, &self.generation);
        let outcome = match brought {
            Ok((first, message)) => {
                let called = self.call(&entrance).await;
                called.map(|(admitted, agreed)| (first, message, admitted, agreed))
            }
            Err(fault) => {
                let refusal = Refusal::stranger(fault.slug(), fault.to_string());
                if matches!(fault, Fault::Gone) {
                    entrance.tell(&refusal);
                    tollbridge_relay::see_off(client).await;
                    return;
                }
                Err(refusal)
            }
        };
        match outcome {
            Ok((first, message, admitted, agreed)) => {
                let ready = Ready::new(&entrance, admitted, agreed);
                pass_on(ready, client, first, message).await;
            }
            Err(refusal) => {
                entrance.tell(&refusal);
                let session = refusal.upstream.as_ref().map(|said| &said.session);
                let close = Close::told(refusal.slug, refusal.retry_after, session);
                tollbridge_relay::refuse(client, close).await;
            }
        }
    }

    async fn call(&self, entrance: &Entrance<'_>) -> Result<(Admitted, Agreed), Refusal> {
        let admitted = entrance.admit(&self.handshake).await?;
        match call::dial(entrance, &admitted, &self.handshake, &self.worker).await {
            Ok(agreed) => Ok((admitted, agreed)),
            Err(failed) => Err(call::give_back(entrance, admitted, failed).await),
        }
    }
}

/// Whether a session of this route begins with a message that is written into.
pub(crate) const fn is_due(route: &Route) -> bool {
    !route.credential_message.is_empty()
}

/// The session of somebody who came with a token, and whose first message gets the credential.
pub(crate) fn introduce(ready: Ready, mut client: ClientLeg) {
    let carrier = ready.route().carriers.message.clone();
    let carrier = carrier.unwrap_or_else(|| InMessage {
        field: String::new(),
        timeout: PATIENCE,
        max: LONGEST,
        greeting: None,
    });
    // Bounded by the number of sessions, whose lease this one holds, and by its deadlines.
    actix_web::rt::spawn(async move {
        match hear(&mut client, &carrier).await {
            Ok((first, mut message)) => {
                // The same SDK may put a token there that was brought elsewhere already.
                let _none = message.take(&carrier.field);
                pass_on(ready, client, first, message).await;
            }
            Err(Fault::Gone) => {
                ready.leave();
                tollbridge_relay::see_off(client).await;
            }
            Err(fault) => {
                let slug = fault.slug_of_a_session();
                let close = Close::told(slug, None, Some(ready.session()));
                ready.fail(slug);
                tollbridge_relay::refuse(client, close).await;
            }
        }
    });
}

/// Why no first message came that is of use.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the client left before its first message")]
    Gone,
    #[error("the first message did not come in time")]
    Late,
    #[error("the first message breaks a rule: {0}")]
    Broke(Slug),
    #[error(transparent)]
    Message(#[from] MessageFault),
}

impl Fault {
    const fn slug(&self) -> Slug {
        match self {
            Self::Gone | Self::Late => Slug::TokenMissing,
            Self::Broke(slug) => *slug,
            Self::Message(fault) => fault.slug(),
        }
    }

    /// The same where the token came elsewhere, and is not what is missing.
    const fn slug_of_a_session(&self) -> Slug {
        match self {
            Self::Late => Slug::IdleTimeout,
            Self::Message(_) => Slug::BadRequest,
            Self::Gone | Self::Broke(_) => self.slug(),
        }
    }
}

impl From<NoFirst> for Fault {
    fn from(none: NoFirst) -> Self {
        match none {
            NoFirst::Gone => Self::Gone,
            NoFirst::Late => Self::Late,
            NoFirst::Broke(slug) => Self::Broke(slug),
        }
    }
}

async fn hear(client: &mut ClientLeg, carrier: &InMessage) -> Result<(First, Message), Fault> {
    let until = Instant::now() + carrier.timeout;
    if let Some(greeting) = &carrier.greeting {
        say(client, greeting, until).await?;
    }
    let first = first_message(client, true, carrier.max, until).await?;
    let message = Message::parse(first.text, &first.payload)?;
    Ok((first, message))
}

/// Starts the session with the message as the upstream is to see it.
async fn pass_on(mut ready: Ready, client: ClientLeg, first: First, mut message: Message) {
    let route = Arc::clone(ready.route());
    for (pointer, value) in ready.take_message() {
        message.set(&pointer, &value);
    }
    let mut front = text_frame(message.write().as_bytes(), Some(ready.mask()));
    front.unsplit(first.rest);
    let client = Early::new(front, client);
    let greeted = route.carriers.message.as_ref();
    if greeted.is_none_or(|carrier| carrier.greeting.is_none()) {
        ready.start(client);
        return;
    }
    // What the bridge said in its place is not said twice.
    let until = Instant::now() + route.connect_timeout;
    let swallowed = first_message(ready.upstream(), false, LONGEST, until).await;
    match swallowed {
        Ok(greeting) => ready.unread(greeting.rest).start(client),
        Err(_none) => {
            let close = Close::told(Slug::UpstreamLost, None, Some(ready.session()));
            ready.fail(Slug::UpstreamLost);
            tollbridge_relay::refuse(client, close).await;
        }
    }
}
