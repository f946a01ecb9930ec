//! An application with a login of its own, which mints for whoever is logged in. See `README.md` beside it.

use std::{env, io, net::TcpListener, time::Duration};

use actix_session::{Session, SessionExt as _, SessionMiddleware, storage::CookieSessionStore};
use actix_web::{
    App, Error, HttpMessage as _, HttpResponse, HttpServer,
    body::MessageBody,
    cookie::{Key, SameSite},
    dev::{Server, ServiceRequest, ServiceResponse},
    error::ErrorUnauthorized,
    middleware::{Next, from_fn},
    web,
};
use serde::Deserialize;
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};
use tollbridge_node::{Embedded, Identity};

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

/// The application's own login. Yours asks its database.
async fn login(session: Session, login: web::Json<Login>) -> Result<HttpResponse, Error> {
    if login.password != "correct horse battery staple" {
        return Err(ErrorUnauthorized("no such user"));
    }
    session.renew();
    session.insert("user", &login.user)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn logout(session: Session) -> HttpResponse {
    session.purge();
    HttpResponse::NoContent().finish()
}

/// The application's own guard. It says to the mint behind it who is asking.
async fn logged_in(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(user) = req.get_session().get::<String>("user")? else {
        return Err(ErrorUnauthorized("log in first"));
    };
    let identity = Identity::of(&user).map_err(ErrorUnauthorized)?;
    req.extensions_mut().insert(identity);
    next.call(req).await
}

fn sessions(key: &Key) -> SessionMiddleware<CookieSessionStore> {
    SessionMiddleware::builder(CookieSessionStore::default(), key.clone())
        .cookie_same_site(SameSite::Lax)
        .build()
}

/// The whole application: its own pages under `/api`, the bridge beside them.
pub(crate) fn serve(listener: TcpListener, tollbridge: &Embedded) -> io::Result<Server> {
    let tollbridge = tollbridge.clone();
    let key = Key::generate();
    let server = HttpServer::new(move || {
        let minting = web::scope("")
            .wrap(from_fn(logged_in))
            .configure(|cfg| tollbridge.mint(cfg));
        let own = web::scope("/api")
            .wrap(sessions(&key))
            .route("/login", web::post().to(login))
            .route("/logout", web::post().to(logout))
            .service(minting);
        App::new()
            .service(own)
            .configure(|cfg| tollbridge.bridge(cfg))
    });
    // The signals are `main`'s: sessions are told before the server stops.
    Ok(server.disable_signals().listen(listener)?.run())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = env::args().nth(1);
    let file = file.unwrap_or_else(|| "tollbridge.toml".to_owned());
    let tollbridge = Embedded::from_file(file).await?;
    let server = serve(TcpListener::bind("127.0.0.1:8080")?, &tollbridge)?;
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! { _ = term.recv() => {}, ended = ctrl_c() => ended? }
    tollbridge.close(Duration::from_secs(20)).await;
    handle.stop(true).await;
    serving.await??;
    Ok(())
}
