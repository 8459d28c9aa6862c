//! What the runs used, on the page of their submission: figures of all, curves of one.

use molar_domain::series::{MOST_PACKED_BYTES, Series};
use molar_objects::{Bucket, Store};
use uuid::Uuid;

use super::plot::{Plot, Step, amount};
use crate::state::ask;
use crate::submissions::measures::MeasureView;

/// More are not told apart at the width of a plot.
const VALUES: usize = 350;
/// From this on memory is told in GiB.
const MANY_MIB: f64 = 4096.0;

/// What the part `curves.html` shows.
#[derive(Default)]
pub struct Curves {
    pub rows: Vec<Row>,
    pub has_gpu: bool,
    pub is_reviewer: bool,
    pub shown: Option<Shown>,
}

pub struct Row {
    pub name: String,
    pub is_canary: bool,
    pub wall: String,
    pub cpu: String,
    pub peak: String,
    pub area: String,
    pub gpu_peak: String,
    pub gpu_area: String,
    /// The run whose curves may be seen.
    pub run: Option<Uuid>,
    pub is_shown: bool,
}

/// The run whose curves are drawn.
pub struct Shown {
    pub name: String,
    pub download: String,
    pub plots: Vec<Plot>,
    pub kernel_peak: Option<String>,
    pub baseline: Option<String>,
}

impl Curves {
    /// Draws the run that was asked for, else the first that may be seen.
    pub async fn of(
        store: &Store,
        measures: &[MeasureView],
        asked: Option<Uuid>,
        is_reviewer: bool,
    ) -> Self {
        let mut seen = measures.iter().filter(|run| run.series_key.is_some());
        let shown = match asked {
            Some(asked) => seen.find(|run| run.case_run_id == asked),
            None => seen.next(),
        };
        let series = match shown.and_then(|run| run.series_key.as_deref()) {
            Some(key) => read(store, key).await,
            None => None,
        };
        Self {
            has_gpu: measures.iter().any(|run| run.gpu_area_mib_s.is_some()),
            is_reviewer,
            shown: shown
                .zip(series)
                .map(|(run, series)| draw(run, &series.thinned(VALUES))),
            rows: measures
                .iter()
                .map(|run| row(run, shown.map(|run| run.case_run_id)))
                .collect(),
        }
    }
}

/// A page is not refused for its curves.
async fn read(store: &Store, key: &str) -> Option<Series> {
    let packed = ask(store.get_bytes(Bucket::Logs, key, MOST_PACKED_BYTES)).await;
    let packed = packed
        .inspect_err(|error| tracing::warn!(key, ?error, "no curves"))
        .ok()?;
    Series::unpack(&packed)
        .inspect_err(|error| tracing::warn!(key, %error, "a series that is none"))
        .ok()
}

fn row(run: &MeasureView, shown: Option<Uuid>) -> Row {
    let told = |value: Option<f64>, unit: &str| match value {
        Some(value) => format!("{value} {unit}"),
        None => "–".to_owned(),
    };
    Row {
        name: run.name.clone(),
        is_canary: run.is_canary,
        wall: run.wall_s.map_or("–".to_owned(), |s| format!("{s:.1} s")),
        cpu: run
            .cpu_core_s
            .map_or("–".to_owned(), |s| format!("{s:.1} s")),
        peak: told(run.peak_memory_mib, "MiB"),
        area: told(run.memory_area_mib_s, "MiB·s"),
        gpu_peak: told(run.gpu_peak_mib, "MiB"),
        gpu_area: told(run.gpu_area_mib_s, "MiB·s"),
        run: run.series_key.as_ref().map(|_| run.case_run_id),
        is_shown: shown == Some(run.case_run_id),
    }
}

fn draw(run: &MeasureView, series: &Series) -> Shown {
    let gpu: Vec<_> = series.t_ms.iter().zip(&series.gpu_used_mib).collect();
    let gpu = gpu.into_iter().filter_map(|(t, used)| Some((*t, (*used)?)));
    let memory = series.t_ms.iter().copied().zip(series.memory_mib.clone());
    let plots = [
        in_mib("gpu", "GPU memory", holding(gpu.collect(), series.wall_ms)),
        Plot::new("cpu", "CPU", "cores", &cores(series)),
        in_mib(
            "memory",
            "Memory",
            holding(memory.collect(), series.wall_ms),
        ),
    ];
    Shown {
        name: run.name.clone(),
        download: format!("/api/v1/case-runs/{}/series", run.case_run_id),
        plots: plots.into_iter().flatten().collect(),
        kernel_peak: run.kernel_peak_memory_mib.map(amount),
        baseline: run.gpu_baseline_mib.map(amount),
    }
}

fn in_mib(id: &'static str, title: &str, mut steps: Vec<Step>) -> Option<Plot> {
    let peak = steps.iter().map(|step| step.value).fold(0.0, f64::max);
    if peak < MANY_MIB {
        return Plot::new(id, title, "MiB", &steps);
    }
    for step in &mut steps {
        step.value /= 1024.0;
    }
    Plot::new(id, title, "GiB", &steps)
}

/// As the area is taken: each value holds to the next, the first from the start, the last to the end.
fn holding(values: Vec<(u64, f64)>, wall_ms: u64) -> Vec<Step> {
    let ends = values.iter().skip(1).map(|&(t_ms, _)| t_ms);
    let mut from_ms = 0;
    let mut steps = Vec::with_capacity(values.len());
    for (&(_, value), to_ms) in values.iter().zip(ends.chain([wall_ms])) {
        steps.push(step(from_ms, to_ms, value));
        from_ms = to_ms;
    }
    steps
}

