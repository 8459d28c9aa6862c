use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::{FailureCode, MockClock};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

/// What was written, in the order it was.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Write {
    Finished(u32),
    Refused(FailureCode, String),
    Retried { not_before: DateTime<Utc> },
    GivenBack,
}

type Work = Box<dyn Fn() -> Result<u32, AttemptError> + Send + Sync>;

/// One row in memory whose work is scripted.
struct Row {
    waiting: Mutex<Vec<Lease<()>>>,
    writes: Mutex<Vec<Write>>,
    work: Work,
    /// Work does not end by itself, only when cancelled.
    hangs: bool,
    beats_go_stale: bool,
    started: Notify,
    cancelled: Notify,
}

impl Row {
    fn waiting(attempt: u32, work: Work) -> Self {
        let lease = Lease {
            id: Uuid::nil(),
            token: Uuid::nil(),
            attempt,
            of: (),
        };
        Self {
            waiting: Mutex::new(vec![lease]),
            writes: Mutex::default(),
            work,
            hangs: false,
            beats_go_stale: false,
            started: Notify::new(),
            cancelled: Notify::new(),
        }
    }

    fn hanging() -> Self {
        Self {
            hangs: true,
            ..Self::waiting(1, Box::new(|| Err(AttemptError::Interrupted)))
        }
    }

    fn write(&self, write: Write) -> Result<(), LeaseError> {
        self.writes.lock().unwrap().push(write);
        Ok(())
    }
}

struct TestJob(Arc<Row>);

#[async_trait]
impl Job for TestJob {
    type Of = ();
    type Done = u32;
    const NAME: &'static str = "test";

    async fn claim(
        &self,
        limit: usize,
        _now: DateTime<Utc>,
        _until: DateTime<Utc>,
    ) -> Result<Vec<Lease<()>>, BoxError> {
        let mut waiting = self.0.waiting.lock().unwrap();
        let taken = limit.min(waiting.len());
        Ok(waiting.drain(..taken).collect())
    }

    async fn extend(
        &self,
        _lease: &Lease<()>,
        _now: DateTime<Utc>,
        _until: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        if self.0.beats_go_stale {
            Err(LeaseError::Stale)
        } else {
            Ok(())
        }
    }

    async fn work(
        &self,
        _lease: &Lease<()>,
        cancel: CancellationToken,
    ) -> Result<u32, AttemptError> {
        self.0.started.notify_one();
        if self.0.hangs {
            cancel.cancelled().await;
            self.0.cancelled.notify_one();
        }
        (self.0.work)()
    }

    async fn finish(
        &self,
        _lease: &Lease<()>,
        done: u32,
        _now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        self.0.write(Write::Finished(done))
    }

    async fn refuse(
        &self,
        _lease: &Lease<()>,
        code: FailureCode,
        detail: &str,
        _now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        self.0.write(Write::Refused(code, detail.to_owned()))
    }

    async fn retry(
        &self,
        _lease: &Lease<()>,
        not_before: DateTime<Utc>,
        _now: DateTime<Utc>,
    ) -> Result<(), LeaseError> {
        self.0.write(Write::Retried { not_before })
    }

    async fn give_back(&self, _lease: &Lease<()>, _now: DateTime<Utc>) -> Result<(), LeaseError> {
        self.0.write(Write::GivenBack)
    }
}

fn noon() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn quick() -> Settings {
    Settings {
        lease: Duration::from_millis(90),
        skew: Duration::from_millis(10),
        grace: Duration::from_millis(20),
        attempts_max: 3,
        ..Settings::default()
    }
}

fn looping(row: &Arc<Row>, settings: Settings) -> LeaseLoop<TestJob> {
    LeaseLoop::new(
        TestJob(row.clone()),
        settings,
        Arc::new(MockClock::at(noon())),
    )
}

async fn writes_of(attempt: u32, work: Work) -> Vec<Write> {
    let row = Arc::new(Row::waiting(attempt, work));
    assert_eq!(looping(&row, quick()).run_once().await.unwrap(), 1);
    row.writes.lock().unwrap().clone()
}

fn trouble() -> AttemptError {
    AttemptError::transient("the store does not answer")
}

#[tokio::test]
async fn done_work_is_recorded() {
    assert_eq!(writes_of(1, Box::new(|| Ok(7))).await, [Write::Finished(7)]);
}

#[tokio::test]
async fn our_trouble_is_tried_again_after_the_back_off() {
    let writes = writes_of(2, Box::new(|| Err(trouble()))).await;
    assert_eq!(
        writes,
        [Write::Retried {
            not_before: noon() + TimeDelta::seconds(30)
        }]
    );
}

#[tokio::test]
async fn our_trouble_on_the_last_attempt_is_final_and_named_ours() {
    let writes = writes_of(3, Box::new(|| Err(trouble()))).await;
    assert!(
        matches!(&writes[..], [Write::Refused(FailureCode::Internal, _)]),
        "{writes:?}"
    );
}

#[tokio::test]
async fn their_fault_is_final_at_once() {
    let fault = || {
        Err(AttemptError::permanent(
            FailureCode::BadArchive,
            "not a zip",
        ))
    };
    let writes = writes_of(1, Box::new(fault)).await;
    assert_eq!(
        writes,
        [Write::Refused(
            FailureCode::BadArchive,
            "not a zip".to_owned()
        )]
    );
}

#[tokio::test]
async fn work_that_killed_its_process_every_time_is_not_started_again() {
    let writes = writes_of(4, Box::new(|| panic!("started again"))).await;
    assert!(
        matches!(&writes[..], [Write::Refused(FailureCode::Internal, _)]),
        "{writes:?}"
    );
}

#[tokio::test]
async fn a_lost_lease_cancels_the_work_and_nothing_is_written() {
    let row = Arc::new(Row {
        beats_go_stale: true,
        ..Row::hanging()
    });
    looping(&row, quick()).run_once().await.unwrap();
    row.cancelled.notified().await;
    assert_eq!(*row.writes.lock().unwrap(), []);
}

#[tokio::test]
async fn a_shutdown_gives_back_what_the_grace_period_does_not_suffice_for() {
    let row = Arc::new(Row::hanging());
    let stop = CancellationToken::new();
    let task = tokio::spawn(looping(&row, quick()).run(Arc::default(), stop.clone()));
    row.started.notified().await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(*row.writes.lock().unwrap(), [Write::GivenBack]);
}

#[tokio::test]
async fn a_ring_starts_work_that_the_poll_would_find_much_later() {
    let row = Arc::new(Row::waiting(1, Box::new(|| Ok(1))));
    let lease = row.waiting.lock().unwrap().pop().unwrap();
    let (bell, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let settings = Settings {
        poll_every: Duration::from_secs(3600),
        ..quick()
    };
    let task = tokio::spawn(looping(&row, settings).run(bell.clone(), stop.clone()));
    tokio::task::yield_now().await;

    row.waiting.lock().unwrap().push(lease);
    bell.notify_one();
    row.started.notified().await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(*row.writes.lock().unwrap(), [Write::Finished(1)]);
}
