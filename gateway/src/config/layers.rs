//! Puts the layers on top of each other: flags, environment, files that the environment names, the configuration
//! file, defaults. What clap does not know itself is handed to it as further flags, so that every value is
//! parsed and every rule between flags holds, wherever a value came from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::setting::{self, Kind, Setting};
use super::{Cli, file};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag,
    /// A variable of the environment.
    Environment(String),
    /// A file that a variable names.
    Named {
        /// The variable.
        variable: String,
        /// The file.
        file: PathBuf,
    },
    /// A line of the configuration file.
    Line {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
    },
    /// Nobody gave one.
    Default,
}

/// A setting with what it came to.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The setting.
    pub setting: Setting,
    /// Empty if it has none; several for a list.
    pub values: Vec<String>,
    /// Where they come from.
    pub source: Source,
}

/// What was asked for.
#[derive(Debug)]
pub struct Configured {
    /// The command with its settings.
    pub cli: Cli,
    /// The settings of the command.
    pub settings: Vec<Effective>,
}

/// Why nothing can be done.
#[derive(Debug)]
pub enum Refused {
    /// The command line is not understood, or asks for help.
    CommandLine(clap::Error),
    /// A sentence: what is wrong, and where.
    Said(String),
}

/// A value that clap does not find by itself.
struct Given {
    setting: Setting,
    values: Vec<String>,
    source: Source,
}

/// Reads everything; `arguments` begin with the name of the program.
///
/// # Errors
/// What is wrong, and where.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Configured, Refused> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // A first look, to see what flags and the environment give. What is wrong is told by the second one.
    let mut lenient = Cli::command().ignore_errors(true);
    let Ok(seen) = lenient.try_get_matches_from_mut(&arguments) else {
        return understood(&arguments, &[]);
    };
    let (command, seen) = innermost(&lenient, &seen);
    let settings = setting::of(command);
    let entries = match seen.get_one::<PathBuf>("config") {
        // What needs no settings is not kept from work by a wrong file.
        Some(path) if !settings.is_empty() => from_file(path).map_err(Refused::Said)?,
        _ => Vec::new(),
    };
    let mut given = Vec::new();
    for setting in settings {
        let source = seen.value_source(setting.id());
        let by_name = of_twin(&setting, source).map_err(Refused::Said)?;
        if matches!(
            source,
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        ) {
            continue;
        }
        let in_file = || {
            let entry = entries.iter().find(|entry| entry.key == setting.key())?;
            let path = seen.get_one::<PathBuf>("config")?;
            Some(Given {
                setting: setting.clone(),
                values: entry.values.clone(),
                source: Source::Line {
                    file: path.clone(),
                    line: entry.line,
                },
            })
        };
        given.extend(by_name.or_else(in_file));
    }
    understood(&arguments, &given)
}

/// Names in the environment that look like a setting and are none: a sentence each. They do no harm, and nothing
/// else would tell of them.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the configuration is where the environment is read"
)]
pub fn unread() -> Vec<String> {
    let table = setting::table();
    let known: Vec<String> = table
        .iter()
        .flat_map(|setting| [setting.env(), setting.twin()])
        .map(|name| name.replace("CHAOKE_", "").to_lowercase().replace('_', "-"))
        .collect();
    let mut told = Vec::new();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let Some(given) = name.strip_prefix("CHAOKE_") else {
            continue;
        };
        let given = given.to_lowercase().replace('_', "-");
        if known.contains(&given) || given == "config" {
            continue;
        }
        if let Some(meant) = file::nearest(&given, known.iter().map(String::as_str)) {
            let meant = meant.to_uppercase().replace('-', "_");
            told.push(format!("{name} is not read; did you mean CHAOKE_{meant}?"));
        }
    }
    told.sort();
    told
}

fn from_file(path: &Path) -> Result<Vec<file::Entry>, String> {
    file::read(path, &setting::table())
}

