//! Routes on which the token may come in the client's first message: the upgrade is granted to
//! somebody whom nobody knows yet. What follows is bounded in time, in bytes and in number, and
//! nothing is dialled before the token has been judged.

use std::{net::IpAddr, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};
use tollbridge_domain::Slug;
use tollbridge_relay::{Close, First, NoFirst, Opening};

use super::{
    admission::Entrance, call, handshake::Handshake, introduction, leg, message::Message,
    negotiate, refusal::Refusal, session::Ready,
};
use crate::{
    carriers::InMessage,
    problem::Problem,
    shared::{Generation, Shared, Worker},
    takeover::ClientLeg,
    tally::Counted,
};

/// Strangers whose first message is awaited, at once.
const MOST_WAITING: usize = 1000;

/// Of one address.
const MOST_OF_ONE: usize = 100;

/// What the operator reads of somebody who did not wait.
const LEFT: &str = "the client left before its first message";

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
    let waiting = &entrance.shared.waiting;
    let place = waiting.count(&entrance.peer, MOST_OF_ONE, MOST_WAITING);
    let (Some(carrier), Some(place)) = (carrier, place) else {
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
    pub(crate) fn welcomes_strangers(&self) -> Result<(), Refusal> {
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
    async fn enter(mut self, mut client: ClientLeg, place: Counted<IpAddr>) {
        // Held until there is a session, which has a lease, or the farewell is over.
        let _place = place;
        let health = &self.shared.health;
        let heard = tokio::select! {
            biased;
            () = health.drains() => None,
            heard = introduction::hear(&mut client, &self.carrier) => Some(heard),
        };
        let entrance = Entrance::new(&self.req, &self.shared, &self.generation);
        if matches!(heard, Some(Ok(Opening::Close(_)) | Err(NoFirst::Gone))) {
            entrance.tell(&Refusal::stranger(Slug::TokenMissing, LEFT));
            tollbridge_relay::see_off(client).await;
            return;
        }
        let outcome = match self.token(heard) {
            Ok((first, token)) => {
                self.handshake.offer.bring(token);
                let called = call(&entrance, &self.handshake, &self.worker).await;
                called.map(|ready| (ready, first))
            }
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok((ready, first)) => introduction::go_on(ready, client, first),
            Err(refusal) => {
                entrance.tell(&refusal);
                let session = refusal.upstream.as_ref().map(|said| &said.session);
                let close = Close::told(refusal.slug, refusal.retry_after, session);
                tollbridge_relay::refuse(client, close).await;
            }
        }
    }

    /// The token in a first message, which stays as it is for now.
    fn token(&self, heard: Option<Result<Opening, NoFirst>>) -> Result<(First, String), Refusal> {
        let none = |why: &str| Refusal::stranger(Slug::TokenMissing, why);
        let first = match heard {
            Some(Ok(Opening::Message(first))) => first,
            Some(Ok(Opening::Close(_)) | Err(NoFirst::Gone)) => return Err(none(LEFT)),
            Some(Err(NoFirst::Late)) => return Err(none("the first message did not come in time")),
            Some(Err(NoFirst::Broke(slug))) => {
                return Err(Refusal::stranger(slug, "the first message breaks a rule"));
            }
            None => {
                return Err(Refusal {
                    retry_after: Some(1),
                    ..Refusal::stranger(Slug::Draining, "draining")
                });
            }
        };
        let taken = Message::parse(first.text, &first.payload)
            .and_then(|mut message| message.take(&self.carrier.field));
        let token = taken.map_err(|fault| none(&fault.to_string()))?;
        Ok((first, token))
    }
}

async fn call(
    entrance: &Entrance<'_>,
    handshake: &Handshake,
    worker: &Worker,
) -> Result<Ready, Refusal> {
    let admitted = entrance.admit(handshake, worker).await?;
    match call::dial(entrance, &admitted, handshake, worker).await {
        Ok(agreed) => Ok(Ready::new(entrance, admitted, agreed)),
        Err(failed) => Err(call::give_back(entrance, admitted, failed).await),
    }
}
