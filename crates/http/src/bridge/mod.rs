//! The bridge: one request from its token to its session.
//!
//! The order is the contract's: find the route → find the token in the route's carriers → verify
//! → origin, revocation, limits → the route's hook → consume a use → dial the upstream → answer 101 → relay. Nothing
//! is dialled for a stranger, and everything that can refuse stands in [`admission`].

mod admission;
mod call;
mod carrier;
mod compose;
mod entering;
mod explain;
mod facts;
mod forward_auth;
mod forwarded_for;
mod handshake;
mod hook;
mod introduction;
mod lease;
mod leg;
mod message;
mod negotiate;
mod probe;
mod refusal;
mod running;
mod session;
mod stranger;

use actix_web::{HttpRequest, HttpResponse, http::header, web};

pub use self::probe::{Probe, probe};
use self::{admission::Entrance, handshake::Asked};
pub(crate) use self::{
    forward_auth::forward_auth, forwarded_for::HERE as FORWARD_AUTH, hook::watch, leg::PayloadLeg,
};
use crate::{
    problem::{Code, Problem},
    shared::{Shared, Worker},
};

/// Handles every request that is not one of the fixed addresses: routes by name and by literal
/// path, and what is neither.
///
/// # Errors
/// A [`Problem`] where the answer is an HTTP status.
pub(crate) async fn bridge(
    req: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
    worker: web::ThinData<Worker>,
) -> Result<HttpResponse, Problem> {
    let generation = shared.generation.load_full();
    let path = req.head().uri.path().to_owned();
    let routes = &generation.routes;
    // Socket.IO puts its own segment behind whatever address it is given.
    let socket_io = path.contains(SOCKET_IO) && routes.of(&req).is_none();
    if socket_io || !routes.owns(&path) {
        return Err(nothing_here(&req, &path));
    }
    let asked = handshake::read(&req)?;
    let entrance = Entrance::new(&req, &shared, &generation);
    match asked {
        Asked::Explanation => Err(explain::explain(&entrance).await),
        Asked::Upgrade(mut handshake) => {
            if let Some(route) = &entrance.route {
                handshake.sort_offer(&route.carriers);
            }
            let admitted = match entrance.admit(&handshake, &worker).await {
                Ok(admitted) => admitted,
                Err(refusal) if entrance.may_follow(&refusal) => {
                    return stranger::accept(&entrance, &worker, handshake, payload);
                }
                Err(refusal) => return entrance.refuse(refusal, &handshake, payload),
            };
            let dialled = match call::dial(&entrance, &admitted, &handshake, &worker).await {
                Ok(dialled) => dialled,
                Err(refusal) => {
                    let refusal = call::give_back(&entrance, admitted, refusal).await;
                    return entrance.refuse(refusal, &handshake, payload);
                }
            };
            Ok(session::open(
                &entrance, admitted, dialled, &handshake, payload,
            ))
        }
    }
}

/// What every address of Socket.IO holds.
const SOCKET_IO: &str = "/socket.io";

/// 404 for a path that leads nowhere, with the one explanation that people need.
fn nothing_here(req: &HttpRequest, path: &str) -> Problem {
    let problem = if path.contains(SOCKET_IO) {
        Problem::with(
            Code::Slug(tollbridge_domain::Slug::BadRequest),
            "Socket.IO is its own protocol on top of WebSocket; connect with a plain WebSocket.",
        )
    } else {
        Problem::new(Code::NotFound)
    };
    // What follows an upgrade request on this connection is not HTTP.
    let upgrading = req.headers().contains_key(header::UPGRADE);
    if upgrading || req.headers().contains_key(header::TRANSFER_ENCODING) {
        problem.closing()
    } else {
        problem
    }
}
