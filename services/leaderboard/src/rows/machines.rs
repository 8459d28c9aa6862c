//! What the entries of a ranking were measured on.

use molar_domain::worker_api::Device;
use sqlx::PgConnection;
use uuid::Uuid;

/// Of the case runs that were measured each machine once, in words.
pub async fn list(tx: &mut PgConnection, evaluations: &[Uuid]) -> sqlx::Result<Vec<String>> {
    let devices = sqlx::query_scalar!(
        r#"SELECT DISTINCT r.device AS "device!" FROM execution.case_run_facts r
           JOIN scoring.evaluation_facts e ON e.attempt_id = r.attempt_id
           WHERE e.evaluation_id = ANY($1) AND r.kind = 'case' AND r.device IS NOT NULL"#,
        evaluations,
    )
    .fetch_all(tx)
    .await?;
    let known = devices
        .into_iter()
        .filter_map(|device| serde_json::from_value(device).ok());
    let mut machines: Vec<_> = known.map(|device: Device| words(&device)).collect();
    machines.sort_unstable();
    machines.dedup();
    Ok(machines)
}

/// What decides how long a case takes: GPU with driver and CUDA, CPU, cores of a slot.
fn words(device: &Device) -> String {
    let version = |of, version: &Option<String>| version.as_ref().map(|v| format!("{of} {v}"));
    let versions = [
        version("driver", &device.driver),
        version("CUDA", &device.cuda),
    ];
    let versions: Vec<_> = versions.into_iter().flatten().collect();
    let gpu = device.gpu.as_ref().map(|gpu| match versions.is_empty() {
        true => gpu.clone(),
        false => format!("{gpu} ({})", versions.join(", ")),
    });
    let cores = match device.cores {
        1 => "1 core".to_owned(),
        n => format!("{n} cores"),
    };
    let parts = [gpu, Some(device.cpu.clone()), Some(cores)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_by_what_makes_it_fast() {
        let plain = Device {
            cpu: "Fast One".to_owned(),
            cores: 1,
            ..Device::default()
        };
        assert_eq!(words(&plain), "Fast One, 1 core");
        let with_gpu = Device {
            gpu: Some("A card".to_owned()),
            driver: Some("555.1".to_owned()),
            cuda: Some("12.5".to_owned()),
            cores: 8,
            ..plain
        };
        let expected = "A card (driver 555.1, CUDA 12.5), Fast One, 8 cores";
        assert_eq!(words(&with_gpu), expected);
    }
}