/// Of CPU time a value is the mean of the time before it.
fn cores(series: &Series) -> Vec<Step> {
    let mut from_ms = 0;
    let mut steps = Vec::with_capacity(series.cpu_percent.len());
    for (&t_ms, percent) in series.t_ms.iter().zip(&series.cpu_percent) {
        steps.push(step(from_ms, t_ms, percent / 100.0));
        from_ms = t_ms;
    }
    if let Some(last) = steps.last_mut() {
        last.to_s = last.to_s.max(series.wall_ms as f64 / 1000.0);
    }
    steps
}

fn step(from_ms: u64, to_ms: u64, value: f64) -> Step {
    Step {
        from_s: from_ms as f64 / 1000.0,
        to_s: to_ms.max(from_ms) as f64 / 1000.0,
        value,
    }
}

#[cfg(test)]
mod tests {
    use molar_domain::attempt::AttemptState;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{Attempt, AttemptBuilder, ChallengeBuilder, SubmissionBuilder};
    use molar_web_kit::testing;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::{World, open_phase};

    #[test]
    fn memory_holds_to_the_next_value_and_cpu_is_of_the_time_before() {
        let series = Series {
            wall_ms: 500,
            t_ms: vec![100, 300],
            cpu_percent: vec![100.0, 50.0],
            memory_mib: vec![1.0, 2.0],
            gpu_used_mib: Vec::new(),
        };
        let memory = series.t_ms.iter().copied().zip(series.memory_mib.clone());
        assert_eq!(
            holding(memory.collect(), 500),
            [step(0, 300, 1.0), step(300, 500, 2.0)]
        );
        assert_eq!(cores(&series), [step(0, 100, 1.0), step(100, 500, 0.5)]);
    }

    #[test]
    fn much_memory_is_told_in_gib() {
        let plot = in_mib("gpu", "GPU memory", vec![step(0, 1000, 8192.0)]).unwrap();
        assert_eq!(plot.peak.label, "peak 8.00 GiB");
    }

    /// A container whose runs have ended, each with the same curves.
    async fn measured(pool: &PgPool) -> (World, Uuid, Attempt) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(pool)
            .await;
        let attempt = AttemptBuilder::new(&world.challenge, &submission)
            .state(AttemptState::Finished)
            .insert(pool)
            .await;
        let series = Series {
            wall_ms: 1500,
            t_ms: vec![100, 200, 300],
            cpu_percent: vec![50.0, 150.0, 20.0],
            memory_mib: vec![12.0, 345.0, 10.0],
            gpu_used_mib: Vec::new(),
        };
        let put = world.execution.put_bytes(
            Bucket::Logs,
            "a/series.json.gz",
            "application/gzip",
            series.pack().unwrap(),
        );
        put.await.unwrap();
        sqlx::query!(
            "UPDATE execution.case_runs SET series_key = 'a/series.json.gz', wall_ms = 1500, peak_memory_bytes = 361758720,
                 memory_area_mib_s = 81, kernel_peak_memory_bytes = 400000000, cpu_core_s = 1.234"
        )
        .execute(pool)
        .await
        .unwrap();
        (world, submission.id.0, attempt)
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_sees_the_curves_of_the_trial_and_of_hidden_cases_figures_only(pool: PgPool) {
        let (world, id, attempt) = measured(&pool).await;
        let (_, page) = world.page(&format!("/submissions/{id}")).await;
        assert!(
            page.contains("peak 345 MiB") && page.contains("peak 1.50 cores"),
            "{page}"
        );
        assert!(
            page.contains("<title id=\"curve-memory-title\">Memory</title>"),
            "{page}"
        );
        assert!(
            page.contains("345 MiB") && page.contains("81 MiB·s"),
            "{page}"
        );
        assert!(!page.contains("?curves="), "{page}");

        let hidden = attempt.case_runs[0].id;
        let (_, asked) = world
            .page(&format!("/submissions/{id}?curves={hidden}"))
            .await;
        assert!(!asked.contains("<svg class=\"curve"), "{asked}");
        assert!(asked.contains("figures only"), "{asked}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_sees_the_curves_of_every_case(pool: PgPool) {
        let (world, id, attempt) = measured(&pool).await;
        let boss = testing::organizer(&pool, "Boss", world.challenge.id).await;
        let hidden = attempt.case_runs[0].id;
        let path = format!("/submissions/{id}?curves={hidden}");
        let page = world.page_as(&boss, &path).await.1;
        assert!(page.contains("<svg class=\"curve"), "{page}");
        assert!(
            page.contains(&format!("/api/v1/case-runs/{hidden}/series")),
            "{page}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_page_is_shown_without_curves_that_the_store_has_lost(pool: PgPool) {
        let (world, id, _) = measured(&pool).await;
        sqlx::query!("UPDATE execution.case_runs SET series_key = 'lost'")
            .execute(&pool)
            .await
            .unwrap();
        let (status, page) = world.page(&format!("/submissions/{id}")).await;
        assert_eq!(status, 200);
        assert!(
            page.contains("345 MiB") && !page.contains("<svg class=\"curve"),
            "{page}"
        );
    }
}
