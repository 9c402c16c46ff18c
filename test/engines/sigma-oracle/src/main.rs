// Answers questions about Sigma by rsigma: one JSON object a line in, one out.
// In: {"rule": YAML, "events": [objects], "seconds"?: [times of these], "asked"?: id, "pipelines"?: [YAML]}.
// Out: {"hits": [booleans]} or {"refused": text}. With "seconds" the rule holds correlations, and a hit is an event at
// which the one that is asked about fires, or any; "values" is then what each of these has measured.
use std::io::{BufRead, Write};

use rsigma_eval::{CorrelationConfig, CorrelationEngine, Engine, event::JsonEvent, parse_pipeline};
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Value, json};

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let answer = match answer(&question) {
            Ok(Answer::Hits(hits)) => json!({ "hits": hits }),
            Ok(Answer::Values(values)) => {
                json!({ "hits": values.iter().map(Option::is_some).collect::<Vec<_>>(), "values": values })
            }
            Err(refused) => json!({ "refused": refused }),
        };
        writeln!(out, "{answer}").expect("a reader");
    }
}

enum Answer {
    Hits(Vec<bool>),
    Values(Vec<Option<f64>>),
}

fn answer(question: &Value) -> Result<Answer, String> {
    let text = question["rule"].as_str().unwrap_or_default();
    let collection = parse_sigma_yaml(text).map_err(|error| error.to_string())?;
    if !collection.errors.is_empty() {
        return Err(format!("{:?}", collection.errors));
    }
    let events = question["events"].as_array().cloned().unwrap_or_default();
    let mut pipelines = Vec::new();
    for text in question["pipelines"].as_array().cloned().unwrap_or_default() {
        pipelines.push(parse_pipeline(text.as_str().unwrap_or_default()).map_err(|error| error.to_string())?);
    }
    if let Some(seconds) = question["seconds"].as_array() {
        let mut engine = CorrelationEngine::new(CorrelationConfig::default());
        for pipeline in pipelines {
            engine.add_pipeline(pipeline);
        }
        engine.add_collection(&collection).map_err(|error| error.to_string())?;
        let asked = question["asked"].as_str();
        let values = events.iter().zip(seconds).map(|(event, time)| {
            let results = engine.process_event_at(&JsonEvent::borrow(event), time.as_i64().unwrap_or(0));
            results.iter().find_map(|result| {
                let is_asked = asked.is_none() || result.header.rule_id.as_deref() == asked;
                result.as_correlation().filter(|_| is_asked).map(|body| body.aggregated_value)
            })
        });
        return Ok(Answer::Values(values.collect()));
    }
    let mut engine = Engine::new();
    for pipeline in pipelines {
        engine.add_pipeline(pipeline);
    }
    engine.add_collection(&collection).map_err(|error| error.to_string())?;
    Ok(Answer::Hits(
        events
            .iter()
            .map(|event| !engine.evaluate(&JsonEvent::borrow(event)).is_empty())
            .collect(),
    ))
}
