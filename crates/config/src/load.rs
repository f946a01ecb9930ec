//! From a file and the environment to settings.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{
    environment, layers,
    places::{Lines, Place, Places},
    problem::{Problem, Problems, Severity},
    reader::Reader,
    rules,
    schema::Node,
    secret_ref::SecretRef,
    sections,
    settings::Settings,
    structure::Inspection,
    syntax::Legible,
};

/// Settings that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What somebody should look at.
    pub warnings: Vec<Problem>,
    /// The configuration file and every file it refers to, to watch for changes.
    pub files: Vec<PathBuf>,
}

/// Reads the file, puts the environment on top, and checks everything, the files and variables
/// that it refers to included.
///
/// # Errors
/// Every mistake there is.
pub fn load(path: &Path, env: &dyn Fn() -> Vec<(String, String)>) -> Result<Loaded, Problems> {
    let name = path.display().to_string();
    let text = read_file(path).map_err(|found| {
        let places = Places::of_file(&name);
        let problem = places.problem_at(Severity::Error, found.place.as_ref(), "", found.message);
        Problems(vec![problem])
    })?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_reason| path.to_owned());
    let base = absolute.parent().unwrap_or_else(|| Path::new("/"));
    let mut loaded = assemble(&text, &name, base, env(), true)?;
    loaded.files.insert(0, absolute);
    Ok(loaded)
}

/// As [`load`] for a text that was read already: looks at nothing outside of it.
///
/// # Errors
/// Every mistake there is.
pub fn parse(
    text: &str,
    name: &str,
    base: &Path,
    env: Vec<(String, String)>,
) -> Result<Loaded, Problems> {
    assemble(text, name, base, env, false)
}

fn assemble(
    text: &str,
    name: &str,
    base: &Path,
    env: Vec<(String, String)>,
    look: bool,
) -> Result<Loaded, Problems> {
    let mut places = Places::of_file(name);
    let legible = Legible::of(text, &places);
    let mut problems = legible.problems.clone();
    let file = inspect(text, &legible, &mut places, &mut problems);
    let environment = environment::read(env, &file, &mut places, &mut problems);
    let settings = if legible.cut {
        // Half a file would only seem to lack things.
        None
    } else {
        interpret(&file, &environment, base, look, &places, &mut problems)
    };
    let has_errors = problems.iter().any(|p| p.severity == Severity::Error);
    let Problems(problems) = Problems::in_order(problems);
    match settings {
        Some(settings) if !has_errors => Ok(Loaded {
            files: files_of(&settings),
            settings,
            warnings: problems,
        }),
        _ => Err(Problems(problems)),
    }
}

/// The part of the file that fits the schema.
fn inspect(
    text: &str,
    legible: &Legible,
    places: &mut Places,
    problems: &mut Vec<Problem>,
) -> Table {
    let Some(document) = legible.document() else {
        return Table::new();
    };
    let mut inspection = Inspection {
        lines: &Lines::of(text),
        blots: &legible.blots,
        places,
        problems,
    };
    inspection.table(Node::root(), "", document.get_ref())
}

/// Merges the layers and reads what they mean together.
fn interpret(
    file: &Table,
    environment: &Table,
    base: &Path,
    look: bool,
    places: &Places,
    problems: &mut Vec<Problem>,
) -> Option<Settings> {
    let merged = match layers::merge(file, environment) {
        Ok(merged) => merged,
        Err(message) => {
            problems.push(places.problem_at(Severity::Error, None, "", message));
            return None;
        }
    };
    let allow_inline = merged.get("allow_inline_secrets").and_then(Value::as_bool);
    let reader = Reader::new(base, look, allow_inline.unwrap_or(false), places);
    let settings = {
        let root = reader.root(&merged);
        let settings = sections::read(&root);
        if let Some(settings) = &settings {
            rules::check(settings, &root);
        }
        settings
    };
    problems.extend(reader.into_problems());
    settings
}

/// Every file that the settings refer to, each once.
fn files_of(settings: &Settings) -> Vec<PathBuf> {
    let mut files: Vec<_> = settings.keys.master_key.file().into_iter().collect();
    if let Some(tls) = &settings.server.tls {
        let references = tls.references().into_iter().flatten();
        files.extend(references.filter_map(SecretRef::file));
    }
    for caller in settings.callers.values() {
        files.extend(caller.kind.ca().cloned());
        files.extend(caller.kind.secrets().filter_map(SecretRef::file));
    }
    for route in settings.routes.values() {
        files.extend(route.ca.clone());
        files.extend(route.credentials.secrets().filter_map(SecretRef::file));
        files.extend(route.hook.iter().filter_map(|hook| hook.secret.file()));
    }
    files.sort();
    files.dedup();
    files
}

/// Why a file is no text, and where.
struct Unread {
    place: Option<Place>,
    message: String,
}

fn read_file(path: &Path) -> Result<String, Unread> {
    let nowhere = |message| Unread {
        place: None,
        message,
    };
    let unreadable = |error| nowhere(format!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(nowhere("longer than 1 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
        Unread {
            place: Some(Lines::of(&text).place(valid)),
            message: "not UTF-8".to_owned(),
        }
    })
}

/// Longer than any configuration, and quickly read.
const LONGEST: u64 = 1 << 20;
