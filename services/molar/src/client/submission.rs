use std::path::Path;

/// What a submission is made of.
pub struct Submission<'a> {
    pub phase_id: &'a str,
    pub team_id: &'a str,
    pub file: &'a Path,
    pub note: &'a str,
    pub code_url: Option<&'a str>,
    pub licence: Option<&'a str>,
    pub is_trial: bool,
}