/// The value in the file that the variable's twin names.
#[expect(
    clippy::disallowed_methods,
    reason = "the configuration is where the environment is read"
)]
fn of_twin(setting: &Setting, known: Option<ValueSource>) -> Result<Option<Given>, String> {
    let variable = setting.twin();
    let Some(path) = std::env::var_os(&variable).map(PathBuf::from) else {
        return Ok(None);
    };
    let place = format!("the file {}, named by {variable},", path.display());
    if known == Some(ValueSource::EnvVariable) {
        return Err(format!(
            "both {} and {variable} are set; leave one of them out",
            setting.env()
        ));
    }
    let read = std::fs::read_to_string(&path)
        .map_err(|error| format!("{place} can't be read: {error}"))?;
    let value = match read.lines().next() {
        Some(line) if !line.is_empty() => line.to_owned(),
        _ => return Err(format!("{place} holds no value")),
    };
    let meant = match setting.kind() {
        Kind::Switch => value
            .parse::<bool>()
            .map(drop)
            .map_err(|_| "write true or false".to_owned()),
        _ => setting.accepts(&value),
    };
    // The value itself is not shown: such files hold secrets.
    meant.map_err(|why| format!("{place} holds a value that can't be meant: {why}"))?;
    Ok(Some(Given {
        setting: setting.clone(),
        values: vec![value],
        source: Source::Named {
            variable,
            file: path,
        },
    }))
}

/// The second look: with what the files give as flags.
fn understood(arguments: &[OsString], given: &[Given]) -> Result<Configured, Refused> {
    let mut more: Vec<OsString> = Vec::new();
    for given in given {
        more.extend(flags(given));
    }
    let mut all = arguments.to_vec();
    // Behind `--` there are no flags.
    let end = all.iter().position(|one| one == "--").unwrap_or(all.len());
    all.splice(end..end, more);
    let mut command = Cli::command();
    let matches = command
        .try_get_matches_from_mut(&all)
        .map_err(|error| refused(error, given))?;
    let cli = Cli::from_arg_matches(&matches).map_err(Refused::CommandLine)?;
    let (command, inner) = innermost(&command, &matches);
    let settings = setting::of(command)
        .into_iter()
        .map(|setting| effective(setting, inner, given))
        .collect();
    Ok(Configured { cli, settings })
}

fn flags(given: &Given) -> Vec<OsString> {
    let key = given.setting.key();
    let each = given.values.iter();
    match given.setting.kind() {
        Kind::Switch => each
            .filter(|value| *value == "true")
            .map(|_| format!("--{key}").into())
            .collect(),
        _ => each
            .map(|value| format!("--{key}={value}").into())
            .collect(),
    }
}

fn effective(setting: Setting, matches: &ArgMatches, given: &[Given]) -> Effective {
    let values = match setting.kind() {
        Kind::Switch => vec![matches.get_flag(setting.id()).to_string()],
        _ => matches
            .get_raw(setting.id())
            .unwrap_or_default()
            .map(|value| value.to_string_lossy().into_owned())
            .collect(),
    };
    let by_file = given.iter().find(|one| one.setting.id() == setting.id());
    let source = match (by_file, matches.value_source(setting.id())) {
        (Some(given), _) => given.source.clone(),
        (None, Some(ValueSource::CommandLine)) => Source::Flag,
        (None, Some(ValueSource::EnvVariable)) => Source::Environment(setting.env()),
        _ => Source::Default,
    };
    Effective {
        setting,
        values,
        source,
    }
}

/// The command that was asked for, below all subcommands, and its matches.
fn innermost<'a>(command: &'a Command, matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    match matches.subcommand() {
        Some((name, inner)) => match command.find_subcommand(name) {
            Some(command) => innermost(command, inner),
            None => (command, matches),
        },
        None => (command, matches),
    }
}

/// Says where a value stands that is missing another one beside it: clap knows of no files.
fn refused(error: clap::Error, given: &[Given]) -> Refused {
    let missing = missing(&error);
    for given in given {
        let mut alone: Vec<OsString> = vec!["chaoke".into(), "serve".into()];
        alone.extend(flags(given));
        let Err(without) = Cli::command().try_get_matches_from(alone) else {
            continue;
        };
        let lacks = self::missing(&without);
        if let Some(lacking) = missing.iter().find(|one| lacks.contains(one)) {
            let place = match &given.source {
                Source::Line { file, line } => format!("{}:{line}", file.display()),
                Source::Named { variable, .. } => variable.clone(),
                _ => continue,
            };
            let key = given.setting.key();
            return Refused::Said(format!("{place}: {key} needs {lacking} as well"));
        }
    }
    Refused::CommandLine(error)
}

fn missing(error: &clap::Error) -> Vec<String> {
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return Vec::new();
    }
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(flags)) => flags.clone(),
        Some(ContextValue::String(flag)) => vec![flag.clone()],
        _ => Vec::new(),
    }
}
