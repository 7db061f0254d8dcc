import { picoPads } from "../controllers/pico.ts";

const pins = (text: string): readonly string[] => text.split(" ");
const numbered = (first: number, last: number, name: (n: number) => string): string[] =>
  Array.from({ length: last - first + 1 }, (_, n) => name(first + n));

const TWO = pins("1 2");
const POLAR = pins("+ -");
const DIODE = pins("A K");
const MOSFET = pins("G D S");
/** Four pads: two that carry the current, two inner ones that are sensed. */
const FOUR_TERMINAL = pins("1 2 S1 S2");
const USB_CONNECTOR = pins("VBUS D+ D- GND SSTX+ SSTX- SSRX+ SSRX- DRAIN SHIELD");

/** Pins of the parts that are bought, by their data sheets' names. Those with one name are one net. */
export const partPins: Record<string, readonly string[]> = {
  // GPIO pins are checked against the board's list of pins.
  SC0915: [...new Set(picoPads.filter(({ gpio }) => gpio === null).map(({ name }) => name))],
  INA226AIDGSR: pins("A1 A0 ALERT SDA SCL VS GND VBUS IN- IN+"),
  INA240A1PWR: pins("IN- IN+ GND VS REF1 REF2 OUT"),
  ADS131M08IPBSR: [
    ...numbered(0, 7, (n) => `AIN${n}P`),
    ...numbered(0, 7, (n) => `AIN${n}N`),
    ...pins("AVDD DVDD AGND DGND REFIN CAP SYNC/RESET CLKIN XTAL2 CS DRDY SCLK DOUT DIN"),
  ],
  OPA376AIDBVR: pins("OUT V- IN+ IN- V+"),
  "74HC595D,118": pins("QA QB QC QD QE QF QG QH QH' SER OE RCLK SRCLK SRCLR VCC GND"),
  "74HC74D,653": [
    ...numbered(1, 2, (n) => n.toString()).flatMap((n) => pins(`${n}CLR ${n}D ${n}CLK ${n}PRE ${n}Q ${n}Q'`)),
    "VCC",
    "GND",
  ],
  "74HC08D,653": [...numbered(1, 4, (n) => n.toString()).flatMap((n) => pins(`${n}A ${n}B ${n}Y`)), "VCC", "GND"],
  "74HC123D,653": [
    ...numbered(1, 2, (n) => n.toString()).flatMap((n) =>
      pins(`${n}A ${n}B ${n}RD ${n}Q ${n}Q' ${n}CEXT ${n}REXT/CEXT`),
    ),
    "VCC",
    "GND",
  ],
  TMP105YZCT: pins("SDA SCL A0 ALERT V+ GND"),
  "AT24C32E-SSHM-T": pins("A0 A1 A2 GND SDA SCL WP VCC"),
  "PCF8574T/3,518": [...pins("A0 A1 A2 INT SCL SDA VDD VSS"), ...numbered(0, 7, (n) => `P${n}`)],
  TPS3839K33DBZR: pins("GND RESET VDD"),
  "R-78E5.0-1.0": pins("VIN GND VOUT"),
  "USB5744-I/2G": [
    ...numbered(1, 4, (n) => n.toString()).flatMap((n) =>
      pins(`USB2DN_DP${n} USB2DN_DM${n} USB3DN_TXDP${n} USB3DN_TXDM${n} USB3DN_RXDP${n} USB3DN_RXDM${n} PRT_CTL${n}`),
    ),
    ...pins("USB2UP_DP USB2UP_DM USB3UP_TXDP USB3UP_TXDM USB3UP_RXDP USB3UP_RXDM"),
    ...pins("VBUS_DET SMCLK SMDAT CFG_BC_EN CFG_NON_REM RESET_N XTALI XTALO ATEST RBIAS VDD12 VDD33 VSS"),
  ],
  TPS2553DBVR: pins("IN GND EN FAULT ILIM OUT"),
  FSUSB42MUX: pins("D+ D- HSD1+ HSD1- HSD2+ HSD2- SEL OE VCC GND"),
  HD3SS3212RKSR: [
    ...["A", "B", "C"].flatMap((port) => pins(`${port}0p ${port}0n ${port}1p ${port}1n`)),
    ...pins("OEn SEL VCC GND"),
  ],
  "PAC1954T-E/4MX": [
    ...numbered(1, 4, (n) => n.toString()).flatMap((n) => pins(`SENSE${n}+ SENSE${n}-`)),
    ...pins("VDD GND SCL SDA ADDRSEL SLOW/ALERT1 GPIO/ALERT2 PWRDN"),
  ],
  TLV62569DBVR: pins("EN GND SW VIN FB"),
  TPD4E05U06DQAR: pins("D1+ D1- D2+ D2- GND"),
  TPD2EUSB30DRTR: pins("D+ D- GND"),
  IRF9310TRPBF: MOSFET,
  "2N7002,215": MOSFET,
  AO3400A: MOSFET,
  "BAT54,215": DIODE,
  "BAS316,115": DIODE,
  SMBJ14A: DIODE,
  "B340A-13-F": DIODE,
  "LTST-C190KRKT": DIODE,
  WSL2512R0200FEA: FOUR_TERMINAL,
  WSL2512R0100FEA: FOUR_TERMINAL,
  WSL3637R0020FEA: FOUR_TERMINAL,
  WSL1206R0250FEA: FOUR_TERMINAL,
  CRGP2512F100R: TWO,
  "RC0603FR-0710RL": TWO,
  "RC0603FR-0733RL": TWO,
  "RC0603FR-07499RL": TWO,
  "RC0603FR-071KL": TWO,
  "RC0603FR-072K2L": TWO,
  "RC1206FR-072K2L": TWO,
  "RC0603FR-074K7L": TWO,
  "RC0603FR-0710KL": TWO,
  "RC0603FR-0712KL": TWO,
  "RC0603FR-0720KL": TWO,
  "RC0603FR-07100KL": TWO,
  "RC0603FR-07200KL": TWO,
  "RC0603FR-07300KL": TWO,
  "RC0603FR-07390KL": TWO,
  "RC0603FR-07453KL": TWO,
  "RC0603FR-07910KL": TWO,
  "ERA-3AEB103V": TWO,
  // 2 is the wiper.
  "3362P-1-103LF": pins("1 2 3"),
  CL10B104KB8NNNC: TWO,
  CL21A106KAYNNNE: TWO,
  CL21A226MAQNNNE: TWO,
  GRM1885C1H103JA01D: TWO,
  GRM1885C1H270JA01D: TWO,
  GRM188R71E224KA88D: TWO,
  GRM155R71C104KA88D: TWO,
  "ECQ-E1225KF": TWO,
  "EEU-FM1E102": POLAR,
  "EEE-FK1A151P": POLAR,
  "XFL4020-222MEC": TWO,
  // Pads 2 and 4 are the case.
  "ABM8-25.000MHZ-B2-T": pins("1 2 3 4"),
  // Place A or B, and the channel's side.
  "0452005.MRL": pins("1A 1B 2"),
  "0452001.MRL": TWO,
  "0452007.MRL": TWO,
  "0287020.PXCN": TWO,
  "3557-2": [],
  "B2P-VH": TWO,
  "B4B-XH-A": pins("1 2 3 4"),
  "XT60PW-M": TWO,
  "692122030100": USB_CONNECTOR,
  "692221030100": USB_CONNECTOR,
  "B3F-4055": TWO,
  "NHD-0420H1Z-FSW-GBW-33V3": [...pins("VSS VDD V0 RS R/W E A K"), ...numbered(0, 7, (n) => `DB${n}`)],
  // The mains side is the builder's.
  "RSP-150-5": pins("+V -V"),
  "LRS-350-12": pins("+V -V"),
  "RS-35-5": pins("+V -V"),
};
