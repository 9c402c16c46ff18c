// Answers questions about Sigma by rsigma: one JSON object a line in, one out.
// In: {"rule": YAML, "events": [objects], "seconds"?: [times of these]}. Out: {"hits": [booleans]} or {"refused": text}.
// With "seconds" the rule holds a correlation, and a hit is an event at which one fires.
use std::io::{BufRead, Write};

use rsigma_eval::{CorrelationConfig, CorrelationEngine, Engine, event::JsonEvent};
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
    let events = question["events"].as_array().cloned().unwrap_or_default();
    if let Some(seconds) = question["seconds"].as_array() {
        let mut engine = CorrelationEngine::new(CorrelationConfig::default());
        engine.add_collection(&collection).map_err(|error| error.to_string())?;
        return Ok(events
            .iter()
            .zip(seconds)
            .map(|(event, time)| {
                let results = engine.process_event_at(&JsonEvent::borrow(event), time.as_i64().unwrap_or(0));
                results.iter().any(|result| result.is_correlation())
            })
            .collect());
    }
    let mut engine = Engine::new();
    engine.add_collection(&collection).map_err(|error| error.to_string())?;
    Ok(events
        .iter()
        .map(|event| !engine.evaluate(&JsonEvent::borrow(event)).is_empty())
        .collect())
}
