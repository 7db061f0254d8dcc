/* Pins of the Monitoring board. Generated from hardware/src by `npm run -s hardware -- docs`; do not edit. */
#pragma once
#define PIN_MARKER_1 0u /* marker of channel 1 */
#define PIN_MARKER_2 1u /* marker of channel 2 */
#define PIN_MARKER_3 2u /* marker of channel 3 */
#define PIN_MARKER_4 3u /* marker of channel 4 */
#define PIN_MARKER_5 4u /* marker of channel 5 */
#define PIN_MARKER_6 5u /* marker of channel 6 */
#define PIN_MARKER_7 6u /* marker of channel 7 */
#define PIN_MARKER_8 7u /* marker of channel 8 */
#define PIN_MONITOR_SDA 8u /* SDA, channel monitors */
#define PIN_MONITOR_SCL 9u /* SCL, channel monitors */
#define PIN_PANEL_SDA 10u /* SDA, panel, temperature, EEPROM */
#define PIN_PANEL_SCL 11u /* SCL, panel, temperature, EEPROM */
#define PIN_CONVERTER_RX 12u /* converter DOUT */
#define PIN_CONVERTER_CS 13u /* converter CS */
#define PIN_CONVERTER_SCK 14u /* converter SCLK */
#define PIN_CONVERTER_TX 15u /* converter DIN */
#define PIN_CONVERTER_DRDY 16u /* converter DRDY */
#define PIN_BUTTON_UP 17u /* button up */
#define PIN_BUTTON_DOWN 18u /* button down */
#define PIN_BUTTON_SELECT 19u /* button select */
#define PIN_BUTTON_STOP 20u /* button stop */
#define PIN_CONVERTER_CLKIN 21u /* converter CLKIN */
#define PIN_ALERT 22u /* alert, wired-or of the monitors */
#define PIN_CHAIN_DATA 26u /* 74HC595 chain, serial data */
#define PIN_CHAIN_CLOCK 27u /* 74HC595 chain, shift clock */
#define PIN_CHAIN_LATCH 28u /* 74HC595 chain, latch clock; feeds the gate */
