use super::*;

fn room(is_bounded: bool) -> Room {
    Room {
        folder: "/room".into(),
        is_bounded,
    }
}

fn spec() -> Spec {
    let labels = Labels {
        submission: "s".into(),
        attempt: "a".into(),
        case_run: "c".into(),
        worker: "w".into(),
    };
    Spec {
        cpuset: Some("0-3".into()),
        gpu: Some("GPU-1".into()),
        runtime: Some("runc".into()),
        ..Spec::sts2024_defaults("sha256:1", labels, "/in", room(true))
    }
}

#[test]
fn the_host_config_is_exactly_this() {
    insta::assert_json_snapshot!(host_config(&spec(), &[]), @r#"
    {
      "Memory": 30064771072,
      "CpusetCpus": "0-3",
      "DeviceRequests": [
        {
          "Driver": "nvidia",
          "DeviceIDs": [
            "GPU-1"
          ],
          "Capabilities": [
            [
              "gpu"
            ]
          ]
        }
      ],
      "MemorySwap": 30064771072,
      "OomKillDisable": false,
      "PidsLimit": 4096,
      "Ulimits": [
        {
          "Name": "nofile",
          "Soft": 65536,
          "Hard": 65536
        },
        {
          "Name": "memlock",
          "Soft": -1,
          "Hard": -1
        },
        {
          "Name": "core",
          "Soft": 0,
          "Hard": 0
        }
      ],
      "LogConfig": {
        "Type": "none"
      },
      "NetworkMode": "none",
      "RestartPolicy": {
        "Name": "no"
      },
      "AutoRemove": false,
      "Mounts": [
        {
          "Target": "/inputs",
          "Source": "/in",
          "Type": "bind",
          "ReadOnly": true
        },
        {
          "Target": "/outputs",
          "Source": "/room/outputs",
          "Type": "bind",
          "ReadOnly": false
        },
        {
          "Target": "/etc/hosts",
          "Source": "/room/etc/hosts",
          "Type": "bind",
          "ReadOnly": false
        },
        {
          "Target": "/etc/hostname",
          "Source": "/room/etc/hostname",
          "Type": "bind",
          "ReadOnly": false
        },
        {
          "Target": "/etc/resolv.conf",
          "Source": "/room/etc/resolv.conf",
          "Type": "bind",
          "ReadOnly": false
        }
      ],
      "CapDrop": [
        "ALL"
      ],
      "IpcMode": "private",
      "Privileged": false,
      "ReadonlyRootfs": false,
      "SecurityOpt": [
        "no-new-privileges"
      ],
      "ShmSize": 30064771072,
      "Runtime": "runc"
    }
    "#);
}

#[test]
fn a_declared_volume_is_an_anonymous_one_in_the_room() {
    let mounts = host_config(&spec(), &["/data".into()]).mounts.unwrap();
    let mut volume = serde_json::to_value(mounts.last().unwrap()).unwrap();
    // A hash map's order would change from run to run.
    let driver = volume["VolumeOptions"]["DriverConfig"].take();
    assert_eq!(
        driver,
        serde_json::json!({
            "Name": "local",
            "Options": {"type": "none", "o": "bind", "device": "/room/volumes/0"},
        })
    );
    volume.as_object_mut().unwrap().remove("VolumeOptions");
    assert_eq!(
        volume,
        serde_json::json!({"Type": "volume", "Target": "/data"})
    );
}

#[test]
fn a_case_without_a_gpu_is_shown_none() {
    let without = Spec {
        gpu: None,
        ..spec()
    };
    let shown = create_body(&without, &[]).env;
    assert_eq!(shown, Some(vec!["NVIDIA_VISIBLE_DEVICES=void".into()]));
    assert_eq!(create_body(&spec(), &[]).env, None);
}

#[test]
fn a_file_has_a_limit_only_where_nothing_else_bounds_it() {
    let plain = Spec {
        room: room(false),
        ..spec()
    };
    let fsize = |spec: &Spec| {
        let ulimits = host_config(spec, &[]).ulimits.unwrap();
        let found = ulimits
            .into_iter()
            .find(|one| one.name.as_deref() == Some("fsize"));
        found.and_then(|one| one.hard)
    };
    assert_eq!(fsize(&spec()), None);
    assert_eq!(fsize(&plain), Some((28 << 30) + (1 << 20)));
}

#[test]
fn declared_volumes_are_taken_as_the_engine_reads_them() {
    let targets = |declared: &[&str]| {
        let declared: Vec<_> = declared.iter().map(|&path| path.to_owned()).collect();
        volume_targets(&spec(), &declared)
    };
    assert_eq!(
        targets(&["/data", "/data/", "/a/../b//c/.", "/outputs/", "/etc/hosts"]),
        Ok(vec!["/b/c".into(), "/data".into()])
    );
    assert_eq!(targets(&["/data", "data"]), Err("data".into()));
    assert_eq!(targets(&["/x/.."]), Err("/x/..".into()));
}

#[test]
fn the_container_keeps_the_images_entrypoint_user_and_directory() {
    let body = ContainerCreateBody {
        host_config: None,
        ..create_body(&spec(), &[])
    };
    let mut body = serde_json::to_value(body).unwrap();
    // A hash map's order would change from run to run.
    let labels = body.as_object_mut().unwrap().remove("Labels").unwrap();
    assert_eq!(labels["molar.case_run"], "c");
    insta::assert_json_snapshot!(body, @r#"
    {
      "AttachStderr": true,
      "AttachStdout": true,
      "Cmd": [
        "/bin/sh",
        "/opt/algorithm/predict.sh"
      ],
      "Healthcheck": {
        "Test": [
          "NONE"
        ]
      },
      "Hostname": "case",
      "Image": "sha256:1"
    }
    "#);
}

#[test]
fn labels_round_trip() {
    assert_eq!(Labels::from_map(&spec().labels.to_map()), spec().labels);
}
