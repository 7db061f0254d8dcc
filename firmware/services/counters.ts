import { type BoardSession, type Body, Refusal } from "@mltb/protocol";

/** Requests that read what the board has counted. */
export function counterHandlers(
  hal: Hal,
  session: () => BoardSession,
  luaErrors: (this: void) => number,
  unheard: (this: void) => number,
): Record<string, (this: void, body: Body, tag: number) => void> {
  return {
    drops_get(this: void, _body: Body, tag: number): void {
      if (hal.counters === undefined) {
        session().refuse(tag, Refusal.not_capable, "drops");
        return;
      }
      const [
        link_overruns,
        link_foreign,
        link_stuck,
        converter_crc,
        converter_overruns,
        trips_lost,
        edges_lost,
        bus_failed,
        bus_recovered,
        bus_stuck,
      ] = hal.counters();
      session().answer(tag, "drops_answer", {
        link_overruns,
        link_foreign,
        link_stuck,
        converter_crc,
        converter_overruns,
        trips_lost,
        edges_lost,
        bus_failed,
        bus_recovered,
        bus_stuck,
      });
    },
    counters_get(this: void, _body: Body, tag: number): void {
      const { port } = session();
      const seen = port.counters;
      let { good, crc, oversize, skipped_bytes } = port.deframer.counters;
      const { cobs, short, length, kind, major } = port.deframer.counters;
      let malformed = cobs + short + length + kind + major;
      if (hal.link_faults !== undefined) [good, crc, malformed, oversize, skipped_bytes] = hal.link_faults();
      session().answer(tag, "counters_answer", {
        good,
        crc,
        malformed: malformed + seen.malformed,
        oversize,
        skipped_bytes,
        unknown: seen.unknown,
        duplicate: seen.duplicate,
        out_of_order: seen.out_of_order,
        resent: seen.resent,
        dropped_stream: seen.dropped_stream,
        dropped_tx: unheard(),
        lua_errors: luaErrors(),
        heap_bytes: hal.heap_bytes(),
      });
    },
  };
}
