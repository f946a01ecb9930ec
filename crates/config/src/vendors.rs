//! The vendors' page, from the presets.

use toml::Value;

use crate::preset::{About, Preset, Sdk};

/// Markdown of every preset: what it fills in, which SDK works with it, what was tried.
#[must_use]
pub fn vendors() -> String {
    let mut page = String::from(PREFACE);
    page.push_str(
        "\n| preset | vendor | stand-in | SDKs that our tests run |\n|---|---|---|---|\n",
    );
    for preset in Preset::all() {
        page.push_str(&row(preset));
    }
    for preset in Preset::all() {
        page.push_str(&chapter(preset));
    }
    page
}

fn row(preset: &Preset) -> String {
    let about = &preset.about;
    let tested: Vec<String> = about
        .sdk
        .iter()
        .filter(|sdk| sdk.tested)
        .map(|sdk| format!("{} {} ({})", sdk.name, sdk.version, sdk.language))
        .collect();
    let mut tested = tested;
    tested.dedup();
    format!(
        "| [`{}`](#{}) | {} | {} | {} |\n",
        preset.name(),
        preset.name(),
        about.title,
        if about.stand_in { "yes" } else { "no" },
        if tested.is_empty() {
            "–".to_owned()
        } else {
            tested.join(", ")
        },
    )
}

fn chapter(preset: &Preset) -> String {
    let about = &preset.about;
    let mut text = format!(
        "\n## `{}`\n\n**{}.** {}\n\n```toml\n{}```\n",
        preset.name(),
        about.title,
        one_line(&about.summary),
        filled(preset),
    );
    for (name, words) in [
        ("Credential", &about.credential),
        ("Sessions", &about.session),
        ("Verified", &about.verified),
        ("Not verified", &about.not_verified),
    ] {
        text.push_str(&format!("\n**{name}.** {}\n", one_line(words)));
    }
    for sdk in &about.sdk {
        text.push_str(&lines(sdk));
    }
    text.push_str(&links(about));
    text
}

/// The preset's own lines, as a route would have them.
fn filled(preset: &Preset) -> String {
    let mut lines = format!(
        "[routes.{}]\npreset = {}\n",
        preset.name(),
        Value::from(preset.name())
    );
    if !preset.init.is_empty() {
        lines.push_str("# yours to say:\n");
        lines.push_str(preset.yours().trim_end());
        lines.push('\n');
    }
    lines.push_str("# what the preset says:\n");
    for (key, value) in preset.route() {
        crate::preset::flat(&mut lines, key, value);
    }
    lines
}

fn lines(sdk: &Sdk) -> String {
    let fence = match sdk.language.as_str() {
        "python" => "python",
        _ => "js",
    };
    let how = if sdk.tested {
        "run through the bridge by our tests"
    } else {
        "read, not run"
    };
    let mut text = format!(
        "\n**{}** {} ({}): {how}. Token in: {}.\n\n```{fence}\n{}\n```\n",
        sdk.name,
        sdk.version,
        sdk.language,
        sdk.carrier,
        sdk.lines.trim(),
    );
    if !sdk.notes.is_empty() {
        text.push_str(&format!("\n{}\n", one_line(&sdk.notes)));
    }
    text
}

fn links(about: &About) -> String {
    if about.docs.is_empty() {
        return String::new();
    }
    let links: Vec<String> = about.docs.iter().map(|link| format!("<{link}>")).collect();
    format!("\nVendor's pages: {}\n", links.join(", "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const PREFACE: &str = "\
# Vendors

This page is generated from the program's presets: `tollbridge config vendors`. How to use one:
[vendors](../how-to/vendors.md).

No account of any vendor was used, and no vendor's cloud was ever contacted. \"Stand-in\" says that
our tests run against a server of ours which is as strict as the vendor's documents: it accepts the
credential in the header only, refuses as the vendor does, demands the documented first message. An
SDK counts as tested where a test takes it from npm or PyPI, unmodified, and completes an exchange
through the bridge with that stand-in: in headless Chromium over TLS, in Node, in Python
(`just sdks`).
";
