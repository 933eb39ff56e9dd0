//! `--set`: options of policies, handed to the schedulers that take them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow, bail};
use toml::Value;

use crate::scheduler::{self, Entry, PolicyOptions};

use super::did_you_mean;
use super::engines::engine_keys;

/// One `--set`: an option, for one scheduler or for every one that has it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionSetting {
    scheduler: Option<&'static str>,
    key: String,
    value: Value,
}

impl OptionSetting {
    /// Returns the setting of the option that `path` names: `KEY`, or `SCHEDULER.KEY` for one
    /// scheduler alone. A dot after a word that is not a scheduler is part of the key.
    pub fn new(path: &str, value: Value) -> OptionSetting {
        let scoped = path.split_once('.').and_then(|(name, key)| Some((scheduler::entry(name).ok()?, key)));
        match scoped {
            Some((entry, key)) => OptionSetting { scheduler: Some(entry.name), key: key.to_owned(), value },
            None => OptionSetting { scheduler: None, key: path.to_owned(), value },
        }
    }

    /// Returns the name of the scheduler that it is for, if it is for one alone.
    pub fn scheduler(&self) -> Option<&'static str> {
        self.scheduler
    }

    /// Tells whether it is for a scheduler, by its name.
    fn is_for(&self, entry: &Entry) -> bool {
        self.scheduler == Some(entry.name)
    }

    /// Checks that it reaches one of `entries`.
    ///
    /// # Errors
    ///
    /// If its scheduler is not among them, or none of those that it may reach takes the key.
    fn check(&self, entries: &[&'static Entry]) -> Result<()> {
        let mut reached = entries.to_vec();
        if let Some(name) = self.scheduler {
            reached.retain(|entry| entry.name == name);
            if reached.is_empty() {
                bail!("--set `{self}` is for `{name}`, which is not run; leave it out");
            }
        }
        if reached.iter().any(|entry| takes(entry, &self.key)) {
            return Ok(());
        }
        let known: Vec<String> =
            reached.iter().flat_map(|entry| own_keys(entry).chain(engine_keys(entry))).collect();
        bail!(
            "--set `{self}`: unknown option `{}`; {}{}",
            self.key,
            reached.iter().map(|entry| describe_keys(entry)).collect::<Vec<_>>().join(", "),
            did_you_mean(&self.key, known.iter().map(String::as_str))
        )
    }
}

impl FromStr for OptionSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<OptionSetting, String> {
        let Some((path, value)) = text.split_once('=') else {
            return Err("has no value; write KEY=VALUE".to_owned());
        };
        Ok(OptionSetting::new(path.trim(), PolicyOptions::parse_value(value)))
    }
}

impl fmt::Display for OptionSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheduler) = self.scheduler {
            write!(f, "{scheduler}.")?;
        }
        let table = toml::Table::from_iter([(self.key.clone(), self.value.clone())]);
        PolicyOptions::from(table).to_texts().try_for_each(|text| f.write_str(&text))
    }
}

