//! Options of a policy: a serde struct with defaults that refuses what it does not know.

use serde::de::DeserializeOwned;

/// Options as they were given: keys and values for a policy's own struct.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options(toml::Table);

/// One option of a policy, for people.
#[derive(Clone, Copy, Debug)]
pub struct OptionDoc {
    /// Its key.
    pub key: &'static str,
    /// Its default, with its unit.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// Options that a policy does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(pub String);

impl Options {
    /// Options from `KEY=VALUE` texts, as `--set` gives them. A value that is not a number, a truth
    /// value or a quoted text is a text.
    ///
    /// # Errors
    ///
    /// If a text has no `=`, or a key occurs twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Options, OptionsError> {
        let mut table = toml::Table::new();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                return Err(OptionsError(format!("option `{text}` has no value; write KEY=VALUE")));
            };
            let (key, value) = (key.trim(), value.trim());
            let value = format!("value = {value}")
                .parse::<toml::Table>()
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| toml::Value::String(value.to_owned()));
            if table.insert(key.to_owned(), value).is_some() {
                return Err(OptionsError(format!("option `{key}` is given twice; give it once")));
            }
        }
        Ok(Options(table))
    }

    /// The options as a policy's own struct.
    ///
    /// # Errors
    ///
    /// If a key is unknown or a value is of the wrong kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, OptionsError> {
        self.0.clone().try_into().map_err(|why: toml::de::Error| {
            // The key of a wrong value is on a line of its own.
            let text = why.to_string();
            let message = match text.trim().split_once("\nin ") {
                Some((what, key)) => format!("{key}: {what}"),
                None => text.trim().to_owned(),
            };
            OptionsError(message)
        })
    }

    /// For a policy that takes no options.
    ///
    /// # Errors
    ///
    /// If there is one.
    pub fn none(&self) -> Result<(), OptionsError> {
        match self.0.keys().next() {
            Some(key) => Err(OptionsError(format!("unknown option `{key}`; it takes none"))),
            None => Ok(()),
        }
    }

    /// The options as JSON, for the summary.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}

impl From<toml::Table> for Options {
    fn from(table: toml::Table) -> Options {
        Options(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug, Default, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Own {
        lease: f64,
        name: String,
    }

    #[test]
    fn values_are_read_by_their_kind_and_unknown_keys_refused() {
        let own: Own = Options::parse(["lease=600.5", "name=abc"]).unwrap().read().unwrap();
        assert_eq!(own, Own { lease: 600.5, name: "abc".into() });
        let why = Options::parse(["lease=1.0", "name=a", "quantum=5"]).unwrap().read::<Own>().unwrap_err();
        assert!(why.to_string().contains("unknown field `quantum`, expected `lease` or `name`"), "{why}");
        let why = Options::parse(["lease=soon"]).unwrap().read::<Own>().unwrap_err();
        assert_eq!(why.to_string(), "`lease`: invalid type: string \"soon\", expected f64");
        assert_eq!(
            Options::parse(["a"]).unwrap_err().to_string(),
            "option `a` has no value; write KEY=VALUE"
        );
        assert!(Options::parse(["a=1", "a=2"]).is_err());
        assert!(Options::parse(["a=1"]).unwrap().none().is_err());
    }
}
