//! Room for one session more: of the server, of the route, of the subject.

use tollbridge_domain::{SessionId, Slug};
use tollbridge_store::{Lease, LeaseCaps, LeaseRefusal};
use tollbridge_token::Claims;

use super::{admission::Entrance, refusal::Refusal};
use crate::{route::Route, shared::Shared};

/// A lease that is given back when it is dropped.
pub(crate) struct HeldLease {
    lease: Lease,
    shared: actix_web::web::Data<Shared>,
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.shared.leases.release(&self.lease);
    }
}

impl Entrance<'_> {
    /// Takes room for a session.
    pub(crate) async fn lease(
        &self,
        route: &Route,
        session: &SessionId,
        claims: &Claims,
    ) -> Result<HeldLease, Refusal> {
        let lease = lease_for(route, session, claims);
        let taken = self.shared.leases.acquire(&lease, self.caps(route)).await;
        taken
            .map_err(|error| self.store_failed("lease", &error, claims))?
            .map_err(|full| full_up(full, claims))?;
        Ok(HeldLease {
            lease,
            shared: self.shared.clone(),
        })
    }

    /// Whether one session more has room, taking none.
    pub(crate) async fn room(&self, route: &Route, claims: &Claims) -> Result<(), Refusal> {
        let lease = lease_for(route, &self.shared.new_session(), claims);
        let room = self.shared.leases.room(&lease, self.caps(route)).await;
        room.map_err(|error| self.store_failed("lease", &error, claims))?
            .map_err(|full| full_up(full, claims))
    }

    fn caps(&self, route: &Route) -> LeaseCaps {
        LeaseCaps {
            server: Some(self.generation.max_sessions),
            route: route.caps.sessions,
            subject: route.caps.sessions_per_subject,
        }
    }
}

fn lease_for(route: &Route, session: &SessionId, claims: &Claims) -> Lease {
    Lease {
        session: session.clone(),
        route: route.name.clone(),
        subject: claims.subject().clone(),
    }
}

fn full_up(full: LeaseRefusal, claims: &Claims) -> Refusal {
    match full {
        LeaseRefusal::Server => Refusal {
            retry_after: Some(5),
            ..Refusal::genuine(Slug::Overloaded, "server.max_sessions", claims)
        },
        LeaseRefusal::Route => {
            Refusal::genuine(Slug::ConcurrencyLimit, "sessions of the route", claims)
        }
        LeaseRefusal::Subject => {
            Refusal::genuine(Slug::ConcurrencyLimit, "sessions of the subject", claims)
        }
    }
}
