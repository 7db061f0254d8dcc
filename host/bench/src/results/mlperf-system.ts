import type { ResultRecord } from "./record.ts";

/** Fields that MLPerf wants of every system (`SYSTEM_DESC_REQUIRED_FIELDS` of mlcommons/inference's submission checker). */
const fields = [
  "division",
  "submitter",
  "status",
  "system_name",
  "number_of_nodes",
  "host_processor_model_name",
  "host_processors_per_node",
  "host_processor_core_count",
  "host_memory_capacity",
  "host_storage_capacity",
  "host_storage_type",
  "accelerators_per_node",
  "accelerator_model_name",
  "accelerator_memory_capacity",
  "framework",
  "operating_system",
  "system_type",
  "other_software_stack",
  "host_processor_frequency",
  "host_processor_caches",
  "host_memory_configuration",
  "host_processor_interconnect",
  "host_networking",
  "host_networking_topology",
  "accelerator_frequency",
  "accelerator_host_interconnect",
  "accelerator_interconnect",
  "accelerator_interconnect_topology",
  "accelerator_memory_configuration",
  "accelerator_on-chip_memories",
  "cooling",
  "hw_notes",
  "sw_notes",
  "host_network_card_count",
  "system_type_detail",
] as const;

/** Runtimes that run on the processor alone; a foreign server (`oip`) tells nothing of what it runs on. */
const ON_PROCESSOR = ["onnxruntime", "onnxruntime-web", "litert"];

/** As text: the checker takes the number 0 for a field that is empty. */
const noAccelerator: Known = {
  accelerators_per_node: "0",
  accelerator_model_name: "N/A",
  accelerator_memory_capacity: "N/A",
  accelerator_host_interconnect: "N/A",
  accelerator_memory_configuration: "N/A",
  accelerator_interconnect: "N/A",
};

type Known = Partial<Record<(typeof fields)[number], string | number>>;

/** A system in MLPerf's words; what its record does not tell is empty, and which parts were simulated stands in the notes. */
export function systemDescription(
  record: ResultRecord,
  { division, submitter }: { division: string; submitter: string },
): Record<string, string | number> {
  const { runtime, fingerprint, environment, simulated } = record;
  const of = (name: string): string => {
    const value = fingerprint.fields[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  const labelled = (name: string, label: string, unit = ""): string =>
    of(name) === "" ? "" : `${label} ${of(name)}${unit}`;
  const listed = (...words: string[]): string => words.filter((word) => word !== "").join("; ");
  const memory = Number(of("memory_bytes"));
  const known: Known = {
    division,
    submitter,
    // MLPerf's word for what is neither for sale nor announced; whose system it is knows better.
    status: "rdi",
    ...(ON_PROCESSOR.includes(runtime.name) ? noAccelerator : {}),
    system_name: record.target,
    system_type: "edge",
    number_of_nodes: 1,
    host_processor_model_name: of("processor"),
    host_processor_core_count: environment?.before.cores ?? "",
    host_processor_frequency: of("clock"),
    host_memory_capacity: memory > 0 ? `${(memory / 2 ** 30).toFixed(1)} GiB` : "",
    framework: `${runtime.name} ${runtime.version}`,
    operating_system: listed(of("os"), labelled("kernel", "kernel")),
    other_software_stack: of("engine"),
    cooling: of("cooling"),
    hw_notes: listed(
      of("board"),
      labelled("nominal_v", "supply", " V"),
      labelled("power_mode", "power mode"),
      labelled("governor", "governor"),
      simulated.length === 0 ? "" : `simulated: ${simulated.join(", ")}`,
    ),
    sw_notes: listed(`threads: ${runtime.threads}`, labelled("allowed_cpus", "processors"), "measured by MLTB"),
  };
  return Object.fromEntries(fields.map((name) => [name, known[name] ?? ""]));
}
