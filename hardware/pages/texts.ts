import type { BoardText } from "./board.ts";

export const monitoringText: BoardText = {
  intro: `Eight target channels and the front panel of a rack. Each channel has a switch, a shunt that an INA226 and a fast
amplifier share, a discharge, an open-drain reset line, an open-drain strap line and a marker input.`,
  circuit: `Four 74HC595 in a row carry all lines of the channels. Their output-enable inputs hang together on the inverted output of a
74HC123 that every edge of the latch clock triggers anew: when firmware stops, the outputs are gone within 500 ms, and the
pull-downs take every line to the level that a target does not feel. A supervisor holds the 74HC123 in reset while the 3.3 V
rail is low.

The switch's bit goes through an AND with the channel's trip latch, half a 74HC74. The INA226's alert clears the latch, which
opens the switch in hardware; a low switch bit sets the latch again, so firmware closes a tripped channel only by writing it
open first. Each alert also pulls the shared alert line low through a Schottky diode, and so the controller knows the time.

Two P-channel MOSFETs with their sources together are the switch: neither body diode conducts alone, so a target that is fed from
elsewhere feeds nothing back. The driver pulls the gates to ground through a resistor, and no resistor divides that drive, so
they get the whole rail. A capacitor from the gates to the switched side limits the slew to about 1 V/ms; each class has its own
gate resistor for it. To open, a resistor from the driver's node to the sources lifts the gates through a diode, past the gate
resistor. A PCF8574 on the panel's bus reads every gate signal back, behind latch and one-shot: off discharged is proved by voltage
and current, off floating by a gate that is read back as open, and the current.

Each feed has a blade fuse for channels 1 to 4 and one for 5 to 8, because in warm air no fuse that its holder takes carries all eight.
The monitor of the rack's supply sits before them: of a blown one its channels tell, by their under-voltage. The board's own draw
has a fuse of its own at each feed, taken behind the rack's shunt, so the rack's current holds it.`,
  wires: `The nets of channel 1 stand for all: the parts of channel n are the n-th of their kind (U1 to U8, U9 to U16, Q1 and Q2 for
channel 1, Q3 and Q4 for channel 2, and so on); \`npm run -s hardware -- check\` goes over all of them: every pin of every part is on a net or named as
left open. A pin that a package has more than once stands once. C10 to C49 go beside the supply pins of the parts.`,
  pins: `They are for programs that are not built from this repository, such as a test of a first board; the firmware's own
build makes its header from the same data (\`firmware/lua-runtime/hardware-header.ts\`), with the same names, and needs more of
it than pins.`,
};

export const managedUsbText: BoardText = {
  intro: `Four USB ports for targets that live on USB. Of each port VBUS, USB 2 data and SuperSpeed data are switched apart. The
controller has a USB cable of its own to the host, so control does not depend on the hub's data path.`,
  circuit: `The controller's pins drive the switches. After its reset, or without it, all pins float, and the resistors take VBUS off and
both data paths open; the RP2040's own watchdog resets a firmware that hangs. There is no gate beside it. The hub stays in
reset, and hidden from the host, until firmware has configured it over SMBus. The hub's port-power pins are not used: it is told
over SMBus that its ports are powered, and the VBUS switches report over-current and reverse voltage to the controller.

The shunt of the input sees all of the board; behind it the ports and the converters have a fuse each.`,
  wires: `The nets of port 1 stand for all; \`npm run -s hardware -- check\` goes over all of them: every pin of every part is on a
net or named as left open. A pin that a package has more than once stands once. C5 to C44 go beside the supply pins of the parts.`,
  pins: "They are for the firmware of this board, which does not exist yet, and for tests of a first board.",
};
