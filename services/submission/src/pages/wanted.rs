//! What is asked of the page of a submission: all of it in the address, so that it works without a script.

use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Wanted {
    /// The case run whose curves are drawn.
    pub curves: Option<Uuid>,
    /// The metric by which the cases stand, the worst first; `case`: by their names.
    pub by: Option<String>,
    /// The case whose labels are shown; none: those of all.
    pub labels: Option<String>,
}

impl Wanted {
    /// The same page with its cases in another order.
    pub fn ordered(&self, by: &str) -> String {
        let by = Some(by.to_owned());
        let wanted = Self { by, ..self.clone() };
        wanted.link("cases")
    }

    /// The same page with the labels of one case, or of all.
    pub fn of_case(&self, case: Option<&str>) -> String {
        let labels = case.map(str::to_owned);
        let wanted = Self {
            labels,
            ..self.clone()
        };
        wanted.link("labels")
    }

    fn link(&self, place: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let curves = self.curves.map(|run| run.to_string());
        for (name, value) in [
            ("curves", &curves),
            ("by", &self.by),
            ("labels", &self.labels),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("?{}#{place}", query.finish())
    }
}
