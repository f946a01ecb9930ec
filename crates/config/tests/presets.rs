//! Presets: every one is whole, fills a route's blanks, and gives way to the user's own lines.
#![expect(clippy::unwrap_used, reason = "test")]

use std::path::Path;

use tollbridge_config::{Preset, Route, Settings, parse};

/// The environment variables of every vendor, set.
fn read(text: &str) -> Result<Settings, String> {
    parse(text, "f.toml", Path::new("/"), Vec::new())
        .map(|loaded| loaded.settings)
        .map_err(|problems| problems.to_string())
}

fn route(lines: &str) -> Result<Route, String> {
    let text = format!(
        "[callers.b]\ntype = 'api_key'\n[routes.r]\norigins = ['https://a.test']\ncallers = ['b']\n{lines}"
    );
    read(&text).map(|settings| settings.routes.values().next().unwrap().clone())
}

#[test]
fn every_preset_starts_a_configuration_that_passes() {
    let mut seen = 0;
    for preset in Preset::all() {
        let starter = preset.starter();
        let settings = read(&starter).unwrap_or_else(|problems| {
            panic!("{}: {problems}\n{starter}", preset.name());
        });
        let shown = settings.show();
        let again = read(&shown).unwrap_or_else(|problems| {
            panic!("{}: {problems}\n{shown}", preset.name());
        });
        assert_eq!(
            again.show(),
            shown.replace(
                &format!(
                    "# with preset {:?}, whose lines stand below\n",
                    preset.name()
                ),
                ""
            ),
        );
        seen += 1;
    }
    assert_eq!(seen, 23);
}

#[test]
fn an_unknown_preset_names_the_nearest() {
    let problems = route("preset = 'openai-realtim'").unwrap_err();
    assert!(
        problems.contains("did you mean `openai-realtime`?"),
        "{problems}"
    );
}

#[test]
fn a_missing_address_is_asked_for_with_the_vendors_form() {
    let problems = route("preset = 'azure-voice-live'").unwrap_err();
    assert!(
        problems.contains("wss://RESOURCE.services.ai.azure.com"),
        "{problems}"
    );
}

#[test]
fn a_line_of_the_users_own_wins_and_the_rest_stays() {
    let route = route(
        "preset = 'openai-realtime'\npaths = ['/mine']\n\
         params.model = { allow = ['a'] }\n\
         [routes.r.limits]\nmax_session = '5m'\n\
         [routes.r.credentials.headers]\nauthorization = 'Bearer ${env:OTHER}'\nX-Extra = 'env:X'",
    )
    .unwrap();
    assert_eq!(route.paths, ["/mine"]);
    assert_eq!(route.token_prefix, "ek_");
    assert_eq!(route.limits.max_session.as_secs(), 300);
    let model = &route.params["model"];
    assert_eq!(
        (model.allow.as_deref(), &model.pattern),
        (Some(&["a".to_owned()][..]), &None)
    );
    let headers: Vec<_> = route
        .credentials
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        headers,
        ["X-Extra: env:X", "authorization: Bearer ${env:OTHER}"]
    );
}

#[test]
fn an_empty_value_takes_the_presets_out() {
    let route = route(
        "preset = 'doubao-asr'\n[routes.r.credentials.headers]\nX-Api-App-Key = ''\nX-Api-Key = 'env:K'",
    )
    .unwrap();
    let names: Vec<_> = route.credentials.headers.keys().collect();
    assert!(names.contains(&&"X-Api-Key".to_owned()), "{names:?}");
    assert!(!names.contains(&&"X-Api-App-Key".to_owned()), "{names:?}");
    assert!(
        names.contains(&&"X-Api-Resource-Id".to_owned()),
        "{names:?}"
    );
}

/// An engine of the user's own is instead of the preset's key, or the wrong one would go along.
#[test]
fn an_engine_of_the_users_own_replaces_the_presets_credentials() {
    let route = route(
        "preset = 'azure-voice-live'\nupstream = 'wss://x.test/voice-live/realtime?model=m'\n\
         [routes.r.credentials.azure_managed_identity]\nresource = 'https://ai.azure.com'",
    )
    .unwrap();
    let headers: Vec<_> = route
        .credentials
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(headers, ["Authorization: Bearer {fetched}"]);
    // The preset's `{model}` is nothing to an upstream without it.
    assert!(route.params.is_empty());
}

#[test]
fn the_environment_may_choose_a_preset() {
    let text = "[callers.b]\ntype = 'api_key'\n[routes.r]\norigins = ['https://a.test']\ncallers = ['b']\n";
    let env = vec![(
        "TOLLBRIDGE__ROUTES__R__PRESET".to_owned(),
        "deepgram".to_owned(),
    )];
    let loaded = parse(text, "f.toml", Path::new("/"), env).unwrap();
    let route = loaded.settings.routes.values().next().unwrap();
    assert_eq!(route.preset.as_deref(), Some("deepgram"));
    assert!(
        route
            .carriers
            .subprotocol_pair
            .contains(&"bearer".to_owned())
    );
}

/// No credential of a preset's is where a client could say it, and none is a literal.
#[test]
fn presets_hold_references_only() {
    for preset in Preset::all() {
        let settings = read(&preset.starter()).unwrap();
        for route in settings.routes.values() {
            assert!(
                route.credentials.secrets().count() > 0
                    || preset.name() == "generic"
                    || preset.name() == "vertex-live",
                "{} has no credential",
                preset.name()
            );
        }
    }
}
