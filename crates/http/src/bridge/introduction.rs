//! Routes on which the client's first message is read: for the token in it, or to write the
//! vendor's credential into it. The upgrade is granted first; what follows is bounded in time, in
//! bytes and in number, and nothing is dialled before a token has been judged.

use std::sync::{Arc, atomic::Ordering};

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
    if let Err(refusal) = entrance.welcomes_strangers() {
        return entrance.refuse(refusal, &handshake, payload);
    }
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

    /// What can be judged of somebody without a token.
    fn welcomes_strangers(&self) -> Result<(), Refusal> {
        if let Some((slug, why)) = self.shared.refuses_work() {
            return Err(Refusal {
                retry_after: Some(1),
                ..Refusal::stranger(slug, why)
            });
        }
        let unwelcome = self.route.as_ref().is_some_and(|route| match &self.origin {
            None => route.require_origin,
            Some(origin) => !route.origins.allows(origin),
        });
        if unwelcome {
            let why = "the origin is not on the route's list";
            return Err(Refusal::stranger(Slug::OriginNotAllowed, why));
        }
        Ok(())
    }

    fn message_carrier(&self) -> Option<&InMessage> {
        self.route.as_ref()?.carriers.message.as_ref()
    }
}

impl Stranger {
    async fn enter(mut self, mut client: ClientLeg, place: Place) {
        // Held until there is a session, which has a lease, or the farewell is over.
        let _place = place;
        let heard = hear(&mut client, &self.carrier).await;
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
            Err(fault) => Err(Refusal::stranger(fault.strangers_slug(), fault.to_string())),
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

/// Whether a session of this route begins with a message that the bridge reads.
pub(crate) const fn is_due(route: &Route) -> bool {
    !route.credential_message.is_empty() || route.carriers.message.is_some()
}

/// The session of somebody who came with a token, and whose first message gets the credential. The
/// same SDK may put the token there as well: it is taken out.
pub(crate) fn introduce(ready: Ready, mut client: ClientLeg) {
    let patience = ready.route().limits.idle_timeout;
    let carrier = match &ready.route().carriers.message {
        Some(carrier) => InMessage {
            timeout: patience,
            ..carrier.clone()
        },
        None => InMessage {
            field: String::new(),
            timeout: patience,
            max: LONGEST,
            greeting: None,
        },
    };
    // Bounded by the number of sessions, whose lease this one holds, and by its deadlines.
    actix_web::rt::spawn(async move {
        match hear(&mut client, &carrier).await {
            Ok((first, mut message)) => {
                let _none = message.take(&carrier.field);
                pass_on(ready, client, first, message).await;
            }
            Err(fault) => {
                let close = fault.slug().map(|slug| {
                    let session = Some(ready.session());
                    Close::told(slug, None, session)
                });
                ready.fail(fault.slug());
                if let Some(close) = close {
                    tollbridge_relay::refuse(client, close).await;
                }
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
    /// For somebody whose token was to be in that message.
    fn strangers_slug(&self) -> Slug {
        match self {
            Self::Broke(slug) => *slug,
            Self::Gone | Self::Late | Self::Message(_) => Slug::TokenMissing,
        }
    }

    /// For somebody whose token was good; `None`: the client left.
    const fn slug(&self) -> Option<Slug> {
        match self {
            Self::Gone => None,
            Self::Late => Some(Slug::IdleTimeout),
            Self::Broke(slug) => Some(*slug),
            Self::Message(_) => Some(Slug::BadRequest),
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
            ready.fail(Some(Slug::UpstreamLost));
            tollbridge_relay::refuse(client, close).await;
        }
    }
}
