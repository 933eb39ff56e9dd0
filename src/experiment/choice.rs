//! `--set`: options of policies, sorted to those that take them.

use anyhow::{Result, anyhow, bail};

use crate::scheduler::{self, Entry, Options};

use super::did_you_mean;
use super::engine::engine;

/// The options chosen for one policy.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// As `--set` takes them, without a scheduler's name.
    pub texts: Vec<String>,
}

impl Choice {
    /// The keys that are set.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| text.split_once('=').map_or(text.as_str(), |(key, _)| key.trim()))
    }
}

/// The options of each of `entries`, in their order.
///
/// `KEY=VALUE` goes to every policy that has such an option, and at least one must.
/// `SCHEDULER.KEY=VALUE` goes to that one, and wins over a plain one there. What only an engine of
/// `--preset paper` takes counts as an option, too.
///
/// # Errors
///
/// If a text has no `=`, no policy takes the key, a scheduler is not among `entries`, or a key is
/// given twice.
pub fn choose(texts: &[String], entries: &[&'static Entry]) -> Result<Vec<Choice>> {
    let settings = texts.iter().map(|text| Setting::parse(text, entries)).collect::<Result<Vec<_>>>()?;
    let of = |entry: &&'static Entry| {
        let is_scoped = |s: &&Setting<'_>| s.only.is_some_and(|only| only.name == entry.name);
        let scoped: Vec<_> = settings.iter().filter(is_scoped).collect();
        let plain = settings.iter().filter(|s| {
            s.only.is_none() && takes(entry, s.key) && !scoped.iter().any(|other| other.key == s.key)
        });
        let texts: Vec<String> = plain.chain(scoped.iter().copied()).map(|s| s.text.to_owned()).collect();
        Options::parse(texts.iter().map(String::as_str))
            .map_err(|why| anyhow!("--set for `{}`: {why}", entry.name))?;
        Ok(Choice { texts })
    };
    entries.iter().map(of).collect()
}

struct Setting<'a> {
    /// Without the scheduler.
    text: &'a str,
    key: &'a str,
    only: Option<&'static Entry>,
}

impl<'a> Setting<'a> {
    fn parse(text: &'a str, entries: &[&'static Entry]) -> Result<Setting<'a>> {
        let key_of = |text: &'a str| text.split_once('=').map(|(key, _)| key.trim());
        let Some(key) = key_of(text) else {
            bail!("--set `{text}` has no value; write KEY=VALUE");
        };
        // A dot in the value is no scheduler's, nor is one after a word that is no scheduler.
        let scoped = text.split_once('.').and_then(|(name, rest)| {
            let answers = |entry: &&&'static Entry| entry.name == name || entry.aliases.contains(&name);
            let only = entries.iter().find(answers).copied().or_else(|| scheduler::entry(name).ok())?;
            Some(Setting { text: rest, key: key_of(rest)?, only: Some(only) })
        });
        let setting = scoped.unwrap_or(Setting { text, key, only: None });
        if let Some(only) = setting.only.filter(|only| !entries.iter().any(|entry| entry.name == only.name)) {
            bail!("--set `{}` is for `{}`, which is not run; leave it out", text, only.name);
        }
        let asked: Vec<&Entry> = setting.only.map_or_else(|| entries.to_vec(), |only| vec![only]);
        if !asked.iter().any(|entry| takes(entry, setting.key)) {
            let known: Vec<String> =
                asked.iter().flat_map(|entry| keys(entry).chain(engine_keys(entry))).collect();
            let known = known.iter().map(String::as_str);
            bail!(
                "--set `{text}`: unknown option `{}`; {}{}",
                setting.key,
                asked.iter().map(|entry| takes_what(entry)).collect::<Vec<_>>().join(", "),
                did_you_mean(setting.key, known)
            );
        }
        Ok(setting)
    }
}

fn takes(entry: &Entry, key: &str) -> bool {
    keys(entry).chain(engine_keys(entry)).any(|other| other == key)
}

fn keys(entry: &Entry) -> impl Iterator<Item = String> {
    entry.options.iter().map(|option| option.key.to_owned())
}

/// What an engine of `--preset paper` takes for a scheduler.
pub(super) fn engine_keys(entry: &Entry) -> impl Iterator<Item = String> + use<> {
    engine(entry).map(|engine| engine.keys(entry)).unwrap_or_default().into_iter()
}

fn takes_what(entry: &Entry) -> String {
    let keys: Vec<_> = keys(entry).collect();
    let own = match keys.as_slice() {
        [] => format!("`{}` takes none", entry.name),
        keys => format!("`{}` takes {}", entry.name, keys.join(", ")),
    };
    let engines: Vec<_> = engine_keys(entry).collect();
    match engines.as_slice() {
        [] => own,
        keys => format!("{own} (under --preset paper {})", keys.join(", ")),
    }
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
        let build = |_: &Options, _: u64| Err(scheduler::OptionsError(String::new()));
        Entry { name, options, requested_size: true, build, ..Entry::BASE }
    }

    fn of(texts: &[&str], entries: &[&'static Entry]) -> Vec<String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        match choose(&texts, entries) {
            Ok(all) => all.iter().map(|chosen| chosen.texts.join(" ")).collect(),
            Err(why) => vec![why.to_string()],
        }
    }

    #[test]
    fn a_plain_key_goes_to_all_that_take_it_and_a_scoped_one_to_its_own() {
        let all = [&A, &B, &C];
        assert_eq!(of(&["lease=5"], &all), ["lease=5", "lease=5", ""]);
        assert_eq!(of(&["lease=5", "fifo.lease=7"], &all), ["lease=7", "lease=5", ""]);
        assert_eq!(of(&["fifo.round=0.5"], &all), ["round=0.5", "", ""]);
    }

    #[test]
    fn what_nobody_takes_is_refused() {
        let all = [&A, &B];
        let why = "--set `leese=5`: unknown option `leese`; `fifo` takes lease, round, `srtf` takes lease; did you mean `lease`?";
        assert_eq!(of(&["leese=5"], &all), [why]);
        assert_eq!(of(&["a=5"], &[&C]), ["--set `a=5`: unknown option `a`; `plain` takes none"]);
        assert_eq!(
            of(&["srtf.round=5"], &all),
            ["--set `srtf.round=5`: unknown option `round`; `srtf` takes lease"]
        );
        assert_eq!(
            of(&["edf.lease=5"], &all),
            ["--set `edf.lease=5` is for `edf`, which is not run; leave it out"]
        );
        assert_eq!(of(&["lease"], &all), ["--set `lease` has no value; write KEY=VALUE"]);
        assert_eq!(
            of(&["lease=1", "lease=2"], &all),
            ["--set for `fifo`: option `lease` is given twice; give it once"]
        );
    }
}
