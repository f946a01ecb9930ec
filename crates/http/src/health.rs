//! `/livez`, `/readyz`, `/startupz`.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Serialize;
use tollbridge_domain::Slug;
use utoipa::ToSchema;

use crate::{
    problem::{Code, Problem},
    shared::Shared,
};

/// The process runs and its workers answer; nothing else.
pub(crate) async fn livez(req: HttpRequest) -> HttpResponse {
    answer(
        &req,
        &[Check {
            name: "process",
            ok: true,
            says: "runs".to_owned(),
        }],
    )
}

/// Whether this node takes new work. An upstream's outage is not ours: it never fails readiness,
/// or one vendor's trouble would evict every node.
pub(crate) async fn readyz(
    req: HttpRequest,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let checks = checks(&shared);
    if checks.iter().all(|check| check.ok) {
        return Ok(answer(&req, &checks));
    }
    let slug = if shared.health.draining() {
        Slug::Draining
    } else {
        Slug::Overloaded
    };
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| format!("{}: {}", check.name, check.says))
        .collect();
    let problem = Problem::with(
        Code::Slug(slug),
        format!("Not ready: {}.", failed.join("; ")),
    );
    Err(if verbose(&req) {
        Problem { checks, ..problem }
    } else {
        problem
    })
}

/// The process has started: this answers only once it listens.
pub(crate) async fn startupz(req: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let says = format!("started {}", shared.started);
    answer(
        &req,
        &[Check {
            name: "start",
            ok: true,
            says,
        }],
    )
}

/// One condition of readiness.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    name: &'static str,
    ok: bool,
    says: String,
}

/// Every condition of readiness.
#[must_use]
pub(crate) fn checks(shared: &Shared) -> Vec<Check> {
    let generation = shared.generation.load();
    let open = shared.registry.len();
    let most = usize::try_from(generation.max_sessions).unwrap_or(usize::MAX);
    let signer = shared.keyring.snapshot().signer().is_some();
    vec![
        check("keys", signer, "a key is active", "no key is active"),
        check(
            "store",
            shared.health.fresh(),
            "read within 5 s",
            "not read for 5 s",
        ),
        check(
            "audit",
            shared.audit.healthy(),
            "writable",
            "cannot be written",
        ),
        check(
            "drain",
            !shared.health.draining(),
            "not draining",
            "draining",
        ),
        Check {
            name: "sessions",
            ok: open < most,
            says: format!("{open} of {most}"),
        },
        Check {
            name: "config",
            ok: true,
            says: format!("generation {}", generation.number),
        },
    ]
}

fn check(name: &'static str, ok: bool, good: &str, bad: &str) -> Check {
    Check {
        name,
        ok,
        says: if ok { good } else { bad }.to_owned(),
    }
}

/// 200: every check is good.
fn answer(req: &HttpRequest, checks: &[Check]) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if verbose(req) {
        return answer.json(serde_json::json!({ "ok": true, "checks": checks }));
    }
    answer
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

fn verbose(req: &HttpRequest) -> bool {
    req.query_string()
        .split('&')
        .any(|part| part == "verbose" || part.starts_with("verbose="))
}
