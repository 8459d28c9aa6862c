//! No container stays, however its run ends.

use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use molar_sandbox::{Event, Labels, Outcome};
use tokio_util::sync::CancellationToken;

use crate::bench;
use crate::scripts::script;

against_docker! {
    async fn a_cancel_stops_the_container_at_once(bench => script("sleep 60")) {
        let cancel = CancellationToken::new();
        let trigger = cancel.clone();
        let mut cancelled_at = None;
        let events = |event: Event<'_>| if let Event::Started = event {
            cancelled_at = Some(Instant::now());
            trigger.cancel();
        };
        let finished = bench.engine.run(&bench.spec, cancel, events).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Cancelled);
        assert!(cancelled_at.unwrap().elapsed() < Duration::from_secs(2));
        assert_eq!(bench.containers().await, 0);
    }

    async fn a_cancel_before_the_start_starts_nothing(bench => script("sleep 60")) {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let finished = bench.engine.run(&bench.spec, cancel, |_| {}).await.unwrap();
        assert_eq!((finished.outcome, finished.started_at), (Outcome::Cancelled, None));
        bench.await_no_container().await;
    }

    async fn a_run_that_is_dropped_leaves_no_container(bench => script("sleep 60")) {
        let (sender, started) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let events = move |_: Event<'_>| if let Some(sender) = sender.take() {
            sender.send(()).unwrap();
        };
        let run = Box::pin(bench.engine.run(&bench.spec, CancellationToken::new(), events));
        tokio::select! {
            _ = run => panic!("ended by itself"),
            _ = started => {}
        }
        bench.await_no_container().await;
    }

    async fn a_panic_in_the_middle_leaves_no_container(bench => script("sleep 60")) {
        let engine = bench.engine.clone();
        let spec = bench.spec.clone();
        let run = tokio::spawn(async move {
            let panics = |_: Event<'_>| panic!("on purpose");
            drop(Box::pin(engine.run(&spec, CancellationToken::new(), panics)).await);
        });
        assert!(run.await.unwrap_err().is_panic());
        bench.await_no_container().await;
    }

    async fn the_reaper_removes_only_what_is_not_live(bench => script("sleep 60")) {
        let create = |case_run: String| {
            let labels = [
                ("molar.submission", "s".to_owned()),
                ("molar.case_run", bench.spec.labels.case_run.clone()),
                ("molar.attempt", case_run),
            ];
            let body = ContainerCreateBody {
                image: Some(bench.spec.image.clone()),
                cmd: Some(vec!["/bin/sleep".into(), "60".into()]),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
                ..Default::default()
            };
            bench.docker.create_container(None, body)
        };
        let live = create("live".into()).await.unwrap().id;
        let dead = create("dead".into()).await.unwrap().id;
        bench.docker.start_container(&dead, None).await.unwrap();
        let mine = bench.spec.labels.case_run.clone();
        let is_live = |labels: &Labels| labels.case_run != mine || labels.attempt == "live";
        assert_eq!(bench.engine.reap(is_live).await.unwrap(), 1);
        assert_eq!(bench.containers().await, 1);
        assert_eq!(bench.engine.reap(|labels| labels.case_run != mine).await.unwrap(), 1);
        assert!(bench.docker.inspect_container(&live, None).await.is_err());
    }

    async fn the_reaper_leaves_a_run_in_hand_alone(bench => script("sleep 1")) {
        let (sender, started) = tokio::sync::oneshot::channel();
        let mut sender = Some(sender);
        let events = move |event: Event<'_>| if let (Event::Started, Some(sender)) = (event, sender.take()) {
            sender.send(()).unwrap();
        };
        let run = Box::pin(bench.engine.run(&bench.spec, CancellationToken::new(), events));
        let reap = async {
            started.await.unwrap();
            let mine = bench.spec.labels.case_run.clone();
            bench.engine.reap(|labels| labels.case_run != mine).await
        };
        let (finished, reaped) = tokio::join!(run, reap);
        assert_eq!(reaped.unwrap(), 0);
        assert_eq!(finished.unwrap().outcome, Outcome::Finished { exit_code: 0 });
    }
}
