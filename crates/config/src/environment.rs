//! `TOLLBRIDGE__SECTION__KEY`: the layer above the file.

use toml::{Table, Value};

use crate::{
    names::join,
    places::{Place, Places},
    problem::{Problem, Severity},
    schema::{Kind, Mismatch, Node},
    structure::suggest,
};

/// The variables of this process, where they are text.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Reads the variables that are ours into a layer.
///
/// Segments are lower-cased: variables are written in capitals, names of routes and callers are
/// not. Names below a map, as of headers, find what the file calls them whatever the case.
pub(crate) fn read(
    mut variables: Vec<(String, String)>,
    file: &Table,
    places: &mut Places,
    problems: &mut Vec<Problem>,
) -> Table {
    variables.sort();
    let mut layer = Table::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if value.is_empty() {
            continue;
        }
        let place = Place::Variable(name.clone());
        match resolve(rest, file).and_then(|found| Ok((found.value(&value)?, found))) {
            Ok((value, found)) => found.insert(&mut layer, value, &place, places),
            Err(mismatch) => {
                let problem =
                    places.problem_at(Severity::Error, Some(&place), "", mismatch.message);
                problems.push(Problem {
                    hint: mismatch.hint,
                    ..problem
                });
            }
        }
    }
    layer
}

/// A variable's key: its path and what the schema says of it.
struct Found {
    segments: Vec<String>,
    node: &'static Node,
}

impl Found {
    fn value(&self, text: &str) -> Result<Value, Mismatch> {
        match self.node.key {
            Some(key) if key.kind == Kind::Unbuilt => {
                Err(Mismatch::unbuilt(&self.segments.join("."), key))
            }
            Some(key) if key.kind == Kind::Tables => {
                Err(Mismatch::in_file_only(&self.segments.join(".")))
            }
            Some(key) => key.kind.read_text(text),
            None => Err(Kind::Section.expected("a text")),
        }
    }

    fn insert(&self, layer: &mut Table, value: Value, place: &Place, places: &mut Places) {
        let Some((last, parents)) = self.segments.split_last() else {
            return;
        };
        let mut path = String::new();
        let mut table = layer;
        for parent in parents {
            path = join(&path, parent);
            places.note_first(&path, place.clone());
            let below = table
                .entry(parent.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            if !below.is_table() {
                *below = Value::Table(Table::new());
            }
            let Value::Table(below) = below else { return };
            table = below;
        }
        places.note(&join(&path, last), place.clone());
        table.insert(last.clone(), value);
    }
}

fn resolve(rest: &str, file: &Table) -> Result<Found, Mismatch> {
    let mut node = Node::root();
    let mut written = Some(file);
    let mut segments = Vec::new();
    for segment in rest.split("__") {
        if node.is_list() {
            return Err(Mismatch::in_file_only(&segments.join(".")));
        }
        let mut name = segment.to_ascii_lowercase();
        let child = node.child(&name).filter(|_| !name.is_empty());
        let Some(child) = child else {
            return Err(Mismatch {
                message: format!("no key `{name}` for this variable"),
                hint: suggest(node, &name),
            });
        };
        if node.is_map() {
            let same = |key: &&String| key.eq_ignore_ascii_case(&name);
            if let Some(key) = written.and_then(|table| table.keys().find(same)) {
                name = key.clone();
            }
        }
        written = written
            .and_then(|table| table.get(&name))
            .and_then(Value::as_table);
        node = child;
        segments.push(name);
    }
    Ok(Found { segments, node })
}

const PREFIX: &str = "TOLLBRIDGE__";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(variables: &[(&str, &str)], file: &str) -> (Table, Vec<Problem>) {
        let mut problems = Vec::new();
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let file = file.parse().unwrap();
        let mut places = Places::of_file("f.toml");
        let layer = read(variables, &file, &mut places, &mut problems);
        (layer, problems)
    }

    #[test]
    fn a_variable_names_its_key_and_others_are_not_ours() {
        let (layer, problems) = read_all(
            &[
                ("TOLLBRIDGE__ROUTES__VOICE__LIMITS__MAX_SESSION", "30m"),
                ("TOLLBRIDGE__SERVER__WORKERS", "3"),
                ("TOLLBRIDGE_CONFIG", "x"),
                ("PATH", "/bin"),
            ],
            "",
        );
        assert_eq!(problems, []);
        assert_eq!(
            layer["routes"]["voice"]["limits"]["max_session"].as_str(),
            Some("30m")
        );
        assert_eq!(layer["server"]["workers"].as_integer(), Some(3));
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let (layer, problems) = read_all(&[("TOLLBRIDGE__SERVER__LISTEN", "")], "");
        assert!(layer.is_empty() && problems.is_empty());
    }

    #[test]
    fn an_unknown_or_ill_typed_variable_is_named() {
        let (_, problems) = read_all(
            &[
                ("TOLLBRIDGE__SERVER__LISEN", "x"),
                ("TOLLBRIDGE__SERVER__WORKERS", "many"),
                ("TOLLBRIDGE__SERVER", "x"),
                ("TOLLBRIDGE____", "x"),
                ("TOLLBRIDGE__SERVER__TLS", "x"),
            ],
            "",
        );
        assert_eq!(problems.len(), 5);
        let lisen = problems.iter().find(|p| p.file.ends_with("LISEN")).unwrap();
        assert_eq!(lisen.file, "env:TOLLBRIDGE__SERVER__LISEN");
        assert_eq!(lisen.hint.as_deref(), Some("did you mean `listen`?"));
    }

    #[test]
    fn a_list_of_tables_is_the_files_alone() {
        for name in ["ALLOW", "ALLOW__CALLER", "ALLOW__0__CALLER", "ALLOW__"] {
            let name = format!("TOLLBRIDGE__ROUTES__V__{name}");
            let (layer, problems) = read_all(&[(&name, "x")], "");
            assert!(layer.is_empty() && problems.len() == 1, "{name}");
            let message = &problems[0].message;
            assert!(message.contains("`routes.v.allow` is a list"), "{message}");
        }
    }

    #[test]
    fn a_header_keeps_the_case_of_the_file() {
        let (layer, _) = read_all(
            &[(
                "TOLLBRIDGE__ROUTES__V__CREDENTIALS__HEADERS__API-KEY",
                "env:B",
            )],
            "routes.v.credentials.headers.Api-Key = 'env:A'",
        );
        let headers = layer["routes"]["v"]["credentials"]["headers"].as_table();
        assert!(headers.unwrap().contains_key("Api-Key"));
    }
}
