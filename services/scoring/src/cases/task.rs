//! Everything that the rows say about one case to score.

use molar_domain::case_run::CaseRunState;
use molar_domain::evaluation::Parameters;
use molar_domain::limits::Limits;
use molar_domain::{CaseId, EvaluationId, FailureCode};
use molar_metrics::{Groups, Measure, Spacing};
use molar_volumes::{Format, Geometry, Plan};
use serde::Deserialize as _;
use serde_json::Value;
use sqlx::PgExecutor;

use super::format_of;
use crate::error::{Error, Result};

const NO_SPACING: Error = Error::NotFound("spacing of the reference");

#[derive(Debug)]
pub struct Task {
    pub evaluation: EvaluationId,
    pub case_name: String,
    pub format: molar_volumes::Format,
    /// The track's label set.
    pub labels: Vec<i32>,
    pub reference: Object,
    /// Of the case, as its reference has it.
    pub geometry: Geometry,
    /// Of a volume's voxels.
    pub spacing: Option<Spacing>,
    /// That the reference has.
    pub reference_labels: Vec<i32>,
    /// What is measured beside the protocol's seven.
    pub plan: Plan,
    pub prediction: Prediction,
}

/// Where an object lies and what it has to be.
#[derive(Debug, Clone)]
pub struct Object {
    pub key: String,
    pub size_bytes: i64,
    pub sha256: String,
}

#[derive(Debug)]
pub enum Prediction {
    /// A member of the zip that the team uploaded.
    Zip(Object),
    /// What a container wrote, or did not.
    Run { run: Run, end: RunEnd },
}

/// What was measured on the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub wall_limit_s: u32,
    pub wall_ms: Option<i64>,
    /// None where the machine has no GPU.
    pub gpu_area_mib_s: Option<f64>,
    pub gpu_total_mib: Option<f64>,
}

#[derive(Debug)]
pub enum RunEnd {
    Output(Object),
    Failed { code: FailureCode, detail: String },
}

struct Row {
    case_name: String,
    format: String,
    labels: Vec<i32>,
    shape: Vec<i32>,
    spacing_mm: Option<Vec<f64>>,
    reference_labels: Vec<i32>,
    parameters: Option<Value>,
    reference_key: String,
    reference_size_bytes: i64,
    reference_sha256: String,
    upload_key: String,
    upload_size_bytes: i64,
    upload_sha256: String,
    run_state: Option<String>,
    failure: Option<String>,
    failure_detail: Option<String>,
    limits: Option<Value>,
    wall_ms: Option<i64>,
    gpu_area_mib_s: Option<f64>,
    gpu_total_mib: Option<f64>,
    output_key: Option<String>,
    output_size_bytes: Option<i64>,
    output_sha256: Option<String>,
}

pub async fn find(db: impl PgExecutor<'_>, evaluation: EvaluationId, case: CaseId) -> Result<Task> {
    // Where a run ended before its GPU was looked at, another of its attempt knows the device.
    let row = sqlx::query_as!(
        Row,
        r#"SELECT r.case_name AS "case_name!", r.format AS "format!", r.labels AS "labels!", f.shape,
                  f.spacing_mm, f.labels AS reference_labels, e.parameters,
                  r.object_key AS "reference_key!", r.size_bytes AS "reference_size_bytes!",
                  r.sha256 AS "reference_sha256!",
                  s.object_key AS "upload_key!", s.size_bytes AS "upload_size_bytes!", s.sha256 AS "upload_sha256!",
                  run.state AS "run_state?", run.failure, run.failure_detail, run.limits AS "limits?",
                  run.wall_ms, run.gpu_area_mib_s,
                  COALESCE(run.gpu_total_mib, (
                      SELECT max(other.gpu_total_mib) FROM execution.case_run_facts other
                      WHERE other.attempt_id = run.attempt_id)) AS gpu_total_mib,
                  run.output_key, run.output_size_bytes, run.output_sha256
           FROM scoring.case_scores c
           JOIN scoring.evaluations e ON e.id = c.evaluation_id
           JOIN tracks.stored_references r ON r.reference_set_id = e.reference_set_id AND r.case_id = c.case_id
           JOIN scoring.reference_facts f ON f.reference_id = r.reference_id AND f.is_good
           JOIN submission.accepted s ON s.submission_id = e.submission_id
           LEFT JOIN execution.case_run_facts run ON run.case_run_id = c.case_run_id
           WHERE c.evaluation_id = $1 AND c.case_id = $2"#,
        evaluation.0,
        case.0,
    )
    .fetch_optional(db)
    .await?;
    row.ok_or(Error::NotFound("case to score"))?
        .task(evaluation)
}

