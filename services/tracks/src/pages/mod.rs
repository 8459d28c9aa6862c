pub mod certificate;
pub mod challenge;
pub mod data;
pub mod docs;
pub mod dossier;
pub mod file;
pub mod finals;
pub mod home;
pub mod organize;
pub mod organize_challenges;
pub mod problems;
pub mod references;
pub mod report;
mod retention;
mod when;
#[cfg(test)]
mod written;

use molar_web_kit::ApiError;

/// What a person can mend in a form that is shown again; anything else remains an error.
fn slips(error: ApiError) -> Result<Vec<String>, ApiError> {
    let problem = error.problem();
    if !matches!(problem.status, 409 | 422) {
        return Err(error);
    }
    let told = problem.errors.into_iter().map(|complaint| {
        let place = complaint.pointer.trim_start_matches('/').replace('/', ".");
        match place.as_str() {
            "" | "reason" => complaint.detail,
            place => format!("{place}: {}", complaint.detail),
        }
    });
    Ok(problem.detail.into_iter().chain(told).collect())
}
