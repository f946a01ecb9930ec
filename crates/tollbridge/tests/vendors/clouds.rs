//! Machines and accounts of clouds: metadata services and a signed assertion, each asked as its
//! vendor wants to be asked.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use tollbridge_domain::{Clock as _, SystemClock};
use tollbridge_testkit::{
    Upstream,
    vendors::{AzureVoiceLive, VertexLive},
};

use crate::{
    endpoint::{self, Asked, Endpoint, Said},
    stage::{House, Plan, heard, knock, leave, say},
};

const TOKEN: &str = "real-cloud-token.7f3a91-x~y";

/// Made for tests: it opens nothing.
const KEY: &str = include_str!("../../../credential/tests/it/throwaway.pem");

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// What Azure's metadata service wants to see, and how it answers: numbers as text.
/// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
fn imds(asked: &Asked) -> Said {
    let query = asked.query();
    let wanted = [
        ("api-version", "2018-02-01"),
        ("client_id", "identity-2"),
        ("resource", "https://ai.azure.com"),
    ];
    let wrong = |error: &str, why: &str| {
        endpoint::json(400, &json!({"error": error, "error_description": why}))
    };
    if asked.method != "GET" || asked.path() != "/metadata/identity/oauth2/token" {
        return (404, Vec::new(), String::new());
    }
    if asked.header("metadata") != Some("true") || asked.header("x-forwarded-for").is_some() {
        return wrong("bad_request_102", "Required metadata header not specified");
    }
    if wanted
        .iter()
        .any(|(name, value)| query.get(*name).is_none_or(|it| it != value))
    {
        return wrong("invalid_request", "Identity not found");
    }
    endpoint::json(
        200,
        &json!({
            "access_token": TOKEN, "client_id": "identity-2", "expires_in": "86399",
            "expires_on": "4102444800", "ext_expires_in": "86399", "not_before": "1",
            "resource": "https://ai.azure.com", "token_type": "Bearer",
        }),
    )
}

async fn azure(identity: &str) -> (House, Upstream, Endpoint) {
    let upstream = AzureVoiceLive::keyed("no-key-of-anybody").or_token(TOKEN);
    let upstream = Upstream::behaving(upstream).await;
    let endpoint = Endpoint::answering(imds).await;
    let lines = format!(
        "preset = \"azure-voice-live\"\n\
         upstream = \"{}/voice-live/realtime?api-version=2025-10-01&model={{model}}\"\n\
         credentials.azure_managed_identity.resource = \"https://ai.azure.com\"\n\
         credentials.azure_managed_identity.client_id = \"{identity}\"\n\
         credentials.azure_managed_identity.endpoint = \"{}\"\n",
        upstream.url(),
        endpoint.url("/metadata/identity/oauth2/token")
    );
    let plan = Plan::default().secret(TOKEN).route("voice", &lines);
    (plan.start().await, upstream, endpoint)
}

#[tokio::test]
async fn a_machine_in_azure_shows_its_identity() {
    let (house, upstream, endpoint) = azure("identity-2").await;
    for _ in 0..2 {
        let mut ws = house.enter("voice").await;
        assert_eq!(heard(&mut ws).await["type"], "session.created");
        leave(ws).await;
    }
    assert_eq!(upstream.dials().len(), 2);
    assert_eq!(endpoint.asked().len(), 1);
    house.end().await;
}

#[tokio::test]
async fn an_identity_that_the_machine_has_not_is_told() {
    let (house, upstream, endpoint) = azure("identity-3").await;
    let told = house
        .verdict(knock("voice", &house.mint("voice").await))
        .await;
    assert_eq!(told, (502, "upstream_refused".to_owned()));
    assert_eq!((upstream.connections(), endpoint.asked().len()), (0, 1));
    let why = |line: &Value| line.to_string().contains("Identity not found");
    house.logged("credential.failed", why).await;
    house.end().await;
}

/// As Google's metadata server, or as whoever has its name in another network.
/// <https://cloud.google.com/compute/docs/access/authenticate-workloads>
fn metadata(asked: &Asked, genuine: bool) -> Said {
    let flavor = asked.header("metadata-flavor") == Some("Google");
    let forwarded = asked.header("x-forwarded-for").is_some();
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    if !flavor || forwarded || asked.path() != path {
        return (
            403,
            Vec::new(),
            "Missing Metadata-Flavor:Google header.".to_owned(),
        );
    }
    assert_eq!(asked.query().get("scopes").map(String::as_str), Some(SCOPE));
    let body = json!({"access_token": TOKEN, "expires_in": 3_599, "token_type": "Bearer"});
    let (status, mut headers, body) = endpoint::json(200, &body);
    if genuine {
        headers.push(("Metadata-Flavor", "Google".to_owned()));
    }
    (status, headers, body)
}

