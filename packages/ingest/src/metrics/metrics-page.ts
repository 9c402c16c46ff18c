export type Labels = Readonly<Record<string, string>>;

/** A counter that is lasting counts over all runs by itself. */
export type MetricType = "counter" | "lasting counter" | "gauge";

interface Metric {
  readonly help: string;
  readonly type: MetricType;
  /** By their labels, as they are written. */
  readonly samples: Map<string, number>;
}

const PREFIX = "auditsieve_";

/**
 * One answer to Prometheus, in its text format: samples of a metric stand together, and counters go on from where `earlier` left them,
 * also those of sources and sinks that are no more, so that what a process counts never falls.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 *
 * @example
 * const page = new MetricsPage();
 * page.add("findings_total", "counter", "Findings", 3, { component_id: "audit" });
 * assert.ok(page.text().endsWith('auditsieve_findings_total{component_id="audit"} 3\n'));
 */
export class MetricsPage {
  readonly #earlier: ReadonlyMap<string, Metric>;
  readonly #metrics = new Map<string, Metric>();

  constructor(earlier?: MetricsPage) {
    this.#earlier = earlier === undefined ? new Map() : earlier.#metrics;
    for (const [name, { help, type, samples }] of this.#earlier) {
      if (type === "counter") {
        this.#metrics.set(name, { help, type, samples: new Map(samples) });
      }
    }
  }

  /** Once for each name and labels; one without a value is left out. */
  add(name: string, type: MetricType, help: string, value: number | undefined, labels: Labels = {}): void {
    if (value === undefined) {
      return;
    }
    const metric = this.#metrics.get(name) ?? { help, type, samples: new Map<string, number>() };
    this.#metrics.set(name, metric);
    const key = Object.entries(labels)
      .map(([label, text]) => `${label}="${escapeLabel(text)}"`)
      .join(",");
    const before = type === "counter" ? (this.#earlier.get(name)?.samples.get(key) ?? 0) : 0;
    metric.samples.set(key, before + value);
  }

  text(): string {
    return [...this.#metrics].map(([name, metric]) => textOf(`${PREFIX}${name}`, metric)).join("");
  }
}

function textOf(name: string, { help, type, samples }: Metric): string {
  const lines = [...samples].map(([labels, value]) => `${name}${labels === "" ? "" : `{${labels}}`} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type === "gauge" ? "gauge" : "counter"}\n${lines.join("")}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
