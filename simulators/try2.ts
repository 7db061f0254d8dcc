import { readFileSync } from "node:fs";
import { createLuaBoard } from "./src/index.ts";
import { createHostSession, nodeSeal } from "@mltb/protocol";
let out = ""; 
const hal: any = { serial: () => "X", epoch: () => 1, reset_cause: () => 0, ticks_us: () => 0, heap_bytes: () => 1, link_write: (b: string) => { out += b; }, link_room: () => 4000,
 link_frame: (h: string, b: string) => { const w = nodeSeal.seal(h, b); out += w; return w.length; }, deframe: (b: string) => nodeSeal.unseal(b),
 gpio_mode() {}, gpio_write() {}, gpio_read: () => 0, i2c_xfer: () => undefined };
const board = await createLuaBoard({ bundle: readFileSync("firmware/dist/floor/floor.lua", "latin1"), hal });
let now = 0;
const s = createHostSession({ write: (x) => { try { board.rx(x, now); } catch (e) { console.log(String(e)); } }, room: () => 9999 }, nodeSeal, "try", 7, { onWelcome: (w) => console.log(now, w), onMessage: (n, x) => console.log(n, JSON.stringify(x)), onLost: (r) => console.log("lost", r), onPong: (p, ms) => console.log("pong", ms) });
s.connect(0);
for (; now < 600; now++) { s.tick(now); board.tick(now); if (out) { const o = out; out = ""; s.rx(o, now); } }
console.log(s.port.counters);
process.exit(0);
