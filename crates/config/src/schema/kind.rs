//! What a key takes, and whether a value is of that shape.

use toml::{Value, de::DeValue};

use super::Key;
use crate::{names::did_you_mean, units};

/// What a key takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A table with keys of its own.
    Section,
    /// Text; the word says of what sort.
    Text(&'static str),
    /// A text with a time unit.
    Duration,
    /// A text with a size unit.
    Size,
    /// A whole number between the two.
    Count(i64, i64),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An array of texts; the word says of what sort.
    List(&'static str),
    /// A text, or an array of texts; the word says of what sort.
    Texts(&'static str),
    /// An array of tables, each with these keys: `[[…]]`. In the file only.
    Tables,
    /// Promised and not built yet: refused by name.
    Unbuilt,
}

/// Why a value is not of a key's kind.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Mismatch {
    /// What is wrong.
    pub(crate) message: String,
    /// What was probably meant.
    pub(crate) hint: Option<String>,
}

impl Kind {
    /// Takes a value from a file if it has the right TOML type. Elements of lists are looked at
    /// by the caller, who knows their positions.
    pub(crate) fn read(self, value: &DeValue<'_>) -> Result<Value, Mismatch> {
        match (self, value) {
            (Self::Text(_) | Self::Duration | Self::Size, DeValue::String(text)) => {
                Ok(Value::String(text.to_string()))
            }
            (Self::Texts(_), DeValue::String(text)) => {
                Ok(Value::Array(vec![Value::String(text.to_string())]))
            }
            (Self::Choice(words), DeValue::String(text)) => choice(words, text),
            (Self::Flag, DeValue::Boolean(flag)) => Ok(Value::Boolean(*flag)),
            (Self::Count(..), DeValue::Integer(number)) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                parsed
                    .map_err(|_reason| self.expected("a larger number"))
                    .and_then(|number| self.count(number))
            }
            (Self::Duration, DeValue::Integer(_) | DeValue::Float(_)) => {
                Err(Mismatch::new(units::NO_DURATION_UNIT))
            }
            (Self::Size, DeValue::Integer(_) | DeValue::Float(_)) => {
                Err(Mismatch::new(units::NO_SIZE_UNIT))
            }
            (_, other) => Err(Mismatch {
                hint: self.hint(other),
                ..self.expected(&type_of(other))
            }),
        }
    }

    /// What was probably meant by a table where none belongs.
    fn hint(self, found: &DeValue<'_>) -> Option<String> {
        let hint = match (self, found) {
            (Self::Tables, DeValue::Table(_)) => "a header in double brackets begins each: [[…]]",
            (Self::Texts(_), DeValue::Table(_)) => {
                "a name with dots in it is quoted: claim.\"realm_access.roles\""
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Takes a text from the environment or the table of defaults; a list is separated by commas.
    pub(crate) fn read_text(self, text: &str) -> Result<Value, Mismatch> {
        match self {
            Self::Text(_) | Self::Duration | Self::Size => Ok(Value::String(text.to_owned())),
            Self::Choice(words) => choice(words, text),
            Self::Flag => text
                .parse()
                .map(Value::Boolean)
                .map_err(|_reason| self.expected("another text")),
            Self::Count(..) => text
                .parse()
                .map_err(|_reason| self.expected("another text"))
                .and_then(|number| self.count(number)),
            Self::List(_) | Self::Texts(_) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect::<Vec<_>>()
                .into()),
            Self::Section | Self::Tables | Self::Unbuilt => Err(self.expected("a text")),
        }
    }

    /// True where an array is taken, whose elements are looked at one by one.
    pub(crate) const fn has_elements(self) -> bool {
        matches!(self, Self::List(_) | Self::Texts(_) | Self::Tables)
    }

    /// True where keys follow below, not a value.
    pub(crate) const fn is_heading(self) -> bool {
        matches!(self, Self::Section | Self::Tables)
    }

    /// The kind in words, for messages and the reference.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Section => "a table".to_owned(),
            Self::Text(sort) => format!("a string ({sort})"),
            Self::Duration => "a duration".to_owned(),
            Self::Size => "a size".to_owned(),
            Self::Count(least, most) if most == i64::from(u32::MAX) => {
                format!("a whole number from {least}")
            }
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::Choice(words) => words
                .iter()
                .map(|word| format!("\"{word}\""))
                .collect::<Vec<_>>()
                .join(" or "),
            Self::List(sort) => format!("an array of strings ({sort})"),
            Self::Texts(sort) => format!("a string or an array of strings ({sort})"),
            Self::Tables => "an array of tables".to_owned(),
            Self::Unbuilt => "nothing yet".to_owned(),
        }
    }

    /// "expected … , found …".
    pub(crate) fn expected(self, found: &str) -> Mismatch {
        Mismatch::new(&format!("expected {}, found {found}", self.describe()))
    }

    /// As [`Kind::expected`], for an element of a list.
    pub(crate) fn expected_inside(self, found: &DeValue<'_>) -> Mismatch {
        self.expected(&format!("{} in it", type_of(found)))
    }

    fn count(self, number: i64) -> Result<Value, Mismatch> {
        match self {
            Self::Count(least, most) if !(least..=most).contains(&number) => {
                Err(self.expected(&number.to_string()))
            }
            _ => Ok(Value::Integer(number)),
        }
    }
}

impl Mismatch {
    /// A refusal by name of what is promised and not there yet.
    pub(crate) fn unbuilt(path: &str, key: &Key) -> Self {
        let name = path.rsplit('.').next().unwrap_or(path);
        let what = key.doc.trim_end_matches('.');
        Self::new(&format!("`{name}` is not built yet: {what}"))
    }

    /// A refusal of a variable where only the file can speak.
    pub(crate) fn in_file_only(path: &str) -> Self {
        Self::new(&format!(
            "`{path}` is a list of tables, which only the file can hold"
        ))
    }

    fn new(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            hint: None,
        }
    }
}

/// What a value is, in words.
pub(crate) fn type_of(value: &DeValue<'_>) -> String {
    let words = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    words.to_owned()
}

fn choice(words: &'static [&'static str], text: &str) -> Result<Value, Mismatch> {
    if words.contains(&text) {
        return Ok(Value::String(text.to_owned()));
    }
    Err(Mismatch {
        hint: did_you_mean(text, words.iter().copied()),
        ..Kind::Choice(words).expected("another string")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_where_a_duration_belongs_names_the_unit_rule() {
        let mismatch = Kind::Duration.read(&DeValue::Float(Default::default()));
        assert_eq!(mismatch.unwrap_err().message, units::NO_DURATION_UNIT);
    }

    #[test]
    fn a_list_in_a_variable_is_separated_by_commas() {
        let list = Kind::List("origins").read_text(" a, b,").unwrap();
        assert_eq!(list.as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_count_outside_its_range_is_a_mismatch() {
        assert!(Kind::Count(1, 5).read_text("6").is_err());
        assert!(Kind::Count(1, 5).read_text("x").is_err());
        assert!(Kind::Count(1, 5).read_text("5").is_ok());
    }

    #[test]
    fn a_near_word_is_suggested() {
        let mismatch = Kind::Choice(&["pass", "refuse"]).read_text("refused");
        assert_eq!(
            mismatch.unwrap_err().hint.as_deref(),
            Some("did you mean `refuse`?")
        );
    }
}
