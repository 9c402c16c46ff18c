// Answers questions about Sigma by rsigma: one JSON object a line in, one out.
// In: {"rule": YAML, "events": [objects]}. Out: {"hits": [booleans]} or {"refused": text}.
use std::io::{BufRead, Write};

use rsigma_eval::{Engine, event::JsonEvent};
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Value, json};

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let answer = match answer(&question) {
            Ok(hits) => json!({ "hits": hits }),
            Err(refused) => json!({ "refused": refused }),
        };
        writeln!(out, "{answer}").expect("a reader");
    }
}

fn answer(question: &Value) -> Result<Vec<bool>, String> {
    let text = question["rule"].as_str().unwrap_or_default();
    let collection = parse_sigma_yaml(text).map_err(|error| error.to_string())?;
    if !collection.errors.is_empty() {
        return Err(format!("{:?}", collection.errors));
    }
    let mut engine = Engine::new();
    engine.add_collection(&collection).map_err(|error| error.to_string())?;
    let events = question["events"].as_array().cloned().unwrap_or_default();
    Ok(events
        .iter()
        .map(|event| !engine.evaluate(&JsonEvent::borrow(event)).is_empty())
        .collect())
}
