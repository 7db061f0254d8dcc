/** The door for firmware builds: what a board's program needs of the data, and nothing that only hosts use. */
export { monitoringBoard } from "./boards/monitoring.ts";
export { type FlashMap, monitoringFlash } from "./boards/monitoring-flash.ts";
export { AT24C } from "./parts/at24c.ts";
export { INA226 } from "./parts/ina226.ts";
export { HD44780, LCD_BACKPACK } from "./parts/lcd.ts";
export { TMP105 } from "./parts/tmp105.ts";
export type { ChannelLimits, MonitoringBoard, SlowLimits } from "./types.ts";
