//! The settings, read off the definitions of the flags.

use std::any::TypeId;
use std::error::Error as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::Cli;

/// What a value looks like in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number,
    /// Texts: an array, or one text with commas.
    List,
    /// Anything else.
    Text,
}

/// A setting, as its flag defines it.
#[derive(Clone, Debug)]
pub struct Setting {
    arg: Arg,
}

/// All settings of `chaoke serve`, in the order of its help. These are what the file may hold.
///
/// # Panics
/// Never: there is such a command.
#[must_use]
pub fn table() -> Vec<Setting> {
    let cli = Cli::command();
    of(cli.find_subcommand("serve").expect("it is defined above"))
}

/// The settings that a command takes. A flag without a name in the environment is none.
pub(super) fn of(command: &Command) -> Vec<Setting> {
    let is_setting =
        |arg: &&Arg| arg.get_env().is_some() && arg.get_long().is_some() && !arg.is_global_set();
    let args = command.get_arguments().filter(is_setting).cloned();
    args.map(|arg| Setting { arg }).collect()
}

impl Setting {
    /// Its name in the file, which is the flag without dashes in front.
    #[must_use]
    pub fn key(&self) -> &str {
        self.arg.get_long().unwrap_or_default()
    }

    /// Its name in the environment.
    #[must_use]
    pub fn env(&self) -> String {
        let env = self.arg.get_env().unwrap_or_default();
        env.to_string_lossy().into_owned()
    }

    /// The name in the environment of a file that holds the value.
    #[must_use]
    pub fn twin(&self) -> String {
        format!("{}_FILE", self.env())
    }

    /// The section of the help it stands in.
    #[must_use]
    pub fn heading(&self) -> Option<&str> {
        self.arg.get_help_heading()
    }

    /// What it is for.
    #[must_use]
    pub fn help(&self) -> String {
        let help = self.arg.get_help().map(ToString::to_string);
        help.unwrap_or_default()
    }

    /// What stands for the value in the help.
    #[must_use]
    pub fn value_name(&self) -> String {
        let names = self.arg.get_value_names().unwrap_or_default();
        names.first().map(ToString::to_string).unwrap_or_default()
    }

    /// The value if nobody gives one.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        let value = self.arg.get_default_values().first()?;
        (self.kind() != Kind::Switch).then(|| value.to_string_lossy().into_owned())
    }

    /// The only values it takes, if there is a list of them.
    #[must_use]
    pub fn choices(&self) -> Vec<String> {
        let values = self.arg.get_possible_values();
        let switch = self.kind() == Kind::Switch;
        let values = values.iter().filter(|_| !switch);
        values.map(|value| value.get_name().to_owned()).collect()
    }

    /// Whether it is for trials only and stands in no document.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.arg.is_hide_set()
    }

    /// Whether its value must not be shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.arg.is_hide_env_values_set()
    }

    /// What a value looks like in the file.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let parsed = self.arg.get_value_parser().type_id();
        let numbers = [
            TypeId::of::<usize>(),
            TypeId::of::<u64>(),
            TypeId::of::<u32>(),
            TypeId::of::<u16>(),
        ];
        if matches!(self.arg.get_action(), ArgAction::SetTrue) {
            Kind::Switch
        } else if self.arg.get_value_delimiter().is_some() {
            Kind::List
        } else if numbers.iter().any(|number| parsed == *number) {
            Kind::Number
        } else {
            Kind::Text
        }
    }

    /// Its name among the matches of clap.
    pub(super) fn id(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// Whether a value can be meant, by the same parser that reads the flag.
    ///
    /// # Errors
    /// Why not, without a full stop.
    pub fn accepts(&self, value: &str) -> Result<(), String> {
        let alone = Arg::new("value")
            .value_parser(self.arg.get_value_parser().clone())
            .value_delimiter(self.arg.get_value_delimiter())
            .allow_hyphen_values(true);
        let command = Command::new("setting").no_binary_name(true).arg(alone);
        let Err(error) = command.try_get_matches_from([value]) else {
            return Ok(());
        };
        let choices = self.choices();
        Err(match error.source() {
            Some(reason) => reason.to_string(),
            None if !choices.is_empty() => format!("write one of {}", choices.join(", ")),
            None => "it can't be read".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_names_in_the_environment_are_the_same() {
        let mut seen = BTreeSet::new();
        for setting in table() {
            assert!(setting.env().starts_with("CHAOKE_"), "{}", setting.env());
            for name in [setting.env(), setting.twin()] {
                assert!(seen.insert(name.clone()), "{name} means two things");
            }
        }
    }

    #[test]
    fn the_kind_of_a_setting_is_read_off_its_flag() {
        let kind = |key: &str| {
            let found = table().into_iter().find(|setting| setting.key() == key);
            found.expect("it is there").kind()
        };
        assert_eq!(kind("cql-few-replicas"), Kind::Switch);
        assert_eq!(kind("cql-replicas"), Kind::Number);
        assert_eq!(kind("origin"), Kind::List);
        assert_eq!(kind("listen"), Kind::Text);
    }
}
