//! The options of a policy: one table of typed values, which a policy reads into a struct of its
//! own.
//!
//! A table is made once, where the program is told what to do: from `--set KEY=VALUE`, from the
//! values of a sweep file, or from the constants of a preset. From then on tables are merged, never
//! written out and read again.

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use toml::Value;

/// The options that one run gives its policy, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyOptions(toml::Table);

/// The value of an option, in a form that a constant can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// A whole number.
    Whole(i64),
    /// A word, such as `clock`.
    Word(&'static str),
}

/// The documentation of one option of a policy.
#[derive(Clone, Copy, Debug)]
pub struct OptionDoc {
    /// The key.
    pub key: &'static str,
    /// The default, with its unit.
    pub default: &'static str,
    /// What the option does, in a line.
    pub help: &'static str,
}

/// Says why a policy does not take its options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(pub String);

impl From<OptionValue> for Value {
    fn from(value: OptionValue) -> Value {
        match value {
            OptionValue::Whole(number) => Value::Integer(number),
            OptionValue::Word(word) => Value::String(word.to_owned()),
        }
    }
}

impl PolicyOptions {
    /// Returns the options of `KEY=VALUE` texts; [`PolicyOptions::parse_value`] says how a value is
    /// read.
    ///
    /// # Errors
    ///
    /// If a text has no `=`, or a key occurs twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<PolicyOptions, OptionsError> {
        let mut options = PolicyOptions::default();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                return Err(OptionsError(format!("option `{text}` has no value; write KEY=VALUE")));
            };
            options.insert(key.trim(), PolicyOptions::parse_value(value))?;
        }
        Ok(options)
    }

    /// Returns the value that a text stands for: a number, a truth value, a list or a quoted text
    /// as TOML writes them; any other text stands for itself.
    pub fn parse_value(text: &str) -> Value {
        text.trim().parse().unwrap_or_else(|_| Value::String(text.trim().to_owned()))
    }

    /// Adds an option.
    ///
    /// # Errors
    ///
    /// If the key has a value already.
    pub fn insert(&mut self, key: &str, value: Value) -> Result<(), OptionsError> {
        match self.0.insert(key.to_owned(), value) {
            Some(_) => Err(OptionsError(format!("option `{key}` is given twice; give it once"))),
            None => Ok(()),
        }
    }

    /// Returns these options, and those of `others` whose keys these do not have.
    #[must_use]
    pub fn over(mut self, others: PolicyOptions) -> PolicyOptions {
        for (key, value) in others.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// Returns these options, and those of a preset whose keys these do not have.
    #[must_use]
    pub fn over_preset(self, preset: &[(&str, OptionValue)]) -> PolicyOptions {
        let preset = preset.iter().map(|(key, value)| ((*key).to_owned(), (*value).into()));
        self.over(PolicyOptions(preset.collect()))
    }

    /// Returns the keys that are set, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the options as `KEY=VALUE` texts, ascending by key. [`PolicyOptions::parse`] makes
    /// the same options of them.
    pub fn to_texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(key, value)| format!("{key}={}", to_text(value)))
    }

    /// Returns the options as a policy's own struct.
    ///
    /// # Errors
    ///
    /// If the struct lacks a key or cannot hold a value. The message names the key and the value,
    /// and says what would be right.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, OptionsError> {
        T::deserialize(Fields(&self.0))
    }

    /// Checks that there is no option, for a policy that takes none.
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

    /// Returns the options as a JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).expect("a table of texts, numbers and lists is JSON")
    }
}

impl From<toml::Table> for PolicyOptions {
    fn from(table: toml::Table) -> PolicyOptions {
        PolicyOptions(table)
    }
}

/// Returns the text that [`PolicyOptions::parse_value`] reads as this value: a text without quotes
/// where it is none the less read as a text.
fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) if PolicyOptions::parse_value(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

/// Reads a table as a struct or a map.
struct Fields<'a>(&'a toml::Table);

