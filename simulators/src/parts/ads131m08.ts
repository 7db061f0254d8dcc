import {
  ADS131M08,
  ADS131M08_COMMANDS,
  ADS131M08_CRC_SEED,
  ADS131M08_OSR,
  ADS131M08_REGISTERS,
  ADS131M08_RESET,
} from "@mltb/hardware";
import { crc16 } from "@mltb/protocol";

export interface Ads131m08 {
  /** Frequency at CLKIN; conversions stand still without one. */
  clkin_hz: number;
  /** Time from one conversion to the next; undefined while there is no clock. */
  period_us(): number | undefined;
  /** A conversion has ended: takes the voltages at the inputs and pulls /DRDY low. */
  convert(volts: ArrayLike<number>): void;
  /** Level of /DRDY. */
  drdy(): 0 | 1;
  /** /CS falls: a frame begins. */
  select(): void;
  /** /CS rises: a command that the frame carried takes effect. */
  deselect(): void;
  /** The supply was away and is there again: registers as after a reset, and nothing is known of the inputs before. */
  powerUp(): void;
  /** The next frames of this number have two bits of their first sample flipped on the way, as by noise on the line. */
  damage: number;
  /** Exchanges bits, most significant first. */
  exchange(out: number, bits: number): number;
}

const CHANNELS = ADS131M08.channels;
const WREG_MASK = 0xe000;
const lengths = [2, 3, 4, 4];

/**
 * ADS131M08 at register level (SBAS950B): reset values, 24- and 16-bit words, register writes and reads, reset command,
 * data rate from CLKIN and CLOCK.OSR, gain, the digital filter's delay and settling, rounding and saturation, CCITT CRC over
 * the frame, /DRDY. The CRC of incoming frames is not modelled: the driver leaves it off.
 *
 * The filter is a sinc3 over three conversion times (8.3.5): of an input that is constant over each of them the newest
 * counts 1/6, the one before 4/6, the one before that 1/6, which are the integrals of its impulse response. A step is there
 * to 1/6, 5/6 and 1 at the following conversions; the delay is one and a half of them.
 */
export function createAds131m08(): Ads131m08 {
  const registers = new Map<number, number>();
  let data: number[] = new Array(CHANNELS).fill(0);
  /** Inputs over the last conversion time and the one before it. */
  let last: number[] = new Array(CHANNELS).fill(0);
  let earlier: number[] = new Array(CHANNELS).fill(0);
  let ready: 0 | 1 = 1;
  let answer = 0;
  let output: number[] = [];
  let input: number[] = [];

  function reset(): void {
    registers.clear();
    for (const [address, value] of Object.entries(ADS131M08_RESET)) registers.set(Number(address), value);
  }
  reset();

  const register = (address: number): number => registers.get(address) ?? 0;
  /** 1 to 128, three bits and a spare one a channel, four channels a register (8.6). */
  const gain = (channel: number): number => {
    const bits = register(channel < 4 ? ADS131M08_REGISTERS.gain1 : ADS131M08_REGISTERS.gain2);
    return 1 << ((bits >> ((channel & 3) * 4)) & 7);
  };
  const wordBytes = (): number => lengths[(register(ADS131M08_REGISTERS.mode) >> 8) & 3] as number;

  function execute(words: number[]): void {
    const command = words[0] ?? 0;
    answer = register(ADS131M08_REGISTERS.status);
    const address = (command >> 7) & 0x3f;
    const count = (command & 0x7f) + 1;
    if (command === ADS131M08_COMMANDS.reset) reset();
    else if ((command & WREG_MASK) === ADS131M08_COMMANDS.wreg) {
      for (let i = 0; i < count && i + 1 < words.length; i += 1) registers.set(address + i, words[i + 1] as number);
      answer = 0x4000 | (command & 0x1fff);
    } else if ((command & WREG_MASK) === ADS131M08_COMMANDS.rreg) answer = register(address);
  }

  return {
    clkin_hz: 0,
    damage: 0,
    period_us() {
      const osr = ADS131M08_OSR[(register(ADS131M08_REGISTERS.clock) >> 2) & 7] as number;
      return this.clkin_hz > 0 ? (2e6 * osr) / this.clkin_hz : undefined;
    },
    powerUp() {
      reset();
      for (const inputs of [data, last, earlier]) inputs.fill(0);
      ready = 1;
      answer = 0;
      input = [];
      output = [];
    },
    convert(volts) {
      data = Array.from({ length: CHANNELS }, (_, n) => {
        const filtered = ((volts[n] ?? 0) + 4 * (last[n] as number) + (earlier[n] as number)) / 6;
        const code = Math.round((filtered / ADS131M08.full_scale_v) * gain(n) * ADS131M08.full_scale_code);
        return Math.max(-32768, Math.min(32767, code)) & 0xffff;
      });
      earlier = last;
      last = Array.from({ length: CHANNELS }, (_, n) => volts[n] ?? 0);
      ready = 0;
    },
    drdy: () => ready,
    select() {
      ready = 1;
      input = [];
      const padding = new Array<number>(wordBytes() - 2).fill(0);
      const bytes = [answer, ...data].flatMap((word) => [word >> 8, word & 0xff, ...padding]);
      const crc = crc16(String.fromCharCode(...bytes), ADS131M08_CRC_SEED);
      output = [...bytes, crc >> 8, crc & 0xff, ...padding];
      if (this.damage === 0) return;
      this.damage -= 1;
      // First bytes of the sample of channel 1: an error of about three quarters of the range.
      output[wordBytes()] = (output[wordBytes()] as number) ^ 0x60;
    },
    deselect() {
      const size = wordBytes();
      const words: number[] = [];
      for (let at = 0; at + size <= input.length; at += size) {
        words.push(((input[at] as number) << 8) | (input[at + 1] as number));
      }
      execute(words);
    },
    exchange(out, bits) {
      let reply = 0;
      for (let done = 0; done < bits; done += 8) {
        reply = (reply << 8) | (output.shift() ?? 0);
        input.push((out >> (bits - 8 - done)) & 0xff);
      }
      return reply;
    },
  };
}
