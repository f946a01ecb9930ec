//! What is wrong with a configuration, and where.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The configuration is not used.
    Error,
    /// The configuration is used; somebody should look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One mistake. Never holds a secret: values are quoted only where they cannot be one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file as it was named, or `env:VARIABLE`.
    pub file: String,
    /// Line, from 1; a variable has none.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// The dotted key; empty where the text is not TOML at all.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be right, if that can be guessed.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    /// `file:line:column: error: message (key)`, and the hint on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}: {}", self.severity, self.message)?;
        if !self.key.is_empty() {
            write!(f, " ({})", self.key)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Every mistake of one run, in the order of the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Sorts by position: lines first, then what has none.
    pub(crate) fn in_order(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| {
            let position = |p: &Problem| (p.line.is_none(), p.line, p.column, p.severity);
            position(a)
                .cmp(&position(b))
                .then_with(|| a.file.cmp(&b.file))
        });
        problems.dedup();
        Self(problems)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
