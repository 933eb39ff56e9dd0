//! The workloads of Pollux's evaluation, whose jobs name an application and a batch size, and not
//! their work.
//!
//! The work is the whole training at that batch size: as many iterations as it took where that
//! batch size was tried, otherwise as many as follow from the noise of the application's gradients.
//! Such a trace does not state the duration either. It is the time of these iterations on the GPUs
//! asked for, four to a node.

use crate::application::Applications;
use crate::profile::ThroughputTable;
use crate::trace::problem::{Problem, Problems};
use crate::trace::table::TableRow;
use crate::trace::work::JobWork;
use crate::units::{Gpus, Iterations, SimDuration};

/// Looks up the work of the application that each row names.
pub(in crate::trace) struct ApplicationWork<'a> {
    application: usize,
    batch_size: usize,
    applications: &'a Applications,
}

impl<'a> ApplicationWork<'a> {
    /// Reads from the columns of application and batch size.
    pub(super) fn new(
        [application, batch_size]: [usize; 2],
        applications: &'a Applications,
    ) -> ApplicationWork<'a> {
        ApplicationWork { application, batch_size, applications }
    }

    /// Says what is wrong where no applications are known.
    pub(super) fn without_applications(table: &ThroughputTable) -> String {
        let name = table.name();
        format!(
            "names applications, of which none are known for profiles `{name}`; choose `--gpu t4`, or a folder by `--profiles`"
        )
    }

    /// Returns the work of a row, and its duration if it can run on the GPUs that it asks for.
    /// Returns `None`, with its problems noted, if a value is wrong.
    pub(super) fn look_up(
        &self,
        row: TableRow<'_>,
        requested: Option<Gpus>,
        problems: &mut Problems,
    ) -> Option<(JobWork, Option<SimDuration>)> {
        let (name_cell, batch_cell) = (row.cell(self.application), row.cell(self.batch_size));
        let name = problems.keep(name_cell.text()).map(str::trim);
        let batch_size = problems.keep(batch_cell.whole("samples", 1..=u64::from(u32::MAX)));
        let (name, batch_size) = (name?, batch_size? as u32);
        // Problems without the value, which their messages already name.
        let Some(application) = self.applications.get(name) else {
            let missing = self.applications.missing(name);
            let message =
                format!("{missing}; correct it, or choose other applications by `--gpu` or `--profiles`");
            problems.push(Problem { value: None, ..name_cell.problem(message) });
            return None;
        };
        if let Some(why) = application.refuses(batch_size) {
            problems.push(Problem { value: None, ..batch_cell.problem(why) });
            return None;
        }
        let iterations = application.iterations(batch_size).ceil();
        let seconds = application.iteration(requested?.get(), batch_size);
        let duration = seconds.and_then(|seconds| SimDuration::from_secs_f64(iterations * seconds));
        let work = JobWork { model: name.to_owned(), batch_size, iterations: Iterations::new(iterations) };
        Some((work, duration))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{applications, profiles};
    use crate::trace::{ReadOptions, parse};
    use crate::units::{Gpus, SimDuration, SimTime};

    fn read(gpu: &str, text: &str, deadline: &str) -> Result<crate::trace::Trace, String> {
        let applications = applications::builtin(gpu);
        let deadline = (!deadline.is_empty()).then(|| deadline.parse().unwrap());
        let options = ReadOptions { deadline, applications: applications.as_ref(), ..Default::default() };
        let table = profiles::builtin(gpu).unwrap();
        parse("w.csv", text.as_bytes(), &table, &options)
            .map_err(|errors| errors.to_string().replace("w.csv: ", ""))
    }

    const WORKLOAD: &str = "name,time,application,num_replicas,batch_size\ncifar10-0,107,cifar10,6,2048\n\
                            ncf-1,135,ncf,1,32768\nbert-2,200,bert,1,100\n";

    #[test]
    fn work_and_duration_are_those_of_the_application() {
        let trace = read("t4", WORKLOAD, "").unwrap();
        assert_eq!((trace.format.name, trace.drawn.len(), trace.notes.len()), ("pollux", 0, 1));
        let [cifar10, ncf, bert] = trace.workload.jobs() else { panic!() };
        // Tried at 2048: 3178 iterations. 342 each on 6 GPUs of 2 nodes take T_acc = 0.017689 + 342
        // · 0.00069856 = 0.256597 s and T_net = 0.12894 + 4 · 0.002618 = 0.139412 s; the step
        // (.256597^2.3397 + .139412^2.3397)^(1/2.3397) = 0.281300 s.
        assert_eq!(
            (cifar10.name.as_str(), cifar10.submit, cifar10.requested),
            ("cifar10-0", SimTime::from_secs(107), Gpus::new(6))
        );
        assert_eq!((cifar10.iterations.get(), cifar10.deadline), (3178.0, None));
        let duration = cifar10.duration.map(SimDuration::as_secs_f64).unwrap();
        assert!((duration - 3178.0 * 0.281_300).abs() < 0.01, "{duration}");
        assert_eq!((ncf.iterations.get(), ncf.requested), (1548.0, Gpus::ONE));
        // Not tried at 100: by the noise. ln 100 is 0.029447 of the way from ln 96 to ln 384, so ρ
        // is 206.93 in the first epoch and 919.68 in the second: gains of 8.04944 and 8.26748. 7387
        // / 8.04944 + 7387 / 8.26748 = 1811.2.
        assert_eq!(bert.iterations.get(), 1812.0);
    }

    #[test]
    fn deadlines_are_given_by_a_rule_or_a_column() {
        let trace = read("t4", WORKLOAD, "factor:1.5").unwrap();
        let ncf = &trace.workload.jobs()[1];
        // 1548 iterations of 0.0070854 + 32768 · 5.7184e-7 s.
        let seconds = 1548.0 * (0.007_085_4 + 32768.0 * 5.7184e-7);
        let due = SimTime::from_secs(135 + (1.5 * seconds) as u64);
        assert_eq!(ncf.deadline, Some(due));
        let dated =
            "name,time,application,num_replicas,batch_size,ddl\na,0,bert,6,384,99.5\nb,0,bert,6,384,\n";
        let trace = read("t4", dated, "").unwrap();
        let deadlines: Vec<_> = trace.workload.jobs().iter().map(|job| job.deadline).collect();
        assert_eq!(deadlines, [Some(SimTime::from_micros(99_500_000)), None]);
    }

    #[test]
    fn what_is_wrong_names_its_place() {
        let wrong = |gpu, text: &str, deadline| read(gpu, text, deadline).unwrap_err();
        assert_eq!(
            wrong("a100", WORKLOAD, ""),
            "line 1, application: names applications, of which none are known for profiles `a100`; choose `--gpu t4`, or a \
             folder by `--profiles`"
        );
        let rows = "name,time,application,num_replicas,batch_size\na,-1,gpt2,1,8\na,0,ncf,0,256\nc,0,bert,1,4\nd,0,bert,x,\n";
        insta::assert_snapshot!(wrong("t4", rows, ""), @r#"
        line 2, time: `-1` is negative; give seconds from 0 to 10000000000
        line 2, application: `gpt2` is not an application of `t4`, which has bert, cifar10, deepspeech2, imagenet, ncf, yolov3; correct it, or choose other applications by `--gpu` or `--profiles`
        line 3, name: `a` is already the id in line 2; give every job its own
        line 3, num_replicas: `0` is too small; give a whole number of GPUs from 1 to 1000000
        line 3, batch_size: `ncf` is not trained at batch size 256; give 32768
        line 4, batch_size: `bert` is not trained at batch size 4; give one from 12 to 384
        line 5, num_replicas: `x` is not a number; give a whole number of GPUs from 1 to 1000000
        line 5, batch_size: is empty; give a whole number of samples from 1 to 4294967295
        "#);
        assert_eq!(
            wrong("t4", &WORKLOAD.replace("bert,1,", "bert,64,"), "factor:1"),
            "line 4: cannot run on the GPUs it asks for, whose time `--deadline factor:1` is a share of; ask for fewer"
        );
        assert_eq!(
            wrong("t4", "name,time,application,batch_size\n", ""),
            "line 1: has no column `num_replicas` or `num_gpu`, which `pollux` traces have; add it: GPUs that the user asked \
             for"
        );
    }
}
