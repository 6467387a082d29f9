//! `GET /`: a plain page that says how the registry is. It holds no script, and shows a bounded
//! part of the registry, escaped.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State as Shared;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, REFRESH};

use super::app::App;
use super::inspector;
use super::peers::Peer;
use super::refusal::Refusal;
use super::view::View;
use dubbo_k8s_registry::Snapshot;
use dubbo_k8s_registry::feed::State;

/// Where the page's style sheet is.
pub(super) const STYLE_PATH: &str = "/status.css";

const STYLE: &str = include_str!("status.css");

/// Rows of each table; more of them are for tools.
const MOST_ROWS: usize = 500;

pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

pub(super) async fn page(
    Shared(app): Shared<Arc<App>>,
    Extension(peer): Extension<Arc<Peer>>,
    Extension(view): Extension<View>,
) -> Result<Response, Refusal> {
    let _turn = peer.body().await?;
    let state = app.reader.state();
    let html = app.workers.run(move || {
        let mut html = String::new();
        // Writing to a String does not fail.
        let _ = write_page(&mut html, &view, &state);
        html
    });
    Ok(([(CACHE_CONTROL, "no-store"), (REFRESH, "10")], Html(html.await?)).into_response())
}

fn write_page(html: &mut String, view: &View, state: &Arc<State>) -> fmt::Result {
    html.push_str(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>dubbo-watcher</title>\n<link rel=\"stylesheet\" href=\"/status.css\">\n\
         <h1>dubbo-watcher</h1>\n",
    );
    write_state(html, view, state)?;
    if let Some(missing) = inspector::missing_inspector() {
        writeln!(html, "<p>{}</p>", Escaped(missing))?;
    }
    let snapshot = Snapshot::new(state, None);
    write_services(html, view, &snapshot)?;
    write_problems(html, view, &snapshot)?;
    html.push_str(
        "<p>As data: <a href=\"/v1/snapshot\">snapshot</a>, <a href=\"/v1/annotations\">\
         annotations</a>, <a href=\"/v1/events\">events</a>, <a href=\"/metrics\">metrics</a>, \
         <a href=\"/openapi.json\">description</a>.</p>\n</html>\n",
    );
    Ok(())
}

fn write_state(html: &mut String, view: &View, state: &State) -> fmt::Result {
    let (class, words) = standing(state);
    writeln!(html, "<p class=\"{class}\">{}</p>", Escaped(&words))?;
    let (pods, records) = view.counts(state.content());
    let broken = state.content().pod_entries().filter(|pod| !pod.problems().is_empty());
    let broken = broken.filter(|pod| view.sees(pod.holder())).count();
    let revision = state.revision();
    writeln!(
        html,
        "<p>{records} records of {pods} Pods, {broken} problems; revision {revision}.</p>"
    )
}

/// How current the registry is, in words.
fn standing(state: &State) -> (&'static str, String) {
    let why = state.failure().map(|failure| format!(" {failure}.")).unwrap_or_default();
    match state.age() {
        Some(_) if state.is_followed() => ("good", "Up to date.".to_owned()),
        Some(age) => ("bad", format!("The API server was last heard {} ago.{why}", Age(age))),
        None => ("bad", format!("Not all Pods have been read yet.{why}")),
    }
}

fn write_services(html: &mut String, view: &View, snapshot: &Snapshot) -> fmt::Result {
    html.push_str("<table>\n<tr><th>Service<th>Providers<th>Consumers\n");
    let mut services = snapshot.services().filter_map(|service| view.service(service));
    for service in services.by_ref().take(MOST_ROWS) {
        writeln!(
            html,
            "<tr><td>{}<td>{}<td>{}",
            Escaped(&view.text(&service.service.to_string())),
            service.providers.len(),
            service.consumers.len(),
        )?;
    }
    html.push_str("</table>\n");
    write_rest(html, services.count(), "services")
}

fn write_problems(html: &mut String, view: &View, snapshot: &Snapshot) -> fmt::Result {
    let mut problems = snapshot.problems().filter(|problem| view.sees(&problem.holder));
    let mut rows = problems.by_ref().take(MOST_ROWS).peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    html.push_str("<h2>Problems</h2>\n<table>\n<tr><th>Namespace<th>Pod<th>Problem\n");
    for problem in rows {
        let holder = problem.holder;
        writeln!(
            html,
            "<tr><td>{}<td>{}<td>{}",
            Escaped(&holder.namespace),
            Escaped(&holder.pod),
            Escaped(&view.text(&problem.error.to_string())),
        )?;
    }
    html.push_str("</table>\n");
    write_rest(html, problems.count(), "problems")
}

fn write_rest(html: &mut String, rest: usize, what: &str) -> fmt::Result {
    if rest == 0 { Ok(()) } else { writeln!(html, "<p>And {rest} more {what}.</p>") }
}

/// Text that means nothing to HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// A span of time in its largest two units.
struct Age(Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_means_nothing_to_html() {
        let text = Escaped("<script>\"&'</script>").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;");
    }

    #[test]
    fn ages_are_shown_in_two_units() {
        let age = |seconds| Age(Duration::from_secs(seconds)).to_string();
        assert_eq!([age(0), age(61), age(7384)], ["0 s", "1 min 1 s", "2 h 3 min"]);
    }
}