/// Reads one value.
struct Field<'a>(&'a Value);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = OptionsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, OptionsError> {
        visitor.visit_map(Entries { rest: self.0.iter(), current: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> Deserializer<'de> for Field<'_> {
    type Error = OptionsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, OptionsError> {
        match self.0 {
            Value::String(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(truth) => visitor.visit_bool(*truth),
            Value::Datetime(time) => visitor.visit_string(time.to_string()),
            Value::Array(all) => visitor.visit_seq(SeqDeserializer::new(all.iter().map(Field))),
            Value::Table(table) => Fields(table).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, OptionsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, OptionsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, OptionsError> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            other => Err(de::Error::unknown_variant(&other.to_string(), variants)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, OptionsError> for Field<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Hands out the entries of a table; an error in a value names its key.
struct Entries<'a> {
    rest: toml::map::Iter<'a, String, Value>,
    current: Option<(&'a str, &'a Value)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = OptionsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, OptionsError> {
        self.current = self.rest.next().map(|(key, value)| (key.as_str(), value));
        self.current.map(|(key, _)| seed.deserialize(key.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, OptionsError> {
        let (key, value) = self.current.expect("serde asks for a value after its key");
        seed.deserialize(Field(value)).map_err(|OptionsError(why)| OptionsError(format!("`{key}`: {why}")))
    }
}

/// Puts what serde finds in the words of a user.
impl de::Error for OptionsError {
    fn custom<T: std::fmt::Display>(message: T) -> OptionsError {
        OptionsError(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> OptionsError {
        let found = match found {
            de::Unexpected::Str(text) => text.to_owned(),
            de::Unexpected::Signed(number) => number.to_string(),
            de::Unexpected::Unsigned(number) => number.to_string(),
            de::Unexpected::Float(number) => number.to_string(),
            de::Unexpected::Bool(truth) => truth.to_string(),
            de::Unexpected::Seq => return OptionsError(format!("a list is not {}", in_words(expected))),
            other => other.to_string(),
        };
        OptionsError(format!("\"{found}\" is not {}", in_words(expected)))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> OptionsError {
        OptionsError::invalid_type(found, expected)
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> OptionsError {
        OptionsError(format!("`{found}` is not known; give {}", listed(known, "or")))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> OptionsError {
        OptionsError(format!("unknown option `{field}`; it takes {}", listed(known, "and")))
    }
}

/// Returns what serde expects in the words of a user, with an example.
fn in_words(expected: &dyn de::Expected) -> String {
    let expected = expected.to_string();
    let (what, example) = match expected.as_str() {
        "f32" | "f64" => ("a number", "60"),
        "u8" | "u16" | "u32" | "u64" | "usize" => ("a whole number from 0", "60"),
        "i8" | "i16" | "i32" | "i64" | "isize" => ("a whole number", "60"),
        "a boolean" => return "a truth value; give true or false".to_owned(),
        "a sequence" => return "a list; give one, such as [1, 2]".to_owned(),
        "a number of seconds" => ("a number of seconds", "60"),
        other => return other.to_owned(),
    };
    format!("{what}; give one, such as {example}")
}

/// Lists words in backticks: `` `a`, `b` or `c` ``.
fn listed(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::SimDuration;

    #[derive(serde::Deserialize, Debug, Default, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Index {
        #[default]
        Las,
        ByGittins,
    }

    #[derive(serde::Deserialize, Debug, Default, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Own {
        lease: f64,
        name: String,
        turn: SimDuration,
        index: Index,
        limits: Option<Vec<f64>>,
        count: usize,
    }

    fn read(texts: &[&str]) -> Result<Own, String> {
        let options = PolicyOptions::parse(texts.iter().copied()).map_err(|why| why.to_string())?;
        options.read().map_err(|why| why.to_string())
    }

    #[test]
    fn values_are_read_by_their_kind() {
        let own = read(&["lease=600.5", "name=abc", "index=by-gittins", "turn=0.5", "count=3"]).unwrap();
        let expected = Own {
            lease: 600.5,
            name: "abc".into(),
            turn: SimDuration::from_micros(500_000),
            index: Index::ByGittins,
            limits: None,
            count: 3,
        };
        assert_eq!(own, expected);
        let own = read(&["lease=600", "limits=[1, 2.5]"]).unwrap();
        assert_eq!((own.lease, own.limits), (600.0, Some(vec![1.0, 2.5])));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key_and_what_would_be_right() {
        for (text, why) in [
            ("lease=soon", "`lease`: \"soon\" is not a number; give one, such as 60"),
            ("turn=soon", "`turn`: \"soon\" is not a number of seconds; give one, such as 60"),
            ("turn=[1]", "`turn`: a list is not a number of seconds; give one, such as 60"),
            ("count=-1", "`count`: \"-1\" is not a whole number from 0; give one, such as 60"),
            ("count=1.5", "`count`: \"1.5\" is not a whole number from 0; give one, such as 60"),
            ("index=lass", "`index`: `lass` is not known; give `las` or `by-gittins`"),
            ("index=5", "`index`: `5` is not known; give `las` or `by-gittins`"),
            ("limits=5", "`limits`: \"5\" is not a list; give one, such as [1, 2]"),
            (
                "quantum=5",
                "unknown option `quantum`; it takes `lease`, `name`, `turn`, `index`, `limits` and `count`",
            ),
            ("a", "option `a` has no value; write KEY=VALUE"),
        ] {
            assert_eq!(read(&[text]).unwrap_err(), why, "{text}");
        }
        assert_eq!(read(&["a=1", "a=2"]).unwrap_err(), "option `a` is given twice; give it once");
        let why = PolicyOptions::parse(["a=1"]).unwrap().none().unwrap_err();
        assert_eq!(why.to_string(), "unknown option `a`; it takes none");
    }

    #[test]
    fn a_preset_is_below_what_the_user_says() {
        let preset = [("lease", OptionValue::Whole(240)), ("grid", OptionValue::Word("clock"))];
        let options = PolicyOptions::parse(["lease=5", "check=1"]).unwrap().over_preset(&preset);
        assert_eq!(options.to_json().to_string(), r#"{"check":1,"grid":"clock","lease":5}"#);
    }

    proptest! {
        /// The texts of options are read as the same options, whatever the values are.
        #[test]
        fn texts_are_read_back(
            text in "\\PC{0,8}", word in "(off|true|nan|1|inf|0x1|\\[1\\]|1979-05-27|[a-z ]{0,5})",
            number in any::<i64>(), float in any::<f64>().prop_filter("NaN is not equal", |x| !x.is_nan())
        ) {
            for value in [
                Value::String(text.clone()), Value::String(word.clone()), Value::Integer(number),
                Value::Float(float), Value::Array(vec![Value::String(word), Value::Integer(number)]),
            ] {
                let options = PolicyOptions::from(toml::Table::from_iter([("key".to_owned(), value)]));
                let texts: Vec<String> = options.to_texts().collect();
                prop_assert_eq!(PolicyOptions::parse(texts.iter().map(String::as_str)).unwrap(), options);
            }
        }
    }
}