/// Returns the options of each of `entries`, in their order.
///
/// A setting for no scheduler in particular goes to every one that has such an option, and at least
/// one must. A setting for one scheduler wins over such a plain one there. What only an engine of
/// `--preset paper` takes counts as an option, too.
///
/// # Errors
///
/// If no scheduler takes the key of a setting, a setting is for a scheduler that is not among
/// `entries`, or a key is given twice.
pub fn assign(settings: &[OptionSetting], entries: &[&'static Entry]) -> Result<Vec<PolicyOptions>> {
    settings.iter().try_for_each(|setting| setting.check(entries))?;
    entries.iter().map(|entry| options_of(settings, entry)).collect()
}

fn options_of(settings: &[OptionSetting], entry: &Entry) -> Result<PolicyOptions> {
    let collect = |wanted: &dyn Fn(&OptionSetting) -> bool| {
        let mut options = PolicyOptions::default();
        for setting in settings.iter().filter(|setting| wanted(setting)) {
            options
                .insert(&setting.key, setting.value.clone())
                .map_err(|why| anyhow!("--set for `{}`: {why}", entry.name))?;
        }
        Ok::<_, anyhow::Error>(options)
    };
    let scoped = collect(&|setting| setting.is_for(entry))?;
    let plain = collect(&|setting| setting.scheduler.is_none() && takes(entry, &setting.key))?;
    Ok(scoped.over(plain))
}

fn takes(entry: &Entry, key: &str) -> bool {
    own_keys(entry).chain(engine_keys(entry)).any(|other| other == key)
}

/// Returns the keys that a scheduler takes under the default preset.
fn own_keys(entry: &Entry) -> impl Iterator<Item = String> {
    entry.options.iter().map(|option| option.key.to_owned())
}

/// Says which keys a scheduler takes.
fn describe_keys(entry: &Entry) -> String {
    let keys: Vec<_> = own_keys(entry).collect();
    let own = match keys.as_slice() {
        [] => format!("`{}` takes none", entry.name),
        keys => format!("`{}` takes {}", entry.name, keys.join(", ")),
    };
    match engine_keys(entry).as_slice() {
        [] => own,
        keys => format!("{own} (under --preset paper {})", keys.join(", ")),
    }
}

/// Returns a key that only an engine of `--preset paper` takes for a scheduler, if one is set.
pub(super) fn key_of_engine<'a>(options: &'a PolicyOptions, entry: &Entry) -> Option<&'a str> {
    let engine = engine_keys(entry);
    options.keys().find(|key| {
        engine.iter().any(|other| other == key) && entry.options.iter().all(|option| option.key != *key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::OptionDoc;

    const LEASE: OptionDoc = OptionDoc { key: "lease", default: "600 s", help: "" };
    const ROUND: OptionDoc = OptionDoc { key: "round", default: "60 s", help: "" };
    static A: Entry = entry("fifo", &[LEASE, ROUND]);
    static B: Entry = entry("srtf", &[LEASE]);
    static C: Entry = entry("plain", &[]);

    const fn entry(name: &'static str, options: &'static [OptionDoc]) -> Entry {
        let build = |_: &PolicyOptions, _: u64| Err(scheduler::OptionsError(String::new()));
        Entry { name, options, requested_size: true, build, ..Entry::BASE }
    }

    /// The options of each scheduler, or what is wrong.
    fn assigned(texts: &[&str], entries: &[&'static Entry]) -> Vec<String> {
        let settings: Result<Vec<OptionSetting>, String> = texts.iter().map(|text| text.parse()).collect();
        match settings.map_err(anyhow::Error::msg).and_then(|settings| assign(&settings, entries)) {
            Ok(all) => all.iter().map(|own| own.to_texts().collect::<Vec<_>>().join(" ")).collect(),
            Err(why) => vec![why.to_string()],
        }
    }

    #[test]
    fn a_plain_key_goes_to_all_that_take_it_and_a_scoped_one_to_its_own() {
        let all = [&A, &B, &C];
        assert_eq!(assigned(&["lease=5"], &all), ["lease=5", "lease=5", ""]);
        assert_eq!(assigned(&["lease=5", "fifo.lease=7"], &all), ["lease=7", "lease=5", ""]);
        assert_eq!(assigned(&["fifo.round=0.5"], &all), ["round=0.5", "", ""]);
    }

    #[test]
    fn what_no_scheduler_takes_is_refused() {
        let all = [&A, &B];
        let why = "--set `leese=5`: unknown option `leese`; `fifo` takes lease, round, `srtf` takes lease; did you mean `lease`?";
        assert_eq!(assigned(&["leese=5"], &all), [why]);
        assert_eq!(assigned(&["a=5"], &[&C]), ["--set `a=5`: unknown option `a`; `plain` takes none"]);
        assert_eq!(
            assigned(&["srtf.round=5"], &all),
            ["--set `srtf.round=5`: unknown option `round`; `srtf` takes lease"]
        );
        assert_eq!(
            assigned(&["edf.lease=5"], &all),
            ["--set `edf.lease=5` is for `edf`, which is not run; leave it out"]
        );
        assert_eq!(assigned(&["lease"], &all), ["has no value; write KEY=VALUE"]);
        assert_eq!(
            assigned(&["lease=1", "lease=2"], &all),
            ["--set for `fifo`: option `lease` is given twice; give it once"]
        );
    }
}