impl Row {
    fn task(self, evaluation: EvaluationId) -> Result<Task> {
        let format = format_of(&self.format)?;
        Ok(Task {
            evaluation,
            geometry: geometry(&self.shape).ok_or(Error::NotFound("shape of the reference"))?,
            spacing: self.spacing()?,
            plan: self.plan(format)?,
            prediction: self.prediction()?,
            reference_labels: self.reference_labels,
            case_name: self.case_name,
            format,
            labels: self.labels,
            reference: Object {
                key: self.reference_key,
                size_bytes: self.reference_size_bytes,
                sha256: self.reference_sha256,
            },
        })
    }

    /// The facts have it as x, y, z; empty where the header says none.
    fn spacing(&self) -> Result<Option<Spacing>> {
        match self.spacing_mm.as_deref() {
            None | Some([]) => Ok(None),
            Some(&[x, y, z]) => Spacing::new([z, y, x]).map(Some).map_err(|_| NO_SPACING),
            Some(_) => Err(NO_SPACING),
        }
    }

    fn plan(&self, format: Format) -> Result<Plan> {
        let parameters = match &self.parameters {
            None => return Ok(Plan::default()),
            Some(parameters) => Parameters::deserialize(parameters)?,
        };
        let measures = parameters.further_measures()?;
        let needs_spacing = measures.iter().any(Measure::needs_spacing);
        // The reference is about to be refused for it.
        if needs_spacing && format == Format::Nifti && self.spacing()?.is_none() {
            return Err(NO_SPACING);
        }
        let groups = Groups::new(parameters.groups)?;
        let pixel_spacing_mm = parameters.pixel_spacing_mm.unwrap_or(1.0);
        Ok(Plan::new(measures, groups, pixel_spacing_mm)?)
    }

    fn prediction(&self) -> Result<Prediction> {
        let (Some(state), Some(limits)) = (&self.run_state, &self.limits) else {
            return Ok(Prediction::Zip(Object {
                key: self.upload_key.clone(),
                size_bytes: self.upload_size_bytes,
                sha256: self.upload_sha256.clone(),
            }));
        };
        let limits: Limits = serde_json::from_value(limits.clone())?;
        let run = Run {
            wall_limit_s: limits.wall_s,
            wall_ms: self.wall_ms,
            gpu_area_mib_s: self.gpu_area_mib_s,
            gpu_total_mib: self.gpu_total_mib,
        };
        let end = match state.parse()? {
            CaseRunState::Finished => self.output(),
            CaseRunState::Failed => self.failure()?,
            CaseRunState::Waiting
            | CaseRunState::Released
            | CaseRunState::Running
            | CaseRunState::Cancelled => return Err(Error::NotFound("end of the run")),
        };
        Ok(Prediction::Run { run, end })
    }

    fn output(&self) -> RunEnd {
        match (
            &self.output_key,
            self.output_size_bytes,
            &self.output_sha256,
        ) {
            (Some(key), Some(size_bytes), Some(sha256)) => RunEnd::Output(Object {
                key: key.clone(),
                size_bytes,
                sha256: sha256.clone(),
            }),
            _ => RunEnd::Failed {
                code: FailureCode::NoPrediction,
                detail: "the run left no prediction".to_owned(),
            },
        }
    }

    fn failure(&self) -> Result<RunEnd> {
        let code = match &self.failure {
            Some(code) => code.parse()?,
            None => return Err(Error::NotFound("reason of the failed run")),
        };
        let detail = self.failure_detail.clone().unwrap_or_default();
        Ok(RunEnd::Failed { code, detail })
    }
}

/// Of a shape as the facts have it: `[height, width]` or `[x, y, z]`.
pub fn geometry(shape: &[i32]) -> Option<Geometry> {
    let extents: Option<Vec<u32>> = shape.iter().map(|n| u32::try_from(*n).ok()).collect();
    match extents?[..] {
        [height, width] => Some(Geometry::image(height, width)),
        [x, y, z] => Some(Geometry::volume([x, y, z])),
        _ => None,
    }
}
