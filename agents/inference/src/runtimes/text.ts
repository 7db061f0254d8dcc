/**
 * Elements of BYTES tensors are arbitrary bytes, ONNX Runtime's text is UTF-8, and its JavaScript binding ends a text at
 * the first NUL. Elements that are UTF-8 without NUL pass as they are; any other is written as MARK and then one character
 * per byte: 0x01..0x7F themselves, NUL and 0x80..0xFF as U+E100 + byte. An element that begins with MARK is written so as
 * well, which makes the mapping reversible. A model that reads text sees exactly these characters.
 */
const MARK = "\ue000";
const OFFSET = 0xe100;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The text that a model gets for an element. */
export function textOf(bytes: Uint8Array): string {
  if (!bytes.includes(0)) {
    try {
      const text = strict.decode(bytes);
      if (!text.startsWith(MARK)) return text;
    } catch {
      // Not UTF-8: written byte by byte below.
    }
  }
  let text = MARK;
  for (const byte of bytes) text += String.fromCharCode(byte > 0 && byte < 0x80 ? byte : OFFSET + byte);
  return text;
}

/** The element that a text of a model stands for; text that only looks written by `textOf` is taken as text. */
export function bytesOf(text: string): Uint8Array {
  if (!text.startsWith(MARK)) return encoder.encode(text);
  const bytes = new Uint8Array(text.length - 1);
  for (let i = 1; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    const byte = unit >= OFFSET ? unit - OFFSET : unit;
    const written = unit >= OFFSET ? byte === 0 || (byte >= 0x80 && byte <= 0xff) : unit > 0 && unit < 0x80;
    if (!written) return encoder.encode(text);
    bytes[i - 1] = byte;
  }
  return bytes;
}
