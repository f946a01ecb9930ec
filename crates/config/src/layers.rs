//! Defaults, then presets, then file, then environment.

use config::{Config, File, FileFormat};
use toml::{Table, Value};

use crate::{
    preset::{self, Preset},
    schema::KEYS,
};

/// Merges the layers; what is not a table is replaced as a whole.
pub(crate) fn merge(file: &Table, environment: &Table) -> Result<Table, String> {
    let defaults = defaults(file, environment);
    let (mut file, mut environment) = (file.clone(), environment.clone());
    let presets = presets(&mut file, &mut environment);
    let layers = [defaults, presets, file, environment];
    let mut builder = Config::builder();
    for layer in layers {
        let text = toml::to_string(&layer).map_err(|error| error.to_string())?;
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    builder
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|error| error.to_string())
}

/// The defaults of the schema, spelled out for every name that a layer has.
fn defaults(file: &Table, environment: &Table) -> Table {
    let mut layer = Table::new();
    for key in KEYS {
        let Some(Ok(value)) = key.default.map(|text| key.kind.read_text(text)) else {
            continue;
        };
        let segments: Vec<_> = key.path.split('.').collect();
        match segments.split_first() {
            Some((section, ["*", rest @ ..])) => {
                for name in names(section, [file, environment]) {
                    let path: Vec<_> = [*section, name]
                        .into_iter()
                        .chain(rest.iter().copied())
                        .collect();
                    insert(&mut layer, &path, value.clone());
                }
            }
            _ => insert(&mut layer, &segments, value),
        }
    }
    layer
}

/// What the routes' presets know. An unknown preset is nobody's, and is reported where it is read.
fn presets(file: &mut Table, environment: &mut Table) -> Table {
    let mut layer = Table::new();
    let routes: Vec<String> = names("routes", [file, environment])
        .map(str::to_owned)
        .collect();
    for name in routes {
        let chosen = [&*environment, &*file].into_iter().find_map(|layer| {
            let preset = layer.get("routes")?.get(&name)?.get("preset")?;
            preset.as_str().map(str::to_owned)
        });
        let Some(preset) = chosen.and_then(|chosen| Preset::find(&chosen).ok()) else {
            continue;
        };
        let mut route = preset.route().clone();
        for written in [&mut *file, &mut *environment] {
            let own = written
                .get_mut("routes")
                .and_then(|routes| routes.get_mut(&name)?.as_table_mut());
            if let Some(own) = own {
                preset::give_way(&mut route, own);
            }
        }
        insert(&mut layer, &["routes", &name], Value::Table(route));
    }
    layer
}

fn names<'a>(section: &str, layers: [&'a Table; 2]) -> impl Iterator<Item = &'a str> {
    layers
        .map(|layer| layer.get(section).and_then(Value::as_table))
        .into_iter()
        .flatten()
        .flat_map(|table| table.iter())
        .filter(|(_, value)| value.is_table())
        .map(|(name, _)| name.as_str())
}

fn insert(layer: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            layer.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let below = layer
                .entry(*first)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(file: &str, environment: &str) -> Table {
        merge(&file.parse().unwrap(), &environment.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_environment_comes_over_the_file_and_the_file_over_the_defaults() {
        let tree = merged(
            "[server]\nlisten = 'file'\nmax_body = 'file'",
            "[server]\nlisten = 'environment'",
        );
        assert_eq!(tree["server"]["listen"].as_str(), Some("environment"));
        assert_eq!(tree["server"]["max_body"].as_str(), Some("file"));
        assert_eq!(tree["server"]["drain_window"].as_str(), Some("20s"));
    }

    #[test]
    fn a_route_has_its_defaults_and_its_headers_keep_their_case() {
        let tree = merged(
            "[routes.a-b.credentials.headers]\nX-Api-Key = 'x'\n'x.y' = 'z'",
            "[routes.other]",
        );
        let route = &tree["routes"]["a-b"];
        assert_eq!(route["limits"]["max_session"].as_str(), Some("1h"));
        assert_eq!(
            route["credentials"]["headers"]["X-Api-Key"].as_str(),
            Some("x")
        );
        assert_eq!(route["credentials"]["headers"]["x.y"].as_str(), Some("z"));
        assert_eq!(tree["routes"]["other"]["max_uses"].as_integer(), Some(1));
    }
}
