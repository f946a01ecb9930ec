//! The page, its files and the few requests its backend takes.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header,
    web::{self, Data, Json, ThinData},
};
use serde::Deserialize;
use tollbridge_domain::Slug;
use tollbridge_http::{Code, Problem};

use super::desk::{Answer, CallError, Clients, Desk};

/// Mounts the page at `/` and everything it needs below `/demo/`.
pub(crate) fn page(desk: Data<Desk>) -> impl Fn(&mut web::ServiceConfig) + Clone {
    move |app| {
        app.app_data(desk.clone())
            .app_data(ThinData(desk.clients()))
            .route(
                "/",
                web::get().to(|| file(HTML, include_str!("page/index.html"))),
            )
            .service(
                web::scope("/demo")
                    .app_data(body_rules())
                    .configure(below_demo),
            );
    }
}

fn below_demo(scope: &mut web::ServiceConfig) {
    scope
        .route(
            "/app.js",
            web::get().to(|| file(SCRIPT, include_str!("page/app.js"))),
        )
        .route(
            "/bridge.js",
            web::get().to(|| file(SCRIPT, include_str!("page/bridge.js"))),
        )
        .route(
            "/cases.js",
            web::get().to(|| file(SCRIPT, include_str!("page/cases.js"))),
        )
        .route(
            "/speech.js",
            web::get().to(|| file(SCRIPT, include_str!("page/speech.js"))),
        )
        .route(
            "/worklet.js",
            web::get().to(|| file(SCRIPT, include_str!("page/worklet.js"))),
        )
        .route(
            "/style.css",
            web::get().to(|| file(STYLE, include_str!("page/style.css"))),
        )
        .route(
            "/icon.svg",
            web::get().to(|| file(ICON, include_str!("page/icon.svg"))),
        )
        .route("/setup", web::get().to(setup))
        .route("/mint", web::post().to(mint))
        .route("/revoke", web::post().to(revoke))
        .route("/kill", web::post().to(kill));
}

/// Only `application/json` is taken: a form on another page cannot send that.
fn body_rules() -> web::JsonConfig {
    web::JsonConfig::default()
        .limit(LARGEST_BODY)
        .error_handler(|_, _| Problem::new(Code::InvalidSyntax).into())
}

async fn setup(desk: Data<Desk>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(desk.setup())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mint {
    route: String,
    redeem_within: Option<u32>,
}

async fn mint(
    desk: Data<Desk>,
    clients: ThinData<Clients>,
    ask: Json<Mint>,
) -> Result<HttpResponse, Problem> {
    present(desk.mint(&clients, &ask.route, ask.redeem_within).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    jti: String,
}

async fn revoke(
    desk: Data<Desk>,
    clients: ThinData<Clients>,
    which: Json<Which>,
) -> Result<HttpResponse, Problem> {
    present(desk.revoke(&clients, &which.jti).await)
}

async fn kill(
    desk: Data<Desk>,
    clients: ThinData<Clients>,
    which: Json<Which>,
) -> Result<HttpResponse, Problem> {
    present(desk.kill(&clients, &which.jti).await)
}

fn present(answer: Result<Answer, CallError>) -> Result<HttpResponse, Problem> {
    let answer = answer.map_err(|error| {
        tracing::error!(error = %error, "the demo page could not ask its own server");
        Problem::from(Slug::Internal)
    })?;
    let mut response = HttpResponseBuilder::new(answer.status);
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.json(answer.body))
}

async fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";

/// Nothing from elsewhere, nothing inline; sockets anywhere, since the page dials the upstream
/// directly to show that it cannot.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self' ws: wss:; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'none'";

/// The page asks with two short fields.
const LARGEST_BODY: usize = 4096;

#[cfg(test)]
mod tests {
    use tollbridge_domain::Slug;

    const CASES: &str = include_str!("page/cases.js");

    /// What no visitor can bring about from outside; the page says so.
    const LEFT_OUT: [Slug; 4] = [
        Slug::Draining,
        Slug::Overloaded,
        Slug::Internal,
        Slug::TokenNotYetValid,
    ];

    #[test]
    fn the_page_has_a_button_for_every_refusal_that_can_be_shown() {
        for slug in Slug::ALL {
            let button = format!("slug: '{slug}'");
            assert_eq!(CASES.contains(&button), !LEFT_OUT.contains(slug), "{slug}");
        }
    }

    #[test]
    fn the_page_names_what_it_leaves_out() {
        let page = include_str!("page/index.html");
        for slug in LEFT_OUT {
            assert!(page.contains(slug.as_str()), "{slug}");
        }
    }

    #[test]
    fn nothing_in_the_page_is_inline_or_from_elsewhere() {
        let page = include_str!("page/index.html");
        for forbidden in ["style=", "onclick", "<style", "src=\"http", "href=\"http"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
