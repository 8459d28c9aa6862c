//! What a run can neither reach nor become.

use molar_sandbox::Outcome;
use molar_sandbox::collect::{CollectError, collect_output};

use crate::bench;
use crate::scripts::{log, script};

against_docker! {
    async fn there_is_no_network(
        bench => script("ls /sys/class/net; cat /proc/net/route; nc -w 2 169.254.169.254 80 < /dev/null && echo reached; true")
    ) {
        let finished = bench.run().await;
        let text = log(&finished);
        assert!(text.contains("lo\n"), "{text}");
        assert!(!text.contains("reached") && !text.contains("eth0"), "{text}");
        assert!(text.contains("unreachable"), "{text}");
    }

    async fn there_are_no_capabilities_and_no_new_privileges(
        bench => script("grep -E 'Cap(Eff|Bnd|Prm)|NoNewPrivs|Seccomp:' /proc/self/status; id; mount -t tmpfs x /tmp || echo refused")
    ) {
        let text = log(&bench.run().await);
        assert_eq!(text.matches("0000000000000000").count(), 3, "{text}");
        assert!(text.contains("NoNewPrivs:\t1") && text.contains("Seccomp:\t2"), "{text}");
        assert!(text.contains("uid=0"), "{text}");
        assert!(text.contains("refused"), "{text}");
    }

    async fn the_input_cannot_be_written(
        bench => script("echo x > /inputs/new; echo x > /inputs/case.txt; mount -o remount,rw /inputs; echo x >> /inputs/case.txt; cat /inputs/case.txt >&2")
    ) {
        let text = log(&bench.run().await);
        assert!(text.contains("Read-only file system") && text.ends_with("the case"), "{text}");
        let inputs: Vec<_> = std::fs::read_dir(&bench.spec.inputs).unwrap().collect();
        assert_eq!(inputs.len(), 1);
    }

    async fn an_output_that_is_a_link_or_a_pipe_is_refused(
        bench => script("ln -s /etc/passwd /outputs/link; mkfifo /outputs/pipe; ln -s /inputs/case.txt /outputs/input")
    ) {
        assert_eq!(bench.run().await.outcome, Outcome::Finished { exit_code: 0 });
        for name in ["link", "pipe", "input"] {
            let error = collect_output(&bench.outputs(), name, 1000).unwrap_err();
            assert!(matches!(error, CollectError::NotAFile { .. }), "{name}: {error}");
        }
    }
}
