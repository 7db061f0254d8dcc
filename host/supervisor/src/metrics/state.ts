import type { BayStateStore } from "../state.ts";
import type { Checkpoints } from "../store/checkpoints.ts";
import type { Metrics } from "./registry.ts";

/** Metrics of leases, audit log, state store and clock. */
export function stateMetrics(
  metrics: Metrics,
  state: BayStateStore,
  checkpoints: Checkpoints,
  subscribersCut: () => number,
): void {
  const { leases, audit, policies, clock } = state;
  metrics.counter("mltb_leases_granted_total", "Leases given.", [], () => [[{}, leases.counters.granted]]);
  metrics.counter("mltb_lease_refusals_total", "Requests for leases that were refused.", [], () => [
    [{}, leases.counters.refused],
  ]);
  metrics.counter("mltb_leases_ended_total", "Leases that have ended.", ["reason"], () =>
    Object.entries(leases.counters.ended).map(([reason, value]) => [{ reason }, value]),
  );
  metrics.gauge("mltb_leases", "Leases in force.", [], () => [[{}, leases.list().length]]);
  metrics.gauge("mltb_lease_requests_waiting", "Requests that wait for their turn.", [], () => [
    [{}, leases.waiting().length],
  ]);
  metrics.gauge("mltb_lease_policies_owed", "Targets whose end policy could not be carried out yet.", [], () => [
    [{}, policies.pending().length],
  ]);
  metrics.counter("mltb_state_write_failures_total", "Records that the state store could not take.", ["record"], () => [
    [{ record: "audit" }, audit.lost],
    [{ record: "lease" }, leases.counters.unsaved],
  ]);
  metrics.counter("mltb_state_checkpoints_total", "Checkpoints of the state store's log.", ["outcome"], () => [
    [{ outcome: "made" }, checkpoints.counters.made],
    [{ outcome: "failed" }, checkpoints.counters.failed],
  ]);
  metrics.counter("mltb_clock_steps_total", "Times that the system clock was set.", [], () => [[{}, clock.steps]]);
  metrics.counter(
    "mltb_mqtt_subscribers_cut_total",
    "Clients of the embedded broker that were cut off: they did not read, or sent too long a packet.",
    [],
    () => [[{}, subscribersCut()]],
  );
}
