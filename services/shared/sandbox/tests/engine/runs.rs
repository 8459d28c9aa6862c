//! What a run is given, and what is told of it.

use bollard::models::ContainerCreateBody;
use molar_sandbox::collect::collect_output;
use molar_sandbox::{Error, Event, Outcome, Spec, host_config};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::bench;
use crate::scripts::{log, script};

against_docker! {
    async fn an_honest_run_writes_its_output(
        bench => script("cat /inputs/case.txt > /outputs/out.json; echo said; echo erred >&2")
    ) {
        let mut started = false;
        let mut heard = Vec::new();
        let events = |event: Event<'_>| match event {
            Event::Started => started = true,
            Event::Log(bytes) => heard.extend_from_slice(bytes),
        };
        let run = bench.engine.run(&bench.spec, CancellationToken::new(), events);
        let finished = run.await.unwrap();
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
        assert!(started);
        assert!(log(&finished).contains("said\n") && log(&finished).contains("erred\n"));
        assert_eq!(heard, log(&finished).as_bytes());
        let span = finished.finished_at.unwrap() - finished.started_at.unwrap();
        // Of what ends at once the engine may write down the end before the start; that took no time.
        let span = u64::try_from(span.num_milliseconds()).unwrap_or(0);
        assert_eq!(finished.wall_ms, span);
        let taken = collect_output(&bench.outputs(), "out.json", 100).unwrap();
        assert_eq!(taken.size, 8);
        assert_eq!(bench.containers().await, 0);
    }

    async fn an_exit_code_is_told(bench => script("echo x > /outputs/out; exit 3")) {
        let finished = bench.run().await;
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 3 });
        assert!(collect_output(&bench.outputs(), "out", 100).is_ok());
    }

    async fn entrypoint_user_and_directory_are_the_images(
        bench => script("id -u; pwd; echo $MARK; echo x > /outputs/out && ls -n /outputs")
            .process("User", json!("algo"))
            .process("WorkingDir", json!("/opt/algorithm"))
            .process("Cmd", json!(["/bin/sh", "-c", "echo wrong"]))
            .process("Entrypoint", json!(["/bin/env", "MARK=kept"]))
    ) {
        let finished = bench.run().await;
        let text = log(&finished);
        assert!(text.starts_with("1000\n/opt/algorithm\nkept\n"), "{text}");
        assert_eq!(finished.outcome, Outcome::Finished { exit_code: 0 });
    }

    async fn an_entrypoint_that_is_not_there_is_the_images_fault(
        bench => script("true").process("Entrypoint", json!(["/nothing"]))
    ) {
        let outcome = bench.run().await.outcome;
        let Outcome::StartFailed(message) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("/nothing"), "{message}");
    }

    async fn a_user_that_is_not_there_is_the_images_fault(
        bench => script("true").process("User", json!("nobody-here"))
    ) {
        let outcome = bench.run().await.outcome;
        assert!(matches!(outcome, Outcome::StartFailed(_)), "{outcome:?}");
    }

    async fn a_gpu_that_the_engine_cannot_give_is_our_fault(mut bench => script("true")) {
        bench.spec.gpu = Some("0".into());
        let error = bench.engine.run(&bench.spec, CancellationToken::new(), |_| {}).await;
        assert!(matches!(error, Err(Error::Start(_))), "{error:?}");
        bench.await_no_container().await;
    }

    async fn a_created_container_asks_for_the_one_gpu_by_its_uuid(bench => script("true")) {
        let uuid = "GPU-00000000-0000-0000-0000-000000000000";
        let spec = Spec { gpu: Some(uuid.into()), ..bench.spec.clone() };
        let body = ContainerCreateBody {
            image: Some(spec.image.clone()),
            cmd: Some(vec!["/bin/true".into()]),
            host_config: Some(host_config(&spec, &[])),
            ..Default::default()
        };
        let id = bench.docker.create_container(None, body).await.unwrap().id;
        let created = bench.docker.inspect_container(&id, None).await.unwrap();
        bench.docker.remove_container(&id, None).await.unwrap();
        let requests = created.host_config.unwrap().device_requests.unwrap();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].device_ids, Some(vec![uuid.to_owned()]));
        assert_eq!(requests[0].count, Some(0), "by its id and not by number");
    }

    async fn cpu_and_memory_are_sampled_ten_times_a_second(
        bench => script("x=$(head -c 20000000 /dev/zero | yes | head -c 20000000); end=$(($(cat /proc/uptime | head -c 5 | grep -oE '^[0-9]+') + 0)); i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done")
    ) {
        let finished = bench.run().await;
        let usage = finished.usage;
        let expected = finished.wall_ms / 100;
        let count = usage.samples.len() as u64;
        assert!(count + 3 >= expected && count <= expected + 1, "{count} of {expected}");
        assert!(usage.samples.iter().any(|sample| sample.cpu_percent > 30.0));
        assert!(usage.peak_memory_bytes > 15_000_000, "{}", usage.peak_memory_bytes);
        assert_eq!(usage.gpu_area_mib_s, None);
    }
}