async fn vertex(engine: &str) -> (Plan, Upstream) {
    let upstream = Upstream::behaving(VertexLive::new(TOKEN)).await;
    let lines = format!(
        "preset = \"vertex-live\"\nupstream = \"{}/ws/google.cloud.aiplatform.v1beta1.\
         LlmBidiService/BidiGenerateContent\"\n{engine}",
        upstream.url()
    );
    (
        Plan::default().secret(TOKEN).route("voice", &lines),
        upstream,
    )
}

/// Vertex answers the setup of a conversation.
async fn converse(house: &House) {
    let mut ws = house.enter("voice").await;
    let model = "projects/p/locations/us-central1/publishers/google/models/gemini-live-2.5-flash";
    say(&mut ws, &json!({"setup": {"model": model}})).await;
    let answer = heard(&mut ws).await;
    assert!(!answer["setupComplete"].is_null(), "{answer}");
    leave(ws).await;
}

#[tokio::test]
async fn a_machine_in_google_cloud_shows_its_account() {
    for genuine in [true, false] {
        let endpoint = Endpoint::answering(move |asked| metadata(asked, genuine)).await;
        let url = endpoint.url("/computeMetadata/v1/instance/service-accounts/default/token");
        let engine = format!("credentials.gcp_metadata.endpoint = \"{url}\"\n");
        let (plan, upstream) = vertex(&engine).await;
        let house = plan.start().await;
        if genuine {
            converse(&house).await;
        } else {
            let told = house
                .verdict(knock("voice", &house.mint("voice").await))
                .await;
            assert_eq!(told, (502, "upstream_refused".to_owned()));
            assert_eq!(upstream.connections(), 0);
        }
        assert_eq!(endpoint.asked().len(), 1);
        house.end().await;
    }
}

/// What is wrong with an assertion, as Google would say it (RFC 7523, 3).
fn objection(asked: &Asked) -> Option<&'static str> {
    let form = asked.form();
    if form.get("grant_type")? != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return Some("Invalid grant_type");
    }
    let (message, signature) = form.get("assertion")?.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let part = |text: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    let (header, claims) = (part(header), part(claims));
    if header != json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}) {
        return Some("Invalid JWT Signature.");
    }
    let audience = format!("http://{}/token", asked.header("host")?);
    let issued = claims["iat"].as_i64()?;
    let age = SystemClock.now().seconds() - issued;
    let lives = claims["exp"].as_i64()? - issued;
    if claims["aud"] != audience || claims["iss"] != "bridge@p.iam.gserviceaccount.com" {
        return Some("Invalid JWT: Failed audience check.");
    }
    if claims["scope"] != SCOPE || !(0..300).contains(&age) || !(1..=3_600).contains(&lives) {
        return Some("Invalid JWT: Token must be a short-lived token.");
    }
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let verified = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(message.as_bytes(), &signature);
    verified.err().map(|_unspecified| "Invalid JWT Signature.")
}

fn google(asked: &Asked) -> Said {
    match objection(asked) {
        None => endpoint::json(
            200,
            &json!({"access_token": TOKEN, "expires_in": 3_599, "token_type": "Bearer"}),
        ),
        Some(why) => {
            let body = json!({"error": "invalid_grant", "error_description": why});
            endpoint::json(400, &body)
        }
    }
}

#[tokio::test]
async fn a_service_account_proves_itself_by_an_assertion() {
    for kid in ["key-1", "key-2"] {
        let endpoint = Endpoint::answering(google).await;
        let engine = "credentials.gcp_service_account.key = \"file:account.json\"\n";
        let (plan, upstream) = vertex(engine).await;
        let account = json!({
            "type": "service_account", "project_id": "p", "private_key_id": kid,
            "private_key": KEY, "client_email": "bridge@p.iam.gserviceaccount.com",
            "token_uri": endpoint.url("/token"),
        });
        let key_lines: Vec<_> = KEY.lines().collect();
        let plan = plan.secret(key_lines[3]);
        let house = plan
            .file("account.json", &account.to_string())
            .start()
            .await;
        if kid == "key-1" {
            converse(&house).await;
        } else {
            let told = house
                .verdict(knock("voice", &house.mint("voice").await))
                .await;
            assert_eq!(told, (502, "upstream_refused".to_owned()));
            assert_eq!(upstream.connections(), 0);
            let why = |line: &Value| line.to_string().contains("invalid_grant: Invalid JWT Sig");
            house.logged("credential.failed", why).await;
        }
        assert_eq!(endpoint.asked().len(), 1);
        house.end().await;
    }
}
