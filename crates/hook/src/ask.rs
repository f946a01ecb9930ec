//! Asking a hook.

use std::{fmt, sync::Arc, time::Duration};

use tollbridge_domain::{Clock, Secret};
use tollbridge_outbound::{Ask, Guard, Http, Method, Tls, Unavailable};
use url::Url;

use crate::{
    answer::{self, Lowered, Trouble, Verdict},
    question::Question,
    signature::Key,
};

/// The longest answer that is read.
const LONGEST: usize = 16 * 1024;

/// A route's hook: one for all worker threads.
///
/// At most 64 questions are open at once; who fails five times in a row is left alone for a second,
/// then for two, and whoever would ask meanwhile learns at once that there is no answer.
pub struct Hook {
    options: HookOptions,
    tls: Tls,
    guard: Guard,
}

/// Whom to ask, and how it is known that we do.
#[derive(Clone)]
pub struct HookOptions {
    /// Where, by POST.
    pub url: Url,
    /// What signs, read anew for each question.
    pub secret: Arc<dyn Fn() -> Result<Secret<String>, String> + Send + Sync>,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl fmt::Debug for HookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookOptions").finish_non_exhaustive()
    }
}

impl Hook {
    /// Asks nobody before somebody wants to connect.
    #[must_use]
    pub fn new(options: HookOptions, tls: Tls, clock: Arc<dyn Clock>) -> Self {
        Self {
            guard: Guard::new(clock, options.timeout),
            options,
            tls,
        }
    }

    /// Has `watcher` told how each question ended that was asked: answered, whatever the answer,
    /// or why not. The first watcher stays.
    pub fn watch(&self, watcher: impl Fn(Result<(), &str>) + Send + Sync + 'static) {
        self.guard.watch(watcher);
    }

    /// Asks about somebody whose session would have these limits. `random` makes the question's id.
    ///
    /// # Errors
    /// Where there is no answer, or none that decides.
    pub async fn ask(
        &self,
        http: &Http,
        question: &Question<'_>,
        limits: Lowered,
        random: [u8; 16],
    ) -> Result<Verdict, Unavailable> {
        self.guard
            .ask(async {
                let ask = self.signed(question, random)?;
                let answer = http.ask(ask, &self.tls, LONGEST).await?;
                answer::read(answer, limits)
            })
            .await
    }

    fn signed(&self, question: &Question<'_>, random: [u8; 16]) -> Result<Ask, Trouble> {
        let secret = (self.options.secret)().map_err(Trouble::Secret)?;
        let key = Key::parse(&secret).map_err(|error| Trouble::Secret(error.to_string()))?;
        let now = self.guard.clock().now();
        let id = format!("msg_{:032x}", u128::from_be_bytes(random));
        let body = question.body(now);
        let mut ask = Ask::new(Method::POST, self.options.url.clone())?;
        for (name, value) in [
            ("webhook-id", &id),
            ("webhook-timestamp", &now.seconds().to_string()),
            ("webhook-signature", &key.sign(&id, now, &body)),
        ] {
            ask.pass_on(name, value.as_bytes())?;
        }
        ask.body("application/json", Secret::new(body));
        Ok(ask)
    }
}
